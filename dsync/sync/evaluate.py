"""Has the dossiers judged that are due or asked for, and puts the wishes into the outbox.

A page's dossiers are judged in the transaction that stores it, once the evidence is at hand; after
the last page, those that are still due, which may depend on other dossiers. A dossier is judged
again when its inputs, the rules or the other dossiers for its product changed, when missing
evidence is available again, and, if no product was found, when the evidence changed. A batch's
verdicts and wishes are stored in one transaction. Of several verdicts that one run gives a dossier,
only the last one is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from dsync.annotations.targets import DETAIL, RESULTAT, desired
from dsync.annotations.wish import NewWish
from dsync.domain.dossier import COUNTED_ETATS, Anomaly, Presence
from dsync.domain.due import Judged, ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Comparison, Decision
from dsync.errors import ConfigurationError, origin_of
from dsync.messages import kinds as k
from dsync.programme import (
    NO_RULES,
    Evidence,
    PrecheckOptions,
    Programme,
    in_force,
)
from dsync.store import NewEvent, Reader, Tx
from dsync.store.codes import EventName
from dsync.sync.brakes.changed_rules import stopped_rules, waits_for_consent
from dsync.sync.brakes.grounds import stops_judging
from dsync.sync.context import BATCH, Run
from dsync.sync.isolating import Failed, judged, look_up, prepare
from dsync.sync.page_storing import PageJudge, quarantine_dossier
from dsync.sync.report import Comparisons
from dsync.sync.work import Judging, RefreshEvidence

MOST_APART = timedelta(minutes=10)
"""How far this machine's clock and DS's may differ: « in time » and « published at the deposit »
compare dates of both."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of judged dossiers."""

    numbers: Sequence[DossierNumber]
    """All dossiers of the batch, those that kept their verdicts included."""
    judged: Sequence[Judged]
    failed: Mapping[DossierNumber, Exception] = field(default_factory=dict)
    """The error that a check raised, by dossier."""


def page_judge(run: Run) -> PageJudge | None:
    """Return what judges a page in the transaction that stores it.

    None: nothing is judged, or not before `evaluate_page` has the evidence.
    """
    programme, evidence = run.context.judge, run.evidence
    if programme is None or evidence is None or evidence.looks_up:
        return None
    if not run.rules_tried or run.rules_stopped or stops_judging(run) or _clocks_differ(run):
        return None
    return partial(_judge_page, run, programme, evidence)


