"""Texts that their author left to be filled in are refused, with the key's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.configuration import shipped_config
from tests.configured import problems_of

SHIPPED = shipped_config().read_text(encoding="utf-8")
AID = (shipped_config().parent / "exemples" / "subvention.toml").read_text(encoding="utf-8")
INSTRUCTION = 'instruction = "l’équipe du programme EIG (DINUM)"'
OPTION = 'a_verifier = "À vérifier", ineligible'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TODO", "TODO"),
        ("TODO : l’équipe", "TODO"),
        ("à compléter", "à compléter"),
        ("À compléter.", "À compléter."),
        ("À renseigner", "À renseigner"),
        ("l’équipe (à compléter)", "(à compléter"),
        ("l’équipe de {organisme}", "{organisme}"),
        ("XXX", "XXX"),
        ("FIXME", "FIXME"),
        ("l’équipe qui aide à compléter les dossiers", None),
        ("la TODOTHÈQUE", None),
    ],
)
def test_who_decides_is_written_out(text: str, found: str | None, tmp_path: Path) -> None:
    """It stands in every detail."""
    assert INSTRUCTION in SHIPPED
    said = problems_of(SHIPPED.replace(INSTRUCTION, f'instruction = "{text}"'), tmp_path)
    wanted = f"precontrole.instruction: « {found} » is left to be filled in; people would read it"
    assert [wanted] * bool(found) == said


@pytest.mark.parametrize(("text", "is_refused"), [("TODO", True), ("À compléter", False)])
def test_an_option_of_the_form_can_say_that_something_is_missing(
    text: str, is_refused: bool, tmp_path: Path
) -> None:
    """« À compléter » is a result that people read in DS."""
    assert OPTION in SHIPPED
    said = problems_of(SHIPPED.replace(OPTION, f'a_verifier = "{text}", ineligible'), tmp_path)
    assert is_refused is ("annotations.options.a_verifier: « TODO »" in str(said))


@pytest.mark.parametrize("key", ["titre", "motif", "regle", "a_faire"])
def test_a_declared_check_is_written_out(key: str, tmp_path: Path) -> None:
    """By its name; facts in braces stay possible where they are filled in."""
    begin = AID.index(f"\n{key} = ") + 1
    line = AID[begin : AID.index("\n", begin)]
    assert [] == problems_of(AID, tmp_path)
    [said] = problems_of(AID.replace(line, f'{key} = "TODO : à écrire"', 1), tmp_path)
    assert f".{key}: « TODO » is left to be filled in" in said
