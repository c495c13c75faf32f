"""Checks and upgrades the schema, with Alembic and without an alembic.ini.

The engine and the programme each have their own migrations and a table with the revision. The first
revision makes the tables as they are declared now, so a new database is at the last one. An upgrade
drops the views, runs the migrations and creates the shipped views again, with the readers' rights.
A change of a released table or view therefore needs a migration, of a view an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from dsync.errors import SchemaBehindError
from dsync.programme import Programme, Storage
from dsync.store import reading_views, tables
from dsync.store.dictionary import folder_of, parts

if TYPE_CHECKING:
    from alembic.config import Config

_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
    "postgresql": """SELECT relname FROM pg_catalog.pg_class
WHERE relkind IN ('r', 'p', 'v') AND relnamespace = (
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())""",
}
"""All tables and views."""


def create_tables(connection: Connection, metadata: MetaData) -> None:
    """Make tables, each with its indexes in one order: of their names, backwards.

    `create_all` makes them in any order, and of two that serve alike SQLite takes the last one.
    """
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda one: str(one.name), reverse=True):
            index.create(connection)


class Present(NamedTuple):
    """What a database has."""

    names: frozenset[str]
    """Of tables and views."""
    revisions: Mapping[str, str]
    """By the part's name."""


def read(connection: Connection, programme: type[Programme]) -> Present:
    """Read what a database has of the engine's and a programme's part."""
    found = connection.exec_driver_sql(_NAMES[connection.dialect.name])
    names = frozenset(found.scalars())
    present = [part for part in parts(programme) if version_table(part) in names]
    return Present(names, _revisions(connection, present))


def _revisions(connection: Connection, present: Sequence[Storage]) -> dict[str, str]:
    asked = [
        f"SELECT '{part.name}', version_num FROM {version_table(part)}"  # noqa: S608 - names of ours
        for part in present
    ]
    rows = connection.exec_driver_sql(" UNION ALL ".join(asked)) if asked else ()
    return {name: revision for name, revision in rows}


def version_table(part: Storage) -> str:
    """Return the name of the table in which Alembic keeps a part's revision."""
    return f"alembic_version_{part.name}" if part.name else "alembic_version"


def known_revisions(part: Storage) -> list[str]:
    """Return the shipped revisions, oldest first.

    They are the first parts of the files' names, because importing Alembic takes longer than a run
    that finds nothing new.
    """
    versions = folder_of(part) / "migrations" / "versions"
    names = (entry.name for entry in versions.iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:4].isdigit())


def described(connection: Connection, programme: type[Programme]) -> str | None:
    """Return the revisions of the engine's and the programme's schema as text for messages."""
    revisions = sorted(read(connection, programme).revisions.items())
    return ", ".join(f"{name} {revision}".strip() for name, revision in revisions) or None


def check_revision(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Check that the database has the tables and views that this version needs.

    `place` is the database's name for messages. The programme's part is checked after the engine's.

    Raises:
        SchemaBehindError: it is older or newer.
    """
    check(read(connection, programme), place, programme, connection.dialect.name)


def check(found: Present, place: str, programme: type[Programme], engine: str) -> None:
    """Check what was found in a database; see `check_revision`."""
    for part in parts(programme):
        current, known = found.revisions.get(part.name), known_revisions(part)
        if (current or "") > known[-1]:
            raise SchemaBehindError(
                f"{place}: its schema ({current}) is newer than this version of dsync knows "
                f"({known[-1]}). Install the newer dsync.",
                is_upgradable=False,
            )
        has_tables = current is None and found.names & part.metadata.tables.keys()
        if has_tables or (current is not None and current not in known):
            raise SchemaBehindError(
                f"{place} was made before dsync 1.0.0, and was left as it is: read all anew into a "
                "new database (another DSYNC_DATABASE_URL, then `dsync sync --full`).",
                is_upgradable=False,
            )
    for part in parts(programme):
        current, newest = found.revisions.get(part.name), known_revisions(part)[-1]
        if current != newest:
            reason = f"its schema ({current or 'empty'}) is behind ({newest} is needed)"
        elif lost := sorted(_views(part, engine) - found.names):
            reason = f"it lacks the view {lost[0]}"
        else:
            continue
        raise SchemaBehindError(f"{place}: {reason}. Run `dsync db upgrade`.", is_upgradable=True)


def _views(part: Storage, engine: str) -> set[str]:
    """Return the shipped views, by their files: to import a programme takes longer."""
    folder = folder_of(part) / "views"
    files = [*folder.iterdir(), *(folder / engine).iterdir()]
    return {file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql")}


def check_again(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Check by one statement that nobody has upgraded the schema meanwhile.

    Raises:
        SchemaBehindError: it is older or newer.
    """
    newest = {part.name: known_revisions(part)[-1] for part in parts(programme)}
    if _revisions(connection, parts(programme)) != newest:
        check_revision(connection, place, programme)


def older(connection: Connection, programme: type[Programme]) -> str | None:
    """Return the revisions of a schema that an upgrade changes, as part of a file's name.

    None: it is empty, of this version or a newer one, or made before 1.0.0.
    """
    found = read(connection, programme)
    present = [(part, found.revisions.get(part.name)) for part in parts(programme)]
    if not any(revision in known_revisions(part)[:-1] for part, revision in present):
        return None
    return "-".join(f"{part.name}{revision}" for part, revision in present if revision)


def upgrade(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Upgrade the schema to this version, in the connection's transaction.

    Raises:
        SchemaBehindError: the schema is newer than this version, or was made before 1.0.0; nothing
            is changed.
    """
    _lock(connection, programme)
    try:
        check_revision(connection, place, programme)
    except SchemaBehindError as exc:
        if not exc.is_upgradable:
            raise
    else:
        return
    from alembic import command

    # PostgreSQL neither drops nor retypes a column that a view reads.
    readers = reading_views.drop(connection, programme)
    revisions = read(connection, programme).revisions
    for part in parts(programme):
        config = alembic_config(connection, part)
        if part.name in revisions:
            command.upgrade(config, "head")
        else:
            command.upgrade(config, known_revisions(part)[0])
            command.stamp(config, "head")
    reading_views.create(connection, programme, readers)


def _lock(connection: Connection, programme: type[Programme]) -> None:
    if connection.dialect.name == "postgresql":
        _wait_for_other_upgrades(connection, version_table(parts(programme)[0]))
        # A migration that waits for a lock blocks the service's statements behind it: it fails
        # after 5 s and can be run again.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        tables.complete_for_postgresql()


def _wait_for_other_upgrades(connection: Connection, name: str) -> None:
    """Lock the table of the engine's revision, which no reader of the views has a right to.

    An advisory lock could be taken, and kept, by every role.
    """
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
        # As Alembic makes it. Another process may do the same: then this waits, and fails.
        with suppress(SQLAlchemyError), connection.begin_nested():
            connection.exec_driver_sql(
                f"CREATE TABLE IF NOT EXISTS {name} (version_num VARCHAR(32) NOT NULL, "
                f"CONSTRAINT {name}_pkc PRIMARY KEY (version_num))"
            )
    connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")


def alembic_config(connection: Connection, part: Storage) -> Config:
    """Return Alembic's configuration for a connection and the migrations of one part."""
    from alembic.config import Config

    config = Config()
    folder = resources.files("dsync.store") / "migrations"
    config.set_main_option("script_location", str(folder))
    # Any other separator can be in a folder's name.
    config.set_main_option("path_separator", "newline")
    versions = folder_of(part) / "migrations" / "versions"
    config.set_main_option("version_locations", str(versions))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = part.metadata
    config.attributes["version_table"] = version_table(part)
    return config
