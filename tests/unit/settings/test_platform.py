"""What a platform as a service says in variables of its own, and a file that stands in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.errors import ConfigurationError
from dsync.settings import DEFAULT_DATABASE_URL, DEFAULT_HTTP_LISTEN
from tests.commands.command import config_with
from tests.configured import load_settings

URL = "postgres://dsync:Pass-Word@db.example:5432/dsync?sslmode=prefer"


@pytest.mark.parametrize(
    ("variables", "database_url", "listen"),
    [
        ({"DATABASE_URL": URL, "PORT": "5000"}, URL, "0.0.0.0:5000"),
        (
            {"DATABASE_URL": URL, "DSYNC_DATABASE_URL": "sqlite:///own.db", "PORT": "5000"}
            | {"DSYNC_HTTP_LISTEN": "127.0.0.1:9000"},
            "sqlite:///own.db",
            "127.0.0.1:9000",
        ),
        ({"PORT": "5000", "DSYNC_HTTP_LISTEN": ""}, DEFAULT_DATABASE_URL, ""),
        ({"DATABASE_URL": "mysql://other/app"}, DEFAULT_DATABASE_URL, DEFAULT_HTTP_LISTEN),
        ({"DATABASE_URL": "", "PORT": ""}, DEFAULT_DATABASE_URL, DEFAULT_HTTP_LISTEN),
        ({"PORT": "tcp://10.0.0.1:80"}, DEFAULT_DATABASE_URL, DEFAULT_HTTP_LISTEN),
    ],
)
def test_its_port_and_database_serve_where_no_variable_of_dsync_does(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], database_url: str, listen: str
) -> None:
    """Another application's database, or what is no number, is not taken for them."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert (database_url, listen) == (found.database_url, found.http_listen)
    assert "Pass-Word" not in str(found.shown())


def test_a_variable_can_have_the_text_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong key in it is named with the variable; --config goes before it."""
    file = Path(config_with(tmp_path))
    text = file.read_text(encoding="utf-8")
    monkeypatch.setenv("DSYNC_CONFIG_TOML", text.replace("86321", "4321"))
    assert 4321 == load_settings().demarche
    assert 86321 == load_settings(config=file).demarche
    # Where an alert is read, the command has the variable, and no such file.
    assert {} == load_settings().remedy_options()
    monkeypatch.setenv("DSYNC_CONFIG_TOML", "[demarche]\nnumer = 1")
    with pytest.raises(ConfigurationError, match=r"- DSYNC_CONFIG_TOML: demarche\.numer:"):
        load_settings()


def test_a_file_and_its_text_are_not_both_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Which one counts, nobody knows."""
    monkeypatch.setenv("DSYNC_CONFIG", config_with(tmp_path))
    monkeypatch.setenv("DSYNC_CONFIG_TOML", "[demarche]\nnumber = 1")
    with pytest.raises(ConfigurationError, match="keep one"):
        load_settings()
