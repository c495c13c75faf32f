"""The sandbox answers with the JSON and the null fields that a test asks for."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.sandbox import Sandbox, ScriptedFault
from dsync.sandbox.content import FIRST_NUMBER

PAGE = (
    "{demarche(number:86321){dossiers(first:3){nodes{id number demandeur{__typename "
    "...on PersonneMorale{siret entreprise{siren raisonSociale}}}}}}}"
)
ALONE = (
    "query($n:Int!){dossier(number:$n){number demandeur{__typename ...on PersonneMorale{siret}}}}"
)


@pytest.fixture
def sandbox() -> Any:
    """Three dossiers."""
    with Sandbox.start(3, 7) as running:
        yield running


def test_the_json_at_a_path_is_replaced_until_the_repair(sandbox: Any, client: Any) -> None:
    """In each document with that field, literally; other dossiers are not changed."""
    good = client.ask(PAGE)
    sandbox.control.faults.replace_json(FIRST_NUMBER + 1, ("number",), "1e400")
    sandbox.control.faults.replace_json(FIRST_NUMBER + 1, ("demandeur", "siret"), '["\\ud800"]')
    sandbox.control.faults.replace_json(FIRST_NUMBER + 1, ("champs", 0), "1")
    text = client.post(PAGE).text
    assert '"number":1e400' in text
    assert '"siret":["\\ud800"]' in text
    assert str(FIRST_NUMBER) in text
    sandbox.control.faults.repair(FIRST_NUMBER + 1)
    assert good == client.ask(PAGE)


def test_a_null_field_empties_the_nearest_nullable_object(sandbox: Any, client: Any) -> None:
    """A nullable object around it, else the node of a page, else all data."""
    number = next(
        node["number"]
        for node in client.ask(PAGE)["data"]["demarche"]["dossiers"]["nodes"]
        if node["demandeur"].get("entreprise")
    )
    place = number - FIRST_NUMBER
    sandbox.control.faults.null_field(number, ("demandeur", "entreprise", "raisonSociale"))
    answer = client.ask(PAGE)
    nodes = answer["data"]["demarche"]["dossiers"]["nodes"]
    (found,) = [node for node in nodes if node["number"] == number]
    assert found["demandeur"]["entreprise"] is None
    [error] = answer["errors"]
    assert ["demandeur", "entreprise", "raisonSociale"] == error["path"][4:]
    assert "invalid_null" == error["extensions"]["code"]
    sandbox.control.faults.repair(number)
    sandbox.control.faults.null_field(number, ("demandeur", "siret"))
    answer = client.ask(PAGE)
    assert answer["data"]["demarche"]["dossiers"]["nodes"][place] is None
    assert {"data": None} == {"data": client.ask(ALONE, n=number)["data"]}


def test_a_failed_field_is_null_and_named(sandbox: Any, client: Any) -> None:
    """Also one that may be null, which a null field is without a word."""
    query = "query($n:Int!){dossier(number:$n){number motivation}}"
    for set_fault, paths in (
        (sandbox.control.faults.null_field, []),
        (sandbox.control.faults.fail_field, [["dossier", "motivation"]]),
    ):
        set_fault(FIRST_NUMBER, ("motivation",))
        answer = client.ask(query, n=FIRST_NUMBER)
        assert {"number": FIRST_NUMBER, "motivation": None} == answer["data"]["dossier"]
        assert paths == [error["path"] for error in answer.get("errors", ())]
        sandbox.control.faults.repair(FIRST_NUMBER)


def test_an_odd_entry_fails_its_list_alone(sandbox: Any, client: Any) -> None:
    """HTTP 500 to whoever asks for the page that has it."""
    sandbox.control.erase(FIRST_NUMBER)
    sandbox.control.faults.spoil_entry(FIRST_NUMBER)
    for name, status in (("deletedDossiers", 500), ("pendingDeletedDossiers", 200)):
        query = f"{{demarche(number:86321){{{name}(first:9){{nodes{{number}}}}}}}}"
        assert status == client.post(query).status_code


def test_headers_and_answers_can_be_replaced(sandbox: Any, client: Any) -> None:
    """For the requests to which the fault applies."""
    sandbox.control.faults.fail(
        ScriptedFault("odd_headers", headers={"Date": "never", "X-Odd": "1"}),
        ScriptedFault("replaced_json", path=("data", "demarche"), json="[]"),
    )
    answer = client.post(PAGE)
    assert ("never", "1") == (answer.headers["Date"], answer.headers["X-Odd"])
    assert [] == client.ask(PAGE)["data"]["demarche"]
