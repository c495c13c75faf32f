"""`dsync run`: the service."""

from __future__ import annotations

from threading import Event

import click

from dsync.cli.options import settings_options


@click.command()
@settings_options()
def run() -> None:
    """Keep everything in step until stopped (SIGTERM, SIGHUP or Ctrl-C; exit 0 within 5 s).

    What is due is run at once, the rest by the schedule of the configuration file. A failed run is
    logged and tried again; it never ends the service.
    """
    from dsync.service.signals import StopSignals

    # Before anything that takes time: a stop is heard from the first moment on.
    with StopSignals() as signals:
        _serve(signals.stop)


def _serve(stop: Event) -> None:
    import os

    from dsync import __version__
    from dsync.cli.session import load, make_ready, worker
    from dsync.service.scheduler import Service

    settings = load()
    with worker(settings, stop=stop, talkative=True) as app:
        # A database that cannot be used is told at start.
        about = {
            "version": __version__,
            "demarche": make_ready(app).demarche,
            "database": app.store.place,
            "next_run": app.next_run_at().isoformat(timespec="seconds"),
        }
        app.sign_in()
        service = Service(
            app,
            stop,
            about=about,
            retry_at_most=settings.configuration.schedule.incremental,
        )
        if not service.serve():
            # The run's thread is still in a call that cannot be interrupted; what it has not
            # committed is undone with the process.
            os._exit(0)
