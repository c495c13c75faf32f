"""`completude` and `doublon`: blank answers, and other dossiers for the product."""

from __future__ import annotations

import pytest

from dsync.eig.candidature import Reponse
from tests.unit.eig.precheck.builders import check, load_rules

FILLED, BLANK = Reponse.REMPLI, Reponse.VIDE
NOT_ASKED, UNMAPPED = Reponse.NON_DEMANDE, Reponse.NON_ASSOCIE


@pytest.mark.parametrize(
    ("probleme", "entite", "objectifs", "resultat"),
    [
        (FILLED, FILLED, FILLED, "conforme"),
        (NOT_ASKED, FILLED, FILLED, "conforme"),
        (NOT_ASKED, NOT_ASKED, NOT_ASKED, "conforme"),
        (BLANK, FILLED, FILLED, "a_verifier"),
        (FILLED, FILLED, BLANK, "a_verifier"),
        (BLANK, NOT_ASKED, FILLED, "a_verifier"),
        (FILLED, UNMAPPED, FILLED, "impossible"),
        (UNMAPPED, NOT_ASKED, FILLED, "impossible"),
        (BLANK, BLANK, UNMAPPED, "impossible"),
    ],
)
def test_needed_champs_are_filled(
    probleme: Reponse, entite: Reponse, objectifs: Reponse, resultat: str
) -> None:
    """Blank gives « à vérifier », not asked counts as filled, not mapped gives « impossible »."""
    answer = check(
        "completude",
        reponses={"probleme": probleme, "entite": entite, "objectifs_12_mois": objectifs},
    )
    assert answer.resultat == resultat


def test_many_blanks_are_all_named() -> None:
    needed = [(f"champ_{n}", f"Champ {n}") for n in range(9)]
    rules = load_rules(needed=needed)
    answer = check("completude", with_rules=rules)
    assert "« Champ 7 » ni à « Champ 8 »." in answer.motif
    assert answer.preuve["vides"] == [field for field, _ in needed]


@pytest.mark.parametrize(
    ("doublons", "resultat", "said"),
    [
        ((), "conforme", "Aucun doublon relevé parmi les dossiers en cours ou acceptés."),
        ((1,), "conforme", "Aucun doublon relevé parmi les dossiers en cours ou acceptés."),
        ((2,), "a_verifier", "Même produit que le dossier 2, en cours ou accepté sur "),
        ((2, 2), "a_verifier", "Même produit que le dossier 2, en cours ou accepté sur "),
        ((3, 2), "a_verifier", "Même produit que les dossiers 2 et 3, en cours ou acceptés sur "),
        ((1, 2), "a_verifier", "Même produit que le dossier 2, en cours ou accepté sur "),
        ((18600002,), "a_verifier", "Même produit que le dossier 18600002, "),
        (tuple(range(2, 12)), "a_verifier", "8, 9, 10 et 11, en cours"),
        (tuple(range(20, 1, -1)), "a_verifier", "que les dossiers 11, 12, 13, 14, 15, "),
        (tuple(range(2, 13)), "a_verifier", "9, 10, 11 et d’autres, en cours ou acceptés sur "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("typed", ["https://beta.gouv.fr/startups/a-just.html", "A-JUST"])
def test_other_dossiers_are_named(
    doublons: tuple[int, ...], resultat: str, said: str, typed: str
) -> None:
    """The ten that come first are listed once, in order of number, without the dossier itself."""
    answer = check("doublon", doublons=doublons, page_produit=typed)
    assert answer.resultat == resultat
    assert said in answer.motif


NEEDED = [
    ("page_produit", "Page produit"),
    ("phase_declaree", "Phase du produit"),
    ("cas_demande", "Cas de la demande"),
    ("voeux", "Profils souhaités"),
]
TOLD_BY = {
    "page_produit": "fiche_produit",
    "phase_declaree": "phase",
    "cas_demande": "cas_octroi",
    "voeux": "profils",
}


@pytest.mark.parametrize("field", TOLD_BY)
def test_what_another_check_reports_is_not_reported_twice(field: str) -> None:
    """A blank answer counts in both checks and is reported by one."""
    rules = load_rules(needed=NEEDED)
    blank: dict[str, object] = {field: () if field == "voeux" else None}
    answer = check("completude", with_rules=rules, **blank)
    assert (answer.resultat, answer.preuve["vides"]) == ("a_verifier", [field])
    assert answer.motif == "Réponse attendue manquante, déjà signalée par un autre contrôle."
    assert check(TOLD_BY[field], with_rules=rules, **blank).resultat != "conforme"


def test_what_no_check_examined_is_reported_here() -> None:
    """Without a product, phase and case are not checked, so this check reports their blanks."""
    rules = load_rules(needed=NEEDED)
    answer = check(
        "completude", with_rules=rules, page_produit=None, phase_declaree=None, cas_demande=None
    )
    assert answer.motif.startswith(
        "Aucune réponse à « Phase du produit » ni à « Cas de la demande »."
    )
