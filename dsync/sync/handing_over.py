"""What people order beside a service: a run that it does, and the end of conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import InterruptedRunError
from dsync.messages import kinds as k
from dsync.store import RunningService, Store
from dsync.store.codes import Status
from dsync.store.requests import ManualRequest
from dsync.store.services import is_alive
from dsync.sync.work import Request, to_row

if TYPE_CHECKING:
    # `dsync conflicts` reads the database only: the client of DS is not loaded for it.
    from dsync.sync.context import Context

LOOK_S = 0.5
"""Interval at which the result of a request is looked for."""


def living_service(store: Store, demarche: DemarcheNumber, now: datetime) -> RunningService | None:
    """Return a service that executes requests about a démarche, None without one."""
    lease = store.lease_of(demarche)
    alive = (one for one in store.services.of(demarche) if is_alive(one, lease, now))
    return next(alive, None)


def hand_over(context: Context, asked: Request) -> ManualRequest | None:
    """Have the running service execute a run, wait for its end, and return the request.

    It has the result; None when no service executes it, so that the caller does. The context's
    `stop` ends the wait: a run that has not begun is withdrawn, another one goes on.

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
            run = next(iter(reader.journal.runs(1)), None)
            request = reader.requests.by_id(id_)
        if request is None:
            # In the console, by anybody who may: this process must not do it in spite of that.
            raise InterruptedRunError(k.Noted(k.Note.TAKEN_BACK))
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
        if living_service(store, demarche, now()) is None:
            # One that has begun stays until the lease of its run has expired: a new service may
            # execute it.
            with store.requests(demarche) as requests:
                if requests.take_back(id_, now()):
                    return None
    if withdraw(store, demarche, id_):
        raise InterruptedRunError(k.Noted(k.Note.NOT_BEGUN))
    raise InterruptedRunError(k.Noted(k.Note.GOES_ON))


def withdraw(store: Store, demarche: DemarcheNumber, id_: int) -> bool:
    """Take back a request; return False if it has begun."""
    with store.requests(demarche) as requests:
        return requests.withdraw(id_)


class Choice(StrEnum):
    """How conflicts end; the value is written into the journal."""

    KEEP = "accepte"
    """The human's value stays: dsync writes neither this verdict nor another one over it."""
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

    Those of some dossiers, or of all (None); of one annotation, with the wishes that its conflict
    holds back, or of all (None). `asked_by` is the user, for the journal.
    """
    with store.beside_runs(demarche) as tx:
        # Read in this transaction, for which a run waits: nobody ends one of them meanwhile.
        in_conflict = sorted({conflict.numero for conflict in tx.wishes.conflicts()})
        end = tx.wishes.keep_conflicts if choice is Choice.KEEP else tx.wishes.adopt_conflicts
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
