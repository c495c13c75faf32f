"""Killed at any point of a run: nothing is half done, and the next process goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dsync.errors import StoreError
from dsync.sandbox import ScriptedFault
from tests.engine import oracle
from tests.engine.conftest import Start
from tests.engine.doom import Doom, KilledError
from tests.engine.rig import DETAIL, ETAPE, PAGE, PROBLEME, RESULTAT, WISHES, Engine, number, seeds
from tests.profiles import long
from tests.store.databases import engine_by_case, postgresql_if_long

MOST_EFFECTS = 60
STEP = 9
in_steps = pytest.mark.parametrize("first", [1, *(long(n) for n in range(2, STEP + 1))])
"""A default run of the tests kills after each ninth effect, the long profile after all others."""


def is_killed(engine: Engine, effects: int, **options: Any) -> bool:
    """Do a run that is killed after so many effects, unless it ends before; say whether it was.

    The points between two effects leave the same behind, because nothing of a transaction shows
    before its commit, and a query changes nothing in DS.
    """
    Doom(engine.worker).after_effects(effects)
    try:
        engine.sync(**options)
    except KilledError:
        return True
    return False


@postgresql_if_long
def test_nothing_of_a_transaction_shows_before_its_commit(database_url: str) -> None:
    """A kill within one leaves what a kill before it leaves."""
    seen: list[dict[str, list[str]]] = []

    @contextmanager
    def watched(transaction: Callable[..., Any], *given: Any) -> Iterator[Any]:
        seen.append(shown(engine))
        with transaction(*given) as tx:
            yield tx
            assert seen[-1] == shown(engine)

    with Engine(database_url, seeds(range(2))) as engine:
        engine.worker.store.around["transaction"] = watched
        assert 0 == engine.sync().exit_code
    assert sum(before != after for before, after in pairwise(seen)) > 10


def shown(engine: Engine) -> dict[str, list[str]]:
    """Return what another connection sees; without the lease, which a thread renews."""
    return {**engine.content(all_tables=True), "lease": []}


@in_steps
def test_a_kill_at_any_point_leaves_what_the_next_run_ends(
    sqlite_template: Path, tmp_path: Path, first: int
) -> None:
    """The copy is the truth, every wish is confirmed, and nobody is taken for a human.

    Between the kill and the next run the verdict of one dossier changes.
    """
    for effects in range(first, MOST_EFFECTS, STEP):
        path = tmp_path / f"{effects}.db"
        shutil.copy(sqlite_template, path)
        with Engine(f"sqlite:///{path}", seeds(range(2))) as engine:
            if not is_killed(engine, effects):
                assert effects > 15
                return
            engine.control.edit_champ(number(0), PAGE, "")
            engine.let_expire()
            worker = engine.restart()
            assert [] == worker.app.verify(remote=False).findings, effects
            assert 0 == worker.sync(full=True).exit_code, effects
            oracle.check_annotations(engine)
            oracle.check_conflicts(engine, set())
            oracle.check_sent(engine)
            assert "Inéligible" == engine.remote(0), effects
            [*others, last] = engine.rows("SELECT statut FROM sync_run ORDER BY run")
            assert "success" == last["statut"]
            assert {"running"}.isdisjoint(row["statut"] for row in others)
    pytest.fail("the run has more effects than are looked at")


@in_steps
def test_a_kill_at_any_point_of_a_later_run_parts_no_verdict_from_its_wish(
    start: Start, first: int
) -> None:
    """Judged anew and killed: the wish stands beside its verdict, or neither is there."""
    engine = start([0])
    page = engine.control.truth_of(number(0)).raw_champs[PAGE]
    engine.sync_until_quiet()
    for turn, effects in enumerate(range(first, MOST_EFFECTS, STEP)):
        is_good = turn % 2 == 1
        engine.control.edit_champ(number(0), PAGE, page if is_good else "")
        if not is_killed(engine, effects):
            assert effects > 5
            return
        [wish] = engine.rows(
            "SELECT valeur FROM outbox WHERE numero = :n AND annotation = 'resultat' AND courante",
            n=number(0),
        )
        assert engine.verdict(0) == wish["valeur"], effects
        engine.let_expire()
        assert 0 == engine.restart().sync().exit_code, effects
        assert ("Éligible" if is_good else "Inéligible") == engine.remote(0), effects
    pytest.fail("the run has more effects than are looked at")


@in_steps
@pytest.mark.parametrize("full", [long(False), True])
def test_a_kill_at_any_point_of_a_reading_skips_no_page(
    start: Start, full: bool, first: int
) -> None:
    """Watermark and cursor move with the page that they cover: the next read meets the rest."""
    engine = start(range(4))
    engine.sync_until_quiet()
    for effects in range(first, MOST_EFFECTS, STEP):
        engine.advance(days=2)
        for rank in range(4):
            engine.control.edit_champ(number(rank), PROBLEME, f"Version {effects}")
            engine.advance(minutes=15)
        engine.shrink(2)
        if not is_killed(engine, effects, full=full, push=False):
            assert effects > 5
            return
        engine.let_expire()
        engine.restart().sync(full=full, push=False)
        rows = engine.rows("SELECT probleme FROM lecture_candidature")
        assert [{"probleme": f"Version {effects}"}] * 4 == rows, effects
    pytest.fail("the run has more effects than are looked at")


@engine_by_case("edited", sqlite=False, postgresql=True)
def test_a_kill_between_a_mutation_and_its_outcome(engine: Engine, edited: bool) -> None:
    """What stands there is known as ours: confirmed, or overwritten by the newer verdict."""
    Doom(engine.worker).after_mutation()
    with pytest.raises(KilledError):
        engine.sync()
    assert "Éligible" == engine.remote(0)
    assert {**dict.fromkeys(WISHES, "incertaine"), "label": "en_attente"} == engine.wishes(0)
    if edited:
        engine.control.edit_champ(number(0), PAGE, "")
    engine.let_expire()
    report = engine.restart().sync()
    assert (0, 0) == (report.exit_code, report.conflicts)
    assert dict.fromkeys(WISHES, "confirmee") == engine.wishes(0)
    expected = ["Éligible", "Inéligible"] if edited else ["Éligible"]
    assert (expected, expected[-1]) == (engine.sent(0, RESULTAT), engine.remote(0))
    assert len(expected) == len(engine.sent(0, DETAIL))


@pytest.mark.parametrize("stable_id", [RESULTAT, long(DETAIL)])
def test_what_a_human_empties_after_a_kill_stays_empty(engine: Engine, stable_id: int) -> None:
    """DS has executed the write that nobody answered, and then somebody emptied a part of it."""
    Doom(engine.worker).after_mutation()
    with pytest.raises(KilledError):
        engine.sync()
    engine.advance(seconds=20)
    engine.control.edit_annotation(number(0), stable_id, "")
    engine.control.edit_champ(number(1), PAGE, "")
    engine.let_expire()
    for conflicts in (1, 0):
        assert conflicts == engine.restart().sync(full=True).conflicts
        assert (None, 1) == (engine.remote(0, stable_id), len(engine.sent(0, stable_id)))
        assert "conflit" == engine.wishes(0)[oracle.OWNED[stable_id]]
    assert "Inéligible" == engine.remote(1)


def test_what_ds_did_not_execute_before_a_kill_is_sent_again(engine: Engine) -> None:
    """A human edited another annotation meanwhile: nothing that dsync writes was emptied."""
    engine.control.faults.fail(ScriptedFault("cut_before", "Push"))
    engine.sync()
    engine.control.edit_annotation(number(0), ETAPE, "Jury")
    engine.let_expire()
    assert (0, 0) == ((report := engine.restart().sync(full=True)).exit_code, report.conflicts)
    assert dict.fromkeys(WISHES, "confirmee") == engine.wishes(0)


def test_a_database_file_that_is_deleted_under_a_service_is_missed(engine: Engine) -> None:
    """The next run fails with one sentence and exit 5, and makes no file in its place."""
    engine.sync_until_quiet()
    assert engine.worker.app.due()
    path = Path(engine.url.removeprefix("sqlite:///"))
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(StoreError, match="deleted or replaced"):
        engine.worker.app.due()
    report = engine.sync()
    assert (5, False) == (report.exit_code, path.exists())
    assert "restart dsync" in " ".join(report.errors)
    path.write_bytes(kept)
    assert 5 == engine.sync().exit_code
    engine.restart()
    assert 0 == engine.sync().exit_code
