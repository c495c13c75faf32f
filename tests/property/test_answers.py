"""The whole answer counts, a slip never condemns, and most dossiers need nobody.

The figures are those of the bench (`tests/bench/test_many_answers.py`), over fewer draws.
"""

from __future__ import annotations

import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsync.domain.verdict import Verdict
from dsync.eig.precheck.catalogue import Catalogue, Product
from dsync.eig.precheck.evidence import PublicEvidence, stored_product
from dsync.eig.precheck.product import resolve_product
from tests.golden.dossiers import Dossier, candidature_of, shipped_rules
from tests.property import answers
from tests.property.answers import (
    DECLARED,
    FOREIGN,
    SLOPPY,
    Source,
    phase_at,
    source,
    spellings,
)
from tests.unit.eig.precheck.builders import CurrentVerdict, judge_if_needed

NAMES = ("2.6", "2.7")
NAMELESS = ("adresse coupée", "pièce jointe")
"""Kinds of sloppy answers that may keep nothing of a product."""
DAY = date(2024, 7, 15)
DEPOSITED = datetime(2024, 7, 15, 9, tzinfo=UTC)
READ = DEPOSITED + timedelta(hours=20)
DECIDED = (Verdict.ELIGIBLE, Verdict.INELIGIBLE)


def eligible(of: Source) -> list[answers.Row]:
    """Return the products in an admitted phase at the deposit."""
    return answers.by_phase(of.rows, DAY)[0]


def decide(row: answers.Row, typed: str, of: Source) -> Verdict:
    """Return the verdict on a dossier that would be Éligible if the answer were the product's."""
    changes = {
        "page_produit": typed, "depose_le": DEPOSITED, "incubateur": answers.incubator(row),
        "phase_declaree": DECLARED.get(phase_at(row, DAY) or "", "Investigation"),
    }  # fmt: skip
    candidature = candidature_of(Dossier("", changes), shipped_rules())
    return answers.decide(candidature, of.catalogue, READ).verdict


def is_taken(row: answers.Row, typed: str, of: Source) -> bool:
    """Whether an answer is taken for a product's own."""
    is_eligible = decide(row, typed, of) is Verdict.ELIGIBLE
    return is_eligible or resolve_product(typed, of.catalogue).is_certain


def count_denying(of: Source, draws: int, seed: int) -> list[str]:
    """Return the answers about another product, or none, that are taken for the page's."""
    dice, rows = random.Random(seed), eligible(of)
    drawn = (answers.denying(dice, rows) for _ in range(draws))
    return [typed for typed, row in drawn if is_taken(row, typed, of)]


def count_foreign(of: Source, draws: int, seed: int) -> list[str]:
    """Return the sentences about another product than the one they name that are taken for it."""
    dice, rows = random.Random(seed), eligible(of)
    taken = []
    for rank in range(draws):
        row = dice.choice(rows)
        typed = FOREIGN[rank % len(FOREIGN)].format(b=dice.choice(spellings(row, of.rows)))
        if is_taken(row, typed, of):
            taken.append(typed)
    return taken


