"""Storing pages: what is written, what is journaled, what is left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from dsync.domain.ids import DossierNumber
from dsync.eig.store import candidatures
from dsync.errors import StoreError
from dsync.store import PageResult, Store
from tests.store.builders import (
    ANNOTATIONS,
    CHAMPS,
    NOW,
    champ,
    make_candidature,
    make_dossier,
    make_mapped,
    row_of,
    writing,
)

ONE = DossierNumber(1)


def put(store: Store, *numbers: int, run: int = 1, **changes: object) -> PageResult:
    with writing(store) as tx:
        return tx.store_page(run, [make_mapped(n, **changes) for n in numbers], now=NOW)


def events(store: Store, number: int = 1) -> list[tuple[str, Any]]:
    with store.reading() as reader:
        return [(e["evenement"], e["details"]) for e in reader.events(DossierNumber(number))]


def test_what_is_judged_comes_back_as_it_was_stored(store: Store) -> None:
    """Judging reads the candidature as the mapping made it."""
    stored = make_candidature(make_dossier(1))
    put(store, 1)

    with store.reading() as reader:
        assert row_of(stored) == row_of(candidatures(reader.connection, [ONE])[ONE])


def test_changed_champs_are_named_once_and_without_their_values(store: Store) -> None:
    """Added, removed and changed champs, without dsync's own annotations."""
    new = (champ("c1", "Problème", "Tout autre chose"), *CHAMPS[1:3], champ("c9", "Entité", "x"))
    put(store, 1)
    put(store, 1, champs=new, annotations=(ANNOTATIONS[0], champ("owned", "Résultat", "É")))

    assert ("modifie", {"champs": ["Problème", "Entité"]}) == events(store)[-1]
    put(store, 1, champs=new[:-1], annotations=(champ("a1", "Étape", "fin"),))
    assert ("modifie", {"champs": ["Entité", "Étape"]}) == events(store)[-1]


def test_quarantine_tells_the_last_reason_and_the_first_date(store: Store) -> None:
    """Another attempt may fail otherwise: its code and sentence are what helps."""
    later = NOW + timedelta(hours=1)
    with writing(store) as tx:
        tx.quarantine(1, ONE, "timeout", "Trop lent.", NOW)
        tx.quarantine(1, ONE, "bad_data", "Cassé.", later)
        (aside,) = tx.quarantined()

    assert (aside.code, aside.message, aside.tentatives) == ("bad_data", "Cassé.", 2)
    assert (aside.depuis, aside.dernier_essai_le) == (NOW, later)


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
                tx.store_page(1, page, now=NOW)
                counts.append(len(statements))
        return counts

    few, many = count(10, 1), count(100, 1000)

    assert few == many
    assert max(many) <= 7


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
