"""A folder with one configuration file a démarche."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dsync.configuration import DEFAULT_DS_URL, shipped_config
from dsync.errors import ConfigurationError
from dsync.settings import SANDBOX_DEMARCHE, load_each
from tests.configured import load_all, load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with démarches 2 and 1, and a token for those without one of their own."""
    monkeypatch.setenv("DSYNC_DS_TOKEN", "common")
    for number in (2, 1):
        _write(tmp_path / f"{3 - number}.toml", number)
    return tmp_path


OTHER = "https://ds.example.fr/api/v2/graphql"


def _write(file: Path, number: int, ds: str = "", url: str | None = None) -> None:
    text = shipped_config().read_text(encoding="utf-8")
    text = text.replace("number = 86321", f"number = {number}").replace("[ds]\n", f"[ds]\n{ds}")
    text = text.replace(DEFAULT_DS_URL, url or DEFAULT_DS_URL)
    file.write_text(text, encoding="utf-8")


def test_each_file_is_one_demarche(folder: Path) -> None:
    """By number, whatever the files are called; a démarche can be chosen."""
    assert [1, 2] == [one.demarche for one in load_all(config=folder)]
    assert [2] == [one.demarche for one in load_all(config=folder, demarche=2)]
    assert 2 == load_settings(config=folder, demarche=2).demarche


def test_a_demarche_with_two_files_is_served_from_neither(folder: Path) -> None:
    """One sentence names both, and the other démarche goes on."""
    files = {folder / "1.toml", folder / "1 (copy).toml"}
    _write(folder / "1 (copy).toml", 2)
    loaded = load_each(config=folder)
    assert [(1, folder / "2.toml")] == [(one.demarche, one.config) for one in loaded.found]
    assert files == {file for file, _ in loaded.problems}
    [problem] = loaded.each_problem
    assert all(str(file) in problem for file in files)
    assert [1] == [one.demarche for one in load_all(config=folder, demarche=1)]
    with pytest.raises(ConfigurationError, match="keep one"):
        load_all(config=folder, demarche=2)
    assert [2] == [one.demarche for one in load_all(config=folder, demarche=2, stored=True)]


