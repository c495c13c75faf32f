"""Every failure ends with one message and its documented exit code."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner, Result

from dsync.cli.failures import Exit, SafeGroup
from dsync.cli.options import json_option, settings_options
from dsync.errors import ConfigurationError, DSUnauthorizedError, LeaseHeldError, StoreError


def run(fault: BaseException | None, *arguments: str) -> Result:
    """Run a command that raises `fault`."""

    @click.group(cls=SafeGroup)
    @settings_options(hidden=False)
    def top() -> None:
        """Do nothing."""

    @top.command()
    @json_option
    @settings_options()
    def work(*, as_json: bool) -> None:
        """Fail."""
        if fault is not None:
            raise fault

    return CliRunner().invoke(top, ["work", *arguments])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ConfigurationError("No such key."), 2),
        (DSUnauthorizedError("Token refused.", reason="expired"), 3),
        (StoreError("Disk full."), 5),
        (LeaseHeldError("Held."), 6),
    ],
)
def test_an_error_of_dsync_has_its_message_and_exit_code(
    fault: ConfigurationError, code: int
) -> None:
    """The message is on stderr, without a traceback; stdout is empty."""
    result = run(fault)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"Error: {fault.message}\n"


def test_with_json_the_failure_is_the_only_thing_on_stdout() -> None:
    """A program can read the message and the exit code."""
    result = run(StoreError("Disk full."), "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout) == {"error": "Disk full.", "exit_code": 5}


def test_an_internal_error_shows_no_value_and_no_traceback() -> None:
    """An unexpected exception can contain what an applicant typed: only its class is shown."""
    result = run(KeyError("jeanne@example.org"))
    assert result.exit_code == 1
    assert "jeanne" not in result.output
    assert "KeyError" in result.stderr
    assert "-v" in result.stderr


def test_verbose_shows_the_traceback() -> None:
    result = run(KeyError("x"), "-v")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("arguments", [("--unknown",), ("--demarche", "abc")])
def test_wrong_usage_ends_with_2_and_names_the_help(arguments: tuple[str, ...]) -> None:
    """The message of a misspelt flag names `--help`."""
    result = run(None, *arguments)
    assert result.exit_code == 2
    assert "--help" in result.stderr
    assert "Traceback" not in result.output


def test_wrong_usage_with_json_is_json_too() -> None:
    """Also when the arguments cannot be parsed."""
    result = run(None, "--json", "--unknown")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["exit_code"] == 2


def test_ctrl_c_ends_with_130() -> None:
    """As shells expect."""
    assert run(KeyboardInterrupt()).exit_code == 130


def test_a_command_gives_its_own_exit_code() -> None:
    """`Exit` prints nothing more."""
    result = run(Exit(7))
    assert (result.exit_code, result.output) == (7, "")
