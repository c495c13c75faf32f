"""`dsync dossier erase`: it uses the client of DS, as no other command about dossiers does."""

from __future__ import annotations

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import NUMBER, json_option, settings_options, wait_option

with later(globals()):
    from dsync.cli.output import confirmed
    from dsync.cli.reports import print_document
    from dsync.cli.runs import carry_out, finish
    from dsync.cli.session import load, reading
    from dsync.domain.ids import DossierNumber
    from dsync.errors import ConfigurationError, DSError, DSUnauthorizedError
    from dsync.sync.erasure import check_numbers
    from dsync.sync.work import Erase, LiftErasure, ReadDossiers

LIFTED = (
    "The erasure is undone. The next full read (`dsync sync --full`, or the service's at night) "
    "copies what was erased, because DS could not be read now."
)


@click.command("erase", cls=LazyCommand)
@click.argument("numeros", metavar="N...", type=NUMBER, nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Copy dossiers again that were erased here.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def erase(
    *, numeros: tuple[DossierNumber, ...], undo: bool, yes: bool, wait_s: float, as_json: bool
) -> None:
    """Erase the data of dossiers N here, for a request that comes outside DS.

    Their numbers, states, dates and verdicts without texts stay. They are not copied again,
    whatever DS shows, until --undo. Nothing changes in DS. All of one démarche are erased together.
    Asks first on a terminal; needs --yes elsewhere and with --json.
    """
    numeros = tuple(dict.fromkeys(numeros))
    settings = load(numeros, stored=True)
    if undo and not settings.is_configured:
        raise ConfigurationError(
            f"Nothing would copy them again, because no file configures démarche "
            f"{settings.demarche}: put its file back into the folder first."
        )
    with reading(settings) as reader:
        # Before the question, so that nobody confirms what cannot be done.
        check_numbers(reader, numeros, undo=undo)
    named = f"dossier{'s' * (len(numeros) > 1)} {', '.join(map(str, numeros))}"
    if not undo and not confirmed(f"Erase what is stored of {named}?", yes=yes, as_json=as_json):
        return
    work = LiftErasure(numeros) if undo else Erase(numeros)
    done = carry_out(work, as_json=as_json, wait_s=wait_s, settings=settings)
    if undo and not done.code:
        # An erased dossier is not there any more: to undo it, it is read from DS again.
        try:
            done = carry_out(ReadDossiers(numeros), as_json=as_json, settings=settings)
        except ConfigurationError as exc:
            raise ConfigurationError(f"{LIFTED} {exc.message}") from exc
        if done.code in (DSUnauthorizedError.exit_code, DSError.exit_code):
            click.echo(LIFTED, err=True)
    print_document(done.document, as_json=as_json)
    finish(done)
