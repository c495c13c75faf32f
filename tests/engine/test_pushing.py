"""Pushing: batches, refusals one by one, lost answers, nobody's hand overwritten."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, event

from dsync.annotations.targets import VerdictTexts
from dsync.domain.consent import Consent
from dsync.domain.run_kinds import Status
from dsync.sandbox import Change, ScriptedFault
from dsync.sandbox.http.faults import Kind
from dsync.sandbox.world.model import ChampDescriptor
from dsync.sync.conflicts import Choice, end_conflicts
from dsync.sync.context import Progress
from tests.engine.conftest import Start
from tests.engine.rig import (
    DATE,
    DEMARCHE,
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
    id_of,
    number,
)
from tests.store.databases import on_postgresql, postgresql_if_long

PUSH, READ = "Push", "Annotations"
CONFIRMED = dict.fromkeys(WISHES, "confirmee")
UNCERTAIN = {**dict.fromkeys(WISHES, "incertaine"), "label": "en_attente"}
"""An answer was lost: the label waits for its annotations."""
WITHOUT_ELIGIBLE = ["Inéligible", "À vérifier", "Autre"]
OTHER = "Inéligible"
"""A result that a human gives; dossier 0 is Éligible."""


def make_ineligible(engine: Engine, rank: int = 0) -> None:
    """Have the next run judge this dossier otherwise."""
    engine.control.edit_champ(number(rank), PAGE, "")


def eligible(engine: Engine) -> list[int]:
    """Return the ranks of the open dossiers that are Éligible."""
    return [rank for rank in OPEN if engine.verdict(rank) == "Éligible"]


def batch_sizes(engine: Engine) -> list[int]:
    """Return of how many dossiers each request asked what stands there."""
    return [e.aliases for e in engine.requests() if (e.operation or "").startswith(READ)]


# --- batches ----------------------------------------------------------------------------------


def test_a_batch_that_was_halved_grows_back(start: Start) -> None:
    """One slow moment does not make the rest go one by one."""
    engine = start(range(40))
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("timeout", READ, times=4))
    assert 0 == engine.sync().exit_code
    assert [10, 10, 5, 5, 2, 4, 8] == batch_sizes(engine)[:7]


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


def test_a_document_that_runs_out_of_time_is_followed_by_smaller_ones(start: Start) -> None:
    """What DS did not come to is read back later; the next dossiers are fewer at a time."""
    engine = start(range(40))
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("timeout", PUSH, reached=3, times=2))
    engine.sync()
    assert [10, 5, 2, 4] == batch_sizes(engine)[:4]


# --- refusals ---------------------------------------------------------------------------------


def test_a_missing_option_refuses_the_whole_set_and_names_it(engine: Engine) -> None:
    """Detail, date and label would contradict a result that is not there: they wait for it."""
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


def test_what_ds_refuses_is_refused_with_its_words(engine: Engine) -> None:
    """The option went away between the reading and the write: it alone, and it says why.

    The read after the push finds the new revision, in which the option is known to be missing.
    """

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


def test_a_refusal_is_not_sent_again_while_the_form_is_the_same(engine: Engine) -> None:
    """No mutation is spent on it; once the form has the option, the next run sends it."""
    engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
    engine.sync_until_quiet()
    engine.advance(hours=2)
    engine.sync()
    engine.sync(full=True)
    assert [] == engine.mutations()
    engine.control.form.publish_revision(
        Change(options={RESULTAT: ["Inéligible", "À vérifier", "Éligible"]})
    )
    assert 0 == engine.sync().exit_code
    assert ("Éligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


def test_wishes_refused_before_the_rebase_are_sent_after_it(engine: Engine) -> None:
    """DS rebases a dossier long after the revision: its own revision counts, not a delay.

    The full reads that look for it come less and less often, and `dsync sync` does them too.
    """
    engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
    engine.sync_until_quiet()
    engine.control.form.publish_revision(
        Change(options={RESULTAT: ["Inéligible", "À vérifier", "Éligible"]}), rebases=False
    )
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
    engine.control.form.rebase()
    engine.advance(hours=4)
    assert 0 == engine.sync().exit_code
    assert ("Éligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


def test_a_dossier_that_changes_is_tried_again_at_once(engine: Engine) -> None:
    """It was rebased, and its usager edits it: the incremental read shows the new revision."""
    engine.control.form.publish_revision(Change(options={RESULTAT: WITHOUT_ELIGIBLE}))
    engine.sync_until_quiet()
    engine.control.form.publish_revision(
        Change(options={RESULTAT: ["Inéligible", "À vérifier", "Éligible"]}), rebases=False
    )
    engine.sync()
    engine.control.form.rebase(number(0))
    engine.control.edit_champ(number(0), PROBLEME, "Mieux dit")
    engine.advance(minutes=1)
    engine.sync()
    others = [rank for rank in OPEN if rank and engine.verdict(rank) == "Éligible"]
    assert (CONFIRMED, {"refusee"}) == (
        engine.wishes(0),
        {engine.wishes(rank)["resultat"] for rank in others},
    )


def test_an_annotation_that_the_form_lost_is_refused(engine: Engine) -> None:
    """Of the revision that the dossier follows; the rest is written."""
    engine.control.form.publish_revision(Change(remove=[DETAIL]))
    report = engine.sync()
    assert 7 == report.exit_code
    assert "refusee" == engine.wishes(0)["detail"]
    assert engine.verdict(0) == engine.remote(0)


def test_a_read_only_token_pulls_and_says_so_once(start: Start) -> None:
    """All is read and judged; every wish is refused with that reason, by one mutation."""
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
    assert 0 == engine.sync().exit_code
    assert 1 == len(engine.mutations())
    engine.restart()
    assert (0, 10) == ((again := engine.sync()).exit_code, again.pushed)


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


@pytest.mark.parametrize("named", [None, "personne@example.gouv.fr"])
def test_without_an_instructeur_pushes_wait(start: Start, named: str | None) -> None:
    """None configured, or one in no groupe: the run says which setting to correct."""
    engine = start(ds_instructeur=named)
    report = engine.sync()
    assert (7, 0, 12) == (report.exit_code, report.pushed, report.evaluated)
    assert "DSYNC_DS_INSTRUCTEUR" in report.errors[0]


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


@pytest.mark.parametrize("kind", ["internal_error", "cut_before"])
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


@pytest.mark.parametrize("kind", ["answer_lost", "html"])
def test_a_lost_answer_is_uncertain_until_it_is_read_back(engine: Engine, kind: Kind) -> None:
    """Neither failure nor success; not before 35 s; then confirmed without a second write."""
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
    assert (0, CONFIRMED) == (report.exit_code, engine.wishes(0))
    # An answer of another server's hand may have hidden that nothing was done: sent again. The
    # labels' document comes after.
    assert (3 if kind == "html" else 2) == len(engine.mutations())
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


def test_a_write_that_ds_surely_did_not_do_is_not_uncertain(engine: Engine) -> None:
    """The token was refused at the door: the wishes wait, and go out at once with a good one."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("token_expired", PUSH))
    assert 3 == engine.sync().exit_code
    assert dict.fromkeys(WISHES, "en_attente") == engine.wishes(0)
    assert (0, 10) == ((again := engine.sync()).exit_code, again.pushed)


