"""The views formulaire_*: every champ of a form as a column, also the champs of later revisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import inspect

from dsync.domain.consent import Consent
from dsync.domain.wording import slug
from dsync.ds import operations
from dsync.sandbox import Change, Sandbox
from dsync.sandbox.content import EVERY_TYPE_FORM, every_type_dossiers
from dsync.sandbox.model import ChampDescriptor
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.sync.work import ReadAll, Request
from dsync.wiring import Worker
from tests.commands.command import without_programme
from tests.configured import load_settings
from tests.engine.rig import DEMARCHE, NOW, PROBLEME, SEED, Engine, id_of, number
from tests.store.databases import connected, on_each

LAYOUT = ("header_section", "explication", "repetition")
FACTS = len(DOSSIER_COLUMNS)
CODES = {
    "address": (
        "address",
        "cityCode",
        "departmentCode",
        "departmentName",
        "regionCode",
        "regionName",
    ),
    "communes": ("commune", "code"),
    "departements": ("departement", "code"),
    "regions": ("region", "code"),
}
"""By the type of a place: its field in a raw champ, and those of its codes."""
VIEW = "formulaire_86321"


def rows(url: str, sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query with values as both engines mean them."""
    with connected(url) as connection:
        found = connection.exec_driver_sql(sql).mappings().all()
    return [{name: _shown(value) for name, value in row.items()} for row in found]