def count_sloppy(of: Source, draws: int, seed: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """Count, by kind, the sloppy answers with the right suggestion; return the harmful ones."""
    dice, rows = random.Random(seed), eligible(of)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    harmful = []
    for rank in range(draws):
        kind = sorted(SLOPPY)[rank % len(SLOPPY)]
        row = dice.choice(rows)
        typed = answers.sloppy(dice, kind, row, of.rows)
        match = resolve_product(typed, of.catalogue)
        is_right = row["id"] in (match.product_id, *match.ids)
        counted[kind]["juste" if is_right else "autre" if match.ids else "aucune"] += 1
        if decide(row, typed, of) is Verdict.INELIGIBLE:
            harmful.append(typed)
        if match.is_certain and match.product_id != row["id"]:
            harmful.append(typed)
    return counted, harmful


def count_right(of: Source, draws: int, seed: int) -> tuple[Counter[Verdict], list[str]]:
    """Count the verdicts of answers with no typing error; return the harmful ones."""
    dice, rows = random.Random(seed), eligible(of)
    verdicts: Counter[Verdict] = Counter()
    harmful = []
    for _ in range(draws):
        row = dice.choice(rows)
        typed = answers.right(dice, row, of)
        match = resolve_product(typed, of.catalogue)
        verdicts[given := decide(row, typed, of)] += 1
        is_other = match.is_certain and match.product_id != row["id"]
        if given is Verdict.INELIGIBLE or is_other:
            harmful.append(typed)
    return verdicts, harmful


ELSEWHERE = ("incubateur", "probleme", "entite")
"""Fields in which an applicant gives the address that the page question asks for."""


def count_elsewhere(of: Source, step: int) -> tuple[int, list[tuple[str, str]]]:
    """Count dossiers whose page stands in another answer; return those that are not told so."""
    told, wrong = 0, []
    for row in of.rows[::step]:
        for rank, field in enumerate(ELSEWHERE):
            # None is Inéligible for it; where the page is quoted from is said.
            typed = ("", "à venir", "Néant")[rank]
            changes = {"page_produit": typed, field: f"Voir {answers.page(row)}"}
            made = candidature_of(Dossier("", changes), shipped_rules())
            found = answers.decide(made, of.catalogue, READ)
            fiche = next(one for one in found.controles if one.controle == "fiche_produit")
            label = shipped_rules().declarations.sections.champs[field].libelles[0]
            told += (is_told := fiche.resultat == "a_verifier" and label in fiche.motif)
            wrong += [] if is_told else [(typed, fiche.motif)]
    return told, wrong


def count_mix(
    of: Source, draws: int, seed: int
) -> tuple[Counter[str], Counter[str], list[tuple[object, ...]]]:
    """Count the verdicts of the mix, and the checks of the undecided; return what is wrong."""
    verdicts: Counter[str] = Counter()
    left: Counter[str] = Counter()
    wrong: list[tuple[object, ...]] = []
    for drawn in islice(answers.mix(random.Random(seed), of, shipped_rules()), draws):
        decision = answers.decide(drawn.candidature, of.catalogue, drawn.read_at)
        verdicts[decision.verdict] += 1
        results = {c.controle: c.resultat for c in decision.controles}
        if decision.verdict not in DECIDED:
            left.update(name for name, result in results.items() if result == "a_verifier")
        expected = answers.reading(drawn)
        found = {n: str(r) for n, r in results.items() if r != "sans_objet" and n in expected}
        if (decision.verdict, found) != (answers.verdict(expected), expected):
            wrong.append((drawn.kind, drawn.candidature.page_produit, found, expected))
    return verdicts, left, wrong


def count_drift(draws: int, seed: int) -> tuple[int, int]:
    """Count the verdicts given on one sample that the other one, two years later, moves."""
    given_on, later = source("2.6"), source("2.7")
    moved = judged = 0
    for drawn in islice(answers.mix(random.Random(seed), given_on, shipped_rules()), draws):
        first = answers.decide(drawn.candidature, given_on.catalogue, drawn.read_at)
        frozen = stored_product(first.preuve)
        if frozen is None:
            continue
        now = PublicEvidence(later.catalogue, drawn.read_at + timedelta(days=700))
        current = CurrentVerdict(True, first, frozen)
        again = judge_if_needed(
            drawn.candidature, now, shipped_rules(), doublons=(), current=current
        )
        judged += 1
        moved += again is not None and again.verdict is not first.verdict
    return judged, moved


@pytest.mark.parametrize("name", [*NAMES, "sandbox"])
def test_no_answer_about_another_product_or_none_is_eligible(name: str) -> None:
    """Though all else is conforme, and the declared incubator is that of the page."""
    assert [] == count_denying(source(name), 400, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_about_another_product_is_eligible(name: str) -> None:
    """In whichever way it names the one that it is not about: address, id, name, site, code."""
    assert [] == count_foreign(source(name), len(FOREIGN), seed=5)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_in_another_answer_is_asked_about(name: str) -> None:
    """Where the page question is blank, or has no answer."""
    assert [] == count_elsewhere(source(name), 40)[1]


@pytest.mark.parametrize("name", NAMES)
def test_most_answers_without_a_typing_error_are_decided(name: str) -> None:
    """And none for another product."""
    verdicts, harmful = count_right(source(name), 300, seed=6)
    assert [] == harmful
    assert verdicts[Verdict.ELIGIBLE] >= 0.6 * 300


@pytest.mark.parametrize("name", NAMES)
def test_nearly_all_plain_answers_are_decided(name: str) -> None:
    """The form's label, a number, the incubator, the phase or an emoji beside the address."""
    of = source(name)
    rows = eligible(of)
    taken = [
        is_taken(row, form.format(p=answers.page(row), n=answers.nom(row), i=title), of)
        for row in rows
        for title in [of.titles.get(answers.incubator(row), answers.incubator(row))]
        for form in answers.PLAIN
    ]
    assert sum(taken) >= 0.95 * len(taken)


def right(counted: Mapping[str, Counter[str]]) -> float:
    """Return the share of the slips whose product is named, of those that have one."""
    slips = sum((of for kind, of in counted.items() if kind not in NAMELESS), Counter[str]())
    return slips["juste"] / slips.total()


@pytest.mark.parametrize("name", NAMES)
def test_no_slip_condemns_and_most_get_the_right_suggestion(name: str) -> None:
    """No wrong product decides either, and what names no product suggests none."""
    counted, harmful = count_sloppy(source(name), 600, seed=2)
    assert [] == harmful
    assert right(counted) >= 0.92
    assert not counted["pièce jointe"]["autre"]


@pytest.mark.parametrize(
    "typed",
    [
        "en cours", "à venir", "fiche en cours de création", "le service de messagerie",
        "plateforme numérique", "une bourse pour les étudiants", "portail des aides",
        "suivi des projets", "espace numérique", "ministère de la santé", "guichet unique",
        "https://www.ameli.fr/assure", "https://huggingface.co/spaces/x", "DINUM",
        "https://www.demarches-simplifiees.fr/commencer/autre", "https://exemple.notion.site/x",
    ],
)  # fmt: skip
def test_nothing_is_suggested_without_a_ground(typed: str) -> None:
    """Common nouns of the administration are many products'; a public platform is nobody's."""
    names = ("Bourse", "Messagerie", "Projets", "Mes Aides", "RAPACE", "La Suite numérique",
             "Plateforme numérique du RSA", "Guichet unique de la haie",
             "Annuaire santé")  # fmt: skip
    links = ("https://www.ameli.fr/x", "https://huggingface.co/y", "https://exemple.notion.site",
             "https://www.demarches-simplifiees.fr/commencer/z")  # fmt: skip
    products = [
        Product(f"p{n}", nom, link=link)
        for n, (nom, link) in enumerate(zip_longest(names, links, fillvalue=""))
    ]
    for catalogue in (Catalogue.of(products, "{}", source=""), source("2.7").catalogue):
        match = resolve_product(typed, catalogue)
        assert (None, ()) == (match.product, match.noms)


@pytest.mark.parametrize("name", NAMES)
def test_most_of_the_usual_dossiers_are_decided_as_a_person_reads_the_rules(name: str) -> None:
    """Each check has the result of the independent reading. The bench has the exact share."""
    verdicts, _, wrong = count_mix(source(name), 500, seed=3)
    assert [] == wrong
    assert 0.75 <= sum(verdicts[verdict] for verdict in DECIDED) / 500


def test_a_catalogue_of_two_years_later_moves_no_verdict() -> None:
    """The evidence is frozen, whatever the verdict."""
    judged, moved = count_drift(300, seed=4)
    assert judged > 200
    assert 0 == moved


@given(st.text(max_size=80), st.sampled_from(["{0}{1}", "{1}{0}", "{0} {1}", "{1}\n{0}"]))
def test_what_is_quoted_of_an_answer_is_one_harmless_line(typed: str, form: str) -> None:
    """No control character, direction mark or markup reaches the text that instructeurs read."""
    of = source("2.7")
    answer = form.format(f"{answers.PAGE}/a-just.html", typed)
    candidature = candidature_of(
        Dossier("", {"page_produit": answer, "depose_le": DEPOSITED}), shipped_rules()
    )
    decision = answers.decide(candidature, of.catalogue, READ)
    motif = next(c.motif for c in decision.controles if c.controle == "fiche_produit")
    assert not {unicodedata.category(sign) for sign in motif} & {"Cc", "Cf", "Co", "Cs"}
    assert not set("<>") & set(motif)
    assert len(motif) < 600


@given(st.text(max_size=30))
def test_any_word_beside_an_address_is_noticed(word: str) -> None:
    """Whatever stands between them."""
    of = source("2.7")
    match = resolve_product(f"{answers.PAGE}/domifa.html {word}zqw", of.catalogue)
    assert not match.is_certain