@pytest.mark.parametrize("refused", ["read-only", "at the door"])
def test_a_value_that_ds_refused_to_write_is_a_humans_when_it_stands_there(
    engine: Engine, refused: str
) -> None:
    """Sent by dsync, and surely not written: the verdict that comes next does not go over it."""
    engine.begin(push=False)
    if refused == "read-only":
        engine.restart(token=engine.sandbox.tokens.readonly)
    else:
        engine.control.faults.fail(ScriptedFault("token_expired", PUSH))
    engine.sync()
    assert ["Éligible"] == engine.sent(0)
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    make_ineligible(engine)
    engine.restart()
    report = engine.sync()
    assert (1, "Éligible") == (report.conflicts, engine.remote(0))


@on_postgresql
def test_what_will_be_sent_is_on_the_servers_disk_before_it_goes(engine_on_each: Engine) -> None:
    """Its crash right after may make it forget a page or a verdict, never that this was sent."""
    engine = engine_on_each
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


def test_a_mutation_that_never_ran_is_sent_again(engine: Engine) -> None:
    """Cut before DS saw it: read back, found missing, sent once more with the same value."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("cut_before", PUSH))
    engine.sync()
    engine.advance(seconds=36)
    report = engine.sync()
    assert (0, 10) == (report.exit_code, report.pushed)
    assert 1 == len(set(engine.sent(0)))
    assert CONFIRMED == engine.wishes(0)


@pytest.mark.parametrize("kind", ["answer_lost", "cut_before"])
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


def test_a_write_that_is_limited_again_and_again_ends_the_push(start: Start) -> None:
    """Nothing was written, nothing is uncertain: the wishes wait for the next run."""
    engine = start(limits={"max_wait_s": 0.0})
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("rate_limited", PUSH, times=None))
    assert 8 == engine.sync().exit_code
    assert dict.fromkeys(WISHES, "en_attente") == engine.wishes(0)
    engine.control.faults.clear_faults()
    assert (0, CONFIRMED) == (engine.sync().exit_code, engine.wishes(0))


def test_a_value_that_a_human_put_first_is_a_conflict(engine: Engine) -> None:
    """Never pushed by us and not empty: it stays, and holds back detail, date and label."""
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    report = engine.sync()
    assert (0, 1, OTHER) == (report.exit_code, report.conflicts, engine.remote(0))
    assert dict.fromkeys(WISHES, "conflit") == engine.wishes(0)
    assert (None, None, []) == (engine.remote(0, DETAIL), engine.remote(0, DATE), engine.labels(0))
    assert 1 == engine.events(0).count("conflit")


@pytest.mark.parametrize("when", ["before", "over a conflict", "kept"])
def test_the_same_value_by_a_human_stays_theirs(engine: Engine, when: str) -> None:
    """It is confirmed without a write; a verdict that moves on does not replace it, nor the label.

    They wrote it before dsync's first run, or their value was in conflict, or kept, and the verdict
    came round to it.
    """
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


def test_a_value_changed_since_our_push_is_a_conflict(engine: Engine) -> None:
    """Or emptied. The run that reads the edit records it; nothing is sent over it, then or later.

    Both dossiers are judged otherwise later.
    """
    engine.sync_until_quiet()
    edits: dict[int, str | None] = dict(zip(eligible(engine), (OTHER, None), strict=False))
    for rank, value in edits.items():
        engine.control.edit_annotation(number(rank), RESULTAT, value or "")
    report = engine.sync()
    assert (0, 2) == (report.exit_code, report.conflicts)
    for rank, value in edits.items():
        assert ("conflit", value) == (engine.wishes(rank)["resultat"], engine.remote(rank))
        make_ineligible(engine, rank)
    engine.advance(minutes=20)
    engine.sync()
    assert edits == {rank: engine.remote(rank) for rank in edits}
    assert [[], []] == [engine.sent(rank) for rank in edits]


def test_two_edits_within_one_second_are_two_edits(engine: Engine) -> None:
    """DS's dates are cut to the second: the value itself tells, and a conflict's too."""
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    engine.sync()
    assert CONFIRMED == engine.wishes(0)
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


def test_a_conflict_on_the_detail_is_of_the_detail_alone(engine: Engine) -> None:
    """Result, date and label follow the new verdict."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), DETAIL, "Vu avec le sponsor")
    make_ineligible(engine)
    engine.sync()
    assert ("Inéligible", "Vu avec le sponsor", ["inéligible"]) == (
        engine.remote(0),
        engine.remote(0, DETAIL),
        engine.labels(0),
    )
    assert {**CONFIRMED, "detail": "conflit"} == engine.wishes(0)


