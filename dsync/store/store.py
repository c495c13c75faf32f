"""`Store`, through which all other packages use the database: opening, transactions, leases."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import URL, Connection, Engine, update
from sqlalchemy.exc import OperationalError

from dsync.domain.access_given import Given
from dsync.domain.ids import DemarcheNumber
from dsync.errors import (
    ConfigurationError,
    LeaseHeldError,
    SchemaBehindError,
    StoreError,
)
from dsync.messages import kinds as k
from dsync.programme import Dictionary, Programme
from dsync.store import (
    access,
    console_users,
    copies,
    reading_views,
    schema,
    sync_state,
    tables,
)
from dsync.store import lease as leases
from dsync.store.budget import Budget
from dsync.store.console_users import AccessWrites
from dsync.store.deletions import DeletionWrites
from dsync.store.dictionary import NO_PROGRAMME, all_tables
from dsync.store.dossier_rows import DossierWrites
from dsync.store.engine import (
    READING,
    SORTING,
    TRIAL,
    describe,
    identity_of,
    is_busy,
    is_locked,
    listen,
    locked,
    open_engine,
    parse_url,
    sqlite_file,
    translated,
    vacuum,
    wait_for_locks,
    wait_in_transaction,
)
from dsync.store.journal import JournalWrites
from dsync.store.lease import Lease, LeaseInfo
from dsync.store.outbox import OutboxWrites
from dsync.store.personal_data import Holding, holdings
from dsync.store.piece_rows import PieceWrites
from dsync.store.quarantine import QuarantineWrites
from dsync.store.queue import KeyWrites, QueueWrites
from dsync.store.reader import Reader
from dsync.store.requests import CHANNEL, ConsentWrites, RequestWrites
from dsync.store.services import Services
from dsync.store.sight import WHOLE, Sight, mask
from dsync.store.sql import Scope, Subject, among
from dsync.store.sync_state import DemarcheWrites, StateWrites
from dsync.store.told import AlertWrites, GristWrites
from dsync.store.turns import Turns, make_due
from dsync.store.verdicts import AnswerWrites, VerdictWrites
from dsync.store.wishes import WishWrites

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


class Store:
    """The database. It can be shared between threads, and raises no SQLAlchemy exceptions."""

    def __init__(self, url: URL, engine: Engine, clock: Clock, programme: type[Programme]) -> None:
        self._url = url
        self._engine = engine
        self._programme = programme
        self._clock = clock
        self.place = describe(url)
        """The database's name for messages, without its password."""
        self._is_postgresql = url.get_backend_name() == "postgresql"
        self._file = sqlite_file(url)
        self._identity = self._file and identity_of(self._file)
        self._unreleased: dict[DemarcheNumber, Lease] = {}
        """Leases whose release failed: the next attempt to take them releases them first."""
        self._writers = threading.RLock()
        """One thread of this process writes at a time on SQLite; the others wait for their turn."""
        self._locked_at = 0.0
        """When another process had kept the one whose turn it was from writing for too long."""
        self._must_vacuum = self._file is not None
        """Whether what was erased may be in SQLite's files: they were read then, perhaps when a
        process erased it that has ended."""
        self._whole: Connection | None = None
        """The connection of a dry run, whose transaction has all others in it."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = True,
        check_schema: bool = True,
        clock: Clock = utc_now,
        programme: type[Programme] = NO_PROGRAMME,
        with_programme: bool = False,
        engine: Engine | None = None,
    ) -> Store:
        """Open a database. A SQLite database is created and upgraded automatically.

        Args:
            url: the database's URL.
            create: whether a missing SQLite file is created.
            check_schema: whether the schema is checked; commands that upgrade it do not.
            clock: the present instant; used for leases on SQLite only.
            programme: whose tables and views may be in it.
            with_programme: whether these are added to it, if it does not have them yet.
            engine: SQLAlchemy's; None: one is made from the URL.

        Raises:
            ConfigurationError: the URL is not one of a supported database.
            SchemaBehindError: the schema is older or newer than this version needs.
            StoreError: the database cannot be opened.
        """
        parsed = parse_url(url)
        opened = engine or open_engine(parsed, create=create)
        store = cls(parsed, opened, clock, programme)
        try:
            if check_schema or not with_programme:
                store._look(check_schema=check_schema, with_programme=with_programme)
        except BaseException:
            store.close()
            raise
        return store

    @property
    def has_programme(self) -> bool:
        """Whether the database has the programme's tables and views."""
        return self._programme is not NO_PROGRAMME

    @property
    def schema_revision(self) -> str | None:
        """The revisions of the engine's and the programme's schema; None: it is empty."""
        with self._connected(reading=True) as connection:
            return schema.described(connection, self._programme)

    def check_schema(self) -> None:
        """Check that the schema is the one that this version needs.

        Raises:
            SchemaBehindError: it is older or newer.
        """
        with self._connected(reading=True) as connection:
            schema.check_revision(connection, self.place, self._programme)

    def upgrade(self) -> Path | None:
        """Upgrade the schema to this version; return the copy of a SQLite file of an older one.

        Raises:
            SchemaBehindError: the schema is newer than this version; nothing is changed.
            StoreError: the copy could not be made, or the database failed; nothing is changed.
        """
        former = None
        with self._changing_views() as connection:
            # Within the transaction, so that no other process upgrades it meanwhile.
            older = schema.older(connection, self._programme) if self._file else None
            if self._file and older:
                former = self._file.with_name(f"{self._file.name}.{older}")
                self.backup(former, force=True)
            schema.upgrade(connection, self.place, self._programme)
        return former

    def dump_line(self) -> str | None:
        """Return the line that copies a PostgreSQL database of an older version.

        None: the database is none, or needs no copy before an upgrade.
        """
        if not self._is_postgresql:
            return None
        with self._connected(reading=True) as connection:
            older = schema.older(connection, self._programme)
        return older and copies.dump_line(
            self._url, Path(f"dsync-{older}.dump"), self._dump_options()
        )

    def foreign_objects(self) -> list[access.Foreign]:
        """Return what other roles made beside dsync's tables on PostgreSQL: no backup has it."""
        if not self._is_postgresql:
            return []
        with self._connected(reading=True) as connection:
            return access.foreign_objects(connection, self._programme)

    def _dump_options(self) -> list[str]:
        with self._connected(reading=True) as connection:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar() or "public"
        # `pg_dump` takes names of relations here, and neither functions nor large objects.
        return copies.dump_options(schema, [one.name for one in self.foreign_objects() if one.name])

    def acquire_lease(
        self, demarche: DemarcheNumber, ttl_s: float, *, holder: str | None = None
    ) -> Lease:
        """Take the right to write about a démarche, for `ttl_s` seconds unless it is renewed.

        `holder` is a name for operators; None: this process's.

        Raises:
            LeaseHeldError: another process holds it.
        """
        try:
            with self._connected() as connection:
                # Somebody may have changed it beneath this process.
                schema.check_again(connection, self.place, self._programme)
                if (former := self._unreleased.get(demarche)) is not None:
                    leases.release(connection, former, self._clock())
                taken = leases.acquire(
                    connection, demarche, holder or process_name(), ttl_s, self._clock()
                )
        except StoreError as exc:
            if not is_locked(exc):
                raise
            raise LeaseHeldError(k.Numbered(k.NumberNote.HELD_BY_DRY_RUN, demarche)) from exc
        self._unreleased.pop(demarche, None)
        return taken

    def renew_lease(self, lease: Lease) -> None:
        """Extend the lease by its duration from now.

        Raises:
            LeaseLostError: another process took it.
        """
        if self._whole is not None:
            # By another thread than the run's; and its row stays locked.
            return
        with self._connected() as connection:
            leases.renew(connection, lease, self._clock())

    def release_lease(self, lease: Lease) -> None:
        """Release the lease; do nothing if it was lost.

        Raises:
            StoreError: the database failed; this process releases it before it takes it again.
        """
        self._unreleased[lease.demarche] = lease
        with self._connected() as connection:
            leases.release(connection, lease, self._clock())
        self._unreleased.pop(lease.demarche, None)

    def lease_of(self, demarche: DemarcheNumber) -> LeaseInfo | None:
        """Return a démarche's lease, None if none was ever taken."""
        with self._connected(reading=True) as connection:
            return leases.read_lease(connection, demarche, self._clock())

    @property
    def services(self) -> Services:
        """The services that work on this database."""
        return Services(self._connected, partial(self._connected, reading=True))

    @property
    def turns(self) -> Turns:
        """Which démarche is due, for the services that share the work."""
        return Turns(self._connected, partial(self._connected, reading=True), process_name())

    def budget(self, token: str, life_s: float) -> Budget | None:
        """Return the permits of a token that processes share; None: on SQLite there is one process.

        The token has the address that it is for; permits are used within `life_s` seconds.
        """
        return Budget(self._connected, token, life_s) if self._is_postgresql else None

    def listen(self, stop: threading.Event, woken: Callable[[], None]) -> None:
        """Call `woken` each time that something was asked for, until `stop` is set.

        On SQLite it returns at once, and so it does behind a pooler that forgets who listens: who
        waits has to look from time to time, too.

        Raises:
            StoreError: the connection failed.
        """
        if self._is_postgresql:
            with translated(self.place):
                listen(self._engine, CHANNEL, stop, woken)

    def connection_limit(self) -> int | None:
        """Return how many connections PostgreSQL accepts of all roles; None: it is SQLite."""
        if not self._is_postgresql:
            return None
        with self._connected(reading=True) as connection:
            limit = connection.exec_driver_sql(
                "SELECT current_setting('max_connections')::int - "
                "current_setting('superuser_reserved_connections')::int"
            ).scalar_one()
        return int(limit)

    def demarches(self) -> list[DemarcheNumber]:
        """Return the démarches of which something was read, or tried to be."""
        with self._connected(reading=True) as connection:
            return sync_state.read_demarches(connection)

    def demarches_of(self, dossiers: Sequence[int]) -> dict[int, int]:
        """Return the démarche of each of these dossiers that is known, by its number."""
        with self._connected(reading=True) as connection:
            return sync_state.read_demarches_of(connection, dossiers)

    def close_session(self, token: str, until: datetime) -> None:
        """Make a session of the console unusable, until it ends by itself."""
        with self._connected() as connection:
            console_users.close_session(connection, token, until, self._clock())

    def close_sessions(self, name: str, until: datetime) -> None:
        """Make all present sessions of a person unusable; until then they end by themselves."""
        with self._connected() as connection:
            console_users.close_sessions(connection, name, until, self._clock())

    def session(self, token: str, name: str, until: datetime) -> console_users.Known:
        """Return whether a session of the console was closed, and what each page needs."""
        with self._connected(reading=True) as connection:
            return console_users.look_up_session(connection, token, name, until, self._clock())

    def given(self, name: str) -> Given:
        """Return what the database says of a person's access to the console."""
        with self._connected(reading=True) as connection:
            return console_users.given_to(connection, name, self._clock())

    @contextmanager
    def transaction(self, lease: Lease) -> Iterator[Tx]:
        """Open a transaction, committed at the end and rolled back on any exception.

        If it erased personal data, they are afterwards removed from the database's files, too.

        Raises:
            LeaseLostError: another process took the lease; nothing is stored.
            StoreError: the database failed; nothing is stored.
        """
        with self._connected() as connection:
            leases.fence(connection, lease)
            tx = Tx(Scope(connection, lease.demarche, self._programme, touched=set()))
            yield tx
            tx.stamp(self._clock())
        # After the commit: PostgreSQL cannot vacuum in a transaction, nor SQLite truncate its WAL.
        if (tx.deletions.has_erased or self._must_vacuum) and self._whole is None:
            # Once: each of a run's transactions would hold up the other writers.
            self._vacuum(wait_ms=500 if tx.deletions.has_erased else 0)

    def forget(self, lease: Lease) -> None:
        """Delete all rows and views of a démarche, whose copies of files are deleted already.

        Raises:
            LeaseLostError: another process took the lease; nothing is deleted.
            StoreError: views are in use, or the database failed; nothing is deleted.
        """
        with self._changing_views() as connection:
            leases.fence(connection, lease)
            scope = Scope(connection, lease.demarche, self._programme)
            DeletionWrites(scope).forget_demarche()
        self._vacuum()

    @contextmanager
    def beside_runs(self, demarche: DemarcheNumber) -> Iterator[Tx]:
        """Open a transaction that needs no lease; those of a run wait for its end, and it for them.

        For changes that are safe between any two transactions of a run.
        """
        with self._connected() as connection:
            leases.lock(connection, demarche)
            tx = Tx(Scope(connection, demarche, self._programme, touched=set()))
            yield tx
            tx.stamp(self._clock())
            make_due(connection, demarche, self._clock())

    @contextmanager
    def reading(
        self,
        demarche: DemarcheNumber | None = None,
        sight: Sight = WHOLE,
        *,
        sorting: bool = False,
    ) -> Iterator[Reader]:
        """Open a read-only transaction about a démarche, which sees none of the later commits.

        Args:
            demarche: None: all of them.
            sight: what is seen of it.
            sorting: whether everything may have to be sorted, which takes too much memory.
        """
        with self._connected(reading=True, sorting=sorting) as connection:
            if sight != WHOLE:
                mask(connection, self._programme, sight)
            yield Reader(Scope(connection, demarche, self._programme))

    @contextmanager
    def trial(self) -> Iterator[Store]:
        """Return the database for a dry run: all its transactions are parts of one that is undone.

        Readers are not disturbed. The lease is taken in it: until its end, who wants it finds its
        row locked, and on SQLite nobody else writes at all.
        """
        with translated(self.place), self._engine.connect() as connection:
            connection = connection.execution_options(**{TRIAL: True})
            whole = connection.begin()
            try:
                # DS can take longer to answer.
                wait_in_transaction(connection)
                trial = copy(self)
                trial._whole = connection
                yield trial
            finally:
                whole.rollback()

    def backup(self, target: Path, *, force: bool = False) -> None:
        """Copy the database into a file, while a service may write.

        The file appears when the copy is complete and was checked.

        Raises:
            ConfigurationError: the file exists, unless `force`; or `pg_dump` is not installed.
            StoreError: the copy could not be made.
        """
        if self._file and target.exists() and target.samefile(self._file):
            raise ConfigurationError(f"{target} is the database itself: name another file.")
        with translated(self.place), copies.placed(target, force=force) as file:
            if self._is_postgresql:
                copies.dump_postgresql(self._url, file, target, self._dump_options())
            else:
                copies.copy_sqlite(self._engine, file)

    def copy_into(self, target: Store) -> dict[str, int]:
        """Copy everything into an empty database, as it was at one instant between two runs.

        It is one transaction of the target: if it fails or is killed, nothing is stored there.
        Returns the number of rows by table.

        Raises:
            ConfigurationError: the target has rows.
            LeaseHeldError: a run is under way in this database.
            StoreError: a database failed, or the target stored something else than it was given.
        """
        with self._connected(reading=True) as source, target._changing_views() as copy:
            for connection in (source, copy):
                # Each waits for the other one, for as long as a large table takes.
                wait_in_transaction(connection)
            schema.check_revision(source, self.place, self._programme)
            numbers = sync_state.read_demarches(source)
            for number in numbers:
                leases.check_free(source, number, self._clock())
            schema.upgrade(copy, target.place, self._programme)
            copied = copies.copy_all(source, copy, self._programme, target.place)
            for number in numbers:
                reading_views.renew_form(copy, number)
        target.analyze()
        return copied

    def altered_views(self) -> list[str]:
        """Return the views whose text is another one than this version makes them of.

        Raises:
            StoreError: the database failed, or PostgreSQL's server is read-only: it compares views
                by making them once more, which is not kept.
        """
        with self._connected(reading=not self._is_postgresql) as connection:
            return reading_views.altered(connection, self._programme)

    def grant_reader(
        self,
        role: str,
        *,
        masked: bool = False,
        demarche: DemarcheNumber | None = None,
        opened: reading_views.Opened = MappingProxyType({}),
    ) -> str:
        """Grant a PostgreSQL role the right to read the views, nothing else; return their schema.

        If masked, these are the views without personal data; of a démarche, its own. `opened` is
        what the configuration shows without personal data, by démarche; of the other démarches,
        what it did at their last run. The views are first renewed if it is new.

        Raises:
            ConfigurationError: the database is SQLite, or the role cannot be granted this.
            StoreError: the views are in use, or the database failed; nothing is changed.
        """
        part = access.ViewSet(masked, demarche)
        with self._changing_views() as connection:
            for number, ids in opened.items():
                DemarcheWrites(Scope(connection, number, self._programme)).renew_views(ids)
            return reading_views.grant(connection, role, self._programme, part)

    def analyze(self) -> None:
        """Have PostgreSQL count what is in the tables by which dossiers are found.

        By itself it does so up to a minute after a change. Until then it expects that few dossiers
        are of one démarche, and goes through all of them to find those of a product.
        """
        if self._is_postgresql and self._whole is None:
            programme = self._programme.storage.metadata.sorted_tables
            names = ", ".join(table.name for table in (tables.dossier, *programme))
            with self._connected() as connection:
                # What another process is counting, it may hold for a minute if it is stopped then.
                connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {names}")

    def holdings(self) -> list[Holding]:
        """Return what is declared of each table: what it holds of persons, and until when."""
        return holdings(self._programme)

    def dictionary(self, opened: reading_views.Opened = MappingProxyType({})) -> Dictionary:
        """Return the views' documentation, in French; `opened` as of `grant_reader`."""
        with self._connected(reading=True) as connection:
            return reading_views.dictionary(connection, self._programme, opened)

    @contextmanager
    def requests(self, demarche: DemarcheNumber) -> Iterator[RequestWrites]:
        """Open a transaction about a démarche's requests, which needs no lease."""
        with self._connected() as connection:
            yield RequestWrites(Scope(connection, demarche, self._programme))

    @contextmanager
    def accesses(self, demarche: DemarcheNumber) -> Iterator[tuple[AccessWrites, RequestWrites]]:
        """Open a transaction about who may enter, and its journal, which needs no lease."""
        with self._connected() as connection:
            scope = Scope(connection, demarche, self._programme)
            yield AccessWrites(scope), RequestWrites(scope)

    @contextmanager
    def alerts(self) -> Iterator[AlertWrites]:
        """Open a transaction about alerts, which needs no lease."""
        with self._connected() as connection:
            yield AlertWrites(Scope(connection, None, self._programme))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _vacuum(self, wait_ms: int = 500) -> None:
        """Remove deleted rows from the database's files; after the next commit, if it is read now.

        A failure is only logged: the deletion is committed, and PostgreSQL vacuums by itself later.
        """
        try:
            with translated(self.place):
                names = [table.name for table in all_tables(self._programme)]
                self._must_vacuum = not vacuum(self._engine, names, wait_ms)
        except StoreError as exc:
            import structlog  # Imported here: short commands that only read do not need it.

            structlog.get_logger(__name__).warning("not_vacuumed", error=type(exc).__name__)

    def _look(self, *, check_schema: bool, with_programme: bool) -> None:
        """Do without the programme in a database that does not have its part; upgrade SQLite's."""
        with self._connected(reading=True) as connection:
            found = schema.read(connection, self._programme)
            engine = connection.dialect.name
        if not with_programme and self._programme.storage.name not in found.revisions:
            self._programme = NO_PROGRAMME
        if not check_schema:
            return
        try:
            schema.check(found, self.place, self._programme, engine)
        except SchemaBehindError as exc:
            if not exc.is_upgradable:
                raise
            if self._is_postgresql:
                # Services of an older version may work on it: an operator upgrades it. None of
                # them uses a programme's part that is not there yet.
                if self._programme.storage.name in found.revisions:
                    raise
                schema.check(found, self.place, NO_PROGRAMME, engine)
            self.upgrade()

    @contextmanager
    def _changing_views(self) -> Iterator[Connection]:
        """Connect as `_connected`; the error names the sessions that keep the views in use."""
        try:
            with self._connected() as connection:
                yield connection
        except StoreError as exc:
            if not is_locked(exc):
                raise
            with self._connected(reading=True) as connection:
                others = access.sessions_in_the_way(connection)
            raise StoreError(
                f"{self.place} is in use by {', '.join(others) or 'a session that has ended since'}"
                ", whose transaction is open. Nothing was changed: try again when it has ended, or "
                "end it by SELECT pg_terminate_backend(pid)."
            ) from exc

    @contextmanager
    def _connected(self, *, reading: bool = False, sorting: bool = False) -> Iterator[Connection]:
        if self._file and self._identity and identity_of(self._file) != self._identity:
            # The open connections would write into the deleted file.
            raise StoreError(
                f"{self.place} was deleted or replaced while dsync was using it, so dsync writes "
                "nothing more. Restore it if necessary, then restart dsync."
            )
        with translated(self.place):
            if self._whole is not None:
                with self._whole.begin_nested():
                    # The one before may have set a shorter time, which stays to the end of all.
                    wait_for_locks(self._whole)
                    yield self._whole
                return
            engine = self._engine
            if reading:
                engine = engine.execution_options(**{READING: True, SORTING: sorting})
                if engine.dialect.name == "postgresql":
                    # All statements of a page or a command see one state, as on SQLite.
                    engine = engine.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
            queue = nullcontext() if reading or self._is_postgresql else self._turn()
            with queue, engine.begin() as connection:
                yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the turn of this thread to write on SQLite, and write.

        Its busy handler is not fair: of many writers one would wait in vain.
        """
        since = time.monotonic()
        with self._writers:
            if since < self._locked_at:
                # Another process had the lock all that time: it is not waited for once more.
                raise locked(self.place)
            try:
                yield
            except OperationalError as exc:
                if is_busy(exc):
                    self._locked_at = time.monotonic()
                raise


def process_name() -> str:
    """Return this process's host and process id, by which an operator finds it."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Tx(Subject):
    """A transaction about one démarche: the objects of `Reader`, which also write.

    Repeating a call of a method has no further effect.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.answers = AnswerWrites(scope)
        self.consents = ConsentWrites(scope)
        self.deletions = DeletionWrites(scope)
        self.demarche = DemarcheWrites(scope)
        self.dossiers = DossierWrites(scope)
        self.grist = GristWrites(scope)
        self.journal = JournalWrites(scope)
        self.keys = KeyWrites(scope)
        self.outbox = OutboxWrites(scope)
        self.pieces = PieceWrites(scope)
        self.quarantine = QuarantineWrites(scope)
        self.queue = QueueWrites(scope)
        self.requests = RequestWrites(scope)
        self.state = StateWrites(scope)
        self.verdicts = VerdictWrites(scope)
        self.wishes = WishWrites(scope)

    def stamp(self, now: datetime) -> None:
        """Store when the dossiers last changed in the copy of which this transaction wrote."""
        if self._touched:
            theirs = among(tables.dossier.c.numero, self._touched)
            self.connection.execute(update(tables.dossier).where(theirs).values(modifie_ici_le=now))
