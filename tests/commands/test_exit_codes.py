"""Each way out has its documented code, and its sentence says what to correct."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.commands.command import Command


@contextmanager
def server(status: int, content_type: str, body: str) -> Iterator[str]:
    """Answer every request with the same page; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (404, "text/html", "<html>Not here.</html>"),
        (422, "text/html", "<html>The change you wanted was rejected.</html>"),
        (301, "text/html", ""),
        (200, "text/html", "<html>Welcome.</html>"),
        (200, "application/json", '{"hello": "world"}'),
    ],
)
def test_an_address_that_is_no_graphql_endpoint_is_a_wrong_setting(
    run: Command, status: int, content_type: str, body: str
) -> None:
    """Exit 2 with the address and the setting to correct, without waiting; no run is « down »."""
    with server(status, content_type, body) as url:
        for command in ("sync", "check"):
            ended = run(command, DSYNC_DS_URL=f"{url}/graphql")
            assert ended.code == 2
            assert f"{url}/graphql" in ended.out + ended.err
            assert "DSYNC_DS_URL" in ended.out + ended.err
