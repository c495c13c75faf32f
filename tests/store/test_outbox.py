"""Verdicts and wishes: history, replacement, sending, settling, conflicts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from dsync.annotations import WrittenValue
from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.eig.store import DossierProduct, product_inputs, same_product, set_products
from dsync.store import (
    NewWish,
    Sending,
    Store,
    StoredWish,
    WishOutcome,
    WishStatus,
    tables,
)
from tests.store.builders import (
    DEMARCHE,
    NOW,
    make_decision,
    make_mapped,
    make_verdict,
    writing,
)

ONE = DossierNumber(1)
UNKNOWN = timedelta(seconds=35)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def wished(store: Store) -> Store:
    """A store with one dossier that has a verdict and two wishes."""
    with writing(store) as tx:
        tx.store_page(1, [make_mapped(1)], now=NOW, mark_read=True)
        tx.save_verdicts(1, [make_verdict(1)], NOW)
        tx.wish([NewWish(ONE, "resultat", "À vérifier"), NewWish(ONE, "detail", "x")], NOW)
    return store


def due(store: Store, at: object = NOW) -> list[StoredWish]:
    with writing(store) as tx:
        dossiers = tx.due_dossiers(at, UNKNOWN, limit=10)  # type: ignore[arg-type]
    return [wish for dossier in dossiers for wish in dossier.wishes]


def pass_since_sending(store: Store, by: timedelta) -> None:
    """Let time pass on PostgreSQL's clock, which no test moves; SQLite has the tests' own."""
    if store.place.startswith("PostgreSQL"):
        with writing(store) as tx:
            tx.connection.execute(
                update(tables.pousse).values(
                    incertaine_depuis=tables.pousse.c.incertaine_depuis - by
                )
            )


def sendings(ids: list[int]) -> list[Sending]:
    return [Sending(id_, "annotation", NOW) for id_ in ids]


def record(store: Store, *outcomes: WishOutcome, at: object = NOW) -> None:
    with writing(store) as tx:
        tx.record_outcomes(1, outcomes, at)  # type: ignore[arg-type]


def annotations(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as reader:
        document = reader.dossier(ONE)
    assert document is not None
    return [(a["annotation"], a["valeur"], a["statut"]) for a in document["annotations"]]


def events(store: Store) -> list[str]:
    with store.reading() as reader:
        return [event["evenement"] for event in reader.events(ONE)]


def test_verdicts_keep_their_history(store: Store, wished: Store) -> None:
    """A newer verdict becomes the current one; the older stays as it was."""
    with writing(store) as tx:
        tx.save_verdicts(2, [make_verdict(1, Verdict.ELIGIBLE)], LATER)

    with store.reading(DEMARCHE) as reader:
        document = reader.dossier(ONE)
        (listed,) = reader.dossiers(verdict="Éligible")
    assert document is not None
    assert [(v["verdict"], int(v["courant"])) for v in document["precontroles"]] == [
        ("À vérifier", 0),
        ("Éligible", 1),
    ]
    assert "Éligible" == listed["verdict"] == document["verdict"]


def test_the_same_act_stored_twice_is_one(wished: Store) -> None:
    """Saving the same verdicts and wishes again changes nothing."""
    before = events(wished)
    with writing(wished) as tx:
        tx.save_verdicts(1, [make_verdict(1)], NOW)
        tx.wish([NewWish(ONE, "resultat", "À vérifier")], NOW)

    assert before == events(wished)
    assert len(annotations(wished)) == 2


def test_a_newer_wish_replaces_a_waiting_one(wished: Store) -> None:
    """A → B → A ends at A, with one current wish."""
    with writing(wished) as tx:
        tx.wish([NewWish(ONE, "detail", "y")], NOW)
        tx.wish([NewWish(ONE, "detail", "x")], NOW)

    current = [wish.valeur for wish in due(wished) if wish.annotation == "detail"]
    assert current == ["x"]
    assert sorted(statut for name, _, statut in annotations(wished) if name == "detail") == [
        "en_attente",
        "remplacee",
        "remplacee",
    ]


def test_what_is_being_sent_is_uncertain_and_left_alone_for_a_while(wished: Store) -> None:
    """A killed process's sending is read back no earlier than its delay, a newer wish included."""
    ids = [wish.id for wish in due(wished)]
    with writing(wished) as tx:
        tx.mark_sending(sendings(ids), NOW)
        tx.wish([NewWish(ONE, "resultat", "Éligible")], NOW)

    assert due(wished, NOW + timedelta(seconds=34)) == []
    pass_since_sending(wished, timedelta(minutes=1))
    result = next(w for w in due(wished, LATER) if w.annotation == "resultat")
    uncertain = WrittenValue("À vérifier", "annotation")
    assert (result.valeur, result.pushed, result.uncertain) == ("Éligible", None, uncertain)


