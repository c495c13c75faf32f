"""The page reader: no dossier is missed, one failing dossier stops no other, no endless loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsync.domain.dossier import Dossier
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds import DeletedPage, DSClient, LightPage, ListRequest, Page, PageReader, Unreadable
from dsync.ds.dossiers import read_dossier
from dsync.ds.reading import DELETIONS
from dsync.errors import DSBadDataError, DSContractError, DSError, DSTimeoutError

DEMARCHE = DemarcheNumber(86321)
LISTS = ListRequest(None, None)
FIRST = 1000
"""The first dossier's number."""
DAY = datetime(2026, 1, 1, tzinfo=UTC)


class FakeDS(DSClient):
    """A démarche of `count` dossiers, some of which fail each page that has them."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), tells_place: bool = True) -> None:
        self.count = count
        self.bad = bad
        """Dossiers that it cannot render."""
        self.tells_place = tells_place
        """Whether they are null nodes, or break the page as a whole."""
        self.slow: tuple[int, ...] = ()
        """Dossiers with which a page times out."""
        self.slow_alone: tuple[int, ...] = ()
        self.curable: tuple[int, ...] = ()
        """Those that come without what can break."""
        self.alone: list[int] = []
        self.reduced: list[int] = []
        self.lists_fail_within_pages = False
        self.lists_fail_alone = False
        self.asked: list[tuple[int, int]] = []
        self.light: list[int] = []
        self.with_lists: list[bool] = []
        self.lists_alone = 0
        self.change: Callable[[Page], Page] = lambda page: page

    def read_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
        pending: ListRequest | None = None,
        deleted: ListRequest | None = None,
    ) -> Page:
        """Return a page, or fail as scripted."""
        start = int(after or 0)
        self.asked.append((start, first))
        self.with_lists.append(pending is not None)
        numbers = range(start, min(start + first, self.count))
        if pending and self.lists_fail_within_pages:
            raise DSTimeoutError("slow")
        if any(n in self.slow for n in numbers):
            raise DSTimeoutError("slow")
        broken = [n for n in numbers if n in self.bad]
        if broken and not self.tells_place:
            raise DSBadDataError("bad")
        nodes = [dossier(n) for n in numbers if n not in broken]
        page = Page(
            nodes=nodes,
            end_cursor=str(numbers.stop) if nodes else None,
            has_next=numbers.stop < self.count,
            server_date=None,
            active_revision_id=None,
            pending=DeletedPage((), None) if pending else None,
            deleted=DeletedPage((), None) if deleted else None,
            unreadable=tuple(Unreadable(None, "bad_data", "path") for _ in broken),
            order=tuple(None if n in broken else number_of(n) for n in numbers),
        )
        return self.change(page)

    def read_light_page(
        self, number: DemarcheNumber, *, first: int, after: str | None, updated_since: Any
    ) -> LightPage:
        """Return the number of the dossier at the place."""
        start = int(after or 0)
        self.light.append(start)
        end = min(start + first, self.count)
        numbers = tuple(number_of(n) for n in range(start, end))
        return LightPage(numbers, str(end), end < self.count, None)

    def dossier(self, number: DossierNumber, demarche: DemarcheNumber) -> Page:
        """Return a dossier alone, or what is wrong with it."""
        self.alone.append(number - FIRST)
        if number - FIRST in self.slow_alone:
            return Page.of(unreadable=(Unreadable(number, "timeout"),))
        if number - FIRST in self.bad:
            return self.reduced_dossier(number, demarche, "path")
        return Page.of(dossier(number - FIRST))

    def reduced_dossier(self, number: DossierNumber, demarche: DemarcheNumber, path: str) -> Page:
        """Return it reduced, where that helps."""
        self.reduced.append(number - FIRST)
        if number - FIRST in self.curable:
            return Page.of(dossier(number - FIRST), incomplete={number: path})
        return Page.of(unreadable=(Unreadable(number, "bad_data", path),))

    def deletions(
        self, number: DemarcheNumber, *, pending: ListRequest | None, deleted: ListRequest | None
    ) -> tuple[DeletedPage | None, DeletedPage | None]:
        """Return empty lists."""
        self.lists_alone += 1
        if self.lists_fail_alone:
            raise DSTimeoutError("slow lists")
        return DeletedPage((), None), DeletedPage((), None)


def number_of(n: int) -> DossierNumber:
    return DossierNumber(FIRST + n)


def dossier(n: int, at: datetime | None = None) -> Dossier:
    """Return a dossier, changed `n` hours after the first."""
    day = "2026-01-01T00:00:00Z"
    node = {
        **{"number": FIRST + n, "id": f"D-{n}", "state": "en_construction", "archived": False},
        **{"dateDepot": day, "usager": {}, "groupeInstructeur": {}, "revision": {"id": "r"}},
        **{name: [] for name in ("instructeurs", "labels", "traitements", "champs")},
        "annotations": [],
        "dateDerniereModification": (at or DAY + timedelta(hours=n)).isoformat(),
    }
    read = read_dossier(json.dumps(node).encode())
    assert isinstance(read, Dossier)
    return read


def reader(ds: FakeDS, size: int = 10, **options: Any) -> PageReader:
    options.setdefault("clock", lambda: DAY)
    return PageReader(ds, DEMARCHE, updated_since=DAY, page_size=size, **options)


def read(pages: PageReader) -> tuple[list[int], list[int]]:
    """Return the dossiers that came, in their order, and those that could not be read."""
    found, unreadable = [], []
    for page in pages:
        found += [node.number - FIRST for node in page.nodes]
        unreadable += [(one.number or 0) - FIRST for one in page.unreadable]
    return sorted(found), unreadable


def test_an_empty_demarche_is_one_empty_page() -> None:
    """There is no second request."""
    ds = FakeDS(0)
    assert [len(page.nodes) for page in reader(ds)] == [0]


def test_after_a_failing_dossier_pages_are_large_again() -> None:
    """The bisection does not slow down the rest of the crawl."""
    ds = FakeDS(300, bad=(5,), tells_place=False)
    read(reader(ds, size=100))
    assert len(ds.asked) < 20
    assert ds.asked[-1][1] == 100


def test_a_null_node_costs_two_requests_whatever_its_place() -> None:
    """The other nodes are kept; the light document identifies it, and it is requested reduced."""
    ds = FakeDS(200, bad=(50, 51))
    ds.curable = (51,)
    pages = list(reader(ds, size=100))
    assert ds.asked == [(0, 100), (100, 100)]
    assert (ds.light, ds.alone, ds.reduced) == ([0], [], [50, 51])
    assert {number_of(51): "path"} == pages[0].incomplete
    assert (Unreadable(number_of(50), "bad_data", "path"),) == pages[0].unreadable
    assert sorted(node.number - FIRST for node in pages[0].nodes) == [*range(50), *range(51, 100)]


def test_a_list_that_changed_in_between_names_no_wrong_dossier() -> None:
    """The light document returns another dossier at that position: none is named."""
    ds = FakeDS(10, bad=(7,))
    original = ds.read_light_page

    def moved(*args: Any, **kwargs: Any) -> LightPage:
        light = original(*args, **kwargs)
        return replace(light, numbers=(*light.numbers[1:7], *light.numbers[8:]))

    ds.read_light_page = moved  # type: ignore[method-assign]
    [page] = reader(ds)
    assert [None] == [one.number for one in page.unreadable]


def test_a_dossier_that_times_out_alone_is_passed_at_the_old_size() -> None:
    """It is unreadable, and the next page has the former size."""
    ds = FakeDS(40)
    ds.slow = ds.slow_alone = (13,)
    pages = reader(ds, size=10)
    unreadable = [one for page in pages for one in page.unreadable]
    assert [(one.number, one.code) for one in unreadable] == [(number_of(13), "timeout")]
    assert pages.page_size >= 5


def test_a_dossier_that_recovers_is_not_rejected() -> None:
    """A dossier that can be read alone is not unreadable."""
    ds = FakeDS(3, bad=(1,), tells_place=False)
    original = ds.read_light_page

    def heal(*args: Any, **kwargs: Any) -> LightPage:
        ds.bad = ()
        return original(*args, **kwargs)

    ds.read_light_page = heal  # type: ignore[method-assign]
    assert read(reader(ds)) == ([0, 1, 2], [])


def test_the_lists_come_with_the_first_page_only() -> None:
    """They are requested once."""
    ds = FakeDS(25)
    pages = list(reader(ds, pending=LISTS, deleted=LISTS))
    assert ds.with_lists == [True, False, False]
    assert [page.pending is not None for page in pages] == [True, False, False]


def test_lists_that_time_out_are_requested_separately() -> None:
    """No dossier becomes unreadable because the lists are slow."""
    ds = FakeDS(25)
    ds.lists_fail_within_pages = True
    pages = list(reader(ds, size=10, pending=LISTS, deleted=LISTS))
    assert [len(page.nodes) for page in pages] == [10, 10, 5]
    assert pages[0].pending is not None
    assert ds.lists_alone == 1
    assert ds.light == []


def test_lists_that_fail_separately_raise_at_the_end() -> None:
    """All dossiers are read, but the crawl does not count as complete."""
    ds = FakeDS(25)
    ds.lists_fail_within_pages = ds.lists_fail_alone = True
    found: list[int] = []

    def crawl() -> None:
        for page in reader(ds, pending=LISTS, deleted=LISTS):
            found.extend(node.number - FIRST for node in page.nodes)

    with pytest.raises(DSTimeoutError, match="slow lists"):
        crawl()
    assert found == list(range(25))


@pytest.mark.parametrize(
    "error",
    [
        DSBadDataError("bad list", where=DELETIONS),
        DSContractError("list without end", where=DELETIONS),
    ],
)
def test_an_error_in_the_lists_does_not_shrink_the_page(error: DSError) -> None:
    """Its cause is not searched among the dossiers."""
    ds = FakeDS(25)

    def fail(page: Page) -> Page:
        if page.pending:
            raise error
        return page

    ds.change = fail
    assert read(reader(ds, pending=LISTS, deleted=LISTS))[0] == list(range(25))
    assert [first for _, first in ds.asked] == [10, 10, 10, 10]


def test_the_first_cursor_must_not_be_returned_again() -> None:
    """A resumed crawl detects a loop to its own start."""
    ds = FakeDS(100)
    ds.change = lambda page: replace(page, end_cursor="10", has_next=True)
    with pytest.raises(DSContractError, match="same cursor"):
        read(reader(ds, after="10"))


def test_the_last_page_needs_no_cursor() -> None:
    """A cursor is required only if more pages follow."""
    ds = FakeDS(5)
    ds.change = lambda page: replace(page, end_cursor=None)
    assert read(reader(ds))[0] == list(range(5))


def test_a_contract_error_of_the_page_is_raised() -> None:
    """A refused query does not succeed with smaller pages."""
    ds = FakeDS(5)

    def fail(page: Page) -> Page:
        raise DSContractError("refused")

    ds.change = fail
    with pytest.raises(DSContractError, match="refused"):
        read(reader(ds))
    assert len(ds.asked) == 1


def test_pages_of_equal_dates_are_in_order() -> None:
    """Many dossiers changed in one second are in order."""
    ds = FakeDS(30)
    ds.change = lambda page: replace(
        page, nodes=[dossier(node.number - FIRST, DAY) for node in page.nodes]
    )
    assert not any(page.out_of_order for page in reader(ds))
