"""What the real `dsync run` tells to a real receiver when the database, DS or a token is lost."""

from __future__ import annotations

import json
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.http.faults import ScriptedFault
from tests.acceptance.worker.demarche import SHIPPED
from tests.acceptance.worker.installed import Installed, Process, until, variables_for
from tests.engine.inbox import Inbox
from tests.store.databases import PostgresServer, started_server

DEMARCHES = 6
QUIET_S = 1.5
"""In which nothing more is told: three looks."""
pytestmark = pytest.mark.long


def folder_of(sandbox: Sandbox, folder: Path, demarches: int = DEMARCHES) -> Path:
    """Make démarches with one token, read each second, whose causes are told after a second."""
    folder.mkdir()
    for number in range(90001, 90001 + demarches):
        SHIPPED.add_to(sandbox, number, 1)
        (folder / f"{number}.toml").write_text(
            f'[demarche]\nnumber = {number}\n[ds]\nurl = "{sandbox.ds_url}"\n'
            'contact = "mailto:eig@example.gouv.fr"\n'
            '[schedule]\nincremental = "1s"\n'
            '[advanced]\nlate_after = "1m"\n',
            encoding="utf-8",
        )
    return folder


class Watched:
    """A service and what it tells."""

    def __init__(self, process: Process, inbox: Inbox) -> None:
        self.process = process
        self._inbox = inbox

    def until_read(self, demarches: int = DEMARCHES) -> None:
        """Wait for the first run of each démarche; forget what `dsync check` found."""

        def read() -> set[str]:
            lines = self.process.printed().splitlines()
            ends = [json.loads(one) for one in lines if "run_finished" in one]
            return {str(one["demarche"]) for one in ends if one["status"] == "success"}

        until(lambda: len(read()) == demarches or not self.process.is_running)
        assert self.process.is_running, self.process.printed()
        time.sleep(QUIET_S)
        self._inbox.received.clear()

    def told(self, name: str, *, within_s: float = 60) -> dict[str, Any]:
        """Return the only message that is told in a time in which nothing else is."""
        title = f"dsync, {DEMARCHES} démarches: {name}"
        until(lambda: self._inbox.received, within_s=within_s, what=title)
        time.sleep(QUIET_S)
        [message] = [json.loads(body) for body in self._inbox.received]
        assert title == message["title"]
        self._inbox.received.clear()
        found: dict[str, Any] = message
        return found


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with started_server() as running:
        yield running


def started(dsync: Installed, inbox: Inbox, folder: Path) -> Watched:
    """Start the service on a folder of démarches."""
    given = {"config": str(folder), "alert_urls": f"json://{inbox.address}/"}
    return Watched(dsync.start("run", http_listen="", log_format="json", **given), inbox)


def test_a_lost_database_and_a_shared_token_are_one_message_each(
    sandbox: Sandbox, server: PostgresServer, inbox: Inbox, tmp_path: Path
) -> None:
    """For all démarches: when it begins and when it is over, with the cause and its beginning."""
    url = server.make(migrated=True)
    dsync = Installed(tmp_path / "work", **variables_for(sandbox, url))
    watched = started(dsync, inbox, folder_of(sandbox, tmp_path / "demarches"))
    try:
        watched.until_read()
        sandbox.control.faults.fail(ScriptedFault("token_expired", times=None))
        message = watched.told("token_refused")
        assert "failure" == message["type"]
        assert re.match(r"Since \d\d:\d\d UTC: The DS token has expired. ", message["message"])
        assert "Démarches: 90001, 90002, 90003, 90004, 90005, 90006." in message["message"]
        sandbox.control.faults.clear_faults()
        assert "success" == watched.told("token_refused ended")["type"]

        start = server.stop()
        message = watched.told("database")
        assert "failure" == message["type"]
        assert re.match(r"Since \d\d:\d\d UTC: PostgreSQL database ", message["message"])
        start()
        assert "Over, after " in watched.told("database ended")["message"]
    finally:
        dsync.close()


def test_a_full_disk_is_told(sandbox: Sandbox, inbox: Inbox, tmp_path: Path) -> None:
    """Files may not grow any more: once, and once that they may again."""
    url = f"sqlite:///{tmp_path / 'dsync.db'}"
    dsync = Installed(tmp_path / "work", **variables_for(sandbox, url))
    watched = started(dsync, inbox, folder_of(sandbox, tmp_path / "demarches"))
    try:
        watched.until_read()
        _, most = resource.prlimit(watched.process.pid, resource.RLIMIT_FSIZE)
        # The log goes on in a file, too.
        size = len(watched.process.printed().encode()) + 2**17
        resource.prlimit(watched.process.pid, resource.RLIMIT_FSIZE, (size, most))
        message = watched.told("database")
        assert "Check the disk" in message["message"]
        resource.prlimit(watched.process.pid, resource.RLIMIT_FSIZE, (most, most))
        watched.told("database ended")
    finally:
        dsync.close()
