"""`dsync evidence`, `dsync rules`: the catalogue, lists and rules on which verdicts depend."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import json_option, settings_options
from dsync.errors import ConfigurationError, DsyncError

with later(globals()):
    from dsync.care.prerequisites import missing_file
    from dsync.cli.output import (
        asker,
        check_form,
        clean,
        confirmed,
        print_json,
        print_note,
        print_table,
        write_page,
    )
    from dsync.cli.runs import carry_out, print_errors, print_moves
    from dsync.cli.session import load, open_worker, reading
    from dsync.configuration import shipped_config
    from dsync.database import open_database
    from dsync.domain.dossier import PARIS
    from dsync.domain.ids import DemarcheNumber
    from dsync.domain.paper import markdown
    from dsync.domain.remedies import ago
    from dsync.domain.rights import blank_list, notice
    from dsync.eig.precheck.lists import (
        ListDifference,
        ListProblemsError,
        ReferenceList,
        last_kept,
        parse_operateurs,
        put_back,
        replace_list,
        validate_list,
    )
    from dsync.eig.precheck.rules import CATEGORIES, list_file, lists_of
    from dsync.programme import NO_RULES, Programme, in_force, known_rules
    from dsync.settings import Settings
    from dsync.store.store import utc_now
    from dsync.sync.brakes.changed_rules import Moves
    from dsync.sync.report import Comparisons
    from dsync.sync.work import Precheck

if TYPE_CHECKING:
    from dsync.wiring import Worker


T = TypeVar("T")
SHOWN = 10
"""Entries of a list that are printed, of each that are added, removed or changed."""
NEXT = (
    "The next run judges open dossiers by it; if too many verdicts change, it stops for `dsync "
    "accept rules`."
)
MOST_DOSSIERS = 50
"""Dossiers that are printed with the verdicts that they would have."""


@click.group(cls=Group)
def evidence() -> None:
    """Show the evidence of verdicts, replace a list or undo that."""


@evidence.command("show")
@json_option
@settings_options()
def show_evidence(*, as_json: bool) -> None:
    """Show source, date and size of the catalogue and the lists, without network."""
    settings = load()
    with open_worker(settings) as worker:
        now, rules = worker.clock(), worker.eig.rule_set if worker.eig else None
        with reading(settings) as reader:
            document = _needed(worker.evidence(reader))
    if as_json:
        print_json(document)
        return
    catalogue, lists = document["catalogue"], document["lists"]
    click.echo(f"Rules {document['rules_version']}\n")
    if rules is None or not rules.needs_catalogue:
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


@evidence.command("update")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=click.IntRange(2000, 2100), help="Year of a list of opérateurs.")
@click.option("--source", help="Source of the list; stored with it.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@settings_options()
def update(*, file: Path, year: int | None, source: str | None, yes: bool) -> None:
    """Replace a list of the configuration by FILE (CSV: opérateurs, or legal categories).

    The whole file is validated first; a file with an error changes nothing. Shows what is added
    and removed and which verdicts change, then asks on a terminal; needs --yes elsewhere. The
    former list stays beside it: `dsync evidence undo` puts it back.
    """
    settings = load()
    # An upgrade of the package would overwrite the list.
    if settings.config.parent.parent.name == "dsync" and settings.sources["config"] == "default":
        raise ConfigurationError(
            "The shipped configuration belongs to the installed package: write a file of your own "
            "by `dsync config init`, set DSYNC_CONFIG to it, and run this again."
        )
    text = _text_of(file)
    found = validate_list(text, today=utc_now().date(), annee=year, source=source)
    lists, folder = _lists_of(settings)
    name = _name_in_use(found, folder, lists)
    target = folder / (name or found.filename)
    former = _text_of(list_file(name, folder, shipped_config().parent)) if name else None
    difference = ListDifference.of(former or "", found.text)
    click.echo(f"{target}: {found.entries} entries, from {found.source}.")
    if name is not None:
        _print_difference(difference)
        if gone := difference.gone:
            click.echo(f"  {gone}")
        _print_verdicts(settings, lists, name, found.text)
    question = f"Replace {target.name}?" if name else f"Write {target.name}?"
    if not confirmed(question, yes=yes, as_json=False):
        return
    with _journaled(settings, target.name, difference):
        kept = replace_list(target, found.text, former, utc_now())
    click.echo(f"{target}: written.")
    if kept is not None:
        print_note(f"{kept}: the former list; `dsync evidence undo` puts it back.")
    if name is None:
        place = f"parametres.{found.kind} of the check administration in {settings.config_name}"
        click.echo(f'Now add "{found.filename}" to {place}.')
    print_note(NEXT)


@evidence.command("undo")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@settings_options()
def undo(*, yes: bool) -> None:
    """Put the list back that the last `evidence update` replaced.

    Shows what is added and removed and which verdicts change, then asks on a terminal; needs --yes
    elsewhere. The present list is kept in its place, so that this can be undone, too.
    """
    settings = load()
    lists, folder = _lists_of(settings)
    found = last_kept(folder, lists)
    if found is None:
        raise ConfigurationError(f"No list in {folder} was replaced by an update: nothing to undo.")
    name, kept = found
    text = _text_of(kept)
    difference = ListDifference.of(_text_of(list_file(name, folder, shipped_config().parent)), text)
    click.echo(f"{folder / name}: back to {kept.name}.")
    _print_difference(difference)
    _print_verdicts(settings, lists, name, text)
    if not confirmed(f"Put {name} back?", yes=yes, as_json=False):
        return
    with _journaled(settings, name, difference, annule=True):
        put_back(folder / name, kept, utc_now())
    print_note(f"{folder / name}: written. {NEXT}")


def _lists_of(settings: Settings) -> tuple[tuple[str, ...], Path]:
    """Return the names of the lists in use, and their folder."""
    sections = settings.configuration.programme
    return lists_of(_needed(sections).controles), settings.config.parent


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{file}: cannot be read as UTF-8 text.") from exc


def _print_difference(difference: ListDifference) -> None:
    for what in ("added", "removed", "changed"):
        entries = getattr(difference, what)
        click.echo(f"  {len(entries)} {what}")
        for entry in entries[:SHOWN]:
            click.echo(f"    {clean(entry)}")
        if len(entries) > SHOWN:
            click.echo(f"    … and {len(entries) - SHOWN} more")


def _print_verdicts(settings: Settings, lists: Iterable[str], name: str, text: str) -> None:
    """Print which verdicts change with another text of a list, as far as this can be tried."""
    with TemporaryDirectory(prefix="dsync-") as temporary:
        folder = Path(temporary)
        for used in lists:
            if (own := settings.config.parent / used).is_file():
                shutil.copy(own, folder)
        (folder / name).write_text(text, encoding="utf-8")
        tried = replace(settings, config=folder / settings.config.name)
        try:
            done = carry_out(Precheck(), tried, as_json=True, dry=True)
        except DsyncError as exc:
            click.echo(f"  Verdicts were not tried: {exc.message}")
            return
    print_errors(done.document)
    comparisons = done.comparisons or Comparisons()
    print_moves(Moves.compared(comparisons))
    moved = [
        (one.numero, one.before.verdict.value, one.verdict.value)
        for one in comparisons
        if one.before and one.before.verdict is not one.verdict
    ]
    if moved:
        click.echo()
        print_table(("dossier", "before", "after"), moved[:MOST_DOSSIERS])
    if len(moved) > MOST_DOSSIERS:
        click.echo(f"… and {len(moved) - MOST_DOSSIERS} more")


@contextmanager
def _journaled(
    settings: Settings, name: str, difference: ListDifference, **more: Any
) -> Iterator[None]:
    """Record the change of a list in the journal, in a transaction around it."""
    if missing_file(settings.database_url):
        click.echo("There is no database yet, so no journal has this.", err=True)
        yield
        return
    counts = {"ajoutes": len(difference.added), "retires": len(difference.removed)}
    options = {"liste": name, **counts, "modifies": len(difference.changed), **more}
    number, now = DemarcheNumber(settings.demarche), utc_now()
    with (
        closing(open_database(settings.database_url, create=False)) as store,
        store.requests(number) as requests,
    ):
        requests.record("liste", options, asker(), since=now, now=now)
        yield


def _needed(part: T | None) -> T:
    """Return the programme's sections or rules; ConfigurationError: the configuration has none."""
    if part is None:
        raise ConfigurationError(NO_RULES)
    return part


