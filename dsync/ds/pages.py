"""The reading of a démarche's dossiers, page after page, at the size that DS bears.

A page counts only whole: DS's own cursor lies past the nodes that it did not deliver, so a page
with an error is asked again at the same place, smaller, until it comes whole or one dossier
stands alone. That one is named by the light document, given back as rejected, and passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.ds.answers import DeletedPage, LightPage, ListRequest, Page, Rejected
from dsync.ds.classify import Fault
from dsync.ds.reading import DELETIONS
from dsync.ds.sizes import PageSize
from dsync.errors import DSBadDataError, DSContractError, DSError, DSTimeoutError

log = structlog.get_logger(__name__)
MOST = 100
"""DS gives no more, whatever is asked."""


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
        """Return a page that came whole."""

    def read_light_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
    ) -> LightPage:
        """Return a page's numbers."""

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
        max_page_size: int = MOST,
        pending: ListRequest | None = None,
        deleted: ListRequest | None = None,
    ) -> None:
        self._client = client
        self._number = number
        self._since = updated_since
        self._cursor = after
        self._size = PageSize(page_size, min(max_page_size, MOST))
        self._pending = pending
        self._deleted = deleted
        self._seen = {after} if after else set()
        self._latest: datetime | None = None
        self._lists_error: DSError | None = None
        self._probed: str | None = ""
        """Where DS was last seen alive after an internal error; no cursor is empty."""

    @property
    def page_size(self) -> int:
        """The size that DS bears now, to be remembered for the next crawl."""
        return self._size.usual

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
        """Return the page at the cursor, as large as it comes whole."""
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
                if size > 1:
                    self._tell_from_outage(exc)
                    self._shrink(exc)
                    continue
                return self._alone(exc)
            self._size.succeeded(len(page.nodes))
            self._pending = self._deleted = None
            return page

    def _ask(self, size: int) -> Page:
        return self._client.read_page(
            self._number,
            first=size,
            after=self._cursor,
            updated_since=self._since,
            pending=self._pending,
            deleted=self._deleted,
        )

    def _tell_from_outage(self, exc: DSError) -> None:
        """After an internal error, once a place: is it the page, or DS as a whole?

        Raises:
            DSError: not even one number can be had; smaller pages would only add to its load.
        """
        if exc.details.get("fault") != Fault.SERVER_ERROR.value or self._probed == self._cursor:
            return
        self._client.read_light_page(
            self._number, first=1, after=self._cursor, updated_since=self._since
        )
        self._probed = self._cursor

    def _shrink(self, exc: DSError) -> None:
        if isinstance(exc, DSTimeoutError):
            self._size.timed_out()
        else:
            self._size.broken(exc.details.get("position"))

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
        """Pass the dossier at the cursor, if it is the dossier.

        Raises:
            DSError: even its number cannot be had, or DS refuses so small a query.
        """
        if self._pending or self._deleted:
            return self._without_lists()
        if exc.details.get("fault") == Fault.TOO_LARGE.value:
            raise exc
        light = self._client.read_light_page(
            self._number, first=1, after=self._cursor, updated_since=self._since
        )
        try:
            page = self._ask(1)  # Once more: DS may just have come back from an outage.
        except (DSTimeoutError, DSBadDataError) as again:
            exc = again
        else:
            self._size.succeeded(len(page.nodes))
            return page
        self._size.passed()
        code = "timeout" if isinstance(exc, DSTimeoutError) else "bad_data"
        return Page(
            nodes=[],
            end_cursor=light.end_cursor,
            has_next=light.has_next,
            server_date=light.server_date,
            active_revision_id=None,
            rejected=tuple(Rejected(number, code, exc.message) for number in light.numbers),
        )

    def _check_progress(self, page: Page) -> None:
        """Make sure that following this page leads on.

        Raises:
            DSContractError: it does not.
        """
        if not page.has_next:
            return
        if not page.nodes and not page.rejected:
            raise DSContractError("DS gave an empty page and promises more. Tell DS's support.")
        if page.end_cursor is None:
            raise DSContractError("DS promises more pages without a cursor. Tell DS's support.")
        if page.end_cursor in self._seen:
            raise DSContractError(
                "DS gave the same cursor twice; following it would never end. Tell DS's support."
            )
        self._seen.add(page.end_cursor)

    def _with_order(self, page: Page) -> Page:
        dates = [node.modified_at for node in page.nodes if node.modified_at]
        if not dates:
            return page
        goes_back = self._latest is not None and max(dates) < self._latest
        self._latest = min(dates)
        return replace(page, out_of_order=True) if goes_back else page
