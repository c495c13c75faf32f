"""The command line: parses, calls one thing, prints; no logic of the worker lives here.

Modules of this package import nothing heavy at the top, so that `dsync --help` is fast.
"""

from __future__ import annotations

from dsync.cli.root import dsync
from dsync.sync.memory import seek_cycles_seldom


def main() -> None:
    """Run the `dsync` command (console script)."""
    seek_cycles_seldom()  # Before the command loads what it works with.
    dsync(prog_name="dsync")


__all__ = ["dsync", "main"]
