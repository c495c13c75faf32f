"""Serves the sandbox until it is told to stop, for the command line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from dsync.sandbox.server import DEFAULT_DOSSIERS, DEFAULT_SEED, Sandbox


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    dossiers: int = DEFAULT_DOSSIERS,
    seed: int = DEFAULT_SEED,
    *,
    rate_limit: int | None = 400,
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; print nothing.

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

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox.start(dossiers, seed, port, rate_limit=rate_limit, host=host) as sandbox:
            if ready:
                ready(sandbox)
            told.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
