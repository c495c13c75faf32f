"""A folder of three démarches: what is of all, what is of one, and what is of a dossier's."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.configuration import shipped_config
from dsync.sandbox import Sandbox, content
from tests.commands.command import InsideCommand, remedies
from tests.commands.conftest import once
from tests.commands.terminal import COLUMNS, screen
from tests.commands.test_other_demarche import JUDGED

MAIN, EQUIPMENT, COPIED = 86321, content.EQUIPMENT_FORM.number, 90001
NUMBERS = (MAIN, EQUIPMENT, COPIED)
RESULTAT = 5102
FIRST = content.FIRST_NUMBER
OF_EQUIPMENT = EQUIPMENT * 1000 + 1
ANSWER = ("--result", "conforme", "--reason", "Vu.")
OF_ONE = {"sync", "push", "precheck", "evidence", "purge"}
LISTS = (
    "dossier list",
    "conflicts",
    "conflicts list",
    "quarantine list",
    "history",
    "history --manual",
    "pieces status",
)


@pytest.fixture
def many(run: InsideCommand, sandbox: Sandbox) -> InsideCommand:
    """Return `dsync` with a folder of three démarches, all read, one with a human's edit."""
    shipped = shipped_config().read_text(encoding="utf-8")
    other = content.dossiers(7, 3, now=sandbox.control.clock.now())
    sandbox.control.form.add_demarche(COPIED, content.FORM, other)
    folder = run.folder / "demarches"
    folder.mkdir()
    texts = {
        MAIN: shipped,
        EQUIPMENT: JUDGED,
        COPIED: f'[demarche]\nnumber = {COPIED}\n[ds]\ncontact = "mailto:a@b.fr"\n',
    }
    for number, text in texts.items():
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    dsync = run.given(DSYNC_CONFIG=str(folder))

    def begin() -> None:
        assert 0 == dsync("sync", "--all").code
        sandbox.control.edit_annotation(FIRST, RESULTAT, "Inéligible")
        assert 0 == dsync("sync", "--demarche", str(MAIN)).code

    once(dsync, sandbox, "many", begin)
    return dsync


def test_the_check_of_the_files_says_whose_console_each_has(run: InsideCommand) -> None:
    """One file has it for all; in another one somebody needs a role, where people sign in."""
    (run.folder / "files").mkdir()
    openid = '[console.openid]\nissuer = "https://id.example.fr"\nclient_id = "dsync"\n'
    acces = '[[acces]]\nrole = "lecteur"\nwho = ["@example.fr"]\n'
    for number, more in (
        (1, f'[console]\npublic_url = "https://dsync.example.fr"\n{openid}{acces}'),
        (2, acces),
        (3, ""),
    ):
        text = f'[demarche]\nnumber = {number}\n[ds]\ncontact = "mailto:a@b.fr"\n{more}'
        (run.folder / "files" / f"{number}.toml").write_text(text, encoding="utf-8")
    said = run("config", "check", DSYNC_CONFIG=str(run.folder / "files"), DSYNC_DEMARCHE="")
    assert [
        "console: of all 3 démarches",
        "console: [console] of 1.toml",
        "console: [console] of 1.toml; nobody has a role in it: add [[acces]]",
    ] == [line.strip() for line in said.out.splitlines() if "console:" in line]


def test_what_acts_says_which_demarches_it_could_be_about(many: InsideCommand) -> None:
    """One sentence with the numbers and both ways; --all does each, and its JSON is a list."""
    for line in ("sync", "db verify", "quarantine retry", "purge --older-than 9y", "push"):
        refused = many(*line.split())
        assert (2, 1) == (refused.code, len(refused.err.strip().splitlines())), line
        for said in (*map(str, NUMBERS), "--demarche N", "--all"):
            assert said in refused.err
        done = many(*line.split(), "--all", "--yes", "--json") if "purge" in line else None
        done = done or many(*line.split(), "--all", "--json")
        assert 0 == done.code, done.text
        # Into one of the three nothing is written.
        about = NUMBERS[:2] if line == "push" else NUMBERS
        assert [*about] == [one["demarche"] for one in done.json]
    assert many("sync", "--all", "--demarche", str(MAIN)).refuses("--all is about every démarche")
    assert "--all" not in many("precheck").err


def test_all_goes_on_after_a_failure_and_ends_with_the_worst_code(
    many: InsideCommand, sandbox: Sandbox
) -> None:
    """DS fails for one démarche: the others are read, in text and in JSON."""
    folder = Path(many.environment["DSYNC_CONFIG"])
    (folder / "token").write_text(sandbox.tokens.expired, encoding="utf-8")
    own = f'[ds]\nurl = "{sandbox.ds_url}"\ntoken_file = "token"\n'
    file = folder / f"{COPIED}.toml"
    file.write_text(file.read_text("utf-8").replace("[ds]\n", own), encoding="utf-8")
    done = many("sync", "--all", "--json")
    assert (3, ["success", "success", "failed"]) == (done.code, [x["status"] for x in done.json])
    said = many("sync", "--all")
    assert 3 == said.code
    assert [f"Démarche {number}" for number in NUMBERS] == [
        line for line in said.out.splitlines() if line.startswith("Démarche ")
    ]
    assert f"`dsync check --demarche {COPIED}`" in said.err

    [first, *_] = [line for line in many("status").out.splitlines() if line[:1].isdigit()]
    assert str(COPIED) == first.split()[0]
    assert "! token refused" in first


