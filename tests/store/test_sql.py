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
    Select,
    Table,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from dsync.domain.candidature import Reponse, Voeu
from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Resultat
from dsync.domain.written import written
from dsync.errors import LeaseLostError, StoreError
from dsync.store import Store, Tx, tables
from dsync.store.columns import JsonText
from dsync.store.sql import among, insert_for, insert_rows, update_rows, upsert
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


# Among


def numbers_where(connection: Connection, *conditions: ColumnElement[bool]) -> list[int]:
    """Return the dossiers that meet the conditions."""
    statement = select(DOSSIER.c.numero).where(*conditions).order_by(DOSSIER.c.numero)
    return list(connection.scalars(statement))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], []),
        ([3], [3]),
        ([4], []),
        ([3, 1, 3, 99], [1, 3]),
        ({2}, [2]),
        (range(5000), [1, 2, 3]),
        ([2**62, -1], [2**62]),
    ],
    ids=["none", "one", "absent", "twice", "set", "thousands", "long"],
)
def test_rows_are_found_by_any_of_some_numbers(
    connection: Connection, values: Any, found: list[int]
) -> None:
    """No number, one or thousands: those that are there, each once."""
    insert_rows(connection, DOSSIER, [facts(n) for n in (1, 2, 3, 2**62)])

    assert found == numbers_where(connection, among(DOSSIER.c.numero, values))


def test_rows_are_found_by_any_of_some_texts(connection: Connection) -> None:
    """Texts are compared as they are, whatever is in them; NULL is none of them."""
    rows = [facts(n, produit_id=text) for n, text in enumerate((*NASTY, None))]
    insert_rows(connection, DOSSIER, rows)
    column = DOSSIER.c.produit_id

    for number, text in enumerate(NASTY):
        assert [number] == numbers_where(connection, among(column, [text]))
    assert list(range(len(NASTY))) == numbers_where(connection, among(column, NASTY))
    assert [] == numbers_where(connection, among(column, []))
    assert [] == numbers_where(connection, among(column, ["l'été"]))
    # Six digits, or as many texts as a page has dossiers and more.
    assert [] == numbers_where(connection, among(column, [str(n) for n in range(5000)]))


def test_a_condition_on_values_goes_with_others(connection: Connection) -> None:
    """Negated, both or either, twice in a statement: each keeps its own values."""
    insert_rows(connection, DOSSIER, [facts(n, a_evaluer=n % 2 == 0) for n in range(1, 7)])
    low, high = among(DOSSIER.c.numero, [1, 2, 3]), among(DOSSIER.c.numero, [3, 4])

    assert [4, 5, 6] == numbers_where(connection, not_(low))
    assert [1, 2, 3, 4, 5, 6] == numbers_where(connection, ~among(DOSSIER.c.numero, []))
    assert [3] == numbers_where(connection, and_(low, high))
    assert [1, 2, 3, 4] == numbers_where(connection, or_(low, high))
    assert [2] == numbers_where(connection, low, DOSSIER.c.a_evaluer)
    assert [1, 3] == numbers_where(connection, low, DOSSIER.c.a_evaluer.is_(False))
    assert [1, 2, 5, 6] == numbers_where(connection, or_(and_(low, ~high), DOSSIER.c.numero > 4))


def test_a_condition_used_again_takes_the_new_values(connection: Connection) -> None:
    """A statement that was compiled once serves other values, in number and kind."""
    insert_rows(connection, DOSSIER, [facts(n) for n in (1, 2, 3)])

    for values in ([1], [2, 3], [], [3]):
        assert values == numbers_where(connection, among(DOSSIER.c.numero, values))


def test_changes_and_removals_meet_the_values_alone(connection: Connection) -> None:
    """UPDATE and DELETE take the condition as SELECT does."""
    insert_rows(connection, DOSSIER, [facts(n) for n in (1, 2, 3, 4)])

    theirs = among(DOSSIER.c.numero, [1, 3])
    assert 2 == connection.execute(update(DOSSIER).where(theirs).values(lu_par_run=9)).rowcount
    assert [1, 9] == sorted({row["lu_par_run"] for row in stored(connection, DOSSIER)})
    connection.execute(delete(DOSSIER).where(theirs))

    assert [2, 4] == numbers_where(connection)


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


