"""The forms of statement that the store is made of: both engines take and give back the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    select,
)

from dsync.domain.ids import DossierNumber
from dsync.domain.written import written
from dsync.errors import StoreError
from dsync.store import Store, tables
from dsync.store.columns import JsonText
from dsync.store.sql import insert_rows, update_rows, upsert
from tests.store.builders import DEMARCHE, NOW, make_mapped, make_verdict, writing
from tests.store.databases import PostgresServer

Rows = list[dict[str, Any]]
Write = Callable[[Connection, Table, Rows], None]

DOSSIER = tables.dossier
CANDIDATURE = tables.candidature
REGISTRE = tables.registre

MANY = 3000
NASTY = (
    "",
    " ",
    "L'été d’Élodie « œuvre »",
    'a "b" \\c\\ \\\\ \\N \\. \\u00e9',
    "tab\tline\nreturn\rboth\r\nend\n",
    "NULL",
    "{}",
    "100 % %s %(name)s :name ? $1 {x}",
    "; DROP TABLE dossier; --",
    "🎉 👩🏽‍🚀 שלום 漢字 e\u0301 \u00a0\u202f\ufeff\u2028",
    "\x01\x1f\x7f",
    "long " * 20_000,
)


def facts(numero: int = 1, **changes: Any) -> dict[str, Any]:
    """Make a dossier's row of what it cannot be without."""
    return {
        "numero": numero,
        "demarche_numero": DEMARCHE,
        "etat": "en_construction",
        "presence": "present",
        "archive": False,
        "depose_le": NOW,
        "modifie_le": NOW,
        "synchronise_le": NOW,
        "lu_par_run": 1,
        "a_evaluer": False,
        **changes,
    }


def overwrite(connection: Connection, table: Table, rows: Rows) -> None:
    """Upsert rows that are there already, with nothing in them that is to be written."""
    _put_blank(connection, table, rows)
    upsert(connection, table, rows)


def change(connection: Connection, table: Table, rows: Rows) -> None:
    """Update rows that are there."""
    _put_blank(connection, table, rows)
    update_rows(connection, table, rows)


def _put_blank(connection: Connection, table: Table, rows: Rows) -> None:
    needed = [c.name for c in table.columns if not c.nullable]
    for row in rows:
        connection.execute(insert(table).values({name: row[name] for name in needed}))


WRITES: tuple[Write, ...] = (insert_rows, upsert, overwrite, change)


def each_way(connection: Connection, table: Table, rows: Rows) -> Iterator[None]:
    """Write rows into the empty table in each way there is."""
    for write in WRITES:
        connection.execute(delete(table))
        write(connection, table, rows)
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store on each engine for all tests that commit nothing."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "dsync.db"
        opened = Store.open(f"sqlite:///{path}")
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.make(migrated=True)
    opened = Store.open(url)
    yield opened
    opened.close()
    server.drop(url)


@pytest.fixture
def connection(shared: Store) -> Iterator[Connection]:
    """A connection whose transaction is taken back at the end."""
    with shared._engine.connect() as opened:
        yield opened


def stored(connection: Connection, table: Table, *names: str) -> Rows:
    """Read the columns of all rows, by key."""
    columns = [table.c[name] for name in names] or list(table.columns)
    found = connection.execute(select(*columns).order_by(*table.primary_key)).mappings()
    return [dict(row) for row in found]


def check(connection: Connection, table: Table, rows: Rows) -> None:
    """Find each value again, however it was written."""
    for _ in each_way(connection, table, rows):
        assert rows == stored(connection, table, *rows[0])


def numbers_where(connection: Connection, *conditions: ColumnElement[bool]) -> list[int]:
    """Return the dossiers that meet the conditions."""
    statement = select(DOSSIER.c.numero).where(*conditions).order_by(DOSSIER.c.numero)
    return list(connection.scalars(statement))


def plan_of(connection: Connection, statement: Any) -> str:
    """Return how the engine would answer, an index preferred if there is one to take."""
    compiled = statement.compile(dialect=connection.dialect)
    if connection.dialect.name == "sqlite":
        values: Any = tuple("[1, 2]" for _ in compiled.params)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
        return "\n".join(row.detail for row in plan)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
    return "\n".join(plan.scalars())


