"""`dsync` in its own folder and environment, as a process or inside this one."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

import click
import structlog
from click.testing import CliRunner

from dsync.cli import dsync
from dsync.cli.options import Flags
from tests.seen import see_first_of

DEADLINE_S = 120
_CONFIG = Path(__file__).parents[2] / "config" / "aap-eig7.toml"
_PROGRAMME = (*("[mapping", "[[mapping", "[precontrole", "[registre", "[controles", "[[controles"),)


def config_with(folder: Path, *changes: tuple[str, str], more: str = "") -> str:
    """Make a configuration of our own out of the shipped one and its lists; return its path."""
    own = shutil.copytree(_CONFIG.parent, folder / "own") / _CONFIG.name
    text = own.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    own.write_text(f"{text}\n{more}", encoding="utf-8")
    return str(own)


def without_programme() -> str:
    """Return the shipped configuration without the programme's sections."""
    kept, keeps = [], True
    for line in _CONFIG.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            keeps = not line.startswith(_PROGRAMME)
        if keeps:
            kept.append(line)
    return "\n".join(kept)


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err

    def refuses(self, *texts: str) -> bool:
        """Whether it ended with 2, and its message has each of these texts."""
        return (2, True) == (self.code, all(one in self.err for one in texts))

    def tells(self, *texts: str) -> bool:
        """Whether it ended well, and its output has each of these texts."""
        return (0, True) == (self.code, all(one in self.out for one in texts))


def checked(arguments: Sequence[str], ended: Ended) -> Ended:
    """Return what a command printed, each remedy of which click can parse as it stands."""
    if "--help" not in arguments:
        # Comments, as of a new configuration file, name commands without their arguments.
        said = re.sub(r"^ *#.*$", "", ended.text, flags=re.MULTILINE)
        for remedy in remedies(said):
            if "--help" not in remedy:
                parsed(remedy)
    return ended


def remedies(text: str) -> list[list[str]]:
    """Return the words of each command « `dsync …` » in a text."""
    return [shlex.split(words) for words in re.findall(r"`dsync ([^`]+)`", text)]


def parsed(words: Sequence[str]) -> click.Context:
    """Return the context of a command, parsed and not executed."""
    # With the root's settings: a command keeps its help option once it was asked for it.
    context, rest = click.Context(dsync, obj=Flags(), **dsync.context_settings), [*words]
    found: click.Command = dsync
    while isinstance(found, click.Group) and rest and not rest[0].startswith("-"):
        below_it = found.get_command(context, rest[0])
        assert below_it is not None, rest[0]
        found, rest = below_it, rest[1:]
    return found.make_context(words[0], rest, parent=context)


@dataclass(frozen=True, slots=True)
class Command:
    """`dsync` in its own folder, configured for a sandbox by the environment."""

    folder: Path
    environment: Mapping[str, str]
    has_seen: bool = True
    """Whether a person has seen the first write of each démarche."""

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """Run it to its end."""
        self._see(arguments, environment)
        done = subprocess.run(
            self.line(arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return checked(arguments, Ended(done.returncode, done.stdout, done.stderr))

    def given(self, **environment: str) -> Self:
        """Return the same with other variables."""
        return replace(self, environment={**self.environment, **environment})

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute a statement on its SQLite file; return the rows of a query."""
        with closing(sqlite3.connect(self.folder / "dsync.db")) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def start(
        self,
        *arguments: str,
        out: int | IO[bytes] = subprocess.PIPE,
        err: int | IO[bytes] = subprocess.PIPE,
        closed: int | None = None,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start it; the caller sees to its end.

        Args:
            arguments: of the command.
            out: where its output goes.
            err: where its messages go.
            closed: the number of a stream that it is started without, as the shell's `>&-` does.
            environment: variables beside its own.
        """
        self._see(arguments, environment)
        return subprocess.Popen(
            self.line(arguments),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=out,
            preexec_fn=None if closed is None else partial(os.close, closed),
            stderr=err,
            text=True,
        )

    def _see(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        if self.has_seen:
            see_first_of(self.folder, {**self.environment, **environment}, arguments)

    @staticmethod
    def line(arguments: tuple[str, ...]) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "dsync", *arguments]


@dataclass(frozen=True, slots=True)
class InsideCommand(Command):
    """`dsync` inside this process: without a start-up, and with a clock that a test may set."""

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """Run it to its end."""
        self._see(arguments, environment)
        with self.inside(environment) as runner:
            done = runner.invoke(dsync, arguments, prog_name="dsync")
        return checked(arguments, Ended(done.exit_code, done.stdout, done.stderr))

    @contextmanager
    def inside(self, environment: Mapping[str, str]) -> Iterator[CliRunner]:
        """Yield what runs it in its folder and environment; leave this process as it was."""
        inherited = dict.fromkeys(name for name in os.environ if name.startswith("DSYNC_"))
        root = logging.getLogger()
        handlers, level, log = root.handlers[:], root.level, structlog.get_config()
        try:
            with chdir(self.folder):
                yield CliRunner(env={**inherited, **self.environment, **environment})
        finally:
            # A command sets up logging for its process, which is the tests' here.
            structlog.configure(**log)
            root.handlers[:] = handlers
            root.setLevel(level)
