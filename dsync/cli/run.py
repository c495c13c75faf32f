"""`dsync run`: the service."""

from __future__ import annotations

import os
from contextlib import ExitStack
from threading import Event

import click

from dsync import __version__
from dsync.cli.options import settings_options
from dsync.cli.session import load_all, make_ready, worker
from dsync.service.scheduler import DemarcheJob, Service
from dsync.service.signals import StopSignals


@click.command()
@settings_options()
def run() -> None:
    """Synchronise by schedule until SIGTERM, SIGHUP or Ctrl-C; then exit 0 within 5 s.

    Overdue runs start at once, others by the schedule in the configuration file. A failed run is
    logged and retried; it never ends the service. Where DSYNC_CONFIG is a folder, every démarche
    in it is served, each on its own schedule.
    """
    # First of all, so that a signal during the start stops the service in order too.
    with StopSignals() as signals:
        _serve(signals.stop)


def _serve(stop: Event) -> None:
    with ExitStack() as stack:
        apps = [
            stack.enter_context(worker(settings, stop=stop, talkative=True))
            for settings in load_all()
        ]
        for app in apps:
            make_ready(app)
        # This opens the database, so that a wrong one ends the command at the start.
        first = apps[0]
        for app in apps[1:]:
            app.use_store(first.store)
        about = {
            "version": __version__,
            "demarche": [app.demarche for app in apps] if apps[1:] else first.demarche,
            "database": first.store.place,
            "next_run": min(app.next_run_at() for app in apps).isoformat(timespec="seconds"),
        }
        for app in apps:
            app.register_service()
        service = Service([DemarcheJob(app, stop) for app in apps], stop, about=about)
        if not service.serve():
            # A run's thread is in a call that cannot be interrupted. Ending the process rolls its
            # open transaction back.
            os._exit(0)
