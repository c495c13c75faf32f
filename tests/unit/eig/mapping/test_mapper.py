"""The typed dossier, its two hashes, and unusual nodes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dsync.domain.dossier import Etat
from dsync.domain.ids import DemarcheNumber
from tests.unit.eig.mapping.conftest import MAPPING, Mapper, dossier_of, hashes, make_node

DEMARCHE = DemarcheNumber(86321)
DAY = datetime(2024, 3, 1, 9, tzinfo=UTC)


def test_a_whole_dossier_is_typed(form: Any) -> None:
    """Instants are in UTC, labels sorted, traitements in DS's order."""
    dossier = form.map(
        state="accepte",
        archived=True,
        dateTraitement="2024-06-01T10:00:00+02:00",
        motivation="Bravo",
        prefilled=True,
        deposeParUnTiers=True,
        prenomMandataire="Prénom",
        nomMandataire="Nom",
        instructeurs=[{"email": "b@example.org"}, {"email": "a@example.org"}],
        labels=[{"id": "2", "name": "z"}, {"id": "1", "name": "a"}],
        traitements=[{"event": "depose", "dateTraitement": "2024-03-01T10:00:00+01:00"}],
    ).dossier
    assert (
        dossier.etat,
        dossier.archive,
        dossier.prerempli,
        dossier.depose_par_un_tiers,
        dossier.is_open,
    ) == (Etat.ACCEPTE, True, True, True, False)
    assert (DAY, datetime(2024, 6, 1, 8, tzinfo=UTC)) == (
        dossier.date_depot,
        dossier.date_traitement,
    )
    assert (
        dossier.motivation,
        dossier.mandataire,
        dossier.groupe_instructeur,
        dossier.usager_email,
    ) == ("Bravo", "Prénom Nom", "défaut", "usager@example.org")
    assert (dossier.instructeurs, dossier.labels) == (
        ("a@example.org", "b@example.org"),
        ("a", "z"),
    )
    assert [(step.evenement, step.date) for step in dossier.traitements] == [("depose", DAY)]


@pytest.mark.parametrize(
    ("demandeur", "genre", "siren"),
    [
        (
            {
                "__typename": "PersonneMorale",
                "siret": "11000201100044",
                "entreprise": {"siren": "110002011"},
            },
            "personne_morale",
            "110002011",
        ),
        (
            {"__typename": "PersonneMorale", "siret": "110 002 011 00044", "entreprise": None},
            "personne_morale",
            "110002011",
        ),
        (
            {"__typename": "PersonneMoraleIncomplete", "siret": "11000201100044"},
            "personne_morale_incomplete",
            "110002011",
        ),
        (
            {"__typename": "PersonneMoraleIncomplete", "siret": "110"},
            "personne_morale_incomplete",
            None,
        ),
        ({"__typename": "PersonnePhysique", "nom": "N", "prenom": "P"}, "personne_physique", None),
        ({"__typename": "Collectif"}, "Collectif", None),
    ],
)
def test_each_kind_of_applicant_is_distinguished(
    form: Any, demandeur: Any, genre: str, siren: str | None
) -> None:
    """Without a SIREN, the first nine digits of the SIRET are used."""
    mapped = form.map(demandeur=demandeur).dossier.demandeur
    assert (genre, siren) == (mapped.genre, mapped.siren)


def test_a_missing_date_is_the_nearest_that_is_there(form: Any) -> None:
    """A missing date is replaced by the nearest one."""
    dossier = form.map(
        dateDepot=None,
        dateDerniereModification=None,
        dateDerniereModificationChamps=None,
        dateDerniereModificationAnnotations=None,
    ).dossier
    assert {DAY} == {
        dossier.date_depot,
        dossier.date_derniere_modification,
        dossier.date_derniere_modification_champs,
        dossier.date_derniere_modification_annotations,
    }


def test_an_instant_without_an_offset_is_in_utc(form: Any) -> None:
    """An instant without an offset counts as UTC."""
    assert form.map(dateDepot="2024-03-01T09:00:00").dossier.date_depot == DAY


