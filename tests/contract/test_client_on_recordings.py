"""The client of DS on recorded answers, if they are available."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber
from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.ds.write_document import DossierWrite, WriteOutcome
from dsync.errors import DSError
from tests.conftest import SHARED
from tests.unit.ds.nodes import label_step, value_step

RECORDED = SHARED / "ds" / "recorded"
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded conversations are not at hand (DSYNC_SHARED)"
)
URL = "https://ds.test/api/v2/graphql"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def answer(name: str) -> dict[str, Any]:
    """Return a recorded answer."""
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["response"]
    return found


def aliased(name: str) -> dict[str, Any]:
    """Return a recorded answer about one dossier as one about several."""
    found = answer(name)
    for error in found["body"]["errors"]:
        error["path"] = ["d0", *error["path"][1:]]
    return found


def serve(found: dict[str, Any]) -> None:
    """Answer the next request with a recording."""
    body = found["body"]
    headers = {k: v for k, v in found["headers"] if k.lower() not in ("content-type", "etag")}
    given = {"body": body} if isinstance(body, str) else {"json": body}
    responses.post(URL, status=found["status"], headers=headers, **given)


@pytest.fixture
def client() -> Any:
    made = DSClient(
        URL,
        "token",
        user_agent="dsync/0",
        limits=Limits(attempts=1, max_wait_s=0.0),
        stop=threading.Event(),
        clock=lambda: datetime.now(UTC),
    )
    with closing(made):
        yield made


def light(client: DSClient) -> Any:
    return client.read_light_page(DemarcheNumber(86321), first=6, after=None, updated_since=EPOCH)


def demarche(client: DSClient) -> Any:
    return client.demarche(DemarcheNumber(86321))


def dossier(client: DSClient) -> Any:
    return client.dossiers([DossierNumber(15000005)], DemarcheNumber(86321))


REFUSALS: list[tuple[str, Callable[[DSClient], Any], str]] = [
    ("auth-no-token", demarche, "token_unknown"),
    ("auth-garbage-token", demarche, "token_unknown"),
    ("auth-right-id-wrong-secret", demarche, "token_unknown"),
    ("auth-expired", demarche, "token_expired"),
    ("auth-forbidden-network", demarche, "network"),
    ("demarche-out-of-scope", demarche, "out_of_scope"),
    ("demarche-discarded", demarche, "not_found"),
    ("maintenance", light, "maintenance"),
    ("rate-limit-7", light, "rate_limited"),
    ("timeout", light, "timeout"),
    ("page-after-garbage", light, "invalid_cursor"),
    ("unknown-field", light, "query_refused"),
    ("depth-12", light, "query_refused"),
    ("wrong-variable-type", light, "query_refused"),
    ("parse-error", light, "query_refused"),
    ("malformed-json", light, "query_refused"),
    ("inline-fragment-without-type-demandeur", light, "server_error"),
]


@responses.activate
@pytest.mark.parametrize(("name", "ask", "fault"), REFUSALS)
def test_a_recorded_failure_has_its_fault(
    client: DSClient, name: str, ask: Callable[[DSClient], Any], fault: str
) -> None:
    """Each recorded failure is classified."""
    serve(answer(name))
    with pytest.raises(DSError) as caught:
        ask(client)
    assert caught.value.details["fault"] == fault


@responses.activate
def test_a_recorded_null_dossier_has_its_path(client: DSClient) -> None:
    """DS lost its applicant: it is null, although its number exists."""
    serve(aliased("no-etablissement-single"))
    serve(aliased("no-etablissement-single"))
    serve(aliased("no-etablissement-single"))
    [one] = dossier(client).unreadable
    assert ("bad_data", "demandeur") == (one.code, one.path)
    sent = [json.loads(call.request.body)["variables"] for call in responses.calls]
    assert [None, False, False] == [one.get("withApplicant") for one in sent]


@responses.activate
@pytest.mark.parametrize("name", ["deleted", "expired-hidden", "out-of-scope"])
def test_a_recorded_dossier_that_is_not_shown_is_left_out(client: DSClient, name: str) -> None:
    """It is none of the page's, neither read nor unreadable."""
    serve(aliased(f"dossier-{name}"))
    page = dossier(client)
    assert ([], ()) == (page.nodes, page.unreadable)


WRITES: list[tuple[str, dict[str, Any]]] = [
    ("annotations-bad-option", {"refused": {"Q2hhbXAtNzIwOQ=="}}),
    (
        "annotations-partially-valid",
        {
            "saved": {"Q2hhbXAtNzIwMA==", "Q2hhbXAtNzIwNw=="},
            "refused": {"Q2hhbXAtNzIwOQ==", "Q2hhbXAtOTk5OTk5"},
        },
    ),
    ("annotations-unknown-id", {"refused": {"Q2hhbXAtOTk5OTk5"}}),
    ("annotations-annotation-of-older-revision", {"refused": {"Q2hhbXAtNTQwNg=="}}),
    ("annotations-garbage-id", {"refused": {"zzz"}}),
    ("annotations-readonly", {"code": "lecture_seule"}),
    ("annotations-readonly-hidden", {"code": "lecture_seule"}),
    ("annotations-instructeur-not-in-groupe", {"code": "droits"}),
    ("annotations-out-of-scope", {"code": "hors_perimetre"}),
    ("annotations-deleted", {"not_found": True}),
    ("annotations-brouillon", {"not_found": True}),
    ("annotations-instructeur-garbage", {"not_found": True}),
]


@responses.activate
@pytest.mark.parametrize(("name", "expected"), WRITES)
def test_a_recorded_write_has_its_outcome(
    client: DSClient, name: str, expected: dict[str, Any]
) -> None:
    """Recorded payloads of annotations are read alias by alias."""
    conversation = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    sent = conversation["request"]["body"]["variables"]["i"]
    text = json.dumps(conversation["response"])
    serve(json.loads(text.replace('"dossierModifierAnnotations"', '"w0_annotations"')))
    write = DossierWrite(
        DossierNumber(1),
        DossierId(sent["dossierId"]),
        sent["instructeurId"],
        tuple(value_step(a["id"], "text", "x") for a in sent["annotations"]),
    )
    (outcome,) = client.push([write])
    assert _told(outcome) == expected


@responses.activate
@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("label-add", True),
        ("label-add-twice", True),
        ("label-remove-twice", True),
        ("label-of-other-demarche", False),
    ],
)
def test_a_recorded_label_has_its_outcome(client: DSClient, name: str, done: bool) -> None:
    """A label that is as wanted counts as done."""
    serve(json.loads(json.dumps(answer(name)).replace('"m"', '"w0_add0"')))
    write = DossierWrite(DossierNumber(1), DossierId("D"), "I", (label_step("L"),))
    (outcome,) = client.push([write])
    assert (outcome.labels_done == {"L"}) is done
    assert ("L" in outcome.refused) is not done


def _told(outcome: WriteOutcome) -> dict[str, Any]:
    told = {
        "saved": set(outcome.saved),
        "refused": set(outcome.refused),
        "code": outcome.code,
        "not_found": outcome.not_found,
        "unknown": outcome.unknown,
    }
    return {name: value for name, value in told.items() if value}
