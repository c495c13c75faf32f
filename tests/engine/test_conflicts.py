"""A conflict over its life: seen once, kept, forced, and ended by the human who made it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dsync.sandbox import ScriptedFault
from dsync.sync.handing_over import Choice, end_conflicts
from tests.engine.conftest import Start
from tests.engine.rig import (
    DATE,
    DEMARCHE,
    DETAIL,
    ETAPE,
    PAGE,
    PROBLEME,
    RESULTAT,
    WISHES,
    Engine,
    id_of,
    number,
)
from tests.engine.test_pushing import CONFIRMED, OTHER, READ, make_ineligible
from tests.profiles import long
from tests.store.databases import engine_by_case, postgresql_if_long


@pytest.mark.parametrize("when", ["before", long("over a conflict"), "kept"])
def test_the_same_value_by_a_human_stays_theirs(engine: Engine, when: str) -> None:
    """It is confirmed without a write, and a verdict that moves on leaves it and its label."""
    page = engine.control.truth_of(number(0)).raw_champs[PAGE]
    if when == "before":
        make_ineligible(engine)
    else:
        engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    for name in engine.labels(0):
        engine.control.remove_label(number(0), name)
    engine.control.add_label(number(0), "inéligible")
    engine.advance(minutes=20)
    engine.sync(full=True)
    if when != "before":
        assert ("conflit", "conflit") == (engine.wishes(0)["resultat"], engine.wishes(0)["label"])
        if when == "kept":
            now = engine.worker.now()
            end_conflicts(engine.worker.store, DEMARCHE, Choice.KEEP, now, asked_by="ana@poste")
        make_ineligible(engine)
        engine.advance(minutes=20)
        engine.sync()
    assert (OTHER, CONFIRMED) == (engine.verdict(0), engine.wishes(0))
    sent = engine.sent(0)
    engine.control.edit_champ(number(0), PAGE, page)
    for conflicts in (1, 0):
        engine.advance(minutes=20)
        assert conflicts == engine.sync(full=True).conflicts
        assert ("Éligible", sent) == (engine.verdict(0), engine.sent(0))
        assert (OTHER, ["inéligible"]) == (engine.remote(0), engine.labels(0))
    assert [] == engine.worker.app.verify(remote=True).findings


@pytest.mark.fast
def test_a_value_that_a_human_emptied_or_put_back_stays_theirs(engine: Engine) -> None:
    """Once it was seen that they wrote there, dsync's former value is no longer its own."""
    page = engine.control.truth_of(number(0)).raw_champs[PAGE]
    engine.control.edit_annotation(number(6), RESULTAT, "À vérifier")
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync()
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    engine.control.edit_annotation(number(6), RESULTAT, "")
    engine.advance(minutes=20)
    engine.sync()
    assert ("confirmee", None) == (engine.wishes(0)["resultat"], engine.remote(6))
    make_ineligible(engine)
    engine.advance(minutes=20)
    engine.sync()
    assert ("Éligible", "conflit") == (engine.remote(0), engine.wishes(0)["resultat"])
    assert (None, "conflit") == (engine.remote(6), engine.wishes(6)["resultat"])
    engine.control.edit_champ(number(0), PAGE, page)
    engine.advance(minutes=20)
    engine.sync()
    assert "confirmee" == engine.wishes(0)["resultat"]


@postgresql_if_long
@pytest.mark.parametrize(
    ("stable_id", "name"), [(RESULTAT, "resultat"), long(DETAIL, "detail"), long(DATE, "date")]
)
def test_what_a_human_changed_and_put_back_unseen_is_theirs(
    start: Start, stable_id: int, name: str
) -> None:
    """DS dates each annotation: one that is younger than dsync's write is not dsync's own.

    An edit beside it says nothing of it: the others are renewed, also after dsync wrote twice.
    """
    engine = start([0, 6])
    engine.sync_until_quiet()
    before = engine.remote(0, stable_id)
    for value in ("2026-01-01" if name == "date" else OTHER, before):
        engine.control.edit_annotation(number(0), stable_id, value)
        engine.advance(minutes=1)
    for _ in range(2):
        make_ineligible(engine, 0)
        engine.control.edit_annotation(number(6), ETAPE, "Soutenance")
        make_ineligible(engine, 6)
        engine.advance(minutes=20)
        engine.sync()
        assert (before, "conflit") == (engine.remote(0, stable_id), engine.wishes(0)[name])
        assert (engine.verdict(6), CONFIRMED) == (engine.remote(6), engine.wishes(6))


