"""What readers without personal data see of a form: nothing that the configuration does not open.

Through the role that was granted it on PostgreSQL, and in exports from both databases.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from dsync.configuration import DemarcheSection
from dsync.exports.export import export, tables_of
from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor, ServedDossier
from dsync.store.sight import WHOLE, Sight
from tests.engine.rig import DEMARCHE, NOW, Engine, id_of, number, opening, seeds
from tests.engine.roles import made_role, read
from tests.store.databases import PostgresServer, connected, on_each

VIEW = "formulaire_86321"
MASKED = "sans_donnees_personnelles"
NIR, BIRTH, PLACE, NEEDS = 4951, 4952, 4954, 4963
ASKED: list[tuple[ChampDescriptor, Any, str, str]] = [
    (ChampDescriptor(NIR, "integer_number", "Numéro de sécurité sociale"), 285017512345678,
     "numero_de_securite_sociale", "285017512345678"),
    (ChampDescriptor(BIRTH, "date", "Date de naissance"), "1985-01-17",
     "date_de_naissance", "1985-01-17"),
    (ChampDescriptor(4953, "civilite", "Civilité"), "Mme", "civilite", "Mme"),
    (ChampDescriptor(PLACE, "communes", "Commune de naissance"),
     {"code": "35238", "name": "Rennes", "postal_code": "35000"}, "commune_de_naissance", "Rennes"),
    (ChampDescriptor(4955, "yes_no", "Salarié protégé"), True, "salarie_protege", "true"),
    (ChampDescriptor(4956, "decimal_number", "Revenu"), 31415.92, "revenu", "31415.92"),
    (ChampDescriptor(4957, "drop_down_list", "Situation", options=["Veuve", "Mariée"]), "Veuve",
     "situation", "Veuve"),
    (ChampDescriptor(4958, "datetime", "Heure de naissance"), NOW, "heure_de_naissance",
     "2026-11-24"),
]  # fmt: skip
"""Questions about a person, of types that are chosen or counted: the answer, the column, the text
that shows it."""
COLUMNS = {column for _, _, column, _ in ASKED}


def ask(engine: Engine) -> None:
    """Add the questions to the form, and a block with the first two; answer them."""
    cells = [ChampDescriptor(4961, "integer_number", "Numéro"), ChampDescriptor(4962, "date", "Né")]
    block = ChampDescriptor(4960, "repetition", "Enfants", champs=cells)
    notes = [ChampDescriptor(5951, "integer_number", "Numéro d’agent")]
    needs = ChampDescriptor(NEEDS, "multiple_drop_down_list", "Aides", options=["Rampe", "Boucle"])
    fields = [*(one for one, *_ in ASKED), block, needs]
    engine.control.form.publish_revision(Change(add_champs=fields, add_annotations=notes))
    for one, value, *_ in ASKED:
        engine.control.edit_champ(number(0), one.stable_id, value)
    engine.control.edit_champ(number(0), 4960, [{4961: 199887766, 4962: "2011-12-13"}])
    engine.control.edit_champ(number(0), NEEDS, ["Rampe", "Boucle"])
    engine.control.edit_annotation(number(0), 5951, 77665544)
    engine.advance(minutes=1)
    engine.sync()


SECRETS = {"285017512345678", "1985-01-17", "31415.92", "199887766", "2011-12-13", "77665544"}
"""Those of the answers that nothing else can contain."""


@pytest.fixture
def few(database_url: str) -> Iterator[Engine]:
    """An engine of some dossiers on each database."""
    with Engine(database_url, seeds(range(4))) as made:
        yield made


def exported(engine: Engine, folder: Path, *opened: int) -> tuple[dict[str, list[str]], str]:
    """Export without personal data; return the columns by view, and all files as one text."""
    store = engine.worker.store
    by_programme = engine.worker.app.configuration.opened
    dictionary = store.dictionary({DEMARCHE: {*by_programme, *map(id_of, opened)}})
    tables = tables_of(dictionary, without_personal_data=True)
    with store.reading() as reader:
        done = export(reader.connection, tables, folder, format_="csv", made_at=NOW)
    texts = [(folder / one.file).read_text("utf-8-sig") for one in done]
    return {one.name: [*one.columns] for one in tables}, "\n".join(texts)


def test_an_export_has_no_answer_that_is_not_open(few: Engine, tmp_path: Path) -> None:
    """Whatever its type; one that is open is there, and stays so when its question is retyped."""
    few.begin()
    ask(few)
    columns, whole = exported(few, tmp_path)
    assert set() == COLUMNS & {*columns[VIEW]}
    assert ["numero", "ligne", "modifie_ici_le"] == columns[f"{VIEW}_enfants"]
    assert set() == {one for one in SECRETS if one in whole}
    # What the programme declares as open is there.
    assert {"phase_du_produit", "date_du_jury"} < {*columns[VIEW]}

    for retyped in (False, True):
        if retyped:
            few.control.form.publish_revision(Change(retype={NIR: "text", BIRTH: "text"}))
            few.control.edit_champ(number(0), NIR, "285017512345678")
            few.control.edit_champ(number(0), BIRTH, "né le 1985-01-17")
            few.advance(minutes=1)
            few.sync()
        columns, whole = exported(few, tmp_path, NIR, 4961)
        nir = {one for one in columns[VIEW] if one.startswith("numero_de_securite")}
        assert 1 + retyped == len(nir)
        assert nir == {one for one in columns[VIEW] if one.startswith((*COLUMNS,))}
        assert {"285017512345678", "199887766"} == {one for one in SECRETS if one in whole}
    assert "pseudonymisées" in (tmp_path / "datapackage.json").read_text("utf-8")


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[Engine]:
    """An engine of some dossiers on PostgreSQL, one of a person's own enterprise."""
    url = postgres_server.make(migrated=True)
    with Engine(url, [*persons()]) as made:
        yield made
    postgres_server.drop(url)


