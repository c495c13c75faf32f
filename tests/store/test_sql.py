"""The bulk writes and the copy: both engines take and give back the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Table, Text, cast, select

from dsync.database import PROGRAMME
from dsync.domain.ids import DossierNumber
from dsync.eig.evidence_tables import candidature, registre
from dsync.errors import StoreError
from dsync.store import Store, tables
from dsync.store.columns import JsonText
from dsync.store.sql import insert_rows, update_rows, upsert
from tests.store.builders import DEMARCHE, NOW, make_mapped, make_verdict, save_verdicts, writing

Rows = list[dict[str, Any]]
Write = Callable[[Connection, Table, Rows], None]

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


def applied(numero: int, **changes: Any) -> dict[str, Any]:
    """Make a candidature's row of what it cannot be without."""
    return {"numero": numero, "depose_le": NOW, **changes}


def stored(connection: Connection, table: Table, *names: str) -> Rows:
    """Read the columns of all rows, by key."""
    columns = [table.c[name] for name in names] or list(table.columns)
    found = connection.execute(select(*columns).order_by(*table.primary_key)).mappings()
    return [dict(row) for row in found]


@pytest.mark.parametrize("write", [insert_rows, upsert])
def test_values_of_every_kind_come_back_as_they_were_written(store: Store, write: Write) -> None:
    """Texts to the letter, instants of any zone to the microsecond as UTC, JSON as values."""
    zones = (UTC, timezone(timedelta(hours=-9, minutes=-30)), ZoneInfo("Asia/Kathmandu"))
    moments = ((1969, 12, 31, 23, 0, 0, 1), (2024, 2, 29, 0, 30, 0, 120000), (2099, 7, 1))
    instants = [datetime(*moment, tzinfo=zone) for moment in moments for zone in zones]
    documents: list[Any] = [[], {}, list(NASTY), {"vrai": True, "entier": 2**53 + 1, "é": 0.1}]
    dossiers = [
        facts(n, depose_le=instant, traite_le=instants[-n], expire_le=None)
        for n, instant in enumerate(instants, start=1)
    ]
    texts = [applied(n, probleme=text, etape=None) for n, text in enumerate((*NASTY, None), 1)]
    contents = [{"numero": n, "champs": value} for n, value in enumerate((*documents, None), 1)]
    with writing(store) as tx:
        for table, rows in (
            (tables.dossier, dossiers),
            (candidature, texts),
            (tables.contenu, contents),
        ):
            write(tx.connection, table, rows)
            assert rows == stored(tx.connection, table, *rows[0])
        found = stored(tx.connection, tables.dossier)
        assert {UTC} == {row["depose_le"].tzinfo for row in found}


def test_json_that_is_written_already_is_kept_to_the_letter(store: Store) -> None:
    """Bytes are the text itself; None is no document, not the document `null`."""
    with writing(store) as tx:
        rows = [{"numero": 1, "divers": b'[ "\xc3\xa9" ]', "traitements": None}]
        insert_rows(tx.connection, tables.contenu, rows)
        column = tables.contenu.c.divers
        assert '[ "é" ]' == tx.connection.scalar(select(cast(column, Text)))
        assert [{"divers": ["é"], "traitements": None}] == (
            stored(tx.connection, tables.contenu, "divers", "traitements")
        )


@pytest.mark.parametrize("rewrite", [upsert, update_rows])
def test_what_is_not_given_of_a_row_stays(store: Store, rewrite: Write) -> None:
    """Of every kind of column; what is given as None goes."""
    whole = applied(
        1, etape="jury", probleme="papier", jury_le=date(2024, 7, 1), valide_par_instructeur=True
    )
    given = applied(1, probleme=None, etape="convention")
    with writing(store) as tx:
        insert_rows(tx.connection, candidature, [whole, whole | {"numero": 2}])
        rewrite(tx.connection, candidature, [given])
        assert [whole | given, whole | {"numero": 2}] == (
            stored(tx.connection, candidature, *whole)
        )


