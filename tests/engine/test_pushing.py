"""Pushing: lost answers, nobody's hand overwritten, labels.

The life of a conflict is in `test_conflicts.py`, what DS refuses in `test_refusals.py`, what dsync
wrote before in `test_adopting.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from dsync.sandbox import ScriptedFault
from dsync.sandbox.faults import Kind
from dsync.store.codes import Status
from dsync.sync.context import Progress
from tests.engine.conftest import Start
from tests.engine.rig import (
    DATE,
    DETAIL,
    ETAPE,
    OPEN,
    PAGE,
    PROBLEME,
    RESULTAT,
    VALIDE,
    WISHES,
    Engine,
    Patient,
    engine_for,
    number,
)
from tests.profiles import long
from tests.store.databases import on_postgresql

PUSH, READ = "Push", "Annotations"
CONFIRMED = dict.fromkeys(WISHES, "confirmee")
UNCERTAIN = {**dict.fromkeys(WISHES, "incertaine"), "label": "en_attente"}
"""An answer was lost: the label waits for its annotations."""
OTHER = "Inéligible"
"""A result that a human gives; dossier 0 is Éligible."""


def make_ineligible(engine: Engine, rank: int = 0) -> None:
    """Have the next run judge this dossier otherwise."""
    engine.control.edit_champ(number(rank), PAGE, "")
    # Edits that only empty answers are not believed of many.
    engine.control.edit_champ(number(rank), PROBLEME, "Autre")


def eligible(engine: Engine) -> list[int]:
    """Return the ranks of the open dossiers that are Éligible."""
    return [rank for rank in OPEN if engine.verdict(rank) == "Éligible"]


def test_a_read_only_token_pulls_and_says_so(start: Start) -> None:
    """All is read and judged; every wish is refused with that reason, by one mutation.

    Each run says so.
    """
    engine = start()
    small = {"push_batch": 2}
    engine.restart(token=engine.sandbox.tokens.readonly, limits=small)
    report = engine.sync()
    assert (7, Status.PARTIAL, 12, 12) == (
        report.exit_code,
        report.status,
        report.read,
        report.evaluated,
    )
    assert 1 == len(report.errors)
    assert "read-only" in report.errors[0]
    assert 1 == len(engine.mutations())
    assert [
        {"statut": "refusee", "erreur": "Le jeton utilisé est configuré seulement en lecture"}
    ] == (engine.rows("SELECT DISTINCT statut, erreur FROM lecture_annotation"))
    assert 7 == engine.sync().exit_code
    assert 1 == len(engine.mutations())
    engine.restart()
    assert (0, 10) == ((again := engine.sync()).exit_code, again.pushed)


def test_a_dossier_gone_between_reading_and_writing_waits(engine: Engine) -> None:
    """DS says that it is not there: nothing is uncertain, the others of the document are done."""

    def hide_first(push: Callable[..., Any], *given: Any) -> Any:
        engine.control.hide(number(0))
        return push(*given)

    engine.worker.client.around["push"] = hide_first
    report = engine.sync()
    engine.worker.client.around.clear()
    assert (7, 9) == (report.exit_code, report.pushed)
    assert dict.fromkeys(WISHES, "en_attente") == engine.wishes(0)
    engine.control.restore(number(0))
    engine.advance(hours=1)
    assert (0, 1) == ((again := engine.sync()).exit_code, again.pushed)
    assert CONFIRMED == engine.wishes(0)


# --- outcomes that are not known ----------------------------------------------------------------


def test_a_500_in_the_document_is_read_back_and_gone_through_one_by_one(engine: Engine) -> None:
    """Some done, some not: each arrives once, the culprit alone is given up."""
    engine.begin(push=False)
    culprit = OPEN[4]
    engine.control.faults.fail_writes(number(culprit))
    report = engine.sync()
    assert (7, 9) == (report.exit_code, len([r for r in OPEN if engine.wishes(r) == CONFIRMED]))
    assert "en_attente" == engine.wishes(culprit)["resultat"]
    for rank in OPEN:
        if rank != culprit:
            assert engine.verdict(rank) == engine.remote(rank)
            assert 1 == len(set(engine.sent(rank)))


@pytest.mark.parametrize("kind", ["answer_lost", "cut_before", long("html")])
def test_a_lost_answer_is_uncertain_until_it_is_read_back(engine: Engine, kind: Kind) -> None:
    """Neither failure nor success; not before 35 s; then confirmed, or found missing and sent."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault(kind, PUSH))
    report = engine.sync()
    assert (7, 0) == (report.exit_code, report.pushed)
    assert UNCERTAIN == engine.wishes(0)
    engine.advance(seconds=34)
    engine.sync()
    assert UNCERTAIN == engine.wishes(0)
    assert 1 == len(engine.mutations())
    engine.advance(seconds=2)
    report = engine.sync()
    assert (0, 10, CONFIRMED) == (report.exit_code, report.pushed, engine.wishes(0))
    # An answer of another server's hand may have hidden that nothing was done: sent again. The
    # labels' document comes after.
    assert (2 if kind == "answer_lost" else 3) == len(engine.mutations())
    assert 1 == len(set(engine.sent(0)))


