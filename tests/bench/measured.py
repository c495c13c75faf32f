"""One measured act in a process of its own: `bare`, `sync`, `export` or a `command` of dsync.

It prints its figures as JSON.

python -m tests.bench.measured bare URL
python -m tests.bench.measured sync URL DATABASE_URL
python -m tests.bench.measured export DATABASE_URL FOLDER FORMAT [VIEW...]
python -m tests.bench.measured command DATABASE_URL WORD...
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CalledProcessError, Popen
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsync.settings import Settings
    from dsync.wiring import Worker

TOKEN = "of-the-benchmark"
LOOKS_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """What an act took."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    read: int
    report: dict[str, Any]


def measured(act: str, *arguments: str) -> Figures:
    """Do an act in a new process and return its figures."""
    command = [sys.executable, "-m", "tests.bench.measured", act, *arguments]
    peak_kib = 0
    # Into a file: a command that prints much would wait for a reader.
    with TemporaryFile("w+", encoding="utf-8") as out, Popen(command, stdout=out) as process:
        while process.poll() is None:
            peak_kib = max(peak_kib, memory_kib(process.pid))
            time.sleep(LOOKS_EVERY_S)
        out.seek(0)
        output = out.read()
    if process.returncode:
        raise CalledProcessError(process.returncode, command)
    return Figures(peak_mib=peak_kib / 1024, **json.loads(output.splitlines()[-1]))


def memory_kib(pid: int) -> int:
    """Return the memory that is a process's, with its share of what others have too."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    found = re.search(r"Pss:\s+(\d+) kB", rollup)
    return int(found[1]) if found else 0


def main(act: str, url: str, *arguments: str) -> None:
    """Do one act in this process."""
    if act == "export":
        prepared = _prepared_export(url, *arguments)
    elif act == "command":
        prepared = _prepared_command(url, *arguments)
    else:
        from tests.bench.prebuilt import Prebuilt

        server = Prebuilt(url)
        prepared = _prepared_sync(server, *arguments) if act == "sync" else _prepared_bare(server)
    started, cpu = time.perf_counter(), _cpu_s()
    read, report = prepared()
    wall_s, cpu_s = time.perf_counter() - started, _cpu_s() - cpu
    figures = {"wall_s": wall_s, "cpu_s": cpu_s, "read": read, "report": report}
    print(json.dumps(figures))


def _cpu_s() -> float:
    """Return the processor's time so far, of ended processes that this one started too."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _prepared_bare(server: Any) -> Any:
    """Read every page by requests and json.loads, no more."""
    import requests

    from dsync.ds import operations
    from tests.bench.prebuilt import page_variables

    operation = operations.load("dossiers_page")

    def act() -> tuple[int, dict[str, Any]]:
        read, after = 0, None
        with requests.Session() as session:
            while True:
                answer = session.post(
                    server.ds_url,
                    json=operation.asking(page_variables(after)).payload,
                    timeout=60,
                )
                dossiers = json.loads(answer.content)["data"]["demarche"]["dossiers"]
                read += len(dossiers["nodes"])
                after = dossiers["pageInfo"]["endCursor"]
                if not dossiers["pageInfo"]["hasNextPage"]:
                    return read, {}

    return act


def _prepared_sync(server: Any, database_url: str) -> Any:
    """Read, map, store and judge all: a first run, which pushes nothing."""
    import logging

    from dsync.cli import set_up_process
    from dsync.cli.later import without_rich

    with without_rich():
        import structlog

        from dsync.sync.work import ReadAll, Request

    set_up_process()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app = app_on(server.ds_url, server.base_url, database_url)

    def act() -> tuple[int, dict[str, Any]]:
        with app:
            report = app.sync(Request(ReadAll(push=False)))
        return report.read, report.to_json()

    return act


def _prepared_export(database_url: str, folder: str, format_: str, *views: str) -> Any:
    """Write all views, or some, as files."""
    from datetime import UTC, datetime

    from dsync.cli import set_up_process
    from dsync.database import open_database
    from dsync.exports.export import export, tables_of

    set_up_process()
    store = open_database(database_url)
    tables = tables_of(store.dictionary(), views)

    def act() -> tuple[int, dict[str, Any]]:
        with store.reading(sorting=True) as reader:
            done = export(
                reader.connection, tables, Path(folder), format_=format_, made_at=datetime.now(UTC)
            )
        return sum(one.rows for one in done), {}

    return act


def _prepared_command(database_url: str, *words: str) -> Any:
    """Execute a command of dsync as the shell does."""
    from dsync.cli import dsync, set_up_process

    set_up_process()
    os.environ["DSYNC_DATABASE_URL"] = database_url

    def act() -> tuple[int, dict[str, Any]]:
        try:
            dsync(words, prog_name="dsync")
        except SystemExit as exc:
            return 0, {"code": exc.code}
        raise AssertionError

    return act


def app_on(
    ds_url: str, betagouv_url: str, database_url: str, *, token: str = TOKEN, **given: Any
) -> Worker:
    """Return the worker on a server of the benchmark, without its speed limit."""
    from pydantic import SecretStr

    from dsync.wiring import Worker
    from tests.configured import load_settings

    settings = load_settings(
        ds_url=ds_url, betagouv_url=betagouv_url, database_url=database_url, **given
    )
    return Worker(without_throttle(replace(settings, ds_token=SecretStr(token))))


def without_throttle(settings: Settings) -> Settings:
    """Return the settings with the speed limit lifted: this server is nobody's."""
    configuration = settings.configuration
    advanced = configuration.advanced.model_copy(update={"requests_per_minute": 1_000_000})
    return replace(settings, configuration=configuration.model_copy(update={"advanced": advanced}))


if __name__ == "__main__":
    main(*sys.argv[1:])
