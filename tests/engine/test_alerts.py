"""What operators are told, and when."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from pydantic import SecretStr
from structlog.testing import capture_logs

from dsync import wiring
from dsync.care.state import Looked
from dsync.errors import ConfigurationError, StoreError
from dsync.messages.kinds import DatabaseFailed
from dsync.sandbox.faults import ScriptedFault
from dsync.service.alerts import Alerts
from dsync.service.telling import ping, reporter, teller
from dsync.store import RunningService
from dsync.store.codes import Kind
from dsync.sync.handing_over import Choice, end_conflicts
from dsync.sync.report import RunReport
from tests.engine.conftest import Start
from tests.engine.inbox import Inbox
from tests.engine.rig import DEMARCHE, OPEN, PROBLEME, RESULTAT, Engine, Worker, number
from tests.engine.served import register
from tests.profiles import long
from tests.store.databases import PostgresServer, on_postgresql

INSTRUCTEUR = "check instructeur"
"""The sandbox has a groupe without dsync's instructeur."""


def alerts_of(worker: Worker, inbox: Inbox) -> Alerts:
    """Return the alerts of a service with one démarche, which starts now."""
    url = SecretStr(f"json://{inbox.address}/")
    tell = teller(replace(worker.app.settings, alert_urls=url))
    return Alerts([worker.app], tell, worker.stop, monotonic=lambda: worker.now().timestamp())


def told(engine: Engine, inbox: Inbox, *services: Alerts, minutes: int = 2) -> list[str]:
    """Let services look each minute; return what they told."""
    for minute in range(minutes):
        for alerts in services:
            alerts.tick()
        engine.advance(minutes=minute < minutes - 1)
    return inbox.told()


@on_postgresql
def test_each_alert_is_told_once_when_it_begins_and_once_when_it_ends(
    engine: Engine, inbox: Inbox
) -> None:
    """By one of two services, also after a restart; nothing of a dossier is told."""
    both = alerts_of(engine.worker, inbox), alerts_of(engine.another(), inbox)
    assert [] == told(engine, inbox, *both)
    engine.sync()
    assert [INSTRUCTEUR] == told(engine, inbox, *both)

    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.control.edit_champ(number(0), PROBLEME, "Texte que personne d’autre ne doit lire")
    engine.advance(minutes=11)
    engine.sync()
    for _ in range(2):
        for alerts in both:
            alerts.tick()
        engine.advance(minutes=1)
    [message] = [json.loads(body) for body in inbox.received]
    assert "personne" not in str(message)
    assert "info" == message["type"]
    config = engine.worker.app.settings.config
    assert f"`dsync conflicts list --config {config}`" in message["message"]
    assert ["conflicts"] == inbox.told()
    assert [] == told(engine, inbox, alerts_of(engine.restart(), inbox))

    engine.control.faults.fail(ScriptedFault("token_expired", times=None))
    engine.advance(minutes=9)
    engine.sync()
    assert ["token_refused"] == told(engine, inbox, *both)
    # What follows from it is not told.
    engine.advance(minutes=40)
    engine.sync()
    assert [] == told(engine, inbox, *both, minutes=6)
    engine.control.faults.clear_faults()
    engine.sync()
    assert ["token_refused ended"] == told(engine, inbox, *both, minutes=8)


def test_files_that_change_during_a_look_end_it_not(engine: Engine) -> None:
    """A reload replaces the workers at any instant."""
    app = engine.worker.app
    given: dict[str, Any] = {"clock": app.clock, "store": app.store}
    other = wiring.Worker(replace(app.settings, demarche=90_002), **given)

    class Replaced(wiring.Worker):
        @property
        def looked(self) -> Looked:
            workers[:] = [other]
            return super().looked

    workers: list[wiring.Worker] = [Replaced(app.settings, **given)]
    alerts = Alerts(workers, lambda *_: True, threading.Event())
    with capture_logs() as lines:
        alerts.tick()
    assert [] == [one for one in lines if one["event"] == "alerts_crashed"]


