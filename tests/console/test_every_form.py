"""Every page, its links and its forms, as each role uses them, of all groupes and of some."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dsync.configuration import shipped_config
from dsync.console.access import TYPED, Role
from tests.console.addresses import TRANSIENT, example, pages
from tests.console.provider import team
from tests.console.served import Visitor, configured
from tests.console.test_answers import move, page_of
from tests.engine.rig import RESULTAT, Engine, number

GROUPE = "autre groupe"
"""DS has it, too: a dossier that is read again stays there."""
LIMITED = (Role.INSTRUCTEUR, Role.JURY)
"""The roles that can be limited to groupes."""
PEOPLE = [
    # The administrateur has the same forms and more.
    *(
        pytest.param((role, False), marks=pytest.mark.long if role in LIMITED else ())
        for role in Role
    ),
    *((role, True) for role in LIMITED),
]
KINDS = {"date": "2026-01-01", "text": "1", "search": "mot", "email": "a@b.fr"}
"""What is typed into a field that is empty."""


class Forms(HTMLParser):
    """Collects the forms of a page: their fields as a browser sends them, and their buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.typed: set[str] = set()
        """The fields into which a text is typed that is sent by POST."""
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value, kind = has.get("name") or "", has.get("value") or "", has.get("type") or "text"
        if tag == "form":
            self.found.append({"action": has.get("action"), "method": has.get("method", "get")})
            self.found[-1] |= {"fields": {}, "buttons": []}
            return
        if not self.found:
            return
        form = self.found[-1]
        fields: dict[str, str] = form["fields"]
        if tag == "textarea" or (tag == "input" and name and kind in ("text", "search")):
            # One without a name is shown, to be copied, and not sent.
            if name and form["method"] == "post" and "numeric" != has.get("inputmode"):
                self.typed.add(name)
            fields.setdefault(name, value or "Vu avec le candidat.")
        elif tag == "input" and kind in ("radio", "checkbox"):
            fields.setdefault(name, value or "on")
        elif tag == "input" and name:
            fields[name] = value or KINDS.get(kind, "1")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            fields.setdefault(self._select, value)
        elif tag == "button" and name:
            form["buttons"].append({name: value})


@pytest.fixture(params=PEOPLE, ids=lambda one: f"{one[0]}-{'groupes' if one[1] else 'all'}")
def person(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> Iterator[tuple[Visitor, Role]]:
    """Somebody with a role, in a démarche with a conflict, a quarantine and an open answer."""
    role, is_limited = request.param
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.control.faults.return_null(number(2), champs_only=True)
    move(engine, 3, page_of(engine, 1))
    for rank in range(6):
        engine.control.change_groupe(number(rank), GROUPE)
    engine.sync(full=True)
    entry: dict[str, Any] = {"role": role.value, "who": ["@dinum.example.fr"]}
    if is_limited:
        entry["groupes"] = [GROUPE]
    app = configured(engine, tmp_path, shipped_config().read_text("utf-8"))
    with team(engine, [entry], [app]) as (visitor, _):
        yield visitor, role


def kind_of(form: dict[str, Any], path: str) -> tuple[Any, ...]:
    """Return what tells a form from others that do the same for another dossier."""
    action = re.sub(r"\d+", "N", urlsplit(form["action"] or path).path)
    what = {k: v for k, v in form["fields"].items() if k in ("quoi", "choix", "controle", "portee")}
    return form["method"], action, *sorted(form["fields"]), *sorted(what.items())


def test_what_a_page_offers_is_done(person: tuple[Visitor, Role]) -> None:
    """Each link and form of each page, with each of its buttons, and of the pages beyond."""
    visitor, role = person
    visitor.session.headers["Connection"] = "close"  # As after a page that crashed.
    waiting = [*pages(number(1), role), *(f"/dossiers/{number(n)}" for n in (0, 2, 3, 7))]
    waiting += map(example, TRANSIENT)
    seen, done, failed, typed = set[str](), set[tuple[Any, ...]](), list[str](), set[str]()
    followed = set[str]()
    while waiting:
        path = waiting.pop(0)
        if path in seen or len(seen) > 200:
            continue
        seen.add(path)
        answer = visitor.get(path)
        if answer.status_code >= 500:
            failed.append(f"GET {path}: {answer.status_code}")
        for link in map(html.unescape, re.findall(r'href="(/[^"#]*)', answer.text)):
            # Whom a page refuses depends on neither the dossier nor the values of filters.
            shape = re.sub(r"\d+|=[^&]*", "", link)
            if shape in followed or "/static/" in link:
                continue
            followed.add(shape)
            status = visitor.get(link).status_code
            # What was asked for before may take away what a page offers: it offers it no more.
            if status != 200 and link in html.unescape(visitor.get(path).text):
                failed.append(f"{path} leads to {link}: {status}")
        for form in Forms(answer.text).found:
            for button in form["buttons"] or [{}]:
                kind = (*kind_of(form, path), *button.items())
                if kind in done or "/sortir" in (form["action"] or ""):
                    continue
                done.add(kind)
                action = (form["action"] or path).partition("#")[0]
                fields = {**form["fields"], **button}
                if form["method"] == "post":
                    sent = visitor.session.post(
                        visitor.base + action, data=fields, headers={"Origin": visitor.base},
                    )  # fmt: skip
                else:
                    sent = visitor.get(action, params=fields)
                # What is offered is possible, but for an odd value and what is gone meanwhile.
                if sent.status_code not in (200, 400, 404, 409):
                    failed.append(f"{form['method']} {action} {fields}: {sent.status_code}")
                page = Forms(sent.text)
                typed |= page.typed
                if sent.url.partition("?")[0] != visitor.base + action:
                    waiting.append(sent.url.removeprefix(visitor.base))
                # A page that asks for a confirmation is answered, too.
                for inner in page.found:
                    if "confirme" in inner["fields"]:
                        confirmed = visitor.session.post(
                            visitor.base + (inner["action"] or action), data=inner["fields"],
                            headers={"Origin": visitor.base},
                        )  # fmt: skip
                        waiting.append(confirmed.url.removeprefix(visitor.base))
                        if confirmed.status_code >= 500:
                            failed.append(f"{inner['action']}: {confirmed.status_code}")
        typed |= Forms(answer.text).typed
    assert [] == failed
    assert 10 < len(followed)
    assert typed <= TYPED.keys(), "add the field to TYPED, so that its text is never lost"
    if role in (Role.ADMINISTRATEUR, Role.INSTRUCTEUR):
        posted = {action for method, action, *_ in done if method == "post"}
        for action in ("repondre", "rejuger", "relire", "renvoyer"):
            assert f"/dossiers/N/{action}" in posted
