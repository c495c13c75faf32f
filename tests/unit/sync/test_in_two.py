"""Work shared out to two processes: whoever does which part, the result is that of one."""

from __future__ import annotations

import base64
import ctypes
import json
import math
import operator
import os
import shlex
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.mapping import Mapped, Order, map_page
from dsync.mapping.config import MappingConfig
from dsync.mapping.mapper import Mapper
from dsync.sync import in_two as module
from dsync.sync.aside import Aside
from dsync.sync.in_two import FIRST_SHARE, LEAST_SHARE, MOST_SHARE, InTwo
from dsync.sync.memory import give_back

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the second process is one of Linux's"
)

CONFIG = Path(__file__).parents[3] / "config" / "aap-eig7.toml"
SHARES = [step / 20 for step in range(21)]
COUNTS = [0, 1, 2, 3, 20]
DAY = "2024-03-01T10:00:00+01:00"


def cut(order: Any, share: float) -> tuple[Any, Any]:
    """Cut what has a length in two."""
    place = round(len(order) * share)
    return order[:place], order[place:]


@pytest.fixture
def encoding() -> Iterator[InTwo[bytes, bytes]]:
    """Encodes bytes: of any two parts as of the whole."""
    with InTwo[bytes, bytes](base64.b16encode, cut, operator.add) as both:
        yield both


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Have the next one keep to a share."""

    def fix(share: float) -> None:
        for name in ("FIRST_SHARE", "LEAST_SHARE", "MOST_SHARE"):
            monkeypatch.setattr(module, name, share)

    return fix


@pytest.fixture(scope="module")
def page_of() -> Callable[[int], Order]:
    """Build a page of so many dossiers, each fourth of which cannot be read."""
    section = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["mapping"]
    mapper = Mapper(
        MappingConfig.model_validate(section),
        owned_annotations=frozenset(),
        owned_labels=frozenset(),
    )

    def build(count: int) -> Order:
        dossiers = [(DossierNumber(n), RevisionId("r"), node(n)) for n in range(1, count + 1)]
        return mapper.order(DemarcheNumber(86321), {}, dossiers)

    return build


def node(number: int) -> bytes:
    """Return a dossier's JSON, of the least that it has to have, or of less."""
    whole = {
        "id": f"Dossier-{number}",
        "number": number,
        "state": "en_construction" if number % 4 else None,
        "dateDepot": DAY,
        "datePassageEnConstruction": DAY,
        "dateDerniereModification": DAY,
        "revision": {"id": "r"},
        "usager": {"email": f"usager-{number}@example.org"},
        "demandeur": {"__typename": "PersonneMorale", "siret": "13002526500013"},
        "champs": [],
        "annotations": [],
    }
    return json.dumps(whole).encode()


@pytest.mark.parametrize("count", COUNTS)
def test_the_parts_of_a_page_give_what_the_page_gives(
    page_of: Callable[[int], Order], count: int
) -> None:
    """In the same order, for every share: those dossiers too that cannot be read."""
    page = page_of(count)
    whole = map_page(page)
    assert (count - count // 4, count // 4) == (len(whole.records), len(whole.unreadable))
    for share in SHARES:
        first, rest = page.parted(share)
        assert page.sources == [*first.sources, *rest.sources]
        assert abs(len(first.sources) - share * count) <= 0.5
        assert whole == map_page(first).joined(map_page(rest))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.75, 1.0])
def test_pages_mapped_in_two_processes_are_as_mapped_in_one(
    page_of: Callable[[int], Order], fixed: Callable[[float], None], share: float
) -> None:
    """Empty ones and pages of one dossier too."""
    fixed(share)
    with InTwo(map_page, Order.parted, Mapped.joined) as both:
        for count in COUNTS:
            both.start(page_of(count))
            assert map_page(page_of(count)) == both.finish()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_every_share_gives_the_same(fixed: Callable[[float], None], share: float) -> None:
    """Whatever the task; nothing of an order is done twice or by nobody."""
    fixed(share)
    with InTwo[Any, Any](shlex.join, cut, lambda one, other: f"{one} {other}".strip()) as both:
        for order in ([], ["a"], ["a", "b c"], ["a b", "c", "d"], list("abcdefghijk")):
            both.start(order)
            assert shlex.join(order) == both.finish()


def test_what_came_is_in_the_order_of_the_orders(encoding: InTwo[bytes, bytes]) -> None:
    """With two of them under way; then it is full, and busy until the last is finished."""
    orders = [bytes([n]) * n for n in range(12)]
    assert (False, False) == (encoding.is_busy, encoding.is_full)
    outcomes = []
    for order in orders:
        encoding.start(order)
        assert encoding.is_busy
        if encoding.is_full:
            outcomes.append(encoding.finish())
    assert len(orders) - 1 == len(outcomes)
    assert encoding.is_busy
    outcomes.append(encoding.finish())
    assert not encoding.is_busy
    assert list(map(base64.b16encode, orders)) == outcomes


