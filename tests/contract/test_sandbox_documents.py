"""Accepted documents, and the effect of a document's fragments."""

from __future__ import annotations

from typing import Any

import pytest

CHAMP = 'champs(id:"Q2hhbXAtNDEwMw=="){__typename %s}'


def _number(sandbox: Any, kind: str = "morale") -> int:
    return next(
        t.number
        for t in sandbox.control.truth()
        if t.presence == "present" and t.demandeur["kind"] == kind
    )


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", "TextChamp"),
        ("... on DropDownListChamp{value}", "DropDownListChamp"),
        ("... on DropDownListChamp @include(if:false){value}", "DropDownListChamp"),
    ],
)
def test_a_champs_type_depends_on_the_documents_fragments(
    sandbox: Any, client: Any, fragment: str, expected: str
) -> None:
    """A fragment has an effect even if it is not used."""
    query = f"query($n:Int!){{dossier(number:$n){{{CHAMP % fragment}}}}}"
    champs = client.data(query, n=_number(sandbox))["dossier"]["champs"]
    assert [champ["__typename"] for champ in champs] == [expected]


def test_fields_of_different_types_may_share_a_key(sandbox: Any, client: Any) -> None:
    """DS accepts this although the specification refuses it."""
    query = (
        "query($n:Int!){dossier(number:$n){champs{... on CheckboxChamp{value} "
        "... on MultipleDropDownListChamp{value:values} ... on TextChamp{value}}}}"
    )
    assert client.data(query, n=_number(sandbox))["dossier"]["champs"]


def test_a_fragment_without_a_type_is_an_internal_error(sandbox: Any, client: Any) -> None:
    """It occurs when a champ's type depends on fragments."""
    query = f"query($n:Int!){{dossier(number:$n){{... @include(if:true){{id}} {CHAMP % ''}}}}}"
    answer = client.post(query, n=_number(sandbox))
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["code"] == "internal_server_error"


def test_an_incomplete_applicant_needs_its_fragment(sandbox: Any, client: Any) -> None:
    """Without it the dossier is null, or its applicant has no company."""
    number = _number(sandbox)
    sandbox.world.dossier(number).demandeur = {"kind": "morale_incomplete", "siret": "1"}
    query = "query($n:Int!){dossier(number:$n){demandeur{__typename %s}}}"
    told = client.data(query % "... on PersonneMoraleIncomplete{siret}", n=number)["dossier"]
    assert told["demandeur"]["__typename"] == "PersonneMoraleIncomplete"
    silent = client.data(query % "... on PersonneMorale{entreprise{siren}}", n=number)["dossier"]
    assert silent["demandeur"] == {"__typename": "PersonneMorale", "entreprise": None}
    broken = client.ask(query % "... on PersonneMorale{siegeSocial}", n=number)
    assert broken["data"] is None
    assert broken["errors"][0]["extensions"] == {"code": "invalid_null"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{demarche(number:86321){nope}}", "undefinedField"),
        ("{demarche(numero:86321){id}}", "missingRequiredArguments"),
        ("{demarche(number:86321){... on Nope{id}}}", "undefinedType"),
        ("{demarche(number:86321){dossiers(state:x){nodes{id}}}}", "argumentLiteralsIncompatible"),
        ("{demarche(number:86321){id}} fragment U on Dossier{id}", "useAndDefineFragment"),
        ("{a:demarche(number:1){id} a:dossier(number:1){id}}", "fieldConflict"),
    ],
)
def test_an_invalid_document_has_the_codes_of_ds(client: Any, query: str, code: str) -> None:
    """The answer has HTTP 200, errors and no data."""
    answer = client.post(query)
    body = answer.json()
    assert (answer.status_code, "data" in body) == (200, False)
    assert code in [error.get("extensions", {}).get("code") for error in body["errors"]]


def test_a_document_deeper_than_fifteen_is_refused(client: Any) -> None:
    """Only fields count, not fragments."""
    inner = "champDescriptors{... on RepetitionChampDescriptor{"
    query = "{demarche(number:86321){publishedRevision{%s}}}"
    deep = [query % (inner * n + "id" + "}}" * n) for n in (12, 13)]
    assert "errors" not in client.ask(deep[0])
    told = "Query has depth of 16, which exceeds max depth of 15"
    assert client.ask(deep[1])["errors"] == [{"message": told}]


def test_texts_follow_the_readers_language(sandbox: Any, client: Any) -> None:
    """French without the header, English if it asks for it."""
    number = _number(sandbox)
    sandbox.control.edit_annotation(number, 5203, "2026-12-24")
    query = 'query($n:Int!){dossier(number:$n){annotations(id:"Q2hhbXAtNTIwMw=="){stringValue}}}'
    shown = [
        client.data(query, n=number, language=language)["dossier"]["annotations"][0]["stringValue"]
        for language in ("", "fr", "en-US,en;q=0.9")
    ]
    assert shown == ["24 décembre 2026", "24 décembre 2026", "24 December 2026"]
