"""Where data of persons lie is declared of each column, and a person is found in each of them."""

from __future__ import annotations

import time
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, DateTime, Float, String, Table, insert
from sqlalchemy.types import TypeDecorator

from dsync.database import PROGRAMME
from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import ConfigurationError
from dsync.store import Store, tables
from dsync.store.columns import is_text
from dsync.store.deletions import KEPT_TEXTS
from dsync.store.personal_data import Others, holdings, wanted_of
from tests.store.builders import DEMARCHE, NOW, champ, make_mapped, writing
from tests.store.databases import connected

HOLDINGS = holdings(PROGRAMME)
ONE = DossierNumber(1)


def test_every_text_is_declared() -> None:
    """As open, or as one with data of persons, which has a sentence; and until when it is kept."""
    for holding in HOLDINGS:
        texts = {one.name for one in holding.table.columns if is_text(one.type)}
        assert texts <= {one.name for one in holding.table.columns if "declared" in one.info}, (
            holding.table.name
        )
        assert [] == [
            name for name, one in holding.columns.items() if not one.sentence.endswith(".")
        ], holding.table.name
        assert holding.contents.endswith("."), holding.table.name
        assert holding.until.endswith("."), holding.table.name
        # A number or a date of a person has no place yet: the search reads texts.
        assert set() == set(holding.columns) - texts, holding.table.name
        kept = KEPT_TEXTS.get(holding.table, frozenset()) - {"controles"}
        assert set() == kept & set(holding.columns), holding.table.name


def _row(table: Table, texts: dict[str, object]) -> dict[str, object]:
    """Return a row of dossier 1 with these values; what else must have one has any."""
    others = {DateTime: NOW, Date: NOW.date(), Boolean: False, Float: 1.0, String: "x"}
    given = {"numero": ONE, "demarche_numero": DEMARCHE, "number": DEMARCHE, **texts}
    return {
        one.name: given[one.name]
        if one.name in given
        else next((value for kind, value in others.items() if isinstance(_plain(one), kind)), 7)
        for one in table.columns
        if one.name in given or not one.nullable
    }


def _plain(column: Column[Any]) -> Any:
    type_ = column.type
    return type_.impl_instance if isinstance(type_, TypeDecorator) else type_


def test_a_person_is_found_in_every_column(database_url: str, store: Store) -> None:
    """Whatever case, accents and order; with table, dossier and place, and that value alone."""
    every = [(one.table, column) for one in HOLDINGS for column in one.searched]
    names = {column: f"Hélène Œuvrard-N’Diaye{rank}" for rank, (_, column) in enumerate(every)}
    with connected(database_url) as connection:
        for table in dict.fromkeys((tables.dossier, *(table for table, _ in every))):
            texts = {
                one.name: [{"nom": names[one]}] if hasattr(one.type, "shape") else names[one]
                for one in table.columns
                if one in names
            }
            connection.execute(insert(table).values(_row(table, texts)))
    expected = {
        names[column]: (table.name, column.name, ONE if "numero" in table.columns else None)
        for table, column in every
    }
    with store.reading(DEMARCHE) as reader:
        hits = reader.persons.search("n’diaye  OEUVRARD helene")
        assert len(every) == len(hits)
        assert expected == {
            one.valeur: (one.table, one.champ.partition(".")[0], one.numero) for one in hits
        }
        [hit] = reader.persons.search("N’DIAYE1 helene")
        assert names[every[1][1]] == hit.valeur
        assert [] == reader.persons.search("Hélène Martin")
    with store.reading() as reader:
        assert len(every) == len(reader.persons.search("Hélène"))
    # Another démarche’s reader sees what belongs to none: the catalogue, the registry.
    with store.reading(DemarcheNumber(DEMARCHE + 1)) as reader:
        found = reader.persons.search("Hélène")
    assert {"evidence", "registre"} == {hit.table for hit in found}


def test_two_persons_of_a_dossier_are_nobody(database_url: str, store: Store) -> None:
    """The text by which lists find it has both, and is told to neither."""
    names = {"personnes": "ada lovelace claude exemple claude@exemple.fr"}
    with connected(database_url) as connection:
        for table, texts in ((tables.dossier, {}), (tables.liste, names)):
            connection.execute(insert(table).values(_row(table, dict(texts))))
    with store.reading(DEMARCHE) as reader:
        assert [] == reader.persons.search("Ada Exemple")
        assert [] == reader.persons.search("Lovelace")


