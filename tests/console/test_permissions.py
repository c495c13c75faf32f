"""The permission matrix: each address and action, for everybody who may ask for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
import requests
from starlette.routing import Mount, Route

from dsync.console.app import Console
from tests.console.addresses import FILE, LEAVE, PUBLIC, READ, RULES, example
from tests.console.provider import FakeProvider, provider
from tests.console.served import ServedConsole, served
from tests.console.test_signin import Clock, team_access
from tests.engine.rig import FIRST, Engine

OPERATEUR, LECTEUR = "ada@dinum.example.fr", "grace@dinum.example.fr"
REQUESTS_OF_FORMS = (
    "no origin", "foreign origin", "null origin", "no token", "another session's token",
)  # fmt: skip


class Matrix:
    """A console with people of each role."""

    def __init__(self, console: ServedConsole, fake: FakeProvider) -> None:
        self.base = console.base
        self.people = {}
        for name, email in (("operateur", OPERATEUR), ("lecteur", LECTEUR), ("other", OPERATEUR)):
            fake.userinfo = lambda claims, email=email: claims.update(email=email)  # type: ignore[misc]
            browser = requests.Session()
            browser.trust_env = False
            page = browser.get(f"{self.base}/entrer", timeout=30)
            token = re.search(r'name="jeton" value="([^"]+)"', page.text)
            assert token, page.text
            self.people[name] = (browser, token[1])

    def ask(self, who: str, method: str, path: str) -> requests.Response:
        """Send one request as somebody."""
        browser, token = self.people["lecteur" if who == "lecteur" else "operateur"]
        fields = {"jeton": token, "dossier": str(FIRST), "portee": "dossier", "conflit": "x"}
        headers = {"Origin": self.base}
        match who:
            case "nobody":
                browser = requests.Session()
            case "forged session":
                browser = requests.Session()
                browser.cookies.set("dsync_console", "eyJxdWkiOiAiYWRhIn0=.aaaa.bbbb")
            case "operateur of a foreign démarche":
                path, fields = f"{path}?demarche=86999", fields | {"demarche": "86999"}
            case "no origin":
                del headers["Origin"]
            case "foreign origin":
                headers["Origin"] = self.base.replace("127.0.0.1", "127.0.0.2")
            case "null origin":
                headers["Origin"] = "null"
            case "no token":
                del fields["jeton"]
            case "another session's token":
                fields["jeton"] = self.people["other"][1]
        return browser.request(
            method,
            self.base + path,
            data=fields if method == "POST" else None,
            headers=headers if method == "POST" else {},
            timeout=30,
            allow_redirects=False,
        )


@pytest.fixture(scope="module")
def matrix(read_once: Engine) -> Iterator[Matrix]:
    with provider() as fake:
        options = {"operateurs": [OPERATEUR], "lecteurs": ["@dinum.example.fr"]}
        access = team_access(fake.issuer, Clock(), **options)
        with served(read_once, access=access) as console:
            yield Matrix(console, fake)


def test_each_address_has_a_rule(read_engine: Engine) -> None:
    """A new page or action has to say in `addresses.py` who may use it."""
    found, stop = set(), threading.Event()
    access = team_access("https://op.example.fr", Clock())("http://127.0.0.1:1", stop)
    console = Console([read_engine.another().app], access, secret="s", theme="neutre", stop=stop)
    console.close()
    for route in console.application.routes:
        if isinstance(route, Route):
            assert route.methods is not None
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
        else:
            assert isinstance(route, Mount)
            found.add(("GET", f"{route.path}/{{path:path}}"))
    assert set(RULES) == found, "Correct RULES in tests/console/addresses.py."


@pytest.mark.parametrize(
    ("method", "path"), [key for key, rule in RULES.items() if rule not in (PUBLIC, LEAVE)]
)
def test_who_may_ask_for_what(matrix: Matrix, read_engine: Engine, method: str, path: str) -> None:
    """Whoever may not gets 403, another démarche 404, and nothing is asked for."""
    before = read_engine.rows("SELECT count(*) AS n FROM demande")
    refused = {"nobody", "forged session"}
    if method == "POST":
        refused |= {*REQUESTS_OF_FORMS}
    if RULES[method, path] not in (READ, FILE):
        refused |= {"lecteur"}
    for who in sorted(refused):
        answer = matrix.ask(who, method, example(path))
        assert 403 == answer.status_code, who
        assert len(answer.content) < 2_000, who
    assert before == read_engine.rows("SELECT count(*) AS n FROM demande")
    for who in {"lecteur", "operateur"} - refused:
        assert matrix.ask(who, method, example(path)).status_code in {200, 303, 404}, who
    foreign = matrix.ask("operateur of a foreign démarche", method, example(path))
    assert (200 if "static" in path else 404) == foreign.status_code


@pytest.mark.parametrize("who", [*REQUESTS_OF_FORMS, "nobody"])
def test_only_its_own_page_ends_a_session(matrix: Matrix, who: str) -> None:
    """A forged request does not."""
    assert 403 == matrix.ask(who, "POST", "/sortir").status_code
    assert 200 == matrix.ask("operateur", "GET", "/").status_code
    assert 200 == matrix.ask("lecteur", "GET", "/").status_code