def test_two_edits_within_one_second_are_two_edits_until_the_human_agrees(engine: Engine) -> None:
    """DS's dates are cut to the second: the value itself tells, and a conflict's too."""
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync_until_quiet()
    assert ("conflit", []) == (engine.wishes(0)["resultat"], engine.labels(0))
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    report = engine.sync()
    assert (0, CONFIRMED) == (report.exit_code, engine.wishes(0))
    assert "conflit_resolu" in engine.events(0)
    assert (["éligible"], True) == (engine.labels(0), bool(engine.remote(0, DETAIL)))
    for value in (OTHER, "À vérifier"):
        engine.control.edit_annotation(number(0), RESULTAT, value)
        engine.sync()
        assert ("conflit", value) == (engine.wishes(0)["resultat"], engine.remote(0))
        [row] = engine.rows(
            "SELECT valeur_distante FROM outbox WHERE numero = :n AND courante AND annotation = :a",
            n=number(0),
            a="resultat",
        )
        assert value == row["valeur_distante"]
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    engine.sync()
    assert CONFIRMED == engine.wishes(0)


@pytest.mark.parametrize("meanwhile", ["another verdict", "DS does not answer"])
def test_a_conflict_looked_at_again_later_is_no_news(engine: Engine, meanwhile: str) -> None:
    """Another verdict, or an hour's delay, is no other value of the human."""
    engine.control.edit_annotation(number(0), RESULTAT, "À vérifier")
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), ETAPE, "Soutenance")
    if meanwhile == "another verdict":
        make_ineligible(engine)
    else:
        engine.control.faults.fail(ScriptedFault("timeout", READ, times=8))
    engine.sync()
    engine.control.faults.clear_faults()
    engine.advance(minutes=61)
    engine.sync()
    assert 1 == engine.events(0).count("conflit")
    assert {"conflit"} == set(engine.wishes(0).values())
    engine.control.edit_annotation(number(0), RESULTAT, engine.verdict(0))
    engine.sync()
    assert 1 == engine.events(0).count("conflit_resolu")


def test_an_accepted_result_holds_nothing_back(engine: Engine) -> None:
    """The reasons of dsync's own result are not written beside the human's, nor listed."""
    engine.control.edit_champ(number(0), PROBLEME, "")
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync()
    now = engine.worker.now()
    end_conflicts(engine.worker.store, DEMARCHE, Choice.KEEP, now, asked_by="ana@poste")
    before = engine.remote(0, DETAIL)
    engine.control.edit_champ(number(0), 4202, "")
    assert 1 == engine.sync().evaluated
    assert {*WISHES} == {name for name, status in engine.wishes(0).items() if status == "remplacee"}
    assert (OTHER, before) == (engine.remote(0), engine.remote(0, DETAIL))
    engine.advance(minutes=1)
    make_ineligible(engine)
    engine.sync()
    assert (CONFIRMED, OTHER) == (engine.wishes(0), engine.remote(0))


def test_an_operator_forces_over_a_human_and_it_is_journaled(engine: Engine) -> None:
    """`push --force` writes what the rules say; the next human edit is respected again."""
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync_until_quiet()
    report = engine.worker.push(0, force_by="ana@poste")
    assert (0, "Éligible", CONFIRMED) == (report.exit_code, engine.remote(0), engine.wishes(0))
    told = engine.rows(
        "SELECT details FROM evenement WHERE numero = :n AND evenement = 'pousse'", n=number(0)
    )
    details = [json.loads(row["details"]) for row in told]
    assert {"ana@poste"} == {event["demande_par"] for event in details}
    assert OTHER == details[0]["remplace"]["resultat"]
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync()
    assert (OTHER, "conflit") == (engine.remote(0), engine.wishes(0)["resultat"])


