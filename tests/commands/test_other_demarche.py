"""A démarche without one field of the programme: requests for equipment, by configuration alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import create_engine, inspect, text

from dsync.sandbox import Sandbox
from dsync.sandbox.content import EQUIPMENT_FORM
from dsync.settings import SANDBOX_DEMARCHE
from dsync.store.engine import parse_url
from tests.commands.command import Command
from tests.engine.rig import id_of
from tests.store.databases import on_postgresql, on_sqlite

NUMBER = EQUIPMENT_FORM.number
FIRST = NUMBER * 1000 + 1
LEAST = f"""
[demarche]
number = {NUMBER}
[ds]
contact = "mailto:dsync@example.gouv.fr"
"""
ANNOTATIONS = f"""
[annotations]
options = {{ eligible = "Complet", a_verifier = "À compléter", ineligible = "Refusé" }}
[annotations.resultat]
id = "{id_of(6202)}"
[annotations.detail]
id = "{id_of(6203)}"
[annotations.date]
id = "{id_of(6204)}"
"""
JUDGED = f"""{LEAST}{ANNOTATIONS}
[mapping.champs.service]
id = "{id_of(6102)}"
libelles = ["Service demandeur"]
[mapping.champs.motif]
id = "{id_of(6104)}"
libelles = ["Motif de la demande"]
[mapping.champs.montant]
id = "{id_of(6105)}"
[mapping.champs.livraison_le]
libelles = ["Livraison souhaitée le"]
[mapping.champs.teletravail]
id = "{id_of(6107)}"

[precontrole]
instruction = "la direction du numérique"

