"""The second migration: JSON becomes text that says nothing twice; readers see the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Text, cast, inspect, select, text

from dsync.domain.ids import DossierNumber
from dsync.store import Store, reading_views, schema, tables
from dsync.store.columns import JsonText
from tests.store.builders import DEMARCHE, NOW

JSON_COLUMNS = {
    (table.name, column.name)
    for table in tables.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, JsonText)
}
KEPT_PLAIN = {
    ("candidature", "champs"),
    ("candidature", "annotations"),
    ("candidature", "evaluations"),
    ("verdict", "controles"),
}
"""What PostgreSQL does not compress."""


def descriptor(id_: str, libelle: str, type_: str, parent: str | None = None) -> dict[str, Any]:
    """Make a descriptor as it is kept."""
    return {
        "id": id_,
        "libelle": libelle,
        "type": type_,
        "required": False,
        "options": None,
        "other_option": False,
        "parent_id": parent,
        "is_annotation": False,
    }


REVISION = (
    descriptor("c1", "Problème", "text"),
    descriptor("c2", "Vœux", "repetition"),
    descriptor("c3", "Profil", "drop_down_list", "c2"),
    descriptor("c4", "Lettre", "piece_justificative"),
    descriptor("c5", "Accord ?", "checkbox"),
    descriptor("c6", "Rien", "text"),
    descriptor("c8", "Pièces « utiles »", "piece_justificative", "c2"),
    descriptor("a1", "Étape", "text"),
    descriptor("a2", "Notes", "repetition"),
    descriptor("a3", "Note", "integer_number", "a2"),
)
FICHIER = {
    "nom": "l’été.pdf",
    "type_mime": "application/pdf",
    "taille": 2**40,
    "empreinte_md5": "bWQ1",
    "analyse": "SAFE",
}
NASTY = 'L\'"été" d’\\Élodie\n\t« œuvre » 🎉 {"a": 1} %s :x'


def fat(id_: str, libelle: str, type_: str, **others: Any) -> dict[str, Any]:
    """Make a champ as the first release kept it."""
    return {"id": id_, "libelle": libelle, "type": type_, **others}


FAT = [
    fat("c1", "Problème", "text", valeur=NASTY, texte=NASTY),
    fat(
        "c2",
        "Vœux",
        "repetition",
        lignes=[
            {
                "id": "r1",
                "champs": [
                    fat("c3", "Profil", "drop_down_list", valeur="data", texte="data"),
                    fat(
                        "c8",
                        "Pièces « utiles »",
                        "piece_justificative",
                        texte=FICHIER["nom"],
                        fichiers=[FICHIER, FICHIER | {"nom": "b"}],
                    ),
                ],
            },
            {
                "id": "r2",
                "champs": [
                    fat("c3", "Profil", "drop_down_list"),
                    fat("c9", "D'une autre révision", "text", valeur="x", texte="x"),
                ],
            },
            {"id": "r3", "champs": []},
        ],
    ),
    fat("c4", "Lettre", "piece_justificative", texte="a.pdf", fichiers=[FICHIER]),
    fat("c5", "Accord ?", "checkbox", valeur=True, texte="Oui"),
    fat("c6", "Rien", "text"),
    fat("c7", "Inconnu", "date", valeur="2024-07-01", texte="01/07/2024"),
    fat("c9", "D'une autre révision", "text", valeur="x", texte="x"),
]
LIGHT = [
    {"id": "c1", "texte": NASTY},
    {
        "id": "c2",
        "lignes": [
            {
                "id": "r1",
                "champs": [
                    {"id": "c3", "texte": "data"},
                    {
                        "id": "c8",
                        "texte": FICHIER["nom"],
                        "fichiers": [FICHIER, FICHIER | {"nom": "b"}],
                    },
                ],
            },
            {
                "id": "r2",
                "champs": [
                    {"id": "c3"},
                    {"id": "c9", "libelle": "D'une autre révision", "type": "text", "texte": "x"},
                ],
            },
            {"id": "r3", "champs": []},
        ],
    },
    {"id": "c4", "texte": "a.pdf", "fichiers": [FICHIER]},
    {"id": "c5", "valeur": True, "texte": "Oui"},
    {"id": "c6"},
    {
        "id": "c7",
        "libelle": "Inconnu",
        "type": "date",
        "valeur": "2024-07-01",
        "texte": "01/07/2024",
    },
    {"id": "c9", "libelle": "D'une autre révision", "type": "text", "texte": "x"},
]
FAT_ANNOTATIONS = [
    fat("a1", "Étape", "text", valeur="jury", texte="jury"),
    fat(
        "a2",
        "Notes",
        "repetition",
        lignes=[
            {"id": "r1", "champs": [fat("a3", "Note", "integer_number", valeur=4, texte="4")]},
        ],
    ),
]
LIGHT_ANNOTATIONS = [
    {"id": "a1", "texte": "jury"},
    {
        "id": "a2",
        "lignes": [{"id": "r1", "champs": [{"id": "a3", "valeur": 4, "texte": "4"}]}],
    },
]
PREUVE = {"date": "2024-05-02", "source": "l’« API » 🎉", "liste": [1, None, {"a": True}]}
FAT_CONTROLES = [
    {
        "controle": "depot",
        "resultat": "conforme",
        "motif": NASTY,
        "preuve": json.dumps(PREUVE, ensure_ascii=False, separators=(",", ":")),
    },
    {"controle": "phase", "resultat": "a_verifier", "motif": "Phase.", "preuve": "{}"},
    {"controle": "efface", "resultat": "conforme", "motif": None, "preuve": None},
]
LIGHT_CONTROLES = [
    {"controle": "depot", "resultat": "conforme", "motif": NASTY, "preuve": PREUVE},
    {"controle": "phase", "resultat": "a_verifier", "motif": "Phase.", "preuve": {}},
    {"controle": "efface", "resultat": "conforme"},
]
LABELS = ["« éligible »", "à revoir"]


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Store]:
    """A store whose schema is the first release's."""
    store = Store.open(empty_database_url, check_schema=False)
    with store._connected() as connection:
        schema.upgrade(connection, store.place, "0001")
    yield store
    store.close()


