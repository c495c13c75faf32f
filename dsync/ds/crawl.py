"""Reading a démarche's dossiers page by page, with an adaptive page size.

After a time-out, DS's cursor is past the nodes that it did not deliver, so the same page is
requested again with fewer dossiers. A dossier that DS cannot render is identified by the light
document (numbers only) and requested by its number, and where a page fails as a whole, each of its
dossiers is; what still cannot be read is returned as unreadable and reading continues after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import structlog

from dsync.domain.dossier import Anomaly
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds.answers import DELETIONS, read_nodes
from dsync.ds.client import MAX_TIMEOUTS_IN_A_ROW, DSClient
from dsync.ds.results import (
    DeletedPage,
    LightPage,
    ListRequest,
    Page,
    Unreadable,
)
from dsync.errors import (
    DSBadDataError,
    DSContractError,
    DSError,
    DSTimeoutError,
)
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

log = structlog.get_logger(__name__)
MAX_PAGE_SIZE = 100
"""DS returns at most this many dossiers."""
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

    A time-out halves the usual size; `grows_after` later it is doubled again, up to `most`. `since`
    is when the usual size last changed.
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

    @property
    def is_largest(self) -> bool:
        """Whether it cannot grow."""
        return self.usual == self._most

    def timed_out(self, asked: int = MAX_PAGE_SIZE) -> None:
        """Halve the usual size, or what was asked for if that was less."""
        asked = min(asked, self.usual)
        # The first of a series of time-outs: its page holds the dossier that may be slow.
        self._slow = self._slow or asked
        self.usual = max(1, asked // 2)
        self.since = self._clock()

    def succeeded(self, count: int) -> None:
        """Count a page with `count` dossiers as read."""
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
        self._slow = 0


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


class ListProgress:
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

    It begins at the cursor `after`, with a page of `size`. The pages of the `lists` of deletions,
    `pending` of the hidden and `deleted` of the erased dossiers, are requested together with it.
    `poisoned` knows the dossiers that DS could not render, and whether to request them again.
    """

    def __init__(
        self,
        client: DSClient,
        number: DemarcheNumber,
        *,
        size: PageSize,
        updated_since: datetime | None,
        after: str | None = None,
        lists: Mapping[str, ListRequest] = MappingProxyType({}),
        poisoned: Mapping[DossierNumber, bool] | None = None,
    ) -> None:
        self._client = client
        self._number = number
        self._since = updated_since
        self._cursor = after
        self._size = size
        self._pending, self._deleted = lists.get("pending"), lists.get("deleted")
        self._poisoned = poisoned or {}
        self._searched: set[str | None] = set()
        """The cursors of slow pages at which poisoned dossiers were looked for."""
        self._seen = {after} if after else set()
        self._latest: datetime | None = None
        self.failed_lists: frozenset[str] = frozenset()
        """Names of the lists of deletions that DS failed on, as in `Lists`."""
        self._progress = ListProgress()
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
        """Return the page at the cursor, of the largest size that DS answers.

        Raises:
            DSTimeoutError: DS was silent until the deadline too often: not for the page's size.
        """
        silences = 0
        while True:
            size = self._size.usual
            try:
                page = self._ask(size)
            except (DSTimeoutError, DSBadDataError, DSContractError) as exc:
                if exc.details.get("where") == DELETIONS:
                    return self._without_lists()
                # Each link to a dossier outside the token's scope is one.
                is_crowded = exc.details.get("fault") == Fault.TOO_MANY_ERRORS.value and size > 1
                if isinstance(exc, DSContractError) and not is_crowded:
                    raise
                silences += exc.details.get("fault") == Fault.DEADLINE.value
                if silences == MAX_TIMEOUTS_IN_A_ROW:
                    raise
                log.info("page_failed", size=size, error=exc.message)
                if not is_crowded and (found := self._by_number(exc, size)):
                    return found
                self._size.timed_out()
                continue
            self._size.succeeded(len(page.order))
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

    def _light(self, size: int, *, has_numbers: bool = True) -> LightPage:
        return self._client.read_light_page(
            self._number,
            first=size,
            after=self._cursor,
            updated_since=self._since,
            has_numbers=has_numbers,
        )

    def _by_number(self, exc: DSError, size: int) -> Page | None:
        """Read the dossiers of a page that failed by their numbers; None: a smaller one is due.

        Those that DS could not render a short while ago are skipped.

        Raises:
            DSError: DS fails on any request, it refuses the smallest query, or several single
                dossiers in a row timed out: the failure does not depend on the dossiers.
        """
        is_slow = isinstance(exc, DSTimeoutError)
        if is_slow and size > 1 and (not self._poisoned or self._cursor in self._searched):
            return None
        if size == 1:
            # DS refuses the query for any dossier, so there is none to pass over.
            if exc.details.get("fault") == Fault.TOO_LARGE.value:
                if self._pending or self._deleted:
                    return self._without_lists()
                raise exc
            self._slow += is_slow
            if self._slow >= MAX_TIMEOUTS_IN_A_ROW:
                raise exc
        light = self._numbers(size)
        if is_slow and size > 1:
            self._searched.add(self._cursor)
            if light and not self._poisoned.keys() & set(light.numbers):
                return None
        if light is None:
            return None
        # Before the dossiers, which are newer information then.
        if self._pending or self._deleted:
            return self._without_lists(light)
        return self._of_numbers(light, is_slow=is_slow)

    def _of_numbers(self, light: LightPage, *, is_slow: bool) -> Page:
        numbers = [number for number in light.numbers if number]
        known = [number for number in numbers if number in self._poisoned]
        due = [number for number in known if self._poisoned[number]]
        # By themselves, so that they make no request fail that the others share.
        pages = [
            self._client.dossiers(some, self._number)
            for some in ([number for number in numbers if number not in known], due)
        ]
        page = Page.of(
            *(node for one in pages for node in one.nodes),
            unreadable=(
                *(Unreadable(None, Anomaly.BAD_DATA) for number in light.numbers if not number),
                *(unreadable for one in pages for unreadable in one.unreadable),
            ),
            incomplete={**pages[0].incomplete, **pages[1].incomplete},
            skipped=tuple(number for number in known if number not in due),
        )
        # One that could be read alone was not slow, but DS: the small size stays.
        if len(light.numbers) > 1 or (page.nodes and is_slow):
            self._size.succeeded(len(light.numbers))
        else:
            self._size.passed()
        return self._placed(
            replace(
                page,
                end_cursor=light.end_cursor,
                has_next=light.has_next,
                server_date=light.server_date,
                order=light.numbers,
            )
        )

    def _numbers(self, size: int) -> LightPage | None:
        """Return the numbers of a page's dossiers; None if it has one whose number is not readable.

        Such a dossier alone is a page without its number.
        """
        try:
            return self._light(size)
        except DSTimeoutError:
            if size == 1:
                raise
        except DSBadDataError as exc:
            # It fails, too, during an outage, which then ends the crawl.
            if exc.details.get("fault") == Fault.SERVER_ERROR.value:
                raise
            if size == 1:
                return self._light(1, has_numbers=False)
        return None

    def _without_lists(self, light: LightPage | None = None) -> Page:
        """Request the lists of deletions separately: they can fail at any size of the page.

        Of a list that fails again, the dossiers are read without it. `light` has the numbers of a
        page that failed as a whole.
        """
        lists = read_lists(self._client, self._number, self._pending, self._deleted)
        self.failed_lists = lists.failed
        self._pending = self._deleted = None
        # The lists may have caused the failures: the dossiers begin again with the size of before.
        self._size.passed()
        # A page without dossiers is older than the lists: one may have come back since.
        known = light is not None and any(light.numbers)
        page = self._of_numbers(light, is_slow=False) if light and known else self._next()
        return replace(page, pending=lists.pending, deleted=lists.deleted)

    def _completed(self, page: Page, size: int) -> Page:
        """Identify a page's unreadable dossiers, and request those that DS cannot render again."""
        page = self._with_numbers(page, size)
        broken = {
            one.number: one.path
            for one in page.unreadable
            if one.number is not None and one.code is Anomaly.BAD_DATA
        }
        if not broken:
            return self._placed(page)
        # Without those that were hidden or erased since.
        found = self._client.dossiers(broken, self._number, broken)
        return self._placed(
            replace(
                page,
                nodes=[*page.nodes, *found.nodes],
                unreadable=(
                    *(one for one in page.unreadable if one.number not in broken),
                    *found.unreadable,
                ),
                incomplete={**page.incomplete, **found.incomplete},
            )
        )

    def _placed(self, page: Page) -> Page:
        """Name the neighbours of the dossiers without a number."""
        places = _neighbours(self._last, page.order)
        unreadable = []
        for one in page.unreadable:
            after, before = (one.after, one.before) if one.number else next(places)
            unreadable.append(one._replace(after=after, before=before))
        self._last = next((number for number in reversed(page.order) if number), self._last)
        return replace(page, unreadable=tuple(unreadable))

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

    def _check_progress(self, page: Page) -> None:
        """Check that the page's cursor leads to further pages: else reading would not end."""
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
