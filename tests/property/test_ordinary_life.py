"""A year of ordinary life asks nobody for consent: a brake that cries wolf is a fault, too."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dsync.sandbox.content.life import happenings
from dsync.sandbox.edits import Change
from dsync.sandbox.model import ChampDescriptor
from tests.engine.rig import SEED, Engine, base_settings, few_products, seeds
from tests.engine.test_belief import FONCTION
from tests.engine.test_judging import STARTUPS, product_of
from tests.profiles import long

RANKS = range(40)
EVENTS_A_DAY = 6


def publish(engine: Engine, document: Any, added: int) -> None:
    """Publish the catalogue with one more product each day, and one that reached its next phase."""
    pattern = next(one for one in document["data"] if one["id"] == product_of(0))
    entry = json.loads(json.dumps(pattern))
    entry["id"] = f"produit-du-jour-{added}"
    entry["attributes"]["name"] = f"Quotidien {added}"
    document["data"].append(entry)
    moved = document["data"][added % len(document["data"])]["attributes"]
    moved["phases"].append({"name": "acceleration", "start": "2026-11-01", "end": ""})
    engine.control.catalogue.replace(STARTUPS, document)


@pytest.mark.parametrize(
    ("days", "night"),
    [(6, 12), long(365, 200)],
)
def test_a_year_of_ordinary_life_asks_nobody(tmp_path: Path, days: int, night: int) -> None:
    """Edits, decisions, deposits, people's own results, a new product a day, three new revisions.

    One of these removes a question that no check reads; a list of the rules is corrected, too.
    """
    document = few_products(len(RANKS))
    with Engine(f"sqlite:///{tmp_path / 'dsync.db'}", seeds(RANKS)) as engine:
        engine.control.catalogue.replace(STARTUPS, document)
        engine.sync()
        life = happenings(engine.control, SEED)
        for day in range(days):
            for _ in islice(life, EVENTS_A_DAY):
                pass
            publish(engine, document, day)
            if day in (days // 3, days // 2):
                added = ChampDescriptor(4990 + day, "text", f"Une question du jour {day}")
                engine.control.form.publish_revision(Change(add_champs=[added]))
            if day == days * 2 // 3:
                engine.control.form.publish_revision(Change(remove=[FONCTION]))
                checks = base_settings().configuration.controles
                given = next(one.parametres for one in checks if one.nom == "phase")
                declared = {**given["declarees"], "Transféré": ["transfer"]}
                phases = {"parametres": {**given, "declarees": declared}}
                engine.restart(configuration={"controles": {"phase": phases}})
            if day == days // 4:
                for seed in seeds(range(500, 500 + night)):
                    engine.control.deposit(seed)
            engine.advance(days=1)
            report = engine.sync(full=day % 7 == 0)
            assert [] == engine.asked(), (day, report.errors)
            assert 0 == report.exit_code, (day, report)
            engine.control.forget_requests()
