"""What `dossierModifierAnnotations` saves and refuses, and where DS fails."""

from __future__ import annotations

import base64
from typing import Any

import pytest

DSYNC = "SW5zdHJ1Y3RldXItMw=="
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
