"""Migrations: they make what the tables say."""

from __future__ import annotations

from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text

from dsync.database import PROGRAMME, open_database
from dsync.errors import SchemaBehindError
from dsync.programme import Storage
from dsync.store import schema
from dsync.store.dictionary import ENGINE
from tests.store.databases import connected


def _is_of(tables: MetaData, _object: object, name: str, kind: str, *_others: object) -> bool:
    """Whether a table is one of these: the other part's are in the same database."""
    return kind != "table" or name in tables.tables


def test_an_empty_database_is_brought_to_the_models(empty_database_url: str) -> None:
    """Head equals the tables, types included; the dictionary has each view."""
    store = open_database(empty_database_url, check_schema=False, with_programme=True)
    for _ in range(2):
        assert None is store.upgrade()

    with connected(empty_database_url) as connection:
        for part in (ENGINE, PROGRAMME.storage):
            options = {"compare_type": True, "include_object": partial(_is_of, part.metadata)}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, part.metadata) == []
        assert set(store.dictionary()) == set(inspect(connection).get_view_names())
    store.check_schema()
    store.close()


def test_postgresql_asks_for_the_upgrade_and_sqlite_does_it(empty_database_url: str) -> None:
    """An empty PostgreSQL base is refused with the remedy; a SQLite file is made."""
    if empty_database_url.startswith("postgresql"):
        with pytest.raises(SchemaBehindError, match="dsync db upgrade"):
            open_database(empty_database_url)
    else:
        store = open_database(empty_database_url)
        store.check_schema()
        store.close()


def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    """A database of a later dsync is neither used nor changed, whatever the engine."""
    store = open_database(database_url)
    with connected(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaBehindError, match="newer"):
        store.upgrade()
    store.close()

    with pytest.raises(SchemaBehindError, match="Install the newer dsync"):
        open_database(database_url)


@pytest.mark.parametrize("part", [ENGINE, PROGRAMME.storage])
def test_revisions_are_told_from_their_files_names(part: Storage) -> None:
    from alembic.script import ScriptDirectory

    from dsync.store.engine import open_engine, parse_url

    engine = open_engine(parse_url("sqlite://"))
    with engine.begin() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection, part))
    engine.dispose()

    assert [revision.revision for revision in script.walk_revisions()][::-1] == (
        schema.known_revisions(part)
    )
