"""The blocks of the pages, and where they are executed: a bare shell, a machine of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
OPERATE = ROOT / "docs" / "operate"
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of root's shell, as Debian's `sudo` sets it."""
NUMBER = 86321
"""Of the sandbox's démarche."""
DEADLINE_S = 300
"""Of a block with several commands, on a machine that others use too."""


def block(page: str, name: str, language: str = "sh") -> str:
    """Return the block of a page of docs/operate that follows the comment with this name."""
    text = (OPERATE / page).read_text(encoding="utf-8")
    found = re.findall(
        rf"^( *)<!-- {re.escape(name)} -->\n\1```{language}\n(.+?)\n\1```$", text, re.M | re.S
    )
    [(_, code)] = found
    return dedent(code)


def page(name: str, part: str) -> str:
    """Return a block with the sandbox's démarche and instructeur in place of the examples."""
    found = block(name, part).replace("dsync@ministere.example", "dsync@example.gouv.fr")
    return re.sub(r"\b12345\b", str(NUMBER), found)


def blocks() -> Iterator[tuple[str, str]]:
    """Yield each named block of shell: its page, its name."""
    for file in sorted(OPERATE.glob("*.md")):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"^ *<!-- (.+) -->\n *```sh$", text, re.M):
            yield file.name, name


@dataclass(frozen=True, slots=True)
class Done:
    """What a shell printed, and its code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that it printed."""
        return self.out + self.err


def bare(
    script: str,
    variables: Mapping[str, str],
    *,
    given: str = "",
    within: Sequence[str] = (),
    folder: Path = ROOT,
) -> Done:
    """Run a script in a shell that inherits nothing, and stops at the first failure.

    Args:
        script: what is run.
        variables: all that the shell has.
        given: its standard input.
        within: the command that starts it, such as in another namespace.
        folder: where it starts.
    """
    alone = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    done = subprocess.run(
        [*within, *alone, "bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Machine:
    """A machine on which root installs dsync: this one, with folders of its own in a namespace.

    What is written into /etc, /opt, /srv, /usr/local/bin and /var is in a folder of the test. The
    virtual environment of the tests stands at /opt/dsync.
    """

    OWN = ("/srv", "/var/lib", "/var/log", "/var/backups")
    COPIED = ("/etc", "/usr/local/bin")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {"PATH": ROOT_PATH, "HOME": "/root", "LANG": "C.UTF-8"}

    @classmethod
    def new(cls, folder: Path) -> Machine:
        """Return a machine without dsync, or skip the test where none can be made."""
        if os.geteuid() != 0:
            pytest.skip("needs root, who makes another user and its own mounts")
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount (unshare -m)")
        folder.mkdir()
        for path in cls.OWN:
            (folder / path[1:]).mkdir(parents=True)
        for path in cls.COPIED:
            if (folder / path[1:]).parent != folder:
                (folder / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            _copied(Path(path), folder / path[1:])
        (folder / "opt" / "dsync").mkdir(parents=True)
        for other in Path("/opt").iterdir():
            if other.is_dir() and other.name != "dsync":
                (folder / "opt" / other.name).mkdir()
        return cls(folder)

    def copy(self, folder: Path) -> Machine:
        """Return a machine that is like this one."""
        _copied(self.folder, folder)
        return Machine(folder)

    def path(self, name: str) -> Path:
        """Return where a file of the machine is in truth."""
        return self.folder / name.lstrip("/")

    def within(self) -> list[str]:
        """Return the command in whose namespace the next words are executed."""
        lines = ["set -e"]
        for rank, (closed, needed) in enumerate(_closed().items()):
            kept = self.folder / f"closed-{rank}"
            kept.mkdir(exist_ok=True)
            lines.append(f"mount --rbind {closed} {shlex.quote(str(kept))}")
            lines.append(f"mount -t tmpfs -o mode=0755 tmpfs {closed}")
            for one in needed:
                lines.append(f"mkdir -p {one}")
                inside = kept / one.relative_to(closed)
                lines.append(f"mount --rbind {shlex.quote(str(inside))} {one}")
        opt = self.path("opt")
        for other in opt.iterdir():
            source = sys.prefix if other.name == "dsync" else f"/opt/{other.name}"
            lines.append(f"mount --rbind {shlex.quote(source)} {shlex.quote(str(other))}")
        for path in (*self.OWN, *self.COPIED, "/opt"):
            lines.append(f"mount --rbind {shlex.quote(str(self.path(path)))} {path}")
        return ["unshare", "-m", "sh", "-c", "\n".join([*lines, 'exec "$@"']), "sh"]

    def __call__(self, script: str, *, given: str = "", **variables: str) -> Done:
        """Run a script as root, in a shell of root's own."""
        return bare(script, {**self.variables, **variables}, given=given, within=self.within())

    def cron(self, command: str) -> Done:
        """Run a command as cron runs one of root's."""
        alone = {"SHELL": "/bin/sh", "HOME": "/root", "LOGNAME": "root", "PATH": "/usr/bin:/bin"}
        line = shlex.join(["/bin/sh", "-c", command])
        return bare(f"cd / && exec {line}", alone, within=self.within())


def _closed() -> dict[Path, list[Path]]:
    """Return folders that other users may not enter, with what they need below."""
    found: dict[Path, list[Path]] = {}
    for place in {Path(sys.base_prefix), Path(sys.prefix), ROOT}:
        for one in (*reversed(place.parents), place):
            if not one.stat().st_mode & stat.S_IXOTH:
                found.setdefault(one, []).append(place)
                break
    return found


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
