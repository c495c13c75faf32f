"""The pages for contributors name files, functions and values that are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    "CONTRIBUTING.md",
    *(f"docs/contribute/{name}.md" for name in ("architecture", "index", "recipes")),
    *(f"docs/understand/how-it-{does}.md" for does in ("judges", "reads", "writes")),
)
FOLDERS = ("dsync", "tests", "config", "docs", "scripts")
TEXTS = {".py", ".toml", ".graphql", ".sql"}
LEFT_OUT = re.compile(
    r"(?i)couleur|langue|labels|empty_json|utilisateurs|<|…|^(?:git|sha256sum)\s"
    r"|etiquettes|full_read|inscrit_le|relecture|reread|\brelu\b"
)
"""What the recipes' examples add, and another program's words."""


def _codes(page: str) -> list[str]:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [code for code in re.findall(r"`([^`]+)`", text) if not LEFT_OUT.search(code)]


@cache
def _known() -> set[str]:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file()]
    files += ROOT.glob("*.toml")
    known = {part for file in files for part in (*re.split(r"\W", file.stem), *file.parent.parts)}
    for file in files:
        if file.suffix in TEXTS and file != Path(__file__):
            known.update(re.findall(r"\w+", file.read_text(encoding="utf-8")))
    return known


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_is_there(page: str) -> None:
    paths = [
        path.rstrip("/")
        for code in _codes(page)
        for path in re.findall(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+", code)
    ]
    words = {word for code in _codes(page) for word in re.findall(r"[A-Za-z_]\w{3,}", code)}

    assert [] == [path for path in paths if not (ROOT / path).exists()]
    assert set() == words - _known()