def test_an_operators_push_waits_for_the_lost_answer(start: Start) -> None:
    """It says for how long, then reads back what DS did: done, without a second write."""
    engine = start()
    told = Told()
    engine.restart(stop=Patient(engine)).app.progress = told
    engine.sync(push=False)
    engine.control.faults.fail(ScriptedFault("answer_lost", PUSH))
    report = engine.worker.push()
    assert (0, CONFIRMED) == (report.exit_code, engine.wishes(0))
    assert 1 == len(engine.sent(0))
    assert ["waiting 35 s" in sentence for sentence in told.lines] == [True]


class Told(Progress):
    """Keeps what a command prints while it works."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize(
    ("refused", "code", "status"), [("read-only", 7, "refusee"), ("at the door", 3, "en_attente")]
)
def test_a_value_that_ds_refused_to_write_is_a_humans_when_it_stands_there(
    engine: Engine, refused: str, code: int, status: str
) -> None:
    """Sent by dsync, and surely not written: the verdict that comes next does not go over it."""
    engine.begin(push=False)
    if refused == "read-only":
        engine.restart(token=engine.sandbox.tokens.readonly)
    else:
        engine.control.faults.fail(ScriptedFault("token_expired", PUSH))
    assert code == engine.sync().exit_code
    assert dict.fromkeys(WISHES, status) == engine.wishes(0)
    assert ["Éligible"] == engine.sent(0)
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    make_ineligible(engine)
    engine.restart()
    report = engine.sync()
    assert (1, "Éligible") == (report.conflicts, engine.remote(0))
    # The others go out at once with a good token.
    assert (0, 9) == (report.exit_code, report.pushed)


@on_postgresql
def test_what_will_be_sent_is_on_the_servers_disk_before_it_goes(engine: Engine) -> None:
    """Its crash right after may make it forget a page or a verdict, never that this was sent."""
    waited: list[str] = []
    seen: list[str] = []

    def note(connection: Connection) -> None:
        waited.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())

    def look(push: Callable[..., Any], *given: Any) -> Any:
        seen.append(waited[-1])
        return push(*given)

    engine.worker.client.around["push"] = look
    event.listen(engine_for(engine.url), "commit", note)
    engine.sync()
    event.remove(engine_for(engine.url), "commit", note)
    assert {"on"} == set(seen)


@pytest.mark.parametrize("kind", ["answer_lost", long("cut_before")])
def test_no_newer_wish_goes_out_before_the_lost_answer_is_read_back(
    engine: Engine, kind: Kind
) -> None:
    """The verdict changes while the answer is lost: the new value waits, then goes over ours."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault(kind, PUSH))
    engine.sync()
    first = len(engine.mutations())
    make_ineligible(engine)
    engine.advance(seconds=10)
    engine.sync()
    assert first == len(engine.mutations())
    engine.advance(seconds=30)
    report = engine.sync()
    assert (0, "Inéligible") == (report.exit_code, engine.remote(0))
    assert ["Éligible", "Inéligible"] == engine.sent(0)
    assert ["inéligible"] == engine.labels(0)


def test_a_value_sent_without_an_answer_stays_dsyncs_after_a_newer_one_failed(
    engine: Engine,
) -> None:
    """It is read back in DS, the newer value is refused at the door: it is nobody else's."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("answer_lost", PUSH))
    engine.sync()
    make_ineligible(engine)
    engine.advance(seconds=40)
    engine.control.faults.fail(ScriptedFault("token_expired", PUSH))
    assert 3 == engine.sync().exit_code
    assert "Éligible" == engine.remote(0)
    report = engine.sync()
    assert (0, 0, "Inéligible") == (report.exit_code, report.conflicts, engine.remote(0))
    assert CONFIRMED == engine.wishes(0)


def test_a_human_edit_after_a_lost_answer_is_respected(engine: Engine) -> None:
    """What stands there is neither what was there nor what was sent."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("answer_lost", PUSH))
    engine.sync()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.advance(seconds=40)
    report = engine.sync()
    assert (1, OTHER) == (report.conflicts, engine.remote(0))


