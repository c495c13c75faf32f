"""`dsync db`: the schema, read-only access, and the documentation of the views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from dsync.cli.failures import Group
from dsync.cli.options import json_option, settings_options
from dsync.cli.output import heading, print_json, print_note, print_table
from dsync.cli.session import load
from dsync.database import open_database
from dsync.store import Store


@click.group(cls=Group)
def db() -> None:
    """Upgrade the schema, grant read access, document the views."""


@db.command("upgrade")
@settings_options()
def upgrade() -> None:
    """Upgrade the database's schema to this version (automatic on SQLite)."""
    with _opened(check_schema=False) as store:
        before = store.schema_revision
        store.upgrade()
        after = store.schema_revision
    if before == after:
        click.echo(f"{store.place}: schema {after} is up to date.")
    else:
        click.echo(f"{store.place}: schema {before or 'empty'} → {after}.")


@db.command("grant-reader")
@click.argument("role")
@click.option(
    "--without-personal-data",
    "masked",
    is_flag=True,
    help="Grant the views of the schema sans_donnees_personnelles instead, in which personal data "
    "and free text are empty.",
)
@settings_options()
def grant_reader(*, role: str, masked: bool) -> None:
    """Let the PostgreSQL role ROLE read the views, and nothing else.

    Views that are made later are included.
    """
    with _opened(create=False) as store:
        store.grant_reader(role, masked=masked)
    without = " without personal data" if masked else ""
    click.echo(f"{role} may read the views lecture_* and formulaire_*{without} and nothing else.")


@db.command("dictionary")
@json_option
@settings_options()
def dictionary(*, as_json: bool) -> None:
    """Describe each view and column (on PostgreSQL from the database's comments)."""
    with _opened(create=False) as store:
        views = store.dictionary()
    if as_json:
        print_json(views)
        return
    for view, entry in views.items():
        heading(view)
        print_note(entry["description"], hanging=0)
        rows = [(name, entry["types"][name], said) for name, said in entry["columns"].items()]
        print_table(("column", "type", "meaning"), rows)


@contextmanager
def _opened(*, create: bool = True, check_schema: bool = True) -> Iterator[Store]:

    store = open_database(load().database_url, create=create, check_schema=check_schema)
    try:
        yield store
    finally:
        store.close()
