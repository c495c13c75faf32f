"""Benchmarks of the service with HTTP: `pytest tests/bench/test_http.py -m bench -s`.

Counts are asserted; milliseconds and megabytes are printed beside their targets.
"""

from __future__ import annotations

import http.client
import re
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from dsync.sandbox import Sandbox
from tests.acceptance.worker.installed import INSTRUCTEUR, Installed, Process, until
from tests.bench.measured import TOKEN, memory_kib
from tests.bench.prebuilt import DEMARCHE, serving
from tests.console.addresses import pages

pytestmark = pytest.mark.bench

DOSSIERS = 10_000
WEBHOOKS, DURING_S, CLIENTS = 1_000, 10.0, 10
SECRET = "chemin-secret-du-banc"
PAGE, DETAIL = 4102, 5103
CHANGES = 10
CONFIG = Path(__file__).parents[2] / "config"


def _told(what: str, figure: str, target: str) -> None:
    print(f"\n{what:<58} {figure:>12}   target {target}")


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    """The command on an empty database with its schema."""
    command = Installed(
        tmp_path / "work",
        database_url=f"sqlite:///{tmp_path / 'dsync.db'}",
        http_listen="127.0.0.1:0",
        webhook_secret=SECRET,
        log_format="json",
    )
    assert command.run("db", "upgrade").code == 0
    yield command
    command.close()


def _address(process: Process) -> str:
    found = until(lambda: re.search(r'"address": "([^"]+)"', process.printed()))
    return str(found[1])


