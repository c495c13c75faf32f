"""`administration`: opérateurs, legal categories, registry."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsync.domain.dossier import Demandeur
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.evidence import RegistryAnswer, RegistryStatus
from dsync.eig.precheck.lists import OperateurList
from tests.unit.eig.precheck.builders import EVIDENCE, RULES, candidature, check

OPERATEUR_SIREN = "582056149"
OTHER_SIREN = "110001013"
CONFIG = Path(__file__).parents[4] / "config"
CENTRALES = {"7113", "7120", "7382"}
EXCLUES = {"7171", "7172", "7179", "4140", "4150", "7381", "7430", "7450", "7470"}


def listed_codes() -> list[str]:
    """Every legal category of the shipped list."""
    text = (CONFIG / "categories_juridiques.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [row["code"] for row in rows if row["code"].isdigit()]


def without_year_list(code: str) -> str:
    """The specified results without a list for the year of the deposit."""
    if code in CENTRALES:
        return "conforme"
    is_local = code.startswith("72") or 7312 <= int(code) <= 7379
    if code in EXCLUES or is_local or code.startswith("81"):
        return "non_conforme"
    return "a_verifier"


def with_year_list(code: str) -> str:
    """The specified results with a list for the year of the deposit."""
    if code[0] == "5" or code[:2] in ("92", "93") or code == "7490":
        return "non_conforme"
    return without_year_list(code)


CODES = [
    *listed_codes(),
    *("5499", "5710", "5202", "7299", "7315", "7350", "8199", "9299", "9390"),
    *("1000", "2110", "6100", "7380", "7311", "9900", "72", "72100", "72xx", "７２１０"),
]


OF_THE_YEAR = replace(RULES, operateurs=(*RULES.operateurs, OperateurList(2024, "x", {"1": "X"})))
"""The shipped rules with a list of opérateurs of 2024 beside that of 2026."""


def test_each_legal_category_answers_as_specified() -> None:
    """Without the list of the year, an applicant cannot be proved absent from it."""
    known = {code: without_year_list(code) for code in CODES if is_known(code)}
    assert dict.fromkeys(CODES, "a_verifier") | known == {
        code: check("administration", code=code).resultat for code in CODES
    }


def test_the_list_of_the_year_settles_private_bodies() -> None:
    """With the list, companies, associations, fondations and 7490 are excluded."""
    codes = [code for code in CODES if code.isascii() and len(code) == 4]
    known = {code: with_year_list(code) for code in codes if is_known(code)}
    assert dict.fromkeys(codes, "a_verifier") | known == {
        code: check("administration", code=code, with_rules=OF_THE_YEAR).resultat for code in codes
    }


def is_known(code: str) -> bool:
    """Return whether it is one of the form of a legal category."""
    return code.isascii() and code.isdigit() and len(code) == 4


def test_only_the_list_of_the_deposits_year_counts() -> None:
    later = datetime(2025, 1, 2, tzinfo=UTC)
    answer = check("administration", code="9220", depose_le=later, with_rules=OF_THE_YEAR)
    assert answer.resultat == "a_verifier"


def test_the_kind_of_applicant_is_reported() -> None:
    """An uncertain kind is « inconnu »."""
    kinds = {"7120": "administration_centrale", "7210": "autre"}
    kinds |= dict.fromkeys(("7389", "7111", "9220"), "inconnu")
    assert kinds == {code: check("administration", code=code).preuve["type"] for code in kinds}


@pytest.mark.parametrize("code", ["5710", "7210", "7389", "9220", "", None])
def test_a_listed_operateur_is_conforme_whatever_its_category(code: str | None) -> None:
    answer = check("administration", code=code, siret=f"{OPERATEUR_SIREN}00017")
    assert (answer.resultat, answer.preuve["type"], answer.preuve["liste"]) == (
        "conforme",
        "operateur",
        2026,
    )


@pytest.mark.parametrize(
    "demandeur",
    [
        Demandeur("personne_physique"),
        Demandeur("personne_morale", siret=None),
        Demandeur("personne_morale", siret="1234"),
        Demandeur("personne_morale", siret="abcdefghi00012"),
        Demandeur("personne_morale", siret="１２３４５６７８９"),
        Demandeur("personne_morale", siret="11000101300017"),
        Demandeur("personne_morale", siret="11000101300017", forme_juridique_code="  "),
        Demandeur("personne_morale_incomplete", siret="11000101300017"),
        Demandeur("AutreDemandeur"),
    ],
)
def test_without_category_the_registry_gave_nothing(demandeur: Demandeur) -> None:
    """A natural person, a missing SIRET or a missing category gives « à vérifier »."""
    answer = check("administration", demandeur=demandeur)
    assert (answer.resultat, answer.preuve["type"]) == ("a_verifier", "inconnu")


def test_the_siren_may_stand_alone() -> None:
    """Without a SIRET the SIREN is used, with or without blanks inside."""
    demandeur = Demandeur("personne_morale", siren="582 056 149")
    assert check("administration", demandeur=demandeur).resultat == "conforme"


@pytest.mark.parametrize(
    ("etat", "code", "siret", "resultat"),
    [
        ("Actif", "7120", "11000101300017", "conforme"),
        ("Ferme", "7120", "11000101300017", "a_verifier"),
        ("Ferme", "7120", "58205614900017", "a_verifier"),
        ("Ferme", "7389", "11000101300017", "a_verifier"),
        ("Ferme", "7210", "11000101300017", "non_conforme"),
        (None, "7120", "11000101300017", "conforme"),
    ],
)
def test_a_closed_entreprise_lowers_conforme(
    etat: str | None, code: str, siret: str, resultat: str
) -> None:
    """A closed organisation turns « conforme » into « à vérifier » and nothing else."""
    demandeur = Demandeur(
        "personne_morale", siret=siret, forme_juridique_code=code, etat_administratif=etat
    )
    assert check("administration", demandeur=demandeur).resultat == resultat


def test_a_list_of_another_year_is_told_from_that_of_the_deposit() -> None:
    """What was not consulted is said, and the list of the deposit's year is preferred."""
    siret, of_2024 = f"{OPERATEUR_SIREN}00017", OperateurList(2024, "x", {OPERATEUR_SIREN: "BRGM"})

    def said(*lists: OperateurList) -> str:
        known = replace(RULES, operateurs=(*RULES.operateurs, *lists))
        return check("administration", siret=siret, with_rules=known).motif

    assert "celle de 2024, année du dépôt, manque." in said()
    assert "qui figure sur la liste pour 2024 (x), année du dépôt." in said(of_2024)
    assert "mais non sur celle pour 2024" in said(replace(of_2024, noms={"1": "X"}))


