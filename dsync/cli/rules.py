"""`dsync rules`: shows versions of the rules, writes the pages that publish them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import json_option, settings_options
from dsync.errors import ConfigurationError, DsyncError

with later(globals()):
    from dsync.cli.output import check_form, print_json, write_page
    from dsync.cli.session import open_worker, reading
    from dsync.domain.dossier import PARIS
    from dsync.domain.paper import markdown
    from dsync.domain.rights import blank_list, notice
    from dsync.programme import NO_RULES, Programme, in_force, known_rules


if TYPE_CHECKING:
    from dsync.wiring import Worker

_STOPPED = (
    "The safety brake stopped the rules {}, so they are not in force: correct [regles] or "
    "[[controles]], or run `dsync accept rules`."
)


@click.group(cls=Group)
def rules() -> None:
    """Show a version of the rules, write the page that publishes them."""


@rules.command("show")
@click.argument("version", required=False)
@json_option
@settings_options()
def show(*, version: str | None, as_json: bool) -> None:
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

    It can be put online as it is. Its address belongs into publication_url, of [regles] or
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
