"""The permission matrix: each address and action, for each role in each démarche."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from starlette.routing import Mount, Route

from dsync.console import person
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.app import Console, right_of
from tests.console.addresses import LEAVE, PUBLIC, RULES, example
from tests.console.provider import Clock, FakeProvider, as_, provider, team_access
from tests.console.served import ServedConsole, Visitor, beside, served, stranger, words
from tests.engine.rig import DEMARCHE, FIRST, Engine

OTHER = 86324
"""Another démarche of the same console, in which everybody is a lecteur but « other »."""
PEOPLE = {role: f"{role}@dinum.example.fr" for role in Role}
ACCES = {
    int(DEMARCHE): [as_(role, email) for role, email in PEOPLE.items()],
    OTHER: [as_("administrateur", "other@dinum.example.fr"), as_("lecteur", "@dinum.example.fr")],
}
WHO_MAY = {
    Right.LIRE: {*Role},
    Right.PERSONNES: {Role.ADMINISTRATEUR, Role.INSTRUCTEUR},
    Right.TEXTES: {Role.ADMINISTRATEUR, Role.INSTRUCTEUR, Role.JURY},
    Right.NOTES: {Role.ADMINISTRATEUR, Role.INSTRUCTEUR, Role.JURY},
    Right.AGIR: {Role.ADMINISTRATEUR, Role.INSTRUCTEUR},
    Right.ADMINISTRER: {Role.ADMINISTRATEUR},
}
"""Before the deliberation."""
WRONG_ORIGINS = {
    "no origin": None,
    "foreign origin": "http://127.0.0.2:{port}",
    "null origin": "null",
    "broken origin": "http://[",
}
WRONG_TOKENS = {"no token": None, "wrong token": "x" * 32, "another session's token": "other"}
FORGED = [*WRONG_ORIGINS, *WRONG_TOKENS]
"""What can be wrong with a form."""


class Matrix:
    """A console of two démarches with people of each role."""

    def __init__(self, console: ServedConsole, fake: FakeProvider) -> None:
        self.base = console.base
        self.people = {}
        for name, email in {**PEOPLE, "other": "other@dinum.example.fr"}.items():
            fake.userinfo = lambda claims, email=email: claims.update(email=email)  # type: ignore[misc]
            visitor = Visitor(self.base, "/entrer")
            self.people[name] = (visitor.session, visitor.token)

    def ask(
        self, who: str, method: str, path: str, demarche: int | None = None, how: str = ""
    ) -> requests.Response:
        """Send one request as somebody.

        Args:
            who: a role in the first démarche, « other », or somebody without a session.
            method: of HTTP.
            path: the address.
            demarche: that is asked for; None: none.
            how: what is wrong with a form; one of `FORGED`.
        """
        browser, own = self.people.get(who, (stranger(), ""))
        origin, token = WRONG_ORIGINS.get(how, self.base), WRONG_TOKENS.get(how, own)
        if token == "other":
            token = self.people["other"][1]
        fields: dict[str, Any] = {
            "jeton": token, "dossier": str(FIRST), "portee": "dossier", "conflit": "x",
            "quoi": "relire", "frequence": "",
        }  # fmt: skip
        headers = {"Origin": origin and origin.format(port=self.base.rpartition(":")[2])}
        if who == "forged session":
            browser.cookies.set("dsync_console", "eyJxdWkiOiAiYWRhIn0=.aaaa.bbbb")
        fields["demarche"] = str(demarche or DEMARCHE)
        if demarche is not None:
            path = f"{path}?demarche={demarche}"
        return browser.request(
            method,
            self.base + path,
            data=fields if method == "POST" else None,
            headers=headers if method == "POST" else {},
            allow_redirects=False,
        )


@pytest.fixture(scope="module")
def matrix(read_once: Engine) -> Iterator[Matrix]:
    with provider() as fake:
        access = team_access(fake.issuer, Clock(), acces=ACCES)
        app = read_once.another().app
        with served(read_once, [app, beside(app, OTHER)], access=access) as console:
            yield Matrix(console, fake)


def test_each_address_has_a_rule(read_engine: Engine) -> None:
    """A new page or action has to say in `addresses.py` who may use it."""
    found, stop = set(), threading.Event()
    access = team_access("https://op.example.fr", Clock())("http://127.0.0.1:1", stop)
    console = Console([read_engine.another().app], access, secret="s", stop=stop)
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
    """Whoever may not gets 403, of a démarche in which they have no role 404, and asks nothing."""
    address, right = example(path), RULES[method, path]
    before = read_engine.rows("SELECT count(*) AS n FROM demande")
    refused = [matrix.ask(who, method, address) for who in ("nobody", "forged session")]
    refused += [matrix.ask(role, method, address) for role in set(Role) - WHO_MAY[right]]
    if method == "POST":
        refused += [matrix.ask("administrateur", method, address, how=how) for how in FORGED]
    missing = [matrix.ask("other", method, address, int(DEMARCHE))]
    missing += [matrix.ask(role, method, address, 86999) for role in Role]
    assert {404} == {one.status_code for one in missing}
    if Role.LECTEUR not in WHO_MAY[right]:
        refused += [matrix.ask(role, method, address, OTHER) for role in Role]
    for rank, answer in enumerate(refused):
        assert 403 == answer.status_code
        assert re.search(r"<h1>(Accès refusé|Identification)</h1>", answer.text)
        # Without a session nobody learns what there is.
        assert rank > 1 or '<nav class="menu"' not in answer.text
        # Whoever has one learns whom to write to, and which role it needs.
        assert rank < 2 or re.search(r"écrivez à \w+@dinum", words(answer.text))
    able = " ou ".join(sorted(WHO_MAY[right]))
    for role, answer in zip(set(Role) - WHO_MAY[right], refused[2:], strict=False):
        assert f"({role}) ne le permet pas : il faut le rôle {able}." in words(answer.text)
    assert before == read_engine.rows("SELECT count(*) AS n FROM demande")
    for role in WHO_MAY[right]:
        for demarche in (None, int(DEMARCHE)):
            assert matrix.ask(role, method, address, demarche).status_code in {200, 303, 404}, role


def test_the_rights_of_each_role() -> None:
    """As the table here says, and no role has a right that it does not know."""
    assert WHO_MAY == {right: {role for role in Role if right in RIGHTS[role]} for right in Right}


def test_a_page_that_names_no_right_is_none() -> None:
    method, path, handler, right = person.PAGES[0]
    assert right is right_of((method, path, handler, right))
    for entry in ((method, path, handler), (method, path, handler, "lire")):
        with pytest.raises(TypeError, match="GET /personne"):
            right_of(entry)


@pytest.mark.parametrize("how", FORGED)
def test_only_its_own_page_ends_a_session(matrix: Matrix, how: str) -> None:
    assert 403 == matrix.ask("administrateur", "POST", "/sortir", how=how).status_code
    assert 403 == matrix.ask("nobody", "POST", "/sortir").status_code
    assert {200} == {matrix.ask(role, "GET", "/suivi").status_code for role in Role}
