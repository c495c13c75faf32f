"""The output of `dsync` on a terminal of 80 columns, without colours."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

from tests.commands.command import DEADLINE_S, Command, Ended

COLUMNS = 80
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    command: Command,
    *arguments: str,
    typed: str = "",
    at: str | None = None,
    then: Callable[[subprocess.Popen[bytes]], str] = lambda _: "",
    errors_too: bool = False,
    **environment: str,
) -> Ended:
    """Run `dsync` on a terminal, where something may be typed.

    Standard error is read apart, unless it is on the terminal too. When `at` is shown, `then` is
    called with the process; what it returns is typed.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    inherited = {
        name: value
        for name, value in {**command.environment, **environment}.items()
        if name not in {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
    }
    with subprocess.Popen(
        command.line(arguments),
        cwd=command.folder,
        env={**inherited, "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave if errors_too else subprocess.PIPE,
    ) as process:
        os.close(slave)
        os.write(master, typed.encode())
        shown = b""
        while part := _read(master):
            shown += part
            if at and at.encode() in shown:
                os.write(master, then(process).encode())
                at = None
        _, err = process.communicate(timeout=DEADLINE_S)
    os.close(master)
    text = _ANSI.sub("", shown.decode()).replace("\r\n", "\n")
    return Ended(process.returncode, text, (err or b"").decode())


def ctrl_c(process: subprocess.Popen[bytes]) -> str:
    """Interrupt a process at its question; nothing is typed."""
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    return ""


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way to say that the other side has closed the terminal.
        return b""