def put(connection: Connection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows by SQL alone, documents as the engine of then took them."""
    is_postgresql = connection.dialect.name == "postgresql"
    instant = "timestamptz" if is_postgresql else "text"
    holes = []
    for name in rows[0]:
        if (table, name) in JSON_COLUMNS:
            holes.append(f"CAST(:{name} AS {'jsonb' if is_postgresql else 'text'})")
        else:
            holes.append(
                f"CAST(:{name} AS {instant})" if name.endswith(("_le", "_at")) else f":{name}"
            )
    connection.execute(
        text(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({', '.join(holes)})"),
        [
            {
                name: json.dumps(value, ensure_ascii=False)
                if (table, name) in JSON_COLUMNS and value is not None
                else value
                for name, value in row.items()
            }
            for row in rows
        ],
    )


AT = NOW.strftime("%Y-%m-%d %H:%M:%S.000000")


def dossier(numero: int, revision: str | None = "rev-1", **others: Any) -> dict[str, Any]:
    return {
        "numero": numero,
        "demarche_numero": DEMARCHE,
        "revision_id": revision,
        "etat": "en_construction",
        "presence": "present",
        "archive": False,
        "depose_le": AT,
        "modifie_le": AT,
        "synchronise_le": AT,
        "lu_par_run": 1,
        "a_evaluer": False,
        "labels": LABELS,
        **others,
    }


def candidature(
    numero: int, champs: Any = FAT, annotations: Any = FAT_ANNOTATIONS
) -> dict[str, Any]:
    return {
        "numero": numero,
        "champs": champs,
        "annotations": annotations,
        "voeux": [{"rang": 1, "profil": "data", "missions": NASTY}],
        "reponses": {"voeux": "rempli"},
    }


def verdict(id_: int, numero: int, controles: Any = FAT_CONTROLES) -> dict[str, Any]:
    return {
        "id": id_,
        "numero": numero,
        "demarche_numero": DEMARCHE,
        "verdict": "À vérifier",
        "etabli_le": AT,
        "version_regles": "r1",
        "controles": controles,
        "doublons": [7],
        "courant": True,
    }


def fill(connection: Connection) -> None:
    """Put in what the first release left: whole dossiers, strange ones, and erased ones."""
    put(
        connection,
        "revision",
        {"id": "rev-1", "demarche_numero": DEMARCHE, "descriptors": REVISION},
        {
            "id": "rev-2",
            "demarche_numero": DEMARCHE,
            "descriptors": [descriptor("c9", "D'une autre révision", "text")],
        },
        {"id": "rev-3", "demarche_numero": DEMARCHE, "descriptors": None},
        {
            "id": "rev-0",
            "demarche_numero": DEMARCHE,
            "descriptors": [descriptor(d["id"], "Ancien libellé", "ancien") for d in REVISION],
        },
    )
    put(
        connection,
        "demarche",
        {
            "number": DEMARCHE,
            "titre": "aap",
            "etat": "publiee",
            "active_revision_id": "rev-1",
            "labels": {"éligible": "l1"},
            "instructeurs": [{"id": "i1", "email": "a@b.fr", "groupe": "défaut"}],
            "lue_le": AT,
        },
    )
    put(connection, "registre", {"siren": "1", "answer": None, "fetched_at": AT, "expires_at": AT})
    put(
        connection,
        "registre",
        {"siren": "2", "answer": {"a": [NASTY]}, "fetched_at": AT, "expires_at": AT},
    )
    put(
        connection,
        "dossier",
        dossier(1),
        dossier(2, "rev-2"),
        dossier(3, "rev-3"),
        dossier(4, "nowhere"),
        dossier(5, None, labels=None),
        dossier(6),
        dossier(7),
        dossier(8),
    )
    put(
        connection,
        "candidature",
        *(candidature(n) for n in (1, 2, 3, 4, 5)),
        candidature(6, None, None) | {"voeux": None, "reponses": None},
        candidature(7, [], []),
        # Dossier 8 is erased: there is nothing typed.
    )
    put(
        connection,
        "verdict",
        verdict(1, 1),
        verdict(2, 2, None) | {"doublons": None},
        verdict(3, 8, []),
    )


def column(connection: Connection, table: str, name: str, key: str) -> dict[Any, Any]:
    """Read a column of JSON, parsed here, by the key."""
    table_ = tables.metadata.tables[table]
    rows = connection.execute(select(table_.c[key], cast(table_.c[name], Text)))
    return {row[0]: None if row[1] is None else json.loads(row[1]) for row in rows}


def key_of(table: str) -> str:
    return next(iter(tables.metadata.tables[table].primary_key)).name


def seen(connection: Connection) -> dict[str, list[str]]:
    """Read all that the views show, each row as a text; of evidence what it says."""
    return {
        view: sorted(
            repr([_said(name, value) for name, value in row.items()])
            for row in connection.exec_driver_sql(f"SELECT * FROM {view}").mappings()
        )
        for view in reading_views.names()
    }


def _said(name: str, value: Any) -> Any:
    is_json = name == "preuve" and value is not None
    return json.dumps(json.loads(value), sort_keys=True) if is_json else value


def test_what_the_revision_says_is_said_no_more(old: Store) -> None:
    """Labels and types go with the descriptor that has them, a value with the text it equals."""
    with old._connected() as connection:
        fill(connection)

    old.upgrade()

    with old._connected() as connection:
        champs = column(connection, "candidature", "champs", "numero")
        annotations = column(connection, "candidature", "annotations", "numero")
    assert LIGHT == champs[1]
    assert LIGHT_ANNOTATIONS == annotations[1]


def without_values(champs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take out the values that are the text, in rows too."""
    return [
        {
            name: [row | {"champs": without_values(row["champs"])} for row in value]
            if name == "lignes"
            else value
            for name, value in champ.items()
            if name != "valeur" or value != champ.get("texte")
        }
        for champ in champs
    ]


def test_what_no_revision_says_is_kept(old: Store) -> None:
    """A revision without descriptors, one that is not there or none: each champ says all itself."""
    with old._connected() as connection:
        fill(connection)

    old.upgrade()

    with old._connected() as connection:
        champs = column(connection, "candidature", "champs", "numero")
        annotations = column(connection, "candidature", "annotations", "numero")
    for number in (3, 4, 5):
        assert without_values(FAT) == champs[number]
        assert without_values(FAT_ANNOTATIONS) == annotations[number]
    by_id = {champ["id"]: champ for champ in champs[2]}
    assert {"id": "c9", "texte": "x"} == by_id["c9"]
    assert {"id": "c1", "libelle": "Problème", "type": "text", "texte": NASTY} == by_id["c1"]


def test_evidence_is_json_and_nothing_is_written_for_nothing(old: Store) -> None:
    """JSON inside JSON is unwrapped; what an erased dossier has no more is left out."""
    with old._connected() as connection:
        fill(connection)

    old.upgrade()

    with old._connected() as connection:
        controles = column(connection, "verdict", "controles", "id")
    assert LIGHT_CONTROLES == controles[1]
    assert controles[3] == []
    assert not controles[2]


def untouched(connection: Connection) -> dict[tuple[str, str], dict[Any, Any]]:
    """Read the columns of JSON that are not made lighter."""
    return {
        (table, name): column(connection, table, name, key_of(table))
        for table, name in JSON_COLUMNS
        if name not in {"champs", "annotations", "controles"}
    }


def test_nothing_stays_nothing_and_the_rest_as_it_was(old: Store) -> None:
    """NULL is NULL, empty is empty, and JSON that was not made lighter says the same."""
    with old._connected() as connection:
        fill(connection)
        others = untouched(connection)

    old.upgrade()

    with old._connected() as connection:
        champs = column(connection, "candidature", "champs", "numero")
        annotations = column(connection, "candidature", "annotations", "numero")
        found = untouched(connection)
    assert (None, None) == (champs[6], annotations[6])
    assert ([], []) == (champs[7], annotations[7])
    assert set(range(1, 8)) == set(champs)
    assert others == found
    assert (LABELS, None) == (found["dossier", "labels"][1], found["dossier", "labels"][5])


def test_readers_see_the_same_before_and_after(old: Store) -> None:
    """Each view shows the rows that it showed: labels, types, texts, rows, files and evidence."""
    with old._connected() as connection:
        fill(connection)
        before = seen(connection)

    old.upgrade()

    with old._connected() as connection:
        assert before == seen(connection)
    assert before["lecture_champ"]
    assert before["lecture_precontrole_controle"]


def test_a_champ_has_its_label_type_and_text_again(old: Store) -> None:
    """From the revision of its dossier or from itself, in the rows of repetitions too."""
    with old._connected() as connection:
        fill(connection)

    old.upgrade()

    with old._connected() as connection:
        champs = connection.exec_driver_sql(
            "SELECT origine, champ_id, libelle, type, ligne, valeur FROM lecture_champ "
            "WHERE numero = 1"
        ).all()
        pieces = connection.exec_driver_sql(
            'SELECT numero, champ_id, nom, type_mime, taille, empreinte_md5, "analyse" '
            "FROM lecture_piece WHERE numero = 1"
        ).all()
    files = tuple(FICHIER.values())
    assert {
        ("champ", "c1", "Problème", "text", None, NASTY),
        ("champ", "c2", "Vœux", "repetition", None, None),
        ("champ", "c3", "Profil", "drop_down_list", 1, "data"),
        ("champ", "c8", "Pièces « utiles »", "piece_justificative", 1, "l’été.pdf"),
        ("champ", "c3", "Profil", "drop_down_list", 2, None),
        ("champ", "c9", "D'une autre révision", "text", 2, "x"),
        ("champ", "c4", "Lettre", "piece_justificative", None, "a.pdf"),
        ("champ", "c5", "Accord ?", "checkbox", None, "Oui"),
        ("champ", "c6", "Rien", "text", None, None),
        ("champ", "c7", "Inconnu", "date", None, "01/07/2024"),
        ("champ", "c9", "D'une autre révision", "text", None, "x"),
        ("annotation", "a1", "Étape", "text", None, "jury"),
        ("annotation", "a2", "Notes", "repetition", None, None),
        ("annotation", "a3", "Note", "integer_number", 1, "4"),
    } == {tuple(row) for row in champs}
    assert len(champs) == 14
    assert sorted([(1, "c4", *files), (1, "c8", *files), (1, "c8", "b", *files[1:])]) == sorted(
        tuple(row) for row in pieces
    )


def test_what_was_converted_is_read_by_the_store(old: Store) -> None:
    """The code of now reads the values of then: judging, forms and documents."""
    with old._connected() as connection:
        fill(connection)

    old.upgrade()

    one, two = DossierNumber(1), DossierNumber(2)
    with old.reading(DEMARCHE) as reader:
        document = reader.dossier(one)
    assert document is not None
    assert [NASTY] == [voeu["missions"] for voeu in document["voeux"]]
    lease = old.acquire_lease(DEMARCHE, 60)
    with old.transaction(lease) as tx:
        first, second = tx.judgeable([one, two])
    assert (1, NASTY) == (len(first.candidature.voeux), first.candidature.voeux[0].missions)
    assert first.current is not None
    assert [PREUVE, {}, {}] == [controle.preuve for controle in first.current.controles]
    assert [NASTY, "Phase.", ""] == [controle.motif for controle in first.current.controles]
    assert second.current is not None
    assert ((), ()) == (second.current.controles, second.current.doublons)


def types_of(connection: Connection) -> dict[tuple[str, str], str]:
    """Return PostgreSQL's types of the columns that hold JSON."""
    rows = connection.exec_driver_sql(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = current_schema()"
    )
    return {(t, c): type_ for t, c, type_ in rows if (t, c) in JSON_COLUMNS}


def storage_of(connection: Connection) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    """Return the tables' options, and the columns that PostgreSQL does not compress."""
    options = connection.exec_driver_sql(
        "SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL "
        "AND relnamespace = current_schema()::regnamespace"
    )
    plain = connection.exec_driver_sql(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE a.attstorage = 'e' AND c.relnamespace = current_schema()::regnamespace "
        "AND c.relkind = 'r'"
    )
    return dict(map(tuple, options)), set(map(tuple, plain))  # type: ignore[arg-type]


def test_json_is_text_that_postgresql_leaves_as_it_is(old: Store) -> None:
    """No column is jsonb any more; the large ones are neither compressed nor cut off early."""
    with old._connected() as connection:
        if connection.dialect.name != "postgresql":
            pytest.skip("SQLite has had text from the start")
        assert dict.fromkeys(JSON_COLUMNS, "jsonb") == types_of(connection)

    old.upgrade()

    with old._connected() as connection:
        assert dict.fromkeys(JSON_COLUMNS, "text") == types_of(connection)
        options, plain = storage_of(connection)
    long_rows = ["toast_tuple_target=8160"]
    assert {"candidature": long_rows, "verdict": long_rows} == options
    assert KEPT_PLAIN == plain


def test_going_back_and_forth_changes_no_word(old: Store) -> None:
    """What is light stays light, the schema is that of the revision, and readers see the same."""
    with old._connected() as connection:
        fill(connection)
        before = seen(connection)
    old.upgrade()
    light = {}
    with old._connected() as connection:
        for name in ("champs", "annotations"):
            light[name] = column(connection, "candidature", name, "numero")
        light["controles"] = column(connection, "verdict", "controles", "id")

    with old._connected() as connection:
        schema.downgrade(connection, "0001")
        assert schema.current_revision(connection) == "0001"
        assert before == seen(connection)
        if connection.dialect.name == "postgresql":
            assert dict.fromkeys(JSON_COLUMNS, "jsonb") == types_of(connection)
            assert ({}, set()) == storage_of(connection)
    old.upgrade()

    with old._connected() as connection:
        assert before == seen(connection)
        for name in ("champs", "annotations"):
            assert light[name] == column(connection, "candidature", name, "numero")
        assert light["controles"] == column(connection, "verdict", "controles", "id")
        if connection.dialect.name == "postgresql":
            assert dict.fromkeys(JSON_COLUMNS, "text") == types_of(connection)


@pytest.mark.parametrize("count", [200, 401])
def test_every_row_of_many_batches_is_converted(old: Store, count: int) -> None:
    """Each dossier keeps its own champs, and each verdict its own evidence."""
    numbers = range(1, count + 1)
    with old._connected() as connection:
        put(
            connection,
            "revision",
            {"id": "rev-1", "demarche_numero": DEMARCHE, "descriptors": REVISION},
        )
        put(connection, "dossier", *(dossier(n) for n in numbers))
        put(
            connection,
            "candidature",
            *(
                candidature(
                    n,
                    [fat("c1", "Problème", "text", valeur=f"p{n}", texte=f"p{n}")],
                    [fat("a1", "Étape", "text", valeur=f"é{n}", texte=f"é{n}")],
                )
                for n in numbers
            ),
        )
        put(
            connection,
            "verdict",
            *(
                verdict(
                    n,
                    n,
                    [{"controle": "d", "resultat": "conforme", "motif": "", "preuve": f"[{n}]"}],
                )
                for n in numbers
            ),
        )

    old.upgrade()

    with old._connected() as connection:
        champs = column(connection, "candidature", "champs", "numero")
        annotations = column(connection, "candidature", "annotations", "numero")
        controles = column(connection, "verdict", "controles", "id")
    assert {n: [{"id": "c1", "texte": f"p{n}"}] for n in numbers} == champs
    assert {n: [{"id": "a1", "texte": f"é{n}"}] for n in numbers} == annotations
    assert {n: [n] for n in numbers} == {n: found[0]["preuve"] for n, found in controles.items()}


def test_a_database_without_a_dossier_is_upgraded(old: Store) -> None:
    """Nothing to convert is no failure, with a form or without."""
    old.upgrade()

    old.check_schema()


def test_a_failed_conversion_leaves_the_database_as_it_was(old: Store) -> None:
    """What cannot be converted stops the upgrade; the schema and every row stay as they were."""
    with old._connected() as connection:
        fill(connection)
        put(connection, "dossier", dossier(900))
        put(connection, "candidature", candidature(900, {"c1": "no list of champs"}))
        before = column(connection, "candidature", "champs", "numero")

    with pytest.raises(TypeError):
        old.upgrade()

    with old._connected() as connection:
        assert schema.current_revision(connection) == "0001"
        assert before == column(connection, "candidature", "champs", "numero")
        assert set(reading_views.names()) == set(inspect(connection).get_view_names())
        if connection.dialect.name == "postgresql":
            assert dict.fromkeys(JSON_COLUMNS, "jsonb") == types_of(connection)
