"""`dsync console`: the web console on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import port_option, settings_options
from dsync.console.access import Role

with later(globals()):
    from dsync.addresses import Listen
    from dsync.cli.output import asker
    from dsync.cli.session import load_all, make_ready, set_up_logging
    from dsync.console.app import open_console
    from dsync.service.signals import StopSignals
    from dsync.service.surface import bind, server_thread
    from dsync.settings import Settings, check_reach
    from dsync.wiring import Worker

HOST = "127.0.0.1"
DEFAULT_PORT = 8090


@click.command(cls=LazyCommand)
@click.option(
    "--host",
    default=HOST,
    show_default=True,
    help="Address to listen on; another machine's needs [console.openid].",
)
@port_option(DEFAULT_PORT, "Port; 0: any free one.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMINISTRATEUR.value,
    show_default=True,
    help="What whoever enters by the link is; [[acces]] says it of a team.",
)
@settings_options()
def console(*, host: str, port: int, role: str) -> None:
    """Serve the web console on this machine until Ctrl-C; print a link that works once.

    It shows what the database holds, in French. What is asked for in it is done by the running
    service, or else by this process. After each use the next link is printed. With
    [console.openid] a team signs in instead, and no link is printed.
    """
    with StopSignals() as signals, ExitStack() as stack:
        every, listen = load_all(), Listen(host, port)
        check_reach(every, listen, "--host")
        set_up_logging(every[0])
        workers = stack.enter_context(_open_workers(every, signals.stop))
        listening = bind(listen, is_default=False, setting="--host or --port")
        assert listening is not None  # noqa: S101 - it raises
        stack.callback(listening.close)
        address, stop = listening.getsockname()[:2], signals.stop
        served = open_console(workers, address, stop, asker(), click.echo, Role(role))
        thread = server_thread(served.application, listening, signals.stop)
        thread.start()
        served.open()
        signals.stop.wait()
        has_ended = served.close(5)
        # An answer that is being sent gets 5 s to end.
        thread.join(5)
        if not has_ended:
            # It waits for another process's lock.
            os._exit(0)


@contextmanager
def _open_workers(every: Sequence[Settings], stop: Event) -> Iterator[list[Worker]]:
    """Yield the workers of some démarches, which share one database; close all at the end.

    The settings are checked before the database is opened, which is not created.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(one, stop=stop, may_create=False)) for one in every]
        for worker in workers:
            make_ready(worker)
        # One pool of connections for all, and one writer on SQLite; with the programme if any has.
        shared = max(workers, key=lambda one: one.configuration.programme is not None).store
        for worker in workers:
            worker.use_store(shared)
        yield workers
