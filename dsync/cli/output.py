"""Output: JSON, tables on a terminal, aligned text elsewhere; French pages in files.

Control characters are removed from all texts, so that texts of dossiers cannot control a terminal.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import socket
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import click

from dsync.cli.options import Flags
from dsync.domain.dossier import in_utc
from dsync.domain.paper import Paper, html, markdown
from dsync.domain.remedies import pasteable as completed
from dsync.errors import ConfigurationError

SUSPENDED = (
    "suspendue: an instructeur validated the pre-check; dsync does not change the annotations of "
    "these dossiers (`dsync push --force` does)."
)
_FORMS = {".md": markdown, ".html": html}
"""Of pages, by the ending of a name."""
_NARROW = 24
"""Maximum width of columns that are never wrapped."""
STYLES = {
    "Éligible": "green",
    "Rien à signaler": "green",
    "À vérifier": "yellow",
    "Inéligible": "red",
    "Indéterminé": "magenta",
}
"""Of verdicts on a terminal."""
_STEERING = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that JSON does not escape: DEL, C1 controls, and direction marks."""
_COMMAND = re.compile("`dsync [^`]*`")
_UNBROKEN = "\ue000"
"""Stands for a blank at which no line is broken; of the private characters, which `clean` drops."""


def print_json(document: Any, **lists: Iterable[Any]) -> None:
    """Print a JSON document: indented on a terminal, on one line elsewhere (log files).

    `lists` take the place of empty lists in the document; their items are printed one by one.
    """
    text = _json(document)
    between, deeper = (",\n    ", "\n    ") if sys.stdout.isatty() else (", ", "")
    for name, items in lists.items():
        head, _, text = text.partition(f'"{name}": []')
        click.echo(f'{head}"{name}": [', nl=False)
        glue = deeper
        for item in items:
            click.echo(glue + _json(item).replace("\n", "\n    "), nl=False)
            glue = between
        text = ("" if glue == deeper else deeper[:-2]) + "]" + text
    click.echo(text)


def _json(document: Any) -> str:
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(document, ensure_ascii=False, indent=indent, default=_jsonable)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    extra: Sequence[str] = (),
    wide: bool = False,
    empty: str = "Nothing.",
) -> None:
    """Print rows: a table that fits on a terminal, aligned columns elsewhere.

    Columns with the headers `extra` are omitted when the table is wider than the terminal, unless
    it is `wide`: then no line is wrapped. `empty` is printed when there are no rows.
    """
    texts = [[shown(cell) for cell in row] for row in rows]
    if not texts:
        click.echo(pasteable(empty))
    elif sys.stdout.isatty():
        _ruled(headers, texts, extra, wide=wide)
    else:
        _aligned(headers, texts)


def print_pairs(pairs: Iterable[tuple[str, Any]], indent: str = "") -> None:
    """Print `name  value` lines with aligned, wrapped values; omit pairs without a value."""
    kept = [(name, shown(value)) for name, value in pairs if value not in (None, "", [], ())]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        print_note(f"{indent}{name.ljust(width)}  {value}", hanging=len(indent) + width + 2)


def pasteable(text: str) -> str:
    """Return a sentence whose commands « `dsync …` » are about what this command is about."""
    context = click.get_current_context(silent=True)
    flags = context and context.find_object(Flags)
    return completed(text, flags.remedy_options()) if flags else text


CLOSE = "Similar names: "
"""Before those that are stored, where nothing has the words."""


