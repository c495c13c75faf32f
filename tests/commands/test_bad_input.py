"""Every mistake of an operator ends with one message, its remedy and its exit code."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dsync.database import open_database
from dsync.domain.ids import DemarcheNumber
from dsync.sandbox import Sandbox
from dsync.settings import SANDBOX_DEMARCHE
from tests.commands.command import Command, config_with
from tests.commands.conftest import begin


def test_each_refusal_of_the_token_has_its_message(run: Command, sandbox: Sandbox) -> None:
    """Exit 3; the message names the reason, never the token."""
    tokens = sandbox.tokens
    for token, said in (
        (tokens.expired, "expired"),
        (tokens.forbidden_network, "network"),
        (tokens.other_demarche, "démarche"),
        ("not-a-token", "does not know"),
    ):
        for command in ("sync", "check"):
            ended = run(command, DSYNC_DS_TOKEN=token)
            assert ended.code == 3
            assert said in ended.text
            assert token not in ended.text
            assert "Traceback" not in ended.text


def test_an_unknown_demarche_names_the_setting(run: Command, sandbox: Sandbox) -> None:
    """The number is wrong, not the token; of such a run nothing is stored."""
    assert run("--demarche", "5", "sync").refuses(CHOSEN)
    assert [(0,)] == run.rows("SELECT count(*) FROM sync_run")
    assert run("--demarche", "5", "status", "--json").json["last_run"] is None
    # What was ever read is known, whatever DS says later.
    begin(run, sandbox)
    del sandbox.world.demarches[SANDBOX_DEMARCHE]
    assert run("sync").refuses(CHOSEN)
    assert 2 == run("status", "--json").json["last_code"]


URL, CHOSEN, TOKEN = "DSYNC_DATABASE_URL", "DSYNC_DEMARCHE", {"DSYNC_DS_TOKEN": ""}
NO_NUMBER = "expected a number of DS"
MISTAKES: list[tuple[str, dict[str, str], int, str]] = [
    ("sync", TOKEN, 2, "DSYNC_DS_TOKEN_FILE"),
    ("run", TOKEN, 2, "Error: No token for DS"),
    ("status", {CHOSEN: "abc"}, 2, f"{CHOSEN}: expected a whole number."),
    # The shipped file has the sandbox's: a real endpoint needs a real number.
    ("sync", {"DSYNC_DS_URL": "https://ds.example/graphql"}, 2, CHOSEN),
    (f"dossier show {'9' * 5000}", {}, 2, NO_NUMBER),
    ("sync --dossier 99999999999999999999", {}, 2, f"'99999999999999999999': {NO_NUMBER}"),
    ("conflicts keep abc", {}, 2, f"'abc': {NO_NUMBER}"),
    (f"--demarche {'9' * 5000} sync", {}, 2, NO_NUMBER),
    ("statsu", {}, 2, "No such command 'statsu'. Did you mean status?"),
    ("conflicts kep 1", {}, 2, "Did you mean keep?"),
    ("xylophone", {}, 2, "No such command 'xylophone'. See"),
    ("status --max-age -1h", {}, 2, "'-1h': expected a number and s, m, h or d"),
    ("sync --wait -1h", {}, 2, "'-1h': expected a number and s, m, h or d"),
    *(
        (f"purge --older-than {age} --dry-run", {}, 2, "such as 2y")
        for age in ("2", "y", "-1d", "0d", "2weeks", "101y", f"{'9' * 5000}y")
    ),
    ("db verify --sample 0", {}, 2, "give a number of dossiers"),
    ("db verify --sample 0%", {}, 2, "give a number of dossiers"),
    ("sync --all --demarche 86321", {}, 2, "--all is about every démarche"),
    ("db verify --demarche 86321 --all", {}, 2, "--all is about every démarche"),
    # In the wrong folder.
    *(
        (line, {}, 5, "There is no database yet")
        for line in ("status", "push", "precheck", "conflicts keep 1")
    ),
    ("sync", {URL: "sqlite:////nowhere/at/all.db"}, 5, "cannot be opened"),
    ("sync", {URL: "sqlite:////dev"}, 5, "no folder"),
    ("sync", {URL: f"sqlite:///{__file__}"}, 5, "no SQLite database"),
    ("sync", {URL: "postgresql://127.0.0.1:1/dsync"}, 5, "nothing answers"),
    ("sync", {URL: "mysql://u:heim@host/base"}, 2, "sqlite:///file.db"),
    ("sync", {URL: "nonsense"}, 2, URL),
    *(
        (line, {URL: f"postgresql://dsync:{password}@heim.example/heim"}, 2, "write @ as %40, /")
        for line in ("sync", "status", "check")
        for password in ("x@heim", "x/heim", "x@y/heim", "x@heim?y", "x?heim", "/@heim")
    ),
    *((line, {URL: "sqlite://"}, 5, "sqlite:///FILE") for line in ("status", "check")),
    ("status", {URL: "sqlite:///:memory:"}, 5, "sqlite:///FILE"),
]


@pytest.mark.parametrize(
    ("line", "environment", "code", "said"),
    MISTAKES,
    ids=[f"{rank} {line[:30]}" for rank, (line, *_) in enumerate(MISTAKES)],
)
def test_a_mistake_is_said_in_a_sentence(
    run: Command, line: str, environment: dict[str, str], code: int, said: str
) -> None:
    """What was probably meant, what is accepted, or what to correct; nothing is made of it.

    Without a traceback and without the password of an address.
    """
    ended = replace(run, has_seen=False)(*line.split(), **environment)
    assert (code, True) == (ended.code, said in " ".join(ended.text.split())), ended.text
    assert not re.search("Traceback|heim|report it", ended.text)
    assert len(ended.err) < 500
    assert [] == [*run.folder.iterdir()]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n[safety]\n", "\n[safety]\nbrake = 1\n", "safety.brake: unknown key"),
        ("disappearances_percent = 20", "disappearances_percent = -1", "safety.disappearances_p"),
        ('incremental = "5m"', 'incremental = "soon"', "schedule.incremental: expected a number"),
        ('incremental = "5m"', 'incremental = "99999999999d"', "a year at most"),
        ("\nnumber = 86321", "\nnumber = 9999999999", "demarche.number"),
        ("\n[demarche]\n", "\n[demarche\n", "not valid TOML"),
    ],
)
def test_a_malformed_configuration_is_refused_with_the_key(
    run: Command, old: str, new: str, said: str
) -> None:
    """Exit 2 before anything is opened."""
    name = config_with(run.folder, (old, new))
    ended = replace(run, has_seen=False)("sync", "--config", name)
    assert ended.code == 2
    assert said in ended.err
    assert not (run.folder / "dsync.db").exists()


def test_a_password_on_the_command_line_is_warned_of(run: Command) -> None:
    """Wherever it stands in the address; without a word of it, and not in what --json prints."""
    for url in (
        "postgresql://dsync:geheim@127.0.0.1:1/dsync",
        "postgresql://127.0.0.1:1/dsync?user=dsync&password=geheim",
    ):
        ended = run("status", "--json", "--database-url", url)
        assert 5 == ended.json["exit_code"]
        assert "DSYNC_DATABASE_URL_FILE=" in ended.err
        assert "geheim" not in ended.err + ended.out
    for url in ("postgresql://dsync@127.0.0.1:1/dsync", "sqlite:///a:b@c.db"):
        assert "Warning" not in run("status", "--database-url", url).err


def test_a_group_alone_shows_its_commands(run: Command) -> None:
    """Exit 2 with the help."""
    for command in ((), ("db",), ("dossier",)):
        ended = run(*command)
        assert (2, True) == (ended.code, ended.err.startswith("Usage: ")), command
        assert not re.search("Error|--help` for", ended.err), command


@pytest.mark.parametrize(
    ("arguments", "unbuffered"), [(("config", "show"), ""), (("config", "show", "--json"), "1")]
)
def test_an_unwritable_output_is_reported(
    run: Command, arguments: tuple[str, ...], unbuffered: str
) -> None:
    """One message on the other stream, without Python's own messages."""
    environment = {"PYTHONUNBUFFERED": unbuffered}
    with (
        Path("/dev/full").open("wb") as full,
        run.start(*arguments, out=full, **environment) as process,
    ):
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith("Error: The output cannot be written")
    assert err.count("\n") == 1


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_the_shell_closed_does_no_harm(run: Command, closed: int) -> None:
    """With `>&-` and `2>&-` only the output to that stream is lost."""
    with run.start("db", "upgrade", closed=closed) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == ""
    assert (out == "") == (closed == 1)
    assert (run.folder / "dsync.db").exists()


