"""The console on 10,000 dossiers: the time of each page at the server."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from dsync.addresses import Listen
from dsync.console.access import LocalAccess
from dsync.console.app import Console
from dsync.service.surface import bind, server_thread
from dsync.store.listing import SORTS
from tests.bench.measured import app_on, measured
from tests.bench.prebuilt import FIRST_NUMBER, serving
from tests.console.addresses import pages
from tests.console.served import Visitor

pytestmark = pytest.mark.bench

DOSSIERS = 10_000
MOST_MS = 150
PAGES = (
    *(page for page in pages(FIRST_NUMBER + 4) if "demandes" not in page),
    *(f"/dossiers?tri={column}&ordre=desc&page=100" for column in SORTS),
    "/dossiers?verdict=a_verifier&etat=en_instruction&tri=modifie_le&ordre=desc",
    "/dossiers?verdict=aucun",
    "/dossiers?presence=present&q=direction&tri=raison_sociale",
    "/dossiers?etape=Jury",
    "/dossiers?etape=En%20construction&tri=verdict",
    "/dossiers?groupe=d%C3%A9faut&tri=verdict",
    "/dossiers?etiquette=%C3%A9ligible",
    "/dossiers?conflit=1",
)


def test_each_page_in_time(database_url: str) -> None:
    """The median of ten answers; figures of a loaded machine say little, so none fails."""
    with serving(DOSSIERS) as server:
        measured("sync", server.base_url, database_url)
        medians = page_times(server.base_url, database_url)
    for path, milliseconds in medians.items():
        print(f"{path:<80} {milliseconds:7.0f} ms   target ≤ {MOST_MS} ms")
    assert set(PAGES) == medians.keys()


def page_times(base_url: str, database_url: str) -> dict[str, float]:
    """Return the median time of each page, in milliseconds."""
    stop, links = threading.Event(), list[str]()
    with app_on(f"{base_url}/api/v2/graphql", base_url, database_url) as app:
        access = LocalAccess("bench", links.append)
        console = Console([app], access, secret="s" * 32, theme="neutre", stop=stop)
        listening = bind(Listen("127.0.0.1", 0), is_default=False)
        assert listening is not None
        thread = server_thread(console.application, listening, stop)
        thread.start()
        console.open()
        try:
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            visitor = Visitor(base, links[-1])
            return {path: _median(visitor, path) for path in PAGES}
        finally:
            stop.set()
            console.close()
            thread.join(10)


def _median(visitor: Visitor, path: str) -> float:
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        answer = visitor.get(path)
        taken.append(1000 * (time.perf_counter() - started))
        assert answer.status_code == 200, path
    return statistics.median(taken)