def test_an_order_ends_with_its_run(engine: Engine) -> None:
    """DS was away: what a person wrote meanwhile, and their validation, are not what was seen."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.sync()
    engine.control.faults.fail(ScriptedFault("bad_gateway", times=None))
    assert 8 == engine.worker.push(0, force_by="ada@here").exit_code
    engine.control.faults.clear_faults()
    engine.advance(days=1)
    engine.control.edit_annotation(number(0), RESULTAT, "À vérifier")
    engine.sync()
    assert "À vérifier" == engine.remote(0)


def test_a_label_conflict_dates_from_when_the_humans_label_was_first_seen(engine: Engine) -> None:
    """DS has no date of a label; neither a later comparison nor another verdict moves it."""
    engine.sync_until_quiet()
    engine.advance(hours=5)
    engine.control.add_label(number(0), "à vérifier")
    engine.advance(minutes=1)
    seen_at = engine.control.clock.now()
    engine.sync()
    for step in (lambda: engine.worker.push(0), lambda: make_ineligible(engine)):
        with engine.worker.store.reading(DEMARCHE) as reader:
            [conflict] = reader.wishes.conflicts()
        assert ("label", seen_at) == (conflict.annotation, conflict.distante_le)
        engine.advance(hours=1)
        step()
        engine.sync(full=True)
    with engine.worker.store.reading(DEMARCHE) as reader:
        assert [seen_at] == [one.distante_le for one in reader.wishes.conflicts()]


def beside(opinion: str = "Éligible", whose: str = "de") -> str:
    return f"Avis {whose} l’équipe ; celui de dsync était « {opinion} »."


def their_result(engine: Engine, value: str = OTHER) -> None:
    """Have a person write their result; it is seen twice, the second time without a write."""
    engine.control.edit_annotation(number(0), RESULTAT, value)
    engine.advance(minutes=20)
    assert (0, 1) == ((report := engine.sync()).exit_code, report.pushed)
    assert_quiet(engine)


def assert_quiet(engine: Engine) -> None:
    """Nothing more is written, and what DS, copy and database have agrees."""
    engine.control.forget_requests()
    for options in ({}, {"full": True}):
        engine.advance(minutes=20)
        engine.sync(**options)
    assert [] == engine.mutations()
    assert [] == engine.worker.app.verify(remote=True).findings


def authors(engine: Engine) -> dict[str, set[str]]:
    """Return who changed what of dossier 0 since it was first read."""
    found: dict[str, set[str]] = {}
    names = {id_of(RESULTAT): "resultat", id_of(DETAIL): "detail", "etiquettes": "etiquettes"}
    for row in engine.rows(
        "SELECT champ_id, par FROM lecture_changement WHERE numero = :n", n=number(0)
    ):
        if row["champ_id"] in names:
            found.setdefault(names[row["champ_id"]], set()).add(row["par"])
    return found


def agrees(engine: Engine) -> None:
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")


def gives_back(engine: Engine) -> None:
    end(engine, Choice.ADOPT)


def orders(engine: Engine) -> None:
    engine.worker.push(0, force_by="ana@poste")


def keeps_and_agrees(engine: Engine) -> None:
    end(engine, Choice.KEEP)
    assert_quiet(engine)
    assert beside() == engine.remote(0, DETAIL)
    agrees(engine)


def end(engine: Engine, choice: Choice) -> None:
    now = engine.worker.now()
    end_conflicts(engine.worker.store, DEMARCHE, choice, now, asked_by="ana@poste")


@pytest.mark.parametrize(
    ("database_url", "ends"),
    [
        *(("sqlite", one) for one in (agrees, gives_back, orders, keeps_and_agrees)),
        long("postgresql", keeps_and_agrees),
    ],
    indirect=["database_url"],
)
def test_beside_a_humans_result_dsync_says_whose_opinion_is_whose(
    start: Start, ends: Callable[[Engine], None]
) -> None:
    """Its label goes and its detail says so, once; both return when the result is dsync's again."""
    engine = start([0, 1])
    engine.sync_until_quiet()
    detail, date = engine.remote(0, DETAIL), engine.remote(0, DATE)
    their_result(engine)
    assert (OTHER, beside(), date) == tuple(
        engine.remote(0, id_) for id_ in (RESULTAT, DETAIL, DATE)
    )
    assert ([], "conflit") == (engine.labels(0), engine.wishes(0)["label"])
    assert {"detail": {"dsync"}, "etiquettes": {"dsync"}, "resultat": {"dsync", "instructeur"}} == (
        authors(engine)
    )
    assert OTHER == engine.one("lecture_precontrole", 0)["avis_equipe"]
    ends(engine)
    engine.advance(minutes=20)
    assert 0 == engine.sync().exit_code
    assert engine.one("lecture_precontrole", 0)["avis_equipe"] is None
    assert ("Éligible", detail, ["éligible"]) == (
        engine.remote(0),
        engine.remote(0, DETAIL),
        engine.labels(0),
    )
    assert CONFIRMED == engine.wishes(0)
    assert ({"dsync"}, {"dsync"}) == (authors(engine)["detail"], authors(engine)["etiquettes"])
    assert_quiet(engine)