def _name_in_use(found: ReferenceList, folder: Path, lists: Sequence[str]) -> str | None:
    """Return the file name of the used list of the same kind and year, None without one."""
    if found.kind == "categories_juridiques":
        return CATEGORIES
    shipped = shipped_config().parent
    for name in lists[:-1]:
        try:
            text = list_file(name, folder, shipped).read_text(encoding="utf-8")
            if parse_operateurs(text).annee == found.annee:
                return name
        except (OSError, UnicodeDecodeError, ListProblemsError):
            continue
    return None


_STOPPED = (
    "The safety brake stopped the rules {}, so they are not in force: correct "
    "[[controles]], or run `dsync accept rules`."
)


@click.group(cls=Group)
def rules() -> None:
    """Show a version of the rules, write the page that publishes them."""


@rules.command("show")
@click.argument("version", required=False)
@json_option
@settings_options()
def show_rules(*, version: str | None, as_json: bool) -> None:
    """Show VERSION of the rules whole, as French Markdown; default: those in force.

    The database keeps each version that gave a verdict; `dsync dossier show N` names it.
    """
    with open_worker() as worker:
        programme = _programme(worker, needs_rules=version is None)
    if version is None:
        rules = in_force(programme)
        version, document = rules.version, rules.document
        if _is_stopped(version):
            click.echo(f"  ! {_STOPPED.format(version)}", err=True)
    else:
        with reading() as reader:
            known = known_rules(programme, reader.verdicts.rules())
        if version not in known:
            named = (
                f"these are: {', '.join(known)}" if known else "none are; run `dsync sync` first"
            )
            raise ConfigurationError(f"No rules of version {version[:40]} are kept; {named}.")
        document = known[version]
    page = programme.rules_page(document=document)
    if as_json:
        print_json(document)
    else:
        click.echo(markdown(page), nl=False)


