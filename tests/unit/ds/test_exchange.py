"""Exchanges over real sockets: slow, incomplete and missing answers, and stops."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber
from dsync.ds.client import DSClient
from dsync.ds.write_document import DossierWrite
from dsync.errors import (
    ConfigurationError,
    DSError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnavailableError,
    InterruptedRunError,
)
from dsync.messages.kinds import Fault
from tests.unit.ds.nodes import value_step

Serve = Callable[[Callable[[socket.socket], None]], str]
Make = Callable[..., DSClient]
DEMARCHE = DemarcheNumber(86321)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WRITE = DossierWrite(DossierNumber(1), DossierId("D1"), "I", (value_step("A", "textarea", "x"),))
LIGHT = {
    "demarche": {
        "dossiers": {"nodes": [{"number": 1}], "pageInfo": {"endCursor": "c", "hasNextPage": False}}
    }
}
BODY = json.dumps({"data": LIGHT}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def light(client: DSClient) -> list[int]:
    page = client.read_light_page(
        DEMARCHE, first=1, after=None, updated_since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return list(page.numbers)


def drip(connection: socket.socket, data: bytes, over: threading.Event) -> None:
    """Send one byte every 20 ms until the client closes the connection."""
    for byte in data:
        connection.sendall(bytes([byte]))
        if over.wait(0.02):
            return


@pytest.fixture
def over() -> threading.Event:
    return threading.Event()


def assert_no_thread_is_left() -> None:
    """Check that no thread of an exchange is running."""
    for thread in threading.enumerate():
        if thread.name == "dsync-http":
            thread.join(2)
            assert not thread.is_alive()


def elapsed(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


@pytest.mark.parametrize("where", ["head", "body", "chunks"])
def test_a_slow_answer_ends_at_the_deadline(
    serve: Serve, make_client: Make, over: threading.Event, where: str
) -> None:
    """The caller waits for the deadline only, whichever part of the answer is slow."""
    gone = threading.Event()

    def answer(connection: socket.socket) -> None:
        if where == "body":
            connection.sendall(HEAD % 2000)
        if where == "chunks":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n")
        try:
            drip(connection, b"H" * 2000, over)
        except OSError:
            gone.set()

    client = make_client(serve(answer), deadline_s=0.3)

    def ask() -> None:
        with pytest.raises(DSTimeoutError) as caught:
            light(client)
        assert caught.value.details["fault"] == Fault.DEADLINE

    assert 0.25 < elapsed(ask) < 20  # The whole answer would take 40 s.
    assert gone.wait(20), "the connection of a request given up is cut"
    over.set()
    assert_no_thread_is_left()


def test_after_a_silence_ds_is_asked_for_little_first(serve: Serve, make_client: Make) -> None:
    """With a short deadline and once: what is silent then is away, and nothing larger is asked."""
    over, asked = threading.Event(), list[float]()

    def answer(connection: socket.socket) -> None:
        asked.append(time.monotonic())
        over.wait(60)

    client = make_client(serve(answer), attempts=3, deadline_s=1, probe_s=0.2)
    client.doubt(DemarcheNumber(1), at_once=False)
    with pytest.raises(DSTimeoutError):
        client.read_page(DemarcheNumber(1), first=100, after=None, updated_since=None)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(DSUnavailableError):
            client.read_page(DemarcheNumber(1), first=50, after=None, updated_since=None)
    assert time.monotonic() - began < 1
    assert client.is_away
    assert 3 == len(asked)
    over.set()


def test_after_a_deadline_the_client_works_on(serve: Serve, make_client: Make) -> None:
    """The session of an aborted exchange is not used again."""
    calls: list[int] = []
    held = threading.Event()

    def answer(connection: socket.socket) -> None:
        calls.append(1)
        if len(calls) == 1:
            held.wait(60)
            return
        connection.sendall(HEAD % len(BODY) + BODY)

    client = make_client(serve(answer), deadline_s=1)
    with pytest.raises(DSTimeoutError):
        light(client)
    held.set()
    assert light(client) == [1]


@pytest.mark.parametrize(
    "sent", [b"", b"HTT", HEAD % 5000, HEAD % 5000 + BODY, HEAD % (len(BODY) + 1) + BODY]
)
def test_an_incomplete_answer_is_an_error(serve: Serve, make_client: Make, sent: bytes) -> None:
    """A connection can be closed before, in or at the end of an answer."""
    client = make_client(serve(lambda connection: connection.sendall(sent)))
    with pytest.raises(DSUnavailableError) as caught:
        light(client)
    assert caught.value.details["fault"] == Fault.CONNECTION_LOST


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        *(CHUNKED + size + b"\r\n" + BODY for size in (b"-5", b"-1", b"-0", b"\xb2", b"f" * 40)),
        *(MOVED % place for place in (b"\xff", b"http://[", b"http://a:b/", b"//\xe9:99999999/")),
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + BODY[:-5],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 40 + b"\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff; charset=\x00\r\n\r\n" + BODY[:-5],
        b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n" + BODY,
    ],
)
def test_an_answer_that_is_no_http_is_an_error_of_ds(
    serve: Serve, make_client: Make, sent: bytes
) -> None:
    """And no bug of dsync's, whatever a server or a proxy sends."""
    client = make_client(serve(lambda connection: connection.sendall(sent)))
    with pytest.raises((DSError, ConfigurationError)):
        light(client)


