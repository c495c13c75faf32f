"""Migrations: they make what the tables say, and what is released stays as it is."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from dsync.database import PROGRAMME, open_database
from dsync.errors import SchemaBehindError
from dsync.programme import Storage
from dsync.store import reading_views, schema
from dsync.store.dictionary import ENGINE, NO_PROGRAMME
from tests.conftest import Golden
from tests.store.databases import connected

ROOT = Path(__file__).parents[2]
PARTS = pytest.mark.parametrize("part", [ENGINE, PROGRAMME.storage], ids=["dsync", "eig"])


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


@PARTS
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


@PARTS
def test_what_a_revision_stands_for(part: Storage, golden: Golden) -> None:
    """Tables and views as they are declared: whoever changes a released one adds a revision."""
    beside = NO_PROGRAMME if part is ENGINE else PROGRAMME
    said = []
    for table in part.metadata.sorted_tables:
        made = [str(CreateTable(table).compile(dialect=one)) for one in DIALECTS]
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(CreateIndex(index).compile(dialect=DIALECTS[0])) for index in indexes]
        said.append((f"table {table.name}", made))
    for view in part.views:
        columns = reading_views.shipped_dictionary(beside)[view].columns
        shown = [reading_views.text_of(view, one.name, beside) for one in DIALECTS]
        said.append((f"view {view}", [*shown, *(f"{k} {v.type}" for k, v in columns.items())]))
    lines = (f"{name} {sha256(repr(made).encode()).hexdigest()[:12]}\n" for name, made in said)
    name = f"{part.name or 'dsync'}-{schema.known_revisions(part)[-1]}.txt"
    golden.check(name, "".join(sorted(lines)))


DIALECTS = (sqlite.dialect(), postgresql.dialect())


def test_nothing_that_is_released_was_edited() -> None:
    lines = (Path(__file__).parent / "released.txt").read_text(encoding="utf-8").splitlines()
    changed = [
        path
        for digest, path in (line.split("  ") for line in lines)
        if sha256((ROOT / path).read_bytes()).hexdigest() != digest
    ]
    assert [] == changed, "These files are released: add a migration, also of a changed view."
