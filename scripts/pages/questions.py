"""The questions of examples/questions, and their answers as tests/outside keeps them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "examples/questions"
ANSWERS = ROOT / "tests/outside/golden/answers.md"


def questions() -> list[tuple[str, str]]:
    """Return each question with its SQL: those of any démarche, then those of the programme."""
    files = [*sorted(QUESTIONS.glob("*.sql")), *sorted(QUESTIONS.glob("*/*.sql"))]
    both = [file.read_text(encoding="utf-8").split("\n", 1) for file in files]
    return [(title.removeprefix("-- "), query) for title, query in both]


def answered() -> str:
    """Return the questions with their SQL and answers, as a part of a page."""
    return ANSWERS.read_text(encoding="utf-8").rstrip()
