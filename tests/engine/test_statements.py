"""What the service asks the database by itself does not grow with the number of démarches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from dsync.service.alerts import Alerts
from dsync.service.metrics import Metrics, readiness
from tests.engine.rig import DEMARCHE, Engine, engine_for
from tests.engine.test_alerts import Held
from tests.store.databases import on_each

MANY = 20
WHOLE = 150
"""Lines of the metrics of all démarches together."""
MOST = 15
"""Statements of a scrape, of an answer to a probe, of a look of the alerts."""


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Those that are executed on the engine's database."""
    noted: list[str] = []

    def note(*arguments: Any) -> None:
        noted.append(arguments[2])

    connections = engine_for(engine.url)
    event.listen(connections, "before_cursor_execute", note)
    yield noted
    event.remove(connections, "before_cursor_execute", note)


@on_each
def test_each_run_is_counted_once_over_scrapes(engine: Engine) -> None:
    """One that is under way at a scrape is counted by a later one; a new service counts all."""
    engine.begin()
    app = engine.worker.app
    metrics = Metrics([app], Counter())

    def runs(of: Metrics) -> dict[str, float]:
        return {
            f"{sample.labels['kind']} {sample.labels['status']}": sample.value
            for family in text_string_to_metric_families(of.text().decode())
            for sample in family.samples
            if sample.name == "dsync_runs_total"
        }

    before = runs(metrics)
    assert before == runs(metrics)
    lease = app.store.acquire_lease(app.demarche, 60)
    with app.store.transaction(lease) as tx:
        run = tx.journal.start_run("envoi", "cli", engine.worker.now())
    assert before == runs(metrics)
    with app.store.transaction(lease) as tx:
        tx.journal.finish_run(run, {"statut": "success", "code": 0, "fin": engine.worker.now()})
    app.store.release_lease(lease)
    engine.sync()
    after = runs(metrics)
    assert 1 == after["envoi success"]
    assert sum(before.values()) + 2 == sum(after.values())
    assert after == runs(metrics) == runs(Metrics([app], Counter()))


@on_each
def test_twenty_demarches_take_as_many_statements_as_one(
    engine: Engine, statements: list[str]
) -> None:
    """At most fifteen for `/metrics`, `/readyz` and a look of the alerts; each has its series."""
    engine.begin()
    apps = [engine.another(demarche=DEMARCHE + number).app for number in range(MANY)]
    taken = []
    for some in (apps[:1], apps):
        statements.clear()
        text = Metrics(some, Counter()).text().decode()
        taken.append(len(statements))
        series = [
            sample.labels["demarche"]
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "dsync_quarantine"
        ]
        assert [str(app.demarche) for app in some] == series
        together = Metrics(some, Counter()).text(by_demarche=False).decode()
        assert "demarche=" not in together
        assert together.count("\n") <= WHOLE
        statements.clear()
        assert len(some) == len(readiness(some)["demarches"])
        taken.append(len(statements))
        held: list[Any] = [Held(app) for app in some]
        alerts = Alerts(held, lambda *_: True, engine.worker.stop)
        alerts.tick()
        statements.clear()
        alerts.tick()
        taken.append(len(statements))
    assert taken[:3] == taken[3:]
    assert max(taken) <= MOST
