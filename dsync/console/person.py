"""Where a person is in what is stored, for those who answer a request of access (article 15)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from dsync.care.person import look_up
from dsync.console.access import Right
from dsync.console.visit import Visit
from dsync.errors import ConfigurationError

SHOWN = 500
"""Maximum number of values on the page; `dsync person --json` has all."""


def form(visit: Visit) -> Response:
    """Show the form."""
    visit.need_all()
    return _page(visit)


def search(visit: Visit) -> Response:
    """Show the values that have the words, and journal it; by POST, so that no address has them."""
    visit.need_all()
    try:
        worker, text = visit.worker, visit.form.get("texte", "")
        found = look_up(worker.store, text, visit.actor.name, worker.clock, worker.demarche)
    except ConfigurationError:
        return _page(visit, is_short=True)
    return _page(visit, found=found, text=text)


def _page(visit: Visit, **values: Any) -> Response:
    given: dict[str, Any] = {"found": None, "text": "", "is_short": False, "shown": SHOWN, **values}
    return visit.page("personne.html", **given)


PAGES = [
    ("GET", "/personne", form, Right.PERSONNES),
    ("POST", "/personne", search, Right.PERSONNES),
]
