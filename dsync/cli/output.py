"""What goes to stdout: JSON, tables on a terminal, aligned text otherwise.

Texts that come from dossiers are cleaned here: nothing that somebody typed can steer a terminal.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import click

VERDICT_STYLES = {
    "Éligible": "green",
    "À vérifier": "yellow",
    "Inéligible": "red",
    "Indéterminé": "magenta",
}


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_jsonable))


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "Nothing."
) -> None:
    """Print rows: a ruled table on a terminal, aligned columns elsewhere."""
    texts = [[shown(cell) for cell in row] for row in rows]
    if not texts:
        click.echo(empty)
    elif sys.stdout.isatty():
        _ruled(headers, texts)
    else:
        _aligned(headers, texts)


def print_pairs(pairs: Iterable[tuple[str, Any]], indent: str = "") -> None:
    """Print `name  value` lines, values aligned; those without a value are left out."""
    kept = [(name, shown(value)) for name, value in pairs if value not in (None, "", [], ())]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        click.echo(f"{indent}{name.ljust(width)}  {value}")


def heading(text: str) -> None:
    """Print a section's title."""
    click.echo()
    click.secho(text, bold=True)


def shown(value: Any) -> str:
    """Return any value as one clean line."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{shown(key)} {shown(item)}" for key, item in value.items())
    return clean(str(value))


def instant(value: datetime) -> str:
    """Return an instant in UTC to the second."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def ago(value: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in the largest unit that fits."""
    seconds = max(0, int((now - value).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def clean(text: str) -> str:
    """Return a text on one line, without control, format or bidirectional characters."""
    flat = " ".join(text.split())
    return "".join(
        char for char in flat if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co"}
    )


def cut(text: str, length: int) -> str:
    """Return a text cut at a length, the cut shown."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _ruled(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=VERDICT_STYLES.get(cell, "")) for cell in row))
    Console().print(table)


def _aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [list(headers), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    return str(value)
