"""`dsync rules`: shows versions of the rules, writes the page that publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dsync.cli.failures import Group
from dsync.cli.options import json_option, settings_options
from dsync.cli.output import print_json
from dsync.cli.session import open_worker, reading
from dsync.domain.paper import Page, html, markdown
from dsync.eig.publication import published_rules
from dsync.eig.rows import rules as kept_rules
from dsync.eig.rows import rules_versions
from dsync.errors import ConfigurationError, DsyncError
from dsync.programme import NO_RULES
from dsync.sync.context import utc_now
from dsync.sync.moves import Moves

FORMS = {".md": markdown, ".html": html}
_STOPPED = (
    "The safety brake stopped the rules {}, so they are not in force: correct [regles], or run "
    "`dsync precheck accept`."
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
    document: Mapping[str, Any] | None
    if version is None:
        version, page, document = _in_force()
        if _is_stopped(version):
            click.echo(f"  ! {_STOPPED.format(version)}", err=True)
    else:
        with reading() as reader:
            document = kept_rules(reader.connection, version)
            known = rules_versions(reader.connection)
        if document is None:
            named = (
                f"these have: {', '.join(known)}" if known else "none has; run `dsync sync` first"
            )
            raise ConfigurationError(f"No verdict was given by rules {version[:40]}; {named}.")
        page = published_rules(document)
    if as_json:
        print_json(document)
    else:
        click.echo(markdown(page), nl=False)


@rules.command("publish")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@settings_options()
def publish(*, file: Path) -> None:
    """Write the rules in force with their values into FILE, a French page (.md or .html).

    It can be put online as it is. The address belongs into [regles] publication_url.
    """
    write = FORMS.get(file.suffix.lower())
    if write is None:
        raise ConfigurationError(f"{file}: give a name that ends with {' or '.join(FORMS)}.")
    version, page, _ = _in_force(utc_now())
    if _is_stopped(version):
        raise ConfigurationError(_STOPPED.format(version))
    try:
        file.write_text(write(page), encoding="utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{file}: cannot be written ({exc.strerror}).") from exc
    click.echo(f"{file}: rules {version}.")


def _in_force(now: datetime | None = None) -> tuple[str, Page, Mapping[str, Any]]:
    """Return version, page and document of the rules in force."""
    with open_worker() as worker:
        found = worker.programme
    if found is None or not found.judges:
        raise ConfigurationError(NO_RULES)
    return found.rules_version, found.rules_page(now), found.rules_document()


def _is_stopped(version: str) -> bool:
    """Whether these rules wait for somebody to accept them; False without a database to ask."""
    try:
        with reading() as reader:
            stopped = Moves.stored(reader.state.read().refused_rules)
    except DsyncError:
        return False
    return stopped is not None and stopped.version == version
