"""A check answered by a person, from the answer to DS, and what becomes of it later."""

from __future__ import annotations

import json
from typing import Any

from dsync.domain.consent import Consent
from dsync.sync.report import RunReport
from dsync.sync.work import AnswerCheck, Request, WithdrawAnswer
from tests.engine.rig import DETAIL, PAGE, Engine, number
from tests.engine.test_judging import republish
from tests.store.databases import on_postgresql, postgresql_if_long

ALICE = "alice.martin@example.gouv.fr"
WHY = "attestation du 12 février, reçue par courriel"


def answer(
    engine: Engine,
    rank: int,
    controle: str,
    resultat: Any = "conforme",
    motif: str = WHY,
    by: str = ALICE,
) -> RunReport:
    work = AnswerCheck((number(rank),), controle, resultat, motif)
    return engine.worker.app.sync(Request(work, by))


def withdraw(engine: Engine, rank: int, controle: str) -> RunReport:
    work = WithdrawAnswer((number(rank),), controle)
    return engine.worker.app.sync(Request(work, "bob@poste"))


def answers(engine: Engine, rank: int) -> list[dict[str, Any]]:
    return engine.rows(
        "SELECT * FROM lecture_reponse WHERE numero = :n ORDER BY repondu_le, statut",
        n=number(rank),
    )


def checks(engine: Engine, rank: int) -> dict[str, dict[str, Any]]:
    found = engine.rows(
        "SELECT * FROM lecture_precontrole_controle WHERE numero = :n AND courant", n=number(rank)
    )
    return {row["controle"]: row for row in found}


def statuses(engine: Engine, rank: int) -> list[str]:
    return [row["statut"] for row in answers(engine, rank)]


def move(engine: Engine, rank: int, page: str) -> None:
    """Have the applicant name another page, which a run then reads."""
    engine.control.edit_champ(number(rank), PAGE, page)
    engine.advance(minutes=1)
    engine.sync()


def points(engine: Engine, rank: int) -> str:
    """What keeps the current verdict from the best one."""
    [row] = engine.rows("SELECT points FROM verdict WHERE numero = :n AND courant", n=number(rank))
    return str(row["points"])


def page_of(engine: Engine, rank: int) -> str:
    return str(engine.control.truth_of(number(rank)).champs[PAGE])


@on_postgresql
def test_an_answer_makes_the_verdict_and_is_written_into_ds(engine: Engine) -> None:
    """Detail, journal and view say who, when and why, and what it rested on; then it is quiet."""
    engine.sync_until_quiet()
    found = checks(engine, 1)["doublon"]
    assert 0 == answer(engine, 1, "doublon").exit_code
    assert "Éligible" == engine.verdict(1)
    [row] = answers(engine, 1)
    assert ("valable", ALICE, WHY) == (row["statut"], row["auteur"], row["motif"])
    kept = (row["constat_resultat"], row["constat_motif"], json.loads(row["constat_preuve"]))
    assert (found["resultat"], found["motif"], json.loads(found["preuve"])) == kept
    assert ["reponse", "verdict"] == engine.events(1)[-2:]
    [cause] = engine.rows(
        "SELECT details FROM evenement WHERE numero = :n ORDER BY id DESC LIMIT 1", n=number(1)
    )
    assert ["reponses"] == json.loads(cause["details"])["causes"]
    [asked] = engine.rows("SELECT * FROM demande WHERE genre = 'precontrole'")
    options = {"answer": True, "dossiers": [number(1)], "controle": "doublon"}
    assert ALICE == asked["demande_par"]
    assert {**options, "resultat": "conforme"} == json.loads(asked["options"])
    assert 1 == engine.sync().pushed
    said = engine.remote(1, DETAIL).replace("\u00a0", " ")
    assert f"Conforme – unicité : établi par A. Martin le 24/11/2026 ({WHY})." in said
    assert ["éligible"] == engine.labels(1)
    # The same answer, as by a request that a killed service began: nothing new.
    assert 0 == answer(engine, 1, "doublon").exit_code
    engine.advance(hours=2)
    assert (0, 0) == (engine.sync().evaluated, engine.sync(full=True).pushed)
    assert ["valable"] == statuses(engine, 1)
    # Non conforme by a person.
    answer(engine, 1, "doublon", "non_conforme", "seul le dossier 18600009 sera instruit")
    assert ("Inéligible", ["remplacee", "valable"]) == (engine.verdict(1), statuses(engine, 1))


