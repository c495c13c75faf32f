"""Lists: what a search finds, and what filters and orders leave."""

from __future__ import annotations

import pytest
from msgspec import structs

from dsync.domain.ids import DossierNumber
from dsync.eig.precheck.catalogue import KnownProduct
from dsync.eig.rows import DossierProduct, save_products, set_products
from dsync.store import Store
from dsync.store.listing import Selection
from tests.store.builders import DEMARCHE, NOW, make_dossier, make_mapped, writing


def found(store: Store, **wanted: object) -> list[int]:
    """Return the numbers that a selection has, in its order."""
    with store.reading(DEMARCHE) as reader:
        rows, total = reader.dossiers.listing(Selection(**wanted), limit=99)  # type: ignore[arg-type]
    assert total == len(rows)
    return [row["numero"] for row in rows]


def organisation(name: str, **others: object) -> object:
    return structs.replace(make_dossier().demandeur, raison_sociale=name, **others)


@pytest.fixture
def searched(store: Store) -> Store:
    """Dossiers of three organisations and of a person; one of them for « Portail forêt »."""
    page = [
        make_mapped(
            17640006,
            demandeur=organisation("MINISTÈRE DE LA TRANSITION ÉCOLOGIQUE", siren="110068012"),
            candidature={"contact_nom": "Zoé Ünal", "contact_courriel": "zoe.unal@agence.example"},
        ),
        make_mapped(2, demandeur=organisation("Commune de Betton")),
        make_mapped(3, demandeur=organisation("Maîtrise d’œuvre de l’Écluse-Neuve")),
        make_mapped(
            4,
            demandeur=organisation("Moreau Élise", forme_juridique_code="1000"),
            usager_email="elise@moreau.example",
        ),
    ]
    with writing(store) as tx:
        tx.dossiers.store_page(1, page, now=NOW)
        product = KnownProduct("portail-foret", "Portail forêt", ("Sylva 100%",))
        save_products(tx.connection, [product._replace(vu_le=NOW)])
        set_products(tx, {DossierNumber(2): DossierProduct("portail-foret", True)})
    return store


def test_words_find_a_dossier_in_any_order(searched: Store) -> None:
    """Whatever their case, accents, apostrophes and hyphens; each word has to be there."""
    expected: dict[str, list[int]] = {
        "MINISTÈRE": [17640006],
        "ministère de la transition": [17640006],
        "transition MINISTERE": [17640006],
        "764": [17640006],
        "110 068 012": [17640006],
        "Portail forêt": [2],
        "portail-foret": [2],
        "sylva": [2],
        "betton commune": [2],
        "betton ministère": [],
        "maitrise d'oeuvre": [3],
        "ecluse neuve": [3],
        "UNAL zoe": [17640006],
        "zoe.unal@agence.example": [17640006],
        "elise@moreau": [4],
        "moreau": [4],
        "%": [],
        "_": [],
    }
    assert expected == {text: found(searched, q=text) for text in expected}


def test_a_lecteur_finds_nobody_by_a_name(searched: Store) -> None:
    """Nor by what an applicant typed: what a page does not show, a search does not betray."""
    for text in ("unal", "zoe.unal@agence.example", "moreau", "elise@moreau", "portail"):
        assert [] == found(searched, q=text, masked=True), text
    assert [2] == found(searched, q="betton", masked=True)
    assert [17640006] == found(searched, q="17640006", masked=True)


def test_an_erased_dossier_is_found_by_its_number_alone(searched: Store) -> None:
    """The row by which lists found it is gone."""
    with writing(searched) as tx:
        tx.deletions.erase([DossierNumber(17640006)], NOW)
    assert [17640006] == found(searched, q="17640006")
    for text in ("transition", "unal", "110068012"):
        assert [] == found(searched, q=text), text
