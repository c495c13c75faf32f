"""The base class of all reads and writes, and bulk writes for both engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Connection,
    Dialect,
    FromClause,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeDecorator, TypeEngine

from dsync.domain.dossier import Etat, Presence
from dsync.domain.due import FIRST
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import StoreError
from dsync.programme import Programme
from dsync.store import tables

Rows = Sequence[Mapping[str, Any]]
"""Values by column, the same columns in each row."""


CLOCK_TOLERANCE = timedelta(minutes=5)
"""Tolerated difference of two clocks: a stored instant further ahead than this is wrong."""
LONGEST_WAIT = timedelta(days=1)
"""Maximum delay of a retry: a stored instant of a retry further ahead than this is wrong."""


AT_ONCE = 500
"""Number of rows in memory, or in a statement, at a time."""


class _Numbers(TypeDecorator[list[int | None]]):
    """Whole numbers as one value: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the engine's type."""
        is_array = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(BigInteger) if is_array else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the engine's value."""
        return [*value] if dialect.name == "postgresql" else json.dumps([*value])


class among(FunctionElement[bool]):  # noqa: N801 - read as the operator that it is
    """The condition that a column is one of some numbers, which are one parameter.

    With `Column.in_` they are one each, and the statement is made, and converted and prepared by
    PostgreSQL's driver, anew for each count of them, which took longer than to execute it.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], numbers: Iterable[int | None] | str) -> None:
        """`numbers`: also the name of a parameter, for a statement that is made once."""
        given: Any = (
            bindparam(numbers, type_=_Numbers())
            if isinstance(numbers, str)
            else bindparam(None, [*numbers], _Numbers(), unique=True)
        )
        super().__init__(column, given)

    def self_group(self, against: Any = None) -> Any:
        """Return it as it is: with `= 1`, as of a function, SQLite would use no index."""
        return self


@compiles(among, "postgresql")
def _among_array(element: among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, numbers = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} = ANY ({numbers})"


@compiles(among, "sqlite")
def _among_json(element: among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, numbers = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - no value in it


def is_in(etats: Collection[Etat]) -> ColumnElement[bool]:
    """Return the condition on table `dossier` that a dossier is in one of these states."""
    return tables.dossier.c.etat.in_([etat.value for etat in etats])


def is_shown(etats: Collection[Etat]) -> ColumnElement[bool]:
    """Return the condition that DS shows a dossier, in one of these states."""
    return and_(tables.dossier.c.presence == Presence.PRESENT.value, is_in(etats))


def insert_for(dialect: Dialect, table: Table) -> Any:
    """Return the dialect's INSERT: SQLAlchemy has one class per dialect for ON CONFLICT."""
    # Imported here, because SQLAlchemy's PostgreSQL dialect takes 30 ms, which SQLite users save.
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def excluded(column: str) -> ColumnElement[Any]:
    """Return the value of a column in the row that conflicts.

    SQLAlchemy's own `Insert.excluded` makes a copy of the table with all its columns each time.
    """
    return literal_column(f"excluded.{column}")


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; missing columns get their default or NULL."""
    _write(connection, _inserting, table, rows)


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, or update those with the same key; missing columns keep their values."""
    _write(connection, _upserting, table, rows)