def registry(status: RegistryStatus, **facts: object) -> dict[str, RegistryAnswer]:
    """Return the registry's answer for the applicant without a category."""
    return {OTHER_SIREN: RegistryAnswer(OTHER_SIREN, status, **facts)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answers", "resultat"),
    [
        ({}, "impossible"),
        (registry(RegistryStatus.UNREACHABLE), "impossible"),
        (registry(RegistryStatus.UNKNOWN), "a_verifier"),
        (registry(RegistryStatus.FOUND), "a_verifier"),
        (registry(RegistryStatus.FOUND, nature_juridique="7120"), "conforme"),
        (registry(RegistryStatus.FOUND, nature_juridique="7210"), "non_conforme"),
        (registry(RegistryStatus.FOUND, nature_juridique="7389"), "a_verifier"),
        (registry(RegistryStatus.FOUND, nature_juridique="7120", is_closed=True), "a_verifier"),
        (
            registry(
                RegistryStatus.FOUND,
                nature_juridique="7113",
                consulted_at=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            "conforme",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(sorted(map(repr, value.values()))),
)
def test_the_registry_answers_where_there_is_no_category(
    answers: dict[str, RegistryAnswer], resultat: str
) -> None:
    """A missing answer gives « impossible », an unknown SIREN « à vérifier »."""
    asked = replace(EVIDENCE, registry=answers, registry_enabled=True)
    assert check("administration", code=None, with_evidence=asked).resultat == resultat


def test_the_registry_is_not_read_while_it_is_off() -> None:
    off = replace(EVIDENCE, registry=registry(RegistryStatus.FOUND, nature_juridique="7120"))
    assert check("administration", code=None, with_evidence=off).resultat == "a_verifier"


@pytest.mark.parametrize(
    ("code", "siret", "asked"),
    [
        (None, "11000101300017", OTHER_SIREN),
        ("7120", "11000101300017", None),
        (None, f"{OPERATEUR_SIREN}00017", None),
        (None, None, None),
    ],
)
def test_only_who_lacks_a_category_is_looked_up(
    code: str | None, siret: str | None, asked: str | None
) -> None:
    assert needs_registry(candidature(code=code, siret=siret), RULES) == asked


def test_an_unlisted_category_is_named_by_the_dossier() -> None:
    """A code outside the list is shown with the label from DS."""
    demandeur = Demandeur(
        "personne_morale",
        siret="11000101300017",
        forme_juridique_code="6100",
        forme_juridique="Caisse d'épargne",
    )
    motif = check("administration", demandeur=demandeur).motif
    assert "« Caisse d'épargne » (catégorie 6100 selon" in motif


def test_an_applicant_that_ds_could_not_render_is_no_missing_siret() -> None:
    """The check is impossible, as with any evidence out of reach."""
    partly = Demandeur("inconnu", siret=f"{OTHER_SIREN}00017")
    for demandeur in (Demandeur("inconnu"), partly):
        assert check("administration", demandeur=demandeur).resultat == "impossible"