@postgresql_if_long
def test_an_answer_withdrawn_leaves_what_the_check_finds(engine: Engine) -> None:
    """With who did it; a second time there is nothing to withdraw."""
    engine.sync_until_quiet()
    before = engine.remote(1, DETAIL)
    answer(engine, 1, "doublon")
    engine.sync()
    assert 0 == withdraw(engine, 1, "doublon").exit_code
    [row] = answers(engine, 1)
    assert ("retiree", "bob@poste") == (row["statut"], row["finie_par"])
    engine.sync()
    assert before == engine.remote(1, DETAIL)
    again = withdraw(engine, 1, "doublon")
    assert 2 == again.exit_code
    assert "nothing to withdraw" in again.to_json()["errors"][0]


def test_other_twins_have_to_be_confirmed_and_the_same_ones_again_not(
    engine: Engine,
) -> None:
    """The detail in DS says so; an answer on the new ones replaces the former one."""
    engine.sync_until_quiet()
    assert "|doublon:a_verifier|" == points(engine, 1)
    answer(engine, 1, "doublon")
    assert points(engine, 1) == ""
    theirs, page = page_of(engine, 0), page_of(engine, 1)
    move(engine, 0, page)
    assert ("À vérifier", ["a_confirmer"]) == (engine.verdict(1), statuses(engine, 1))
    assert "|doublon:a_confirmer|" == points(engine, 1)
    said = engine.remote(1, DETAIL).replace("\u00a0", " ")
    assert "unicité : réponse à confirmer ou à retirer, car les faits ont changé" in said
    move(engine, 0, theirs)
    assert ("Éligible", ["valable"]) == (engine.verdict(1), statuses(engine, 1))
    move(engine, 0, page)
    answer(engine, 1, "doublon")
    assert ("Éligible", ["remplacee", "valable"]) == (engine.verdict(1), statuses(engine, 1))


def test_rules_and_a_catalogue_that_find_the_same_keep_an_answer(engine: Engine) -> None:
    """Dossier 4 names its product with less than an address; a check off keeps answers."""
    engine.sync_until_quiet()
    answer(engine, 4, "fiche_produit")
    assert "Éligible" == engine.verdict(4)
    engine.restart(configuration={"precontrole": {"answer_days": 20}})
    engine.advance(days=1)
    republish(engine, add="tout-autre-chose")
    engine.sync()
    assert ("Éligible", ["valable"]) == (engine.verdict(4), statuses(engine, 4))
    engine.restart(configuration={"controles": {"fiche_produit": None}})
    engine.sync()
    engine.accept(Consent.RULES)
    assert 0 == engine.sync().evaluated
    assert ["a_confirmer"] == statuses(engine, 4)
    engine.restart()
    engine.sync()
    engine.accept(Consent.RULES)
    assert ("Éligible", ["valable"]) == (engine.verdict(4), statuses(engine, 4))


def test_a_changed_page_has_its_answer_confirmed(engine: Engine) -> None:
    """Also where the check would find it conforming now: a person said it of another page."""
    engine.sync_until_quiet()
    answer(engine, 4, "fiche_produit")
    move(engine, 4, page_of(engine, 0))
    assert ["a_confirmer"] == statuses(engine, 4)
    assert "Constat actuel, conforme : " in checks(engine, 4)["fiche_produit"]["motif"]


def test_what_leans_on_an_established_page_is_examined_too(engine: Engine) -> None:
    """Dossier 6 names no page: an answer to that alone makes nobody « Éligible »."""
    engine.sync_until_quiet()
    leaning = answer(engine, 6, "phase")
    assert "answer that one first" in leaning.to_json()["errors"][0]
    answer(engine, 6, "fiche_produit")
    left = {name for name, one in checks(engine, 6).items() if one["resultat"] == "a_verifier"}
    assert {"phase", "cas_octroi", "doublon", "completude"} == left
    for name in sorted(left):
        assert "À vérifier" == engine.verdict(6)
        assert 0 == answer(engine, 6, name).exit_code
    assert "Éligible" == engine.verdict(6)
    engine.sync()
    assert 5 == engine.remote(6, DETAIL).count("établi par A. Martin")
    move(engine, 6, page_of(engine, 0))
    assert {"a_confirmer"} == set(statuses(engine, 6))


def test_an_erasure_leaves_nothing_of_an_answer(engine: Engine) -> None:
    """Neither rows nor bytes of the reason; the dossier's events stay."""
    engine.sync_until_quiet()
    answer(engine, 1, "doublon", motif="Zyxwvut")
    engine.worker.erase(1)
    assert [] == answers(engine, 1)
    assert "reponse" in engine.events(1)
    assert [] == engine.files_with("Zyxwvut")
