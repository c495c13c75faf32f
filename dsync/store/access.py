"""Grants the right to read the views on PostgreSQL, and makes those without personal data.

The latter are in a schema of their own, under the same names and with the same columns, of which
the personal ones and those with free text are null. They are made for the first reader who is
granted this, and then kept like the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from dsync.store.extension import Dictionary, is_masked
from dsync.store.form_views import LONGEST_NAME


class Readers(NamedTuple):
    """The roles that may read."""

    by_view: Mapping[str, set[str]]
    of_all: set[str]
    """Those that may read every view lecture_*, and are given those that are made later."""
    masked: set[str]
    """Those that may read the views without personal data."""

    def of(self, view: str) -> set[str]:
        """Return the roles that may read a view when it is made."""
        return self.by_view.get(view, set()) | self.of_all


def commented(connection: Connection) -> Dictionary:
    """Return the documentation of all views of PostgreSQL, from their comments."""
    # Below attribute 1 are the system's own columns.
    rows = connection.execute(
        text(
            "SELECT c.relname, a.attname, obj_description(c.oid, 'pg_class'), "
            "col_description(c.oid, a.attnum), format_type(a.atttypid, NULL) FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relkind = 'v' AND c.relname SIMILAR TO '(lecture|formulaire)\\_%' "
            # Not those without personal data, which have the same names in another schema.
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, a.attnum"
        )
    )
    views: Dictionary = {}
    for view, column, of_view, of_column, type_ in rows:
        entry = views.setdefault(view, {"description": of_view, "columns": {}, "types": {}})
        entry["columns"][column] = of_column
        entry["types"][column] = _TYPES.get(type_, "text")
    return views


_TYPES = {
    "bigint": "integer",
    "integer": "integer",
    "double precision": "number",
    "numeric": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "datetime",
    "json": "json",
    "jsonb": "json",
}
"""The types of the dictionary, by PostgreSQL's names; any other one is text."""


_MASKED = "sans_donnees_personnelles"


def _schema(connection: Connection) -> str:
    schema = connection.scalar(text("SELECT current_schema()"))
    # Installations in several schemas of one database have one each.
    return _MASKED if schema == "public" else f"{_MASKED}_{schema}"[:LONGEST_NAME]


def quoted_schema(connection: Connection) -> str:
    """Return the name of the schema with the views without personal data, in quotes."""
    return quoted(connection, _schema(connection))


def is_masking(connection: Connection) -> bool:
    """Return whether the schema with the views without personal data exists."""
    known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    return connection.scalar(known, {"name": _schema(connection)}) is not None


def mask(connection: Connection, documented: Dictionary, roles: Iterable[str]) -> None:
    """Create the views without personal data, if their schema exists; grant them to roles.

    They have the columns of the others, of which the marked ones are null.
    """
    if not is_masking(connection):
        return
    schema = quoted_schema(connection)
    masked: Dictionary = {}
    for name, entry in documented.items():
        columns = []
        for column, sentence in entry["columns"].items():
            own = quoted(connection, column)
            # A null of the column's own type: REPLACE refuses to change a type.
            columns.append(
                f"CASE WHEN false THEN {own} END AS {own}" if is_masked(sentence) else own
            )
        connection.exec_driver_sql(
            f"CREATE OR REPLACE VIEW {schema}.{name} AS "  # noqa: S608 - names of ours
            f"SELECT {', '.join(columns)} FROM {name}"
        )
        masked[f"{schema}.{name}"] = {
            "description": entry["description"],
            "columns": {
                column: f"{sentence} Toujours vide ici." if is_masked(sentence) else sentence
                for column, sentence in entry["columns"].items()
            },
        }
    comment(connection, masked)
    for role in roles:
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {quoted(connection, role)}")
        for name in masked:
            grant_view(connection, name, {role})


def withhold(connection: Connection, documented: Dictionary) -> None:
    """Take from readers without personal data the views of which a shown column becomes personal.

    Args:
        connection: in a transaction.
        documented: what the views will be when they can be made; `mask` then grants them again.
    """
    if not is_masking(connection):
        return
    schema, shown = quoted_schema(connection), commented(connection)
    roles = sorted(read_readers(connection).masked)
    for name, entry in documented.items():
        before = shown.get(name, {"columns": {}})["columns"]
        if any(
            is_masked(sentence) and column in before and not is_masked(before[column])
            for column, sentence in entry["columns"].items()
        ):
            for role in roles:
                connection.exec_driver_sql(
                    f"REVOKE ALL ON {schema}.{name} FROM {quoted(connection, role)}"
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
            # to_regnamespace parses a name as SQL does, and gives null if there is no such schema.
            "IN (current_schema()::regnamespace, to_regnamespace(quote_ident(:masked))) ORDER BY 2"
        ),
        {"masked": _schema(connection)},
    )
    return [f"{role} (pid {pid})" for role, pid in rows]


def grant_view(connection: Connection, view: str, roles: Iterable[str]) -> None:
    """Grant roles the right to read a view."""
    for role in sorted(roles):
        connection.exec_driver_sql(f"GRANT SELECT ON {view} TO {quoted(connection, role)}")


def comment(connection: Connection, documented: Dictionary) -> None:
    """Write the documentation of views into their comments."""
    for view, entry in documented.items():
        sentences = {f"VIEW {view}": entry["description"]}
        sentences |= {f"COLUMN {view}.{name}": say for name, say in entry["columns"].items()}
        for of_what, sentence in sentences.items():
            # COMMENT takes no parameters, and the driver takes a single percent sign for one.
            literal = sentence.replace("'", "''").replace("%", "%%")
            connection.exec_driver_sql(f"COMMENT ON {of_what} IS '{literal}'")


def read_readers(connection: Connection) -> Readers:
    """Return the roles that may read the views now."""
    rows = connection.execute(
        text(
            "SELECT table_schema = current_schema(), table_name, grantee "
            "FROM information_schema.role_table_grants "
            "WHERE table_schema IN (current_schema(), :masked) "
            "AND table_name SIMILAR TO '(lecture|formulaire)\\_%' "
            "AND privilege_type = 'SELECT' AND grantee <> current_user"
        ),
        {"masked": _schema(connection)},
    )
    by_view: dict[str, set[str]] = {}
    masked: set[str] = set()
    for is_whole, view, role in rows:
        if is_whole:
            by_view.setdefault(view, set()).add(role)
        else:
            masked.add(role)
    # Whoever may read all that are shipped was granted all, and not some of them by hand.
    shipped = [
        by_view.get(name, set())
        for name in inspect(connection).get_view_names()
        if name.startswith("lecture_")
    ]
    return Readers(by_view, set.intersection(*shipped) if shipped else set(), masked)


def quoted(connection: Connection, name: str) -> str:
    """Return a name in quotes; PUBLIC is no role, and stands without them."""
    return (
        name if name == "PUBLIC" else connection.dialect.identifier_preparer.quote_identifier(name)
    )