WRITTEN = {
    "Élise Traçard": [
        *("CV_Elise_Traçard.pdf", "elise_tracard@exemple.fr", "elise.tracard2@exemple.fr"),
        *("TRACARD, Élise", "Elise-TRAÇARD_2026 (1).docx", "E. Traçard", "Traçard É."),
        *("T R A Ç A R D Élise", "Éli\u00adse Tra\u00adçard", "Élise\u00a0Traçard"),
    ],
    "E. Traçard": ["Élise Traçard", "TRAÇARD Élise", "É. TRAÇARD"],
    "T R A Ç A R D": ["Traçard"],
    "06 11 22 33 44": [
        *("+33611223344", "0033 6 11 22 33 44", "06.11.22.33.44", "+33 (0)6 11 22 33 44"),
        *("06/11/22/33/44", "tel_0611223344.pdf", "(06) 11 22 33 44", "6 11 22 33 44"),
        *("06\u202f11\u202f22\u202f33\u202f44", "(+33) 6 11 22 33 44", "tel:+33-6-11-22-33-44"),
    ],
    "+33 6 11 22 33 44": ["0611223344", "06-11-22-33-44", "(06) 11-22-33-44"],
    "(06) 11 22 33 44": ["+33 6 11 22 33 44"],
    "6 11 22 33 44": ["06 11 22 33 44", "+33 6 11 22 33 44"],
    "+262 692 12 34 56": ["0692 12 34 56", "00262 692123456", "+262 (0)692 12 34 56"],
    "0692123456": ["+262 692 12 34 56"],
    "0590 12 34 56": ["+590 590 12 34 56", "00590590123456"],
    "+590 590 12 34 56": ["0590.12.34.56"],
    "+32 470 12 34 56": ["0032 470 12 34 56", "0470/12.34.56"],
    "404833048": ["FR83404833048", "FR 83 404 833 048", "404 833 048 00022"],
    "FR83404833048": ["404 833 048", "40483304800022", "FR 83 404833048"],
    "elise.tracard@exemple.fr": [
        *("elise.tracard+eig@exemple.fr", "Elise.Tracard@exemple.fr", "<elise.tracard@exemple.fr>"),
        *("elise.tracard[at]exemple.fr", "elise.tracard (at) exemple.fr"),
        "mailto:elise.tracard%40exemple.fr",
        *("elise.tracard [arobase] exemple [point] fr", "elise.tracard＠exemple.fr"),
        "elise.tracard @ exemple . fr",
    ],
    "404 833 048 00022": ["TVA : FR83404833048", "404.833.048.00022"],
    "1 85 05 78 006 084": ["185057800608436", "1 85 05 78 006 084 36"],
    "185057800608436": ["1850578006084"],
    "elise.tracard+eig@exemple.fr": ["elise.tracard@exemple.fr"],
    "elise.tracard [at] exemple.fr": ["elise.tracard@exemple.fr"],
    "elise.tracard%40exemple.fr": ["elise.tracard@exemple.fr"],
    "Anne-Marie de La Tour": [
        *("Tour (Anne Marie de la)", "annemarie anne_marie_tour", "Annemarie Delatour"),
    ],
    "Jean-Baptistin Œuvrard": [
        *("Jeanbaptistin OEUVRARD", "J.-B. Œuvrard", "JB Oeuvrard", "jean baptistin oeuvrard"),
    ],
    "Jeanbaptistin Œuvrard": ["Jean-Baptistin Œuvrard"],
    "Louise d’Haussonville": ["LOUISE DHAUSSONVILLE", "d'Haussonville L.", "Haussonville Louise"],
    "Awa N'Diaye": ["NDIAYE Awa", "A. N’Diaye", "Awa Ndiaye"],
    "Ndiaye": ["Awa N’Diaye"],
    "DHAUSSONVILLE": ["Louise d’Haussonville", "D HAUSSONVILLE"],
    "Jürgen Müller": ["Juergen Mueller", "JURGEN MULLER"],
    "Juergen Mueller": ["Jürgen Müller"],
    "Soeren Aangstroem": ["Søren Ångström"],
    "Søren Ångström": ["SOREN ANGSTROM", "Soeren Aangstroem"],
    "Walesa Weiss": ["Wałęsa Weiß"],
    "Ελένη Παππά": ["ΠΑΠΠΑ ΕΛΕΝΗ", "Ελένη Παππά"],
}  # fmt: skip
OTHERS = {
    "Élise Traçard": ["Élise Traçardeau", "Elisee Tracard", "E. Tracardeau", "à Élise et Marc"],
    "E. Traçard": ["Marie Traçard", "elle, et Traçard"],
    "06 11 22 33 44": ["06 11 22 33 45", "106112233441", "13306112233440"],
    "elise.tracard@exemple.fr": ["elise.tracard@exemple.fri", "melise.tracard@exemple.fr"],
    "404833048": ["1404833048", "FR834048330481"],
    "404 833 048 00022": ["404833048", "404 833 048 00030"],
    "185057800608436": ["185057800608437"],
    "Louise Martin": ["Louise Lemartin", "je suis Martin"],
    "Léa Bon": ["le a été bon", "Léa Bonnet"],
}


