"""What operators are told, and when."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sentry_sdk
from pydantic import SecretStr

from dsync.errors import ConfigurationError
from dsync.sandbox.http.faults import ScriptedFault
from dsync.service.alerts import Alerts, ping, teller
from dsync.service.sentry import reporter
from dsync.sync.conflicts import Choice, end_conflicts
from tests.engine.inbox import Inbox
from tests.engine.rig import DEMARCHE, OPEN, PROBLEME, RESULTAT, Engine, Worker, number
from tests.engine.served import register
from tests.store.databases import on_postgresql

INSTRUCTEUR = "check instructeur"
"""The sandbox has a groupe without dsync's instructeur."""


def alerts_of(worker: Worker, inbox: Inbox) -> Alerts:
    """Return the alerts of a service with one démarche."""
    url = SecretStr(f"json://{inbox.address}/")
    tell = teller(replace(worker.app.settings, alert_urls=url))
    return Alerts([worker.app], tell, worker.stop, monotonic=lambda: worker.now().timestamp())


@on_postgresql
def test_each_alert_is_told_once_when_it_begins_and_once_when_it_ends(
    engine_on_each: Engine, inbox: Inbox
) -> None:
    """By one of two services, also after a restart; only numbers are told."""
    engine = engine_on_each
    one, other = alerts_of(engine.worker, inbox), alerts_of(engine.another(), inbox)
    engine.sync()
    one.tick()
    assert [INSTRUCTEUR] == inbox.told()

    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.control.edit_champ(number(0), PROBLEME, "Texte que personne d’autre ne doit lire")
    engine.advance(minutes=11)
    engine.sync()
    for alerts in (one, other, one):
        alerts.tick()
    assert len(inbox.received) == 1
    assert b"personne" not in inbox.received[0]
    assert ["conflicts"] == inbox.told()
    alerts_of(engine.restart(), inbox).tick()
    assert [] == inbox.told()

    engine.control.faults.fail(ScriptedFault("token_expired"))
    engine.advance(minutes=11)
    engine.sync()
    other.tick()
    assert ["token_refused"] == inbox.told()
    engine.advance(minutes=11)

    def meanwhile(read_page: Callable[..., Any], *args: Any, **options: Any) -> Any:
        other.tick()
        return read_page(*args, **options)

    engine.worker.client.around["read_page"] = meanwhile
    engine.sync()
    assert ["no_success"] == inbox.told()  # The refusal is over when the run has ended.
    engine.advance(minutes=40)
    other.tick()
    assert ["token_refused ended"] == inbox.told()


def test_each_other_cause_is_told_once_too(engine: Engine, inbox: Inbox) -> None:
    """Refusals, a token that expires, evidence that is too old, a conflict, the brake."""
    told: list[list[str]] = []

    def look(**options: Any) -> None:
        engine.sync(**options)
        alerts = alerts_of(engine.worker, inbox)
        for _ in range(2):
            alerts.tick()
        told.append([title for title in inbox.told() if not title.startswith("check ")])

    engine.restart(token=engine.sandbox.tokens.readonly)
    look()
    expiry = (engine.worker.now() + timedelta(days=20)).date()
    engine.restart(ds_token_expires_on=expiry)
    look()
    engine.restart()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    look(full=True)
    end_conflicts(engine.worker.store, DEMARCHE, Choice.ACCEPT, engine.worker.now(), asked_by="ana")
    engine.control.catalogue.unavailable = True
    engine.advance(days=17)
    look()
    engine.control.catalogue.unavailable = False
    gone = [number(rank) for rank in OPEN[:6]]
    for one in gone:
        engine.control.expire(one)
    look(full=True)
    look(full=True, accept_deletions=True)
    assert [
        ["refused"],
        ["token_expiry", "refused ended"],
        ["conflicts", "token_expiry ended"],
        ["evidence", "conflicts ended"],
        ["brake"],
        ["brake ended", "evidence ended"],
    ] == told


def test_a_quarantine_is_told_again_each_time_it_has_doubled(engine: Engine, inbox: Inbox) -> None:
    """By one of two services; not while it shrinks, or grows by little; once when it is over."""
    both = [alerts_of(worker, inbox) for worker in (engine.worker, engine.another())]
    engine.sync()
    told = []
    for poisoned in (2, 3, 4, 3, 0):
        for rank in range(4):
            engine.control.faults.repair(number(rank))
        for rank in range(poisoned):
            engine.control.faults.fail_reads(number(rank), champs_only=True)
        engine.sync(full=True)
        for alerts in both:
            alerts.tick()
        told.append([title for title in inbox.told() if title != INSTRUCTEUR])
    assert [["quarantine"], [], ["quarantine"], [], ["quarantine ended"]] == told


