"""The bulk writes and the copy: both engines take and give back the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Table, Text, cast, event, not_, or_, select, update

from dsync.database import PROGRAMME
from dsync.domain.dossier import Cell
from dsync.domain.ids import DescriptorId, DossierId, DossierNumber
from dsync.eig.evidence_tables import candidature, registre
from dsync.errors import LeaseHeldError, StoreError
from dsync.store import Store, tables
from dsync.store.columns import JsonText
from dsync.store.sql import among, insert_rows, update_rows, upsert
from tests.store.builders import DEMARCHE, NOW, make_mapped, writing

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
    return {"numero": numero, "demarche_numero": DEMARCHE, "depose_le": NOW, **changes}


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
    of = {"demarche_numero": DEMARCHE}
    documents: list[Any] = [[], {}, list(NASTY), {"vrai": True, "entier": 2**53 + 1, "é": 0.1}]
    dossiers = [
        facts(n, depose_le=instant, traite_le=instants[-n], expire_le=None)
        for n, instant in enumerate(instants, start=1)
    ]
    texts = [applied(n, probleme=text, etape=None) for n, text in enumerate((*NASTY, None), 1)]
    contents = [
        {**of, "numero": n, "divers": value, "champs": [Cell(DescriptorId("é"), valeur=value)]}
        for n, value in enumerate((*documents, None), 1)
    ]
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
        of = {"numero": 1, "demarche_numero": DEMARCHE}
        rows = [{**of, "divers": b'[ "\xc3\xa9" ]', "traitements": None}]
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


# Conditions


def test_a_condition_takes_any_number_of_numbers(store: Store) -> None:
    """None, as many as no statement has parameters, and big ones; also negated, and with others."""
    present = [1, 2, 3, 2**40]
    numero = tables.dossier.c.numero
    with writing(store) as tx:
        insert_rows(tx.connection, tables.dossier, [facts(n) for n in present])
        for given in ([], [2], [2, 2, None], range(2, 70_000), [2**40, 5]):
            found = {*tx.connection.scalars(select(numero).where(among(numero, given)))}
            assert found == {*given} & {*present}
        others = select(numero).where(not_(among(numero, [1, 2])), numero > 0)
        assert {3, 2**40} == {*tx.connection.scalars(others)}
        either = select(numero).where(or_(among(numero, [1]), among(numero, [3])))
        assert {1, 3} == {*tx.connection.scalars(either)}
        tx.connection.execute(update(tables.dossier).where(among(numero, [3])).values(lu_par_run=9))
        runs = stored(tx.connection, tables.dossier, "lu_par_run")
    assert [1, 1, 9, 1] == [row["lu_par_run"] for row in runs]


def test_what_a_page_asks_about_its_dossiers_is_found_by_an_index(store: Store) -> None:
    """Not by going through all dossiers, which would be done once a page."""
    numbers = [DossierNumber(n) for n in range(1, 101)]
    asked: list[tuple[str, Any]] = []
    with writing(store) as tx:
        insert_rows(tx.connection, tables.dossier, [facts(n) for n in range(1, 5_001)])
        rows = [applied(n, produit_id=f"produit-{n % 4_000}") for n in range(1, 5_001)]
        insert_rows(tx.connection, candidature, rows)
    store.analyze()
    with writing(store) as tx:
        connection = tx.connection

        @event.listens_for(connection, "before_cursor_execute")
        def note(*call: Any) -> None:
            asked.append(call[2:4])

        assert len(tx.queue.add_related(numbers)) == 200
        tx.queue.close(numbers)
        tx.verdicts.for_judging(numbers)
        tx.dossiers.misnamed((n, DossierId(f"Dossier-{n}")) for n in numbers)
        event.remove(connection, "before_cursor_execute", note)
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            # Of so few rows, all are read as fast. It is still done where there is no other way.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, values in asked:
            plan = connection.exec_driver_sql(f"{explain} {statement}", values).all()
            steps = "\n".join(str(row[-1]) for row in plan)
            assert not re.search(r"SCAN dossier\b|Seq Scan on (dossier|candidature)\b", steps), (
                f"{statement}\n{steps}"
            )
    assert len(asked) >= 5


# Dry runs


def texts_of(connection: Connection) -> dict[str, Rows]:
    """Read all tables, JSON as its text."""
    found = {}
    for table in (*tables.metadata.sorted_tables, *PROGRAMME.storage.metadata.sorted_tables):
        columns = [
            cast(column, Text).label(column.name) if isinstance(column.type, JsonText) else column
            for column in table.columns
        ]
        rows = connection.execute(select(*columns).order_by(*table.primary_key)).mappings()
        found[table.name] = [dict(row) for row in rows]
    return found


def test_a_dry_run_sees_what_it_writes_and_leaves_nothing(store: Store) -> None:
    """Its transactions follow each other, one that fails is undone alone; readers see none."""
    with writing(store) as tx:
        run = tx.journal.start_run("incremental", "cli", NOW)
        tx.dossiers.store_page(run, [make_mapped(1)], now=NOW)
    before = texts_of_store(store)

    with store.trial() as trial:
        lease = trial.acquire_lease(DEMARCHE, 60)
        with trial.transaction(lease) as tx:
            tx.dossiers.store_page(run, [make_mapped(2)], now=NOW)

        def fail() -> None:
            with trial.transaction(lease) as tx:
                tx.dossiers.store_page(run, [make_mapped(3)], now=NOW)
                insert_rows(tx.connection, tables.dossier, [facts(2)])

        with pytest.raises(StoreError):
            fail()
        trial.renew_lease(lease)
        with trial.transaction(lease) as tx:
            assert [1, 2] == sorted(stored_numbers(tx.connection))
        assert before == texts_of_store(store)
        trial.release_lease(lease)

    assert before == texts_of_store(store)
    assert store.acquire_lease(DEMARCHE, 60).token == lease.token


def test_nobody_works_on_a_demarche_beside_a_dry_run(store: Store) -> None:
    """On PostgreSQL, who wants the lease is told so after a second; on SQLite, it waits."""
    if store.place.startswith("PostgreSQL"):
        with store.trial() as trial:
            trial.acquire_lease(DEMARCHE, 60)
            with pytest.raises(LeaseHeldError, match="dry run"):
                store.acquire_lease(DEMARCHE, 60)
    store.acquire_lease(DEMARCHE, 60)
    with store.trial() as trial, pytest.raises(LeaseHeldError, match="worked on by"):
        trial.acquire_lease(DEMARCHE, 60)


def texts_of_store(store: Store) -> dict[str, Rows]:
    with store.reading() as reader:
        return texts_of(reader.connection)


def stored_numbers(connection: Connection) -> list[int]:
    return list(connection.scalars(select(tables.dossier.c.numero)))
