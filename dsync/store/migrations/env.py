"""Alembic's environment: runs in the caller's connection and transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from dsync.store import reading_views
from dsync.store.tables import complete_for_postgresql, metadata


def run(connection: Connection) -> None:
    """Migrate with the views out of the way, then make the shipped ones."""
    if connection.dialect.name == "postgresql":
        # A migration that cannot get its lock gives way to the service and is tried again.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        complete_for_postgresql()
    readers = reading_views.drop(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        user_module_prefix="columns.",
        # SQLite changes a column by copying its table.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()
    if reading_views.fit(connection):
        reading_views.create(connection, readers)


run(context.config.attributes["connection"])
