"""What takes the views elsewhere: `dsync export` into files, `dsync grist` into a document."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from dsync.cli.failures import IN_PART, Exit, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import INSTANT, current_flags, json_option, settings_options
from dsync.errors import SchemaBehindError
from dsync.exports import ENDINGS

with later(globals()):
    from dsync.cli.output import announce_stop, print_json, print_note, print_table
    from dsync.cli.session import (
        check_known,
        chosen_demarche,
        deliberated,
        journal,
        load,
        load_any,
        open_worker,
        opened,
    )
    from dsync.cli.stderr import counted
    from dsync.database import open_database
    from dsync.exports.export import export as write
    from dsync.exports.export import tables_of
    from dsync.exports.view_tables import aggregated_tables, raw_tables
    from dsync.service.signals import StopSignals
    from dsync.store.codes import Seen
    from dsync.store.store import utc_now


@click.command(cls=LazyCommand)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(tuple(ENDINGS)),
    default="csv",
    show_default=True,
    help="Format of the files. csv-fr is what an Excel in French opens by a double click: "
    "semicolons, 12,5, VRAI, 31/12/2024, the time of Paris, « a ; b » for several choices. "
    "csv-raw has texts as they are, formulas too: not for a spreadsheet.",
)
@click.option(
    "--view", "views", multiple=True, metavar="NAME", help="Only this view; may be repeated."
)
@click.option(
    "--without-personal-data",
    is_flag=True,
    help="Pseudonymised: leave out columns with personal data or free text, and each answer that "
    "the configuration does not open. It still identifies, by the dossier's number, and most "
    "dossiers by organisation, département or product alone: not for publication.",
)
@click.option(
    "--aggregated",
    is_flag=True,
    help="For publication: counts of dossiers instead of the views, by month, advice and state, "
    "and by région or groupe. Groups of fewer than 5 are put together.",
)
@click.option(
    "--since",
    type=INSTANT,
    metavar="T",
    help="Only dossiers of which anything changed in the copy since T (ISO, UTC), with all their "
    "rows, and the roll of all dossiers; views that follow the clock or others are whole.",
)
@json_option
@settings_options()
def export(
    *,
    folder: Path,
    format_: str,
    views: tuple[str, ...],
    without_personal_data: bool,
    aggregated: bool,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Write the views into the folder DIR as CSV, xlsx or Parquet, with a datapackage.json.

    All files are of the same instant, and appear when all are complete. Only their owner can read
    them. No text is a formula in a spreadsheet: plain csv has an apostrophe before it, and csv-fr,
    for an Excel in French, keeps also what it would take for a number or a day the text that it is.
    With --demarche N or DSYNC_DEMARCHE the dossiers and the form of this démarche alone are
    written, else of all. Of a database of another version without the views of this one, the tables
    are written as they are.
    """
    if aggregated and (views or without_personal_data or since):
        raise click.UsageError(
            "--aggregated is of no view and no single dossier: leave out --view, --since and "
            "--without-personal-data."
        )
    # Of a raw table none can be obeyed.
    chooses = views or without_personal_data or aggregated or since
    chooses = chooses or current_flags().settings.get("demarche")
    url, other = load_any().database_url, None
    try:
        opened_now = open_database(url, create=False)
    except SchemaBehindError as exc:
        if chooses:
            raise
        opened_now, other = open_database(url, create=False, check_schema=False), exc
    with closing(opened_now) as store, counted(wanted=not as_json) as progress:
        demarche = None if other else chosen_demarche()
        if demarche is not None:
            check_known(store, demarche)
        if other:
            with store.reading() as reader:
                foreign = [one.name for one in store.foreign_objects()]
                tables = raw_tables(reader.connection, foreign)
            if not tables:
                # An empty database has nothing to take out.
                raise other
        elif aggregated:
            tables = aggregated_tables(demarche)
        else:
            tables = tables_of(
                store.dictionary(opened()),
                views,
                without_personal_data=without_personal_data,
                demarche=demarche,
                deliberated=deliberated(utc_now()),
            )
        with store.reading(demarche, sorting=True) as reader:
            done = write(
                reader.connection,
                tables,
                folder,
                format_=format_,
                made_at=utc_now(),
                since=since,
                progress=progress,
            )
        chosen = {
            "format": format_,
            "vues": list(views),
            "depuis": since and since.isoformat(),
            "sans_donnees_personnelles": without_personal_data,
            "agrege": aggregated,
        }
        given = {name: value for name, value in chosen.items() if value}
        if other:
            click.echo(
                f"{other.message} The tables of all démarches were written as they are, with what "
                "is personal; that you saw them is not journaled.",
                err=True,
            )
        else:
            journal(store, Seen.EXPORT, given, sum(one.rows for one in done), demarche)
    if as_json:
        print_json([one._asdict() for one in done])
        return
    print_table(("file", "rows"), [(one.file, one.rows) for one in done])
    click.echo(f"Written into {folder}.")
    if cut := sum(one.cut for one in done):
        click.echo(
            f"Cut at the 32,767 characters that a cell of a workbook holds: texts: {cut}. "
            "Their ends say so; the other formats have them whole.",
            err=True,
        )


@click.command(cls=LazyCommand)
@click.option(
    "--forget",
    is_flag=True,
    help="Leave what dsync made there to its readers, and make other tables.",
)
@json_option
@settings_options()
def grist(*, forget: bool, as_json: bool) -> None:
    """Make the tables of [grist] document equal to their views now.

    Only differences are sent. What people added or changed there stays: columns, formulas, labels,
    pages, rows of their own. Exit 7 if a table was deleted there. The service does the
    same once something has changed, and once a day.
    """
    with (
        StopSignals(announce=announce_stop, at_most_s=1) as signals,
        open_worker(load(), stop=signals.stop) as worker,
    ):
        kept = worker.keep_grist(wait_s=60, forget=forget)
    if as_json:
        print_json([one._asdict() for one in kept])
    else:
        print_table(
            ("view", "rows", "added", "changed", "gone"),
            [(one.view, one.rows, one.added, one.changed, one.gone) for one in kept],
        )
        for one in kept:
            for left in one.left:
                print_note(left)
    if not all(one.is_kept for one in kept):
        raise Exit(IN_PART)
