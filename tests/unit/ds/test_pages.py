"""The reading of pages: nothing missed, nobody waited for, no endless loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.ds import DeletedPage, LightPage, ListRequest, Node, Page, PageReader
from dsync.ds.reading import DELETIONS
from dsync.errors import DSBadDataError, DSContractError, DSError, DSTimeoutError

DEMARCHE = DemarcheNumber(86321)
LISTS = ListRequest(None, None)
DAY = datetime(2026, 1, 1, tzinfo=UTC)


class FakeDS:
    """A démarche of `count` dossiers, some of which break each page that holds them."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), tells_place: bool = True) -> None:
        self.count = count
        self.bad = bad
        self.tells_place = tells_place
        self.bears = 1000
        """Pages above this size time out."""
        self.slow: tuple[int, ...] = ()
        self.light_fails = False
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
        if first > self.bears or any(n in self.slow for n in numbers):
            raise DSTimeoutError("slow")
        broken = next((n - start for n in numbers if n in self.bad), None)
        if broken is not None:
            raise DSBadDataError("bad", position=broken if self.tells_place else None)
        nodes = [
            Node(DossierNumber(n), RevisionId("r"), DAY + timedelta(hours=n), b"{}")
            for n in numbers
        ]
        page = Page(
            nodes=nodes,
            end_cursor=str(numbers.stop) if nodes else None,
            has_next=numbers.stop < self.count,
            server_date=None,
            active_revision_id=None,
            pending=DeletedPage((), None) if pending else None,
            deleted=DeletedPage((), None) if deleted else None,
        )
        return self.change(page)

    def read_light_page(
        self, number: DemarcheNumber, *, first: int, after: str | None, updated_since: Any
    ) -> LightPage:
        """Return the number of the dossier at the place."""
        start = int(after or 0)
        self.light.append(start)
        if self.light_fails:
            raise DSTimeoutError("slow")
        end = start + first
        return LightPage((DossierNumber(start),), str(end), end < self.count, None)

    def deletions(
        self, number: DemarcheNumber, *, pending: ListRequest | None, deleted: ListRequest | None
    ) -> tuple[DeletedPage | None, DeletedPage | None]:
        """Return empty lists."""
        self.lists_alone += 1
        if self.lists_fail_alone:
            raise DSTimeoutError("slow lists")
        return DeletedPage((), None), DeletedPage((), None)


def reader(ds: FakeDS, size: int = 10, **options: Any) -> PageReader:
    return PageReader(ds, DEMARCHE, updated_since=DAY, page_size=size, **options)


def read(pages: PageReader) -> tuple[list[int], list[int]]:
    """Return the numbers that came whole and those that were rejected."""
    found, rejected = [], []
    for page in pages:
        found += [node.number for node in page.nodes]
        rejected += [dossier.number for dossier in page.rejected]
    return found, rejected


def test_all_pages_are_read_in_turn() -> None:
    """A healthy démarche takes one request a page."""
    ds = FakeDS(25)
    assert read(reader(ds)) == (list(range(25)), [])
    assert ds.asked == [(0, 10), (10, 10), (20, 10)]


def test_a_crawl_goes_on_from_its_cursor() -> None:
    """A stored cursor is where the first page starts."""
    ds = FakeDS(25)
    assert read(reader(ds, after="20"))[0] == list(range(20, 25))


def test_no_dossier_is_no_page_more() -> None:
    """An empty démarche is one empty page."""
    ds = FakeDS(0)
    assert [len(page.nodes) for page in reader(ds)] == [0]


def test_a_time_out_asks_for_less_at_the_same_place_and_grows_back() -> None:
    """Pages shrink to what DS bears, and grow again once it bears more."""
    ds = FakeDS(100)
    ds.bears = 5
    pages = iter(reader(ds, size=20))
    assert len(next(pages).nodes) == 5
    assert ds.asked == [(0, 20), (0, 10), (0, 5)]
    ds.bears = 1000
    rest = [len(page.nodes) for page in pages]
    assert sum(rest) == 95
    assert max(rest) >= 20


def test_the_size_that_works_can_be_remembered() -> None:
    """The reader tells the size for the next crawl."""
    ds = FakeDS(10)
    ds.bears = 5
    pages = reader(ds, size=20)
    read(pages)
    assert pages.page_size == 5


@pytest.mark.parametrize("tells_place", [True, False])
@pytest.mark.parametrize("bad", [(0,), (7,), (19,), (3, 4), (0, 10, 19)])
def test_a_broken_dossier_stops_nobody(bad: tuple[int, ...], tells_place: bool) -> None:
    """Each broken dossier is named and passed; all others come, once."""
    ds = FakeDS(20, bad=bad, tells_place=tells_place)
    found, rejected = read(reader(ds))
    assert rejected == list(bad)
    assert found == [n for n in range(20) if n not in bad]


def test_after_a_broken_dossier_pages_are_large_again() -> None:
    """The search for one dossier does not slow the rest of the crawl."""
    ds = FakeDS(300, bad=(5,), tells_place=False)
    read(reader(ds, size=100))
    assert len(ds.asked) < 20
    assert ds.asked[-1][1] == 100


def test_a_place_that_ds_names_is_found_in_few_requests() -> None:
    """Page, the dossiers before, the dossier, its number, once more, and on."""
    ds = FakeDS(200, bad=(50,))
    read(reader(ds, size=100))
    assert ds.asked == [(0, 100), (0, 50), (50, 25), (50, 1), (50, 1), (51, 100), (151, 100)]
    assert ds.light == [50]


