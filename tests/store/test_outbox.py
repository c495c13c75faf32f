"""Verdicts and wishes: history, replacement, sending, settling, conflicts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dsync.annotations.plan import Action, Step
from dsync.annotations.wish import NewWish, Wish, WishOutcome, WishStatus, WrittenValue
from dsync.domain.ids import DossierNumber
from dsync.store import Store
from tests.store.builders import NOW, make_mapped, make_verdict, save_verdicts, writing
from tests.store.databases import on_postgresql

ONE = DossierNumber(1)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def wished(store: Store) -> Store:
    """A store with one dossier that has a verdict and two wishes."""
    with writing(store) as tx:
        tx.dossiers.store_page(1, [make_mapped(1)], now=NOW)
        save_verdicts(tx, 1, [make_verdict(1)], NOW)
        tx.outbox.wish([NewWish(ONE, "resultat", "À vérifier"), NewWish(ONE, "detail", "x")], NOW)
    return store


def due(store: Store, at: object = NOW) -> list[Wish]:
    with writing(store) as tx:
        dossiers = tx.outbox.due_dossiers(at, limit=10)  # type: ignore[arg-type]
    return [wish for dossier in dossiers for wish in dossier.wishes]


def record(store: Store, *outcomes: WishOutcome, at: object = NOW) -> None:
    with writing(store) as tx:
        tx.wishes.record_outcomes(1, outcomes, at)  # type: ignore[arg-type]


def annotations(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as reader:
        document = reader.dossiers.by_number(ONE)
    assert document is not None
    return [(a["annotation"], a["valeur"], a["statut"]) for a in document["annotations"]]


def test_a_newer_wish_replaces_a_waiting_one(wished: Store) -> None:
    """A → B → A ends at A, with one current wish."""
    with writing(wished) as tx:
        tx.outbox.wish([NewWish(ONE, "detail", "y")], NOW)
        tx.outbox.wish([NewWish(ONE, "detail", "x")], NOW)

    current = [wish.valeur for wish in due(wished) if wish.annotation == "detail"]
    assert current == ["x"]
    assert sorted(statut for name, _, statut in annotations(wished) if name == "detail") == [
        "en_attente",
        "remplacee",
        "remplacee",
    ]


def test_an_equal_wish_is_the_one_that_is_there(wished: Store) -> None:
    """What was written for it stands: the same value is not sent again."""
    [detail] = [wish for wish in due(wished) if wish.annotation == "detail"]
    record(wished, WishOutcome(detail.id, WishStatus.CONFIRMEE, pushed="x"))
    with writing(wished) as tx:
        tx.outbox.wish([NewWish(ONE, "detail", "x")], LATER)
    assert [("detail", "x", "confirmee")] == [
        one for one in annotations(wished) if one[0] == "detail"
    ]


@on_postgresql
def test_a_workers_clock_that_is_ahead_does_not_shorten_the_delay(wished: Store) -> None:
    """The next worker may be on another machine: the server's clock decides."""
    steps = [Step(wish, Action.WRITE, target="annotation") for wish in due(wished)]
    with writing(wished) as tx:
        tx.outbox.mark_sending([(step, NOW) for step in steps], NOW)

    assert due(wished, NOW + timedelta(days=3650)) == []
    with writing(wished) as tx:
        assert tx.outbox.due_count(NOW + timedelta(days=3650)) == 0


@pytest.mark.parametrize("choice", ["accept", "adopt"])
def test_one_annotations_conflict_is_settled_alone(wished: Store, choice: str) -> None:
    """The others stay; the result's takes along what it holds back."""
    (result, detail) = due(wished)
    record(
        wished,
        WishOutcome(result.id, WishStatus.CONFLIT, cible="r", valeur_distante="z"),
        WishOutcome(detail.id, WishStatus.CONFLIT, cible="d", valeur_distante="y", erreur="retenu"),
    )
    with writing(wished) as tx:
        end = tx.wishes.keep_conflicts if choice == "accept" else tx.wishes.adopt_conflicts
        assert (0, 2) == (end(ONE, NOW, "date"), end(ONE, NOW, "resultat"))
    ours = {wish.annotation: wish.pushed for wish in due(wished)}
    adopted = {"resultat": WrittenValue("z", "r"), "detail": None}
    assert ({} if choice == "accept" else adopted) == ours


@pytest.mark.parametrize("definitive", [False, True])
def test_refused_wishes_wait_until_what_refused_them_may_have_changed(
    wished: Store, definitive: bool
) -> None:
    """A look at the annotations frees none; a changed form does, unless DS will never take it."""
    record(
        wished,
        *(
            WishOutcome(w.id, WishStatus.REFUSEE, erreur="option", definitive=definitive)
            for w in due(wished)
        ),
    )
    with writing(wished) as tx:
        tx.outbox.reopen([ONE])
        tx.outbox.retry_stopped([DossierNumber(2)])
    assert due(wished, LATER) == []

    with writing(wished) as tx:
        tx.outbox.retry_stopped([ONE])
    assert len(due(wished)) == (0 if definitive else 2)

    with writing(wished) as tx:
        tx.outbox.retry_refused()
    assert len(due(wished)) == 2
