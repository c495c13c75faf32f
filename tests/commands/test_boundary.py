"""What a programme has to give, asked of the shipped one and of a sample of declared checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsync.domain.verdict import Resultat, Verdict
from dsync.store.reader import COUNTED
from tests.commands.command import Command
from tests.store.databases import engine_by_case

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def dsync(sample: str, database_url: str, run: Command) -> Command:
    """Return `dsync` with each programme, all open dossiers judged and written."""
    made = run.given(DSYNC_CONFIG=str(CONFIG / sample), DSYNC_DATABASE_URL=database_url)
    if not made("sync", "--json").json["evaluated"]:
        assert 0 < made("accept", "first", "--yes", "--json").json["pushed"]
    return made


@engine_by_case("sample", sqlite="aap-eig7.toml", postgresql="exemples/mobilite.toml")
def test_each_programme_gives_what_the_engine_and_people_ask(dsync: Command) -> None:
    """Verdicts that rest, titles, account, message, rules, statistics; a person's answer."""
    second = dsync("sync", "--full", "--json").json
    assert (0, 0) == (second["evaluated"], second["pushed"])
    checked = dsync("check", "--json").json
    assert "error" not in {one["status"] for one in checked["checks"]}
    assert [] == dsync("db", "verify", "--json").json["findings"]

    number = str(dsync("dossier", "list", "--verdict", "a_verifier", "--json").json[0]["numero"])
    shown: dict[str, Any] = dsync("dossier", "show", number, "--json").json
    [verdict] = [one for one in shown["precontroles"] if one["courant"]]
    made = [one for one in shown["controles"] if one["courant"]]
    assert "À vérifier" == verdict["verdict"]
    assert {one["resultat"] for one in made} <= {one.value for one in Resultat}
    explained = dsync("dossier", "explain", number, "--json").json
    assert [one["controle"] for one in made] == [one["controle"] for one in explained["controles"]]
    assert (
        verdict["version_regles"] == explained["version_regles"] == explained["regles"]["version"]
    )
    told = dsync("dossier", "show", number)
    for one in explained["controles"]:
        assert one["titre"] in told.out
    assert dsync("rules", "show", "--json").tells(verdict["version_regles"])
    counts = dsync("precheck", "--stats", "--json").json
    assert {*COUNTED} == {key for row in counts for key in row}
    for command in (["evidence", "show"], ["dossier", "message", number], ["config", "check"]):
        assert (0, "") == ((done := dsync(*command)).code, done.err), command

    # A person establishes what is to be verified, and withdraws it.
    open_ = [one["controle"] for one in made if one["resultat"] == "a_verifier"]
    for name in open_:
        given = ("--result", "conforme", "--reason", "vu sur pièce")
        assert 0 == dsync("precheck", "answer", number, name, *given).code
    assert established(dsync, number) in (Verdict.ELIGIBLE, Verdict.RIEN_A_SIGNALER)
    assert 1 == dsync("sync", "--json").json["pushed"]
    for name in open_:
        assert 0 == dsync("precheck", "unanswer", number, name).code
    assert established(dsync, number) == Verdict.A_VERIFIER


def established(dsync: Command, number: str) -> str:
    """Return the current verdict of a dossier."""
    verdicts = dsync("dossier", "show", number, "--json").json["precontroles"]
    [found] = [one["verdict"] for one in verdicts if one["courant"]]
    return str(found)
