"""What DS refuses, does not keep or does not come to: it is named, waits, and holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from dsync.sandbox import Change, ScriptedFault
from dsync.sandbox.faults import Kind
from dsync.store.codes import Status
from dsync.sync.context import Progress
from tests.engine.conftest import Start
from tests.engine.inbox import Inbox
from tests.engine.rig import (
    DATE,
    DETAIL,
    OPEN,
    PROBLEME,
    RESULTAT,
    WISHES,
    Engine,
    number,
)
from tests.engine.test_alerts import alerts_of, told
from tests.engine.test_pushing import (
    CONFIRMED,
    OTHER,
    PUSH,
    READ,
    eligible,
    make_ineligible,
)
from tests.profiles import long
from tests.store.databases import on_each

WITHOUT_ELIGIBLE = ["Inéligible", "À vérifier", "Autre"]
WITH_ELIGIBLE = ["Inéligible", "À vérifier", "Éligible"]


def batch_sizes(engine: Engine) -> list[int]:
    """Return of how many dossiers each request asked what stands there."""
    return [e.aliases for e in engine.requests() if (e.operation or "").startswith(READ)]


@pytest.mark.parametrize(
    ("operation", "fault", "sizes"),
    [
        (READ, {"times": 4}, [10, 10, 5, 5, 2, 4, 8]),
        (PUSH, {"times": 2, "reached": 3}, [10, 5, 2, 4]),
    ],
    ids=["read", "push"],
)
def test_a_batch_that_runs_out_of_time_is_halved_and_grows_back(
    start: Start, operation: str, fault: dict[str, int], sizes: list[int]
) -> None:
    """One slow moment does not make the rest go one by one."""
    engine = start(range(40))
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("timeout", operation, **fault))
    report = engine.sync()
    # What DS did not come to write is read back later.
    assert (0 if operation == READ else 7) == report.exit_code
    assert sizes == batch_sizes(engine)[: len(sizes)]


def test_a_dossier_whose_annotations_cannot_be_read_waits_alone(engine: Engine) -> None:
    """Nothing is written unread: the others go on, it is tried again within the hour."""
    engine.begin(push=False)
    engine.control.faults.return_null(number(0))
    report = engine.worker.push()
    assert (7, 9) == (report.exit_code, report.pushed)
    assert dict.fromkeys(WISHES, "en_attente") == engine.wishes(0)
    assert [] == engine.sent(0)
    before = len(engine.requests())
    engine.control.faults.repair(number(0))
    assert 7 == engine.sync().exit_code
    assert 1 == len(engine.requests()) - before
    engine.advance(hours=1)
    assert (0, 1) == ((again := engine.sync()).exit_code, again.pushed)


@on_each
@pytest.mark.fast
def test_a_missing_option_refuses_the_whole_set_until_the_form_has_it(
    start: Start, inbox: Inbox
) -> None:
    """What would contradict a result that is not there waits for it; no mutation is spent on it.

    Each run says so by its exit, and the alert is told once.
    """
    engine = start()
    alerts = alerts_of(engine.worker, inbox)
    engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
    report = engine.sync()
    assert (7, Status.PARTIAL) == (report.exit_code, report.status)
    refused = [rank for rank in OPEN if engine.wishes(rank).get("resultat") == "refusee"]
    assert eligible(engine) == refused
    assert {"refusee"} == set(engine.wishes(0).values())
    assert (None, None, []) == (engine.remote(0, DETAIL), engine.remote(0, DATE), engine.labels(0))
    assert "« Résultat du pré-contrôle » n’a pas l’option « Éligible »" in report.errors[0]
    assert 1 == len(report.errors)
    assert "pousse" not in engine.events(0)
    assert "refused" in told(engine, inbox, alerts)
    engine.control.forget_requests()
    for options in ({}, {}, {"full": True}):
        engine.advance(hours=2)
        again = engine.sync(**options)
        assert (7, report.errors) == (again.exit_code, again.errors)
    assert [] == engine.mutations()
    assert "refused" not in told(engine, inbox, alerts)
    engine.control.form.publish_revision(Change(options={RESULTAT: WITH_ELIGIBLE}))
    assert 0 == engine.sync().exit_code
    assert ("Éligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


@pytest.mark.fast
def test_what_ds_refuses_is_refused_with_its_words(engine: Engine) -> None:
    """The option went away between the reading and the write: it alone, and it says why."""

    def too_late(push: Callable[..., Any], *given: Any) -> Any:
        engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
        return push(*given)

    engine.worker.client.around["push"] = too_late
    report = engine.sync()
    assert {**CONFIRMED, "resultat": "refusee", "label": "refusee"} == engine.wishes(0)
    [wish] = engine.rows(
        "SELECT erreur FROM outbox WHERE numero = :n AND annotation = 'resultat'", n=number(0)
    )
    assert (7, None) == (report.exit_code, engine.remote(0))
    assert "“doit être dans les options proposées”" in report.errors[0]
    assert f"“{wish['erreur']}”" in report.errors[1]
    assert ".." not in "".join(report.errors)
    assert CONFIRMED == engine.wishes(next(r for r in OPEN if engine.verdict(r) == "Inéligible"))


def test_wishes_refused_before_the_rebase_are_sent_after_it(engine: Engine) -> None:
    """DS rebases a dossier long after the revision: its own revision counts, not a delay.

    The full reads that look for it come less and less often, and `dsync sync` does them too.
    """
    engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
    engine.sync_until_quiet()
    back = Change(options={RESULTAT: WITH_ELIGIBLE})
    engine.control.form.publish_revision(back, rebases=False)
    assert 7 == engine.sync().exit_code
    assert "refusee" == engine.wishes(0)["resultat"]
    whole = 0
    for _ in range(10):
        engine.advance(minutes=20)
        engine.control.forget_requests()
        engine.sync()
        whole += engine.pages()[0].variables["updatedSince"].startswith("1970")
    assert 3 <= whole <= 8
    assert "refusee" == engine.wishes(0)["resultat"]
    # One that is rebased, and that its usager edits: the incremental read shows its revision.
    engine.control.form.rebase(number(0))
    engine.control.edit_champ(number(0), PROBLEME, "Mieux dit")
    engine.advance(minutes=1)
    engine.sync()
    assert (CONFIRMED, "refusee") == (engine.wishes(0), engine.wishes(9)["resultat"])
    engine.control.form.rebase()
    engine.advance(hours=4)
    assert 0 == engine.sync().exit_code
    assert ("Éligible", CONFIRMED) == (engine.remote(9), engine.wishes(9))


def test_an_annotation_that_the_form_lost_is_refused(engine: Engine) -> None:
    """Of the revision that the dossier follows; the rest is written."""
    engine.control.form.publish_revision(Change(remove=[DETAIL]))
    report = engine.sync()
    assert 7 == report.exit_code
    assert "refusee" == engine.wishes(0)["detail"]
    assert engine.verdict(0) == engine.remote(0)


def test_an_instructeur_without_rights_stops_only_these_dossiers(start: Start) -> None:
    """Their wishes wait; one sentence for all of them."""
    engine = start()
    for rank in (0, 1):
        engine.control.change_groupe(number(rank), "autre groupe")
    report = engine.sync()
    assert (7, 8, 1) == (report.exit_code, report.pushed, len(report.errors))
    assert "instructeur" in report.errors[0]
    assert "en_attente" == engine.wishes(0)["resultat"]
    assert CONFIRMED == engine.wishes(2)
    # A label needs no right: without its annotations it would stand there alone.
    assert [[], []] == [engine.labels(rank) for rank in (0, 1)]
    engine.advance(minutes=1)
    for rank in (0, 1):
        engine.control.change_groupe(number(rank), "défaut")
    assert (0, 2) == ((again := engine.sync()).exit_code, again.pushed)
    assert [CONFIRMED, ["éligible"]] == [engine.wishes(0), engine.labels(0)]


def test_a_dossier_gone_between_pull_and_push_waits(engine: Engine) -> None:
    """The others are written; the next pull says what became of it."""

    def hide_first(read: Callable[..., Any], *args: Any) -> Any:
        engine.control.hide(number(0))
        engine.control.move(number(1), "en_instruction")
        engine.control.move(number(1), "accepte")
        return read(*args)

    engine.worker.client.around["read_annotations"] = hide_first
    report = engine.sync()
    assert 8 == report.pushed
    engine.worker.client.around.clear()
    assert {"en_attente"} == set(engine.wishes(0).values())
    engine.advance(hours=2)
    report = engine.sync()
    assert (0, "masque") == (report.exit_code, engine.one("dossier", 0)["presence"])


@pytest.mark.fast
def test_a_dossier_that_breaks_every_write_is_given_up_in_the_end(engine: Engine) -> None:
    """Tried less and less often, then refused with its reason; an operator may try again."""
    engine.begin(push=False)
    engine.control.faults.fail_writes(number(0))
    tries = []
    for _ in range(30):
        before = len(engine.sent(0))
        report = engine.sync(deletions=False)
        tries.append(len(engine.sent(0)) - before)
        assert 7 == report.exit_code
        if engine.wishes(0)["resultat"] == "refusee":
            break
        engine.advance(hours=1)
    assert 8 == sum(tries)
    tried_at = [place for place, count in enumerate(tries) if count]
    pauses = [later - earlier for earlier, later in pairwise(tried_at)]
    assert (sorted(pauses), True) == (pauses, pauses[-1] > 5 * pauses[0])
    assert "refusee" == engine.wishes(0)["resultat"]
    assert "interne" in engine.one("lecture_annotation", 0)["erreur"]
    engine.control.faults.repair(number(0))
    engine.worker.push(0)
    assert CONFIRMED == engine.wishes(0)


@pytest.mark.parametrize("kind", ["internal_error", long("cut_before")])
def test_an_outage_of_writes_is_not_taken_for_the_dossiers_fault(start: Start, kind: Kind) -> None:
    """A few tries, the rest waits: nobody is refused, and once it is over all is pushed."""
    engine = start(range(40))
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault(kind, PUSH, times=None))
    report = engine.sync()
    assert 7 == report.exit_code
    assert len(engine.mutations()) <= 4
    assert [] == engine.rows("SELECT * FROM outbox WHERE statut = 'refusee'")
    engine.control.faults.clear_faults()
    engine.advance(hours=1)
    assert 0 == engine.sync().exit_code
    assert [] == engine.rows("SELECT * FROM outbox WHERE statut IN ('en_attente', 'incertaine')")


def test_a_write_that_is_limited_again_and_again_ends_the_push(start: Start) -> None:
    """Nothing was written, nothing is uncertain: the wishes wait for the next run."""
    engine = start(limits={"max_wait_s": 0.0})
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("rate_limited", PUSH, times=None))
    assert 8 == engine.sync().exit_code
    assert dict.fromkeys(WISHES, "en_attente") == engine.wishes(0)
    engine.control.faults.clear_faults()
    assert (0, CONFIRMED) == (engine.sync().exit_code, engine.wishes(0))


def test_a_date_that_ds_does_not_keep_ends_as_refused(engine: Engine) -> None:
    """DS says that it saved it, and it stays empty: said with that reason, not sent for ever."""
    engine.control.faults.lose_writes(number(0), (DATE,))
    report = engine.sync()
    assert (7, 0) == (report.exit_code, report.conflicts)
    assert {**CONFIRMED, "date": "refusee"} == engine.wishes(0)
    assert "n’a pas gardé la date" in report.errors[0]
    for _ in range(3):
        engine.advance(minutes=30)
        engine.sync(full=True)
    assert 1 == len(engine.sent(0, DATE))
    make_ineligible(engine)
    engine.advance(minutes=11)
    for _ in range(3):
        engine.sync()
        engine.advance(minutes=11)
    assert (2, "Inéligible", "refusee") == (
        len(engine.sent(0, DATE)),
        engine.remote(0),
        engine.wishes(0)["date"],
    )


def test_a_batch_follows_the_time_that_ds_takes(start: Start) -> None:
    """It grows while DS is quick, and shrinks as soon as a human has time to edit meanwhile."""
    engine = start(range(60))
    engine.begin(push=False)
    durations = iter([0, 7, 11])

    def slow(push: Callable[..., Any], *given: Any) -> Any:
        answers = push(*given)
        engine.advance(seconds=next(durations, 0))
        return answers

    engine.worker.client.around["push"] = slow
    assert 0 == engine.sync().exit_code
    assert [10, 20, 20] == batch_sizes(engine)[:3]
    assert batch_sizes(engine)[3] <= 10


def test_the_next_batch_is_read_while_one_is_written(start: Start) -> None:
    """In a thread; the database stays the run's own."""
    engine = start(range(12), limits={"push_batch": 4})
    engine.begin(push=False)
    reads = threading.Semaphore(0)
    is_ahead: list[bool] = []
    transactions: set[int] = set()

    def note_read(read: Callable[..., Any], *args: Any) -> Any:
        reads.release()
        return read(*args)

    def wait_for_read(push: Callable[..., Any], *given: Any) -> Any:
        if not is_ahead:
            assert reads.acquire(timeout=30)
            is_ahead.append(reads.acquire(timeout=30))
        return push(*given)

    def note_thread(reading: Callable[..., Any], *args: Any) -> Any:
        transactions.add(threading.get_ident())
        return reading(*args)

    engine.worker.client.around |= {"read_annotations": note_read, "push": wait_for_read}
    engine.worker.store.around |= {"reading": note_thread, "transaction": note_thread}
    assert (0, 10) == ((report := engine.sync()).exit_code, report.pushed)
    assert [True] == is_ahead
    assert {threading.get_ident()} == transactions
    assert all(CONFIRMED == engine.wishes(rank) for rank in OPEN)
    assert {1} == {len(set(engine.sent(rank))) for rank in OPEN}


