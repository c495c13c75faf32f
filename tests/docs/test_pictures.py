"""The pictures of the documentation: small, used, made by a script, true where drawn."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

from scripts import drawings
from tests.conftest import Golden

ROOT = Path(__file__).parents[2]
PICTURES = sorted(one for one in (ROOT / "docs/images").rglob("*") if one.is_file())
PLACES = [one for one in PICTURES if one.suffix == ".webp"]
"""The console's, each at three widths."""
BY_HAND = {"overview"}
WIDTHS = {1280, 768, 390}
PALETTE = 3


def test_pictures_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in PICTURES}
    assert {} == {name: size for name, size in sizes.items() if size > 60 << 10}
    assert sum(sizes.values()) - sum(one.stat().st_size for one in PLACES) < 500 << 10
    assert sum(one.stat().st_size for one in PLACES) < 1400 << 10
    for file in PICTURES:
        if file.suffix == ".png":
            width, _, _, kind = struct.unpack(">IIBB", file.read_bytes()[16:26])
            assert width in WIDTHS
            assert kind == PALETTE


def test_each_picture_is_on_a_page_and_made_by_the_script() -> None:
    """None is left over, and none is of a product that has moved on."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    used = {
        name
        for page in pages
        for name in re.findall(r"\]\([^)]*images/(?:places/)?([^)]+)\)", page.read_text("utf-8"))
    }
    assert {file.name for file in PICTURES} == used
    script = (ROOT / "scripts/pictures").read_text(encoding="utf-8")
    assert BY_HAND == {file.stem for file in PICTURES if f'"{file.stem}"' not in script}


def test_what_is_drawn_of_the_code_is_so(golden: Golden) -> None:
    """The rights of the console's roles, the views, the statuses of what is written, a result."""
    kept = replace(golden, folder=ROOT / "docs/images")
    kept.check("droits.svg", drawings.rights())
    kept.check("vues.svg", drawings.views())
    kept.check("vie-annotation.svg", drawings.wishes())
    kept.check("dossier-ds.svg", drawings.in_ds())
