"""Reading a démarche's dossiers page by page, with an adaptive page size.

After a time-out, DS's cursor is past the nodes that it did not deliver, so the same page is
requested again with fewer dossiers. When a page fails as a whole, a bisection isolates the dossier
that fails; one that is known to fail is passed without it. A dossier that DS cannot render is
identified by the light document (numbers only) and requested alone; if it still cannot be read, it
is returned as unreadable and reading continues after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds.answers import DELETIONS, read_nodes
from dsync.ds.client import DSClient
from dsync.ds.results import DeletedPage, LightPage, ListRequest, Page, Unreadable
from dsync.errors import (
    DSBadDataError,
    DSContractError,
    DSError,
    DSNotFoundError,
    DSTimeoutError,
    DSUnauthorizedError,
)
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

log = structlog.get_logger(__name__)
MAX_PAGE_SIZE = 100
"""DS returns at most this many dossiers."""
_MAX_TIMEOUTS_IN_A_ROW = 3
"""After this many single dossiers in a row have timed out, DS is slow and not the dossiers."""
_MAX_STALE_PAGES = 20
"""Pages in a row in which all was returned before, after which a list has no end."""
_MOST_CHANGES = 10
"""How often a dossier can change, on average, while all are read."""
NO_PROGRESS = "no_progress"
"""Value of `details["fault"]` when a list does not end."""

_GROWS_AFTER = timedelta(hours=1)
"""A page that is too large keeps DS busy for 30 s, so a larger one is tried once an hour."""


class PageSize:
    """The number of dossiers to request in the next page.

    A time-out halves the usual size; `grows_after` later it is doubled again, up to `most`. A
    dossier that DS cannot render does not change the usual size: a bisection isolates it.

    Args:
        usual: initial size.
        most: largest size.
        since: when the usual size last changed; None when it is not known.
        clock: returns the current instant.
        grows_after: the time after which the usual size is doubled.
    """

    def __init__(
        self,
        usual: int,
        most: int,
        since: datetime | None,
        clock: Callable[[], datetime],
        grows_after: timedelta = _GROWS_AFTER,
    ) -> None:
        self._most = most
        self._clock = clock
        self._grows_after = grows_after
        self.usual = min(max(1, usual), most)
        self.since = since
        self._before = (self.usual, self.since)
        """Size and date before the current series of failures."""
        self._slow = 0
        """Unread dossiers of the first page that timed out: one of them may be slow."""
        self._suspects = 0
        """Unread dossiers of a page with a dossier that DS cannot render."""

    @property
    def current(self) -> int:
        """The size of the next page."""
        return min(max(1, self._suspects // 2), self.usual) if self._suspects else self.usual

    @property
    def is_searching(self) -> bool:
        """Whether a bisection is in progress."""
        return bool(self._suspects)

    @property
    def is_largest(self) -> bool:
        """Whether it cannot grow."""
        return self.usual == self._most

    def timed_out(self, asked: int = MAX_PAGE_SIZE) -> None:
        """Halve the usual size, or what was asked for if that was less."""
        asked = min(asked, self.current)
        # The first of a series of time-outs: its page holds the dossier that may be slow.
        self._slow = self._slow or asked
        self.usual = max(1, asked // 2)
        self.since = self._clock()

    def broken(self) -> None:
        """Begin or continue the bisection: the page just requested has a dossier that fails."""
        self._suspects = self.current

    def succeeded(self, count: int) -> None:
        """Count a page with `count` dossiers as read."""
        self._suspects = max(0, self._suspects - count) if count else 0
        if self.usual < self._most:
            now = self._clock()
            self.since = self.since or now
            # After the clock was set back, the change lies in the future: it counts as made now.
            if self.since > now:
                self.since = now
            if now - self.since >= self._grows_after:
                self.usual, self.since = min(self.usual * 2, self._most), now
        self._slow = max(0, self._slow - count) if count else 0
        # Not while the rest of a page that timed out is read: if one of its dossiers is the cause,
        # `passed` restores the size from before.
        if not self._slow:
            self._before = (self.usual, self.since)

    def passed(self) -> None:
        """Restore the size from before the failures: one dossier caused them, and it is passed."""
        self.usual, self.since = self._before
        self._suspects = self._slow = 0


class Lists(NamedTuple):
    """A page of each list of deletions; None: it was not requested, failed, or has ended."""

    pending: DeletedPage | None
    deleted: DeletedPage | None
    failed: frozenset[str] = frozenset()
    """`pending`, `deleted`: the lists that DS fails on."""


def read_lists(
    client: DSClient,
    number: DemarcheNumber,
    pending: ListRequest | None,
    deleted: ListRequest | None,
) -> Lists:
    """Request a page of the lists of deletions; each by itself if DS fails on both together.

    DS fails on a whole page of a list for one odd entry in it.

    Args:
        client: reads them.
        number: the démarche's.
        pending: which page of the hidden dossiers; None: none.
        deleted: which page of the erased dossiers; None: none.

    Raises:
        DSError: DS cannot be read at all.
    """
    try:
        return Lists(*client.deletions(number, pending=pending, deleted=deleted))
    except (DSTimeoutError, DSBadDataError, DSContractError) as exc:
        log.warning("list_of_deletions_failed", error=type(exc).__name__)
    if not (pending and deleted):
        return Lists(None, None, frozenset({"pending" if pending else "deleted"}))
    hidden = read_lists(client, number, pending, None)
    erased = read_lists(client, number, None, deleted)
    return Lists(hidden.pending, erased.deleted, hidden.failed | erased.failed)


class Progress:
    """Ends the reading of a list that returns for ever what it has returned before.

    New cursors do not show it. A dossier that changes while it is read moves to the end of the
    list, so it is returned again, with a later date.
    """

    def __init__(self) -> None:
        self._latest: dict[DossierNumber, float] = {}
        self._count = 0
        self._stale = 0
        """Number of the last pages in a row that had nothing new."""

    def add(self, entries: Iterable[tuple[DossierNumber | None, datetime | None]]) -> None:
        """Count a page's entries, by number and date of last change, None where it is not known.

        Raises:
            DSContractError: the list does not end.
        """
        count, has_news = 0, False
        for number, date in entries:
            count += 1
            if number is None:
                continue
            at = date.timestamp() if date else 0.0
            if at > self._latest.get(number, -1.0):
                self._latest[number] = at
                has_news = True
        self._count += count
        self._stale = 0 if has_news else self._stale + 1
        most = _MOST_CHANGES * len(self._latest) + MAX_PAGE_SIZE
        if self._stale > _MAX_STALE_PAGES or self._count > most:
            raise DSContractError(
                k.Looping(self._count, len(self._latest)),
                fault=NO_PROGRESS,
            )


class PageReader:
    """Iterates over the pages of a crawl; can be iterated once.

    The lists of deletions are requested together with the first page.

    Args:
        client: reads the pages.
        number: the démarche's.
        updated_since: only dossiers changed since; None: all.
        after: cursor at which to begin; None: the first page.
        page_size: size of the first page.
        page_size_at: when that size last changed.
        clock: returns the current instant.
        pending: which page of the hidden dossiers to request; None: none.
        deleted: which page of the erased dossiers to request; None: none.
        poisoned: dossiers that DS could not render, and whether to request them again, alone.
    """

    def __init__(
        self,
        client: DSClient,
        number: DemarcheNumber,
        *,
        updated_since: datetime | None,
        after: str | None = None,
        page_size: int = MAX_PAGE_SIZE,
        page_size_at: datetime | None = None,
        clock: Callable[[], datetime],
        pending: ListRequest | None = None,
        deleted: ListRequest | None = None,
        poisoned: Mapping[DossierNumber, bool] | None = None,
    ) -> None:
        self._client = client
        self._number = number
        self._since = updated_since
        self._cursor = after
        self._size = PageSize(page_size, MAX_PAGE_SIZE, page_size_at, clock)
        self._pending = pending
        self._deleted = deleted
        self._poisoned = dict(poisoned or {})
        self._ahead: list[DossierNumber | None] = []
        """The dossiers at the cursor, up to the last poisoned one of a page that failed."""
        self._searched: set[str | None] = set()
        """The cursors at which poisoned dossiers were last looked for."""
        self._seen = {after} if after else set()
        self._latest: datetime | None = None
        self.failed_lists: frozenset[str] = frozenset()
        """Names of the lists of deletions that DS failed on, as in `Lists`."""
        self._progress = Progress()
        self._last: DossierNumber | None = None
        """The last dossier read that has a number."""
        self._slow = 0
        """Number of single dossiers in a row that timed out."""

    @property
    def page_size(self) -> int:
        """The page size to begin the next crawl with."""
        return self._size.usual

    @property
    def page_size_at(self) -> datetime | None:
        """When that size last changed."""
        return self._size.since

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages, each one read by `read`."""
        return map(self.read, self.requested())

    def requested(self) -> Iterator[Page]:
        """Yield the pages with their dossiers as JSON, for `read`.

        Raises:
            DSContractError: following the cursors would not end.
            DSError: reading cannot continue. The pages yielded before are complete.
        """
        while True:
            page = self._next()
            self._check_progress(page)
            has_next, cursor = page.has_next, page.end_cursor
            yield page
            del page  # Not kept while the next one is requested.
            # The cursor of the last page is not followed; on an empty page it is null.
            if not has_next:
                break
            self._cursor = cursor

    def read(self, page: Page) -> Page:
        """Convert a page's dossiers; for each page once, in order, in any thread.

        Raises:
            DSContractError: the pages return the same dossiers for ever.
        """
        page = self._with_order(read_nodes(page))
        dates = {node.number: node.date_derniere_modification for node in page.nodes}
        self._progress.add((number, dates.get(number) if number else None) for number in page.order)
        return page

    def _next(self) -> Page:
        """Return the page at the cursor, of the largest size that DS answers."""
        while True:
            place = next((i for i, n in enumerate(self._ahead) if n in self._poisoned), None)
            if place == 0 and (passed := self._pass_poisoned()):
                return passed
            size = min(self._size.current, place or MAX_PAGE_SIZE)
            try:
                page = self._ask(size)
            except (DSTimeoutError, DSBadDataError, DSContractError) as exc:
                if exc.details.get("where") == DELETIONS:
                    return self._without_lists()
                if exc.details.get("fault") == Fault.TOO_MANY_ERRORS.value and size > 1:
                    # Each link to a dossier outside the token's scope is one.
                    self._size.broken()
                    continue
                if isinstance(exc, DSContractError):
                    raise
                log.info("page_failed", size=size, error=exc.message)
                if self._find_poisoned(size):
                    continue
                # An internal error has no path, so the lists can be its cause too: first without.
                if (self._pending or self._deleted) and isinstance(exc, DSBadDataError):
                    return self._without_lists()
                if size == 1:
                    return self._read_single(exc)
                retried = self._reduce(exc, size)
                if retried is None:
                    continue
                page = retried
            self._size.succeeded(len(page.order))
            # Not if the list changed in between.
            is_as_seen = self._ahead[: len(page.order)] == [*page.order]
            self._ahead = self._ahead[len(page.order) :] if is_as_seen else []
            # The caller requests their further pages, not each page of dossiers.
            self._pending = self._deleted = None
            self._slow = 0
            return self._completed(page, size)

    def _ask(self, size: int) -> Page:
        return self._client.read_page(
            self._number,
            first=size,
            after=self._cursor,
            updated_since=self._since,
            pending=self._pending,
            deleted=self._deleted,
        )

    def _reduce(self, exc: DSError, size: int) -> Page | None:
        """Reduce the page size after a failure; return the page if a retry succeeds.

        Only an internal error is retried with the same size, because it can be a short outage.

        Raises:
            DSError: DS fails on any request: smaller pages would only add load.
        """
        if isinstance(exc, DSTimeoutError):
            self._size.timed_out()
            return None
        is_internal = exc.details.get("fault") == Fault.SERVER_ERROR.value
        if is_internal and not self._size.is_searching:
            # Fails, too, during an outage, which then ends the crawl and begins no bisection.
            self._light(1)
            try:
                return self._ask(size)
            except DSTimeoutError:
                self._size.timed_out()
                return None
            except DSBadDataError:
                pass
        self._size.broken()
        return None

    def _light(self, size: int) -> LightPage:
        return self._client.read_light_page(
            self._number, first=size, after=self._cursor, updated_since=self._since
        )

    def _find_poisoned(self, size: int) -> bool:
        """Look for poisoned dossiers in a page that failed; return whether there are any.

        A bisection would find them, too, with a failure of DS for each step.
        """
        is_known, self._ahead = bool(self._ahead), []
        if is_known or not self._poisoned or self._cursor in self._searched:
            return False
        self._searched.add(self._cursor)
        try:
            numbers = self._light(size).numbers
        except DSTimeoutError:
            return False
        places = [place for place, number in enumerate(numbers) if number in self._poisoned]
        self._ahead = [*numbers[: places[-1] + 1]] if places else []
        return bool(places)

    def _pass_poisoned(self) -> Page | None:
        """Read the poisoned dossier at the cursor, or skip it; None when it is there no more."""
        if self._pending or self._deleted:
            return self._without_lists()
        number, *self._ahead = self._ahead
        light = self._light(1)
        if number is None or light.numbers != (number,):
            self._ahead = []
            return None
        if not self._poisoned[number]:
            return self._passing(light, Page.of(skipped=(number,)))
        self._poisoned[number] = False
        return self._passing(light, self._read_alone(number))

    def _without_lists(self) -> Page:
        """Request the lists of deletions separately: they can fail at any size of the page.

        Of a list that fails again, the dossiers are read without it.
        """
        lists = read_lists(self._client, self._number, self._pending, self._deleted)
        self.failed_lists = lists.failed
        self._pending = self._deleted = None
        # The lists may have caused the failures: the dossiers begin again with the size of before.
        self._size.passed()
        return replace(self._next(), pending=lists.pending, deleted=lists.deleted)

    def _read_single(self, exc: DSError) -> Page:
        """Read the dossier at the cursor by its number, after a page of size 1 failed.

        Raises:
            DSError: its number cannot be read, DS refuses the smallest query, or several single
                dossiers in a row timed out: the failure does not depend on the dossier.
        """
        if self._pending or self._deleted:
            return self._without_lists()
        # DS refuses the query for any dossier, so there is none to pass over.
        if exc.details.get("fault") == Fault.TOO_LARGE.value:
            raise exc
        self._slow += isinstance(exc, DSTimeoutError)
        if self._slow >= _MAX_TIMEOUTS_IN_A_ROW:
            raise exc
        light = self._light(1)
        number = light.numbers[0] if light.numbers else None
        page = Page.of()
        if number is not None:
            page = self._read_alone(number)
        elif light.numbers:
            page = Page.of(unreadable=(Unreadable(None, "bad_data", after=self._last),))
        # It could be read alone: DS was slow, and not this dossier, so the small size stays.
        if page.nodes and isinstance(exc, DSTimeoutError):
            self._size.succeeded(1)
        else:
            self._size.passed()
        return self._passing(light, page)

    def _read_alone(self, number: DossierNumber) -> Page:
        # Hidden or erased since the light page was read: there is nothing to store.
        with suppress(DSNotFoundError, DSUnauthorizedError):
            return self._client.dossier(number, self._number)
        return Page.of()

    def _passing(self, light: LightPage, page: Page) -> Page:
        """Return a page of one dossier that was not read by the list, with the list's cursor."""
        self._last = next((number for number in light.numbers if number), self._last)
        return replace(
            page,
            end_cursor=light.end_cursor,
            has_next=light.has_next,
            server_date=light.server_date,
            order=light.numbers,
        )

    def _completed(self, page: Page, size: int) -> Page:
        """Identify a page's unreadable dossiers, and request those that DS cannot render alone."""
        page = self._with_numbers(page, size)
        nodes, incomplete = list(page.nodes), dict(page.incomplete)
        unreadable: list[Unreadable] = []
        places = _neighbours(self._last, page.order)
        for one in page.unreadable:
            if one.number is None:
                after, before = next(places)
                unreadable.append(one._replace(after=after, before=before))
                continue
            found = self._reread(one)
            nodes += found.nodes
            unreadable += found.unreadable
            incomplete |= found.incomplete
        self._last = next((number for number in reversed(page.order) if number), self._last)
        return replace(page, nodes=nodes, unreadable=tuple(unreadable), incomplete=incomplete)

    def _with_numbers(self, page: Page, size: int) -> Page:
        """Find the numbers of a page's unreadable dossiers with the light document."""
        if all(one.number for one in page.unreadable):
            return page
        order = self._light(size).numbers
        told = {number for number in page.order if number}
        left = [number for number in order if number not in told]
        if len(left) != page.order.count(None):
            return page  # The list changed between the two requests.
        names = iter(left)
        named = [one if one.number else one._replace(number=next(names)) for one in page.unreadable]
        return replace(page, unreadable=tuple(named), order=order)

    def _reread(self, one: Unreadable) -> Page:
        if one.number is not None and one.code == "bad_data":
            with suppress(DSNotFoundError, DSUnauthorizedError):  # Hidden or erased since.
                return self._client.reduced_dossier(one.number, self._number, one.path)
        return Page.of(unreadable=(one,))

    def _check_progress(self, page: Page) -> None:
        """Check that the page's cursor leads to further pages.

        Raises:
            DSContractError: it does not; reading would not end.
        """
        if not page.has_next:
            return
        if not page.nodes and not page.order:
            raise DSContractError(k.Noted(k.Note.EMPTY_PAGE))
        if page.end_cursor is None:
            raise DSContractError(k.Noted(k.Note.NO_CURSOR))
        # All cursors of the crawl, because a cycle can have several pages.
        if page.end_cursor in self._seen:
            raise DSContractError(k.Noted(k.Note.SAME_CURSOR))
        self._seen.add(page.end_cursor)

    def _with_order(self, page: Page) -> Page:
        dates = [node.date_derniere_modification for node in page.nodes]
        if not dates:
            return page
        # A dossier that changes during the crawl moves, so single dates prove nothing. A page that
        # is older as a whole than the one before it does: DS sorts in another order.
        goes_back = self._latest is not None and max(dates) < self._latest
        self._latest = min(dates)
        return replace(page, out_of_order=True) if goes_back else page


def _neighbours(
    last: DossierNumber | None, order: Sequence[DossierNumber | None]
) -> Iterator[tuple[DossierNumber | None, DossierNumber | None]]:
    """Yield the numbers before and after each dossier without a number, in the page's order."""
    following: list[DossierNumber | None] = []
    upcoming: DossierNumber | None = None
    for number in reversed(order):
        following.append(upcoming)
        upcoming = number or upcoming
    for number, after in zip(order, reversed(following), strict=True):
        if number is None:
            yield last, after
        else:
            last = number