def test_a_conflict_dissolves_when_the_human_agrees(engine: Engine) -> None:
    """The human's value becomes ours: the rest follows, the journal says so."""
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    report = engine.sync()
    assert (0, CONFIRMED) == (report.exit_code, engine.wishes(0))
    assert "conflit_resolu" in engine.events(0)
    assert (["éligible"], True) == (engine.labels(0), bool(engine.remote(0, DETAIL)))


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
    assert {*WISHES} - {"label"} == {
        name for name, status in engine.wishes(0).items() if status == "remplacee"
    }
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


def test_a_checked_box_suspends_every_push(engine: Engine) -> None:
    """An instructeur validated it: it is judged, and nothing is written until the box is empty."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), VALIDE, True)
    make_ineligible(engine)
    report = engine.sync()
    assert (0, "Éligible", []) == (report.exit_code, engine.remote(0), engine.mutations())
    assert ("Inéligible", "suspendue") == (engine.verdict(0), engine.wishes(0)["resultat"])
    # Within the second of the check: what is not dsync's own shows by its content.
    engine.control.edit_annotation(number(0), VALIDE, False)
    engine.sync()
    assert ("Inéligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


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


def test_force_goes_over_the_checked_box(engine: Engine) -> None:
    """Not over a finished state."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), VALIDE, True)
    make_ineligible(engine)
    engine.control.edit_annotation(number(1), RESULTAT, OTHER)
    engine.sync()
    engine.control.move(number(1), "en_instruction")
    engine.control.move(number(1), "accepte")
    engine.worker.push(0, 1, force_by="ana@poste")
    assert ("Inéligible", OTHER) == (engine.remote(0), engine.remote(1))


