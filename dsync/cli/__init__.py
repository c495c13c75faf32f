"""The command line: parses arguments, calls the worker, prints the result.

The module of a command is imported when the command is run, so that `dsync --help` is fast.
"""

from __future__ import annotations

import atexit
import gc

from dsync.cli.root import dsync


def main() -> None:
    """Run the `dsync` command (console script)."""
    # With the defaults, the garbage collector takes a fifth of a short command's time, and its
    # last collection at the end another sixth.
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)
    dsync(prog_name="dsync")


__all__ = ["dsync", "main"]
