"""Comparison of the French texts with the reviewed ones."""

from __future__ import annotations

import re

import pytest

from dsync.domain.verdict import Resultat
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.detail import stated_verdict
from tests.golden import dependencies, dossiers, pages, registre, table
from tests.golden.dossiers import DOSSIERS, Dossier, decide

GONE = (
    "alumni", "success", "opere", "stats_url", "repository", "transfer)", "« transfere »",
    "vérifier la fiche", "une fois publiée", "absente de la liste", "Aucune phase commencée le",
    "confirmer que le candidat est éligible", "si c’était un opérateur", "Inscrite", " autres.",
    "disponible ici", "comme déclaré", "Règle :", "d’en justifier", "mesures d’impact publiques",
    "bonne administration", "aucun autre dossier",
)  # fmt: skip
"""Words that must not occur in the texts."""


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_the_texts_are_those_that_were_read_over() -> None:
    """The texts are the reviewed ones; `python -m tests.golden.dossiers --write` updates them."""
    assert dossiers.TEXTS.read_text(encoding="utf-8") == dossiers.written()


def test_the_documentation_shows_every_sentence() -> None:
    """The page lists all sentences; `python -m tests.golden.table --write` updates it."""
    assert table.PAGE.read_text(encoding="utf-8") == table.page()


def test_the_register_shows_every_personal_column() -> None:
    """`python -m tests.golden.registre --write` updates it."""
    assert registre.PAGE.read_text(encoding="utf-8") == registre.page()


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_reference_page_says_what_the_code_says(name: str) -> None:
    """`python -m tests.golden.pages --write` updates them."""
    assert (pages.DOCS / name).read_text(encoding="utf-8") == pages.page(name)


def test_there_are_forty_kinds() -> None:
    """The kinds have distinct titles."""
    assert (40, 40) == (len(DOSSIERS), len({dossier.kind for dossier in DOSSIERS}))


@pytest.mark.parametrize("dossier", DOSSIERS, ids=[dossier.kind for dossier in DOSSIERS])
def test_every_text_has_the_form(dossier: Dossier) -> None:
    """Each text has the verdict, then findings, then conforming and unexamined checks."""
    decision = decide(dossier)
    first, *lines = _plain(decision.detail).split("\n")
    assert decision.verdict is stated_verdict(first) is stated_verdict(decision.detail)
    assert len(decision.detail) <= 1500
    order = ["Non conforme –", "Non vérifiable pour l’instant –", "À vérifier –", "Conforme :",
             "Non examiné :"]  # fmt: skip
    ranks = [next(i for i, head in enumerate(order) if line.startswith(head)) for line in lines]
    assert ranks == sorted(ranks)
    assert [] == [word for word in GONE if word in _plain(decision.detail)]
    assert [] == re.findall(r"[{}]|  | \.|\.\.|\bNone\b", decision.detail)


@pytest.mark.parametrize("dossier", DOSSIERS, ids=[dossier.kind for dossier in DOSSIERS])
def test_every_check_is_named_once(dossier: Dossier) -> None:
    """Each check occurs once: in a finding, among the conforming or the unexamined ones."""
    decision = decide(dossier)
    lines = _plain(decision.detail).split("\n")[1:]
    heads = [
        line.split(" : ")[0].split(" – ")[1] for line in lines if " – " in line.split(" : ")[0]
    ]
    left = [line.split(" : ")[1] for line in lines if line.startswith("Non examiné")]
    named = re.split(r", | et ", ", ".join([*heads, *(text.split(", faute")[0] for text in left)]))
    conformes = [line for line in lines if line.startswith("Conforme : ")]
    facts = conformes[0].split(" ; ") if conformes else []
    expected = [
        Check(c.controle).label for c in decision.controles if c.resultat is not Resultat.CONFORME
    ]
    assert sorted(expected) == sorted(name for name in named if name)
    assert len(facts) == len(Check) - len(expected)


def test_no_line_breaks_where_french_does_not() -> None:
    """Spaces before punctuation, after « n° » and inside numbers are non-breaking."""
    details = [decide(dossier).detail for dossier in DOSSIERS]
    assert [] == re.findall(r".{9}(?:« | [»:;?!]|n° |\d \d).{9}", "\n".join(details))


def test_facts_of_what_is_conforme_are_not_left_out() -> None:
    """No text is so long that conforming facts are dropped."""
    cut = [
        dossier.kind
        for dossier in DOSSIERS
        if re.search(r"Conforme\W: date", decide(dossier).detail)
    ]
    assert [] == cut


def test_every_dependency_has_a_licence_that_the_project_may_be_used_with() -> None:
    """A new one that is unknown, or copyleft and not named in docs/dependencies.md, is noticed."""
    names = {
        name
        for extra in ("", *dependencies.EXTRAS)
        for name in dependencies.needs("dsync", frozenset({extra} - {""}))
    }
    said = dependencies.HAND.read_text(encoding="utf-8")
    assert {"psycopg", "certifi", "apprise", "pyarrow", "s3fs"} <= names
    assert {} == {n: dependencies.licence(n) for n in names if not dependencies.is_admitted(n)}
    assert [] == [n for n, of in dependencies.COPYLEFT.items() if f"**{n}**" not in said]
    assert [] == [n for n, of in dependencies.COPYLEFT.items() if f"({of})" not in said]
