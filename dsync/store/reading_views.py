"""The views lecture_*: their SQL, their documentation, who may read them.

Analysts have these and nothing else. Their SQL is under views/, a folder an engine: what the two
write differently is JSON and instants (SQLite shows UTC text like 2024-03-01T10:00:00Z).
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

from sqlalchemy import Connection, inspect, text

from dsync.errors import ConfigurationError, StoreError
from dsync.store.tables import metadata

Dictionary = dict[str, dict[str, Any]]
"""By view: `description`, and `columns` with a sentence each, in the view's order."""

Readers = dict[str, list[str]]
"""Roles that may read, by view."""


_PARIS_CALL = re.compile(r"\bparis\(([\w.]+)\)")
"""What the views write for an instant's date and time in Paris, of which months and days are."""
_PARIS_TIME = {
    "postgresql": r"(\1 AT TIME ZONE 'Europe/Paris')",
    # SQLite knows no time zones. The European Union's rule since 1996: summer time from the last
    # Sunday of March to the last one of October, 01:00 UTC.
    "sqlite": r"""datetime(\1, CASE
        WHEN \1 >= datetime(strftime('%Y-04-01 01:00', \1), 'weekday 0', '-7 days')
         AND \1 < datetime(strftime('%Y-11-01 01:00', \1), 'weekday 0', '-7 days')
        THEN '+2 hours' ELSE '+1 hour' END)""",
}


def names() -> list[str]:
    """Return the views' names, in the dictionary's order."""
    return list(shipped_dictionary())


def shipped_dictionary() -> Dictionary:
    """Return the documentation that ships with the package."""
    path = resources.files("dsync.store") / "dictionary.toml"
    documents = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: {"description": view.pop("description"), "columns": view}
        for name, view in documents.items()
    }


def fit(connection: Connection) -> bool:
    """Tell whether the tables are those that the views are made for."""
    present = set(inspect(connection).get_table_names())
    return set(metadata.tables) <= present


def create(connection: Connection, readers: Readers | None = None) -> None:
    """Make the views, with their comments and their readers' rights on PostgreSQL."""
    folder = resources.files("dsync.store") / "views" / connection.dialect.name
    for name in names():
        query = (folder / f"{name}.sql").read_text(encoding="utf-8")
        query = _PARIS_CALL.sub(_PARIS_TIME[connection.dialect.name], query)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS\n{query}")
    if connection.dialect.name == "postgresql":
        _comment(connection)
        for name, roles in (readers or {}).items():
            if name in names():
                for role in roles:
                    connection.exec_driver_sql(
                        f"GRANT SELECT ON {name} TO {_quoted(connection, role)}"
                    )


def drop(connection: Connection) -> Readers:
    """Drop the views; return who could read them on PostgreSQL."""
    present = [name for name in inspect(connection).get_view_names() if name.startswith("lecture_")]
    readers = _readers(connection) if connection.dialect.name == "postgresql" else {}
    for name in present:
        connection.exec_driver_sql(f"DROP VIEW {name}")
    return readers


def dictionary(connection: Connection) -> Dictionary:
    """Return the views' documentation: the database's comments, or the shipped texts."""
    if connection.dialect.name != "postgresql":
        return shipped_dictionary()
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
    return {name: views[name] for name in names() if name in views}


def grant(connection: Connection, role: str) -> None:
    """Let a role read the views, and take from it whatever it may do with dsync's tables.

    Raises:
        ConfigurationError: The database is SQLite, there is no such role, or it is our own.
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
    tables = ", ".join(metadata.tables)
    connection.exec_driver_sql(f"REVOKE ALL ON {tables} FROM {quoted}")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {_quoted(connection, schema)} TO {quoted}")
    connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(names())} TO {quoted}")


def _comment(connection: Connection) -> None:
    for view, entry in shipped_dictionary().items():
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
