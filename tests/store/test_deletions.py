"""Following deletions, and what erasing leaves."""

from __future__ import annotations

from datetime import timedelta

from dsync.annotations.wish import NewWish
from dsync.domain.dossier import Anomaly
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.eig.precheck.evidence import RegistryAnswer, RegistryStatus
from dsync.eig.rows import registry, save_registry
from dsync.store import Store
from tests.store.builders import (
    DEMARCHE,
    NOW,
    make_deleted,
    make_mapped,
    make_verdict,
    name_products,
    save_verdicts,
    writing,
)

ONE = DossierNumber(1)
TOMBSTONE = """
numero demarche_numero etat presence presence_raison presence_le archive depose_le depot_semaine
depot_mois en_construction_le champs_modifie_le annotations_modifiees_le modifie_le
synchronise_le modifie_ici_le verdict verdict_etabli_le precontroles controles annotations
evenements
"""


def full(store: Store) -> None:
    with writing(store) as tx:
        page = [make_mapped(1, motivation="secret"), make_mapped(2)]
        tx.dossiers.store_page(1, page, now=NOW)
        save_verdicts(tx, 1, [make_verdict(1), make_verdict(2)], NOW)
        name_products(tx, {ONE: "transport"})
        tx.queue.close([ONE])
        tx.outbox.wish([NewWish(ONE, "resultat", "À vérifier")], NOW)
        tx.quarantine.add(1, ONE, Anomaly.REGLE, "Message", NOW)


def test_erasing_leaves_a_tombstone(store: Store) -> None:
    """Number, state, dates, reason, verdicts' results and check outcomes stay; all else goes."""
    full(store)

    with writing(store) as tx:
        assert tx.deletions.apply(2, [], [make_deleted(1)], now=NOW) == 1

    with store.reading() as reader:
        document = reader.dossiers.by_number(ONE)
        champs = reader.rows_of("lecture_champ", ["valeur"], {"numero": ONE}, order="valeur")
    assert document is not None
    kept = {name for name, value in document.items() if value not in (None, [])}
    assert {*TOMBSTONE.split()} == kept
    assert champs == []
    (verdict,) = document["precontroles"]
    assert (verdict["verdict"], verdict["version_regles"], verdict["detail"]) == (
        "À vérifier",
        "r1",
        None,
    )
    assert [
        (c["controle"], c["resultat"], c["motif"], c["preuve"]) for c in document["controles"]
    ] == [("depot", "conforme", None, None), ("phase", "a_verifier", None, None)]
    assert [(a["valeur"], a["statut"]) for a in document["annotations"]] == [(None, "remplacee")]
    assert {None} == {event["details"] for event in document["evenements"]}


def test_another_demarche_keeps_what_it_knows_of_a_removed_dossier(store: Store) -> None:
    """A dossier that this démarche took wrongly is its own there: its quarantine stays."""
    other = DemarcheNumber(DEMARCHE + 1)
    with writing(store) as tx:
        tx.dossiers.store_page(1, [make_mapped(1)], now=NOW)
        tx.quarantine.add(1, ONE, Anomaly.REGLE, "Ici", NOW)
    with writing(store, other) as tx:
        tx.quarantine.add(1, ONE, Anomaly.REGLE, "Là", NOW)

    with writing(store) as tx:
        tx.deletions.remove([ONE])

    with store.reading(DEMARCHE) as reader:
        assert (None, []) == (reader.dossiers.by_number(ONE), reader.quarantine.entries())
    with store.reading(other) as reader:
        assert ["Là"] == [one.message for one in reader.quarantine.entries()]


def test_an_erased_dossier_that_comes_back_is_new(store: Store) -> None:
    """Nothing of the former one is compared with it."""
    full(store)
    with writing(store) as tx:
        tx.deletions.apply(2, [], [make_deleted(1)], now=NOW)
        result = tx.dossiers.store_page(3, [make_mapped(1)], now=NOW)

    assert result.created == [ONE]
    with store.reading() as reader:
        document = reader.dossiers.by_number(ONE)
    assert document is not None
    assert document["raison_sociale"] == "DINUM"


def test_the_registry_forgets_an_erased_applicant(store: Store) -> None:
    """An enterprise that no other dossier names is forgotten with the last one."""
    answer = RegistryAnswer(
        "130025265", RegistryStatus.FOUND, nature_juridique="7120", consulted_at=NOW
    )
    until = NOW + timedelta(1)
    full(store)
    with writing(store) as tx:
        save_registry(tx.connection, [answer], fetched_at=NOW, expires_at=until)
        tx.deletions.erase([ONE], NOW)
        assert {"130025265": answer} == registry(tx.connection, ["130025265"], NOW)
        tx.deletions.erase([DossierNumber(2)], NOW)
        assert registry(tx.connection, ["130025265"], NOW) == {}
