"""`dsync person`: where a person is in what is stored, journaled as an access."""

from __future__ import annotations

from contextlib import closing

import psycopg

from dsync.sandbox import Sandbox
from tests.commands.command import Command
from tests.commands.conftest import begin
from tests.store.databases import PostgresServer


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
    assert f"Applicant of dossier {truth.number}: `--answer FILE` writes all" in shown.out
    [latest, *_] = run("history", "--seen", "--json").json
    assert ("acces", [truth.number]) == (latest["genre"], latest["options"]["dossiers"])
    assert mail not in str(run.rows("SELECT * FROM demande"))
    # What is not held is said so, and journaled, too; a text that everybody's data have is refused.
    assert "Nothing that is stored has these words." in run("person", "Nemo Personne").out
    assert latest["id"] != run("history", "--seen", "--json").json[0]["id"]
    assert run("person", "e").refuses("at least 3")


def test_the_answer_to_the_person_is_a_page_of_its_own(run: Command, sandbox: Sandbox) -> None:
    """Only its owner reads it; who had it written is journaled, and no word of the text."""
    begin(run, sandbox, "--no-push")
    one, two = sandbox.control.truth()[:2]
    text = f"{one.usager_email} ; {two.usager_email}"
    done = run("person", text, "--answer", "reponse.html")
    assert (0, True) == (done.code, "without others" in done.err)
    file = run.folder / "reponse.html"
    assert 0o600 == file.stat().st_mode & 0o777
    page = file.read_text("utf-8")
    for truth in (one, two):
        assert f"Copie du dossier {truth.number}" in page
    [latest, *_] = run("history", "--seen", "--json").json
    assert {"dossiers", "fichier"} == latest["options"].keys()
    assert one.usager_email not in str(run("history", "--seen", "--json").out)
    assert 2 == run("person", text, "--answer", "reponse.pdf").code


REFUSING = """
CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'; END $$;
CREATE TRIGGER refused BEFORE INSERT ON demande EXECUTE FUNCTION refused();
"""


def test_on_a_replica_it_says_why_nothing_is_shown(
    run: Command, sandbox: Sandbox, postgres_server: PostgresServer
) -> None:
    """Exit 5: nobody sees a person's data without the journal's having it."""
    url = postgres_server.make(migrated=True)
    mail = sandbox.control.truth()[0].usager_email
    assert 0 == run("sync", "--no-push", DSYNC_DATABASE_URL=url).code
    # What a server in recovery answers to any write.
    with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as connection:
        connection.execute(REFUSING)
    refused = run("person", mail, DSYNC_DATABASE_URL=url)
    assert (5, "") == (refused.code, refused.out)
    assert "What was found is not shown" in refused.err
    assert "Point DSYNC_DATABASE_URL at the primary" in refused.err
    # What is read by its number is shown, and that it is not journaled.
    number = str(sandbox.control.truth()[0].number)
    shown = run("dossier", "show", number, DSYNC_DATABASE_URL=url)
    assert (0, True) == (shown.code, "you saw this is not journaled" in shown.err)
    postgres_server.drop(url)