# --- labels -----------------------------------------------------------------------------------


def test_a_label_moved_by_a_human_is_a_conflict_of_the_label_alone(engine: Engine) -> None:
    """Added or removed: seen by the next pull, as labels move dossiers; the annotations go on."""
    engine.sync_until_quiet()
    added, removed, *_ = eligible(engine)
    engine.control.add_label(number(added), "à vérifier")
    engine.control.remove_label(number(removed), "éligible")
    before = {rank: engine.labels(rank) for rank in (added, removed)}
    assert (2, 2) == ((report := engine.sync()).read, report.conflicts)
    for rank in before:
        assert {**CONFIRMED, "label": "conflit"} == engine.wishes(rank)
        make_ineligible(engine, rank)
    engine.advance(minutes=20)
    engine.sync()
    assert before == {rank: engine.labels(rank) for rank in before}
    assert {"Inéligible"} == {engine.remote(rank) for rank in before}


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


def test_an_operator_forces_over_a_humans_label(engine: Engine) -> None:
    """Ours stays, the human's one of the three comes off."""
    engine.sync_until_quiet()
    engine.control.add_label(number(0), "à vérifier")
    engine.sync(full=True)
    assert "conflit" == engine.wishes(0)["label"]
    report = engine.worker.push(0, force_by="ana@poste")
    assert (0, ["éligible"], CONFIRMED) == (report.exit_code, engine.labels(0), engine.wishes(0))


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


