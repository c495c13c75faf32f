"""`dsync config`, `dsync check`: the settings, and everything that could prevent a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Any

import click

from dsync.cli.failures import IN_PART, Exit, Group, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import current_flags, json_option, settings_options
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.care.prerequisites import exit_code_of
    from dsync.cli.output import clean, heading, pasteable, print_json, print_note, print_table
    from dsync.cli.session import concerning, load, load_all, open_worker, set_up_logging
    from dsync.configuration import OWN_CONFIG, shipped_config
    from dsync.domain.remedies import CheckLine, CheckStatus
    from dsync.domain.toml import TO_CHECK
    from dsync.settings import SANDBOX_DEMARCHE, Settings, unknown_variables
    from dsync.wiring import Worker


NEXT = "`dsync config check`, `dsync check`, `dsync sync`"
"""What follows a first file."""


@click.group(cls=Group)
def config() -> None:
    """Write the first configuration file, show or check the settings."""


@config.command("init")
@click.argument("file", default="dsync.toml", metavar="[FILE]", type=click.Path(path_type=Path))
@settings_options()
def init(*, file: Path) -> None:
    """Write the first configuration FILE of the démarche of --demarche N or DSYNC_DEMARCHE.

    Reads the form, the labels and the instructeurs from DS with the token. The file works as it is;
    what a person has to decide is a comment in it. FILE is `dsync.toml` by default, and never
    overwritten; `-` prints the file.
    """
    if str(file) != "-" and file.exists():
        raise ConfigurationError(
            f"{file} exists already, and is not overwritten: name another file, or `-` to print."
        )
    # The new file is made from the shipped one, whatever DSYNC_CONFIG names.
    settings = load(config=shipped_config())
    if settings.sources["demarche"] == "file" and settings.demarche == SANDBOX_DEMARCHE:
        raise ConfigurationError(
            "Which démarche is the file for? Give its number by --demarche N or DSYNC_DEMARCHE."
        )
    with open_worker(settings) as worker:
        made = worker.new_config()
    if str(file) == "-":
        click.echo(made.text, nl=False)
        return
    try:
        # « x »: never over a file that was made since the test above.
        with file.open("x", encoding="utf-8") as opened:
            opened.write(made.text)
    except OSError as exc:
        raise ConfigurationError(f"{file}: cannot be written ({exc.strerror}).") from exc
    print_note(f"{file}: {made.sentence}")
    click.echo(f"Places to look at: {made.to_check}, marked with « {TO_CHECK} ».")
    if file == OWN_CONFIG:
        print_note(f"It is found in this folder. Next: {NEXT}.")
        return
    print_note(f"Next: export DSYNC_CONFIG={shlex.quote(str(file))}, then {NEXT}.")


@config.command("show")
@json_option
@settings_options()
def show(*, as_json: bool) -> None:
    """Show the value of each setting and where it comes from; secrets are masked.

    Of several configured démarches, each is shown.
    """
    found = load_all()
    if as_json:
        documents = [_values(settings) for settings in found]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    for settings in found:
        if len(found) > 1:
            heading(f"Démarche {settings.demarche}")
        values = settings.shown()
        rows = [(name, value, settings.sources[name]) for name, value in values.items()]
        print_table(("setting", "value", "from"), rows)


def _values(settings: Settings) -> dict[str, Any]:
    return {
        name: {"value": value, "source": settings.sources[name]}
        for name, value in settings.shown().items()
    }


@config.command("check")
@json_option
@settings_options()
def check_offline(*, as_json: bool) -> None:
    """Check settings, configuration files, rules and lists; print all problems at once."""
    every = load_all()
    documents = [_checked(settings) for settings in every]
    if as_json:
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    for document, console in zip(documents, _consoles(every), strict=True):
        for warning in document["warnings"]:
            click.echo(f"Warning: {warning}", err=True)
        version = document["rules_version"]
        rules = f"rules {version}" if version else "no rules"
        click.echo(f"{document['config']}: valid; {rules}.")
        for name in document["shipped_lists"]:
            click.echo(f"  {name}: the shipped list, because there is none beside the file.")
        if console:
            click.echo(f"  {console}")
    click.echo("Next: `dsync check` asks DS and the database.")


def _consoles(every: Sequence[Settings]) -> list[str]:
    """Return what is said of each file's part in the console of several démarches; "" of one."""
    first = next((one for one in every if one.configuration.console.public_url), None)
    if first is None or len(every) == 1:
        return [""] * len(every)
    needs_role = first.configuration.console.openid is not None
    lacks_role = "; nobody has a role in it: add [[acces]]"
    return [
        (
            f"console: of all {len(every)} démarches"
            if one is first
            else f"console: [console] of {first.config.name}"
        )
        + (lacks_role if needs_role and not one.configuration.acces else "")
        for one in every
    ]


def _checked(settings: Settings) -> dict[str, Any]:
    with open_worker(settings) as worker:
        programme, warnings = worker.programme, _warnings(worker)
        rules = programme and programme.rules
    return {
        "config": settings.config_name,
        "rules_version": rules.version if rules else None,
        "shipped_lists": list(rules.shipped_lists) if rules else [],
        "unknown_variables": list(unknown_variables()),
        "warnings": warnings,
    }


def _warnings(worker: Worker) -> list[str]:
    """Return problems that do not prevent a test against the sandbox."""
    warnings = [
        f"{name} is no setting of dsync; {remedy}" for name, remedy in unknown_variables().items()
    ]
    sections, declared = worker.configuration.programme, worker.configuration.declared
    given = worker.configuration.model_fields_set
    warnings += [
        f"[{name}] has no effect without [[controles]]: nothing is judged"
        for name in ("annotations", "registre")
        if name in given and not (sections and sections.controles)
        if not declared
    ]
    warnings += worker.programme.findings.warnings() if worker.programme else ()
    try:
        worker.demarche  # noqa: B018 - a property that raises
    except ConfigurationError as exc:
        warnings.append(exc.message)
    return warnings


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
