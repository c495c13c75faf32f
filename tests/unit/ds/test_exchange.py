"""Exchanges over real sockets: answers that drip, break off or never come, and stops."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber
from dsync.ds import AnnotationWrite, DossierWrite, DSClient
from dsync.ds.classify import Fault
from dsync.errors import (
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnavailableError,
    InterruptedRunError,
)

Serve = Callable[[Callable[[socket.socket], None]], str]
Make = Callable[..., DSClient]
DEMARCHE = DemarcheNumber(86321)
WRITE = DossierWrite(
    DossierNumber(1), DossierId("D1"), "I", (AnnotationWrite("A", "textarea", "x"),)
)
LIGHT = {
    "demarche": {
        "dossiers": {
            "nodes": [{"number": 1}],
            "pageInfo": {"endCursor": "c", "hasNextPage": False},
        }
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
    """Send a byte each 20 ms, until the other side has gone."""
    for byte in data:
        connection.sendall(bytes([byte]))
        if over.wait(0.02):
            return


@pytest.fixture
def over() -> threading.Event:
    return threading.Event()


def elapsed(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


@pytest.mark.parametrize("where", ["head", "body", "chunks"])
def test_a_drip_ends_at_the_deadline(
    serve: Serve, make_client: Make, over: threading.Event, where: str
) -> None:
    """However slowly an answer comes, and wherever, the caller waits for the deadline alone."""
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

    assert 0.25 < elapsed(ask) < 2
    if where != "head":
        assert gone.wait(2), "the connection of a request given up is cut"
    over.set()


def test_after_a_deadline_the_client_works_on(serve: Serve, make_client: Make) -> None:
    """A session that was left behind is not used again."""
    calls: list[int] = []
    held = threading.Event()

    def answer(connection: socket.socket) -> None:
        calls.append(1)
        if len(calls) == 1:
            held.wait(5)
            return
        connection.sendall(HEAD % len(BODY) + BODY)

    client = make_client(serve(answer), deadline_s=0.3)
    with pytest.raises(DSTimeoutError):
        light(client)
    held.set()
    assert light(client) == [1]


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTT", HEAD % 5000, HEAD % 5000 + BODY, HEAD % (len(BODY) + 1) + BODY],
)
def test_an_answer_that_breaks_off_is_no_answer(
    serve: Serve, make_client: Make, sent: bytes
) -> None:
    """A connection cut before, in or at the end of an answer is told as such."""
    client = make_client(serve(lambda connection: connection.sendall(sent)))
    with pytest.raises(DSUnavailableError) as caught:
        light(client)
    assert caught.value.details["fault"] == Fault.CONNECTION_LOST


def test_a_read_that_broke_off_is_repeated(serve: Serve, make_client: Make) -> None:
    """The next attempt has a connection of its own."""
    calls: list[int] = []

    def answer(connection: socket.socket) -> None:
        calls.append(1)
        if len(calls) > 1:
            connection.sendall(HEAD % len(BODY) + BODY)

    assert light(make_client(serve(answer), attempts=2)) == [1]


def test_a_write_that_broke_off_is_unknown_and_sent_once(serve: Serve, make_client: Make) -> None:
    """No mutation goes out twice because its answer was lost."""
    calls: list[int] = []
    client = make_client(serve(lambda _: calls.append(1)), attempts=6)
    with pytest.raises(DSOutcomeUnknownError) as caught:
        client.push([WRITE])
    assert calls == [1]
    assert not caught.value.finished


def test_a_refused_connection_surely_wrote_nothing(make_client: Make) -> None:
    """What was never sent is no unknown outcome."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}/")
    with pytest.raises(DSUnavailableError, match="connection refused"):
        client.push([WRITE])


def test_a_name_that_nobody_has_is_unreachable(make_client: Make) -> None:
    """A wrong host name is told as such, and its remedy with it."""
    with pytest.raises(DSUnavailableError, match="name cannot be resolved"):
        light(make_client("http://nobody.invalid/"))


def test_a_stop_abandons_a_read_under_way(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """SIGTERM does not wait for a page."""
    held = threading.Event()

    def answer(_: socket.socket) -> None:
        stop.set()
        held.wait(5)

    client = make_client(serve(answer), deadline_s=5)

    def ask() -> None:
        with pytest.raises(InterruptedRunError):
            light(client)

    assert elapsed(ask) < 2
    held.set()


def test_a_stop_gives_a_write_under_way_a_moment(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """A mutation that answers soon after the stop is known."""
    body = json.dumps(
        {"data": {"w0_annotations": {"annotations": [{"id": "A"}], "errors": None}}}
    ).encode()

    def answer(connection: socket.socket) -> None:
        stop.set()
        threading.Event().wait(0.2)
        connection.sendall(HEAD % len(body) + body)

    (outcome,) = make_client(serve(answer)).push([WRITE])
    assert outcome.saved == {"A"}


def test_a_stop_leaves_a_slow_write_unknown(
    serve: Serve, make_client: Make, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutation that does not answer in time after the stop is to be read back."""
    monkeypatch.setattr("dsync.ds.transport.GRACE_S", 0.1)
    held = threading.Event()

    def answer(_: socket.socket) -> None:
        stop.set()
        held.wait(5)

    client = make_client(serve(answer))
    with pytest.raises(DSOutcomeUnknownError) as caught:
        client.push([WRITE])
    assert not caught.value.finished
    held.set()


def test_threads_share_a_client(serve: Serve, make_client: Make) -> None:
    """A prefetching thread and a pushing one use the client at once, each its own session."""
    both = threading.Barrier(2, timeout=5)

    def answer(connection: socket.socket) -> None:
        both.wait()
        connection.sendall(HEAD % len(BODY) + BODY)

    client = make_client(serve(answer))
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(light(client))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert found == [[1], [1]]
    assert client.requests == 2


def test_all_threads_together_keep_below_the_limit(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """Two clients of one token, four threads: what is too much for a minute never goes out."""
    asked: list[int] = []
    both = threading.Semaphore(0)

    def answer(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(HEAD % len(BODY) + BODY)

    url = serve(answer)
    interrupted: list[InterruptedRunError] = []

    def ask(client: DSClient) -> None:
        try:
            light(client)
        except InterruptedRunError as exc:
            interrupted.append(exc)
        both.release()

    clients = [make_client(url, requests_per_minute=2) for _ in range(2)]
    threads = [threading.Thread(target=ask, args=(client,)) for client in clients * 2]
    for thread in threads:
        thread.start()
    assert both.acquire(timeout=5)
    assert both.acquire(timeout=5)
    assert not both.acquire(timeout=0.2), "the others wait"
    stop.set()
    for thread in threads:
        thread.join(5)
    assert (2, 2) == (len(asked), len(interrupted))


def test_a_rate_limit_told_to_one_holds_all(
    serve: Serve, make_client: Make, stop: threading.Event
) -> None:
    """DS counts a token's requests together: another client's would be refused too."""
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


def test_closing_ends_the_threads(serve: Serve, make_client: Make) -> None:
    """A closed client leaves no thread behind."""
    before = {thread for thread in threading.enumerate() if thread.name == "dsync-ds"}
    with make_client(serve(lambda c: c.sendall(HEAD % len(BODY) + BODY))) as client:
        light(client)
        mine = [t for t in threading.enumerate() if t.name == "dsync-ds" and t not in before]
        assert len(mine) == 1
    mine[0].join(2)
    assert not mine[0].is_alive()
