"""One writer a démarche: taking, losing and fencing, on both engines."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from dsync.database import open_database
from dsync.domain.ids import DemarcheNumber
from dsync.errors import LeaseLostError, StoreError
from dsync.store import Store, tables
from dsync.store.engine import open_engine, parse_url
from dsync.store.services import taken_over_in_s
from tests.store.builders import DEMARCHE, NOW
from tests.store.databases import connected, on_postgresql


@pytest.fixture
def other(database_url: str) -> Iterator[Store]:
    """A second process's store."""
    opened = open_database(database_url)
    yield opened
    opened.close()


def test_a_late_writer_of_its_successors_name_is_fenced_off(store: Store, other: Store) -> None:
    """A container has the same host and process number after each restart: the token decides."""
    late = store.acquire_lease(DEMARCHE, 0, holder="conteneur:1")
    next_one = other.acquire_lease(DEMARCHE, 60, holder="conteneur:1")

    with pytest.raises(LeaseLostError), store.transaction(late) as tx:
        tx.state.save(page_size=3)
    with pytest.raises(LeaseLostError):
        store.renew_lease(late)
    store.release_lease(late)

    other.renew_lease(next_one)


def test_a_lease_that_was_given_back_writes_nothing_more(store: Store) -> None:
    """Though nobody took it since."""
    lease = store.acquire_lease(DEMARCHE, 60, holder="a")
    store.release_lease(lease)

    with pytest.raises(LeaseLostError), store.transaction(lease) as tx:
        tx.state.save(page_size=3)


def test_an_expired_lease_that_nobody_took_still_writes(store: Store) -> None:
    """Expiry alone loses nothing: the token decides."""
    lease = store.acquire_lease(DEMARCHE, 0, holder="slow")

    with store.transaction(lease) as tx:
        tx.state.save(page_size=3)
    store.renew_lease(replace(lease, ttl_s=60))

    info = store.lease_of(DEMARCHE)
    assert info is not None
    assert not info.is_expired


def test_nobody_takes_over_in_mid_transaction(store: Store, other: Store) -> None:
    """A taker waits for the commit of a holder whose lease has expired, then fences it off."""
    lease = store.acquire_lease(DEMARCHE, 0, holder="slow")
    started, taken = threading.Event(), threading.Event()

    def take() -> None:
        started.set()
        other.acquire_lease(DEMARCHE, 60, holder="next")
        taken.set()

    taker = threading.Thread(target=take)
    with store.transaction(lease) as tx:
        taker.start()
        started.wait(60)
        assert not taken.wait(0.2)
        tx.state.save(page_size=3)
    taker.join(60)

    assert taken.is_set()


@on_postgresql
def test_a_holder_paused_in_mid_transaction_is_succeeded_all_the_same(
    database_url: str, other: Store
) -> None:
    """PostgreSQL ends its session, which keeps the lease's row: it commits nothing any more."""
    impatient = open_engine(parse_url(database_url))

    @event.listens_for(impatient, "connect")
    def wait_a_second(opened: Any, _record: object) -> None:
        opened.execute("SET idle_in_transaction_session_timeout = '1s'")
        opened.commit()

    paused = open_database(database_url, engine=impatient)
    lease = paused.acquire_lease(DEMARCHE, 0, holder="paused")

    def commit_too_late() -> None:
        with paused.transaction(lease) as tx:
            tx.state.save(page_size=3)
            assert other.acquire_lease(DEMARCHE, 60, holder="next").token > lease.token

    with pytest.raises(StoreError):
        commit_too_late()
    paused.close()

    with other.reading(DEMARCHE) as reader:
        assert 3 != reader.state.read().page_size


def test_a_run_without_a_holder_shows_as_interrupted(store: Store) -> None:
    """Before any other run starts: a killed process is not shown as working."""
    lease = store.acquire_lease(DEMARCHE, 60)
    with store.transaction(lease) as tx:
        tx.journal.start_run("incremental", "cli", NOW)

    def shown() -> str:
        with store.reading(DEMARCHE) as reader:
            (run,) = reader.journal.runs()
            (seen,) = reader.connection.exec_driver_sql(
                "SELECT statut FROM lecture_synchronisation"
            )
        assert (run["statut"],) == tuple(seen)
        return str(run["statut"])

    assert "running" == shown()
    store.renew_lease(replace(lease, ttl_s=-1))
    assert "interrupted" == shown()


