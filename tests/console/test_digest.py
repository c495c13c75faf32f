"""The digest by e-mail: asked for on a page, sent by the service, ended by a link."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import requests
from pydantic import SecretStr

from dsync.configuration import AccesSection
from dsync.console.digest import Digests
from dsync.database import open_database
from dsync.domain.dossier import PARIS
from dsync.sandbox import Sandbox
from dsync.wiring import Worker
from tests.commands.command import config_with
from tests.commands.conftest import operator
from tests.console.mailbox import PASSWORD, Mailbox, certificate, mail_server
from tests.console.provider import EMAIL, Clock, FakeProvider, as_, provider, team_access
from tests.console.served import ServedConsole, Visitor, beside, served, stranger, words
from tests.engine.rig import DEMARCHE, RESULTAT, Engine, number

JURY_DAY = 5203
JURY, READER, CLAIMED = "jury@dinum.example.fr", "lecteur@dinum.example.fr", "c@dinum.example.fr"
ACCES = [
    as_("instructeur", EMAIL),
    as_("jury", JURY),
    as_("lecteur", READER),
    {"role": "instructeur", "who": ["groups=eig"]},
]
ORIGIN = "https://dsync.example.gouv.fr"


def mail_url(port: int, scheme: str = "mailto", user: str = "", **more: str) -> str:
    """Return apprise's address of a mail server on this machine, by which alerts go, too."""
    query = urlencode({"from": "dsync@example.gouv.fr", "to": "ops@example.gouv.fr", **more})
    return f"{scheme}://{user}127.0.0.1:{port}?{query}"


class Post:
    """A service's digests, the mail server, and the console on which people ask for them."""

    def __init__(
        self, engine: Engine, box: Mailbox, port: int, console: ServedConsole, fake: FakeProvider
    ) -> None:
        self.engine, self.box, self.console, self.fake = engine, box, console, fake
        self.mail_url = mail_url(port)
        # To seven in the morning, in Paris, of a Tuesday.
        now = engine.worker.now().astimezone(PARIS)
        until = (now + timedelta(days=(8 - now.weekday()) % 7 + 7)).replace(hour=7, minute=1)
        engine.advance(seconds=(until - now).total_seconds())
        engine.sync()

    def service(self, acces: list[dict[str, object]] | None = None) -> Digests:
        """Return the digests of one more service."""
        worker = with_acces(self.engine.worker.app, ACCES if acces is None else acces)
        return Digests([worker], self.mail_url, ORIGIN, threading.Event())

    def visitor(self, who: str) -> Visitor:
        """Sign somebody in."""
        found = {"email": who, "groups": ["eig"]} if who == CLAIMED else {"email": who}
        self.fake.userinfo = lambda claims: claims.update(found)
        return Visitor(self.console.base, "/entrer")

    def ask(self, who: str, frequence: str) -> requests.Response:
        """Ask for the digest on its page."""
        return self.visitor(who).post("/abonnement", frequence=frequence)

    def after(self, **duration: float) -> list[tuple[str, EmailMessage]]:
        """Have one more service send what is due after a while; return what was received."""
        self.engine.advance(**duration)
        self.service().tick()
        return self.told()

    def told(self) -> list[tuple[str, EmailMessage]]:
        """Return what was received since the last call, with whom it is for."""
        found = [(to, message) for [to], message in self.box.received]
        self.box.received.clear()
        return found


def with_acces(app: Worker, acces: list[dict[str, object]]) -> Worker:
    """Return a worker of the same démarche in which these people have a role, with a server."""
    entries = tuple(AccesSection.model_validate(one) for one in acces)
    made = beside(app, acces=entries)
    url = SecretStr(f"json://127.0.0.1 {mail_url(25)}")
    made.settings = replace(made.settings, alert_urls=url)
    return made


@pytest.fixture
def post(engine: Engine) -> Iterator[Post]:
    with provider() as fake, mail_server() as (box, port):
        access = team_access(fake.issuer, Clock(), acces=ACCES)
        shown = with_acces(engine.another().app, ACCES)
        with served(engine, [shown], access=access) as console:
            yield Post(engine, box, port, console, fake)


