"""`dsync person`: all that is held of a person."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime

import click

from dsync.care.person import look_up
from dsync.cli.options import json_option, settings_options
from dsync.cli.output import asker, cut, print_json, print_note, print_table
from dsync.cli.session import chosen_demarche, load_any
from dsync.database import open_database

WIDTH = 100
"""Width of a value in the list; `--json` prints it whole."""


@click.command()
@click.argument("text")
@json_option
@settings_options()
def person(*, text: str, as_json: bool) -> None:
    """Show all that is stored of a person: each value with the words of TEXT, and where it is.

    TEXT is an e-mail address, a name or a SIRET, or « - » to read it from the standard input, so
    that it is in no shell history. All its words have to be in a value, in any order; case and
    accents do not count. Of every démarche, or of --demarche N. The journal keeps who looked and
    which dossiers were found, not TEXT. With --json, the copy that article 15 of the GDPR asks for.
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
