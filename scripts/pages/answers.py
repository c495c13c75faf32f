"""The answers to a page's questions in SQL, as tests/outside keeps them of one history."""

from __future__ import annotations

import re
from pathlib import Path

QUESTION = re.compile(r"(```sql\n(.+?)```\n)(?:\n(?:\|[^\n]*\n)+)?", re.DOTALL)
"""A query, with the table of its answer if there is one."""
ANSWERS = Path(__file__).parents[2] / "tests/outside/golden/answers.md"


def answered(text: str) -> str:
    """Return a page's text with the answer below each query that has one."""
    kept = ANSWERS.read_text(encoding="utf-8")
    known = {found[2]: found[0] for found in QUESTION.finditer(kept)}
    return QUESTION.sub(lambda found: known.get(found[2], found[0]), text)
