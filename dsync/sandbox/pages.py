"""Pages of dossiers and of the two lists of deletions: cursors, orders, limits."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dsync.sandbox.answers import FieldError, invalid_input

MAX_PAGE = 100

Key = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Ask:
    """The arguments of a page."""

    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None
    order: str | None = "ASC"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its keys in the order they are served, and what lies around it."""

    keys: list[Key]
    has_next: bool
    has_previous: bool


class Connection:
    """A page that is cut when it is first looked at; what is wrong with it shows only then."""

    def __init__(self, keys: Sequence[Key], ask: Ask, value_of: Callable[[Key], Any]) -> None:
        self._keys = keys
        self._ask = ask
        self._value_of = value_of
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        """The page.

        Raises:
            FieldError: when arguments exclude each other or a cursor cannot be read.
        """
        if self._page is None:
            self._page = cut(self._keys, self._ask)
        return self._page

    def nodes(self) -> list[Any]:
        """Return what is on the page."""
        return [self._value_of(key) for key in self.page.keys]

    def edges(self) -> list[dict[str, Any]]:
        """Return what is on the page, each with its cursor."""
        return [{"cursor": cursor(key), "node": self._value_of(key)} for key in self.page.keys]


def cursor(key: Key) -> str:
    """Return the cursor of a position: base64 of a UTC timestamp and an id, without padding."""
    at, number = key
    text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z;{number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(text: str) -> Key | None:
    """Return the position that a cursor names, None for a well-formed one that names none.

    Raises:
        FieldError: when it is not base64.
    """
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise invalid_input(text) from exc
    at, _, number = decoded.partition(";")
    try:
        return datetime.fromisoformat(at[:26] + "+00:00"), int(number)
    except ValueError:
        return None


def cut(keys: Sequence[Key], ask: Ask) -> Page:
    """Cut a page out of the sorted keys.

    Raises:
        FieldError: when arguments exclude each other or a cursor cannot be read.
    """
    _refuse_both("first", ask.first is not None, "last", ask.last is not None)
    _refuse_both("before", bool(ask.before), "after", bool(ask.after))
    descending = ask.order == "DESC"
    size = MAX_PAGE if ask.first is ask.last is None else ask.first or ask.last or 0
    size = max(0, min(MAX_PAGE, size))
    low, high = 0, len(keys)
    text = ask.after or ask.before
    if text:
        at = position(text)
        if at is None:
            return Page([], has_next=bool(ask.before), has_previous=bool(ask.after))
        if bool(ask.after) != descending:
            low = bisect_right(keys, at)
        else:
            high = bisect_left(keys, at)
    more = high - low > size
    from_the_end = bool(ask.before) or (ask.last is not None and not ask.after)
    if from_the_end != descending:
        page = list(keys[max(low, high - size) : high])
    else:
        page = list(keys[low : min(high, low + size)])
    if descending:
        page.reverse()
    if from_the_end:
        return Page(page, has_next=bool(ask.before), has_previous=more)
    return Page(page, has_next=more, has_previous=bool(ask.after))


def _refuse_both(one: str, is_one: bool, other: str, is_other: bool) -> None:
    if is_one and is_other:
        told = f'Arguments "{one}" and "{other}" are exclusive'
        raise FieldError(told, "bad_request")
