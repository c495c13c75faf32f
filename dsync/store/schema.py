"""Checks and upgrades the schema, with Alembic and without an alembic.ini.

The engine and the programme each have their own migrations and a table with the version. An
upgrade drops the views, runs the migrations and creates the shipped views again, with the readers'
rights. A change of a view therefore needs a migration too, which can be empty.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, inspect, text

from dsync.errors import SchemaBehindError
from dsync.store import reading_views, tables
from dsync.store.extension import Extension, folder_of

if TYPE_CHECKING:
    from alembic.config import Config

_ADVISORY_LOCK = 0x6473796E63
"""Key of the advisory lock (« dsync » in ASCII) that serialises upgrades of a database."""


def known_revisions(extension: Extension | None = None) -> list[str]:
    """Return the shipped revisions, oldest first.

    They are the first parts of the files' names, because importing Alembic takes longer than a run
    that finds nothing new.

    Args:
        extension: the programme's part; None: the engine's.
    """
    versions = folder_of(extension) / "migrations" / "versions"
    names = (entry.name for entry in versions.iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:4].isdigit())


def current_revision(connection: Connection, extension: Extension | None = None) -> str | None:
    """Return the revision of the database's schema, None if its tables do not exist."""
    table = _version_table(extension)
    if not inspect(connection).has_table(table):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - a name of ours
    return revision


def described(connection: Connection, extension: Extension | None) -> str | None:
    """Return the revisions of the engine's and the programme's schema as text for messages."""
    versions = [(part, current_revision(connection, part)) for part in _parts(extension)]
    known = [f"{part.name} {version}" if part else version for part, version in versions if version]
    return ", ".join(filter(None, known)) or None


def check_revision(connection: Connection, place: str, extension: Extension | None) -> None:
    """Check that the schema is the one that this version needs.

    Args:
        connection: to the database.
        place: the database's name for messages.
        extension: the programme's part, checked after the engine's; None: there is none.

    Raises:
        SchemaBehindError: it is older or newer.
    """
    for part in _parts(extension):
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


def upgrade(connection: Connection, place: str, extension: Extension | None) -> None:
    """Upgrade the schema to this version, in the connection's transaction.

    Args:
        connection: to the database.
        place: the database's name for messages.
        extension: the programme's part; None: there is none.

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
        check_revision(connection, place, extension)
    except SchemaBehindError as exc:
        if not exc.is_upgradable:
            raise
    else:
        return
    from alembic import command

    readers = reading_views.drop(connection, extension)
    for part in _parts(extension):
        command.upgrade(alembic_config(connection, part), "head")
    reading_views.create(connection, extension, readers)


def downgrade(connection: Connection, extension: Extension | None) -> None:
    """Drop everything but the tables with the schema's versions."""
    from alembic import command

    reading_views.drop(connection, extension)
    for part in reversed(_parts(extension)):
        command.downgrade(alembic_config(connection, part), "base")


def alembic_config(connection: Connection, extension: Extension | None) -> Config:
    """Return Alembic's configuration for a connection and the migrations of one part."""
    from alembic.config import Config

    config = Config()
    folder = resources.files("dsync.store") / "migrations"
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "newline")
    versions = folder_of(extension) / "migrations" / "versions"
    config.set_main_option("version_locations", str(versions))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata_of(extension)
    config.attributes["version_table"] = _version_table(extension)
    return config


def metadata_of(extension: Extension | None) -> MetaData:
    """Return the metadata of the programme's tables; None: of the engine's."""
    return tables.metadata if extension is None else extension.metadata


def _parts(extension: Extension | None) -> list[Extension | None]:
    """Return the engine's part, which is None, and the programme's."""
    return [None] if extension is None else [None, extension]


def _version_table(extension: Extension | None) -> str:
    return "alembic_version" if extension is None else f"alembic_version_{extension.name}"
