"""`dsync grist`: the tables of a document follow the views, from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.command import Command, config_with
from tests.exports.grist_server import Grist, grist_server


@pytest.fixture
def grist() -> Iterator[Grist]:
    """Serve an empty document."""
    with grist_server() as server:
        yield server


def test_the_tables_are_equal_to_the_views(synced: Command, grist: Grist, tmp_path: Path) -> None:
    """Masked; nothing is sent the second time; an erased dossier leaves no row there."""
    views = ", ".join(
        f'"{name}"' for name in ("lecture_dossier", "formulaire_86321", "lecture_precontrole")
    )
    config = config_with(
        tmp_path, more=f'[grist]\ndocument = "{grist.address}"\nviews = [{views}]\n'
    )
    environment = {"DSYNC_CONFIG": config, "DSYNC_GRIST_KEY": "key"}
    done = synced("grist", "--json", **environment)
    assert (0, "") == (done.code, done.err)
    counts = {one["view"]: one["added"] for one in done.json}
    numbers = {int(key) for key in grist.rows("lecture_dossier")}
    assert counts["lecture_dossier"] == len(numbers) > 10
    text = str(grist.tables)
    assert "@example.gouv.fr" not in text
    assert "usager_courriel" not in text
    grist.writes.clear()
    assert 0 == synced("grist", **environment).code
    assert [] == grist.writes
    erased = min(numbers)
    assert 0 == synced("dossier", "erase", str(erased), "--yes").code
    assert 0 == synced("grist", **environment).code
    assert str(erased) not in grist.rows("lecture_dossier")
    for table in grist.tables.values():
        keys = (str(row["dsync_cle"]) for row in table.rows.values())
        assert [] == [key for key in keys if key.partition(":")[0] == str(erased)]
    grist.tables.pop(next(iter(grist.tables)))
    lost = synced("grist", **environment)
    assert (7, True) == (lost.code, "its table was deleted in Grist" in " ".join(lost.out.split()))
    assert "Tables in Grist are kept no more" in synced("status").text


def test_what_is_missing_is_said(synced: Command, grist: Grist, tmp_path: Path) -> None:
    """The section, the key, and a key that Grist refuses."""
    assert synced("grist").refuses("[grist] document")
    config = config_with(tmp_path, more=f'[grist]\ndocument = "{grist.address}"\n')
    refused = synced("grist", DSYNC_CONFIG=config, DSYNC_GRIST_KEY="wrong")
    assert (8, True) == (refused.code, "DSYNC_GRIST_KEY" in refused.err)
    assert "wrong" not in refused.text
    open_ = config_with(
        tmp_path / "other",
        more='[grist]\ndocument = "http://grist.example/api/docs/abc"\n',
    )
    assert 2 == synced("grist", DSYNC_CONFIG=open_).code


def test_the_check_asks_the_document(synced: Command, grist: Grist, tmp_path: Path) -> None:
    """Runs go on without it, so it is a warning, of which the daily check makes an alert."""
    config = config_with(tmp_path, more=f'[grist]\ndocument = "{grist.address}"\n')

    def said(key: str) -> list[tuple[str, bool]]:
        document = synced("check", "--json", DSYNC_CONFIG=config, DSYNC_GRIST_KEY=key).json
        return [
            (one["status"], "DSYNC_GRIST_KEY" in one["message"])
            for one in document["checks"]
            if one["name"] == "grist"
        ]

    assert ([("ok", False)], [("warning", True)]) == (said("key"), said("wrong"))


@pytest.mark.skipif("DSYNC_TEST_GRIST_URL" not in os.environ, reason="no real Grist is given")
def test_a_real_grist_is_kept(synced: Command, tmp_path: Path) -> None:
    """Everything is added, then nothing is sent; the document of the variable is filled."""
    config = config_with(
        tmp_path, more=f'[grist]\ndocument = "{os.environ["DSYNC_TEST_GRIST_URL"]}"\n'
    )
    environment = {"DSYNC_CONFIG": config, "DSYNC_GRIST_KEY": os.environ["DSYNC_TEST_GRIST_KEY"]}
    first = synced("grist", "--json", "--forget", **environment)
    assert 0 == first.code, first.err
    assert all(one["added"] == one["rows"] > 0 for one in first.json)
    again = synced("grist", "--json", **environment)
    assert [(0, 0, 0)] == sorted(
        {(one["added"], one["changed"], one["gone"]) for one in again.json}
    )
