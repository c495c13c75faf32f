"""Whatever DS answers of some dossiers, all others are right, and no run fails for it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from dsync.ds import operations
from dsync.sandbox import ScriptedFault
from tests.engine.oracle import check_copy
from tests.engine.rig import DEMARCHE, Engine, seeds
from tests.engine.test_hostile import JUNK
from tests.profiles import long

Path = tuple[str | int, ...]
DOSSIERS = 25
SPARED = 5
"""Dossiers of which DS tells the truth in each run."""
CASES = DOSSIERS - SPARED
"""Odd values a run, one a dossier."""
HEADERS = ("Date", "RateLimit-Reset", "RateLimit-Remaining", "Content-Language", "Retry-After")
ODD_TEXTS = ("²", "", "hier", "-1", "9" * 400, "Wed, 25 Nov 99999999999 10:00:00 GMT", "1e400")
ANSWERS: tuple[Path, ...] = (
    *((), ("data",), ("errors",), ("data", "w0_annotations"), ("data", "w0_annotations", "errors")),
    ("data", "w1_annotations"),
)


def paths_of(value: Any, start: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a JSON value, itself included."""
    yield start
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_of(inner, (*start, key))


def nodes(engine: Engine) -> dict[int, Any]:
    """Return the dossiers' nodes as dsync asks for them."""
    body = {
        "query": operations.load("dossiers_page").text,
        "variables": {"number": DEMARCHE, "first": 100, "withPending": False, "withDeleted": False},
    }
    token = {"Authorization": f"Bearer {engine.sandbox.tokens.write}"}
    answer = requests.post(engine.sandbox.ds_url, json=body, headers=token, timeout=30).json()
    return {node["number"]: node for node in answer["data"]["demarche"]["dossiers"]["nodes"]}


def run_all(engine: Engine, dice: random.Random, runs: int) -> None:
    """Do runs with an odd value in most dossiers, in a header and in an answer to a mutation."""
    engine.sync_until_quiet()
    shown = nodes(engine)
    places = {number: sorted(paths_of(node), key=repr) for number, node in shown.items()}
    for _ in range(runs):
        odd = dice.sample(sorted(shown), min(CASES, len(shown) - SPARED))
        told = [(number, dice.choice(places[number]), dice.choice(JUNK)) for number in odd]
        for number, path, junk in told:
            engine.control.faults.replace_json(number, path, junk)
        header = {dice.choice(HEADERS): dice.choice(ODD_TEXTS)}
        engine.control.faults.fail(
            ScriptedFault("odd_headers", headers=header),
            ScriptedFault(
                "replaced_json", only="mutation", path=dice.choice(ANSWERS), json=dice.choice(JUNK)
            ),
        )
        report = engine.sync(full=True, accept_deletions=True)
        # 4: an odd value may read as answers that are gone; that dossier waits for a person.
        assert report.exit_code in {0, 4, 7}, (report.errors, header, told)
        sql = "SELECT document FROM accord WHERE donne_le IS NULL"
        asked = [json.loads(row["document"]) for row in engine.rows(sql)]
        waiting = {int(number) for proposal in asked for number in proposal["subjects"]}
        assert waiting <= set(odd), told
        rows = {row["numero"]: row for row in engine.rows("SELECT * FROM dossier")}
        quarantined = {row["numero"] for row in engine.rows("SELECT numero FROM quarantaine")}
        assert quarantined <= set(odd), told
        for number in shown:
            assert number in rows, told
            assert number in odd or "present" == rows[number]["presence"], told
        engine.control.faults.clear_faults()
        for number in odd:
            engine.control.faults.repair(number)
        engine.advance(seconds=timedelta(minutes=20).total_seconds())
    for _ in range(3):
        engine.advance(hours=9)
        report = engine.sync(full=True)
    assert 0 == report.exit_code, report.errors
    check_copy(engine)


@pytest.mark.parametrize(("seed", "runs"), [(0, 2), *(long(seed, 50) for seed in range(100, 120))])
def test_odd_values_cost_their_own_dossiers_at_most(
    sqlite_template: Any, tmp_path: Any, seed: int, runs: int
) -> None:
    """Twenty odd values a run; a thousand for each seed of the long profile."""
    path = tmp_path / "dsync.db"
    path.write_bytes(sqlite_template.read_bytes())
    with Engine(f"sqlite:///{path}", seeds(range(DOSSIERS))) as engine:
        run_all(engine, random.Random(seed), runs)
