"""`dsync sync`, `dsync push`, `dsync pieces`: has what is asked for read, written or copied now."""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime
from typing import Any

import click

from dsync.cli.failures import Group, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import INSTANT, dossiers_option, list_options, run_options
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.cli.output import pasteable, print_json, print_note, print_table
    from dsync.cli.runs import acting, carry_out, finish, print_document, told
    from dsync.cli.session import Listed, for_each, listed, load_each, reading
    from dsync.domain.ids import DossierNumber
    from dsync.domain.pieces import CopyState
    from dsync.settings import Settings
    from dsync.store.store import utc_now
    from dsync.sync.work import (
        CopyPieces,
        Overwrite,
        Push,
        Read,
        ReadAll,
        ReadChanges,
        ReadDossiers,
    )


@click.command(cls=LazyCommand)
@click.option("--full", is_flag=True, help="Read every dossier; finds dossiers that disappeared.")
@click.option(
    "--since", type=INSTANT, metavar="T", help="Read dossiers changed since T (ISO, UTC)."
)
@dossiers_option("Read only this dossier; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be sent to DS.")
@click.option("--no-push", is_flag=True, help="Read and judge, but write nothing into DS.")
@run_options("Of every configured démarche, one after the other.")
def sync(
    *,
    full: bool,
    since: datetime | None,
    dossiers: tuple[DossierNumber, ...],
    dry_run: bool,
    no_push: bool,
    everywhere: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Do one run now: read changed dossiers from DS, pre-check them, write the results back.

    While `dsync run` serves this démarche, it does the run and this command follows it to its end;
    Ctrl-C takes back what has not begun.
    """
    if sum((full, since is not None, bool(dossiers))) > 1:
        raise click.UsageError("--full, --since and --dossier exclude each other.")
    if since is not None and since > utc_now():
        raise click.UsageError("--since is in the future.")
    push = not no_push

    def work(numbers: tuple[DossierNumber, ...]) -> Read:
        if numbers:
            return ReadDossiers(numbers, push=push)
        if full:
            return ReadAll(push=push)
        return ReadChanges(since, push=push)

    act = acting(work, as_json=as_json, dry=dry_run, wait_s=wait_s, may_create=True)
    for_each(load_each(dossiers, everywhere=everywhere), act, as_json=as_json)


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

    def act(settings: Settings, chosen: tuple[DossierNumber, ...]) -> tuple[Any, int]:
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
        done = told(work, settings, as_json=as_json, wait_s=wait_s)
        if not as_json:
            _print_stopped(chosen, settings)
        return done

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
    preview = carry_out(Overwrite(dossiers), settings, as_json=False, dry=True)
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


@click.group(cls=Group)
def pieces() -> None:
    """Copy the dossiers' files, where [pieces] has a target."""


@pieces.command("fetch")
@dossiers_option()
@run_options("Of every configured démarche, one after the other.")
def fetch(
    *, dossiers: tuple[DossierNumber, ...], everywhere: bool, wait_s: float, as_json: bool
) -> None:
    """Copy the files that have no copy yet into [pieces] target, also those that failed.

    Copies of erased dossiers, and of files that have left their dossier, are deleted. Files that
    are copied are not asked for again; with --dossier, copies that are missing or damaged are. The
    service copies new files by itself.
    """
    each = load_each(dossiers, everywhere=everywhere)
    copying = [one for one in each if one[0].configuration.pieces.target]
    if not copying:
        raise ConfigurationError("No file is copied: set [pieces] target in the configuration.")
    if everywhere:
        # The others copy no files: nothing is wrong with that.
        each = copying
    act = acting(CopyPieces, as_json=as_json, wait_s=wait_s)
    for_each(each, act, as_json=as_json)


@pieces.command("status")
@list_options(wide=False)
def status(*, everywhere: bool, as_json: bool) -> None:
    """Show how many files of present dossiers are copied, and why the others are not."""
    found = listed(
        lambda reader: [(reader.pieces.counts(), len(reader.pieces.doomed()))],
        everywhere=everywhere,
    )
    if as_json:
        documents = [
            {"demarche": number, "pieces": counts, "a_supprimer": to_delete}
            for number, (counts, to_delete) in found.rows
        ]
        print_json(documents if len(documents) > 1 else documents[0])
        return
    rows: list[tuple[int, tuple[Any, ...]]] = []
    meanings = {"": "not tried yet", **{one.value: one.english for one in CopyState}}
    for number, (counts, to_delete) in found.rows:
        rows += [
            (number, (name or "–", counts[name], pasteable(said)))
            for name, said in meanings.items()
            if name in counts
        ]
        if to_delete:
            said = "to be deleted: done at the end of the next run"
            rows.append((number, ("–", to_delete, said)))
    Listed(rows, found.demarches).print(
        ("state", "files", "meaning"), lambda row: row, empty="No dossier has a file."
    )
