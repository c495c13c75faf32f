"""Fixtures of the contract tests: a sandbox, and a client for it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from dsync.sandbox import Sandbox, content

sys.path.insert(0, str(Path(__file__).parent))  # for recorded_world and recorded_scenarios

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


class Client:
    """Sends requests to a sandbox over HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()

    def post(self, query: str, *, token: str = "", language: str = "", **variables: Any) -> Any:
        """Send a request and return the HTTP response."""
        headers = {"Authorization": f"Bearer {token or self.sandbox.tokens.write}"}
        if language:
            headers["Accept-Language"] = language
        body = {"query": query, "variables": variables}
        return self.session.post(self.sandbox.ds_url, json=body, headers=headers, timeout=30)

    def ask(self, query: str, **named: Any) -> dict[str, Any]:
        """Return the JSON body of an answer."""
        return self.post(query, **named).json()

    def data(self, query: str, **named: Any) -> dict[str, Any]:
        """Return the data of an answer without errors."""
        body = self.ask(query, **named)
        assert "errors" not in body, body["errors"]
        return body["data"]


def shown(sandbox: Sandbox, state: str = "en_construction") -> int:
    """Return the number of a dossier in this state that the API shows."""
    truths = sandbox.control.truth()
    return next(t.number for t in truths if t.state == state and t.presence == "present")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with forty dossiers and a clock that only tests move."""
    with Sandbox(pickle.loads(_forty()), seed=7, clock=lambda: NOW) as started:
        yield started


@cache
def _forty() -> bytes:
    return pickle.dumps(content.everything(7, 40, now=NOW))


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of that sandbox."""
    made = Client(sandbox)
    with made.session:
        yield made
