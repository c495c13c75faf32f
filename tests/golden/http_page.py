"""Generates docs/http.md from the code: `python -m tests.golden.http_page --write`."""

from __future__ import annotations

import sys
from pathlib import Path

from dsync.service.http import ADDRESSES
from dsync.service.metrics import METRICS

PAGE = Path(__file__).parents[2] / "docs" / "http.md"
HAND = Path(__file__).with_suffix(".md")
"""What is written by hand, with a mark for each table."""


def page() -> str:
    """Return the page."""
    addresses = ["| method | path | answer |", "|---|---|---|"]
    addresses += [f"| {method} | `{path}` | {answer} |" for method, path, answer in ADDRESSES]
    metrics = ["| name | labels | value | from |", "|---|---|---|---|"]
    metrics += [
        f"| `{one.name}` | {', '.join(one.labels)} | {one.meaning} | "
        f"{'this process' if one.of_process else 'database'} |"
        for one in METRICS
    ]
    text = HAND.read_text(encoding="utf-8")
    for name, table in (("addresses", addresses), ("metrics", metrics)):
        text = text.replace(f"<!-- {name} -->", "\n".join(table))
    return text


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
