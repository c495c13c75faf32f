"""Who opened which dossier and took which file: journaled beside the pages, which do not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from starlette.responses import Response

from dsync.console.access import SESSION_S
from dsync.console.files import Download
from dsync.console.visit import Visit
from dsync.domain.ids import DemarcheNumber, number_of
from dsync.errors import StoreError
from dsync.store import Store
from dsync.store.requests import Seen

log = structlog.get_logger(__name__)

PERIOD_S = 60
"""What somebody opens meanwhile is one row; a process that is killed loses no more."""
MOST = 1000
"""Rows that are kept while the database cannot be written, such as a replica; the last ones."""
FREE = frozenset({"q"})
"""Parameters whose text can name a person: the journal has that it was given."""

_Row = tuple[DemarcheNumber, dict[str, Any]]


class Witness:
    """Collects what is seen, and writes it in a thread of its own until `stop` is set."""

    def __init__(self, store: Callable[[], Store], stop: threading.Event) -> None:
        self._store = store
        self._stop = stop
        self._thread = threading.Thread(target=self._go_on, name="dsync-witness", daemon=True)
        self._lock = threading.Lock()
        self._rows: list[_Row] = []
        self._pages: dict[tuple[DemarcheNumber, str], dict[str, Any]] = {}
        """Of this period, by démarche and person."""
        self._opened: dict[tuple[str, int], Any] = {}
        """When somebody opened a dossier the last time: an open page asks again by itself."""

    def open(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left; `stop` is set."""
        if self._thread.is_alive():
            self._thread.join()
        self.write()

    def note(self, visit: Visit, answer: Response) -> None:
        """Note what somebody is shown or sent."""
        if answer.status_code != 200:
            return
        given, now = visit.request.path_params, visit.now
        named = "numero" in given
        dossiers = [n for one in given.values() if (n := number_of(one))] if named else []
        row = {"asked_by": visit.actor.name, "since": now, "now": now}
        with self._lock:
            if isinstance(answer, Download):
                request = (answer.asked or visit).request
                options: dict[str, Any] = {"page": request.url.path}
                options |= {"dossiers": dossiers} if named else {}
                asked = request.query_params.multi_items()
                if chosen := {name: "…" if name in FREE else value for name, value in asked}:
                    options["filtres"] = chosen
                row |= {"genre": Seen.FILE, "options": options, "result": {"nombre": answer.rows}}
                self._rows.append((visit.worker.demarche, row))
                return
            for number in (*dossiers, *visit.shown):
                key = visit.actor.name, number
                if visit.is_asked_again and key in self._opened:
                    continue
                self._opened[key] = now
                place = visit.worker.demarche, visit.actor.name
                page = self._pages.setdefault(place, row | {"dossiers": set()})
                page["dossiers"].add(number)
                page["now"] = now
            oldest = now - timedelta(seconds=SESSION_S)
            for key in [one for one, at in self._opened.items() if at < oldest]:
                del self._opened[key]

    def write(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        with self._lock:
            rows, self._rows = self._rows, []
            for (demarche, _), page in self._pages.items():
                numbers = sorted(page.pop("dossiers"))
                page |= {"genre": Seen.DOSSIERS, "options": {"dossiers": numbers}}
                rows.append((demarche, page | {"result": {"nombre": len(numbers)}}))
            self._pages.clear()
        left: list[_Row] = []
        for demarche in dict.fromkeys(number for number, _ in rows):
            theirs = [one for one in rows if one[0] == demarche]
            try:
                with self._store().requests(demarche) as requests:
                    for _, row in theirs:
                        requests.record(**row)
            except StoreError as exc:
                left += theirs
                log.warning("seen_not_journaled", rows=len(theirs), error=exc.message)
        with self._lock:
            self._rows = (left + self._rows)[-MOST:]

    def _go_on(self) -> None:
        is_stopping = False
        while not is_stopping:
            is_stopping = self._stop.wait(PERIOD_S)
            self.write()
