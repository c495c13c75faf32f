"""`dsync purge`: erases the dossiers that were decided long ago."""

from __future__ import annotations

from datetime import timedelta

import click

from dsync.cli.options import AGE, json_option, settings_options, wait_option
from dsync.cli.output import confirmed, print_json, print_table
from dsync.cli.runs import run_once
from dsync.cli.session import load, reading
from dsync.sync.context import utc_now
from dsync.sync.work import Purge


@click.command()
@click.option(
    "--older-than",
    "age",
    type=AGE,
    required=True,
    metavar="AGE",
    help="Minimum time since the decision, such as 2y or 90d.",
)
@click.option("--dry-run", is_flag=True, help="Only list the dossiers.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def purge(*, age: timedelta, dry_run: bool, yes: bool, wait_s: float, as_json: bool) -> None:
    """Erase here the data of accepted, refused and closed dossiers, some time after the decision.

    Their numbers, states, dates and verdicts without texts stay. They are not copied again:
    `dsync dossier erase N --undo` does that for one. Nothing changes in DS. Asks first on a
    terminal; needs --yes elsewhere and with --json.
    """
    limit = utc_now() - age
    settings = load(stored=True)
    with reading(settings) as reader:
        found = reader.dossiers.decided_before(limit)
    if not as_json:
        empty = f"No dossier was decided before {limit:%Y-%m-%d}."
        print_table(("dossier", "decided"), found, empty=empty)
    elif dry_run:
        print_json([{"numero": number, "decide_le": decided} for number, decided in found])
    # With --json a run's document is printed in any case.
    if dry_run or not (found or as_json):
        return
    if confirmed(f"Erase what is stored of {len(found)} dossiers?", yes=yes, as_json=as_json):
        run_once(Purge(limit), as_json=as_json, wait_s=wait_s, settings=settings)
