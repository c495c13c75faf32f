"""Alembic's environment: runs in the caller's connection and transaction."""

from __future__ import annotations

from alembic import context

_given = context.config.attributes

context.configure(
    connection=_given["connection"],
    target_metadata=_given["metadata"],
    version_table=_given["version_table"],
    compare_type=True,
    user_module_prefix="columns.",
    # SQLite changes a column by copying its table.
    render_as_batch=_given["connection"].dialect.name == "sqlite",
)
context.run_migrations()
