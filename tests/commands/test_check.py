"""`dsync check` on a whole sandbox: rights, the token's network, and champs without a field."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dsync.configuration import shipped_config
from dsync.sandbox import Sandbox, content
from dsync.sandbox.faults import ScriptedFault
from tests.acceptance.worker.installed import slowdown
from tests.commands.command import Command, InsideCommand

OTHER = "autre groupe"


def lines(ended: Any, name: str) -> list[tuple[str, str]]:
    """Return status and message of the lines of that name."""
    checks = ended.json["checks"]
    return [(line["status"], line["message"]) for line in checks if line["name"] == name]


def shown(sandbox: Sandbox) -> list[Any]:
    """Return the current state of all dossiers, with their dates."""
    return [vars(dossier) for dossier in sandbox.control.truth()]


def first_open(sandbox: Sandbox) -> int:
    """Return the number of a dossier that can be written."""
    return next(t.number for t in sandbox.control.truth() if t.presence == "present")


def test_the_right_to_write_is_tried_by_writing_nothing(sandbox: Sandbox, run: Command) -> None:
    """On one dossier of each groupe with dossiers; no annotation and no date changes."""
    before = shown(sandbox)
    ended = run("check", "--json")
    assert 0 == ended.code
    granted, untried = lines(ended, "write access")
    assert ("ok", "info") == (granted[0], untried[0])
    assert "« défaut »" in granted[1]
    assert f"« {OTHER} »" in untried[1]
    assert before == shown(sandbox)
    [tried] = sandbox.control.requests(kind="mutation")
    assert ["dossierModifierAnnotations"] == tried.fields


def test_a_bug_in_one_check_is_a_line(run: InsideCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other checks are made all the same; no value is shown, and it is to be reported."""
    monkeypatch.setattr("dsync.care.prerequisites.opened_lines", lambda *_: 1 / 0)
    ended = run("check", "--json")
    assert 1 == ended.code
    assert [
        ("error", "an error of dsync's own ended a part of the check (ZeroDivisionError)")
    ] == lines(ended, "dsync")
    for name in ("token", "database", "evidence"):
        assert lines(ended, name), name
    assert "prerequisites.py" in ended.err


def test_a_groupe_that_the_demarche_lacks_is_told(run: Command) -> None:
    """Who is limited to it sees no dossier; the remedy names those that there are."""
    own = run.folder / "own.toml"
    own.write_text(
        f'{shipped_config().read_text("utf-8")}\n[[acces]]\nrole = "jury"\n'
        'who = ["@jury.example.fr"]\ngroupes = ["défaut", "Défault"]\n',
        "utf-8",
    )
    ended = run("check", "--json", "--config", str(own))
    assert [("warning", "no groupe of the démarche has the name « Défault »")] == lines(
        ended, "access"
    )


def test_what_the_configuration_opens_is_listed(run: Command) -> None:
    """With its type, as it is now; an id that no revision has is told with the remedy."""
    shipped = shipped_config().read_text("utf-8")
    own = run.folder / "own.toml"
    own.write_text(f'{shipped}\n[ouvert]\nchamps = ["Q2hhbXAtNDEwNA==", "Q2hhbXAtNQ=="]\n', "utf-8")
    ended = run("check", "--json", "--config", str(own))
    assert 0 == ended.code
    assert [
        ("info", "shown to readers without personal data: « Incubateur » (drop_down_list)"),
        ("warning", "no champ or annotation of the form has the id Q2hhbXAtNQ=="),
    ] == lines(ended, "ouvert")
    assert 0 == run("config", "check", "--config", str(own)).code
    own.write_text(f"{shipped}\n[ouvert]\nchamp = []\n", "utf-8")
    assert run("config", "check", "--config", str(own)).refuses("did you mean champs?")


def test_a_groupe_whose_dossiers_may_not_be_written_is_named(
    sandbox: Sandbox, run: Command
) -> None:
    """The instructeur is not in it, so pushes into its dossiers would be refused."""
    sandbox.control.change_groupe(first_open(sandbox), OTHER)
    ended = run("check", "--json")
    assert 0 == ended.code
    assert ("warning", f"DS refuses annotations in the dossiers of « {OTHER} »") in lines(
        ended, "write access"
    )


def test_a_read_only_token_is_reported_before_the_first_push(
    sandbox: Sandbox, run: Command
) -> None:
    """Exit 7 with the remedy, as a run that cannot push; the last line says what 7 means."""
    ended = run("check", DSYNC_DS_TOKEN=sandbox.tokens.readonly)
    assert 7 == ended.code
    assert (
        "Exit code 7: `dsync sync` runs, but leaves a part undone. "
        "Do what → says, then `dsync check` again."
    ) == ended.out.splitlines()[-1]
    assert "write access: the token is read-only" in ended.out
    assert "make a read/write token" in ended.out


def test_a_failed_attempt_does_not_prevent_the_rest(sandbox: Sandbox, run: Command) -> None:
    """Its line reports DS's failure; database and evidence are checked."""
    for truth in sandbox.control.truth():
        sandbox.control.faults.fail_writes(truth.number)
    ended = run("check", "--json")
    [(status, message)] = lines(ended, "write access")
    assert (7, "error") == (ended.code, status)
    assert "nothing was written" in message
    assert lines(ended, "database")
    assert lines(ended, "evidence")


def test_the_binding_of_a_token_to_an_address_is_explained(sandbox: Sandbox, run: Command) -> None:
    """A token without networks is bound to the address of its first call."""
    assert "bound to the first address" in run("check").out
    sandbox.control.faults.change_token(forbidden_network=True)
    refused = run("check")
    assert 3 == refused.code
    assert "bound to the first address" in refused.out


def test_several_demarches_are_checked_at_once(sandbox: Sandbox, run: Command) -> None:
    """Four at a time, whatever DS takes; each has its lines, in the order of the numbers."""
    folder = run.folder / "demarches"
    folder.mkdir()
    numbers = range(90001, 90009)
    for number in numbers:
        sandbox.control.form.add_demarche(number, content.FORM, [])
        text = f'[demarche]\nnumber = {number}\n[ds]\ncontact = "mailto:eig@example.gouv.fr"\n'
        (folder / f"{number}.toml").write_text(text, "utf-8")
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=200, times=None))
    began = time.monotonic()
    ended = run("check", "--json", "--config", str(folder))
    took_s = (time.monotonic() - began) / slowdown()
    assert [*numbers] == [document["demarche"] for document in ended.json]
    assert all(document["checks"] for document in ended.json)
    asked = len(sandbox.control.requests())
    assert asked >= len(numbers)
    assert took_s < asked * 0.2
    shown = run("check", "--config", str(folder)).out
    assert [f"Démarche {number}" for number in numbers] == [
        line for line in shown.splitlines() if line.startswith("Démarche 9")
    ]