def test_a_timeout_inside_the_document_counts_what_was_done(engine: Engine) -> None:
    """Some aliases answered, others null: the others are read back later."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("timeout", PUSH, reached=6))
    engine.sync()
    engine.advance(seconds=40)
    report = engine.sync()
    assert 0 == report.exit_code
    for rank in OPEN:
        assert (CONFIRMED, 1) == (engine.wishes(rank), len(set(engine.sent(rank))))


# --- a human's hand ---------------------------------------------------------------------------


def test_a_value_edited_while_a_write_waits_for_the_rate_limit_stays(start: Start) -> None:
    """After a 429 the values are read again before they are written."""

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if any(entry.status == 429 for entry in engine.requests()):
                engine.control.edit_annotation(number(0), RESULTAT, OTHER)
            return super().wait(timeout)

    engine = start(limits={"max_wait_s": 0.4}, stop=Stop())
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("rate_limited", PUSH))
    report = engine.sync()
    assert (0, 1, OTHER) == (report.exit_code, report.conflicts, engine.remote(0))
    assert CONFIRMED == engine.wishes(1)


def test_what_a_human_edits_while_a_write_waits_to_be_sent_stays(engine: Engine) -> None:
    """For permits, or because the process was suspended: the values are read again."""
    engine.begin(push=False)
    waits = iter([75])

    def wait(push: Callable[..., Any], *given: Any) -> Any:
        if seconds := next(waits, 0):
            engine.control.edit_annotation(number(0), RESULTAT, OTHER)
            engine.advance(seconds=seconds)
        return push(*given)

    engine.worker.client.around["push"] = wait
    report = engine.sync()
    assert (0, 1, OTHER) == (report.exit_code, report.conflicts, engine.remote(0))
    assert ([], CONFIRMED) == (engine.sent(0), engine.wishes(1))
    assert not report.error_classes


def test_a_value_that_a_human_put_first_is_a_conflict(engine: Engine) -> None:
    """Never pushed by us and not empty: it stays, and holds back detail, date and label."""
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    report = engine.sync()
    assert (0, 1, OTHER) == (report.exit_code, report.conflicts, engine.remote(0))
    assert dict.fromkeys(WISHES, "conflit") == engine.wishes(0)
    assert (None, None, []) == (engine.remote(0, DETAIL), engine.remote(0, DATE), engine.labels(0))
    assert 1 == engine.events(0).count("conflit")


def test_what_a_human_changed_since_our_push_is_a_conflict_of_that_alone(engine: Engine) -> None:
    """The run that reads it records it; nothing goes over it, though all are judged otherwise."""
    engine.sync_until_quiet()
    control = engine.control
    control.edit_annotation(number(0), RESULTAT, OTHER)
    control.edit_annotation(number(9), RESULTAT, "")
    control.edit_annotation(number(1), DETAIL, "Vu avec le sponsor")
    control.edit_annotation(number(7), DATE, None)
    # Labels move their dossiers, too.
    control.add_label(number(8), "éligible")
    control.remove_label(number(10), "à vérifier")
    report = engine.sync()
    assert (0, 6, 6) == (report.exit_code, report.read, report.conflicts)
    assert ["conflit"] * 2 == [engine.wishes(rank)["resultat"] for rank in (0, 9)]
    alone = {1: "detail", 7: "date", 8: "label", 10: "label"}
    for rank, name in alone.items():
        assert {**CONFIRMED, name: "conflit"} == engine.wishes(rank), name
    labels = {rank: engine.labels(rank) for rank in (8, 10)}
    for rank in (0, 9, *alone):
        make_ineligible(engine, rank)
    engine.advance(minutes=20)
    engine.sync()
    assert (OTHER, None) == (engine.remote(0), engine.remote(9))
    assert [[], []] == [engine.sent(rank) for rank in (0, 9)]
    assert "Vu avec le sponsor" == engine.remote(1, DETAIL)
    assert (None, []) == (engine.remote(7, DATE), engine.sent(7, DATE))
    assert labels == {rank: engine.labels(rank) for rank in labels}
    # What nobody touched of these follows the new verdict.
    for rank, name in alone.items():
        assert "Inéligible" == engine.remote(rank), name
        assert {**CONFIRMED, name: "conflit"} == engine.wishes(rank), name
        assert name == "label" or ["inéligible"] == engine.labels(rank)


def test_a_checked_box_suspends_every_push_but_a_forced_one(engine: Engine) -> None:
    """Its dossier is judged; an order goes over the box, and not over a finished state."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(1), RESULTAT, OTHER)
    for rank in (0, 9):
        engine.control.edit_annotation(number(rank), VALIDE, True)
        make_ineligible(engine, rank)
    sent = [engine.sent(rank) for rank in (0, 9)]
    report = engine.sync()
    assert (0, sent) == (report.exit_code, [engine.sent(rank) for rank in (0, 9)])
    for rank in (0, 9):
        assert ("Inéligible", "Éligible") == (engine.verdict(rank), engine.remote(rank))
        assert "suspendue" == engine.wishes(rank)["resultat"]
    # DS's dates are whole seconds: a tick that goes within its own is lost, and not taken away.
    engine.advance(seconds=1)
    engine.control.edit_annotation(number(9), VALIDE, False)
    engine.sync()
    assert ("Inéligible", CONFIRMED) == (engine.remote(9), engine.wishes(9))
    engine.control.move(number(1), "en_instruction")
    engine.control.move(number(1), "accepte")
    engine.worker.push(0, 1, force_by="ana@poste")
    assert ("Inéligible", OTHER) == (engine.remote(0), engine.remote(1))