@pytest.fixture
def role(postgres: Engine) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    with made_role(postgres) as name:
        yield name


def of_first(engine: Engine, role: str) -> dict[str, Any]:
    """Return the answers of the first dossier that the role sees, by the question's column."""
    [row] = read(engine, role, f"SELECT * FROM {MASKED}.{VIEW} WHERE numero = {number(0)}")
    return {name: value for name, value in row.items() if name.startswith((*COLUMNS,)) and value}


def test_a_role_reads_what_the_configuration_opens(postgres: Engine, role: str) -> None:
    """From its next run on; a question that is retyped neither opens a column nor blanks one."""
    postgres.worker.store.grant_reader(role, masked=True)
    postgres.sync()
    ask(postgres)
    # What is masked is declared; a comment only says it.
    with connected(postgres.url) as connection:
        for view, column in (("lecture_dossier", "usager_courriel"), (VIEW, min(COLUMNS))):
            connection.execute(text(f"COMMENT ON COLUMN {view}.{column} IS 'Sans marque.'"))
    postgres.worker.store.grant_reader(role, masked=True)
    assert {} == of_first(postgres, role)
    rows = read(postgres, role, f"SELECT usager_courriel FROM {MASKED}.lecture_dossier")
    assert {None} == {row["usager_courriel"] for row in rows}
    postgres.restart(configuration=opening(NIR, PLACE))
    postgres.sync()
    seen = {
        "numero_de_securite_sociale": 285017512345678,
        "commune_de_naissance": "35000 Rennes (35238)",
        "commune_de_naissance_commune_code": "35238",
    }
    assert seen == of_first(postgres, role)
    postgres.control.form.publish_revision(
        Change(retype={NIR: "text", BIRTH: "integer_number", PLACE: "textarea"})
    )
    # DS empties what is retyped in an open dossier.
    postgres.control.edit_champ(number(0), NIR, "2 85 01")
    postgres.control.edit_champ(number(0), PLACE, "Rennes, chez ma mère")
    postgres.control.edit_champ(number(0), BIRTH, 19850117)
    postgres.advance(minutes=1)
    postgres.sync()
    assert {"2 85 01", "Rennes, chez ma mère"} == {*of_first(postgres, role).values()}
    [comment] = read(
        postgres,
        role,
        f"SELECT obj_description('{MASKED}.{VIEW}'::regclass) AS description",
    )
    assert "pseudonymisées" in comment["description"]
    # Closed again at the next grant, before any run.
    postgres.worker.store.grant_reader(role, masked=True, opened={DEMARCHE: []})
    assert {} == of_first(postgres, role)


