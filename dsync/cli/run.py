"""`dsync run`: the service."""

from __future__ import annotations

import os
from threading import Event

import click

from dsync import __version__
from dsync.cli.options import settings_options
from dsync.cli.session import load, make_ready, worker
from dsync.service.scheduler import Service
from dsync.service.signals import StopSignals


@click.command()
@settings_options()
def run() -> None:
    """Synchronise by schedule until SIGTERM, SIGHUP or Ctrl-C; then exit 0 within 5 s.

    Overdue runs start at once, others by the schedule in the configuration file. A failed run is
    logged and retried; it never ends the service.
    """
    # First of all, so that a signal during the start stops the service in order too.
    with StopSignals() as signals:
        _serve(signals.stop)


def _serve(stop: Event) -> None:

    settings = load()
    with worker(settings, stop=stop, talkative=True) as app:
        # This opens the database, so that a wrong one ends the command at the start.
        about = {
            "version": __version__,
            "demarche": make_ready(app).demarche,
            "database": app.store.place,
            "next_run": app.next_run_at().isoformat(timespec="seconds"),
        }
        app.register_service()
        service = Service(
            app,
            stop,
            about=about,
            retry_at_most=settings.configuration.schedule.incremental,
        )
        if not service.serve():
            # The run's thread is in a call that cannot be interrupted. Ending the process rolls its
            # open transaction back.
            os._exit(0)