def test_a_dossier_that_always_times_out_is_passed_at_the_old_size() -> None:
    """A slow dossier is rejected as such, and pages are large again at once."""
    ds = FakeDS(40)
    ds.slow = (13,)
    pages = reader(ds, size=10)
    rejected = [dossier for page in pages for dossier in page.rejected]
    assert [(dossier.number, dossier.code) for dossier in rejected] == [(13, "timeout")]
    assert pages.page_size >= 5


def test_a_dossier_that_recovers_is_not_rejected() -> None:
    """When the page of one comes whole after all, it is no poison."""
    ds = FakeDS(3, bad=(1,))
    asked = 0
    original = ds.read_light_page

    def heal(*args: Any, **kwargs: Any) -> LightPage:
        nonlocal asked
        asked += 1
        ds.bad = ()
        return original(*args, **kwargs)

    ds.read_light_page = heal  # type: ignore[method-assign]
    assert read(reader(ds)) == ([0, 1, 2], [])
    assert asked == 1


def test_a_dossier_without_even_a_number_ends_the_crawl() -> None:
    """When the light document fails too, what was read stays and the error comes out."""
    ds = FakeDS(20, bad=(12,))
    ds.light_fails = True
    found: list[int] = []

    def crawl() -> None:
        for page in reader(ds):
            found.extend(node.number for node in page.nodes)

    with pytest.raises(DSTimeoutError):
        crawl()
    assert found == list(range(12))


def test_the_lists_come_with_the_first_page_alone() -> None:
    """Deletions are asked once, in the first request."""
    ds = FakeDS(25)
    pages = list(reader(ds, pending=LISTS, deleted=LISTS))
    assert ds.with_lists == [True, False, False]
    assert [page.pending is not None for page in pages] == [True, False, False]


def test_lists_that_are_too_slow_are_asked_by_themselves() -> None:
    """No dossier is taken for a poison because the lists are slow."""
    ds = FakeDS(25)
    ds.lists_fail_within_pages = True
    pages = list(reader(ds, size=10, pending=LISTS, deleted=LISTS))
    assert [len(page.nodes) for page in pages] == [10, 10, 5]
    assert pages[0].pending is not None
    assert ds.lists_alone == 1
    assert ds.light == []


def test_lists_that_fail_alone_are_told_at_the_end() -> None:
    """The dossiers are read all the same; the crawl does not pass for complete."""
    ds = FakeDS(25)
    ds.lists_fail_within_pages = ds.lists_fail_alone = True
    found: list[int] = []

    def crawl() -> None:
        for page in reader(ds, pending=LISTS, deleted=LISTS):
            found.extend(node.number for node in page.nodes)

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
    """What is wrong with a list is not searched among the dossiers."""
    ds = FakeDS(25)

    def fail(page: Page) -> Page:
        if page.pending:
            raise error
        return page

    ds.change = fail
    assert read(reader(ds, pending=LISTS, deleted=LISTS))[0] == list(range(25))
    assert [first for _, first in ds.asked] == [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda page: replace(page, end_cursor=None, has_next=True), "without a cursor"),
        (lambda page: replace(page, end_cursor="10", has_next=True), "same cursor"),
        (lambda page: replace(page, nodes=[], end_cursor=None, has_next=True), "empty page"),
    ],
)
def test_pages_without_end_are_detected(change: Callable[[Page], Page], told: str) -> None:
    """Whatever keeps a crawl from ending is an error, never a loop."""
    ds = FakeDS(100)
    ds.change = change
    with pytest.raises(DSContractError, match=told):
        read(reader(ds))


def test_a_cursor_that_was_given_at_the_start_may_not_come_back() -> None:
    """A resumed crawl detects a loop over its own first cursor."""
    ds = FakeDS(100)
    ds.change = lambda page: replace(page, end_cursor="10", has_next=True)
    with pytest.raises(DSContractError, match="same cursor"):
        read(reader(ds, after="10"))


def test_the_last_page_needs_no_cursor() -> None:
    """Only a page that promises more is held to it."""
    ds = FakeDS(5)
    ds.change = lambda page: replace(page, end_cursor=None)
    assert read(reader(ds))[0] == list(range(5))


def test_a_contract_error_of_the_page_comes_out() -> None:
    """A refused query is not cured by smaller pages."""
    ds = FakeDS(5)

    def fail(page: Page) -> Page:
        raise DSContractError("refused")

    ds.change = fail
    with pytest.raises(DSContractError, match="refused"):
        read(reader(ds))
    assert len(ds.asked) == 1


def test_a_page_that_goes_back_in_time_is_flagged() -> None:
    """Order is what the watermark stands on: a page out of it says so."""
    ds = FakeDS(30)

    def swap(page: Page) -> Page:
        if page.nodes[0].number != 20:
            return page
        early = [node._replace(modified_at=DAY) for node in page.nodes]
        return replace(page, nodes=early)

    ds.change = swap
    assert [page.out_of_order for page in reader(ds)] == [False, False, True]


def test_pages_of_equal_dates_are_in_order() -> None:
    """Many dossiers changed in one second are no disorder."""
    ds = FakeDS(30)
    ds.change = lambda page: replace(
        page,
        nodes=[node._replace(modified_at=DAY) for node in page.nodes],
    )
    assert not any(page.out_of_order for page in reader(ds))