def print_note(text: str, *, hanging: int = 2) -> None:
    """Print a text; on a terminal it is wrapped, and further lines are indented by `hanging`."""
    text = pasteable(text)
    if not sys.stdout.isatty():
        click.echo(text)
        return
    width = shutil.get_terminal_size().columns
    # A command is not broken at its blanks either, unless it is longer than a line.
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", _UNBROKEN), text)
    click.echo(
        textwrap.fill(
            whole,
            width,
            subsequent_indent=" " * min(hanging, width // 2),
            # An address or a command that is broken cannot be copied.
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        ).replace(_UNBROKEN, " ")
    )


def print_check(
    result: str, name: str, reason: str | None, evidence: Mapping[str, Any] | None
) -> None:
    """Print a check with its result and reason, and its evidence below."""
    print_note(f"  {result:<13} {name}: {clean(reason or '')}", hanging=16)
    for key, value in (evidence or {}).items():
        if value not in (None, "", [], {}):
            several = value if isinstance(value, list) else [value]
            text = "; ".join(map(shown, several))
            print_note(f"{' ' * 6}{key}: {text}", hanging=8)


def heading(text: str) -> None:
    """Print a section's title."""
    click.echo()
    click.secho(text, bold=True)


def shown(value: Any) -> str:
    """Return any value as one line without control characters."""
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
    return in_utc(value).strftime("%Y-%m-%d %H:%M:%SZ")


def clean(text: str) -> str:
    """Return a text on one line, without control, format or bidirectional characters."""
    flat = " ".join(text.split())
    return "".join(
        char for char in flat if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co"}
    )


def _ruled(
    headers: Sequence[str], rows: Sequence[Sequence[str]], extra: Sequence[str], *, wide: bool
) -> None:
    """Print a table that fits on the terminal; only words longer than a line are broken."""
    from rich import box, console, table, text  # They take 40 ms.

    def table_of(columns: Sequence[int]) -> table.Table:
        made = table.Table(
            header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
        )
        for column in columns:
            longest = max(len(line[column]) for line in (headers, *rows))
            made.add_column(headers[column], overflow="fold", no_wrap=longest <= _NARROW)
        for row in rows:
            made.add_row(*(text.Text(row[n], style=STYLES.get(row[n], "")) for n in columns))
        return made

    terminal = console.Console(highlight=False)
    every = range(len(headers))
    whole = table_of(every)
    # Measured without the limit of the terminal's width.
    free = terminal.options.update(width=10_000)
    needed = terminal.measure(whole, options=free).maximum
    if wide:
        terminal.width = max(terminal.width, needed)
    elif needed > terminal.width:
        whole = table_of([n for n in every if headers[n] not in extra])
    terminal.print(whole)


def _aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [list(headers), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return in_utc(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


def announce_stop() -> None:
    """Print that the first signal was received."""
    click.echo("Stopping within a few seconds; repeat to stop at once.", err=True)


def confirmed(question: str, *, yes: bool, as_json: bool) -> bool:
    """Return whether the user agrees; ask if there is a terminal, and no `--yes`.

    Raises:
        UsageError: nobody can be asked, also because of `--json`.
    """
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(
            "Add --yes: without it the command asks, which needs a terminal and excludes --json."
        )
    if click.confirm(question):
        return True
    click.echo("Nothing was changed.")
    return False


def asker() -> str:
    """Return who runs this command, for the journal: the account and its machine.

    Beside a service, a command is executed as the service's user, who is nobody: sudo tells who
    called it.
    """
    try:
        user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # In a container the account may have no name.
        user = str(os.getuid())
    # Without its domain, so that nobody takes it for an e-mail address.
    return f"{user}@{socket.gethostname().partition('.')[0]}"


def check_form(file: Path) -> None:
    """Raise a `ConfigurationError` if a name ends with no form of pages."""
    if file.suffix.lower() not in _FORMS:
        raise ConfigurationError(f"{file}: give a name that ends with {' or '.join(_FORMS)}.")


def write_page(file: Path, page: Paper, *, private: bool = False) -> None:
    """Write a page beside its place first: what is online stays whole, also on a full disk.

    A private page is its owner's alone.
    """
    new = file.with_name(f".{file.name}.new")
    try:
        try:
            new.touch(mode=0o600 if private else 0o666)
            new.write_text(_FORMS[file.suffix.lower()](page), encoding="utf-8")
            if file.exists() and not private:
                shutil.copymode(file, new)
            os.replace(new, file.resolve())
        finally:
            new.unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigurationError(f"{file}: cannot be written ({exc.strerror}).") from exc
