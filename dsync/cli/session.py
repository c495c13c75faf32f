"""Building and closing the worker or the database of one command."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from dsync import settings
from dsync.cli.options import current_flags
from dsync.domain.ids import DemarcheNumber
from dsync.errors import ConfigurationError
from dsync.settings import Settings

if TYPE_CHECKING:
    from dsync.store import Reader, Store
    from dsync.wiring import Worker


def load(*, stored: bool = False, **overrides: Any) -> Settings:
    """Read the settings with the command line's flags; `overrides` have precedence.

    Args:
        stored: whether a démarche's stored data are enough, as of `settings.load_all`.
        overrides: settings.
    """
    return settings.load_settings(stored=stored, **(current_flags().settings | overrides))


def load_all(*, stored: bool = False) -> tuple[Settings, ...]:
    """Read the settings of every configured démarche, with the command line's flags."""
    return settings.load_all(stored=stored, **current_flags().settings)


def check_known(store: Store, demarche: int, *, is_chosen: bool) -> None:
    """Check that the database has a démarche, where a wrong number would look like an empty one.

    Args:
        store: the database.
        demarche: the démarche's number.
        is_chosen: whether a flag or a variable gave the number: a file can be new.

    Raises:
        ConfigurationError: it does not, and has others.
    """
    known = store.demarches() if is_chosen else ()
    if known and demarche not in known:
        numbers = ", ".join(map(str, known))
        raise ConfigurationError(
            f"The database has no démarche {demarche}, only {numbers}: correct --demarche or "
            "DSYNC_DEMARCHE. What is configured is read by `dsync sync`."
        )


def chosen_demarche() -> DemarcheNumber | None:
    """Return the démarche that the command line or the environment names, None without one."""
    number = settings.chosen_demarche(**current_flags().settings)
    return None if number is None else DemarcheNumber(number)


def load_any() -> Settings:
    """Read the settings for a command that concerns the whole database, not one démarche."""
    # All démarches of a folder share one database.
    return load_all(stored=True)[0]


def opened() -> dict[DemarcheNumber, frozenset[str]]:
    """Return what each configured démarche shows to readers without personal data.

    One that was taken out of the folder has no file that says it: it shows what it did.
    """
    return {
        DemarcheNumber(one.demarche): one.configuration.opened
        for one in load_all(stored=True)
        if one.demarche in (one.folder or (one.demarche,))
    }


def set_up_logging(settings: Settings, *, talkative: bool = False) -> None:
    """Set up logging; `talkative`: at INFO without -v.

    Without -v only errors are logged: the printed report has what warnings would repeat.
    """
    from dsync.cli.logs import configure_logging

    is_told = talkative or current_flags().verbose
    configure_logging(settings.log_format, logging.INFO if is_told else logging.ERROR)


@contextmanager
def open_worker(
    settings: Settings | None = None,
    *,
    stop: threading.Event | None = None,
    progress: Any = None,
    may_create: bool = True,
    store: Store | None = None,
) -> Iterator[Worker]:
    """Set up logging and yield the worker; close its database and connections at the end.

    Args:
        settings: None: those of the command line.
        stop: set to end the command.
        progress: receives the progress of a run.
        may_create: whether to create a missing SQLite file.
        store: the database; None: that of the settings.
    """
    from dsync.wiring import Worker

    settings = settings or load()
    set_up_logging(settings)
    options: dict[str, Any] = {"progress": progress, "may_create": may_create, "store": store}
    with Worker(settings, stop=stop, **options) as worker:
        yield worker


@contextmanager
def open_workers(
    every: Sequence[Settings],
    stop: threading.Event,
    *,
    store: Store | None = None,
    may_create: bool = True,
) -> Iterator[list[Worker]]:
    """Yield the workers of some démarches, which share one database; close all at the end.

    Args:
        every: their settings, which are checked before the database is opened.
        stop: set to end what they do.
        store: the database; None: that of the settings.
        may_create: whether to create a missing SQLite file.

    Raises:
        ConfigurationError: a setting is invalid.
        StoreError: the database cannot be opened.
    """
    from dsync.wiring import Worker

    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(one, stop=stop, store=store, may_create=may_create))
            for one in every
        ]
        for worker in workers:
            make_ready(worker)
        # One pool of connections for all, and one writer on SQLite; with the programme if any has.
        shared = max(workers, key=lambda one: one.configuration.programme is not None).store
        for worker in workers:
            worker.use_store(shared)
        yield workers


def make_ready(worker: Worker) -> None:
    """Build the parts that depend only on settings, before a database is opened.

    Raises:
        ConfigurationError: a setting is invalid; nothing was opened.
    """
    worker.demarche, worker.programme, worker.client  # noqa: B018 - properties that raise


def check_titles(settings: Settings, reader: Reader) -> Mapping[str, str]:
    """Return the French titles of a démarche's checks by name, in their order."""
    declared = settings.configuration.declared
    return declared.titles if declared else reader.programme.checks


@contextmanager
def reading(settings: Settings | None = None) -> Iterator[Reader]:
    """Yield a reader of the démarche's data; a missing database is not created."""
    from dsync.database import open_database

    settings = settings or load(stored=True)
    with closing(open_database(settings.database_url, create=False)) as store:
        check_known(store, settings.demarche, is_chosen=settings.sources["demarche"] != "file")
        with store.reading(DemarcheNumber(settings.demarche)) as reader:
            yield reader
