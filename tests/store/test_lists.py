"""Lists: what a search finds, and what filters and orders leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import structs

from dsync.domain.check_answers import ANSWER
from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import NO_VERDICT, Controle, Resultat, Verdict
from dsync.eig.candidature import Voeu
from dsync.eig.precheck.catalogue import KnownProduct
from dsync.eig.rows import save_products
from dsync.store import Store
from dsync.store.listing import SORTS, Selection, persons_found
from dsync.store.sight import WHOLE, Sight
from tests.store.builders import (
    DEMARCHE,
    NOW,
    make_dossier,
    make_mapped,
    make_verdict,
    name_products,
    save_verdicts,
    writing,
)

LECTEUR = Sight(persons=False, texts=False, marks=False)


def found(store: Store, sight: Sight = WHOLE, **wanted: object) -> list[int]:
    """Return the numbers that a selection has, in its order."""
    with store.reading(DEMARCHE, sight) as reader:
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
            candidature={
                "contact_nom": "Zoé Ünal",
                "contact_courriel": "zoe.unal@agence.example",
                "sponsor_telephone": "01 99.00.49-94",
            },
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
        name_products(tx, {2: "portail-foret"})
    return store


def test_words_find_a_dossier_in_any_order(searched: Store) -> None:
    """Whatever their case, accents, apostrophes and hyphens; each word has to be there."""
    expected: dict[str, list[int]] = {
        "MINISTÈRE": [17640006],
        "ministère de la transition": [17640006],
        "COMMUNE DE BETTON": [2],
        "LA TRANSITION ÉCOLOGIQUE": [17640006],
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
        "+33 1 99 00 49 94": [17640006],
        "0199004994": [17640006],
        "%": [],
        "_": [],
    }
    assert expected == {text: found(searched, q=text) for text in expected}


def test_a_lecteur_finds_nobody_by_a_name(searched: Store) -> None:
    """Nor by what an applicant typed: what a page does not show, a search does not betray."""
    persons = ("unal", "zoe.unal@agence.example", "moreau", "elise@moreau", "0199004994")
    for text in (*persons, "startups/"):
        assert [] == found(searched, LECTEUR, q=text), text
    assert [2] == found(searched, LECTEUR, q="betton")
    assert [4, 17640006] == found(searched, LECTEUR, q="4")


def test_a_search_tells_by_whom_it_finds(searched: Store) -> None:
    """The field of the longest word; a name beside its first name; nobody by an organisation."""
    contact = ("contact_nom", "Zoé Ünal"), ("contact_courriel", "zoe.unal@agence.example")
    expected = {
        "zoe unal": [*contact],
        "zoe unal agence": [contact[1]],
        "01 99 00 49 94": [("sponsor_telephone", "01 99.00.49-94")],
        "ministère de la transition": [],
        "%": [],
    }
    with searched.reading(DEMARCHE) as reader:
        names = reader.dossiers.persons
        [row] = reader.dossiers.shown([17640006], names)
    found = {q: [(name, row[name]) for name in persons_found(q, row, names)] for q in expected}
    assert expected == found


def test_a_misspelt_name_has_neighbours(store: Store) -> None:
    """Of persons and of organisations; each proposed name finds its dossier, and nobody's else."""
    names = ["Léa Müller", "Anh Nguyen", "Paul Martin", "Ève Dubois", "Maïwenn Le Gouëllec"]
    page = [
        make_mapped(rank, candidature={"contact_nom": name}) for rank, name in enumerate(names, 1)
    ]
    page.append(make_mapped(6, demandeur=organisation("Commune de Betton", siren="213500251")))
    with writing(store) as tx:
        tx.dossiers.store_page(1, page, now=NOW)
    expected = {
        "Muler": ["Muller"],
        "nguyn anh": ["Nguyen Anh"],
        "Martn": ["Martin"],
        "Dubios": ["Dubois"],
        "legoelec": ["Le Gouellec"],
        "Maiwen Legouelec": ["Maiwenn Le Gouellec"],
        "muler nguyn": [],
        "Zénobie Nguyen": ["Nguyen"],
        "betonn": ["Commune de Betton"],
        "xyzzy": [],
    }
    with store.reading(DEMARCHE) as reader:
        assert expected == {typed: reader.dossiers.close_to(typed) for typed in expected}
    assert [5] == found(store, q="Maiwenn Le Gouellec")
    with store.reading(DEMARCHE, LECTEUR) as reader:
        assert [] == reader.dossiers.close_to("Muler")


def test_an_erased_dossier_is_found_by_its_number_alone(searched: Store) -> None:
    """The row by which lists found it is gone."""
    with writing(searched) as tx:
        tx.deletions.erase([DossierNumber(17640006)], NOW)
    assert [17640006] == found(searched, q="17640006")
    for text in ("transition", "unal", "110068012"):
        assert [] == found(searched, q=text), text


WISH = Voeu(1, "data", None)
PHASE = Controle("phase", Resultat.A_VERIFIER, "Phase inconnue.", {})
DOUBLON = Controle("doublon", Resultat.NON_CONFORME, "Un autre dossier.", {})
TO_CONFIRM = Controle("phase", Resultat.A_VERIFIER, "À confirmer.", {ANSWER: {"reponse": 1}})
FINE = Controle("phase", Resultat.CONFORME, "", {})


