"""Who saw what by a command, and where it is read."""

from __future__ import annotations

from dsync.sandbox import Sandbox
from tests.commands.command import Command
from tests.commands.conftest import begin


def test_what_commands_show_and_write_is_journaled(run: Command, sandbox: Sandbox) -> None:
    """Apart from what people asked for, and in a view that is exported by its name alone."""
    begin(run, sandbox, "--no-push")
    number = sandbox.control.truth()[0].number
    asked = run("history", "--manual", "--json").json
    since = "2020-01-01T00:00:00Z"
    assert 0 == run("dossier", "show", str(number), "--json").code
    assert 0 == run("dossier", "explain", str(number)).code
    assert 0 == run("export", "all", "--format", "csv-fr", "--since", since).code
    assert 0 == run("db", "backup", "copy.db").code
    found = run("history", "--seen", "--json").json
    assert [
        ("sauvegarde", {"fichier": "copy.db"}),
        ("export", {"format": "csv-fr", "depuis": since.replace("Z", "+00:00")}),
        ("consultation", {"dossiers": [number]}),
        ("consultation", {"dossiers": [number]}),
    ] == [(one["genre"], one["options"]) for one in found]
    assert {"sauvegarde", "consultation"} <= {*run("history", "--seen").out.split()}
    assert asked == run("history", "--manual", "--json").json
    assert not (run.folder / "all" / "lecture_consultation.csv").exists()
    assert 0 == run("export", "dpo", "--view", "lecture_consultation").code
    [_, first, *rest] = (run.folder / "dpo" / "lecture_consultation.csv").read_text().splitlines()
    assert (3, "consultation") == (len(rest), first.split(",")[1])
    assert 2 == run("history", "--seen", "--manual").code
