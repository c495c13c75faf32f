"""Generates reference pages of docs/ from the code; `pytest --update-golden` writes them.

The folder `hand` has what is written by hand of each page; a mark `<!-- name -->` on a line of its
own stands for what is generated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from dsync.service.alerts import ALERTS
from dsync.service.metrics import METRICS
from dsync.service.surface import ADDRESSES
from tests.golden import commands, dependencies, errors, events, keys, views
from tests.golden.table import rows

HAND = Path(__file__).parent / "hand"
PAGES = sorted(file.relative_to(HAND).as_posix() for file in HAND.rglob("*.md"))

GENERATED: Mapping[str, Callable[[], str]] = {
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
    "views": views.documented,
    "events": events.documented,
    "errors": errors.documented,
}
"""What each mark stands for."""


def page(name: str) -> str:
    """Return a page of docs/."""
    text = (HAND / name).read_text(encoding="utf-8")
    return re.sub(r"^<!-- (\w+) -->$", lambda mark: GENERATED[mark[1]](), text, flags=re.M)
