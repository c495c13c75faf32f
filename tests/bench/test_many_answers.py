"""The pre-check's figures over many answers, and what evaluating them costs.

Run with `pytest -m bench tests/bench/test_many_answers.py -s`. The generators and the independent
reading are in `tests/property/answers.py`; the suite has the same tests over fewer draws.
`DSYNC_BENCH_CATALOGUES` names more catalogues, as https://beta.gouv.fr/api/v2.7/startups.json has
one, between colons; each beside the samples.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from itertools import islice

import pytest

from dsync.domain.verdict import ASKED, Verdict
from dsync.eig.precheck.product import resolve_product
from tests.golden.dossiers import shipped_rules
from tests.property import answers
from tests.property.answers import source
from tests.property.test_answers import (
    DECIDED,
    count_denying,
    count_drift,
    count_elsewhere,
    count_foreign,
    count_mix,
    count_right,
    count_sloppy,
    eligible,
    right,
)

pytestmark = pytest.mark.bench
SAMPLES = ("2.6", "2.7", "sandbox", *answers.FILES)
LONGEST = 4_000
"""Characters that are read of a champ."""


@pytest.mark.parametrize("name", SAMPLES)
def test_many_answers_about_another_product(name: str) -> None:
    """None is Éligible."""
    assert [] == count_denying(source(name), 3_000, seed=11)
    assert [] == count_foreign(source(name), 3_000, seed=17)
    print(f"\n{name}: 0 of 6,000 are Éligible")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_product_in_another_answer(name: str) -> None:
    """Each is asked about, with the question that has it; none is Inéligible."""
    told, wrong = count_elsewhere(source(name), 1)
    print(f"\n{name}: {told} of {told + len(wrong)} pages in another answer are told")
    assert [] == wrong


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_thousand_answers_without_a_typing_error(name: str) -> None:
    """Six of ten are decided, none for another product."""
    verdicts, harmful = count_right(source(name), 10_000, seed=18)
    print(f"\n{name}: {verdicts[Verdict.ELIGIBLE] / 10_000:.1%} decided, {len(harmful)} wrong")
    assert [] == harmful
    assert verdicts[Verdict.ELIGIBLE] >= 6_000


@pytest.mark.parametrize("name", SAMPLES)
def test_three_hundred_long_texts(name: str) -> None:
    """With two findings at least: their usual length; no finding is left out."""
    of = source(name)
    drawn = answers.mix(random.Random(19), of, shipped_rules())
    made = (answers.decide(one.candidature, of.catalogue, one.read_at) for one in drawn)
    several = (one.detail for one in made if sum(c.resultat in ASKED for c in one.controles) > 1)
    texts = list(islice(several, 300))
    longest = max(map(len, texts))
    print(
        f"\n{name}: median {statistics.median(map(len, texts)):.0f} characters, {longest} at most"
    )
    assert not any("\n… et " in text for text in texts)
    assert longest <= 2_000


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_thousand_sloppy_answers(name: str) -> None:
    """None is Inéligible; 92 % have the right suggestion, and no wrong product decides."""
    counted, harmful = count_sloppy(source(name), 10_000, seed=12)
    total = sum(counted.values(), Counter())
    print(f"\n{name}: {dict(total)}")
    for kind, counts in sorted(counted.items()):
        print(f"  {kind:36} {dict(counts)}")
    assert [] == harmful
    print(f"  {right(counted):.1%} right")
    assert right(counted) >= 0.92


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_thousand_usual_dossiers(name: str) -> None:
    """Three of four are decided without a human, none against the independent reading."""
    verdicts, left, wrong = count_mix(source(name), 10_000, seed=13)
    decided = sum(verdicts[verdict] for verdict in DECIDED) / 10_000
    shown = ", ".join(f"{check} {n / verdicts[Verdict.A_VERIFIER]:.0%}" for check, n in
                      left.most_common())  # fmt: skip
    print(f"\n{name}: {decided:.1%} decided; of the rest: {shown}")
    assert [] == wrong
    assert decided >= 0.75


def test_two_years_of_the_catalogue_move_no_verdict() -> None:
    """Of those judged on the older sample, none is another one with the newer sample."""
    judged, moved = count_drift(5_000, seed=14)
    print(f"\n{judged} judged again, {moved} moved")
    assert 0 == moved


def test_what_an_evaluation_costs() -> None:
    """Ten thousand usual dossiers in a few seconds, and no text more than 50 ms."""
    of = source("sandbox")
    drawn = list(islice(answers.mix(random.Random(15), of, shipped_rules()), 2_000))
    begun = time.process_time()
    for one in drawn:
        answers.decide(one.candidature, of.catalogue, one.read_at)
    print(f"\n10,000 dossiers: {(time.process_time() - begun) * 5:.2f} s of CPU time")
    dice, rows = random.Random(16), eligible(of)
    for name, words in {
        "names": lambda: answers.nom(dice.choice(rows)),
        "slips": lambda: answers.slip(dice, answers.nom(dice.choice(rows))),
        "unknown pages": lambda: f"{answers.PAGE}/qz{dice.randrange(10**6)}kwx.html",
        "other sites": lambda: f"https://betagouv.fr/qz{dice.randrange(10**6)}",
        "letters": lambda: dice.choice("abcdé≠"),
    }.items():
        text = " ".join(words() for _ in range(2_000))[:LONGEST]
        begun = time.process_time()
        resolve_product(text, of.catalogue)
        cost = (time.process_time() - begun) * 1000
        print(f"{name}: {cost:.0f} ms")
        assert cost < 50