@pytest.mark.parametrize("name", ["dossier.numero", "verdict.numero", "dossier.produit_id"])
def test_rows_are_looked_up_by_the_index(connection: Connection, name: str) -> None:
    """Neither a few nor a million rows are read through for some of them."""
    table_name, _, column = name.partition(".")
    table = tables.metadata.tables[table_name]
    condition = among(table.c[column], ["1", "2"] if column == "produit_id" else [1, 2])
    others = (table.c.demarche_numero + 0) > 0
    for statement in (
        select(table.c.numero).where(condition),
        select(table.c.numero).where(condition, others),
        update(table).where(condition, others).values(demarche_numero=1),
    ):
        plan = plan_of(connection, statement)

        if connection.dialect.name == "sqlite":
            assert f"SEARCH {table_name}" in plan
            assert f"SCAN {table_name}" not in plan
        else:
            assert f"Index Cond: ({column}" in plan.replace("(produit_id)::text", "produit_id")


def test_a_condition_is_compared_with_nothing(connection: Connection) -> None:
    """`… = 1` beside it would hide the index from SQLite."""
    condition = among(DOSSIER.c.numero, [1, 2])
    statements: list[Select[Any]] = [
        select(DOSSIER.c.numero).where(condition),
        select(DOSSIER.c.numero).where(condition, DOSSIER.c.etat != "x"),
        select(DOSSIER.c.numero).where(or_(condition, DOSSIER.c.numero == 9)),
    ]
    for statement in statements:
        assert "= 1" not in str(statement.compile(dialect=connection.dialect))


def test_values_are_one_parameter_however_many(connection: Connection) -> None:
    """One value or thousands are the same statement, below every limit of parameters."""
    texts = set()
    for size in (0, 1, 40_000):
        compiled = select(DOSSIER).where(among(DOSSIER.c.numero, range(size)))
        text = compiled.compile(dialect=connection.dialect)
        assert len(text.params) == 1
        texts.add(str(text))

    assert len(texts) == 1


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


