"""All documents of dsync are valid for the API's schema, and have the fragments that they use."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import gql
import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    build_schema,
    parse,
    print_ast,
)
from msgspec import Struct

from dsync.ds import nodes, operations
from dsync.ds.dossier_reading import ALL, OBJECT_TYPES
from dsync.ds.values import snake_case
from dsync.sandbox import execution as sdl
from dsync.sandbox.execution import document
from tests.conftest import shared

QUERIES = Path(str(files("dsync.ds"))) / "queries"
FILES = sorted({path.stem for path in QUERIES.glob("*.graphql")} - {operations.FRAGMENTS})
REPEATED = {
    "exist": operations.of_several("exist", 3),
    "dossiers": operations.of_several("dossier", 3),
    "annotations": operations.read_annotations(3, 4),
    "no annotations": operations.read_annotations(2, 0),
    "push": operations.push(((False, 1, 1), (True, 0, 0), (True, 2, 1))),
}
DOCUMENTS = {**{name: operations.load(name) for name in FILES}, **REPEATED}


@pytest.fixture(scope="module", params=["sandbox", "real"])
def schema(request: pytest.FixtureRequest) -> GraphQLSchema:
    """Return each schema that is available."""
    if request.param == "sandbox":
        return sdl.schema()
    return build_schema(shared("ds/schema.graphql"))


LARGEST = {
    "a page": (operations.load("dossiers_page"), None),
    "a dossier": (operations.load("dossier"), None),
    "dossiers": (operations.of_several("dossier", 50), None),
    "glances": (operations.load("dossiers_glance_page"), None),
    "deletions": (operations.load("deletions"), 811),
    "exist": (operations.of_several("exist", 50), 150),
    "annotations": (operations.read_annotations(50, 20), None),
    "push": (operations.push(((True, 2, 2),) * 50), 1300),
}
"""The documents at their largest; by what they were scored where their fields seldom change."""


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_document_is_below_the_limits_of_ds(name: str) -> None:
    """By the sandbox's count, a quarter of 60,000 (complexity), and 20,000 (tokens)."""
    operation, scored = LARGEST[name]
    found = document(operation.text)
    variables = {"first": 100, "withPending": True, "withDeleted": True, **dict.fromkeys(ALL, True)}
    root = found.operation(operation.operation_name)
    assert root is not None
    score, _ = found.measure(root, variables)
    assert scored in (None, score)
    assert score < 60_000 / 4
    assert found.tokens < 20_000


def test_a_document_is_valid(schema: GraphQLSchema) -> None:
    """It follows all rules of the specification, also those that DS does not check."""
    for name in DOCUMENTS:
        gql.Client(schema=schema).validate(gql.gql(DOCUMENTS[name].text))


def test_a_document_is_its_file_with_the_shared_fragments_that_it_uses() -> None:
    """As they stand there: DS chooses types by fragments."""
    for name in FILES:
        made = parsed(operations.load(name).text)
        file = parsed((QUERIES / f"{name}.graphql").read_text(encoding="utf-8"))
        shared = parsed((QUERIES / f"{operations.FRAGMENTS}.graphql").read_text(encoding="utf-8"))
        assert made[: len(file)] == file, name
        assert set(made[len(file) :]) <= set(shared), name


def parsed(text: str) -> list[str]:
    """Return the definitions of a text as GraphQL reads them."""
    return [print_ast(one) for one in parse(text).definitions]


def test_a_dossier_has_the_same_fields_in_a_page_and_by_its_number() -> None:
    """Also the same that can be left out."""
    page, dossier = _fragments("dossiers_page"), _fragments("dossier")
    assert page == {**dossier, "DeletedFields": page["DeletedFields"]}
    for name in ("dossiers_page", "dossier"):
        assert ALL == set(re.findall(r"\$(with\w+): Boolean = true", operations.load(name).text))


def test_all_values_that_are_objects_can_be_left_out() -> None:
    """What is left out of which types of champs is known."""
    objects = _fragments("dossier")["ObjectFields"]
    types = re.findall(r"\.\.\. on (\w+Champ)\b", objects)
    assert OBJECT_TYPES == set(map(snake_case, types))
    left_out = re.findall(
        r"^    (?:\w+: )?(\w+)( @include\(if: \$with(?:Maps|Objects)\))?", objects, re.M
    )
    assert all(condition for _, condition in left_out)


def test_no_document_makes_ds_fail() -> None:
    """No fragment is without a type, there is no `closed`; the sandbox refuses what is too deep."""
    for name, operation in DOCUMENTS.items():
        assert not re.search(r"closed|\.\.\. [@{]", operation.text), name


def test_each_type_that_ds_hides_without_a_fragment_has_one() -> None:
    """Without it DS returns another type."""
    text = operations.load("dossiers_page").text
    for kind in (
        *("DropDownListChamp", "YesNoChamp", "DatetimeChamp", "AddressChamp", "CommuneChamp"),
        *("DepartementChamp", "RegionChamp", "PaysChamp", "HeaderSectionChamp"),
        *("ExplicationChamp", "PersonneMoraleIncomplete"),
    ):
        assert f"... on {kind} " in text


def test_what_is_expensive_for_ds_is_not_requested() -> None:
    """No signed address, PDF or avis: dsync does not use them."""
    text = operations.load("dossiers_page").text
    for field in ("url", "pdf", "avis", "columns", "geojson", "attestation"):
        assert f" {field}\n" not in text
        assert f" {field} " not in text


def _fragments(name: str) -> dict[str, str]:
    return {
        d.name.value: print_ast(d)
        for d in operations.load(name).document.definitions
        if isinstance(d, FragmentDefinitionNode)
    }


@pytest.mark.parametrize(
    ("shape", "fragments", "unread"),
    [
        (nodes.DossierNode, ("DossierFields",), set()),
        (
            nodes.ChampNode,
            ("ChampFields", "WritableFields", "ObjectFields", "RowFields"),
            {"level"},
        ),
    ],
)
@pytest.mark.parametrize("document", ["dossiers_page", "dossier"])
def test_the_node_types_have_the_fields_of_the_queries(
    document: str, shape: type[Struct], fragments: tuple[str, ...], unread: set[str]
) -> None:
    """A field renamed only in the query would always be empty."""
    found = {
        definition.name.value: definition.selection_set
        for definition in operations.load(document).document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    asked = {key for name in fragments for key in _response_keys(found[name])}

    assert asked - unread == set(shape.__struct_encode_fields__) - {"demarche"}


def _response_keys(selection: SelectionSetNode) -> set[str]:
    """Return the response keys of a selection, those of inline fragments included."""
    keys = set()
    for part in selection.selections:
        if isinstance(part, FieldNode):
            keys.add((part.alias or part.name).value)
        elif isinstance(part, InlineFragmentNode):
            keys |= _response_keys(part.selection_set)
    return keys