REFUSED = {
    "a key twice in the call": facts(500),
    "a key of before": facts(1),
    "nothing where something must be": facts(2000, etat=None),
}


def test_rows_that_the_database_refuses_leave_nothing(store: Store) -> None:
    """A store error; what came before it in the transaction is gone; the store works on."""
    with writing(store) as tx:
        insert_rows(tx.connection, tables.dossier, [facts(1)])
    lease = store.acquire_lease(DEMARCHE, 60)

    def fail(bad: dict[str, Any]) -> None:
        with store.transaction(lease) as tx:
            tx.state.save(page_size=3)
            insert_rows(tx.connection, candidature, [applied(1)])
            insert_rows(tx.connection, tables.dossier, [*(facts(n) for n in range(10, 1010)), bad])

    for case, bad in REFUSED.items():
        with pytest.raises(StoreError) as caught:
            fail(bad)

        assert str(bad["numero"]) not in str(caught.value).partition(": ")[2], case
        with store.transaction(lease) as tx:
            assert [1] == [row["numero"] for row in stored(tx.connection, tables.dossier)], case
            assert stored(tx.connection, candidature) == []
            assert tx.state.read().page_size != 3

    with store.transaction(lease) as tx:
        insert_rows(tx.connection, tables.dossier, [facts(2)])
    with store.transaction(lease) as tx:
        assert [1, 2] == [row["numero"] for row in stored(tx.connection, tables.dossier)]


def test_a_table_that_is_not_there_is_told_with_the_remedy(store: Store) -> None:
    """The cause of a failed copy is looked at as that of any statement."""

    def fail() -> None:
        with writing(store) as tx:
            tx.connection.exec_driver_sql("ALTER TABLE registre RENAME TO elsewhere")
            row = {"siren": "1", "fetched_at": NOW, "expires_at": NOW}
            insert_rows(tx.connection, registre, [row])

    with pytest.raises(StoreError, match="dsync db upgrade"):
        fail()

    with writing(store) as tx:
        assert stored(tx.connection, registre) == []


# Copies


def texts_of(connection: Connection) -> dict[str, Rows]:
    """Read all tables but the leases, JSON as its text."""
    found = {}
    for table in (*tables.metadata.sorted_tables, *PROGRAMME.metadata.sorted_tables):
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
        run = tx.journal.start_run("incremental", "cli", NOW)
        pages = [make_mapped(n, candidature={"probleme": f"{nasty[:99]}{n}"}) for n in range(1, 4)]
        tx.dossiers.store_page(run, pages, now=NOW)
        save_verdicts(tx, run, [make_verdict(n) for n in range(1, 4)], NOW)
        tx.quarantine.add(run, DossierNumber(7), "invalid_null", nasty, NOW)
        tx.state.save(watermark=NOW, page_size=7)
        known = tx.connection
        insert_rows(
            known,
            tables.dossier,
            [facts(n, labels=b'[ "\xc3\xa9" ]', traite_le=NOW) for n in range(10, 1211)],
        )
        insert_rows(known, candidature, [applied(n) for n in range(10, 1211)])
        insert_rows(
            known,
            registre,
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
        original = texts_of(reader.connection)
        views = reader.connection.exec_driver_sql("SELECT * FROM lecture_champ").all()
    with store.scratch_copy() as copy, copy.reading() as reader:
        copied = texts_of(reader.connection)
        copied_views = reader.connection.exec_driver_sql("SELECT * FROM lecture_champ").all()
        kinds = set(
            reader.connection.exec_driver_sql(
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
        first = tx.journal.start_run("incremental", "cli", NOW)

    with store.scratch_copy() as copy:
        assert copy.lease_of(DEMARCHE) is None
        with writing(copy) as tx:
            assert tx.journal.start_run("complet", "cli", NOW) > first
