"""The account of a verdict: half a page for whom it concerns, then the whole."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.domain.account import AccountRules, account_of, account_page
from dsync.domain.paper import markdown
from dsync.domain.rights import CANDIDAT

TITLES = {"depot": "date de dépôt", "phase": "phase", "doublon": "doublon"}
REASON = "Phase passée. Règle (FAQ) : phase admise. À faire : ne pas présenter au jury."
BEFORE, DECIDED, AFTER = "2024-05-01T08:00:00Z", "2024-06-01T08:00:00Z", "2024-07-01T08:00:00Z"
HALF_A_PAGE = 2000
"""Characters, of the 4,000 of a page."""


def account(etat: str, etabli_le: str = BEFORE, **checks: tuple[str, str | None]) -> dict[str, Any]:
    """Return the account of a dossier with these checks: result and reason of each."""
    at = {"etabli_le": etabli_le, "courant": True}
    given = checks or {"depot": ("conforme", "Déposé."), "phase": ("non_conforme", REASON)}
    is_open = etat in ("en_construction", "en_instruction")
    found = {
        "numero": 12,
        "raison_sociale": "DIRECTION",
        "etat": etat,
        "depose_le": "2024-04-30T08:00:00Z",
        "traite_le": None if is_open else DECIDED,
        "precontroles": [{**at, "verdict": "Inéligible", "version_regles": "v"}],
        "controles": [
            {**at, "controle": name, "resultat": one, "motif": motif, "preuve": {}}
            for name, (one, motif) in given.items()
        ],
    }
    rules = AccountRules("Finalité.", ["Contribution."], "l’équipe", ["Opération."])
    made = account_of(found, None, lambda _: rules, TITLES, lambda _: [])
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("etat", "warns"),
    [
        ("en_construction", True),
        ("en_instruction", True),
        ("accepte", False),
        ("refuse", False),
        ("sans_suite", False),
    ],
)
def test_it_warns_before_all_else_while_nothing_is_decided(etat: str, warns: bool) -> None:
    """Who hands it over is told that it prepares a decision; the rest is the same."""
    text = markdown(account_page(account(etat), CANDIDAT))
    _, begin, *_ = text.split("\n\n")
    assert warns is ("L. 311-2" in begin) is ("L. 311-2" in text)
    assert warns is not ("## En bref" == begin)


def test_it_begins_with_half_a_page_for_a_citizen() -> None:
    """What was asked, found, what decides, who, how to contest; nothing for an instructeur."""
    made = account("refuse", phase=("non_conforme", REASON), doublon=("sans_objet", "…"),
                   depot=("conforme", "Déposé."))  # fmt: skip
    text = markdown(account_page(made, CANDIDAT))
    brief, _, rest = text.partition("## Avis")
    places = [
        brief.index(said)
        for said in (
            "Votre dossier n° 12, déposé le 30/04/2024, a passé un pré-contrôle",
            "Le 01/05/2024, son avis a été « Inéligible ». Non conforme : phase. Conforme : date "
            "de dépôt. Non examiné : doublon.",
            "Phase : phase passée. Règle (FAQ) : phase admise.",
            "Le résultat le plus sévère donne l’avis, qui ne vaut pas décision.",
            "L’équipe instruit le dossier et décide. Le dossier a été refusé le 01/06/2024",
            "C’est la décision qui peut être contestée",
            "R. 421-1",
        )
    ]
    assert places == sorted(places)
    assert "À faire" not in brief
    assert len(brief) <= HALF_A_PAGE
    assert REASON in rest
    assert "## Finalité" in rest


def test_an_advice_that_came_after_the_decision_is_told_so() -> None:
    """It contributed nothing to it."""
    late, early = (
        " ".join(account("refuse", at)["en_bref"] + account("refuse", at)["contribution"])
        for at in (AFTER, BEFORE)
    )
    assert 2 == late.count("établi après la décision : il n’y a pas contribué")
    assert "établi après la décision" not in early


def test_an_erased_reason_is_left_out() -> None:
    """Its result stays."""
    brief = account("refuse", phase=("non_conforme", None))["en_bref"]
    assert 4 == len(brief)
    assert "Non conforme : phase." in brief[1]
