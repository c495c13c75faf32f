"""`dsync forget`: removes a démarche that was taken out of the configuration."""

from __future__ import annotations

from contextlib import closing

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import NUMBER, current_flags, json_option, settings_options, wait_option
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.cli.output import announce_stop, confirmed, print_json
    from dsync.cli.session import check_known, set_up_logging
    from dsync.configuration import headline
    from dsync.database import open_database
    from dsync.domain.ids import DemarcheNumber
    from dsync.service.signals import StopSignals
    from dsync.settings import load_each
    from dsync.sync.erasure import forget as remove


@click.command(cls=LazyCommand)
@click.argument("numero", metavar="N", type=NUMBER)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def forget(*, numero: int, yes: bool, wait_s: float, as_json: bool) -> None:
    """Remove all that is stored of démarche N, which no file configures any more.

    Its dossiers, verdicts, journal and views, and the copies of its files. Nothing changes in DS.
    Asks first on a terminal; needs --yes elsewhere and with --json.
    """
    number = DemarcheNumber(numero)
    # Whichever démarche is selected: a wrong file may be that of this one.
    loaded = load_each(**current_flags().settings)
    if wrong := loaded.each_problem:
        raise ConfigurationError(
            f"Démarche {number} is not forgotten: first correct these files, one of which may be "
            f"that of {number}.\n{headline(wrong)}",
            wrong,
        )
    settings = loaded.found[0]
    if number in (settings.folder or (settings.demarche,)):
        raise ConfigurationError(
            f"Démarche {number} is still configured, and would be read again: first take its file "
            "out of the folder of DSYNC_CONFIG, which a running service notices within a minute."
        )
    set_up_logging(settings)
    with closing(open_database(settings.database_url, create=False)) as store:
        check_known(store, number)
        with store.reading(number) as reader:
            dossiers = sum(reader.dossiers.counts()["presence"].values())
            files = len(reader.pieces.addresses())
        question = f"Remove démarche {number}: {dossiers} dossiers, {files} copies of files?"
        if not confirmed(question, yes=yes, as_json=as_json):
            return
        with StopSignals(announce=announce_stop) as signals:
            remove(store, number, signals.stop, wait_s)
    if as_json:
        print_json({"demarche": number, "dossiers": dossiers, "files": files})
        return
    click.echo(f"Démarche {number} is removed: {dossiers} dossiers, {files} copies of files.")