def test_an_alert_that_could_not_be_told_is_told_later(engine: Engine, inbox: Inbox) -> None:
    """Its beginning and its end, when the receiver answers again."""
    alerts = alerts_of(engine.worker, inbox)
    engine.sync()
    engine.advance(minutes=20)
    inbox.answer = 500
    alerts.tick()
    inbox.answer = 200
    alerts.tick()
    assert [] == inbox.told()
    engine.advance(minutes=6)
    alerts.tick()
    assert [INSTRUCTEUR, "no_success"] == inbox.told()

    engine.sync()
    inbox.answer = 500
    alerts.tick()
    inbox.answer = 200
    alerts.tick()
    assert ["no_success ended"] == inbox.told()
    alerts.tick()
    assert [] == inbox.told()


def test_a_clock_that_came_back_delays_no_alert(engine: Engine, inbox: Inbox) -> None:
    """A service that began while it was ahead counts its intervals from the correct time on."""
    engine.worker.skew = timedelta(days=400)
    register(engine.worker.app)
    alerts = alerts_of(engine.worker, inbox)
    alerts.tick()
    inbox.told()
    engine.worker.skew = timedelta()
    for minutes, told in ((0, []), (16, ["no_success"])):
        engine.advance(minutes=minutes)
        register(engine.worker.app)
        alerts.tick()
        assert told == inbox.told()


def test_the_check_of_a_slow_demarche_delays_no_alert(engine: Engine) -> None:
    """What the database shows of each is told before DS is asked about any of them."""
    both = [engine.worker, engine.another(demarche=DEMARCHE + 1)]
    register(*(worker.app for worker in both))
    engine.advance(minutes=20)
    told = []

    def tell(title: str, _text: str) -> bool:
        told.append((title.partition(": ")[2], len(engine.requests())))
        return True

    Alerts([worker.app for worker in both], tell, both[0].stop).tick()
    assert [("no_success", 0)] * 2 == told[:2]
    assert told[2:]


def test_a_changed_form_is_told_by_the_daily_check(engine: Engine, inbox: Inbox) -> None:
    """At the start, and once a day: a label that is missing, another one, until both are there."""
    alerts = alerts_of(engine.worker, inbox)
    told = []
    for former, later in (
        ("à vérifier", "à revoir"),
        ("éligible", "admissible"),
        ("", ""),
        ("à revoir", "à vérifier"),
        ("admissible", "éligible"),
    ):
        if former:
            engine.control.form.rename_label(former, later)
        for hours in (0, 24):
            engine.advance(hours=hours)
            engine.sync()
            alerts.tick()
            told.append([title for title in inbox.told() if title.startswith("check ")])
    assert [
        [INSTRUCTEUR, "check labels"],
        [],
        [],
        ["check labels"],
        [],
        [],
        [],
        ["check labels"],
        [],
        ["check labels ended"],
    ] == told


def test_of_two_checks_the_later_one_counts(engine: Engine, inbox: Inbox) -> None:
    """Services check at different times: what one found and the other did not is told once."""
    engine.begin()
    engine.control.form.rename_label("à vérifier", "à revoir")
    one = alerts_of(engine.worker, inbox)
    one.tick()
    assert [INSTRUCTEUR, "check labels"] == inbox.told()
    engine.control.form.rename_label("à revoir", "à vérifier")
    engine.advance(minutes=1)
    engine.sync()
    other = alerts_of(engine.another(), inbox)
    for alerts in (other, one, other, one):
        alerts.tick()
    assert ["check labels ended"] == inbox.told()


@on_postgresql
def test_the_clocks_of_two_machines_double_no_alert(engine_on_each: Engine) -> None:
    """One that is five minutes ahead or behind leaves an alert to the service that sends it."""
    engine, told = engine_on_each, list[str]()

    def note(title: str, _text: str) -> bool:
        told.append(title.partition(": ")[2])
        return True

    beside = []
    for minutes in (5, -5):
        worker = engine.another()
        worker.skew = timedelta(minutes=minutes)
        beside.append(Alerts([worker.app], note, worker.stop))

    def send(title: str, text: str) -> bool:
        for alerts in beside:
            alerts.tick()
        return note(title, text)

    register(engine.worker.app)
    engine.advance(minutes=30)
    Alerts([engine.worker.app], send, engine.worker.stop).tick()
    assert 1 == told.count("no_success")


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
    ping(f"http://{inbox.address}/ping/1")
    assert [b"/ping/1"] == inbox.received
    inbox.shutdown()
    inbox.server_close()
    ping(f"http://{inbox.address}/ping/1")
