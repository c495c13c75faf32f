"""Grist's own server at its size: thirty views of 10,000 rows, and what a person made beside them.

`DSYNC_TEST_GRIST_URL=… DSYNC_TEST_GRIST_KEY=… pytest tests/bench/test_grist.py -m bench -s`, with
the address of an empty document.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import requests

from dsync.exports.grist import Kept, Mirror
from dsync.exports.grist_client import GristClient
from dsync.store.grist_rows import Made
from tests.exports.test_grist import TODAY, VIEW, rows

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif("DSYNC_TEST_GRIST_URL" not in os.environ, reason="no real Grist is given"),
]
MOST_S = 60


class KilledError(Exception):
    """The process has ended."""


class Killed(GristClient):
    """A client that ends after the first thousand rows."""

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
        """Add the first batch."""
        next(super().add(table, rows))
        raise KilledError
        yield []


class Document:
    """The document, as dsync and as a person use it."""

    def __init__(self) -> None:
        self.address = os.environ["DSYNC_TEST_GRIST_URL"]
        self.key = os.environ["DSYNC_TEST_GRIST_KEY"]
        self.person = requests.Session()
        self.person.headers["Authorization"] = f"Bearer {self.key}"

    def keep(
        self,
        view: str,
        some: Mapping[str, Mapping[str, Any]],
        made: Made | None = None,
        erased: frozenset[int] = frozenset(),
        client: type[GristClient] = GristClient,
    ) -> tuple[Kept, Made, int]:
        """Make a view's table equal to some rows; the last number is that of writes."""
        args = {"about": f"démarche 1, vue {view}", "delete": False, "erased": {*erased}}
        with closing(client(self.address, self.key, user_agent="bench")) as asked:
            one = replace(VIEW, name=view)
            return *Mirror(asked, one, made, today=TODAY, **args).keep(some), asked.writes

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Do what a person does."""
        found = self.person.request(method, f"{self.address}/{path}", json=body or None, timeout=60)
        found.raise_for_status()
        return found.json()

    def records(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows."""
        return [one["fields"] for one in self.ask("GET", f"tables/{table}/records")["records"]]


@pytest.fixture
def document() -> Iterator[Document]:
    """The document; empty before."""
    found = Document()
    yield found
    found.person.close()


def test_thirty_views_of_ten_thousand_rows(document: Document) -> None:
    """A minute at first, no write when nothing changed, ten rows for ten changes."""
    some, made = rows(10_000), {}
    began, used = time.monotonic(), time.process_time()
    for place in range(30):
        kept, made[place], _ = document.keep(f"vue_{place}", some)
        assert 10_000 == kept.added
    first, used = time.monotonic() - began, time.process_time() - used
    writes = sum(document.keep(f"vue_{n}", some, one)[2] for n, one in made.items())
    for number in [*some][:10]:
        some[number]["état"] = "accepte"
    kept, _, of_ten = document.keep("vue_0", some, made[0])
    print(f"first {first:.1f} s, {used:.1f} s of them here")
    print(f"again {writes} writes; ten changes {kept.changed} rows")
    assert (0, 10, 1) == (writes, kept.changed, of_ten)
    assert first <= MOST_S


def test_what_a_person_made_survives_fifty_runs(document: Document) -> None:
    """A killed first run doubles nothing; an erased dossier's rows are gone."""
    some, view = rows(2_500), "survit"
    with pytest.raises(KilledError):
        document.keep(view, some, client=Killed)
    _, made, _ = document.keep(view, some)
    table = "Survit"
    assert 2_500 == len(document.records(table))
    document.ask(
        "POST",
        f"tables/{table}/columns",
        columns=[
            {"id": "Note", "fields": {"label": "Note", "type": "Text"}},
            {"id": "F", "fields": {"isFormula": True, "formula": "$numero + 1"}},
        ],
    )
    document.ask("PATCH", f"tables/{table}/records", records=[{"id": 1, "fields": {"Note": "lu"}}])
    document.ask("POST", f"tables/{table}/records", records=[{"fields": {"Note": "la mienne"}}])
    label = {"id": "etat", "fields": {"label": "Où en est-il ?"}}
    document.ask("PATCH", f"tables/{table}/columns", columns=[label])
    pages = len(document.ask("GET", "tables/_grist_Pages/records")["records"])
    for turn in range(50):
        some["3000000001"]["état"] = f"état {turn}"
        kept, made, writes = document.keep(view, some, made)
        assert (1, 1) == (kept.changed, writes)
    found = document.records(table)
    assert (2_501, ["la mienne", "lu"]) == (
        len(found),
        sorted(filter(None, (one["Note"] for one in found))),
    )
    assert found[0]["F"] == found[0]["numero"] + 1
    labels = {
        one["fields"]["label"] for one in document.ask("GET", f"tables/{table}/columns")["columns"]
    }
    assert "Où en est-il ?" in labels
    assert pages == len(document.ask("GET", "tables/_grist_Pages/records")["records"])
    del some["3000000007"]
    document.keep(view, some, made, frozenset({3_000_000_007}))
    assert 3_000_000_007 not in {one["numero"] for one in document.records(table)}
