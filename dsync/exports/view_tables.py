"""The tables of an export: rows of views, converted to the types that the files have, and counts.

Counts are for publication as open data: no group of fewer than `LEAST` dossiers can be told. Each
such table divides the dossiers of a démarche into groups, counts each dossier once, and has no
total: what small groups have in common with others is one row, so that no sum or difference of
rows is about fewer dossiers. The tables share no column, so that none completes another one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Float, Integer, bindparam, inspect, text

from dsync.domain.documented import Declared
from dsync.domain.dossier import Cell, in_utc
from dsync.domain.ids import DemarcheNumber
from dsync.domain.json_bytes import json_bytes
from dsync.errors import DamagedJsonError
from dsync.store.dictionary import DOSSIER_COLUMNS, is_closed, of_person, pseudonymised
from dsync.store.form_views import rows_of

ROLL = "dossiers"
"""The file of an incremental export with the number of each dossier, and when it changed."""
BATCH = 1_000
"""Number of rows in memory at a time."""

_QUOTED = '"{}"'
_AS_ON_SQLITE = {
    **dict.fromkeys(("text", "json"), 'CAST("{}" AS text) COLLATE "C"'),
    "datetime": "date_trunc('second', \"{}\")",
}
"""How PostgreSQL orders as SQLite does: texts by their bytes, instants by their seconds."""

Columns = Sequence[Sequence[Any]]
"""Some rows by columns: most columns need no conversion, which is seen for all values at once."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A view to export."""

    name: str
    description: str
    columns: Mapping[str, Declared]
    """In order; their types are keys of `CONVERTERS`."""
    demarche: DemarcheNumber | None = None
    """The démarche whose rows are exported, if the view names démarches; None: of all."""
    is_pseudonymised: bool = False
    """Whether what is of a person alone is left out."""
    deliberated: Collection[int] = ()
    """The démarches of which the jury's marks are then shown."""
    key: tuple[str, ...] = ()
    """The columns that together name a row; none: all do."""
    remark: str = ""
    """What the description of the whole export says of such tables."""
    is_roll: bool = False
    """Whether it is the roll that an incremental export has beside the views: all dossiers."""

    @property
    def file(self) -> str:
        """The name of its file, without the ending."""
        return ROLL if self.is_roll else self.name

    @property
    def is_by_dossier(self) -> bool:
        """Whether its rows change with their dossier alone, and not with others or the clock."""
        moved = self.columns.get("modifie_ici_le")
        of_dossier = DOSSIER_COLUMNS["modifie_ici_le"].sentence
        return moved is not None and moved.sentence == of_dossier and not self.is_roll

    def count(self, connection: Connection, since: datetime | None) -> int:
        """Return the number of rows that `rows` yields."""
        statement = f"SELECT count(*) FROM {self._selected(since)}"  # noqa: S608 - our own names
        return connection.scalar(text(statement), self._values(since)) or 0

    def rows(
        self, connection: Connection, since: datetime | None, *, as_texts: bool = False
    ) -> Generator[Columns]:
        """Yield the rows in batches, none empty, in an order that is the same on both engines.

        By the dossier's number, then by the view's key.

        `since`: only rows of dossiers that have changed here since this instant; a table that is
        not `is_by_dossier` is whole. `as_texts`: days and instants that the database gives
        as ISO texts stay such. Close it to end early.
        """
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite and self.name == CELLS_VIEW and not self.is_pseudonymised:
            found = cell_columns(connection, self._where(since), self._values(since))
            yield from (self._converted(some, as_texts=as_texts) for some in found)
            return
        order = self._order(is_sqlite=is_sqlite)
        with connection.execution_options(yield_per=BATCH).execute(
            text(f"SELECT {self._names} FROM {self._selected(since)} ORDER BY {order}"),  # noqa: S608
            self._values(since),
        ) as found:
            batches: Iterator[Sequence[Sequence[Any]]] = found.partitions(BATCH)
            if is_sqlite and found.cursor is not None:
                # The driver's own rows: SQLAlchemy's take a twentieth of an export's time.
                batches = iter(partial(found.cursor.fetchmany, BATCH), [])
            for some in batches:
                yield self._converted([*zip(*some, strict=True)], as_texts=as_texts)

    def rows_of(
        self, connection: Connection, numbers: Sequence[int]
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield batches of a table with one row a dossier, in the order of `numbers`."""
        statement = text(
            # The number once more, because the exported columns may lack it.
            f'SELECT {self._names}, numero AS k FROM "{self.name}" '  # noqa: S608
            "WHERE numero IN :numbers"
        ).bindparams(bindparam("numbers", expanding=True))
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            found = connection.execute(statement, {"numbers": some})
            by_number = {row[-1]: row[:-1] for row in found}
            rows = [by_number[number] for number in some if number in by_number]
            yield [*zip(*self._converted([*zip(*rows, strict=True)]), strict=True)]

    @property
    def _names(self) -> str:
        person = of_person(f'"{self.name}"', self.columns)
        return ", ".join(
            pseudonymised(f'"{name}"', one.mark, self._is_deliberated, person)
            if self.is_pseudonymised
            else f'"{name}"'
            for name, one in self.columns.items()
        )

    def _order(self, *, is_sqlite: bool) -> str:
        first = ["numero"] if "numero" in self.columns else []
        known = [name for name in self.key if name in self.columns]
        names = dict.fromkeys(
            [*first, *(known if known == [*self.key] and known else self.columns)]
        )
        forms = {} if is_sqlite else _AS_ON_SQLITE
        ordered = sorted(names, key=lambda name: self.columns[name].type == "json")
        return ", ".join(
            f"{forms.get(self.columns[name].type, _QUOTED).format(name)} NULLS FIRST"
            for name in ordered
        )

    @property
    def _is_deliberated(self) -> str:
        numbers = ", ".join(map(str, sorted(self.deliberated)))
        return f"demarche_numero IN ({numbers})" if numbers else "false"

    def _converted(self, columns: Columns, *, as_texts: bool = False) -> Columns:
        return [
            values if as_texts and _is_iso(one.type, values) else _column(one.type, values)
            for one, values in zip(self.columns.values(), columns, strict=True)
        ]

    def _selected(self, since: datetime | None) -> str:
        return f'"{self.name}"{self._where(since)}'

    def _where(self, since: datetime | None) -> str:
        conditions = ["false"] if self.is_pseudonymised and is_closed(self.columns) else []
        if self.demarche and (own := rows_of(self.demarche, self.name, self.columns)):
            conditions.append(own)
        if since is not None and self.is_by_dossier:
            conditions.append("modifie_ici_le >= :since")
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _values(self, since: datetime | None) -> dict[str, Any]:
        return {"since": iso(since)} if since else {}


def raw_tables(connection: Connection, foreign: Collection[str]) -> list[ExportTable]:
    """Return all tables of a database of any layout as they are, but `foreign` ones.

    Whole numbers and numbers stay such; all else is text.
    """
    found, tables = inspect(connection), []
    for name in sorted({*found.get_table_names()} - {*foreign}):
        columns = {
            one["name"]: Declared(
                type="integer"
                if isinstance(one["type"], Integer)
                else "number"
                if isinstance(one["type"], Float)
                else "text"
            )
            for one in found.get_columns(name)
        }
        key = tuple(found.get_pk_constraint(name)["constrained_columns"])
        tables.append(ExportTable(name, "Table telle que la base l’a.", columns, key=key))
    return tables


def iso(instant: datetime) -> str:
    """Return an instant in the form of the views on SQLite, which have it as text."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _column(type_: str, values: Sequence[Any]) -> Sequence[Any]:
    """Make a column's values, of the dictionary's type, of what the database returns."""
    native, convert = CONVERTERS[type_]
    if {*map(type, values)} <= native:
        return values
    return [None if value is None else convert(value) for value in values]


def _is_iso(type_: str, values: Sequence[Any]) -> bool:
    """Return whether days or instants, in UTC, are texts in the form of the views on SQLite."""
    length = _ISO_LENGTHS.get(type_)
    return (
        length is not None
        and {*map(type, values)} <= {str, _NONE}
        and {*map(len, filter(None, values))} <= {length}
    )


def _datetime(value: datetime | str) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return instant if instant.tzinfo is UTC else in_utc(instant)


def _json(value: Any) -> str:
    # Each engine has its own order of keys.
    return json_bytes(msgspec.json.decode(value) if isinstance(value, str) else value).decode()


def _text(value: Any) -> str:
    """Return a value of a raw table; those of views are texts already."""
    if isinstance(value, datetime | date):
        return iso(in_utc(value)) if isinstance(value, datetime) else value.isoformat()
    return json_bytes(value).decode() if isinstance(value, dict | list | bool) else str(value)


_NONE = type(None)
_ISO_LENGTHS = {"date": len("2024-06-01"), "datetime": len("2024-06-01T08:00:00Z")}

CONVERTERS: Mapping[str, tuple[set[type], Callable[[Any], Any]]] = {
    "integer": ({int, _NONE}, int),
    # PostgreSQL's numbers stay exact.
    "number": ({int, float, Decimal, _NONE}, float),
    "boolean": ({bool, _NONE}, bool),
    "date": ({date, _NONE}, date.fromisoformat),
    "datetime": ({_NONE}, _datetime),
    "json": ({_NONE}, _json),
    "text": ({str, _NONE}, _text),
}
"""By type: the Python types that a value stays in, and what converts another one."""


CELLS_VIEW = "lecture_champ"
"""On SQLite made of the stored lists: its JSON functions take four times as long."""
_AT_ONCE = 20
"""Dossiers in memory at a time: a dossier has some seventy cells."""
_DESCRIPTORS = """
SELECT r.id, s.value ->> 'id', s.value ->> 'libelle', s.value ->> 'type'
FROM revision AS r, json_each(r.descriptors) AS s
"""
# `CROSS JOIN` for the order of the loops: by the dossier's number.
_CELLS = """
SELECT numero, demarche_numero, modifie_ici_le, revision_id, champs, annotations
FROM (
    SELECT
        c.numero,
        d.demarche_numero,
        strftime('%Y-%m-%dT%H:%M:%SZ', d.modifie_ici_le) AS modifie_ici_le,
        d.revision_id,
        c.champs,
        c.annotations
    FROM contenu AS c
    CROSS JOIN dossier AS d ON d.numero = c.numero
){where} ORDER BY numero
"""
_decode = msgspec.json.Decoder(list[Cell] | None).decode


def cell_columns(
    connection: Connection, where: str, values: Mapping[str, Any]
) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the view's rows by its columns, in batches, ordered by its key.

    `where` is the condition on `demarche_numero` and `modifie_ici_le` that chooses dossiers. The
    database is SQLite.

    Raises:
        DamagedJsonError: a stored list is damaged.
    """
    forms: defaultdict[str, dict[str, tuple[str | None, str | None]]] = defaultdict(dict)
    for revision, id_, libelle, type_ in connection.execute(text(_DESCRIPTORS)):
        forms[revision][id_] = (libelle, type_)
    unknown = (None, None)
    found = connection.execute(text(_CELLS.format(where=where)), values)
    for some in found.partitions(_AT_ONCE):
        cells: list[Cell] = []
        origines: list[str] = []
        numeros: list[int] = []
        demarches: list[int] = []
        moved: list[str | None] = []
        described: list[tuple[str | None, str | None]] = []
        for numero, demarche, at, revision, *documents in some:
            champs, annotations = map(_cells, documents)
            own = sorted(annotations, key=_place) + sorted(champs, key=_place)
            cells += own
            origines += ["annotation"] * len(annotations) + ["champ"] * len(champs)
            numeros += [numero] * len(own)
            demarches += [demarche] * len(own)
            moved += [at] * len(own)
            descriptors = forms[revision]
            described += [descriptors.get(cell.id, unknown) for cell in own]
        if cells:
            pairs = [*zip(cells, described, strict=True)]
            types = [cell.type if one[1] is None else one[1] for cell, one in pairs]
            yield [
                numeros,
                origines,
                [cell.id for cell in cells],
                # A cell has its own where the form is not known.
                [cell.libelle if one[0] is None else one[0] for cell, one in pairs],
                types,
                [cell.ligne for cell in cells],
                [cell.texte for cell in cells],
                [
                    len(cell.texte) if type_ == "textarea" and cell.texte is not None else None
                    for cell, type_ in zip(cells, types, strict=True)
                ],
                demarches,
                moved,
            ]


def _place(cell: Cell) -> tuple[str, int]:
    return cell.id, cell.ligne or 0


def _cells(document: str | None) -> list[Cell]:
    try:
        return (_decode(document) if document else None) or []
    except msgspec.DecodeError as exc:
        raise DamagedJsonError from exc


LEAST = 5
"""Dossiers of the smallest group that is told."""
TOGETHER = "regroupé"
"""The value of what is not told apart."""
SAID = (
    f"Données agrégées, sans aucune ligne de dossier : aucun groupe de moins de {LEAST} dossiers "
    f"n’y figure ni ne s’en déduit. « {TOGETHER} » rassemble les valeurs trop peu nombreuses et, "
    "s’il le faut, la suivante. Une valeur absente n’a aucun dossier, ou est regroupée. Deux "
    "publications rapprochées peuvent en dire davantage : publiez par mois, ou une fois l’appel "
    "clos."
)
_AVIS = "coalesce(p.avis, 'sans avis')"
_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "agregat_depot": (
        "Nombre de dossiers par mois de dépôt, avis du pré-contrôle et état, masqués et effacés "
        "compris.",
        {
            "mois": ("d.depot_mois", "Mois du dépôt, à l’heure de Paris : 2026-02."),
            "avis": (_AVIS, "Avis en cours du pré-contrôle ; sans avis s’il n’y en a pas."),
            "etat": ("d.etat", "État du dossier."),
        },
    ),
    "agregat_territoire": (
        "Nombre de dossiers par région du demandeur ou, dans une démarche dont aucun demandeur n’a "
        "de région, par groupe instructeur, masqués et effacés compris.",
        {
            "territoire": (
                "CASE WHEN r.numero IS NULL THEN d.groupe_instructeur ELSE d.region_nom END",
                "Région, ou groupe instructeur ; non renseigné si le dossier n’en a pas.",
            )
        },
    ),
}
"""By name: what the table says, and its columns with their SQL and their sentence.

A region and a groupe would complete each other, where groupes are made of regions.
"""
_QUERY = """
SELECT d.demarche_numero, {columns}, count(*)
FROM lecture_dossier AS d
LEFT JOIN lecture_precontrole AS p ON p.numero = d.numero AND p.courant
LEFT JOIN (
    SELECT demarche_numero, min(numero) AS numero FROM lecture_dossier
    WHERE region_nom IS NOT NULL GROUP BY demarche_numero
) AS r ON r.demarche_numero = d.demarche_numero
GROUP BY {places}
"""

_Counts = Mapping[tuple[str, ...], int]
"""Numbers of dossiers by their values."""


def aggregated_tables(demarche: DemarcheNumber | None = None) -> list[ExportTable]:
    """Return the tables of counts to export; of one démarche, or all."""
    number = Declared("Numéro de la démarche.", type="integer")
    count = Declared("Nombre de dossiers.", type="integer")
    return [
        CountTable(
            name,
            said,
            {
                "demarche_numero": number,
                **{column: Declared(sentence) for column, (_, sentence) in columns.items()},
                "nombre": count,
            },
            demarche,
            key=("demarche_numero", *columns),
            remark=SAID,
        )
        for name, (said, columns) in _TABLES.items()
    ]


@dataclass(frozen=True, slots=True)
class CountTable(ExportTable):
    """A table of counts."""

    def count(self, connection: Connection, since: datetime | None) -> int:
        """Return the number of rows that `rows` yields."""
        return sum(1 for _ in self._groups(connection))

    def rows(
        self, connection: Connection, since: datetime | None, *, as_texts: bool = False
    ) -> Generator[Columns]:
        """Yield the groups, each once, in the order of their values."""
        if found := sorted(self._groups(connection)):
            yield [*zip(*found, strict=True)]

    def _groups(self, connection: Connection) -> Iterator[tuple[int | str, ...]]:
        columns = [sql for sql, _ in _TABLES[self.name][1].values()]
        places = ", ".join(str(place + 1) for place in range(len(columns) + 1))
        query = _QUERY.format(columns=", ".join(columns), places=places)
        counts: defaultdict[int, dict[tuple[str, ...], int]] = defaultdict(dict)
        for number, *values, count in connection.execute(text(query)):
            if self.demarche in (None, number):
                counts[number][tuple(value or "non renseigné" for value in values)] = count
        for number, found in counts.items():
            for *values, count in told(found, len(columns)):
                yield (number, *values, count)


def told(counts: _Counts, columns: int) -> Iterator[tuple[str | int, ...]]:
    """Yield groups of at least `LEAST` dossiers that together have each one once; none if too few.

    A value whose dossiers are fewer is put together with others of its column, at least two, and
    what is put together is divided no further.
    """
    total = sum(counts.values())
    if total < LEAST:
        return
    if not columns:
        yield (total,)
        return
    sizes: Counter[str] = Counter()
    for (value, *_), count in counts.items():
        sizes[value] += count
    ascending = sorted(sizes, key=lambda value: (sizes[value], value))
    small = [value for value in ascending if sizes[value] < LEAST]
    while small and (len(small) == 1 or sum(sizes[value] for value in small) < LEAST):
        small.append(ascending[len(small)])
    for value in ascending[len(small) :]:
        own = {key[1:]: count for key, count in counts.items() if key[0] == value}
        yield from ((value, *rest) for rest in told(own, columns - 1))
    if small:
        yield (*[TOGETHER] * columns, sum(sizes[value] for value in small))
