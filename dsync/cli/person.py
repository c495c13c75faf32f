"""`dsync person`: where a person is in what is stored."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import json_option, settings_options

with later(globals()):
    from dsync.care.person import look_up
    from dsync.cli.output import asker, cut, print_json, print_note, print_table
    from dsync.cli.session import chosen_demarche, load_any
    from dsync.database import open_database


WIDTH = 100
"""Width of a value in the list; `--json` prints it whole."""


@click.command(cls=LazyCommand)
@click.argument("text")
@json_option
@settings_options()
def person(*, text: str, as_json: bool) -> None:
    """Find a person in what is stored, by e-mail address, name or SIRET.

    Each value that has all words of TEXT, in any order, whatever case and accents, with the place
    where it is, in every démarche or in that of --demarche N; nothing else of its dossier. « - »
    reads TEXT from the standard input, so that it is in no shell history. The journal keeps who
    looked and which dossiers were found, not TEXT.

    The dossiers whose applicant TEXT names come last (--json: `demandeur_de`). What article 15 of
    the GDPR asks for is this with each of the person's identifiers, and all of these dossiers:
    `dsync dossier show N --json`.
    """
    if text == "-":
        text = sys.stdin.readline()
    with closing(open_database(load_any().database_url, create=False)) as store:
        found = look_up(store, text, asker(), lambda: datetime.now(UTC), chosen_demarche())
    if as_json:
        print_json(found)
        return
    print_table(
        ("dossier", "table", "field", "value"),
        [
            (one["numero"], one["table"], one["libelle"] or one["champ"], cut(one["valeur"], WIDTH))
            for one in found["trouve"]
        ],
        empty="Nothing that is stored has these words.",
    )
    for one in found["fichiers"]:
        print_note(
            f"dossier {one['numero']}: a file whose content was not searched, {one['adresse']}"
        )
    if numbers := found["demandeur_de"]:
        print_note(
            f"Applicant of dossier{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}: "
            f"`dsync dossier show {numbers[0]} --json` prints all of it. Search the person's other "
            "identifiers too. Set homonyms apart."
        )