def test_status_says_of_which_demarche_ds_is_away(many: InsideCommand) -> None:
    """In the table, in JSON and of that one alone, like every other failure."""
    failed = many("sync", "--demarche", str(COPIED), DSYNC_DS_URL="http://127.0.0.1:1/graphql")
    assert 8 == failed.code, failed.text
    shown = many("status")
    [first, *_] = [line for line in shown.out.splitlines() if line[:1].isdigit()]
    assert (0, str(COPIED)) == (shown.code, first.split()[0]), shown.text
    assert "! DS is away" in first
    found = {one["demarche"]: one["attention"] for one in many("status", "--json").json}
    assert [COPIED] == [number for number, said in found.items() if "DS is away" in said]
    assert 0 == many("status", "--demarche", str(COPIED)).code


def test_all_are_those_that_copy_files(many: InsideCommand) -> None:
    """A démarche that copies none is no mistake; with nothing to copy anywhere it is one."""
    refused = many("pieces", "fetch", "--all")
    assert (2, "", 1) == (refused.code, refused.out, len(refused.err.strip().splitlines()))
    assert "set [pieces] target" in refused.err
    file = Path(many.environment["DSYNC_CONFIG"]) / f"{COPIED}.toml"
    target = many.folder / "target"
    target.mkdir()
    text = f'{file.read_text("utf-8")}[pieces]\ntarget = "file://{target}"\n'
    file.write_text(text, encoding="utf-8")
    done = many("pieces", "fetch", "--all")
    assert (0, True) == (done.code, any(target.iterdir())), done.text


def test_status_is_a_table_of_eighty_columns(many: InsideCommand) -> None:
    """A line a démarche with its title, the worst first, and a summary; JSON has all of each."""
    for shown in (many("status"), screen(many, "status")):
        lines = [line for line in shown.out.splitlines() if line.strip()]
        assert 0 == shown.code
        assert COLUMNS >= max(map(len, lines))
        rows = [line.split() for line in lines if line[:1].isdigit() and "démarches" not in line]
        assert [MAIN, EQUIPMENT, COPIED] == [int(row[0]) for row in rows]
        assert "! 1 in conflict" in lines[1] + lines[2]
        for said in ("3 démarches", "1 of which needs", "`dsync run`"):
            assert said in " ".join(shown.out.split()), shown.out
        assert f"`dsync status --demarche {MAIN}`" in shown.out
    documents = many("status", "--json").json
    assert [*NUMBERS] == [one["demarche"] for one in documents]
    assert ["1 in conflict"] == documents[0]["attention"]
    assert all(one["title"] for one in documents)
    assert 7 == many("status", "--strict").code
    late = many("status", "--max-age", "0s")
    assert (7, True) == (late.code, f"of {MAIN}, {EQUIPMENT}, {COPIED} is older" in late.err)
    details = many("status", "--demarche", str(MAIN))
    assert f"`dsync conflicts list --demarche {MAIN}`" in details.out


def test_lists_are_of_all(many: InsideCommand, sandbox: Sandbox) -> None:
    """With a column « démarche », and a key in JSON; --demarche lists those of one."""
    sandbox.control.faults.fail_reads(FIRST + 1)
    sandbox.control.edit_champ(FIRST + 1, 4303, "Autre")
    many("sync", "--dossier", str(FIRST + 1))
    many("precheck", "answer", str(FIRST + 2), "administration", *ANSWER)
    for line in ("precheck answers", *LISTS):
        every = many(*line.split(), "--json")
        assert 0 == every.code, every.text
        found = {one["demarche"] for one in every.json}
        assert found <= {*NUMBERS}
        assert MAIN in found
        shown = many(*line.split())
        header, first, *_ = [one for one in shown.out.splitlines() if one]
        assert ("démarche", True) == (header.split()[0], int(first.split()[0]) in NUMBERS)
        of_one = many(*line.split(), "--demarche", str(MAIN))
        assert "démarche" not in of_one.out.split("\n")[0]
        if line in LISTS:
            assert every.json == many(*line.split(), "--all", "--json").json
            assert 2 == many(*line.split(), "--all", "--demarche", str(MAIN)).code


