"""Lookups in Recherche d'entreprises, within the allowed request rate."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from dsync.domain.dossier import Demandeur
from dsync.eig.candidature import Candidature
from dsync.eig.gathering import ask_registry
from dsync.eig.rows import registry
from dsync.eig.sources import RegistryClient
from dsync.exchanges import Exchanges
from dsync.store import Store
from tests.store.builders import DEMARCHE, writing
from tests.unit.eig.evidence.conftest import NOW, Reply
from tests.unit.eig.precheck.builders import RULES

SIREN = "110001013"


class Clock:
    """A clock that only `sleep` advances."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []  # type: float, list[float]

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.slept.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def client(site: Any, http: Exchanges[requests.Session], clock: Clock) -> RegistryClient:
    """A client of the site."""
    return RegistryClient(
        http=http,
        clock=lambda: NOW,
        sleep=clock.sleep,
        url=site.url,
        monotonic=lambda: clock.now,
    )


def results(**facts: Any) -> str:
    """Return a response with one entry."""
    return json.dumps({"results": [{"siren": SIREN, **facts}]})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (results(nature_juridique="7120", nom_complet="UN"), ("trouve", "7120", "UN", False)),
        (results(nature_juridique="7120", etat_administratif="A"), ("trouve", "7120", None, False)),
        (results(nature_juridique="7120", etat_administratif="C"), ("trouve", "7120", None, True)),
        (results(nature_juridique=None), ("trouve", None, None, False)),
        (results(nature_juridique=7120, nom_complet=1), ("trouve", None, None, False)),
        ('{"results": []}', ("inconnu", None, None, False)),
        ('{"results": [{"siren": "000000000"}]}', ("inconnu", None, None, False)),
        ('{"results": ["x"]}', ("inconnu", None, None, False)),
        ("{}", ("injoignable", None, None, False)),
        ("[]", ("injoignable", None, None, False)),
        ("<html>", ("injoignable", None, None, False)),
    ],
)
def test_each_answer_is_distinguished(
    site: Any, client: RegistryClient, body: str, expected: tuple[str, str | None, str | None, bool]
) -> None:
    site.replies["/search"] = Reply(body)
    found = client.lookup(SIREN)
    assert (found.status, found.nature_juridique, found.nom, found.is_closed) == expected
    assert (found.siren, found.consulted_at, found.source) == (SIREN, NOW, site.url)
    assert site.requests[0][0] == f"/search?q={SIREN}&page=1&per_page=1"


def test_requests_keep_their_distance(site: Any, client: RegistryClient, clock: Clock) -> None:
    site.replies["/search"] = Reply('{"results": []}')
    for _ in range(3):
        client.lookup(SIREN)
    assert clock.slept == [0.2, 0.2]


def test_retry_after_is_obeyed(site: Any, client: RegistryClient, clock: Clock) -> None:
    """The next request waits as long as Retry-After demands."""
    busy = Reply(status=429, headers={"Retry-After": "7"})
    site.replies["/search"] = [busy, Reply(results(nature_juridique="7120"))]
    assert client.lookup(SIREN).nature_juridique == "7120"
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    ("status", "headers", "requests_sent"),
    [(429, {"Retry-After": "31"}, 1), (429, {}, 3), (500, {}, 1), (404, {}, 1)],
)
def test_a_registry_that_refuses_is_unreachable(
    site: Any, client: RegistryClient, status: int, headers: dict[str, str], requests_sent: int
) -> None:
    """A long Retry-After is not waited for."""
    site.replies["/search"] = Reply(status=status, headers=headers)
    assert client.lookup(SIREN).status == "injoignable"
    assert len(site.requests) == requests_sent


@dataclass
class Run:
    """The part of a run that the programme uses."""

    store: Store
    now: datetime
    problems: list[str] = field(default_factory=list)
    demarche = DEMARCHE

    def transaction(self) -> AbstractContextManager[Any]:
        return writing(self.store)

    def reading(self) -> AbstractContextManager[Any]:
        return self.store.reading()

    def problem(self, what: object) -> None:
        self.problems.append(str(what))


@pytest.fixture
def asked(store: Store, client: RegistryClient) -> Callable[[int], Any]:
    """Return a function that judges on a later day: gives the registry's answers and problems."""
    applicant = Demandeur("personne_morale", siret=f"{SIREN}00017")
    candidature = Candidature(numero=1, depose_le=NOW, demandeur=applicant)

    def run(days: int) -> tuple[Any, list[str]]:
        under_way = Run(store, NOW + timedelta(days=days))
        ask_registry(under_way, client, [candidature], RULES)
        with store.reading() as reader:
            found = registry(reader.connection, [SIREN], under_way.now)
        return found.get(SIREN), under_way.problems

    return run


def test_a_stored_answer_is_used_until_it_expires(site: Any, asked: Callable[[int], Any]) -> None:
    """An applicant is looked up once within the configured time."""
    site.replies["/search"] = Reply(results(nature_juridique="7120"))
    first = asked(0)
    assert (first[0].nature_juridique, first[1]) == ("7120", [])
    assert first == asked(29)
    assert len(site.requests) == 1
    asked(31)
    assert len(site.requests) == 2


def test_an_unreachable_registry_is_reported_and_asked_again(
    site: Any, asked: Callable[[int], Any]
) -> None:
    """Only answers are stored."""
    site.replies["/search"] = Reply("<html>")
    answer, (problem,) = asked(0)
    assert answer is None
    assert "cannot be reached" in problem
    site.replies["/search"] = Reply(results(nature_juridique="7120"))
    assert asked(0)[0].nature_juridique == "7120"