def test_a_holder_without_a_sign_of_life_is_told_from_one_that_works(
    store: Store, database_url: str
) -> None:
    """By its process if it was here, elsewhere by its renewals; and when another one can go on."""
    dead, here = subprocess.Popen(["true"]), socket.gethostname()
    dead.wait()
    store.acquire_lease(DEMARCHE, 60, holder=f"{here}:{dead.pid}")

    def taken_over_in(holder: str, left_s: float) -> int | None:
        """Return it for a holder whose lease lasts for so long."""
        at = datetime.now(UTC) + timedelta(seconds=left_s)
        with connected(database_url) as connection:
            connection.execute(update(tables.lease).values(holder=holder, expires_at=at))
            connection.commit()
        lease = store.lease_of(DEMARCHE)
        assert lease is not None
        return taken_over_in_s(lease)

    assert 55 <= (taken_over_in(f"{here}:{dead.pid}", 60) or 0) <= 60
    assert None is taken_over_in(f"{here}:{os.getpid()}", 50)
    assert None is taken_over_in("elsewhere:1", 50)
    assert 15 <= (taken_over_in("elsewhere:1", 20) or 0) <= 20


@on_postgresql
def test_a_process_stopped_while_it_counts_keeps_nobody_from_ending_a_run(
    store: Store, database_url: str
) -> None:
    """PostgreSQL lets one count the rows of a table at a time, until its transaction ends."""
    with connected(database_url) as beside:
        beside.exec_driver_sql("ANALYZE dossier")
        store.analyze()


def test_runs_are_numbered_one_after_the_other(store: Store) -> None:
    """A transaction that is undone leaves no gap."""
    lease = store.acquire_lease(DEMARCHE, 60)
    numbers = []
    for fails in (False, True, True, False):
        with suppress(ZeroDivisionError), store.transaction(lease) as tx:
            run = tx.journal.start_run("incremental", "cli", NOW)
            if fails:
                raise ZeroDivisionError
            numbers.append(run)

    assert [1, 2] == numbers


@on_postgresql
def test_runs_of_two_demarches_that_begin_together_have_numbers_of_their_own(
    store: Store, other: Store
) -> None:
    """The later one waits until the number of the first is stored."""
    numbers = []

    def begin() -> None:
        with other.transaction(other.acquire_lease(DemarcheNumber(2), 60)) as tx:
            numbers.append(tx.journal.start_run("incremental", "cli", NOW))

    with store.transaction(store.acquire_lease(DEMARCHE, 60)) as tx:
        numbers.append(tx.journal.start_run("incremental", "cli", NOW))
        second = threading.Thread(target=begin)
        second.start()
        second.join(0.3)
        assert [1] == numbers
    second.join(20)
    assert [1, 2] == numbers


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_several_processes_may_upgrade_an_empty_database_at_once(empty_database_url: str) -> None:
    """One makes the tables; the others wait for it, and find nothing to do."""
    stores = [open_database(empty_database_url, check_schema=False) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(one.upgrade) for one in stores]:
            done.result(60)
    for one in stores:
        one.check_schema()
        one.close()


def test_writers_of_one_process_wait_for_their_turn(database_url: str) -> None:
    """However many there are: SQLite's own wait has an end, and knows no order."""
    engine = open_engine(parse_url(database_url))
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def wait_shortly(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA busy_timeout = 50")

    store = open_database(database_url, engine=engine)
    failed: list[StoreError] = []

    def write(number: int) -> None:
        try:
            with store.requests(DemarcheNumber(number)):
                time.sleep(0.1)
        except StoreError as exc:
            failed.append(exc)

    threads = [threading.Thread(target=write, args=[number]) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert not failed
