"""The page of what changed in all dossiers: by day, filtered, exported, masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsync.store.change_list import ChangeSelection
from tests.console.conftest import NewEngine
from tests.console.served import ServedConsole, Visitor, served, words
from tests.engine.rig import DEMARCHE, PAGE, PROBLEME, RESULTAT, Engine, id_of, number, seeds
from tests.store.databases import postgresql_if_long

LONG = " ".join(f"Mot{rank}" for rank in range(120))


@pytest.fixture(scope="module")
def changed(new_engine: NewEngine) -> Iterator[tuple[Engine, datetime]]:
    """An engine whose applicants changed something on two days, and the instant between them."""
    with new_engine(seeds()) as engine:
        engine.sync_until_quiet()
        # Nine hours later, it is the next day in Paris, and not in UTC.
        engine.advance(minutes=1)
        engine.control.edit_champ(number(0), PROBLEME, LONG)
        engine.control.edit_annotation(number(1), RESULTAT, "Écrit à la main")
        engine.sync()
        engine.advance(minutes=1)
        between = engine.worker.now()
        engine.advance(hours=9)
        engine.control.edit_champ(number(3), PAGE, "https://beta.gouv.fr/startups/inconnu.html")
        engine.control.edit_champ(number(3), PROBLEME, "Un problème plus court")
        engine.sync()
        yield engine, between


@pytest.fixture(scope="module")
def console(changed: tuple[Engine, datetime]) -> Iterator[ServedConsole]:
    with served(changed[0]) as made:
        yield made


@pytest.fixture
def visitor(console: ServedConsole) -> Visitor:
    return console.visitor()


def days_of(page: str) -> list[str]:
    """Return the headings of the days."""
    return re.findall(r'<h3 id="j-[^"]*">([^<]*)<', page)


def lines_of(page: str) -> list[str]:
    """Return the lines of all tables as they are read."""
    changes = page.partition("Ce qui a changé dans les dossiers")[2]
    bodies = "".join(re.findall(r"<tbody[^>]*>(.*?)</tbody>", changes, re.DOTALL))
    return [words(one) for one in re.split(r"<tr[^>]*>", bodies)[1:]]


def test_what_applicants_changed_stands_by_day_of_paris(visitor: Visitor) -> None:
    """The last day first; with the applicant, the question, its section, before and after."""
    page = visitor.get("/suivi?par=usager").text
    assert ["Mercredi 25 novembre 2026", "Mardi 24 novembre 2026"] == days_of(page)
    first, second, last = lines_of(page)
    # In UTC, it is still the day before.
    assert {"00", "01"} >= {one.strip()[:2] for one in (first, second)}
    assert "Un problème plus court" in first + second
    assert f'href="/dossiers/{number(0)}/changements"' in page
    assert "Problème identifié Projet" in last
    assert "3 changements dans 2 dossiers" in words(page)
    assert "Écrit à la main" not in page
    # Whole, though it is cut.
    assert LONG in last
    assert '<details class="pli"' in page


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", [3, 3, 1, 0]),
        ("depuis=2026-11-25", [3, 3]),
        ("par=usager", [3, 3, 0]),
        ("par=instructeur", [1]),
        (f"par=dsync&champ={id_of(PAGE)}", []),
        (f"champ={id_of(PAGE)}", [3]),
        (f"champ={id_of(4101)}", [3, 3, 0]),
        (f"champ={id_of(4301)}", []),
        ("au=2026-11-24", [1, 0]),
        ("du=2026-11-25", [3, 3]),
        ("du=2026-11-24&au=2026-11-25&par=usager", [3, 3, 0]),
        ("depuis=BETWEEN", [3, 3]),
        ("etat=accepte", []),
        ("groupe=d%C3%A9faut", [3, 3, 1, 0]),
    ],
)
def test_each_filter_narrows(
    changed: tuple[Engine, datetime], visitor: Visitor, query: str, lines: list[int]
) -> None:
    """And the file has the same lines."""
    query = query.replace("BETWEEN", changed[1].strftime("%Y-%m-%dT%H:%M:%SZ"))
    page = visitor.get(f"/suivi?{query}").text
    shown = [int(one) for one in re.findall(r'href="/dossiers/(\d+)/changements', page)]
    assert [number(rank) for rank in lines] == shown
    file = visitor.column(f"/changements.csv?{query}", "Dossier")
    assert file == [str(one) for one in shown]


@postgresql_if_long
def test_changes_are_paged_by_the_database(database_url: str) -> None:
    """Each once, the last ones first, in pages or in the parts of a file; on each engine."""
    with Engine(database_url, seeds(range(4))) as engine:
        engine.sync_until_quiet()
        for rank in range(4):
            engine.advance(minutes=1)
            engine.control.edit_champ(number(rank % 2), PROBLEME, f"Problème {rank}")
            engine.sync()
        with engine.worker.store.reading(DEMARCHE) as reader:
            every = ChangeSelection()
            whole = reader.changes.listing(every, limit=1000)
            total = len(whole)
            assert (total, 4) == reader.changes.count(every)
            paged: list[Any] = []
            parts: list[Any] = []
            for page in range(-(-total // 3)):
                paged += reader.changes.listing(every, limit=3, offset=3 * page)
                after = parts[-1]["ordre"] if parts else None
                parts += reader.changes.listing(every, limit=3, after=after)
            mine = ChangeSelection(par=("usager",), etat="en_construction", groupe="défaut")
            theirs = reader.changes.listing(mine, limit=10)
            since = engine.worker.now() - timedelta(seconds=90)
            late = ChangeSelection(par=("usager",), depuis=since)
            assert (2, 2) == reader.changes.count(late)
            future = ChangeSelection(du=datetime(2100, 1, 1, tzinfo=UTC))
            assert (0, 0) == reader.changes.count(future)
    assert whole == paged == parts
    assert sorted(whole, key=lambda one: one["survenu_le"], reverse=True) == whole
    assert {"Problème 3", "Problème 2"} >= {one["nouvelle_valeur"] for one in theirs[:1]}
