"""What people see when something is missing: the database, its contents, or their session."""

from __future__ import annotations

import hmac
import json
import re
import socket
import subprocess
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import TimestampSigner

from dsync.console.app import HEADERS
from dsync.sandbox.faults import ScriptedFault
from tests.console.addresses import ADDRESSES
from tests.console.served import USER, beside, served, visiting, words
from tests.console.test_shell import SECTION
from tests.engine.rig import FIRST, Engine, engine_for, seeds
from tests.store.databases import PostgresServer


def test_an_unreachable_database_is_said(database_url: str, request: pytest.FixtureRequest) -> None:
    """On each page, in French, with what to do; the English cause is folded below it."""
    with Engine(database_url, seeds(range(2))) as engine:
        engine.sync()
        with visiting(engine) as visitor:
            assert visitor.token
            engine_for(engine.url).dispose()
            if database_url.startswith("sqlite"):
                Path(database_url.removeprefix("sqlite:///")).write_bytes(b"not a database" * 99)
            else:
                server: PostgresServer = request.getfixturevalue("postgres_server")
                server.drop(database_url)
            answers = [visitor.get(address) for address in ADDRESSES]
            answers.append(visitor.post("/resynchroniser"))
    assert {503} == {answer.status_code for answer in answers}
    for answer in answers:
        said = words(answer.text)
        assert "La page ne peut pas être montrée : base de données indisponible." in said
        assert "Traceback" not in answer.text


def test_a_page_that_crashes_has_the_headers_of_all_others(engine: Engine) -> None:
    """A bug gives a page of dsync's own, which no other site can frame and no proxy keeps.

    It says whom to tell, and which line; no text that somebody searched for is in it.
    """
    other = engine.another()

    def crash(*_given: object) -> None:
        raise RuntimeError

    with visiting(engine, [other.app], section=SECTION) as visitor:
        sound = visitor.get("/dossiers")
        other.store.around["reading"] = crash
        crashed = visitor.get("/dossiers?q=Lovelace")
    assert (500, True) == (crashed.status_code, "Erreur de ce site" in crashed.text)
    for name in (*HEADERS, "cache-control"):
        assert sound.headers[name] == crashed.headers[name]
    line = (
        r"écrivez à contact@essais\.example\.fr .*: 500 · GET /dossiers · \d\d/\d\d/\d{4} \d\d:\d\d"
    )
    assert re.search(line, words(crashed.text))


def test_an_empty_database_has_its_pages(fresh: Engine) -> None:
    """Upgraded a moment ago: nothing was read, and each list says so."""
    with visiting(fresh) as visitor:
        found = {address: visitor.get(address) for address in ADDRESSES}
    missing = {path for path, answer in found.items() if answer.status_code == 404}
    assert {200, 404} == {answer.status_code for answer in found.values()}
    assert all(any(part.isdecimal() for part in path.split("/")) for path in missing), missing
    assert "aucune synchronisation n’a encore réussi" in words(found["/"].text)
    assert "Tout va bien" not in words(found["/"].text)
    assert "Aucune synchronisation n’a encore réussi" in words(found["/suivi"].text)
    assert "la copie est vide ou incomplète" in words(found["/dossiers"].text)
    assert "on ne sait pas s’il y a des anomalies" in words(found["/anomalies"].text)
    assert "Aucune synchronisation encore" in words(found["/synchronisations"].text)
    for path in ("/anomalies", "/synchronisations"):
        # Where a first run can be asked for.
        assert re.search(r'<main.*href="[^"]*/suivi', found[path].text, re.S)


def test_work_on_the_copy_alone_does_not_end_an_outage(engine: Engine) -> None:
    """Dossiers judged meanwhile say nothing of DS: it fails on, since it failed first."""
    engine.control.faults.fail(ScriptedFault("token_expired", times=None))
    engine.advance(minutes=5)
    assert 3 == engine.sync().exit_code
    with visiting(engine) as visitor:
        shown = visitor.read("/")
        before = re.search(r"refuse le jeton depuis [^,;]*", shown)
        assert before, shown
        engine.advance(minutes=30)
        assert "Fait" in visitor.ask("/dossiers", quoi="rejuger", dossier=FIRST, confirme="1")
        assert before[0] in visitor.read("/")
        assert "refuse le jeton" in visitor.read("/suivi"), visitor.read("/suivi")


def test_a_first_read_under_way_is_no_fault(fresh: Engine) -> None:
    """It takes long: nobody is told meanwhile to begin one, nor that all is well."""
    app = fresh.worker.app
    app.store.acquire_lease(app.demarche, 60)
    with served(fresh) as console:
        page = console.visitor().read("/suivi")
    assert "Aucune synchronisation n’a encore réussi" not in page
    assert "La première synchronisation est en cours" in page
    assert "Tout va bien" not in page
    assert "Prochaine en cours" in page


def test_a_read_says_how_far_it_is_and_whether_it_goes_on(engine: Engine) -> None:
    """Within five seconds that DS gives nothing; else of how many dossiers, and what comes next.

    Where its process died, within which time another one can go on.
    """
    app, now = engine.worker.app, engine.worker.now()
    with app.store.requests(app.demarche) as requests:
        asked = requests.ask("complet", {"full": True}, USER, now)
        requests.begin([asked], 1, now)
    lease = app.store.acquire_lease(app.demarche, 60)
    engine.execute("UPDATE sync_run SET lus = 0 WHERE run = 1")
    dead = subprocess.Popen(["true"])
    dead.wait()
    path = f"/demandes/{asked}"
    with visiting(engine) as visitor:
        assert "rien rendu" not in visitor.read(path)
        engine.advance(seconds=5)
        assert "Démarches Simplifiées n’a encore rien rendu" in visitor.read(path)
        engine.execute("UPDATE sync_run SET lus = 7 WHERE run = 1")
        page = visitor.read(path)
        app.store.release_lease(lease)
        app.store.acquire_lease(app.demarche, 60, holder=f"{socket.gethostname()}:{dead.pid}")
        for one in ("/", "/suivi", path):
            shown = visitor.read(one)
            assert re.search(r"plus signe de vie|sans signe de vie", shown), one
            assert re.search(r"reprendre dans \d+ secondes|reprise possible dans", shown), one
    assert "7 dossiers lus sur 12. Ensuite, les dossiers sont jugés, puis" in page
    assert "rien rendu" not in page


def test_five_demarches_take_no_more_statements(engine: Engine) -> None:
    """Each other one is on the first page, with what waits there and whether it is late."""
    own = engine.worker.app
    apps = [beside(own, number) for number in (None, 86901, 86902, 86903, 86904)]
    taken = []
    for some in (apps[:1], apps):
        with served(engine, some) as console:
            visitor = console.visitor()
            console.statements.clear()
            page = visitor.read("/")
            taken.append(len(console.statements))
            other = visitor.read(f"/?demarche={some[-1].demarche}")
    # The one that counts all of them.
    assert taken[1] <= taken[0] + 1
    assert page.count("En retard") == 4
    assert "aucune synchronisation n’a encore réussi" in other


def signed(session: dict[str, Any]) -> str:
    """Return the cookie of a session of who entered by the link."""
    of = f"dsync_console\nlink {USER} administrateur".encode()
    key = hmac.new(b"s" * 32, of, sha256).hexdigest()
    return TimestampSigner(key).sign(b64encode(json.dumps(session).encode())).decode()
