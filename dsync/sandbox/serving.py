"""Serves the sandbox until it is told to stop, for the command line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from dsync.sandbox.server import DEFAULT_DOSSIERS, DEFAULT_SEED, Sandbox

_LOOK_EVERY_S = 0.5


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    dossiers: int = DEFAULT_DOSSIERS,
    seed: int = DEFAULT_SEED,
    *,
    rate_limit: int | None = 400,
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; print nothing.

    Args:
        host: the address to listen on.
        port: 0 for any free one.
        dossiers: how many dossiers of aap-eig7.
        seed: what they are drawn from.
        rate_limit: requests a minute and token; None: no limit.
        ready: called with the running sandbox, which knows its addresses and tokens.
    """
    told = threading.Event()

    def stop(*_: Any) -> None:
        told.set()

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        with Sandbox.start(dossiers, seed, port, rate_limit=rate_limit, host=host) as sandbox:
            if ready:
                ready(sandbox)
            # Handlers run when this thread does; the system may hand the signal to another one.
            while not told.wait(_LOOK_EVERY_S):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
