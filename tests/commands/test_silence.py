"""While DS does not answer, the failed attempts and the waits are shown."""

from __future__ import annotations

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.faults import ScriptedFault
from tests.commands.command import Command
from tests.commands.terminal import on_terminal


@pytest.mark.parametrize("on", ["terminal", "pipe", "json"])
def test_a_failed_attempt_is_shown_at_once(run: Command, sandbox: Sandbox, on: str) -> None:
    """With the wait before the next one, and the end of the outage; not with --json."""
    sandbox.control.faults.fail(ScriptedFault("bad_gateway", times=1))
    if on == "terminal":
        ended = on_terminal(run, "sync", "--no-push", errors_too=True)
        told = " ".join(ended.out.split())
        assert f"Asking {sandbox.ds_url} about démarche 86321." in told
        assert "Reading dossiers" in told
        assert "/?" not in told, "progress without a total is a number"
    else:
        ended = run("sync", "--no-push", *(["--json"] if on == "json" else []))
        told = ended.err
    assert 0 == ended.code
    if on == "json":
        assert "" == told
        return
    assert "DS is unavailable (HTTP 502). Attempt 1 of 6; the next one in " in told
    assert "DS answers again: recovered after " in told


def test_a_page_that_times_out_is_shown(run: Command, sandbox: Sandbox) -> None:
    """The next request asks for fewer dossiers at once."""
    sandbox.control.faults.fail(ScriptedFault("timeout", operation="DossiersPage", reached=3))
    ended = run("sync", "--no-push")
    assert (0, True) == (ended.code, "A smaller page is asked for." in ended.err), ended.err
