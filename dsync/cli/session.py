"""Building and closing the worker or the database of one command."""

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
    """Read the settings with the command line's flags; `overrides` have precedence."""
    from dsync.settings import load_settings

    return load_settings(**(current_flags().settings | overrides))


def load_all() -> tuple[Settings, ...]:
    """Read the settings of every configured démarche, with the command line's flags."""
    from dsync import settings

    return settings.load_all(**current_flags().settings)


def load_any() -> Settings:
    """Read the settings for a command that concerns the whole database, not one démarche."""
    return load_all()[0]


@contextmanager
def worker(
    settings: Settings | None = None,
    *,
    stop: threading.Event | None = None,
    progress: Any = None,
    may_create: bool = True,
    talkative: bool = False,
) -> Iterator[App]:
    """Set up logging and yield the worker; close its database and connections at the end.

    Args:
        settings: None: those of the command line.
        stop: set to end the command.
        progress: receives the progress of a run.
        may_create: whether to create a missing SQLite file.
        talkative: whether to log at INFO without -v.
    """
    from dsync.cli.logs import configure_logging
    from dsync.wiring import App

    settings = settings or load()
    # Without -v only errors: the printed report has what warnings would repeat.
    level = logging.INFO if talkative or current_flags().verbose else logging.ERROR
    configure_logging(settings.log_format, level)
    app = App(settings, stop=stop, progress=progress, may_create=may_create)
    try:
        yield app
    finally:
        app.close()


def make_ready(app: App) -> App:
    """Build the parts that depend only on settings, before a database is opened.

    Raises:
        ConfigurationError: a setting is invalid; nothing was opened.
    """
    app.demarche, app.programme, app.client  # noqa: B018 - properties that raise
    return app


@contextmanager
def reading(settings: Settings | None = None) -> Iterator[Reader]:
    """Yield a reader of the démarche's data; a missing database is not created."""
    from dsync.database import open_database
    from dsync.domain.ids import DemarcheNumber

    settings = settings or load()
    store = open_database(settings.database_url, create=False)
    try:
        with store.reading(DemarcheNumber(settings.demarche)) as reader:
            yield reader
    finally:
        store.close()
