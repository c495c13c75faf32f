"""`dsync push`: send what waits in the outbox."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from dsync.cli.options import DOSSIER_NUMBER, Duration, json_option, settings_options


@click.command()
@click.option(
    "--dossier",
    "dossiers",
    type=DOSSIER_NUMBER,
    multiple=True,
    metavar="N",
    help="Only this dossier; may be repeated.",
)
@click.option(
    "--force",
    is_flag=True,
    help="With --dossier: go over a human's edit and the validated box; journaled.",
)
@click.option("--yes", is_flag=True, help="Do not ask before a forced push.")
@click.option(
    "--wait",
    type=Duration(),
    default="0s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait when another process works on this démarche.",
)
@json_option
@settings_options()
def push(
    *, dossiers: tuple[int, ...], force: bool, yes: bool, wait: timedelta, as_json: bool
) -> None:
    """Send now what waits, what was refused included; read nothing else."""
    if force and not dossiers:
        raise click.UsageError("--force needs --dossier N: it goes over what a human wrote.")
    if force and not yes and not as_json and sys.stdin.isatty():
        numbers = ", ".join(map(str, dossiers))
        if not click.confirm(f"Go over what humans wrote into dossier {numbers}?"):
            click.echo("Nothing was sent.")
            return

    from dsync.cli.progress import progress_bars
    from dsync.cli.reports import print_report
    from dsync.cli.session import load, make_ready, worker
    from dsync.cli.sync import announce_stop, finish
    from dsync.domain.ids import DossierNumber
    from dsync.service.signals import StopSignals

    with (
        StopSignals(announce=announce_stop) as signals,
        progress_bars(wanted=not as_json) as progress,
        worker(load(), stop=signals.stop, progress=progress, may_create=False) as app,
    ):
        report = make_ready(app).push(
            [DossierNumber(number) for number in dossiers],
            force=force,
            wait_s=wait.total_seconds(),
        )
        with app.store.reading(app.demarche) as reader:
            stopped = sorted({c.numero for c in reader.conflicts()} & set(dossiers))
    print_report(report, as_json=as_json)
    if stopped and not as_json:
        click.echo(
            f"A human's value stands in dossier {', '.join(map(str, stopped))}: "
            f"look with `dsync conflicts`, go over it with "
            f"`dsync push --force --dossier {stopped[0]}`."
        )
    finish(report, signals.exit_code)
