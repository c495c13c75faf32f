"""The views and exports at a nation's size: 100,000 dossiers of 20 KB, 15 in 100 with a twin.

`pytest tests/bench/test_views.py -m bench -s`. A database is filled in two minutes: what a read of
5,000 dossiers stores is multiplied by twenty, in SQL. DSYNC_BENCH_DATABASE_URL names one that is
filled already, by what `filled` does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, make_url, text

from dsync.database import open_database
from dsync.programme import Dictionary
from dsync.sync.work import ReadAll, Request
from tests.bench.measured import app_on, measured
from tests.bench.prebuilt import serving
from tests.bench.test_bench import edit_each
from tests.store.databases import connected

READ = 5_000
TIMES = 20
GROUPED = {
    "lecture_candidature": "etat",
    "lecture_precontrole": "verdict",
    "lecture_etape": "etape",
    "lecture_suivi": "attend",
    "formulaire_86321": "phase_du_produit",
}
"""What is counted by another column than the first text of a view."""
FILTERED = {
    "lecture_candidature": ("siret", "etat"),
    "lecture_champ": ("champ_id",),
    "lecture_changement": ("champ_id",),
    "lecture_evenement": ("survenu_le",),
}
"""What else is looked for than a dossier's number."""

pytestmark = pytest.mark.bench


@pytest.fixture
def filled(database_url: str) -> str:
    """A database of 100,000 dossiers with a change each."""
    given = os.environ.get("DSYNC_BENCH_DATABASE_URL", "")
    if given and make_url(given).get_backend_name() != make_url(database_url).get_backend_name():
        pytest.skip("of the other engine")
    if given:
        return given
    with (
        serving(READ, products=READ * 85 // 100) as server,
        app_on(server.ds_url, server.base_url, database_url) as app,
    ):
        app.sync(Request(ReadAll(push=False)))
        edit_each(app, times=1)
    with connected(database_url) as connection:
        for table in inspect(connection).get_table_names():
            _multiply(connection, table)
        connection.exec_driver_sql("ANALYZE")
    return database_url


def _multiply(connection: Connection, table: str) -> None:
    """Copy a table's rows under other dossiers' numbers; each dossier has its own SIRET."""
    names = [column["name"] for column in inspect(connection).get_columns(table)]
    names = [name for name in names if name != "id"]
    if "numero" not in names:
        return
    other = {
        "numero": f"t.numero + k.k * {READ}",
        "siret": "CAST(CAST(t.siret AS bigint) + k.k * 7919 AS text)",
    }
    copied = ", ".join(other.get(name, f"t.{name}") for name in names)
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({', '.join(names)}) WITH RECURSIVE s (k) AS "
        f"(SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < {TIMES - 1}) "
        f"SELECT {copied} FROM {table} AS t CROSS JOIN s AS k"
    )


def test_each_view_is_filtered_and_grouped_in_time(filled: str) -> None:
    """A row by its number, or by what is looked for, and a count by a column."""
    store = open_database(filled)
    dictionary = store.dictionary()
    store.close()
    is_postgresql = filled.startswith("postgresql")
    grouped_ms = 1_000 if is_postgresql else 3_000
    with connected(filled) as connection:
        for view, what, query, parameters in _questions(connection, dictionary):
            target = grouped_ms if what.startswith("by ") else 50
            milliseconds = _milliseconds(connection, query, parameters)
            sign = " " if milliseconds <= target else "!"
            print(f"{view:<40} {what:<28} {milliseconds:8.0f} ms   target ≤ {target} ms {sign}")


def _questions(
    connection: Connection, dictionary: Dictionary
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    numero = connection.scalar(text("SELECT max(numero) FROM candidature"))
    for view, documented in dictionary.items():
        types = {name: one.type for name, one in documented.columns.items()}
        if "numero" in types:
            yield (
                view,
                "a dossier",
                f"SELECT * FROM {view} WHERE numero = :value",
                {"value": numero},
            )
        for column in FILTERED.get(view, ()):
            value = connection.scalar(text(f"SELECT {column} FROM {view} WHERE numero = {numero}"))
            # Many rows have the same state, champ or instant: the first ones are what is looked at.
            query = f"SELECT * FROM {view} WHERE {column} = :value LIMIT 10"
            yield view, f"rows by {column}", query, {"value": value}
        texts = [name for name, type_ in types.items() if type_ == "text"]
        by = GROUPED.get(view, texts[0] if texts else "")
        if by:
            yield view, f"by {by}", f"SELECT {by}, count(*) FROM {view} GROUP BY {by}", {}


def _milliseconds(connection: Connection, query: str, parameters: dict[str, object]) -> float:
    """Return the least time of three, or the first if it is long."""
    taken: list[float] = []
    while len(taken) < 3 and sum(taken) < 3_000:
        # SQLite works in this process, PostgreSQL in others.
        clock = time.process_time if connection.dialect.name == "sqlite" else time.perf_counter
        started = clock()
        connection.execute(text(query), parameters).all()
        taken.append(1_000 * (clock() - started))
    return min(taken)


@pytest.mark.parametrize("format_", ["csv", "csv-fr", "xlsx", "parquet"])
def test_an_export_takes_the_same_memory(filled: str, tmp_path: Path, format_: str) -> None:
    """All views; xlsx, which takes minutes, of one."""
    views = ["lecture_candidature"] if format_ == "xlsx" else []
    done = measured("export", filled, str(tmp_path), format_, *views)
    print(
        f"{format_:<8} {done.read} rows {done.cpu_s:8.1f} s CPU {done.peak_mib:6.0f} MiB   "
        "target ≤ 150 MiB"
    )
    assert done.peak_mib <= 150
