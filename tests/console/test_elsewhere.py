"""Two démarches of one database: the former call beside a dossier, and a search over both."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from dsync.console.access import Role
from tests.console.addresses import pages
from tests.console.served import ServedConsole, beside, served, words
from tests.engine.rig import DEMARCHE, Engine, engine_for, number
from tests.profiles import long

OTHER = 86324
PRODUCT, SIREN, ALONE = 1, 2, 3
"""The ranks of the other démarche's dossiers: of one product, of one organisation."""


@pytest.fixture
def both(engine: Engine) -> Iterator[ServedConsole]:
    """A console of two démarches, of which the second one has three dossiers."""
    theirs = ", ".join(str(number(rank)) for rank in (PRODUCT, SIREN, ALONE))
    for table in ("dossier", "candidature", "liste", "verdict", "contenu"):
        engine.execute(f"UPDATE {table} SET demarche_numero = {OTHER} WHERE numero IN ({theirs})")
    first = "(SELECT {} FROM {} WHERE numero = " + f"{number(0)})"
    engine.execute("UPDATE candidature SET produit_id = 'produit-' || numero")
    engine.execute("UPDATE dossier SET siren = '1' || numero, forme_juridique_code = '7113'")
    for table, column, rank in (
        ("candidature", "produit_id", PRODUCT),
        ("dossier", "siren", SIREN),
    ):
        value = first.format(column, table)
        engine.execute(f"UPDATE {table} SET {column} = {value} WHERE numero = {number(rank)}")
    app = engine.another().app
    with served(engine, [app, beside(app, OTHER)]) as console:
        yield console


def test_the_former_call_stands_beside_a_dossier(both: ServedConsole, engine: Engine) -> None:
    """What became of the same product and of the same organisation, with the way there."""
    visitor = both.visitor()
    page = visitor.get(f"/dossiers/{number(0)}").text
    said = re.findall(r"Autre appel, (même \w+) : (\d+)", words(page))
    assert [("même produit", str(number(PRODUCT))), ("même organisme", str(number(SIREN)))] == said
    assert f'href="/dossiers/{number(PRODUCT)}?demarche={OTHER}"' in page
    assert visitor.get(f"/dossiers/{number(PRODUCT)}?demarche={OTHER}").status_code == 200
    assert "Autre appel" not in visitor.read(f"/dossiers/{number(ALONE)}")


def test_who_sees_no_product_is_told_of_none(engine: Engine, both: ServedConsole) -> None:
    assert both.links
    with served(engine, role=Role.LECTEUR) as alone:
        assert "Autre appel" not in words(alone.visitor().get(f"/dossiers/{number(0)}").text)


def test_a_search_says_where_else_it_finds(both: ServedConsole) -> None:
    """By number and by words; without a search nothing is looked for elsewhere."""
    visitor = both.visitor()
    page = visitor.get(f"/dossiers?q={number(ALONE)}").text
    assert re.search(r"Aussi dans .* : 1\s?dossier", words(page))
    assert f"/dossiers?demarche={OTHER}&amp;q={number(ALONE)}" in page
    assert "Aussi dans" not in visitor.read(f"/dossiers?demarche={DEMARCHE}")


def test_nothing_is_asked_for_with_dossiers_that_are_not_of_the_demarche(
    both: ServedConsole, engine: Engine
) -> None:
    """The run would end with 7; only a read may name one that no copy has."""
    visitor, before = both.visitor(), engine.rows("SELECT * FROM demande")
    for numero, said in ((number(ALONE), "d’une autre démarche"), (1, "pas dans la copie")):
        for action in ("relire", "rejuger", "renvoyer"):
            if (numero, action) != (1, "relire"):
                refused = visitor.post(f"/dossiers/{numero}/{action}?demarche={DEMARCHE}")
                assert (404, True) == (refused.status_code, said in words(refused.text)), action
    listed = {"quoi": "rejuger", "dossier": f"{number(0)} {number(ALONE)}", "confirme": "1"}
    assert 404 == visitor.post(f"/dossiers?demarche={DEMARCHE}", **listed).status_code
    assert before == engine.rows("SELECT * FROM demande")
    assert 200 == visitor.post(f"/dossiers/1/relire?demarche={DEMARCHE}").status_code
    assert 200 == visitor.post(f"/dossiers/{number(ALONE)}/relire?demarche={OTHER}").status_code


@pytest.mark.parametrize("role", [Role.ADMINISTRATEUR, long(Role.JURY), long(Role.LECTEUR)])
def test_every_link_stays_in_its_demarche(stopped: Engine, role: Role) -> None:
    """From page to page: each link, form and file, in a console that would show another one first.

    One address of each form is opened. Public pages, which are of no démarche, lead back to it.
    """
    engine_for(stopped.url)
    apps = [beside(stopped.worker.app, OTHER), stopped.worker.app]
    opened, left, shapes = set[str](), [f"/?demarche={DEMARCHE}"], set[str]()
    with served(stopped, apps, role=role) as console:
        visitor = console.visitor()
        while left:
            address = left.pop(0).partition("#")[0]
            url = urlsplit(address)
            shape = re.sub(r"\d+", "N", url.path), *sorted(parse_qs(url.query))
            if str(shape) in shapes:
                continue
            shapes.add(str(shape))
            answer = visitor.get(address)
            assert 200 == answer.status_code, address
            if "." in url.path or url.path.endswith("/fichier"):
                continue
            opened.add(url.path)
            for named in re.findall(r'class="entete__demarche".*?</p>', answer.text):
                assert str(DEMARCHE) in named, address
            for kind, to, body in leading(answer.text):
                link = urlsplit(urljoin(address, to))
                if link.netloc or link.path == "/sortir" or link.path.startswith("/static/"):
                    continue
                if kind in ("get", "post"):
                    assert f'name="demarche" value="{DEMARCHE}"' in body, (address, to)
                if kind != "get":
                    assert [str(DEMARCHE)] == parse_qs(link.query).get("demarche"), (address, to)
                if kind == "href":
                    left.append(link.geturl())
    assert 20 < len(shapes)
    wanted = {path for path in pages(role=role) if path.count("/") == 1}
    assert wanted - opened <= {"/", "/depuis", "/executions"}


def leading(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a page leads to: how, where, and of a form what is in it.

    Without what is there to lead to another démarche.
    """
    choosing = r'<form class="entete__choix".*?</form>|<ul [^>]*"t-demarches".*?</ul>'
    page = re.sub(choosing, "", page, flags=re.DOTALL)
    for attribute in ("href", "hx-get"):
        for to in re.findall(rf'<(?!link)[^>]*\s{attribute}="([^"]*)"', page):
            yield attribute, html.unescape(to), ""
    for tag, body in re.findall(r"<form\b([^>]*)>(.*?)</form>", page, re.DOTALL):
        method, action = (re.search(rf'{name}="([^"]*)"', tag) for name in ("method", "action"))
        yield method[1] if method else "get", html.unescape(action[1] if action else ""), body
