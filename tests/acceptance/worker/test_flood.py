"""A service under more connections than it has descriptors for."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.acceptance.worker.installed import Installed, slowdown
from tests.acceptance.worker.surface import SECRET, Surface, started

HOOK = f"POST /hooks/ds/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
BEGUN = (b"", b"GET /readyz HTTP/1.1\r\nHost: x\r\n", HOOK.encode())
"""What an idle client has sent: nothing, half a head, a head without its body."""
LIMIT = 1024
"""Of the service's descriptors, as usual where nobody sets it."""
SIZE = 2000
READY_S = 1.0


@contextmanager
def descriptors(limit: int) -> Iterator[None]:
    """Have this process, and those that it starts meanwhile, open no more than so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def crowd(surface: Surface, size: int) -> Iterator[None]:
    """Hold so many connections that ask for nothing."""
    host, _, port = surface.url.removeprefix("http://").partition(":")
    with descriptors(size + 512), ExitStack() as clients:
        for rank in range(size):
            address = (host, int(port))
            client = clients.enter_context(socket.create_connection(address, timeout=20))
            # The server may have closed it again.
            with suppress(ConnectionError):
                client.sendall(BEGUN[rank % len(BEGUN)])
        yield


def processor_s(surface: Surface) -> float:
    """Return the seconds of processor that the service has used."""
    fields = Path(f"/proc/{surface.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_idle_connections_keep_nobody_out(sqlite_dsync: Installed) -> None:
    """Readiness within a second, a sync through the service, and one line in the log."""
    with descriptors(LIMIT):
        surface = started(sqlite_dsync)
    surface.until_read()
    usual = surface.process.printed()

    def opened() -> int:
        return len(os.listdir(f"/proc/{surface.process.pid}/fd"))

    at_rest, room, used_s = opened(), LIMIT // 2, processor_s(surface)
    with crowd(surface, SIZE):
        began = time.monotonic()
        surface.get("/readyz")
        waited_s = time.monotonic() - began
        took_s = waited_s / slowdown()
        used_s = processor_s(surface) - used_s
        most = opened()
        done = sqlite_dsync.run("sync")
    logged = surface.process.printed().removeprefix(usual)
    print(
        f"{SIZE} idle connections: /readyz in {waited_s:.3f} s ({took_s:.3f} s with a core for "
        f"itself), {used_s:.2f} s of processor, {most} of {LIMIT} descriptors ({at_rest} at rest), "
        f"{len(logged)} bytes logged"
    )
    assert took_s < READY_S
    assert most <= at_rest + room + 8
    assert (0, True) == (done.code, "The service" in done.err), done.text
    told = [json.loads(line) for line in logged.splitlines()]
    refused, *more = [line for line in told if line["event"] == "connections_refused"]
    assert len(more) <= (time.monotonic() - began) // 60
    assert (room, "warning") == (refused["room"], refused["level"])
    assert 0 < refused["connections"] <= SIZE
    assert "Traceback" not in logged
    surface.process.signal(signal.SIGTERM)
    assert 0 == surface.process.wait().code
