"""What the files of `migrations/layouts` have to say, from migrated tables and shipped views."""

from __future__ import annotations

from hashlib import sha256

from alembic import command
from sqlalchemy import Connection

from dsync.database import PROGRAMME
from dsync.programme import Programme
from dsync.store import layout, reading_views, schema
from dsync.store.dictionary import ENGINE, NO_PROGRAMME


def written(connection: Connection, part: type[Programme]) -> str:
    """Return the layout of a part's newest revision; its tables are made in an empty database."""
    command.upgrade(schema.alembic_config(connection, part), "head")
    found = layout.read(connection, part if part is PROGRAMME else NO_PROGRAMME)
    tables = [line for name in part.metadata.tables for line in found.tables[name]]
    beside = NO_PROGRAMME if part is ENGINE else part
    views = [f"{name} view {_digest(name, beside)}" for name in part.views()]
    return "".join(f"{line}\n" for line in [*sorted(tables), *sorted(views)])


def _digest(view: str, programme: type[Programme]) -> str:
    """Return a hash of a view's text on both engines, and of its columns' types."""
    texts = [reading_views.text_of(view, engine, programme) for engine in ("sqlite", "postgresql")]
    columns = reading_views.shipped_dictionary(programme)[view].columns
    types = [(name, one.type) for name, one in columns.items()]
    return sha256(repr([*texts, *types]).encode()).hexdigest()[:12]
