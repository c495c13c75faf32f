"""Several démarches in one service, and several services on one database."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from dsync.settings import shipped_config
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, until
from tests.acceptance.worker.surface import started

NUMBERS = (90001, 90002, 90003, 90004, 90005)
DOSSIERS = 3
FUNCTION = 4303
"""The champ « Fonction du sponsor »."""


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A folder with the configurations of five démarches of the sandbox."""
    made = tmp_path / "demarches"
    made.mkdir()
    for name in ("operateurs_etat.csv", "categories_juridiques.csv"):
        (made / name).write_bytes((shipped_config().parent / name).read_bytes())
    shipped = shipped_config().read_text(encoding="utf-8")
    for number in NUMBERS:
        sandbox.control.add_demarche(number, like="eig", dossiers=DOSSIERS)
        text = shipped.replace("number = 86321", f"number = {number}")
        text = text.replace('incremental = "5m"', 'incremental = "1s"')
        (made / f"{number}.toml").write_text(text, encoding="utf-8")
    return made


def test_a_refused_demarche_leaves_the_others_on_schedule(
    dsync: Installed, sandbox: Sandbox, database: Database, folder: Path
) -> None:
    """One token is refused; the other four démarches are read, pre-checked and written."""
    refused, *others = NUMBERS
    config = folder / f"{refused}.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[ds]\n", '[ds]\ntoken_file = "token"\n'), encoding="utf-8")
    (folder / "token").write_text("refused\n", encoding="utf-8")
    config_with = {"config": str(folder)}

    surface = started(dsync, **config_with)
    process = surface.process
    until(lambda: _successes(database, others) >= 2 * len(others), within_s=40)
    for number in others:
        sandbox.control.edit_champ(1000 * number + 1, FUNCTION, "Nouvelle fonction")
    edited = [1000 * number + 1 for number in others]
    until(lambda: _functions(database, edited) == ["Nouvelle fonction"] * 4)
    not_ready = {one["demarche"] for one in surface.get("/readyz", 503).json()["problems"]}
    figures = surface.metrics()
    documents = dsync.json("status", **config_with)
    one = dsync.json("status", "--demarche", str(others[0]), **config_with)
    unclear = dsync.run("sync", **config_with)
    failed = _demarches(database, "statut = 'failed'")  # A run that the stop interrupts is one.
    process.signal(signal.SIGTERM)
    done = process.wait()

    assert 0 == done.code, done.text
    assert refused in not_ready
    assert all(figures["dsync_runs_total", str(n), "complet", "success"] == 1 for n in others)
    assert figures["dsync_runs_total", str(refused), "complet", "failed"] >= 1
    assert figures["dsync_requests_total", str(refused), "unauthorized"] >= 1
    assert {refused} == failed
    assert set(others) == _demarches(database, "statut = 'success'")
    assert list(NUMBERS) == [document["demarche"] for document in documents]
    assert [None] == [d["last_success_at"] for d in documents if d["demarche"] == refused]
    assert others[0] == one["demarche"]
    assert 2 == unclear.code
    assert "--demarche" in unclear.err
    assert all(str(number) in unclear.err for number in NUMBERS)
    assert "refused\n" not in done.text


def test_replicas_take_over_from_a_killed_and_a_stopped_one(
    dsync: Installed, sandbox: Sandbox, database: Database, folder: Path
) -> None:
    """Three services share five démarches: one is killed, one sleeps, nothing is missed or doubled.

    The lease of the dead one is expired by hand in place of waiting for it.
    """
    if not database.is_postgresql:
        pytest.skip("replicas share a PostgreSQL database")
    replicas = [dsync.start("run", config=str(folder)) for _ in range(3)]
    until(lambda: _successes(database, NUMBERS) >= 2 * len(NUMBERS), within_s=60)
    killed, stopped, _ = replicas
    killed.signal(signal.SIGKILL)
    stopped.signal(signal.SIGSTOP)
    database.expire_lease()
    edited = [1000 * number + 1 for number in NUMBERS]
    for number in edited:
        sandbox.control.edit_champ(number, FUNCTION, "Nouvelle fonction")
    until(lambda: _functions(database, edited) == ["Nouvelle fonction"] * 5, within_s=60)
    stopped.signal(signal.SIGCONT)
    n_done = _successes(database, NUMBERS)
    until(lambda: _successes(database, NUMBERS) >= n_done + 5, within_s=60)
    for process in (stopped, replicas[2]):
        process.signal(signal.SIGTERM)
        assert 0 == process.wait().code, process.printed()

    created = database.rows(
        "SELECT numero, count(*) AS n FROM lecture_evenement "
        "WHERE evenement = 'cree' GROUP BY numero"
    )
    assert len(NUMBERS) * DOSSIERS == len(created)
    assert {1} == {row["n"] for row in created}
    assert [] == database.rows("SELECT * FROM lecture_annotation WHERE statut <> 'confirmee'")
    changes = database.rows(
        "SELECT numero FROM lecture_changement WHERE nouvelle_valeur = 'Nouvelle fonction'"
    )
    assert edited == sorted(row["numero"] for row in changes)


def _successes(database: Database, numbers: Sequence[int]) -> int:
    """Return how many successful runs there are; 0 unless each démarche has two."""
    rows = database.rows(
        "SELECT demarche_numero, count(*) AS n FROM sync_run WHERE statut = 'success' "
        "GROUP BY demarche_numero"
    )
    runs = {row["demarche_numero"]: row["n"] for row in rows}
    return sum(runs.values()) if all(runs.get(number, 0) > 1 for number in numbers) else 0


def _demarches(database: Database, where: str) -> set[int]:
    rows = database.rows(f"SELECT DISTINCT demarche_numero FROM sync_run WHERE {where}")
    return {row["demarche_numero"] for row in rows}


def _functions(database: Database, numbers: Sequence[int]) -> list[str]:
    listed = ", ".join(map(str, numbers))
    rows = database.rows(
        f"SELECT sponsor_fonction FROM lecture_candidature WHERE numero IN ({listed})"
    )
    return [row["sponsor_fonction"] for row in rows]
