"""UPGRADE.md, followed on the database of the release before."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import inspect

from dsync.sandbox import Sandbox, content
from tests.commands.command import InsideCommand
from tests.commands.conftest import operator
from tests.migrations.releases import contents, load
from tests.outside.history import NOW, SEED
from tests.store.databases import connected

PAGE = (Path(__file__).parents[2] / "UPGRADE.md").read_text(encoding="utf-8")


@pytest.fixture
def dsync(empty_database_url: str, tmp_path: Path) -> Iterator[InsideCommand]:
    """Return `dsync` with a database of 0.1.0, a day later, on a sandbox with its dossiers."""
    load(empty_database_url, "0.1.0")
    seeds = [content.dossier(SEED, rank, now=NOW) for rank in range(7)]
    with (
        time_machine.travel(NOW + timedelta(days=1), tick=False),
        Sandbox(
            [(content.FORM, seeds)], seed=SEED, clock=lambda: NOW + timedelta(days=1)
        ) as sandbox,
    ):
        environment = operator(sandbox, tmp_path).environment
        yield InsideCommand(tmp_path, {**environment, "DSYNC_DATABASE_URL": empty_database_url})


def said_in(mark: str) -> list[list[str]]:
    """Return the commands of a block of the page."""
    [block] = re.findall(rf"<!-- {mark} -->\n```sh\n(.+?)```", PAGE, re.DOTALL)
    return [shlex.split(line)[1:] for line in block.splitlines()]


def follow(dsync: InsideCommand, mark: str) -> None:
    """Execute a block's commands."""
    for line in said_in(mark):
        ended = dsync(*line)
        assert 0 == ended.code, ended.text


def test_the_page_leads_from_the_release_before_here_and_back(dsync: InsideCommand) -> None:
    """Every command is done, and each row is where it was."""
    url = dsync.environment["DSYNC_DATABASE_URL"]
    before = contents(url)
    follow(dsync, "upgrade")
    follow(dsync, "downgrade")
    assert before == contents(url)


FORMER = (
    "ALTER TABLE dossier DROP COLUMN groupe_instructeur",
    "ALTER TABLE produit DROP COLUMN recherche",
)
"""Columns that unreleased versions did not have."""


UNTRUE = (
    "SELECT count(*) FROM changement WHERE champ_id = 'groupe_instructeur'",
    "SELECT count(*) FROM evenement WHERE evenement = 'modifie' AND (CAST(details AS TEXT) "
    """LIKE '%groupe_instructeur%' OR CAST(details AS TEXT) LIKE '%"champs":[]%')""",
)
"""What nobody changed: the former tables did not have it."""


def cascade(url: str) -> str:
    return "CASCADE" if url.startswith("postgresql") else ""


def test_the_page_leads_from_an_unreleased_database_into_a_new_one(dsync: InsideCommand) -> None:
    """Which then reads every dossier, and verifies."""
    url, folder = dsync.environment["DSYNC_DATABASE_URL"], dsync.folder
    with connected(url) as connection:
        for view in inspect(connection).get_view_names():
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view} {cascade(url)}")
        for statement in ("DROP TABLE turn", "DROP TABLE liste", *FORMER):
            connection.exec_driver_sql(statement)
    assert 5 == dsync("status").code
    follow(dsync, "copy")
    new = InsideCommand(
        folder, {**dsync.environment, "DSYNC_DATABASE_URL": f"sqlite:///{folder / 'new.db'}"}
    )
    checks = {
        one["check"]: one["message"] for one in new("db", "verify", "--json").json["findings"]
    }
    assert "Run `dsync sync`" in checks.pop("unread")
    assert 0 == new("sync", "--no-push").code
    assert [] == new("db", "verify", "--json").json["findings"]
    with connected(new.environment["DSYNC_DATABASE_URL"]) as connection:
        assert [0, 0] == [connection.exec_driver_sql(one).scalar_one() for one in UNTRUE]
        products = connection.exec_driver_sql("SELECT count(*) FROM lecture_produit")
        assert products.scalar_one()
