"""What people read is French: every page, crawled in many states, and what the engine reports."""

from __future__ import annotations

import ast
import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import dsync
from dsync.console.access import Role
from dsync.console.french import UNKNOWN, in_french
from dsync.ds.classify import ERRORS
from dsync.sandbox.http.faults import ScriptedFault
from tests.console.served import Visitor, served
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
    r"(dossier|conflit|demande|contrôle|réponse|passage|envoi|fichier|requête|annotation|note)\b"
)
QUOTED = re.compile(r"« dsync [^»]*»|« À blanc »")
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
def troubled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine in many states: a conflict, a quarantine, refusals, failed runs, requests."""
    path = tmp_path_factory.mktemp("french") / "dsync.db"
    shutil.copy(sqlite_template, path)
    with Engine(f"sqlite:///{path}", seeds()) as engine:
        engine.sync_until_quiet()
        engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
        engine.control.faults.return_null(number(1), champs_only=True)
        engine.advance(minutes=1)
        engine.sync(full=True)
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
    with served(troubled, role=role) as console:
        visitor = console.visitor()
        if role is Role.ADMINISTRATEUR:
            visitor.ask("/resynchroniser", portee="dossier", dossier="999")
            visitor.ask("/resynchroniser", portee="nouveau", a_blanc="1")
        pages = dict(crawl(visitor))
        others = [f"/dossiers/{number(rank)}" for rank in range(5)] + ["/nulle-part", "/essais/9"]
        others += [f"/executions/{run}" for run in range(1, 10)] + ["/demandes/1", "/dossiers/7"]
        pages |= {address: read(visitor.get(address).text) for address in others}
    for address, text in pages.items():
        wrong = [*ENGLISH.finditer(text), *ONE_OF_MANY.finditer(text), *MANY_OF_ONE.finditer(text)]
        if wrong:
            found[address] = [text[max(0, one.start() - 40) : one.end() + 30] for one in wrong[:4]]
    assert {} == found
    assert len(pages) > (30 if role is Role.ADMINISTRATEUR else 20)


def sentences() -> Iterator[str]:
    """Yield what runs report, as the source has it, with examples in place of what is filled in."""
    for folder in ("sync", "ds", "eig", "controles"):
        for path in (Path(dsync.__file__).parent / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(call, ast.Call) or not call.args:
                    continue
                named = call.func.attr if isinstance(call.func, ast.Attribute) else ""
                named = call.func.id if isinstance(call.func, ast.Name) else named
                own = ("SafetyBrakeError", "InterruptedRunError", "DSContractError")
                if named in ("problem", "brake", *own) and (text := _text(call.args[0])):
                    yield text
    for _, message in ERRORS.values():
        yield re.sub(r"\{\w+\}", "42", message)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            "42" if isinstance(one, ast.FormattedValue) else _text(one) for one in node.values
        )
    return ""


def test_what_a_run_reports_has_a_french_sentence() -> None:
    """Another one is not shown in English, but leads to the command that shows it."""
    every = list(sentences())
    assert len(every) > 50
    assert [] == [one for one in every if in_french(one) == UNKNOWN]
    assert [] == [one for one in map(in_french, every) if ENGLISH.search(QUOTED.sub("", one))]
    assert UNKNOWN == in_french("Something new happened.")
