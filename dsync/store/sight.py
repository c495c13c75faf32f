"""What somebody sees who may not see everything: under each relation's own name, a masked one.

A SQL role has such views in a schema of its own (`access.py`). For a reader they stand before each
statement as common table expressions, made by the same marks: whatever names a table or a view
reads what is left of it, on both engines, and nothing is made in the database.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, event, text

from dsync.domain.documented import Declared, Mark
from dsync.domain.json_bytes import json_bytes
from dsync.errors import StoreError
from dsync.programme import Programme
from dsync.store import reading_views, tables
from dsync.store.columns import declared_of
from dsync.store.dictionary import ENGINE, all_tables, is_closed, of_person, pseudonymised
from dsync.store.sql import literal

Relations = Mapping[str, Mapping[str, Declared]]


class Sight(NamedTuple):
    """What somebody sees; by default, everything."""

    persons: bool = True
    """Personal data, and free texts."""
    texts: bool = True
    """The free texts of a candidature, and who evaluated it."""
    marks: bool = True
    """Marks of the jury."""
    groupes: Mapping[int, Collection[str]] = {}
    """Of the démarches in which not all dossiers are seen: those of these groupes instructeurs."""
    hidden: Collection[int] = ()
    """Dossiers that are not seen, because of a conflict of interest."""
    public: Mapping[str, Collection[str]] = {}
    """What everybody sees of checks, as `Programme.public`."""
    opened: Collection[str] = ()
    """The ids of the champs and annotations whose values everybody sees."""


WHOLE = Sight()

_CHECKS = "lecture_precontrole_controle"
_OF_JURY = frozenset({"evaluateur"})
"""Personal data that are seen with the texts of a candidature: the jury's own names."""
_FORM = r"formulaire_\d\w*"
_WITH = re.compile(r"\s*WITH\s+(?:RECURSIVE\s+)?", re.IGNORECASE)
_SELECT = re.compile(r"[\s(]*(?:SELECT|WITH)\b", re.IGNORECASE)

_SQLITE, _POSTGRESQL = (
    {
        "known": "SELECT value FROM json_each({public} -> controle)",
        "shown": "SELECT json_group_object(e.key, json(preuve -> e.key)) FROM {evidence}",
        "evidence": "json_each(preuve) AS e",
        "groupes": "SELECT json_group_array(json_object('id', '', 'email', '', 'groupe', "
        "e.value ->> 'groupe')) FROM json_each(instructeurs) AS e",
        "dossiers": "SELECT json_group_array(e.value) FROM json_each(options, '$.dossiers') AS e",
        "dossier": "e.value",
        "asked": "json_set(json_remove(options, '$.shown'), '$.dossiers', json({dossiers}))",
        "numbers": "json_object('dossiers', json({dossiers}))",
        "is_of_all": "coalesce(options -> '$.dossiers', '[]') = '[]'",
    },
    {
        "known": "SELECT json_array_elements_text({public}::json -> controle)",
        "shown": "SELECT coalesce(json_object_agg(e.key, e.value), '{{}}')::text FROM {evidence}",
        "evidence": "json_each(preuve::json) AS e",
        "groupes": "SELECT json_agg(json_build_object('id', '', 'email', '', 'groupe', "
        "e.value ->> 'groupe'))::text FROM json_array_elements(instructeurs::json) AS e",
        "dossiers": "SELECT coalesce(jsonb_agg(e.value), '[]') FROM jsonb_array_elements("
        "coalesce(options::jsonb -> 'dossiers', '[]')) AS e",
        "dossier": "e.value::bigint",
        "asked": "jsonb_set(options::jsonb - 'shown', '{{dossiers}}', {dossiers})::text",
        "numbers": "jsonb_build_object('dossiers', {dossiers})::text",
        "is_of_all": "coalesce(options::jsonb -> 'dossiers', '[]') = '[]'",
    },
)
"""The parts of JSON that are seen of what else is masked whole."""


@cache
def _relations(programme: type[Programme]) -> Relations:
    """Return the columns of all tables and shipped views, by name."""
    every = all_tables(programme)
    found = {one.name: {c.name: declared_of(c) for c in one.columns} for one in every}
    views = reading_views.shipped_dictionary(programme)
    return found | {name: view.columns for name, view in views.items()}


@cache
def _named(programme: type[Programme]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(_relations(programme))}|{_FORM})\b")


def mask(connection: Connection, programme: type[Programme], sight: Sight) -> None:
    """Have all further statements of a connection see no more than this."""
    # Before it listens, because it asks for the schema.
    made = _Masks(connection, programme, sight)
    event.listen(connection, "before_cursor_execute", made.complete, retval=True)


