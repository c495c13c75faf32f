"""`dsync conflicts`: human edits that stopped a push."""

from __future__ import annotations

import click

from dsync.cli.failures import Group
from dsync.cli.options import DOSSIER_NUMBER, json_option, settings_options
from dsync.cli.output import cut, print_json, print_table, shown


@click.group(cls=Group, invoke_without_command=True)
@json_option
@settings_options()
@click.pass_context
def conflicts(context: click.Context, *, as_json: bool) -> None:
    """List, and settle, human edits that stopped a push; without a subcommand: list."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@conflicts.command("list")
@json_option
@settings_options()
def list_(*, as_json: bool) -> None:
    """List what dsync wanted, what a human put there, and since when."""
    _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    from dsync.cli.session import reading

    with reading() as reader:
        found = reader.conflicts()
    if as_json:
        print_json(
            [
                {
                    "numero": conflict.numero,
                    "annotation": conflict.annotation,
                    "valeur": conflict.valeur,
                    "valeur_distante": conflict.valeur_distante,
                    "depuis": conflict.creee_le,
                    "erreur": conflict.erreur,
                }
                for conflict in found
            ]
        )
        return
    print_table(
        ("dossier", "annotation", "dsync wants", "in DS", "since"),
        [
            (
                conflict.numero,
                conflict.annotation,
                cut(shown(conflict.valeur), 50),
                cut(shown(conflict.valeur_distante), 50),
                conflict.creee_le,
            )
            for conflict in found
        ],
        empty="No conflict.",
    )
    if found:
        click.echo(
            f"\nTo keep the human's hand: dsync conflicts accept {found[0].numero}"
            f"\nTo go over it: dsync push --force --dossier {found[0].numero}"
            "\nWhen the database was lost and these are dsync's own: dsync conflicts adopt"
        )


@conflicts.command("accept")
@click.argument("numero", metavar="N", type=DOSSIER_NUMBER)
@settings_options()
def accept(*, numero: int) -> None:
    """Keep the human's value in dossier N: dsync does not write there again."""
    from dsync.cli.session import worker
    from dsync.domain.ids import DossierNumber
    from dsync.sync.settle import accept_conflicts

    with worker(may_create=False) as app:
        count = accept_conflicts(app.store, app.demarche, DossierNumber(numero), app.clock())
    if count:
        click.echo(f"Dossier {numero}: what the human wrote stays ({_plural(count)} settled).")
    else:
        click.echo(f"Dossier {numero} has no open conflict.")


@conflicts.command("adopt")
@click.argument("numero", metavar="[N]", type=DOSSIER_NUMBER, required=False)
@settings_options()
def adopt(*, numero: int | None) -> None:
    """Take what stands in DS as dsync's own (of dossier N, or of all: after a lost database)."""
    from dsync.cli.session import worker
    from dsync.domain.ids import DossierNumber
    from dsync.sync.settle import adopt_conflicts

    with worker(may_create=False) as app:
        number = None if numero is None else DossierNumber(numero)
        count = adopt_conflicts(app.store, app.demarche, number, app.clock())
    if count:
        click.echo(f"{_plural(count)} adopted: the next push replaces what has to be replaced.")
    else:
        click.echo("There is no open conflict to adopt.")


def _plural(count: int) -> str:
    return f"{count} conflict{'s' if count != 1 else ''}"
