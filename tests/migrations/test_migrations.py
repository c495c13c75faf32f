"""Migrations: they make what the tables say, and can be gone back."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from dsync.errors import SchemaBehindError
from dsync.store import Store, reading_views, schema, tables


def test_an_empty_database_is_brought_to_the_models(empty_database_url: str) -> None:
    """Head equals the tables, types included."""
    store = Store.open(empty_database_url, check_schema=False)
    store.upgrade()

    with store._connected() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    store.check_schema()
    store.close()


def test_head_to_base_and_back_leaves_no_trace(empty_database_url: str) -> None:
    """Going back empties the database; going forth again makes it whole."""
    store = Store.open(empty_database_url, check_schema=False)
    store.upgrade()
    with store._connected() as connection:
        schema.downgrade(connection, "base")
        assert {"alembic_version"} == set(inspect(connection).get_table_names())
        assert inspect(connection).get_view_names() == []
    store.upgrade()
    store.upgrade()
    assert len(store.dictionary()) == 13
    store.close()


def test_postgresql_asks_for_the_upgrade_and_sqlite_does_it(empty_database_url: str) -> None:
    """An empty PostgreSQL base is refused with the remedy; a SQLite file is made."""
    if empty_database_url.startswith("postgresql"):
        with pytest.raises(SchemaBehindError, match="dsync db upgrade"):
            Store.open(empty_database_url)
    else:
        store = Store.open(empty_database_url)
        store.check_schema()
        store.close()


def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    """A database of a later dsync is neither used nor changed, whatever the engine."""
    store = Store.open(database_url)
    with store._connected() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaBehindError, match="newer"):
        store.upgrade()
    store.close()

    with pytest.raises(SchemaBehindError, match="Install the newer dsync"):
        Store.open(database_url)


def test_revisions_are_told_from_their_files_names() -> None:
    """What is read without Alembic is what Alembic has."""
    from alembic.script import ScriptDirectory

    from dsync.store.engine import open_engine, parse_url

    engine = open_engine(parse_url("sqlite://"))
    with engine.begin() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection))
    engine.dispose()

    assert [revision.revision for revision in script.walk_revisions()][::-1] == (
        schema.known_revisions()
    )


def test_readers_keep_their_right_over_an_upgrade(database_url: str) -> None:
    """Views are made anew by an upgrade; who could read them still can."""
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite knows no roles")
    store = Store.open(database_url)
    with store._connected() as connection:
        connection.execute(text("DROP ROLE IF EXISTS dsync_lecture"))
        connection.execute(text("CREATE ROLE dsync_lecture"))
    store.grant_reader("dsync_lecture")
    with store._connected() as connection:
        reading_views.create(connection, reading_views.drop(connection))
        granted = connection.scalar(
            text("SELECT has_table_privilege('dsync_lecture', 'lecture_voeu', 'SELECT')")
        )
        assert granted
        connection.execute(text("DROP OWNED BY dsync_lecture"))
        connection.execute(text("DROP ROLE dsync_lecture"))
    store.close()
