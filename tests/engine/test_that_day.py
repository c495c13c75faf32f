"""What is known a year later of the day on which a dossier had a verdict."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from dsync.care.that_day import VIEWS, page_of_day, record_of_day
from dsync.domain.consent import Consent
from dsync.domain.dossier import PARIS
from dsync.domain.paper import markdown
from dsync.errors import ConfigurationError
from tests.engine.conftest import Start
from tests.engine.rig import DEMARCHE, DETAIL, OPEN, Engine, deposited, number
from tests.engine.test_answers import ALICE, WHY, answer
from tests.engine.test_rules_brake import WRONG, change_rules
from tests.store.databases import sqlite_if_long

YEAR = deposited(date(2024, 1, 1), date(2024, 12, 30))
RULES = (WRONG, YEAR, deposited(date(2024, 1, 1), date(2024, 1, 3)))
RANK = next(iter(OPEN))


def known(engine: Engine, day: date, *, kept: timedelta | None = None) -> tuple[Any, str]:
    """Return the record of the dossier on a day, and its page."""
    app = engine.worker.app
    assert app.programme is not None
    with engine.worker.store.reading(DEMARCHE) as reader:
        found = reader.dossiers.by_number(number(RANK), only=VIEWS)
        assert found is not None
        record = record_of_day(reader, app.programme, found, day, engine.worker.now(), kept)
    return record, markdown(page_of_day(record, app.programme)).replace("\u00a0", " ")


def a_year(engine: Engine) -> list[tuple[date, str | None, Any, str | None]]:
    """Let a year pass with three changes of the rules; return what was seen after each."""
    engine.sync_until_quiet()
    seen = []
    for rules in (None, *RULES):
        if rules:
            engine.advance(days=90)
            change_rules(engine, rules)
            assert 4 == engine.sync().exit_code
            engine.accept(Consent.RULES, by=f"ada{len(seen)}@here")
            if len(seen) == 1:
                engine.advance(minutes=1)
                answer(engine, RANK, "depot")
        engine.sync_until_quiet()
        engine.advance(minutes=5)
        [row] = engine.rows(
            f"SELECT version_regles FROM verdict WHERE numero = {number(RANK)} AND courant"
        )
        day = engine.worker.now().astimezone(PARIS).date()
        seen.append((day, engine.verdict(RANK), row["version_regles"], engine.remote(RANK, DETAIL)))
    engine.advance(days=60)
    return seen


@sqlite_if_long
def test_each_day_of_a_year_is_explained(engine: Engine) -> None:
    """By its sentence, evidence, rules, consents, answers and what stood in DS, from the copy."""
    seen = a_year(engine)
    assert 4 == len({version for _, _, version, _ in seen})
    engine.control.forget_requests()
    for rank, (day, avis, version, detail) in enumerate(seen):
        record, page = known(engine, day + timedelta(days=30))
        assert (avis, version) == (record["avis"], record["compte_rendu"]["version_regles"])
        assert version == record["compte_rendu"]["regles"]["version"]
        assert record["phrase"]
        there = {one["annotation"]: one["valeur"] for one in record["inscrit"] if one["y_etait"]}
        assert (avis, detail) == (there["resultat"], there["detail"])
        assert [f"ada{one}@here" for one in range(1, rank + 1)] == [
            one["par"] for one in record["accords"]
        ]
        assert (rank >= 1) == (ALICE in page) == (WHY in page)
        for said in (f"Règles, version {version}", "Contrôles et preuves, avec leur date"):
            assert said in page
        assert "Premier avis de cette version : " in page
        assert (rank >= 1) == ("| date de dépôt |" in page)
        assert not re.search(r"\d{4}-\d\d-\d\dT", page)
    assert [] == engine.requests()
    day = seen[1][0]
    assert "ne sont plus conservés" in known(engine, day, kept=timedelta(days=90))[1]
    engine.worker.erase(RANK)
    record, page = known(engine, day)
    assert (seen[1][1], None) == (record["avis"], record["phrase"])
    assert "a été effacé ici" in page


def test_a_day_that_nothing_is_known_of_is_refused(start: Start) -> None:
    """Before the dossier was read, with when that was; after today."""
    engine = start()
    engine.sync_until_quiet()
    today = engine.worker.now().date()
    with pytest.raises(ConfigurationError, match="dsync read it first on"):
        known(engine, today - timedelta(days=30))
    with pytest.raises(ConfigurationError, match="has not come yet"):
        known(engine, today + timedelta(days=2))
    assert known(engine, today)[0]["avis"]
