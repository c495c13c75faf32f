"""What a person asks for: a run handed over to the service, conflicts ended, dossiers erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from dsync.domain.dossier import Presence
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.run import Kind, Status
from dsync.errors import ConfigurationError, InterruptedRunError
from dsync.store import Reader, RunningService, Store
from dsync.store.requests import ManualRequest
from dsync.store.services import is_alive
from dsync.sync.work import Erase, Erasure, LiftErasure, Purge, Request, to_row

if TYPE_CHECKING:
    # `dsync conflicts` reads the database only: the client of DS is not loaded for it.
    from dsync.sync.context import Context, Run

CRASHED = "dsync failed by a bug of its own ({}): report it with the trace in the log."
LOOK_S = 0.5
"""Interval at which the result of a request is looked for."""


def living_service(store: Store, demarche: DemarcheNumber, now: datetime) -> RunningService | None:
    """Return a service that executes requests about a démarche, None without one."""
    lease = store.lease_of(demarche)
    alive = (one for one in store.services_of(demarche) if is_alive(one, lease, now))
    return next(alive, None)


def hand_over(context: Context, asked: Request) -> ManualRequest | None:
    """Have the running service execute a run, and wait for its end.

    Args:
        context: of this process, of which `stop` ends the wait: a run that has not begun is
            withdrawn, another one goes on.
        asked: the work, and for whom it is.

    Returns:
        The request with its result; None when no service executes it, so that the caller does.

    Raises:
        InterruptedRunError: `stop` was set, or somebody took the request back.
        StoreError: the database failed; the request may stay.
    """
    store, demarche, now = context.store, context.demarche, context.clock
    service = living_service(store, demarche, now())
    if service is None:
        return None
    with store.requests(demarche) as requests:
        id_ = requests.ask(*to_row(asked.work), asked.asked_by, now())
    context.progress.message(f"The service {service.holder} does it; following…")
    told = None
    while not context.stop.wait(LOOK_S):
        with store.reading(demarche) as reader:
            # Before the request, so that its own run is never taken for one that it waits for.
            run, *_ = reader.journal.last_runs(Kind.FULL.value)
            request = reader.requests.by_id(id_)
        if request is None:
            # In the console, by anybody who may: this process must not do it in spite of that.
            raise InterruptedRunError("The request was taken back in the console: nothing is done.")
        if request.fini_le is not None:
            return request
        if run is not None and run["statut"] == Status.RUNNING:
            if request.commence_le is None and run["run"] != told:
                told = run["run"]
                context.progress.message(
                    f"It begins after run {told} ({run['genre']}), which has read {run['lus']} "
                    "dossiers so far."
                )
            context.progress.pulled(run["lus"], None)
        if living_service(store, demarche, now()) is None and _take_back(context, id_):
            return None
    if withdraw(store, demarche, id_):
        raise InterruptedRunError("Interrupted: the service had not begun, and will not.")
    raise InterruptedRunError(
        "Interrupted: the service goes on with the run; `dsync journal` shows its result."
    )


def _take_back(context: Context, id_: int) -> bool:
    """Take back a request of which the service died; return False while one may execute it.

    One that has begun stays until the lease of its run has expired: a new service may execute it.
    """
    with context.store.requests(context.demarche) as requests:
        return requests.take_back(id_, context.clock())


def withdraw(store: Store, demarche: DemarcheNumber, id_: int) -> bool:
    """Take back a request; return False if it has begun."""
    with store.requests(demarche) as requests:
        return requests.withdraw(id_)


class Choice(StrEnum):
    """How conflicts end; the value is written into the journal."""

    ACCEPT = "accepte"
    """The human's value stays: dsync does not write this verdict there."""
    ADOPT = "adopte"
    """The current value counts as written by dsync: the wish is sent and replaces it."""


def end_conflicts(
    store: Store,
    demarche: DemarcheNumber,
    choice: Choice,
    now: datetime,
    *,
    asked_by: str,
    numbers: Sequence[DossierNumber] | None = None,
    annotation: str | None = None,
) -> dict[DossierNumber, int]:
    """End conflicts, also while a run is under way; return how many ended, by dossier.

    Args:
        store: the database.
        demarche: the démarche's number.
        choice: how they end.
        now: the present instant.
        asked_by: the user, for the journal.
        numbers: the dossiers; None: all dossiers of the démarche.
        annotation: the annotation, with the wishes that its conflict holds back; None: all.

    Raises:
        StoreError: the database failed; nothing was changed.
    """
    with store.beside_runs(demarche) as tx:
        # Read in this transaction, for which a run waits: nobody ends one of them meanwhile.
        in_conflict = sorted({conflict.numero for conflict in tx.wishes.conflicts()})
        end = tx.wishes.accept_conflicts if choice is Choice.ACCEPT else tx.wishes.adopt_conflicts
        ended = {
            numero: end(numero, now, annotation)
            for numero in in_conflict
            if numbers is None or numero in numbers
        }
        ended = {numero: count for numero, count in ended.items() if count}
        if ended:
            options = {"choix": choice.value, "dossiers": list(ended), "annotation": annotation}
            tx.requests.record("conflit", options, asked_by, since=now, now=now)
    return ended


def erase(run: Run, work: Erasure) -> None:
    """Erase dossiers from the copy, or undo it.

    An erased dossier stays erased when DS shows it again, until its erasure is undone.

    Args:
        run: the run under way.
        work: which dossiers, and whether it is undone.

    Raises:
        ConfigurationError: there is nothing to erase, or to undo.
    """
    match work:
        case Purge(decided_before=limit):
            with run.reading() as reader:
                found = [number for number, _ in reader.dossiers.decided_before(limit)]
            _erase(run, found, "duree_conservation")
        case LiftErasure(dossiers=dossiers):
            with run.reading() as reader:
                check_numbers(reader, dossiers, undo=True)
            with run.transaction() as tx:
                tx.deletions.lift(run.id, dossiers, run.asked_by, run.now)
        case Erase(dossiers=dossiers):
            with run.reading() as reader:
                check_numbers(reader, dossiers)
            with run.transaction() as tx:
                erased = tx.deletions.erased_on_request(dossiers)
                # Something outside dsync may have brought data back.
                tx.deletions.erase(sorted(erased), run.now)
            _erase(run, [one for one in dossiers if one not in erased], "demande")


def check_numbers(reader: Reader, numbers: Sequence[DossierNumber], *, undo: bool = False) -> None:
    """Check that dossiers can be erased, or that their erasure can be undone.

    Raises:
        ConfigurationError: there is nothing to erase, or to undo.
    """
    for number in numbers:
        found = reader.dossiers.by_number(number, only=())
        if found is not None and found["demarche_numero"] != reader.number:
            # Of the same database: its lease, its runs and its copies of files are the other's.
            found = None
        if undo and (found is None or found["presence"] != Presence.EFFACE):
            raise ConfigurationError(
                f"Dossier {number} was not erased on request: nothing to undo. Correct the number."
            )
        if found is None:
            raise ConfigurationError(
                f"Dossier {number} is not in the copy: nothing to erase. Correct the number."
            )


def _erase(run: Run, numbers: Sequence[DossierNumber], why: str) -> None:
    for some in run.batches(numbers):
        with run.transaction() as tx:
            tx.deletions.erase_on_request(run.id, some, why, run.asked_by, run.now)
        run.report.deleted += len(some)
