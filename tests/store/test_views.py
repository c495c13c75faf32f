"""The views: their names and columns are a promise, their contents the same on both engines."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import inspect

from dsync.annotations.wish import NewWish
from dsync.database import PROGRAMME
from dsync.domain.documented import MASKED
from dsync.domain.dossier import Anomaly, Etat, Ligne, Message, Traitement
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.domain.verdict import Controle, Resultat
from dsync.domain.wording import words
from dsync.eig.candidature import Grille
from dsync.eig.precheck.catalogue import KnownProduct, Phase
from dsync.eig.rows import save_products
from dsync.errors import ConfigurationError
from dsync.sandbox import execution
from dsync.store import Store
from dsync.store.codes import COULEURS
from dsync.store.dictionary import NO_PROGRAMME
from dsync.store.engine import parse_url
from dsync.store.reading_views import shipped_dictionary
from tests.store.builders import (
    CHAMPS,
    EARLIER,
    NOW,
    champ,
    make_deleted,
    make_demarche,
    make_mapped,
    make_verdict,
    name_products,
    save_rules,
    save_verdicts,
    writing,
)
from tests.store.databases import on_postgresql

OF_ALL = {"lecture_valeur", "lecture_produit", "lecture_regle"}
"""Views that are the same for all démarches; each other one has the démarche's number."""

TRANSPORT = KnownProduct(
    "transport",
    "Transport",
    phases=(Phase("construction", date(2023, 10, 2)), Phase("investigation", date(2023, 3, 1))),
    incubateur="L’incubateur",
    vu_le=NOW,
)
RULES = {
    "version": "abc",
    "revision": 5,
    "precontrole": {"instruction": "le service"},
    "listes": [{"genre": "operateurs", "annee": 2026}],
    **dict.fromkeys(("categories", "controles", "phrases"), ()),
}


RICH: dict[str, Any] = {
    "labels": ("éligible", 'l’« autre » "$.x"'),
    "traitements": (
        Traitement("depose", EARLIER, None, None, RevisionId("rev-0")),
        Traitement("classe_sans_suite", EARLIER.replace(hour=14), None, "a@b.fr"),
        Traitement("repasse_en_construction", EARLIER.replace(hour=15), None, "a@b.fr"),
    ),
    "messages": (Message("m1", EARLIER, "administration", True, EARLIER, EARLIER),),
}


PYTHON = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": date,
    "datetime": datetime,
    "json": str,
    "text": str,
}
"""The types of the values that SQLAlchemy returns, by type of the dictionary."""


@pytest.fixture
def rich(store: Store) -> Store:
    """A store with something in every view."""
    with writing(store) as tx:
        run = tx.journal.start_run("incremental", "cli", NOW)
        tx.demarche.save(make_demarche())
        tx.dossiers.store_page(run, [make_mapped(1, **RICH)], now=NOW)
        save_verdicts(tx, run, [make_verdict(1)], NOW)
        name_products(tx, {1: "transport"})
        save_products(tx.connection, [TRANSPORT])
        save_rules(tx, RULES, NOW)
        tx.queue.close([DossierNumber(1)])
        found = Controle("phase", Resultat.A_VERIFIER, "Phase incertaine.", {"phase": "success"})
        answered = Resultat.CONFORME
        tx.answers.give(DossierNumber(1), found, answered, "Attestation", by="ada@poste", now=NOW)
        tx.outbox.wish([NewWish(DossierNumber(1), "resultat", "À vérifier")], NOW)
        tx.quarantine.add(run, DossierNumber(7), Anomaly.BAD_DATA, "Illisible.", NOW)
        tx.state.save_figures(NOW, changed=True)
        for changes in ({"groupe_instructeur": "autre"}, {}):
            page = [make_mapped(1, **{**RICH, **changes})]
            tx.dossiers.store_page(run, page, now=NOW)
        tx.queue.close([DossierNumber(1)])
        seen = {"since": NOW, "now": NOW, "result": {"nombre": 1}}
        tx.requests.record("consultation", {"dossiers": [1]}, "ada@poste", **seen)
    return store


