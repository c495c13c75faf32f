"""Creates, drops and documents the views lecture_*, and grants the right to read them.

The engine's SQL files are in `views/`, the programme's in its own folder `views/`; a view of the
programme replaces the engine's view of the same name. One file serves SQLite and PostgreSQL, with
macros where their SQL differs. A query that differs as a whole, because of JSON, has a file in
each of `views/sqlite/` and `views/postgresql/`.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources.abc import Traversable

from sqlalchemy import Connection, inspect, text

from dsync.errors import ConfigurationError, StoreError
from dsync.store.extension import Dictionary, Extension, folder_of
from dsync.store.tables import metadata

Readers = dict[str, list[str]]
"""The roles that may read, by view."""


_MACROS = {
    "postgresql": {
        "paris": r"(\2 AT TIME ZONE 'Europe/Paris')",
        "utc": r"\2",
        "instant": r"(\2)::timestamptz",
        "day": r"(\2)::date",
        "elements": r"json_array_elements((\2)::json)",
        "ranked": r"""LATERAL (
        SELECT r.value, r.number - 1 AS key
        FROM json_array_elements((\2)::json) WITH ORDINALITY AS r (value, number)
    )""",
        "texts": r"json_array_elements_text((\2)::json)",
        "pairs": r"json_each_text((\2)::json)",
        "length": r"json_array_length((\2)::json)",
        "json": r"(\2)::json",
        "present": "clock_timestamp()",
        "now": "now()",
        "seconds": r"EXTRACT(EPOCH FROM (\2))",
    },
    "sqlite": {
        # SQLite has no time zones. By the European Union's rule since 1996, summer time lasts from
        # the last Sunday of March to the last Sunday of October, 01:00 UTC.
        "paris": r"""datetime(\2, CASE
        WHEN \2 >= datetime(strftime('%Y-04-01 01:00', \2), 'weekday 0', '-7 days')
         AND \2 < datetime(strftime('%Y-11-01 01:00', \2), 'weekday 0', '-7 days')
        THEN '+2 hours' ELSE '+1 hour' END)""",
        "utc": r"strftime('%Y-%m-%dT%H:%M:%SZ', \2)",
        "instant": r"\2",
        "day": r"\2",
        "elements": r"json_each(\2)",
        "ranked": r"json_each(\2)",
        "texts": r"json_each(\2)",
        "pairs": r"json_each(\2)",
        "length": r"json_array_length(\2)",
        "json": r"\2",
        "present": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "now": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
        "seconds": r"(86400.0 * julianday(\2))",
    },
}
"""The macros of the views, by database. `paris`: an instant's date and time in Paris; `utc`: an
instant as views show it; `instant`: the same of an instant in JSON, without fractions; `elements`:
the values of a JSON array (`elements(x) AS e`, then `e.value ->> 'name'`); `ranked`: the same with
their index, `key`; `texts`: the values of an array of texts; `pairs`: the names and values of an
object of texts, `key` and `value`; `length`: the number of values of an array; `json`: a text as
JSON; `present`: the present, as tables store it; `now`: the same as views show it; `seconds`: an
instant as a number, to be subtracted from another one."""
_MACRO = re.compile(rf"\b({'|'.join(_MACROS['sqlite'])})\(([^()]*)\)")


def names(extension: Extension | None) -> list[str]:
    """Return the views' names, in the dictionary's order."""
    return list(shipped_dictionary(extension))


def shipped_dictionary(extension: Extension | None) -> Dictionary:
    """Return the shipped documentation of the programme's and the engine's views."""
    engine = read_dictionary(folder_of(None))
    programme: Dictionary = {} if extension is None else extension.views()
    own = {name: entry for name, entry in programme.items() if name not in engine}
    return own | engine | {name: programme[name] for name in engine if name in programme}


def read_dictionary(folder: Traversable) -> Dictionary:
    """Read a folder's `dictionary.toml`, with one sentence per view and column."""
    documents = tomllib.loads((folder / "dictionary.toml").read_text(encoding="utf-8"))
    return {
        name: {"description": view.pop("description"), "columns": view}
        for name, view in documents.items()
    }


def create(
    connection: Connection, extension: Extension | None, readers: Readers | None = None
) -> None:
    """Create the views; on PostgreSQL, also their comments and the rights to read them.

    Args:
        connection: in a transaction.
        extension: the programme's part; None: there is none.
        readers: the roles that may read, as `drop` returned them.

    Raises:
        StoreError: a view's file is missing from the package.
    """
    engine = connection.dialect.name
    views = names(extension)
    for name in views:
        connection.exec_driver_sql(f"CREATE VIEW {name} AS\n{_query(name, engine, extension)}")
    if engine == "postgresql":
        _comment(connection, extension)
        for name, roles in (readers or {}).items():
            if name in views:
                for role in roles:
                    connection.exec_driver_sql(
                        f"GRANT SELECT ON {name} TO {_quoted(connection, role)}"
                    )