class _Masks:
    """The masked relations of one transaction."""

    def __init__(self, connection: Connection, programme: type[Programme], sight: Sight) -> None:
        self._connection, self._programme, self._sight = connection, programme, sight
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._sql = _SQLITE if self._is_sqlite else _POSTGRESQL
        schema = "main" if self._is_sqlite else connection.scalar(text("SELECT current_schema()"))
        self._schema = connection.dialect.identifier_preparer.quote_identifier(schema)
        self._own = f"{self._schema}.dossier"
        self._relations = dict(_relations(programme))
        self._made: dict[str, str | None] = {}

    def complete(
        self, _: Any, cursor: Any, statement: str, parameters: Any, *rest: Any
    ) -> tuple[str, Any]:
        """Return a statement with the masked relations that it names before it."""
        names = dict.fromkeys(_named(self._programme).findall(statement))
        made = [one for name in names if (one := self._masked(name)) is not None]
        if not made:
            return statement, parameters
        if not _SELECT.match(statement):
            raise StoreError("Who does not see everything only reads.")
        found = _WITH.match(statement)
        before, after = (f"{found[0]}", ", ") if found else ("WITH ", " ")
        rest_of_it = statement[found.end() :] if found else statement
        return f"{before}{', '.join(made)}{after}{rest_of_it}", parameters

    def _masked(self, name: str) -> str | None:
        """Return the expression of a relation; None: all of it is seen."""
        if name not in self._made:
            if name not in self._relations:
                forms = reading_views.dictionary(self._connection, self._programme)
                self._relations |= {view: one.columns for view, one in forms.items()}
            made = self._expression(name)
            # PostgreSQL's driver takes a single percent sign for a parameter.
            self._made[name] = made if made is None or self._is_sqlite else made.replace("%", "%%")
        return self._made[name]

    def _expression(self, name: str) -> str | None:
        columns = self._relations.get(name)
        if columns is None:
            # A view of which nothing is declared.
            return f"{name} AS (SELECT NULL AS numero WHERE false)"
        items = [self._item(name, column, columns) for column in columns]
        conditions = [one for one in self._conditions(name, columns) if one]
        if not conditions and items == [self._quoted(column) for column in columns]:
            return None
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return (
            f"{name} AS NOT MATERIALIZED (SELECT {', '.join(items)} "  # noqa: S608 - names of ours
            f"FROM {self._schema}.{name} AS {name}{where})"
        )

    def _item(self, name: str, column: str, columns: Mapping[str, Declared]) -> str:
        sight, mark, quoted = self._sight, columns[column].mark, self._quoted(column)
        if name == tables.demande.name and column == "options":
            return f"{self._asked('asked' if sight.persons else 'numbers')} AS options"
        is_text = mark is Mark.FREE_TEXT or column in _OF_JURY
        is_open = sight.marks if mark is Mark.OF_JURY else sight.persons
        if is_open or (is_text and sight.texts and self._is_of_candidature(name, columns)):
            return quoted
        if name == tables.demarche.name and column == "instructeurs":
            return f"({self._sql['groupes']}) AS instructeurs"
        person = of_person(name, columns, self._own)
        if name == _CHECKS and column in ("motif", "preuve"):
            return f"CASE WHEN NOT {person} THEN {self._public(column)} END AS {column}"
        if name == "lecture_champ" and column == "valeur":
            opened = ", ".join(map(literal, sorted(sight.opened))) or "NULL"
            return f"CASE WHEN champ_id IN ({opened}) THEN valeur END AS valeur"
        return pseudonymised(quoted, mark, "false", person)

    def _is_of_candidature(self, name: str, columns: Mapping[str, Declared]) -> bool:
        """Return whether a relation has a candidature in the programme's terms.

        The engine's have the answers to all questions, those about contacts, too.
        """
        is_engines = name in tables.metadata.tables or name in ENGINE.views
        return name == tables.liste.name or ("numero" in columns and not is_engines)

    def _public(self, column: str) -> str:
        """Return what everybody sees of a check: evidence, and a reason that has no other."""
        public = literal(json_bytes({k: [*v] for k, v in self._sight.public.items()}).decode())
        known = self._sql["known"].format(public=public)
        evidence = self._sql["evidence"]
        if column == "preuve":
            return f"({self._sql['shown'].format(evidence=evidence)} WHERE e.key IN ({known}))"
        others = f"SELECT 1 FROM {evidence} WHERE e.key NOT IN ({known})"  # noqa: S608 - of ours
        return f"(CASE WHEN 'motif' IN ({known}) AND NOT EXISTS ({others}) THEN motif END)"

    def _asked(self, part: str) -> str:
        """Return what is seen of the options of a request."""
        seen = self._seen
        where = f" WHERE {self._sql['dossier']} IN ({seen})" if seen else ""
        return self._sql[part].format(dossiers=f"({self._sql['dossiers']}{where})")

    @property
    def _seen(self) -> str | None:
        """What selects the dossiers that are seen, None: all are."""
        groupes = self._sight.groupes
        if not groupes:
            return None
        return f"SELECT numero FROM {self._own} AS d WHERE {self._of_groupes}"  # noqa: S608 - ours

    @property
    def _of_groupes(self) -> str:
        return " AND ".join(
            f"(demarche_numero <> {int(number)} OR groupe_instructeur IN "
            f"({', '.join(map(literal, sorted(some))) or 'NULL'}))"
            for number, some in self._sight.groupes.items()
        )

    def _conditions(self, name: str, columns: Mapping[str, Declared]) -> Iterator[str]:
        if not self._sight.persons and is_closed(columns):
            yield "false"
        if self._sight.hidden and "numero" in columns:
            yield f"numero NOT IN ({', '.join(str(int(one)) for one in self._sight.hidden)})"
        if not self._sight.groupes:
            return
        if name == tables.dossier.name:
            yield self._of_groupes
        elif name == tables.demande.name:
            asked = f"{self._sql['dossiers']} WHERE {self._sql['dossier']} IN ({self._seen})"
            yield f"({self._sql['is_of_all']} OR ({asked}) <> '[]')"
        elif "numero" in columns:
            # One that could not be read has no groupe, and is seen by who sees all.
            limited = ", ".join(str(int(number)) for number in self._sight.groupes)
            other = f"demarche_numero NOT IN ({limited}) OR " * ("demarche_numero" in columns)
            yield f"({other}numero IN ({self._seen}))"
        elif name in _relations(self._programme) and name.startswith("lecture_"):
            # Counts of all dossiers.
            yield "false"

    def _quoted(self, column: str) -> str:
        return self._connection.dialect.identifier_preparer.quote(column)