def instant(value: str | datetime) -> datetime:
    """Return an instant of a view: UTC text on SQLite, an aware one on PostgreSQL."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def rows(store: Store, view: str) -> list[dict[str, Any]]:
    with store.reading() as reader:
        found = reader.connection.exec_driver_sql(f"SELECT * FROM {view}").mappings().all()
    return [dict(row) for row in found]


INSTEAD = re.compile(r"Ouvert à sa place : (\w+)(?: de (\w+))?")


def test_each_view_has_the_columns_of_the_dictionary(rich: Store) -> None:
    """In its order, each with its sentence; tests/outside/golden/columns.txt has both.

    That of a closed one names what is open in its place to readers without personal data.
    """
    dictionary = rich.dictionary()
    for view, documented in dictionary.items():
        if not view.startswith("formulaire_"):
            shown = rows(rich, view)
            assert shown, f"{view} shows nothing: have the fixture `rich` write something for it."
            assert list(documented.columns) == list(shown[0]), view
            assert (view in OF_ALL) is ("demarche_numero" not in shown[0]), view
            for name, one in documented.columns.items():
                if one.mark in MASKED:
                    found = INSTEAD.search(one.sentence)
                    assert found, (view, name)
                    if found[1] not in ("rien", "formulaire_"):
                        column = dictionary[found[2] or view].columns[found[1]]
                        assert column.mark not in MASKED, (view, name)
        sentences = [documented.description, *(one.said for one in documented.columns.values())]
        assert [] == [sentence for sentence in sentences if not sentence.endswith(".")], view


def test_what_a_value_contains_is_no_champ_and_no_file(store: Store) -> None:
    """DS may give any JSON as a value, also with names that dsync uses around it."""
    inner = {"id": "faux", "texte": "faux", "nom": "faux"}
    value = {"champs": [inner], "lignes": [{"id": "l", "champs": [inner]}], "fichiers": [inner]}
    champs = [champ("c1", "Lieu", "ici", valeur=[value], type="x"), champ("c2", "Vide", None)]
    cell = Ligne("r1", (*champs, CHAMPS[2]))
    block = champ("c5", "Bloc", type="repetition", lignes=(Ligne("r0", ()), cell))
    with writing(store) as tx:
        record = make_mapped(1, champs=(*champs, block, CHAMPS[2]), annotations=tuple(champs))
        tx.dossiers.store_page(1, [record], now=NOW)
    shown = [
        (r["origine"], r["champ_id"], r["libelle"], r["type"], r["ligne"], r["valeur"])
        for r in rows(store, "lecture_champ")
    ]
    both = [("c1", "Lieu", "x", "ici"), ("c2", "Vide", "text", None)]
    file = ("c4", "Lettre", "piece_justificative", "lettre.pdf")
    whole = [("champ", None, *one) for one in (*both, ("c5", "Bloc", "repetition", None), file)]
    whole += [("champ", 2, *one) for one in (*both, file)]
    whole += [("annotation", None, *one) for one in both]
    expected = [(o, id_, label, type_, ligne, v) for o, ligne, id_, label, type_, v in whole]
    assert sorted(expected, key=str) == sorted(shown, key=str)
    assert [("c4", "lettre.pdf", "SAFE")] * 2 == [
        (r["champ_id"], r["nom"], r["analyse_antivirus"]) for r in rows(store, "lecture_piece")
    ]


@on_postgresql
def test_postgresql_compiles_no_query_for_one_dossier(rich: Store) -> None:
    """From `jit_above_cost` on it would, for 0.3 s, to return some rows."""
    with rich.reading() as reader:
        ask = reader.connection.exec_driver_sql
        limit = ask("SELECT setting::float FROM pg_settings WHERE name = 'jit_above_cost'").scalar()
        costs = {
            view: ask(f"EXPLAIN (FORMAT json) SELECT * FROM {view} WHERE numero = 1").scalar_one()
            for view, documented in rich.dictionary().items()
            if next(iter(documented.columns)) == "numero" and not view.startswith("formulaire_")
        }
    assert {} == {v: c for v, [plan] in costs.items() if (c := plan["Plan"]["Total Cost"]) > limit}


@on_postgresql
@pytest.mark.parametrize("view", ["lecture_champ", "lecture_piece"])
def test_postgresql_can_share_the_parsing_of_all_dossiers(rich: Store, view: str) -> None:
    """Between its processes, where it has the choice; a UNION that depends on a row stops it."""
    with rich.reading() as reader:
        ask = reader.connection.exec_driver_sql
        ask("SET LOCAL parallel_setup_cost = 0; SET LOCAL min_parallel_table_scan_size = 0")
        plan = "\n".join(ask(f"EXPLAIN SELECT count(*) FROM {view}").scalars())
    assert "Finalize Aggregate" in plan.partition("\n")[0]
    assert "Parallel Seq Scan on contenu" in plan


def test_the_statistics_count_current_verdicts(rich: Store) -> None:
    """By month of deposit, check, outcome and what was observed; older verdicts do not count."""
    with writing(rich) as tx:
        save_verdicts(tx, 2, [make_verdict(1)], NOW.replace(hour=13))

    expected = {("depot", "conforme"), ("phase", "a_verifier")}
    observed = ("administration_centrale", "acceleration")
    assert {("2024-05", *one, *observed, 1, 86321) for one in expected} == {
        tuple(row.values())[:-1] for row in rows(rich, "lecture_statistique")
    }


def test_months_are_those_of_paris(store: Store) -> None:
    """A deposit on 1 July at 00:30 in Paris is July's, in summer and in winter time."""
    months = {
        datetime(2024, 6, 30, 21, 59, 59, tzinfo=UTC): "2024-06",
        datetime(2024, 6, 30, 22, 30, tzinfo=UTC): "2024-07",
        datetime(2024, 12, 31, 22, 59, 59, tzinfo=UTC): "2024-12",
        datetime(2024, 12, 31, 23, 0, tzinfo=UTC): "2025-01",
        # The last hours before summer time, and the first of winter's: 31 March is a Sunday.
        datetime(2024, 3, 31, 22, 0, tzinfo=UTC): "2024-04",
        datetime(2019, 3, 31, 0, 59, tzinfo=UTC): "2019-03",
        datetime(2027, 10, 31, 22, 30, tzinfo=UTC): "2027-10",
        datetime(2027, 10, 31, 23, 0, tzinfo=UTC): "2027-11",
        datetime(2026, 10, 31, 22, 59, tzinfo=UTC): "2026-10",
    }
    page = [make_mapped(n, date_depot=at) for n, at in enumerate(months, start=1)]
    with writing(store) as tx:
        tx.dossiers.store_page(1, page, now=NOW)
        save_verdicts(tx, 1, [make_verdict(n) for n, _ in enumerate(months, start=1)], NOW)

    found = [
        row["mois"] for row in rows(store, "lecture_statistique") if row["controle"] == "depot"
    ]
    assert sorted(months.values()) == sorted(found)