# Every kind of column


def test_texts_come_back_as_they_were_written(connection: Connection) -> None:
    """Quotes, backslashes, tabs, lines, accents and emoji, at any length, and none at all."""
    check(
        connection,
        CANDIDATURE,
        [
            {"numero": n, "page_produit": text, "probleme": f"{text}|", "etape": None}
            for n, text in enumerate((*NASTY, None), start=1)
        ],
    )


ZONES = (
    UTC,
    timezone(timedelta(hours=2)),
    timezone(timedelta(hours=-9, minutes=-30)),
    ZoneInfo("Europe/Paris"),
    ZoneInfo("America/St_Johns"),
    ZoneInfo("Asia/Kathmandu"),
    ZoneInfo("UTC"),
)
MOMENTS = (
    (2024, 6, 1, 12, 0, 0, 0),
    (2024, 1, 31, 23, 59, 59, 999999),
    (1969, 12, 31, 23, 0, 0, 1),
    (2024, 2, 29, 0, 30, 0, 120000),
    (2099, 7, 1, 2, 30, 0, 0),
)


def test_instants_of_any_zone_come_back_equal(connection: Connection) -> None:
    """To the microsecond, and as UTC."""
    instants = [datetime(*moment, tzinfo=zone) for moment in MOMENTS for zone in ZONES]
    rows = [
        facts(n, depose_le=instant, traite_le=instants[-n], expire_le=None)
        for n, instant in enumerate(instants, start=1)
    ]

    check(connection, DOSSIER, rows)

    assert {UTC} == {row["depose_le"].tzinfo for row in stored(connection, DOSSIER)}


DOCUMENTS: tuple[Any, ...] = (
    [],
    {},
    [{"id": f"c{n}", "texte": text} for n, text in enumerate(NASTY)],
    {"vrai": True, "faux": False, "rien": None, "entier": 2**53 + 1, "réel": 0.1, "« é’ »": ["🎉"]},
    "un texte",
    12,
    None,
)


@pytest.mark.parametrize("as_sent", [written, lambda value: json.dumps(value, indent=1).encode()])
def test_json_is_kept_as_its_text_and_read_as_values(
    connection: Connection, as_sent: Callable[[Any], bytes]
) -> None:
    """Bytes go in; the column holds them as text, to the letter; values come out."""
    given = [as_sent(document) for document in DOCUMENTS]
    rows = [{"numero": n, "champs": json_} for n, json_ in enumerate(given, start=1)]
    column = CANDIDATURE.c.champs
    type_of, valid = (
        (func.typeof(column), func.json_valid(column))
        if connection.dialect.name == "sqlite"
        else (cast(func.pg_typeof(column), Text), func.pg_input_is_valid(column, "json"))
    )

    for _ in each_way(connection, CANDIDATURE, rows):
        assert list(DOCUMENTS) == [row["champs"] for row in stored(connection, CANDIDATURE)]
        texts = connection.scalars(select(cast(column, Text)).order_by(CANDIDATURE.c.numero))
        assert [json_.decode() for json_ in given] == texts.all()
        kinds = {tuple(row) for row in connection.execute(select(type_of, valid))}
        assert {("text", True)} == kinds


def test_no_json_is_null(connection: Connection) -> None:
    """None is no document, not the document `null`."""
    rows = [{"numero": 1, "champs": None, "annotations": b"null"}]
    is_null = [CANDIDATURE.c[name].is_(None) for name in ("champs", "annotations")]

    for _ in each_way(connection, CANDIDATURE, rows):
        assert [(True, False)] == connection.execute(select(*is_null)).all()
        (row,) = stored(connection, CANDIDATURE, "champs", "annotations")
        assert {None} == set(row.values())


# How many, which columns