def test_who_answered_a_question_that_is_not_open_stays_unknown(
    postgres: Engine, role: str, tmp_path: Path
) -> None:
    """A view of its choices, or of a block, has no rows, neither for a role nor in an export."""
    postgres.worker.store.grant_reader(role, masked=True)
    postgres.sync()
    ask(postgres)
    views = (f"{VIEW}_aides", f"{VIEW}_enfants")

    def counted(place: str) -> list[int]:
        return [postgres.rows(f"SELECT count(*) AS n FROM {place}.{one}")[0]["n"] for one in views]

    assert ([2, 1], [0, 0]) == (counted("public"), counted(MASKED))
    exported(postgres, tmp_path)
    assert [1, 1] == [len((tmp_path / f"{one}.csv").read_text().splitlines()) for one in views]
    postgres.worker.store.grant_reader(
        role, masked=True, demarche=DEMARCHE, opened={DEMARCHE: [id_of(NEEDS)]}
    )
    assert [2, 0] == counted(MASKED) == counted(f"demarche_{DEMARCHE}_{MASKED}")
    exported(postgres, tmp_path, NEEDS, 4961)
    assert [3, 2] == [len((tmp_path / f"{one}.csv").read_text().splitlines()) for one in views]


ALONE, UNKNOWN, STATE = 0, 1, 2
TOGETHER = {3: "2110", 4: "2220", 5: "2385"}
"""Persons alone, with an organisation, and of a liberal profession."""


def persons() -> Iterator[ServedDossier]:
    """Yield dossiers of single persons and of several, of an unknown category, and of the State."""
    for rank, one in enumerate(seeds(range(6))):
        made = deepcopy(one)
        entreprise = made.demandeur["entreprise"]
        if rank == ALONE:
            entreprise |= {"forme_juridique_code": "1000", "raison_sociale": "CANARI Grace"}
        elif rank in TOGETHER:
            entreprise |= {"forme_juridique_code": TOGETHER[rank], "raison_sociale": "CANARI & Co"}
        elif rank == UNKNOWN:
            entreprise |= {"forme_juridique_code": None, "forme_juridique": None}
        yield made


NAMED = ("siret", "siren", "raison_sociale", "commune_code", "region_nom")
"""In the views of dossiers; those of the programme's view are the first three and the last."""
ALWAYS_EMPTY = ("usager_courriel", "mandataire_nom", "demandeur_nom", "instructeurs")


def test_a_person_is_not_named_by_an_enterprise(
    postgres: Engine, role: str, tmp_path: Path
) -> None:
    """SIRET, SIREN and raison sociale are empty where a person applies, or may; else there."""
    postgres.worker.store.grant_reader(role, masked=True)
    postgres.sync()
    known = {row["numero"]: row for row in postgres.rows("SELECT * FROM lecture_dossier")}
    assert "CANARI Grace" == known[number(ALONE)]["raison_sociale"]
    assert all(known[number(STATE)][name] for name in (*NAMED, "usager_courriel", "instructeurs"))
    for view in ("lecture_dossier", VIEW, "lecture_candidature"):
        for row in read(postgres, role, f"SELECT * FROM {MASKED}.{view}"):
            is_named = row["numero"] not in {*map(number, (ALONE, UNKNOWN, *TOGETHER))}
            names = [name for name in NAMED if name in row]
            expected = [known[row["numero"]][name] if is_named else None for name in names]
            assert expected == [row[name] for name in names]
            assert {None} == {row.get(name) for name in ALWAYS_EMPTY}
    views = read(postgres, role, f"SELECT viewname FROM pg_views WHERE schemaname = '{MASKED}'")
    _, whole = exported(postgres, tmp_path)
    for one in views:
        whole += str(read(postgres, role, f"SELECT * FROM {MASKED}.{one['viewname']}"))
    alone, state = (known[number(rank)] for rank in (ALONE, STATE))
    assert {one for one in NAMED[:3] if alone[one] in whole} == set()
    assert {one for one in NAMED if state[one] in whole} == {*NAMED}


MARKS = {
    "lecture_evaluation": ("moyenne",),
    "lecture_evaluation_note": ("note",),
    "lecture_jury_dossier": (
        "rang", "note_moyenne", "note_min", "note_max", "ecart_evaluateurs",
    ),
    "lecture_jury": ("note_moyenne", "note_ecart"),
}  # fmt: skip
"""What a lecteur of the console sees from the deliberation on."""
PAST, FUTURE = date(2026, 1, 1), date(2999, 1, 1)
DAYS = ((None, False), (FUTURE, False), (PAST, True), (FUTURE, False))


@pytest.fixture
def graded(database_url: str) -> Iterator[Engine]:
    """An engine of dossiers some of which have a jury, and marks, on each database."""
    with Engine(database_url, seeds(range(30))) as made:
        made.sync(push=False)
        for view, columns in MARKS.items():
            for column in columns:
                assert made.rows(f"SELECT 1 FROM {view} WHERE {column} IS NOT NULL"), column
        yield made


