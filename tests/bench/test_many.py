"""Many démarches of 100 dossiers on a default PostgreSQL, served by three replicas as processes.

`pytest tests/bench/test_many.py -m "bench and long" -s`: some eight minutes, most of them the first
copy, which DS's limit of requests bounds. One replica is killed in the middle of it, another one
stopped for longer than a lease lasts. `DSYNC_BENCH_DEMARCHES` sets another number of démarches,
`DSYNC_BENCH_DOSSIERS` of dossiers each, `DSYNC_BENCH_TOKENS` of tokens.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
import requests

from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, Process, until
from tests.bench import many
from tests.bench.measured import TOKEN, memory_kib
from tests.store.databases import on_postgresql

DEMARCHES = int(os.environ.get("DSYNC_BENCH_DEMARCHES", "200"))
DOSSIERS = int(os.environ.get("DSYNC_BENCH_DOSSIERS", "100"))
TOKENS = int(os.environ.get("DSYNC_BENCH_TOKENS", "1"))
"""Each has DS's limit for itself."""
REPLICAS = 3
REST_S = int(os.environ.get("DSYNC_BENCH_REST_S", "330"))
"""By default more than the interval of the incremental reads: each démarche has one."""
WITHIN_S = max(120.0, 1.5 * DEMARCHES * (DOSSIERS / 25 + 3) / 5)
"""Half as much again as DS's limit of requests allows the first copy."""
STOPPED_S = 75
"""Longer than a lease lasts."""
CONNECTIONS = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'dsync'
"""
TRANSACTIONS = """
SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()
"""
DOUBLED = """
SELECT (SELECT count(*) FROM evenement)
    - (SELECT count(*) FROM (SELECT DISTINCT numero, evenement FROM evenement) AS e) AS n
