"""Commands that take long, and are ended by a signal, as processes on each engine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from dsync.sandbox import Sandbox
from dsync.store.engine import parse_url
from tests.acceptance.worker.installed import slowdown
from tests.commands.command import Command, InsideCommand
from tests.commands.conftest import begin
from tests.profiles import long
from tests.store.databases import connected

WITHIN_S = 2
LONG = {
    "stats": ("precheck", "--stats"),
    "tried": ("precheck", "--dry-run", "--as-of", "2024-06-01"),
    "export": ("export", "exported", "--view", "lecture_statistique", "--view", "lecture_champ"),
    "verify": ("db", "verify"),
    "backup": ("db", "backup", "copy"),
}

HELD = {"sqlite": ("stats", "export", "verify"), "postgresql": tuple(LONG)}
"""On SQLite it is all that can be held."""
SOME = {"sqlite": ("verify",), "postgresql": ("tried", "export")}
"""Each is a process, whose start takes most of the time; on PostgreSQL one for each signal."""


@pytest.fixture
def dsync(sandbox: Sandbox, on_database: InsideCommand) -> Command:
    """Return `dsync` with a database that is read, and temporary folders of its own."""
    folder = on_database.folder / "tmp"
    folder.mkdir()
    folders = {"TMPDIR": str(folder), "SQLITE_TMPDIR": str(folder)}
    command = InsideCommand(on_database.folder, on_database.environment | folders)
    begin(command, sandbox)
    return command


@contextmanager
def without_end(url: str) -> Iterator[Callable[[int], bool]]:
    """Have statements that long commands execute never end.

    Yields whether as many commands as are given have met one.
    """
    if url.startswith("sqlite"):
        with connected(url) as connection:
            for view in ("lecture_statistique", "lecture_champ"):
                columns = connection.exec_driver_sql(f"PRAGMA table_info({view})").all()
                shown = ", ".join(f"n AS {column[1]}" for column in columns)
                connection.exec_driver_sql(f"DROP VIEW {view}")
                connection.exec_driver_sql(
                    f"CREATE VIEW {view} AS WITH RECURSIVE s (n) AS "
                    f"(SELECT 1 UNION ALL SELECT n + 1 FROM s) "
                    f"SELECT {shown} FROM s WHERE n < 0 LIMIT 1"
                )
        file = url.removeprefix("sqlite:///")

        def readers(count: int) -> bool:
            opened = 0
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    opened += any(os.readlink(fd) == file for fd in process.glob("fd/*"))
                except OSError:
                    continue
            return opened >= count and time.sleep(0.5 * slowdown()) is None

        yield readers
        return
    engine = create_engine(parse_url(url))
    with engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE verdict IN ACCESS EXCLUSIVE MODE")
        waiting = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'verdict'::regclass"
        )
        yield lambda count: bool((other.scalar(waiting) or 0) >= count)
    engine.dispose()


@pytest.mark.parametrize("of", [SOME, long(HELD)], ids=["some", "each"])
def test_a_signal_ends_a_long_statement_and_leaves_nothing(
    dsync: Command, of: dict[str, tuple[str, ...]]
) -> None:
    """Within 2 s, without a trace of an error; no file of its own stays anywhere."""
    names = of[make_url(dsync.environment["DSYNC_DATABASE_URL"]).get_backend_name()]
    before = listed(dsync.folder)
    with ExitStack() as stack:
        have_met = stack.enter_context(without_end(dsync.environment["DSYNC_DATABASE_URL"]))
        processes = {}
        for name in names:
            processes[name] = stack.enter_context(dsync.start(*LONG[name]))
            # Of one that has ended it does nothing.
            stack.callback(processes[name].kill)
        while not have_met(len(processes)):
            assert not [one.communicate() for one in processes.values() if one.poll() is not None]
            time.sleep(0.05)
        numbers = dict(zip(names, cycle((signal.SIGINT, signal.SIGTERM)), strict=False))
        for name, process in processes.items():
            process.send_signal(numbers[name])
        until = time.monotonic() + WITHIN_S * slowdown()
        while time.monotonic() < until and None in [one.poll() for one in processes.values()]:
            time.sleep(0.02)
        codes = {name: process.poll() for name, process in processes.items()}
        for process in processes.values():
            process.kill()
        said = {name: process.communicate()[1] for name, process in processes.items()}
    assert {name: 128 + number for name, number in numbers.items()} == codes, said
    assert not [text for text in said.values() if "Traceback" in text or "rror" in text], said
    assert before == listed(dsync.folder) - {"exported"}


def listed(folder: Path) -> set[str]:
    """Return what is in a folder, without what SQLite keeps beside a database."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in names if not name.endswith(("-wal", "-shm"))}