def test_texts_without_end_of_their_kind_come_back(connection: Connection) -> None:
    """Columns of unlimited text are as those of names."""
    row = {
        "demarche_numero": DEMARCHE,
        "annotation": "resultat",
        "statut": "en_attente",
        "tentatives": 0,
        "creee_le": NOW,
        "courante": False,
        "force": True,
    }
    check(
        connection,
        tables.outbox,
        [{"id": n, "numero": 1, **row, "valeur": text} for n, text in enumerate(NASTY, start=1)],
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


def test_an_hour_that_comes_twice_is_told_apart(connection: Connection) -> None:
    """The night on which clocks go back: both half past two are kept."""
    twice = [
        datetime(2024, 10, 27, 2, 30, fold=fold, tzinfo=ZoneInfo("Europe/Paris")) for fold in (0, 1)
    ]
    rows = [facts(n, depose_le=at) for n, at in enumerate(twice, start=1)]

    for _ in each_way(connection, DOSSIER, rows):
        first, second = (row["depose_le"] for row in stored(connection, DOSSIER))
        assert timedelta(hours=1) == second - first


def test_one_instant_in_many_columns_is_written_in_each(connection: Connection) -> None:
    """The instant of a page beside others, before and after them, and in the next row."""
    other = NOW - timedelta(days=3)
    names = ("depose_le", "en_construction_le", "modifie_le", "expire_le", "synchronise_le")
    mixes = [
        (NOW, NOW, NOW, NOW, NOW),
        (other, NOW, other, None, NOW),
        (NOW, None, NOW, other, NOW),
    ]
    rows = [facts(n, **dict(zip(names, mix, strict=True))) for n, mix in enumerate(mixes, start=1)]

    check(connection, DOSSIER, rows)


def test_instants_are_ordered_and_compared_in_sql(connection: Connection) -> None:
    """What was written in one zone is found by what is asked in another."""
    paris = ZoneInfo("Europe/Paris")
    rows = [facts(n, depose_le=(NOW + timedelta(hours=n)).astimezone(paris)) for n in range(1, 5)]
    for _ in each_way(connection, DOSSIER, rows):
        assert [2] == numbers_where(connection, DOSSIER.c.depose_le == NOW + timedelta(hours=2))
        assert [3, 4] == numbers_where(connection, DOSSIER.c.depose_le > NOW + timedelta(hours=2))


def test_days_come_back_as_days(connection: Connection) -> None:
    """The first and the last days, a leap day, and no day."""
    days = (date(2024, 2, 29), date(1, 1, 1), date(999, 12, 31), date(9999, 12, 31), None)
    rows = [
        {"numero": n, "jury_le": day, "convention_le": days[-n]}
        for n, day in enumerate(days, start=1)
    ]

    check(connection, CANDIDATURE, rows)


def test_booleans_come_back_as_booleans(connection: Connection) -> None:
    """Yes, no and unknown are three; SQL takes them for conditions."""
    rows = [
        {"numero": n, "valide_par_instructeur": v} for n, v in ((1, True), (2, False), (3, None))
    ]

    check(connection, CANDIDATURE, rows)

    column = CANDIDATURE.c.valide_par_instructeur
    assert [True, False, None] == [
        row["valide_par_instructeur"] for row in stored(connection, CANDIDATURE)
    ]
    assert [1] == list(connection.scalars(select(CANDIDATURE.c.numero).where(column)))


def test_numbers_come_back_whole(connection: Connection) -> None:
    """Up to 64 bits where there are, beyond what a float holds."""
    ends = (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))
    check(
        connection,
        DOSSIER,
        [facts(n, lu_par_run=end) for n, end in enumerate(ends, start=1)],
    )


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


def test_json_of_a_known_shape_is_read_as_that(connection: Connection) -> None:
    """Wishes, answers and checks come back as the classes of the domain."""
    voeux = (Voeu(1, "technique", "coder « l’État »"), Voeu(2, "produit", None))
    reponses = {"page_produit": Reponse.REMPLI, "voeux": Reponse.VIDE}
    controles = (
        Controle("depot", Resultat.CONFORME, "À l'heure", {"date": "2024-05-02"}),
        Controle("phase", Resultat.IMPOSSIBLE),
    )
    typed = [{"numero": 1, "voeux": written(voeux), "reponses": written(reponses)}]
    judged = [
        {
            "id": 7,
            "numero": 1,
            "demarche_numero": DEMARCHE,
            "verdict": "Éligible",
            "etabli_le": NOW,
            "version_regles": "r1",
            "controles": written(controles),
            "courant": True,
        }
    ]

    for _ in each_way(connection, CANDIDATURE, typed):
        (row,) = stored(connection, CANDIDATURE, "voeux", "reponses")
        assert {"voeux": voeux, "reponses": reponses} == row
    for _ in each_way(connection, tables.verdict, judged):
        (row,) = stored(connection, tables.verdict, "controles")
        assert controles == row["controles"]


def test_json_is_text_in_statements_of_sqlalchemy_too(connection: Connection) -> None:
    """INSERT and UPDATE that are not of ours bind the same bytes as the same text."""
    row = {"siren": "1", "fetched_at": NOW, "expires_at": NOW}
    connection.execute(insert(REGISTRE).values(**row, answer=b'{"a":"\xc3\xa9"}'))
    assert ['{"a":"é"}'] == connection.scalars(select(cast(REGISTRE.c.answer, Text))).all()
    connection.execute(update(REGISTRE).values(answer=b"[1]"))
    assert [1] == connection.scalar(select(REGISTRE.c.answer))
    connection.execute(update(REGISTRE).values(answer=None))
    assert [(None, None)] == connection.execute(
        select(REGISTRE.c.answer, cast(REGISTRE.c.answer, Text))
    ).all()