def test_a_negative_size_does_not_lift_the_limit(serve: Serve, make_client: Make) -> None:
    """« -1 » would read to the end of the connection, into memory."""
    read = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(CHUNKED + b"-1\r\n")
        with contextlib.suppress(OSError):
            for _ in range(64):
                connection.sendall(b" " * (1 << 20))
                read.append(1)

    with pytest.raises(DSUnavailableError):
        light(make_client(serve(answer), max_response_mib=1))
    assert len(read) < 32


def test_a_refused_connection_wrote_nothing(make_client: Make) -> None:
    """A mutation that was not sent has no unknown outcome."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}/")
    with pytest.raises(DSUnavailableError, match="connection refused"):
        client.push([WRITE])


def test_a_stop_lets_a_running_write_end(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """The outcome of a mutation that answers soon after the stop is known."""
    body = json.dumps(
        {"data": {"w0_annotations": {"annotations": [{"id": "A"}], "errors": None}}}
    ).encode()

    def answer(connection: socket.socket) -> None:
        stop.set()
        threading.Event().wait(0.2)
        connection.sendall(HEAD % len(body) + body)

    (outcome,) = make_client(serve(answer)).push([WRITE])
    assert outcome.saved == {"A"}


def test_threads_share_a_client(serve: Serve, make_client: Make) -> None:
    """Two threads can use the client at once; each exchange has its own session."""
    both = threading.Barrier(2, timeout=60)

    def answer(connection: socket.socket) -> None:
        both.wait()
        connection.sendall(HEAD % len(BODY) + BODY)

    client = make_client(serve(answer))
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(light(client))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[1], [1]]
    assert client.requests == 2


def test_a_429_delays_all_clients_of_the_token(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """DS counts the requests of a token, so other clients would be refused too."""
    asked: list[int] = []

    def answer(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")

    url = serve(answer)
    with pytest.raises(DSRateLimitedError):
        light(make_client(url))
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    with pytest.raises(InterruptedRunError):
        light(make_client(url))
    timer.join()
    assert asked == [1]


@pytest.mark.parametrize("ending", ["chunked", "at the end of the connection", "zipped"])
def test_an_answer_that_is_too_long_is_not_read(
    serve: Serve, make_client: Make, ending: str
) -> None:
    """The limit is on the decoded body; the connection is closed, a smaller page requested."""
    gone = threading.Event()
    spaces = b" " * 65536

    def answer(connection: socket.socket) -> None:
        head, part = b"", spaces
        if ending == "chunked":
            head, part = b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + spaces + b"\r\n"
        if ending == "zipped":
            head, part = b"Content-Encoding: gzip\r\n", gzip.compress(b" " * (1 << 23))
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        try:
            while True:
                connection.sendall(part)
        except OSError:
            gone.set()

    client = make_client(serve(answer), max_response_mib=1)
    with pytest.raises(DSTimeoutError, match="larger than 1 MiB") as caught:
        light(client)
    assert caught.value.details["fault"] == Fault.TOO_LONG
    assert gone.wait(20), "the connection is closed"
    assert_no_thread_is_left()


def test_nothing_goes_over_http_to_another_machine(make_client: Make) -> None:
    """The token could be read on the way: nothing is sent, not even a name look-up."""
    with pytest.raises(DSUnavailableError, match="plain http://"):
        light(make_client("http://ds.invalid/"))
