"""`dsync sync`: does one run now."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import click

from dsync.addresses import mask_url
from dsync.cli.failures import Exit, tell
from dsync.cli.options import (
    Instant,
    dossiers_option,
    json_option,
    settings_options,
    wait_option,
)
from dsync.cli.output import asker
from dsync.cli.progress import progress_bars
from dsync.cli.reports import print_document, print_report
from dsync.cli.session import load, make_ready, worker
from dsync.domain.ids import DossierNumber
from dsync.errors import InterruptedRunError
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
    """Do one run now: read changed dossiers from DS, pre-check them, write the results back.

    While `dsync run` serves this démarche, it does the run and this command follows it to its end;
    Ctrl-C takes back what has not begun.
    """
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
            started_by=asker(),
        ),
        as_json=as_json,
    )


def run_once(options: SyncOptions, *, as_json: bool) -> None:
    """Do a run and print its report; exit with its code, or with the signal's.

    A service that is running does it in place of this process, unless it is a dry run.
    """
    with StopSignals(announce=announce_stop) as signals:
        settings = load()
        if options.dry_run and missing_file(settings.database_url):
            # A dry run creates no file: it uses an empty database in memory.
            settings = load(database_url="sqlite://")
        with (
            progress_bars(wanted=not as_json) as progress,
            worker(settings, stop=signals.stop, progress=progress) as app,
        ):
            make_ready(app)
            try:
                request = None if options.dry_run else app.hand_over(options)
            except InterruptedRunError as exc:
                code = signals.exit_code or exc.exit_code
                raise Exit(tell(exc.message, code, as_json=as_json)) from exc
            if request is not None:
                print_document(request.resultat or {}, as_json=as_json)
                if request.code:
                    raise Exit(request.code)
                return
            if sys.stderr.isatty():
                shown = mask_url(settings.ds_url)
                progress.message(f"Asking {shown} about démarche {app.demarche}.")
            report = app.sync(options)
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
