"""`dsync run`: the service."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from socket import socket
from threading import Event
from typing import TYPE_CHECKING

import click

from dsync import __version__
from dsync.cli.options import settings_options
from dsync.cli.session import load_all, open_workers, set_up_logging
from dsync.errors import ConfigurationError
from dsync.service.alerts import Alerts, ping, teller
from dsync.service.scheduler import DemarcheJob, Service
from dsync.service.sentry import reporter
from dsync.service.signals import StopSignals
from dsync.settings import check_reach, console_section

if TYPE_CHECKING:
    from dsync.console.digest import Digests
    from dsync.service.scheduler import Watch
    from dsync.service.surface import Surface
    from dsync.settings import Settings
    from dsync.wiring import Worker


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
        serve(load_all(), signals.stop)


def serve(
    every: Sequence[Settings],
    stop: Event,
    *,
    listening: socket | None = None,
    show: Callable[[str], None] = click.echo,
    talkative: bool = True,
) -> None:
    """Serve some démarches until `stop` is set.

    Args:
        every: their settings.
        stop: ends the service.
        listening: the socket for HTTP; None: one for the address in the settings.
        show: called with each link to the console.
        talkative: whether to log at INFO without -v.
    """
    with ExitStack() as stack:
        set_up_logging(every[0], talkative=talkative)
        workers = stack.enter_context(open_workers(every, stop))
        first = workers[0]
        about = {
            "version": __version__,
            "demarche": [one.demarche for one in workers] if workers[1:] else first.demarche,
            "database": first.store.place,
            "next_run": min(one.next_run_at() for one in workers).isoformat(timespec="seconds"),
        }
        tell, crashed = teller(first.settings), reporter(first.settings)
        jobs = [DemarcheJob(one, stop, succeeded=_ping_of(one), crashed=crashed) for one in workers]
        watches: list[Watch] = [Alerts(workers, tell, stop), *_digests(workers, stop)]
        service = Service(jobs, stop, watches=watches, about=about)
        surface = _surface(workers, service, stop, stack, listening, show)
        for worker in workers:
            worker.register_service()
        has_ended = service.serve()
        if surface is not None:
            surface.join()
        if not has_ended:
            # A run's thread is in a call that cannot be interrupted. Ending the process rolls its
            # open transaction back.
            os._exit(0)


def _digests(workers: Sequence[Worker], stop: Event) -> list[Digests]:
    """Return what sends the digests, nothing without a mail server.

    Raises:
        ConfigurationError: a setting that they need is missing.
    """
    server = workers[0].settings.smtp
    if server is None:
        return []
    section = console_section([one.settings for one in workers])
    if section.expediteur is None or section.openid is None or section.public_url is None:
        raise ConfigurationError(
            "DSYNC_SMTP_URL is for digests, which need a sender and a sign-in: set [console] "
            'expediteur = "dsync@example.gouv.fr" and [console.openid], or leave the variable out.'
        )
    from dsync.console.digest import Digests  # Takes memory that only a service with it needs.

    return [Digests(workers, server, section.expediteur, section.public_url, stop)]


def _ping_of(worker: Worker) -> Callable[[], None] | None:
    url = worker.configuration.alerts.ping_url
    return None if url is None else partial(ping, url)


def _surface(
    workers: Sequence[Worker],
    service: Service,
    stop: Event,
    stack: ExitStack,
    listening: socket | None,
    show: Callable[[str], None],
) -> Surface | None:
    """Start the HTTP surface; None: it is off, or its default address cannot be used.

    Raises:
        ConfigurationError: the configured address cannot be used, files name different ones, or
            the console would be served to other machines.
    """
    every = [one.settings for one in workers]
    configured = [one for one in every if one.sources["http_listen"] != "default"]
    settings = (configured or every)[0]
    if any(one.listen != settings.listen for one in configured):
        raise ConfigurationError(
            "The configuration files name different addresses in [http] listen, but one service "
            "has one: keep one of them, or set DSYNC_HTTP_LISTEN."
        )
    shown = [one for one in every if one.configuration.http.console]
    if shown:
        check_reach(every, settings.listen, "DSYNC_HTTP_LISTEN, or [http] listen,")
    if settings.listen is None:
        return None
    from dsync.service.surface import (  # Takes memory that only a service with HTTP needs.
        Surface,
        bind,
    )

    if listening is None:
        listening = bind(settings.listen, is_default=not configured)
    if listening is None:
        return None
    console = None
    if shown:
        # Workers of their own: a dry run must not share a client with a run of the service.
        from dsync.cli.console import open_console  # Takes memory that only a console needs.

        own = stack.enter_context(open_workers(shown, stop, store=workers[0].store))
        console = open_console(own, listening.getsockname()[:2], stop, show)
    surface = Surface(
        workers,
        service.ask,
        settings.webhook_words,
        listening,
        stop,
        console=None if console is None else console.application,
    )
    surface.start()
    if console is not None:
        console.open()
    return surface
