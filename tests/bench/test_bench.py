"""Benchmarks, run by command: `pytest tests/bench -m bench -s` (and `-m "bench and long"`).

Counts are asserted; seconds and megabytes are printed beside their targets, for they are the
machine's as much as ours. Each wall time is compared with a bare loop over the same pages, run
right before and after it.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import text

from dsync.domain.dossier import Dossier
from dsync.ds import operations
from dsync.ds.crawl import MAX_PAGE_SIZE, PageReader, PageSize
from dsync.sync.page_storing import EPOCH
from dsync.sync.work import Push, ReadAll, Request
from dsync.wiring import Worker
from tests.bench.measured import TOKEN, Figures, app_on, measured
from tests.bench.prebuilt import DEMARCHE, PAGE, serving
from tests.store.databases import connected

DOSSIERS = 10_000
PRODUCTS = 8_500
"""So that 1,500 of these dossiers name a product that another one names, too."""
CHANGES = 5
INSTRUCTEUR = "dsync@example.gouv.fr"

pytestmark = pytest.mark.bench


def _told(what: str, figure: str, target: str) -> None:
    print(f"\n{what:<58} {figure:>12}   target {target}")


def _engine(database_url: str) -> str:
    return database_url.partition(":")[0].partition("+")[0]


def test_memory_does_not_grow_with_the_demarche(tmp_path: Path) -> None:
    """Twenty times the dossiers in the same memory, and in twenty times the time."""
    done = {}
    for dossiers in (1_000, 20_000):
        with serving(dossiers) as server:
            url = f"sqlite:///{tmp_path / f'{dossiers}.db'}"
            done[dossiers] = measured("sync", server.base_url, url)
        peak, per_thousand = done[dossiers].peak_mib, 1_000 * done[dossiers].wall_s / dossiers
        _told(f"peak memory of {dossiers:,} dossiers", f"{peak:.0f} MiB", "≤ 130 MiB")
        _told("a thousand takes", f"{per_thousand:.2f} s", "the same")
    growth = done[20_000].peak_mib / done[1_000].peak_mib - 1
    _told("growth", f"{100 * growth:+.0f} %", "± 10 %")


def test_a_full_read_against_a_bare_loop(database_url: str) -> None:
    """The first read of 10,000 dossiers, verdicts included."""
    with serving(DOSSIERS) as server:
        bare = [measured("bare", server.base_url)]
        done = measured("sync", server.base_url, database_url)
        again = measured("sync", server.base_url, database_url)
        bare.append(measured("bare", server.base_url))

    engine = _engine(database_url)
    loop_s = statistics.mean(figures.wall_s for figures in bare)
    loop_cpu_s = statistics.mean(figures.cpu_s for figures in bare)
    _told(f"{engine}: bare loop", f"{loop_s:.2f} s", "-")
    _told(f"{engine}: full read", f"{done.wall_s:.2f} s", "-")
    _told(f"{engine}: wall time against the bare loop", f"{done.wall_s / loop_s:.2f}", "-")
    _told(f"{engine}: CPU against the bare loop", f"{done.cpu_s / loop_cpu_s:.2f}", "-")
    _told(f"{engine}: the next full read, all unchanged", f"{again.wall_s / loop_s:.2f}", "-")
    _told(f"{engine}: peak memory", f"{done.peak_mib:.0f} MiB", "≤ 125 MiB")
    _told(f"{engine}: requests", str(done.report["requests"]), "≤ 103")
    assert done.read == done.report["evaluated"] == DOSSIERS
    assert done.report["requests"] <= 103
    assert again.report["changed"] == 0


def _from_slow_server(
    which: str, database_url: str, products: int, targets: tuple[str, str, str]
) -> Figures:
    """Do a first read with 300 ms of latency a request; tell its wall time, CPU and memory."""
    with serving(DOSSIERS, products=products, latency_ms=300) as server:
        bare = [measured("bare", server.base_url)]
        done = measured("sync", server.base_url, database_url)
        bare.append(measured("bare", server.base_url))
    loop_s = statistics.mean(figures.wall_s for figures in bare)
    loop_cpu_s = statistics.mean(figures.cpu_s for figures in bare)
    wall, cpu, memory = targets
    _told(f"{which}: the bare loop", f"{loop_s:.1f} s", "-")
    _told(f"{which}: the full read", f"{done.wall_s:.1f} s", "-")
    _told(f"{which}: against the bare loop", f"{done.wall_s / loop_s:.2f}", wall)
    _told(f"{which}: CPU, {loop_cpu_s:.1f} s of the bare loop", f"{done.cpu_s:.1f} s", cpu)
    _told(f"{which}: peak memory", f"{done.peak_mib:.0f} MiB", memory)
    return done


def test_a_slow_server_is_what_is_waited_for_without_a_programme(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is judged then."""
    path = tmp_path / "dsync.toml"
    path.write_text(
        f'[ds]\ncontact = "dsync@example.gouv.fr"\n[demarche]\nnumber = {DEMARCHE}\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("DSYNC_CONFIG", str(path))
    which = f"{_engine(database_url)}, without a programme"
    done = _from_slow_server(which, database_url, PRODUCTS, ("≤ 1.04", "-", "≤ 105 MiB"))
    assert (done.read, done.report["evaluated"]) == (DOSSIERS, 0)


@pytest.mark.parametrize("products", [PRODUCTS, 140])
def test_a_slow_server_is_what_is_waited_for(database_url: str, products: int) -> None:
    """With 300 ms of latency a request, storing and judging hide behind waiting.

    Of 140 products, nearly all dossiers have some seventy twins: they are judged once all the same.
    """
    engine = _engine(database_url)
    wall, memory = ("≤ 1.08", "≤ 118 MiB") if engine == "sqlite" else ("≤ 1.12", "≤ 125 MiB")
    which = f"{engine}, {products:,} products"
    done = _from_slow_server(which, database_url, products, (wall, "≤ 13 s", memory))
    with connected(database_url) as connection:
        rows, dossiers = connection.execute(
            text("SELECT count(*), count(DISTINCT numero) FROM verdict")
        ).one()
        events = connection.scalar(
            text("SELECT count(*) FROM evenement WHERE evenement = 'verdict'")
        )
    assert (rows, dossiers, events) == (DOSSIERS, DOSSIERS, DOSSIERS)
    assert done.read == done.report["evaluated"] == DOSSIERS
    assert done.report["requests"] <= DOSSIERS // PAGE + 3


UNTIL_CONNECTED = r"""
import atexit, os, re, sys
def tell():
    with open("/proc/self/status") as status:
        os.write(2, re.search(r"VmHWM:\s+(\d+)", status.read())[1].encode())
def end(event, _):
    if event == "socket.connect":
        tell()
        os.kill(os.getpid(), 9)
atexit.register(tell)
sys.addaudithook(end)
# requests imports it where it is: here for the tests, not where dsync is installed.
sys.modules["chardet"] = None
from dsync.cli import main
main()
"""
"""`dsync` until it connects to a server or ends; says its greatest memory in KiB."""


@pytest.mark.parametrize(
    ("command", "seconds", "mib"), [("status", "≤ 0.35 s", "≤ 60 MiB"), ("sync", "≤ 0.5 s", "-")]
)
def test_a_start(tmp_path: Path, command: str, seconds: str, mib: str) -> None:
    """CPU and memory of `status`, and of `sync` before its first request."""
    database, kept = tmp_path / "dsync.db", tmp_path / "kept.db"
    with serving(1_000) as server:
        measured("sync", server.base_url, f"sqlite:///{kept}")
        environment = os.environ | {
            # As installed, dsync has its bytecode, which the first start writes here.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"),
            "DSYNC_DS_TOKEN": TOKEN,
            "DSYNC_DS_URL": server.ds_url,
            "DSYNC_BETAGOUV_URL": server.base_url,
            "DSYNC_DATABASE_URL": f"sqlite:///{database}",
        }
        cpu_s, peaks = [], []
        for _ in range(16):
            # Else it would wait for the lease of the one before.
            for left in tmp_path.glob(f"{database.name}*"):
                left.unlink()
            shutil.copy(kept, database)
            words = [sys.executable, "-c", UNTIL_CONNECTED, command]
            with subprocess.Popen(
                words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            ) as started:
                assert started.stderr
                peaks.append(int(started.stderr.read()) / 1024)
                _, started.returncode, usage = os.wait4(started.pid, 0)
            assert started.returncode in (0, signal.SIGKILL)
            cpu_s.append(usage.ru_utime + usage.ru_stime)
    _told(f"{command}: CPU of a start", f"{statistics.median(cpu_s[1:]):.2f} s", seconds)
    _told(f"{command}: memory of a start", f"{statistics.median(peaks[1:]):.0f} MiB", mib)


_TWO_SANDBOXES = """
import sys, time
from dsync.sandbox import Sandbox, ScriptedFault
dossiers, latency_ms = map(int, sys.argv[1:])
with Sandbox.start(dossiers, 7) as one, Sandbox.start(dossiers, 7) as other:
    other.control.faults.fail(ScriptedFault("latency", times=None, latency_ms=latency_ms))
    for each in (one, other):
        print(each.ds_url, each.betagouv_url, each.tokens.write, flush=True)
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
"""


@pytest.mark.parametrize(
    ("dossiers", "latency_ms", "target"), [(860, 100, "≤ 7 s"), (3_420, 300, "≤ 75 s")]
)
def test_a_push_to_a_slow_server(
    tmp_path: Path, dossiers: int, latency_ms: int, target: str
) -> None:
    """Some 500 and 2,000 verdicts, their labels with them.

    The sandbox is a process of its own, which has seen the documents before: a push to its twin
    without latency goes first. What it takes of the processor is a part of the wall time.
    """
    command = [sys.executable, "-c", _TWO_SANDBOXES, str(dossiers), str(latency_ms)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdin
        assert served.stdout
        stdin, stdout = served.stdin, served.stdout
        sandboxes = [stdout.readline().split() for _ in range(2)]

        def sandbox_cpu_s() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        for place, (ds_url, betagouv_url, token) in enumerate(sandboxes):
            database_url = f"sqlite:///{tmp_path / f'{place}.db'}"
            with app_on(
                ds_url, betagouv_url, database_url, token=token, ds_instructeur=INSTRUCTEUR
            ) as app:
                app.sync(Request(ReadAll(push=False)))
                operations.push.cache_clear()
                operations.read_annotations.cache_clear()
                its_cpu, cpu, began = sandbox_cpu_s(), time.process_time(), time.perf_counter()
                report = app.sync(Request(Push()))
                wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
                its_cpu_s = sandbox_cpu_s() - its_cpu
        stdin.close()

    which = f"push of {report.pushed} verdicts at {latency_ms} ms"
    _told(which, f"{wall_s:.1f} s", target)
    _told(f"{which}: CPU, the sandbox's", f"{cpu_s:.1f} s, {its_cpu_s:.1f} s", "-")
    _told(f"{which}: requests", str(report.requests), "-")
    assert report.exit_code == 0


def test_a_dossier_takes_little_of_the_disk(database_url: str) -> None:
    """After the first read, and after five changes; what views take is in `test_views.py`."""
    with serving(DOSSIERS) as server, app_on(server.ds_url, server.base_url, database_url) as app:
        app.sync(Request(ReadAll(push=False)))
        sizes = {"without": _sizes(database_url)}
        edit_each(app, times=CHANGES)
        sizes["with"] = _sizes(database_url)
    for which, of_tables in sizes.items():
        whole = f"a dossier on the disk, {which} {CHANGES} changes"
        largest = sorted(of_tables, key=lambda name: -of_tables[name])[:6]
        figures = {whole: sum(of_tables.values())} | {f"  {n}": of_tables[n] for n in largest}
        for what, size in figures.items():
            target = "≤ 24 KiB" if (which, what) == ("without", whole) else "-"
            _told(f"{_engine(database_url)}: {what}", f"{size / DOSSIERS / 1024:.2f} KiB", target)


def edit_each(app: Worker, *, times: int) -> None:
    """Store later versions of every dossier: each time the usager edits the first text."""
    context, store = app.context, app.store
    with store.reading(app.demarche) as reader:
        revisions = reader.demarche.revisions()
    lease = store.acquire_lease(app.demarche, 3_600)
    size = PageSize(MAX_PAGE_SIZE, MAX_PAGE_SIZE, None, app.clock)
    pages = PageReader(context.client, app.demarche, size=size, updated_since=EPOCH)
    for page in pages:
        for time_ in range(times):
            records = [
                context.recorder.record(
                    _edited(one, time_), app.demarche, revisions[one.revision_id]
                )
                for one in page.nodes
            ]
            with store.transaction(lease) as tx:
                tx.dossiers.store_page(1, records, now=app.clock())
    store.release_lease(lease)


def _edited(dossier: Dossier, time_: int) -> Dossier:
    at = dossier.date_derniere_modification_champs + timedelta(hours=1 + time_)
    place = next(rank for rank, champ in enumerate(dossier.champs) if champ.type == "text")
    champs = [*dossier.champs]
    champs[place] = structs.replace(champs[place], texte=f"Correction {time_}, de l’usager")
    return structs.replace(dossier, champs=tuple(champs), date_derniere_modification_champs=at)


def _sizes(database_url: str) -> dict[str, int]:
    """Return the bytes of the tables, each with its indexes, without old versions of rows."""
    with connected(database_url) as connection:
        ask = connection.exec_driver_sql
        if connection.dialect.name == "sqlite":
            query = (
                "SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) FROM dbstat AS s "
                "LEFT JOIN sqlite_master AS m ON m.name = s.name GROUP BY 1"
            )
        else:
            for table in ("dossier", "contenu", "candidature", "evenement", "changement"):
                ask(f"CLUSTER {table} USING pk_{table}")
            query = (
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace = current_schema()::regnamespace"
            )
        return {name: int(size) for name, size in ask(query)}


@pytest.mark.long
def test_what_goes_through_all_stays_small(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of commands that read, compare or write 100,000 dossiers.

    And the processor's time of a run to which DS gives nothing new.
    """
    monkeypatch.setenv("DSYNC_DS_TOKEN", TOKEN)
    monkeypatch.setenv("DSYNC_DEMARCHE", str(DEMARCHE))
    # As installed, dsync has its bytecode, which the first command writes here.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "bytecode"))
    with serving(100_000, products=10_000) as server:
        measured("sync", server.base_url, database_url)
        monkeypatch.setenv("DSYNC_DS_URL", server.ds_url)
        monkeypatch.setenv("DSYNC_BETAGOUV_URL", server.base_url)
        runs = [measured("command", database_url, "sync", "--no-push") for _ in range(5)]
    # The first ones still follow what the full read left.
    cpu_s = statistics.median(one.cpu_s for one in runs[2:])
    peak_mib = max(one.peak_mib for one in runs)
    which = f"{_engine(database_url)}: nothing changed in 100,000 dossiers"
    _told(f"{which}, codes {[one.report['code'] for one in runs]}", f"{cpu_s:.2f} s", "≤ 1.5 s")
    _told(which, f"{peak_mib:.0f} MiB", "≤ 150 MiB")
    for line in (
        "db verify",
        f"export {tmp_path / 'exported'}",
        "precheck --stats",
        "person dupont",
        "precheck --dry-run --json",
        f"db backup {tmp_path / 'copy'}",
    ):
        done = measured("command", database_url, *line.split())
        command = " ".join(line.split()[:2]).partition(" /")[0]
        what = f"{_engine(database_url)}: {command} of 100,000 dossiers, {done.cpu_s:.0f} s of CPU"
        _told(f"{what}, code {done.report['code']}", f"{done.peak_mib:.0f} MiB", "≤ 150 MiB")