@pytest.mark.parametrize("rewrite", [upsert, update_rows])
def test_what_is_not_given_of_a_row_stays(connection: Connection, rewrite: Write) -> None:
    """Of every kind of column; what is given as None goes."""
    whole = {
        "numero": 1,
        "etape": "jury",
        "probleme": "papier",
        "jury_le": date(2024, 7, 1),
        "valide_par_instructeur": True,
        "champs": b'[{"id":"c1"}]',
        "annotations": b"[]",
    }
    insert_rows(connection, CANDIDATURE, [whole, whole | {"numero": 2}])

    rewrite(connection, CANDIDATURE, [{"numero": 1, "probleme": None, "annotations": b"[1]"}])

    one, two = stored(connection, CANDIDATURE, *whole)
    kept = whole | {"champs": [{"id": "c1"}], "annotations": []}
    assert kept | {"probleme": None, "annotations": [1]} == one
    assert kept | {"numero": 2} == two


def test_new_and_known_rows_are_upserted_together(connection: Connection) -> None:
    """Some rows are inserted, others overwritten, by one call."""
    insert_rows(connection, CANDIDATURE, [{"numero": n, "etape": "avant"} for n in (2, 4)])

    upsert(connection, CANDIDATURE, [{"numero": n, "etape": "après"} for n in (1, 2, 3)])

    assert ["après", "après", "après", "avant"] == [
        row["etape"] for row in stored(connection, CANDIDATURE)
    ]


def test_only_rows_that_are_there_are_updated(connection: Connection) -> None:
    """An update makes no row, and meets both parts of a key."""
    row = {
        "code": "a",
        "message": "m",
        "depuis": NOW,
        "tentatives": 1,
        "dernier_essai_le": NOW,
    }
    insert_rows(
        connection,
        tables.quarantaine,
        [{"demarche_numero": d, "numero": 1, **row} for d in (1, 2)],
    )

    update_rows(
        connection,
        tables.quarantaine,
        [
            {"code": "b", "numero": 1, "demarche_numero": 2},
            {"code": "c", "numero": 2, "demarche_numero": 1},
        ],
    )

    assert [(1, 1, "a"), (2, 1, "b")] == [
        tuple(found.values())
        for found in stored(connection, tables.quarantaine, "demarche_numero", "numero", "code")
    ]


# Faults


REFUSED = {
    "a key twice in the call": facts(500),
    "a key of before": facts(1),
    "nothing where something must be": facts(2000, etat=None),
}


def test_rows_that_the_database_refuses_leave_nothing(store: Store) -> None:
    """A store error; what came before it in the transaction is gone; the store works on."""
    with writing(store) as tx:
        insert_rows(tx._connection, DOSSIER, [facts(1)])
    lease = store.acquire_lease(DEMARCHE, 60)

    def fail(bad: dict[str, Any]) -> None:
        with store.transaction(lease) as tx:
            tx.save_state(page_size=3)
            insert_rows(tx._connection, CANDIDATURE, [{"numero": 1, "etape": None}])
            insert_rows(tx._connection, DOSSIER, [*(facts(n) for n in range(10, 1010)), bad])

    for case, bad in REFUSED.items():
        with pytest.raises(StoreError) as caught:
            fail(bad)

        assert str(bad["numero"]) not in str(caught.value).partition(": ")[2], case
        with store.transaction(lease) as tx:
            assert [1] == numbers_where(tx._connection), case
            assert stored(tx._connection, CANDIDATURE) == []
            assert tx.state().page_size != 3

    with store.transaction(lease) as tx:
        insert_rows(tx._connection, DOSSIER, [facts(2)])
    with store.transaction(lease) as tx:
        assert [1, 2] == numbers_where(tx._connection)


def test_a_refused_change_is_a_store_error(store: Store) -> None:
    """Nothing of the rows before it is changed."""
    with writing(store) as tx:
        insert_rows(tx._connection, DOSSIER, [facts(1), facts(2)])

    def fail(rewrite: Write) -> None:
        with writing(store) as tx:
            rewrite(tx._connection, DOSSIER, [facts(1, etat="refuse"), facts(2, etat=None)])

    for rewrite in (upsert, update_rows):
        with pytest.raises(StoreError):
            fail(rewrite)

        with writing(store) as tx:
            assert {"en_construction"} == {row["etat"] for row in stored(tx._connection, DOSSIER)}


