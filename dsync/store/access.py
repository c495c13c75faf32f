"""Grants the right to read the views on PostgreSQL, and makes those of a part of them.

A part is the views without personal data, those of one démarche, or both. It is a schema of its
own, with views of the same names and columns: the personal ones and those with free text are null
in the first, the rows of other démarches are left out of the second. It is made for the first
reader who is granted it, and then kept like the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select, text

from dsync.domain.documented import MASKED, Declared, Mark, View
from dsync.domain.ids import DemarcheNumber
from dsync.domain.rights import DELIBERATION
from dsync.programme import Dictionary, Programme
from dsync.store import tables
from dsync.store.dictionary import (
    NO_ROWS,
    PSEUDONYMISED,
    WITHHELD,
    all_tables,
    is_closed,
    of_person,
    pseudonymised,
)
from dsync.store.form_views import LONGEST_NAME, demarche_of, rows_of
from dsync.store.sql import literal


@dataclass(frozen=True, slots=True)
class ViewSet:
    """The views without personal data, those of one démarche, or both; else all of them."""

    masked: bool = False
    demarche: DemarcheNumber | None = None

    def name_in(self, schema: str) -> str:
        """Return the name of its own schema, beside that of the views themselves."""
        of_demarche = "" if self.demarche is None else f"demarche_{self.demarche}"
        # Installations in several schemas of one database have one each.
        beside = "" if schema == "public" else schema
        words = (of_demarche, _MASKED if self.masked else "", beside)
        return "_".join(filter(None, words))[:LONGEST_NAME]

    def has(self, view: str) -> bool:
        """Return whether the view is in it."""
        of_its = self.demarche is None or demarche_of(view) in (None, self.demarche)
        return of_its and view not in WITHHELD


WHOLE = ViewSet()


class Readers(NamedTuple):
    """The roles that may read."""

    by_view: Mapping[str, set[str]]
    of_all: set[str]
    """Those that may read every view lecture_*, and are given those that are made later."""
    of_part: Mapping[ViewSet, set[str]]
    """Those that may read the views of a part, by the parts that there are."""

    def of(self, view: str) -> set[str]:
        """Return the roles that may read a view when it is made."""
        return self.by_view.get(view, set()) | (set() if view in WITHHELD else self.of_all)


def shown_columns(connection: Connection) -> dict[str, dict[str, str | None]]:
    """Return the columns that each view was last made of, with their marks as it says them."""
    column = tables.colonne.c
    views: dict[str, dict[str, str | None]] = {}
    for view, name, mark in connection.execute(select(column.vue, column.colonne, column.marque)):
        views.setdefault(view, {})[name] = mark
    return views


_MASKED = "sans_donnees_personnelles"
_DELIBERATED = (
    "EXISTS (SELECT 1 FROM demarche AS m, "  # noqa: S608 - names of ours
    "json_array_elements_text(coalesce(m.ouverts, '[]')::json) AS o (said) "
    f"WHERE m.number = {{0}}.demarche_numero AND starts_with(o.said, '{DELIBERATION}') "
    f"AND substr(o.said, {len(DELIBERATION) + 1}) "
    "<= to_char(now() AT TIME ZONE 'Europe/Paris', 'YYYY-MM-DD'))"
)
"""By what is stored of the démarche's file: the views need not be made anew on that day."""


def quoted_schema(connection: Connection, part: ViewSet) -> str:
    """Return the name of a part's schema, in quotes."""
    schema = connection.scalar(text("SELECT current_schema()"))
    return quoted(connection, schema if part == WHOLE else part.name_in(schema))


def parts(connection: Connection) -> dict[str, ViewSet]:
    """Return the parts of which there is a schema, by its name."""
    own = connection.scalar(text("SELECT current_schema()"))
    found = {}
    for name in connection.scalars(text("SELECT nspname FROM pg_namespace ORDER BY nspname")):
        number = re.match(r"demarche_(\d+)", name)
        part = ViewSet(_MASKED in name, DemarcheNumber(int(number[1])) if number else None)
        if part != WHOLE and part.name_in(own) == name:
            found[name] = part
    return found


