"""`dsync conflicts`: lists and resolves the values of humans that dsync did not overwrite."""

from __future__ import annotations

from typing import Any

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import NUMBER, all_option, list_options, settings_options, together

with later(globals()):
    from dsync.annotations.wish import Wish
    from dsync.cli.demarches import Listed, listed
    from dsync.cli.output import asker, cut, pasteable, shown
    from dsync.cli.session import check_here, load_all, load_each, open_worker
    from dsync.domain.ids import DossierNumber
    from dsync.sync.handing_over import Choice, end_conflicts


ANNOTATIONS = ("resultat", "detail", "date", "label")
WIDTH = 60
"""Width of a value in the list; `--json` prints it whole."""


@click.group(cls=Group, invoke_without_command=True)
@list_options(wide=False)
@click.pass_context
def conflicts(context: click.Context, *, everywhere: bool, as_json: bool) -> None:
    """List and resolve human edits that stopped a push; without a subcommand: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_, everywhere=everywhere, as_json=as_json)


@conflicts.command("list")
@list_options(wide=False)
def list_(*, everywhere: bool, as_json: bool) -> None:
    """List the values that humans wrote, dsync's own values, and since when they differ.

    DS shows when an annotation was written, not by whom; of a label not even that: the date is when
    the human's value was first seen.
    """
    found = listed(lambda reader: reader.wishes.conflicts(), everywhere=everywhere)

    def document(conflict: Wish) -> dict[str, Any]:
        return {
            "numero": conflict.numero,
            "annotation": conflict.annotation,
            "valeur": conflict.valeur,
            "valeur_distante": conflict.valeur_distante,
            "depuis": conflict.distante_le or conflict.creee_le,
            "erreur": conflict.erreur,
        }

    if found.print_as_json(document, as_json=as_json):
        return
    own = Listed([one for one in found.rows if one[1].erreur is None], found.demarches)
    has_annotations = any(
        one.configuration.annotations for one in load_all(stored=True, goes_on=True)
    )
    own.print(
        ("dossier", "annotation", "in DS", "dsync wants", "since"),
        lambda conflict: (
            conflict.numero,
            conflict.annotation,
            cut(shown(conflict.valeur_distante or "(empty)"), WIDTH),
            cut(shown(conflict.valeur), WIDTH),
            conflict.distante_le or conflict.creee_le,
        ),
        empty="No conflict."
        if has_annotations
        else "No conflict: the configuration has no section [annotations], so nothing is written "
        "into DS.",
    )
    if blocked := len(found.rows) - len(own.rows):
        click.echo(f"\n{blocked} more are blocked by the result of their dossier.")
    if own.rows:
        number = own.rows[0][1].numero
        click.echo(
            pasteable(
                f"\nTo keep the human's value: `dsync conflicts keep {number}`"
                f"\nTo overwrite it: `dsync push --force --dossier {number}`"
                f"\nIf dsync wrote it: `dsync conflicts adopt {number}`"
                "\nkeep and adopt also take several numbers and --annotation NAME, keep --all."
            )
        )


_choosing = together(
    click.argument("numbers", metavar="[N]...", nargs=-1, type=NUMBER),
    click.option(
        "--annotation",
        type=click.Choice(ANNOTATIONS),
        help="Only this one; with resultat also those that it blocks.",
    ),
)
"""What selects conflicts."""


@conflicts.command("keep")
@_choosing
@all_option("Those of every configured démarche.")
@settings_options()
def keep(*, numbers: tuple[DossierNumber, ...], everywhere: bool, annotation: str | None) -> None:
    """Keep the values that humans wrote in dossiers N.

    Neither this verdict nor a later one is written over them. One that wants another value is a
    conflict again.
    """
    for numero, count in _resolve(Choice.KEEP, numbers, annotation, everywhere=everywhere).items():
        click.echo(f"Dossier {numero}: the human's value stays ({_plural(count)} resolved).")


@conflicts.command("adopt")
@_choosing
@settings_options()
def adopt(*, numbers: tuple[DossierNumber, ...], annotation: str | None) -> None:
    """Treat the current values in dossiers N as written by dsync.

    The next push replaces them. What another database of dsync wrote is shown, and taken over, by
    `dsync accept writer`.
    """
    ended = _resolve(Choice.ADOPT, numbers, annotation)
    if ended:
        count = _plural(sum(ended.values()))
        click.echo(f"{count} adopted: the next push replaces the values that differ.")


def _resolve(
    choice: Choice,
    numbers: tuple[DossierNumber, ...],
    annotation: str | None,
    *,
    everywhere: bool = False,
) -> dict[DossierNumber, int]:
    """Resolve the chosen conflicts, return how many by dossier, and print which have none."""
    # Neither, or both: what is meant is not clear.
    if everywhere == bool(numbers):
        also = ", or --all" if choice is Choice.KEEP else ""
        raise click.UsageError(f"Give the numbers of dossiers{also}.")
    ended: dict[DossierNumber, int] = {}
    for one, dossiers in load_each(numbers, everywhere=everywhere):
        check_here(one, dossiers)
        with open_worker(one, may_create=False) as worker:
            ended |= end_conflicts(
                worker.store,
                worker.demarche,
                choice,
                worker.clock(),
                asked_by=asker(),
                numbers=None if everywhere else tuple(map(DossierNumber, dossiers)),
                annotation=annotation,
            )
    for numero in numbers:
        if numero not in ended:
            click.echo(f"Dossier {numero} has no such open conflict.")
    if everywhere and not ended:
        click.echo("There is no such open conflict.")
    return ended


def _plural(count: int) -> str:
    return f"{count} conflict{'s' if count != 1 else ''}"
