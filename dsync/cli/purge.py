"""`dsync purge`: erases what is too old."""

from __future__ import annotations

from datetime import timedelta

import click

from dsync.cli.options import AGE, json_option, settings_options, wait_option
from dsync.cli.output import confirmed, print_json, print_table
from dsync.cli.runs import run_once
from dsync.cli.session import load, reading
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.errors import ConfigurationError
from dsync.sync.context import utc_now
from dsync.sync.retention import limits
from dsync.sync.work import Purge


@click.command()
@click.option(
    "--older-than",
    "age",
    type=AGE,
    metavar="AGE",
    help="Minimum time since the decision, such as 2y or 90d. Default: what [retention] says.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is too old.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def purge(*, age: timedelta | None, dry_run: bool, yes: bool, wait_s: float, as_json: bool) -> None:
    """Erase here the data of accepted, refused and closed dossiers, some time after the decision.

    Without --older-than, what the section [retention] of the configuration says, at once: dossiers
    by state, hidden and disappeared ones, journals, names of agents. Their numbers, states, dates
    and verdicts without texts stay. They are not copied again: `dsync dossier erase N --undo` does
    that for one. Nothing changes in DS, and no token is needed. Asks first on a terminal; needs
    --yes elsewhere and with --json.
    """
    settings = load(stored=True)
    ages = settings.configuration.retention.ages
    if age is not None:
        ages = {etat.value: age for etat in Etat if etat not in OPEN_ETATS}
    elif not ages:
        raise ConfigurationError(
            f"Nothing says what is too old: give --older-than, such as 2y, or set [retention] in "
            f"{settings.config}."
        )
    before = limits(ages, utc_now())
    with reading(settings) as reader:
        found, journals = reader.dossiers.too_old(before), reader.journal.too_old(before)
    others = {name: count for name, count in journals.items() if count}
    if not as_json:
        print_table(("dossier", "rule", "since"), found, empty="No dossier is too old.")
        for name, count in others.items():
            click.echo(f"{name}: {count} rows")
    elif dry_run:
        print_json(
            [
                *(one._asdict() for one in found),
                *({"regle": n, "lignes": c} for n, c in others.items()),
            ]
        )
    # With --json a run's document is printed in any case.
    if dry_run or not (found or others or as_json):
        return
    what = f"{len(found)} dossiers" + "".join(
        f", {count} rows ({n})" for n, count in others.items()
    )
    if confirmed(f"Erase what is stored of {what}?", yes=yes, as_json=as_json):
        run_once(Purge(before), as_json=as_json, wait_s=wait_s, settings=settings)
