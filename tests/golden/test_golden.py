"""Comparison of the French texts with the reviewed ones."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from dsync.domain.judging import stated_verdict
from dsync.domain.verdict import Resultat, Verdict
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.sentences import SENTENCES
from dsync.errors import DISTRIBUTION
from scripts.licences import COPYLEFT, is_admitted, licence
from scripts.pages import dependencies
from tests.conftest import Golden
from tests.golden import dossiers
from tests.golden.dossiers import DOSSIERS, decide

ROOT = Path(__file__).parents[2]


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


GENERATED = {
    "tests/golden/details.txt": dossiers.written,
    "tests/golden/messages.txt": dossiers.messages,
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_says_what_the_code_says(name: str, golden: Golden) -> None:
    """The texts are the reviewed ones, and the pages list what there is."""
    Golden(ROOT, golden.is_updating).check(name, GENERATED[name]())


def test_every_text_has_the_form() -> None:
    """Each text has the verdict, then findings, then conforming and unexamined checks."""
    for dossier in DOSSIERS:
        decision = decide(dossier)
        first, *lines = _plain(decision.detail).split("\n")
        assert decision.verdict is stated_verdict(first) is stated_verdict(decision.detail), (
            dossier.kind
        )
        assert len(decision.detail) <= 2000, dossier.kind
        order = ["Non conforme –", "Preuve indisponible –", "À vérifier –", "… et ", "Conforme :",
                 "Non examiné"]  # fmt: skip
        ranks = [next(i for i, head in enumerate(order) if line.startswith(head)) for line in lines]
        assert ranks == sorted(ranks), dossier.kind
        assert [] == re.findall(r"[{}]|  | \.|\.\.|\bNone\b", decision.detail), dossier.kind


def test_every_check_is_named_once() -> None:
    """In a finding, among the unexamined ones, or among the conforming ones, by fact or title."""
    for dossier in DOSSIERS:
        decision = decide(dossier)
        lines = _plain(decision.detail).split("\n")[1:]
        heads = [
            line.split(" : ")[0].split(" – ")[1] for line in lines if " – " in line.split(" : ")[0]
        ]
        left = [line.split(" : ")[1] for line in lines if line.startswith("Non examiné")]
        named = re.split(
            r", | et ", ", ".join([*heads, *(text.removesuffix(".") for text in left)])
        )
        expected = [
            Check(c.controle).label
            for c in decision.controles
            if c.resultat is not Resultat.CONFORME
        ]
        assert sorted(expected) == sorted(name for name in named if name), dossier.kind
        conformes = [c for c in decision.controles if c.resultat is Resultat.CONFORME]
        said = "".join(line for line in lines if line.startswith("Conforme :"))
        unsaid = [c.controle for c in conformes
                  if c.motif[1:-1] not in said and Check(c.controle).label not in said]  # fmt: skip
        assert [] == unsaid, dossier.kind


def test_an_applicant_is_asked_in_its_own_words() -> None:
    """Politely, without the team's words, a result of the pre-check or another dossier's number."""
    for dossier in DOSSIERS:
        found = dossiers.message(dossier)
        text = _plain(found.texte)
        results = [one.label for one in Resultat]
        said = [word for word in ("À faire", "Règle (", *Verdict, *results, "candidat")
                if word in text]  # fmt: skip
        assert [] == said + [number for number in map(str, dossier.doublons) if number in text], (
            dossier.kind
        )
        assert bool(found.demandes) is text.startswith("Madame, Monsieur,"), dossier.kind
        assert [] == [one for one in found.demandes if not one.endswith((".", "…"))], dossier.kind


def test_software_is_no_source_of_law() -> None:
    """A usage of the pre-check asks for a look at most; each thing has one word."""
    ours = {one for one in SENTENCES if (one.regle or "").startswith("Règle (pré-contrôle)")}
    assert set() == {
        check for one in ours if one.resultat is Resultat.NON_CONFORME for check in one.controles
    }
    every = " ".join(f"{one.quand} {one.text('')}" for one in SENTENCES)
    assert [] == [w for w in ("usager", "demandeur", "Sans objet", "nécessaire") if w in every]


def test_no_line_breaks_where_french_does_not() -> None:
    """Spaces before punctuation, after « n° » and inside numbers are non-breaking."""
    details = [decide(dossier).detail for dossier in DOSSIERS]
    assert [] == re.findall(r".{9}(?:« | [»:;?!]|n° |\d \d).{9}", "\n".join(details))


def test_every_dependency_has_a_licence_that_the_project_may_be_used_with() -> None:
    """One that is unknown, or copyleft and not named in reference/dependencies.md, is noticed."""
    names = {
        name
        for extra in ("", *dependencies.EXTRAS)
        for name in dependencies.needs(DISTRIBUTION, frozenset({extra} - {""}))
    }
    said = (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")
    assert {"psycopg", "certifi", "apprise", "pyarrow", "s3fs"} <= names
    assert {} == {
        name: licence(about) for name in names if not is_admitted(about := metadata.metadata(name))
    }
    assert [] == [n for n, of in COPYLEFT.items() if f"**{n}**" not in said]
    assert [] == [n for n, of in COPYLEFT.items() if f"({of})" not in said]
