"""The schema's versions: Alembic run from within the package, no alembic.ini.

The tables change by migrations, in order. The views follow the code: a migration runs with the
views dropped, and the shipped ones are made at its end, readers' rights included. A change of a
view alone therefore needs a migration too, an empty one.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from dsync.errors import SchemaBehindError

if TYPE_CHECKING:
    from alembic.config import Config

_ADVISORY_LOCK = 0x6473796E63
"""« dsync »: two upgrades of one PostgreSQL base take turns."""


def head_revision() -> str:
    """Return the schema that this version needs."""
    return known_revisions()[-1]


def known_revisions() -> list[str]:
    """Return the revisions shipped, oldest first: the first part of their files' names.

    Read from the names, for importing Alembic takes longer than a run that finds nothing new.
    """
    versions = resources.files("dsync.store") / "migrations" / "versions"
    names = (entry.name for entry in versions.iterdir())
    return sorted(name.partition("_")[0] for name in names if name[:4].isdigit())


def current_revision(connection: Connection) -> str | None:
    """Return the database's schema, None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def check_revision(connection: Connection, place: str) -> None:
    """See to it that the schema is the one needed.

    Raises:
        SchemaBehindError: It is another one.
    """
    current, head = current_revision(connection), head_revision()
    if current == head:
        return
    if current is not None and current not in known_revisions():
        raise SchemaBehindError(
            f"{place}: its schema ({current}) is newer than this version of dsync knows ({head}). "
            "Install the newer dsync.",
            is_newer=True,
        )
    raise SchemaBehindError(
        f"{place}: its schema ({current or 'empty'}) is behind ({head} is needed). "
        "Run `dsync db upgrade`.",
        is_newer=False,
    )


def upgrade(connection: Connection, place: str, revision: str = "head") -> None:
    """Bring the schema to a revision, in the connection's transaction.

    Raises:
        SchemaBehindError: The schema is newer than this version knows; nothing was changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    current = current_revision(connection)
    if current is not None and current not in known_revisions():
        check_revision(connection, place)
    if revision != "head" or current != head_revision():
        from alembic import command

        command.upgrade(alembic_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to a revision; `base` empties the database."""
    from alembic import command

    command.downgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
