"""The installed `dsync` command, run as its users run it: a process, a folder, variables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dsync.sandbox import Sandbox
from dsync.sandbox.control import Control
from tests.acceptance.worker.forked import Forked
from tests.commands.command import Ended, InsideCommand
from tests.seen import see_first_of

COMMAND = Path(sys.executable).with_name("dsync")
INSTRUCTEUR = "dsync@example.gouv.fr"
IN_TIME_S = 5.0
"""Every command ends so long after a signal at the latest."""
LONG_S = 120.0
"""No command may take longer; it is then killed and its test fails."""


def until(condition: Callable[[], Any], *, within_s: float = 60.0, what: str = "") -> Any:
    """Ask again and again until the condition holds; fail when it does not in time."""
    began = time.monotonic()
    while (waited_s := time.monotonic() - began) < within_s:
        found = condition()
        if found:
            return found
        # What takes long is asked for less often, which leaves the processor to others.
        time.sleep(0.01 if waited_s < 0.5 else 0.05)
    raise AssertionError(f"not within {within_s} s: {what or condition}")


USUAL_S = 0.03
"""What the sum below takes on a machine at rest."""


def slowdown() -> float:
    """Return how many times slower than usual this machine is: loaded, or of slow cores."""
    began = time.monotonic()
    sum(rank * rank for rank in range(500_000))
    took_s = time.monotonic() - began
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1), took_s / USUAL_S)


class Process:
    """A command under way."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str], *, anew: bool
    ) -> None:
        self._out = (folder / f"out-{time.monotonic_ns()}").open("w+b")
        self._err = (folder / f"err-{time.monotonic_ns()}").open("w+b")
        given: dict[str, Any] = {"cwd": folder, "env": environment}
        given |= {"stdout": self._out, "stderr": self._err}
        self._popen: subprocess.Popen[bytes] | Forked
        if anew:
            line = [str(COMMAND), *arguments]
            self._popen = subprocess.Popen(line, stdin=subprocess.DEVNULL, **given)
        else:
            self._popen = Forked(arguments, **given)
        self.pid = self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens to a process that has ended."""
        self._popen.send_signal(number)

    def wait(self, within_s: float = LONG_S) -> Ended:
        """Wait for its end."""
        code = self._popen.wait(within_s)
        return Ended(code, self._read(self._out), self._read(self._err))

    def ended_within(self, within_s: float) -> tuple[Ended, float]:
        """Wait for its end and measure how long it took, with the cores for itself."""
        start = time.monotonic()
        done = self.wait(within_s * slowdown() + 5)
        return done, (time.monotonic() - start) / slowdown()

    def printed(self) -> str:
        """Return what it printed so far."""
        return self._read(self._out) + self._read(self._err)

    @property
    def out(self) -> str:
        """What it printed so far on stdout."""
        return self._read(self._out)

    def kill(self) -> None:
        """End it whatever it does, and close its files."""
        if self.is_running:
            self._popen.kill()
        self._popen.wait()
        self._out.close()
        self._err.close()

    @staticmethod
    def _read(file: Any) -> str:
        with open(file.name, encoding="utf-8") as again:
            return again.read()


def at_work(process: Process, control: Control, *, requests: int = 1) -> None:
    """Wait until a run has asked DS so often."""
    until(lambda: len(control.requests()) >= requests or not process.is_running)
    assert process.is_running, process.printed()


class Installed:
    """The command in a folder outside the checkout, with the variables of one installation."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.variables = variables
        self._started: list[Process] = []
        folder.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        *arguments: str,
        temporary: Path | None = None,
        anew: bool = False,
        **variables: str | None,
    ) -> Process:
        """Start a command as a process; a variable that is None is left out.

        Args:
            arguments: of the command.
            temporary: where it may keep temporary files; None: the machine's own folder.
            anew: by the installed script, which makes all imports.
            variables: of dsync, without their beginning.
        """
        # Nothing of the machine that runs the tests: neither its DSYNC_… nor its PYTHON….
        environment = {"PATH": os.environ["PATH"], **self._environment(variables)}
        see_first_of(self.folder, environment, arguments)
        if temporary is not None:
            environment |= dict.fromkeys(("TMPDIR", "SQLITE_TMPDIR"), str(temporary))
        process = Process(arguments, self.folder, environment, anew=anew)
        self._started.append(process)
        return process

    def run(self, *arguments: str, **variables: str | None) -> Ended:
        """Run a command to its end inside this process, which spares its start."""
        return InsideCommand(self.folder, self._environment(variables))(*arguments)

    def _environment(self, variables: Mapping[str, str | None]) -> dict[str, str]:
        given = {**self.variables, **variables}
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            **{f"DSYNC_{name.upper()}": text for name, text in given.items() if text is not None},
        }

    def json(self, *arguments: str, code: int = 0, **variables: str | None) -> Any:
        """Run a command with `--json`; it must end with `code` and print one document."""
        done = self.run(*arguments, "--json", **variables)
        assert code == done.code, done.text
        return done.json

    def close(self) -> None:
        """Leave nothing running."""
        for process in self._started:
            process.kill()


def variables_for(sandbox: Sandbox, database_url: str) -> dict[str, str]:
    """Return the variables that point dsync at a sandbox and a database."""
    return {
        "ds_url": sandbox.ds_url,
        "ds_token": sandbox.tokens.write,
        "ds_instructeur": INSTRUCTEUR,
        "betagouv_url": sandbox.betagouv_url,
        "database_url": database_url,
    }
