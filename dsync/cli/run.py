"""`dsync run`: the service."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import socket
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import current_flags, settings_options
from dsync.errors import ConfigurationError, DsyncError, InterruptedRunError, LeaseHeldError

with later(globals()):
    from structlog import get_logger

    from dsync import __version__
    from dsync.cli.output import asker
    from dsync.cli.session import make_ready, set_up_logging
    from dsync.configuration import headline, number_in
    from dsync.database import open_database
    from dsync.service.alerts import Alerts
    from dsync.service.scheduler import DemarcheJob, Service
    from dsync.service.signals import StopSignals
    from dsync.service.telling import Afterwards, ping, reporter, teller
    from dsync.settings import Loaded, Settings, check_reach, load_each
    from dsync.store.engine import connections_of, open_engine, parse_url, sqlite_file
    from dsync.store.store import utc_now
    from dsync.wiring import Worker


if TYPE_CHECKING:
    from dsync.console.app import Console
    from dsync.service.scheduler import Watch
    from dsync.service.surface import Surface
    from dsync.store import Store


_CONSOLE_S = 0.5
"""Time for what the console does and has to journal to end after a stop."""


@click.command(cls=LazyCommand)
@settings_options()
def run() -> None:
    """Synchronise by schedule until SIGTERM or Ctrl-C; then exit 0 within 5 s.

    Overdue runs start at once, others by the schedule in the configuration file. A failed run is
    logged and retried; it never ends the service. Where DSYNC_CONFIG is a folder, every démarche
    in it is served. A file that is added, changed or removed is taken up within a minute, or at
    once by SIGHUP; a wrong one stops that démarche alone.
    """
    services: list[Service] = []

    def reload() -> None:
        for service in services:
            service.reload()

    # A closed terminal sends SIGHUP, too: what was started there ends with it.
    hangup = None if sys.stdin is not None and sys.stdin.isatty() else reload
    # First of all, so that a signal during the start stops the service in order too.
    with StopSignals(hangup=hangup) as signals:
        flags = current_flags().settings
        serve(partial(load_each, **flags), signals.stop, started=services.append)


def serve(
    load: Callable[[], Loaded],
    stop: Event,
    *,
    listening: socket | None = None,
    show: Callable[[str], None] = click.echo,
    talkative: bool = True,
    started: Callable[[Service], None] = lambda _: None,
) -> None:
    """Serve some démarches until `stop` is set.

    `listening` is the socket for HTTP, None: one for the address in the settings. `show` is called
    with each link to the console. `talkative`: it logs at INFO without -v.
    """
    with ExitStack() as stack:
        served = _Served(load, stop)
        every = served.begin()
        set_up_logging(every[0], talkative=talkative)
        served.tell()
        slots = every[0].configuration.advanced.workers
        url = every[0].database_url
        store = open_database(
            url,
            with_programme=any(one.configuration.programme for one in every),
            # One of them, to listen, is not of the pool.
            engine=open_engine(parse_url(url), connections=connections_of(slots) - 1),
        )
        stack.callback(store.close)
        stack.callback(served.retire)
        workers = served.on(store)
        first = workers[0]
        # On PostgreSQL, several share the work.
        on_file = sqlite_file(parse_url(first.settings.database_url)) is not None
        if on_file and store.services.holders(utc_now()):
            get_logger(__name__).warning("another_service", database=store.place)
        about = {
            "version": __version__,
            "demarche": [one.demarche for one in workers] if workers[1:] else first.demarche,
            "database": store.place,
            "workers": slots,
            "connections": connections_of(slots),
            "next_run": min(one.next_run_at() for one in workers).isoformat(timespec="seconds"),
        }
        tell, crashed = teller(first.settings), reporter(first.settings)
        alerts, after = Alerts(workers, tell, stop, problems=served.problems), _after(stop)
        watches: list[Watch] = [alerts, *after]

        def succeeded(worker: Worker) -> None:
            for one in after:
                one.note(worker)

        service = Service(
            workers,
            stop,
            slots=slots,
            job=partial(DemarcheJob, succeeded=succeeded, crashed=crashed),
            watches=watches,
            reload=served.look,
            noted=alerts.note,
            about=about,
        )
        started(service)
        surface = _surface(served, service, stop, stack, listening, show)
        has_ended = service.serve()
        if surface is not None:
            surface.join()
        if served.console is not None:
            has_ended &= served.console.close(_CONSOLE_S)
        if not has_ended:
            # A thread is in a call that cannot be interrupted, or waits for another process's lock.
            # Ending the process rolls its open transaction back.
            os._exit(0)


class _Served:
    """The workers of the configured démarches; one is made anew when its file changes."""

    def __init__(self, load: Callable[[], Loaded], stop: Event) -> None:
        self._load = load
        self._stop = stop
        self._store: Store | None = None
        self._path = Path()
        self._files: dict[Path, tuple[int, int]] = {}
        self._loaded: dict[Path, Settings] = {}
        """As each file gave them last."""
        self.workers: list[Worker] = []
        """The service changes it."""
        self.problems: list[dict[str, Any]] = []
        """Of the files of the other démarches."""
        self.console: Console | None = None

    def begin(self) -> Sequence[Settings]:
        """Make the workers and return their settings; an error if no démarche can be served."""
        loaded = self._load()
        self._path, self._files = loaded.path, _files(loaded.path)
        self.workers, refused = self._made(loaded, kept=())
        if not self.workers:
            # The first one's class has the exit code.
            problems = tuple(text for _, exc in refused for text in exc.problems or (exc.message,))
            raise ConfigurationError(headline(problems), problems)
        self._note(refused)
        return [one.settings for one in self.workers]

    def on(self, store: Store) -> list[Worker]:
        """Have the workers use a database; return them."""
        self._store = store
        for worker in self.workers:
            worker.use_store(store)
        return self.workers

    def look(self, anew: bool) -> list[Worker] | None:
        """Return the workers of the present configuration; None: it is as before.

        `anew`: all are made anew, whatever has changed.
        """
        files = _files(self._path)
        changed = {path for path, _ in files.items() ^ self._files.items()}
        if not changed and not anew:
            return None
        self._files = files
        try:
            loaded = self._load()
        except ConfigurationError as exc:
            # Of no file in particular: what is served goes on.
            self.problems[:] = [{"demarche": None, "problem": exc.message}]
            self.tell()
            return None
        # A list can be that of any démarche; the file of a token is read before each run.
        tokens = {one.ds_token_file for one in self._loaded.values()}
        anew = anew or any(path.suffix != ".toml" for path in changed - tokens)
        kept = () if anew else [one for one in self.workers if one.settings.config not in changed]
        workers, refused = self._made(loaded, kept=kept)
        for worker in workers:
            if worker not in kept and self._store is not None:
                worker.use_store(self._store)
        self._note(refused)
        self.tell()
        if self.console is not None:
            self.console.replace(_shown_on(workers, self._stop, self._store))
        get_logger(__name__).info("configuration_read", demarches=len(workers))
        return workers

    def tell(self) -> None:
        """Log what is wrong."""
        for problem in self.problems:
            get_logger(__name__).error("configuration_refused", **problem)

    def retire(self) -> None:
        """Close what the workers opened."""
        for worker in self.workers:
            worker.retire()

    def _made(
        self, loaded: Loaded, kept: Iterable[Worker]
    ) -> tuple[list[Worker], list[tuple[Path, ConfigurationError]]]:
        by_file = {worker.settings.config: worker for worker in kept}
        refused = list(loaded.problems)
        # Of a file that is wrong, the démarche is still configured.
        wrong = [number for path, _ in refused if (number := self._number_of(path))]
        is_known = len(wrong) == len(refused)
        workers = []
        for settings in loaded.found:
            self._loaded[settings.config] = settings
            folder = tuple(sorted({*settings.folder, *wrong})) if settings.folder else ()
            worker = by_file.get(settings.config) or Worker(settings, stop=self._stop)
            worker.settings = replace(worker.settings, folder=folder, is_folder_known=is_known)
            if settings.config not in by_file:
                try:
                    make_ready(worker)
                    self._check_tables(worker)
                except ConfigurationError as exc:
                    refused.append((settings.config, exc))
                    continue
            workers.append(worker)
        return workers, refused

    def _check_tables(self, worker: Worker) -> None:
        needs = worker.configuration.programme is not None
        if needs and self._store is not None and not self._store.has_programme:
            raise ConfigurationError(
                f"{worker.settings.config} is the first file with a section [mapping]: restart the "
                "service, which adds the tables for it."
            )

    def _note(self, refused: Iterable[tuple[Path, ConfigurationError]]) -> None:
        self.problems[:] = [
            {"demarche": demarche, "problem": problem}
            # Two files of one démarche have one problem.
            for demarche, problem in dict.fromkeys(
                (self._number_of(path), "; ".join(exc.problems) or exc.message)
                for path, exc in refused
            )
        ]

    def _number_of(self, path: Path) -> int | None:
        """Return the démarche of a file that is wrong, None if that cannot be known."""
        if path in self._loaded:
            return self._loaded[path].demarche
        return number_in(path)


def _files(path: Path) -> dict[Path, tuple[int, int]]:
    """Return the files of the configuration with what changes when one is written."""
    every = path.rglob("*") if path.is_dir() else [path]
    found = {}
    for file in every:
        try:
            status = file.stat()
        except OSError:
            continue  # It is being replaced.
        found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _after(stop: Event) -> list[Afterwards]:
    """Return what follows runs without a failure."""

    def ping_url(worker: Worker) -> str:
        return worker.configuration.alerts.ping_url or ""

    def document(worker: Worker) -> str:
        return worker.configuration.grist.document or ""

    def follow(worker: Worker) -> bool:
        try:
            worker.follow_grist()
        except (LeaseHeldError, InterruptedRunError):
            raise
        except DsyncError as exc:
            get_logger(__name__).warning("grist_failed", error=exc.message)
            return False
        return True

    return [
        Afterwards(ping_url, lambda one: ping(ping_url(one), stop), stop),
        Afterwards(document, follow, stop),
    ]


def _shown_on(workers: Iterable[Worker], stop: Event, store: Store | None) -> list[Worker]:
    """Return workers for the console: what it does itself must not share a client with a run."""
    every = list(workers)
    if not any(one.configuration.console.public_url for one in every):
        return []
    return [Worker(one.settings, stop=stop, store=store) for one in every]


def _surface(
    served: _Served,
    service: Service,
    stop: Event,
    stack: ExitStack,
    listening: socket | None,
    show: Callable[[str], None],
) -> Surface | None:
    """Start the HTTP surface; None: it is off, or its default address cannot be used.

    ConfigurationError: the configured address cannot be used, or the console would be served to
    other machines.
    """
    workers = served.workers
    every = [one.settings for one in workers]
    settings = every[0]
    if settings.listen is None:
        return None
    shown = _shown_on(workers, stop, workers[0].store)
    if shown:
        check_reach(every, settings.listen, "DSYNC_HTTP_LISTEN")
    # They take memory that only a service with HTTP needs.
    from dsync.service.metrics import Metrics
    from dsync.service.surface import Surface, bind
    from dsync.service.webhooks import Webhooks

    if listening is None:
        listening = bind(settings.listen, is_default=settings.sources["http_listen"] == "default")
    if listening is None:
        return None
    apart = settings.metrics_listen and bind(settings.metrics_listen, is_default=False)
    console = None
    if shown:
        from dsync.console.app import open_console  # Takes memory that few need.

        console = served.console = open_console(
            shown, listening.getsockname()[:2], stop, asker(), show
        )
        for one in shown:
            stack.callback(one.retire)
    webhooks = Webhooks(settings.webhook_words, service.ask)
    surface = Surface(
        Metrics(workers, webhooks.counts, served.problems),
        webhooks,
        listening,
        stop,
        console=None if console is None else console.application,
        apart=apart,
    )
    surface.start()
    if console is not None:
        console.open()
    return surface