def test_a_workers_clock_that_is_ahead_does_not_shorten_the_delay(wished: Store) -> None:
    """On PostgreSQL the next worker may be on another machine: the server's clock decides."""
    if not wished.place.startswith("PostgreSQL"):
        pytest.skip("a SQLite file is on one machine, whose clock decides")
    ids = [wish.id for wish in due(wished)]
    with writing(wished) as tx:
        tx.mark_sending(sendings(ids), NOW)

    assert due(wished, NOW + timedelta(days=3650)) == []
    with writing(wished) as tx:
        assert tx.due_count(NOW + timedelta(days=3650), UNKNOWN) == 0


def test_a_confirmed_wish_is_pushed_and_journaled_once(wished: Store) -> None:
    """Confirmed: remembered as ours, in the journal when it was written."""
    ids = [wish.id for wish in due(wished)]
    with writing(wished) as tx:
        tx.mark_sending(sendings(ids), NOW)
    record(
        wished,
        WishOutcome(ids[0], WishStatus.CONFIRMEE, pushed="À vérifier", cible="r", written=True),
        WishOutcome(ids[1], WishStatus.CONFIRMEE, pushed="x", cible="d", written=True),
    )

    assert due(wished, LATER) == []
    assert events(wished) == ["cree", "verdict", "pousse"]
    with writing(wished) as tx:
        assert tx.waiting_count() == 0
        tx.reopen_wishes([ONE])
    ours = [WrittenValue("À vérifier", "r"), WrittenValue("x", "d")]
    assert [(w.pushed, w.uncertain) for w in due(wished)] == [(own, None) for own in ours]


def test_nothing_written_is_no_longer_uncertain(wished: Store) -> None:
    """DS said no: the value cannot stand there, and the dossier's wishes wait its delay."""
    (first, _) = due(wished)
    with writing(wished) as tx:
        tx.mark_sending(sendings([first.id]), NOW)
    record(
        wished,
        WishOutcome(first.id, WishStatus.EN_ATTENTE, prochain_essai_le=LATER, nothing_written=True),
    )

    later = due(wished, LATER)
    assert due(wished) == []
    assert [(w.uncertain, w.tentatives) for w in later] == [(None, 1), (None, 0)]


def test_a_document_that_failed_in_the_middle_is_read_back_at_once(wished: Store) -> None:
    """Finished, outcome unknown: due without a delay, the value still possibly there."""
    (first, _) = due(wished)
    with writing(wished) as tx:
        tx.mark_sending(sendings([first.id]), NOW)
    record(wished, WishOutcome(first.id, WishStatus.EN_ATTENTE, erreur="erreur interne"))

    again = next(wish for wish in due(wished) if wish.id == first.id)
    assert (again.uncertain, again.is_due) == (WrittenValue("À vérifier", "annotation"), True)


def test_a_conflict_is_told_once_and_dissolves(wished: Store) -> None:
    """Looked at again with the same human value it is no news; confirmed, it is resolved."""
    (first, second) = due(wished)
    conflict = WishOutcome(first.id, WishStatus.CONFLIT, valeur_distante="Éligible")
    held = WishOutcome(second.id, WishStatus.CONFLIT, valeur_distante="", erreur="retenu")
    record(wished, conflict, held)
    with writing(wished) as tx:
        tx.reopen_wishes([ONE])
    record(wished, conflict, held)
    assert events(wished) == ["cree", "verdict", "conflit"]
    with wished.reading(DEMARCHE) as reader:
        assert reader.work_counts() == ({"conflit": 2}, 0)
        assert [c.valeur_distante for c in reader.conflicts()] == ["Éligible", ""]

    record(wished, WishOutcome(first.id, WishStatus.CONFIRMEE, pushed="À vérifier"))

    assert events(wished)[-1] == "conflit_resolu"


def test_an_accepted_conflict_ends_there(wished: Store) -> None:
    """The human's hand is kept, and the same verdict wishes nothing anew."""
    record(
        wished,
        *(WishOutcome(w.id, WishStatus.CONFLIT, valeur_distante="z") for w in due(wished)),
    )

    with writing(wished) as tx:
        assert tx.accept_conflicts(ONE, NOW) == 2
        assert tx.accept_conflicts(ONE, NOW) == 0
        tx.wish([NewWish(ONE, "resultat", "À vérifier")], NOW)

    assert due(wished, LATER) == []
    assert events(wished) == ["cree", "verdict", "conflit", "conflit_resolu"]


