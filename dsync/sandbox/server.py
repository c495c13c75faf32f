"""The HTTP server of the API, its files, the open data and the control; all of it as `Sandbox`."""

from __future__ import annotations

import email.utils
import gzip
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import SimpleNamespace
from typing import Any

from dsync.sandbox import content
from dsync.sandbox.content import life
from dsync.sandbox.control import Control, call
from dsync.sandbox.endpoint import PATH, Endpoint, OpenData
from dsync.sandbox.faults import BETAGOUV as OF_BETAGOUV
from dsync.sandbox.faults import HttpAnswer, ScriptedFault, next_fault
from dsync.sandbox.model import FormSeed, ServedDossier, World
from dsync.sandbox.resolvers import FILES
from dsync.sandbox.scalars import fetch_file

CONTROL = "/_sandbox"
BETAGOUV = "/beta.gouv.fr"
_DRIP_S = 0.05
_SPACES = b" " * (1 << 16)
_NOTHING = HttpAnswer(404, b"", "text/html")


class Server(ThreadingHTTPServer):
    """A server with one daemon thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # Tests open many connections at once.

    def __init__(
        self, port: int, endpoint: Endpoint, control: Control, catalogue: OpenData
    ) -> None:
        self.endpoint, self.control, self.catalogue = endpoint, control, catalogue
        self.world = endpoint.world
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        super().__init__(("127.0.0.1", port), Handler)
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection, so that `stop` can close it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when the client closed the connection; print any other error."""
        gone = isinstance(sys.exception(), ConnectionError | TimeoutError)
        if not gone and not self.stopping.is_set():
            super().handle_error(request, client_address)

    def serve(self) -> None:
        """Serve until `stop`, without looking in between whether it was called."""
        while not self.stopping.is_set():
            self.handle_request()

    def stop(self, serving: threading.Thread) -> None:
        """Stop listening and close every connection; `serving` is the thread that serves."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        # A connection ends the wait for one.
        socket.create_connection(("127.0.0.1", self.server_address[1])).close()
        serving.join(timeout=1)
        self.server_close()
        for connection in list(self._connections):
            self.shutdown_request(connection)


class Handler(BaseHTTPRequestHandler):
    """Routes requests and writes their answers, with the faults of the connection."""

    protocol_version = "HTTP/1.1"
    # Buffered, so that headers and body leave in one segment: two would wait for each other's
    # acknowledgement (Nagle's algorithm), 40 ms for each answer.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Answer a POST."""
        server, path = self.server, self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.rstrip("/") == PATH:
            self._out(*server.endpoint.answer(self.headers, body, server.base_url))
        elif path.startswith(CONTROL):
            name = path.removeprefix(CONTROL).strip("/")
            self._write(call(server.control, name, body))
        else:
            self._write(_NOTHING)

    def do_GET(self) -> None:
        """Answer a GET."""
        server, path = self.server, self.path.partition("?")[0]
        if path.startswith(FILES):
            with server.world.lock:
                status, kind, content = fetch_file(server.world, path.removeprefix(FILES))
            self._write(HttpAnswer(status, content, kind))
        elif path.startswith(BETAGOUV):
            with server.world.lock:
                fault = next_fault(server.endpoint.faults, OF_BETAGOUV, "get")
            reply = server.catalogue.answer(path.removeprefix(BETAGOUV))
            self._out(reply, fault)
        else:
            self._write(_NOTHING)

    def log_message(self, *_: Any) -> None:
        """Print nothing: `Control.requests` returns the log."""

    def _out(self, reply: HttpAnswer | None, fault: ScriptedFault | None) -> None:
        kind = fault.kind if fault else None
        if fault and fault.latency_ms:
            self.server.stopping.wait(fault.latency_ms / 1000)
        if reply is None or kind == "answer_lost":
            self.close_connection = True
        elif kind == "cut_inside":
            self._head(reply, len(reply.body))
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif fault and kind == "slow_body":
            self._head(reply, len(reply.body))
            self._drip(reply.body, fault.bytes_per_s)
        elif fault and kind == "slow_headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000, fault.bytes_per_s)
            self.close_connection = True
        elif kind == "endless_body":
            self._head(reply, None)
            self.wfile.write(reply.body)
            while not self.server.stopping.is_set():
                self.wfile.write(_SPACES)
        elif kind == "gzip_bomb":
            encoding = (("Content-Encoding", "gzip"),)
            self._write(replace(reply, body=_bomb(), headers=encoding))
        else:
            self._write(reply, fault)
            self.close_connection |= kind == "cut_after"

    def _write(self, reply: HttpAnswer, fault: ScriptedFault | None = None) -> None:
        self._head(reply, len(reply.body), fault)
        self.wfile.write(reply.body)
        self.wfile.flush()

    def _drip(self, text: bytes, bytes_per_s: int) -> None:
        step = max(1, int(bytes_per_s * _DRIP_S))
        for start in range(0, len(text), step):
            self.wfile.write(text[start : start + step])
            self.wfile.flush()
            if self.server.stopping.wait(_DRIP_S):
                break

    def _head(
        self, reply: HttpAnswer, length: int | None, fault: ScriptedFault | None = None
    ) -> None:
        """Write status and headers; those of the fault replace the answer's.

        Without a length the body ends when the connection is closed.
        """
        now = email.utils.formatdate(self.server.world.now().timestamp(), usegmt=True)
        headers = {"Server": "dsync-sandbox", "Date": now, **dict(reply.headers)}
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        ends = {"Connection": "close"} if length is None else {"Content-Length": str(length)}
        self.send_response_only(reply.status)
        for name, value in {**headers, **ends, **(fault.headers if fault else {})}.items():
            self.send_header(name, value)
        self.end_headers()