def deliberating(day: date | None) -> dict[str, Any]:
    """Return the change of a configuration with that day."""
    return {"demarche": {"number": int(DEMARCHE), "deliberation": day}}


@on_each
def test_an_export_has_no_mark_before_the_deliberation(graded: Engine, tmp_path: Path) -> None:
    """Nor a rank; from the day on that the configuration says, as the console shows them."""
    store = graded.worker.store
    names = [*MARKS]
    for rank, (day, is_shown) in enumerate(DAYS):
        section = DemarcheSection(number=int(DEMARCHE), deliberation=day)
        configuration = graded.worker.app.configuration.model_copy(update={"demarche": section})
        deliberated = {int(DEMARCHE)} if configuration.is_deliberated(NOW.date()) else set[int]()
        tables = tables_of(
            store.dictionary(), names, without_personal_data=True, deliberated=deliberated
        )
        with store.reading() as reader:
            export(reader.connection, tables, tmp_path / str(rank), format_="csv", made_at=NOW)
        for name, columns in MARKS.items():
            text_ = (tmp_path / str(rank) / f"{name}.csv").read_text("utf-8-sig")
            rows = [*csv.DictReader(io.StringIO(text_))]
            assert rows
            for column in columns:
                assert is_shown == any(row[column] for row in rows), (name, column, day)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_role_sees_no_mark_before_the_deliberation(
    graded: Engine, postgres: Engine, role: str
) -> None:
    """From its day on by itself; by what the last run, or the grant, was configured with."""
    del postgres  # Whose role it is, as roles are of the server.
    for day, is_shown in DAYS:
        graded.restart(configuration=deliberating(day))
        configured = graded.worker.app.configuration.opened
        if day is FUTURE:
            graded.worker.store.grant_reader(role, masked=True, opened={DEMARCHE: configured})
        else:
            graded.worker.store.grant_reader(role, masked=True)
            graded.sync(push=False)
        for view, columns in MARKS.items():
            for column in columns:
                found = read(graded, role, f"SELECT {column} AS x FROM {MASKED}.{view}")
                assert is_shown == any(row["x"] is not None for row in found), (view, column, day)
    graded.execute(f'DROP OWNED BY "{role}"')


@on_each
def test_what_says_nothing_of_a_person_is_seen(engine: Engine) -> None:
    """Who decided, as a pseudonym; how long a text is, and no other value; the place's région."""
    engine.sync()
    wanted = {
        "lecture_decision": ("numero", "rang", "instructeur_courriel", "decideur"),
        "lecture_champ": ("numero", "champ_id", "type", "valeur", "longueur"),
        "lecture_candidature": ("numero", "departement_code", "entite", "affectation_region"),
    }

    def seen(sight: Sight) -> dict[str, list[dict[str, Any]]]:
        with engine.worker.store.reading(DEMARCHE, sight) as reader:
            return {
                view: reader.rows_of(view, columns, {"demarche_numero": DEMARCHE}, order="numero")
                for view, columns in wanted.items()
            }

    whole, masked = seen(WHOLE), seen(Sight(persons=False, texts=False))
    decided = {(one["instructeur_courriel"], one["decideur"]) for one in whole["lecture_decision"]}
    agents = [courriel for courriel, _ in decided if courriel]
    assert agents
    assert len(decided) == len({courriel for courriel, _ in decided})
    assert all((courriel is None) == (pseudonym is None) for courriel, pseudonym in decided)
    known = {f(a.encode()).hexdigest()[:8] for a in agents for f in (sha256, md5)}
    assert not known & {pseudonym for _, pseudonym in decided}
    assert {(None, pseudonym) for _, pseudonym in decided} == {
        (one["instructeur_courriel"], one["decideur"]) for one in masked["lecture_decision"]
    }
    lengths = [(one["type"], one["valeur"], one["longueur"]) for one in whole["lecture_champ"]]
    assert any(length for *_, length in lengths)
    assert all(
        length == (len(value) if type_ == "textarea" and value is not None else None)
        for type_, value, length in lengths
    )
    assert {None} == {one["valeur"] for one in masked["lecture_champ"]}
    assert sorted(str(one) for *_, one in lengths) == sorted(
        str(one["longueur"]) for one in masked["lecture_champ"]
    )
    places = {one["affectation_region"] for one in masked["lecture_candidature"]}
    assert len(places) > 1
    assert {None} == {one["entite"] for one in masked["lecture_candidature"]}
