"""Generates docs/reference/contract.md: what users of dsync may rely on, by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dsync import errors
from dsync.cli import dsync
from dsync.database import PROGRAMME
from dsync.service.metrics import METRICS
from dsync.service.surface import ADDRESSES
from dsync.settings import VARIABLES
from dsync.store.reading_views import shipped_dictionary
from tests.commands.command import below
from tests.golden import keys

HERE = Path(__file__).parent
DOCUMENTS = HERE.parent / "outside" / "golden" / "commands.txt"
SIGNALS = {130, 143}
UNPROMISED = {"sandbox", "demo"}
DEPRECATED = {
    "`[[regles.overrides]]`": "deprecated since 1.0.0: answer the check `administration` instead",
}
"""What is to go, by its name here, since when and what replaces it."""


def page() -> str:
    """Return the page."""
    text = (HERE / "contract.md").read_text(encoding="utf-8")
    return re.sub(
        r"<!-- (\w+) -->",
        lambda mark: GENERATED[mark[1]]() if mark[1] in GENERATED else mark[0],
        text,
    )


def _commands() -> str:
    return "\n".join(_below(dsync, ()))


def _below(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    for name, command in sorted(below(group)):
        if name in UNPROMISED:
            continue
        of_group = isinstance(command, click.Group)
        if not of_group or command.invoke_without_command:
            taken = [*_taken(command)]
            yield f"- `{' '.join([*path, name])}`{': ' if taken else ''}{', '.join(taken)}"
        if of_group:
            yield from _below(command, (*path, name))


def _taken(command: click.Command) -> Iterator[str]:
    """Yield the arguments of a command and the options that not every command has."""
    for one in command.params:
        if isinstance(one, click.Argument):
            yield f"`{one.make_metavar(click.Context(command))}`"
        elif isinstance(one, click.Option) and not one.hidden and one.name not in SHARED:
            yield f"`{one.opts[0]}`"


SHARED = {one.name for one in dsync.params} | {"help"}


def _options() -> str:
    return ", ".join(f"`{one.opts[0]}`" for one in dsync.params)


def _codes() -> str:
    found, waiting = {0, *SIGNALS}, [errors.DsyncError]
    for kind in waiting:
        found.add(kind.exit_code)
        waiting += kind.__subclasses__()
    return ", ".join(map(str, sorted(found)))


def _documents() -> str:
    """Return the keys of the documents in the golden file, by command."""
    text = DOCUMENTS.read_text(encoding="utf-8")
    found: dict[str, dict[str, None]] = {}
    for line, code, document in re.findall(
        r"^## dsync (.+?) → (\d+)\n(.*?)(?=\n## |\Z)", text, re.MULTILINE | re.DOTALL
    ):
        command = re.sub(r"( \d.*| --(?!json).*| x .*)$", "", line.partition(" --")[0])
        try:
            said: Any = json.loads(document)
        except ValueError:
            continue
        first = said[0] if isinstance(said, list) and said else said
        if code in {"0", "7"} and isinstance(first, dict):
            found.setdefault(command, {}).update(dict.fromkeys(first))
    return "\n".join(
        f"- `{command}`: {', '.join(f'`{key}`' for key in names)}"
        for command, names in sorted(found.items())
    )


def _views() -> str:
    return "\n".join(
        f"- `{name}`: {', '.join(view.columns)}"
        for name, view in shipped_dictionary(PROGRAMME).items()
    )


def _settings() -> str:
    lines = []
    parts = re.findall(r"^### (.+?)\n\n(.*?)(?=\n### |\Z)", keys.sections(), re.M | re.S)
    for title, text in parts:
        # The keys of a table, or those that a sentence lists.
        found = re.findall(r"^[|] (`[^`]+`) [|]|^(`\w+`)[,.]$", text, re.MULTILINE)
        name = title.partition(",")[0]
        gone = f" ({DEPRECATED[name]})" if name in DEPRECATED else ""
        lines.append(f"- {name}{gone}: {', '.join(one or other for one, other in found)}")
    return "\n".join(lines)


GENERATED: Mapping[str, Callable[[], str]] = {
    "options": _options,
    "commands": _commands,
    "codes": _codes,
    "documents": _documents,
    "views": _views,
    "settings": _settings,
    "variables": lambda: ", ".join(f"`DSYNC_{name.upper()}`" for name in VARIABLES),
    "addresses": lambda: ", ".join(f"`{method} {path}`" for method, path, _ in ADDRESSES),
    "metrics": lambda: ", ".join(
        f"`{one.name}`{f' ({chr(44).join(one.labels)})' if one.labels else ''}" for one in METRICS
    ),
}
"""What each mark stands for."""
