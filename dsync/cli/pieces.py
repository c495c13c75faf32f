"""`dsync pieces`: copies the dossiers' files, and shows how far the copies are."""

from __future__ import annotations

import click

from dsync.cli.failures import Group
from dsync.cli.options import dossiers_option, json_option, settings_options, wait_option
from dsync.cli.output import print_json, print_table
from dsync.cli.runs import run_once
from dsync.cli.session import reading
from dsync.domain.ids import DossierNumber
from dsync.sync.work import CopyPieces

_MEANINGS = {
    "": "not tried yet",
    "copiee": "copied; size and checksum verified",
    "en_cours": "begun and interrupted: copied again",
    "a_analyser": "DS has not declared it safe yet: tried again later",
    "infectee": "infected by DS's scan: not copied",
    "absente": "DS does not list it any more: removed, or infected",
    "trop_grande": "larger than [pieces] max_mib: raise it, then `dsync pieces fetch`",
    "non_conforme": "another size or checksum than announced: tell DS's support if it stays",
    "echec": "no answer, or the target failed: see the log, then `dsync pieces fetch`",
}


@click.group(cls=Group)
def pieces() -> None:
    """Copy the dossiers' files, where [pieces] copy is on."""


@pieces.command("fetch")
@dossiers_option()
@wait_option
@json_option
@settings_options()
def fetch(*, dossiers: tuple[DossierNumber, ...], wait_s: float, as_json: bool) -> None:
    """Copy the files that have no copy yet into [pieces] target, also those that failed.

    Copies of erased dossiers, and of files that have left their dossier, are deleted. Files that
    are copied are not asked for again; with --dossier, copies that are missing or damaged are. The
    service copies new files by itself.
    """
    run_once(CopyPieces(dossiers), as_json=as_json, wait_s=wait_s)


@pieces.command("status")
@json_option
@settings_options()
def status(*, as_json: bool) -> None:
    """Show how many files of present dossiers are copied, and why the others are not."""
    with reading() as reader:
        counts = reader.pieces.counts()
        to_delete = len(reader.pieces.doomed())
    if as_json:
        print_json({"pieces": counts, "a_supprimer": to_delete})
        return
    rows = [(name or "–", counts[name], _MEANINGS[name]) for name in _MEANINGS if name in counts]
    if to_delete:
        rows.append(("–", to_delete, "to be deleted: done at the end of the next run"))
    print_table(("state", "files", "meaning"), rows, empty="No dossier has a file.")
