"""The output of `dsync` on a terminal of 80 columns, without colours."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from time import monotonic
from typing import Any

from dsync.cli import dsync
from tests.commands.command import DEADLINE_S, Command, Ended, InsideCommand, checked

COLUMNS, LINES = 80, 40
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Hand(io.RawIOBase):
    """Types an answer, worked out when it is asked for."""

    def __init__(self, typed: Callable[[], str]) -> None:
        self._typed = typed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        text, self._typed = self._typed().encode(), lambda: ""
        buffer[: len(text)] = text
        return len(text)


def screen(command: InsideCommand, *arguments: str, typed: Callable[[], str] = lambda: "") -> Ended:
    """Run `dsync` inside this process on a terminal, where something may be typed when asked."""
    master, slave = _terminal()
    shown: list[bytes] = []

    def read() -> None:
        while part := _read(master, monotonic() + DEADLINE_S):
            shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    size = {"COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    code: str | int | None = 0
    with (
        command.inside(size) as runner,
        runner.isolation(io.BufferedReader(_Hand(typed))),
        open(os.dup(slave), encoding="utf-8") as sys.stdin,
        open(slave, "w", encoding="utf-8") as out,
        redirect_stdout(out),
    ):
        try:
            dsync(arguments, prog_name="dsync")
        except SystemExit as exc:
            code = exc.code
    reader.join()
    os.close(master)
    return checked(arguments, Ended(int(code or 0), _text(b"".join(shown)), ""))


def on_terminal(
    command: Command,
    *arguments: str,
    at: str | None = None,
    then: Callable[[subprocess.Popen[bytes]], str] = lambda _: "",
    errors_too: bool = False,
    **environment: str,
) -> Ended:
    """Run `dsync` as a process on a terminal.

    Standard error is read apart, unless it is on the terminal too. When `at` is shown, `then` is
    called with the process; what it returns is typed.
    """
    master, slave = _terminal()
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
    return Ended(process.returncode, _text(shown), (err or b"").decode())


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


def _terminal() -> tuple[int, int]:
    """Open a terminal; return its reader's and its program's descriptors."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    return master, slave


def _text(shown: bytes) -> str:
    return _ANSI.sub("", shown.decode()).replace("\r\n", "\n")


def _read(descriptor: int, deadline: float) -> bytes:
    """Return what is shown next; nothing once the process has ended, or the time is over."""
    if not select.select([descriptor], [], [], max(0, deadline - monotonic()))[0]:
        return b""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way to say that the other side has closed the terminal.
        return b""