def test_each_other_cause_is_told_once_too(engine: Engine, inbox: Inbox) -> None:
    """And quarantine again when it has doubled; `unit/service/test_causes.py` has the tables."""
    seen: list[list[str]] = []

    def look(**options: Any) -> None:
        alerts = alerts_of(engine.worker, inbox)
        engine.sync(**options)
        titles = told(engine, inbox, alerts, alerts, minutes=3)
        seen.append([title for title in titles if not title.startswith("check ")])

    engine.restart(token=engine.sandbox.tokens.readonly)
    look()
    expiry = (engine.worker.now() + timedelta(days=20)).date()
    engine.restart(ds_token_expires_on=expiry)
    look()
    engine.restart()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    look(full=True)
    end_conflicts(engine.worker.store, DEMARCHE, Choice.KEEP, engine.worker.now(), asked_by="ana")
    engine.control.catalogue.unavailable = True
    engine.advance(days=17)
    look()
    engine.control.catalogue.unavailable = False
    gone = [number(rank) for rank in OPEN[:6]]
    for one in gone:
        engine.control.expire(one)
    look(full=True)
    look(full=True, accept_deletions=True)
    for poisoned in ((7, 8), (7, 8, 9, 10), ()):
        for rank in range(7, 11):
            engine.control.faults.repair(number(rank))
        for rank in poisoned:
            engine.control.faults.return_null(number(rank), champs_only=True)
        look(full=True)
    assert [
        ["refused"],
        ["token_expiry", "refused ended"],
        ["conflicts", "token_expiry ended"],
        ["evidence", "conflicts ended"],
        ["consent deletions"],
        ["consent deletions ended", "evidence ended"],
        ["quarantine"],
        ["quarantine"],
        ["quarantine ended"],
    ] == seen


def test_nothing_is_told_at_a_restart_after_maintenance(engine: Engine, inbox: Inbox) -> None:
    """Not of what is old before the first run, and not after it either; a token that expired is."""
    alerts = alerts_of(engine.worker, inbox)
    engine.sync()
    assert [INSTRUCTEUR] == told(engine, inbox, alerts)
    engine.advance(days=3)
    replicas = [alerts_of(engine.another(), inbox) for _ in range(2)]
    assert [] == told(engine, inbox, *replicas, minutes=10)
    engine.sync()
    assert [] == told(engine, inbox, *replicas)
    engine.advance(days=3)
    late = alerts_of(engine.another(), inbox)
    # If there is no first run, that is told when it is late.
    assert ["no_success"] == told(engine, inbox, late, minutes=20)


def test_a_refused_token_is_named_by_its_file(engine: Engine, inbox: Inbox, tmp_path: Path) -> None:
    """Of many, it says which one is to be renewed; once the receiver, which failed, answers."""
    file = tmp_path / "ds-token"
    file.write_text(engine.sandbox.tokens.expired, encoding="utf-8")
    worker = engine.restart(token=engine.sandbox.tokens.expired, ds_token_file=file)
    alerts = alerts_of(worker, inbox)
    engine.sync()
    inbox.answer = 500
    assert [] == told(engine, inbox, alerts, minutes=3)
    inbox.answer = 200
    engine.advance(minutes=6)
    alerts.tick()
    bodies = [json.loads(body)["message"] for body in inbox.received]
    assert any(f"The token is that of {file}." in one for one in bodies), bodies


def test_a_cause_of_several_demarches_is_one_message(engine: Engine, inbox: Inbox) -> None:
    """A shared token that expired: its cause, since when, whom it concerns."""
    several = [engine.another(demarche=DEMARCHE + n) for n in range(3)]
    apps: list[Any] = [Held(one.app) for one in several]
    tell = teller(replace(apps[0].settings, alert_urls=SecretStr(f"json://{inbox.address}/")))
    alerts = Alerts(apps, tell, engine.worker.stop)
    engine.control.faults.fail(ScriptedFault("token_expired", times=None))
    for worker in several:
        worker.sync()
        engine.advance(minutes=1)
        alerts.tick()
    for _ in range(8):
        engine.advance(minutes=5)
        alerts.tick()
    begun, *later = [json.loads(body) for body in inbox.received]
    assert ("failure", []) == (begun["type"], later)
    assert begun["title"].endswith("démarches: token_refused")
    said = "The DS token has expired. Make a new one"
    assert re.match(rf"Since \d\d:\d\d UTC: {re.escape(said)}", begun["message"])
    assert f"Démarches: {DEMARCHE}, {DEMARCHE + 1}" in begun["message"]


