"""The open data of beta.gouv.fr over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsync.sandbox.content import products
from dsync.sandbox.http.faults import HttpAnswer, as_json


class OpenData:
    """The documents of the catalogue; each is generated at its first request."""

    def __init__(self, seed: int) -> None:
        self._made: dict[str, Callable[[], Any]] = {
            "/api/v2.6/startups.json": lambda: products.startups(seed),
            "/api/v2.7/startups.json": lambda: products.startups(seed, "v2.7"),
            "/redirects.json": lambda: products.redirects(seed),
        }
        self._bodies: dict[str, bytes] = {}
        self.unavailable = False

    def replace(self, path: str, content: Any) -> None:
        """Replace the document at a path; bytes are given as they are."""
        self._bodies[path] = content if isinstance(content, bytes) else as_json(content)

    def show_page(self, path: str) -> None:
        """Have a web page come instead of the document at a path, with status 200."""
        self._bodies[path] = b"<!DOCTYPE html><html><body>Maintenance en cours</body></html>"

    def answer(self, path: str) -> HttpAnswer:
        """Answer a GET."""
        if self.unavailable:
            return HttpAnswer(503, b"", "text/html")
        if path not in self._bodies:
            if path not in self._made:
                return HttpAnswer(404, b"", "text/html")
            self.replace(path, self._made[path]())
        return HttpAnswer(200, self._bodies[path])
