"""What people read is French: every page, crawled in many states."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from dsync.console.access import Role
from dsync.console.words import typeset
from dsync.sandbox.faults import ScriptedFault
from tests.console.addresses import ADDRESSES
from tests.console.conftest import NewEngine
from tests.console.served import Visitor, served, visiting
from tests.engine.rig import RESULTAT, Engine, number, seeds

ENGLISH = re.compile(
    r"(?<![\w/.’'-])(?:the|of|and|is|are|was|were|not|with|from|this|that|these|by|for|to|it|has|have|cannot|see"
    r"|failed|failure|error|errors|run|runs|sync|push|pushed|pull|unknown|missing|default|waiting"
    r"|dossier is|please|click|submit|search|next|previous|back|settings|token|loading|success"
    r"|yes|no|none|true|false|null|value|values|check|checks|answer|request|requests|since|ago)(?![\w/.’'-])",
    re.IGNORECASE,
)
SINGULAR_IN_S = "mois|fois|avis|accès|pas|plus|processus|passés|sans|dans|jours|us|est"
ONE_OF_MANY = re.compile(
    rf"(?<![\d.,/:-])[01][ \u00a0\u202f](?!(?:{SINGULAR_IN_S})\b)([a-zà-ÿ]+s)\b"
)
MANY_OF_ONE = re.compile(
    r"(?<![\d.,/:-])(?:[2-9]|[1-9]\d+)[ \u00a0\u202f]"
    r"(dossier|conflit|demande|contrôle|réponse|envoi|fichier|requête|annotation|note|synchronisation)\b"
)
OTHER_WORDS = re.compile(
    r"\bverdicts?\b|\bpassages?\b(?! en )|\bexécutions?\b|trouve à redire|Inscrite la même"
    r"|\s--[a-z]|\{\w+\}",
    re.IGNORECASE,
)
"""What pages call otherwise, options of commands, variables of a sentence."""
BREAKABLE = re.compile(r"[ \n]+[:;?!»]|«[ \n]|\bn° |\d \d{3}\b")
"""Where a line must not end."""
MARKUP = re.compile(r"<(script|style|pre|code|textarea)\b.*?</\1>|<[^>]*>", re.DOTALL)
QUOTED = re.compile(r"«\sdsync [^»]*»")
"""Commands keep their names."""


def read(page: str) -> str:
    """Return what people read of a page: texts and attributes, without what applicants typed."""
    body = page.partition("<body")[2]
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", body, flags=re.DOTALL)
    attributes = " | ".join(re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', body))
    typed = r'<(\w+)[^>]* class="[^"]*\b(?:texte|long)\b[^"]*"[^>]*>.*?</\1>'
    body = re.sub(typed, " ", body, flags=re.DOTALL)
    text = html.unescape(f"{re.sub(r'<[^>]*>', ' ', body)} | {attributes}")
    return QUOTED.sub(" ", re.sub(r"[ \t\n]+", " ", text))


def crawl(visitor: Visitor, most: int = 60) -> Iterator[tuple[str, str]]:
    """Yield what people read on the first page and those that it leads to, one of each form."""
    waiting, seen = ["/"], set()
    while waiting and len(seen) < most:
        address = waiting.pop(0)
        form = re.sub(r"\d+", "N", address.partition("#")[0].partition("?")[0])
        if form in seen or "/static/" in address or re.search(r"\.(csv|xlsx|zip)", address):
            continue
        seen.add(form)
        answer = visitor.get(address)
        if "text/html" not in answer.headers["Content-Type"]:
            continue
        yield address, read(answer.text)
        waiting += [
            html.unescape(one) for one in re.findall(r'<a[^>]* href="(/[^"]*)"', answer.text)
        ]


@pytest.fixture(scope="module")
def troubled(new_engine: NewEngine) -> Iterator[Engine]:
    """An engine in many states: a conflict, a quarantine, refusals, failed runs, requests."""
    with new_engine(seeds()) as engine:
        engine.sync_until_quiet()
        engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
        engine.control.faults.return_null(number(1), champs_only=True)
        engine.sync_later(full=True)
        engine.sync(dossiers=[number(2), 999])
        for fault in ("bad_gateway", "token_expired"):
            engine.control.faults.fail(ScriptedFault(fault, times=9))
            engine.advance(minutes=5)
            engine.sync()
            engine.control.faults.clear_faults()
        yield engine


@pytest.mark.parametrize("role", [Role.ADMINISTRATEUR, Role.JURY, Role.LECTEUR])
def test_no_page_has_an_english_word_or_a_wrong_number(troubled: Engine, role: Role) -> None:
    """Nor « 1 dossiers », whatever the role, while something is wrong."""
    found: dict[str, list[str]] = {}
    with visiting(troubled, role=role) as visitor:
        if role is Role.ADMINISTRATEUR:
            visitor.ask("/resynchroniser", portee="dossier", dossier="999")
        pages = dict(crawl(visitor))
        others = [f"/dossiers/{number(rank)}" for rank in range(5)] + ["/nulle-part"]
        others += [f"/synchronisations/{run}" for run in range(1, 10)] + [
            "/demandes/1",
            "/dossiers/7",
        ]
        pages |= {address: read(visitor.get(address).text) for address in others}
    for address, text in pages.items():
        patterns = (ENGLISH, ONE_OF_MANY, MANY_OF_ONE, OTHER_WORDS)
        wrong = [match for one in patterns for match in one.finditer(text)]
        if wrong:
            found[address] = [text[max(0, one.start() - 40) : one.end() + 30] for one in wrong[:4]]
    assert {} == found
    assert len(pages) > (30 if role is Role.ADMINISTRATEUR else 20)


def test_no_line_of_any_page_ends_before_a_colon(troubled: Engine) -> None:
    """Nor in a number or after «; what is to be copied, sent or run keeps its spaces."""
    with visiting(troubled) as visitor:
        addresses = [*ADDRESSES, "/nulle-part", "/mentions-legales", "/accessibilite"]
        pages = {one: visitor.get(one).text.partition("<body")[2] for one in addresses}
    texts = {address: html.unescape(MARKUP.sub("", page)) for address, page in pages.items()}
    found = {
        address: [text[max(0, one.start() - 30) : one.end() + 20] for one in cuts]
        for address, text in texts.items()
        if (cuts := [*BREAKABLE.finditer(text)])
    }
    assert {} == found
    # What a browser sends of a choice is no text of the page.
    assert [] == [one for one, page in pages.items() if re.search(r"<option(?![^>]*value=)", page)]
    page = "<pre>a : b</pre><a title='c : d'>e : f</a><textarea>g : h</textarea> n° 1 234 i"
    assert page.replace("e :", "e\u00a0:").replace("n° 1 2", "n°\u00a01\u00a02") == typeset(page)


def test_what_was_stored_without_facts_is_quoted_in_its_language(troubled: Engine) -> None:
    """Of a run, beside the same with its facts, in French."""
    [last] = troubled.rows("SELECT max(run) AS run FROM sync_run WHERE code = 3")
    with served(troubled, role=Role.ADMINISTRATEUR) as console:
        address, visitor = f"/synchronisations/{last['run']}", console.visitor()
        assert '<li lang="fr">Le jeton de' in visitor.get(address).text
        troubled.execute("UPDATE sync_run SET figures = json_remove(figures, '$.dits')")
        assert '<li lang="en">«\u00a0The DS token has expired.' in visitor.get(address).text
