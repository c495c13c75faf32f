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

from dsync.domain.check_answers import Answer, with_answers
from dsync.domain.judging import DEJA_SIGNALE, SIGNALE, finding, framed, stated_verdict
from dsync.domain.verdict import SEVERITY, Controle, Resultat, Verdict, counterfactual, verdict_of
from dsync.domain.wording import cleaned, cut
from dsync.eig.precheck.check import Check
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
        RULES.rules.wording,
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
    more = [int(line.split()[2]) - 1 for line in lines if line.startswith("… et ")]
    assert len(lines) + sum(more) == len(against) + len(others)
    assert len(text) <= 1500
    assert all(line == line.strip() and line for line in lines)
    assert not any(
        unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"
        for char in text.replace("\n", "")
    )


WORDS = st.text("aéX. «»()", min_size=1, max_size=400)
RULES_OF = st.sampled_from(["Règle (FAQ) : une.", "Règle (usage) : autre.", "Arrêté (2) : « a »."])


@given(st.lists(st.tuples(RESULTATS, WORDS, RULES_OF, WORDS), max_size=12), st.integers(700, 2500))
def test_every_kept_finding_is_whole(
    given: list[tuple[Resultat, str, str, str]], max_length: int
) -> None:
    """With its rule, or which finding above has the same; those that are left out are counted."""
    found = [(r, str(n), f"{n} {fact}", rule, to) for n, (r, fact, rule, to) in enumerate(given)]
    findings = [
        (name, finding(result, [name], f"{fact} {rule} À faire : {to_do}"))
        for result, name, fact, rule, to_do in found
    ]
    facts = [("titre", Controle("autre", Resultat.CONFORME, "Fait. " * 200))]
    text = framed("a", findings, facts, ["b"], max_length, ["Arrêté (2) : « a »."])
    _, *lines, shown, last = text.replace("\u00a0", " ").split("\n")
    assert (len(text) <= max_length, "b") == (True, last)
    assert not shown.endswith("…")
    left = [line for line in lines if not line.startswith("… et ")]
    whole = [cleaned(line) for _, line in findings]
    titles: dict[str, str] = {}
    for line in left:
        name = line.split(" – ")[1].split(" : ")[0]
        rule = found[int(name)][3]
        same = f"Même règle que « {titles.get(rule)} »."
        assert line in whole or line.replace(same, rule) in whole
        titles.setdefault(rule, name)
    counted = [int(line.split()[2]) for line in lines[len(left) :]]
    assert counted == [more for more in [len(findings) - len(left)] if more]


def test_what_is_left_out_is_what_matters_least() -> None:
    """Facts of conforming checks, the longest first; then the sources of lists; then findings."""
    long = "x" * 150
    rule = "Règle (FAQ) : fiche publiée. À faire : la demander."
    findings = [
        (name, finding(Resultat.A_VERIFIER, [name], f"{name} {long} (annexe) (12/03/2024). {rule}"))
        for name in ("un", "deux", "trois")
    ]
    facts = [("long", Controle("a", Resultat.CONFORME, f"Fait {'y' * 150}.")),
             ("bref", Controle("b", Resultat.CONFORME, "Fait bref."))]  # fmt: skip

    def lines(count: int, length: int = 2000) -> list[str]:
        text = framed("t", findings[:count], facts, [], length, sources=["annexe"])
        return text.replace("\u00a0", " ").split("\n")[1:]

    assert lines(1)[-1].startswith("Conforme : fait yyy")
    assert lines(3)[-1] == "Conforme : long ; fait bref."
    assert ["(annexe)" in one for one in lines(3)[:-1]] == [True, True, True]
    findings[2] = ("trois", findings[2][1].replace(long, long * 3))
    assert not any("(annexe)" in one for one in lines(3))
    assert all("(12/03/2024)" in one for one in lines(3)[:-1])
    assert lines(3)[1].endswith("Même règle que « un ». À faire : la demander.")
    assert lines(3, 500)[1:] == ["… et 2 autres constats, voir dsync.", "Conforme : long ; bref."]


def test_what_is_cut_ends_with_a_whole_word() -> None:
    """A letter is cut off only where there is no end of a word."""
    said = "phase « investigation non concluante »"
    assert "phase « investigation…" == cut(said, 24)
    assert "xxxx…" == cut("xxxxxxxxx", 5)


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
        "Non conforme – profils : absents.\n"
        "Preuve indisponible – fiche produit et phase : le catalogue manque.\n"
        "À vérifier – date de dépôt : a.\n"
        "À vérifier – complétude : réponse attendue manquante, déjà signalée par « profils ».\n"
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


def test_a_source_that_was_named_is_not_taken_out_of_what_a_person_wrote() -> None:
    """Said twice by dsync it stands once; within a quotation it is another's word."""
    source = " (catalogue lu le 01/06/2024)"
    findings = [
        ("un", f"À vérifier – un : rien{source}."),
        ("deux", f"À vérifier – deux : « voir{source} » écrit{source}."),
    ]
    text = framed("t", findings, [], [], 2000).replace("\u00a0", " ")
    assert f"deux : « voir{source} » écrit (même source)." in text