@pytest.mark.parametrize(
    ("is_done", "last"), [(True, MOST_SHARE), (False, LEAST_SHARE)], ids=["idle", "late"]
)
def test_the_share_goes_to_whoever_waits_and_stays_within_bounds(
    monkeypatch: pytest.MonkeyPatch, is_done: bool, last: float
) -> None:
    """More is done aside while that is done first, and less while it is waited for."""
    monkeypatch.setattr(Aside, "is_done", property(lambda _: is_done))
    shares = []

    def noted(order: bytes, share: float) -> tuple[bytes, bytes]:
        shares.append(share)
        return cut(order, share)

    with InTwo[bytes, bytes](base64.b16encode, noted, operator.add) as both:
        for _ in range(12):
            both.start(b"0123456789")
            assert base64.b16encode(b"0123456789") == both.finish()
    assert FIRST_SHARE == shares[0]
    assert last == shares[-1] == shares[-2]
    assert sorted(shares, reverse=not is_done) == shares
    assert LEAST_SHARE <= min(shares) <= max(shares) <= MOST_SHARE
    assert len(set(shares)) > 3


def test_the_share_turns_when_the_other_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is where both were ready a moment ago, not where it once was best."""
    answers = iter([True, False, True, True, False, False])
    monkeypatch.setattr(Aside, "is_done", property(lambda _: next(answers)))
    shares = []

    def noted(order: bytes, share: float) -> tuple[bytes, bytes]:
        shares.append(share)
        return cut(order, share)

    with InTwo[bytes, bytes](base64.b16encode, noted, operator.add) as both:
        for _ in range(6):
            both.start(b"0123456789")
            both.finish()
    assert pytest.approx([0.75, 0.8, 0.75, 0.8, 0.85, 0.8]) == shares


def test_what_the_task_raises_aside_is_raised_in_its_turn() -> None:
    """The orders before and after it are done."""
    with InTwo[Any, Any](math.sqrt, lambda order, _: order, lambda one, _: one) as both:
        for order in ((4.0, 0.0), (-1.0, 0.0)):
            both.start(order)
        assert 2.0 == both.finish()
        both.start((9.0, 0.0))
        with pytest.raises(ValueError, match=r"domain|nonnegative"):
            both.finish()
        assert 3.0 == both.finish()


def test_what_the_task_raises_here_is_raised_too() -> None:
    """As if there were one process only."""
    with InTwo[Any, Any](math.sqrt, lambda order, _: order, lambda one, _: one) as both:
        both.start((4.0, -1.0))
        with pytest.raises(ValueError, match=r"domain|nonnegative"):
            both.finish()


def test_a_killed_process_leaves_all_to_this_one(page_of: Callable[[int], Order]) -> None:
    """Orders under way and later ones give the same."""
    pages = [page_of(count) for count in (20, 7, 1, 20)]
    done = []
    with capture_logs() as logs, InTwo(map_page, Order.parted, Mapped.joined) as both:
        both.warm_up()
        child = second_process(both)
        os.kill(child, signal.SIGSTOP)
        both.start(pages[0])
        both.start(pages[1])
        os.kill(child, signal.SIGKILL)
        done += [both.finish(), both.finish()]
        for page in pages[2:]:
            both.start(page)
            done.append(both.finish())
    assert list(map(map_page, pages)) == done
    assert ["second_process_lost"] == [entry["event"] for entry in logs]


def second_process(both: InTwo[Any, Any]) -> int:
    """Return the second process's number."""
    worker = both._aside._worker
    assert worker is not None
    return worker._process.pid


def test_the_end_of_the_block_ends_the_process(encoding: InTwo[bytes, bytes]) -> None:
    """With an order under way, too: it is not finished any more."""
    with encoding:
        encoding.start(b"abc")
        child = second_process(encoding)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_nothing_is_started_without_an_order(encoding: InTwo[bytes, bytes]) -> None:
    """Only an order, or the wish to be warm for it, starts the process."""
    assert encoding._aside._worker is None
    encoding.warm_up()
    assert encoding._aside._worker is not None


def test_free_memory_is_given_back_by_the_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, where it is glibc; elsewhere nothing is done."""
    calls: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=calls.append))
    give_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    give_back()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=calls.append))
    give_back()
    assert [0] == calls


def test_giving_memory_back_takes_nothing_away() -> None:
    """What is in use stays as it is."""
    kept = [str(number) for number in range(1_000)]
    give_back()
    assert [str(number) for number in range(1_000)] == kept