[[controles]]
nom = "depot"
titre = "date de dépôt"
exige = {{ champ = "depot", au_moins = 2020-01-01, au_plus = 2099-12-31 }}
motif = "Dossier déposé le {{depot}}."
conforme = "Dépôt le {{depot}}."
regle = "Règle."
a_faire = "décider."
[[controles]]
nom = "completude"
titre = "complétude"
exige = {{ tous_presents = ["service", "motif"] }}
conforme = "Toutes les réponses attendues sont données."
regle = "Règle."
a_faire = "demander."
"""
"""Its own fields, annotations and the two checks that need nothing of the programme."""
Configured = Callable[[str], Command]


@pytest.fixture
def configured(run: Command) -> Configured:
    """Return `dsync` with a file of this content."""

    def make(content: str) -> Command:
        path = run.folder / "equipement.toml"
        path.write_text(content, encoding="utf-8")
        return run.given(DSYNC_CONFIG=str(path))

    return make


def content_of(run: Command) -> list[str]:
    """Return what is stored, as SQL, without bookkeeping."""
    with closing(sqlite3.connect(run.folder / "dsync.db")) as connection:
        kept = [*connection.iterdump()]
    moving = (
        '"sync_run"',
        '"demande"',
        '"sync_state"',
        '"lease"',
        '"indicateur"',
        '"sqlite_sequence"',
    )
    return [line for line in kept if not line.startswith(tuple(f"INSERT INTO {t}" for t in moving))]


def test_the_copy_needs_a_number_and_a_contact(configured: Configured, sandbox: Sandbox) -> None:
    """Read, read again, an edit, views and commands: all that needs no other section works."""
    dsync = configured(LEAST)
    assert (0, 6) == ((first := dsync("sync", "--json")).code, first.json["changed"])
    before = content_of(dsync)
    assert (0, 0) == ((second := dsync("sync", "--json")).code, second.json["changed"])
    assert before == content_of(dsync)
    sandbox.control.edit_champ(FIRST, 6102, "Bureau des usages")
    assert 1 == dsync("sync", "--json").json["changed"]

    shown = dsync("dossier", "show", str(FIRST))
    assert 0 == shown.code
    assert "Bureau des usages" in shown.out
    assert "en_construction" in shown.out
    assert "Pre-check" not in shown.out
    # Nothing of the programme is in the database, and what lists the views does without.
    assert not {"lecture_candidature", "lecture_suivi"} & {
        *dsync("db", "dictionary", "--json").json
    }
    exported = dsync("export", "ici")
    assert (0, 0) == (exported.code, dsync("db", "verify").code), exported.err
    assert not (dsync.folder / "ici" / "lecture_candidature.csv").exists()
    assert (dsync.folder / "ici" / "lecture_valeur.csv").exists()
    assert [("Bureau des usages", 6)] == dsync.rows(
        f"SELECT service_demandeur, (SELECT count(*) FROM formulaire_{NUMBER}) "
        f"FROM formulaire_{NUMBER} WHERE numero = {FIRST}",
    )
    wanted = sum(len(t.raw_champs[6108]) for t in sandbox.control.truth(NUMBER))
    assert [(wanted,)] == dsync.rows(
        f"SELECT count(*) FROM formulaire_{NUMBER}_equipements_demandes WHERE quantite > 0"
    )
    assert [("Bureau des usages",)] == dsync.rows(
        f"SELECT valeur FROM lecture_champ WHERE numero = {FIRST} AND libelle LIKE 'Serv%'"
    )
    assert [] == sandbox.control.requests(kind="mutation")


def test_what_is_not_configured_is_said_in_a_sentence(configured: Configured) -> None:
    """By checks as information, by what was asked for as an error with its remedy."""
    dsync = configured(LEAST)
    assert 0 == dsync("sync").code
    assert "valid; no rules" in dsync("config", "check").out
    check = dsync("check", "--json")
    lines = {line["name"]: line for line in check.json["checks"]}
    assert 0 == check.code
    for name, section in (("annotations", "[annotations]"), ("rules", "[[controles]]")):
        assert "info" == lines[name]["status"]
        assert section in lines[name]["message"]
    assert not {"mapping", "evidence", "labels", "instructeur"} & set(lines)
    status = dsync("status", "--json")
    assert (0, []) == (status.code, status.json["warnings"])
    assert 0 == status.json["dossiers"]["to_judge"]
    missing = {
        ("push",): "[annotations]",
        ("precheck",): "[[controles]]",
        ("evidence", "show"): "[[controles]]",
    }
    for command, section in missing.items():
        ended = dsync(*command)
        assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
        assert section in ended.err
    useless = configured(f"{LEAST}{ANNOTATIONS}")("config", "check")
    assert (0, True) == (useless.code, "[annotations] has no effect" in useless.err)
    listed = configured(LEAST)("conflicts")
    assert (0, True) == (listed.code, "[annotations]" in listed.out)
    assert 0 == dsync("db", "verify").code


@on_postgresql
def test_its_own_fields_are_mapped_judged_and_written_back(
    configured: Configured, sandbox: Sandbox, database_url: str
) -> None:
    """Fields that the programme does not have are entries of `extra`, and checks can need them.

    No check needs the catalogue, so none is read.
    """
    dsync = configured(JUDGED)
    variables = {"DSYNC_BETAGOUV_URL": "http://127.0.0.1:1", "DSYNC_DATABASE_URL": database_url}
    assert 0 == dsync("check", **variables).code
    first = dsync("sync", "--json", **variables)
    assert (0, [], 5) == (first.code, first.json["errors"], first.json["pushed"])
    truth = {t.number - FIRST: t for t in sandbox.control.truth(NUMBER)}
    assert ["Complet", "Complet", "À compléter", None, "Complet", "Complet"] == [
        truth[rank].raw_annotations.get(6202) for rank in range(6)
    ]
    detail = truth[2].raw_annotations[6203].replace("\u00a0", " ")
    assert detail.startswith("À vérifier – Avis préparatoire")
    assert "la direction du numérique instruit le dossier." in detail
    assert "« Motif de la demande »" in detail
    assert 0 == dsync("sync", "--json", **variables).json["changed"]

    answers = truth[2].raw_champs
    of_third = ("dossier", "show", str(FIRST + 2))
    assert {
        "service": answers[6102],
        "montant": answers[6105],
        "livraison_le": answers[6106],
        "teletravail": answers[6107],
    } == dsync(*of_third, "--json", **variables).json["extra"]
    assert f"Livraison souhaitée le  {answers[6106]}" in dsync(*of_third, **variables).out
    sandbox.control.edit_champ(FIRST + 2, 6104, "Postes hors d’usage")
    assert 1 == dsync("sync", "--json", **variables).json["pushed"]
    assert "Complet" == sandbox.control.truth_of(FIRST + 2).raw_annotations[6202]

    assert 0 == dsync("export", "ouvert", "--without-personal-data", **variables).code
    header = (dsync.folder / "ouvert" / "lecture_candidature.csv").read_text("utf-8").split("\n")[0]
    assert "etape" in header
    assert "extra" not in header


def test_a_misspelt_field_is_warned_of(configured: Configured) -> None:
    """It would silently become an entry of `extra`: the checks name the field that is meant."""
    dsync = configured(f'{LEAST}[mapping.champs.sponsor_courriels]\nid = "{id_of(6103)}"\n')
    said = "did you mean sponsor_courriel?"
    ended = dsync("config", "check")
    assert (0, True) == (ended.code, said in ended.err)
    lines = dsync("check", "--json").json["checks"]
    assert any(
        "sponsor_courriels" in one["message"] and one["status"] == "warning" for one in lines
    )
    ended = configured(f"{LEAST}[mapping.champs.Service]\nid = 'x'\n")("config", "check")
    assert (2, True) == (ended.code, "Service: expected a name such as code_postal" in ended.err)


def test_a_configuration_is_for_its_own_demarche(configured: Configured) -> None:
    """Another number is refused before anything is asked; a number that is not there is said."""
    dsync = configured(LEAST)
    assert 0 == dsync("sync").code
    for command in ("sync", "status", "check"):
        refused = dsync(command, "--demarche", str(SANDBOX_DEMARCHE))
        assert (2, 1) == (refused.code, len(refused.err.strip().splitlines()))
        assert f"configures démarche {NUMBER}, and serves no other one" in refused.err
    shipped = {"DSYNC_CONFIG": "", "DSYNC_DEMARCHE": "99"}
    for line in (
        "status",
        "status --json",
        "dossier list",
        "history",
        "db verify",
        "pieces status",
    ):
        refused = dsync(*line.split(), **shipped)
        assert (2, True) == (refused.code, f"no démarche 99, only {NUMBER}:" in refused.text)


def taken_out(run: Command, database: str) -> Command:
    """Return `dsync` with a folder of two démarches, both read, one of which was taken out."""
    folder, copies = run.folder / "demarches", run.folder / "copies"
    folder.mkdir()
    (folder / "a.toml").write_text(
        f'{JUDGED}[pieces]\ntarget = "file://{copies}"\n', encoding="utf-8"
    )
    own = LEAST.replace(str(NUMBER), str(SANDBOX_DEMARCHE))
    (folder / "b.toml").write_text(own, encoding="utf-8")
    dsync = run.given(DSYNC_CONFIG=str(folder), DSYNC_DATABASE_URL=database)
    for number in (NUMBER, SANDBOX_DEMARCHE):
        assert 0 == dsync("sync", "--demarche", str(number)).code
    (folder / "a.toml").unlink()
    return dsync


@on_sqlite
def test_a_demarche_that_was_taken_out_is_named_and_its_data_can_be_erased(
    run: Command, database_url: str
) -> None:
    """Shown, verified, exported, erased, purged, without asking DS; not read, nor judged."""
    dsync = taken_out(run, database_url)
    status = dsync("status")
    assert (0, True) == (status.code, f"`dsync forget {NUMBER}`" in status.out)
    assert [NUMBER] == dsync("status", "--json").json["not_configured"]
    assert 7 == dsync("status", "--strict").code
    other = "--demarche", str(NUMBER)
    assert 6 == dsync("status", *other, "--json").json["dossiers"]["presence"]["present"]
    assert 6 == len(dsync("dossier", "list", *other, "--json").json)
    assert 0 == dsync("db", "verify", *other).code
    assert 0 == dsync("export", "ici", *other).code
    erased = dsync("dossier", "erase", str(FIRST), "--yes", *other)
    assert (0, "1 deleted" in erased.out) == (erased.code, True)
    assert 0 == dsync("purge", "--older-than", "1d", "--yes", *other).code
    for line in (f"dossier erase {FIRST} --undo", "sync", "pieces fetch", "push", "check"):
        refused = dsync(*line.split(), *other)
        assert (2, True) == (refused.code, "no file configures démarche" in refused.text)


def test_a_demarche_that_was_taken_out_is_forgotten_whole(
    run: Command, database_url: str, sandbox: Sandbox
) -> None:
    """After a question: no row of any table has its number or dossiers, and no file is left."""
    dsync = taken_out(run, database_url)
    kept = dsync("dossier", "list", "--json").json
    forget = "forget", str(NUMBER)
    assert 2 == dsync(*forget).code
    assert 2 == dsync("forget", str(SANDBOX_DEMARCHE), "--yes").code
    assert "only 86321" in dsync("forget", "7", "--yes").err.replace(f", {NUMBER}", "")
    before = named(database_url)
    assert {"dossier", "contenu", "verdict", "sync_run", "demande"} <= before
    done = dsync(*forget, "--yes", "--json")
    assert (0, 6) == (done.code, done.json["dossiers"])
    assert set() == named(database_url)
    assert kept == dsync("dossier", "list", "--json").json
    assert [] == dsync("status", "--json").json["not_configured"]
    assert f"formulaire_{NUMBER}" not in dsync("db", "dictionary", "--json").json
    assert 0 == dsync("db", "verify").code
    assert 2 == dsync(*forget, "--yes").code


def test_a_demarche_whose_file_is_wrong_is_not_forgotten(run: Command) -> None:
    """Not through the file of another one either: it is configured, and would be read again."""
    dsync = taken_out(run, f"sqlite:///{run.folder / 'dsync.db'}")
    file = run.folder / "demarches" / "a.toml"
    file.write_text(f"{JUDGED}x [", encoding="utf-8")
    for selected in ((), ("--demarche", str(SANDBOX_DEMARCHE))):
        refused = dsync("forget", str(NUMBER), "--yes", *selected)
        assert (2, "") == (refused.code, refused.out)
        assert f"first correct these files, one of which may be that of {NUMBER}" in refused.err
        assert "a.toml: not valid TOML" in refused.err
        assert "forget" not in dsync("status", *selected).text
    file.unlink()
    assert 6 == dsync("forget", str(NUMBER), "--yes", "--json").json["dossiers"]


def named(database: str) -> set[str]:
    """Return the tables that have rows of the démarche or its dossiers."""
    engine, found = create_engine(parse_url(database)), set()
    with engine.connect() as connection:
        inspector = inspect(connection)
        for name in inspector.get_table_names():
            have = {column["name"] for column in inspector.get_columns(name)}
            wanted = [f"numero BETWEEN {FIRST} AND {FIRST + 999}"] * ("numero" in have)
            wanted += [f"demarche_numero = {NUMBER}"] * ("demarche_numero" in have)
            wanted += [f"number = {NUMBER}"] * (name == "demarche")
            where = " OR ".join(wanted)
            if where and connection.scalar(text(f"SELECT count(*) FROM {name} WHERE {where}")):
                found.add(name)
    engine.dispose()
    return found


def test_the_registry_needs_the_mapping(configured: Configured) -> None:
    """It has nothing to ask without it: one sentence, which names both."""
    ended = configured(f"{LEAST}\n[registre]\n")("config", "check")
    assert ended.refuses("[registre] needs the section [mapping]")
    assert 1 == len(ended.err.strip().splitlines())