@pytest.mark.fast
def test_what_was_read_ahead_long_ago_is_read_again(start: Start) -> None:
    """A human edits a dossier of the next batch, which has waited: nothing is written over it."""
    engine = start(range(12), limits={"push_batch": 4})
    engine.begin(push=False)
    edited = OPEN[6]

    class Waiting(Progress):
        def pushed(self, done: int, total: int | None) -> None:
            if done == 4:
                engine.control.edit_annotation(number(edited), RESULTAT, OTHER)
                engine.advance(seconds=11)

    engine.worker.app.progress = Waiting()
    engine.sync()
    assert (OTHER, "conflit") == (engine.remote(edited), engine.wishes(edited)["resultat"])
    assert [] == engine.sent(edited)


@pytest.mark.parametrize(
    "kind", ["answer_lost", long("internal_error"), long("token_expired"), "rate_limited"]
)
def test_what_was_read_ahead_of_a_failed_write_is_read_again(start: Start, kind: Kind) -> None:
    """A human edits a dossier of the next batch meanwhile; each value is sent once."""
    engine = start(range(12), limits={"push_batch": 4, "max_wait_s": 0.4})
    engine.begin(push=False)
    edited = OPEN[6]
    is_first = iter([True])

    def fail_once(push: Callable[..., Any], *given: Any) -> Any:
        if next(is_first, False):
            engine.control.faults.fail(ScriptedFault(kind, PUSH))
            try:
                return push(*given)
            finally:
                engine.control.edit_annotation(number(edited), RESULTAT, OTHER)
        return push(*given)

    engine.worker.client.around["push"] = fail_once
    engine.sync()
    engine.advance(seconds=36)
    engine.sync()
    assert (OTHER, "conflit") == (engine.remote(edited), engine.wishes(edited)["resultat"])
    assert [] == engine.sent(edited)
    assert all(CONFIRMED == engine.wishes(rank) for rank in OPEN if rank != edited)
    assert {1} == {len(set(engine.sent(rank))) for rank in OPEN if rank != edited}
