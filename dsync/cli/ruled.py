"""Tables on a terminal, with ruled heads and wrapped columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NARROW = 24
"""Maximum width of columns that are never wrapped."""
_STYLES = {
    "Éligible": "green",
    "Rien à signaler": "green",
    "À vérifier": "yellow",
    "Inéligible": "red",
    "Indéterminé": "magenta",
}
"""Of verdicts."""


def print_ruled(
    headers: Sequence[str], rows: Sequence[Sequence[str]], extra: Sequence[str], *, wide: bool
) -> None:
    """Print a table that fits on the terminal; the arguments are those of `print_table`."""
    console = Console(highlight=False)
    every = range(len(headers))
    table = _table(headers, rows, every)
    # Measured without the limit of the terminal's width.
    needed = console.measure(table, options=console.options.update(width=10_000)).maximum
    if wide:
        console.width = max(console.width, needed)
    elif needed > console.width:
        table = _table(headers, rows, [n for n in every if headers[n] not in extra])
    console.print(table)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> Table:
    """Return a table of these columns; only words longer than a line are broken."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        longest = max(len(line[column]) for line in (headers, *rows))
        table.add_column(headers[column], overflow="fold", no_wrap=longest <= _NARROW)
    for row in rows:
        table.add_row(*(Text(row[n], style=_STYLES.get(row[n], "")) for n in columns))
    return table
