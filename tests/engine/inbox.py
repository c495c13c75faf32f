"""A receiver of alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Inbox(ThreadingHTTPServer):
    """A server that keeps what is sent to it; `answer` is its status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keeping)
        self.answer = 200
        self.received: list[bytes] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def told(self) -> list[str]:
        """Return the titles of the alerts received since the last call, without « dsync, »."""
        titles = [json.loads(body)["title"].partition(": ")[2] for body in self.received]
        self.received.clear()
        return titles


class _Keeping(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.answer == 200:
            self.server.received.append(body)
        self.send_response(self.server.answer)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.received.append(self.path.encode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A server to which alerts are sent."""
    with Inbox() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
