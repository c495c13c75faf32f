"""What the pages of docs/ say of the code; `scripts/reference` writes it between marks of a page.

Between `<!-- built: NAME -->` and `<!-- end: NAME -->` stands what `BUILT[NAME]` returns.
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

MARK = re.compile(r"^<!-- built: (\w+) -->\n(.*?)^<!-- end: \1 -->$", re.MULTILINE | re.DOTALL)
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
    """Return a page's text with what the code says of itself today between its marks."""
    return MARK.sub(lambda mark: _part(mark[1], BUILT[mark[1]]()), text)


def _part(name: str, text: str) -> str:
    return f"<!-- built: {name} -->\n\n{text.strip()}\n\n<!-- end: {name} -->"
