"""A wrong key of the configuration file gets the nearest known one, at any depth."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.configuration import read_configuration
from dsync.errors import ConfigurationError
from scripts.pages.keys import settings
from tests.configured import problems_of

MOST = 80


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[anotations]", "anotations: unknown key; did you mean annotations?"),
        ("[ds]\ncontct = 1", "ds.contct: unknown key; did you mean contact?"),
        ("[pieces]\ntargt = 1", "pieces.targt: unknown key; did you mean target?"),
        ("[annotations]\ndetails = 1", "annotations.details: unknown key; did you mean detail?"),
        ("[annotations.options]\neligble = 1",
         "annotations.options.eligble: unknown key; did you mean eligible?"),
        ("[mapping.champs.page_produit]\nidd = 1",
         "mapping.champs.page_produit.idd: unknown key; did you mean id?"),
        # What a field expects, and what the checks need, is said elsewhere.
        ("[mapping.champs.page_produit]\nneeded = true",
         "mapping.champs.page_produit.needed: unknown key; remove it or correct its spelling"),
        ("[mapping.voeux.profil]\ntype = 'text'",
         "mapping.voeux.profil.type: unknown key; remove it or correct its spelling"),
        ("[mapping.voeux]\ntype = 'text'",
         "mapping.voeux.type: unknown key; remove it or correct its spelling"),
        ("[mapping.annotations.jury]\nid = 'x'",
         "mapping.annotations.jury: unknown key; did you mean jury_le?"),
        ("[mapping.voeux]\nprofl = {}", "mapping.voeux.profl: unknown key; did you mean profil?"),
        ("[[mapping.evaluations.criteres]]\ncritre = 1",
         "mapping.evaluations.criteres.0.critre: unknown key; did you mean critere?"),
        ("[maping.champs.entite]", "maping: unknown key; did you mean mapping?"),
        ("[mapping.evaluation]", "mapping.evaluation: unknown key; did you mean evaluations?"),
        ("[precontrole]\nanswer_day = 1",
         "precontrole.answer_day: unknown key; did you mean answer_days?"),
        ("[registry]", "registry: unknown key; did you mean registre?"),
        ("[registre]\nenable = 1", "registre.enable: unknown key; did you mean enabled?"),
    ],
)  # fmt: skip
def test_the_nearest_key_is_proposed(tmp_path: Path, line: str, said: str) -> None:
    """In every section, those inside others and in lists, too."""
    base = "" if "ping" in line else "[mapping]\n"
    assert said in problems_of(f"{base}{line}", tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[safty]", "safty: unknown key; did you mean safety?"),
        ("incremental = '0s'", "schedule.incremental: expected 1s at least."),
    ],
)
def test_one_problem_is_one_sentence(tmp_path: Path, line: str, said: str) -> None:
    """With one mark at its end, and in the words of the file."""
    path = tmp_path / "dsync.toml"
    path.write_text(f"[ds]\ncontact = 'a'\n[schedule]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(path)
    assert f"{path}: {said}" == raised.value.message


def test_there_are_few_settings() -> None:
    """Whoever adds one takes another one out: what can be derived or nobody turns is no setting."""
    assert len(settings()) <= MOST