def test_averages_have_two_decimals(store: Store) -> None:
    """What is read is a mark, not a fraction."""
    notes = (4.0, 4.0, 3.0)
    mapped = make_mapped(1, candidature={"evaluations": (Grille(1, None, None, None, notes),)})
    with writing(store) as tx:
        tx.dossiers.store_page(1, [mapped], now=NOW)

    assert [3.67] == [row["moyenne"] for row in rows(store, "lecture_evaluation")]


def test_a_role_that_cannot_be_a_reader_is_refused(database_url: str, store: Store) -> None:
    """Unknown, or the one that dsync works with: a sentence, and nothing changed."""
    for role in ("personne", parse_url(database_url).username or "postgres"):
        with pytest.raises(ConfigurationError):
            store.grant_reader(role)


def test_a_product_shows_its_last_phase(rich: Store) -> None:
    """In the catalogue's words, since its first day; its page's address; a candidature names it."""
    [product] = rows(rich, "lecture_produit")
    assert ("construction", "2023-10-02", "https://beta.gouv.fr/startups/transport.html") == (
        product["phase"],
        str(product["phase_depuis"]),
        product["adresse"],
    )
    [candidature] = rows(rich, "lecture_candidature")
    assert ("Transport", "défaut") == (
        candidature["produit_nom"],
        candidature["groupe_instructeur"],
    )


def test_a_version_of_the_rules_is_shown_whole_and_as_it_was_first_stored(rich: Store) -> None:
    """Stored again it keeps its first instant."""
    with writing(rich) as tx:
        save_rules(tx, RULES | {"revision": 9}, NOW + timedelta(days=1))
    [rule] = rows(rich, "lecture_regle")
    assert ("abc", NOW, 5) == (rule["version"], instant(rule["depuis_le"]), rule["revision"])
    assert RULES["precontrole"] == json.loads(rule["precontrole"])