def _query(name: str, engine: str, extension: Extension | None) -> str:
    for part in (extension, None) if extension else (None,):
        views = folder_of(part) / "views"
        for path in (views / f"{name}.sql", views / engine / f"{name}.sql"):
            if path.is_file():
                query = path.read_text(encoding="utf-8")
                if part is not None:
                    query = part.complete(query)
                return _MACRO.sub(lambda found: found.expand(_MACROS[engine][found[1]]), query)
    raise StoreError(f"The package lacks the view {name}: reinstall dsync.")


def drop(connection: Connection, extension: Extension | None) -> Readers:
    """Drop the views; return the roles that could read them, on PostgreSQL."""
    present = [name for name in inspect(connection).get_view_names() if name.startswith("lecture_")]
    readers = _readers(connection) if connection.dialect.name == "postgresql" else {}
    # A view may read those before it in the dictionary; one that is shipped no more reads any.
    order = {name: rank for rank, name in enumerate(names(extension))}
    for name in sorted(present, key=lambda name: order.get(name, len(order)), reverse=True):
        connection.exec_driver_sql(f"DROP VIEW {name}")
    return readers


def dictionary(connection: Connection, extension: Extension | None) -> Dictionary:
    """Return the views' documentation from the database's comments; on SQLite, as shipped."""
    if connection.dialect.name != "postgresql":
        return shipped_dictionary(extension)
    rows = connection.execute(
        text(
            "SELECT c.relname, a.attname, obj_description(c.oid, 'pg_class'), "
            "col_description(c.oid, a.attnum) FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relkind = 'v' AND c.relname LIKE 'lecture\\_%' "
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, a.attnum"
        )
    )
    views: Dictionary = {}
    for view, column, of_view, of_column in rows:
        entry = views.setdefault(view, {"description": of_view, "columns": {}})
        entry["columns"][column] = of_column
    return {name: views[name] for name in names(extension) if name in views}


def grant(connection: Connection, role: str, extension: Extension | None) -> None:
    """Grant a role the right to read the views, and revoke its rights on dsync's tables.

    Args:
        connection: in a transaction.
        role: the role's name.
        extension: the programme's part; None: there is none.

    Raises:
        ConfigurationError: the database is SQLite, there is no such role, or dsync itself uses it.
        StoreError: there is no current schema.
    """
    if connection.dialect.name != "postgresql":
        raise ConfigurationError(
            "Read-only access does not apply to SQLite, which knows no roles: give readers a copy "
            "of the file, or use PostgreSQL."
        )
    if connection.scalar(text("SELECT current_user")) == role:
        raise ConfigurationError(
            f"{role} is the role that dsync works with; give read access to another one."
        )
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        raise ConfigurationError(
            f"There is no role {role} in PostgreSQL. Create it: CREATE ROLE … LOGIN PASSWORD '…'."
        )
    quoted = _quoted(connection, role)
    schema = connection.scalar(text("SELECT current_schema()"))
    if schema is None:
        raise StoreError("The database user's search_path names no schema. Set it, then try again.")
    tables = ", ".join([*metadata.tables, *(extension.metadata.tables if extension else ())])
    connection.exec_driver_sql(f"REVOKE ALL ON {tables} FROM {quoted}")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {_quoted(connection, schema)} TO {quoted}")
    connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(names(extension))} TO {quoted}")


def _comment(connection: Connection, extension: Extension | None) -> None:
    for view, entry in shipped_dictionary(extension).items():
        sentences = {f"VIEW {view}": entry["description"]}
        sentences |= {f"COLUMN {view}.{name}": say for name, say in entry["columns"].items()}
        for of_what, sentence in sentences.items():
            literal = sentence.replace("'", "''").replace("%", "%%")
            connection.exec_driver_sql(f"COMMENT ON {of_what} IS '{literal}'")


def _readers(connection: Connection) -> Readers:
    rows = connection.execute(
        text(
            "SELECT table_name, grantee FROM information_schema.role_table_grants "
            "WHERE table_schema = current_schema() AND table_name LIKE 'lecture\\_%' "
            "AND privilege_type = 'SELECT' AND grantee <> current_user"
        )
    )
    readers: Readers = {}
    for view, role in rows:
        readers.setdefault(view, []).append(role)
    return readers


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
