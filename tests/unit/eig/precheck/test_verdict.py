"""The verdict of the results, and the detail that instructeurs read."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dsync.domain.check_answers import Answer, with_answers
from dsync.domain.judging import DEJA_SIGNALE, SIGNALE, finding, framed, stated_verdict
from dsync.domain.verdict import SEVERITY, Controle, Resultat, Verdict, counterfactual, verdict_of
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evaluation import rules_of
from tests.unit.eig.precheck.builders import RULES

OPENING = (
    "Avis préparatoire établi automatiquement. Il ne vaut pas décision ; "
    "l’équipe instruit le dossier."
)
RESULTATS = st.sampled_from(list(Resultat))


@pytest.mark.parametrize(
    ("resultats", "verdict"),
    [
        ([], Verdict.ELIGIBLE),
        (["conforme"], Verdict.ELIGIBLE),
        (["conforme", "sans_objet"], Verdict.ELIGIBLE),
        (["conforme", "a_verifier"], Verdict.A_VERIFIER),
        (["a_verifier", "impossible"], Verdict.INDETERMINE),
        (["impossible", "conforme"], Verdict.INDETERMINE),
        (["impossible", "non_conforme"], Verdict.INELIGIBLE),
        (["non_conforme", "a_verifier", "sans_objet"], Verdict.INELIGIBLE),
    ],
)
def test_the_first_that_applies(resultats: list[str], verdict: Verdict) -> None:
    """The most severe result decides; without one, Éligible."""
    assert verdict_of(map(Resultat, resultats)) is verdict


def test_settling_the_counterfactual_and_nothing_less_is_enough() -> None:
    """All of the set make Éligible; without any one of them it is not."""
    for resultats in product(Resultat, repeat=3):
        controles = [
            Controle(name, resultat, "…") for name, resultat in zip(Check, resultats, strict=False)
        ]
        needed = counterfactual(controles)

        assert _settled(controles, needed) is Verdict.ELIGIBLE, resultats
        for one in needed:
            assert _settled(controles, set(needed) - {one}) is not Verdict.ELIGIBLE, resultats


def _settled(controles: Sequence[Controle], settled: Collection[str]) -> Verdict:
    return verdict_of(
        Resultat.CONFORME if one.controle in settled else one.resultat for one in controles
    )


def detail_text(
    controles: Sequence[Controle],
    *,
    instruction: str,
    max_length: int,
    publication_url: str | None = None,
) -> str:
    """Return the text of a decision."""
    wording = replace(
        rules_of(RULES).wording,
        instruction=instruction,
        max_detail_length=max_length,
        publication_url=publication_url,
    )
    return wording.detail(verdict_of(one.resultat for one in controles), controles)


CONTROLES = st.lists(
    st.builds(
        Controle,
        controle=st.sampled_from(Check),
        resultat=RESULTATS,
        motif=st.text(max_size=1200),
        preuve=st.sampled_from([{}, {"url": "https://beta.gouv.fr/startups/x.html"}, {"url": 1}]),
    ),
    max_size=8,
)


@given(CONTROLES)
def test_nothing_breaks_the_layout(controles: list[Controle]) -> None:
    """The detail is short enough, has no special characters and begins with the verdict."""
    text = detail_text(controles, instruction="programme", max_length=1500)
    first, *lines = text.split("\n")
    assert stated_verdict(first) is verdict_of(c.resultat for c in controles)
    against = {(c.resultat, c.motif) for c in controles if SEVERITY[c.resultat]}
    others = {c.resultat for c in controles if not SEVERITY[c.resultat]}
    assert len(lines) == len(against) + len(others)
    assert len(text) <= 1500
    assert all(line == line.strip() and line for line in lines)
    assert not any(
        unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"
        for char in text.replace("\n", "")
    )


def test_the_longest_lines_are_cut_first() -> None:
    """Only long reasons are cut, after the facts of conforming checks were dropped."""
    controles = [
        Controle("depot", Resultat.A_VERIFIER, "X" * 900),
        Controle("phase", Resultat.A_VERIFIER, "Y" * 900),
        Controle("profils", Resultat.A_VERIFIER, "Court."),
        Controle("doublon", Resultat.CONFORME, "Doublon : aucun."),
    ]
    text = detail_text(controles, instruction="programme", max_length=1100)
    lines = text.replace("\u00a0", " ").split("\n")
    assert len(text) in (1099, 1100)
    assert lines[3:] == ["À vérifier – profils : court.", "Conforme : doublon."]
    assert all(line.endswith("…") and len(line) > 400 for line in lines[1:3])


def test_what_there_is_to_do_is_not_cut() -> None:
    """It is what a text is read for: the reason before it is shortened, as long as some is left."""
    to_do = "À faire : demander au candidat quel produit il présente."
    endless = f"À faire : {'z' * 900}."
    controles = [
        Controle("depot", Resultat.A_VERIFIER, f"{'X' * 900}. {to_do}"),
        Controle("phase", Resultat.A_VERIFIER, f"{'Y' * 900}. {endless}"),
        Controle("profils", Resultat.A_VERIFIER, f"Court. {to_do}"),
    ]
    text = detail_text(controles, instruction="programme", max_length=1100)
    _, long, longest, short = text.replace("\u00a0", " ").split("\n")
    assert 1098 <= len(text) <= 1100
    assert long.endswith(f"XX… {to_do}")
    assert longest.endswith("YY…")
    assert short == f"À vérifier – profils : court. {to_do}"


def test_what_is_too_long_loses_evidence_and_never_its_rule() -> None:
    """What is quoted and in brackets is cut first, so that the conclusion stays, too."""
    rule = "Règle (FAQ du programme) : fiche « publiée » (voir la FAQ). À faire : le demander."
    fact = f"Réponse « {'mot ' * 60} » (catalogue {'x' * 90}), où ne se reconnaît aucun produit. "
    checks = [Controle(name, Resultat.A_VERIFIER, fact + rule) for name in Check][:7]
    controles = [structs.replace(c, motif=f"{n} {c.motif}") for n, c in enumerate(checks)]
    for length, conclusion in ((2000, "où ne se reconnaît aucun produit. "), (1260, "")):
        text = detail_text(controles, instruction="l’équipe", max_length=length)
        lines = text.replace("\u00a0", " ").split("\n")[1:]
        assert len(text) <= length
        assert all(line.endswith(conclusion + rule) for line in lines)


def test_a_declared_rule_is_not_cut_either() -> None:
    """It begins as the configuration has it."""
    rule = "Arrêté (article 2) : un « établissement » suffit."
    motif = f"Réponse « {'mot ' * 90} ». {rule} À faire : l’appeler."
    found = [finding(Resultat.A_VERIFIER, ["publics :"], motif)] * 2
    lines = framed("a", found, [], [], 300, rules=[rule]).replace("\u00a0", " ").split("\n")[1:]
    assert all(line.endswith(f"{rule} À faire : l’appeler.") for line in lines)
    assert all(line.startswith("À vérifier – publics : réponse « mot") for line in lines)


def test_a_ninth_check_fits() -> None:
    """The longest conforming facts are left out first, down to their titles, and nothing else.

    Here there are seven beside two findings, however many checks there are.
    """
    facts = [Controle(check, Resultat.CONFORME, f"Fait {'x' * 20 * n}.") for n, check in
             enumerate([*Check][-7:], start=1)]  # fmt: skip
    found = Controle(Check.DEPOT, Resultat.A_VERIFIER, "Z" * 300)
    more = [Controle(Check.DEPOT, Resultat.A_VERIFIER, "Y" * 300), found, *facts]
    url = "https://exemple.gouv.fr/regles"
    text = detail_text(more, instruction="l’équipe", max_length=1200, publication_url=url)
    lines = text.replace("\u00a0", " ").split("\n")
    assert len(text) <= 1200
    assert ["Y" * 300, "Z" * 300] == [line.split(" : ")[1].upper() for line in lines[1:3]]
    given = lines[3].removeprefix("Conforme : ").removesuffix(".").split(" ; ")
    assert all(one.startswith("fait x") for one in given[:-2])
    assert given[-2:] == [check.label for check in [*Check][-2:]]
    assert lines[-1] == f"Règles appliquées : {url}"


def test_decisive_reasons_come_first() -> None:
    """The order is non conforme, impossible, à vérifier."""
    text = detail_text(
        [
            Controle("depot", Resultat.A_VERIFIER, "A."),
            Controle("administration", Resultat.CONFORME, "Service central."),
            Controle("fiche_produit", Resultat.IMPOSSIBLE, "Le catalogue manque."),
            Controle("phase", Resultat.IMPOSSIBLE, "Le catalogue manque."),
            Controle("profils", Resultat.NON_CONFORME, "Profils absents.", {SIGNALE: "voeux"}),
            Controle("cas_octroi", Resultat.SANS_OBJET, "D."),
            Controle("completude", Resultat.A_VERIFIER, DEJA_SIGNALE),
            Controle("doublon", Resultat.CONFORME, "Doublon : aucun."),
        ],
        instruction="l’équipe",
        max_length=1500,
        publication_url="https://exemple.gouv.fr/regles",
    )
    assert text.replace("\u00a0", " ") == (
        f"Inéligible – {OPENING}\n"
        "Non conforme – profils et complétude : absents.\n"
        "Preuve indisponible – fiche produit et phase : le catalogue manque.\n"
        "À vérifier – date de dépôt : a.\n"
        "Conforme : service central ; doublon : aucun.\n"
        "Non examiné, faute de produit identifié : cas d’octroi.\n"
        "Règles appliquées : https://exemple.gouv.fr/regles"
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"À vérifier – {OPENING}\r\nPhase : …", Verdict.A_VERIFIER),
        (f"Inéligible – {OPENING}".replace(" ;", "\u00a0;"), Verdict.INELIGIBLE),
        ("Conforme : date de dépôt, phase.", None),
        ("À vérifier – Avis préparatoire", None),
        (f"Vu au téléphone.\nÀ vérifier – {OPENING}", None),
        ("À vérifier", None),
        ("", None),
        (None, None),
    ],
)
def test_a_text_of_dsync_states_its_verdict(text: str | None, verdict: Verdict | None) -> None:
    """The first line of a detail gives the verdict."""
    assert stated_verdict(text) is verdict


def test_who_established_what_is_said_within_the_length() -> None:
    """In lines of their own, before the facts that are left out first."""
    at = datetime(2026, 3, 3, tzinfo=UTC)
    found = [Controle(check, Resultat.A_VERIFIER, "Fait inconnu. " * 9) for check in Check]
    known = Controle(Check.DEPOT, Resultat.CONFORME, "Dépôt le 11/07/2024, pendant l’appel. " * 20)
    answers = {
        one.controle: Answer(
            1, one.controle, Resultat.CONFORME, "mot " * 120, "alice.martin@x.fr", at, one
        )
        for one in found
        if one.controle != Check.DEPOT
    }
    controles = [known, *with_answers(found, answers)[1:]]
    text = detail_text(controles, instruction="l’équipe", max_length=1500)
    assert len(text) <= 1500
    assert len(answers) == text.count("établi par A. Martin le 03/03/2026")
    assert Verdict.ELIGIBLE is stated_verdict(text)
