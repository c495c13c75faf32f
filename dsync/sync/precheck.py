"""Evaluates dossiers at an operator's request, and compares the verdicts with the stored ones."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import date

from dsync.domain.ids import DossierNumber
from dsync.domain.programme import PrecheckOptions
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.errors import ConfigurationError, DSNotFoundError
from dsync.store import NewEvent
from dsync.sync import run as runs
from dsync.sync.context import Context, Run
from dsync.sync.evaluate import Batch, judge, store_verdicts
from dsync.sync.report import RunReport, SyncOptions


@dataclass(frozen=True, slots=True)
class Comparison:
    """A dossier's stored verdict beside the new decision."""

    numero: DossierNumber
    before: StoredVerdict | None
    after: Decision
    keeps_verdict: bool
    """As `Judged.keeps_verdict`."""

    @property
    def verdict(self) -> Verdict:
        """The verdict that applies after the pre-check."""
        return self.before.verdict if self.before and self.keeps_verdict else self.after.verdict

    @property
    def is_same(self) -> bool:
        """Whether result and detail are the same as before."""
        return self.keeps_verdict or (
            self.before is not None and self.before.reads_like(self.after)
        )


def precheck(
    context: Context, options: SyncOptions, as_of: date | None = None
) -> tuple[RunReport, list[Comparison]]:
    """Evaluate dossiers by the present rules; return the run's report and the comparisons.

    A finished dossier keeps its verdict. Nothing is sent to DS: the next push writes the changes.

    Args:
        context: the collaborators of the run.
        options: of the run, a pre-check; without dossiers, all open ones are evaluated.
        as_of: evaluate as if they had been deposited on that day, and store nothing; None: on
            their real dates.
    """
    comparisons: list[Comparison] = []

    def work(run: Run) -> None:
        chosen = PrecheckOptions(as_of, options.refresh)
        comparisons.extend(_evaluate(run, options.dossiers, chosen, options.started_by))

    stores = not options.dry_run and as_of is None
    return runs.execute(context, replace(options, dry_run=not stores), work), comparisons


def _evaluate(
    run: Run, numbers: Sequence[DossierNumber], options: PrecheckOptions, asked_by: str
) -> list[Comparison]:
    programme = run.context.judge
    if programme is None:
        raise ConfigurationError(
            "Nothing is judged, because the configuration has no section [regles]: add it, and the "
            "section [mapping] that it needs, as in the shipped file."
        )
    evidence = programme.gather(run)
    with run.reading() as reader:
        chosen = sorted(set(numbers)) or reader.numbers_to_judge(everything_open=True)
    comparisons: list[Comparison] = []
    known: set[DossierNumber] = set()
    for batch in judge(run, programme, evidence, chosen, options):
        comparisons += [
            Comparison(one.dossier.numero, one.dossier.current, decision, one.keeps_verdict)
            for one, decision in batch.judged
        ]
        known |= {one.dossier.numero for one, _ in batch.judged} | batch.failed
        if options.as_of is None:
            _store(run, batch, options, asked_by)
    _report_missing_dossiers(run, numbers, known)
    return comparisons


def _store(run: Run, batch: Batch, options: PrecheckOptions, asked_by: str) -> None:
    """Store the new verdicts of open dossiers and of those without one."""
    kept = [
        (one, decision)
        for one, decision in batch.judged
        if one.dossier.is_open or one.dossier.current is None
    ]
    store_verdicts(
        run, replace(batch, numbers=[one.dossier.numero for one, _ in kept], judged=kept)
    )
    if options.refresh:
        events = [
            NewEvent(one.dossier.numero, "preuve_relue", {"demande_par": asked_by})
            for one, _ in kept
            if not one.keeps_verdict
        ]
        with run.transaction() as tx:
            tx.record_events(run.id, events, run.now)


def _report_missing_dossiers(
    run: Run, numbers: Sequence[DossierNumber], known: Set[DossierNumber]
) -> None:
    for number in numbers:
        if number not in known:
            run.report.problem(
                f"Dossier {number} is not in the copy, or not present in DS: nothing to judge. "
                f"`dsync sync --dossier {number}` reads it.",
                DSNotFoundError.exit_code,
            )
