"""Every dossier of the sandbox can be read completely, and shows each change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type

from dsync.sandbox import Change, Sandbox
from dsync.sandbox.graphql import schema as sdl

# Not followed: what leads back to a dossier, and what the document asks by hand.
_BACK = {("DossierLinkChamp", "dossier"), ("Dossier", "champs"), ("Dossier", "annotations")}


def _fields(type_name: str, depth: int = 2) -> str:
    """Return a selection of all fields of a type, with aliases that do not conflict."""
    type_: Any = sdl.schema().type_map[type_name]
    parts = ["__typename"]
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        if is_leaf_type(named):
            parts.append(f"{type_name}_{name}:{name}")
        elif (type_name, name) in _BACK or depth == 0 or name == "rows":
            continue
        elif isinstance(named, GraphQLInterfaceType):
            parts.append(f"{type_name}_{name}:{name}{{{_implementations(named, depth - 1)}}}")
        else:
            parts.append(f"{type_name}_{name}:{name}{{{_fields(named.name, depth - 1)}}}")
    return " ".join(parts)


def _implementations(interface: GraphQLInterfaceType, depth: int) -> str:
    types = sdl.schema().get_possible_types(interface)
    return " ".join(
        f"... on {type_.name}{{{_fields(type_.name, depth)}}}"
        for type_ in types
        if isinstance(type_, GraphQLObjectType)
    )


def _everything() -> str:
    champ: Any = sdl.schema().type_map["Champ"]
    rows = "... on RepetitionChamp{rows{id champs{...C}}}"
    return (
        "query all($n:Int!,$after:String){demarche(number:$n){dossiers(first:100,after:$after){"
        f"pageInfo{{hasNextPage endCursor}} nodes{{{_fields('Dossier')}"
        f" champs{{...C {rows}}} annotations{{...C {rows}}}}}}}}}}}"
        f" fragment C on Champ{{{_implementations(champ, 2)}}}"
    )


def test_every_field_of_every_dossier_can_be_read(sandbox: Any, client: Any) -> None:
    """No dossier of a démarche has a null where the schema excludes it."""
    sandbox.control.limit_queries(complexity=0, tokens=0)
    for number in (86321, 86322, 86323):
        nodes = client.data(_everything(), n=number)["demarche"]["dossiers"]["nodes"]
        assert nodes
        assert None not in nodes


def test_each_kind_of_change_shows(sandbox: Any, client: Any) -> None:
    """It is in the next answer, also if no date moves."""
    control = sandbox.control
    number = client.data(
        "{demarche(number:86321){dossiers(state:en_construction){nodes{number}}}}"
    )["demarche"]["dossiers"]["nodes"][0]["number"]
    query = (
        "query read($n:Int!){dossier(number:$n){state labels{name} groupeInstructeur{label} "
        'archived champs(id:"Q2hhbXAtNDEwNQ=="){label stringValue} '
        'annotations(id:"Q2hhbXAtNTEwMw=="){stringValue} '
        'r:annotations(id:"Q2hhbXAtNTMwMg=="){... on RepetitionChamp{rows{id}}}}}'
    )
    seen = [client.data(query, n=number)]
    for change in (
        lambda: control.edit_champ(number, 4105, "changé"),
        lambda: control.edit_annotation(number, 5103, "à la main"),
        lambda: control.add_label(number, "éligible"),
        lambda: control.rename_label("éligible", "recevable"),
        lambda: control.remove_label(number, "recevable"),
        lambda: control.add_annotation_row(number, 5302),
        lambda: control.archive(number),
        lambda: control.change_groupe(number, "autre groupe"),
        lambda: control.publish_revision(Change(rename={4105: "Le problème"})),
        lambda: control.move(number, "en_instruction"),
    ):
        change()
        after = client.data(query, n=number)
        assert after != seen[-1]
        seen.append(after)


def test_a_sandbox_is_the_same_at_each_start() -> None:
    """The same seed gives the same dossiers and tokens."""
    now = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    truths = []
    for _ in range(2):
        with Sandbox.start(dossiers=30, seed=11, clock=lambda: now) as sandbox:
            truths.append((sandbox.control.truth(), sandbox.tokens))
    assert truths[0] == truths[1]