@pytest.mark.parametrize(
    "change",
    [
        {"dateDerniereModification": "2025-01-01T00:00:00+01:00"},
        {"dateDerniereModificationChamps": "2025-01-01T00:00:00+01:00"},
        {"dateDerniereModificationAnnotations": "2025-01-01T00:00:00+01:00"},
        {"dateExpiration": "2025-01-01T00:00:00+01:00"},
        {"labels": [{"id": "1", "name": "éligible"}]},
    ],
)
def test_what_moves_by_itself_or_by_dsync_is_no_change(form: Any, change: dict[str, Any]) -> None:
    """Dates of modification and dsync's labels change neither hash."""
    before, after = form.map(), form.map(**change)
    assert (before.content_hash, before.inputs_hash) == (after.content_hash, after.inputs_hash)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "en_instruction"},
        {"archived": True},
        {"motivation": "Bravo"},
        {"labels": [{"id": "1", "name": "urgent"}]},
        {"revision": {"id": "autre"}},
        {"groupeInstructeur": {"label": "autre"}},
        {"traitements": [{"event": "depose", "dateTraitement": "2024-03-01T10:00:00+01:00"}]},
        {"dateSuppressionParUsager": "2025-01-01T00:00:00+01:00"},
    ],
)
def test_a_change_outside_the_champs_is_content_and_no_input(
    form: Any, change: dict[str, Any]
) -> None:
    """It changes the content hash, not the inputs hash."""
    before, after = form.map(), form.map(**change)
    assert before.content_hash != after.content_hash
    assert before.inputs_hash == after.inputs_hash


@pytest.mark.parametrize("stable_id", [5102, 5103, 5104])
def test_dsyncs_own_annotations_are_no_change(form: Any, stable_id: int) -> None:
    """The values that dsync writes change neither hash, but are stored."""
    before = form.map(annotations=[form.champ(stable_id, text="")])
    after = form.map(annotations=[form.champ(stable_id, text="Éligible")])
    assert (before.content_hash, before.inputs_hash) == (after.content_hash, after.inputs_hash)
    assert before.annotations_json != after.annotations_json
    assert form.id(stable_id) in after.owned_ids


def test_dsyncs_own_annotation_is_known_by_label_under_another_id(form: Any) -> None:
    """An own annotation is recognised by its label."""
    id_ = form.replace(5102, id="autre")
    before = form.map(annotations=[form.champ(id_, text="")])
    after = form.map(annotations=[form.champ(id_, text="Éligible")])
    assert before.content_hash == after.content_hash
    assert {"autre", form.id(5103), form.id(5104)} == after.owned_ids


@pytest.mark.parametrize("other", [{"id": "autre"}, {}], ids=["by label", "by id"])
def test_an_annotation_that_dsync_cannot_write_is_content(form: Any, other: dict[str, str]) -> None:
    """An annotation of another type is not dsync's own, so its changes count."""
    id_ = form.replace(5102, type="integer_number", **other)
    before = form.map(annotations=[form.champ(id_, "IntegerNumberChamp", integerValue="1")])
    after = form.map(annotations=[form.champ(id_, "IntegerNumberChamp", integerValue="2")])
    assert before.content_hash != after.content_hash
    assert {form.id(5103), form.id(5104)} == after.owned_ids


def test_an_instructeurs_annotation_is_content_and_no_input(form: Any) -> None:
    """Annotations change the content hash, not the inputs hash."""
    before = form.map(annotations=[form.champ(5105, "CheckboxChamp", checkboxValue=False)])
    after = form.map(annotations=[form.champ(5105, "CheckboxChamp", checkboxValue=True)])
    assert before.content_hash != after.content_hash
    assert before.inputs_hash == after.inputs_hash


