"""The French sentences for missing answers and evidence."""

from __future__ import annotations

import pytest

from dsync.eig.candidature import Reponse, Voeu
from dsync.eig.precheck.evidence import PublicEvidence
from tests.unit.eig.precheck.builders import check

ASKED = [
    ("fiche_produit", "page_produit", "page produit"),
    ("phase", "phase_declaree", "phase du produit"),
    ("cas_octroi", "cas_demande", "cas de la demande"),
]
SIREN = "110001013"


def _voeux(*profils: str) -> tuple[Voeu, ...]:
    return tuple(Voeu(rang, profil, None) for rang, profil in enumerate(profils, start=1))


@pytest.mark.parametrize(("name", "field", "said"), ASKED)
def test_a_question_that_was_not_asked_or_is_not_mapped(name: str, field: str, said: str) -> None:
    """The sentence says who has to act; neither needs the product that the answer would name."""
    answer = check(name, reponses={field: Reponse.NON_DEMANDE})
    assert (answer.resultat, answer.motif) == (
        "a_verifier",
        f"Question « {said} » non posée au candidat par le formulaire. À faire : la lui poser.",
    )
    answer = check(name, reponses={field: Reponse.NON_ASSOCIE})
    assert (answer.resultat, answer.motif) == (
        "impossible",
        f"Aucun champ de ce formulaire n’est associé à la question « {said} ». "
        "À faire : faire compléter la configuration du pré-contrôle par son exploitant.",
    )


@pytest.mark.parametrize(
    ("reponse", "resultat"),
    [
        (Reponse.NON_ASSOCIE, "impossible"),
        (Reponse.NON_DEMANDE, "a_verifier"),
        (Reponse.VIDE, "non_conforme"),
    ],
)
def test_an_address_that_is_not_there_needs_no_catalogue(reponse: Reponse, resultat: str) -> None:
    """Its result is the same while the catalogue is out of reach."""
    given = {"page_produit": None, "reponses": {"page_produit": reponse}}
    assert check("fiche_produit", with_evidence=PublicEvidence(None), **given).resultat == resultat


@pytest.mark.parametrize(
    ("profils", "said"),
    [
        (["impact"], "Profil souhaité mais non proposé au 20/05/2024, « impact » ; sont"),
        (
            ["impact", "x"],
            "Profils souhaités mais non proposés au 20/05/2024, « impact » et « x » ; sont",
        ),
    ],
)
def test_one_profile_is_not_several(profils: list[str], said: str) -> None:
    assert check("profils", voeux=_voeux(*profils)).motif.startswith(said)


@pytest.mark.parametrize(
    ("reponse", "resultat", "said"),
    [
        (Reponse.NON_DEMANDE, "a_verifier", "Question « Profils souhaités » non posée"),
        (Reponse.NON_ASSOCIE, "impossible", "Aucun champ de ce formulaire n’est associé à la qu"),
        (Reponse.VIDE, "a_verifier", "Réponse attendue et non donnée : « Profils souhaités »."),
    ],
)
def test_a_column_that_is_not_there_says_who_has_to_act(
    reponse: Reponse, resultat: str, said: str
) -> None:
    answer = check("profils", voeux=(), reponses={"voeux": reponse})
    assert (answer.resultat, answer.motif[: len(said)]) == (resultat, said)


def test_blank_answers_are_reported_beside_those_that_the_mapping_lacks() -> None:
    reponses = {"probleme": Reponse.VIDE, "entite": Reponse.NON_ASSOCIE}
    answer = check("completude", reponses=reponses)
    assert (answer.resultat, answer.preuve["vides"]) == ("impossible", ["probleme"])
    assert "Aucune réponse à « Problème identifié »." in answer.motif
