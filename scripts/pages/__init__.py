"""What the pages of docs/ say of the code: made as the site is built, and committed nowhere.

A line `<!-- built: NAME -->` of a page stands for what `BUILT[NAME]` returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dsync.service.alerts import ALERTS
from dsync.service.metrics import METRICS
from dsync.service.surface import ADDRESSES
from scripts.pages import (
    commands,
    dependencies,
    documents,
    errors,
    events,
    keys,
    questions,
    register,
    rules,
    views,
)
from scripts.pages.table import rows

MARK = re.compile(r"^<!-- built: (\w+) -->$", re.MULTILINE)
BUILT: Mapping[str, Callable[[], str]] = {
    "addresses": lambda: rows(
        ("method", "path", "answer"),
        ((method, f"`{path}`", answer) for method, path, answer in ADDRESSES),
    ),
    "metrics": lambda: rows(
        ("name", "labels", "value", "from"),
        (
            (
                f"`{one.name}`",
                ", ".join(one.labels),
                one.meaning,
                "this process" if one.of_process else "database",
            )
            for one in METRICS
        ),
    ),
    "alerts": lambda: rows(
        ("alert", "meaning"), ((f"`{name}`", meaning) for name, meaning in ALERTS.items())
    ),
    "variables": keys.variables,
    "sections": keys.sections,
    "reasons": dependencies.reasons,
    "licences": dependencies.licences,
    "options": commands.of_all,
    "commands": commands.documented,
    "documents": documents.shapes,
    "views": views.documented,
    "events": events.documented,
    "errors": errors.documented,
    "register": register.documented,
    "rules": rules.published,
    "questions": questions.answered,
}


def filled(text: str) -> str:
    """Return a page's text with what its marks stand for."""
    return MARK.sub(lambda mark: BUILT[mark[1]](), text)