def renew_parts(
    connection: Connection, documented: Dictionary, readers: Mapping[ViewSet, Iterable[str]]
) -> None:
    """Create the views of parts, in a transaction, and grant each part to its readers' roles."""
    for part, roles in readers.items():
        schema = quoted_schema(connection, part)
        made: Dictionary = {}
        for name, view in documented.items():
            if part.has(name):
                connection.exec_driver_sql(_view_of(connection, part, schema, name, view))
                made[f"{schema}.{name}"] = _said(view) if part.masked else view
        comment(connection, made)
        for role in sorted(roles):
            connection.exec_driver_sql(
                f"GRANT USAGE ON SCHEMA {schema} TO {quoted(connection, role)}"
            )
            for name in made:
                grant_view(connection, name, {role})


def _view_of(connection: Connection, part: ViewSet, schema: str, name: str, view: View) -> str:
    """Return the statement that makes a part's view of this name."""
    person = of_person(name, view.columns)
    columns = [
        pseudonymised(quoted(connection, column), one.mark, _DELIBERATED.format(name), person)
        if part.masked
        else quoted(connection, column)
        for column, one in view.columns.items()
    ]
    conditions, barrier = ["false"] if part.masked and is_closed(view.columns) else [], ""
    if part.demarche is not None:
        # Else PostgreSQL could give all rows to a function of the reader's first.
        barrier = "WITH (security_barrier) "
        own = rows_of(part.demarche, name, view.columns)
        conditions += [own] if own else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"CREATE OR REPLACE VIEW {schema}.{name} {barrier}AS "  # noqa: S608 - names of ours
        f"SELECT {', '.join(columns)} FROM {name}{where}"
    )


_SAID = {
    Mark.PERSONAL: " Toujours vide ici.",
    Mark.FREE_TEXT: " Toujours vide ici.",
    Mark.OF_JURY: " Vide ici jusqu’à la délibération.",
    Mark.OF_PERSON: " Vide ici dans ce cas, pour plusieurs personnes ensemble (indivision, société "
    "créée de fait ou en participation), ou si sa catégorie juridique est inconnue.",
    Mark.OPEN: "",
}


def _said(view: View) -> View:
    """Return the documentation of a view without personal data."""
    no_rows = f" {NO_ROWS}" if is_closed(view.columns) else ""
    columns = {name: Declared(one.said + _SAID[one.mark]) for name, one in view.columns.items()}
    return View(f"{view.description}{no_rows} {PSEUDONYMISED}", columns, view.key)


def withhold(connection: Connection, documented: Dictionary) -> None:
    """Take from readers without personal data the views of which a shown column becomes personal.

    `documented` is what the views will be when they can be made; `renew_parts` then grants them
    again.
    """
    shown, masked = shown_columns(connection), [shown_mark(mark) for mark in MASKED]
    becoming = [
        name
        for name, view in documented.items()
        for before in [shown.get(name, {})]
        if any(
            one.mark in MASKED and column in before and before[column] not in masked
            for column, one in view.columns.items()
        )
    ]
    for part, roles in read_readers(connection).of_part.items():
        for name in becoming if part.masked else ():
            revoke(connection, part, roles, [name] if part.has(name) else [])


def shown_mark(mark: Mark) -> str | None:
    """Return how views say a mark, None: it is open."""
    return mark.value.rstrip(".") or None


def revoke(
    connection: Connection, part: ViewSet, roles: Iterable[str], views: Iterable[str]
) -> None:
    """Take from roles the right to read some views of a part, if they are there."""
    schema = quoted_schema(connection, part)
    names = [f"{schema}.{view}" for view in views]
    present = connection.scalars(
        text("SELECT n FROM unnest(CAST(:names AS text[])) AS n WHERE to_regclass(n) IS NOT NULL"),
        {"names": names},
    ).all()
    for role in sorted(roles) if present else ():
        connection.exec_driver_sql(
            f"REVOKE ALL ON {', '.join(present)} FROM {quoted(connection, role)}"
        )


def sessions_in_the_way(connection: Connection) -> list[str]:
    """Return the sessions that have read or written dsync's tables and views, and go on.

    Each by its role and process id: PostgreSQL hides the rest of other roles' sessions.
    """
    rows = connection.execute(
        text(
            "SELECT DISTINCT a.usename, l.pid FROM pg_locks AS l "
            "JOIN pg_class AS c ON c.oid = l.relation "
            "JOIN pg_stat_activity AS a ON a.pid = l.pid "
            "WHERE l.granted AND l.pid <> pg_backend_pid() AND l.database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) AND c.relnamespace "
            "IN (SELECT n.oid FROM pg_namespace AS n "
            "WHERE n.nspname = current_schema() OR n.nspname = ANY(:schemas)) ORDER BY 2"
        ),
        {"schemas": [*parts(connection)]},
    )
    return [f"{role} (pid {pid})" for role, pid in rows]


