"""`dsync db grant-reader`: what a role of PostgreSQL may read afterwards."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from dsync.database import open_database
from tests.commands.command import Command
from tests.store.builders import make_demarche, writing
from tests.store.databases import connected

MASKED = "sans_donnees_personnelles"
_MAY_READ = text(
    "SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relname = 'lecture_champ' AND has_schema_privilege(:role, n.oid, 'USAGE') "
    "AND has_table_privilege(:role, c.oid, 'SELECT')"
)


@pytest.mark.parametrize(
    ("options", "said", "expected"),
    [
        ([], "lecture_* and formulaire_* and nothing else", "public"),
        (["--without-personal-data"], "without personal data and nothing else", MASKED),
        (["--demarche", "86321"], "of démarche 86321 and nothing else", "demarche_86321"),
        (
            ["--demarche", "86321", "--without-personal-data"],
            "of démarche 86321 without personal data and nothing else",
            f"demarche_86321_{MASKED}",
        ),
    ],
)
def test_a_role_is_granted_one_part_of_the_views(
    database_url: str,
    synced: Command,
    options: list[str],
    said: str,
    expected: str,
) -> None:
    """All or pseudonymised, of all démarches or of one; SQLite, which knows no roles, exits 2."""
    run = replace(synced, environment={**synced.environment, "DSYNC_DATABASE_URL": database_url})
    role = f"lecteur_{uuid.uuid4().hex[:8]}"
    if not database_url.startswith("postgresql"):
        ended = run("db", "grant-reader", role, *options)
        # Not a copy of the database, in which every table can be read.
        assert (2, True, True) == (ended.code, "SQLite" in ended.err, "`dsync export" in ended.err)
        return
    store = open_database(database_url)
    with writing(store) as tx:
        tx.demarche.save(make_demarche())
    store.close()
    with connected(database_url) as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
    ended = run("db", "grant-reader", role, *options)
    assert (0, True) == (ended.code, said in ended.out), ended.err
    with connected(database_url) as connection:
        assert [expected] == connection.scalars(_MAY_READ, {"role": role}).all()
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
