"""What goes to stderr: log lines, and progress, as bars on a terminal, else the retried failures.

Structlog and the standard library's loggers have one format. Events contain only names, numbers and
ids; tracebacks have neither local variables nor the texts of exceptions, which can hold what an
applicant typed.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click
import structlog
from structlog.typing import ExcInfo

from dsync.errors import DsyncError
from dsync.sync.context import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


_QUIET = {
    "urllib3": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    # At WARNING it logs each tick during a run, although that is normal.
    "apscheduler": logging.ERROR,
    # It logs the addresses of alerts, which hold passwords.
    "apprise": logging.CRITICAL,
    "sentry_sdk": logging.CRITICAL,
    # At WARNING it logs each request that is not HTTP.
    "uvicorn": logging.ERROR,
    "asyncio": logging.WARNING,
}
"""Lowest levels of the loggers of libraries."""


def _print_traceback(out: TextIO, raised: ExcInfo) -> None:
    out.write(f"\n{_traceback(raised)}")


def _traceback(exc_info: ExcInfo) -> str:
    """Return an exception's traceback, and of those that led to it, without their texts.

    Those of dsync's own errors are written for the log.
    """
    _, error, trace = exc_info
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    led = [_traceback((type(before), before, before.__traceback__)), ""] if before else []
    said = f": {error}" if isinstance(error, DsyncError) else ""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    frames = "".join(traceback.format_tb(trace)).rstrip("\n")
    return "\n".join([*led, "Traceback (most recent call last):", frames, f"{name}{said}"])


def configure_logging(log_format: str, level: int) -> None:
    """Set up logging for this process; a further call replaces the former set-up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [
            structlog.processors.ExceptionRenderer(_traceback),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_print_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Loggers of imported modules exist before this call: they must not keep another set-up.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)


class ProgressBars(Progress):
    """One bar for each phase of the run; it appears with the phase's first figure."""

    def __init__(self, bars: Bars, *, dry: bool = False) -> None:
        self._bars = bars
        self._dry = dry
        self._tasks: dict[str, TaskID] = {}

    def message(self, line: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(line, markup=False, highlight=False)

    def pulled(self, done: int, total: int | None) -> None:
        """Show the number of dossiers read."""
        self._show("Reading dossiers", done, total)

    def judged(self, done: int, total: int | None) -> None:
        """Show the number of dossiers judged."""
        self._show("Pre-checking", done, total)

    def pushed(self, done: int, total: int | None) -> None:
        """Show the number of dossiers whose annotations were handled."""
        phase = "Comparing annotations" if self._dry else "Writing annotations"
        self._show(phase, done, total)

    def _show(self, phase: str, done: int, total: int | None) -> None:
        # DS does not give the total of an incremental read: then only the spinner moves.
        figures = f"{done}" if total is None else f"{done}/{total}"
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=total, figures=figures)
        self._bars.update(self._tasks[phase], completed=done, total=total, figures=figures)


class Lines(Progress):
    """Prints only the failures that are retried, as lines on stderr."""

    def message(self, line: str) -> None:
        """Print a line."""
        click.echo(line, err=True)


@contextmanager
def progress_bars(*, wanted: bool = True, dry: bool = False) -> Iterator[Progress]:
    """Yield bars if stderr is a terminal, else lines; nothing if no progress is wanted.

    `dry`: nothing is written into DS.
    """
    if not wanted:
        yield Progress()
        return
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich import console, progress

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description:<21}"),
        progress.BarColumn(bar_width=24),
        progress.TextColumn("{task.fields[figures]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console.Console(stderr=True)) as bars:
        yield ProgressBars(bars, dry=dry)


@contextmanager
def counted(*, wanted: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a function that shows how much is done of what; None where no terminal is."""
    if not (wanted and sys.stderr.isatty()):
        yield None
        return
    from rich import console, progress

    with progress.Progress(console=console.Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("")

        def show(name: str, done: int, total: int) -> None:
            bars.update(bar, description=name, completed=done, total=total)

        yield show
