"""The rules and the dashboard of deploy/ fit what a real Prometheus scrapes from a real dsync."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from dsync.addresses import Listen
from dsync.service.metrics import METRICS, Metrics
from dsync.service.surface import Surface, bind
from dsync.service.webhooks import Webhooks
from tests.acceptance.worker.installed import until
from tests.engine.rig import DEMARCHE, Engine

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus-rules.yml"
SECRET = "chemin-secret-de-ce-test"
MISSING = [name for name in ("promtool", "prometheus") if shutil.which(name) is None]

if MISSING and os.environ.get("DSYNC_NEEDS_PROMETHEUS"):
    pytest.fail("prometheus is missing: apt-get install prometheus", pytrace=False)
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason="no prometheus on this machine: apt-get install prometheus"
)


def queries() -> dict[str, str]:
    """Return each query of the dashboard by its panel, as Grafana would send it."""
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", "30s")
        .replace("$demarche", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }


def rules() -> dict[str, str]:
    """Return the expression of each rule by its name."""
    [group] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer, None if there is none yet."""
        try:
            answer = requests.get(f"{self._url}/api/v1/{path}", parameters, timeout=10)
        except requests.ConnectionError:
            return None
        if answer.status_code == 503:  # It is starting.
            return None
        found = answer.json()
        assert "success" == found["status"], (parameters, found)
        return found["data"]

    def values(self, query: str) -> list[dict[str, Any]]:
        """Return the series of a query at this moment."""
        return (self.get("query", query=query) or {}).get("result", [])


@pytest.fixture
def scraping(engine: Engine, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes two replicas of dsync on one database, and has the rules."""
    expiry = (engine.worker.now() + timedelta(days=20)).date()
    engine.begin()
    stop, targets, before = threading.Event(), list[str](), {*threading.enumerate()}

    def end() -> None:
        stop.set()
        # A scrape that was cut off is still read for: its connection would outlive the engine.
        for thread in {*threading.enumerate()} - before:
            if thread.name.startswith(("dsync-http-server", "AnyIO")):
                thread.join(10)

    with ExitStack() as stack:
        stack.callback(end)
        for worker in (engine.another(ds_token_expires_on=expiry) for _ in range(2)):
            listening = bind(Listen("127.0.0.1", 0), is_default=False)
            assert listening is not None
            targets.append("{}:{}".format(*listening.getsockname()))
            webhooks = Webhooks((SECRET,), lambda *_: True)
            metrics = Metrics([worker.app], webhooks.counts)
            Surface(metrics, webhooks, listening, stop).start()
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = "{}:{}".format(*free.getsockname())
        shutil.copy(RULES, tmp_path)
        (tmp_path / "prometheus.yml").write_text(
            "global: { scrape_interval: 250ms, evaluation_interval: 250ms }\n"
            f"rule_files: [{RULES.name}]\nscrape_configs:\n"
            "  - { job_name: dsync, params: { par: [demarche] }, "
            f"static_configs: [{{ targets: {json.dumps(targets)} }}] }}\n",
            encoding="utf-8",
        )
        line = ["prometheus", f"--web.listen-address={address}", "--log.level=error"]
        folder = [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path}"]
        running = stack.enter_context(subprocess.Popen([*line, *folder]))
        stack.callback(running.kill)
        form = {"procedure_id": 1, "dossier_id": 1, "state": "accepte", "updated_at": "x"}
        until(lambda: requests.post(f"http://{targets[0]}/hooks/ds/{SECRET}", form, timeout=10).ok)
        yield Prometheus(f"http://{address}")


def test_the_rules_tell_what_they_are_for() -> None:
    """When, for which démarche, once for two replicas: as their own tests say."""
    for words in (
        ("check", "rules", RULES),
        ("test", "rules", DEPLOY / "prometheus-rules-test.yml"),
    ):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        assert 0 == done.returncode, done.stdout + done.stderr
    tested = (DEPLOY / "prometheus-rules-test.yml").read_text(encoding="utf-8")
    assert [] == [name for name in rules() if f"alertname: {name}\n" not in tested]


def test_each_query_returns_data_of_a_scraped_dsync(scraping: Prometheus, engine: Engine) -> None:
    """Of the dashboard whole; of the rules, which are silent, each series that they name."""
    asked = queries() | {
        f"{rule}: {selector}": re.sub(r"\{.*", "", selector)
        for rule, expr in rules().items()
        for selector in re.findall(r"dsync_\w+(?:\{[^}]*\})?", expr)
    }
    empty = asked

    def all_have_data() -> bool:
        nonlocal empty
        empty = {what: query for what, query in empty.items() if not scraping.values(query)}
        return not empty

    try:
        until(all_have_data)
    except AssertionError:
        assert {} == empty
    labels = {one.name: {*one.labels} for one in METRICS}
    for expr in (*queries().values(), *rules().values()):
        for name, matchers in re.findall(r"(dsync_\w+)(?:\{([^}]*)\})?", expr):
            assert {*re.findall(r"(\w+)(?==)", matchers)} <= labels[name], expr

    # Two replicas show each dossier once.
    [dossiers] = scraping.values("sum(max by (demarche, etat, verdict) (dsync_dossiers))")
    with engine.worker.store.reading(DEMARCHE) as reader:
        assert str(reader.dossiers.present_count()) == dossiers["value"][1]
    [group] = until(lambda: (scraping.get("rules") or {}).get("groups"))
    assert rules().keys() == {rule["name"] for rule in group["rules"]}
    assert {"ok"} == {rule["health"] for rule in group["rules"]}
    firing = {rule["name"] for rule in group["rules"] if rule["state"] != "inactive"}
    assert {"DsyncTokenExpires"} == firing