@engine_by_case("when", sqlite="before the read", postgresql="between the read and the push")
def test_a_detail_and_a_label_of_a_human_stay_beside_their_result(start: Start, when: str) -> None:
    """What they wrote is never touched, nor restored when they agree on the result."""
    engine = start([0, 1])
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.advance(minutes=20)
    if when != "before the read":
        engine.sync(push=False)
    engine.control.edit_annotation(number(0), DETAIL, "Vu en réunion.")
    engine.control.remove_label(number(0), "éligible")
    engine.control.add_label(number(0), "inéligible")
    for result in (OTHER, "Éligible"):
        if result != OTHER:
            engine.control.edit_annotation(number(0), RESULTAT, result)
        engine.sync()
        assert ("Vu en réunion.", ["inéligible"]) == (engine.remote(0, DETAIL), engine.labels(0))
        assert_quiet(engine)


def test_the_sentence_follows_dsyncs_opinion_and_an_emptied_result(engine: Engine) -> None:
    """While the human's result stands, a new verdict moves what the sentence says, and no more."""
    engine.sync_until_quiet()
    their_result(engine, "À vérifier")
    make_ineligible(engine)
    engine.advance(minutes=20)
    engine.sync()
    assert ("À vérifier", beside(OTHER)) == (engine.remote(0), engine.remote(0, DETAIL))
    assert_quiet(engine)
    their_result(engine, "")
    assert beside(OTHER, "retiré par") == engine.remote(0, DETAIL)
    assert {"dsync"} == authors(engine)["detail"]


@pytest.mark.parametrize("operation", ["Push"])
def test_a_sentence_whose_answer_was_lost_is_dsyncs(engine: Engine, operation: str) -> None:
    """It is read back, and not taken for the words of a human."""
    engine.sync_until_quiet()
    detail = engine.remote(0, DETAIL)
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.control.faults.fail(ScriptedFault("answer_lost", operation))
    engine.advance(minutes=20)
    engine.sync()
    engine.let_expire()
    engine.sync()
    assert (beside(), []) == (engine.remote(0, DETAIL), engine.labels(0))
    assert_quiet(engine)
    assert {"dsync"} == authors(engine)["detail"]
    agrees(engine)
    engine.advance(minutes=20)
    engine.sync()
    assert (detail, CONFIRMED) == (engine.remote(0, DETAIL), engine.wishes(0))
