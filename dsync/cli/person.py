"""`dsync person`: where a person is in what is stored."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import json_option, settings_options

with later(globals()):
    from dsync.care.access_answer import access_answer
    from dsync.care.person import look_up
    from dsync.cli.output import (
        asker,
        check_form,
        print_json,
        print_note,
        print_table,
        write_page,
    )
    from dsync.cli.progress import counted
    from dsync.cli.session import chosen_demarche, load_all, opened
    from dsync.database import open_database
    from dsync.domain.dossier import PARIS
    from dsync.domain.rights import blank_list

ACTS = {"corriger": "correct in DS", "effacer": "erase", "repondre": "answer"}
"""What fits for a find, beside telling the person of it."""
UNREAD = {
    "non_demande": "not asked for",
    "trop_grand": "too large",
    "sans_texte": "without a text layer",
    "illisible": "broken or encrypted",
    "injoignable": "out of reach",
}
"""Why the content of a file was not searched, or not whole."""


@click.command(cls=LazyCommand)
@click.argument("text")
@click.option(
    "--in-files",
    is_flag=True,
    help="Search the contents of copied files, too: of PDF with a text layer, docx, odt and plain "
    "text. Needs the extra files-text.",
)
@click.option(
    "--answer",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a draft of the answer to the person into FILE (.html or .md), in French: what is "
    "held, why, how long, from whom, for whom, and all of the dossiers that they deposited.",
)
@json_option
@settings_options()
def person(*, text: str, in_files: bool, answer: Path | None, as_json: bool) -> None:
    """Find a person in what is stored, by e-mail address, name or SIRET.

    Each value that has all words of TEXT, in any order, whatever case and accents, with the place
    where it is and what fits beside the answer: to correct it in DS, or to erase its dossier
    (`dsync dossier erase N...`). Several identifiers of one person are apart by « ; ». In every
    démarche or in that of --demarche N. « - » reads TEXT from the standard input, one identifier a
    line, so that it is in no shell history. The journal keeps who looked and which dossiers were
    found, not TEXT.

    The dossiers whose applicant TEXT names come last (--json: `demandeur_de`).
    """
    if text == "-":
        text = sys.stdin.read()
    if answer:
        check_form(answer)
    every = load_all(stored=True)
    with (
        closing(open_database(every[0].database_url, create=False)) as store,
        counted(wanted=not as_json) as progress,
    ):
        found = look_up(
            store,
            text,
            asker(),
            lambda: datetime.now(UTC),
            chosen_demarche(),
            in_files=in_files,
            progress=progress and (lambda done, total: progress("", done, total)),
            journaled={"fichier": answer.name} if answer else None,
        )
        if answer:
            configured = {one.demarche: one.configuration for one in every}
            # One that was taken out of the folder has no file any more: its page has blanks.
            facts = {
                number: configured.get(number, every[0].configuration).notice_facts(number)
                for number in sorted({one["demarche_numero"] for one in found["dossiers"]})
            }
            page = access_answer(
                found,
                text,
                facts,
                store.dictionary(opened()),
                store.reading,
                datetime.now(PARIS).date(),
            )
            write_page(answer, page, private=True)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if answer:
        blanks = {name: what for one in facts.values() for name, what in one.blanks.items()}
        told = f" It has blanks: {blank_list(blanks)}." if blanks else ""
        click.echo(f"{answer}: a draft, which names others too: read it before.{told}", err=True)


def _print(found: dict[str, Any]) -> None:
    print_table(
        ("dossier", "table", "field", "value", "act"),
        [
            (
                *(one["numero"], one["table"], one["libelle"] or one["champ"], one["extrait"]),
                ACTS[one["acte"]],
            )
            for one in found["trouve"]
        ],
        empty="Nothing that is stored has these words.",
    )
    if found["fichiers_lus"]:
        print_note(f"Files searched: {found['fichiers_lus']}.")
    if unread := Counter(one["raison"].value for one in found["fichiers"]):
        said = ", ".join(f"{count} {UNREAD[reason]}" for reason, count in unread.items())
        print_note(f"Files not searched, or not whole: {said}; `--json` has their addresses.")
    if numbers := found["demandeur_de"]:
        print_note(
            f"Applicant of dossier{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}: "
            "`--answer FILE` writes all of it. Search the person's other identifiers too. Set "
            "homonyms apart."
        )
