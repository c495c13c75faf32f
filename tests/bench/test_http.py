"""Benchmarks of the service with HTTP: `pytest tests/bench/test_http.py -m bench -s`.

Counts are asserted; milliseconds and megabytes are printed beside their targets.
"""

from __future__ import annotations

import http.client
import re
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dsync.sandbox import Sandbox
from tests.acceptance.worker.installed import INSTRUCTEUR, Installed, Process, until
from tests.bench.measured import memory_kib
from tests.console.addresses import pages

pytestmark = pytest.mark.bench

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
        # Of the first one, the read; then each at rest, without the console and with it.
        for rank, given in enumerate((None, None, str(config))):
            process = _on(installed, sandbox, config=given)
            address = _address(process)
            if rank == 0:
                until(lambda process=process: "run_finished" in process.printed())
            elif given is None:
                _get(address, "/readyz")
            else:
                _see_each_page(process, address, sandbox.control.truth()[0].number)
            time.sleep(1)
            kib.append(memory_kib(process.pid))
            process.signal(signal.SIGTERM)
            process.wait()
    more = f"{(kib[2] - kib[1]) / 1024:.0f} MiB"
    _told("the console in `dsync run`, each page seen, takes more", more, "≤ 40 MiB")


def _see_each_page(process: Process, address: str, number: int) -> None:
    browser = requests.Session()
    link = until(lambda: re.search(r"http://\S+/entrer\S+", process.printed()))
    browser.get(str(link[0]), timeout=10).raise_for_status()
    for page in pages(number):
        if page != "/demandes/1":  # Nobody has asked for anything.
            browser.get(f"http://{address}{page}", timeout=10).raise_for_status()


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
