"""What follows runs beside them; that it holds up none is in tests/acceptance/worker."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from dsync.domain.ids import DemarcheNumber
from dsync.errors import LeaseHeldError
from dsync.service.telling import Afterwards


def test_a_server_that_does_not_answer_is_tried_once_a_look() -> None:
    """Others are asked, and what waited for it comes first; a bug and a lease cost one nothing."""
    asked: list[int] = []
    done: dict[int, Any] = {1: False, 2: KeyError("x"), 5: LeaseHeldError("run")}

    def act(worker: Any) -> bool:
        asked.append(worker.demarche)
        if isinstance(found := done.pop(worker.demarche, True), Exception):
            raise found
        return bool(found)

    after = Afterwards(lambda one: one.address, act, threading.Event())

    def note(number: int, address: str) -> None:
        worker: Any = SimpleNamespace(demarche=DemarcheNumber(number), address=address)
        after.note(worker)

    for number, address in enumerate(("a/1", "b/2", "a/3", "b/4", "b/5", ""), start=1):
        note(number, address and f"https://{address}")
    after.tick()
    note(1, "https://a/1")
    after.tick()
    after.tick()

    assert [1, 2, 4, 5, 3, 5, 1] == asked