"""
"""Rows of the history that a dossier has twice; none changed since its first read."""

pytestmark = [pytest.mark.bench, pytest.mark.long]


@dataclass
class Replicas:
    """The processes, and the greatest values that were seen of them."""

    dsync: Installed
    database: Database
    every: list[Process] = field(default_factory=list)
    connections: int = 0
    memory_mib: float = 0
    threads: int = 0
    _cpu_s: dict[int, float] = field(default_factory=dict)

    def start(self) -> Process:
        """Start one more."""
        self.every.append(self.dsync.start("run"))
        return self.every[-1]

    @property
    def living(self) -> list[Process]:
        return [one for one in self.every if one.is_running]

    def look(self) -> None:
        """Compare with the present values."""
        living = [one.pid for one in self.living]
        per_replica = _one(self.database, CONNECTIONS) / max(1, len(living))
        self.connections = max(self.connections, round(per_replica))
        for pid in living:
            self.memory_mib = max(self.memory_mib, memory_kib(pid) / 1024)
            self.threads = max(self.threads, len(os.listdir(f"/proc/{pid}/task")))

    def cpu_s(self) -> float:
        """Return what all took of the processor, ended ones as they were last seen."""
        self._cpu_s |= {one.pid: _cpu_s(one.pid) for one in self.living}
        return sum(self._cpu_s.values())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until_ = time.monotonic() + seconds
        while time.monotonic() < until_:
            self.look()
            time.sleep(2)

    def held(self, one: Process) -> set[int]:
        """Return the démarches of which a replica has the lease and the first read is not over."""
        of = {"holder": f"%:{one.pid}"}
        rows = self.database.rows(
            "SELECT l.demarche_numero FROM lease AS l LEFT JOIN sync_state AS s "
            "ON s.demarche_numero = l.demarche_numero "
            "WHERE holder LIKE :holder AND s.last_success_at IS NULL",
            **of,
        )
        return {row["demarche_numero"] for row in rows}


@contextmanager
def stand_in(latency_ms: int, dossiers: int = DOSSIERS) -> Iterator[str]:
    """Start a DS of many démarches as a process; yield its address."""
    command = [sys.executable, "-m", "tests.bench.many", str(latency_ms), str(dossiers)]
    # It ends with its standard input, even if this process is killed.
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the stand-in of DS has not started"
            yield url
        finally:
            process.kill()


def _one(database: Database, query: str) -> int:
    return int(database.rows(query)[0]["n"])


def _cpu_s(pid: int) -> float:
    # After the program's name, which may hold blanks: the fields from the third on.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _configured(folder: Path, url: str) -> Path:
    folder.mkdir()
    for rank in range(TOKENS):
        (folder / f"{rank}.token").write_text(f"{TOKEN}-{rank}", encoding="utf-8")
    for rank in range(DEMARCHES):
        number = many.FIRST + rank
        text = (
            f"[demarche]\nnumber = {number}\n"
            f'[ds]\nurl = "{url}/api/v2/graphql"\ntoken_file = "{rank % TOKENS}.token"\n'
            'contact = "mailto:eig@example.gouv.fr"\n'
        )
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    return folder


def _taken_over(database: Database, demarches: set[int], after: int, killed: str) -> float:
    """Return the seconds until others have done a run of each démarche."""
    if not demarches:
        return 0.0
    began, numbers = time.monotonic(), ", ".join(map(str, sorted(demarches)))
    runs = f"run > {after} AND statut <> 'running' AND demarche_numero IN ({numbers})"
    each = f"SELECT count(DISTINCT demarche_numero) AS n FROM sync_run WHERE {runs}"
    until(lambda: _one(database, each) == len(demarches), within_s=300, what=killed)
    return time.monotonic() - began


@on_postgresql
def test_many_demarches(database_url: str, tmp_path: Path) -> None:
    """First copy, one replica killed and one stopped; rest. Figures beside their targets."""
    database = Database(database_url)
    with (
        stand_in(latency_ms=100) as url,
        # Whatever fails, no replica is left.
        closing(
            Installed(
                tmp_path / "work",
                betagouv_url=url,
                database_url=database_url,
                config=str(_configured(tmp_path / "demarches", url)),
                http_listen="",
                log_format="json",
            )
        ) as dsync,
    ):
        replicas, began = Replicas(dsync, database), time.monotonic()
        killed, stopped, _ = (replicas.start() for _ in range(REPLICAS))

        def copied(demarches: float) -> bool:
            replicas.look()
            replicas.cpu_s()
            time.sleep(0.5)
            where = "statut IN ('success', 'partial') AND genre = 'complet'"
            return database.count("sync_run", where) >= demarches

        def counts() -> dict[str, Any]:
            found: dict[str, Any] = requests.get(f"{url}/counts", timeout=10).json()
            return found

        # Of few démarches it may never hold one whose first read is not over.
        until(
            lambda: (copied(DEMARCHES * 0.4) and replicas.held(killed)) or copied(DEMARCHES),
            within_s=WITHIN_S,
        )
        last = _one(database, "SELECT max(run) AS n FROM sync_run")
        killed.signal(signal.SIGKILL)
        killed.wait()
        # It may have ended them since.
        left = replicas.held(killed)
        takeover_s = _taken_over(database, left, last, "killed")
        # At once: what follows takes long.
        _told("démarches of the killed one", f"{len(left)}", "-")
        _told("until others have done them", f"{takeover_s:.0f} s", "≤ 90 s")
        replicas.start()
        stopped.signal(signal.SIGSTOP)
        replicas.wait(STOPPED_S)
        stopped.signal(signal.SIGCONT)
        until(lambda: copied(DEMARCHES), within_s=WITHIN_S)
        copy_s, copy_cpu_s, after_copy = time.monotonic() - began, replicas.cpu_s(), counts()
        _told("first copy", f"{copy_s:.0f} s, {copy_cpu_s:.0f} s of CPU", "-")
        # What the first runs left to do.
        time.sleep(20)
        cpu_s, transactions = replicas.cpu_s(), _one(database, TRANSACTIONS)
        runs, rest_began = database.count("sync_run"), time.monotonic()
        time.sleep(REST_S)
        rest_s = time.monotonic() - rest_began
        busy_s = replicas.cpu_s() - cpu_s
        rate = (_one(database, TRANSACTIONS) - transactions) / rest_s / REPLICAS
        rest_runs = database.count("sync_run") - runs
        replicas.look()
        for one in replicas.living:
            one.signal(signal.SIGTERM)
            assert 0 == one.wait().code
        told = "".join(one.printed() for one in replicas.every)
        sent = counts()
    interrupted = database.count("sync_run", "statut = 'interrupted'")
    # The stopped one may have found that its leases were others'.
    failed = database.count("sync_run", "statut = 'failed' AND coalesce(code, 0) NOT IN (6, 130)")

    dossiers = DEMARCHES * DOSSIERS
    present = {name: database.count(name) for name in ("dossier", "contenu")}
    doubled = _one(database, DOUBLED)
    size = _one(database, "SELECT pg_database_size(current_database()) AS n")
    bound_s = 60 * after_copy["requests"] / (350 * 0.85) / TOKENS
    share = 100 * busy_s / REPLICAS / rest_s
    refused_connections = told.count("too many clients")
    _told("first copy", f"{copy_s:.0f} s", f"{bound_s:.0f} s, by the budget alone")
    _told("requests of the first copy", f"{after_copy['requests']}", "-")
    _told("requests a démarche", f"{after_copy['requests'] / DEMARCHES:.1f}", "-")
    _told("CPU of the first copy, a dossier", f"{1000 * copy_cpu_s / dossiers:.1f} ms", "-")
    _told("dossiers, contents", f"{[*present.values()]}", f"{dossiers} each")
    _told("rows that are there twice", f"{doubled}", "0")
    _told("the database", f"{size / 2**20:.0f} MiB", "-")
    _told("connections of a replica", f"{replicas.connections}", "≤ 25")
    _told("refused connections", f"{refused_connections}", "0")
    _told("memory of a replica", f"{replicas.memory_mib:.0f} MiB", "≤ 250 MiB")
    _told("threads of a replica", f"{replicas.threads}", "-")
    _told("at rest: a core, for a replica", f"{share:.1f} %", "≤ 2 %")
    _told("at rest: transactions a second, a replica", f"{rate:.1f}", "≤ 20")
    _told("at rest: runs in all", f"{rest_runs}", f"{DEMARCHES * REST_S / 300:.0f}")
    _told("most requests of a token in a minute", f"{sent['most']}", "≤ 400")
    _told("429s", f"{sent['refused']}", "0")
    _told("failed runs", f"{failed}", "0")
    _told("interrupted runs, of the killed and the stopped one", f"{interrupted}", "-")
    crashes = re.findall(r'"event": "(?:run_crashed|database_unavailable)"', told)
    database.close()
    assert {dossiers} == {*present.values()}
    assert (0, 0, 0, 0) == (doubled, sent["refused"], failed, refused_connections)
    assert replicas.connections <= 25
    assert [] == crashes


def _told(what: str, figure: str, target: str) -> None:
    print(f"\n{what:<58} {figure:>12}   target {target}", flush=True)
