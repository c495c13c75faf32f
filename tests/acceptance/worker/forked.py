"""Processes of `dsync` whose imports are made: each is forked by one process that has made them.

The imports are most of the processor's time that a start takes. Run as a script, this is that
process; it is asked by a socket, and ends with it.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

COMMANDS = ("run", "sync", "demo", "sandbox")


class Forked:
    """A process that was forked; what it shares with a `Popen` has the same names."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> None:
        order = {"arguments": arguments, "folder": str(cwd), "environment": dict(env)}
        self.pid: int = _ask(order, stdout, stderr)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or what `Popen` has of a signal; None: it has not ended."""
        if self.returncode is None:
            self.returncode = _ask({"pid": self.pid})
        return self.returncode

    def wait(self, timeout: float = 60) -> int:
        """Wait for the end."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens to a process that has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _ask(order: Mapping[str, Any], *files: IO[bytes]) -> Any:
    """Send an order and the files that are for it; return the answer."""
    socket.send_fds(_forker(), [json.dumps(order).encode()], [one.fileno() for one in files])
    return json.loads(_forker().recv(100))


@cache
def _forker() -> socket.socket:
    """Start the process that forks, once; return the socket by which it is asked."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        line = [sys.executable, "-P", __file__, str(theirs.fileno())]
        variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        quiet = subprocess.DEVNULL
        started = subprocess.Popen(line, env=variables, stdin=quiet, pass_fds=[theirs.fileno()])

    def end() -> None:
        ours.close()
        started.wait()

    atexit.register(end)
    return ours


def _fork_for(asked: socket.socket) -> dict[str, Any] | None:
    """Fork for each order; return None at the end of the orders, in a fork its own one."""
    while True:
        text, files, *_ = socket.recv_fds(asked, 1 << 16, 2)
        if not text:
            return None
        order: dict[str, Any] = json.loads(text)
        answer: int | None
        if "pid" in order:
            found, status = os.waitpid(order["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if found else None
        elif not (answer := os.fork()):
            for number, file in enumerate(files, start=1):
                os.dup2(file, number)
                os.close(file)
            return order
        for file in files:
            os.close(file)
        asked.send(json.dumps(answer).encode())


if __name__ == "__main__":
    from dsync.cli import main
    from dsync.cli.later import complete

    for name in COMMANDS:
        complete(vars(import_module(f"dsync.cli.{name}")))
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        order = _fork_for(asked)
    if order:
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["dsync", *order["arguments"]]
        main()
