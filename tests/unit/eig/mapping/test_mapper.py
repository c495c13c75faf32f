"""The typed dossier, its two hashes, and unusual nodes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.domain.dossier import Etat
from dsync.domain.ids import DemarcheNumber, DescriptorId
from tests.unit.eig.mapping.conftest import MAPPING, Mapper, dossier_of, make_node

DEMARCHE = DemarcheNumber(86321)
OWNED = (5102, 5103, 5104)
PARTS = ("Champs", "Annotations")
GENRES = {
    "PersonneMorale": "personne_morale",
    "PersonneMoraleIncomplete": "personne_morale_incomplete",
    "PersonnePhysique": "personne_physique",
}
DAY = datetime(2024, 3, 1, 9, tzinfo=UTC)


def test_a_whole_dossier_is_typed(form: Any) -> None:
    """Instants are in UTC, also without an offset, labels sorted, traitements in DS's order."""
    dossier = form.map(
        state="accepte",
        dateDepot="2024-03-01T09:00:00",
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
    assert (Etat.ACCEPTE, False) == (dossier.etat, dossier.is_open)
    assert dossier.archive is dossier.prerempli is dossier.depose_par_un_tiers is True
    assert (DAY, datetime(2024, 6, 1, 8, tzinfo=UTC)) == (
        dossier.date_depot,
        dossier.date_traitement,
    )
    assert ("Bravo", "Prénom Nom") == (dossier.motivation, dossier.mandataire)
    assert ("défaut", "usager@example.org") == (dossier.groupe_instructeur, dossier.usager_email)
    assert (dossier.instructeurs, dossier.labels) == (
        ("a@example.org", "b@example.org"),
        ("a", "z"),
    )
    assert [(step.evenement, step.date) for step in dossier.traitements] == [("depose", DAY)]


@pytest.mark.parametrize(
    ("kind", "facts", "siren"),
    [
        ("PersonneMorale", {"siret": "1", "entreprise": {"siren": "110002011"}}, "110002011"),
        ("PersonneMorale", {"siret": "110 002 011 00044", "entreprise": None}, "110002011"),
        ("PersonneMoraleIncomplete", {"siret": "11000201100044"}, "110002011"),
        ("PersonneMoraleIncomplete", {"siret": "110"}, None),
        ("PersonnePhysique", {"nom": "N", "prenom": "P"}, None),
        ("Collectif", {}, None),
    ],
)
def test_each_kind_of_applicant_is_distinguished(
    form: Any, kind: str, facts: dict[str, Any], siren: str | None
) -> None:
    """Without a SIREN, the first nine digits of the SIRET are used."""
    mapped = form.map(demandeur={"__typename": kind, **facts}).dossier.demandeur
    assert (GENRES.get(kind, kind), siren) == (mapped.genre, mapped.siren)


def test_a_missing_date_is_the_nearest_that_is_there(form: Any) -> None:
    last = "date_derniere_modification"
    dates = {"dateDepot": "date_depot", "dateDerniereModification": last}
    dates |= {f"dateDerniereModification{of}": f"{last}_{of.lower()}" for of in PARTS}
    dossier = form.map(**dict.fromkeys(dates)).dossier
    assert {DAY} == {getattr(dossier, name) for name in dates.values()}


LATER = "2025-01-01T00:00:00+01:00"
NONE, CONTENT, INPUT = (False, False), (True, False), (True, True)
"""Whether the content's hash moves, and that of the inputs."""


def moved(before: Any, after: Any) -> tuple[bool, bool]:
    """Return which hashes differ."""
    return before.content_hash != after.content_hash, before.inputs_hash != after.inputs_hash


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        # What moves by itself, or by dsync.
        ({"dateDerniereModification": LATER}, NONE),
        ({"dateDerniereModificationChamps": LATER}, NONE),
        ({"dateDerniereModificationAnnotations": LATER}, NONE),
        ({"dateExpiration": LATER}, NONE),
        ({"labels": [{"id": "1", "name": "éligible"}]}, NONE),
        ({"state": "en_instruction"}, CONTENT),
        ({"archived": True}, CONTENT),
        ({"motivation": "Bravo"}, CONTENT),
        ({"labels": [{"id": "1", "name": "urgent"}]}, CONTENT),
        ({"revision": {"id": "autre"}}, CONTENT),
        ({"groupeInstructeur": {"label": "autre"}}, CONTENT),
        ({"traitements": [{"event": "depose", "dateTraitement": LATER}]}, CONTENT),
        ({"dateSuppressionParUsager": LATER}, CONTENT),
        ({"dateDepot": LATER}, INPUT),
        ({"demandeur": {"__typename": "PersonneMorale", "siret": "1"}}, INPUT),
        (
            {"champs": [{"__typename": "TextChamp", "champDescriptorId": "x", "textValue": "a"}]},
            INPUT,
        ),
    ],
)
def test_what_is_a_change_and_what_is_judged_again(
    form: Any, change: dict[str, Any], moves: tuple[bool, bool]
) -> None:
    """Checks read the champs, the applicant and the deposit."""
    assert moves == moved(form.map(), form.map(**change))


