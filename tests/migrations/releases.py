"""The databases of released versions, and what is in a database."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import time_machine
from sqlalchemy import inspect, text

from dsync.sandbox import Sandbox, content
from tests.outside.history import NOW, SEED
from tests.store.databases import connected

FORMER_NOTATION = (
    'autres = [["Q2hhbXAtNDYwNQ==", "Lettre de soutien du sponsor"]]',
    'autres = [{ id = "Q2hhbXAtNDYwNQ==", libelles = ["Lettre de soutien du sponsor"], '
    'type = "piece_justificative" }]',
)
"""Of an operator's file, which an upgrade leaves as it is."""
FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted({file.name.rpartition("-")[0] for file in FIXTURES.iterdir()})
MOVED = {"regle", "declaration"}
"""Tables of 0.1.0 whose rows `version_regles` has since."""
BOOKKEEPING = {"layout", "colonne", "sceau", "alembic_version", "alembic_version_eig"}
"""Tables about the schema itself, and sums of seals."""


def load(url: str, version: str) -> None:
    """Put a release's small history into an empty database."""
    engine = url.partition(":")[0].partition("+")[0]
    script = gzip.decompress((FIXTURES / f"{version}-{engine}.sql.gz").read_bytes()).decode()
    if engine == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(script)
        return
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(script.encode())


@contextmanager
def a_day_later() -> Iterator[Sandbox]:
    """Serve the dossiers of that history, a day after its end."""
    later = NOW + timedelta(days=1)
    seeds = [content.dossier(SEED, rank, now=NOW) for rank in range(7)]
    with (
        time_machine.travel(later, tick=False),
        Sandbox([(content.FORM, seeds)], seed=SEED, clock=lambda: later) as sandbox,
    ):
        yield sandbox


LISTS = {
    "lecture_champ": "numero, origine, champ_id, libelle, type, ligne, valeur",
    "lecture_evaluation": "numero, ligne, moment, evaluateur, commentaire, moyenne, soutenance, "
    "complete, remplacee_par, compte",
    "lecture_evaluation_note": "numero, ligne, rang, critere, libelle, note",
}
"""What shows the columns that are lists since 1.0.0, and were objects in 0.1.0."""
OWN = {"sceau", "modifie_ici_le", "champs", "annotations", "cellules"} | {
    *("evaluations", "criteres", "criteres_libelles")
}


def contents(url: str) -> dict[str, list[str]]:
    """Return the rows of every table but those about the schema.

    Without NULL, seals and when a dossier moved: a column that is added, or sealed, later changes
    no row. Nor does the notation of what `LISTS` show.
    """
    with connected(url) as connection:
        names = {*inspect(connection).get_table_names()} - BOOKKEEPING
        found = {}
        for name in sorted(names):
            columns = sorted(one["name"] for one in inspect(connection).get_columns(name))
            rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {name}"))
            found[name] = sorted(
                repr({k: v for k, v in row.items() if v is not None and k not in OWN})
                for row in rows.mappings()
            )
        return found


def lasting(url: str) -> dict[str, list[str]]:
    """Return the rows of the tables that an upgrade leaves where they are."""
    return {name: rows for name, rows in contents(url).items() if name not in MOVED}


def counts(url: str) -> dict[str, int]:
    """Return the number of rows of every table but those about the schema."""
    return {name: len(rows) for name, rows in contents(url).items()}


def listed(url: str) -> dict[str, list[str]]:
    """Return the rows that the views of `LISTS` show."""
    with connected(url) as connection:
        return {
            name: sorted(map(repr, connection.execute(text(f"SELECT {columns} FROM {name}"))))
            for name, columns in LISTS.items()
        }


def answers(url: str) -> dict[str, int]:
    """Return the number of rows that each view shows."""
    with connected(url) as connection:
        return {
            name: len(connection.execute(text(f"SELECT * FROM {name}")).all())
            for name in inspect(connection).get_view_names()
        }
