"""`dsync purge`: erases what is too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import AGE, run_options
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.cli.demarches import for_each
    from dsync.cli.output import confirmed, print_table
    from dsync.cli.runs import acting
    from dsync.cli.session import load_each, reading
    from dsync.domain.dossier import OPEN_ETATS, Etat
    from dsync.settings import Settings
    from dsync.store.store import utc_now
    from dsync.sync.retention import limits
    from dsync.sync.work import Purge

UNSAID = "Nothing says what is too old: give --older-than, such as 2y, or set [retention] in"


@click.command(cls=LazyCommand)
@click.option(
    "--older-than",
    "age",
    type=AGE,
    metavar="AGE",
    help="Minimum time since the decision, such as 2y or 90d. Default: what [retention] says.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is too old.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@run_options("In every configured démarche that says what is too old, one after the other.")
def purge(
    *,
    age: timedelta | None,
    dry_run: bool,
    yes: bool,
    everywhere: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Erase here the data of accepted, refused and closed dossiers, some time after the decision.

    Without --older-than, what the section [retention] of the configuration says, at once: dossiers
    by state, hidden and disappeared ones, journals, names of agents. Their numbers, states, dates
    and verdicts without texts stay. They are not copied again: `dsync dossier erase N --undo` does
    that for one. Nothing changes in DS, and no token is needed. Asks first on a terminal; needs
    --yes elsewhere and with --json.
    """
    given = age and {etat.value: age for etat in Etat if etat not in OPEN_ETATS}
    each = load_each(everywhere=everywhere, stored=True)
    if everywhere and not given:
        # The others keep what they have: nothing is wrong with that.
        each = [one for one in each if one[0].configuration.retention.ages]
        if not each:
            raise ConfigurationError(f"{UNSAID} the file of a démarche.")

    def act(settings: Settings, _dossiers: Sequence[int]) -> tuple[Any, int]:
        ages = given or settings.configuration.retention.ages
        if not ages:
            raise ConfigurationError(f"{UNSAID} {settings.config}.")
        before = limits(ages, utc_now())
        found = _shown(settings, before, as_json=as_json)
        # With --json a run's document is printed in any case.
        if dry_run or not (found.rows or as_json):
            return found.documents, 0
        question = f"Erase what is stored of {found.named}?"
        if not confirmed(question, yes=yes, as_json=as_json):
            return found.documents, 0
        run = acting(lambda _: Purge(before), as_json=as_json, wait_s=wait_s)
        return run(settings, ())

    for_each(each, act, as_json=as_json)


class _Found(NamedTuple):
    rows: int
    named: str
    documents: list[dict[str, Any]]


def _shown(settings: Settings, before: Mapping[str, datetime], *, as_json: bool) -> _Found:
    """Return what is too old; print it unless JSON is printed."""
    with reading(settings) as reader:
        found, journals = reader.dossiers.too_old(before), reader.journal.too_old(before)
    others = {name: count for name, count in journals.items() if count}
    if not as_json:
        print_table(("dossier", "rule", "since"), found, empty="No dossier is too old.")
        for name, count in others.items():
            click.echo(f"{name}: {count} rows")
    named = f"{len(found)} dossiers" + "".join(
        f", {count} rows ({n})" for n, count in others.items()
    )
    documents = [
        *(one._asdict() for one in found),
        *({"regle": n, "lignes": c} for n, c in others.items()),
    ]
    return _Found(len(documents), named, documents)
