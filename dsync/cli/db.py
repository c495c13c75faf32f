"""`dsync db`: the schema, read-only access, the views' documentation, verification, copies."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import IN_PART, Group
from dsync.cli.later import later
from dsync.cli.options import all_option, current_flags, json_option, settings_options
from dsync.errors import SchemaBehindError, StoreError

with later(globals()):
    from dsync.care.verify import CANNOT_KNOW
    from dsync.cli.output import confirmed, heading, pasteable, print_json, print_note, print_table
    from dsync.cli.session import (
        for_each,
        journal,
        load_all,
        load_any,
        load_each,
        open_worker,
        opened,
        opened_store,
    )
    from dsync.database import open_database
    from dsync.settings import Settings
    from dsync.store import Store
    from dsync.store.codes import Seen


if TYPE_CHECKING:
    from dsync.care.verify import Verification

HUNDRED = 100
SHOWN = 10
"""Number of dossiers that a finding names on a terminal; `--json` has all."""


@click.group(cls=Group)
def db() -> None:
    """Upgrade the schema, grant read access, document the views, verify, back up, copy."""


@db.command("upgrade")
@click.option("--yes", is_flag=True, help="Do not ask; also while a service works on the database.")
@settings_options()
def upgrade(*, yes: bool) -> None:
    """Upgrade the database's schema to this version (automatic on SQLite).

    Going back means to restore a copy: a SQLite file is copied beside itself; on PostgreSQL the
    line of pg_dump is printed, and on a terminal the command then asks. It is refused while a
    service works on the database, unless with --yes: that one's runs end with 5 until it is started
    again with this version.
    """
    has_programme = any(one.configuration.programme for one in load_all(stored=True))
    # The command exists for a schema that is not the present one.
    with _opened(check_schema=False, with_programme=has_programme) as store:
        before, copy = store.schema_revision, None
        try:
            store.check_schema()
        except SchemaBehindError:
            if not yes:
                _refuse_beside_services(store)
            if not _is_copied(store, yes=yes):
                return
            copy = store.upgrade()
        after = store.schema_revision
    if before == after:
        click.echo(f"{store.place}: schema {after} is up to date.")
    else:
        click.echo(f"{store.place}: schema {before or 'empty'} → {after}.")
    if copy is not None:
        click.echo(f"{copy}: the database as it was, with its personal data; delete it in time.")


def _is_copied(store: Store, *, yes: bool) -> bool:
    """Print how a PostgreSQL database is copied, and ask on a terminal whether it was."""
    line = store.dump_line()
    if line is None:
        return True
    click.echo(
        "To be able to go back, copy the database before; the password comes from PGPASSWORD, a "
        f"passfile or a prompt:\n  {line}"
    )
    return not sys.stdin.isatty() or confirmed("Upgrade it now?", yes=yes, as_json=False)


def _refuse_beside_services(store: Store) -> None:
    """Refuse to change the schema beneath a service that works on the database."""
    try:
        holders = store.services.holders(datetime.now(UTC))
    except StoreError:
        # There are no tables yet, or others than this version's.
        return
    if holders:
        raise click.UsageError(
            f"A service works on {store.place}: {', '.join(holders)}. Stop it first, or add --yes: "
            "its runs then end with 5 until it is started again with the version of the schema."
        )


@db.command("grant-reader")
@click.argument("role")
@click.option(
    "--without-personal-data",
    "masked",
    is_flag=True,
    help="Grant the pseudonymised views of the schema sans_donnees_personnelles instead, in which "
    "personal data, free text and each answer that the configuration does not open are empty. A "
    "dossier's number still leads to a person.",
)
@settings_options()
def grant_reader(*, role: str, masked: bool) -> None:
    """Let the PostgreSQL role ROLE read the views, and nothing else.

    Views that are made later are included. With --demarche N, only those of this démarche, in the
    schema demarche_N, or demarche_N_sans_donnees_personnelles: a role is given several démarches by
    as many commands.
    """
    # Not DSYNC_DEMARCHE: a container's variable must not limit what nobody asked to limit.
    demarche = current_flags().settings.get("demarche")
    with _opened(create=False) as store:
        schema = store.grant_reader(role, masked=masked, demarche=demarche, opened=opened())
    without = " without personal data" if masked else ""
    of_one = f" of démarche {demarche}" if demarche else ""
    click.echo(
        f"{role} may read the views lecture_* and formulaire_*{of_one}{without} and nothing else, "
        f"in the schema {schema}."
    )
    if masked:
        click.echo("They are pseudonymised: a dossier's number still leads to a person.")


@db.command("dictionary")
@json_option
@settings_options()
def dictionary(*, as_json: bool) -> None:
    """Describe each view and column."""
    with _opened(create=False) as store:
        views = store.dictionary()
    if as_json:
        print_json(
            {
                name: {
                    "description": view.description,
                    "columns": {column: one.said for column, one in view.columns.items()},
                    "types": {column: one.type for column, one in view.columns.items()},
                }
                for name, view in views.items()
            }
        )
        return
    for name, view in views.items():
        heading(name)
        print_note(view.description, hanging=0)
        rows = [(column, one.type, one.said) for column, one in view.columns.items()]
        print_table(("column", "type", "meaning"), rows)


def _sample(_context: object, _option: object, text: str | None) -> Callable[[int], int] | None:
    if text is None:
        return None
    number = text.removesuffix("%")
    # None at all would say that everything fits.
    if not number.isdecimal() or not int(number) or (number != text and int(number) > HUNDRED):
        raise click.BadParameter("give a number of dossiers, such as 500, or a share, such as 5%.")
    if number == text:
        return lambda _total: int(number)
    return lambda total: ceil(total * int(number) / HUNDRED)


@db.command("verify")
@click.option("--remote", is_flag=True, help="Compare the confirmed annotations with DS, too.")
@click.option("--pieces", is_flag=True, help="Read each copied file, too, to verify its checksum.")
@click.option(
    "--sample",
    callback=_sample,
    metavar="N|N%",
    help="Recompute only so many dossiers, or such a share of them, chosen anew each time.",
)
@all_option("Every configured démarche, one after the other.")
@json_option
@settings_options()
def verify(
    *,
    remote: bool,
    pieces: bool,
    sample: Callable[[int], int] | None,
    everywhere: bool,
    as_json: bool,
) -> None:
    """Recompute what can be, compare rows and views, list what does not fit; exit 7 if anything.

    Changes nothing, and works while a service runs. Its last line says what it cannot know. With
    --remote it asks DS once for each 50 dossiers. Where files are copied, their presence and size
    are verified.
    """

    def act(settings: Settings, _dossiers: Sequence[int]) -> tuple[Any, int]:
        # A missing database is an error here: an empty new one would fit in every respect.
        # Without --remote, DS is asked for nothing.
        asking = settings if remote else settings.without_ds()
        with opened_store([settings]) as store, open_worker(asking, store=store) as worker:
            done = worker.verify(remote=remote, pieces=pieces, sample=sample)
            place = worker.store.place
        if not as_json:
            # What is the same of all démarches once.
            if settings is each[0][0]:
                print_note(place, hanging=0)
                if done.rows:
                    print_table(("table", "rows"), done.rows.items())
            _print_verification(done, remote=remote)
            if settings is each[-1][0]:
                print_note(CANNOT_KNOW, hanging=0)
        return _document(done, place, remote=remote), IN_PART if done.findings else 0

    each = load_each(everywhere=everywhere, stored=True)
    for_each(each, act, as_json=as_json)


def _document(done: Verification, place: str, *, remote: bool) -> dict[str, Any]:
    return {
        "database": place,
        "ok": not done.findings,
        "rows": done.rows,
        "sampled": done.sampled,
        "recomputed": done.recomputed,
        "compared_with_ds": done.compared_with_ds if remote else None,
        "files": done.files,
        "findings": [
            {
                "check": one.check,
                "count": one.count,
                "dossiers": one.dossiers,
                "message": pasteable(one.message),
            }
            for one in done.findings
        ],
        "cannot_know": CANNOT_KNOW,
    }


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@settings_options()
def backup(*, file: Path, force: bool) -> None:
    """Copy the database into FILE, while a service may run.

    On SQLite FILE is a database; on PostgreSQL it is an archive for pg_restore, made by pg_dump,
    which must be installed here: if it is not, the command prints the line to run and exits 2.
    FILE appears when it is complete and was checked; only its owner can read it. It has every table
    with its personal data: readers get the views, by `dsync db grant-reader` or `dsync export`.
    A database of another version is copied as it is.
    """
    with _opened(create=False, check_schema=False) as store:
        store.backup(file, force=force)
        try:
            store.check_schema()
        except SchemaBehindError as exc:
            click.echo(
                f"{exc.message} It was copied as it is; the backup is not journaled.", err=True
            )
        else:
            journal(store, Seen.BACKUP, {"fichier": file.name}, 1)
        click.echo(f"{store.place} → {file} ({file.stat().st_size:,} bytes).")


@db.command("copy")
@click.argument("url")
@settings_options()
def copy(*, url: str) -> None:
    """Copy everything into the empty database URL, on SQLite or PostgreSQL.

    Dossiers, history, verdicts, journal and outbox, as they were at one instant without a run under
    way, are written in one transaction and compared by counts and hashes before it ends: if the
    command fails or is killed, URL is as empty as before. Copied files stay where they are. Leave
    the password to PGPASSWORD or a passfile: others can read a command line.
    """
    settings = load_any()
    with closing(open_database(settings.database_url, create=False)) as source:
        target = open_database(url, check_schema=False, with_programme=source.has_programme)
        with closing(target):
            copied = source.copy_into(target)
            places = f"{source.place} → {target.place}"
    tables = sum(1 for rows in copied.values() if rows)
    click.echo(
        f"{places}: {sum(copied.values()):,} rows of {tables} tables, compared by counts and "
        "hashes."
    )
    print_note(
        "Copies of files stay where they are. To work on the copy, stop the service, point "
        "DSYNC_DATABASE_URL at it, and grant its readers again (`dsync db grant-reader --help`): "
        "two services on two databases would undo each other's writes.",
        hanging=0,
    )


def _print_verification(done: Verification, *, remote: bool) -> None:
    chosen = "" if done.sampled is None else f", of {done.sampled} chosen"
    compared = f"Recomputed from their contents: {done.recomputed} dossiers{chosen}."
    if remote:
        compared += f" Compared with DS: {done.compared_with_ds} annotations and labels."
    if done.files is not None:
        compared += f" Compared with the target: {done.files} copied files."
    print_note(compared)
    for one in done.findings:
        click.echo()
        print_note(f"! {one.check} ({one.count}): {one.message}")
        if one.dossiers:
            more = " …" if len(one.dossiers) > SHOWN else ""
            print_note(f"  {', '.join(map(str, one.dossiers[:SHOWN]))}{more}")
    if not done.findings:
        click.echo("Everything fits.")


def _opened(**options: bool) -> AbstractContextManager[Store]:
    return closing(open_database(load_any().database_url, **options))
