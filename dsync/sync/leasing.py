"""Holds the lease of a démarche while something is written about it."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.errors import DsyncError, InterruptedRunError, LeaseHeldError
from dsync.messages import kinds as k
from dsync.store import LEASE_TTL_S, Lease, Store

log = structlog.get_logger(__name__)

LEASE_POLL_S = 1.0
"""Interval between two attempts to take a lease that another process holds."""


@contextmanager
def held_lease(
    store: Store, demarche: DemarcheNumber, stop: threading.Event, wait_s: float
) -> Iterator[Lease]:
    """Hold a démarche's lease; `renewed` keeps it for longer than its duration.

    It waits up to `wait_s` seconds while another process holds it.

    Raises:
        LeaseHeldError: another process still holds it.
        InterruptedRunError: `stop` was set.
    """
    waited, lease = 0.0, None
    while lease is None:
        try:
            lease = store.acquire_lease(demarche, LEASE_TTL_S)
        except LeaseHeldError:
            if waited >= wait_s:
                raise
            _pause(stop)
            waited += LEASE_POLL_S
    try:
        yield lease
    finally:
        store.release_lease(lease)


def wait_for_lease(
    store: Store, demarche: DemarcheNumber, stop: threading.Event, wait_s: float
) -> None:
    """Wait up to `wait_s` seconds while another process holds a lease, without taking it.

    Raises:
        InterruptedRunError: `stop` was set.
    """
    waited = 0.0
    while waited < wait_s:
        lease = store.lease_of(demarche)
        if lease is None or lease.holder is None or lease.is_expired:
            return
        _pause(stop)
        waited += LEASE_POLL_S


@contextmanager
def renewed(store: Store, lease: Lease) -> Iterator[None]:
    """Have a thread renew the lease, because a step can outlast it."""
    ended = threading.Event()
    # In the same context, so that its log lines name the run, too.
    in_context = contextvars.copy_context().run
    heartbeat = threading.Thread(
        target=in_context, args=(_keep_alive, store, lease, ended), name="dsync-lease", daemon=True
    )
    heartbeat.start()
    try:
        yield
    finally:
        ended.set()
        # Before the release: a renewal after it would report the lease as lost.
        heartbeat.join()


def _pause(stop: threading.Event) -> None:
    if stop.wait(LEASE_POLL_S):
        raise InterruptedRunError(k.Noted(k.Note.STOPPED_BEFORE_LEASE))


def _keep_alive(store: Store, lease: Lease, ended: threading.Event) -> None:
    """Renew the lease until the run ends.

    A failure is only logged: if the lease is lost, the run's next transaction raises.
    """
    # Thrice per lease, so that one failed renewal does not lose it.
    while not ended.wait(LEASE_TTL_S / 3):
        try:
            store.renew_lease(lease)
        except DsyncError as exc:
            log.warning("lease_not_renewed", error=exc.message)
