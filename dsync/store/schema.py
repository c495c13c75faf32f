"""Checks and upgrades the schema, with Alembic and without an alembic.ini.

The engine and the programme each have their own migrations and a table with the version. An
upgrade drops the views, runs the migrations and creates the shipped views again, with the readers'
rights. A change of a released view therefore needs a migration too, which can be empty. What a
database has is compared with what its revision has (`layout.py`) whenever it is opened.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from dsync import __version__
from dsync.errors import SchemaBehindError, SchemaDiffersError
from dsync.programme import Programme, Storage
from dsync.store import layout, reading_views, tables
from dsync.store.dictionary import folder_of, parts
from dsync.store.layout import Found

if TYPE_CHECKING:
    from alembic.config import Config


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
    found = layout.read(connection, programme)
    versions = [(part, found.revisions.get(layout.key(part))) for part in parts(programme)]
    return (
        ", ".join(f"{part.name} {version}".strip() for part, version in versions if version) or None
    )


def check_revision(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Check that the database has the tables and views that this version needs.

    `place` is the database's name for messages. The programme's part is checked after the engine's.

    Raises:
        SchemaBehindError: it is older or newer.
        SchemaDiffersError: its tables are those of no release.
    """
    check(layout.read(connection, programme), place, programme, connection.dialect.name)


def check(found: Found, place: str, programme: type[Programme], engine: str) -> None:
    """Check what was found in a database; see `check_revision`."""
    for part in parts(programme):
        current, known = found.revisions.get(layout.key(part)), known_revisions(part)
        if current is None:
            if own := sorted(found.tables.keys() & part.metadata.tables.keys()):
                raise _differs(place, f"it has {own[0]}, and no revision")
            continue
        if current not in known:
            mark = found.marks.get(layout.key(part))
            made = f", made by dsync {mark[1]}," if mark else ""
            raise SchemaBehindError(
                f"{place}: its schema ({current}){made} is newer than this version of dsync knows "
                f"({known[-1]}). Install the newer dsync.",
                is_newer=True,
            )
        if differing := layout.differences(found, part, current, engine):
            raise _differs(place, differing)
    for part in parts(programme):
        name, known = layout.key(part), known_revisions(part)
        current, mark = found.revisions.get(name), found.marks.get(name)
        if current != known[-1]:
            reason = f"its schema ({current or 'empty'}) is behind ({known[-1]} is needed)"
        elif lost := layout.missing_views(found, part, current):
            reason = f"it lacks the view {lost[0]}"
        elif mark is None or mark[0] != layout.fingerprint(part, current):
            reason = "its views are those of another version"
        else:
            continue
        raise SchemaBehindError(f"{place}: {reason}. Run `dsync db upgrade`.", is_newer=False)


def check_mark(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Check by one statement that nobody has changed the schema meanwhile, as `check_revision`.

    Raises:
        SchemaBehindError: it is older or newer.
        SchemaDiffersError: its tables are those of no release.
    """
    marks = connection.execute(select(tables.layout.c.part, tables.layout.c.fingerprint))
    found = {part: fingerprint for part, fingerprint in marks}
    if any(
        found.get(layout.key(part)) != layout.fingerprint(part, known_revisions(part)[-1])
        for part in parts(programme)
    ):
        check_revision(connection, place, programme)


def _differs(place: str, how: str) -> SchemaDiffersError:
    return SchemaDiffersError(
        f"{place}: its tables are those of no release ({how}): an unreleased dsync made it, or "
        "somebody changed it. Nothing was changed: restore its backup, or run `dsync sync --full` "
        "on a new database."
    )


def older(connection: Connection, place: str, programme: type[Programme]) -> str | None:
    """Return the revisions of a schema that an upgrade changes, as part of a file's name.

    None: it is empty, or of this version or a newer one.

    Raises:
        SchemaDiffersError: its tables are those of no release.
    """
    found = layout.read(connection, programme)
    with suppress(SchemaBehindError):
        check(found, place, programme, connection.dialect.name)
    present = [(part, found.revisions.get(layout.key(part))) for part in parts(programme)]
    if not any(revision in known_revisions(part)[:-1] for part, revision in present):
        return None
    return "-".join(f"{part.name}{revision}" for part, revision in present if revision)


def upgrade(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Upgrade the schema to this version, in the connection's transaction.

    Raises:
        SchemaBehindError: the schema is newer than this version; nothing is changed.
        SchemaDiffersError: its tables are those of no release; nothing is changed.
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
    for part in parts(programme):
        command.upgrade(alembic_config(connection, part), "head")
    reading_views.create(connection, programme, readers)
    _mark(connection, programme)


def _lock(connection: Connection, programme: type[Programme]) -> None:
    if connection.dialect.name == "postgresql":
        _wait_for_other_upgrades(connection, layout.version_table(parts(programme)[0]))
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


def _mark(connection: Connection, programme: type[Programme]) -> None:
    """Store which layout the database has now."""
    connection.execute(delete(tables.layout))
    rows = [
        {
            "part": layout.key(part),
            "fingerprint": layout.fingerprint(part, known_revisions(part)[-1]),
            "version": __version__,
        }
        for part in parts(programme)
    ]
    connection.execute(insert(tables.layout).values(made_at=func.now()), rows)


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
    config.attributes["version_table"] = layout.version_table(part)
    return config
