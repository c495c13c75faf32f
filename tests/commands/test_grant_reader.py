"""`dsync db grant-reader`: what a role of PostgreSQL may read afterwards."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.commands.command import Command
from tests.store.databases import connected

_MAY_READ = text(
    "SELECT has_schema_privilege(:role, n.oid, 'USAGE') AND "
    "has_table_privilege(:role, c.oid, 'SELECT') FROM pg_class AS c "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = :schema AND c.relname = 'lecture_champ'"
)


@pytest.mark.parametrize(
    ("options", "said", "expected"),
    [
        ([], "lecture_* and formulaire_* and nothing else", (True, None)),
        (["--without-personal-data"], "without personal data and nothing else", (False, True)),
    ],
)
def test_a_role_is_granted_one_of_two_sets_of_views(
    database_url: str,
    synced: Command,
    options: list[str],
    said: str,
    expected: tuple[bool, bool | None],
) -> None:
    """All columns or those without personal data; SQLite, which knows no roles, exits 2."""
    run = replace(synced, environment={**synced.environment, "DSYNC_DATABASE_URL": database_url})
    role = f"lecteur_{uuid.uuid4().hex[:8]}"
    if not database_url.startswith("postgresql"):
        ended = run("db", "grant-reader", role, *options)
        assert (2, True) == (ended.code, "SQLite" in ended.err)
        return
    with connected(database_url) as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
    ended = run("db", "grant-reader", role, *options)
    assert (0, True) == (ended.code, said in ended.out), ended.err
    with connected(database_url) as connection:
        schemas = ("public", "sans_donnees_personnelles")
        assert expected == tuple(
            connection.scalar(_MAY_READ, {"role": role, "schema": schema}) for schema in schemas
        )
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
