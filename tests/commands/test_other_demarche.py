"""A démarche without one field of the programme: requests for equipment, by configuration alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.content import EQUIPMENT_FORM
from tests.commands.command import Command

NUMBER = EQUIPMENT_FORM.number
FIRST = NUMBER * 1000 + 1
LEAST = f"""
[demarche]
number = {NUMBER}
[ds]
contact = "mailto:dsync@example.gouv.fr"
"""
Configured = Callable[[str], Command]


@pytest.fixture
def configured(run: Command) -> Configured:
    """Return `dsync` with a file of this content."""

    def make(content: str) -> Command:
        path = run.folder / "equipement.toml"
        path.write_text(content, encoding="utf-8")
        return type(run)(run.folder, {**run.environment, "DSYNC_CONFIG": str(path)})

    return make


def rows(run: Command, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with sqlite3.connect(run.folder / "dsync.db") as connection:
        return connection.execute(sql).fetchall()


def content_of(run: Command) -> list[str]:
    """Return what is stored, as SQL, without bookkeeping."""
    with sqlite3.connect(run.folder / "dsync.db") as connection:
        kept = [*connection.iterdump()]
    moving = ('"sync_run"', '"sync_state"', '"lease"', '"indicateur"', '"sqlite_sequence"')
    return [line for line in kept if not line.startswith(tuple(f"INSERT INTO {t}" for t in moving))]


def test_the_copy_needs_a_number_and_a_contact(configured: Configured, sandbox: Sandbox) -> None:
    """Read, read again, an edit, views and commands: all that needs no other section works."""
    dsync = configured(LEAST)
    assert (0, 6) == ((first := dsync("sync", "--json")).code, first.json["changed"])
    before = content_of(dsync)
    assert (0, 0) == ((second := dsync("sync", "--json")).code, second.json["changed"])
    assert before == content_of(dsync)
    sandbox.control.edit_champ(FIRST, 6102, "Bureau des usages")
    assert 1 == dsync("sync", "--json").json["changed"]

    shown = dsync("dossier", "show", str(FIRST))
    assert 0 == shown.code
    assert "Bureau des usages" in shown.out
    assert "Pre-check" not in shown.out
    assert [("Bureau des usages", 6)] == rows(
        dsync,
        f"SELECT service_demandeur, (SELECT count(*) FROM formulaire_{NUMBER}) "
        f"FROM formulaire_{NUMBER} WHERE numero = {FIRST}",
    )
    wanted = sum(len(t.raw_champs[6108]) for t in sandbox.control.truth(NUMBER))
    assert [(wanted,)] == rows(
        dsync, f"SELECT count(*) FROM formulaire_{NUMBER}_equipements_demandes WHERE quantite > 0"
    )
    assert [("Bureau des usages",)] == rows(
        dsync, f"SELECT valeur FROM lecture_champ WHERE numero = {FIRST} AND libelle LIKE 'Serv%'"
    )
    assert [] == sandbox.control.requests(kind="mutation")


def test_what_is_not_configured_is_said_in_a_sentence(configured: Configured) -> None:
    """By checks as information, by what was asked for as an error with its remedy."""
    dsync = configured(LEAST)
    assert 0 == dsync("sync").code
    assert "valid; no rules" in dsync("config", "check").out
    check = dsync("check", "--json")
    lines = {line["name"]: line for line in check.json["checks"]}
    assert 0 == check.code
    for name, section in (("annotations", "[annotations]"), ("rules", "[regles]")):
        assert "info" == lines[name]["status"]
        assert section in lines[name]["message"]
    assert not {"mapping", "evidence", "labels", "instructeur"} & set(lines)
    status = dsync("status", "--json")
    assert (0, []) == (status.code, status.json["warnings"])
    assert 0 == status.json["dossiers"]["to_judge"]
    for command, section in ((("push",), "[annotations]"), (("precheck",), "[regles]")):
        ended = dsync(*command)
        assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
        assert section in ended.err
    listed = dsync("conflicts")
    assert (0, True) == (listed.code, "[annotations]" in listed.out)
    assert 0 == dsync("db", "verify").code
