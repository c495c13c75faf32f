"""The documentation's site: what its own build does not check (`scripts/site` checks the links)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.pages import BUILT, MARK, filled
from scripts.pages.site import finished, language, settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def listed(entry: Any) -> Iterator[str]:
    """Yield the pages of an entry of the navigation."""
    match entry:
        case str():
            yield entry
        case dict():
            yield from listed([*entry.values()])
        case _:
            for one in entry:
                yield from listed(one)


def test_the_navigation_has_every_page_once() -> None:
    """But the records: their own page lists them."""
    docs = ROOT / "docs"
    pages = {file.relative_to(docs).as_posix() for file in docs.rglob("*.md")}
    pages -= {page for page in pages if page.startswith("understand/records/0")}
    assert sorted(pages) == sorted(listed(PROJECT["nav"]))


FRENCH = {"index.md", "reference/views.md"}
"""The pages in French that are not below fr/."""


def test_the_pages_are_whole_and_each_has_its_language() -> None:
    """Each part that is made of the code has its place on a page, and says something.

    A screen reader speaks the language, and the theme's own words are in it.
    """
    docs = ROOT / "docs"
    of = {file.relative_to(docs).as_posix(): file.read_text("utf-8") for file in docs.rglob("*.md")}
    parts = {found[1]: found[2] for text in of.values() for found in MARK.finditer(text)}
    assert sorted(BUILT) == sorted(parts)
    assert [] == [name for name, text in parts.items() if text.count("\n") < 5]
    french = {name for name, text in of.items() if language(text) == "fr"}
    assert FRENCH | {name for name in of if name.startswith("fr/")} == french
    assert "en" == language((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_pages_say_what_the_code_does_today() -> None:
    """`scripts/reference` writes it."""
    texts = {file: file.read_text("utf-8") for file in (ROOT / "docs").rglob("*.md")}
    assert [] == [file.name for file, text in texts.items() if filled(text) != text]


def test_the_pages_are_short() -> None:
    """Who writes more says the rest in fewer words; what is made of the code does not count."""
    pages = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")]
    pages += (ROOT / "docs").rglob("*.md")
    words = sum(len(MARK.sub("", page.read_text("utf-8")).split()) for page in pages)
    assert words <= 38_000


def test_pages_lead_to_the_repository_as_soon_as_it_has_an_address() -> None:
    """Nobody is led to the placeholder; files beside docs/ are edited where they are."""
    named = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    publiccode = (ROOT / "publiccode.yml").read_text(encoding="utf-8")
    [url] = re.findall(r"^url: (.+)$", publiccode, re.M)
    assert "repo_url" not in tomllib.loads(settings(named, "fr", "url: https://a.invalid/b.git"))
    known = publiccode.replace(url, "https://forge.example/equipe/dsync.git")
    project = tomllib.loads(settings(named, "en", known))["project"]
    assert "https://forge.example/equipe/dsync" == project["repo_url"]
    assert "en" == project["theme"]["language"]
    page = '<a href="https://f.example/e/d/edit/main/docs/project/README.md">'
    assert '<a href="https://f.example/e/d/edit/main/README.md">' == finished(page)


def test_the_site_loads_nothing_from_elsewhere() -> None:
    """No fonts, and no diagrams, whose program would come from elsewhere."""
    assert PROJECT["theme"]["font"] is False
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "docs").rglob("*.md")]
    assert [] == [text for text in texts if "```mermaid" in text]


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900
