"""Démarches whose DS is dead, beside healthy ones: a process, and servers that answer over HTTP.

`pytest tests/acceptance/worker/test_dead_addresses.py -m operate -s`: some five minutes.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, Process, until
from tests.bench import many
from tests.bench.measured import TOKEN
from tests.bench.test_many import stand_in
from tests.engine.inbox import Inbox, inbox
from tests.store.databases import on_postgresql

__all__ = ["inbox"]

HEALTHY, DEAD = 150, 50
INTERVAL_S = 60
pytestmark = [pytest.mark.operate, on_postgresql]


class _Dead(BaseHTTPRequestHandler):
    """An address that answers nothing of use, each in the way of its server."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        """Answer as the server does."""
        length = int(self.headers["Content-Length"])
        self.rfile.read(length)
        match self.server.way:
            case "hang":
                self.server.ended.wait()
            case "500":
                self._answer(500, b"Internal Server Error")
            case "garbage":
                self._answer(200, b"\x00\xff<html>garbage")
            case "slow":
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                while not self.server.ended.wait(0.5):
                    self.wfile.write(b" ")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, way: str) -> None:
        self.way, self.ended = way, threading.Event()
        super().__init__(("127.0.0.1", 0), _Dead)

    def handle_error(self, *_: object) -> None:
        """Print nothing: clients hang up."""


@contextmanager
def dead_addresses() -> Iterator[list[str]]:
    """Yield five addresses, each of which is dead in its own way."""
    with ExitStack() as stack:
        refusing = socket.create_server(("127.0.0.1", 0))
        addresses = [f"http://127.0.0.1:{refusing.getsockname()[1]}"]
        refusing.close()
        for way in ("hang", "500", "slow", "garbage"):
            server = stack.enter_context(_Server(way))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            stack.callback(server.ended.set)
            addresses.append(f"http://127.0.0.1:{server.server_port}")
        yield addresses


def configure(folder: Path, rank: int, url: str) -> None:
    """Write a démarche's file; ten share a token."""
    token = folder / f"{rank // 10}.token"
    token.write_text(f"{TOKEN}-{rank // 10}", encoding="utf-8")
    text = (
        f"[demarche]\nnumber = {many.FIRST + rank}\n"
        f'[ds]\nurl = "{url}/api/v2/graphql"\ntoken_file = "{token.name}"\n'
        'contact = "mailto:eig@example.gouv.fr"\n'
        f'[schedule]\nincremental = "{INTERVAL_S}s"\n'
    )
    (folder / f"{many.FIRST + rank}.toml").write_text(text, encoding="utf-8")


class Pace:
    """Counts the runs of the healthy démarches that succeed."""

    def __init__(self, service: Process) -> None:
        self._service = service

    def succeeded(self) -> int:
        """Return the number of runs so far."""
        assert self._service.is_running, self._service.printed()[-3000:]
        lines = [line for line in self._service.printed().splitlines() if "run_finished" in line]
        ended = [json.loads(line) for line in lines]
        return sum(
            one["demarche"] < many.FIRST + HEALTHY and one["status"] != "failed" for one in ended
        )

    def in_a_minute(self, intervals: int) -> float:
        """Measure for some intervals."""
        before, began = self.succeeded(), time.monotonic()
        time.sleep(intervals * INTERVAL_S)
        return (self.succeeded() - before) * 60 / (time.monotonic() - began)


def test_dead_addresses_take_no_pace_from_healthy_demarches(
    database_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    """Of any kind, from the first minute on; each is told once, within two intervals."""
    folder = tmp_path / "demarches"
    folder.mkdir()
    with ExitStack() as stack:
        url = stack.enter_context(stand_in(latency_ms=200, dossiers=5))
        dead = stack.enter_context(dead_addresses())
        for rank in range(HEALTHY):
            configure(folder, rank, url)
        dsync = Installed(
            tmp_path / "work",
            betagouv_url=url,
            database_url=database_url,
            config=str(folder),
            http_listen="",
            log_format="json",
            alert_urls=f"json://{inbox.address}/",
        )
        stack.callback(dsync.close)
        database = Database(database_url)
        stack.callback(database.close)
        service = dsync.start("run")
        pace = Pace(service)
        until(lambda: pace.succeeded() >= 2 * HEALTHY, within_s=300)
        alone = pace.in_a_minute(1)
        for rank in range(DEAD):
            configure(folder, HEALTHY + rank, dead[rank % len(dead)])
        inbox.received.clear()
        service.signal(signal.SIGHUP)
        until(lambda: database.count("turn") == HEALTHY + DEAD, within_s=60)
        beside = pace.in_a_minute(2)
        told = [json.loads(body) for body in inbox.received]
        service.signal(signal.SIGTERM)
        assert 0 == service.wait().code
    print(f"\nruns a minute: {alone:.0f}, beside dead addresses {beside:.0f}")
    assert beside >= 0.9 * alone
    assert len(dead) == sum(one["title"].endswith(": ds") for one in told)
