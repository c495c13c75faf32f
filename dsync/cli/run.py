"""`dsync run`: the service."""

from __future__ import annotations

import click

from dsync.cli.options import settings_options


@click.command()
@settings_options()
def run() -> None:
    """Keep everything in step until stopped (SIGTERM or Ctrl-C; exit 0 within 5 s).

    What is due is run at once, the rest by the schedule of the configuration file. A failed run is
    logged and tried again; it never ends the service.
    """
    import os

    from dsync.cli.session import load, make_ready, worker
    from dsync.service.scheduler import Service
    from dsync.service.signals import StopSignals

    settings = load()
    with StopSignals() as signals, worker(settings, stop=signals.stop, talkative=True) as app:
        make_ready(app).store  # noqa: B018 - a database that cannot be used is told at start
        service = Service(
            app,
            signals.stop,
            clock=app.clock,
            retry_at_most=settings.configuration.schedule.incremental,
        )
        ended = service.serve()
        if not ended:
            # The run's thread is still in a call that cannot be interrupted; what it has not
            # committed is undone with the process.
            os._exit(0)
