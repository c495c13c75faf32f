"""`dsync quarantine`: lists and retries dossiers that could not be read or judged."""

from __future__ import annotations

import click

from dsync.cli.failures import Group
from dsync.cli.options import NUMBER, json_option, settings_options, wide_option
from dsync.cli.output import print_json, print_table
from dsync.cli.runs import run_once
from dsync.cli.session import reading
from dsync.domain.ids import DossierNumber
from dsync.sync.work import ReadDossiers


@click.group(cls=Group)
def quarantine() -> None:
    """List dossiers that could not be read or judged, and retry them."""


@quarantine.command("list")
@wide_option
@json_option
@settings_options()
def list_(*, wide: bool, as_json: bool) -> None:
    """List the dossiers in quarantine with their reason."""
    with reading() as reader:
        found = reader.quarantine.entries()
    if as_json:
        print_json([row._asdict() for row in found])
        return
    print_table(
        ("dossier", "since", "message", "code", "attempts", "last attempt"),
        [
            (row.numero, row.depuis, row.message, row.code, row.tentatives, row.dernier_essai_le)
            for row in found
        ],
        extra=("code", "attempts", "last attempt"),
        wide=wide,
        empty="No dossier is in quarantine.",
    )
    if found:
        click.echo("\nEach full read retries them. To retry them now: dsync quarantine retry")


@quarantine.command("retry")
@click.argument("numeros", metavar="[N]...", type=NUMBER, nargs=-1)
@json_option
@settings_options()
def retry(*, numeros: tuple[DossierNumber, ...], as_json: bool) -> None:
    """Read and judge dossiers in quarantine again now: all, or those given."""
    if not numeros:
        with reading() as reader:
            numeros = tuple(row.numero for row in reader.quarantine.entries())
    if not numeros:
        if as_json:
            print_json({"retried": []})
        else:
            click.echo("No dossier is in quarantine.")
        return
    run_once(ReadDossiers(numeros), as_json=as_json)