def test_a_person_is_found_however_written(store: Store) -> None:
    """Names of files and of accounts, telephones, tags of addresses, particles; nobody else."""
    spellings = dict.fromkeys(one for table in (WRITTEN, OTHERS) for one in chain(*table.values()))
    records = [
        make_mapped(rank, champs=(champ("c1", "Problème", text),))
        for rank, text in enumerate(spellings, 1)
    ]
    with writing(store) as tx:
        tx.dossiers.store_page(1, records, now=NOW)
    with store.reading(DEMARCHE) as reader:
        for asked in {**WRITTEN, **OTHERS}:
            found = {one.valeur for one in reader.persons.search(asked)}
            assert set() == {*WRITTEN.get(asked, ())} - found, asked
            assert set() == {*OTHERS.get(asked, ())} & found, asked


def test_the_dossiers_of_an_applicant_are_named(store: Store) -> None:
    """By the person's own identifiers, not where they are mentioned or act for somebody else."""
    ada, mail = {"nom": "Lovelace", "prenom": "Ada"}, "ada@exemple.fr"
    person = Demandeur("personne_physique", details=ada)
    mentioned = (champ("c1", "Porteuse", f"Ada Lovelace, {mail}, SIRET 13002526500013"),)
    alone = Demandeur("personne_morale", "10000000100001", "100000001", "Lovelace Ada", "1000")
    other = Demandeur("personne_morale", details={"address": {"label": "2 rue Ada Lovelace"}})
    records = [
        make_mapped(1, usager_email=mail, demandeur=person),
        make_mapped(2, demandeur=other, champs=mentioned),
        make_mapped(3, demandeur=other, usager_email=mail, mandataire="Ada Lovelace"),
        make_mapped(4, demandeur=alone),
        make_mapped(5, demandeur=other, usager_email=mail),
    ]
    with writing(store) as tx:
        tx.dossiers.store_page(1, records, now=NOW)
    expected = {
        mail.upper(): [1, 5],
        "Ada Lovelace": [1, 4],
        "100 000 001": [4],
        "100 000 001 00001": [4],
        "13002526500013": [],
    }
    with store.reading(DEMARCHE) as reader:
        for text, numbers in expected.items():
            found = reader.persons.search(text)
            assert found, text
            assert numbers == reader.persons.applicant_of(found), text


def test_only_the_field_of_the_person_is_shown(store: Store) -> None:
    """A name in two champs is found; what has one of its words beside others is somebody else."""
    champs = (
        champ("c1", "Nom", "Lovelace"),
        champ("c2", "Prénom", "ADA"),
        champ("c3", "Sponsor", "Ada Byron"),
        champ("c4", "Problème", "Trop de papier"),
    )
    with writing(store) as tx:
        tx.dossiers.store_page(1, [make_mapped(champs=champs)], now=NOW)
    with store.reading(DEMARCHE) as reader:
        found = reader.persons.search("Lovelace, Ada")
        assert {"Lovelace", "ADA"} == {hit.valeur for hit in found}
        assert {"Nom", "Prénom"} == {hit.libelle for hit in found if hit.table == "contenu"}
        assert ["Ada Byron"] == [hit.valeur for hit in reader.persons.search("byron")]
        for text in ("130025265 00013", "130 025 265", "usager@Exemple.fr"):
            assert {ONE} == {hit.numero for hit in reader.persons.search(text)}, text
        # The beginning or the end of a word is another one.
        for text in ("Love", "sager@exemple.fr", "3002526500013", "Ada Martin"):
            assert [] == reader.persons.search(text), text
        with pytest.raises(ConfigurationError, match="at least 3"):
            reader.persons.search(" a ")


@pytest.mark.parametrize("text", ["a" * 50_000, "a." * 25_000, "a@" * 25_000, "06 " * 20_000])
def test_no_text_of_a_dossier_costs_more_than_its_length(text: str) -> None:
    """What a candidate writes is what the texts of others are hidden in, on a page that waits."""
    others = Others(wanted_of("Ada Lovelace"), {"contact_nom": "Byron"})
    began = time.process_time()
    others.hide(text)
    assert time.process_time() - began < 1