@on_postgresql
def test_a_lost_database_is_told_without_it(
    engine: Engine, inbox: Inbox, postgres_server: PostgresServer
) -> None:
    """By the process; its end by one of two, once the database is there to agree on it."""
    both = [alerts_of(worker, inbox) for worker in (engine.worker, engine.another())]
    engine.sync()
    assert [INSTRUCTEUR] == told(engine, inbox, *both)
    postgres_server.go_away(engine.url)
    assert [] == told(engine, inbox, *both, minutes=1)  # A flicker is not told.
    postgres_server.come_back(engine.url)
    assert [] == told(engine, inbox, *both, minutes=7)
    postgres_server.go_away(engine.url)
    assert ["database", "database"] == told(engine, inbox, *both, minutes=10)
    postgres_server.come_back(engine.url)
    engine.sync()
    assert ["database ended"] == told(engine, inbox, *both, minutes=10)


def test_a_database_in_which_no_run_can_begin_is_told(engine: Engine, inbox: Inbox) -> None:
    """Such as on a full disk, which can be read: no run fails of it, and nothing is stored."""
    alerts = alerts_of(engine.worker, inbox)
    engine.sync()
    told(engine, inbox, alerts)
    alerts.note(StoreError(DatabaseFailed("SQLite file x.db", "a lock.", is_locked=True)))
    assert [] == told(engine, inbox, alerts, minutes=3)
    alerts.note(StoreError(DatabaseFailed("SQLite file x.db", "its disk is full.")))
    assert ["database"] == told(engine, inbox, alerts, minutes=3)
    alerts.note(None)
    assert ["database ended"] == told(engine, inbox, alerts, minutes=8)


def test_a_demarche_whose_file_is_wrong_is_told(engine: Engine, inbox: Inbox) -> None:
    """Also if no other one is served; and that it is over, also by taking the file away."""
    apps, problems = [engine.worker.app], list[dict[str, Any]]()
    tell = teller(replace(apps[0].settings, alert_urls=SecretStr(f"json://{inbox.address}/")))
    alerts = Alerts(apps, tell, engine.worker.stop, problems=problems)
    engine.sync()
    told(engine, inbox, alerts)
    [app] = apps
    seen = []
    for demarche, problem, served, minutes in (
        (DEMARCHE, "/etc/dsync/a.toml: not valid TOML", [], 3),
        (DEMARCHE, "", [app], 4),
        (None, "/etc/dsync: no such folder.", [app], 3),
        (None, "", [app], 4),
        (7, "/etc/dsync/7.toml: not valid TOML", [app], 3),
        (7, "", [app], 4),
        (DEMARCHE, "/etc/dsync/b.toml: configured twice", [app], 3),
    ):
        apps[:] = served
        problems[:] = [{"demarche": demarche, "problem": problem}] * bool(problem)
        for _ in range(minutes):
            alerts.tick()
            engine.advance(minutes=1)
        for message in map(json.loads, inbox.received):
            text = re.sub(r"\d\d:\d\d", "09:12", message["message"])
            # Meanwhile no run has succeeded.
            if "configuration" in message["title"]:
                seen.append((message["type"], message["title"].removeprefix("dsync, "), text))
        inbox.received.clear()
    name = f"démarche {DEMARCHE}: configuration"
    over = ("success", f"{name} ended", "Over, after 3 minutes.")
    assert [
        ("failure", name, "Not served since 09:12 UTC: /etc/dsync/a.toml: not valid TOML."),
        over,
        (
            "warning",
            name,
            "Since 09:12 UTC: /etc/dsync: no such folder. What is served goes on as it was.",
        ),
        over,
        (
            "failure",
            "démarche 7: configuration",
            "Not served since 09:12 UTC: /etc/dsync/7.toml: not valid TOML.",
        ),
        ("success", "démarche 7: configuration ended", "Over, after 3 minutes."),
        ("warning", name, "Since 09:12 UTC: /etc/dsync/b.toml: configured twice."),
    ] == seen


