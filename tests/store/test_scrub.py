"""After `db scrub` no byte of what was erased is left in the database's files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import make_url, text

from dsync.database import open_database
from dsync.domain.ids import DossierNumber
from dsync.store import Store
from tests.store.builders import NOW, champ, make_mapped, writing
from tests.store.databases import PostgresServer, connected, on_postgresql


def files_with(url: str, word: str) -> list[str]:
    """Return the files of the database, with its logs of writes, that hold a word."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    else:
        with connected(url) as connection:
            folder = Path(connection.scalar(text("SHOW data_directory")))
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert [file for file in files if file.parent.name == "pg_wal"]
    found = []
    for file in files:
        with suppress(FileNotFoundError):  # A server removes some of its own at any time.
            found += [file.name] * (word.encode() in file.read_bytes())
    return found


def checkpoint(url: str) -> None:
    """Have everything on the disk, as after some minutes."""
    if not url.startswith("sqlite"):
        with connected(url) as connection:
            connection.execute(text("CHECKPOINT"))


@contextmanager
def erased(store: Store, url: str) -> Iterator[str]:
    """Yield a word of dossiers that were stored, analyzed and erased."""
    word = f"t{uuid.uuid4().hex}"
    numbers = [DossierNumber(number) for number in range(1, 41)]
    with writing(store) as tx:
        page = [
            make_mapped(
                number, motivation=word, champs=(champ("c1", "Problème", f"{word} {number} " * 90),)
            )
            for number in numbers
        ]
        tx.dossiers.store_page(1, page, now=NOW)
    store.analyze()
    checkpoint(url)
    with writing(store) as tx:
        tx.deletions.erase(numbers, NOW)
    yield word


def test_no_byte_of_what_was_erased_is_left(store: Store, database_url: str) -> None:
    """Neither in tables, indexes, statistics nor in the log of writes; what is stored stays."""
    with erased(store, database_url) as word:
        if database_url.startswith("postgresql"):
            # What the register says: the erasure alone does not end it.
            assert files_with(database_url, word)
        with writing(store) as tx:
            tx.dossiers.store_page(2, [make_mapped(50, motivation="reste")], now=NOW)
        assert [] == store.scrub()
        assert [] == files_with(database_url, word)
    with store.reading() as reader:
        found = reader.dossiers.by_number(DossierNumber(50), only=())
    assert found is not None


@on_postgresql
def test_what_a_role_may_not_do_is_said(postgres_server: PostgresServer, database_url: str) -> None:
    """An owner who is no superuser rewrites the tables; of the log it names who can."""
    role = f"owner_{uuid.uuid4().hex[:8]}"
    url = postgres_server.make(migrated=False)
    name = make_url(url).database
    with connected(url) as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
        connection.execute(text(f'ALTER DATABASE "{name}" OWNER TO {role}'))
        connection.execute(text(f"GRANT ALL ON SCHEMA public TO {role}"))
    own = make_url(url).set(username=role, password="x").render_as_string(hide_password=False)
    store = open_database(own, check_schema=False)
    try:
        store.upgrade()
        [left] = store.scrub()
        assert "pg_wal" in left
        assert "superuser" in left
    finally:
        store.close()
        postgres_server.drop(url)
        with connected(database_url) as connection:
            connection.execute(text(f"DROP ROLE {role}"))
