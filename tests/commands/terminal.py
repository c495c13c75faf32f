"""The output of `dsync` on a terminal of 80 columns, without colours."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

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
        deadline = monotonic() + DEADLINE_S
        while part := _read(master, deadline):
            shown += part
            if at and at.encode() in shown:
                os.write(master, then(process).encode())
                at = None
        try:
            _, err = process.communicate(timeout=max(1, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    os.close(master)
    text = _ANSI.sub("", shown.decode()).replace("\r\n", "\n")
    return Ended(process.returncode, text, (err or b"").decode())


def ctrl_c(process: subprocess.Popen[bytes]) -> str:
    """Interrupt a process at its question, as somebody does who presses Ctrl-C until it ends.

    A signal between the prompt and the read waits until the read ends; nobody is so fast.
    """
    deadline = monotonic() + DEADLINE_S
    while process.poll() is None and monotonic() < deadline:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
    return ""


def _read(descriptor: int, deadline: float) -> bytes:
    """Return what is shown next; nothing once the process has ended, or the time is over."""
    if not select.select([descriptor], [], [], max(0, deadline - monotonic()))[0]:
        return b""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way to say that the other side has closed the terminal.
        return b""