def _shown(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith("["):
        return json.loads(value)
    return value


def plain(node: dict[str, Any]) -> Any:
    """Return the value of a raw champ, read as simply as can be."""
    typename = node["__typename"]
    if typename == "IntegerNumberChamp":
        return node["integerValue"] and int(node["integerValue"])
    if typename == "DecimalNumberChamp":
        return node["decimalValue"]
    if typename == "DossierLinkChamp":
        return node["dossier"] and int(node["dossier"]["number"])
    if typename == "DateChamp":
        return node["date"]
    if typename == "DatetimeChamp":
        instant = node["datetime"] and datetime.fromisoformat(node["datetime"])
        return instant and instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if typename in ("CheckboxChamp", "YesNoChamp"):
        return node["checkboxValue" if typename == "CheckboxChamp" else "yesNoValue"]
    if typename == "TitreIdentiteChamp":
        return node["filled"] or None
    if typename == "MultipleDropDownListChamp":
        return node["values"] or None
    if typename == "CarteChamp":
        return bool(node["geoAreas"])
    if typename == "PieceJustificativeChamp":
        return [file["filename"] for file in node["files"]] or None
    texts = {"TextChamp": "textValue", "DropDownListChamp": "dropDownValue"}
    return node[texts.get(typename, "stringValue")] or None


def same(typename: str, raw: Any, shown: Any) -> bool:
    """Return whether a view shows a raw value: some texts have a form of dsync's own."""
    if typename == "PieceJustificativeChamp":
        return raw == (shown and [file["nom"] for file in shown])
    with_own_texts = ("CommuneChamp", "DepartementChamp", "RNAChamp", "RNFChamp", "SiretChamp")
    if typename in (*with_own_texts, "CarteChamp"):
        return bool(raw) == bool(shown)
    return bool(raw == shown)


@pytest.fixture
def zoo(database_url: str, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A database after a read of the form with every type, and the raw démarche and dossiers."""
    seeds = every_type_dossiers(SEED, now=NOW)
    config = tmp_path / "plain.toml"
    config.write_text(without_programme(), encoding="utf-8")
    with Sandbox([(EVERY_TYPE_FORM, seeds)], seed=SEED, clock=lambda: NOW) as sandbox:
        settings = load_settings(
            ds_url=sandbox.ds_url,
            database_url=database_url,
            ds_token=SecretStr(sandbox.tokens.write),
            demarche=EVERY_TYPE_FORM.number,
            config=config,
        )
        with Worker(settings, clock=sandbox.world.now) as app:
            assert 5 == app.sync(Request(ReadAll())).read
        raw = {}
        for name in ("demarche", "dossiers_page"):
            variables = {"number": EVERY_TYPE_FORM.number, "first": 100}
            variables |= {"withPending": False, "withDeleted": False} if "page" in name else {}
            body = operations.load(name).asking(variables).payload
            headers = {"Authorization": f"Bearer {sandbox.tokens.write}"}
            answer = requests.post(sandbox.ds_url, json=body, headers=headers, timeout=30).json()
            raw[name] = answer["data"]["demarche"]
        yield database_url, raw


def _descriptors(raw: dict[str, Any]) -> list[dict[str, Any]]:
    (revision,) = [one for one in raw["demarche"]["revisions"] if one["datePublication"]]
    return [*revision["champDescriptors"], *revision["annotationDescriptors"]]


@on_each
def test_each_view_of_a_form_equals_a_plain_reading_of_the_raw_nodes(
    zoo: tuple[str, dict[str, Any]],
) -> None:
    """Every type of champ and annotation, and the rows of repetitions, on both engines."""
    url, raw = zoo
    main = f"formulaire_{EVERY_TYPE_FORM.number}"
    found = {row["numero"]: row for row in rows(url, f"SELECT * FROM {main}")}
    nodes = raw["dossiers_page"]["dossiers"]["nodes"]
    assert {node["number"] for node in nodes} == set(found)
    columns = [
        (d, code)
        for d in _descriptors(raw)
        if d["type"] not in LAYOUT
        for code in (None, *CODES.get(d["type"], ())[1:])
    ]
    wrong = []
    for node in nodes:
        given = {c["champDescriptorId"]: c for c in [*node["champs"], *node["annotations"]]}
        shown = list(found[node["number"]].items())[FACTS:]
        assert len(columns) == len(shown)
        for (descriptor, code), (name, value) in zip(columns, shown, strict=True):
            champ = given.get(descriptor["id"])
            expected = plain(champ) if champ else None
            typename = champ["__typename"] if champ else ""
            if code:
                place = (champ or {}).get(CODES[descriptor["type"]][0]) or {}
                expected, typename = place.get(code), ""
            if not same(typename, expected, bool(value) if isinstance(expected, bool) else value):
                wrong.append((node["number"], name, descriptor["type"], expected, value))
    assert [] == wrong
    several = {d["id"]: d["label"] for d, _ in columns if d["type"] == "multiple_drop_down_list"}
    chosen = [
        (node["number"], rank, value)
        for node in nodes
        for champ in (*node["champs"], *node["annotations"])
        if champ["champDescriptorId"] in several
        for rank, value in enumerate(champ["values"], start=1)
    ]
    label = next(iter(several.values()))
    with connected(url) as connection:
        names = inspect(connection).get_view_names()
    views = [one for one in names if one.startswith(f"{main}_{slug(label)}")]
    shown_rows = [row for view in views for row in rows(url, f"SELECT * FROM {view}")]
    assert chosen
    assert sorted(chosen) == sorted(
        (row["numero"], row["rang"], row["choix"]) for row in shown_rows if "ligne" not in row
    )


def test_a_new_revision_adds_columns_and_takes_none_away(engine: Engine) -> None:
    """A renamed champ keeps its column, a removed one too; one of another type gets one more."""
    engine.sync_until_quiet()
    before = engine.rows(f"SELECT * FROM {VIEW} WHERE numero = {number(0)}")[0]
    profils = f"SELECT numero, ligne, profil, ordre_de_preference FROM {VIEW}_profils_souhaites"
    rows_before = engine.rows(f"{profils} ORDER BY numero, ligne")
    added = ChampDescriptor(4900, "integer_number", "Nombre d’usagers")
    engine.control.form.publish_revision(
        Change(
            add_champs=[added],
            rename={PROBLEME: "Le problème"},
            remove=[4604],
            retype={4302: "integer_number"},
        )
    )
    engine.sync()
    engine.accept(Consent.ANSWERS)
    engine.control.edit_champ(number(0), 4900, 12)
    engine.control.edit_champ(number(0), 4302, 7)
    engine.sync()
    after = engine.rows(f"SELECT * FROM {VIEW} WHERE numero = {number(0)}")[0]

    new = ["nombre_d_usagers", "nom_et_prenom_du_sponsor_2"]
    assert ([*before], {*new}) == ([*after][: len(before)], {*after} - {*before})
    assert before["probleme_identifie"] == after["probleme_identifie"] is not None
    assert ("7", 7, 12, None) == (
        after["nom_et_prenom_du_sponsor"],
        after["nom_et_prenom_du_sponsor_2"],
        after["nombre_d_usagers"],
        after["perspectives"],
    )
    assert rows_before == engine.rows(f"{profils} ORDER BY numero, ligne")
    columns = engine.worker.store.dictionary()[VIEW].columns
    assert "« Le problème » (champ, textarea). Texte libre." == columns["probleme_identifie"].said
    assert "Absent de la révision publiée." in columns["perspectives"].sentence


@on_each
def test_each_column_says_where_it_comes_from(engine: Engine) -> None:
    """In all views, as the dictionary has them; of a renamed question, under its new name."""
    engine.begin(push=False)
    engine.control.form.publish_revision(Change(rename={PROBLEME: "Le problème"}))
    engine.sync(push=False)
    said = engine.rows("SELECT * FROM lecture_colonne ORDER BY vue, rang")
    documented = engine.worker.store.dictionary()
    assert {(view, name) for view in documented for name in documented[view].columns} == {
        (row["vue"], row["colonne"]) for row in said
    }
    assert all(row["sens"] for row in said)
    by_column = {(row["vue"], row["colonne"]): row for row in said}
    wanted = {
        ("lecture_candidature", "probleme"): ("champ", PROBLEME, "Texte libre"),
        ("lecture_candidature", "departement_nom"): ("champ", 4203, None),
        ("lecture_candidature", "jury_le"): ("annotation", 5203, None),
        ("lecture_candidature", "verdict"): (None, None, None),
        ("lecture_voeu", "missions"): ("champ", None, "Texte libre"),
        ("lecture_voeu", "rang"): ("champ", 4405, None),
        (VIEW, "probleme_identifie"): ("champ", PROBLEME, "Texte libre"),
        (VIEW, "lieu_de_travail_region_nom"): ("champ", 4204, "Donnée personnelle"),
        (VIEW, "usager_courriel"): (None, None, "Donnée personnelle"),
    }
    for column, (origin, stable_id, mark) in wanted.items():
        row = by_column[column]
        assert (origin, mark) == (row["origine"], row["marque"]), column
        assert (stable_id is None) or id_of(stable_id) == row["champ_id"], column
        assert (origin and DEMARCHE) == row["demarche_numero"] or column[0] == VIEW, column
    marks = [
        row for row in said if ("lecture_evaluation_note", "note") == (row["vue"], row["colonne"])
    ]
    assert {id_of(5311 + critere) for critere in range(9)} == {row["champ_id"] for row in marks}
    assert {("annotation", DEMARCHE)} == {(r["origine"], r["demarche_numero"]) for r in marks}
    assert "« Le problème »" in by_column[VIEW, "probleme_identifie"]["sens"]
    assert "1.0.0" == by_column["lecture_dossier", "numero"]["depuis"]


def test_a_map_shows_its_areas_as_geojson_and_as_a_text(engine: Engine) -> None:
    """In the same order in whatever order DS gives them; another outline is a change."""
    engine.begin(push=False)
    new = ChampDescriptor(4901, "carte", "Emplacement")
    engine.control.form.publish_revision(Change(add_champs=[new]))
    outline = [[2.35, 48.85], [2.36, 48.85], [2.36, 48.86], [2.35, 48.85]]
    plot = {"commune": "75056", "prefixe": "000", "section": "AB", "numero": "12"}
    parcel = {"source": "cadastre", **plot, "surface": "120", "type": "Polygon"}
    point = {"type": "Point", "coordinates": [-1.68, 48.11]}

    def sync(*areas: dict[str, Any]) -> int:
        engine.advance(minutes=11)
        engine.control.world.dossier(number(0)).champs[4901] = [*areas]
        return engine.sync(full=True, push=False).changed

    sync(parcel | {"coordinates": [[*outline]]}, point)
    [champ] = engine.rows(
        f"SELECT valeur FROM lecture_champ WHERE numero = {number(0)} AND libelle = 'Emplacement'"
    )
    shown = json.loads(champ["valeur"])
    assert ("FeatureCollection", [point, {"type": "Polygon", "coordinates": [outline]}]) == (
        shown["type"],
        [one["geometry"] for one in shown["features"]],
    )
    assert plot.items() <= shown["features"][1]["properties"].items()
    text = "tracé au point 48,11° N, 1,68° O ; parcelle 75056 000 AB 12, 120 m²"
    of_form = f"SELECT emplacement FROM {VIEW} WHERE numero = {number(0)}"
    assert [{"emplacement": text}] == engine.rows(of_form)
    assert 0 == sync(point, parcel | {"coordinates": [outline]})
    outline[1] = [2.37, 48.85]
    assert 1 == sync(point, parcel | {"coordinates": [outline]})
    changes = engine.rows(
        "SELECT ancienne_valeur, nouvelle_valeur FROM lecture_changement "
        "WHERE libelle = 'Emplacement' ORDER BY ordre"
    )
    assert [(None, text), (text, text)] == [tuple(row.values()) for row in changes]
    assert [] == engine.worker.app.verify(remote=False).findings
