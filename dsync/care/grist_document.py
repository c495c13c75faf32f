"""Keeps the tables of a Grist document equal to the views of one démarche."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.exports.export import tables_of
from dsync.exports.grist import Kept, Mirror, rows_of
from dsync.exports.grist_client import GristClient
from dsync.store import Store
from dsync.store.lease import Lease
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
    user_agent: str

    def client(self, stop: threading.Event) -> GristClient:
        """Return what asks it, until `stop` is set."""
        return GristClient(self.address, self.key, user_agent=self.user_agent, stop=stop)

    def ask(self, stop: threading.Event) -> None:
        """Ask for its tables, for ten seconds at most; GristError says why there is no answer."""
        with closing(self.client(stop)) as grist:
            grist.end_within(ASKED_S)
            grist.tables()

    @contextmanager
    def held(
        self, store: Store, demarche: DemarcheNumber, stop: threading.Event, wait_s: float
    ) -> Iterator[tuple[GristClient, Lease]]:
        """Hold the démarche's lease while its tables are asked for and sent.

        Raises:
            GristError: Grist is away or refuses.
            LeaseHeldError: another process works on the démarche.
        """
        with closing(self.client(stop)) as grist:
            # Before the lease: one that sleeps, or never answers, holds up nothing.
            grist.tables()
            with held_lease(store, demarche, stop, wait_s) as lease, renewed(store, lease):
                yield grist, lease

    @property
    def name(self) -> str:
        """What the database calls it."""
        return hashlib.sha256(self.address.rstrip("/").encode()).hexdigest()[:16]


def keep_document(
    store: Store,
    lease: Lease,
    document: GristDocument,
    grist: GristClient,
    *,
    opened: Collection[str],
    deliberated: bool,
    today: date,
) -> list[Kept]:
    """Send what differs, a view after the other.

    Raises:
        ConfigurationError: the database has no such view.
        GristError: Grist is away or refuses; the views before are done.
    """
    kept, demarche = [], lease.demarche
    known = store.dictionary({demarche: opened})
    names = [name for name in document.views if document.are_given or name in known]
    for view in tables_of(
        known,
        names,
        without_personal_data=not document.personal_data,
        demarche=demarche,
        deliberated={demarche} if deliberated else (),
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
            erased=erased,
            today=today,
        ).keep(rows)
        with store.transaction(lease) as tx:
            tx.grist.keep(document.name, view.name, made, is_left=not one.is_kept)
        kept.append(one)
        for left in one.left:
            log.warning("grist_left", view=view.name, what=left)
    log.info("grist_kept", views=len(kept), requests=grist.writes)
    return kept
