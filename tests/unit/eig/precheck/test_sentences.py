"""The French sentences for missing answers and evidence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsync.domain.dossier import Demandeur
from dsync.domain.verdict import Controle
from dsync.eig.candidature import Reponse, Voeu
from dsync.eig.precheck.evidence import Evidence, RegistryAnswer, RegistryStatus

ASKED = [
    ("fiche_produit", "page_produit", "page produit"),
    ("phase", "phase_declaree", "phase du produit"),
    ("profils", "voeux", "profils souhaités"),
    ("cas_octroi", "cas_demande", "cas de la demande"),
]
SIREN = "110001013"


def applicant(**changes: str) -> Demandeur:
    """Return an applicant: a service of a ministry, with changes."""
    facts = {"siret": f"{SIREN}00017", "raison_sociale": "SERVICE", "forme_juridique_code": "7120"}
    return Demandeur("personne_morale", **(facts | changes))


def _voeux(*profils: str) -> tuple[Voeu, ...]:
    return tuple(Voeu(rang, profil, None) for rang, profil in enumerate(profils, start=1))


@pytest.mark.parametrize(("name", "field", "said"), ASKED)
def test_a_question_that_was_not_asked_or_is_not_mapped(
    check: Callable[..., Controle], name: str, field: str, said: str
) -> None:
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
def test_an_address_that_is_not_there_needs_no_catalogue(
    check: Callable[..., Controle], reponse: Reponse, resultat: str
) -> None:
    """Its result is the same while the catalogue is out of reach."""
    given = {"page_produit": None, "reponses": {"page_produit": reponse}}
    assert check("fiche_produit", with_evidence=Evidence(None), **given).resultat == resultat


def test_evidence_out_of_reach_asks_nothing_of_anybody(check: Callable[..., Controle]) -> None:
    """The sentence says that the next try is automatic."""
    answer = check("fiche_produit", with_evidence=Evidence(None))
    assert answer.motif == (
        "Le catalogue de beta.gouv.fr n’a pas pu être consulté. "
        "À faire : rien, un nouvel essai aura lieu automatiquement."
    )
    answer = check("administration", code=None, with_evidence=Evidence(None, registry_enabled=True))
    assert answer.motif == (
        "Le registre des entreprises n’a pas pu être consulté pour le SIREN 110 001 013. "
        "À faire : rien, un nouvel essai aura lieu automatiquement."
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            RegistryStatus.UNKNOWN,
            "Candidat SIREN 110 001 013, inconnu du registre des entreprises.",
        ),
        (
            RegistryStatus.FOUND,
            "Candidat SIREN 110 001 013, sans catégorie juridique au registre des entreprises.",
        ),
    ],
)
def test_what_the_registry_lacks(
    check: Callable[..., Controle], status: RegistryStatus, said: str
) -> None:
    """A SIREN without a category and an unknown SIREN have different sentences."""
    registry = {SIREN: RegistryAnswer(SIREN, status)}
    evidence = Evidence(None, registry=registry, registry_enabled=True)
    assert check("administration", code=None, with_evidence=evidence).motif.startswith(said)


def test_no_case_chosen_asks_which(check: Callable[..., Controle]) -> None:
    """The sentence lists the two cases."""
    answer = check("cas_octroi", cas_demande=None)
    assert answer.motif == (
        "Aucun cas choisi dans le dossier. Règle (FAQ du programme) : un EIG se demande dans le "
        "cas « Lancer un produit numérique » ou « Internaliser le pilotage stratégique ». À faire "
        ": demander au candidat quel cas il retient."
    )


def test_profiles_off_the_offer_and_too_many_are_both_reported(
    check: Callable[..., Controle],
) -> None:
    """Too many and unavailable profiles are both reported."""
    answer = check("profils", voeux=_voeux("produit", "technique", "impact"))
    assert answer.motif == (
        "3 profils souhaités, dont « impact », non proposé au 20/05/2024. Règle (pré-contrôle) : "
        "2 profils au plus, parmi « Directeur ou directrice de produit » et « Directeur ou "
        "directrice technique ». À faire : demander au candidat quels profils il retient."
    )


@pytest.mark.parametrize(
    ("profils", "said"),
    [
        (["produit"], "Profil souhaité « produit »."),
        (["produit", "technique"], "Profils souhaités « produit » et « technique »."),
        (["impact"], "Profil souhaité mais non proposé au 20/05/2024, « impact »."),
        (
            ["impact", "x"],
            "Profils souhaités mais non proposés au 20/05/2024, « impact » et « x ».",
        ),
    ],
)
def test_one_profile_is_not_several(
    check: Callable[..., Controle], profils: list[str], said: str
) -> None:
    """Singular and plural agree."""
    assert check("profils", voeux=_voeux(*profils)).motif.startswith(said)


@pytest.mark.parametrize(
    ("name", "facts", "said"),
    [
        (
            "administration",
            {"demandeur": applicant(etat_administratif="Ferme")},
            "Candidat SERVICE (SIREN 110 001 013), administration centrale par sa forme juridique, "
            "mais inscrit comme fermé au registre des entreprises, selon Démarches Simplifiées.",
        ),
        (
            "administration",
            {"demandeur": applicant(forme_juridique_code="6666")},
            "Candidat SERVICE (SIREN 110 001 013), catégorie juridique 6666 selon Démarches "
            "Simplifiées ; ce SIREN ne figure pas sur la liste",
        ),
        (
            "fiche_produit",
            {"page_produit": "Notre produit Pix, voir https://www.example.org/"},
            "Réponse « Notre produit Pix, voir https://www.example.org/ », sans adresse de fiche,",
        ),
        ("completude", {"probleme": None}, "Aucune réponse à « Problème identifié ». Règle (FAQ "
         "du programme) : le dossier, en six sections, prévoit cette réponse."),
    ],
)  # fmt: skip
def test_no_more_is_said_than_was_seen(
    check: Callable[..., Controle], name: str, facts: dict[str, object], said: str
) -> None:
    """Each fact is worded after its source."""
    assert check(name, **facts).motif.startswith(said)


def test_blank_answers_are_reported_beside_those_that_the_mapping_lacks(
    check: Callable[..., Controle],
) -> None:
    """Blank answers are reported even if other champs are not mapped."""
    reponses = {"probleme": Reponse.VIDE, "entite": Reponse.NON_ASSOCIE}
    answer = check("completude", reponses=reponses)
    assert (answer.resultat, answer.preuve["vides"]) == ("impossible", ["probleme"])
    assert "Aucune réponse à « Problème identifié »." in answer.motif
