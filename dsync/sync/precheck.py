"""Judge dossiers again because an operator asks, and show old and new side by side."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import date

from dsync.domain.ids import DossierNumber
from dsync.domain.programme import Demand
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.errors import ConfigurationError, DSNotFoundError
from dsync.store import NewEvent
from dsync.sync import run as runs
from dsync.sync.context import Context, Run
from dsync.sync.evaluate import Batch, judge, store_verdicts
from dsync.sync.report import Kind, RunReport, SyncOptions


@dataclass(frozen=True, slots=True)
class Comparison:
    """A dossier's present verdict and the one worked out now."""

    numero: DossierNumber
    before: StoredVerdict | None
    after: Decision
    stands: bool
    """Whether the verdict stays because the evidence for another is out of reach."""

    @property
    def verdict(self) -> Verdict:
        """The verdict that the dossier has from now on."""
        return self.before.verdict if self.before and self.stands else self.after.verdict

    @property
    def is_same(self) -> bool:
        """Whether a reader would see no difference."""
        return self.stands or (
            self.before is not None
            and self.before.verdict == self.after.verdict
            and self.before.detail == self.after.detail
        )


def precheck(
    context: Context,
    numbers: Sequence[DossierNumber] = (),
    *,
    as_of: date | None = None,
    refresh: bool = False,
    asked_by: str = "cli",
    dry_run: bool = False,
    wait_s: float = 0,
) -> tuple[RunReport, list[Comparison]]:
    """Judge these dossiers (all that are open, when none is given) by the rules of today.

    A finished dossier keeps its last verdict. Nothing is sent to DS: a changed verdict waits for
    the next push.

    Args:
        context: what the engine works with.
        numbers: the dossiers.
        as_of: judge as if they had been deposited that day; nothing is stored then.
        refresh: take fresh product evidence in place of what is kept.
        asked_by: who asks, for the journal.
        dry_run: store nothing.
        wait_s: how long to wait for another holder's lease, in seconds.
    """
    comparisons: list[Comparison] = []

    def work(run: Run) -> None:
        demand = Demand(as_of, refresh)
        comparisons.extend(_judge_again(run, numbers, demand, asked_by))

    options = SyncOptions(
        dry_run=dry_run or as_of is not None,
        wait_s=wait_s,
        work=Kind.PRECHECK,
        started_by=asked_by,
    )
    return runs.execute(context, options, work), comparisons


def _judge_again(
    run: Run, numbers: Sequence[DossierNumber], demand: Demand, asked_by: str
) -> list[Comparison]:
    programme = run.context.programme
    if programme is None:
        raise ConfigurationError(
            "The configuration has no rules to judge by: it lacks the section [regles]."
        )
    evidence = programme.gather(run)
    with run.reading() as reader:
        chosen = sorted(set(numbers)) or reader.numbers_to_judge(everything_open=True)
    comparisons: list[Comparison] = []
    known: set[DossierNumber] = set()
    for batch in judge(run, programme, evidence, chosen, demand):
        comparisons += [
            Comparison(one.dossier.numero, one.dossier.current, decision, one.stands)
            for one, decision in batch.judged
        ]
        known |= {one.dossier.numero for one, _ in batch.judged} | batch.failed
        if demand.as_of is None:
            _store(run, batch, demand, asked_by)
    _say_missing(run, numbers, known)
    return comparisons


def _store(run: Run, batch: Batch, demand: Demand, asked_by: str) -> None:
    """Store what was judged; a finished dossier keeps its verdict."""
    kept = [
        (one, decision)
        for one, decision in batch.judged
        if one.dossier.is_open or one.dossier.current is None
    ]
    store_verdicts(
        run, replace(batch, numbers=[one.dossier.numero for one, _ in kept], judged=kept)
    )
    if demand.refresh:
        events = [
            NewEvent(one.dossier.numero, "preuve_relue", {"demande_par": asked_by})
            for one, _ in kept
            if not one.stands
        ]
        with run.transaction() as tx:
            tx.record_events(run.id, events, run.now)


def _say_missing(run: Run, numbers: Sequence[DossierNumber], known: Set[DossierNumber]) -> None:
    for number in numbers:
        if number not in known:
            run.report.problem(
                f"Dossier {number} is not in the copy, or not present in DS: nothing to judge. "
                f"`dsync sync --dossier {number}` reads it.",
                DSNotFoundError.exit_code,
            )
