"""The HTTP surface of the real `dsync run`."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import requests

from dsync import __version__
from dsync.sandbox import Sandbox
from dsync.service.metrics import METRICS
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import SHIPPED
from tests.acceptance.worker.installed import (
    IN_TIME_S,
    INSTRUCTEUR,
    Installed,
    slowdown,
    until,
)
from tests.acceptance.worker.surface import SECRET, started
from tests.commands.command import config_with
from tests.engine.inbox import Inbox
from tests.engine.oracle import OWNED
from tests.engine.rig import DEMARCHE, DETAIL
from tests.engine.test_readers import WRITTEN
from tests.store.databases import sqlite_if_long

KEY = "whsec_Y2xlLWRlLXNpZ25hdHVyZS1kZS1jZS10ZXN0"
CANARY = "Canari-Zwitschernd"
WITHIN_S = 3.0
"""From a webhook to the annotation."""


@sqlite_if_long
def test_the_service_answers_what_is_asked_of_it(
    dsync: Installed,
    sandbox: Sandbox,
    database: Database,
    inbox: Inbox,
    tmp_path: Path,
) -> None:
    """Health, readiness, figures as in the database, webhooks; nothing personal, no secret."""
    control, served = sandbox.control, DEMARCHE
    plant(sandbox)
    # An alert is told after as long.
    config = config_with(tmp_path, ('incremental = "5m"', 'incremental = "10s"'))
    surface = started(
        dsync,
        "-v",
        webhook_secret=f"{SECRET} {KEY}",
        alert_urls=f"json://{inbox.address}/",
        config=config,
        anew=True,
    )
    for path in ("/healthz", "/__lbheartbeat__"):
        assert "ok\n" == surface.get(path).text
    surface.until_read()

    ready = surface.get("/__heartbeat__").json()
    [shown] = ready["demarches"]
    assert ([], served, 1) == (ready["problems"], shown["demarche"], shown["services"])
    assert ("success", "complet") == (shown["last_run"]["statut"], shown["last_run"]["genre"])
    assert __version__ == surface.get("/__version__").json()["version"]

    figures = surface.metrics()
    for row in database.rows(
        "SELECT d.etat, v.verdict, count(*) AS n FROM dossier d LEFT JOIN verdict v "
        "ON v.numero = d.numero AND v.courant WHERE d.presence = 'present' "
        "GROUP BY d.etat, v.verdict"
    ):
        key = {"Éligible": "eligible", "À vérifier": "a_verifier", "Inéligible": "ineligible"}
        verdict = key.get(row["verdict"], "aucun")
        assert row["n"] == figures["dsync_dossiers", str(served), row["etat"], verdict]
    [run] = database.view("lecture_synchronisation", "run")
    of = str(served)
    assert 1 == figures["dsync_runs_total", of, "complet", "success"]
    assert run["lus"] == figures["dsync_run_figures_total", of, "read"]
    assert run["requetes"] == figures["dsync_requests_total", of, "answered"]
    assert time.time() - figures["dsync_last_success_timestamp_seconds", of] < 60
    assert (1, 0) == (figures["dsync_database_up",], figures["dsync_outbox_waiting", of])

    hook = f"/hooks/ds/{SECRET}"
    form = {"procedure_id": served, "dossier_id": 1, "state": "accepte", "updated_at": "x"}
    for method, path, status, given in (
        ("GET", "/", 404, {}),
        ("GET", "/healthz/", 404, {}),
        ("GET", f"/hooks/ds/{SECRET}/more", 404, {}),
        ("POST", "/healthz", 405, {}),
        ("DELETE", "/metrics", 405, {}),
        ("GET", hook, 405, {}),
        ("POST", f"/hooks/ds/{SECRET}x", 404, {"data": form}),
        ("POST", "/hooks/ds/%C3%A9", 404, {"data": form}),
        ("POST", hook, 400, {"data": b"\xff\x00garbage"}),
        ("POST", hook, 400, {"data": {**form, "dossier_id": "one"}}),
        ("POST", hook, 400, {"data": json.dumps(form)}),
        ("POST", hook, 404, {"data": {**form, "procedure_id": 1}}),
        ("POST", hook, 404, {"json": {"webhook_id": 1, "demarche_number": 1, "events": []}}),
        ("POST", hook, 413, {"data": b"x" * 65_537}),
        ("POST", hook, 413, {"data": iter([b"x" * 40_000] * 2)}),
    ):
        surface.ask(method, path, status, **given)

    asked = requests.post(
        f"{sandbox.control_url}/add_webhook",
        json={"url": surface.url + hook, "demarche": served},
        timeout=10,
    )
    assert 200 == asked.status_code
    control.add_webhook(surface.url + hook, demarche=served, version=2, key=KEY)
    control.add_webhook(surface.url + hook, demarche=served, version=2, key=KEY, older=True)
    moved = next(one for one in control.truth(served) if one.state == "en_construction")
    before = moved.annotations[DETAIL]
    control.edit_champ(moved.number, SHIPPED.pilotage, None)
    control.move(moved.number, "en_instruction")
    began = time.monotonic()
    until(lambda: control.truth_of(moved.number).annotations[DETAIL] != before)
    took_s = (time.monotonic() - began) / slowdown()
    assert took_s < WITHIN_S
    [row] = database.rows(f"SELECT etat FROM dossier WHERE numero = {moved.number}")
    assert "en_instruction" == row["etat"]
    until(lambda: len(control.webhook_answers()) == 3)
    # The one of version 1 is unsigned.
    assert [202, 202, 404] == sorted(control.webhook_answers())
    figures = surface.metrics()
    silent = {metric.name for metric in METRICS} - {name for name, *_ in figures}
    assert silent <= {"dsync_token_days_left", "dsync_evidence_age_seconds"}
    assert 2 == figures["dsync_webhooks_total", "refused", "1"]
    # The second one of version 2 is about the same event, signed in the older form.
    assert 1 == figures["dsync_webhooks_total", "accepted", "2"]
    assert 1 == figures["dsync_webhooks_total", "repeated", "2"]

    until(lambda: inbox.received)
    host, _, port = surface.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        surface.process.signal(signal.SIGTERM)
        done, stopped_s = surface.process.ended_within(IN_TIME_S)
    assert (0, True) == (done.code, stopped_s < IN_TIME_S), done.text
    assert all(json.loads(line) for line in done.err.splitlines())
    told = [json.loads(body)["title"] for body in inbox.received]
    assert all(f"démarche {served}: check " in title for title in told)
    assert told
    asked = [dsync.run(name, "--json").text for name in ("sync", "status", "history", "check")]
    shown = "".join([done.text, *surface.answers, *asked, *map(str, inbox.received)])
    for hidden in (SECRET, KEY, sandbox.tokens.write, "Zwitschernd", "@example"):
        assert hidden not in shown.replace(INSTRUCTEUR, ""), hidden


def plant(sandbox: Sandbox) -> None:
    """Write a canary into each text of a dossier that people can write."""
    control = sandbox.control
    dossier = next(iter(sandbox.world.demarches[DEMARCHE].dossiers.values()))
    for edit, descriptors in (
        (control.edit_champ, dossier.form.champs),
        (control.edit_annotation, dossier.form.annotations),
    ):
        for one in descriptors:
            if one.type in WRITTEN and one.stable_id not in OWNED:
                is_email = one.type == "email"
                edit(dossier.number, one.stable_id, f"{CANARY}@example.fr" if is_email else CANARY)


def test_the_service_says_over_http_what_is_wrong(
    sqlite_dsync: Installed, sandbox: Sandbox, tmp_path: Path
) -> None:
    """503 with the cause and what to do; it stays alive, and shows what it still can."""
    sandbox.control.faults.change_token(expired=True)
    config = config_with(tmp_path, ('incremental = "5m"', 'incremental = "1h"'))
    surface = started(sqlite_dsync, config=config, ds_token_expires_on="2020-01-01")
    until(lambda: "run_postponed" in surface.process.printed())
    answer = surface.get("/readyz", 503).json()
    [problem], [shown] = answer["problems"], answer["demarches"]
    assert not answer["ready"]
    assert DEMARCHE == problem["demarche"]
    assert problem["problem"].startswith("No run has succeeded yet; run 1 ended as failed. ")
    assert "expired" in problem["problem"]
    assert 3 * 3600 == shown["last_success_limit_s"]
    assert shown["token_days_left"] < 0
    assert "Token: expired" in shown["warnings"][0]
    figures = surface.metrics()
    assert 1 == figures["dsync_requests_total", str(DEMARCHE), "unauthorized"]
    assert ("dsync_last_success_timestamp_seconds", str(DEMARCHE)) not in figures

    (sqlite_dsync.folder / "dsync.db").rename(sqlite_dsync.folder / "gone.db")
    gone = surface.get("/__heartbeat__", 503).json()
    assert "was deleted or replaced" in gone["problems"][0]["problem"]
    assert 0 == surface.metrics()["dsync_database_up",]
    surface.get("/healthz")
    surface.process.signal(signal.SIGTERM)
    assert 0 == surface.process.wait().code


def test_an_address_that_is_in_use_ends_the_start(sqlite_dsync: Installed) -> None:
    """Exit 2 with the remedy; without HTTP the service needs no address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = sqlite_dsync.run("run", http_listen=address)
    assert (2, True) == (done.code, f"Nothing can listen on {address}" in done.err), done.text
    assert "DSYNC_HTTP_LISTEN" in done.err
