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
