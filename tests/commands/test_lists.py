"""`dsync evidence update`: what a list changes is shown before it is written, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import InsideCommand, config_with
from tests.commands.conftest import begin
from tests.commands.terminal import screen

CATEGORIES = "categories_juridiques.csv"
CENTRALE = "7113,"


class Lists:
    """A configuration of one's own, with its lists."""

    def __init__(self, run: InsideCommand) -> None:
        self.run = run
        self.config = config_with(run.folder)
        self.folder = Path(self.config).parent
        self.environment = {"DSYNC_CONFIG": self.config}

    def text(self, name: str = CATEGORIES) -> str:
        """Return the text of a list in use."""
        return (self.folder / name).read_text(encoding="utf-8")

    def changed(self, old: str, new: str, name: str = CATEGORIES) -> str:
        """Write another file with a change of a list; return its path."""
        text = self.text(name)
        assert old in text
        file = self.run.folder / "new.csv"
        file.write_text(text.replace(old, new), encoding="utf-8")
        return str(file)

    def kept(self) -> list[Path]:
        """Return the files that keep former lists."""
        return sorted(self.folder.glob("*.old"))


@pytest.fixture
def lists(run: InsideCommand, sandbox: Sandbox) -> Lists:
    """The lists of a démarche that was read and judged."""
    begin(run, sandbox)
    return Lists(run)


def line_of(text: str, beginning: str) -> str:
    """Return the line of a list that begins so."""
    [line] = [line for line in text.splitlines() if line.startswith(beginning)]
    return line


def test_a_list_is_written_after_it_was_shown(lists: Lists) -> None:
    """With the verdicts that it changes; the former one is kept, and put back by `undo`."""
    run, own = lists.run, lists.environment
    before = lists.text()
    line = line_of(before, CENTRALE)
    file = lists.changed(line, line.replace("administration_centrale", "a_verifier"))
    command = ("evidence", "update", file)
    unasked = run(*command, **own)
    assert (2, True) == (unasked.code, "--yes" in unasked.err)
    assert (before, []) == (lists.text(), lists.kept())
    for said in (
        "0 added",
        "0 removed",
        "1 changed",
        "7113",
        "Éligible",
        "standing verdicts change",
    ):
        assert said in unasked.out
    assert run(*command, "--yes", **own).tells("dsync evidence undo")
    assert before != lists.text()
    assert before == lists.kept()[0].read_text(encoding="utf-8")
    [asked] = [one for one in run("history", "--manual", "--json").json if one["genre"] == "liste"]
    assert (CATEGORIES, 1) == (asked["options"]["liste"], asked["options"]["modifies"])
    assert asked["demande_par"]

    after = lists.text()
    assert 2 == run("evidence", "undo", **own).code
    assert 0 == run("evidence", "undo", "--yes", **own).code
    assert before == lists.text()
    assert [after] == [kept.read_text(encoding="utf-8") for kept in lists.kept()]
    assert run("sync", "--json", **own).json["evaluated"] == 0
    assert 0 == run("evidence", "undo", "--yes", **own).code
    assert after == lists.text()


def test_a_list_that_lost_a_tenth_is_told_before_the_question(lists: Lists) -> None:
    """What it makes of verdicts is stopped where it would judge and write."""
    name = "operateurs_etat.csv"
    text = lists.text(name)
    gone = "\n".join(text.splitlines()[-60:])
    file = lists.changed(gone, "", name)
    unasked = lists.run("evidence", "update", file, **lists.environment)
    assert (2, text, []) == (unasked.code, lists.text(name), lists.kept())
    updated = lists.run("evidence", "update", file, "--yes", **lists.environment)
    assert (0, True) == (updated.code, "entries are gone" in updated.out)
    assert text != lists.text(name)


def test_it_is_asked_on_a_terminal(lists: Lists) -> None:
    """« n » changes nothing."""
    before = lists.text()
    line = line_of(before, CENTRALE)
    command = ("--config", lists.config, "evidence", "update", lists.changed(line, ""))
    assert "Nothing was changed" in screen(lists.run, *command, typed=lambda: "n\n").out
    assert before == lists.text()
    screen(lists.run, *command, typed=lambda: "y\n")
    assert line not in lists.text()


def test_nothing_is_undone_that_was_not_done(run: InsideCommand) -> None:
    """And a first list is written without a database: there is no journal yet."""
    lists = Lists(run)
    assert run("evidence", "undo", "--yes", **lists.environment).refuses("nothing to undo")
    line = line_of(lists.text(), CENTRALE)
    file = lists.changed(line, "")
    assert run("evidence", "update", file, "--yes", **lists.environment).tells(
        "Verdicts were not tried"
    )
    assert not (run.folder / "dsync.db").exists()
