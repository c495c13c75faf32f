"""The part of Grist's REST API that keeps tables of one document, with its limits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from urllib3.exceptions import HTTPError

from dsync.errors import GristError, InterruptedRunError
from dsync.exchanges import MIB, Exchanges, session_through

MOST_ROWS, MOST_BYTES = 1_000, 500_000
"""Of one request: Grist refuses bodies above 1 MiB, and is fastest with so many rows."""
DEADLINE_S = 120.0
"""Of one request: a large document that sleeps is loaded first."""
TIMEOUT_S = (10, DEADLINE_S)
MOST_MIB = 512
"""Of one answer."""
UNWRITABLE = ("Ref:", "RefList:", "Attachments")
"""Types of columns whose values are ids of rows or files, which dsync does not have."""

Columns = Mapping[str, Sequence[Any]]
"""Cells by the column's id."""


class Column(NamedTuple):
    """A column as it is in Grist now."""

    ref: int
    """Its identity, which stays when it is renamed."""
    id: str
    label: str
    type: str
    is_formula: bool


class WantedColumn(NamedTuple):
    """A column to make."""

    name: str
    label: str
    type: str
    description: str


_NO_GRIST = (
    "What answers is no Grist: correct [grist] document, the address that Grist shows under "
    "« Settings », « API »."
)


@contextmanager
def of_grist() -> Iterator[None]:
    """Read an answer; GristError: it has not the form of Grist's."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
        raise GristError(_NO_GRIST) from exc


class GristBusyError(GristError):
    """Grist asks to wait; nothing was done."""


class GristClient:
    """One document, by the address that Grist shows under « Settings », « API ».

    Every method raises GristError with the reason: Grist is away or refuses; and
    InterruptedRunError once `stop` is set.
    """

    def __init__(
        self, document: str, key: str, *, user_agent: str, stop: threading.Event | None = None
    ) -> None:
        self._document = document.rstrip("/")
        headers = {
            "Authorization": f"Bearer {key}",
            "User-Agent": user_agent,
            "Accept": "application/json",
        }
        self._stop = stop or threading.Event()
        self._http = Exchanges(
            lambda adapter: session_through(adapter, **headers),
            max_bytes=MOST_MIB * MIB,
            stop=self._stop,
        )
        self._end: float | None = None
        self.writes = 0
        """The requests that changed something."""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def end_within(self, seconds: float | None) -> None:
        """Have all further requests together end so soon; None: each has its own deadline."""
        self._end = None if seconds is None else time.monotonic() + seconds

    @of_grist()
    def tables(self) -> dict[int, str]:
        """Return the ids of the tables by their references, which stay when they are renamed."""
        found = self._ask("GET", "/tables")["tables"]
        return {one["fields"]["tableRef"]: one["id"] for one in found}

    @of_grist()
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns, but for those that Grist itself hides."""
        return [
            Column(
                one["fields"]["colRef"],
                one["id"],
                one["fields"].get("label") or "",
                one["fields"].get("type") or "",
                bool(one["fields"].get("isFormula") and one["fields"].get("formula")),
            )
            for one in self._ask("GET", f"/tables/{table}/columns")["columns"]
        ]

    @of_grist()
    def add_table(self, name: str, columns: Sequence[WantedColumn]) -> str:
        """Make a table and return its id, which need not be the name."""
        body = {"tables": [{"id": name, "columns": [*map(_new, columns)]}]}
        made: str = self._ask("POST", "/tables", body)["tables"][0]["id"]
        return made

    @of_grist()
    def add_columns(self, table: str, columns: Sequence[WantedColumn]) -> list[str]:
        """Make columns and return their ids."""
        body = {"columns": [*map(_new, columns)]}
        return [one["id"] for one in self._ask("POST", f"/tables/{table}/columns", body)["columns"]]

    def describe(self, table: str, descriptions: Mapping[str, str]) -> None:
        """Set the descriptions of columns by their ids: a new table has none."""
        columns = [{"id": id_, "fields": {"description": one}} for id_, one in descriptions.items()]
        self._ask("PATCH", f"/tables/{table}/columns", {"columns": columns})

    def data(self, table: str) -> dict[str, list[Any]]:
        """Return all rows that the key may see, by column; `id` has their ids."""
        found: dict[str, list[Any]] = self._ask("GET", f"/tables/{table}/data")
        return found

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
        """Add rows, all of the same columns; yield the ids of each batch that is in."""
        for some in _batches(rows):
            yield self._ask("POST", f"/tables/{table}/data?noparse=true", _by_column(some))

    def update(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, all of the same columns, of which `id` names the row."""
        for some in _batches(rows):
            self._ask("PATCH", f"/tables/{table}/data?noparse=true", _by_column(some))

    def delete(self, table: str, ids: Sequence[int]) -> None:
        """Delete rows."""
        for start in range(0, len(ids), MOST_ROWS):
            self._ask("POST", f"/tables/{table}/data/delete", [*ids[start : start + MOST_ROWS]])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        # What Grist refused for now was not done, so that it can be sent again. Of a request
        # without an answer that is unknown: the next run looks what is there.
        again = Retrying(
            retry=retry_if_exception_type(GristBusyError),
            wait=wait_exponential_jitter(1, 20),
            stop=stop_after_attempt(6),
            sleep=self._pause,
            reraise=True,
        )
        return again(self._ask_once, method, path, body)

    def _left_s(self) -> float:
        if self._end is None:
            return DEADLINE_S
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            raise GristError("Grist is too slow: what is left is sent later.")
        return min(left_s, DEADLINE_S)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(min(seconds, self._left_s())):
            raise InterruptedRunError("Asked to stop; Grist was not asked again.")

    def _ask_once(self, method: str, path: str, body: Any) -> Any:
        self.writes += method != "GET"
        try:
            answer = self._http.run(
                lambda session: session.request(
                    method,
                    f"{self._document}{path}",
                    json=body,
                    timeout=TIMEOUT_S,
                    allow_redirects=False,
                ),
                deadline_s=self._left_s(),
            )
        except (requests.RequestException, HTTPError) as exc:
            raise GristError(
                f"Grist does not answer ({type(exc).__name__}); try again later."
            ) from exc
        if answer.status_code == 429:
            raise GristBusyError("Grist has too much to do (HTTP 429); try again later.")
        if answer.status_code >= 300:
            raise GristError(_refusal(answer.status_code), status=answer.status_code)
        with of_grist():
            return answer.json()


def _new(column: WantedColumn) -> dict[str, Any]:
    return {"id": column.name, "fields": {"label": column.label, "type": column.type}}


def _refusal(status: int) -> str:
    if status in (401, 403):
        return (
            "Grist refuses the key: give DSYNC_GRIST_KEY the one of an account that may edit the "
            "document and its structure."
        )
    if status == 404:
        return "Grist has no such document, or the key's account does not see it: [grist] document."
    if status >= 500:
        return f"Grist is out of order (HTTP {status}); try again later."
    return f"Grist refuses a request of dsync (HTTP {status})."


def _batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    some: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row))
        if some and (len(some) == MOST_ROWS or size + length > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(row)
        size += length
    if some:
        yield some


def _by_column(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
