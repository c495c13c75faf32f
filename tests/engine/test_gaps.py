"""What DS cannot render of a dossier for once: nothing known is lost, and nothing is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor
from tests.engine.conftest import Start
from tests.engine.oracle import check_copy
from tests.engine.rig import FIRST, PROBLEME, Engine, id_of, number, seeds
from tests.profiles import long
from tests.store.databases import on_postgresql

SIRET, RNA, MAP, COMMUNE, EPCI, BLOCK = 4910, 4911, 4912, 4913, 4914, 4920
POISONED = 5
LYON = {"code": "69123", "name": "Lyon", "postal_code": "69002"}
POINT = {"type": "Point", "coordinates": [4.85, 45.75]}
COMPANY = {"siren": "130025265", "raison_sociale": "DINUM", "forme_juridique_code": "7120"}
ETABLISSEMENT = {"kind": "morale", "siret": "13002526500013", "entreprise": COMPANY}
ASSOCIATION = {"titre": "Les Amis du numérique", "rna": "W751000000", "objet": "Aider"}
LOST = ()

Path = tuple[str | int, ...]
PARTS: dict[int, list[Path]] = {
    0: [("demandeur", "entreprise", "raisonSociale")],
    1: [("demandeur", "entreprise", "formeJuridique")],
    2: [LOST],
    3: [("demandeur", "association", "titre")],
    4: [("champs", 9, "address", "cityCode")],
    5: [("motivation",)],
    6: [("champs", 8, "departement")],
    7: [("champs", 33, "commune", "code")],
    8: [("champs", 30, "etablissement", "entreprise", "siren")],
    9: [("champs", 31, "rna", "id")],
    10: [("champs", 32, "geoAreas", 0, "geometry", "type")],
    11: [("traitements", 0, "emailAgentTraitant"), ("traitements", 1, "motivation")],
    12: [("nomMandataire",)],
    13: [("champs", 35, "rows", 1, "champs", 0, "commune", "code")],
    14: [("dateTraitement",)],
    16: [("champs", 4, "textValue"), ("champs", 4, "stringValue")],
    17: [("dateDerniereCorrectionEnAttente",)],
    18: [("annotations", 6, "dropDownValue"), ("annotations", 6, "stringValue")],
    19: [("champs", 34, "epci", "name"), ("champs", 34, "stringValue")],
}
"""What DS fails on, by the dossier's rank; `LOST`: the applicant itself."""
OF_FORM = "SELECT * FROM formulaire_86321 ORDER BY numero"


@pytest.fixture
def many(database_url: str) -> Iterator[Engine]:
    """An engine of dossiers that have each part, on SQLite and on PostgreSQL."""
    with Engine(database_url, seeds(range(21))) as engine:
        yield with_each_part(engine)


def with_each_part(engine: Engine) -> Engine:
    rows = [ChampDescriptor(4921, "communes", "Où"), ChampDescriptor(4922, "text", "Quoi")]
    new = [
        ChampDescriptor(SIRET, "siret", "Partenaire"),
        ChampDescriptor(RNA, "rna", "Association"),
        ChampDescriptor(MAP, "carte", "Carte"),
        ChampDescriptor(COMMUNE, "communes", "Commune"),
        ChampDescriptor(EPCI, "epci", "Intercommunalité"),
        ChampDescriptor(BLOCK, "repetition", "Lieux", champs=rows),
    ]
    engine.control.form.publish_revision(Change(add_champs=new))
    for rank in range(21):
        dossier = engine.control.world.dossier(number(rank))
        dossier.champs |= {SIRET: ETABLISSEMENT, RNA: "W751000000", MAP: [POINT], COMMUNE: LYON}
        dossier.champs[EPCI] = {"code": "200046977", "name": "Métropole de Lyon"}
        dossier.champs[BLOCK] = [{4921: LYON, 4922: "Un"}, {4921: LYON, 4922: "Deux"}]
        dossier.annotations[5202] = "Soutenance"
        dossier.nom_mandataire = "Essai"
    nameless = {**COMPANY, "raison_sociale": ""}
    engine.control.replace_demandeur(
        number(3), {**ETABLISSEMENT, "entreprise": nameless, "association": ASSOCIATION}
    )
    engine.control.ask_correction(number(17))
    engine.control.move(number(11), "refuse", motivation="Hors sujet")
    engine.advance(hours=1)
    return engine


def harm(engine: Engine) -> dict[str, Any]:
    """Have DS fail on each part; return what `mend` needs."""
    for rank, paths in PARTS.items():
        for path in filter(None, paths):
            engine.control.faults.fail_field(number(rank), path)
    [lost] = [rank for rank, paths in PARTS.items() if LOST in paths]
    applicant: dict[str, Any] = engine.control.world.dossier(number(lost)).demandeur
    engine.control.replace_demandeur(number(lost), {})
    return {"number": number(lost), "demandeur": applicant}


def mend(engine: Engine, lost: dict[str, Any]) -> None:
    for rank in PARTS:
        engine.control.faults.repair(number(rank))
    engine.control.replace_demandeur(**lost)
    engine.advance(minutes=1)


