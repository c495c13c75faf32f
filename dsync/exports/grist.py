"""Keeps a table of a Grist document equal to a view, one way; all else there stays as it is.

An analyst adds columns, formulas, pages and rows of her own beside what dsync made. What is dsync's
is known by Grist's references, which stay when something is renamed, and each row by its key in the
column `dsync_cle`. Only differences are sent, because Grist keeps the history of every write.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dsync.errors import GristError
from dsync.exports.grist_client import UNWRITABLE, Column, GristClient, WantedColumn, of_grist
from dsync.exports.view_tables import ExportTable
from dsync.store.told import Made

KEY, GONE = "dsync_cle", "dsync_parti_le"
_TYPES = {
    "integer": "Numeric",  # An « Int » of Grist has 32 bits.
    "number": "Numeric",
    "date": "Date",
    "datetime": "DateTime:Europe/Paris",
}
"""Grist's type of a new column; else text, so that what is empty is not « false »."""
_HIDDEN = ["C"]
"""What Grist gives for a cell that access rules hide."""


Rows = Mapping[str, Mapping[str, Any]]
"""A view's rows by key."""


class Kept(NamedTuple):
    """What was done for a view."""

    view: str
    rows: int
    added: int = 0
    changed: int = 0
    gone: int = 0
    left: tuple[str, ...] = ()
    """What a person changed, which stays so, as sentences."""
    is_kept: bool = True
    """Whether the table is there, with the column that names its rows."""


def rows_of(
    connection: Connection, table: ExportTable, erased: Collection[int]
) -> dict[str, dict[str, Any]]:
    """Return a view's rows by key, without those of erased dossiers."""
    names = [*table.columns]
    # Of a view without a key, what a row says, and not when it last changed.
    own = table.key or [name for name in names if name != "modifie_ici_le"]
    seen: Counter[str] = Counter()
    found = {}
    for columns in table.rows(connection, None):
        for values in zip(*columns, strict=True):
            row = dict(zip(names, values, strict=True))
            if row.get("numero") in erased:
                continue
            key = _key(row, own)
            # Rows of a view without a key can be the same in all their values.
            seen[key] += 1
            found[key if seen[key] == 1 else f"{key}-{seen[key]}"] = row
    return found


def _key(row: Mapping[str, Any], own: Sequence[str]) -> str:
    numero = row.get("numero")
    if own == ("numero",):
        return str(numero)
    text = json.dumps([row.get(name) for name in own], default=str, ensure_ascii=False)
    hashed = hashlib.sha256(text.encode()).hexdigest()[:16]
    return hashed if numero is None else f"{numero}:{hashed}"


class Placed(NamedTuple):
    """A row in Grist."""

    id: int
    cells: dict[str, Any]
    """By the view's columns."""


