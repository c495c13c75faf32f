"""The HTTP side: one server for the API, its files, beta.gouv.fr's copy and the control."""

from __future__ import annotations

import email.utils
import gzip
import sys
import threading
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from dsync.sandbox import api, files
from dsync.sandbox.answers import Answer
from dsync.sandbox.faults import BETAGOUV as BETAGOUV_FAULTS
from dsync.sandbox.faults import Fault

if TYPE_CHECKING:
    from dsync.sandbox.server import Sandbox

CONTROL = "/_sandbox"
BETAGOUV = "/beta.gouv.fr"
_DRIP_S = 0.05
_SPACES = b" " * (1 << 16)


class Server(ThreadingHTTPServer):
    """Threads that end with the server: stopping it closes the connections left open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to close it when stopping."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that went away; anything else is a fault of ours."""
        gone = isinstance(sys.exception(), ConnectionError | TimeoutError)
        if not gone and not self.stopping.is_set():
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening and close every connection."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            self.shutdown_request(connection)


class Handler(BaseHTTPRequestHandler):
    """Routes one request and writes its answer, whole, slowly or in part."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer: see Nagle and delayed acknowledgements
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Answer a POST."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path.rstrip("/") == api.PATH:
            request = api.Request(self.headers, body, self.server.sandbox.base_url)
            answer, fault = self.server.sandbox.api.answer(request)
            self._out(answer, fault)
        elif path.startswith(CONTROL):
            self._write(self.server.sandbox.remote.post(path.removeprefix(CONTROL), body))
        else:
            self._write(Answer(404, b"", "text/html"))

    def do_GET(self) -> None:
        """Answer a GET."""
        sandbox = self.server.sandbox
        path = self.path.partition("?")[0]
        if path.startswith(files.PREFIX):
            with sandbox.world.lock:
                self._write(files.download(sandbox.world, path))
        elif path.startswith(BETAGOUV):
            with sandbox.world.lock:
                fault = sandbox.api.faults.next(BETAGOUV_FAULTS, "get")
            self._out(sandbox.betagouv.answer(path.removeprefix(BETAGOUV), self.headers), fault)
        elif path.startswith(CONTROL):
            self._write(sandbox.remote.get(path.removeprefix(CONTROL)))
        else:
            self._write(Answer(404, b"", "text/html"))

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the sandbox's time in the ``Date`` header."""
        if timestamp is None:
            timestamp = self.server.sandbox.world.clock.now().timestamp()
        return email.utils.formatdate(timestamp, usegmt=True)

    def version_string(self) -> str:
        """Name the server."""
        return "dsync-sandbox"

    def log_message(self, *_: Any) -> None:
        """Print nothing: the journal has it."""

    def _out(self, answer: Answer | None, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if fault and fault.latency_ms:
            self.server.stopping.wait(fault.latency_ms / 1000)
        if answer is None or kind == "answer_lost":
            self.close_connection = True
        elif kind == "cut_inside":
            self._head(answer, len(answer.body))
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif fault and kind in {"slow_drip", "slow_headers"}:
            self._drip(answer, fault)
        elif kind == "endless_body":
            self._head(answer, None)
            self.wfile.write(answer.body)
            while not self.server.stopping.is_set():
                self.wfile.write(_SPACES)
        elif kind == "gzip_bomb":
            bomb = _bomb()
            self._head(replace(answer, headers=(("Content-Encoding", "gzip"),)), len(bomb))
            self.wfile.write(bomb)
        else:
            self._write(answer, fault)
            if kind == "cut_after":
                self.close_connection = True

    def _write(self, answer: Answer, fault: Fault | None = None) -> None:
        self._head(answer, len(answer.body), fault)
        self.wfile.write(answer.body)
        self.wfile.flush()

    def _drip(self, answer: Answer, fault: Fault) -> None:
        text = answer.body
        if fault.kind == "slow_headers":
            text = b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000
        else:
            self._head(answer, len(text))
        step = max(1, int(fault.bytes_per_s * _DRIP_S))
        for start in range(0, len(text), step):
            self.wfile.write(text[start : start + step])
            self.wfile.flush()
            if self.server.stopping.wait(_DRIP_S):
                break
        self.close_connection = fault.kind == "slow_headers"

    def _head(self, answer: Answer, length: int | None, fault: Fault | None = None) -> None:
        """Write status and headers; without a length, the body ends with the connection."""
        self.send_response_only(answer.status)
        headers = {"Server": self.version_string(), "Date": self.date_time_string()}
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        headers |= dict(answer.headers)
        if length is None:
            headers["Connection"] = "close"
        else:
            headers["Content-Length"] = str(length)
        headers |= dict(fault.headers if fault else {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@cache
def _bomb() -> bytes:
    """Return half a megabyte that is 600 MB of spaces once decoded."""
    return gzip.compress(b" " * (8 << 20)) * 75
