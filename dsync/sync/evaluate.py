"""Have the programme judge what is due, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, where no product was
found, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.dossier import Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.programme import Demand, Due, Evidence, Judged, Programme
from dsync.domain.verdict import Decision, Verdict
from dsync.store import NewVerdict, NewWish
from dsync.sync.context import Run, batches
from dsync.sync.pages import note_anomaly


@dataclass(frozen=True, slots=True)
class Batch:
    """Dossiers that were looked at, with the decisions that came of it."""

    numbers: Sequence[DossierNumber]
    judged: Sequence[tuple[Judged, Decision]]
    failed: Set[DossierNumber] = frozenset()
    """Those on which a check failed."""


def evaluate_due(run: Run, *, accept_evidence: bool = False) -> None:
    """Give every verdict that is due, after the crawl: doublons are judged over all dossiers.

    Args:
        run: the run under way.
        accept_evidence: whether evidence that a safety brake stopped is to be believed.

    Raises:
        StoreError: the verdicts stored so far stay; the others are still due.
    """
    programme = run.context.programme
    if programme is None:
        return
    evidence = programme.gather(run, accept=accept_evidence)
    with run.transaction() as tx:
        # Both what is judged by and what it rests on: the open ones are looked at again.
        has_moved = tx.state().evidence_key != evidence.key
        numbers: Sequence[DossierNumber] = tx.numbers_to_judge(everything_open=has_moved)
        if has_moved or evidence.may_be_back:
            numbers = _with(numbers, tx.undetermined())
    for batch in judge(run, programme, evidence, numbers):
        store_verdicts(run, batch)
    if has_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=evidence.key)


def judge(
    run: Run,
    programme: Programme,
    evidence: Evidence,
    numbers: Sequence[DossierNumber],
    demand: Demand | None = None,
) -> Iterator[Batch]:
    """Judge dossiers, batch by batch: the one way from copies to decisions.

    What is due after a crawl comes without a `demand`: a verdict that nothing speaks against
    then stands, and the dossiers whose doublons changed are judged too. The caller stores a batch
    before it takes the next.

    Args:
        run: the run under way.
        programme: whose checks judge.
        evidence: what the programme gathered.
        numbers: the dossiers, in order.
        demand: what an operator asks for.

    Raises:
        InterruptedRunError: before a batch, when the run was asked to stop.
        StoreError: the database cannot be read.
    """
    concerned: set[DossierNumber] = set()
    for some in batches(run.context, numbers):
        # Before anyone is judged: dossiers for one product are counted.
        concerned |= programme.prepare(run, evidence, some, demand)
    if demand is None:
        numbers = _with(numbers, concerned)
    done = 0
    for some in batches(run.context, numbers):
        with run.reading() as reader:
            due = [
                one
                for one in reader.for_judging(some)
                if one.presence == Presence.PRESENT and (demand or _is_looked_at(one))
            ]
        judged = list(programme.judge(run, evidence, due, demand))
        yield Batch(
            some,
            [(one, one.decision) for one in judged if one.decision is not None],
            {one.dossier.numero for one in judged if one.decision is None},
        )
        done += len(some)
        run.context.progress.evaluated(done, len(numbers))


def _with(
    numbers: Sequence[DossierNumber], others: Collection[DossierNumber]
) -> Sequence[DossierNumber]:
    """Return both in order, each once; the same list when there is nothing to add."""
    return sorted({*numbers, *others}) if others else numbers


def _is_looked_at(due: Due) -> bool:
    """A finished dossier keeps its verdict, but for one that could not be given."""
    return due.current is None or due.is_open or due.current.verdict is Verdict.INDETERMINE


def store_verdicts(run: Run, batch: Batch) -> None:
    """Store a batch of verdicts with the wishes that follow, in one transaction.

    A verdict that stands for want of evidence stays, and its dossier stays due.
    """
    now = run.now
    given = [(one.dossier, decision) for one, decision in batch.judged if not one.stands]
    waiting = {one.dossier.numero for one, _ in batch.judged if one.stands}
    verdicts = [NewVerdict(due.numero, decision, due.inputs_hash) for due, decision in given]
    wishes = [wish for due, decision in given for wish in _wishes(run, due, decision, now)]
    with run.transaction() as tx:
        fresh = set(tx.save_verdicts(run.id, verdicts, now))
        tx.wish(wishes, now)
        for number in sorted(batch.failed):
            note_anomaly(run, tx, number, "regle")
        still_due = batch.failed | waiting
        tx.close_evaluation([number for number in batch.numbers if number not in still_due])
    run.report.evaluated += len(fresh)
    run.report.verdicts.update(new.decision.verdict.key for new in verdicts if new.numero in fresh)
    run.report.quarantined_numbers.update(batch.failed)
    if batch.failed:
        run.report.problem(
            "A rule failed on some dossiers, which keep their last verdict: see "
            "`dsync quarantine list` and report it."
        )


def _wishes(run: Run, due: Due, decision: Decision, now: datetime) -> list[NewWish]:
    """Return what the annotations should hold; nothing when a reader would see no difference."""
    if not due.is_open:
        return []
    current = due.current
    is_same = current is not None and (current.verdict, current.detail) == (
        decision.verdict,
        decision.detail,
    )
    since = current.depuis_le if current is not None and is_same else now
    wanted = desired(decision.verdict, decision.detail, since, run.context.annotations)
    if all(due.wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(due.numero, name, value) for name, value in wanted.items()]
