"""What instructeurs read in DS: a text in the form, which time alone does not change."""

from __future__ import annotations

from dsync.domain.judging import stated_verdict
from tests.engine.conftest import Start
from tests.engine.rig import DETAIL, PAGE, number
from tests.engine.test_judging import SUIVI, product_of, republish

RANKS = range(5)


def test_a_day_and_an_unrelated_product_change_no_text(start: Start) -> None:
    """Whatever the address led to, a page, a slip, nothing, or none: the dates read stay too."""
    engine = start(RANKS)
    product = product_of(0)
    for rank, typed in enumerate(
        [
            SUIVI.format(product),
            SUIVI.format(f"{product}x"),
            SUIVI.format("fiche-qui-nexiste-pas"),
            "https://www.example.org/projet",
            "",
        ]
    ):
        engine.control.edit_champ(number(rank), PAGE, typed)
    engine.sync_until_quiet()
    texts = [engine.remote(rank, DETAIL) for rank in RANKS]
    assert [engine.verdict(rank) for rank in RANKS] == [stated_verdict(text) for text in texts]
    assert product in texts[1]
    engine.control.forget_requests()
    engine.advance(days=1)
    republish(engine, add="un-nouveau-produit")
    engine.sync(full=True)
    assert [] == engine.mutations()
    assert texts == [engine.remote(rank, DETAIL) for rank in RANKS]
