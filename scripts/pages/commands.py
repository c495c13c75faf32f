"""The command line as a page: what each command's own help says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from dsync.cli import dsync
from scripts.pages.table import rows


def below(group: click.Group) -> list[tuple[str, click.Command]]:
    """Return a group's commands, imported."""
    context = click.Context(group)
    found = [(name, group.get_command(context, name)) for name in group.list_commands(context)]
    return [(name, command) for name, command in found if command is not None]


def commands(
    group: click.Group = dsync, path: tuple[str, ...] = ("dsync",)
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command and group below one, each with its full name, a group before its own."""
    for name, command in below(group):
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def of_all() -> str:
    """Return the table of the options that each command has."""
    return rows(("option", "meaning"), _options(dsync, _context(dsync, "dsync")))


def documented() -> str:
    """Return a part for each command and group, in the order of the help."""
    return "\n\n".join(_part(name, command) for name, command in commands())


def _context(command: click.Command, name: str) -> click.Context:
    # With the root's settings: a command keeps its help option once it was asked for it.
    return click.Context(command, info_name=name, **dsync.context_settings)


def _part(name: str, command: click.Command) -> str:
    context = _context(command, name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"{'##' if name.count(' ') < 2 else '###'} {name}", f"`{usage}`"]
    parts += [_prose(text) for text in (command.help, command.epilog) if text]
    if options := _options(command, context):
        parts.append(rows(("option", "meaning"), options))
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    """Return a help text, in which a paragraph behind a backspace keeps its lines."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text).replace("\b\n", "\b"))
    return "\n\n".join(
        f"```text\n{paragraph[1:]}\n```"
        if paragraph.startswith("\b")
        else re.sub(r"\s+", " ", paragraph).replace("*", r"\*")
        for paragraph in paragraphs
    )


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    """Return each option with what follows it, and its meaning with the values it takes."""
    found = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if not isinstance(parameter, click.Option) or record is None:
            continue
        written, meaning = record
        if isinstance(parameter.type, click.Choice):
            written = ", ".join([*parameter.opts, *parameter.secondary_opts])
            meaning = f"{' or '.join(f'`{one}`' for one in parameter.type.choices)}. {meaning}"
        found.append((f"`{written.replace('|', ' or ')}`", re.sub(r"\s+", " ", meaning)))
    return found