@pytest.mark.parametrize(
    ("failed", "is_locked", "titles"), [(1, False, []), (2, False, ["database"]), (3, True, [])]
)
def test_the_database_is_lost_if_most_demarches_have_lost_it(
    engine: Engine, failed: int, is_locked: bool, titles: list[str]
) -> None:
    """By the last runs of this process; a lock, such as of a long dry run, is no loss."""
    seen = list[str]()

    def note(title: str, _text: str, _severity: object) -> bool:
        seen.append(title.partition(": ")[2])
        return True

    apps = [engine.another(demarche=DEMARCHE + n).app for n in range(3)]
    held: list[Any] = [Held(app) for app in apps]
    alerts = Alerts(held, note, engine.worker.stop)
    error = StoreError(DatabaseFailed("SQLite file x.db", "no.", is_locked=is_locked))
    for app in apps[:failed]:
        app.last_report = RunReport.failed(Kind.INCREMENTAL, app.clock(), error)
    for _ in range(3):
        alerts.tick()
        engine.advance(minutes=1)
    assert titles == seen


class Spoilt:
    """A worker with a bug: in an attribute, or where its check is made; counts the checks."""

    def __init__(self, app: Any, where: str = "") -> None:
        self._app = app
        self._where = where
        self.checks = 0

    def __getattr__(self, name: str) -> Any:
        if name == self._where:
            raise LookupError("an answer of a form")
        return getattr(self._app, name)

    def check(self) -> list[Any]:
        self.checks += 1
        if self._where == "check":
            raise LookupError("an answer of a form")
        return list(self._app.check())


@pytest.mark.parametrize("where", ["check", long("last_report"), "tell"])
def test_a_bug_about_one_demarche_leaves_the_others_their_alerts(
    engine: Engine, where: str
) -> None:
    """The check of each is made once a day all the same, and a bug in one is told."""
    several = [engine.another(demarche=DEMARCHE), engine.another(demarche=DEMARCHE + 1)]
    apps: list[Any] = [Spoilt(several[1].app, where), Spoilt(several[0].app)]
    titles = list[str]()

    def tell(title: str, _text: str, _severity: object) -> bool:
        if where == "tell" and str(DEMARCHE + 1) in title:
            raise LookupError("the address of an alert")
        titles.append(title.removeprefix("dsync, démarche "))
        return True

    for worker in several:
        worker.sync()
    monotonic = lambda: engine.worker.now().timestamp()  # noqa: E731
    alerts = Alerts(apps, tell, engine.worker.stop, monotonic=monotonic)
    for _ in range(40):
        alerts.tick()
        engine.advance(minutes=1)
    assert f"{DEMARCHE}: {INSTRUCTEUR}" in titles
    assert (f"{DEMARCHE + 1}: check dsync" in titles) == (where == "check")
    assert [1] == [one.checks for one in apps if one.demarche == DEMARCHE]
    assert 3 >= apps[0].checks  # One that DS does not know is tried again.


def test_a_slow_check_delays_no_alert(engine: Engine, inbox: Inbox) -> None:
    """Checks of several démarches run at once; what is not of them is told meanwhile."""
    several = [engine.worker, *(engine.another(demarche=DEMARCHE + n) for n in range(1, 4))]
    url = SecretStr(f"json://{inbox.address}/")
    tell = teller(replace(engine.worker.app.settings, alert_urls=url))
    all_at_once = threading.Barrier(len(several) + 1)
    apps: list[Any] = [Held(worker.app, all_at_once) for worker in several]
    register(*(worker.app for worker in several))
    alerts = Alerts(apps, tell, engine.worker.stop)
    alerts.every_s = 0.01
    engine.advance(minutes=20)
    ticking = threading.Thread(target=alerts.tick, daemon=True)
    ticking.start()
    while not inbox.received and ticking.is_alive():
        engine.advance(minutes=1)
        time.sleep(0.02)
    assert ticking.is_alive()
    [message] = [json.loads(body) for body in inbox.received]
    assert "dsync, 4 démarches: no_success" == message["title"]
    all_at_once.wait(20)
    ticking.join(20)


