"""What `dossierModifierAnnotations` saves and refuses, and where DS fails."""

from __future__ import annotations

import base64
from typing import Any

import pytest

DSYNC, OTHER = "SW5zdHJ1Y3RldXItMw==", "SW5zdHJ1Y3RldXItNA=="
WRITE = (
    "mutation write($i:DossierModifierAnnotationsInput!){"
    "m:dossierModifierAnnotations(input:$i){annotations{id stringValue} errors{message}}}"
)


def _id(key: object, kind: str = "Champ") -> str:
    return base64.b64encode(f"{kind}-{key}".encode()).decode()


@pytest.fixture
def number(sandbox: Any) -> int:
    """A visible dossier en instruction."""
    return next(
        t.number
        for t in sandbox.control.truth()
        if t.presence == "present" and t.state == "en_instruction"
    )


def _write(client: Any, number: int, *values: tuple[Any, dict[str, Any]], **more: Any) -> Any:
    given = {
        "dossierId": _id(number, "Dossier"),
        "instructeurId": more.pop("agent", DSYNC),
        "annotations": [{"id": _id(key), "value": value} for key, value in values],
    }
    return client.post(WRITE, i=given, **more)


def test_valid_values_are_saved_and_the_others_refused(
    sandbox: Any, client: Any, number: int
) -> None:
    """The payload does not say which annotation a refusal is about."""
    payload = _write(
        client,
        number,
        (5102, {"dropDownList": "éligible"}),
        (5103, {"textarea": "détail"}),
        (9999, {"text": "x"}),
        (5104, {"datetime": "2026-12-24T10:11:12.9Z"}),
    ).json()["data"]["m"]
    assert [a["id"] for a in payload["annotations"]] == [_id(5103), _id(5104)]
    assert len(payload["errors"]) == 2
    truth = sandbox.control.truth_of(number).annotations
    assert (truth[5103], truth[5104]) == ("détail", "24 décembre 2026 11:11")


@pytest.mark.parametrize(
    ("value", "emptied"),
    [({"textarea": ""}, 5103), ({"dropDownList": ""}, 5102)],
)
def test_an_empty_text_empties_the_annotation(
    sandbox: Any, client: Any, number: int, value: dict[str, Any], emptied: int
) -> None:
    """So does an empty choice."""
    sandbox.control.edit_annotation(number, emptied, "Éligible")
    _write(client, number, (emptied, value))
    assert sandbox.control.truth_of(number).annotations[emptied] == ""


@pytest.mark.parametrize(
    "value", [{"datetime": ""}, {"datetime": None}, {}, {"text": "a", "email": "b"}, {"nope": "x"}]
)
def test_a_value_of_no_type_refuses_the_whole_request(
    client: Any, number: int, value: dict[str, Any]
) -> None:
    """Nothing is executed: the answer has errors without data."""
    body = _write(client, number, (5103, {"textarea": "x"}), (5104, value)).json()
    assert "data" not in body


def test_rows_are_added_each_time_and_their_cells_written(
    sandbox: Any, client: Any, number: int
) -> None:
    """`repetition: n` adds n rows; a value of an unknown row is returned and lost."""
    read = (
        "query($n:Int!){dossier(number:$n){annotations(id:$id){... on RepetitionChamp{rows{id}}}}}"
    ).replace("$id", f'"{_id(5302)}"')

    def rows() -> list[str]:
        found = client.data(read, n=number)["dossier"]["annotations"][0]["rows"]
        return [base64.b64decode(row["id"]).decode().removeprefix("Row-") for row in found]

    before = rows()
    for _ in range(2):
        _write(client, number, (5302, {"repetition": 2}))
    after = rows()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 4
    _write(client, number, (f"5320|{after[-1]}", {"textarea": "Bien"}))
    assert sandbox.control.truth_of(number).annotations[5302][-1][5320] == "Bien"
    ghost = _write(client, number, ("5320|01ARZ3NDEKTSV4RRFFQ69G5FAV", {"textarea": "?"}))
    assert ghost.json()["data"]["m"]["annotations"][0]["stringValue"] == "?"
    assert rows() == after


def test_an_id_that_breaks_the_server_saves_no_value(
    sandbox: Any, client: Any, number: int
) -> None:
    """Rows requested before that id are added."""
    rows = len(sandbox.control.truth_of(number).annotations[5302])
    answer = _write(
        client,
        number,
        (5103, {"textarea": "perdu"}),
        (5302, {"repetition": 1}),
        (5320, {"textarea": "sans ligne"}),
    )
    truth = sandbox.control.truth_of(number).annotations
    assert answer.status_code == 500
    assert (truth[5103] == "perdu", len(truth[5302])) == (False, rows + 1)


def test_a_missing_right_is_in_the_payload(sandbox: Any, client: Any, number: int) -> None:
    """The read-only token is checked first, then the instructeur's groupe."""
    value = (5103, {"textarea": "x"})
    readonly = _write(client, number, value, token=sandbox.tokens.readonly).json()["data"]["m"]
    stranger = _write(client, number, value, agent=OTHER).json()["data"]["m"]
    assert readonly["annotations"] is stranger["annotations"] is None
    assert "seulement en lecture" in readonly["errors"][0]["message"]
    assert "droits d’accès" in stranger["errors"][0]["message"]


@pytest.mark.parametrize("gone", ["hide", "erase", "expire"])
def test_a_hidden_dossier_is_not_found(sandbox: Any, client: Any, number: int, gone: str) -> None:
    """The error is at the top level, with null under the alias."""
    getattr(sandbox.control, gone)(number)
    body = _write(client, number, (5103, {"textarea": "x"})).json()
    assert body["data"] == {"m": None}
    assert body["errors"][0]["extensions"] == {"code": "not_found"}
