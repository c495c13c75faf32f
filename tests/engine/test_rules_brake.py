"""Changed rules that would move too many verdicts judge nothing until somebody accepts them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.store.codes import Kind
from tests.engine.conftest import Start
from tests.engine.rig import (
    FIRST,
    NOW,
    OPEN,
    PAGE,
    PROBLEME,
    Engine,
    deposited,
    number,
    seeds,
)
from tests.engine.test_judging import SUIVI, product_of
from tests.store.databases import on_each, on_postgresql

LIST = Path(__file__).parents[2] / "config" / "operateurs_etat.csv"
SAFETY = {"verdicts_percent": 0}
WRONG = deposited(date(2024, 1, 1), date(2024, 1, 2))
"""The call's window with a slip in its last day."""
NO_DEPOT: dict[str, Any] = {"controles": {"depot": None}}


def change_rules(engine: Engine, rules: Mapping[str, Any]) -> str:
    """Start again with other rules; return their version."""
    worker = engine.restart(configuration={**rules, "safety": SAFETY})
    assert worker.app.programme is not None
    assert worker.app.programme.rules is not None
    return worker.app.programme.rules.version


def shown(engine: Engine) -> list[Any]:
    """Return what people see of the verdicts, here and in DS."""
    rows = engine.rows("SELECT * FROM lecture_precontrole ORDER BY numero, etabli_le")
    for row in rows:
        del row["modifie_ici_le"]  # It moves with what DS changed.
    return [rows, [(engine.remote(rank), engine.labels(rank)) for rank in OPEN]]


def deposit(engine: Engine) -> None:
    """Have one more dossier arrive now, the thirteenth."""
    engine.control.deposit(seeds([12])[0])
    engine.control.save_without_submitting(number(12))


def moved(engine: Engine) -> int:
    """Count the open dossiers that a wrong window moves: those that were « Éligible »."""
    return sum(engine.verdict(rank) == "Éligible" for rank in OPEN)


def test_one_wrong_date_judges_and_writes_nothing(start: Start) -> None:
    """The run ends with 4 and a table; no verdict moves, and a new dossier gets none."""
    engine = start()
    engine.sync_until_quiet()
    before, count = shown(engine), moved(engine)
    assert count
    versions = engine.rows("SELECT * FROM lecture_regle")
    change_rules(engine, WRONG)
    deposit(engine)
    engine.control.edit_champ(number(0), PROBLEME, "")
    for _ in range(2):
        report = engine.sync()
        assert (4, "partial", 0, 0) == (
            report.exit_code,
            report.status,
            report.evaluated,
            report.pushed,
        )
        [sentence] = report.errors
        assert f"would change {count} of 10" in sentence
        assert f"Éligible → À vérifier: {count}." in sentence
        assert before == shown(engine)
        engine.advance(minutes=1)
    assert [] == engine.mutations()
    assert "en_instruction" == engine.one("lecture_candidature", 12)["etat"]
    assert None is engine.verdict(12)
    # They gave no verdict, so they are no version that was ever in force.
    assert versions == engine.rows("SELECT * FROM lecture_regle")
    # What was read is stored, and the copy counts as fresh.
    state = engine.state()
    assert state.last_success_at is not None
    assert state.last_success_at > NOW
    [anomaly] = engine.rows("SELECT * FROM lecture_anomalie")
    assert "accord_attendu" == anomaly["code"]
    # By hand neither, one by one.
    by_hand = engine.sync(work=Kind.PRECHECK, dossiers=(number(1),), started_by="ada@here")
    assert (4, []) == (by_hand.exit_code, [*by_hand.comparisons])
    assert before == shown(engine)