@cache
def _bomb() -> bytes:
    """Return about 0.5 MB that gzip decodes to 600 MB of spaces."""
    return gzip.compress(b" " * (8 << 20)) * 75


class Sandbox:
    """A running sandbox; as a context manager, it stops at the end.

    The main démarche is the first of `forms`. The same seed gives the same tokens and the same
    catalogue. The port is of 127.0.0.1; 0: any free one. `rate_limit` is for each minute and token;
    None: no limit. DS allows 400.
    """

    def __init__(
        self,
        forms: Iterable[tuple[FormSeed, Iterable[ServedDossier]]],
        *,
        seed: int,
        clock: Callable[[], datetime] | None = None,
        port: int = 0,
        rate_limit: int | None = None,
    ) -> None:
        self.world = World(clock)
        for form, dossiers in forms:
            self.world.add_demarche(form, dossiers)
        endpoint = Endpoint(self.world, seed, rate_limit)
        secrets = {name: token.secret for name, token in endpoint.tokens.items()}
        self.tokens = SimpleNamespace(**secrets)
        """The tokens' secrets; `other_demarche` may read every démarche but the main one."""
        catalogue = OpenData(seed)
        self.control = Control(self.world, endpoint, catalogue)
        self._server = Server(port, endpoint, self.control, catalogue)
        self._happenings = life.happenings(self.control, seed)
        self.base_url = self._server.base_url
        self.ds_url = self.base_url + PATH
        self.betagouv_url = self.base_url + BETAGOUV
        self.control_url = self.base_url + CONTROL
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    @classmethod
    def start(
        cls,
        dossiers: int = 120,
        seed: int = 7,
        port: int = 0,
        clock: Callable[[], datetime] | None = None,
        rate_limit: int | None = None,
        hostile: bool = True,
    ) -> Sandbox:
        """Start a sandbox with aap-eig7, and démarches of every type, equipment and two aids.

        aap-eig7 has that number of dossiers; if `hostile`, a few have texts that try a program, and
        not a reader. The same seed gives the same dossiers, too.
        """
        now = World(clock).now()
        forms = content.everything(seed, dossiers, now=now, hostile=hostile)
        return cls(forms, seed=seed, clock=clock, port=port, rate_limit=rate_limit)

    def live(self, told: Callable[[life.Event], None]) -> None:
        """Let something happen to the dossiers of aap-eig7 every few seconds, until the stop.

        `told` is called with each event, in a thread of its own.
        """

        def go_on() -> None:
            while not self._server.stopping.is_set():
                told(next(self._happenings))
                self._server.stopping.wait(life.EVERY_S)

        threading.Thread(target=go_on, name="life", daemon=True).start()

    def stop(self) -> None:
        """Stop the server and close all its connections."""
        self._server.stop(self._thread)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(ready: Callable[[Sandbox], None], **options: Any) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; `options` are those of `Sandbox.start`.

    `ready` is called once with the running sandbox.
    """
    # Blocked before the first thread starts, so that no thread but this one gets these signals.
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with Sandbox.start(**options) as sandbox:
            ready(sandbox)
            signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
