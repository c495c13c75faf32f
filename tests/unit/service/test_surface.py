"""Readiness of replicas, a database that hangs, hostile clients, and the address to listen on."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from dsync.addresses import Listen
from dsync.errors import ConfigurationError
from dsync.service.metrics import Metrics, readiness
from dsync.service.surface import Surface, bind, server_thread
from dsync.service.webhooks import Webhooks
from dsync.settings import Settings
from dsync.wiring import Worker
from tests.acceptance.worker.installed import until
from tests.configured import load_settings
from tests.store.databases import PostgresServer, connected

SECRET = "chemin-secret-de-ce-test"


def _settings(database_url: str, **given: Any) -> Settings:
    return load_settings(
        ds_url="http://127.0.0.1:1", database_url=database_url, ds_token=SecretStr("none"), **given
    )


def test_a_replica_is_ready_while_another_one_works(tmp_path: Path) -> None:
    """It stands by; when the other one's lease has expired, a missing success is its own."""
    with Worker(_settings(f"sqlite:///{tmp_path / 'dsync.db'}")) as app:
        lease = app.store.acquire_lease(app.demarche, 60, holder="other:1")
        standing_by = readiness([app])
        app.store.release_lease(lease)
        alone = readiness([app])
        lease = app.store.acquire_lease(app.demarche, 60)
        with app.store.transaction(lease) as tx:
            tx.state.save(last_success_at=app.clock() - timedelta(minutes=14))
        working = readiness([app])
        with app.store.transaction(lease) as tx:
            tx.state.save(last_success_at=app.clock() - timedelta(minutes=16))
        late = readiness([app])

    answers = [standing_by, alone, working, late]
    assert ["standby", "idle", "working", "working"] == [
        answer["demarches"][0]["role"] for answer in answers
    ]
    assert [True, False, True, False] == [answer["ready"] for answer in answers]
    assert "The last success was 16 min ago" in late["problems"][0]["problem"]


def test_a_schema_of_another_version_is_not_ready(tmp_path: Path) -> None:
    """As after an upgrade of the database under a running service; the remedy is named."""
    with Worker(_settings(f"sqlite:///{tmp_path / 'dsync.db'}")) as app:
        assert not any("schema" in one["problem"] for one in readiness([app])["problems"])
        with connected(app.settings.database_url) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        [problem] = readiness([app])["problems"]
    assert "schema" in problem["problem"]


@contextmanager
def serving(app: Worker, body_s: float = 10, **given: Any) -> Iterator[tuple[str, int]]:
    """Serve over HTTP until the block ends, and then no longer."""
    stop, listening = threading.Event(), bind(Listen("127.0.0.1", 0), is_default=False)
    assert listening is not None
    host, port = listening.getsockname()
    webhooks = Webhooks((SECRET,), lambda *_: True, body_s)
    surface = Surface(Metrics([app], webhooks.counts), webhooks, listening, stop, **given)
    surface.start()
    try:
        yield host, port
    finally:
        stop.set()
        until(lambda: not _accepts(host, port), within_s=20)


def test_beside_a_console_metrics_have_an_address_of_their_own(tmp_path: Path) -> None:
    """The console's address is public; the other one has health, metrics and version alone."""
    apart = bind(Listen("127.0.0.1", 0), is_default=False)
    assert apart is not None
    own = f"http://127.0.0.1:{apart.getsockname()[1]}"
    console = PlainTextResponse("console", 403)
    with (
        Worker(_settings(f"sqlite:///{tmp_path / 'dsync.db'}")) as app,
        serving(app, console=console, apart=apart) as (host, port),
    ):
        for path, is_everywhere in (
            ("/metrics", False),
            ("/__version__", False),
            ("/healthz", True),
        ):
            public = requests.get(f"http://{host}:{port}{path}", timeout=20)
            assert (200 if is_everywhere else 403) == public.status_code
            assert 200 == requests.get(own + path, timeout=20).status_code
        assert "dsync_database_up 1.0" in requests.get(f"{own}/metrics", timeout=20).text
        assert 404 == requests.get(f"{own}/", timeout=20).status_code


