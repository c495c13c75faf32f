"""A service of 200 démarches, 50 of them at an address of DS that is dead, as a real process.

`pytest tests/bench/test_dead_addresses.py -m "bench and long" -s`: some nine minutes. The healthy
ones are served by a sandbox. Of the others a half has a port that is closed, a half one that takes
connections and never answers; their files are added to the folder after a while without them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections import defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import SHIPPED
from tests.acceptance.worker.installed import Installed, until
from tests.engine.inbox import Inbox
from tests.engine.rig import small_sandbox
from tests.store.databases import on_postgresql

HEALTHY = range(90_001, 90_001 + int(os.environ.get("DSYNC_BENCH_HEALTHY", "150")))
DEAD = range(80_001, 80_051)
INTERVAL_S = int(os.environ.get("DSYNC_BENCH_INTERVAL_S", "60"))
WINDOW_S = 3.5 * INTERVAL_S
"""Longer than what an alert `no_success` waits for."""

RUNS = """
SELECT demarche_numero, EXTRACT(EPOCH FROM fin)::float AS fin FROM sync_run
WHERE statut = 'success' ORDER BY fin
"""

pytestmark = [pytest.mark.bench, pytest.mark.long]


class Seen(NamedTuple):
    """What the healthy démarches did in a time."""

    per_minute: float
    longest_s: float
    """From the end of a run of a démarche to that of its next one."""


@on_postgresql
def test_dead_addresses_starve_no_healthy_demarche(
    database_url: str, inbox: Inbox, tmp_path: Path
) -> None:
    """As many runs as without them, none later, and no alert tells of a healthy one."""
    folder = tmp_path / "demarches"
    folder.mkdir()
    (folder / "a.token").write_text("token", encoding="utf-8")

    def configure(number: int, address: str) -> None:
        (folder / f"{number}.toml").write_text(
            f'[demarche]\nnumber = {number}\n[ds]\nurl = "{address}"\ntoken_file = "a.token"\n'
            f'contact = "mailto:eig@example.gouv.fr"\n[schedule]\nincremental = "{INTERVAL_S}s"\n',
            encoding="utf-8",
        )

    given = {"database_url": database_url, "alert_urls": f"json://{inbox.address}/"}
    with (
        closing(Database(database_url)) as database,
        small_sandbox(1) as sandbox,
        socket.create_server(("127.0.0.1", 0), backlog=1000) as silent,
        closing(
            Installed(
                tmp_path / "work",
                **given,
                config=str(folder),
                betagouv_url=sandbox.betagouv_url,
                http_listen="",
                log_format="json",
            )
        ) as dsync,
    ):
        (folder / "a.token").write_text(sandbox.tokens.write, encoding="utf-8")
        for number in HEALTHY:
            SHIPPED.add_to(sandbox, number, 1)
            configure(number, sandbox.ds_url)
        service = dsync.start("run")
        done = "SELECT count(*) AS n FROM sync_state WHERE last_success_at IS NOT NULL"
        until(lambda: database.rows(done)[0]["n"] == len(HEALTHY), within_s=600)
        without = _watch(database)
        _tell("without", without)
        inbox.received.clear()
        with socket.create_server(("127.0.0.1", 0)) as closed:
            ports = (closed.getsockname()[1], silent.getsockname()[1])
        for number in DEAD:
            configure(number, f"http://127.0.0.1:{ports[number % 2]}/api/v2/graphql")
        service.signal(signal.SIGHUP)
        until(lambda: database.count("sync_run", "statut = 'failed'"), within_s=60)
        beside = _watch(database)
        service.signal(signal.SIGTERM)
        assert 0 == service.wait().code
        told = [json.loads(body) for body in inbox.received]
        dead = "SELECT count(DISTINCT demarche_numero) AS n FROM sync_run WHERE statut = 'failed'"
        tried = database.rows(dead)[0]["n"]

    _tell("with", beside)
    print(f"{tried} dead ones tried; told: {[one['title'] for one in told]}")
    named = {int(n) for one in told for n in re.findall(r"\b[89]0\d{3}\b", str(one))}
    assert named & {*DEAD}
    assert set() == named & {*HEALTHY}
    # One worker of three is at the dead ones, which counts where the machine is at its limit.
    assert beside.per_minute >= 0.65 * without.per_minute
    # A loaded machine is late without them, too.
    assert beside.longest_s <= 1.5 * max(INTERVAL_S, without.longest_s)


def _tell(what: str, seen: Seen) -> None:
    print(
        f"\n{what} {len(DEAD)} dead: {seen.per_minute:.0f} runs a minute of {len(HEALTHY)} healthy "
        f"démarches, {seen.longest_s:.0f} s from one run of one to its next at most",
        flush=True,
    )


def _watch(database: Database) -> Seen:
    """Look at the runs of healthy démarches for a while."""
    began = time.time()
    time.sleep(WINDOW_S)
    ended = time.time()
    ends: dict[int, list[float]] = defaultdict(list)
    for row in database.rows(RUNS):
        ends[row["demarche_numero"]].append(float(row["fin"]))
    assert {*HEALTHY} == {*ends}
    count = sum(began <= at <= ended for every in ends.values() for at in every)
    waits = [
        after - before
        for every in ends.values()
        for before, after in pairwise([*every, max(ended, every[-1])])
        if after > began
    ]
    return Seen(60 * count / (ended - began), max(waits))
