"""Progress on stderr: bars on a terminal, elsewhere only the failures that are retried."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dsync.sync.context import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


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
    from rich import progress
    from rich.console import Console

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description:<21}"),
        progress.BarColumn(bar_width=24),
        progress.TextColumn("{task.fields[figures]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bars:
        yield ProgressBars(bars, dry=dry)


@contextmanager
def counted(*, wanted: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a function that shows how much is done of what; None where no terminal is."""
    if not (wanted and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("")

        def show(name: str, done: int, total: int) -> None:
            bars.update(bar, description=name, completed=done, total=total)

        yield show