class Foreign(NamedTuple):
    """What another role than the owner of dsync's tables made beside them, or in the database."""

    kind: str
    name: str
    """"" of large objects."""
    owner: str


_FOREIGN = """
WITH own AS (
    SELECT relnamespace AS place, relowner AS role FROM pg_catalog.pg_class
    WHERE relname = 'alembic_version' AND relnamespace =
        (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
)
SELECT
    CASE made.kind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN '(' THEN 'function'
    ELSE 'table' END,
    made.name, pg_catalog.pg_get_userbyid(made.owner)
FROM (
    SELECT oid, relname AS name, relnamespace AS place, relowner AS owner, relkind AS kind
    FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL SELECT oid, proname, pronamespace, proowner, '(' FROM pg_catalog.pg_proc
) AS made JOIN own ON own.place = made.place AND own.role <> made.owner
WHERE made.name <> ALL(:known) AND NOT starts_with(made.name, 'alembic_version') AND NOT EXISTS
    (SELECT 1 FROM pg_catalog.pg_depend AS d WHERE d.objid = made.oid AND d.deptype = 'e')
UNION ALL
SELECT DISTINCT 'large objects', '', pg_catalog.pg_get_userbyid(lomowner)
FROM pg_catalog.pg_largeobject_metadata
ORDER BY 1, 2, 3
"""
"""A role without any right can make large objects, and before PostgreSQL 15 all else in `public`.
What belongs to an extension is its administrator's."""


def foreign_objects(connection: Connection, programme: type[Programme]) -> list[Foreign]:
    """Return what is not dsync's in its schema, and whose large objects there are."""
    # A table of dsync's is its own, whoever made it: no backup may go without it.
    known = [table.name for table in all_tables(programme)]
    return [Foreign(*row) for row in connection.execute(text(_FOREIGN), {"known": known})]


def grant_view(connection: Connection, view: str, roles: Iterable[str]) -> None:
    """Grant roles the right to read a view."""
    for role in sorted(roles):
        connection.exec_driver_sql(f"GRANT SELECT ON {view} TO {quoted(connection, role)}")


def comment(connection: Connection, documented: Dictionary) -> None:
    """Write the documentation of views into their comments."""
    for name, view in documented.items():
        sentences = {f"VIEW {name}": view.description}
        sentences |= {f"COLUMN {name}.{column}": one.said for column, one in view.columns.items()}
        for of_what, sentence in sentences.items():
            # COMMENT takes no parameters, and the driver takes a single percent sign for one.
            said = literal(sentence).replace("%", "%%")
            connection.exec_driver_sql(f"COMMENT ON {of_what} IS {said}")


def read_readers(connection: Connection) -> Readers:
    """Return the roles that may read the views now."""
    schemas = parts(connection)
    rows = connection.execute(
        text(
            "SELECT table_schema, table_name, grantee "
            "FROM information_schema.role_table_grants "
            "WHERE (table_schema = current_schema() OR table_schema = ANY(:schemas)) "
            "AND table_name SIMILAR TO '(lecture|formulaire)\\_%' "
            "AND privilege_type = 'SELECT' AND grantee <> current_user"
        ),
        {"schemas": [*schemas]},
    )
    by_view: dict[str, set[str]] = {}
    of_part: dict[ViewSet, set[str]] = {part: set() for part in schemas.values()}
    for schema, view, role in rows:
        if schema in schemas:
            of_part[schemas[schema]].add(role)
        else:
            by_view.setdefault(view, set()).add(role)
    # Whoever may read all that are shipped was granted all, and not some of them by hand.
    shipped = [
        by_view.get(name, set())
        for name in inspect(connection).get_view_names()
        if name.startswith("lecture_") and name not in WITHHELD
    ]
    return Readers(by_view, set.intersection(*shipped) if shipped else set(), of_part)


def quoted(connection: Connection, name: str) -> str:
    """Return a name in quotes; PUBLIC is no role, and stands without them."""
    return (
        name if name == "PUBLIC" else connection.dialect.identifier_preparer.quote_identifier(name)
    )
