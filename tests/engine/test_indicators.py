"""The figures of each day: what they count, which run gives them, that erasing leaves them."""

from __future__ import annotations

import statistics
from collections import Counter

from dsync.domain.dossier import Etat
from dsync.domain.verdict import Verdict
from dsync.sandbox import ScriptedFault
from tests.engine.rig import RESULTAT, Engine, number, seeds
from tests.store.databases import on_each


def indicators(engine: Engine) -> dict[str, dict[str, float]]:
    """Return the figures by day."""
    days: dict[str, dict[str, float]] = {}
    for row in engine.rows("SELECT * FROM lecture_indicateur"):
        figures = days.setdefault(str(row["jour"]), {})
        assert row["indicateur"] not in figures
        figures[row["indicateur"]] = row["valeur"]
    return days


@on_each
def test_the_figures_of_a_day_are_those_of_the_dossiers(engine: Engine) -> None:
    """Deposits, stock by state, verdicts, decisions, conflicts, median days, freshness."""
    engine.begin()
    engine.control.edit_annotation(number(1), RESULTAT, "Inéligible")
    engine.control.hide(number(3))
    engine.advance(minutes=20)
    engine.sync()

    figures = indicators(engine)["2026-11-24"]
    verdicts = Counter(engine.verdict(rank) for rank in range(12))
    assert {f"verdict_{verdict.key}": verdicts[verdict] for verdict in Verdict} == {
        name: value for name, value in figures.items() if name.startswith("verdict_")
    }
    # A hidden one is in no stock.
    present = [truth for truth in engine.control.truth() if truth.presence == "present"]
    stock = Counter(truth.state for truth in present)
    assert (11, {f"stock_{etat}": stock[etat] for etat in Etat}) == (
        len(present),
        {name: value for name, value in figures.items() if name.startswith("stock_")},
    )
    waited = [
        (seed.en_instruction_at.replace(microsecond=0) - seed.depose_at.replace(microsecond=0))
        for seed in seeds()
        if seed.en_instruction_at
    ]
    median = statistics.median(round(days.total_seconds() / 86400, 1) for days in waited)
    expected = {
        "depots": 12,
        "decision_accepte": 1,
        "decision_refuse": 1,
        "decision_sans_suite": 0,
        "conflits": 1,
        "fraicheur_heures": 0,
    }
    assert expected == {name: figures[name] for name in expected}
    assert round(median, 2) == round(figures["jours_en_construction"], 2)


def test_the_last_run_of_a_paris_day_gives_its_figures(engine: Engine) -> None:
    """Half past midnight in Paris is another day; a run without a change opens it, too."""
    engine.begin()
    engine.advance(hours=1)
    engine.control.move(number(0), "accepte")
    engine.sync()
    first = indicators(engine)
    assert ["2026-11-24"] == [*first]
    assert 2 == first["2026-11-24"]["decision_accepte"]

    engine.advance(hours=8)  # From 15:30 to 23:30 UTC.
    engine.sync()
    engine.control.move(number(2), "accepte")
    engine.advance(hours=1)
    engine.sync()
    days = indicators(engine)
    assert ["2026-11-24", "2026-11-25"] == sorted(days)
    assert first["2026-11-24"] == days["2026-11-24"]
    assert 3 == days["2026-11-25"]["decision_accepte"]


def test_a_day_of_failures_shows_how_old_the_copy_is(engine: Engine) -> None:
    """The freshness is stored by each run, also by one that fails or finds nothing new."""
    engine.sync_until_quiet()
    engine.control.faults.fail(ScriptedFault("internal_error", times=50))
    engine.advance(hours=2)
    assert 8 == engine.sync().exit_code
    assert 2 <= indicators(engine)["2026-11-24"]["fraicheur_heures"] < 2.5

    engine.control.faults.clear_faults()
    engine.sync()
    assert 0 == indicators(engine)["2026-11-24"]["fraicheur_heures"]


def test_erasing_a_dossier_leaves_the_figures(engine: Engine) -> None:
    """Those of former days stay as they are, and the dossier is still counted."""
    engine.begin()
    first = indicators(engine)
    for rank in (0, 5):
        engine.control.erase(number(rank))
    engine.advance(hours=24)
    engine.sync(full=True)

    days = indicators(engine)
    assert 2 == engine.presences()["supprime"]
    assert first["2026-11-24"] == days["2026-11-24"]
    for name in ("depots", "decision_accepte", "verdict_eligible"):
        assert first["2026-11-24"][name] == days["2026-11-25"][name]
