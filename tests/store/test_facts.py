"""The démarche, its revisions, and the copies of evidence come back as they were stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from dsync.eig.store import CATALOGUE, EvidenceCopy, evidence, save_evidence, save_evidence_check
from dsync.store import Store
from tests.store.builders import DEMARCHE, NOW, make_demarche, writing


def test_the_demarche_comes_back_with_all_revisions_ever_seen(store: Store) -> None:
    """A revision that DS gives no more is kept: dossiers may still be of it."""
    demarche = make_demarche()
    with writing(store) as tx:
        assert None is tx.demarche()
        tx.save_demarche(demarche, NOW)
        assert demarche == tx.demarche()
        tx.save_demarche(replace(demarche, revisions={}, titre="autre"), NOW)

    with store.reading(DEMARCHE) as reader:
        assert demarche.revisions == reader.revisions()


def test_a_failed_check_keeps_the_last_good_copy(store: Store) -> None:
    """The copy stays, with why it could not be renewed."""
    copy = EvidenceCopy(CATALOGUE, "{}", None, NOW, NOW, etag="e", sha256="s")
    later = NOW + timedelta(hours=1)
    with writing(store) as tx:
        save_evidence(tx.connection, copy)
        save_evidence_check(tx.connection, later, "injoignable")

        assert replace(copy, checked_at=later, erreur="injoignable") == evidence(tx.connection)


def test_the_first_check_may_fail(store: Store) -> None:
    """A source that was never read is known with its failure alone."""
    with writing(store) as tx:
        save_evidence_check(tx.connection, NOW, "injoignable")
        assert EvidenceCopy(CATALOGUE, None, None, None, NOW, erreur="injoignable") == (
            evidence(tx.connection)
        )
