"""`dsync person`: where a person is in what is stored, journaled as an access."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from dsync.sandbox import Sandbox
from tests.commands.command import Command
from tests.commands.conftest import begin


def test_a_person_is_found_by_what_is_stored(run: Command, sandbox: Sandbox) -> None:
    """By e-mail address, with table, dossier and field; the journal has no word of the text."""
    begin(run, sandbox, "--no-push")
    truth = sandbox.control.truth()[0]
    mail = truth.usager_email
    found = run("person", mail.upper(), "--json").json
    assert {truth.number} == {one["numero"] for one in found["trouve"]}
    assert {("dossier", "usager_courriel", mail)} <= {
        (one["table"], one["champ"], one["valeur"]) for one in found["trouve"]
    }
    # Nothing else of the dossier, and what article 15 asks for beside the data.
    assert {mail} == {one["valeur"] for one in found["trouve"]}
    assert "effacement du dossier" in found["tables"]["dossier"]["duree"]
    assert [truth.number] == found["demandeur_de"]
    shown = run("person", mail, "-v")
    assert (0, True, True) == (shown.code, str(truth.number) in shown.out, mail in shown.out)
    assert mail not in shown.err
    told = f"Applicant of dossier {truth.number}: `dsync dossier show {truth.number} --json`"
    assert told in shown.out
    [latest, *_] = run("journal", "--json").json
    assert ("acces", [truth.number]) == (latest["genre"], latest["options"]["dossiers"])
    with closing(sqlite3.connect(run.folder / "dsync.db")) as connection:
        told = connection.execute("SELECT * FROM demande").fetchall()
    assert mail not in str(told)


def test_what_is_not_held_is_said_so(run: Command, sandbox: Sandbox) -> None:
    """And journaled, too; a text that everybody's data have is refused."""
    begin(run, sandbox, "--no-push")
    assert "Nothing that is stored has these words." in run("person", "Nemo Personne").out
    assert "acces" == run("journal", "--json").json[0]["genre"]
    refused = run("person", "e")
    assert (2, True) == (refused.code, "at least 3" in refused.err)
