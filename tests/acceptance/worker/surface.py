"""A running `dsync run`, asked over HTTP."""

from __future__ import annotations

import re
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.worker.installed import Installed, Process, until

SECRET = "chemin-secret-de-ce-test"
"""The secret in the address of webhooks."""


class Surface:
    """A running service with HTTP."""

    def __init__(self, process: Process) -> None:
        self.process = process
        found = until(
            lambda: re.search(r'"address": "([^"]+)"', process.printed()) or not process.is_running
        )
        assert process.is_running, process.printed()
        self.url = f"http://{found[1]}"
        self.answers: list[str] = []

    def get(self, path: str, status: int = 200) -> requests.Response:
        """GET an address that must answer with that status."""
        return self.ask("GET", path, status)

    def ask(self, method: str, path: str, status: int, **given: Any) -> requests.Response:
        """Send a request that must be answered with that status."""
        answer = requests.request(
            method, self.url + path, timeout=20, allow_redirects=False, **given
        )
        assert status == answer.status_code, (path, answer.text)
        assert "Server" not in answer.headers
        self.answers.append(f"{answer.headers}{answer.text}")
        return answer

    def until_read(self) -> None:
        """Wait for the end of the first run."""
        until(lambda: "run_finished" in self.process.printed())

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Return each value by name and labels, in the order of their names."""
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.get("/metrics?par=demarche").text)
            for sample in family.samples
        }


def started(dsync: Installed, *arguments: str, anew: bool = False, **variables: str) -> Surface:
    """Start the service on a free port."""
    given = {"http_listen": "127.0.0.1:0", "log_format": "json", "webhook_secret": SECRET}
    return Surface(dsync.start(*arguments, "run", anew=anew, **{**given, **variables}))