@pytest.mark.parametrize(
    ("stable_id", "as_", "typename", "values", "moves"),
    [
        *((own, {}, "TextChamp", ("", "Éligible"), NONE) for own in OWNED),
        (5102, {"id": "autre"}, "TextChamp", ("", "Éligible"), NONE),
        # What dsync cannot write is not its own, whether known by id or by label.
        (5102, {"type": "integer_number"}, "IntegerNumberChamp", ("1", "2"), CONTENT),
        (
            5102,
            {"type": "integer_number", "id": "autre"},
            "IntegerNumberChamp",
            ("1", "2"),
            CONTENT,
        ),
        (5105, {}, "CheckboxChamp", (False, True), CONTENT),
    ],
)
def test_an_annotation_is_content_unless_dsync_writes_it(
    form: Any, stable_id: int, as_: Any, typename: str, values: Any, moves: tuple[bool, bool]
) -> None:
    """It is stored all the same."""
    id_ = form.replace(stable_id, **as_)
    name = {"IntegerNumberChamp": "integerValue", "CheckboxChamp": "checkboxValue"}
    before, after = (
        form.map(annotations=[form.champ(id_, typename, **{name.get(typename, "text"): one})])
        for one in values
    )
    assert moves == moved(before, after)
    assert before.annotations_json != after.annotations_json
    own = {*map(form.id, OWNED)} - {form.id(stable_id)}
    assert own | ({id_} if moves is NONE else set()) == after.owned_ids


@pytest.mark.parametrize(
    ("section", "changes", "moves"),
    [
        ("champs", {"entite": None}, INPUT),
        ("voeux", {"missions": None}, INPUT),
        ("annotations", {"etape": None}, CONTENT),
        ("evaluations", {"commentaire": None}, CONTENT),
        ("evaluations", {"criteres": ()}, CONTENT),
    ],
)
def test_a_changed_mapping_is_an_input_unless_no_check_reads_it(
    form: Any, section: str, changes: dict[str, Any], moves: tuple[bool, bool]
) -> None:
    """No check reads annotations: another criterion of the juries has no dossier judged again."""
    assert changes.keys() <= getattr(MAPPING, section).model_fields_set
    mended = getattr(MAPPING, section).model_copy(update=changes)
    mapper = Mapper(MAPPING.model_copy(update={section: mended}))
    assert moves == moved(form.map(), mapper.map(dossier_of(make_node()), DEMARCHE, form.revision))


def test_another_label_of_a_criterion_is_content(form: Any) -> None:
    """It is stored with the notes that juries gave."""
    before = form.map()
    [first, *_] = MAPPING.evaluations.criteres
    id_ = DescriptorId(first.id)
    form.descriptors[id_] = form.descriptors[id_]._replace(libelle="Autre critère")
    assert CONTENT == moved(before, form.map())


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
    assert expected == json.loads(mapped.champs_json)[0][1]
    assert expected == mapped.dossier.motivation


def test_a_revision_read_again_is_worked_out_again(form: Any) -> None:
    node = dossier_of(make_node([form.champ(4105, text="texte")]))
    mapper, revision = Mapper(), form.revision
    assert (
        mapper.map(node, DEMARCHE, revision).content_hash
        == mapper.map(node, DEMARCHE, revision).content_hash
    )
    form.remove(4105)
    assert None is mapper.map(node, DEMARCHE, form.revision).candidature.probleme


def test_a_champ_says_its_label_only_where_no_descriptor_does(form: Any) -> None:
    other = {"__typename": "TextChamp", "champDescriptorId": "seul", "label": "Seul"}
    champs = form.map([form.champ(4202, text="DINUM"), other]).dossier.champs
    assert [(form.id(4202), None, None), ("seul", "Seul", "text")] == [
        (champ.descriptor_id, champ.libelle, champ.type) for champ in champs
    ]


def test_a_champ_without_any_id_is_no_descriptor() -> None:
    champ = {
        **{"__typename": "TextChamp", "champDescriptorId": ""},
        **{"label": "Entité opérationnelle", "stringValue": "DINUM"},
    }
    assert Mapper().map(dossier_of(make_node([champ])), DEMARCHE, None).candidature.entite is None