def test_a_column_named_as_a_word_of_sql_is_written(connection: Connection) -> None:
    """`force` and keys of two columns are no obstacle."""
    check(
        connection,
        tables.quarantaine,
        [
            {
                "demarche_numero": d,
                "numero": n,
                "code": f"{d}-{n}",
                "message": "Illisible.",
                "depuis": NOW,
                "tentatives": d * n,
                "dernier_essai_le": NOW,
            }
            for d in (1, 2)
            for n in (1, 2)
        ],
    )


def test_keys_may_be_texts(connection: Connection) -> None:
    """Rows are found again by a text with a quote in it."""
    rows = [
        {"siren": siren, "answer": None, "fetched_at": NOW, "expires_at": NOW}
        for siren in ("1'2", "é", "🎉")
    ]
    for _ in each_way(connection, REGISTRE, rows):
        found = [row["siren"] for row in stored(connection, REGISTRE)]
        assert sorted(row["siren"] for row in rows) == sorted(found)


# How many, which columns


def test_no_rows_are_no_statement(connection: Connection) -> None:
    """An empty list does nothing, and says nothing to the database."""
    insert_rows(connection, DOSSIER, [facts(1)])
    before = stored(connection, DOSSIER)

    for empty in (insert_rows, upsert, update_rows):
        empty(connection, DOSSIER, [])

    assert before == stored(connection, DOSSIER)


def test_thousands_of_rows_are_written_at_once(connection: Connection) -> None:
    """Each row has its own values."""
    rows = [
        {
            "numero": n,
            "etape": f"étape {n}",
            "jury_le": date(2024, 1, 1) + timedelta(days=n),
            "valide_par_instructeur": n % 3 == 0,
            "champs": written([{"id": "c1", "texte": str(n)}]),
        }
        for n in range(1, MANY + 1)
    ]
    expected = [row | {"champs": json.loads(row["champs"])} for row in rows]
    blank = [dict.fromkeys(row) | {"numero": row["numero"]} for row in rows]

    for before, write in ((), insert_rows), ((), upsert), (blank, upsert), (blank, update_rows):
        connection.execute(delete(CANDIDATURE))
        insert_rows(connection, CANDIDATURE, before)
        write(connection, CANDIDATURE, rows)
        assert expected == stored(connection, CANDIDATURE, *rows[0])


def test_a_new_row_has_nothing_where_nothing_is_given(connection: Connection) -> None:
    """Columns left out are NULL, and a generated key is generated, whichever way it comes in."""
    run = {
        "demarche_numero": DEMARCHE,
        "genre": "incremental",
        "statut": "ok",
        "debut": NOW,
        **dict.fromkeys(
            (
                *("lus", "modifies", "supprimes", "evalues", "pousses", "conflits"),
                *("en_quarantaine", "requetes"),
            ),
            0,
        ),
    }
    insert_rows(connection, tables.sync_run, [run, run | {"genre": "complet"}])
    insert_rows(connection, tables.sync_run, [run])
    insert_rows(connection, CANDIDATURE, [{"numero": 1, "etape": "jury"}])
    upsert(connection, CANDIDATURE, [{"numero": 2, "etape": "jury"}])

    runs = stored(connection, tables.sync_run, "run", "genre", "fin", "erreur", "figures")
    assert len({row["run"] for row in runs}) == 3
    assert {None} == {row[name] for row in runs for name in ("fin", "erreur", "figures")}
    for row in stored(connection, CANDIDATURE):
        assert {"numero", "etape"} == {name for name, value in row.items() if value is not None}


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


def test_the_order_of_columns_is_that_of_the_first_row(connection: Connection) -> None:
    """Values go by name, in whatever order a row holds them."""
    rows = [facts(1, siret="a", siren="b"), dict(reversed(facts(2, siret="c", siren="d").items()))]

    check(connection, DOSSIER, rows)


