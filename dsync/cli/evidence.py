"""`dsync evidence`: the catalogue and the lists on which verdicts depend."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import click

from dsync.cli.failures import Group
from dsync.cli.options import json_option, settings_options
from dsync.cli.output import asker, confirmed, print_json, print_note, print_table
from dsync.cli.runs import run_once
from dsync.cli.session import load, open_worker, reading
from dsync.configuration import shipped_config
from dsync.domain.durations import ago
from dsync.domain.programme import NO_RULES
from dsync.domain.run import Kind
from dsync.eig.precheck.config import RulesConfig
from dsync.eig.precheck.lists import (
    ListProblemsError,
    ReferenceList,
    parse_operateurs,
    validate_list,
)
from dsync.eig.precheck.rules import list_file
from dsync.eig.store import evidence as kept_evidence
from dsync.errors import ConfigurationError
from dsync.sync.context import utc_now
from dsync.sync.report import SyncOptions

T = TypeVar("T")


@click.group(cls=Group)
def evidence() -> None:
    """Show the evidence of verdicts, accept a catalogue, replace a list."""


@evidence.command("show")
@json_option
@settings_options()
def show(*, as_json: bool) -> None:
    """Show source, date and size of the catalogue and the lists, without network."""
    settings = load()
    with open_worker(settings) as worker:
        now, rules = worker.clock(), _needed(worker.programme.rules if worker.programme else None)
        with reading(settings) as reader:
            document = _needed(worker.evidence(reader))
    if as_json:
        print_json(document)
        return
    catalogue, lists = document["catalogue"], document["lists"]
    click.echo(f"Rules {rules.version}\n")
    if not rules.needs_catalogue:
        click.echo("Catalogue: not read, because no check needs it.")
    elif catalogue["fetched_at"] is None:
        click.echo(f"Catalogue {catalogue['source']}: not fetched yet; `dsync sync` fetches it.")
    else:
        print_note(
            f"Catalogue {catalogue['source']}: fetched {ago(catalogue['fetched_at'], now)}, "
            f"confirmed {ago(catalogue['confirmed_at'] or catalogue['fetched_at'], now)}"
        )
        if catalogue["error"]:
            click.echo(f"  last attempt failed: {catalogue['error']}")
        if catalogue["refused_since"] is not None:
            click.echo(f"  stopped by the safety brake {ago(catalogue['refused_since'], now)}")
    click.echo(f"Recherche d'entreprises: {'on' if document['registry_enabled'] else 'off'}\n")
    print_table(
        ("list", "entries", "source"),
        [(entry["list"], entry["entries"], entry["source"]) for entry in lists],
    )


@evidence.command("accept")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
@settings_options()
def accept(*, yes: bool, as_json: bool) -> None:
    """Accept the catalogue that the safety brake stopped, and judge open dossiers with it.

    It replaces the last good copy. Verdicts keep the product evidence that they have. Asks first on
    a terminal; needs --yes elsewhere and with --json.
    """
    with reading() as reader:
        copy = kept_evidence(reader.connection)
    if copy is None or copy.refused_sha256 is None:
        raise ConfigurationError(
            "The safety brake stopped no catalogue, so there is none to accept; "
            "`dsync evidence show` shows the age of the copy."
        )
    question = f"{copy.erreur}\nReplace the last good copy by it?"
    if confirmed(question, yes=yes, as_json=as_json):
        options = SyncOptions(work=Kind.PRECHECK, accept_evidence=True, started_by=asker())
        run_once(options, as_json=as_json)


@evidence.command("update")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=click.IntRange(2000, 2100), help="Year of a list of opérateurs.")
@click.option("--source", help="Source of the list; stored with it.")
@settings_options()
def update(*, file: Path, year: int | None, source: str | None) -> None:
    """Replace a list of the configuration by FILE (CSV: opérateurs, or legal categories).

    The whole file is validated first; a file with an error changes nothing.
    """
    settings = load()
    # An upgrade of the package would overwrite the list.
    if settings.config.parent.parent.name == "dsync" and settings.sources["config"] == "default":
        raise ConfigurationError(
            f"{settings.config} belongs to the installed package: copy its folder, set "
            "DSYNC_CONFIG to the copy, and run this again."
        )
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{file}: cannot be read as UTF-8 text.") from exc
    found = validate_list(text, today=utc_now().date(), annee=year, source=source)
    sections = settings.configuration.programme
    regles = _needed(sections.regles if sections else None)
    name = _name_in_use(found, settings.config.parent, regles)
    target = settings.config.parent / (name or found.filename)
    try:
        # Written beside it and renamed: a service that starts now reads the old list or the new
        # one.
        temporary = target.with_suffix(".new")
        temporary.write_text(found.text, encoding="utf-8")
        temporary.replace(target)
    except OSError as exc:
        raise ConfigurationError(f"{target}: cannot be written ({exc.strerror}).") from exc
    click.echo(f"{target}: {found.entries} entries, from {found.source}.")
    if name is None:
        click.echo(f'Now add "{found.filename}" to {found.kind} in [regles] of {settings.config}.')
    click.echo("The next run judges open dossiers by it.")


def _needed(part: T | None) -> T:
    """Return the programme's sections or rules.

    Raises:
        ConfigurationError: the configuration has none.
    """
    if part is None:
        raise ConfigurationError(NO_RULES)
    return part


def _name_in_use(found: ReferenceList, folder: Path, regles: RulesConfig) -> str | None:
    """Return the file name of the configured list of the same kind and year, None without one."""
    if found.kind == "categories_juridiques":
        return regles.categories_juridiques
    shipped = shipped_config().parent
    for name in regles.operateurs:
        try:
            text = list_file(name, folder, shipped).read_text(encoding="utf-8")
            if parse_operateurs(text).annee == found.annee:
                return name
        except (OSError, UnicodeDecodeError, ListProblemsError):
            continue
    return None