@pytest.fixture
def listed(store: Store) -> Store:
    """Five dossiers, each with what the others have not; the last one has no verdict."""
    paris = datetime(2024, 3, 30, 23, 30, tzinfo=UTC)
    somewhere = {"departement_code": "35", "departement_nom": "Ille-et-Vilaine"}
    page = [
        make_mapped(1, date_depot=paris, demandeur=organisation("Zéro", siren="110068012")),
        make_mapped(2, date_depot=paris - timedelta(hours=1), candidature=somewhere),
        make_mapped(3, groupe_instructeur="autre", candidature={"voeux": (WISH,)}),
        make_mapped(4, etat=Etat.EN_INSTRUCTION, candidature={"jury_le": date(2100, 6, 2)}),
        make_mapped(5, demandeur=organisation("Moreau", forme_juridique_code="1000", siren="552")),
    ]
    with writing(store) as tx:
        tx.dossiers.store_page(1, page, now=NOW)
        save_products(tx.connection, [KnownProduct("foret", "Forêt", (), vu_le=NOW)])
        name_products(tx, {2: "foret"})
        made = [
            make_verdict(1, Verdict.INELIGIBLE, controles=(PHASE, DOUBLON)),
            make_verdict(2, controles=(PHASE,)),
            make_verdict(3, controles=(TO_CONFIRM,)),
            make_verdict(4, Verdict.ELIGIBLE, controles=(FINE,)),
        ]
        save_verdicts(tx, 1, made, NOW)
    return store


def test_each_filter_leaves_what_it_says(listed: Store) -> None:
    """They combine; days are those of Paris, of which the last one is whole."""
    filters: list[tuple[dict[str, object], list[int]]] = [
        ({"controle": "phase"}, [1, 2, 3]),
        ({"controle": "phase", "resultat": "a_verifier"}, [1, 2]),
        ({"controle": "phase", "resultat": "a_confirmer"}, [3]),
        ({"controle": "phase", "resultat": "conforme"}, [4]),
        ({"controle": "pha_e"}, []),
        ({"resultat": "non_conforme"}, [1]),
        ({"resultat": "conforme"}, [4]),
        ({"rattachement": "110068012"}, [1]),
        ({"rattachement": "552"}, []),
        ({"departement": "35"}, [2]),
        ({"own": {"profil": "data"}}, [3]),
        ({"own": {"profil": "dat_"}}, []),
        ({"own": {"produit": "foret"}}, [2]),
        ({"own": {"produit": "foret", "profil": "data"}}, []),
        ({"own": {"autre": "foret"}}, []),
        ({"groupe": "autre"}, [3]),
        ({"attend": "jury"}, [4]),
        ({"etape": "En instruction", "verdict": "Éligible"}, [4]),
        ({"q": "dinum", "etat": "en_instruction"}, [4]),
        ({"verdict": NO_VERDICT}, [5]),
        ({"depose_du": date(2024, 3, 31), "depose_au": date(2024, 3, 31)}, [1]),
        ({"depose_au": date(2024, 3, 30)}, [2]),
        ({"numeros": (5, 2)}, [2, 5]),
    ]
    assert [one for one in filters if found(listed, **one[0]) != one[1]] == []


def test_each_column_is_an_order(listed: Store) -> None:
    """Whole, both ways; what has no value comes last; by what a lecteur does not see, none."""
    for tri in (*SORTS, "produit_id", "profils", "note_moyenne"):
        ups, downs = found(listed, tri=tri), found(listed, tri=tri, descendant=True)
        assert [1, 2, 3, 4, 5] == sorted(ups) == sorted(downs), tri
    assert [1, 2, 3, 5, 4] == found(listed, tri="etape")
    assert 2 == found(listed, tri="produit_id")[0]
    assert [2, 3, 1] == found(listed, tri="points", descendant=True)[:3]
    assert [1, 2, 3, 4, 5] == found(listed, LECTEUR, tri="note_moyenne")
    assert 5 == found(listed, LECTEUR, tri="raison_sociale")[-1]


def test_a_stage_begins_on_its_day(listed: Store) -> None:
    """Also where nothing was read since the day was typed."""
    with writing(listed) as tx:
        typed = make_mapped(6, etat=Etat.EN_INSTRUCTION, candidature={"jury_le": date(2024, 5, 30)})
        tx.dossiers.store_page(2, [typed], now=datetime(2024, 5, 29, tzinfo=UTC))
    with listed.reading(DEMARCHE) as reader:
        shown = reader.dossiers.shown([6])
    assert "Jury" == shown[0]["etape"]
    assert [6] == found(listed, etape="Jury")


def test_the_reasons_of_a_page_come_with_it(listed: Store) -> None:
    """The severest first; of a conforming dossier there are none."""
    with listed.reading(DEMARCHE) as reader:
        reasons = reader.dossiers.reasons([1, 4, 5])
    assert {1: ["Un autre dossier.", "Phase inconnue."]} == {
        number: [one["motif"] for one in some] for number, some in reasons.items()
    }


def test_a_dossier_has_its_place_in_a_selection(listed: Store) -> None:
    """Between the one before and the one after; the ends have one of them."""
    wanted = Selection(controle="phase", descendant=True)
    with listed.reading(DEMARCHE) as reader:
        places = [reader.dossiers.around(wanted, DossierNumber(n)) for n in (3, 2, 1, 4)]
    assert [(None, 2, 1, 3), (3, 1, 2, 3), (2, None, 3, 3), None] == places


def test_what_can_be_filtered_by_is_offered(listed: Store) -> None:
    """Organisations by name; no person is among them."""
    with listed.reading(DEMARCHE) as reader:
        offered = reader.dossiers.offered()
    assert "Ille-et-Vilaine" == offered.departements["35"]
    assert ["data", "produit", "technique"] == offered.own["profil"]
    assert "Zéro" == offered.rattachements["110068012"]
    assert "552" not in offered.rattachements
