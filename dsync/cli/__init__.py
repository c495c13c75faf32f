"""The command line: parses arguments, calls the worker, prints the result.

The module of a command is imported when the command is run, so that `dsync --help` is fast.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys

from dsync.cli.root import dsync
from dsync.service.signals import end_by_exception

SWITCH_S = 0.001
"""How long a thread may keep the interpreter while another one waits for it. By default 5 ms: the
request for a page, or an answer over HTTP, would wait several times for the thread of a run."""
M_TRIM_THRESHOLD, M_ARENA_MAX = -1, -8
"""Parameters of glibc's `mallopt`."""
TRIMMED = 1 << 17
"""Free memory in bytes that glibc keeps at the end of its heap."""


def main() -> None:
    """Run the `dsync` command (console script)."""
    set_up_process()
    # Until a command has made its imports: they stay, and what comes later is looked at alone.
    gc.disable()
    end_by_exception()
    try:
        dsync(prog_name="dsync")
    finally:
        # When a signal interrupts text that Python evaluates, as typing and named tuples do at
        # imports, Python ends itself by SIGINT whatever the exit code, unless other text succeeds.
        exec("")  # noqa: S102


def set_up_process() -> None:
    """Set the interpreter and glibc up for short commands and a long service."""
    # With the defaults, the garbage collector takes a fifth of a short command's time, and its
    # last collection at the end another sixth. A page has some 12,000 objects, which end with it.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    sys.setswitchinterval(SWITCH_S)
    # Pages of some MiB are read by one thread and freed by another one. glibc would keep them, some
    # 15 MiB; other C libraries do not have the function.
    mallopt = getattr(ctypes.pythonapi, "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, TRIMMED)
        mallopt(M_ARENA_MAX, 1)


__all__ = ["dsync", "main", "set_up_process"]