@pytest.mark.parametrize(("gone", "known"), [("renamed", "full"), ("removed", "stale")])
def test_a_configured_label_that_ds_lost_is_a_fault_of_the_configuration(
    engine: Engine, gone: str, known: str
) -> None:
    """Said once, by its name, by every run; nobody is in conflict, and the annotations go on."""
    engine.sync_until_quiet()
    for name in ("éligible", "à vérifier") if gone == "renamed" else ():
        engine.control.form.rename_label(name, f"{name} (ancien)")
    for name in ("éligible", "à vérifier") if gone == "removed" else ():
        engine.control.form.remove_label_of_demarche(name)
    make_ineligible(engine, 0)
    engine.control.edit_annotation(number(2), 5202, "Soutenance")
    report = engine.sync(full=known == "full")
    assert (7, 0) == (report.exit_code, report.conflicts)
    [said] = [error for error in report.errors if "label" in error]
    assert "« éligible », « à vérifier »" in said
    assert ("Inéligible", True) == (engine.remote(0), "inéligible" in engine.labels(0))
    assert CONFIRMED == engine.wishes(0)
    assert [] == engine.rows("SELECT * FROM outbox WHERE courante AND statut = 'conflit'")
    assert [said] == engine.sync().errors


def test_a_label_that_is_back_on_ds_is_seen_by_the_next_run(engine: Engine) -> None:
    """Made as the message asks: no full read is waited for, and what was refused is put."""
    engine.sync_until_quiet()
    engine.control.form.rename_label("inéligible", "inéligible (ancien)")
    make_ineligible(engine, 0)
    assert 7 == engine.sync(full=True).exit_code
    engine.control.form.rename_label("inéligible (ancien)", "inéligible")
    report = engine.sync()
    assert (0, [], ["inéligible"]) == (report.exit_code, report.errors, engine.labels(0))


def test_a_label_made_anew_is_put_again(engine: Engine) -> None:
    """Removed from the démarche and made again: the dossiers' lack of it is nobody's hand."""
    engine.sync_until_quiet()
    engine.control.form.replace_label("éligible")
    report = engine.sync(full=True)
    assert (0, 0, ["éligible"]) == (report.exit_code, report.conflicts, engine.labels(0))


# --- annotations made anew --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["same label", "new id in the configuration"])
def test_an_annotation_made_anew_is_filled_again(start: Start, how: str) -> None:
    """Its new descriptor is empty, which is nobody's hand: no conflict, all is written there."""
    engine = start()
    engine.sync_until_quiet()
    label = "Résultat du pré-contrôle" if how == "same label" else "Avis automatique"
    options = ("Éligible", "Inéligible", "À vérifier")
    anew = ChampDescriptor(5999, "drop_down_list", label, options=options)
    removed = [RESULTAT] if how == "same label" else []
    engine.control.form.publish_revision(Change(remove=removed, add_annotations=[anew]))
    if how != "same label":
        engine.sync()
        assert None is engine.remote(0, 5999)
        target = {"id": id_of(5999), "libelles": ("Avis automatique",)}
        resultat = engine.worker.app.configuration.annotations.resultat
        changed = resultat.model_copy(update=target)
        engine.restart(configuration={"annotations": {"resultat": changed}})
        # The former one stays beside it.
        assert (4, None) == (engine.sync().exit_code, engine.remote(0, 5999))
        report = engine.accept(Consent.WRITES)
    else:
        report = engine.sync()
    assert (0, 0) == (report.exit_code, report.conflicts)
    for rank in OPEN:
        assert (engine.verdict(rank), CONFIRMED) == (engine.remote(rank, 5999), engine.wishes(rank))
    make_ineligible(engine)
    engine.advance(minutes=20)
    assert (0, "Inéligible") == (engine.sync().exit_code, engine.remote(0, 5999))


def test_an_annotation_that_goes_between_pull_and_push_is_no_conflict(engine: Engine) -> None:
    """DS moves the dossier to a newer form: what dsync wrote is gone, and nobody emptied it."""
    engine.sync_until_quiet()
    make_ineligible(engine)
    options = ("Éligible", "Inéligible", "À vérifier")
    anew = ChampDescriptor(5999, "drop_down_list", "Résultat du pré-contrôle", options=options)

    def publish(read: Callable[..., Any], *arguments: Any) -> Any:
        engine.worker.client.around.clear()
        engine.control.form.publish_revision(Change(remove=[RESULTAT], add_annotations=[anew]))
        return read(*arguments)

    engine.worker.client.around["read_annotations"] = publish
    assert 0 == engine.sync().conflicts
    engine.advance(minutes=3)
    assert 0 == engine.sync().exit_code
    assert ("Inéligible", CONFIRMED) == (engine.remote(0, 5999), engine.wishes(0))
    assert "conflit" not in engine.events(0)


