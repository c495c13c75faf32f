"""Servers that answer without end: the process stays small, ends in time, and says what it met."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.http.faults import BETAGOUV, ScriptedFault
from tests.acceptance.worker.installed import Installed, Process, until
from tests.commands.command import config_with

CHANGES = (
    *[("max_response_mib = 16", "max_response_mib = 8")] * 2,
    ("deadline_s = 60", "deadline_s = 2"),
    ("deadline_s = 30", "deadline_s = 2"),
)


def peak_mib(process: Process) -> float:
    """Wait for a process's end; return the most memory that it had."""
    peak = 0

    def has_ended() -> bool:
        nonlocal peak
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            peak = int(found[1]) if found else peak
        return not process.is_running

    until(has_ended, within_s=60)
    return peak / 1024


@pytest.mark.parametrize(
    ("where", "kind"),
    [("ds", "endless_body"), ("ds", "slow_headers"), (BETAGOUV, "gzip_bomb")],
)
def test_an_answer_without_end_takes_neither_memory_nor_time(
    sqlite_dsync: Installed, sandbox: Sandbox, tmp_path: Path, kind: Any, where: str
) -> None:
    """DS out of bounds ends the run with 8; evidence out of bounds leaves its checks unmade (7)."""
    config = config_with(tmp_path, *CHANGES)
    operation = None if where == "ds" else where
    sandbox.control.fail(ScriptedFault(kind, operation=operation, times=None, bytes_per_s=20))

    process = sqlite_dsync.start("sync", "--json", config=config)
    peak = peak_mib(process)
    done = process.wait()

    assert (8 if where == "ds" else 7) == done.code, done.text
    assert peak < 160, f"{peak:.0f} MiB"
    assert ("deadline" if kind == "slow_headers" else "8 MiB") in done.text