def test_an_adopted_conflict_goes_on_from_what_stands_there(wished: Store) -> None:
    """After a lost database: the value in DS becomes ours, then the wish is due again."""
    (first, _) = due(wished)
    conflict = WishOutcome(first.id, WishStatus.CONFLIT, cible="r", valeur_distante="Inéligible")
    record(wished, conflict)

    with writing(wished) as tx:
        assert tx.adopt_conflicts(ONE, NOW) == 1

    assert due(wished)[0].pushed == WrittenValue("Inéligible", "r")


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
        end = tx.accept_conflicts if choice == "accept" else tx.adopt_conflicts
        assert (0, 2) == (end(ONE, NOW, "date"), end(ONE, NOW, "resultat"))
    ours = {wish.annotation: wish.pushed for wish in due(wished)}
    adopted = {"resultat": WrittenValue("z", "r"), "detail": None}
    assert ({} if choice == "accept" else adopted) == ours


def test_a_forced_wish_is_forced_once(wished: Store) -> None:
    """An order to go over a human's hand ends with the wish's end, and is journaled."""
    (first, _) = due(wished)
    record(wished, WishOutcome(first.id, WishStatus.CONFLIT, valeur_distante="z"))
    with writing(wished) as tx:
        tx.force_wishes([ONE], "ana@poste", NOW)
    assert [wish.force_par for wish in due(wished)] == ["ana@poste"] * 2

    record(
        wished,
        WishOutcome(
            first.id, WishStatus.CONFIRMEE, pushed="À vérifier", replaced="z", written=True
        ),
    )

    with wished.reading() as reader:
        details = {e["evenement"]: e["details"] for e in reader.events(ONE)}
    assert details["pousse"] == {
        "annotations": ["resultat"],
        "force": True,
        "demande_par": "ana@poste",
        "remplace": {"resultat": "z"},
    }
    with writing(wished) as tx:
        tx.reopen_wishes([ONE])
    assert [wish.force_par for wish in due(wished)] == [None, "ana@poste"]


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
        tx.reopen_wishes([ONE])
        tx.retry_stopped(NOW, [DossierNumber(2)])
    assert due(wished, LATER) == []

    with writing(wished) as tx:
        tx.retry_stopped(NOW, [ONE])
    assert len(due(wished)) == (0 if definitive else 2)

    with writing(wished) as tx:
        tx.retry_refused([], NOW)
    assert len(due(wished)) == 2


def test_a_label_is_due_after_its_annotations(wished: Store) -> None:
    """Not while one of them waits; then it may travel with other dossiers' annotations."""
    with writing(wished) as tx:
        tx.wish([NewWish(ONE, "label", "éligible")], NOW)
    assert [(w.annotation, w.is_due) for w in due(wished)] == [
        ("resultat", True),
        ("detail", True),
        ("label", False),
    ]
    (first, second, _) = due(wished)
    record(wished, WishOutcome(first.id, WishStatus.CONFIRMEE, pushed="À vérifier", cible="r"))
    assert not due(wished)[2].is_due
    record(wished, WishOutcome(second.id, WishStatus.CONFIRMEE, pushed="x", cible="d"))
    assert [w.annotation for w in due(wished) if w.is_due] == ["label"]


def test_finished_dossiers_are_not_written_to(wished: Store) -> None:
    """Wishes of a dossier that was decided are neither due nor waited for."""
    with writing(wished) as tx:
        tx.store_page(1, [make_mapped(1, etat=Etat.ACCEPTE)], now=NOW, mark_read=True)
        assert 0 == tx.waiting_count() == tx.due_count(NOW, UNKNOWN)


def test_judging_sees_what_is_wished_and_what_others_share_a_product(wished: Store) -> None:
    """Reads the queue, the current verdict with its wishes, and the dossiers of a product."""
    with writing(wished) as tx:
        set_products(tx, {ONE: DossierProduct("transport", by_page=True)})
        tx.close_evaluation([ONE])
        (due,) = tx.for_judging([ONE])
        products = ["transport", "another"]
        assert {"transport": [ONE]} == same_product(tx.connection, DEMARCHE, products)
        (address,) = product_inputs(tx.connection, [ONE])
        assert tx.numbers_to_judge() == []
        assert [1] == tx.numbers_to_judge(everything_open=True)

    assert due.wished == {"resultat": "À vérifier", "detail": "x"}
    assert due.current is not None
    assert make_decision().controles == due.current.controles
    assert address.preuve == due.current.preuve == {"saisie": "à moi"}
    assert address.product == DossierProduct("transport", by_page=True)
