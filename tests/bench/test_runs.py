"""200,000 runs in the journal, two years of one every five minutes: what is asked all the time."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from dsync.care.state import states_of
from dsync.service.metrics import Metrics
from tests.console.served import served
from tests.engine.rig import DEMARCHE, Engine, seeds
from tests.store.databases import connected

pytestmark = pytest.mark.bench

RUNS = 200_000
MOST_MS = 150
FULL_EVERY = 288
"""One run of a day is a full read."""
COPIES = f"""
INSERT INTO sync_run (run, demarche_numero, genre, statut, debut, fin, demande_par, lus, modifies,
    supprimes, evalues, pousses, conflits, en_quarantaine, requetes, code, figures)
WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {RUNS})
SELECT 1000 + s.n, {DEMARCHE} + s.n % :demarches,
    CASE WHEN s.n / :demarches % {FULL_EVERY} = 1 THEN 'complet' ELSE 'incremental' END, r.statut,
    r.debut, r.fin, r.demande_par, r.lus, r.modifies, r.supprimes, r.evalues, r.pousses,
    r.conflits, r.en_quarantaine, r.requetes, r.code, r.figures
FROM s CROSS JOIN sync_run AS r WHERE r.run = 1
"""


@pytest.mark.parametrize("demarches", [1, 200])
def test_what_is_asked_all_the_time_reads_few_of_many_runs(
    database_url: str, demarches: int
) -> None:
    """The runs are shared among the démarches. Times of a loaded machine say little: none fails."""
    with Engine(database_url, seeds()) as engine:
        engine.sync()
        with connected(database_url) as connection:
            connection.execute(text(COPIES), {"demarches": demarches})
            if connection.dialect.name == "postgresql":
                # As its server does by itself within a minute.
                connection.exec_driver_sql("ANALYZE sync_run")
        apps = [engine.another(demarche=DEMARCHE + n).app for n in range(demarches)]
        metrics, store = Metrics(apps, Counter()), apps[0].store
        looked = [one.looked for one in apps]
        taken = {
            "first scrape of a service": _ms(metrics.text, times=1),
            "scrape": _ms(metrics.text),
            "dsync status": _ms(lambda: states_of(store, looked, engine.worker.now())),
            "known démarches": _ms(store.demarches),
            "beginning of a run": _ms(lambda: _begin(engine)),
        }
        with served(engine) as console:
            visitor = console.visitor()
            for path in ("/", "/suivi", "/synchronisations"):
                taken[f"page {path}"] = _ms(lambda path=path: visitor.get(path))
    engine_name = database_url.partition(":")[0]
    for what, milliseconds in taken.items():
        said = f"{engine_name}, {RUNS} runs of {demarches} démarches: {what}"
        print(f"{said:<78} {milliseconds:6.0f} ms   target ≤ {MOST_MS} ms")


def _begin(engine: Engine) -> None:
    store, now = engine.worker.store, engine.worker.now()
    lease = store.acquire_lease(engine.worker.app.demarche, 60)
    with store.transaction(lease) as tx:
        tx.journal.start_run("incremental", "cli", now)
        tx.journal.written_since(now)
    store.release_lease(lease)


def _ms(act: Callable[[], Any], times: int = 5) -> float:
    """Return the median time of an act, in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(1_000 * (time.perf_counter() - started))
    return statistics.median(taken)
