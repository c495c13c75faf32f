"""While DS does not answer, whoever waits is told what is tried, and when again."""

from __future__ import annotations

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.http.faults import ScriptedFault
from tests.commands.command import Command
from tests.commands.terminal import on_terminal


@pytest.mark.parametrize("on", ["terminal", "pipe", "json"])
def test_what_fails_is_told_when_it_fails(run: Command, sandbox: Sandbox, on: str) -> None:
    """The attempt, the wait before the next one, and that the outage is over; not with --json."""
    sandbox.control.fail(ScriptedFault("bad_gateway", times=1))
    if on == "terminal":
        ended = on_terminal(run, "sync", "--no-push", errors_too=True)
        told = " ".join(ended.out.split())
        assert f"Asking {sandbox.ds_url} about démarche 86321." in told
    else:
        ended = run("sync", "--no-push", *(["--json"] if on == "json" else []))
        told = ended.err
    assert 0 == ended.code
    if on == "json":
        assert "" == told
        return
    assert "DS is unavailable (HTTP 502). Attempt 1 of 6; the next one in " in told
    assert "DS answers again: recovered after " in told


def test_a_page_that_takes_too_long_is_told(run: Command, sandbox: Sandbox) -> None:
    """The next request asks for less, at once."""
    sandbox.control.fail(ScriptedFault("timeout", operation="DossiersPage", reached=3))
    ended = run("sync", "--no-push")
    assert (0, True) == (ended.code, "A smaller page is asked for." in ended.err), ended.err
