"""What a list says of a check: the finding alone, the difference first."""

from __future__ import annotations

import re

from dsync.eig.precheck.sentences import SENTENCES, Sentence, short


def facts_of(sentence: Sentence) -> dict[str, str]:
    """Return a fact for each placeholder, with where it is from in brackets."""
    names = re.findall(r"{(\w+)", sentence.text)
    return {name: f"« {name} » (source)" if name != "objet" else "Page" for name in names}


def test_a_finding_has_the_sentences_facts_without_rule_remedy_and_sources() -> None:
    """Of each sentence with a short form; every other one without rule and remedy."""
    wrong = {}
    for sentence in SENTENCES:
        facts = facts_of(sentence)
        said = short(sentence.controles[0], sentence.motif(**facts))
        bare = {name: one.removesuffix(" (source)") for name, one in facts.items()}
        if sentence.court and said != sentence.court.format(**bare):
            wrong[sentence.quand] = said
        if not sentence.court and said != sentence.fait.format(**facts):
            wrong[sentence.quand] = said
    assert {} == wrong


def test_a_finding_does_not_begin_with_who_applies() -> None:
    """The row of the list has that."""
    assert not [one.quand for one in SENTENCES if "{organisme}" in one.court]
    motif = (
        "Candidat MAIRIE (EX) (SIREN 992 753 038), « Commune (nouvelle) » (catégorie 7210) ; cette "
        "forme juridique n’est pas celle d’une administration centrale et ce SIREN ne figure pas "
        "sur la liste pour 2026 (annexe). Règle (FAQ du programme) : x. À faire : y."
    )
    expected = "« Commune (nouvelle) » ; ni administration centrale, ni opérateur de l’État"
    assert expected == short("administration", motif)
