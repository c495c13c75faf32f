"""`dsync db grant-reader`: what a role of PostgreSQL may read afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from dsync.database import open_database
from dsync.sandbox import Sandbox
from tests.commands.command import Command, InsideCommand
from tests.commands.conftest import operator
from tests.store.builders import make_demarche, writing
from tests.store.databases import connected, on_postgresql

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
    assert run("db", "grant-reader", role, *options).tells(said)
    with connected(database_url) as connection:
        assert [expected] == connection.scalars(_MAY_READ, {"role": role}).all()
        # Who saw what is for the data protection officer, whom a right of its own is given.
        watching = "SELECT has_table_privilege(:role, 'lecture_consultation', 'SELECT')"
        assert connection.scalar(text(watching), {"role": role}) is False
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


ADVISORY = (0x6473796E63, 0x6473796E72, 0, 1)
"""Keys of advisory locks, two of which earlier commits took."""
MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
    "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip


LOCK = "DO $$ BEGIN {} EXCEPTION WHEN OTHERS THEN NULL; END $$"
"""Executes a statement that may be refused; a lock that it gets is kept."""


def lock_all(reader: Connection) -> None:
    """Take each lock that a role can get, and keep it in the open transaction."""
    for key in ADVISORY:
        reader.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        reader.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    names = reader.scalars(
        text(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'v') AND n.nspname NOT LIKE 'pg\\_%' "
            "AND n.nspname <> 'information_schema'"
        )
    ).all()
    assert len(names) > 50
    statements = [
        statement
        for name in names
        for statement in (
            *(f"LOCK TABLE {name} IN {mode} MODE;" for mode in MODES),
            f"PERFORM 1 FROM {name} FOR UPDATE;",
            f"PERFORM 1 FROM {name} FOR KEY SHARE;",
        )
    ]
    # All in one: a thousand requests would take longer than the runs beside them.
    reader.exec_driver_sql(";".join(map(LOCK.format, statements)))
    assert reader.scalar(text("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")) > 50


@pytest.fixture
def on_a_server(database_url: str, tmp_path: Path) -> Iterator[tuple[Command, str]]:
    """Return `dsync` in processes of its own on PostgreSQL, and a role of an analyst there."""
    with Sandbox.start(dossiers=3, seed=7) as sandbox:
        environment = dict(operator(sandbox, tmp_path).environment)
        environment["DSYNC_DATABASE_URL"] = database_url
        run, inside = Command(tmp_path, environment), InsideCommand(tmp_path, environment)
        role = f"lecteur_{uuid.uuid4().hex[:8]}"
        assert 0 == inside("sync").code
        with connected(database_url) as connection:
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        assert 0 == inside("db", "grant-reader", role, "--without-personal-data").code
        yield run, role
        with connected(database_url) as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@on_postgresql
def test_no_lock_that_a_reader_can_take_stops_dsync(
    on_a_server: tuple[Command, str], database_url: str
) -> None:
    """Runs and upgrades go on while a masked role keeps all the locks that it gets."""
    run, role = on_a_server
    reading = create_engine(make_url(database_url).set(username=role))
    try:
        with reading.connect() as reader:
            lock_all(reader)
            done = run("sync", "--full")
            assert 0 == done.code, done.text
            reader.rollback()
            # What is read keeps a view from being made anew; advisory locks outlive it.
            with connected(database_url) as connection:
                connection.execute(text("DROP VIEW lecture_jury CASCADE"))
            upgraded = run("db", "upgrade")
            assert 0 == upgraded.code, upgraded.text
            assert 0 == run("sync").code
    finally:
        reading.dispose()
