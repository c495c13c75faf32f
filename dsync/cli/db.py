"""`dsync db`: schema, read-only access, documentation of the views."""

from __future__ import annotations

import click

from dsync.cli.options import json_option, settings_options
from dsync.cli.output import heading, print_json, print_table


@click.group()
def db() -> None:
    """Upgrade the schema, give read access, document the views."""


@db.command("upgrade")
@settings_options()
def upgrade() -> None:
    """Bring the database's schema to this version (SQLite does it by itself)."""
    from dsync.cli.session import load
    from dsync.settings import mask_url
    from dsync.store import Store

    settings = load()
    store = Store.open(settings.database_url, check_schema=False)
    try:
        before = store.schema_revision
        store.upgrade()
        after = store.schema_revision
    finally:
        store.close()
    where = mask_url(settings.database_url)
    if before == after:
        click.echo(f"{where}: schema {after} is up to date.")
    else:
        click.echo(f"{where}: schema {before or 'empty'} → {after}.")


@db.command("grant-reader")
@click.argument("role")
@settings_options()
def grant_reader(*, role: str) -> None:
    """Let the PostgreSQL ROLE read the views lecture_*, and nothing else."""
    from dsync.cli.session import worker

    with worker() as app:
        app.store.grant_reader(role)
    click.echo(f"{role} may read the views lecture_* and nothing else.")


@db.command("dictionary")
@json_option
@settings_options()
def dictionary(*, as_json: bool) -> None:
    """Describe each view and column (from the database's comments on PostgreSQL)."""
    from dsync.cli.session import worker

    with worker() as app:
        views = app.store.dictionary()
    if as_json:
        print_json(views)
        return
    for view, entry in views.items():
        heading(view)
        click.echo(entry["description"])
        print_table(("column", "meaning"), entry["columns"].items())
