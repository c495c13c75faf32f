"""How the call goes: its chart, the state of the service, and what changed in the dossiers."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from dsync.console.access import Right
from dsync.console.changements import changes_of
from dsync.console.etat import state_of
from dsync.console.visit import Visit

MOVED = {"/etat": "/suivi", "/changements": "/suivi", "/plan": "/plus"}
"""Former addresses of pages, with those of today."""


def show(visit: Visit) -> Response:
    """Show the state of a démarche, and a page of the changes."""
    with visit.reading() as reader:
        return visit.page("suivi.html", **state_of(visit, reader), **changes_of(visit, reader))


def moved(visit: Visit) -> Response:
    """Lead to where a page is today."""
    url = visit.request.url
    return RedirectResponse(MOVED[url.path] + (f"?{url.query}" if url.query else ""), 303)


PAGES = [
    ("GET", "/suivi", show, Right.LIRE),
    *(("GET", path, moved, Right.LIRE) for path in MOVED),
]