def test_the_demo_removes_no_file_of_others(run: Command) -> None:
    """A database without a table is nobody's: a demo that was killed at its start left it."""
    kept = run.folder / "mine" / "demo.db"
    kept.parent.mkdir()
    kept.write_text("Notes of a meeting.")
    assert run("demo", "--folder", "mine").refuses("another folder")
    assert kept.read_text() == "Notes of a meeting."
    kept.unlink()
    with closing(sqlite3.connect(kept)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    assert run("demo", "--folder", "mine", "--dossiers", "1").tells("is replaced")


def test_a_configuration_saved_with_a_byte_order_mark_is_read(run: Command) -> None:
    """Some editors write one."""
    name = config_with(run.folder)
    path = Path(name)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert run("config", "check", "--config", name).code == 0


@pytest.mark.skipif(os.getuid() == 0, reason="the rights of files do not bind root")
def test_check_refuses_a_database_that_may_not_be_written(run: Command, sandbox: Sandbox) -> None:
    """A run would refuse it too."""
    begin(run, sandbox)
    (run.folder / "dsync.db").chmod(0o400)
    ended = run("check")
    assert ended.code == 5
    assert "may not be written" in ended.out


def test_check_refuses_a_database_of_a_newer_version(run: Command, sandbox: Sandbox) -> None:
    """A run would refuse it too."""
    begin(run, sandbox)
    run.rows("UPDATE alembic_version SET version_num = '9999'")
    ended = run("check")
    assert (5, True) == (ended.code, "Install the newer dsync" in ended.out)


def test_a_start_while_another_works_is_one_message(run: Command, sandbox: Sandbox) -> None:
    """Exit 6 with the holder of the lease, and no figures."""
    begin(run, sandbox)
    with closing(open_database(f"sqlite:///{run.folder / 'dsync.db'}")) as store:
        store.acquire_lease(DemarcheNumber(86321), 60, holder="host:1")
        ended = run("sync")
    assert ended.code == 6
    assert ended.out == ""
    assert "host:1" in ended.err
    assert ended.err.count("\n") == 1


def test_a_push_of_one_dossier_ignores_the_others(run: Command, sandbox: Sandbox) -> None:
    """Open annotations of other dossiers do not change the exit code 0."""
    begin(run, sandbox, "--no-push")
    [(number,)] = run.rows("SELECT min(numero) FROM outbox")
    ended = run("push", "--dossier", str(number), "--json")
    assert (ended.code, ended.json["errors"], ended.json["pushed"]) == (0, [], 1)


def test_a_dry_run_shows_a_line_a_dossier_and_leaves_nothing(
    run: Command, sandbox: Sandbox
) -> None:
    """Long texts are cut and nothing empty is named; -v prints whole texts."""
    printed = run("sync", "--dry-run").out
    sent = [line for line in printed.splitlines() if "would send" in line]
    assert sent
    assert all(len(line) < 200 and "label add" in line for line in sent)
    assert "remove" not in printed
    assert "Whole texts: add -v or --json." in printed
    whole = run("sync", "--dry-run", "-v").out
    assert "instruit le dossier. " in whole
    assert "Whole texts" not in whole
    report = run("sync", "--dry-run", "--json").json
    assert report["run"] is None
    assert report["pushed"] == len(report["mutations"]) > 0
    assert ([], []) == (sandbox.control.requests(kind="mutation"), [*run.folder.iterdir()])


@pytest.mark.parametrize("command", ["config check", "check"])
@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("DSYNC_DS_TOKEN_EXPIRE_ON", "did you mean DSYNC_DS_TOKEN_EXPIRES_ON?"),
        ("DSYNC_XQZW", "DSYNC_XQZW is no setting of dsync"),
    ],
)
def test_a_misspelt_variable_gets_the_nearest_name(
    run: Command, command: str, variable: str, told: str
) -> None:
    """Where there is one near: a warning, as before."""
    ended = run(*command.split(), **{variable: "2026-12-31"})
    assert (0, True) == (ended.code, told in " ".join((ended.out + ended.err).split()))
    assert ("did you mean" in told) == ("did you mean" in ended.out + ended.err)


def test_a_misspelt_variable_is_told_once_for_several_demarches(run: Command) -> None:
    """It is no setting of any of them; in the JSON each démarche's document has it."""
    folder = run.folder / "configurations"
    folder.mkdir()
    for demarche in (7, 8):
        text = f'[demarche]\nnumber = {demarche}\n[ds]\ncontact = "mailto:eig@example.gouv.fr"\n'
        (folder / f"{demarche}.toml").write_text(text)
    given = {"DSYNC_CONFIG": str(folder), "DSYNC_XQZW": "1"}
    ended = run("check", **given)
    assert (2, 1) == (ended.out.count("Démarche "), ended.out.count("DSYNC_XQZW"))
    documents = run("check", "--json", **given).json
    assert ["settings", "settings"] == [one["checks"][0]["name"] for one in documents]
