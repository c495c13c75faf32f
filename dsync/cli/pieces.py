"""`dsync pieces`: copies the dossiers' files, and shows how far the copies are."""

from __future__ import annotations

from typing import Any

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import dossiers_option, list_options, run_options

with later(globals()):
    from dsync.cli.demarches import Listed, for_each, listed
    from dsync.cli.output import pasteable, print_json
    from dsync.cli.runs import acting
    from dsync.cli.session import load_each
    from dsync.domain.ids import DossierNumber
    from dsync.errors import ConfigurationError
    from dsync.sync.work import CopyPieces


_MEANINGS = {
    "": "not tried yet",
    "copiee": "copied; size and checksum verified",
    "en_cours": "begun and interrupted: copied again",
    "a_analyser": "DS has not declared it safe yet: tried again later",
    "infectee": "infected by DS's scan: not copied",
    "absente": "DS does not list it any more: removed, or infected",
    "trop_grande": "larger than 200 MiB, DS's own limit of a file",
    "non_conforme": "another size or checksum than announced: tell DS's support if it stays",
    "echec": "no answer, or the target failed: see the log, then `dsync pieces fetch`",
}


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
    for number, (counts, to_delete) in found.rows:
        rows += [
            (number, (name or "–", counts[name], pasteable(said)))
            for name, said in _MEANINGS.items()
            if name in counts
        ]
        if to_delete:
            said = "to be deleted: done at the end of the next run"
            rows.append((number, ("–", to_delete, said)))
    Listed(rows, found.demarches).print(
        ("state", "files", "meaning"), lambda row: row, empty="No dossier has a file."
    )