@on_postgresql
def test_accepted_rules_do_all_that_waited(engine: Engine) -> None:
    """The journal says who accepted them, the events that the rules are the cause."""
    engine.sync_until_quiet()
    count = moved(engine)
    version = change_rules(engine, WRONG)
    deposit(engine)
    assert 4 == engine.sync().exit_code
    [asked] = engine.asked()
    assert {version: ""} == asked.proposal.subjects
    assert [True] == [bool(one["depuis"]) for one in engine.rows("SELECT * FROM lecture_anomalie")]
    report = engine.accept(Consent.RULES)
    assert (0, 11) == (report.exit_code, report.evaluated)
    [request] = engine.rows("SELECT * FROM demande WHERE genre = 'accord'")
    assert ("ada@here", {"genre": "regles", "accord": asked.version}) == (
        request["demande_par"],
        json.loads(request["options"]),
    )
    # One act: what follows from it is written by the same run.
    assert {"À vérifier", "Inéligible"} == {engine.remote(rank) for rank in OPEN}
    assert engine.remote(12) is not None
    rows = engine.rows("SELECT details FROM evenement WHERE evenement = 'verdict'")
    events = [json.loads(row["details"]) for row in rows]
    of_rules = [one for one in events if one.get("causes") == ["regles"]]
    assert count == sum(one["avant"] != one["verdict"] for one in of_rules)
    assert [] == engine.rows("SELECT * FROM lecture_anomalie")
    engine.advance(minutes=30)
    engine.control.forget_requests()
    again = engine.sync()
    assert (0, 0, []) == (again.exit_code, again.evaluated, engine.mutations())


def test_corrected_rules_end_it_without_a_word(start: Start) -> None:
    """The rules of before judge what came meanwhile."""
    engine = start()
    engine.sync_until_quiet()
    change_rules(engine, WRONG)
    engine.control.edit_champ(number(0), PAGE, SUIVI.format(product_of(9)))
    assert 4 == engine.sync().exit_code
    engine.restart()
    report = engine.sync()
    assert (0, True) == (report.exit_code, report.evaluated > 0)
    assert [] == engine.rows("SELECT * FROM lecture_anomalie")


def test_other_rules_than_were_shown_are_not_accepted(start: Start) -> None:
    """Also by a service that has not read the changed file."""
    engine = start()
    engine.sync_until_quiet()
    change_rules(engine, WRONG)
    engine.sync()
    before = shown(engine)
    change_rules(engine, deposited(date(2024, 1, 1), date(2024, 1, 3)))
    report = engine.accept(Consent.RULES)
    assert (4, 0) == (report.exit_code, report.evaluated)
    assert before == shown(engine)
    [asked] = engine.asked()
    old = asked.version
    change_rules(engine, WRONG)
    engine.sync()
    late = engine.sync(work=Kind.CONSENT, genre=Consent.RULES, accord=old, started_by="ada@here")
    assert (2, 0) == (late.exit_code, late.evaluated)
    assert "waits no more" in late.errors[0]
    assert before == shown(engine)


@pytest.mark.parametrize(
    ("rules", "safety"),
    [
        ({"controles": {"profils": {"regle": "Règle : deux profils."}}}, {"verdicts_percent": 10}),
        (WRONG, {"verdicts_percent": 100}),
    ],
)
def test_few_moved_verdicts_are_believed(
    start: Start, rules: dict[str, Any], safety: dict[str, Any]
) -> None:
    """By number or by share; the rules that were let through are the standing ones from then on."""
    engine = start()
    engine.sync_until_quiet()
    engine.restart(configuration={**rules, "safety": safety})
    assert (0, []) == (engine.sync().exit_code, engine.asked())
    # The same rules again, also by a process with a tighter limit.
    change_rules(engine, rules)
    assert 0 == engine.sync().exit_code


