"""Reads a view's rows, converted to the types that the files have."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text

from dsync.domain.ids import DemarcheNumber
from dsync.domain.json_bytes import json_bytes
from dsync.store.dictionary import pseudonymised
from dsync.store.form_views import demarche_of

BATCH = 1_000
"""Number of rows in memory at a time."""

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A view to export."""

    name: str
    description: str
    columns: Mapping[str, str]
    """A sentence for each column, in order."""
    types: Mapping[str, str]
    """The type of each column, a key of `CONVERTERS`."""
    demarche: DemarcheNumber | None = None
    """The démarche whose rows are exported, if the view names démarches; None: of all."""
    is_pseudonymised: bool = False
    """Whether what is of a person alone is left out."""

    def count(self, connection: Connection, since: datetime | None) -> int:
        """Return the number of rows that `rows` yields."""
        statement = f"SELECT count(*) FROM {self._selected(since)}"  # noqa: S608 - our own names
        return connection.scalar(text(statement), self._values(since)) or 0

    def rows(self, connection: Connection, since: datetime | None) -> Generator[list[Row]]:
        """Yield the rows in batches, ordered by the dossier's number; close it to end early.

        Args:
            connection: in a transaction.
            since: only rows of dossiers with an event since this instant; tables that are not about
                single dossiers are whole. None: all rows.
        """
        order = " ORDER BY numero" if "numero" in self.columns else ""
        with connection.execution_options(yield_per=BATCH).execute(
            text(f"SELECT {self._names} FROM {self._selected(since)}{order}"),  # noqa: S608
            self._values(since),
        ) as found:
            # Without the size, SQLite's driver gives one row at a time.
            for some in found.partitions(BATCH):
                yield self._converted(some)

    def rows_of(self, connection: Connection, numbers: Sequence[int]) -> Iterator[list[Row]]:
        """Yield the rows of a table with one row a dossier, in batches and in a given order.

        Args:
            connection: in a transaction.
            numbers: the dossiers', in the order of the rows.
        """
        statement = text(
            # The number once more, because the exported columns may lack it.
            f'SELECT {self._names}, numero AS k FROM "{self.name}" '  # noqa: S608
            "WHERE numero IN :numbers"
        ).bindparams(bindparam("numbers", expanding=True))
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            found = connection.execute(statement, {"numbers": some})
            by_number = {row[-1]: row[:-1] for row in found}
            yield self._converted([by_number[number] for number in some if number in by_number])

    @property
    def _names(self) -> str:
        return ", ".join(
            pseudonymised(self.name, f'"{name}"', sentence)
            if self.is_pseudonymised
            else f'"{name}"'
            for name, sentence in self.columns.items()
        )

    def _converted(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        converters = [CONVERTERS[self.types[name]] for name in self.columns]
        return [
            [
                None if value is None else convert(value)
                for convert, value in zip(converters, row, strict=True)
            ]
            for row in rows
        ]

    def _selected(self, since: datetime | None) -> str:
        conditions = []
        # The views `formulaire_<démarche>` hold one démarche only.
        is_of_all = "demarche_numero" in self.columns and demarche_of(self.name) is None
        if self.demarche is not None and is_of_all:
            conditions.append("demarche_numero = :demarche")
        if since is not None and "numero" in self.columns:
            later = "SELECT numero FROM lecture_evenement WHERE survenu_le >= :since"
            conditions.append(f"numero IN ({later})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f'"{self.name}"{where}'

    def _values(self, since: datetime | None) -> dict[str, Any]:
        # In the form of the views on SQLite, which have instants as texts.
        instant = since and since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {"demarche": self.demarche, "since": instant}
        return {name: value for name, value in given.items() if value is not None}


def _datetime(value: datetime | str) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json_bytes(value).decode()


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": _date,
    "datetime": _datetime,
    "json": _json,
    "text": str,
}
"""Makes a column's value of what the database returns, by type."""
