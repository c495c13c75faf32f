"""What the applicant of a démarche with declared checks is asked."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from dsync.controles.declarations import ControlesSections
from dsync.controles.papers import message_of
from dsync.domain.account import LONGEST_DEMAND
from dsync.domain.check_answers import ANSWER

CHECK = """
[[controles]]
nom = "{}"
titre = "{}"
regle = "Règle (article 1) : essai."
a_faire = "vérifier."
demande = "{}"
exige = {{ champ = "siret", present = true }}
"""
RNA, RIB = "Merci d’indiquer le numéro RNA.", "Merci de joindre un RIB."


def sections(*demandes: str) -> ControlesSections:
    """Return checks a, b, …, each with what it asks for."""
    text = "".join(CHECK.format(n, n, one) for n, one in zip("abcd", demandes, strict=False))
    return ControlesSections.model_validate(tomllib.loads(text))


def row(name: str, resultat: str, motif: str = "", **preuve: Any) -> dict[str, Any]:
    """Return a check of the current verdict."""
    return {"controle": name, "resultat": resultat, "motif": motif, "preuve": preuve}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([row("a", "a_verifier"), row("b", "non_conforme")], [RNA, RIB]),
        ([row("a", "a_verifier"), row("c", "a_verifier")], [RNA]),
        ([row("a", "a_verifier", **{ANSWER: {}}), row("b", "non_conforme")], [RIB]),
        ([row("a", "sans_objet"), row("b", "impossible"), row("c", "conforme")], []),
        ([row("a", "a_verifier", sans_ligne=["plafonds"])], []),
    ],
)
def test_only_what_was_found_wanting_and_is_open_is_asked_once(
    given: list[dict[str, Any]], expected: list[str]
) -> None:
    """Not what a person answered, or nobody could examine."""
    found = {"numero": 12, "etat": "en_instruction"}
    made = message_of(sections(RNA, RIB, RNA), found, given)
    assert expected == [*made.demandes]
    silence = "Sans réponse de votre part dans ce délai, votre dossier sera instruit en l’état."
    assert bool(expected) is (silence in made.texte)


@pytest.mark.parametrize(
    ("demande", "exige", "expected"),
    [
        (RIB, 'champ = "rib", present = true', f"{RIB} Question : « Votre RIB »."),
        ("Merci de joindre « Votre RIB ».", 'champ = "rib", present = true', None),
        (RIB, 'champ = "siret", present = true', None),
        (RIB, 'champ = "lot", au_plus = { champ = "rib" }',
         f"{RIB} Questions : « Lot » et « Votre RIB »."),
    ],
)  # fmt: skip
def test_a_demand_names_the_questions_to_correct(
    demande: str, exige: str, expected: str | None
) -> None:
    """Those that it does not name itself; a fact of the applicant is none."""
    champ = '{} = {{ libelles = ["{}"], type = "nombre" }}\n'
    check = CHECK.format("a", "a", demande).replace('champ = "siret", present = true', exige)
    text = f"[champs]\n{champ.format('rib', 'Votre RIB')}{champ.format('lot', 'Lot')}{check}"
    given = ControlesSections.model_validate(tomllib.loads(text))
    made = message_of(given, {"numero": 12, "etat": "en_instruction"}, [row("a", "a_verifier")])
    assert [expected or demande] == [*made.demandes]


def test_a_demand_is_short() -> None:
    """Whoever declares a check is told, and its sentence is never cut."""
    assert sections("x" * LONGEST_DEMAND).controles[0].demande == "x" * LONGEST_DEMAND
    with pytest.raises(ValidationError, match=f"at most {LONGEST_DEMAND} characters"):
        sections("x" * (LONGEST_DEMAND + 1))