def evaluate_page(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Have the new and changed dossiers of a page judged that is stored.

    Dossiers that depend on others are left to `evaluate_due`, and so are those on which a check
    fails.
    """
    programme = run.context.judge
    if programme is None or not numbers or stops_judging(run) or _clocks_differ(run):
        return
    if waits_for_consent(run, programme):
        return
    evidence = _evidence(run, programme)
    if stopped_rules(run, programme, evidence):
        return
    failed: Failed = {}
    look_up(run, evidence, numbers, failed)
    with run.transaction() as tx:
        report = _judge_page(
            run, programme, evidence, tx, [one for one in numbers if one not in failed]
        )
    report()


def _judge_page(
    run: Run, programme: Programme, evidence: Evidence, tx: Tx, numbers: Sequence[DossierNumber]
) -> Callable[[], None]:
    """Judge dossiers of a page; return what reports the verdicts, to be called after the commit."""
    failed: Failed = {}
    waiting: set[DossierNumber] = set()
    prepare(run, tx, evidence, numbers, None, failed)
    due = _due(tx, numbers, failed, None)
    found = judged(tx, programme, evidence, due, None, failed, waiting)
    # A dossier on which a check failed stays queued, but is not in quarantine yet: it is tried
    # once more after the last page, and two attempts of one run would count as two.
    decided = [one for one in numbers if one not in failed and one not in waiting]
    return _store(run, tx, Batch(decided, found))


def evaluate_due(run: Run, *, accept_evidence: bool = False) -> None:
    """Have all dossiers judged that are due; none if a safety brake stops the rules.

    This follows the pull, because the check for duplicates compares all dossiers. With
    `accept_evidence`, evidence that a safety brake stopped is accepted.

    Raises:
        InterruptedRunError, StoreError: the verdicts stored so far stay; the others are still due.
    """
    programme = run.context.judge
    if programme is None or stops_judging(run) or _clocks_differ(run):
        return
    evidence = _evidence(run, programme, accept=accept_evidence)
    if stopped_rules(run, programme, evidence):
        return
    with run.reading() as reader:
        numbers: Sequence[DossierNumber] = reader.queue.numbers()
        # The key covers the rules and the evidence.
        has_changed = reader.state.read().evidence_key != evidence.key
        others = reader.queue.due_by_run(are_other_grounds=has_changed, retries=evidence.looks_up)
    # What this run judged page by page, it judged with this evidence.
    numbers = _with(numbers, others - run.report.verdict_of.keys())
    for batch in judge(run, programme, evidence, numbers):
        store_verdicts(run, batch)
    # Only now: if the run is killed before, the next one judges all open dossiers again.
    if has_changed:
        with run.transaction() as tx:
            tx.state.save(evidence_key=evidence.key)


def _clocks_differ(run: Run) -> bool:
    """Return whether this machine's clock or DS's is wrong: dates then prove nothing."""
    gap = run.context.client.clock_gap
    if gap is None or abs(gap) <= MOST_APART:
        return False
    run.problem(k.Numbered(k.NumberNote.CLOCKS_APART, MOST_APART.seconds // 60))
    return True


def _evidence(run: Run, programme: Programme, *, accept: bool = False) -> Evidence:
    """Return the run's evidence, gathered at its first use."""
    if run.evidence is None:
        run.evidence = programme.gather(run, accept=accept)
    return run.evidence


def judge(
    run: Run,
    programme: Programme,
    evidence: Evidence,
    numbers: Sequence[DossierNumber],
    options: PrecheckOptions | None = None,
) -> Iterator[Batch]:
    """Have dossiers judged, in order, and yield them in batches.

    The caller must store each batch before it takes the next one.

    Options are those of an operator's pre-check, which judges exactly these dossiers. Without them,
    dossiers whose inputs have not changed are passed over, and those whose duplicates changed are
    added.
    """
    failed: Failed = {}
    # For all dossiers before the first one is judged: the check for duplicates counts them.
    related = _prepare_all(run, evidence, numbers, options, failed)
    if options is None:
        numbers = _with(numbers, related)
    done = 0
    for some in run.batches(numbers):
        look_up(run, evidence, some, failed)
        with run.reading() as reader:
            due = _due(reader, some, failed, options)
            found = judged(reader, programme, evidence, due, options, failed)
        yield Batch(some, found, {number: failed[number] for number in some if number in failed})
        done += len(some)
        run.context.progress.judged(done, len(numbers))


def _prepare_all(
    run: Run,
    evidence: Evidence,
    numbers: Sequence[DossierNumber],
    options: PrecheckOptions | None,
    failed: Failed,
) -> set[DossierNumber]:
    """Prepare the dossiers that this run has not prepared yet; return those that this makes due."""
    related: set[DossierNumber] = set()
    for some in run.batches([number for number in numbers if number not in run.compared]):
        with run.transaction() as tx:
            related |= prepare(run, tx, evidence, some, options, failed)
    return related


def _due(
    reader: Reader | Tx,
    numbers: Sequence[DossierNumber],
    failed: Failed,
    options: PrecheckOptions | None,
) -> list[ToJudge]:
    """Return those of these dossiers that are judged."""
    return [
        one
        for one in reader.verdicts.for_judging(numbers)
        if one.numero not in failed
        and (one.presence is Presence.PRESENT if options else one.is_judged)
    ]


def _with(
    numbers: Sequence[DossierNumber], others: Collection[DossierNumber]
) -> Sequence[DossierNumber]:
    """Return both, sorted and without repetition."""
    return sorted({*numbers, *others}) if others else numbers


def store_verdicts(run: Run, batch: Batch) -> None:
    """Store a batch's verdicts and wishes in one transaction."""
    with run.transaction() as tx:
        report = _store(run, tx, batch)
    report()


def _store(run: Run, tx: Tx, batch: Batch) -> Callable[[], None]:
    """Store a batch's verdicts and wishes; return what reports them, for after the commit.

    A dossier keeps its verdict if the evidence for a new one is unavailable, and stays due. A
    verdict replaces the one that this run gave the dossier before: nothing of that was sent.
    """
    now, by_run = run.now, run.report.verdict_of
    given = [(one.dossier, one.decision) for one in batch.judged if not one.keeps_verdict]
    waiting = {one.dossier.numero for one in batch.judged if one.keeps_verdict}
    again = [(due, decision) for due, decision in given if due.numero in by_run]
    if given and not by_run:
        tx.verdicts.keep_rules(in_force(run.context.programme), now)
    before = tx.verdicts.retract(run.id, again)
    given = [
        (replace(due, current=before[due.numero]) if due.numero in before else due, decision)
        for due, decision in given
    ]
    fresh = set(tx.verdicts.save(run.id, given, now))
    wishes = [wish for due, decision in given for wish in _wishes(run, due, decision, now)]
    tx.outbox.wish(wishes, now, instead=before)
    for number, error in sorted(batch.failed.items()):
        quarantine_dossier(run, tx, number, Anomaly.REGLE, origin_of(error))
    # The next run tries again what failed, or waits for evidence.
    still_due = batch.failed.keys() | waiting
    tx.queue.close([number for number in batch.numbers if number not in still_due])

    def report() -> None:
        for numero in before:
            del by_run[numero]
        verdicts = {due.numero: decision.verdict for due, decision in given}
        by_run.update({numero: verdicts[numero] for numero in verdicts.keys() & fresh})
        run.report.quarantined_numbers.update(batch.failed)
        for origin in sorted(set(map(origin_of, batch.failed.values()))):
            # Its traceback once: a bug can concern every dossier.
            of = {n: error for n, error in batch.failed.items() if origin_of(error) == origin}
            shown = next(iter(of.values()))
            log.error("check_failed", error=origin, dossiers=[*of], exc_info=shown)
        if batch.failed:
            run.problem(k.Noted(k.Note.RULE_FAILED))

    return report


def _wishes(run: Run, due: ToJudge, decision: Decision, now: datetime) -> list[NewWish]:
    """Return the wishes of a decision; none if result and detail are already wished."""
    if not due.is_open:
        return []
    current = due.current
    is_same = current is not None and current.reads_like(decision)
    # An equal verdict keeps its date: a new one would be a write into DS without news.
    since = current.depuis_le if current is not None and is_same else now
    config = run.context.annotations
    wanted = desired(decision.verdict, decision.detail, since, config, due.wished)
    if all(due.wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(due.numero, name, value) for name, value in wanted.items()]


def precheck(run: Run, work: Judging, as_of: date | None = None) -> None:
    """Have dossiers judged by the present rules; the report has the comparisons.

    A finished dossier keeps its verdict. Nothing is sent to DS: the next push writes the changes.
    With `as_of` they are judged as if deposited on that day, and nothing is stored.
    """
    programme = run.context.judge
    if programme is None:
        raise ConfigurationError(NO_RULES)
    if stops_judging(run):
        return
    evidence = _evidence(run, programme)
    # Without storing anything, stopped rules may be looked at.
    if not run.report.dry and stopped_rules(run, programme, evidence):
        return
    refreshes = isinstance(work, RefreshEvidence)
    known: set[DossierNumber] = set()
    with run.reading() as reader:
        chosen = sorted(set(work.dossiers)) or reader.queue.open_numbers()
        # Of changed rules, the table of all open dossiers: accepted ones are compared with them.
        is_table = run.report.dry and not work.dossiers and in_force(programme).wait_after(None)
        compared = reader.queue.numbers(COUNTED_ETATS) if is_table else []
    how = PrecheckOptions(as_of, refreshes)
    # The brake may have prepared dossiers with other evidence.
    run.compared.clear()
    _prepare_all(run, evidence, compared, how, {})
    for batch in judge(run, programme, evidence, chosen, how):
        stored = _to_store(batch)
        kept = {one.dossier.numero for one in stored.judged if not one.keeps_verdict}
        for one in batch.judged:
            number, decision = one.dossier.numero, one.decision
            run.report.comparisons.append(
                Comparison(number, one.dossier.current, decision, one.keeps_verdict, number in kept)
            )
            known.add(number)
        known |= batch.failed.keys()
        if as_of is None:
            if refreshes:
                # Before the verdicts: what changes one of these later is no act of a person.
                by = {"demande_par": run.asked_by}
                events = [NewEvent(number, EventName.PREUVE_RELUE, by) for number in sorted(kept)]
                with run.transaction() as tx:
                    tx.journal.record_events(run.id, events, run.now)
            store_verdicts(run, stored)
    for number in work.dossiers:
        if number not in known:
            run.problem(k.Numbered(k.NumberNote.NOTHING_TO_JUDGE, number))


def stored_comparisons(
    reader: Reader, document: Mapping[str, Any]
) -> tuple[Comparisons, list[DossierNumber]]:
    """Return what a pre-check of another process compared, by the report of its run.

    The second list has the dossiers of which the new decision was not stored.
    """
    began, ended = (datetime.fromisoformat(document[key]) for key in ("started_at", "ended_at"))
    left = document.get("not_stored", [])
    numbers = [number for number in document.get("compared", ()) if number not in set(left)]
    found = Comparisons()
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        # Strictly before: a verdict of the run itself can have the instant of its start.
        before = reader.verdicts.at(some, began - timedelta(microseconds=1))
        after = reader.verdicts.at(some, ended)
        for n in some:
            if n in after:
                found.append(Comparison(n, before.get(n), after[n]))
    return found, left


def _to_store(batch: Batch) -> Batch:
    """Return what is stored of a batch: a finished dossier that has a verdict keeps it."""
    kept = [one for one in batch.judged if one.dossier.is_open or one.dossier.current is None]
    return replace(batch, numbers=[one.dossier.numero for one in kept], judged=kept)
