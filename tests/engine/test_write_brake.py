"""What would replace much of what dsync wrote is not written until a person consents, once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.sandbox import Change
from tests.engine.conftest import Start
from tests.engine.inbox import Inbox
from tests.engine.rig import (
    DATE,
    DETAIL,
    PAGE,
    PROBLEME,
    Engine,
    base_settings,
    deposited,
    id_of,
    number,
)
from tests.engine.test_alerts import alerts_of, told
from tests.profiles import long
from tests.store.databases import engine_by_case, postgresql_if_long

RANKS = range(24)
CONFIG: Any = base_settings().configuration


def written(engine: Engine) -> list[Any]:
    """Return all annotations and labels of all dossiers in DS."""
    return [
        (engine.control.truth_of(number(rank)).raw_annotations, engine.labels(rank))
        for rank in RANKS
    ]


def swapped_options() -> dict[str, Any]:
    """« Éligible » and « Inéligible » exchanged."""
    options = CONFIG.annotations.options
    swapped = options.model_copy(
        update={"eligible": options.ineligible, "ineligible": options.eligible}
    )
    return {"annotations": {"options": swapped}}


def swapped_labels() -> dict[str, Any]:
    """The same of labels."""
    labels = CONFIG.annotations.labels
    assert labels is not None
    swapped = {"eligible": labels.ineligible, "ineligible": labels.eligible}
    return {"annotations": {"labels": labels.model_copy(update=swapped)}}


def swapped_fields() -> dict[str, Any]:
    """The declared phase is read from the incubator's champ, and the other way round."""
    champs = CONFIG.mapping.champs
    exchanged = {"phase_declaree": champs.incubateur, "incubateur": champs.phase_declaree}
    return {"mapping": {"champs": champs.model_copy(update=exchanged)}}


def on_the_jurys_date() -> dict[str, Any]:
    """`[annotations] date` on the annotation of the jury's day."""
    date = CONFIG.annotations.date
    jury = CONFIG.mapping.annotations.jury_le.id
    target = date.model_copy(update={"id": jury, "libelles": ("Date du jury",)})
    return {"annotations": {"date": target}}


CAUSES = {
    "options": swapped_options,
    "labels": swapped_labels,
    "mapping": swapped_fields,
    "date": on_the_jurys_date,
    "instruction": lambda: {"precontrole": {"instruction": "le service des aides"}},
}


@pytest.mark.parametrize(
    "cause", ["options", long("labels"), "mapping", "date", long("instruction")]
)
def test_a_slip_in_the_configuration_writes_nothing(start: Start, cause: str) -> None:
    """Exit 4 with a table, again and again; corrected, it ends by itself without a write."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    before = written(engine)
    engine.control.forget_requests()
    engine.restart(configuration=CAUSES[cause]())
    for _ in range(2):
        report = engine.sync()
        assert (4, 0, before) == (report.exit_code, report.pushed, written(engine)), report
        # The mapping is a part of the rules' version.
        kind = Consent.RULES if cause == "mapping" else Consent.WRITES
        assert [kind] == [one.proposal.kind for one in engine.asked()]
        assert f"`dsync accept {kind.word}`" in report.errors[-1]
        engine.advance(minutes=11)
    assert [] == engine.mutations()
    engine.restart()
    report = engine.sync()
    assert (0, 0) == (report.exit_code, report.pushed), report
    assert ([], before, []) == (engine.asked(), written(engine), engine.mutations())


@postgresql_if_long
def test_labels_that_are_no_longer_configured_go_by_consent(start: Start) -> None:
    """A person's own stay; a result that changes meanwhile waits with them."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    ours = [rank for rank in RANKS if "label" in engine.wishes(rank)]
    mine, other, *_ = [rank for rank in ours if engine.labels(rank) == ["éligible"]]
    engine.control.remove_label(number(mine), "éligible")
    engine.control.add_label(number(mine), "à vérifier")
    engine.control.edit_champ(number(other), PAGE, "")
    engine.advance(minutes=11)
    engine.restart(configuration={"annotations": {"labels": None}})
    report = engine.sync()
    assert (4, 0, ["éligible"]) == (report.exit_code, report.pushed, engine.labels(other))
    [asked] = engine.asked()
    assert "éligible → aucune: " in asked.proposal.table
    assert 0 == engine.accept(Consent.WRITES).exit_code
    left = {rank: engine.labels(rank) for rank in ours if engine.labels(rank)}
    assert ({mine: ["à vérifier"]}, "Inéligible") == (left, engine.remote(other))
    engine.restart()
    engine.advance(minutes=11)
    report = engine.sync()
    assert (0, ["inéligible"]) == (report.exit_code, engine.labels(other)), report
    assert ["à vérifier"] == engine.labels(mine)


