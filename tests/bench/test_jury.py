"""The jury's pages: 300 dossiers with grids, of ten juries, among 10,000 and among 100,000.

`pytest tests/bench/test_jury.py -m bench -s`. What a read of 1,000 dossiers stores is multiplied,
in SQL.
"""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, inspect, text

from dsync.sync.work import ReadAll, Request
from tests.bench.measured import app_on
from tests.bench.prebuilt import serving
from tests.bench.test_console import page_times
from tests.store.databases import connected

READ = 1_000
GRADED, JURIES = 300, 10
DAY = "2024-06-05"

pytestmark = pytest.mark.bench


@pytest.mark.parametrize(("dossiers", "most_ms"), [(10_000, 150), (100_000, 500)])
def test_each_page_of_the_jury_in_time(database_url: str, dossiers: int, most_ms: int) -> None:
    """The median of ten answers; a jury has thirty dossiers."""
    with serving(READ) as server:
        with app_on(server.ds_url, server.base_url, database_url) as app:
            app.sync(Request(ReadAll(push=False)))
        with connected(database_url) as connection:
            _multiply(connection, dossiers // READ)
            number = _keep_graded(connection)
        pages = (
            "/jury",
            f"/jury?le={DAY}",
            f"/jury/fiches?le={DAY}",
            f"/jury/fiches/{number}",
            "/a-reporter",
            f"/a-reporter?le={DAY}",
            f"/dossiers/{number}",
            f"/jury.xlsx?le={DAY}",
        )
        medians = page_times(server.base_url, database_url, pages)
    for path, milliseconds in medians.items():
        target = "" if ".xlsx" in path else f"target ≤ {most_ms} ms"
        print(f"{dossiers:>7} {path:<40} {milliseconds:7.0f} ms   {target}")
    with connected(database_url) as connection:
        for view in ("lecture_jury_dossier", "lecture_jury", "lecture_evaluation"):
            started = time.perf_counter()
            connection.execute(text(f"SELECT * FROM {view}")).fetchall()
            print(f"{dossiers:>7} {view:<40} {1000 * (time.perf_counter() - started):7.0f} ms")


def _multiply(connection: Connection, times: int) -> None:
    """Copy the rows of dossiers under other numbers."""
    for table in ("dossier", "candidature", "verdict"):
        names = [column["name"] for column in inspect(connection).get_columns(table)]
        names = [name for name in names if name != "id"]
        copied = ", ".join(
            f"t.numero + k.k * {READ}" if name == "numero" else f"t.{name}" for name in names
        )
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({', '.join(names)}) WITH RECURSIVE s (k) AS "
            f"(SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < {times - 1}) "
            f"SELECT {copied} FROM {table} AS t CROSS JOIN s AS k"
        )


def _keep_graded(connection: Connection) -> int:
    """Leave some dossiers with grids, and give them their juries; return the number of one."""
    graded = connection.scalars(
        text("SELECT numero FROM candidature WHERE bilan IS NOT NULL ORDER BY numero LIMIT :most"),
        {"most": GRADED},
    ).all()
    connection.execute(
        text(
            "UPDATE candidature SET evaluations = '[]', bilan = NULL, jury_le = NULL, etape = NULL "
            "WHERE numero > :last OR bilan IS NULL"
        ),
        {"last": graded[-1]},
    )
    for jury in range(JURIES):
        connection.execute(
            text(
                f"UPDATE candidature SET jury_le = '2024-06-{jury + 1:02}' WHERE numero = :numero"
            ),
            [{"numero": numero} for numero in graded[jury::JURIES]],
        )
    connection.exec_driver_sql("ANALYZE")
    return graded[4]
