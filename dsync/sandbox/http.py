"""The HTTP side: one server for the API, its files, beta.gouv.fr's copy and the control."""

from __future__ import annotations

import email.utils
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from dsync.sandbox import api, files
from dsync.sandbox.answers import Answer
from dsync.sandbox.faults import Fault

if TYPE_CHECKING:
    from dsync.sandbox.server import Sandbox

CONTROL = "/_sandbox"
BETAGOUV = "/beta.gouv.fr"
_DRIP_S = 0.05


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
            self._write(sandbox.betagouv.answer(path.removeprefix(BETAGOUV), self.headers))
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
        elif fault and kind == "slow_drip":
            self._drip(answer, fault.bytes_per_s)
        else:
            self._write(answer)
            if kind == "cut_after":
                self.close_connection = True

    def _write(self, answer: Answer) -> None:
        self._head(answer, len(answer.body))
        self.wfile.write(answer.body)
        self.wfile.flush()

    def _drip(self, answer: Answer, bytes_per_s: int) -> None:
        self._head(answer, len(answer.body))
        step = max(1, int(bytes_per_s * _DRIP_S))
        for start in range(0, len(answer.body), step):
            self.wfile.write(answer.body[start : start + step])
            self.wfile.flush()
            if self.server.stopping.wait(_DRIP_S):
                break

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
