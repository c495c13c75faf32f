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
    """On stderr, without a traceback; with --json as the only thing on stdout."""
    result = run(fault)
    assert (code, "", f"Error: {fault.message}\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )
    result = run(fault, "--json")
    assert code == result.exit_code
    assert {"error": fault.message, "exit_code": code} == json.loads(result.stdout)


def test_an_internal_error_shows_no_value_and_no_traceback() -> None:
    """An unexpected exception can contain what an applicant typed; with -v it is shown."""
    result = run(KeyError("jeanne@example.org"))
    assert 1 == result.exit_code
    assert "jeanne" not in result.output
    assert "KeyError" in result.stderr
    assert "-v" in result.stderr
    result = run(KeyError("x"), "-v")
    assert 1 == result.exit_code
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("arguments", [("--unknown",), ("--demarche", "abc")])
def test_wrong_usage_ends_with_2_and_names_the_help(arguments: tuple[str, ...]) -> None:
    """As JSON where that was asked for, though the arguments cannot be parsed."""
    result = run(None, *arguments)
    assert 2 == result.exit_code
    assert "--help" in result.stderr
    assert "Traceback" not in result.output
    result = run(None, "--json", *arguments)
    assert 2 == result.exit_code == json.loads(result.stdout)["exit_code"]


@pytest.mark.parametrize(("end", "code"), [(KeyboardInterrupt(), 130), (Exit(7), 7)])
def test_a_command_that_ends_has_its_exit_code(end: BaseException, code: int) -> None:
    """Ctrl+C as shells expect; a command's own without a message."""
    result = run(end)
    assert code == result.exit_code
    assert code == 130 or not result.output
