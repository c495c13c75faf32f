"""Erases dossiers at an operator's request: one by one, or all that are decided since long."""

from __future__ import annotations

from datetime import datetime

from dsync.domain.ids import DossierNumber
from dsync.errors import ConfigurationError
from dsync.sync import run as runs
from dsync.sync.context import Context, Run, batches
from dsync.sync.report import Kind, RunReport, SyncOptions


def erase(
    context: Context, number: DossierNumber, *, asked_by: str, wait_s: float = 0
) -> RunReport:
    """Erase a dossier from the copy; it stays erased when DS shows it again.

    Args:
        context: the collaborators of the run.
        number: the dossier's.
        asked_by: the user, for the journal.
        wait_s: how long to wait for the lease, in seconds.
    """

    def work(run: Run) -> None:
        with run.reading() as reader:
            if reader.dossier(number) is None:
                raise ConfigurationError(
                    f"Dossier {number} is not in the copy: nothing to erase. Correct the number."
                )
        with run.transaction() as tx:
            if number in tx.erased_on_request([number]):
                # Something outside dsync may have brought data back.
                tx.erase([number], run.now)
                return
            tx.erase_on_request(run.id, [number], "demande", asked_by, run.now)
            run.report.deleted += 1

    return runs.execute(context, _options(asked_by, wait_s), work)


def lift_erasure(
    context: Context, number: DossierNumber, *, asked_by: str, wait_s: float = 0
) -> RunReport:
    """Let the next read of an erased dossier copy it again; arguments as `erase`."""

    def work(run: Run) -> None:
        with run.transaction() as tx:
            if not tx.erased_on_request([number]):
                raise ConfigurationError(
                    f"Dossier {number} was not erased on request: nothing to undo. Correct the "
                    "number."
                )
            tx.lift_erasure(run.id, [number], asked_by, run.now)

    return runs.execute(context, _options(asked_by, wait_s), work)


def purge(
    context: Context, decided_before: datetime, *, asked_by: str, wait_s: float = 0
) -> RunReport:
    """Erase the finished dossiers that were decided before an instant.

    Args:
        context: the collaborators of the run.
        decided_before: the instant, in UTC.
        asked_by: the user, for the journal.
        wait_s: how long to wait for the lease, in seconds.
    """

    def work(run: Run) -> None:
        with run.reading() as reader:
            found = reader.decided_before(decided_before)
        for some in batches(context, found):
            numbers = [number for number, _ in some]
            with run.transaction() as tx:
                tx.erase_on_request(run.id, numbers, "duree_conservation", asked_by, run.now)
            run.report.deleted += len(numbers)

    return runs.execute(context, _options(asked_by, wait_s), work)


def _options(asked_by: str, wait_s: float) -> SyncOptions:
    return SyncOptions(work=Kind.ERASURE, started_by=asked_by, wait_s=wait_s)
