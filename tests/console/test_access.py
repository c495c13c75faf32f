"""Who may enter, and what a forged request gets: nothing."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import SecretStr

from dsync.console.access import Role
from dsync.console.app import BUILD, open_console
from dsync.sandbox import Sandbox
from dsync.service.surface import server_thread
from tests.commands.command import config_with
from tests.commands.conftest import operator
from tests.console.addresses import EXAMPLES
from tests.console.served import (
    USER,
    ServedConsole,
    Visitor,
    beside,
    served,
    stranger,
    visiting,
    words,
)
from tests.engine.rig import DEMARCHE, FIRST, Engine

OTHERS = [("POST", "/sortir"), ("GET", "/nulle-part")]


def anonymous(console: ServedConsole, method: str, path: str, **options: str) -> requests.Response:
    return stranger().request(method, console.base + path, allow_redirects=False, cookies=options)


def test_without_a_session_every_address_is_refused(read_console: ServedConsole) -> None:
    """With a short page that shows no data; with a forged session, see the permission matrix."""
    for method, path in EXAMPLES + OTHERS:
        answer = anonymous(read_console, method, path)
        assert 403 == answer.status_code, path
        assert "Ouvrez le lien" in answer.text, path
        assert str(FIRST) not in answer.text, path
        assert len(answer.content) < 2_000, path


def test_each_demarche_has_its_own_pages(read_engine: Engine) -> None:
    """One that is not shown is not there; a dossier is shown under its own démarche."""
    app = read_engine.another().app
    with visiting(read_engine, [app, beside(app, 86324)]) as visitor:
        state = visitor.read("/")
        assert "Vos autres démarches 86324 : 0 dossier attend l’équipe En retard" in state
        empty = visitor.get("/dossiers?demarche=86324").text
        assert "la copie est vide ou incomplète" in empty
        assert "demarche=86324" in empty
        moved = visitor.get(f"/dossiers/{FIRST}?demarche=86324")
        assert moved.url.endswith(f"/dossiers/{FIRST}?demarche={DEMARCHE}")
        for path in ("/synchronisations/1?demarche=86324", "/demandes/1?demarche=86324"):
            assert 404 == visitor.get(path).status_code
        for wrong in ("1", "x", "9" * 5000):
            assert 404 == visitor.post(f"/resynchroniser?demarche={wrong}").status_code


def test_a_closed_session_is_a_strangers(console: ServedConsole) -> None:
    """A copy of its cookie gets what a stranger gets, also where there is no page."""
    visitor = console.visitor()
    cookies = visitor.session.cookies.get_dict()
    assert 200 == visitor.post("/sortir").status_code
    for path in ("/nope", "/dossiers?depose_du=hier", "/dossiers/x", "/?demarche=1"):
        closed = requests.get(console.base + path, cookies=cookies, timeout=30)
        anonymous = stranger().get(console.base + path)
        assert 403 == closed.status_code == anonymous.status_code
        assert words(anonymous.text) == words(closed.text)
        assert USER not in closed.text
        assert "Menu principal" not in closed.text


@pytest.mark.parametrize(
    ("addressed", "shown"),
    [("86324", "86321"), ("", "86324"), ("86321", ""), ("86321", "x"), ("86321", "9" * 5000)],
)
def test_a_form_of_another_demarche_is_refused(
    read_engine: Engine, addressed: str, shown: str
) -> None:
    """With a sentence that names both; nothing is asked for."""
    app = read_engine.another().app
    before = read_engine.rows("SELECT * FROM demande")
    query = f"?demarche={addressed}" if addressed else ""
    with visiting(read_engine, [app, beside(app, 86324)]) as visitor:
        for path in ("/resynchroniser", f"/dossiers/{FIRST}/relire", "/conflits", "/accords"):
            refused = visitor.post(path + query, demarche=shown, confirme="1", dossier=str(FIRST))
            assert 409 == refused.status_code
            said = f"Rien n’a été fait : ce formulaire a été ouvert pour la démarche {shown}"
            assert said.removesuffix(shown if len(shown) != 5 else "") in words(refused.text)
            assert f"envoyé à la démarche {addressed or DEMARCHE}" in words(refused.text)
    assert before == read_engine.rows("SELECT * FROM demande")


def test_a_link_works_once(read_console: ServedConsole) -> None:
    """Then the next one is shown; a guessed one never works, and HEAD does not use it up."""
    link = read_console.links[-1]
    assert 403 == anonymous(read_console, "HEAD", link).status_code
    assert 303 == anonymous(read_console, "GET", link).status_code
    assert link != read_console.links[-1]
    for spent in (link, "/entrer", "/entrer?cle=", "/entrer?cle=%00é"):
        answer = anonymous(read_console, "GET", spent)
        assert 403 == answer.status_code
        assert "Demandez le dernier à la personne qui a lancé cette console." in words(answer.text)


@contextmanager
def opened(
    engine: Engine, role: Role = Role.ADMINISTRATEUR, port: int = 0, **settings: Any
) -> Iterator[tuple[str, requests.Session]]:
    """Serve a console as the command does; yield its address and who entered by its link."""
    stop, links, browser = threading.Event(), list[str](), stranger()
    with socket.create_server(("127.0.0.1", port)) as listening:
        app = engine.another(stop=stop, **settings).app
        address = listening.getsockname()[:2]
        console = open_console([app], address, stop, "root@host", links.append, role)
        thread = server_thread(console.application, listening, stop)
        thread.start()
        console.open()
        try:
            browser.get(links[0])
            yield f"http://127.0.0.1:{address[1]}", browser
        finally:
            stop.set()
            thread.join(10)


def test_consoles_on_two_ports_have_sessions_of_their_own(read_engine: Engine) -> None:
    """Who enters at one of them stays in at the other, although browsers mix up their cookies."""
    with opened(read_engine) as (base, browser), opened(read_engine) as (other, entered):
        browser.cookies.update(entered.cookies)
        assert [200, 200] == [browser.get(one).status_code for one in (base, other)]


def test_every_answer_is_guarded(read_console: ServedConsole, reader: Visitor) -> None:
    """Nothing is loaded from elsewhere, framed, guessed or kept; the cookie is for HTTP alone."""
    for path in ("/", "/dossiers", "/nulle-part", "/static/console.css"):
        headers = reader.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert ("DENY", "nosniff") == (
            headers["X-Frame-Options"],
            headers["X-Content-Type-Options"],
        )
    assert "no-store" == reader.get("/").headers["Cache-Control"]
    kept = set(re.findall(r"/static/[^\"]+", reader.get("/").text + reader.get("/nulle-part").text))
    assert {f"v={BUILD}"} == {urlsplit(one).query for one in kept if "console" in one}
    assert {200} == {reader.get(one).status_code for one in kept}
    cookie = anonymous(read_console, "GET", read_console.links[-1]).headers["Set-Cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "max-age=28800"))


def test_a_closed_session_is_over(read_engine: Engine, read_console: ServedConsole) -> None:
    """The browser forgets it, and a kept copy opens nothing, also where another process answers."""
    visitor, other = read_console.visitor(), read_console.visitor()
    kept = dict(visitor.session.cookies)
    assert 200 == visitor.post("/sortir").status_code
    assert 403 == visitor.get("/").status_code
    with served(read_engine) as replica:
        for base in (read_console.base, replica.base):
            answer = stranger().get(f"{base}/dossiers", cookies=kept)
            assert 403 == answer.status_code
            assert 200 == stranger().get(base, cookies=other.session.cookies).status_code


def test_what_is_not_there_is_said(reader: Visitor) -> None:
    """Unknown pages, dossiers, runs, requests, démarches; numbers that DS cannot have."""
    for path in (
        "/nulle-part",
        "/dossiers/1",
        f"/dossiers/{2**70}",
        "/dossiers/²",
        *(f"/{name}/{'9' * 5000}" for name in ("dossiers", "synchronisations", "demandes")),
        "/synchronisations/999",
        "/demandes/999",
        "/dossiers.pdf",
        "/changements.txt",
        "/?demarche=1",
    ):
        assert 404 == reader.get(path).status_code, path
    assert 200 == reader.get("/dossiers?page=999999999999&tri=x&ordre=y").status_code
    for path in ("/synchronisations", "/synchronisations/1"):
        assert reader.read(path) == reader.read(f"{path}?page=99")


def test_the_command_prints_its_link_alone_and_ends_on_a_signal(tmp_path: Path) -> None:
    """Nothing else is on stdout."""
    with Sandbox.start(dossiers=3, seed=7) as sandbox:
        command = operator(sandbox, tmp_path)
        assert 0 == command("sync").code
        process = command.start("console", "--port", "0", "--role", "lecteur")
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/entrer\?cle=[\w-]{40,}", line)
            session = stranger()
            page = session.get(line)
            assert (200, True) == (page.status_code, "<h1>Accueil" in page.text)
            assert "<strong>lecteur</strong>" in page.text
            following = process.stdout.readline().strip()
            assert following.startswith(line.partition("?")[0])
            assert following != line
        finally:
            process.terminate()
        out, err = process.communicate(timeout=20)
    assert ("", "", 0) == (out, err, process.returncode)


def test_a_session_is_of_the_console_and_the_role_that_it_began_with(read_engine: Engine) -> None:
    """Its cookie opens nothing at another console of the same client, or later there."""
    key = {"oidc_client_secret": SecretStr("k" * 48)}
    with opened(read_engine, **key) as (other, administrateur):
        with opened(read_engine, Role.LECTEUR, **key) as (base, lecteur):
            assert (200, 403, 200) == (
                lecteur.get(base).status_code,
                lecteur.get(f"{base}/personne").status_code,
                administrateur.get(f"{other}/personne").status_code,
            )
            [name], [own] = (
                [one for one in dict(browser.cookies) if one.startswith("dsync_console")]
                for browser in (administrateur, lecteur)
            )
            taken = {name: lecteur.cookies[own]}
            for path in ("/", "/personne"):
                assert 403 == stranger().get(other + path, cookies=taken).status_code
        # The same console, started again with another role, and then as it was.
        for role, status in ((Role.ADMINISTRATEUR, 403), (Role.LECTEUR, 200)):
            with opened(read_engine, role, int(base.rpartition(":")[2]), **key) as (again, _):
                assert base == again
                assert status == lecteur.get(base).status_code, role


def test_the_service_serves_the_console_to_this_machine_alone(tmp_path: Path) -> None:
    """With `[console] public_url`, beside /healthz; on another address the command refuses."""
    with Sandbox.start(dossiers=3, seed=7) as sandbox:
        command = operator(sandbox, tmp_path)
        config = config_with(tmp_path, more='[console]\npublic_url = "http://127.0.0.1:8080"\n')
        environment = {"DSYNC_CONFIG": config, "DSYNC_HTTP_LISTEN": "0.0.0.0:0"}
        refused = command("run", **environment)
        assert (2, True) == (refused.code, "[console] public_url" in refused.err)
        environment["DSYNC_HTTP_LISTEN"] = "127.0.0.1:0"
        process = command.start("run", err=subprocess.DEVNULL, **environment)
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            base = line.partition("/entrer")[0]
            assert 200 == stranger().get(f"{base}/healthz").status_code
            assert 403 == stranger().get(f"{base}/dossiers").status_code
            assert 200 == stranger().get(line).status_code
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert 0 == process.returncode