def test_a_folder_that_may_not_be_read_is_not_called_empty() -> None:
    """The remedy is another one."""
    with TemporaryDirectory(prefix="dsync-test-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "demarches"
        folder.mkdir(0o000)
        own = os.geteuid()
        try:
            # To root nothing is forbidden.
            os.seteuid(own or 65534)
            with pytest.raises(ConfigurationError, match="the folder cannot be read"):
                load_each(config=folder)
        finally:
            os.seteuid(own)


def test_a_token_of_its_own_replaces_the_common_one(folder: Path) -> None:
    """Its file is found beside the configuration; its last day is not the common one's."""
    (folder / "own").write_text("secret\n", encoding="utf-8")
    _write(folder / "1.toml", 2, 'token_file = "own"\ntoken_expires_on = 2027-06-30\n')
    one, two = load_all(config=folder)
    assert ("common", "secret") == (one.token, two.token)
    assert (None, "2027-06-30") == (one.ds_token_expires_on, str(two.ds_token_expires_on))
    assert "file" == two.sources["ds_token"]
    assert "secret" not in two.shown().values()


def test_a_token_that_is_put_in_the_file_replaces_the_former_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a démarche's own file and the common one; the former stays while one is written."""
    (folder / "own").write_text("former", encoding="utf-8")
    (folder / "all").write_text("common", encoding="utf-8")
    monkeypatch.delenv("DSYNC_DS_TOKEN")
    monkeypatch.setenv("DSYNC_DS_TOKEN_FILE", str(folder / "all"))
    _write(folder / "1.toml", 2, 'token_file = "own"\n')
    common, own = load_all(config=folder)

    def tokens() -> tuple[str, str]:
        return common.renewed().token, own.renewed().token

    assert ("common", "former") == tokens()
    (folder / "own").write_text("", encoding="utf-8")
    (folder / "all").unlink()
    assert ("common", "former") == tokens()
    (folder / "own").write_text("new\n", encoding="utf-8")
    (folder / "all").write_text("newer", encoding="utf-8")
    assert ("newer", "new") == tokens()


def test_a_new_token_has_the_last_day_of_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's day was the former token's; a file that is being edited changes none."""
    (folder / "all").write_text("former", encoding="utf-8")
    (folder / "own").write_text("former", encoding="utf-8")
    monkeypatch.delenv("DSYNC_DS_TOKEN")
    monkeypatch.setenv("DSYNC_DS_TOKEN_FILE", str(folder / "all"))
    monkeypatch.setenv("DSYNC_DS_TOKEN_EXPIRES_ON", "2026-06-30")
    own = 'token_file = "own"\n'
    _write(folder / "1.toml", 2, f"{own}token_expires_on = 2026-07-31\n")
    both = load_all(config=folder)

    def days() -> list[str]:
        return [str(one.renewed().ds_token_expires_on) for one in both]

    assert ["2026-06-30", "2026-07-31"] == days()
    for name in ("all", "own"):
        (folder / name).write_text("new", encoding="utf-8")
    (folder / "1.toml").write_text("[ds", encoding="utf-8")
    assert ["None", "2026-07-31"] == days()
    _write(folder / "1.toml", 2, f"{own}token_expires_on = 2027-07-31\n")
    assert ["None", "2027-07-31"] == days()


def test_all_problems_of_all_files_are_told_at_once(folder: Path) -> None:
    """A wrong key, a démarche that two files configure, a token that cannot be read."""
    _write(folder / "1.toml", 1)
    _write(folder / "3.toml", 3, "page_size = 10\n")
    _write(folder / "4.toml", 4, 'token_file = "missing"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_all(config=folder)
    *wrong, twice = caught.value.problems
    assert ["3.toml", "4.toml"] == [Path(one.partition(": ")[0]).name for one in wrong]
    assert f"{folder / '1.toml'} and {folder / '2.toml'} configure" in twice


def test_a_problem_of_the_environment_is_told_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files the folder has."""
    monkeypatch.setenv("DSYNC_WEBHOOK_SECRET", "short")
    with pytest.raises(ConfigurationError) as caught:
        load_all(config=folder)
    assert 1 == len(caught.value.problems), caught.value.message


@pytest.mark.parametrize(
    ("options", "said"),
    [({}, "--demarche N"), ({"demarche": 7}, "no file configures démarche 7, only 1, 2")],
)
def test_what_cannot_be_chosen_is_told(folder: Path, options: dict[str, int], said: str) -> None:
    """Several démarches without a choice, or the choice of another one."""
    with pytest.raises(ConfigurationError, match=said):
        load_settings(config=folder, **options)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    """The message names the folder and where it was given."""
    with pytest.raises(ConfigurationError, match=r"no configuration file \(\*\.toml\)"):
        load_all(config=tmp_path)


@pytest.mark.parametrize(
    ("token_file", "url", "of_all", "said"),
    [
        (True, None, OTHER, r"2.toml: \[ds\] token_file is for https://demarche.numerique"),
        (True, OTHER, DEFAULT_DS_URL, r"2.toml: \[ds\] token_file is for https://ds.example.fr"),
        (True, OTHER, OTHER.replace(".fr", ".fr:8443"), "its token is not sent to the"),
        (True, OTHER, None, None),
        (True, OTHER, f"{OTHER}?a=1", None),
        (False, OTHER, None, "DSYNC_DS_TOKEN is not sent"),
        (False, OTHER, OTHER, None),
        (False, None, OTHER, None),
    ],
)
def test_a_token_goes_to_its_own_address_only(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    token_file: bool,
    url: str | None,
    of_all: str | None,
    said: str | None,
) -> None:
    """A file's token to that file's address, the environment's to the environment's, else DS's."""
    (folder / "own").write_text("secret", encoding="utf-8")
    ds = 'token_file = "own"\n' if token_file else ""
    file = folder / "2.toml"
    _write(file, 1, ds, url)
    if of_all is not None:
        monkeypatch.setenv("DSYNC_DS_URL", of_all)
    if said is None:
        assert 2 == len(load_all(config=folder))
        return
    for path in (folder, file):
        with pytest.raises(ConfigurationError, match=said):
            load_all(config=path)


@pytest.mark.parametrize("own", [2, SANDBOX_DEMARCHE])
def test_a_file_that_names_its_number_serves_no_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: int
) -> None:
    """Only the sandbox's number of the shipped file is replaced."""
    _write(file := tmp_path / "own.toml", own)
    assert own == load_settings(config=file).demarche
    assert own == load_settings(config=file, demarche=own).demarche
    monkeypatch.setenv("DSYNC_DEMARCHE", "7")
    if own == SANDBOX_DEMARCHE:
        assert 7 == load_settings(config=file).demarche
        return
    with pytest.raises(ConfigurationError, match="configures démarche 2, and serves no other one"):
        load_settings(config=file)
