"""The démarche and its revisions come back as they were stored."""

from __future__ import annotations

from dataclasses import replace

from dsync.store import Store
from tests.store.builders import DEMARCHE, make_demarche, writing


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