def facts(engine: Engine) -> dict[str, Any]:
    """Return all that is stored of dossiers, without the journal and the instants of dsync."""
    content = {
        table: engine.rows(f"SELECT * FROM {table} ORDER BY numero")
        for table in ("dossier", "contenu", "candidature", "formulaire_86321")
    }
    bookkeeping = {"lu_par_run", "synchronise_le", "a_evaluer", "modifie_ici_le"}
    bookkeeping |= {"decideurs"}  # Pseudonyms by a secret of the database, which was lost.
    return {
        table: [{k: v for k, v in row.items() if k not in bookkeeping} for row in rows]
        for table, rows in content.items()
    }


@on_postgresql
def test_a_part_that_ds_fails_on_keeps_what_is_known_of_it(many: Engine) -> None:
    """Each part of a dossier: its rows stay as they were, its verdict too, and no event is told."""

    def content(*without: str) -> dict[str, list[str]]:
        return {name: rows for name, rows in many.content().items() if name not in without}

    many.sync(full=True, push=False)
    before, events = content("evenement"), many.rows("SELECT * FROM evenement")
    kept = {name: rows for name, rows in before.items() if name != "quarantaine"}
    lost = harm(many)
    assert 7 == many.sync(full=True, push=False).exit_code
    assert {rank: ("incomplet", 1) for rank in PARTS} == many.quarantine()
    assert kept == content("evenement", "quarantaine")
    assert 0 == many.sync(full=True, push=False).changed
    assert kept == content("evenement", "quarantaine")
    mend(many, lost)
    report = many.sync(full=True, push=False)
    assert (0, 0, {}) == (report.exit_code, report.changed, many.quarantine())
    assert before == content("evenement")
    new = many.rows("SELECT evenement FROM evenement ORDER BY id")[len(events) :]
    assert {"quarantaine", "liberation"} == {one["evenement"] for one in new}
    assert [] == many.worker.app.verify(remote=False).findings


def test_a_part_that_ds_failed_on_at_the_first_sight_comes_later_without_a_change(
    many: Engine,
) -> None:
    """What comes then is as if it had been read at once; an edit meanwhile is told as one."""
    lost = harm(many)
    assert 7 == many.sync(full=True, push=False).exit_code
    assert [] == many.worker.app.verify(remote=False).findings
    many.advance(hours=1)
    many.control.edit_champ(number(13), 4922, "Trois", row=1)
    many.control.edit_champ(number(4), PROBLEME, "Autre")
    assert 7 == many.sync(full=True, push=False).exit_code
    mend(many, lost)
    assert 0 == many.sync(full=True, push=False).exit_code
    told = many.rows("SELECT numero, nouvelle_valeur FROM lecture_changement ORDER BY numero")
    assert [(number(4), "Autre"), (number(13), "Trois")] == [tuple(row.values()) for row in told]
    edited = many.rows("SELECT numero FROM evenement WHERE evenement = 'modifie' ORDER BY numero")
    assert [number(4), number(13)] == [row["numero"] for row in edited]
    shown = facts(many)
    many.lose_database()
    many.sync(full=True, push=False)
    assert facts(many) == shown


def test_an_object_that_only_lacks_its_name_is_no_anomaly(many: Engine) -> None:
    """Its code is stored, one line tells it of all dossiers; another code is told as a change."""
    for rank in (0, 1):
        many.control.faults.null_field(number(rank), ("champs", 34, "epci", "name"))
        many.control.faults.null_field(number(rank), ("champs", 34, "stringValue"))
    for _ in range(2):
        report = many.sync(full=True, push=False)
        assert (7, {}, 0) == (report.exit_code, many.quarantine(), report.quarantined)
        [line] = report.errors
        assert "names of some places" in line
        texts = [row["intercommunalite"] for row in many.rows(OF_FORM)[:3]]
        assert ["200046977 (nom inconnu)"] * 2 + ["Métropole de Lyon"] == texts
    many.control.faults.repair(number(0))
    many.control.world.dossier(number(1)).champs[EPCI] = {"code": "243500139", "name": "Rennes"}
    many.sync(full=True, push=False)
    many.control.faults.repair(number(1))
    assert 0 == many.sync(full=True, push=False).exit_code
    texts = [row["intercommunalite"] for row in many.rows(OF_FORM)[:3]]
    assert ["Métropole de Lyon", "Rennes", "Métropole de Lyon"] == texts


def test_another_applicant_that_ds_renders_in_part_is_not_the_known_one(many: Engine) -> None:
    """Its SIRET is read, the name of the one before is not kept with it."""
    many.sync(full=True, push=False)
    other = {**ETABLISSEMENT, "siret": "13002526500021", "entreprise": {**COMPANY}}
    many.control.replace_demandeur(number(0), other)
    many.control.faults.null_field(number(0), ("demandeur", "entreprise", "raisonSociale"))
    many.sync(full=True, push=False)
    row = many.one("dossier", 0)
    assert ("13002526500021", None) == (row["siret"], row["raison_sociale"])
    assert "modifie" in many.events(0)
    many.control.faults.repair(number(0))
    many.sync(full=True, push=False)
    assert "DINUM" == many.one("dossier", 0)["raison_sociale"]
    assert 1 == many.events(0).count("modifie")