def test_of_two_phases_of_one_day_a_product_shows_the_last_listed_one(store: Store) -> None:
    """As the pre-check reads the catalogue."""
    day = date(2023, 10, 2)
    for names in (("investigation", "construction"), ("construction", "investigation")):
        phases = tuple(Phase(name, day) for name in names)
        with writing(store) as tx:
            save_products(tx.connection, [KnownProduct("x", "X", phases=phases, vu_le=NOW)])
        [product] = rows(store, "lecture_produit")
        assert (names[1], str(day)) == (product["phase"], str(product["phase_depuis"]))


def test_decisions_have_their_order_reason_and_revision(store: Store) -> None:
    """Each one, also one that was undone; two in the same second keep DS's order."""
    at = EARLIER.replace(hour=14)
    steps = (
        Traitement("depose", EARLIER, None, None, RevisionId("r1")),
        Traitement("refuse_automatiquement", at, None, None, RevisionId("r1")),
        Traitement("repasse_en_instruction", at, None, "a@b.fr", RevisionId("r2")),
        Traitement("accepte", at, "Bravo", "a@b.fr", RevisionId("r2")),
    )
    with writing(store) as tx:
        pages = [
            make_mapped(1, traitements=steps, etat=Etat.ACCEPTE),
            make_mapped(2, traitements=steps[:-1], etat=Etat.EN_INSTRUCTION),
        ]
        tx.dossiers.store_page(1, pages, now=NOW)

    found = [row for row in rows(store, "lecture_decision") if row["numero"] == 1]
    assert {86321} == {row.pop("demarche_numero") for row in found}
    assert [
        {"etat": "refuse", "motivation": None, "instructeur_courriel": None, "revision": "r1"},
        {
            "etat": "accepte",
            "motivation": "Bravo",
            "instructeur_courriel": "a@b.fr",
            "revision": "r2",
        },
    ] == [
        {
            name: row[name]
            for name in row
            if name in ("etat", "motivation", "instructeur_courriel", "revision")
        }
        for row in found
    ]
    assert {1: [False, True], 2: [False]} == {
        number: [
            bool(row["en_vigueur"])
            for row in rows(store, "lecture_decision")
            if row["numero"] == number
        ]
        for number in (1, 2)
    }
    assert [(1, at), (2, at)] == [(row["rang"], instant(row["decide_le"])) for row in found]


def test_a_label_shows_its_colour_and_who_put_it(rich: Store) -> None:
    """One that the démarche did not have when it was last read has no colour yet."""
    names = ("etiquette", "couleur", "posee_par_dsync")
    assert {("éligible", "green_bourgeon", False), ('l’« autre » "$.x"', None, False)} == {
        tuple(row[name] for name in names) for row in rows(rich, "lecture_etiquette")
    }


def test_a_jury_ranks_what_is_marked_in_full(store: Store) -> None:
    """By the soutenance where there is one; equal means share a rank; gaps and the absent none."""
    marks = {
        1: (("Dossier", "A", (1, 1)), ("Soutenance", "A", (4, 4)), ("Soutenance", "B", (3, 4))),
        2: (("Dossier", "A", (4, 4)), ("Dossier", "B", (3, 3)), ("Dossier", "b", (3, 4))),
        3: (("Dossier", "A", (5, 5)), ("Dossier", "B", (5, None))),
        4: (),
        5: (("Dossier", None, (2, 2)),),
        6: (("Dossier", "A", (5, 5)),),
    }
    with writing(store) as tx:
        for n, some in marks.items():
            evaluations = tuple(
                Grille(ligne, moment, who, None, ms)
                for ligne, (moment, who, ms) in enumerate(some, start=1)
            )
            etat = Etat.ACCEPTE if n == 1 else Etat.EN_INSTRUCTION
            made = make_mapped(n, etat=etat, candidature={"evaluations": evaluations})
            tx.dossiers.store_page(1, [made], now=NOW)
        tx.dossiers.store_page(1, [make_mapped(7, candidature={"jury_le": None})], now=NOW)
        tx.deletions.apply(2, [make_deleted(6)], [], now=NOW)

    names = ("rang", "moment", "nb_evaluations", "nb_evaluateurs", "nb_incompletes")
    notes = ("note_moyenne", "note_min", "note_max", "ecart_evaluateurs")
    assert {
        1: (1, "soutenance", 3, 2, 0, 3.75, 3, 4, 0.5),
        2: (1, "dossier", 3, 2, 0, 3.75, 3, 4, 0.5),
        3: (None, "dossier", 2, 2, 1, None, 5, 5, None),
        4: (None, None, 0, 0, 0, None, None, None, None),
        5: (2, "dossier", 1, 1, 0, 2, 2, 2, None),
        6: (None, "dossier", 1, 1, 0, 5, 5, 5, None),
    } == {
        row["numero"]: tuple(row[name] for name in names + notes)
        for row in rows(store, "lecture_jury_dossier")
    }
    [jury] = rows(store, "lecture_jury")
    assert ("2024-07-01", 6, 1, 3.63, 3, 86321) == (str(jury.pop("jury_le")), *jury.values())[:-1]
    counted = [
        (row["ligne"], bool(row["compte"]), row["remplacee_par"], bool(row["soutenance"]))
        for row in rows(store, "lecture_evaluation")
        if row["numero"] == 2
    ]
    assert [(1, True, None, False), (2, False, 3, False), (3, True, None, False)] == sorted(counted)