def test_consent_writes_what_was_shown_and_rests(start: Start) -> None:
    """By the run that has it, and no more: another slip between the table and it is asked again."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    before = written(engine)
    engine.restart(configuration=CAUSES["instruction"]())
    engine.sync()
    engine.restart(configuration={"precontrole": {"instruction": "la sous-direction des aides"}})
    report = engine.accept(Consent.WRITES)
    assert (4, before) == (report.exit_code, written(engine))
    [asked] = engine.asked()
    assert Consent.WRITES is asked.proposal.kind
    report = engine.accept(Consent.WRITES)
    assert (0, len(asked.proposal.subjects)) == (report.exit_code, report.pushed), report
    assert before != written(engine)
    engine.advance(minutes=30)
    engine.control.forget_requests()
    report = engine.sync()
    assert (0, [], []) == (report.exit_code, engine.mutations(), engine.asked())


def edited(engine: Engine) -> None:
    """Have applicants edit each dossier that has a decisive result, and have it read."""
    for rank in RANKS:
        if engine.remote(rank) in ("Éligible", "Inéligible"):
            engine.control.edit_champ(number(rank), PROBLEME, f"Autre texte {rank}")
    engine.advance(minutes=10)
    assert 0 == engine.sync().exit_code


def on_an_id_of_another() -> dict[str, Any]:
    """The same, with the label of its own."""
    date = CONFIG.annotations.date
    target = date.model_copy(update={"id": CONFIG.mapping.annotations.jury_le.id})
    return {"annotations": {"date": target}}


@postgresql_if_long
@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (swapped_options, "le résultat « Inéligible » contredit le détail, qui dit « Éligible »"),
        (swapped_labels, "le label « inéligible » contredit le détail, qui dit « Éligible »"),
        (on_an_id_of_another, "[annotations] date s’appelle « Date du jury »"),
    ],
    ids=["options", "labels", "date"],
)
def test_what_would_be_false_is_never_written(start: Start, slip: Any, said: str) -> None:
    """Not by the first run of a database, nor by an order: refused with the reason, exit 7."""
    engine = start([0], configuration=slip())
    before = engine.control.truth_of(number(0)).raw_annotations
    reports = [engine.sync(), engine.worker.push(0, force_by="ada@here")]
    assert [(7, 0)] * 2 == [(report.exit_code, report.pushed) for report in reports]
    assert all(said in " ".join(report.errors) for report in reports)
    assert (before, []) == (engine.control.truth_of(number(0)).raw_annotations, engine.labels(0))
    engine.restart(configuration=None)
    report = engine.sync()
    assert (0, 1, "Éligible") == (report.exit_code, report.pushed, engine.remote(0))


def test_an_annotation_that_was_renamed_since_is_the_same_one(start: Start) -> None:
    """In the form, after dsync has written there."""
    engine = start([0])
    engine.sync_until_quiet()
    engine.control.form.publish_revision(Change(rename={DATE: "Établi le"}))
    engine.control.edit_champ(number(0), PAGE, "")
    engine.advance(minutes=10)
    report = engine.sync(full=True)
    assert (0, "Inéligible") == (report.exit_code, engine.remote(0))


@pytest.mark.parametrize("days", [0, 60])
def test_an_edit_explains_no_later_change(start: Start, days: int) -> None:
    """Applicants edit all along: what was judged since is not changed by their hands."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    edited(engine)
    engine.advance(days=days, minutes=1)
    before = written(engine)
    engine.restart(configuration=swapped_options())
    report = engine.sync()
    assert (4, 0, before) == (report.exit_code, report.pushed, written(engine))