def test_a_conflict_ends_with_the_annotation_that_it_was_in(engine: Engine) -> None:
    """The human's value went with the old annotation; in the new one nobody wrote."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync()
    assert "conflit" == engine.wishes(0)["resultat"]
    options = ("Éligible", "Inéligible", "À vérifier")
    anew = ChampDescriptor(5999, "drop_down_list", "Résultat du pré-contrôle", options=options)
    engine.control.form.publish_revision(Change(remove=[RESULTAT], add_annotations=[anew]))
    report = engine.sync()
    assert (0, "Éligible", CONFIRMED) == (
        report.exit_code,
        engine.remote(0, 5999),
        engine.wishes(0),
    )


# --- a lost or new database -------------------------------------------------------------------


@postgresql_if_long
def test_a_new_database_adopts_what_dsync_wrote_once_a_person_says_so(
    engine_on_each: Engine,
) -> None:
    """Before, nothing is written at all, new dossiers included; then it is journaled as adopted."""
    engine = engine_on_each
    engine.sync_until_quiet()
    before = [engine.remote(rank, DATE) for rank in OPEN]
    engine.lose_database()
    engine.advance(hours=3)
    engine.control.forget_requests()
    for _ in range(2):
        report = engine.sync()
        assert (4, 0, 0, 0) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
        assert "dsync accept writer" in report.errors[0]
    [asked] = engine.asked()
    assert {str(number(rank)) for rank in OPEN} == asked.proposal.subjects.keys()
    assert {(move.before, move.after) for move in asked.proposal.moves} == {
        (verdict, verdict) for verdict in map(engine.remote, OPEN)
    }
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0, 0) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
    assert [] == [*engine.mutations(), *engine.asked()]
    with engine.worker.store.reading(DEMARCHE) as reader:
        assert [] == reader.consents.all()
    assert before == [engine.remote(rank, DATE) for rank in OPEN]
    assert [CONFIRMED] * 10 == [engine.wishes(rank) for rank in OPEN]
    assert ["cree", "verdict", "adopte"] == engine.events(0)
    engine.advance(minutes=11)
    again = engine.sync(full=True)
    assert (0, 0, []) == (again.exit_code, again.adopted, engine.mutations())


def test_an_adopted_set_follows_a_verdict_that_moved(engine: Engine) -> None:
    """The whole set is renewed, label and date included."""
    engine.sync_until_quiet()
    before = engine.remote(0, DATE)
    make_ineligible(engine)
    engine.lose_database()
    engine.sync()
    [asked] = engine.asked()
    assert ("Éligible", "Inéligible", 1) in {move[1:] for move in asked.proposal.moves}
    assert "Éligible" == engine.remote(0)
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0, 1) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
    assert ("Inéligible", ["inéligible"]) == (engine.remote(0), engine.labels(0))
    assert engine.remote(0, DETAIL).startswith("Inéligible – ")
    assert before != engine.remote(0, DATE)
    assert CONFIRMED == engine.wishes(0)


def test_a_new_database_adopts_what_a_forced_push_wrote_alone(engine: Engine) -> None:
    """The detail is younger than its date then, and is dsync's own all the same."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), DETAIL, "Vu avec le sponsor")
    engine.advance(minutes=1)
    make_ineligible(engine)
    engine.sync()
    engine.advance(hours=1)
    engine.worker.push(0, force_by="ana@poste")
    assert engine.remote(0, DETAIL).startswith("Inéligible – ")
    engine.lose_database()
    engine.sync()
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0) == (report.exit_code, report.adopted, report.conflicts)


