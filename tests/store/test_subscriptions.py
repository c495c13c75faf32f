"""Who is told by e-mail: one service alone claims a digest, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from dsync.database import open_database
from dsync.domain.ids import DemarcheNumber
from dsync.store import Store
from dsync.store.console_users import Subscription
from tests.store.builders import DEMARCHE, NOW

OTHER = DemarcheNumber(DEMARCHE + 1)
ADA, EVE = "ada@example.gouv.fr", "eve@example.gouv.fr"
BEFORE, TODAY = date(2024, 5, 31), date(2024, 6, 1)
PERIODS = {"jour": TODAY, "semaine": date(2024, 5, 27)}


@pytest.fixture
def services(database_url: str) -> Iterator[list[Store]]:
    """Several processes' stores of one database."""
    opened = [open_database(database_url) for _ in range(4)]
    yield opened
    for one in opened:
        one.close()


def claim(store: Store, courriel: str = ADA) -> list[Subscription]:
    with store.subscriptions() as subscriptions:
        return subscriptions.claim(courriel, [DEMARCHE, OTHER], PERIODS, NOW)


def subscribe(store: Store, courriel: str = ADA, frequence: str = "jour") -> None:
    with store.subscriptions() as subscriptions:
        for number in (DEMARCHE, OTHER):
            subscriptions.subscribe(courriel, number, frequence, period=BEFORE, now=NOW)


def test_one_service_alone_claims_a_digest(services: list[Store]) -> None:
    """All that a person asked for, once a period; another period, or a failure, gives it back."""
    subscribe(services[0])
    subscribe(services[0], EVE, "semaine")
    with services[0].subscriptions() as subscriptions:
        assert [ADA] == subscriptions.due([DEMARCHE, OTHER], PERIODS, NOW)
        assert [] == subscriptions.due([DEMARCHE + 2], PERIODS, NOW)
    with ThreadPoolExecutor(len(services)) as threads:
        claimed = list(threads.map(claim, services))
    [mine] = [one for one in claimed if one]
    assert [DEMARCHE, OTHER] == [one.demarche_numero for one in mine]
    assert len({one.cle for one in mine}) == 2
    with services[0].subscriptions() as subscriptions:
        assert [] == subscriptions.due([DEMARCHE, OTHER], PERIODS, NOW)
        later = NOW + timedelta(minutes=15)
        subscriptions.not_told([one.id for one in mine], later)
        assert [] == subscriptions.due([DEMARCHE, OTHER], PERIODS, NOW)
        assert [ADA] == subscriptions.due([DEMARCHE, OTHER], PERIODS, later)
        next_week = {"jour": TODAY + timedelta(days=2), "semaine": TODAY + timedelta(days=2)}
        assert [ADA, EVE] == subscriptions.due([DEMARCHE], next_week, later)


def test_who_asks_again_changes_what_they_asked_for(store: Store) -> None:
    """One row a person and démarche; the key of the link in earlier e-mails stays."""
    subscribe(store)
    with store.subscriptions() as subscriptions:
        first = subscriptions.of(ADA, DEMARCHE)
    subscribe(store, frequence="semaine")
    with store.subscriptions() as subscriptions:
        again = subscriptions.of(ADA, DEMARCHE)
        assert first is not None
        assert first._replace(frequence="semaine") == again
        subscriptions.end(ADA, DEMARCHE)
        assert None is subscriptions.of(ADA, DEMARCHE)
        assert None is not subscriptions.of(ADA, OTHER)
        subscriptions.end(ADA)
        assert None is subscriptions.of(ADA, OTHER)


def test_a_forgotten_demarche_leaves_no_subscription(store: Store) -> None:
    """Of its own; those of other démarches stay."""
    subscribe(store)
    lease = store.acquire_lease(DEMARCHE, 60)
    store.forget(lease)
    with store.subscriptions() as subscriptions:
        assert None is subscriptions.of(ADA, DEMARCHE)
        assert None is not subscriptions.of(ADA, OTHER)