def test_consent_to_rules_covers_what_they_change_and_no_more(start: Start) -> None:
    """The table of the rules shows what is then written; swapped options are asked about."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    rules = deposited(date(2019, 1, 1), date(2019, 12, 31))
    engine.restart(configuration={**rules, **swapped_options()})
    assert 4 == engine.sync().exit_code
    assert [Consent.RULES] == [one.proposal.kind for one in engine.asked()]
    before = written(engine)
    assert (4, before) == (engine.accept(Consent.RULES).exit_code, written(engine))
    assert [Consent.WRITES] == [one.proposal.kind for one in engine.asked()]
    engine.restart(configuration=rules)
    report = engine.sync()
    assert (0, [], True) == (report.exit_code, engine.asked(), report.pushed > 0)
    engine.advance(days=3)
    before = written(engine)
    engine.restart(configuration={**rules, **swapped_options()})
    assert (4, before) == (engine.sync().exit_code, written(engine))


@engine_by_case("days", postgresql=2, sqlite=31)
def test_a_few_again_and_again_are_many(start: Start, days: int) -> None:
    """What no person did is written in as many dossiers as the limit, in thirty days."""
    engine = start(range(96))
    engine.sync_until_quiet()
    rows = engine.rows("SELECT numero, depose_le FROM dossier ORDER BY depose_le")
    at = {row["numero"] - number(0): str(row["depose_le"])[:10] for row in rows}
    ours = [
        rank
        for rank in at
        if engine.remote(rank) == "Éligible" and engine.wishes(rank).get("resultat") == "confirmee"
    ]

    def end_before(rank: int) -> Any:
        """Let the call end before the deposit of a dossier: those from it on wait for a person."""
        last = date.fromisoformat(at[rank]) - timedelta(days=1)
        tight = {"safety": {"verdicts_percent": 5}}
        engine.restart(configuration=deposited(date(2019, 1, 1), last) | tight)
        return engine.sync_later()

    def moved() -> set[int]:
        return {rank for rank in ours[-6:] if engine.remote(rank) == "Éligible"}

    assert 4 == end_before(ours[-6]).exit_code
    assert (0, set()) == (engine.accept(Consent.RULES).exit_code, moved())
    assert [0, 0] == [end_before(ours[last]).exit_code for last in (-3, -1)]
    before = moved()
    assert 5 == len(before)
    engine.advance(days=days)
    engine.restart(configuration={"safety": {"verdicts_percent": 5}})
    report = engine.sync_later()
    if days > 30:
        assert (0, True) == (report.exit_code, before < moved()), report.errors
        return
    assert (4, before) == (report.exit_code, moved())
    [asked] = engine.asked()
    said = f"Dossiers repris sans explication en 30 jours : {len(before)}"
    assert (Consent.WRITES, said) == (asked.proposal.kind, asked.proposal.detail)
    assert 0 == engine.accept(Consent.WRITES).exit_code
    assert before < moved()


def test_what_waits_is_not_written_one_by_one(start: Start) -> None:
    """Runs about some dossiers are stopped by what waits in all of them."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    before = written(engine)
    engine.restart(configuration=CAUSES["instruction"]())
    assert 4 == engine.sync().exit_code
    one, another, third, *_ = [rank for rank in RANKS if engine.remote(rank) == "Éligible"]
    reports = (
        engine.worker.push(one),
        engine.sync(dossiers=(number(another),)),
        engine.sync(dossiers=(number(third),), started_by="webhook"),
    )
    assert [4, 4, 4] == [report.exit_code for report in reports]
    assert before == written(engine)
    assert [Consent.WRITES] == [one.proposal.kind for one in engine.asked()]
    assert 0 == engine.accept(Consent.WRITES).exit_code


def test_consent_to_one_place_is_none_to_another(start: Start) -> None:
    """The question names the annotation."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    shown = []
    for target in (5402, 5203):
        date = CONFIG.annotations.date.model_copy(update={"id": id_of(target), "libelles": ()})
        engine.restart(configuration={"annotations": {"date": date}})
        assert 4 == engine.sync().exit_code
        [asked] = engine.asked()
        shown.append(asked)
    assert shown[0].version != shown[1].version
    assert "Date du jury" in shown[1].proposal.table


def test_a_correction_by_an_instructeur_is_a_cause_of_its_own(start: Start) -> None:
    """As an edit by the applicant is."""
    engine = start([0])
    engine.sync_until_quiet()
    engine.control.correct_champ(number(0), PAGE, "")
    engine.advance(minutes=10)
    assert (0, "Inéligible") == (engine.sync().exit_code, engine.remote(0))


def test_it_is_an_alert_and_the_forced_write_of_one_dossier_is_a_persons(
    start: Start, inbox: Inbox
) -> None:
    """Told once; an order about some dossiers is not held back by the others."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    engine.restart(configuration=CAUSES["instruction"]())
    alerts = alerts_of(engine.worker, inbox)
    for expected in (["consent writes"], []):
        engine.sync()
        titles = told(engine, inbox, alerts)
        assert expected == [one for one in titles if not one.startswith("check ")]
    was = engine.remote(0, DETAIL)
    assert 0 == engine.worker.push(0, force_by="ada@here").exit_code
    assert was != engine.remote(0, DETAIL)
