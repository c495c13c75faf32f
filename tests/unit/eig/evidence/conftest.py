"""Fixtures: a local HTTP server with the replies of each test."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from dsync.eig.sources import EvidenceSources
from dsync.exchanges import Exchanges

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CATALOGUE = json.dumps({"data": [{"id": "a-just", "attributes": {"name": "A-JUST", "phases": []}}]})


@dataclass
class Reply:
    """The reply of a path; `cut` bytes of the announced body are not sent."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    zipped: bool = False


class Site:
    """Replies by path, and the received requests."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        """Return the reply of a path; a list gives one reply for each request."""
        self.requests.append((path, headers))
        found = self.replies.get(path.partition("?")[0], Reply(status=404))
        if isinstance(found, list):
            found = found.pop(0)
        etag = found.headers.get("ETag")
        if etag and headers.get("If-None-Match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    """A server for one test."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            reply = served.reply(self.path, dict(self.headers))
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            headers = dict(reply.headers)
            if reply.zipped:
                body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
            self.send_response(reply.status)
            for name, value in headers.items():
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(body) + reply.cut))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = self.close_connection or reply.cut > 0

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def opened(url: str, **options: Any) -> EvidenceSources:
    """Return the connections to the sources."""
    return EvidenceSources.open(
        url, user_agent="dsync/test", clock=lambda: NOW, stop=threading.Event(), **options
    )


@pytest.fixture
def http() -> Iterator[Exchanges[requests.Session]]:
    """HTTP connections as `EvidenceSources` opens them."""
    sources = opened("http://127.0.0.1")
    yield sources.http
    sources.close()
