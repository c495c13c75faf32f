"""Builds the worker for one command and closes it, whatever happens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dsync.cli.options import current_flags

if TYPE_CHECKING:
    from dsync.settings import Settings
    from dsync.store import Reader
    from dsync.wiring import App


def load(**overrides: Any) -> Settings:
    """Read the settings with the command line's flags, `overrides` winning."""
    from dsync.settings import load_settings

    return load_settings(**(current_flags().settings | overrides))


@contextmanager
def worker(
    settings: Settings | None = None,
    *,
    stop: threading.Event | None = None,
    progress: Any = None,
    may_create: bool = True,
    talkative: bool = False,
) -> Iterator[App]:
    """Set up logging and yield the worker; its database and connections are closed at the end.

    Args:
        settings: those of the command line, where none are given.
        stop: set when the command is to end.
        progress: told how far a run is.
        may_create: whether a SQLite file that is not there is made; not by what needs dossiers.
        talkative: whether what is done is logged without being asked for.
    """
    from dsync.cli.logs import configure_logging
    from dsync.wiring import App

    settings = settings or load()
    # The report itself says what a warning would.
    level = logging.INFO if talkative or current_flags().verbose else logging.ERROR
    configure_logging(settings.log_format, level)
    app = App(settings, stop=stop, progress=progress, may_create=may_create)
    try:
        yield app
    finally:
        app.close()


def make_ready(app: App) -> App:
    """Build what wrong settings alone can spoil, before a database or a run is begun.

    Raises:
        ConfigurationError: nothing was opened.
    """
    app.demarche, app.rules, app.client  # noqa: B018 - properties that raise
    return app


@contextmanager
def reading(settings: Settings | None = None) -> Iterator[Reader]:
    """Yield the démarche's part of the database, to be read; a missing one is not created."""
    from dsync.domain.ids import DemarcheNumber
    from dsync.store import Store

    settings = settings or load()
    store = Store.open(settings.database_url, create=False)
    try:
        with store.reading(DemarcheNumber(settings.demarche)) as reader:
            yield reader
    finally:
        store.close()