@on_each
@pytest.mark.parametrize(
    ("before", "slip", "said"),
    [
        (
            {},
            {"controles": {"depot": {"conforme": "Dépôt le {depot}, hors délai."}}},
            "Contrôle « depot »: sa phrase → une autre phrase: 10",
        ),
        ({}, {"controles": {"administration": None}}, "« administration »"),
        ({}, WRONG, "Contrôle « depot »: Conforme → À vérifier: 10"),
        ({}, NO_DEPOT, "Contrôle « depot »: Conforme → aucun résultat: 10"),
        (NO_DEPOT, {}, "Contrôle « depot »: aucun résultat → Conforme: 10"),
    ],
    ids=["sentence", "off", "result", "vanishes", "appears"],
)
def test_what_most_dossiers_would_read_otherwise_of_a_check_waits(
    start: Start, before: dict[str, Any], slip: dict[str, Any], said: str
) -> None:
    """Its result or its sentence, though no verdict changes; corrected, it ends by itself."""
    engine = start(configuration=before)
    engine.sync_until_quiet()
    there = shown(engine)
    engine.restart(configuration={**slip, "safety": {"verdicts_percent": 50}})
    report = engine.sync()
    assert (4, 0, there) == (report.exit_code, report.pushed, shown(engine)), report
    [asked] = engine.asked()
    table = [
        f"{move.what}: {move.before} → {move.after}: {move.dossiers}"
        for move in asked.proposal.moves
    ]
    assert any(said in one for one in table), table
    assert said.split("«")[1].split("»")[0].strip() in report.errors[0]
    assert ": none." not in report.errors[0]
    engine.restart(configuration=before)
    assert (0, []) == (engine.sync().exit_code, engine.asked())


def ends_before_the_last(engine: Engine) -> dict[str, Any]:
    """The call's window, closed a day before the last deposit of an eligible dossier."""
    rows = engine.rows("SELECT numero, depose_le FROM dossier")
    at = {row["numero"] - FIRST: date.fromisoformat(str(row["depose_le"])[:10]) for row in rows}
    last = max(at[rank] for rank in OPEN if engine.verdict(rank) == "Éligible")
    return deposited(date(2019, 1, 1), last - timedelta(days=1))


def without_sinon(_engine: Engine) -> dict[str, Any]:
    """What excludes a dossier only asks about it."""
    return {"controles": {"phase": {"sinon": "a_verifier"}}}


@on_each
@pytest.mark.parametrize("slip", [ends_before_the_last, without_sinon])
def test_rules_that_turn_a_single_decided_verdict_wait(start: Start, slip: Any) -> None:
    """Few as they are: who changes the file is asked once. What they then decide is no turn."""
    engine = start()
    engine.sync_until_quiet()
    before = shown(engine)
    engine.restart(configuration=slip(engine))
    report = engine.sync()
    assert (4, before) == (report.exit_code, shown(engine)), report
    [asked] = engine.asked()
    assert asked.proposal.moved <= 5
    assert 0 == engine.accept(Consent.RULES).exit_code
    assert before[1] != shown(engine)[1]
    if slip is ends_before_the_last:
        engine.restart()
        report = engine.sync_later()
        assert (0, before[1], []) == (report.exit_code, shown(engine)[1], engine.asked())


@on_each
def test_a_list_that_lost_many_of_its_lines_waits(start: Start, tmp_path: Path) -> None:
    """A download that broke off: few verdicts move, but the next dossiers are judged by it, too."""
    engine = start()
    engine.sync_until_quiet()
    before, lines = shown(engine), LIST.read_text("utf-8").splitlines(keepends=True)
    for kept, code in ((len(lines) // 2, 4), (len(lines) - 20, 0)):
        file = tmp_path / f"{kept}.csv"
        file.write_text("".join(lines[:kept]), "utf-8")
        change = {"parametres": {"operateurs": [str(file)]}}
        engine.restart(configuration={"controles": {"administration": change}})
        report = engine.sync()
        assert code == report.exit_code, report
        if code:
            assert before == shown(engine)
            assert "and 1 list lost many lines" in report.errors[0]
            [asked] = engine.asked()
            assert "Liste « operateurs »" in [one.what for one in asked.proposal.moves]


def test_rules_are_not_let_through_because_evidence_is_out_of_reach(start: Start) -> None:
    """What cannot be tried counts as moved, and is tried again when the evidence is back."""
    engine = start()
    engine.sync_until_quiet()
    for rank in (0, 1):
        # Without evidence of its own, which would be frozen.
        engine.control.edit_champ(number(rank), PAGE, SUIVI.format("inconnue-au-catalogue"))
    engine.sync()
    engine.control.catalogue.unavailable = True
    engine.advance(days=15)
    change_rules(engine, {"precontrole": {"answer_days": 20}})
    assert 4 == engine.sync().exit_code
    engine.control.catalogue.unavailable = False
    report = engine.sync()
    assert (0, []) == (report.exit_code, report.errors)
