"""What tests may not do: reach into private parts, or replace parts of what they test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PATCHES_LEFT = 10
"""A lease's time, a storing of pages, an order between two others, bugs of dsync's own, and the
network beyond this machine: none has a public seam."""


def found(pattern: str) -> list[str]:
    """Return the places of a pattern in all tests but this one."""
    return [
        f"{file.relative_to(TESTS)}:{number}"
        for file in sorted(TESTS.rglob("*.py"))
        if file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        (r"(?<!\bself)(?<!\bcls)(?<=[\w)\]])\._(?!replace\()[a-z]", 0),
        (r"\b__dict__\b", 0),
        (r"\bsetattr\(|\bmock\.patch|\bpatch\.object", PATCHES_LEFT),
    ],
    ids=["private attributes", "__dict__", "patches"],
)
def test_tests_use_public_parts(pattern: str, left: int) -> None:
    """A test that needs more is told of here: the part takes a collaborator as an argument."""
    places = found(pattern)
    assert len(places) <= left, places