def test_a_table_that_is_not_there_is_told_with_the_remedy(store: Store) -> None:
    """The cause of a failed copy is looked at as that of any statement."""

    def fail() -> None:
        with writing(store) as tx:
            tx._connection.exec_driver_sql("ALTER TABLE registre RENAME TO elsewhere")
            row = {"siren": "1", "fetched_at": NOW, "expires_at": NOW}
            insert_rows(tx._connection, REGISTRE, [row])

    with pytest.raises(StoreError, match="dsync db upgrade"):
        fail()

    with writing(store) as tx:
        assert stored(tx._connection, REGISTRE) == []


def test_what_postgresql_takes_no_text_for_is_a_store_error(
    database_url: str, store: Store
) -> None:
    """NUL, which mapping takes out before, and bytes that are no UTF-8."""
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite keeps a NUL")
    for row in ({"numero": 1, "etape": "a\0b"}, {"numero": 1, "champs": b'["\xff"]'}):

        def fail(row: dict[str, Any] = row) -> None:
            with writing(store) as tx:
                insert_rows(tx._connection, CANDIDATURE, [row])

        with pytest.raises(StoreError):
            fail()

    with writing(store) as tx:
        assert stored(tx._connection, CANDIDATURE) == []


# Copies


def texts_of(connection: Connection) -> dict[str, Rows]:
    """Read all tables but the leases, JSON as its text."""
    found = {}
    for table in tables.metadata.sorted_tables:
        columns = [
            cast(column, Text).label(column.name) if isinstance(column.type, JsonText) else column
            for column in table.columns
        ]
        rows = connection.execute(select(*columns).order_by(*table.primary_key)).mappings()
        found[table.name] = [dict(row) for row in rows]
    del found["lease"]
    return found


def test_a_scratch_copy_equals_the_original(store: Store) -> None:
    """Every table, more rows than are copied at once, every kind of column, JSON to the letter."""
    nasty = "".join(NASTY)
    with writing(store) as tx:
        run = tx.start_run("incremental", "cli", NOW)
        pages = [make_mapped(n, candidature={"probleme": f"{nasty[:99]}{n}"}) for n in range(1, 4)]
        tx.store_page(run, pages, now=NOW, mark_read=True)
        tx.save_verdicts(run, [make_verdict(n) for n in range(1, 4)], NOW)
        tx.quarantine(run, DossierNumber(7), "invalid_null", nasty, NOW)
        tx.save_state(watermark=NOW, page_size=7)
        known = tx._connection
        insert_rows(
            known,
            DOSSIER,
            [facts(n, labels=b'[ "\xc3\xa9" ]', traite_le=NOW) for n in range(10, 1211)],
        )
        insert_rows(known, CANDIDATURE, [{"numero": n, "divers": None} for n in range(10, 1211)])
        insert_rows(
            known,
            REGISTRE,
            [
                {
                    "siren": str(n),
                    "answer": json.dumps({"n": text}, indent=n).encode(),
                    "fetched_at": NOW + timedelta(microseconds=n),
                    "expires_at": NOW.astimezone(ZoneInfo("Europe/Paris")),
                }
                for n, text in enumerate(NASTY)
            ],
        )

    with store.reading() as reader:
        original = texts_of(reader._connection)
        views = reader._connection.exec_driver_sql("SELECT * FROM lecture_champ").all()
    with store.scratch_copy() as copy, copy.reading() as reader:
        copied = texts_of(reader._connection)
        copied_views = reader._connection.exec_driver_sql("SELECT * FROM lecture_champ").all()
        kinds = set(
            reader._connection.exec_driver_sql(
                "SELECT typeof(labels) FROM dossier UNION ALL SELECT typeof(answer) FROM registre"
            ).scalars()
        )

    assert len(original["dossier"]) == 1204
    assert original == copied
    assert {tuple(row) for row in views} == {tuple(row) for row in copied_views}
    assert len(views) == len(copied_views) > 0
    assert kinds == {"text"}


def test_a_scratch_copy_knows_no_lease_and_numbers_on(store: Store) -> None:
    """Who works on the original is nobody there; generated keys go on behind those copied."""
    lease = store.acquire_lease(DEMARCHE, 60, holder="original")
    with store.transaction(lease) as tx:
        first = tx.start_run("incremental", "cli", NOW)

    with store.scratch_copy() as copy:
        assert copy.lease_of(DEMARCHE) is None
        with writing(copy) as tx:
            assert tx.start_run("complet", "cli", NOW) > first


# Rows into values
