"""`dsync sync`: does one run now."""

from __future__ import annotations

from datetime import datetime

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import INSTANT, dossiers_option, run_options

with later(globals()):
    from dsync.cli.demarches import for_each
    from dsync.cli.runs import acting
    from dsync.cli.session import load_each
    from dsync.domain.ids import DossierNumber
    from dsync.store.store import utc_now
    from dsync.sync.work import Read, ReadAll, ReadChanges, ReadDossiers


@click.command(cls=LazyCommand)
@click.option("--full", is_flag=True, help="Read every dossier; finds dossiers that disappeared.")
@click.option(
    "--since", type=INSTANT, metavar="T", help="Read dossiers changed since T (ISO, UTC)."
)
@dossiers_option("Read only this dossier; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be sent to DS.")
@click.option("--no-push", is_flag=True, help="Read and judge, but write nothing into DS.")
@run_options("Of every configured démarche, one after the other.")
def sync(
    *,
    full: bool,
    since: datetime | None,
    dossiers: tuple[DossierNumber, ...],
    dry_run: bool,
    no_push: bool,
    everywhere: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Do one run now: read changed dossiers from DS, pre-check them, write the results back.

    While `dsync run` serves this démarche, it does the run and this command follows it to its end;
    Ctrl-C takes back what has not begun.
    """
    if sum((full, since is not None, bool(dossiers))) > 1:
        raise click.UsageError("--full, --since and --dossier exclude each other.")
    if since is not None and since > utc_now():
        raise click.UsageError("--since is in the future.")
    push = not no_push

    def work(numbers: tuple[DossierNumber, ...]) -> Read:
        if numbers:
            return ReadDossiers(numbers, push=push)
        if full:
            return ReadAll(push=push)
        return ReadChanges(since, push=push)

    act = acting(work, as_json=as_json, dry=dry_run, wait_s=wait_s, may_create=True)
    for_each(load_each(dossiers, everywhere=everywhere), act, as_json=as_json)
