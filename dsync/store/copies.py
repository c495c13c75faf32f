"""Copies of a database: into a file while a service writes, and of all rows into another database.

A backup is SQLite's online one, or `pg_dump`; its file appears under its name when it is complete
and was read back, and only its owner can read it. Rows that go from one database to another one are
compared by hashes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, Table, func, select
from sqlalchemy.exc import OperationalError

from dsync.domain.json_bytes import json_bytes
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Programme
from dsync.store.columns import BigKey, JsonText, RawJson, as_text
from dsync.store.dictionary import all_tables
from dsync.store.engine import CHECKING_STEPS, make_interruptible
from dsync.store.sql import AT_ONCE, Rows, insert_rows

PARTIAL = ".dsync-part"
"""Ending of backups that are not complete."""
_PAGES_A_STEP = 4_096
_SIDE_FILES = ("", "-journal", "-wal", "-shm")


@contextmanager
def placed(target: Path, *, force: bool) -> Iterator[Path]:
    """Yield an empty file beside the target, which gets the target's name at the end.

    Raises:
        ConfigurationError: there is no such folder, or a file of that name, unless `force`.
        StoreError: the file cannot be written.
    """
    _refuse_present(target, force=force)
    _remove_abandoned(target.parent)
    try:
        # Beside the target: a file gets its name at once only within one file system. Only its
        # owner can read it, before the first byte of personal data is written.
        with tempfile.NamedTemporaryFile(
            prefix=f".{target.name}.", suffix=PARTIAL, dir=target.parent, delete=False
        ) as opened:
            partial = Path(opened.name)
            with contextlib.suppress(OSError):  # A shared file system may know no locks.
                fcntl.flock(opened, fcntl.LOCK_EX)
            try:
                yield partial
                _flush(partial)
                # A file of that name may have been made during the copy.
                _refuse_present(target, force=force)
                partial.replace(target)
            finally:
                _remove(partial)
        # The new name outlasts a power failure only when its folder is written, too.
        _flush(target.parent)
    except OSError as exc:
        raise StoreError(
            f"The backup cannot be written into {target.parent} ({exc.strerror}). Check the "
            "folder, its rights and the disk's space."
        ) from exc


def _remove_abandoned(folder: Path) -> None:
    """Delete the files of killed backups: those that no process has locked."""
    for file in folder.glob(f".*{PARTIAL}"):
        with contextlib.suppress(OSError), file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(file)


def _remove(partial: Path) -> None:
    # SQLite leaves files beside a copy that failed.
    for side in _SIDE_FILES:
        with contextlib.suppress(OSError):
            partial.with_name(partial.name + side).unlink()


def _refuse_present(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise ConfigurationError(f"{target} is a folder: name a file in it.")
    if not target.parent.is_dir():
        raise ConfigurationError(f"The folder {target.parent} does not exist: make it first.")
    if target.exists() and not force:
        raise ConfigurationError(f"{target} exists: name another file, or add --force.")


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def copy_sqlite(engine: Engine, file: Path) -> None:
    """Copy a SQLite database into a file, as it was at one instant, and check the copy.

    Writers do not wait for it.

    Raises:
        OperationalError: SQLite cannot read the database or write the copy.
        OSError: the copy's disk is full.
        StoreError: the copy is damaged.
    """
    try:
        with closing(engine.raw_connection()) as source, closing(sqlite3.connect(file)) as copy:
            make_interruptible(copy, CHECKING_STEPS)
            driver: Any = source.driver_connection
            # In a transaction: else the copy would begin again whenever the service writes.
            driver.execute("BEGIN")
            driver.execute("SELECT 1 FROM sqlite_master").fetchone()
            # In several steps, between which a signal is noticed.
            driver.backup(copy, pages=_PAGES_A_STEP, progress=lambda *_: None, sleep=0)
            # One file, without a -wal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    except sqlite3.Error as exc:
        # The database is only read: it is the copy for which there is no space.
        if getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from exc
        raise OperationalError("backup", None, exc) from exc
    if found != ["ok"]:
        raise StoreError(
            "The copy is damaged, and so is probably the database: run `dsync db verify`. Keep "
            "your earlier backups."
        )


def dump_postgresql(url: URL, file: Path, target: Path, chosen: Sequence[str]) -> None:
    """Have `pg_dump` write a PostgreSQL database into a file, and read it back.

    `target` is the file's later name, for messages; `chosen` is of `dump_options`.

    Raises:
        ConfigurationError: `pg_dump` is not installed here, or a secret parameter of the URL has no
            variable that hides it.
        OSError: the file's disk is full.
        StoreError: it failed.
    """
    _, arguments = url.get_dialect()().create_connect_args(url)
    environment, others = _connection(arguments)
    programs = [shutil.which(name) for name in ("pg_dump", "pg_restore")]
    if not all(programs):
        raise ConfigurationError(
            "pg_dump is not installed here. Install PostgreSQL's client programs, or run, where "
            "they are, with the password in PGPASSWORD or a passfile: "
            f"{dump_line(url, target, chosen)}"
        )
    dump, restore = map(str, programs)
    database = [f"--dbname={others}"] if others else []
    line = [dump, "--format=custom", "--no-password", f"--file={file}", *chosen, *database]
    _execute(line, environment)
    # Reads all of it, and restores nothing.
    _execute([restore, f"--file={os.devnull}", str(file)], environment)


def _connection(arguments: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Return the connection's variables for libpq's programs, and its other parameters."""
    from psycopg import pq

    known = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
    # The programs need none of dsync's own secrets.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
    others = []
    for name, value in arguments.items():
        option = known.get(name)
        if option is None:
            continue  # The driver's own.
        if option.envvar:
            # Other users can read a process's command line, and not its environment.
            environment[option.envvar.decode()] = str(value)
        # So libpq marks its secret parameters.
        elif option.dispchar == b"*":
            raise ConfigurationError(
                f"DSYNC_DATABASE_URL has the secret parameter {name}, which pg_dump takes on its "
                "command line only: run pg_dump yourself."
            )
        else:
            others.append(f"{name}={_quoted(value)}")
    return environment, " ".join(others)


