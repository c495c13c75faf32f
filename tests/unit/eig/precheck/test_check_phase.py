"""`phase`: the phase at the deposit, and the declared one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dsync.eig.candidature import Reponse
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.evidence import PublicEvidence
from tests.unit.eig.precheck.builders import a_just, check

Phases = list[tuple[str, str]]
OLD_WORDS = ("success", "transfer", "alumni")
NEW_WORDS = ("opere", "consolidation", "transfere", "abandon", "abandon-investigation")


NAMES = {"success": "pérennisé", "maturation": "maturation"}
INVESTIGATION: Phases = [("investigation", "2023-01-01")]
CONSTRUCTION: Phases = [*INVESTIGATION, ("construction", "2023-06-01")]


@pytest.mark.parametrize("name", [*OLD_WORDS, *NEW_WORDS])
@pytest.mark.parametrize("declared", ["Construction", "Transfert", "Pérennisé", None])
def test_every_past_phase_is_non_conforme(name: str, declared: str | None) -> None:
    """A phase after accélération is « non conforme », whatever was declared."""
    phases = [*CONSTRUCTION, (name, "2024-01-01")]
    answer = check("phase", products=a_just(phases), phase_declaree=declared)
    assert (answer.resultat, answer.preuve["phase"]) == ("non_conforme", name)


@pytest.mark.parametrize(
    ("name", "declared", "resultat"),
    [
        ("investigation", "Investigation", "conforme"),
        ("construction", "Construction", "conforme"),
        ("acceleration", "Accélération", "conforme"),
        ("Accélération", "acceleration", "conforme"),
        ("CONSTRUCTION", " construction ", "conforme"),
        ("investigation", "Construction", "a_verifier"),
        ("acceleration", "Construction", "a_verifier"),
        ("construction", "Transfert", "a_verifier"),
        ("construction", "Pérennisé", "a_verifier"),
        ("construction", "Autre chose", "a_verifier"),
        ("construction", None, "a_verifier"),
        ("maturation", "Construction", "non_conforme"),
    ],
)
def test_phase_observed_against_declared(name: str, declared: str | None, resultat: str) -> None:
    """Eligible and declared: conforme; not declared: « à vérifier »; else « non conforme »."""
    answer = check("phase", products=a_just([(name, "2023-01-01")]), phase_declaree=declared)
    assert answer.resultat == resultat


@pytest.mark.parametrize(
    ("phases", "resultat", "observed"),
    [
        ([], "a_verifier", None),
        ([("construction", "2024-06-01")], "a_verifier", None),
        ([("construction", "2024-05-21")], "a_verifier", None),
        ([("construction", "2024-05-20")], "conforme", "construction"),
        ([*CONSTRUCTION, ("success", "2024-05-20")], "non_conforme", "success"),
        ([*CONSTRUCTION, ("success", "2024-05-21")], "conforme", "construction"),
        # The same start: the later place is the answer.
        ([("investigation", "2023-01-01"), ("construction", "2023-01-01")], "conforme",
         "construction"),
        ([("construction", "2023-01-01"), ("success", "2023-01-01")], "non_conforme", "success"),
        # By start and by place differ, but not in the answer.
        ([("construction", "2024-01-01"), ("construction", "2023-01-01")], "conforme",
         "construction"),
        ([("alumni", "2024-01-01"), ("success", "2023-01-01")], "non_conforme", "alumni"),
        # They differ in the answer.
        ([("construction", "2024-01-01"), ("success", "2023-01-01")], "a_verifier",
         "construction"),
        ([("success", "2024-01-01"), ("construction", "2023-01-01")], "a_verifier", "success"),
        # Both are admitted: that they disagree changes no answer.
        ([("construction", "2024-01-01"), ("investigation", "2023-01-01")], "conforme",
         "construction"),
        ([("investigation", "2024-01-01"), ("construction", "2023-01-01")], "conforme",
         "investigation"),
        ([("acceleration", "2024-01-01"), ("investigation", "2023-01-01")], "a_verifier",
         "acceleration"),
        # A date that cannot be read.
        ([("construction", "2023-01-01"), ("success", "bientôt")], "a_verifier", "construction"),
        ([("construction", "")], "a_verifier", None),
        # One that would change nothing, whenever it began.
        ([("success", "2023-01-01"), ("alumni", "")], "non_conforme", "success"),
        ([("success", "2023-01-01"), ("construction", "")], "a_verifier", "success"),
        ([("construction", "2023-01-01"), ("construction", "")], "conforme", "construction"),
        ([("construction", "2023-01-01"), ("investigation", "")], "conforme", "construction"),
    ],
)  # fmt: skip
def test_phase_at_the_deposit(phases: Phases, resultat: str, observed: str | None) -> None:
    """The phase with the latest start counts; contradictory readings give « à vérifier »."""
    answer = check("phase", products=a_just(phases))
    assert (answer.resultat, answer.preuve["phase"]) == (resultat, observed)


def test_both_readings_are_said_where_the_declared_one_is_that_of_the_order() -> None:
    """With which counts: the one that the evidence has."""
    phases = [("acceleration", "2024-01-01"), ("investigation", "2023-01-01")]
    answer = check("phase", products=a_just(phases), phase_declaree="Investigation")
    assert ("conforme", "acceleration") == (answer.resultat, answer.preuve["phase"])
    assert answer.motif == (
        "Phase « accélération » au 20/05/2024 selon les dates de la fiche, retenue ; phase "
        "« investigation » selon leur ordre, telle que déclarée ; toutes deux sont admises."
    )


@pytest.mark.parametrize(
    ("depose_le", "resultat"),
    [
        (datetime(2024, 6, 30, 21, 59, tzinfo=UTC), "conforme"),
        (datetime(2024, 6, 30, 22, 0, tzinfo=UTC), "non_conforme"),
    ],
)
def test_the_day_is_that_of_paris(depose_le: datetime, resultat: str) -> None:
    phases = [*CONSTRUCTION, ("success", "2024-07-01")]
    assert check("phase", products=a_just(phases), depose_le=depose_le).resultat == resultat


@pytest.mark.parametrize(
    ("phases", "reponse", "resultat"),
    [
        (CONSTRUCTION, Reponse.NON_ASSOCIE, "impossible"),
        (CONSTRUCTION, Reponse.NON_DEMANDE, "a_verifier"),
        (CONSTRUCTION, Reponse.VIDE, "a_verifier"),
        ([], Reponse.NON_ASSOCIE, "impossible"),
        ([], Reponse.NON_DEMANDE, "a_verifier"),
        ([("success", "2023-01-01")], Reponse.NON_ASSOCIE, "non_conforme"),
        ([("success", "2023-01-01")], Reponse.NON_DEMANDE, "non_conforme"),
        ([("success", "2023-01-01")], Reponse.VIDE, "non_conforme"),
    ],
)
def test_a_phase_that_was_not_declared(phases: Phases, reponse: Reponse, resultat: str) -> None:
    """The more severe result counts: that of the phase or of the missing declaration."""
    answer = check(
        "phase", products=a_just(phases), phase_declaree=None, reponses={"phase_declaree": reponse}
    )
    assert answer.resultat == resultat


def test_phases_that_are_no_phases_are_doubt() -> None:
    body = '{"data": [{"id": "a-just", "attributes": {"phases": ["construction"]}}]}'
    answer = check("phase", with_evidence=PublicEvidence(Catalogue.parse(body, "{}")))
    assert answer.resultat == "a_verifier"


@pytest.mark.parametrize(
    ("name", "declared", "days", "resultat"),
    [
        ("success", "Construction", 3, "non_conforme"),
        ("success", None, 3, "non_conforme"),
        ("success", "Construction", 4, "a_verifier"),
        ("maturation", "Construction", 4, "a_verifier"),
        ("success", "Accélération", 900, "a_verifier"),
        ("success", "Pérennisé", 4, "non_conforme"),
        ("maturation", "Transfert", 4, "non_conforme"),
        ("success", "Je ne sais pas", 4, "a_verifier"),
        ("success", None, 4, "a_verifier"),
        ("construction", "Construction", 900, "conforme"),
        ("construction", "Accélération", 900, "a_verifier"),
    ],
)
def test_a_catalogue_first_read_late_excludes_only_what_the_applicant_declared(
    name: str, declared: str | None, days: int, resultat: str
) -> None:
    """Its history may have been rewritten: such a phase gives « à vérifier »."""
    deposited = datetime(2024, 5, 20, 8, tzinfo=UTC)
    read_at = deposited + timedelta(days=days)
    answer = check(
        "phase",
        products=a_just([(name, "2023-01-01")]),
        read_at=read_at,
        depose_le=deposited,
        phase_declaree=declared,
    )
    assert answer.resultat == resultat
    if name != "construction" and resultat == "a_verifier":
        day = read_at.strftime("%d/%m/%Y")
        shown = declared or "aucune phase déclarée"
        assert all(said in answer.motif for said in (NAMES[name], shown, day))


@pytest.mark.parametrize("reponse", [Reponse.VIDE, Reponse.NON_DEMANDE])
def test_a_phase_that_was_not_declared_excludes_nobody_late(reponse: Reponse) -> None:
    answer = check(
        "phase",
        products=a_just([("success", "2023-01-01")]),
        read_at=datetime(2024, 6, 20, tzinfo=UTC),
        phase_declaree=None,
        reponses={"phase_declaree": reponse},
    )
    assert "a_verifier" == answer.resultat
