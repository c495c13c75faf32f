"""`dsync quarantine`: lists and retries dossiers that could not be read or judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import NUMBER, all_option, json_option, list_options, settings_options

with later(globals()):
    from dsync.cli.demarches import for_each, listed
    from dsync.cli.output import pasteable
    from dsync.cli.runs import carry_out, print_document
    from dsync.cli.session import load_each, reading
    from dsync.domain.ids import DossierNumber
    from dsync.messages.english import QUARANTINE
    from dsync.settings import Settings
    from dsync.store.quarantine import Quarantined
    from dsync.sync.work import ReadDossiers


@click.group(cls=Group)
def quarantine() -> None:
    """List dossiers that could not be read or judged, and retry them."""


@quarantine.command("list")
@list_options()
def list_(*, everywhere: bool, wide: bool, as_json: bool) -> None:
    """List the dossiers in quarantine with their reason."""
    found = listed(lambda reader: reader.quarantine.entries(), everywhere=everywhere)
    if found.print_as_json(Quarantined._asdict, as_json=as_json):
        return
    found.print(
        ("dossier", "since", "message", "code", "attempts", "last attempt"),
        lambda row: (
            row.numero,
            row.depuis,
            _reason(row),
            row.code,
            row.tentatives,
            row.dernier_essai_le,
        ),
        extra=("code", "attempts", "last attempt"),
        wide=wide,
        empty="No dossier is in quarantine.",
    )
    if found.rows:
        said = "Each full read retries them. To retry them now: `dsync quarantine retry`"
        click.echo(f"\n{pasteable(said)}")
        if any(row.code == "regle" for _, row in found.rows):
            click.echo(
                "A check that failed is a bug of dsync: report its message, and its traceback in "
                "the log of the run (check_failed)."
            )


def _reason(row: Quarantined) -> str:
    """Return a reason in English; the stored one is in French, and ends with the field's place."""
    if row.code not in QUARANTINE:
        return row.message
    _, bracket, place = row.message.rstrip(".").partition(" (")
    return f"{QUARANTINE[row.code]}{bracket}{place}."


@quarantine.command("retry")
@click.argument("numeros", metavar="[N]...", type=NUMBER, nargs=-1)
@all_option("Those of every configured démarche.")
@json_option
@settings_options()
def retry(*, numeros: tuple[DossierNumber, ...], everywhere: bool, as_json: bool) -> None:
    """Read and judge dossiers in quarantine again now: all, or those given."""

    def act(one: Settings, dossiers: Sequence[int]) -> tuple[Any, int]:
        chosen = tuple(map(DossierNumber, dossiers))
        if not chosen:
            with reading(one) as reader:
                chosen = tuple(row.numero for row in reader.quarantine.entries())
        if not chosen:
            if not as_json:
                click.echo("No dossier is in quarantine.")
            return {"retried": []}, 0
        done = carry_out(ReadDossiers(chosen), as_json=as_json, settings=one)
        if not as_json:
            print_document(done.document)
        return done.document, done.code

    for_each(load_each(numeros, everywhere=everywhere), act, as_json=as_json)