def dump_options(schema: str, foreign: Iterable[str]) -> list[str]:
    """Return the options by which `pg_dump` takes what is in a schema, without foreign relations.

    What others made there, and any role's large objects, the database's user may not read.
    """
    place = _literally(schema)
    # With --schema, the archive would make `public`, which each new database has.
    own = f"--table={place}.*" if schema == "public" else f"--schema={place}"
    return [own, *(f"--exclude-table={place}.{_literally(name)}" for name in foreign)]


def _literally(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def dump_line(url: URL, target: Path, chosen: Sequence[str]) -> str:
    """Return the command that copies a PostgreSQL database into a file, without the password.

    `chosen` is of `dump_options`.
    """
    _, arguments = url.get_dialect()().create_connect_args(url)
    names = ("host", "port", "user", "dbname", "sslmode", "passfile")
    shown = [(name, arguments[name]) for name in names if arguments.get(name)]
    connection = " ".join(f"{name}={_quoted(value)}" for name, value in shown)
    return shlex.join(
        ["pg_dump", "--format=custom", f"--file={target}", *chosen, f"--dbname={connection}"]
    )


def _quoted(value: Any) -> str:
    text = str(value)
    if text and not set(text) & set(" '\\"):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _execute(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - the programs of PATH, as an operator runs them
        command,
        # Messages in English, some of which are recognised below.
        env={**environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    name, said = Path(command[0]).name, done.stderr
    if "version mismatch" in said or "unsupported version" in said:
        raise StoreError(
            f"{name} is older than the PostgreSQL server. Install the server's version of "
            "PostgreSQL's client programs, or put its folder first in PATH."
        )
    if os.strerror(errno.ENOSPC) in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = said.strip().splitlines() or ["no message"]
    raise StoreError(f"{name} failed: {lines[0][:300]} Correct the cause, then run it again.")


NOT_COPIED = frozenset({"lease", "service", "turn", "budget", "colonne"})
"""Tables about processes that work on the database itself."""
_MODULUS = 2**128


def copy_all(
    source: Connection, target: Connection, programme: type[Programme], place: str
) -> dict[str, int]:
    """Copy all rows but those about processes, and compare what was stored with what was read.

    It is one transaction of the target, which the caller commits; `place` is its name for messages.
    Returns the number of rows by table.

    Raises:
        ConfigurationError: the target has rows.
        StoreError: it stored something else than it was given.
    """
    own = all_tables(programme)
    used = (table for table in own if table.name != "colonne")
    if any(target.execute(select(table).limit(1)).first() for table in used):
        raise ConfigurationError(
            f"{place} is not empty, and was left as it was: name a new database. An empty one is "
            "made by `createdb`, or by SQLite itself."
        )
    copied = [table for table in own if table.name not in NOT_COPIED]
    read = {
        table: _digest(table, _inserted(target, table, _parts(source, table))) for table in copied
    }
    for table in copied:
        if _digest(table, _parts(target, table)) != read[table]:
            raise StoreError(
                f"{place} does not give back the rows of table {table.name} as they were copied: "
                "nothing was stored. Try again; if it happens again, report it."
            )
        _continue_numbers(target, table)
    return {table.name: rows for table, (rows, _) in read.items()}


def _inserted(target: Connection, table: Table, parts: Iterable[Rows]) -> Iterator[Rows]:
    for rows in parts:
        insert_rows(target, table, rows)
        yield rows


def _parts(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield a table's rows in lists, JSON as bytes: it is neither decoded nor encoded."""
    json = [column.name for column in table.columns if isinstance(column.type, JsonText)]
    options = {"yield_per": AT_ONCE}
    with connection.execute(select(*as_text(table.columns)), execution_options=options) as found:
        # Without the size, SQLite's driver gives one row at a time.
        for part in found.mappings().partitions(AT_ONCE):
            rows = [dict(row) for row in part]
            for row in rows:
                # `JsonText` stores bytes as they are, and would encode a text once more.
                row.update({name: row[name].encode() for name in json if row[name] is not None})
            yield rows


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)
"""Of JSON in which `1.0` is `1`."""


def _digest(table: Table, parts: Iterable[Rows]) -> tuple[int, int]:
    """Return what equal tables have in common, whatever the engine and the order of their rows.

    It is the number of rows, and the sum of their hashes.
    """
    raw = [column.name for column in table.columns if isinstance(column.type, RawJson)]
    count, hashes = 0, 0
    for row in chain.from_iterable(parts):
        # `jsonb` has an order of keys and a form of numbers of its own.
        plain = {name: DECODER.decode(row[name] or b"null") for name in raw}
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()}
        hashes += int.from_bytes(sha256(json_bytes(texts | plain)).digest()[:16])
        count += 1
    return count, hashes % _MODULUS


def _continue_numbers(target: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    key = table.autoincrement_column
    if key is None or not isinstance(key.type, BigKey) or target.dialect.name != "postgresql":
        return
    last = target.scalar(select(func.max(key)))
    if last is not None:
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(sequence, last)))
