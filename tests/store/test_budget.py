"""The budget of requests of a token, which processes share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from dsync.database import open_database
from dsync.ds.limits import PERMITS_S, Throttle
from tests.store.databases import connected, on_postgresql

TOKEN = "https://ds.example/ un-jeton-que-personne-ne-lit"
LIMIT = 100


class Impatient(threading.Event):
    """Who waits for it waits no more: it notes for how long it would have been."""

    waited: float | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """Note the wait, and end it."""
        self.waited = timeout
        self.set()
        return True


class Process:
    """A process with a token: its own throttle, its own connections, its own clock."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self.now = 1000.0
        self.store = open_database(url)
        self.throttle = Throttle(lambda: self.now)
        self.throttle.shared = self.store.budget(token, PERMITS_S)

    def sends(self, *, urgent: bool, at_most: int = 1000) -> int:
        """Send until it would have to wait; return how many requests."""
        for sent in range(at_most):
            if not self.throttle.acquire(LIMIT, Impatient(), urgent=urgent):
                return sent
        return at_most


@pytest.fixture
def processes(database_url: str) -> Iterator[list[Process]]:
    with ExitStack() as stack:
        made = [Process(database_url) for _ in range(3)]
        for one in made:
            stack.callback(one.store.close)
        yield made


@on_postgresql
def test_processes_share_the_requests_of_a_token(
    processes: list[Process], database_url: str
) -> None:
    """Whoever asks first; a share is kept for urgent requests; another token has its own."""
    one, two, three = processes
    early = one.sends(urgent=False, at_most=30)
    low = early + two.sends(urgent=False) + one.sends(urgent=False) + three.sends(urgent=False)
    assert 85 == low
    assert 15 == three.sends(urgent=True) + one.sends(urgent=True)
    impatient = Impatient()
    assert not two.throttle.acquire(LIMIT, impatient)
    assert impatient.waited is not None
    assert 0 < impatient.waited <= 2
    other = Process(database_url, "another")
    assert LIMIT == other.sends(urgent=True)
    other.store.close()
    with connected(database_url) as connection:
        stored = str(connection.execute(text("SELECT * FROM budget")).all())
    assert TOKEN not in stored
    assert TOKEN.rpartition(" ")[2] not in stored


@on_postgresql
def test_what_is_not_used_is_given_back(processes: list[Process]) -> None:
    """Permits end after some seconds, and the next grant says how many of them were used."""
    one, two, _ = processes
    for _ in range(8):
        assert one.sends(urgent=False, at_most=1) == 1
        one.now += 6
    assert 85 - 8 - 9 <= two.sends(urgent=False) <= 85 - 8


@on_postgresql
def test_too_many_requests_make_every_process_wait(processes: list[Process]) -> None:
    """One of them is told so by DS; the others send no more than they have permits for."""
    one, two, _ = processes
    assert 1 == two.sends(urgent=True, at_most=1)
    one.throttle.pause(30)
    assert 0 == one.sends(urgent=True)
    assert two.sends(urgent=True) <= 10
    two.now += 6
    assert 0 == two.sends(urgent=True)


@on_postgresql
def test_a_shorter_pause_does_not_end_a_longer_one(
    processes: list[Process], database_url: str
) -> None:
    """DS told one process when the limit is reset, and another one nothing."""
    one, two, three = processes
    one.throttle.pause(60)
    two.throttle.pause(15)
    assert 0 == three.sends(urgent=True)
    with connected(database_url) as connection:
        left = "SELECT max(paused_until) - clock_timestamp() > interval '30 s' FROM budget"
        assert connection.execute(text(left)).scalar_one()


@on_postgresql
def test_a_suspended_process_makes_the_others_wait_and_not_fail(
    processes: list[Process], database_url: str
) -> None:
    """It holds the row until PostgreSQL ends its transaction."""
    one, impatient = processes[0], Impatient()
    with connected(database_url) as connection:
        assert 1 == one.sends(urgent=True, at_most=1)
        one.now += 6
        connection.execute(text("SELECT 1 FROM budget FOR UPDATE"))
        assert not one.throttle.acquire(LIMIT, impatient)
    assert 1 == impatient.waited
    assert 1 == one.sends(urgent=True, at_most=1)


def test_the_one_process_on_sqlite_counts_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With the same share for urgent requests."""
    process = Process(f"sqlite:///{tmp_path_factory.mktemp('budget') / 'one.db'}")
    assert process.throttle.shared is None
    assert 85 == process.sends(urgent=False)
    assert 15 == process.sends(urgent=True)
    process.now += 61
    assert 85 == process.sends(urgent=False)
    process.store.close()
