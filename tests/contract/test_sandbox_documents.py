"""Accepted and refused documents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import shown


def test_fields_of_different_types_may_share_a_key(sandbox: Any, client: Any) -> None:
    """DS accepts this although the specification refuses it."""
    query = (
        "query($n:Int!){dossier(number:$n){champs{... on CheckboxChamp{value} "
        "... on MultipleDropDownListChamp{value:values} ... on TextChamp{value}}}}"
    )
    assert client.data(query, n=shown(sandbox))["dossier"]["champs"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{demarche(number:86321){nope}}", "undefinedField"),
        ("{demarche(numero:86321){id}}", "missingRequiredArguments"),
        ("{demarche(number:86321){... on Nope{id}}}", "undefinedType"),
        (
            '{demarche(number:86321){dossiers(updatedSince:"x"){nodes{id}}}}',
            "argumentLiteralsIncompatible",
        ),
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
    query = "{demarche(number:86321){activeRevision{%s}}}"
    deep = [query % (inner * n + "id" + "}}" * n) for n in (12, 13)]
    assert "errors" not in client.ask(deep[0])
    told = "Query has depth of 16, which exceeds max depth of 15"
    assert client.ask(deep[1])["errors"] == [{"message": told}]
