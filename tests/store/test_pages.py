"""Storing pages and the démarche: what is written, what is journaled, what is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from dsync.domain.ids import DossierNumber
from dsync.errors import StoreError
from dsync.store import PageResult, Store
from tests.store.builders import (
    ANNOTATIONS,
    CHAMPS,
    DEMARCHE,
    NOW,
    champ,
    make_demarche,
    make_mapped,
    writing,
)

ONE = DossierNumber(1)


def put(store: Store, *numbers: int, run: int = 1, **changes: object) -> PageResult:
    with writing(store) as tx:
        return tx.dossiers.store_page(run, [make_mapped(n, **changes) for n in numbers], now=NOW)


def events(store: Store, number: int = 1) -> list[tuple[str, Any]]:
    with store.reading() as reader:
        found = reader.dossiers.by_number(DossierNumber(number), only=["evenements"])
    assert found is not None
    return [(e["evenement"], e["details"]) for e in found["evenements"]]


def test_changed_champs_are_named_once_and_without_their_values(store: Store) -> None:
    """Added, removed and changed champs, without dsync's own annotations."""
    new = (champ("c1", "Problème", "Tout autre chose"), *CHAMPS[1:3], champ("c9", "Entité", "x"))
    put(store, 1)
    put(store, 1, champs=new, annotations=(ANNOTATIONS[0], champ("owned", "Résultat", "É")))

    assert ("modifie", {"champs": ["Problème", "Entité"]}) == events(store)[-1]
    put(store, 1, champs=new[:-1], annotations=(champ("a1", "Étape", "fin"),))
    assert ("modifie", {"champs": ["Entité", "Étape"]}) == events(store)[-1]


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
                tx.dossiers.store_page(1, page, now=NOW)
                counts.append(len(statements))
        return counts

    few, many = count(10, 1), count(100, 1000)

    assert few == many
    assert max(many) <= 9


def test_a_reading_without_a_demarche_says_so(store: Store) -> None:
    """A question about no démarche is a fault told as such."""
    with store.reading() as reader, pytest.raises(StoreError, match="démarche"):
        reader.journal.runs()


def test_the_demarche_comes_back_with_all_revisions_ever_seen(store: Store) -> None:
    """A revision that DS gives no more is kept: dossiers may still be of it."""
    demarche = make_demarche()
    with writing(store) as tx:
        assert None is tx.demarche.read()
        tx.demarche.save(demarche)
        assert demarche == tx.demarche.read()
        tx.demarche.save(replace(demarche, revisions={}, titre="autre"))

    with store.reading(DEMARCHE) as reader:
        assert demarche.revisions == reader.demarche.revisions()
