"""A démarche that belongs to no programme: its dossiers are copied and followed, no more."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from dsync.store import Store
from tests.commands.command import Command, InsideCommand, without_programme


@pytest.fixture
def plain(run: Command) -> Command:
    """`dsync` whose configuration lacks the programme's sections."""
    path = run.folder / "plain.toml"
    path.write_text(without_programme(), encoding="utf-8")
    return InsideCommand(run.folder, {**run.environment, "DSYNC_CONFIG": str(path)})


def rows(run: Command, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with sqlite3.connect(run.folder / "dsync.db") as connection:
        return connection.execute(sql).fetchall()


def test_dossiers_are_copied_and_followed(plain: Command, sandbox: Sandbox) -> None:
    """Every champ is in `lecture_champ`, changes are journaled; nothing is judged or sent."""
    first = plain("sync", "--json")
    assert (0, []) == (first.code, first.json["errors"])
    (changed, *_) = [t.number for t in sandbox.control.truth() if t.presence == "present"]
    sandbox.control.edit_champ(changed, 4105, "Une autre réponse")
    second = plain("sync", "--json")

    assert (0, 1) == (second.code, second.json["changed"])
    assert [("Une autre réponse",)] == rows(
        plain,
        f"SELECT valeur FROM lecture_champ WHERE numero = {changed} AND valeur LIKE 'Une autre%'",
    )
    assert [("cree",), ("modifie",)] == rows(
        plain, f"SELECT evenement FROM lecture_evenement WHERE numero = {changed}"
    )
    assert [(0,)] * 2 == rows(
        plain, "SELECT count(*) FROM verdict UNION ALL SELECT count(*) FROM outbox"
    )
    assert [] == sandbox.control.requests(kind="mutation")
    shown = plain("dossier", "show", str(changed), "--json")
    assert (0, changed) == (shown.code, shown.json["numero"])


def test_what_needs_a_programme_says_so(plain: Command) -> None:
    """Exit 2, and the sections that are missing; checks pass over them."""
    assert 0 == plain("sync").code
    for command in (("precheck",), ("evidence", "show")):
        ended = plain(*command)
        assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
        assert "[regles]" in ended.err
    assert 0 == plain("config", "check").code
    names = {line["name"] for line in plain("check", "--json").json["checks"]}
    assert {"token", "database", "annotations"} <= names
    assert not {"mapping", "evidence"} & names


@pytest.mark.parametrize("section", ["[regles]", "[preuves]"])
def test_rules_need_the_mapping(plain: Command, section: str) -> None:
    """They have nothing to judge without it: one sentence, which names both."""
    path = Path(plain.environment["DSYNC_CONFIG"])
    path.write_text(path.read_text(encoding="utf-8") + f"\n{section}\n", encoding="utf-8")
    ended = plain("config", "check")
    assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
    assert f"{section} needs the section [mapping]" in ended.err


def test_the_engine_alone_makes_a_database_of_its_own(tmp_path: Path) -> None:
    """Without any programme's tables, its views are there."""
    store = Store.open(f"sqlite:///{tmp_path / 'dsync.db'}")
    views = store.dictionary()
    store.close()
    assert {"lecture_champ", "lecture_evenement"} <= set(views)
    assert "lecture_candidature" not in views
