"""Whatever an operator gets wrong ends as one sentence with its remedy and its exit code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from dsync.settings import shipped_config
from tests.commands.command import Command


def own_configuration(folder: Path, old: str, new: str) -> str:
    """Copy the shipped configuration with one passage changed; return the copy's name."""
    shipped = shipped_config()
    copy = folder / "own"
    shutil.copytree(shipped.parent, copy)
    text = (copy / shipped.name).read_text(encoding="utf-8")
    assert old in text
    (copy / shipped.name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return f"own/{shipped.name}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("expired", "expired"),
        ("forbidden_network", "network"),
        ("other_demarche", "démarche"),
        ("unknown", "does not know"),
    ],
)
def test_each_refusal_of_the_token_is_told_apart(
    run: Command, sandbox: Sandbox, name: str, said: str
) -> None:
    """Exit 3; the sentence tells which refusal it is, and never the token."""
    token = getattr(sandbox.tokens, name, "not-a-token")
    for command in ("sync", "check"):
        ended = run(command, DSYNC_DS_TOKEN=token)
        told = ended.out + ended.err
        assert ended.code == 3
        assert said in told
        assert token not in told
        assert "Traceback" not in told


def test_no_token_is_a_setting_that_is_missing(run: Command) -> None:
    """Exit 2, the variable named, and no database begun."""
    ended = run("sync", DSYNC_DS_TOKEN="")
    assert ended.code == 2
    assert "DSYNC_DS_TOKEN_FILE" in ended.err
    assert list(run.folder.iterdir()) == []


def test_an_unknown_demarche_names_the_setting(run: Command) -> None:
    """Exit 2: the number is wrong, not the token."""
    ended = run("--demarche", "5", "sync")
    assert ended.code == 2
    assert "DSYNC_DEMARCHE" in ended.out + ended.err


def test_the_sandboxs_number_is_never_asked_of_another_server(run: Command) -> None:
    """The shipped file holds it: a real endpoint needs a real number."""
    ended = run("sync", DSYNC_DS_URL="https://ds.example/graphql")
    assert ended.code == 2
    assert "DSYNC_DEMARCHE" in ended.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n[safety]\n", "\n[safety]\nbrake = 1\n", "safety.brake: unknown key"),
        ("requests_per_minute = 350", 'requests_per_minute = "many"', "ds.requests_per_minute"),
        ('incremental = "5m"', 'incremental = "soon"', "schedule.incremental"),
        ("\n[demarche]\n", "\n[demarche\n", "not valid TOML"),
    ],
)
def test_a_malformed_configuration_is_refused_with_the_key(
    run: Command, old: str, new: str, said: str
) -> None:
    """Exit 2 before anything is opened."""
    name = own_configuration(run.folder, old, new)
    ended = run("sync", "--config", name)
    assert ended.code == 2
    assert said in ended.err
    assert not (run.folder / "dsync.db").exists()


def test_an_option_that_the_annotation_lacks_is_found_by_check(run: Command) -> None:
    """Exit 2, with what the annotation offers."""
    name = own_configuration(run.folder, 'ineligible = "Inéligible"', 'ineligible = "Refusé"')
    ended = run("check", "--config", name)
    assert ended.code == 2
    assert "lacks the option « Refusé »" in ended.out
    assert "« Inéligible »" in ended.out


def test_a_champ_that_the_form_lacks_is_found_by_check(run: Command) -> None:
    """The field and the section to mend are named."""
    name = own_configuration(
        run.folder,
        'id = "Q2hhbXAtNDEwMg=="\nlibelles = ["Page produit sur beta.gouv.fr"]',
        'id = "Q2hhbXAtMQ=="\nlibelles = ["Un champ que le formulaire n’a pas"]',
    )
    ended = run("check", "--config", name)
    assert ended.code == 2
    assert "page_produit: gone from the form" in ended.out
    assert "[mapping] page_produit" in ended.out


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("sqlite:////nowhere/at/all.db", 5, "cannot be opened"),
        ("sqlite:///junk.db", 5, "no SQLite database"),
        ("postgresql://127.0.0.1:1/dsync", 5, "nothing answers"),
        ("mysql://host/base", 2, "mysql"),
        ("nonsense", 2, "DSYNC_DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_opened_says_why(
    run: Command, url: str, code: int, said: str
) -> None:
    """No traceback, and the password of an address is never shown."""
    (run.folder / "junk.db").write_text("this is no database, whatever it is" * 50)
    ended = run("sync", "--json", "--database-url", url)
    assert (ended.code, ended.json["exit_code"]) == (code, code)
    assert said in ended.json["error"]
    assert "Traceback" not in ended.err


def test_a_read_leaves_no_database_behind(run: Command) -> None:
    """`dsync status` in the wrong folder says so, and leaves the folder as it was."""
    ended = run("status")
    assert ended.code == 5
    assert "dsync sync" in ended.err
    assert list(run.folder.iterdir()) == []


def test_a_dry_run_leaves_no_database_behind(run: Command) -> None:
    """It prints what it would send, and writes nothing anywhere."""
    ended = run("sync", "--dry-run", "--json")
    assert ended.code == 0
    assert ended.json["run"] is None
    assert ended.json["mutations"]
    assert list(run.folder.iterdir()) == []