def test_the_engines_own_insert_knows_conflicts(connection: Connection) -> None:
    """ON CONFLICT is there on both."""
    statement = insert_for(connection, CANDIDATURE).values(numero=1, etape="a")
    connection.execute(statement)
    connection.execute(statement.on_conflict_do_nothing())
    changed = statement.on_conflict_do_update(index_elements=["numero"], set_={"etape": "b"})
    connection.execute(changed)

    assert ["b"] == [row["etape"] for row in stored(connection, CANDIDATURE)]


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


def test_an_error_of_ours_takes_back_what_was_written(store: Store) -> None:
    """Rows copied in are of the transaction as all others."""

    def fail(write: Write) -> None:
        with writing(store) as tx:
            write(tx._connection, DOSSIER, [facts(n) for n in (1, 2)])
            raise ZeroDivisionError

    for write in (insert_rows, upsert):
        with pytest.raises(ZeroDivisionError):
            fail(write)

        with writing(store) as tx:
            assert numbers_where(tx._connection) == []


# Commits that wait for no disk


def synchronous_commit(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())


def test_a_transaction_that_waits_for_no_disk_is_committed(database_url: str, store: Store) -> None:
    """Whoever comes next reads it, on another connection too."""
    lease = store.acquire_lease(DEMARCHE, 60)
    with store.transaction(lease, durable=False) as tx:
        insert_rows(tx._connection, DOSSIER, [facts(1)])
        tx.save_state(page_size=3)

    other = Store.open(database_url)
    with other.reading(DEMARCHE) as reader:
        assert [1] == [dossier["numero"] for dossier in reader.dossiers()]
        assert reader.state().page_size == 3
    other.close()


def test_a_transaction_that_waits_for_no_disk_is_whole_or_not_at_all(store: Store) -> None:
    """An error takes it back, and a lost lease lets nothing in."""
    lease = store.acquire_lease(DEMARCHE, 0)

    def fail() -> None:
        with store.transaction(lease, durable=False) as tx:
            insert_rows(tx._connection, DOSSIER, [facts(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    store.acquire_lease(DEMARCHE, 60)
    with pytest.raises(LeaseLostError), store.transaction(lease, durable=False) as tx:
        insert_rows(tx._connection, DOSSIER, [facts(1)])

    with store.reading(DEMARCHE) as reader:
        assert reader.dossiers() == []


def test_only_that_transaction_waits_for_no_disk(database_url: str, store: Store) -> None:
    """The next one on the same connection waits again, after an error too."""
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has no such setting")
    lease = store.acquire_lease(DEMARCHE, 60)
    seen: dict[str, tuple[str, int]] = {}

    def note(name: str, *, durable: bool, fails: bool = False) -> None:
        with store.transaction(lease, durable=durable) as tx:
            pid = tx._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            seen[name] = (synchronous_commit(tx._connection), pid)
            if fails:
                raise ZeroDivisionError

    note("before", durable=True)
    note("without", durable=False)
    note("after", durable=True)
    with pytest.raises(ZeroDivisionError):
        note("failed", durable=False, fails=True)
    note("last", durable=True)
    with store.reading(DEMARCHE) as reader:
        reading = synchronous_commit(reader._connection)

    assert {"before": "on", "without": "off", "after": "on", "failed": "off", "last": "on"} == {
        name: setting for name, (setting, _) in seen.items()
    }
    assert reading == "on"
    assert len({pid for _, pid in seen.values()}) == 1


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


def test_a_candidature_of_nothing_is_judged_as_empty(connection: Connection) -> None:
    """Columns that hold nothing are nobody, no wish and no answer, not an error."""
    insert_rows(connection, DOSSIER, [facts(1)])
    insert_rows(connection, CANDIDATURE, [{"numero": 1, "page_produit": "é"}])

    (judgeable,) = Tx(connection, DEMARCHE).judgeable([DossierNumber(1)])

    candidature = judgeable.candidature
    assert Demandeur("inconnu") == candidature.demandeur
    assert ((), {}) == (candidature.voeux, candidature.reponses)
    assert ("é", None) == (candidature.page_produit, candidature.probleme)
    assert (1, "en_construction", NOW) == (
        candidature.numero,
        candidature.etat,
        candidature.depose_le,
    )
