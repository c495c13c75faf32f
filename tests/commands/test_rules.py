"""A slip in `[[controles]]`: nothing is judged or written back until somebody accepts it."""

from __future__ import annotations

import json

from dsync.sandbox import Sandbox
from tests.commands.command import Command, InsideCommand, config_with
from tests.commands.conftest import begin, with_thirty
from tests.commands.terminal import screen

SLIP = ("au_plus = 2024-12-31", "au_plus = 2024-01-01")


def verdicts(run: Command) -> dict[int, str]:
    """Return the verdicts of open dossiers."""
    shown = run("dossier", "list", "--json").json
    return {
        one["numero"]: one["verdict"]
        for one in shown
        if one["etat"] in ("en_construction", "en_instruction")
    }


@with_thirty
def test_one_wrong_date_waits_for_a_person(run: InsideCommand, sandbox: Sandbox) -> None:
    """Sync, status, dry run and the question have the same table; after `accept` all is done."""
    begin(run, sandbox)
    assert 2 == run("accept", "rules", "--yes").code
    before = verdicts(run)
    eligible = sum(verdict == "Éligible" for verdict in before.values())
    own = {"DSYNC_CONFIG": config_with(run.folder, SLIP)}
    sandbox.control.forget_requests()
    ended = run("sync", "--json", **own)
    assert (4, 0, 0) == (ended.code, ended.json["evaluated"], ended.json["pushed"])
    [sentence] = ended.json["errors"]
    table = f"Éligible → À vérifier: {eligible}"
    for said in (f"{eligible} of {len(before)} standing", table, "`dsync accept rules`"):
        assert said in sentence
    assert (before, []) == (verdicts(run), sandbox.control.requests(kind="mutation"))
    assert table in run("status", **own).text
    tried = run("precheck", "--dry-run", **own)
    assert (0, f"{eligible} of {len(before)} standing verdicts change.") == (
        tried.code,
        tried.out.splitlines()[-1],
    )
    # Nobody publishes what is not in force.
    for line in (("publish", "regles.md"), ("show",)):
        assert "stopped the rules" in run("rules", *line, **own).err
    assert not (run.folder / "regles.md").exists()
    assert run("accept", "rules", **own).refuses("--yes")
    accept = ("--config", own["DSYNC_CONFIG"], "accept", "rules")
    refused = screen(run, *accept, typed=lambda: "n\n").out
    assert "Éligible" in refused
    assert before == verdicts(run)
    screen(run, *accept, typed=lambda: "y\n")
    # By the run that had the consent.
    assert eligible <= len(sandbox.control.requests(kind="mutation")) * 10
    assert (0, 0) == ((rest := run("sync", "--json", **own)).code, rest.json["pushed"])
    after = verdicts(run)
    assert eligible == sum(before[number] != verdict for number, verdict in after.items())
    [asked] = [one for one in run("history", "--manual", "--json").json if one["genre"] == "accord"]
    assert {"genre", "accord"} == set(asked["options"])
    number = next(number for number, verdict in before.items() if verdict == "Éligible")
    events = run("dossier", "show", str(number), "--json").json["evenements"]
    assert '"causes": ["regles"]' in json.dumps(events)
