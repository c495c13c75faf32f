"""`dsync sync`: does one run now."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import click

from dsync.addresses import mask_url
from dsync.cli.failures import Exit
from dsync.cli.options import (
    Instant,
    dossiers_option,
    json_option,
    settings_options,
    wait_option,
)
from dsync.cli.progress import progress_bars
from dsync.cli.reports import print_report
from dsync.cli.session import load, make_ready, worker
from dsync.domain.ids import DossierNumber
from dsync.service.signals import StopSignals
from dsync.sync.check import missing_file
from dsync.sync.context import utc_now
from dsync.sync.report import RunReport, SyncOptions


@click.command()
@click.option("--full", is_flag=True, help="Read every dossier; finds dossiers that disappeared.")
@click.option(
    "--since", type=Instant(), metavar="T", help="Read dossiers changed since T (ISO, UTC)."
)
@dossiers_option("Read only this dossier; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be sent to DS.")
@click.option("--no-push", is_flag=True, help="Read and judge, but write nothing into DS.")
@click.option(
    "--accept-deletions",
    is_flag=True,
    help="With --full: accept a mass disappearance that the safety brake stopped.",
)
@wait_option
@json_option
@settings_options()
def sync(
    *,
    full: bool,
    since: datetime | None,
    dossiers: tuple[int, ...],
    dry_run: bool,
    no_push: bool,
    accept_deletions: bool,
    wait: timedelta,
    as_json: bool,
) -> None:
    """Do one run now: read changed dossiers from DS, pre-check them, write the results back."""
    if sum((full, since is not None, bool(dossiers))) > 1:
        raise click.UsageError("--full, --since and --dossier exclude each other.")
    if accept_deletions and not full:
        raise click.UsageError("--accept-deletions needs --full: only a full read finds them.")

    if since is not None and since > utc_now():
        raise click.UsageError("--since is in the future.")
    run_once(
        SyncOptions(
            full=full,
            since=since,
            dossiers=tuple(DossierNumber(number) for number in dossiers),
            dry_run=dry_run,
            push=not no_push,
            accept_deletions=accept_deletions,
            wait_s=wait.total_seconds(),
        ),
        as_json=as_json,
    )


def run_once(options: SyncOptions, *, as_json: bool) -> None:
    """Do a run and print its report; exit with its code, or with the signal's."""
    with StopSignals(announce=announce_stop) as signals:
        settings = load()
        if options.dry_run and missing_file(settings.database_url):
            # A dry run creates no file: it uses an empty database in memory.
            settings = load(database_url="sqlite://")
        with (
            progress_bars(wanted=not as_json) as progress,
            worker(settings, stop=signals.stop, progress=progress) as app,
        ):
            if sys.stderr.isatty():
                shown = mask_url(settings.ds_url)
                progress.message(f"Asking {shown} about démarche {make_ready(app).demarche}.")
            report = make_ready(app).sync(options)
    print_report(report, as_json=as_json)
    finish(report, signals.exit_code)


def announce_stop() -> None:
    """Print that the first signal was received."""
    click.echo("Stopping within a few seconds; repeat to stop at once.", err=True)


def finish(report: RunReport, signalled: int | None) -> None:
    """Exit with the run's code; for an interrupted run, with the signal's."""
    interrupted = report.exit_code == 130
    code = signalled if interrupted and signalled else report.exit_code
    if code:
        raise Exit(code)