def insert_missing(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row unless its key is there, also where another process inserts it meanwhile."""
    statement = insert_for(connection.dialect, table).values(row)
    connection.execute(statement.on_conflict_do_nothing())


def update_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Update existing rows by their key; missing columns keep their values."""
    _write(connection, _updating, table, rows)


_Making = Callable[[Dialect, Table, Sequence[str]], Any]
"""Makes the statement that writes columns of rows."""


def _inserting(_: Dialect, table: Table, names: Sequence[str]) -> Any:
    return insert(table).values(_given(names))


def _upserting(dialect: Dialect, table: Table, names: Sequence[str]) -> Any:
    keys = [column.name for column in table.primary_key]
    changes = {name: excluded(name) for name in names if name not in keys}
    statement = insert_for(dialect, table).values(_given(names))
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def _updating(_: Dialect, table: Table, names: Sequence[str]) -> Any:
    keys = [column.name for column in table.primary_key]
    # The keys' parameters have a prefix, because SQLAlchemy reserves the columns' own names for
    # the values that are set.
    statement = update(table).where(*(table.c[key] == bindparam(_KEY + key) for key in keys))
    return statement.values(_given(name for name in names if name not in keys))


_KEY = "key_"


def _given(names: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    return {name: bindparam(name) for name in names}


class _Statement(NamedTuple):
    """A statement that writes rows, compiled."""

    sql: str
    places: Sequence[tuple[str, str, Callable[[Any], Any] | None]]
    """Each parameter's name, its column, and what makes the engine's value of the column's."""
    is_positional: bool
    defaults: Mapping[str, Any]
    """The values of the columns that the rows lack."""


@lru_cache(maxsize=256)
def _compiled(
    dialect: Dialect, making: _Making, table: Table, names: tuple[str, ...]
) -> _Statement:
    compiled: Any = making(dialect, table, names).compile(dialect=dialect, for_executemany=True)
    return _Statement(
        compiled.string,
        [
            (name, name.removeprefix(_KEY), one.type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or compiled.binds
            for one in (compiled.binds[name],)
        ],
        compiled.positional,
        {
            c.name: c.default.arg
            for c in table.c
            if isinstance(c.default, ScalarElementColumnDefault) and c.name not in names
        },
    )


def _write(connection: Connection, making: _Making, table: Table, rows: Rows) -> None:
    """Execute a statement with rows.

    SQLAlchemy would look at each row's columns again and again, which took longer than the engine.
    """
    if not rows:
        return
    sql, places, is_positional, defaults = _compiled(
        connection.dialect, making, table, tuple(rows[0])
    )
    if defaults:
        rows = [{**defaults, **row} for row in rows]
    values = [
        tuple([row[name] if of is None else of(row[name]) for _, name, of in places])
        for row in rows
    ]
    if is_positional:
        connection.exec_driver_sql(sql, values)
    else:
        names = [name for name, *_ in places]
        connection.exec_driver_sql(sql, [dict(zip(names, one, strict=True)) for one in values])


def first_of(found: Select[Any] | CompoundSelect[Any], *group: str) -> Select[Any]:
    """Select the first dossiers of each group, as many as verdicts rest on, by their deposits."""
    rows = found.subquery()
    by = [rows.c[name] for name in group]
    place = func.row_number().over(partition_by=by, order_by=[rows.c.depose_le, rows.c.numero])
    placed = select(rows, place.label("place")).subquery()
    shown = [placed.c[name] for name in ("numero", *group)]
    first = select(*shown).where(placed.c.place <= FIRST)
    return first.order_by(placed.c.depose_le, placed.c.numero)


def is_first(one: FromClause, counted: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that verdicts rest on a dossier, if it counts: few of `counted` precede.

    `one` is an alias of table `dossier`; `counted` selects others from that table itself.
    """
    other = tables.dossier.c
    precedes = tuple_(other.depose_le, other.numero) < tuple_(one.c.depose_le, one.c.numero)
    return ~counted.where(precedes).offset(FIRST - 1).limit(1).exists()


class Scope(NamedTuple):
    """A transaction, and what it is about."""

    connection: Connection
    number: DemarcheNumber | None
    """The démarche's; None: no method that needs it is called."""
    programme: type[Programme]
    """The programme's part of the database."""
    touched: set[int] | None = None
    """The dossiers of which something that views show was written; None: they are not asked for."""


class Subject:
    """Base of `Tx`, of `Reader` and of the objects that they offer, one per subject.

    The class of an object of `Reader` reads; that of `Tx` adds to it what writes.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.connection, self._number, self.programme, self._touched = scope

    @property
    def number(self) -> DemarcheNumber:
        """The number of the transaction's démarche; a `StoreError` if it was opened without one."""
        if self._number is None:
            raise StoreError("This query needs a démarche: open the transaction with its number.")
        return self._number

    def touch(self, numbers: Iterable[int]) -> None:
        """Note that something which views show of these dossiers is written."""
        if self._touched is not None:
            self._touched.update(numbers)

    def touch_all(self) -> None:
        """Note it of all dossiers of the démarche."""
        self.touch(self._dossiers())

    def _add_rows(self, table: Table, rows: Rows) -> None:
        """Insert rows about dossiers."""
        if rows:
            insert_rows(self.connection, table, rows)
            self.touch(row["numero"] for row in rows)

    def _tables_of_dossiers(self) -> list[Table]:
        """Return the programme's tables that have a dossier's number."""
        own = self.programme.storage.metadata.sorted_tables
        return [table for table in own if "numero" in table.c]

    def _present(self, now: datetime) -> datetime:
        """Return the present instant by PostgreSQL's clock; on SQLite, `now`.

        Workers on several machines must agree on the age of a mutation or of an alert.
        """
        if self.connection.dialect.name != "postgresql":
            return now
        present: datetime = self.connection.execute(select(func.clock_timestamp())).scalar_one()
        return present

    def _dossiers(
        self, *conditions: ColumnElement[bool], presence: Presence | None = None
    ) -> list[DossierNumber]:
        """Return the démarche's dossiers, or those of a presence, that meet conditions."""
        dossier = tables.dossier.c
        ours = dossier.demarche_numero == self.number
        theirs = ours if presence is None else self._is_present(presence)
        found = select(dossier.numero).where(theirs, *conditions).order_by(dossier.numero)
        return [DossierNumber(numero) for numero in self.connection.scalars(found)]

    def _is_present(self, presence: Presence = Presence.PRESENT) -> ColumnElement[bool]:
        """Return the condition on table `dossier` for the démarche's dossiers of a presence."""
        dossier = tables.dossier.c
        return and_(
            dossier.demarche_numero == self.number,
            dossier.presence == presence.value,
        )


def literal(value: str) -> str:
    """Return a text as SQL."""
    return "'" + value.replace("'", "''") + "'"
