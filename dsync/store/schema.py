"""Checks and upgrades the schema, with Alembic and without an alembic.ini.

The engine and the programme each have their own migrations and a table with the version. An
upgrade drops the views, runs the migrations and creates the shipped views again, with the readers'
rights. A change of a view therefore needs a migration too, which can be empty.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from dsync.errors import SchemaBehindError
from dsync.programme import Programme
from dsync.store import reading_views, tables
from dsync.store.dictionary import folder_of, parts

if TYPE_CHECKING:
    from alembic.config import Config

_ADVISORY_LOCK = 0x6473796E63
"""Key of the advisory lock (« dsync » in ASCII) that serialises upgrades of a database."""


def known_revisions(part: type[Programme]) -> list[str]:
    """Return the shipped revisions, oldest first.

    They are the first parts of the files' names, because importing Alembic takes longer than a run
    that finds nothing new.

    Args:
        part: the engine's, or the programme's.
    """
    versions = folder_of(part) / "migrations" / "versions"
    names = (entry.name for entry in versions.iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:4].isdigit())


def current_revision(connection: Connection, part: type[Programme]) -> str | None:
    """Return the revision of the database's schema, None if its tables do not exist."""
    table = _version_table(part)
    # Not `has_table`, which opens SQLite's temporary storage to look for what is not there: where
    # an export sorts can then not be chosen any more.
    if table not in inspect(connection).get_table_names():
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - a name of ours
    return revision


def described(connection: Connection, programme: type[Programme]) -> str | None:
    """Return the revisions of the engine's and the programme's schema as text for messages."""
    versions = [(part, current_revision(connection, part)) for part in parts(programme)]
    return (
        ", ".join(f"{part.name} {version}".strip() for part, version in versions if version) or None
    )


def check_revision(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Check that the schema is the one that this version needs.

    Args:
        connection: to the database.
        place: the database's name for messages.
        programme: whose part is checked after the engine's.

    Raises:
        SchemaBehindError: it is older or newer.
    """
    for part in parts(programme):
        current, known = current_revision(connection, part), known_revisions(part)
        if current == known[-1]:
            continue
        if current is not None and current not in known:
            raise SchemaBehindError(
                f"{place}: its schema ({current}) is newer than this version of dsync knows "
                f"({known[-1]}). Install the newer dsync.",
                is_newer=True,
            )
        raise SchemaBehindError(
            f"{place}: its schema ({current or 'empty'}) is behind ({known[-1]} is needed). "
            "Run `dsync db upgrade`.",
            is_newer=False,
        )


def upgrade(connection: Connection, place: str, programme: type[Programme]) -> None:
    """Upgrade the schema to this version, in the connection's transaction.

    Args:
        connection: to the database.
        place: the database's name for messages.
        programme: whose part is beside the engine's.

    Raises:
        SchemaBehindError: the schema is newer than this version; nothing is changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        # A migration that waits for a lock blocks the service's statements behind it: it fails
        # after 5 s and can be run again.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        tables.complete_for_postgresql()
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


def downgrade(connection: Connection, programme: type[Programme]) -> None:
    """Drop everything but the tables with the schema's versions."""
    from alembic import command

    reading_views.drop(connection, programme)
    for part in reversed(parts(programme)):
        command.downgrade(alembic_config(connection, part), "base")


def alembic_config(connection: Connection, part: type[Programme]) -> Config:
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
    config.attributes["version_table"] = _version_table(part)
    return config


def _version_table(part: type[Programme]) -> str:
    return f"alembic_version_{part.name}" if part.name else "alembic_version"
