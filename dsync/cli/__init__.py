"""The command line: parses, calls one thing, prints; no logic of the worker lives here.

Modules of this package import nothing heavy at the top, so that `dsync --help` is fast.
"""

from __future__ import annotations

import atexit
import gc

from dsync.cli.root import dsync


def main() -> None:
    """Run the `dsync` command (console script)."""
    gc.set_threshold(10_000)  # By default, a fifth of a short command goes to looking for cycles.
    atexit.register(gc.freeze)  # Nor is one looked for at the end: a sixth of it.
    dsync(prog_name="dsync")


__all__ = ["dsync", "main"]
