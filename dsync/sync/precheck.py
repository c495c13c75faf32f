"""Evaluates dossiers at an operator's request, and compares the verdicts with the stored ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dsync.domain.dossier import OPEN_ETATS
from dsync.domain.ids import DossierNumber
from dsync.domain.programme import NO_RULES, PrecheckOptions
from dsync.domain.verdict import Comparison
from dsync.errors import ConfigurationError, DSNotFoundError
from dsync.store import NewEvent, Reader
from dsync.sync.context import Run
from dsync.sync.evaluate import Batch, evaluate_due, judge, store_verdicts
from dsync.sync.report import SyncOptions


def precheck(run: Run, options: SyncOptions) -> None:
    """Evaluate dossiers by the present rules; the report has the comparisons.

    A finished dossier keeps its verdict. Nothing is sent to DS: the next push writes the changes.

    Args:
        run: the run under way.
        options: of a pre-check; without dossiers, all open ones are evaluated.
    """
    if options.accept_evidence:
        evaluate_due(run, accept_evidence=True)
        return
    programme = run.context.judge
    if programme is None:
        raise ConfigurationError(NO_RULES)
    how = PrecheckOptions(options.as_of, options.refresh)
    evidence = programme.gather(run)
    with run.reading() as reader:
        chosen = sorted(set(options.dossiers)) or reader.numbers_to_judge(OPEN_ETATS)
    known: set[DossierNumber] = set()
    for batch in judge(run, programme, evidence, chosen, how):
        stored = _to_store(batch)
        kept = {one.dossier.numero for one, _ in stored.judged if not one.keeps_verdict}
        for one, decision in batch.judged:
            number = one.dossier.numero
            run.report.comparisons.append(
                Comparison(number, one.dossier.current, decision, one.keeps_verdict, number in kept)
            )
            known.add(number)
        known |= batch.failed
        if options.as_of is None:
            store_verdicts(run, stored)
            if options.refresh:
                _record_refresh(run, sorted(kept), options.started_by)
    _report_missing_dossiers(run, options.dossiers, known)


def stored_comparisons(
    reader: Reader, document: Mapping[str, Any]
) -> tuple[list[Comparison], list[DossierNumber]]:
    """Return what a pre-check of another process compared, as stored.

    Args:
        reader: of the démarche's data.
        document: the report of its run.

    Returns:
        The comparisons, and the dossiers of which the new decision was not stored.
    """
    began, ended = (datetime.fromisoformat(document[key]) for key in ("started_at", "ended_at"))
    left = document.get("not_stored", [])
    numbers = [number for number in document.get("compared", ()) if number not in set(left)]
    # Strictly before: a verdict of the run itself can have the instant of its start.
    before = reader.verdicts_at(numbers, began - timedelta(microseconds=1))
    after = reader.verdicts_at(numbers, ended)
    found = [Comparison(n, before.get(n), after[n]) for n in numbers if n in after]
    return found, left


def _to_store(batch: Batch) -> Batch:
    """Return what is stored of a batch: a finished dossier that has a verdict keeps it."""
    kept = [
        (one, decision)
        for one, decision in batch.judged
        if one.dossier.is_open or one.dossier.current is None
    ]
    return replace(batch, numbers=[one.dossier.numero for one, _ in kept], judged=kept)


def _record_refresh(run: Run, numbers: Sequence[DossierNumber], asked_by: str) -> None:
    events = [NewEvent(number, "preuve_relue", {"demande_par": asked_by}) for number in numbers]
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