def test_a_person_is_told_once_a_day_what_waits_for_them(post: Post) -> None:
    """Whatever the number of services and their restarts; its numbers are those of its links."""
    assert "chaque jour" in words(post.ask(EMAIL, "jour").text)
    assert [] == post.after()
    post.engine.advance(days=1)
    services = [post.service() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Digests.tick, services))
    [(to, message)] = post.told()
    assert EMAIL.lower() == to == message["To"]
    assert "dsync@example.gouv.fr" == message["From"]
    text = message.get_content()
    links = re.findall(rf"  {ORIGIN}(/\S+)", text)
    assert len(links) >= 3
    own = post.visitor(EMAIL)
    todo = own.get("/").text
    first = todo.partition('aria-label="Chaque sorte dans sa liste"')[2].partition("</ul>")[0]
    kinds = [(unescape(link), count) for link, count in re.findall(r'href="([^"]+)">(\d+)', first)]
    assert kinds == [
        (re.sub(rf"[?&]demarche={DEMARCHE}$", "", link), count)
        for count, link in re.findall(rf"- \D*(\d+)\s+{ORIGIN}(/\S+)", text)
    ]
    lists = re.findall(rf"- \D*(\d+)\s+{ORIGIN}(/dossiers\S+)", text)
    assert lists
    for count, link in lists:
        page = own.get(link).text
        assert f'class="compte">{count}\xa0dossier' in page, link
    assert {200} == {own.get(one).status_code for one in links}
    held = post.engine.rows("SELECT siret, raison_sociale, usager_courriel FROM dossier")
    assert not [value for row in held for value in row.values() if value and value in str(message)]
    assert EMAIL.lower() not in text
    assert [] == post.after(hours=5)


def test_a_week_has_one_digest(post: Post) -> None:
    """On Monday, or later if no service ran then."""
    post.ask(EMAIL, "semaine")
    sent = []
    for _ in range(15):
        post.engine.advance(days=1)
        post.service().tick()
        weekday = post.engine.worker.now().astimezone(PARIS).weekday()
        sent += [weekday for _ in post.told()]
    assert [0, 0] == sent
    assert 1 == len(post.after(days=9))


def test_the_link_ends_it_without_a_session(post: Post) -> None:
    """By a button, or by the mail program's own; a link that was only looked at ends nothing."""
    post.ask(EMAIL, "jour")
    [(_, message)] = post.after(days=1)
    assert "List-Unsubscribe=One-Click" == message["List-Unsubscribe-Post"]
    link = message["List-Unsubscribe"].strip("<>").replace(ORIGIN, post.console.base)
    assert message["List-Unsubscribe"].strip("<>") in message.get_content()
    for wrong in (link[:-1], link.replace("a=1", "a=2"), link.partition("?")[0], link + "é"):
        assert 404 == stranger().post(wrong).status_code
    asked = stranger().get(link)
    assert (200, True) == (asked.status_code, "Ne plus recevoir le résumé</button>" in asked.text)
    assert 1 == len(post.engine.rows("SELECT id FROM abonnement"))
    ended = stranger().post(link, data={"List-Unsubscribe": "One-Click"})
    assert "C’est fait" in words(ended.text)
    assert [] == post.engine.rows("SELECT id FROM abonnement")
    assert 404 == stranger().get(link).status_code
    assert [] == post.after(days=1)


def test_each_role_is_told_what_waits_for_it(post: Post) -> None:
    """The jury its dossiers; a lecteur nothing; nobody whose role has ended, or may have."""
    assert 403 == post.ask(READER, "jour").status_code
    assert "fournisseur d’identité" in words(post.ask(CLAIMED, "jour").text)
    post.ask(JURY, "jour")
    # Nothing waits for the jury yet.
    assert [] == post.after(days=1)
    jury = post.engine.rows(
        "SELECT numero FROM candidature WHERE numero IN "
        "(SELECT numero FROM dossier WHERE etat = 'en_instruction')"
    )
    post.engine.control.edit_annotation(jury[0]["numero"], JURY_DAY, "2020-01-01")
    post.engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
    post.engine.advance(days=1)
    post.engine.sync()
    [(to, message)] = post.after()
    lines = [line for line in message.get_content().splitlines() if line.startswith("- ")]
    assert (JURY, ["- Jury : 1"]) == (to, lines)
    post.engine.advance(days=1)
    # The service goes on, with another file.
    workers = [with_acces(post.engine.worker.app, ACCES)]
    digests = Digests(workers, post.mail_url, ORIGIN, threading.Event())
    workers[:] = [with_acces(post.engine.worker.app, [as_("lecteur", JURY)])]
    digests.tick()
    assert [] == post.told()
    assert [] == post.engine.rows("SELECT id FROM abonnement")