def _accepts(host: str, port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection((host, port)):
        return True
    return False


def test_a_database_that_hangs_delays_only_what_needs_it(postgres_server: PostgresServer) -> None:
    """503 in time for readiness and metrics; health and webhooks are answered at once."""
    url = postgres_server.make(migrated=True)
    with Worker(_settings(url)) as app, serving(app, database_s=0.2) as (host, port):
        base = f"http://{host}:{port}"
        requests.get(f"{base}/readyz", timeout=20)
        with connected(url) as connection:
            connection.exec_driver_sql("LOCK TABLE sync_state IN ACCESS EXCLUSIVE MODE")
            hung = [requests.get(f"{base}{path}", timeout=20) for path in ("/readyz", "/metrics")]
            form = {"procedure_id": 1, "dossier_id": 1, "state": "accepte", "updated_at": "x"}
            quick = [
                requests.get(f"{base}/healthz", timeout=20),
                requests.post(f"{base}/hooks/ds/{SECRET}", form, timeout=20),
            ]
        until(lambda: "dsync_database_up 1.0" in requests.get(f"{base}/metrics", timeout=20).text)
    postgres_server.drop(url)
    assert [503, 503] == [answer.status_code for answer in hung]
    assert "did not answer within 0.2 s" in hung[0].json()["problems"][0]["problem"]
    assert [200, 202] == [answer.status_code for answer in quick]
    assert all(answer.elapsed < timedelta(seconds=10) for answer in (*hung, *quick))


def test_hostile_clients_are_answered_or_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Slow, gone away, no HTTP, endless headers: no error, no secret in the log at DEBUG."""
    caplog.set_level(logging.DEBUG)
    hook = f"POST /hooks/ds/{SECRET} HTTP/1.1\r\nHost: x\r\n".encode()
    with (
        Worker(_settings(f"sqlite:///{tmp_path / 'dsync.db'}")) as app,
        serving(app, body_s=0.2, idle_s=0.2) as address,
    ):
        slow = _sent(address, hook + b"Content-Length: 9\r\n\r\nproc", reads=True)
        cut = _sent(address, hook + b"Content-Length: 9\r\n\r\nproc", reads=False)
        unsound = _sent(address, hook + b"Content-Length: -1\r\n\r\n", reads=True)
        smuggling = [
            _sent(address, hook + framing + b"\r\n0\r\n\r\nGET /healthz", reads=True)
            for framing in (
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                b"transfer-encoding: CHUNKED\r\ncontent-length: 5\r\n",
            )
        ]
        old = hook.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        smuggling.append(_sent(address, old, reads=True))
        endless = _sent(address, hook + b"X: " + b"x" * 40_000, reads=True)
        other = _sent(address, b"\x16\x03\x01" + SECRET.encode() + b"\r\n\r\n", reads=True)
        silent = [
            _sent(address, begun, reads=True)
            for begun in (b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
        ]
        alive = _sent(address, b"GET /healthz HTTP/1.0\r\n\r\n", reads=True)
    assert (b" 408 ", b"") == (slow[8:13], cut)
    assert {b" 400 "} == {answer[8:13] for answer in (unsound, endless, other, *smuggling)}
    assert {1} == {answer.count(b"HTTP/1.1") for answer in smuggling}
    assert [b"", b"", True] == [*silent[:2], silent[2].endswith(b"ok\n")]
    assert alive.endswith(b"ok\n")
    assert [] == [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert SECRET not in caplog.text


WHOLE = 20_000_000
"""More than the system takes on the way to a client that does not read."""


async def _at_once(_request: Request) -> Response:
    return Response(b"x" * WHOLE)


async def _by_and_by(_request: Request) -> Response:
    return StreamingResponse(b"x" * 100_000 for _ in range(WHOLE // 100_000))


def test_a_client_that_does_not_read_its_answer_is_dropped() -> None:
    """Though the answer, or a part of it, cannot be sent; one that reads slowly gets all of it."""
    stop, listening = threading.Event(), bind(Listen("127.0.0.1", 0), is_default=False)
    assert listening is not None
    address = listening.getsockname()
    paths = {"/one": _at_once, "/many": _by_and_by}
    routes = [Route(path, endpoint) for path, endpoint in paths.items()]
    server_thread(Starlette(routes=routes), listening, stop, idle_s=0.1).start()
    _sent(address, b"GET / HTTP/1.0\r\n\r\n", reads=True)
    before = len(os.listdir("/proc/self/fd"))
    with ExitStack() as clients:
        deaf = [clients.enter_context(socket.create_connection(address)) for _ in range(2)]
        for one, path in zip(deaf, ("one", "many"), strict=True):
            one.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        read = [
            _sent(address, f"GET {p} HTTP/1.0\r\n\r\n".encode(), reads=True)
            for p in ("/one", "/many")
        ]
        until(lambda: len(os.listdir("/proc/self/fd")) <= before + 2, within_s=20)
    stop.set()
    assert [WHOLE] * 2 == [answer.count(b"x") for answer in read]


def _sent(address: tuple[str, int], given: bytes, *, reads: bool) -> bytes:
    """Send bytes and return the answer; do not wait for one unless `reads`."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(given)
        answer = bytearray()
        with suppress(ConnectionResetError):
            while reads and (chunk := connection.recv(1 << 20)):
                answer += chunk
    return bytes(answer)


def test_the_default_address_may_be_in_use() -> None:
    """That is logged, and the service works without HTTP; a configured address is an error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Listen("127.0.0.1", taken.getsockname()[1])
        with capture_logs() as logs:
            assert bind(address, is_default=True) is None
        with pytest.raises(ConfigurationError, match=r"in use\): .*DSYNC_HTTP_LISTEN"):
            bind(address, is_default=False)
    assert ["http_off"] == [entry["event"] for entry in logs]
    with pytest.raises(ConfigurationError, match=r"Nothing can listen on no\.such\.host:80"):
        bind(Listen("no.such.host", 80), is_default=False)
    with pytest.raises(ConfigurationError, match="Nothing can listen"):
        bind(Listen("x" * 70, 80), is_default=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::"])
def test_it_listens_on_both_families(host: str) -> None:
    """An IPv6 address too."""
    try:
        listening = bind(Listen(host, 0), is_default=False)
    except ConfigurationError as exc:
        pytest.skip(f"this machine has no IPv6: {exc}")
    assert listening is not None
    with listening:
        assert listening.getsockname()[1] > 0


def test_no_part_of_an_answer_is_held_back() -> None:
    """The connection sends it at once; else the body of each answer comes 40 ms after its head."""
    listening = bind(Listen("127.0.0.1", 0), is_default=False)
    assert listening is not None
    with listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
