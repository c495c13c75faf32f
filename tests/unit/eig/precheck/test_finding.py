"""What a list says of a check: the finding alone, the difference first."""

from __future__ import annotations

import re

from dsync.console.dossiers import short
from dsync.domain.check_answers import ANSWER, COURT
from dsync.eig.precheck.check_input import found
from dsync.eig.precheck.sentences import EXCLUE, SENTENCES, Sentence
from tests.unit.eig.precheck.builders import check


def facts_of(sentence: Sentence) -> dict[str, str]:
    """Return a fact for each placeholder, with where it is from in brackets."""
    names = re.findall(r"{(\w+)", sentence.text(""))
    return {name: f"« {name} » (source)" if name != "objet" else "Page" for name in names}


def test_a_short_form_has_the_sentences_facts_without_sources() -> None:
    """Of each sentence that has one."""
    wrong = {}
    for sentence in (one for one in SENTENCES if one.court):
        facts = facts_of(sentence)
        bare = {name: one.removesuffix(" (source)") for name, one in facts.items()}
        if (said := sentence.short(**facts)) != sentence.court.format(**bare):
            wrong[sentence.quand] = said
    assert {} == wrong


def test_a_short_form_does_not_begin_with_who_applies() -> None:
    """The row of the list has that."""
    assert not [one.quand for one in SENTENCES if "{organisme}" in one.court]


def test_the_short_form_is_stored_beside_the_sentence() -> None:
    """As evidence."""
    facts = {
        "forme": "« Commune (nouvelle) » (catégorie 7210)",
        "listes": "la liste",
        "organisme": "X",
        "nature": "",
    }
    expected = "« Commune (nouvelle) » ; ni administration centrale, ni opérateur de l’État"
    assert expected == found(EXCLUE, {}, **facts).court
    stored = check("administration", code="7210").preuve[COURT]
    assert "ni administration centrale" in str(stored)


def test_a_list_says_of_an_answer_what_is_to_be_confirmed() -> None:
    """Not what the check itself found, whose short form is stored, too."""
    said = "Réponse à confirmer ou à retirer, car les faits ont changé : conforme selon A. Martin"
    answered = {"motif": f"{said}. Règle (FAQ) : x.", "preuve": {COURT: "forme", ANSWER: {}}}
    assert [said, "forme"] == [short(answered), short(answered | {"preuve": {COURT: "forme"}})]