def test_a_mean_between_two_hundredths_is_the_same_on_each_database(store: Store) -> None:
    """2.67 and 2.68 make 2.68: as a float their mean is a little less than 2.675."""
    grids = tuple(
        Grille(ligne, None, None, None, (mark,)) for ligne, mark in enumerate((2.67, 2.68), start=1)
    )
    some = [(1, grids), (2, grids[:1]), (3, grids[1:])]
    with writing(store) as tx:
        for n, evaluations in some:
            jury = {"jury_le": date(2024, 7, min(n, 2)), "evaluations": evaluations}
            tx.dossiers.store_page(1, [make_mapped(n, candidature=jury)], now=NOW)

    of_dossiers = {
        row["numero"]: row["note_moyenne"] for row in rows(store, "lecture_jury_dossier")
    }
    assert {1: 2.68, 2: 2.67, 3: 2.68} == of_dossiers
    assert [2.68, 2.68] == [row["note_moyenne"] for row in rows(store, "lecture_jury")]


def test_a_stage_between_two_tenths_of_a_day_is_the_same_on_each_database(store: Store) -> None:
    """3 h 36 min are 0.15 days, which both show as 0.2."""
    begin = datetime(2024, 3, 1, 10, 17, 23, tzinfo=UTC)
    end = begin + timedelta(hours=3, minutes=36)
    steps = (
        Traitement("depose", begin, None, None),
        Traitement("passe_en_instruction", end, None, None),
    )
    with writing(store) as tx:
        page = [
            make_mapped(1, date_depot=begin, traitements=steps, etat=Etat.EN_INSTRUCTION),
        ]
        tx.dossiers.store_page(1, page, now=NOW)

    first = next(row for row in rows(store, "lecture_etape") if row["rang"] == 1)
    assert ("En construction", 0.2) == (first["etape"], first["jours"])


def test_every_value_has_its_meaning(rich: Store) -> None:
    """`lecture_valeur` has each code that a view shows and each that it may show, once."""
    keys = [(row["vue"], row["colonne"], row["valeur"]) for row in rows(rich, "lecture_valeur")]
    listed = {(view, column) for view, column, _ in keys}
    found = {
        (view, column, row[column])
        for view, column in listed
        for row in rows(rich, view)
        if row[column] is not None
    }
    assert found <= set(keys)
    assert len(keys) == len(set(keys))
    colours: Any = execution.schema().type_map["LabelColorEnum"]
    assert colours.values.keys() == COULEURS.keys()
    for name, view in shipped_dictionary(PROGRAMME).items():
        for column, one in view.columns.items():
            assert "lecture_valeur" not in one.sentence or (name, column) in listed
            assert "{codes}" not in one.sentence


def test_no_meaning_of_the_engine_is_of_one_programme() -> None:
    """Its words are those of every démarche, and each is a sentence."""
    for view in shipped_dictionary(NO_PROGRAMME).values():
        for one in view.columns.values():
            for meaning in one.codes.values():
                assert meaning.endswith(".")
                assert not {"candidat", "programme", "configurée"} & set(words(meaning))


def test_the_declared_types_are_those_of_the_columns(store: Store) -> None:
    """As both engines give them; SQLite has JSON as text."""
    with store.reading() as reader:
        is_postgresql = reader.connection.dialect.name == "postgresql"
        kinds = PYTHON | ({"json": object} if is_postgresql else {})
        for name, view in shipped_dictionary(PROGRAMME).items():
            found = inspect(reader.connection).get_columns(name)
            declared = {column: kinds[one.type] for column, one in view.columns.items()}
            assert declared == {one["name"]: one["type"].python_type for one in found}, name