class Mirror:
    """Keeps one view's table.

    `about` names the view and whose it is: the first label of the column of keys. Rows that left
    the view are marked with the day; those of `erased` dossiers are deleted.
    """

    def __init__(
        self,
        client: GristClient,
        view: ExportTable,
        made: Made | None,
        *,
        about: str,
        erased: Collection[int],
        today: date,
    ) -> None:
        self._client = client
        self._view = view
        self._names = (*view.columns, KEY, GONE)
        self._made = made
        self._about = f"Tenu par dsync : {about}"
        self._erased = erased
        self._today = _epoch(today)
        self._left: list[str] = []

    def keep(self, rows: Rows) -> tuple[Kept, Made]:
        """Send what differs; return what was done, and what is now dsync's there.

        Raises:
            GristError: Grist is away or refuses; what was sent stays, and is found again.
        """
        table, made = self._table(rows)
        if table is None:
            return Kept(self._view.name, 0, left=tuple(self._left), is_kept=False), made
        columns = self._columns(table, made, rows)
        if KEY not in columns:
            self._left.append(
                f"{table}: its column {KEY} was taken away. Undo that in Grist, or run "
                "dsync grist --forget, which makes other tables."
            )
            return Kept(self._view.name, 0, left=tuple(self._left), is_kept=False), made
        there = self._there(table, columns, made)
        added, changed = self._send(table, columns, there, rows)
        gone = self._leave(table, columns, there, rows)
        kept = Kept(self._view.name, len(rows), added, changed, gone, tuple(self._left))
        return kept, made._replace(lignes={key: row.id for key, row in there.items()})

    def _table(self, rows: Rows) -> tuple[str | None, Made]:
        tables = self._client.tables()
        if self._made is not None:
            table = tables.get(self._made.table_ref)
            if table is None:
                self._left.append(
                    f"{self._view.name}: its table was deleted in Grist. Leave the view out of "
                    "[grist] views, or run dsync grist --forget, which makes other tables."
                )
            return table, self._made
        # A run that was killed has made it, and could not store that.
        for ref, table in tables.items():
            columns = self._client.columns(table)
            if any(one.label == self._about for one in columns):
                return table, Made(ref, self._by_name(columns), {})
        new = [self._new(name, rows) for name in self._names]
        table = self._client.add_table(self._view.name, new)
        [ref] = [ref for ref, id_ in self._client.tables().items() if id_ == table]
        columns = self._client.columns(table)
        ids = {one.label: one.id for one in columns}
        self._client.describe(table, {ids[one.label]: one.description for one in new})
        return table, Made(ref, self._by_name(columns), {})

    def _by_name(self, columns: Sequence[Column]) -> dict[str, int]:
        """Return the references of columns that nobody has renamed yet."""
        named = {KEY if one.label == self._about else one.label: one.ref for one in columns}
        return {name: named[name] for name in self._names if name in named}

    def _new(self, name: str, rows: Rows) -> WantedColumn:
        if name == KEY:
            said = "Ce qui nomme la ligne pour dsync ; ne pas modifier."
            return WantedColumn(name, self._about, "Text", said)
        if name == GONE:
            said = "Jour depuis lequel la ligne n’est plus dans la vue de dsync."
            return WantedColumn(name, name, "Date", said)
        declared = self._view.columns[name]
        type_ = _TYPES.get(declared.type, "Text")
        if declared.type == "json" and all(
            row[name] is None or _listed(row[name]) is not None for row in rows.values()
        ):
            type_ = "ChoiceList"
        return WantedColumn(name, name, type_, declared.said)

    def _columns(self, table: str, made: Made, rows: Rows) -> dict[str, Column]:
        """Return Grist's columns by the view's; what a person took away or changed is left out."""
        by_ref = {one.ref: one for one in self._client.columns(table)}
        missing = [one for one in self._names if one not in made.colonnes]
        if missing:
            ids = self._client.add_columns(table, [self._new(name, rows) for name in missing])
            by_ref = {one.ref: one for one in self._client.columns(table)}
            by_id = {one.id: one.ref for one in by_ref.values()}
            made.colonnes.update({n: by_id[i] for n, i in zip(missing, ids, strict=True)})
        found = {}
        for name in self._names:
            column = by_ref.get(made.colonnes[name])
            if column is None:
                if name != KEY:
                    self._left.append(f"{table}.{name}: deleted in Grist, not kept any more.")
            elif column.is_formula:
                self._left.append(f"{table}.{column.id}: a formula now, not kept any more.")
            elif column.type.startswith(UNWRITABLE):
                self._left.append(f"{table}.{column.id}: of type {column.type} now, not kept.")
            else:
                found[name] = column
        return found

    def _there(self, table: str, columns: Mapping[str, Column], made: Made) -> dict[str, Placed]:
        """Return dsync's rows in Grist by key."""
        data = self._client.data(table)
        with of_grist():
            cells = {name: data[one.id] for name, one in columns.items()}
            rows = {
                id_: Placed(id_, dict(zip(cells, values, strict=True)))
                for id_, values in zip(data["id"], zip(*cells.values(), strict=True), strict=True)
            }
        if hidden := [name for name, values in cells.items() if _HIDDEN in values]:
            raise GristError(
                f"Access rules of the Grist document hide {table}.{hidden[0]} from the key, so it "
                "cannot be compared: let the key's account read it."
            )
        found: dict[str, Placed] = {}
        # A copy of a row that a person made has the key, too, and a greater id.
        for id_ in sorted(rows):
            if key := rows[id_].cells[KEY]:
                found.setdefault(str(key), rows[id_])
        found.update({key: rows[id_] for key, id_ in made.lignes.items() if id_ in rows})
        lost = [(key, id_) for key, id_ in made.lignes.items() if id_ not in rows]
        if lost and self._is_hidden(table, columns[KEY].id, *lost[0]):
            raise GristError(
                f"Access rules of the Grist document hide rows of {table} from the key, and dsync "
                "would add them once more: let the key's account read all rows."
            )
        return found

    def _is_hidden(self, table: str, column: str, key: str, id_: int) -> bool:
        """Return whether a row that is not seen is there: a deleted one cannot be changed."""
        try:
            self._client.update(table, [{"id": id_, column: key}])
        except GristError as exc:
            return bool(exc.details.get("status") == 403)
        return True

    def _send(
        self,
        table: str,
        columns: Mapping[str, Column],
        there: dict[str, Placed],
        rows: Rows,
    ) -> tuple[int, int]:
        new: dict[str, dict[str, Any]] = {}
        changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for key, row in rows.items():
            cells = {
                name: cell(key if name == KEY else row.get(name), one.type)
                for name, one in columns.items()
            }
            if key not in there:
                new[key] = cells
                continue
            before = there[key].cells
            differ = {n: v for n, v in cells.items() if canonical(v) != canonical(before[n])}
            if differ:
                by_id = {columns[name].id: value for name, value in differ.items()}
                changes.setdefault(tuple(by_id), []).append({"id": there[key].id, **by_id})
        for some in changes.values():
            self._client.update(table, some)
        keys = iter(new)
        as_grist = [{columns[n].id: value for n, value in one.items()} for one in new.values()]
        for ids in self._client.add(table, as_grist):
            for id_ in ids:
                key = next(keys)
                there[key] = Placed(id_, new[key])
        return len(new), sum(map(len, changes.values()))

    def _leave(
        self,
        table: str,
        columns: Mapping[str, Column],
        there: dict[str, Placed],
        rows: Rows,
    ) -> int:
        gone = {key: row.id for key, row in there.items() if key not in rows}
        erased = {str(one) for one in self._erased}
        to_delete = [key for key in gone if key.partition(":")[0] in erased]
        self._client.delete(table, [gone[key] for key in to_delete])
        for key in to_delete:
            del there[key]
        if (mark := columns.get(GONE)) is None:
            return len(to_delete)
        to_mark = [key for key in gone if key in there and not there[key].cells[GONE]]
        self._client.update(table, [{"id": gone[key], mark.id: self._today} for key in to_mark])
        return len(to_delete) + len(to_mark)


def cell(value: Any, type_: str) -> Any:
    """Return a value as a cell of a column that has this type now."""
    if type_ == "Bool":
        return bool(value)
    if value is None or value == "":
        return None
    if type_ in ("Numeric", "Int"):
        return value if isinstance(value, (int, float)) else _number(str(value))
    if type_ == "Date" or type_.startswith("DateTime"):
        return _epoch(value) if isinstance(value, date) else str(value)
    listed = _listed(value)
    if type_ == "ChoiceList":
        return ["L", *(listed if listed is not None else [_text(value)])]
    return _text(value) if listed is None else " ; ".join(listed)


def canonical(value: Any) -> Any:
    """Return what is compared: Grist may give a number as text, and an empty cell in three ways."""
    if value in (None, "", ["L"]):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _epoch(day: date) -> int:
    if not isinstance(day, datetime):
        day = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(day.timestamp())


def _listed(value: Any) -> list[str] | None:
    """Return the texts of a JSON list, None for anything else."""
    if not (isinstance(value, str) and value.startswith("[")):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if all(isinstance(one, str) for one in found) else None
