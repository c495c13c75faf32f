"""Keeps the tables of a Grist document equal to the views of one démarche."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.exports.export import tables_of
from dsync.exports.grist import Kept, Mirror, rows_of
from dsync.exports.grist_client import GristClient
from dsync.store import Store
from dsync.sync.leasing import held_lease, renewed

log = structlog.get_logger(__name__)

ASKED_S = 10.0
"""For how long `dsync check` waits for Grist: a document that sleeps is loaded first."""


@dataclass(frozen=True, slots=True)
class GristDocument:
    """A document, and what it gets."""

    address: str
    key: str
    views: Sequence[str]
    are_given: bool
    """Whether somebody named the views; else one that the database lacks is left out."""
    personal_data: bool
    delete: bool
    user_agent: str

    def client(self, stop: threading.Event) -> GristClient:
        """Return what asks it, until `stop` is set."""
        return GristClient(self.address, self.key, user_agent=self.user_agent, stop=stop)

    def ask(self, stop: threading.Event) -> None:
        """Ask for its tables, for ten seconds at most; GristError says why there is no answer."""
        with closing(self.client(stop)) as grist:
            grist.end_within(ASKED_S)
            grist.tables()

    @property
    def name(self) -> str:
        """What the database calls it."""
        return hashlib.sha256(self.address.rstrip("/").encode()).hexdigest()[:16]


def keep_document(
    store: Store,
    demarche: DemarcheNumber,
    document: GristDocument,
    *,
    opened: Mapping[DemarcheNumber, Collection[str]],
    deliberated: Collection[int],
    today: date,
    stop: threading.Event,
    wait_s: float = 0,
    within_s: float | None = None,
    forget: bool = False,
) -> list[Kept]:
    """Send what differs, a view after the other, while nothing else is done about the démarche.

    `within_s` is for how long at most; None: for as long as it takes. `forget`: what dsync made
    there is left to its readers, and made anew.

    Raises:
        ConfigurationError: the database has no such view.
        GristError: Grist is away or refuses; the views before are done.
        LeaseHeldError: another process works on the démarche.
    """
    kept = []
    with ExitStack() as stack:
        grist = stack.enter_context(closing(document.client(stop)))
        # Before the lease: one that sleeps, or never answers, holds up nothing.
        grist.tables()
        lease = stack.enter_context(held_lease(store, demarche, stop, wait_s))
        stack.enter_context(renewed(store, lease))
        grist.end_within(within_s)
        if forget:
            with store.transaction(lease) as tx:
                tx.grist.forget(document.name)
        known = store.dictionary(opened)
        names = [name for name in document.views if document.are_given or name in known]
        for view in tables_of(
            known,
            names,
            without_personal_data=not document.personal_data,
            demarche=demarche,
            deliberated=deliberated,
        ):
            if not view.is_by_dossier:
                # It would change all rows, each time.
                columns = {n: one for n, one in view.columns.items() if n != "modifie_ici_le"}
                view = replace(view, columns=columns)
            with store.reading(demarche) as reader:
                erased = reader.deletions.erased()
                rows = rows_of(reader.connection, view, erased)
                made = reader.grist.made(document.name, view.name)
            one, made = Mirror(
                grist,
                view,
                made,
                about=f"démarche {demarche}, vue {view.name}",
                delete=document.delete,
                erased=erased,
                today=today,
            ).keep(rows)
            with store.transaction(lease) as tx:
                tx.grist.keep(document.name, view.name, made)
            kept.append(one)
            for left in one.left:
                log.warning("grist_left", view=view.name, what=left)
        log.info("grist_kept", views=len(kept), requests=grist.writes)
    return kept
