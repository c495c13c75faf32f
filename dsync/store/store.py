"""`Store`: opens the database, hands out transactions and the lease. The only way into it."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Table

from dsync.domain.ids import DemarcheNumber
from dsync.errors import SchemaBehindError, StoreError
from dsync.store import lease as leases
from dsync.store import reading_views, schema, tables
from dsync.store.engine import (
    READING,
    describe,
    identity_of,
    open_engine,
    parse_url,
    sqlite_file,
    vacuum,
)
from dsync.store.extension import Dictionary, Extension
from dsync.store.faults import translated
from dsync.store.reader import Reader
from dsync.store.records import Lease, LeaseInfo, RunningService
from dsync.store.sql import copy_rows
from dsync.store.transaction import Tx

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """The database. Safe to share between threads; no SQLAlchemy exception leaves it."""

    def __init__(self, url: URL, engine: Engine, clock: Clock, extension: Extension | None) -> None:
        self._engine = engine
        self._extension = extension
        self._clock = clock
        self.place = describe(url)
        """The database's name for people, without its password."""
        self._is_postgresql = url.get_backend_name() == "postgresql"
        self._file = sqlite_file(url)
        self._identity = self._file and identity_of(self._file)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = True,
        check_schema: bool = True,
        clock: Clock = _utc_now,
        extension: Extension | None = None,
        engine: Engine | None = None,
    ) -> Store:
        """Open a database. SQLite is created and upgraded by itself.

        Args:
            url: its address.
            create: whether a missing SQLite file is created.
            check_schema: False for what upgrades the schema itself.
            clock: the present; of use to leases on SQLite alone.
            extension: the programme's tables and views; None: the engine's alone.
            engine: what connects to it; None: one of its own.

        Raises:
            ConfigurationError: The address is none.
            SchemaBehindError: The schema is not the one that this version needs.
            StoreError: The database cannot be opened.
        """
        parsed = parse_url(url)
        opened = engine or open_engine(parsed, create=create)
        store = cls(parsed, opened, clock, extension)
        try:
            if check_schema:
                store._meet_schema()
        except BaseException:
            store.close()
            raise
        return store

    @property
    def schema_revision(self) -> str | None:
        """The database's schema and its programme's, None when it is empty."""
        with self._connected(reading=True) as connection:
            return schema.described(connection, self._extension)

    def check_schema(self) -> None:
        """Make sure that the schema is the one that this version needs.

        Raises:
            SchemaBehindError: It is another one.
        """
        with self._connected(reading=True) as connection:
            schema.check_revision(connection, self.place, self._extension)

    def upgrade(self) -> None:
        """Bring the schema to this version, or leave it as it was.

        Raises:
            SchemaBehindError: The schema is newer than this version knows.
            StoreError: The database refused.
        """
        with self._connected() as connection:
            schema.upgrade(connection, self.place, self._extension)

    def acquire_lease(
        self, demarche: DemarcheNumber, ttl_s: float, *, holder: str | None = None
    ) -> Lease:
        """Take the right to write about a démarche, for `ttl_s` seconds or until renewed.

        Raises:
            LeaseHeldError: Another one has it.
        """
        with self._connected() as connection:
            return leases.acquire(
                connection, demarche, holder or process_name(), ttl_s, self._clock()
            )

    def renew_lease(self, lease: Lease, ttl_s: float | None = None) -> None:
        """Put the lease's expiry off to `ttl_s` from now.

        Raises:
            LeaseLostError: Another one took it.
        """
        with self._connected() as connection:
            leases.renew(connection, lease, ttl_s or lease.ttl_s, self._clock())

    def release_lease(self, lease: Lease) -> None:
        """Give the lease back; nothing happens when it was lost."""
        with self._connected() as connection:
            leases.release(connection, lease, self._clock())

    def lease_of(self, demarche: DemarcheNumber) -> LeaseInfo | None:
        """Return who works on a démarche; None when nobody ever did."""
        with self._connected(reading=True) as connection:
            return leases.read(connection, demarche, self._clock())

    def register_service(self, demarche: DemarcheNumber, service: RunningService) -> None:
        """Note that a service runs, and when it works next."""
        with self._connected() as connection:
            leases.register_service(connection, demarche, service)

    def unregister_service(self, demarche: DemarcheNumber, holder: str) -> None:
        """Note that a service has ended."""
        with self._connected() as connection:
            leases.unregister_service(connection, demarche, holder)

    def services_of(self, demarche: DemarcheNumber) -> list[RunningService]:
        """Return the services that signed in for a démarche and not off."""
        with self._connected(reading=True) as connection:
            return leases.read_services(connection, demarche)

    @contextmanager
    def transaction(self, lease: Lease) -> Iterator[Tx]:
        """Open one transaction, committed at the end, rolled back on any exception.

        When it has erased, the database's files are then rid of what it erased.

        Raises:
            LeaseLostError: Another one took the lease; nothing is stored.
            StoreError: The database failed; nothing is stored.
        """
        with self._connected() as connection:
            leases.fence(connection, lease)
            tx = Tx(connection, lease.demarche, self._extension)
            yield tx
        if tx.has_erased:
            self._vacuum()

    @contextmanager
    def reading(self, demarche: DemarcheNumber | None = None) -> Iterator[Reader]:
        """Read the database as it is now; what others write meanwhile is not seen."""
        with self._connected(reading=True) as connection:
            yield Reader(connection, demarche, self._extension)

    @contextmanager
    def scratch_copy(self) -> Iterator[Store]:
        """Hand out a copy of the database to be thrown away, for what must leave no trace."""
        with tempfile.TemporaryDirectory(prefix="dsync-") as folder:
            url = f"sqlite:///{Path(folder) / 'copy.db'}"
            copy = Store.open(url, clock=self._clock, extension=self._extension)
            try:
                with self._connected(reading=True) as source, copy._connected() as target:
                    copy_rows(source, target, self._tables())
                yield copy
            finally:
                copy.close()

    def grant_reader(self, role: str) -> None:
        """Let a PostgreSQL role read the views and nothing else.

        Raises:
            ConfigurationError: On SQLite, or for a role that cannot be given this.
        """
        with self._connected() as connection:
            reading_views.grant(connection, role, self._extension)

    def dictionary(self) -> Dictionary:
        """Return each view's and column's meaning, in French."""
        with self._connected(reading=True) as connection:
            return reading_views.dictionary(connection, self._extension)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _tables(self) -> list[Table]:
        own = tables.metadata.sorted_tables
        return [*own, *(self._extension.metadata.sorted_tables if self._extension else ())]

    def _vacuum(self) -> None:
        """Drop the old versions of rows, which a deletion leaves in the database's files.

        A failure is logged: the erasure itself is committed, and PostgreSQL's own vacuum comes.
        """
        try:
            with translated(self.place):
                vacuum(self._engine, [table.name for table in self._tables()])
        except StoreError as exc:
            import structlog  # Here, for short commands do without it.

            structlog.get_logger(__name__).warning("not_vacuumed", error=type(exc).__name__)

    def _meet_schema(self) -> None:
        try:
            self.check_schema()
        except SchemaBehindError as exc:
            if self._is_postgresql or not exc.is_upgradable:
                raise
            self.upgrade()

    @contextmanager
    def _connected(self, *, reading: bool = False) -> Iterator[Connection]:
        if self._file and self._identity and identity_of(self._file) != self._identity:
            # Open connections write into a file that has no name any more.
            raise StoreError(
                f"{self.place} was deleted or replaced while dsync was using it: nothing is "
                "written any more. Put it back, or leave it, and restart dsync."
            )
        with translated(self.place):
            engine = self._engine
            if reading:
                engine = engine.execution_options(**{READING: True})
                if engine.dialect.name == "postgresql":
                    engine = engine.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
            with engine.begin() as connection:
                yield connection


def process_name() -> str:
    """Name this process so that an operator finds it."""
    return f"{socket.gethostname()}:{os.getpid()}"