def _webhooks(address: str, count: int, during_s: float) -> list[float]:
    """Send webhooks of version 1 at an even pace; return the seconds that each answer took."""
    host, port = address.split(":")
    body = urlencode(
        {"procedure_id": DEMARCHE, "dossier_id": 1, "state": "accepte", "updated_at": "now"}
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    took: list[float] = []
    began = time.monotonic()

    def client(rank: int) -> None:
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        for turn in range(rank, count, CLIENTS):
            time.sleep(max(0.0, began + turn * during_s / count - time.monotonic()))
            started = time.perf_counter()
            connection.request("POST", f"/hooks/ds/{SECRET}", body, headers)
            answer = connection.getresponse()
            answer.read()
            took.append(time.perf_counter() - started)
            assert answer.status == 202
        connection.close()

    threads = [threading.Thread(target=client, args=(rank,)) for rank in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def test_a_thousand_webhooks_during_a_full_read(installed: Installed) -> None:
    """Each is answered at once, and they ask DS for little."""
    with serving(DOSSIERS) as server:
        process = installed.start(
            "run", ds_url=server.ds_url, ds_token=TOKEN, betagouv_url=server.base_url
        )
        address = _address(process)
        until(lambda: server.counts()["requests"])
        took = _webhooks(address, WEBHOOKS, DURING_S)
        under_way = "run_finished" not in process.printed()
        until(lambda: "run_finished" in process.printed(), within_s=300)
        server.counts()
        quiet = _webhooks(address, WEBHOOKS, DURING_S)
        time.sleep(3)  # The read that was asked for last.
        asked = server.counts()["requests"]
        process.signal(signal.SIGTERM)
        assert process.wait().code == 0
    for when, seconds in (("during a full read", took), ("at rest", quiet)):
        for name, figure in (
            ("median", statistics.median(seconds)),
            ("99th percentile", statistics.quantiles(seconds, n=100)[98]),
            ("longest", max(seconds)),
        ):
            target = "< 50 ms" if name.startswith("99") else "-"
            _told(f"{WEBHOOKS} webhooks in 10 s {when}: {name}", f"{1000 * figure:.1f} ms", target)
    _told("requests to DS of 1,000 webhooks at rest", f"{asked:.0f}", "few")
    assert under_way
    assert WEBHOOKS == len(took) == len(quiet)
    assert asked <= 20


def test_from_a_webhook_to_the_annotation(installed: Installed) -> None:
    """The state in the database, the new text in DS; the slowest of several changes."""
    with Sandbox.start(dossiers=120) as sandbox:
        process = _on(installed, sandbox)
        control = sandbox.control
        control.add_webhook(f"http://{_address(process)}/hooks/ds/{SECRET}")
        until(lambda: "run_finished" in process.printed())
        open_ = [one for one in control.truth() if one.state == "en_construction"][:CHANGES]
        took = []
        for rank, one in enumerate(open_):
            before = one.annotations[DETAIL]
            page = f"https://beta.gouv.fr/startups/inconnu-{rank}.html"
            control.edit_champ(one.number, PAGE, page)
            began = time.monotonic()
            control.move(one.number, "en_instruction")
            until(lambda one=one, before=before: _detail(sandbox, one.number) != before)
            took.append(time.monotonic() - began)
        process.signal(signal.SIGTERM)
        process.wait()
    _told(f"webhook to annotation: median of {len(took)}", f"{statistics.median(took):.2f} s", "-")
    _told(f"webhook to annotation: longest of {len(took)}", f"{max(took):.2f} s", "< 3 s")


def test_memory_at_rest(installed: Installed) -> None:
    """After a start without a due run, after a full read, and after a thousand requests."""
    with Sandbox.start(dossiers=120) as sandbox:
        process = _on(installed, sandbox)
        address = _address(process)
        until(lambda: "run_finished" in process.printed())
        time.sleep(1)
        after_read = memory_kib(process.pid)
        _webhooks(address, 20, 1.0)
        for _ in range(100):
            _get(address, "/metrics")
            _get(address, "/readyz")
        time.sleep(1)
        after_requests = memory_kib(process.pid)
        process.signal(signal.SIGTERM)
        process.wait()
        process = _on(installed, sandbox)
        _address(process)
        time.sleep(1)
        _get(_address(process), "/metrics")
        started = memory_kib(process.pid)
        process.signal(signal.SIGTERM)
        process.wait()
    for when, kib in (
        ("after its start", started),
        ("after a full read", after_read),
        ("after 200 requests more", after_requests),
    ):
        _told(f"`dsync run` with HTTP at rest, {when}", f"{kib / 1024:.0f} MiB", "≤ 110 MiB")


def test_memory_of_the_console(installed: Installed, tmp_path: Path) -> None:
    """What `dsync run` takes more when it serves the console and each page was seen."""
    config = shutil.copytree(CONFIG, tmp_path / "config") / "aap-eig7.toml"
    config.write_text(
        f'{config.read_text()}\n[console]\npublic_url = "http://127.0.0.1:8080"\n', encoding="utf-8"
    )
    kib = []
    with Sandbox.start(dossiers=120) as sandbox:
        for given in (None, str(config)):
            process = _on(installed, sandbox, config=given)
            address = _address(process)
            if given is None:
                until(lambda process=process: "run_finished" in process.printed())
                process.signal(signal.SIGTERM)
                process.wait()
                process = _on(installed, sandbox, config=given)
                address = _address(process)
                _get(address, "/readyz")
            else:
                browser = requests.Session()
                link = until(
                    lambda process=process: re.search(r"http://\S+/entrer\S+", process.printed())
                )
                browser.get(str(link[0]), timeout=10).raise_for_status()
                seen = pages(sandbox.control.truth()[0].number)
                seen.remove("/demandes/1")  # Nobody has asked for anything.
                for page in seen:
                    browser.get(f"http://{address}{page}", timeout=10).raise_for_status()
            time.sleep(1)
            kib.append(memory_kib(process.pid))
            process.signal(signal.SIGTERM)
            process.wait()
    more = f"{(kib[1] - kib[0]) / 1024:.0f} MiB"
    _told("the console in `dsync run`, each page seen, takes more", more, "≤ 40 MiB")


def _on(installed: Installed, sandbox: Sandbox, config: str | None = None) -> Process:
    return installed.start(
        "run",
        config=config,
        ds_url=sandbox.ds_url,
        ds_token=sandbox.tokens.write,
        ds_instructeur=INSTRUCTEUR,
        betagouv_url=sandbox.betagouv_url,
    )


def _detail(sandbox: Sandbox, number: int) -> str | None:
    found: str | None = sandbox.control.truth_of(number).annotations[DETAIL]
    return found


def _get(address: str, path: str) -> None:
    connection = http.client.HTTPConnection(*address.split(":"), timeout=10)
    connection.request("GET", path)
    assert connection.getresponse().status == 200
    connection.close()