@pytest.mark.parametrize(
    "change",
    [
        {"dateDepot": "2025-01-01T00:00:00+01:00"},
        {"demandeur": {"__typename": "PersonneMorale", "siret": "1"}},
        {"champs": [{"__typename": "TextChamp", "champDescriptorId": "x", "textValue": "a"}]},
    ],
)
def test_champs_applicant_and_deposit_are_inputs(form: Any, change: dict[str, Any]) -> None:
    """Champs, applicant and deposit change both hashes."""
    before, after = form.map(), form.map(**change)
    assert before.content_hash != after.content_hash
    assert before.inputs_hash != after.inputs_hash


def test_a_changed_mapping_is_an_input(form: Any) -> None:
    """A new mapping changes the inputs hash."""
    champs = MAPPING.champs.model_copy(update={"entite": None})
    mended = MAPPING.model_copy(update={"champs": champs})
    after = Mapper(mended).map(dossier_of(make_node()), DEMARCHE, form.revision)
    before = form.map()
    assert before.content_hash != after.content_hash
    assert before.inputs_hash != after.inputs_hash


def test_a_changed_grid_is_content_and_no_input(form: Any) -> None:
    """No check reads the juries' notes, so another criterion has no dossier judged again."""
    assert MAPPING.evaluations is not None
    grid = MAPPING.evaluations.model_copy(update={"criteres": MAPPING.evaluations.criteres[1:]})
    mended = MAPPING.model_copy(update={"evaluations": grid})
    after = Mapper(mended).map(dossier_of(make_node()), DEMARCHE, form.revision)
    before = form.map()
    assert before.content_hash != after.content_hash
    assert before.inputs_hash == after.inputs_hash


def test_hashes_are_the_same_in_every_process(form: Any) -> None:
    """The hashes do not depend on the process's hash seed."""
    node = json.dumps(make_node([form.champ(4102, text="é")], [form.champ("b", text="x")]))
    script = (
        "import sys; from tests.unit.eig.mapping.conftest import hashes;"
        "print(hashes(sys.stdin.read()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=node,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert f"{hashes(node)}\n" == done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b", "ab"),
        ("a\ud800b", "ab"),
        ("a\r\nb\rc", "a\r\nb\rc"),
        ("C:\\r\\u0000", "C:\\r\\u0000"),
        ("cloche\x07 et \x1b", "cloche\x07 et \x1b"),
        ("=1+1\n'\"<b>é🎉\u202e", "=1+1\n'\"<b>é🎉\u202e"),
    ],
)
def test_texts_that_no_database_takes_are_cleaned(form: Any, text: str, expected: str) -> None:
    """NUL and lone surrogates are removed, the rest is unchanged."""
    mapped = form.map([form.champ(4105, text=text)], motivation=text)
    assert expected == mapped.dossier.champs[0].texte
    assert expected == json.loads(mapped.champs_json)[0]["texte"]
    assert expected == mapped.dossier.motivation


def test_a_revision_read_again_is_worked_out_again(form: Any) -> None:
    """A revision with new labels gets a new plan."""
    node = dossier_of(make_node([form.champ(4105, text="texte")]))
    mapper, revision = Mapper(), form.revision
    assert (
        mapper.map(node, DEMARCHE, revision).content_hash
        == mapper.map(node, DEMARCHE, revision).content_hash
    )
    form.remove(4105)
    assert None is mapper.map(node, DEMARCHE, form.revision).candidature.probleme


def test_a_champ_says_its_label_only_where_no_descriptor_does(form: Any) -> None:
    """A champ stores its label only if no descriptor has it."""
    other = {"__typename": "TextChamp", "champDescriptorId": "seul", "label": "Seul"}
    champs = form.map([form.champ(4202, text="DINUM"), other]).dossier.champs
    assert [(form.id(4202), None, None), ("seul", "Seul", "text")] == [
        (champ.descriptor_id, champ.libelle, champ.type) for champ in champs
    ]


def test_a_champ_without_any_id_is_no_descriptor() -> None:
    """A champ without an id does not become a descriptor."""
    champ = {
        **{"__typename": "TextChamp", "champDescriptorId": ""},
        **{"label": "Entité opérationnelle", "stringValue": "DINUM"},
    }
    assert Mapper().map(dossier_of(make_node([champ])), DEMARCHE, None).candidature.entite is None