def test_a_new_database_lists_a_changed_result_as_one_conflict(engine: Engine) -> None:
    """What dsync wrote beside it waits for it; it is no second hand of a human."""
    engine.sync_until_quiet()
    engine.advance(hours=1)
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.lose_database()
    engine.advance(hours=1)
    engine.sync()
    assert 1 == engine.accept(Consent.WRITER).conflicts
    rows = engine.rows(
        "SELECT annotation FROM outbox WHERE statut = 'conflit' AND courante AND erreur IS NULL"
    )
    assert ["resultat"] == [row["annotation"] for row in rows]
    engine.worker.push(0, force_by="ana@poste")
    assert ("Éligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


def test_a_text_of_dsync_that_a_human_copied_stops_nobody(engine: Engine) -> None:
    """By hand, with its result and a date, as in another dossier: theirs; others are written."""
    detail = "Éligible – Avis préparatoire établi automatiquement. Il ne vaut pas décision ; "
    for id_, value in (
        (RESULTAT, "Éligible"),
        (DETAIL, f"{detail}la DINUM instruit le dossier."),
        (DATE, engine.control.clock.now()),
        (ETAPE, "Jury"),
    ):
        engine.control.edit_annotation(number(0), id_, value)
        engine.advance(seconds=8)
    texts = [engine.remote(0, id_) for id_ in (RESULTAT, DETAIL, DATE)]
    make_ineligible(engine)
    report = engine.sync()
    assert (0, 0, 9) == (report.exit_code, report.adopted, report.pushed)
    assert texts == [engine.remote(0, id_) for id_ in (RESULTAT, DETAIL, DATE)]


def test_a_result_that_was_emptied_before_the_database_was_lost_stays_empty(
    engine: Engine,
) -> None:
    """Beside dsync's date, or its label alone: nobody's annotation is free for the new one."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "")
    for id_ in (RESULTAT, DETAIL, DATE):
        engine.control.edit_annotation(number(1), id_, None if id_ == DATE else "")
    engine.control.edit_annotation(number(2), DETAIL, "")
    engine.lose_database()
    engine.sync()
    engine.control.forget_requests()
    engine.accept(Consent.WRITER)
    assert (None, None, None) == (engine.remote(0), engine.remote(1), engine.remote(2, DETAIL))
    assert [] == [sent for sent in engine.sent_values() if sent[0] in (0, 1, 2)]
    assert {"conflit"} == {engine.wishes(rank)["resultat"] for rank in (0, 1)}


def test_a_human_who_put_a_label_first_keeps_it_and_no_result_waits_for_it(
    engine: Engine,
) -> None:
    """No other database of dsync has written here: an empty result is nobody's."""
    engine.control.add_label(number(0), "à vérifier")
    engine.sync()
    assert ("Éligible", ["à vérifier"]) == (engine.remote(0), engine.labels(0))
    assert {**CONFIRMED, "label": "conflit"} == engine.wishes(0)


TOUCHED = (
    (RESULTAT, OTHER),
    (DETAIL, "Vu avec le sponsor"),
    (DETAIL, "Conforme : tout.\nVu avec le sponsor."),
    (DATE, None),
)
"""A result that contradicts the detail, another text, an added one, no date."""


def test_a_new_database_leaves_what_is_not_dsyncs_own(engine: Engine) -> None:
    """A human touched the set: what is not as the verdict says is in conflict."""
    engine.sync_until_quiet()
    others = [rank for rank in OPEN if engine.verdict(rank) == "À vérifier"]
    touched = dict(zip([*eligible(engine), *others], TOUCHED, strict=False))
    for rank, (stable_id, value) in touched.items():
        engine.control.edit_annotation(number(rank), stable_id, value)
        if stable_id != RESULTAT:
            make_ineligible(engine, rank)
        else:
            engine.control.edit_champ(number(rank), PROBLEME, "Mieux dit")
    kept = [engine.remote(rank, id_) for rank in touched for id_ in (RESULTAT, DETAIL)]
    engine.lose_database()
    engine.sync()
    report = engine.accept(Consent.WRITER)
    assert (6, 4) == (report.adopted, report.conflicts)
    assert all("conflit" in engine.wishes(rank).values() for rank in touched)
    assert kept == [engine.remote(rank, id_) for rank in touched for id_ in (RESULTAT, DETAIL)]


# --- values that DS does not keep -------------------------------------------------------------


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


def test_a_date_cleared_by_a_human_is_still_a_conflict(engine: Engine) -> None:
    """Their hand moved the annotations' date: it stays empty, and nothing is sent."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), DATE, None)
    report = engine.sync()
    assert (1, {**CONFIRMED, "date": "conflit"}) == (report.conflicts, engine.wishes(0))
    assert [] == engine.sent(0, DATE)


# --- echoes -----------------------------------------------------------------------------------


def test_our_own_label_comes_back_once_and_is_nothing_to_do(engine: Engine) -> None:
    """A label alone moves its dossier: the next pull reads it again, judges and writes nothing."""
    engine.sync_until_quiet()
    engine.control.remove_label(number(0), "éligible")
    engine.sync()
    engine.worker.push(0, force_by="ana@poste")
    assert (["éligible"], []) == (engine.labels(0), engine.sent(0))
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


def test_labels_that_are_no_longer_managed_are_left_alone(engine: Engine) -> None:
    """Without `[annotations] labels` what stands there is nobody's news: a run asks once."""
    engine.sync_until_quiet()
    engine.restart(configuration={"annotations": {"labels": None}})
    for _ in range(2):
        assert 0 == engine.sync(full=True).exit_code
    assert {"confirmee"} == set(engine.wishes(0).values())
    assert ["éligible"] == engine.labels(0)
    assert [] == engine.mutations()
    engine.control.forget_requests()
    engine.sync()
    assert 1 == len(engine.requests())


def test_a_label_that_dsync_put_goes_when_another_one_is_configured(engine: Engine) -> None:
    """A human's other labels stay, and so does that of dsync's name which a human put."""
    engine.sync_until_quiet()
    engine.control.add_label(number(1), "éligible")
    names = {"eligible": "à vérifier", "a_verifier": "à vérifier", "ineligible": "inéligible"}
    engine.restart(configuration={"annotations": {"labels": VerdictTexts(**names)}})
    assert 0 == engine.sync().exit_code
    assert (["à vérifier"], "confirmee") == (engine.labels(0), engine.wishes(0)["label"])
    assert "éligible" in engine.labels(1)
    engine.control.forget_requests()
    engine.advance(minutes=11)
    assert 0 == engine.sync(full=True).exit_code
    assert [] == engine.mutations()


def test_a_label_that_waits_is_not_put_once_labels_are_no_longer_managed(start: Start) -> None:
    """Nor is a conflict of a label listed any more."""
    engine = start()
    engine.sync()
    engine.control.remove_label(number(3), *engine.labels(3))
    engine.control.change_groupe(number(0), "autre groupe")
    make_ineligible(engine)
    engine.sync(full=True)
    assert ("en_attente", "conflit") == (engine.wishes(0)["label"], engine.wishes(3)["label"])
    engine.restart(configuration={"annotations": {"labels": None}})
    engine.control.change_groupe(number(0), "défaut")
    engine.sync(full=True)
    assert ("Inéligible", ["éligible"]) == (engine.remote(0), engine.labels(0))
    assert [] == engine.rows("SELECT * FROM outbox WHERE annotation = 'label' AND courante")
    engine.restart()
    engine.sync()
    assert (CONFIRMED, ["inéligible"]) == (engine.wishes(0), engine.labels(0))


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


# --- the size of a batch, and what is read ahead -----------------------------------------------


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
            assert reads.acquire(timeout=5)
            is_ahead.append(reads.acquire(timeout=5))
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


@pytest.mark.parametrize("kind", ["answer_lost", "internal_error", "token_expired", "rate_limited"])
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