def test_what_could_not_be_sent_is_sent_later(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a while, by any service, also where no answer came; the log has no address."""
    post.ask(EMAIL, "jour")
    post.engine.advance(days=1)
    post.box.answer = f"550 {EMAIL} is unknown"
    post.service().tick()
    post.box.answer = None
    assert [] == post.after()
    post.engine.advance(minutes=16)
    post.box.cuts = True
    post.service().tick()
    post.box.cuts = False
    assert 2 == len(post.after(minutes=16))
    assert [] == post.after(minutes=16)
    logged = capsys.readouterr().out
    assert "digest_not_sent" in logged
    assert EMAIL.lower() not in logged.lower()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_an_encrypted_server_is_used_only_if_it_is_trusted(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By STARTTLS, with user and password."""
    context, authority = certificate(tmp_path)
    post.ask(EMAIL, "jour")
    post.engine.advance(days=1)
    with mail_server(context, signed_in=True) as (box, port):
        user = f"dsync:{quote(PASSWORD, safe='')}@"
        post.mail_url = mail_url(port, "mailtos", user, mode="starttls")
        post.service().tick()
        assert [] == box.received
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        post.engine.advance(minutes=16)
        post.service().tick()
    [(to, _)] = box.received
    assert [EMAIL.lower()] == to


@pytest.mark.parametrize(
    ("urls", "found"),
    [
        ("json://h mailtos://u:p@h mailtos://other", "mailtos://u:p@h"),
        ("mailto://h mailto://[::1]:25?from=a@b.fr", "mailto://[::1]:25?from=a@b.fr"),
        ("mailto://h json://127.0.0.1", None),
    ],
)
def test_no_digest_leaves_this_machine_in_clear(
    read_engine: Engine, urls: str, found: str | None
) -> None:
    """The first address that encrypts, or is of this machine."""
    settings = replace(read_engine.worker.app.settings, alert_urls=SecretStr(urls))
    assert found == settings.mail_url


def test_the_service_sends_it(tmp_path: Path) -> None:
    """`dsync run`, by its configuration and environment alone, in a process of its own."""
    more = """
        [[acces]]
        role = "instructeur"
        who = ["ada@dinum.example.fr"]
        [console]
        public_url = "https://dsync.example.gouv.fr"
        [console.openid]
        issuer = "https://auth.example.gouv.fr"
        client_id = "dsync"
        """
    given = {"DSYNC_CONFIG": config_with(tmp_path, more=more)}
    with Sandbox.start(dossiers=3, seed=7) as sandbox, mail_server() as (box, port):
        command = operator(sandbox, tmp_path)
        assert 0 == command("sync", **given).code
        store = open_database(f"sqlite:///{tmp_path / 'dsync.db'}")
        with store.subscriptions() as subscriptions:
            before, now = date(2024, 1, 1), datetime.now(UTC)
            address = "ada@dinum.example.fr"
            subscriptions.subscribe(address, DEMARCHE, "jour", period=before, now=now)
        store.close()
        given |= {"DSYNC_HTTP_LISTEN": "", "DSYNC_ALERT_URLS": mail_url(port)}
        process = command.start("run", err=subprocess.DEVNULL, **given)
        until = time.monotonic() + 60
        while not box.received and time.monotonic() < until:
            time.sleep(0.05)
        process.terminate()
        process.communicate(timeout=20)
    assert 0 == process.returncode
    # The others are alerts.
    [message] = [one for to, one in box.received if to == ["ada@dinum.example.fr"]]
    assert "Contrôles : " in message.get_content()


def test_without_a_sign_in_or_a_server_the_page_says_what_is_missing(read_engine: Engine) -> None:
    """Instead of a form that would have no effect."""
    with served(read_engine) as console:
        page = console.visitor().get("/abonnement").text
    assert "cette console n’est ouverte que sur ce poste" in words(page)
    assert 'name="frequence"' not in page
