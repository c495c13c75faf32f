"""`dsync console`: the web console in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from dsync.addresses import Listen
from dsync.cli.options import settings_options
from dsync.cli.output import asker
from dsync.cli.session import load_all, make_ready, worker
from dsync.service.signals import StopSignals

if TYPE_CHECKING:
    from dsync.console.app import Console
    from dsync.wiring import App

HOST = "127.0.0.1"
DEFAULT_PORT = 8090


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port on this machine; 0: any free one.",
)
@settings_options()
def console(*, port: int) -> None:
    """Serve the web console on this machine until Ctrl-C; print a link that works once.

    It shows what the database holds, in French. What is asked for in it is done by the running
    service, or else by this process. After each use the next link is printed.
    """
    from contextlib import ExitStack

    from dsync.service.http import bind, server_thread

    with StopSignals() as signals, ExitStack() as stack:
        apps = [
            stack.enter_context(worker(one, stop=signals.stop, may_create=False))
            for one in load_all()
        ]
        for app in apps:
            make_ready(app)
        for app in apps[1:]:
            app.use_store(apps[0].store)
        apps[0].store  # noqa: B018 - opens the database, so that a wrong one ends the command
        listening = bind(Listen(HOST, port), is_default=False, setting="--port")
        assert listening is not None  # noqa: S101 - it raises
        served = open_console(apps, listening.getsockname()[:2], signals.stop)
        thread = server_thread(served.application, listening, signals.stop)
        thread.start()
        served.open()
        signals.stop.wait()
        served.close()
        thread.join(5)


def open_console(
    apps: Sequence[App],
    address: tuple[str, int],
    stop: threading.Event,
    show: Callable[[str], None] = click.echo,
) -> Console:
    """Return the console of some démarches.

    Args:
        apps: their workers.
        address: where it is served.
        stop: ends what it executes itself.
        show: called with each link; by default, it is printed on stdout.
    """
    import secrets

    from dsync.console.access import LocalAccess
    from dsync.console.app import Console

    base = f"http://{Listen(*address)}"

    def announce(path: str) -> None:
        show(f"{base}{path}")

    return Console(
        apps,
        LocalAccess(asker(), announce),
        secret=secrets.token_urlsafe(32),
        theme=apps[0].configuration.http.theme,
        stop=stop,
    )
