"""`dsync push`: sends the wishes of the outbox that are due."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import dossiers_option, run_options
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.cli.demarches import for_each
    from dsync.cli.output import print_note, print_table
    from dsync.cli.runs import carry_out, finish, print_document
    from dsync.cli.session import load_each, reading
    from dsync.domain.ids import DossierNumber
    from dsync.settings import Settings
    from dsync.sync.work import Overwrite, Push


@click.command(cls=LazyCommand)
@dossiers_option()
@click.option(
    "--force",
    is_flag=True,
    help="With --dossier: overwrite a human's value, also after validation; recorded in the "
    "journal. Asks first on a terminal; needs --yes elsewhere and with --json.",
)
@click.option("--yes", is_flag=True, help="With --force: do not ask first.")
@run_options("Of every configured démarche, one after the other.")
def push(
    *,
    dossiers: tuple[DossierNumber, ...],
    force: bool,
    yes: bool,
    everywhere: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Send the open and the refused annotations now, without reading dossiers.

    Annotations that were sent without an answer are read back first, 35 s after they were sent at
    the earliest: the command prints that it waits.
    """
    if force and not dossiers:
        raise click.UsageError("--force needs --dossier N: it overwrites what a human wrote.")
    asks = force and not yes
    if asks and (as_json or not sys.stdin.isatty()):
        raise click.UsageError(
            "--force overwrites what humans wrote: see `dsync conflicts list`, then add --yes. "
            "Without --yes it asks, which needs a terminal and excludes --json."
        )

    def act(settings: Settings, numbers: tuple[int, ...]) -> tuple[Any, int]:
        chosen = tuple(map(DossierNumber, numbers))
        if settings.configuration.annotations is None:
            raise ConfigurationError(
                "Nothing is written into DS, because the configuration has no section "
                "[annotations]: add it as in the shipped file."
            )
        work = Overwrite(chosen) if force else Push(chosen)
        if asks:
            shown = _confirmed(chosen, settings)
            if shown is None:
                click.echo("Nothing was sent.")
                return None, 0
            # Only the values that were shown may be overwritten: others may have been typed since.
            work = Overwrite(chosen, shown)
        done = carry_out(work, as_json=as_json, wait_s=wait_s, settings=settings)
        if not as_json:
            print_document(done.document)
            _print_stopped(chosen, settings)
        return done.document, done.code

    each = load_each(dossiers, everywhere=everywhere)
    if everywhere:
        # Into the others nothing is written: nothing is wrong with that, unless all are so.
        each = [one for one in each if one[0].configuration.annotations] or each
    for_each(each, act, as_json=as_json)


def _print_stopped(dossiers: tuple[DossierNumber, ...], settings: Settings) -> None:
    with reading(settings) as reader:
        stopped = sorted({one.numero for one in reader.wishes.conflicts()} & set(dossiers))
    if stopped:
        print_note(
            f"A human's value was kept in dossier {', '.join(map(str, stopped))}: see it with "
            f"`dsync conflicts`, overwrite it with `dsync push --force --dossier {stopped[0]}`."
        )


def _confirmed(
    dossiers: tuple[DossierNumber, ...], settings: Settings
) -> dict[DossierNumber, dict[str, str]] | None:
    """Show the current value and the new one of each annotation, and ask for confirmation.

    Neither lease nor database is open during the question, and Ctrl-C ends it. Returns the values
    shown, by dossier and annotation; None when they may not be overwritten.
    """
    preview = carry_out(Overwrite(dossiers), as_json=False, dry=True, settings=settings)
    mutations = preview.document.get("mutations", ())
    rows = [
        (mutation["dossier"], name, there or None, mutation["becomes"][name])
        for mutation in mutations
        for name, there in mutation.get("replaced", {}).items()
    ]
    if not rows:
        print_document(preview.document, dry=True)
        finish(preview)
        return None
    print_table(("dossier", "annotation", "in DS now", "would become"), rows)
    if not click.confirm("Overwrite the values in DS?"):
        return None
    shown: dict[DossierNumber, dict[str, str]] = defaultdict(dict)
    for mutation in mutations:
        shown[mutation["dossier"]] |= mutation.get("replaced", {})
    return shown
