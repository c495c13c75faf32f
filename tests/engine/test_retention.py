"""`[retention]`: the service announces for a day what is too old, then erases it, without DS."""

from __future__ import annotations

from datetime import timedelta

from dsync.sandbox import ScriptedFault
from tests.engine.rig import Engine, number
from tests.engine.served import Served

DAYS = timedelta(days=1)


def served(engine: Engine, **ages: timedelta) -> Served:
    """Return a service with these ages, on a DS that refuses the token from now on."""
    worker = engine.restart(configuration={"retention": ages})
    engine.control.faults.fail(ScriptedFault("token_expired", times=None))
    return Served(worker.app)


def erased(engine: Engine) -> set[int]:
    rows = engine.rows("SELECT numero FROM dossier WHERE presence = 'efface'")
    return {row["numero"] for row in rows}


def announced(engine: Engine) -> dict[str, int]:
    app = engine.worker.app
    retention = app.state(app.clock()).retention
    return retention["counts"] if retention else {}


def test_nothing_is_erased_by_age_unless_it_is_configured(engine: Engine) -> None:
    """However old it is; and no status speaks of it."""
    engine.sync_until_quiet()
    engine.advance(days=4000)
    service = served(engine)
    service.tick()
    engine.advance(days=2)
    service.tick()
    assert set() == erased(engine)
    assert engine.worker.app.state(engine.worker.now()).retention is None


def test_what_is_too_old_is_announced_for_a_day_and_then_erased(engine: Engine) -> None:
    """By state and age, open and hidden ones, too; what gets too old meanwhile waits a day more."""
    engine.sync_until_quiet()
    engine.control.hide(number(1))
    engine.control.move(number(2), "refuse")
    engine.sync()
    engine.advance(days=10)
    engine.control.move(number(3), "refuse")
    engine.sync()
    # 5 is accepte, 11 refuse, from the beginning on.
    service = served(engine, accepted=9 * DAYS, refused=9 * DAYS, gone=9 * DAYS)
    service.tick()
    assert {"accepte": 1, "refuse": 2, "masque": 1} == announced(engine)
    for _ in range(2):
        engine.advance(hours=11)
        service.tick()
        assert set() == erased(engine)
    engine.advance(hours=3)
    service.ask(number(0))
    service.tick()
    assert {number(rank) for rank in (1, 2, 5, 11)} == erased(engine)
    [event] = engine.rows(
        "SELECT details FROM evenement WHERE evenement = 'efface' AND numero = :n", n=number(2)
    )
    assert "fin de la durée de conservation" in event["details"]
    assert {} == announced(engine)
    engine.advance(minutes=10)
    assert [{"fini_le": None}] == engine.rows(
        "SELECT fini_le FROM demande WHERE demande_par = 'webhook'"
    ), "what a webhook asked for is still to be read"
    engine.advance(days=1, minutes=1)
    service.tick()
    assert {number(rank) for rank in (1, 2, 5, 11)} == erased(engine)
    for _ in range(9):
        engine.advance(days=1, minutes=1)
        service.tick()
    assert {number(rank) for rank in (1, 2, 3, 5, 11)} == erased(engine)


def test_another_age_is_announced_anew(engine: Engine) -> None:
    """A mistyped one has a day in which somebody can see it; so has one after a long silence."""
    engine.sync_until_quiet()
    engine.advance(days=30)
    served(engine, accepted=90 * DAYS).tick()
    engine.advance(days=1, minutes=1)
    service = served(engine, accepted=9 * DAYS, open=9 * DAYS)
    service.tick()
    assert set() == erased(engine)
    assert 1 == announced(engine)["accepte"]
    engine.advance(days=5)
    service.tick()
    assert set() == erased(engine)
    engine.advance(days=1)
    service.tick()
    present = engine.rows("SELECT etat FROM dossier WHERE efface_le IS NULL")
    assert {"en_construction", "accepte"}.isdisjoint({row["etat"] for row in present})
    assert present


def test_journals_and_names_of_agents_end_too(engine: Engine) -> None:
    """Old rows go, the last run of each kind stays; of a name nothing is left but that it was."""
    engine.sync_until_quiet()
    engine.worker.erase(1)
    engine.sync(full=True, started_by="ada@poste")
    engine.advance(days=20)
    engine.sync(full=True, started_by="ada@poste")
    service = served(engine, logs=15 * DAYS)
    service.tick()
    # Three runs that another of their kind follows, five requests, the event of the erasure.
    assert {"journaux": 9} == announced(engine)
    before = engine.rows("SELECT count(*) AS n FROM sync_run")[0]["n"]
    engine.advance(days=1)
    service.tick()
    told = str(engine.content(all_tables=True))
    assert ("cli:agent" in told, "ada@poste" in told) == (False, True)
    [event] = engine.rows("SELECT details FROM evenement WHERE evenement = 'efface'")
    assert "agent effacé" in event["details"]
    for _ in range(6):
        engine.advance(days=1)
        service.tick()
    runs = engine.rows("SELECT genre, debut FROM sync_run WHERE genre <> 'effacement'")
    assert {"complet", "incremental"} == {row["genre"] for row in runs}
    assert len(runs) < before
    assert [] == engine.rows("SELECT id FROM demande WHERE genre = 'effacement'")
    assert [] == engine.worker.app.verify(remote=False).findings
