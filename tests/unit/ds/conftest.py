"""A client with one attempt for each request, and servers: `responses` or loopback sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.ds.transport import Transport

URL = "https://ds.test/api/v2/graphql"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def make_client(stop: threading.Event) -> Iterator[Callable[..., DSClient]]:
    """Return a factory of clients; by default a request has one attempt and no wait."""
    with ExitStack() as opened:

        def make(url: str = URL, token: str = "secret-token", **limits: Any) -> DSClient:
            given = {"attempts": 1, "backoff_s": 0.0, **limits}
            client = DSClient(
                url,
                token,
                user_agent="dsync/0 (+mailto:eig@example.gouv.fr)",
                limits=Limits(**given),
                stop=stop,
                clock=lambda: NOW,
            )
            opened.callback(client.close)
            return client

        yield make


@pytest.fixture
def make_transport(stop: threading.Event) -> Callable[..., Transport]:
    def make(token: str = "secret-token") -> Transport:
        return Transport(
            URL, token, user_agent="dsync/0", limits=Limits(), stop=stop, clock=lambda: NOW
        )

    return make


@pytest.fixture
def ds() -> Iterator[responses.RequestsMock]:
    """Mock DS; a request that the test did not define fails the test."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Start a loopback server that calls a function after reading each request."""
    with ExitStack() as running:

        def start(answer: Callable[[socket.socket], None]) -> str:
            return running.enter_context(_server(answer))

        yield start


@contextmanager
def _server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def accept() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                _read_request(connection)
                answer(connection)
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v2/graphql"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)


def _read_request(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
