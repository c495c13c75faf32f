"""The reading of a démarche's dossiers, page after page, at the size that DS bears.

DS's own cursor lies past the nodes that it did not deliver in time, so a page that timed out is
asked again at the same place, smaller. A page that fails as a whole is narrowed down to one
dossier. A dossier that DS cannot render is named by the light document and asked for alone; what
cannot be read of it even so is given back as unreadable, and passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds.classify import Fault
from dsync.ds.limits import PageSize
from dsync.ds.reading import DELETIONS
from dsync.ds.results import DeletedPage, LightPage, ListRequest, Page, Unreadable
from dsync.errors import (
    DSBadDataError,
    DSContractError,
    DSError,
    DSNotFoundError,
    DSTimeoutError,
    DSUnauthorizedError,
)

log = structlog.get_logger(__name__)
MOST = 100
"""DS gives no more, whatever is asked."""
SLOW_IN_A_ROW = 3
"""Single dossiers of a list that time out, after which it is DS that is slow, not they."""


class Source(Protocol):
    """What the reader asks: `DSClient`."""

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
        """Return a page; its null nodes are unreadable ones without a number."""

    def read_light_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
    ) -> LightPage:
        """Return a page's numbers."""

    def dossier(self, number: DossierNumber, demarche: DemarcheNumber) -> Page:
        """Return a dossier alone, unreadable where it cannot be read."""

    def reduced_dossier(self, number: DossierNumber, demarche: DemarcheNumber, path: str) -> Page:
        """Return it without the objects that can break."""

    def deletions(
        self, number: DemarcheNumber, *, pending: ListRequest | None, deleted: ListRequest | None
    ) -> tuple[DeletedPage | None, DeletedPage | None]:
        """Return the lists of deletions alone."""