@rules.command("publish")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@settings_options()
def publish(*, file: Path) -> None:
    """Write the rules in force with their values into FILE, a French page (.md or .html).

    It can be put online as it is. Its address belongs into publication_url of
    [precontrole]. Beside it is written the notice for applicants on their data (RGPD, articles 13
    and 14), FILE-donnees-personnelles: fill in its blanks before.
    """
    check_form(file)
    with open_worker() as worker:
        programme, now = _programme(worker), worker.clock()
        facts = worker.configuration.notice_facts(worker.demarche)
    version = in_force(programme).version
    if _is_stopped(version):
        raise ConfigurationError(_STOPPED.format(version))
    beside = file.with_stem(f"{file.stem}-donnees-personnelles")
    pages = {
        file: programme.rules_page(now),
        beside: notice(facts, now.astimezone(PARIS).date()),
    }
    for path, page in pages.items():
        write_page(path, page)
    click.echo(f"{file}: rules {version}.\n{beside}: notice for applicants.")
    if facts.blanks:
        click.echo(f"  ! It has blanks: {blank_list(facts.blanks)}.", err=True)


def _programme(worker: Worker, *, needs_rules: bool = True) -> Programme:
    found = worker.programme
    if found is None or (needs_rules and not found.rules):
        raise ConfigurationError(NO_RULES)
    return found


def _is_stopped(version: str) -> bool:
    """Whether these rules wait for somebody to accept them; False without a database to ask."""
    try:
        with reading() as reader:
            asked = [one for one in reader.consents.all() if one.given_at is None]
    except DsyncError:
        return False
    return any(version in one.proposal.subjects for one in asked)