# --- labels -----------------------------------------------------------------------------------


def test_a_label_that_was_half_changed_is_not_taken_for_a_humans(start: Start) -> None:
    """The old one came off, DS refused the new one: once it can be put, it is."""
    engine = start([0])
    engine.sync_until_quiet()
    engine.control.form.replace_label("inéligible")
    make_ineligible(engine)
    report = engine.sync()
    assert (7, []) == (report.exit_code, engine.labels(0))
    assert {**CONFIRMED, "label": "refusee"} == engine.wishes(0)
    report = engine.sync(full=True)
    assert (0, 0, ["inéligible"]) == (report.exit_code, report.conflicts, engine.labels(0))
    assert CONFIRMED == engine.wishes(0)


def test_a_label_made_anew_is_put_again(engine: Engine) -> None:
    """Removed from the démarche and made again: the dossiers' lack of it is nobody's hand."""
    engine.sync_until_quiet()
    engine.control.form.replace_label("éligible")
    report = engine.sync(full=True)
    assert (0, 0, ["éligible"]) == (report.exit_code, report.conflicts, engine.labels(0))


# --- echoes -----------------------------------------------------------------------------------


def test_a_label_forced_over_a_humans_comes_back_once_and_is_nothing_to_do(engine: Engine) -> None:
    """Ours stays, the human's one of the three comes off; the next pull reads it again, no more."""
    engine.sync_until_quiet()
    engine.control.add_label(number(0), "à vérifier")
    engine.sync(full=True)
    assert "conflit" == engine.wishes(0)["label"]
    report = engine.worker.push(0, force_by="ana@poste")
    assert (0, ["éligible"], CONFIRMED) == (report.exit_code, engine.labels(0), engine.wishes(0))
    assert [] == engine.sent(0)
    engine.control.forget_requests()
    engine.advance(minutes=11)
    report = engine.sync()
    assert (1, 0, 0, 0) == (report.read, report.changed, report.evaluated, report.pushed)
    engine.advance(minutes=11)
    assert (0, []) == (engine.sync().read, engine.mutations())


def test_a_verdict_with_the_same_text_gives_no_push(start: Start) -> None:
    """An input that changes nothing for the reader: a history row, no write, the date stays."""
    engine = start()
    engine.sync_until_quiet()
    before = engine.remote(0, DATE)
    engine.control.edit_champ(number(0), 4105, "Mieux dit")
    engine.advance(hours=1)
    report = engine.sync()
    assert (1, 0, before) == (report.evaluated, report.pushed, engine.remote(0, DATE))
    assert [] == engine.mutations()


def test_an_edit_of_a_decided_dossier_waits_until_it_is_open_again(engine: Engine) -> None:
    """Nothing is written into a decided dossier, so nothing of it waits; later it is compared."""
    engine.sync_until_quiet()
    engine.control.move(number(0), "accepte")
    engine.control.edit_annotation(number(0), ETAPE, "Soutenance")
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.advance(minutes=11)
    engine.sync()
    assert CONFIRMED == engine.wishes(0)
    assert [] == engine.worker.app.verify(remote=True).findings
    engine.control.move(number(0), "en_instruction")
    engine.advance(minutes=11)
    engine.sync()
    there = engine.control.truth_of(number(0)).raw_annotations[RESULTAT]
    assert OTHER == there
    assert "conflit" == engine.wishes(0)["resultat"]