class PageReader:
    """Iterates over the pages that follow a place; to be used once.

    The lists of deletions come with the first page, in its request.
    """

    def __init__(
        self,
        client: Source,
        number: DemarcheNumber,
        *,
        updated_since: datetime | None,
        after: str | None = None,
        page_size: int = MOST,
        page_size_at: datetime | None = None,
        clock: Callable[[], datetime],
        pending: ListRequest | None = None,
        deleted: ListRequest | None = None,
    ) -> None:
        self._client = client
        self._number = number
        self._since = updated_since
        self._cursor = after
        self._size = PageSize(page_size, MOST, page_size_at, clock)
        self._pending = pending
        self._deleted = deleted
        self._seen = {after} if after else set()
        self._latest: datetime | None = None
        self._lists_error: DSError | None = None
        self._last: DossierNumber | None = None
        """The last dossier that has a number."""
        self._slow = 0
        """How many single dossiers in a row timed out in the list."""

    @property
    def page_size(self) -> int:
        """The size that DS bears now, to be remembered for the next crawl."""
        return self._size.usual

    @property
    def page_size_at(self) -> datetime | None:
        """When that size was last changed."""
        return self._size.since

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages.

        Raises:
            DSContractError: the pages would never end.
            DSError: DS cannot go on, or only the lists of deletions failed, which is told at the
                end; what was yielded is whole.
        """
        while True:
            page = self._next()
            self._check_progress(page)
            yield self._with_order(page)
            if not page.has_next:
                break
            self._cursor = page.end_cursor
        if self._lists_error is not None:
            raise self._lists_error

    def _next(self) -> Page:
        """Return the page at the cursor, as large as it comes."""
        while True:
            size = self._size.current
            try:
                page = self._ask(size)
            except (DSTimeoutError, DSBadDataError, DSContractError) as exc:
                if exc.details.get("where") == DELETIONS:
                    return self._without_lists()
                if isinstance(exc, DSContractError):
                    raise
                log.info("page_failed", size=size, error=type(exc).__name__)
                if (self._pending or self._deleted) and isinstance(exc, DSBadDataError):
                    return self._without_lists()
                if size == 1:
                    return self._alone(exc)
                page_again = self._after(exc, size)
                if page_again is None:
                    continue
                page = page_again
            self._size.succeeded(len(page.order))
            self._pending = self._deleted = None
            self._slow = 0
            return self._settled(page, size)

    def _ask(self, size: int) -> Page:
        return self._client.read_page(
            self._number,
            first=size,
            after=self._cursor,
            updated_since=self._since,
            pending=self._pending,
            deleted=self._deleted,
        )

    def _after(self, exc: DSError, size: int) -> Page | None:
        """Prepare for asking less after a page failed; an internal error may have passed already.

        Raises:
            DSError: DS fails as a whole: smaller pages would only add to its load.
        """
        if isinstance(exc, DSTimeoutError):
            self._size.timed_out()
            return None
        is_internal = exc.details.get("fault") == Fault.SERVER_ERROR.value
        if is_internal and not self._size.is_searching:
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

    def _without_lists(self) -> Page:
        """Ask for the lists by themselves: it may be they that fail, at any size of the page.

        When they fail alone too, the dossiers are read all the same; the error comes at the end.
        """
        pending = deleted = None
        try:
            pending, deleted = self._client.deletions(
                self._number, pending=self._pending, deleted=self._deleted
            )
        except (DSTimeoutError, DSBadDataError, DSContractError) as exc:
            self._lists_error = exc
        self._pending = self._deleted = None
        self._size.passed()
        return replace(self._next(), pending=pending, deleted=deleted)

    def _alone(self, exc: DSError) -> Page:
        """Read the dossier at the cursor by its number: is it the dossier, or the list?

        Raises:
            DSError: even its number cannot be had, or DS refuses so small a query; or single
                dossiers time out one after the other, which is DS's trouble and not theirs.
        """
        if self._pending or self._deleted:
            return self._without_lists()
        if exc.details.get("fault") == Fault.TOO_LARGE.value:
            raise exc
        self._slow += isinstance(exc, DSTimeoutError)
        if self._slow >= SLOW_IN_A_ROW:
            raise exc
        light = self._light(1)
        number = light.numbers[0] if light.numbers else None
        page = Page.of()
        if number is not None:
            with suppress(DSNotFoundError, DSUnauthorizedError):  # Gone since.
                page = self._client.dossier(number, self._number)
        elif light.numbers:
            page = Page.of(unreadable=(Unreadable(None, "bad_data", after=self._last),))
        if page.nodes and isinstance(exc, DSTimeoutError):
            self._size.succeeded(1)
        else:
            self._size.passed()
        self._last = number or self._last
        return replace(
            page,
            end_cursor=light.end_cursor,
            has_next=light.has_next,
            server_date=light.server_date,
            order=light.numbers,
        )

    def _settled(self, page: Page, size: int) -> Page:
        """Name a page's unreadable dossiers, and read those again that DS cannot render whole."""
        page = self._named(page, size)
        nodes, incomplete = list(page.nodes), dict(page.incomplete)
        unreadable: list[Unreadable] = []
        places = _neighbours(self._last, page.order)
        for one in page.unreadable:
            if one.number is None:
                after, before = next(places)
                unreadable.append(one._replace(after=after, before=before))
                continue
            found = self._again(one)
            nodes += found.nodes
            unreadable += found.unreadable
            incomplete |= found.incomplete
        self._last = next((number for number in reversed(page.order) if number), self._last)
        return replace(page, nodes=nodes, unreadable=tuple(unreadable), incomplete=incomplete)

    def _named(self, page: Page, size: int) -> Page:
        """Ask the light document who the dossiers without a number are."""
        if all(one.number for one in page.unreadable):
            return page
        order = self._light(size).numbers
        told = {number for number in page.order if number}
        left = [number for number in order if number not in told]
        if len(left) != page.order.count(None):
            return page  # The list has moved in between.
        names = iter(left)
        named = [one if one.number else one._replace(number=next(names)) for one in page.unreadable]
        return replace(page, unreadable=tuple(named), order=order)

    def _again(self, one: Unreadable) -> Page:
        if one.number is not None and one.code == "bad_data":
            with suppress(DSNotFoundError, DSUnauthorizedError):  # Gone since.
                return self._client.reduced_dossier(one.number, self._number, one.path)
        return Page.of(unreadable=(one,))

    def _check_progress(self, page: Page) -> None:
        """Make sure that following this page leads on.

        Raises:
            DSContractError: it does not.
        """
        if not page.has_next:
            return
        if not page.nodes and not page.order:
            raise DSContractError("DS gave an empty page and promises more. Tell DS's support.")
        if page.end_cursor is None:
            raise DSContractError("DS promises more pages without a cursor. Tell DS's support.")
        if page.end_cursor in self._seen:
            raise DSContractError(
                "DS gave the same cursor twice; following it would never end. Tell DS's support."
            )
        self._seen.add(page.end_cursor)

    def _with_order(self, page: Page) -> Page:
        dates = [node.date_derniere_modification for node in page.nodes]
        if not dates:
            return page
        goes_back = self._latest is not None and max(dates) < self._latest
        self._latest = min(dates)
        return replace(page, out_of_order=True) if goes_back else page


def _neighbours(
    last: DossierNumber | None, order: Sequence[DossierNumber | None]
) -> Iterator[tuple[DossierNumber | None, DossierNumber | None]]:
    """Yield what stands before and after each dossier without a number, in the order of a page."""
    for place, number in enumerate(order):
        if number is None:
            following = (other for other in order[place:] if other)
            yield last, next(following, None)
        else:
            last = number
