"""Storing pages: what is written, what is journaled, what is left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierNumber
from dsync.eig.store import candidatures
from dsync.errors import StoreError
from dsync.store import PageResult, Store
from tests.store.builders import (
    ANNOTATIONS,
    NOW,
    champ,
    make_candidature,
    make_deleted,
    make_dossier,
    make_mapped,
    make_verdict,
    row_of,
    writing,
)

ONE = DossierNumber(1)


def put(store: Store, *numbers: int, run: int = 1, **changes: object) -> PageResult:
    with writing(store) as tx:
        return tx.store_page(
            run, [make_mapped(n, **changes) for n in numbers], now=NOW, mark_read=True
        )


def events(store: Store, number: int = 1) -> list[tuple[str, Any]]:
    with store.reading() as reader:
        return [(e["evenement"], e["details"]) for e in reader.events(DossierNumber(number))]


def test_a_new_dossier_is_stored_queued_and_journaled(store: Store) -> None:
    """What comes first is created, waits for a verdict and has one event."""
    result = put(store, 1, 2)

    assert (result.created, result.changed, result.unchanged) == ([1, 2], [], 0)
    assert events(store) == [("cree", None)]
    with writing(store) as tx:
        assert tx.numbers_to_judge() == [1, 2]


def test_what_is_judged_comes_back_as_it_was_stored(store: Store) -> None:
    """Judging reads the candidature as the mapping made it."""
    stored = make_candidature(make_dossier(1))
    put(store, 1)

    with store.reading() as reader:
        assert row_of(stored) == row_of(candidatures(reader.connection, [ONE])[ONE])


def test_an_unchanged_dossier_is_not_written(store: Store) -> None:
    """The same page again writes no event and no content."""
    put(store, 1)
    result = put(store, 1, run=2)

    assert (
        result.unchanged,
        result.created,
        result.changed,
        result.annotations_changed,
    ) == (1, [], [], [])
    assert events(store) == [("cree", None)]
    with writing(store) as tx:
        assert tx.unseen(2) == []
        assert tx.unseen(3) == [1]


def test_changed_champs_are_named_without_their_values(store: Store) -> None:
    """The journal names the champs that changed."""
    put(store, 1)
    changed = (champ("c1", "Problème", "Un secret"), *make_dossier().champs[1:])

    result = put(store, 1, champs=changed, archive=True)

    assert result.changed == [ONE]
    assert events(store)[-1] == ("modifie", {"champs": ["archive", "Problème"]})


def test_a_move_of_state_is_its_own_event(store: Store) -> None:
    """A state that changes alone is no change of content."""
    put(store, 1)

    put(store, 1, etat=Etat.EN_INSTRUCTION)

    assert events(store)[1:] == [("etat", {"a": "en_instruction", "de": "en_construction"})]


def test_our_own_annotation_moves_without_an_event(store: Store) -> None:
    """What dsync wrote itself is kept up to date silently."""
    put(store, 1)
    written = (ANNOTATIONS[0], champ("owned", "Résultat", "Éligible"))

    result = put(store, 1, annotations=written, date_derniere_modification=NOW + timedelta(hours=1))

    assert result.unchanged == 1
    assert events(store) == [("cree", None)]
    with store.reading() as reader:
        assert "Éligible" in {c["valeur"] for c in reader.champs(ONE)}


def test_a_later_annotation_date_is_told(store: Store) -> None:
    """Somebody else than dsync wrote an annotation: pushes have to look again."""
    put(store, 1)

    result = put(store, 1, date_derniere_modification_annotations=NOW)

    assert result.annotations_changed == [ONE]


def test_only_what_verdicts_rest_on_queues_again(store: Store) -> None:
    """A judged dossier waits again when its inputs change, not when its annotations do."""
    put(store, 1)
    with writing(store) as tx:
        tx.save_verdicts(1, [make_verdict(1)], NOW)
        tx.close_evaluation([DossierNumber(1)])
    put(store, 1, annotations=(champ("a1", "Étape", "entretien"),))
    with writing(store) as tx:
        assert tx.numbers_to_judge() == []

    put(store, 1, champs=())

    with writing(store) as tx:
        assert tx.numbers_to_judge() == [1]


def test_a_reopened_dossier_is_judged_again(store: Store) -> None:
    """From a finished state back to an open one: the verdict is worked out anew."""
    put(store, 1, etat=Etat.REFUSE)
    with writing(store) as tx:
        tx.save_verdicts(1, [make_verdict(1)], NOW)
        tx.close_evaluation([DossierNumber(1)])

    put(store, 1, etat=Etat.EN_INSTRUCTION)

    with writing(store) as tx:
        assert tx.numbers_to_judge() == [1]


def test_a_hidden_dossier_that_comes_back_is_restored(store: Store) -> None:
    """Restored, with the same content: one event, and judged again."""
    put(store, 1)
    with writing(store) as tx:
        assert tx.apply_deletions(1, [make_deleted(1)], [], now=NOW) == 1

    put(store, 1)

    assert [name for name, _ in events(store)] == ["cree", "masque", "restaure"]


def test_seen_dossiers_leave_quarantine(store: Store) -> None:
    """What can be read again is released, once."""
    with writing(store) as tx:
        tx.quarantine(1, ONE, "invalid_null", "Illisible.", NOW)
        tx.quarantine(1, ONE, "invalid_null", "Illisible.", NOW)
        (aside,) = tx.quarantined()
    assert aside.tentatives == 2

    put(store, 1)

    with writing(store) as tx:
        assert tx.quarantined() == []
    assert [name for name, _ in events(store)] == ["quarantaine", "cree", "liberation"]


def test_quarantine_tells_the_last_reason_and_the_first_date(store: Store) -> None:
    """Another attempt may fail otherwise: its code and sentence are what helps."""
    later = NOW + timedelta(hours=1)
    with writing(store) as tx:
        tx.quarantine(1, ONE, "timeout", "Trop lent.", NOW)
        tx.quarantine(1, ONE, "bad_data", "Cassé.", later)
        (aside,) = tx.quarantined()

    assert (aside.code, aside.message, aside.tentatives) == ("bad_data", "Cassé.", 2)
    assert (aside.depuis, aside.dernier_essai_le) == (NOW, later)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    """The page and its watermark are stored together or not at all."""

    def fail_at_the_end() -> None:
        with writing(store) as tx:
            tx.store_page(1, [make_mapped(1)], now=NOW, mark_read=True)
            tx.save_state(watermark=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_the_end()

    with writing(store) as tx:
        assert None is tx.state().watermark
        assert tx.present_count() == 0


def test_statements_do_not_grow_with_the_page(store: Store) -> None:
    """Ten dossiers or a hundred: the same number of statements, for new, same and changed."""

    def count(size: int, first: int) -> list[int]:
        counts: list[int] = []
        for changes in ({}, {}, {"motivation": "autre"}):
            statements: list[str] = []

            def note(*args: object, into: list[str] = statements) -> None:
                into.append(str(args[2]))

            page = [make_mapped(n, **changes) for n in range(first, first + size)]
            with writing(store) as tx:
                event.listen(tx.connection, "before_cursor_execute", note)
                tx.store_page(1, page, now=NOW, mark_read=True)
                counts.append(len(statements))
        return counts

    few, many = count(10, 1), count(100, 1000)

    assert few == many
    assert max(many) <= 7


def test_the_watermark_never_goes_back(store: Store) -> None:
    """An older watermark is not stored; another field is."""
    with writing(store) as tx:
        tx.save_state(watermark=NOW)
        tx.save_state(watermark=NOW - timedelta(1), page_size=7)
        state = tx.state()

    assert (state.watermark, state.page_size) == (NOW, 7)


def test_long_and_odd_texts_are_kept(store: Store) -> None:
    """Emoji, right-to-left and quotes survive, at any length."""
    nasty = "=1+1;'\"\\ שלום 🎉 " * 5000

    put(store, 1, champs=(champ("c1", "Problème", nasty),), candidature={"probleme": nasty})

    with store.reading() as reader:
        document = reader.dossier(ONE)
        assert document is not None
        assert nasty == document["probleme"]
        assert nasty in {c["valeur"] for c in reader.champs(ONE)}


def test_a_reading_without_a_demarche_says_so(store: Store) -> None:
    """A question about no démarche is a fault told as such."""
    with store.reading() as reader, pytest.raises(StoreError, match="démarche"):
        reader.runs()