def test_a_dossier_is_enough_to_find_its_demarche(many: InsideCommand, sandbox: Sandbox) -> None:
    """For what shows, acts, answers and erases; several dossiers may be of several démarches."""
    other = str(OF_EQUIPMENT)
    assert other in many("dossier", "show", other).out
    assert 0 == many("dossier", "explain", other).code
    assert 0 == many("dossier", "message", other).code
    assert 0 == many("precheck", "--dossier", other, "--dry-run").code
    assert 0 == many("precheck", "answer", str(FIRST + 2), "administration", *ANSWER).code
    assert 0 == many("precheck", "unanswer", str(FIRST + 2), "administration").code
    assert 0 == many("push", "--dossier", str(FIRST + 2)).code
    both = many("sync", "--dossier", other, "--dossier", str(FIRST), "--json")
    assert (0, [EQUIPMENT, MAIN]) == (both.code, [one["demarche"] for one in both.json])
    assert 1 == many("sync", "--dossier", other, "--json").json["read"]
    ended = many("conflicts", "keep", str(FIRST), other)
    assert (0, True) == (ended.code, f"Dossier {FIRST}: the human's value stays" in ended.out)
    assert f"Dossier {other} has no such open conflict" in ended.out
    assert 0 == many("dossier", "erase", other, "--yes").code
    assert 0 == many("dossier", "erase", other, "--undo").code
    assert many("precheck", "--dossier", other, "--dossier", str(FIRST)).refuses("one at a time")


def test_a_dossier_of_no_configured_demarche_is_said_in_a_sentence(many: InsideCommand) -> None:
    """Unknown, of a démarche that was taken out of the folder, or of another than the chosen."""
    for line in ("dossier show 7", "push --dossier 7", "dossier erase 7 --yes", "sync --dossier 7"):
        ended = many(*line.split())
        assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
        assert "Dossier 7 is not in the database" in ended.err
        assert "`dsync sync --all`" in ended.err
    assert many("dossier", "show", str(OF_EQUIPMENT), "--demarche", str(MAIN)).refuses(
        f"is of démarche {EQUIPMENT}, and not"
    )
    (Path(many.environment["DSYNC_CONFIG"]) / f"{EQUIPMENT}.toml").unlink()
    assert many("dossier", "show", str(OF_EQUIPMENT)).refuses(
        f"choose it with --demarche {EQUIPMENT}."
    )
    assert 0 == many("dossier", "show", str(OF_EQUIPMENT), "--demarche", str(EQUIPMENT)).code


def test_each_remedy_is_about_what_the_command_was_about(
    many: InsideCommand, sandbox: Sandbox
) -> None:
    """With the folder as a flag, it has the folder too, and the démarche where one is meant."""
    folder = many.environment["DSYNC_CONFIG"]
    bare = many.given(DSYNC_CONFIG="")
    sandbox.control.faults.fail_reads(FIRST + 1)
    sandbox.control.edit_champ(FIRST + 1, 4303, "Autre")
    bare("sync", "--dossier", str(FIRST + 1), "--config", folder)
    seen = 0
    for line in ("status", f"status --demarche {MAIN}", "conflicts", "quarantine list", "check"):
        for words in remedies(bare(*line.split(), "--config", folder).text):
            seen += 1
            assert folder in words, words
            # What acts, and names no dossier, says which démarche is meant.
            is_open = words[0] in OF_ONE and "--dossier" not in words
            assert not is_open or {"--demarche", "--all"} & {*words}, words
    assert seen > 6


def test_a_wrong_file_stops_its_demarche_alone(many: InsideCommand) -> None:
    """What is about all goes on with the others, says which file is wrong, and ends with 2.

    What names a démarche does not look at it; what could be about any does nothing.
    """
    file = many.folder / "demarches" / f"{COPIED}.toml"
    file.write_text("x [", encoding="utf-8")
    for line in ("status", "history", "dossier list", "sync --all", "db verify --all"):
        done = many(*line.split(), "--json")
        assert (2, 1) == (done.code, done.err.count(f"{COPIED}.toml: not valid TOML")), line
        assert {MAIN, EQUIPMENT} == {one["demarche"] for one in done.json}
    shown = many("status")
    assert f"forget {COPIED}" not in shown.text
    for line in ("sync", "check", "config check"):
        refused = many(*line.split())
        assert (2, "") == (refused.code, refused.out)
        assert f"{COPIED}.toml: not valid TOML" in refused.err
        assert f"meanwhile, each by --demarche N: {MAIN}, {EQUIPMENT}" in refused.err
    assert 0 == many("dossier", "list", "--demarche", str(MAIN)).code


def test_what_is_done_for_all_ends_with_a_summary(many: InsideCommand) -> None:
    """On its last line, because what failed has scrolled away."""
    assert "3 of 3 démarches without a problem." == many("sync", "--all").out.splitlines()[-1]
    shown = many("push", "--all").out
    assert shown.endswith("2 of 2 démarches without a problem.\n")
    verified = many("db", "verify", "--all").out
    assert (1, 1) == (verified.count("contenu "), verified.count("It cannot know"))
    refused = many("purge", "--all")
    assert (2, 1) == (refused.code, refused.text.count("set [retention]"))