def test_an_organisation_stays_known_while_the_registry_is_down(many: Engine) -> None:
    """DS then gives the SIRET alone, or no company; an association is named by its title."""
    many.sync(full=True, push=False)
    row = many.one("lecture_candidature", 3)
    assert ("Les Amis du numérique", "130025265") == (row["raison_sociale"], row["siren"])
    before = facts(many)
    for applicant in ({"kind": "morale_incomplete"}, {"kind": "morale", "entreprise": None}):
        siret = many.one("dossier", 0)["siret"]
        many.control.replace_demandeur(number(0), {**applicant, "siret": siret})
        assert 0 == many.sync(full=True, push=False).changed
        assert before == facts(many)


def test_a_required_field_that_ds_fails_on_costs_its_dossier_alone(many: Engine) -> None:
    """Its error names no reason, and leaves nothing of the dossier: no query was refused."""
    many.sync(full=True, push=False)
    before = many.one("dossier", 0)["content_hash"]
    fields = ("usager",), ("groupeInstructeur",), ("labels",), ("traitements",)
    for rank, path in enumerate(fields):
        many.control.faults.fail_field(number(rank), path)
    many.control.edit_champ(number(9), PROBLEME, "Autre")
    report = many.sync(full=True, push=False)
    assert (7, 1) == (report.exit_code, report.changed)
    assert set(range(len(fields))) == set(many.quarantine())
    assert before == many.one("dossier", 0)["content_hash"]
    for rank in range(len(fields)):
        many.control.faults.repair(number(rank))
    assert (0, {}) == (many.sync(full=True, push=False).exit_code, many.quarantine())


@pytest.mark.parametrize(("harm", "most"), [("null_field", 7), long("fail_reads", 9 * POISONED)])
def test_a_map_that_ds_cannot_render_costs_its_dossier_the_map_alone(
    start: Start, harm: str, most: int
) -> None:
    """5 of 40: the applicant, the messages, the dates and the other champs are as DS serves them.

    On a first copy and after an edit. Where DS names the map, a page costs two requests more: for
    the numbers, and for these dossiers without it; where it answers 500, halves are asked for.
    """
    # A large page takes long on a busy machine, and a deadline would be counted, too.
    engine = start(range(40), limits={"deadline_s": 60.0})
    new = [ChampDescriptor(MAP, "carte", "Carte"), ChampDescriptor(COMMUNE, "communes", "Terrain")]
    engine.control.form.publish_revision(Change(add_champs=new))
    shown = [truth.number for truth in engine.control.truth() if truth.presence == "present"]
    for one in shown:
        engine.control.world.dossier(one).champs |= {MAP: [POINT], COMMUNE: LYON}
    # The finished ones keep the form without the map.
    fresh = [one for one in shown if engine.control.truth_of(one).state.startswith("en_")]
    poisoned = fresh[4 : POISONED * 5 : 5]
    assert POISONED == len(poisoned)
    place = len(engine.control.world.dossier(shown[0]).demarche.revisions[-1].champs) - 2
    for one in poisoned:
        getattr(engine.control.faults, harm)(one, ("champs", place, "geoAreas"))
    engine.advance(hours=1)

    def read(**options: Any) -> None:
        engine.control.forget_requests()
        report = engine.sync(push=False, **options)
        assert 7 == report.exit_code
        assert {one - FIRST: "incomplet" for one in poisoned} == {
            rank: code for rank, (code, _) in engine.quarantine().items()
        }
        assert report.requests <= most
        without = [e for e in engine.requests("Dossier") if not e.variables.get("withMaps", True)]
        assert len(without) <= 4

    def of_poisoned(table: str) -> list[dict[str, Any]]:
        rows = engine.rows(f"SELECT * FROM {table} ORDER BY numero")
        return [row for row in rows if row["numero"] in poisoned]

    read()
    for row in of_poisoned("contenu"):
        assert [id_of(MAP)] == json.loads(row["lacunes"])
    for row in of_poisoned("formulaire_86321"):
        assert ("69002 Lyon (69123)", None) == (row["terrain"], row["carte"])
    for row in of_poisoned("dossier"):
        truth = engine.control.truth_of(row["numero"])
        assert truth.demandeur["siret"] == row["siret"]
        assert "inconnu" != row["demandeur_type"]
        assert truth.nb_messages == row["nb_messages"]
    engine.advance(hours=1)
    for one in poisoned:
        engine.control.edit_champ(one, PROBLEME, "Un autre problème")
    applicant = engine.control.truth_of(poisoned[0]).demandeur
    company = {**applicant["entreprise"], "raison_sociale": "Autre nom"}
    engine.control.replace_demandeur(poisoned[0], {**applicant, "entreprise": company})
    read(full=True)
    assert "Autre nom" == engine.one("dossier", poisoned[0] - FIRST)["raison_sociale"]
    assert {"Un autre problème"} == {row["probleme"] for row in of_poisoned("lecture_candidature")}
    check_copy(engine)
