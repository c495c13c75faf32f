"""`dsync check`: everything that could prevent a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from threading import Event
from typing import Any

import click

from dsync.cli.failures import IN_PART, Exit, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import current_flags, json_option, settings_options

with later(globals()):
    from dsync.care.prerequisites import exit_code_of
    from dsync.cli.output import clean, heading, pasteable, print_json, print_note
    from dsync.cli.session import concerning, load_all, open_worker, set_up_logging
    from dsync.domain.remedies import CheckLine, CheckStatus
    from dsync.settings import Settings, unknown_variables
    from dsync.wiring import Worker


CHECKS_AT_ONCE = 4
"""Each has connections of its own to DS and to the database."""
MARKS = {"ok": ("ok", "green"), "info": ("--", "blue"), "warning": ("!!", "yellow")}
MARKS["error"] = ("KO", "red")


@click.command(cls=LazyCommand)
@json_option
@settings_options()
def check(*, as_json: bool) -> None:
    """Check token, démarche, mapping, annotations, labels, instructeur, database, evidence.

    Prints one line for each, with the remedy. Writes nothing: the right to write is tried on one
    dossier of each groupe with a mutation without annotations, and [pieces] target, where files are
    copied, with an empty file that is deleted. -v lists each champ of the form that
    no field uses. The exit code is the first of 2, 5, 3, 8, 7 that one of the lines has.
    """
    found = load_all()
    variables = [
        CheckLine("settings", CheckStatus.WARNING, f"{name} is no setting of dsync", remedy)
        for name, remedy in unknown_variables().items()
    ]
    checked: list[tuple[int, list[CheckLine]]] = []
    if not as_json:
        for line in variables:
            _print_line(line)
    for settings, found_lines in _checks(found):
        if len(found) > 1 and not as_json:
            heading(f"Démarche {settings.demarche}")
        lines = []
        concerning(settings)
        for found_line in found_lines:
            line = replace(found_line, remedy=found_line.remedy and pasteable(found_line.remedy))
            lines.append(line)
            if not as_json:
                _print_line(line)
        checked.append((settings.demarche, lines))
    every = variables + [line for _, lines in checked for line in lines]
    code = exit_code_of(every)
    if as_json:
        documents: list[dict[str, Any]] = [
            {
                "checks": [asdict(line) for line in variables + lines],
                "exit_code": exit_code_of(lines),
            }
            for _, lines in checked
        ]
        if len(found) > 1:
            for (number, _), document in zip(checked, documents, strict=True):
                document["demarche"] = number
        print_json(documents if len(found) > 1 else documents[0])
    else:
        concerning(None)
        said = _conclusion(code, sum(line.status is CheckStatus.WARNING for line in every))
        click.echo(pasteable(said))
    if code:
        raise Exit(code)


def _checks(every: Sequence[Settings]) -> Iterator[tuple[Settings, Iterable[CheckLine]]]:
    """Yield the lines of each démarche: of a single one as they are known, else some at once."""
    every_champ = current_flags().verbose
    if len(every) == 1:
        with open_worker(every[0]) as worker:
            yield every[0], worker.check(every_champ=every_champ)
        return
    set_up_logging(every[0])
    stop = Event()

    def lines_of(settings: Settings) -> list[CheckLine]:
        with Worker(settings, stop=stop) as worker:
            return list(worker.check(every_champ=every_champ))

    with ThreadPoolExecutor(CHECKS_AT_ONCE) as pool:
        try:
            yield from zip(every, pool.map(lines_of, every), strict=True)
        except BaseException:
            # Those under way end at once, also on Ctrl-C.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _conclusion(code: int, warnings: int) -> str:
    if code:
        does = "runs, but leaves a part undone" if code == IN_PART else "cannot run"
        return f"Exit code {code}: `dsync sync` {does}. Do what → says, then `dsync check` again."
    if not warnings:
        return "No problem found: `dsync sync` can run."
    return f"`dsync sync` can run; {warnings} warning{'s' if warnings > 1 else ''} above."


def _print_line(line: CheckLine) -> None:
    """Print one line of the check, with its remedy below."""
    mark, colour = MARKS[line.status.value]
    print_note(f"{click.style(mark, fg=colour)}  {line.name}: {clean(line.message)}", hanging=4)
    if line.remedy:
        print_note(f"      → {clean(line.remedy)}", hanging=8)