class Held:
    """A worker whose check finds nothing, and ends when all others have begun, if asked."""

    def __init__(self, app: Any, barrier: threading.Barrier | None = None) -> None:
        self._app = app
        self._barrier = barrier

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def check(self) -> list[Any]:
        if self._barrier is not None:
            self._barrier.wait(20)
        return []


def test_a_changed_form_is_told_by_the_daily_check(start: Start, inbox: Inbox) -> None:
    """At the start, and once a day, by the service that started first, until it is there."""
    engine = start([0])
    alerts, services = alerts_of(engine.worker, inbox), engine.worker.app.store.services
    now = engine.worker.now()
    elder = RunningService("elsewhere:1", "1", now - timedelta(hours=1), now, now)
    services.register(elder, [DEMARCHE])
    register(engine.worker.app)
    engine.sync()
    assert [] == told(engine, inbox, alerts)
    services.unregister(elder.holder)
    assert [INSTRUCTEUR] == told(engine, inbox, alerts)

    engine.control.form.rename_label("à vérifier", "à revoir")
    seen = []
    for hours in (1, 24, 24):
        engine.advance(hours=hours)
        engine.sync()
        titles = told(engine, inbox, alerts, minutes=1)
        seen.append([title for title in titles if title.startswith("check ")])
    assert [[], ["check labels"], []] == seen
    engine.control.form.rename_label("à revoir", "à vérifier")
    other = alerts_of(engine.another(), inbox)
    engine.advance(minutes=1)
    engine.sync()
    assert ["check labels ended"] == told(engine, inbox, other, alerts, other, alerts)


@on_postgresql
def test_the_clocks_of_two_machines_double_no_alert(engine: Engine) -> None:
    """One that is five minutes ahead or behind leaves an alert to the service that sends it."""
    titles = list[str]()

    def note(title: str, _text: str, _severity: object) -> bool:
        titles.append(title.partition(": ")[2])
        return True

    beside = []
    for minutes in (5, -5):
        worker = engine.another()
        worker.skew = timedelta(minutes=minutes)
        beside.append(Alerts([worker.app], note, worker.stop))

    def send(title: str, text: str, severity: object) -> bool:
        for alerts in beside:
            alerts.tick()
        return note(title, text, severity)

    register(engine.worker.app)
    sending = Alerts([engine.worker.app], send, engine.worker.stop)
    engine.advance(minutes=30)
    for _ in range(2):
        sending.tick()
        engine.advance(minutes=2)
    assert 1 == titles.count("no_success")


@pytest.mark.parametrize(
    ("set_up", "said"),
    [
        (lambda s: teller(replace(s, alert_urls=SecretStr("json://h bad://secret"))), "address 2"),
        (lambda s: reporter(replace(s, sentry_dsn=SecretStr("secret"))), "no DSN"),
    ],
)
def test_a_wrong_address_ends_the_service_at_its_start(
    engine: Engine, set_up: Callable[..., object], said: str
) -> None:
    """The message names the setting, and not its secret."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        set_up(engine.worker.app.settings)
    assert "secret" not in caught.value.message


def test_a_bug_is_reported_without_any_value(engine: Engine, inbox: Inbox) -> None:
    """The kind of the exception and where it was raised; no message, variable or machine."""
    dsn = SecretStr(f"http://key@{inbox.address}/1")
    report = reporter(replace(engine.worker.app.settings, sentry_dsn=dsn))
    assert report is not None
    contents = "Texte que personne d’autre ne doit lire"
    try:
        raise ValueError(contents)
    except ValueError as exc:
        report(exc)
    sentry_sdk.flush(5)
    sentry_sdk.init()
    [sent] = inbox.received
    body = gzip.decompress(sent).decode()
    assert "ValueError" in body
    assert "test_alerts" in body
    for hidden in ("personne", "contents", socket.gethostname()):
        assert hidden not in body.replace("test_alerts", "")


def test_a_success_is_told_to_a_watchdog(inbox: Inbox) -> None:
    """By GET; a watchdog that does not answer fails nothing."""
    url, stop = f"http://{inbox.address}/ping/1", threading.Event()
    assert ping(url, stop)
    assert [b"/ping/1"] == inbox.received
    inbox.shutdown()
    inbox.server_close()
    assert not ping(url, stop)
