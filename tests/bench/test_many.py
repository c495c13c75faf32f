"""200 démarches of 100 dossiers on a default PostgreSQL, served by three replicas as processes.

`pytest tests/bench/test_many.py -m "bench and long" -s`: some eight minutes, most of them the first
copy, which DS's limit of requests bounds. `DSYNC_BENCH_DEMARCHES` sets another number.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
REPLICAS = 3
REST_S = int(os.environ.get("DSYNC_BENCH_REST_S", "330"))
"""By default more than the interval of the incremental reads: each démarche has one."""
CONNECTIONS = """
SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'dsync'
"""
TRANSACTIONS = """
SELECT xact_commit + xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()
"""

pytestmark = [pytest.mark.bench, pytest.mark.long]


@dataclass
class Peaks:
    """The greatest values that were seen."""

    connections: int = 0
    memory_mib: float = 0
    threads: int = 0

    def look(self, database: Database, replicas: list[Process]) -> None:
        """Compare with the present ones."""
        living = [one.pid for one in replicas if one.is_running]
        per_replica = _one(database, CONNECTIONS) / max(1, len(living))
        self.connections = max(self.connections, round(per_replica))
        for pid in living:
            self.memory_mib = max(self.memory_mib, memory_kib(pid) / 1024)
            self.threads = max(self.threads, len(os.listdir(f"/proc/{pid}/task")))


@contextmanager
def _stand_in(latency_ms: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.many", str(latency_ms)]
    with Popen(command, stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _one(database: Database, query: str) -> int:
    return int(database.rows(query)[0]["n"])


def _cpu_s(pid: int) -> float:
    # After the program's name, which may hold blanks: the fields from the third on.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _configured(folder: Path) -> Path:
    folder.mkdir()
    for rank in range(DEMARCHES):
        number = many.FIRST + rank
        text = f'[demarche]\nnumber = {number}\n[ds]\ncontact = "mailto:eig@example.gouv.fr"\n'
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    return folder


@on_postgresql
def test_two_hundred_demarches(database_url: str, tmp_path: Path) -> None:
    """First copy, rest, one replica killed and one stopped; figures beside their targets."""
    database = Database(database_url)
    with _stand_in(latency_ms=100) as url:
        dsync = Installed(
            tmp_path / "work",
            ds_url=f"{url}/api/v2/graphql",
            ds_token=TOKEN,
            betagouv_url=url,
            database_url=database_url,
            config=str(_configured(tmp_path / "demarches")),
            http_listen="",
            log_format="json",
        )
        peaks, began = Peaks(), time.monotonic()
        replicas = [dsync.start("run") for _ in range(REPLICAS)]

        def copied() -> bool:
            peaks.look(database, replicas)
            time.sleep(0.5)
            where = "statut IN ('success', 'partial') AND genre = 'complet'"
            return database.count("sync_run", where) >= DEMARCHES

        def counts() -> dict[str, Any]:
            found: dict[str, Any] = requests.get(f"{url}/counts", timeout=10).json()
            return found

        until(copied, within_s=1800)
        copy_s, after_copy = time.monotonic() - began, counts()
        bound_s = 60 * after_copy["requests"] / (350 * 0.85)
        _told("first copy", f"{copy_s:.0f} s", f"{bound_s:.0f} s, by the budget alone")
        shares = database.rows("SELECT count(*) AS n FROM dossier")[0]["n"]
        # What the first runs left to do.
        time.sleep(20)
        cpu, transactions = [_cpu_s(one.pid) for one in replicas], _one(database, TRANSACTIONS)
        runs, began = database.count("sync_run"), time.monotonic()
        time.sleep(REST_S)
        rest_s = time.monotonic() - began
        busy = [_cpu_s(one.pid) - before for one, before in zip(replicas, cpu, strict=True)]
        rate = (_one(database, TRANSACTIONS) - transactions) / rest_s / REPLICAS
        rest_runs = database.count("sync_run") - runs
        killed, stopped, _ = replicas
        killed.signal(signal.SIGKILL)
        stopped.signal(signal.SIGSTOP)
        last = _one(database, "SELECT max(run) AS n FROM sync_run")
        every = f"SELECT count(DISTINCT demarche_numero) AS n FROM sync_run WHERE run > {last}"
        until(lambda: _one(database, every) == DEMARCHES, within_s=600)
        peaks.look(database, replicas)
        stopped.signal(signal.SIGCONT)
        for one in replicas[1:]:
            one.signal(signal.SIGTERM)
            assert 0 == one.wait().code
        told = "".join(one.printed() for one in replicas)
        dsync.close()
        sent = counts()
    # Not those that the test stopped.
    failed = database.count("sync_run", "statut = 'failed' AND coalesce(code, 0) <> 130")

    _told("dossiers copied", f"{shares}", f"{DEMARCHES * many.DOSSIERS}")
    _told("requests of the first copy", f"{after_copy['requests']}", "-")
    _told("connections of a replica", f"{peaks.connections}", "≤ 25")
    _told("memory of a replica", f"{peaks.memory_mib:.0f} MiB", "≤ 250 MiB")
    _told("threads of a replica", f"{peaks.threads}", "-")
    share = 100 * sum(busy) / REPLICAS / rest_s
    _told("at rest: a core, for a replica", f"{share:.1f} %", "≤ 2 %")
    _told("at rest: transactions a second, a replica", f"{rate:.1f}", "≤ 20")
    _told("at rest: runs in all", f"{rest_runs}", f"{DEMARCHES * REST_S / 300:.0f}")
    _told("most requests in a minute", f"{sent['most']}", "≤ 400")
    _told("429s", f"{sent['refused']}", "0")
    _told("failed runs", f"{failed}", "0")
    assert DEMARCHES * many.DOSSIERS == shares
    assert (0, 0) == (sent["refused"], failed)
    assert peaks.connections <= 25
    assert "too many clients" not in told
    assert [] == re.findall(r'"event": "(?:run_crashed|database_unavailable)"', told)
    database.close()


def _told(what: str, figure: str, target: str) -> None:
    print(f"\n{what:<58} {figure:>12}   target {target}")
