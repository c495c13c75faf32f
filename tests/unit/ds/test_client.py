"""The client over mocked HTTP: its requests, the results of answers, the counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from gql import Client, gql

from dsync.domain.dossier import Etat
from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber
from dsync.ds.answers import read_nodes
from dsync.ds.client import DSClient
from dsync.ds.results import ListRequest
from dsync.ds.transport import Transport
from dsync.ds.write_document import DossierWrite
from dsync.errors import (
    ConfigurationError,
    DSBadDataError,
    DSContractError,
    DSError,
    DSNotFoundError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnauthorizedError,
    DSUnavailableError,
    DSWrongAddressError,
)
from tests.unit.ds.nodes import node_of, value_step

URL = "https://ds.test/api/v2/graphql"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOKEN = "secret-token"
DEMARCHE = DemarcheNumber(86321)
OURS = {"demarche": {"number": DEMARCHE}}
SECRET = "Ministère secret"
Make = Callable[..., DSClient]
Mock = responses.RequestsMock
WRITE = DossierWrite(DossierNumber(1), DossierId("D1"), "I", (value_step("A", "textarea", SECRET),))


def page(*nodes: Any, **lists: Any) -> dict[str, Any]:
    return {
        "demarche": {
            "activeRevision": {"id": "R4"},
            "dossiers": {"nodes": list(nodes), "pageInfo": {"endCursor": "c", "hasNextPage": True}},
            **lists,
        }
    }


def error(message: str, code: str | None = None, *path: str | int) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": message, "path": list(path)}
    if code:
        entry["extensions"] = {"code": code}
    return entry


def read(client: DSClient, **options: Any) -> Any:
    given = {"first": 10, "after": None, "updated_since": NOW, **options}
    return read_nodes(client.read_page(DEMARCHE, **given))


def test_a_request_has_token_language_and_operation(ds: Mock, make_client: Make) -> None:
    """Token, language and user agent are headers; the operation is named; nulls are omitted."""
    ds.post(URL, json={"data": page(node_of())}, headers={"Date": "Tue, 24 Nov 2026 12:00:01 GMT"})
    found = read(make_client(), first=50)
    sent = ds.calls[0].request
    body = json.loads(sent.body)
    assert sent.headers["Authorization"] == "Bearer secret-token"
    assert sent.headers["Accept-Language"] == "fr"
    assert sent.headers["User-Agent"] == "dsync/0 (+mailto:eig@example.gouv.fr)"
    assert body["operationName"] == "DossiersPage"
    assert body["variables"] == {
        "number": 86321,
        "first": 50,
        "updatedSince": "2026-11-24T12:00:00+00:00",
        "withPending": False,
        "withDeleted": False,
    }
    assert found.server_date == datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)
    assert found.active_revision_id == "R4"


@pytest.mark.parametrize(("told", "kept"), [(r'"a\ud800b"', "ab"), ("NaN", None)])
def test_an_answer_with_lone_surrogates_or_nan_is_read(
    ds: Mock, make_client: Make, told: str, kept: Any
) -> None:
    """A lone surrogate is removed, NaN becomes null; neither stops a démarche."""
    body = json.dumps({"data": page(node_of(), node_of(2, motivation="@"))})
    ds.post(URL, body=body.replace('"@"', told))
    first, second = read(make_client()).nodes
    assert [(1, None), (2, kept)] == [(d.number, d.motivation) for d in (first, second)]


ENTRIES = [{"number": rank} for rank in range(1, 102)]
LISTED = {"nodes": ENTRIES, "pageInfo": {"endCursor": "c", "hasNextPage": False}}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"data": page(*ENTRIES[:11])}, "too_many_nodes"),
        ({"data": page(node_of(), deletedDossiers=LISTED)}, "too_many_nodes"),
        ({"data": page(), "errors": [error("no")] * 501}, "too_many_errors"),
        ({"data": None, "errors": [error("no")] * 501}, "too_many_errors"),
        ({"data": page(), "errors": [error("Timeout on Dossier.number")] * 501}, "timeout"),
        ({"data": page(*[{}] * 800_000)}, "too_many"),
        ({"data": page(node_of(motivation="x" * 7_000_000))}, "too_long"),
    ],
    ids=["nodes", "deletions", "errors", "errors alone", "timeout", "values", "bytes"],
)
def test_an_answer_with_too_much_is_not_read(
    ds: Mock, make_client: Make, answer: dict[str, Any], fault: str
) -> None:
    """More than was asked for does not match the API; a page too large is asked for smaller.

    After a time-out there is an error for each field that DS did not reach.
    """
    ds.post(URL, json=answer)
    kind = DSTimeoutError if fault in {"timeout", "too_many", "too_long"} else DSContractError
    with pytest.raises(kind) as found:
        read(make_client(), deleted=ListRequest(None, None))
    assert fault == found.value.details["fault"]


def test_a_dossier_that_is_too_large_is_unreadable(ds: Mock, make_client: Make) -> None:
    """It alone; its number is known."""
    ds.post(URL, json={"data": page(node_of(motivation="x" * 7_000_000))})
    [one] = read(make_client(), first=1).unreadable
    assert (1, "illisible") == (one.number, one.code)


def test_the_token_is_not_replaced_by_a_netrc(
    ds: Mock, make_client: Make, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credentials of a `.netrc` for DS's host are not sent."""
    (tmp_path / "netrc").write_text("machine ds.test login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ds.post(URL, json={"data": page(node_of())})
    read(make_client())
    assert ds.calls[0].request.headers["Authorization"] == "Bearer secret-token"


def refusal(message: str, code: str | None, *path: str, status: int = 200) -> dict[str, Any]:
    """Return an answer with one error and no data."""
    return {"status": status, "json": {"errors": [error(message, code, *path)], "data": None}}


# Each status has its row in test_classify.py.
REPLIES: list[tuple[dict[str, Any], type[DSError], str]] = [
    ({"status": 502, "body": f"<html>{SECRET}</html>"}, DSUnavailableError, "gateway"),
    ({"status": 301, "headers": {"Location": "http://x.test/"}}, DSWrongAddressError, "moved"),
    ({"body": f"<html>{SECRET}</html>"}, DSWrongAddressError, "wrong_address"),
    ({"body": '{"data": {"demarche"'}, DSUnavailableError, "connection_lost"),
    ({"body": ""}, DSUnavailableError, "connection_lost"),
    ({"body": "3"}, DSWrongAddressError, "wrong_address"),
    ({"body": "[]"}, DSWrongAddressError, "wrong_address"),
    ({"json": {"data": None}}, DSUnavailableError, "no_data"),
    ({"json": {"data": 3}}, DSUnavailableError, "no_data"),
    ({"json": {"data": {}}}, DSUnavailableError, "no_data"),
    (refusal("x", "internal_server_error", status=500), DSBadDataError, "server_error"),
    (refusal(f"Variable … {SECRET}", "undefinedField"), DSContractError, "query_refused"),
    (refusal("Demarche not found", "not_found", "demarche"), DSNotFoundError, "not_found"),
    (refusal("Token expired", "unauthorized", status=401), DSUnauthorizedError, "token_expired"),
    (refusal("hidden", "unauthorized", "demarche"), DSUnauthorizedError, "out_of_scope"),
    (refusal('Invalid input: "x"', None, "dossiers"), DSContractError, "invalid_cursor"),
    ({"json": {"data": {"demarche": {"dossiers": {}}}}}, DSContractError, "shape"),
]


@pytest.mark.parametrize(("reply", "kind", "fault"), REPLIES)
def test_an_answer_that_is_no_page_is_a_dsync_error(
    ds: Mock,
    make_client: Make,
    reply: dict[str, Any],
    kind: type[DSError],
    fault: str,
) -> None:
    """Each bad answer has its class and is counted; the message has neither token nor body."""
    ds.post(URL, **reply)
    client = make_client(token=f"t-{fault}")
    with pytest.raises(DSError) as caught:
        read(client)
    assert type(caught.value) is kind
    assert caught.value.details["fault"] == fault
    assert client.errors == {kind.__name__: 1}
    assert client.requests == 1
    told = f"{caught.value} {caught.value.details} {caught.value.__cause__}"
    assert SECRET not in told
    assert f"t-{fault}" not in told


PLACE: Mapping[str, Any] = {"first": 10, "after": None, "updated_since": None}
LISTS = ListRequest(None, None)


READERS: dict[str, Callable[[DSClient], Any]] = {
    "démarche 86321, whole": lambda client: client.demarche(DEMARCHE),
    "démarche 86321, a page": lambda client: client.read_page(DEMARCHE, **PLACE),
    "démarche 86321, numbers": lambda client: client.read_light_page(DEMARCHE, **PLACE),
    "démarche 86321, glances": lambda client: client.read_glance_page(DEMARCHE, **PLACE),
    "démarche 86321, lists": lambda one: one.deletions(DEMARCHE, pending=LISTS, deleted=None),
    "démarche 86321, groupes": lambda client: client.write_access(DEMARCHE, "I"),
    "dossier 7, files": lambda client: client.piece_files(DossierNumber(7), DEMARCHE),
}


@pytest.mark.parametrize("asked", READERS)
def test_an_answer_without_what_was_asked_for_names_it(
    ds: Mock, make_client: Make, asked: str
) -> None:
    """A token reads several démarches: the message says which one is to be looked at."""
    missing = {"demarche": None, "dossier": None}
    ds.post(URL, json={"data": missing, "errors": [error("not found", "not_found", "demarche")]})
    with pytest.raises(DSNotFoundError, match=asked.partition(",")[0]):
        READERS[asked](make_client())


@pytest.mark.parametrize("token", ["two words", "jeton-é", "a\nb"])
def test_a_token_that_cannot_be_sent_is_refused_without_showing_it(
    make_transport: Callable[..., Transport], make_client: Make, token: str
) -> None:
    """Nor is anything sent without one."""
    client = make_client(token=" ")
    with pytest.raises(DSUnauthorizedError) as lacking:
        client.demarche(DEMARCHE)
    assert ("missing", 0) == (lacking.value.reason, client.requests)
    with pytest.raises(ConfigurationError) as caught:
        make_transport(token)
    assert token not in str(caught.value)


@pytest.mark.parametrize("path", [(), ("demarche", "dossiers", "pageInfo")])
def test_an_error_beside_whole_nodes_is_no_page(
    ds: Mock, make_client: Make, path: tuple[str, ...]
) -> None:
    """After an error outside the nodes the cursor is not reliable: the page is not used."""
    errors = [error("Something went wrong", None, *path)]
    ds.post(URL, json={"data": page(node_of()), "errors": errors})
    with pytest.raises(DSBadDataError):
        read(make_client())


def test_an_error_below_a_nullable_field_concerns_one_dossier(ds: Mock, make_client: Make) -> None:
    """The dossier is read without that field, whose path is named."""
    path = ("demarche", "dossiers", "nodes", 1, "champs", 3, "address", "label")
    errors = [error("Cannot return null", "invalid_null", *path)]
    ds.post(URL, json={"data": page(node_of(), node_of(2)), "errors": errors})
    found = read(make_client())
    assert ([1, 2], {2: "champs[3].address.label"}) == (
        [dossier.number for dossier in found.nodes],
        found.incomplete,
    )


@pytest.mark.parametrize(
    ("odd", "path"),
    [
        ({"state": "brouillon"}, "state"),
        ({"champs": [{"label": 3}]}, "champs"),
        ({"labels": None}, "labels"),
        ({"demandeur": {"__typename": "PersonneMorale", "siret": 3}}, "demandeur.siret"),
        ({"dateDepot": "hier"}, "dateDepot"),
    ],
)
def test_an_invalid_node_is_unreadable_and_its_field_is_named(
    ds: Mock, make_client: Make, odd: dict[str, Any], path: str
) -> None:
    """The path is named, never the value."""
    ds.post(URL, json={"data": page(node_of(), node_of(2, **odd))})
    found = read(make_client())
    assert [1] == [dossier.number for dossier in found.nodes]
    [one] = found.unreadable
    assert (2, "illisible") == (one.number, one.code)
    assert one.path.startswith(path)


def test_a_link_to_a_hidden_dossier_breaks_no_page(ds: Mock, make_client: Make) -> None:
    """A link to a dossier outside the token's scope is null; its own dossier is complete."""
    path = ("demarche", "dossiers", "nodes", 0, "champs", 3, "dossier")
    errors = [error("An object of type Dossier was hidden", "unauthorized", *path)]
    ds.post(URL, json={"data": page(node_of()), "errors": errors})
    found = read(make_client())
    assert (1, {}) == (len(found.nodes), found.incomplete)


def test_an_error_in_the_lists_is_not_an_error_of_the_page(ds: Mock, make_client: Make) -> None:
    """Its details name the lists of deletions."""
    path = ("demarche", "deletedDossiers", "nodes", 0, "number")
    errors = [error("Timeout on DeletedDossier.number", "timeout", *path)]
    ds.post(URL, json={"data": page(node_of()), "errors": errors})
    with pytest.raises(DSTimeoutError) as caught:
        read(make_client())
    assert caught.value.details["where"] == "deletions"


def test_an_entry_of_a_list_that_ds_cannot_render_is_counted(ds: Mock, make_client: Make) -> None:
    """The page and the list's other entries are read: one bad entry stops no run."""
    path = ("demarche", "deletedDossiers", "nodes", 0, "state")
    errors = [error("Cannot return null for non-nullable field", "invalid_null", *path)]
    good = {"number": 9, "state": "refuse", "reason": "expired", "dateSupression": NOW.isoformat()}
    lists = {"nodes": [None, good], "pageInfo": {"endCursor": "x", "hasNextPage": False}}
    asked = ListRequest(None, None)
    for data in (page(node_of(), deletedDossiers=lists), {"demarche": {"deletedDossiers": lists}}):
        ds.post(URL, json={"data": data, "errors": errors})
    found = read(make_client(), deleted=asked)
    _, alone = make_client().deletions(DEMARCHE, pending=None, deleted=asked)
    for deleted in (found.deleted, alone):
        assert ([9], 1) == ([one.number for one in deleted.nodes], deleted.unreadable)
    assert (1, {}) == (len(found.nodes), found.incomplete)


@pytest.mark.parametrize(("count", "cursor"), [(0, "x"), (1, None), (1, "before")])
def test_a_list_without_end_is_detected(
    ds: Mock, make_client: Make, count: int, cursor: str | None
) -> None:
    """A list whose cursor does not lead on is an error, not an endless loop."""
    deleted = {"number": 1, "state": "refuse", "reason": "expired", "dateSupression": "…"}
    found = {"nodes": [deleted] * count, "pageInfo": {"endCursor": cursor, "hasNextPage": True}}
    ds.post(URL, json={"data": {"demarche": {"deletedDossiers": found}}})
    with pytest.raises(DSContractError, match="cursor is missing or repeated"):
        make_client().deletions(DEMARCHE, pending=None, deleted=ListRequest(None, "before"))


RATE_LIMITS = [
    ({"RateLimit-Reset": str(int(NOW.timestamp()) + 30)}, 30),
    ({"RateLimit-Reset": str(int(NOW.timestamp()) + 500)}, 90),
    ({"RateLimit-Reset": "1"}, 0),
    # DS's clock is an hour ahead of ours: its own Date is what its Reset is measured by.
    ({"RateLimit-Reset": str(int(NOW.timestamp()) + 3620),
      "Date": "Tue, 24 Nov 2026 13:00:00 GMT"}, 20),
    ({"Retry-After": "7"}, 7),
    ({"Date": "never"}, 15),
    ({}, 15),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "wait_s"), RATE_LIMITS)
def test_a_rate_limit_has_its_end(
    ds: Mock, make_client: Make, headers: dict[str, str], wait_s: float
) -> None:
    """RateLimit-Reset, else Retry-After, else a default; at most the maximum."""
    ds.post(URL, status=429, body="Calme toi", headers=headers)
    with pytest.raises(DSRateLimitedError) as caught:
        read(make_client(token=f"limited-{hash(str(headers))}"))
    assert caught.value.retry_at == NOW + timedelta(seconds=wait_s)


UNKNOWN: list[tuple[dict[str, Any], bool]] = [
    ({"status": 500, "json": {"errors": [error("x", "internal_server_error")]}}, True),
    ({"status": 502, "body": "no"}, False),
    ({"status": 503, "json": {"error": "maintenance"}}, False),
    ({"body": "<html>"}, False),
    ({"body": ""}, False),
    ({"body": '{"data": {"w0'}, False),
    ({"json": {"data": None}}, False),
    ({"json": {"errors": [error("Timeout on x", "timeout", "w0")], "data": None}}, False),
]


@pytest.mark.parametrize(("reply", "finished"), UNKNOWN)
def test_a_write_without_a_clear_answer_is_unknown_and_never_repeated(
    ds: Mock, make_client: Make, reply: dict[str, Any], finished: bool
) -> None:
    """The request is sent once; the caller reads the value back."""
    ds.post(URL, **reply)
    client = make_client(attempts=6)
    with pytest.raises(DSOutcomeUnknownError) as caught:
        client.push([WRITE])
    assert caught.value.finished is finished
    assert client.requests == 1
    assert SECRET not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"status": 401, "json": {"errors": [error("Token expired")]}}, DSUnauthorizedError),
        ({"json": {"errors": [error("?", "argumentNotAccepted")]}}, DSContractError),
        ({"status": 400, "json": {"errors": [error("?", "bad_request")]}}, DSContractError),
        ({"status": 404, "body": "no"}, DSWrongAddressError),
    ],
)
def test_a_write_that_was_not_executed_is_not_unknown(
    ds: Mock, make_client: Make, reply: dict[str, Any], kind: type[DSError]
) -> None:
    """A document that was refused as a whole needs no reading back."""
    ds.post(URL, **reply)
    with pytest.raises(kind):
        make_client().push([WRITE])


@pytest.mark.parametrize("body", ["[" * 100_000 + "]" * 100_000, '{"data":' + "[" * 100_000])
def test_an_answer_that_no_decoder_takes_is_no_bug(ds: Mock, make_client: Make, body: str) -> None:
    """Nested too deeply: what a write has done is not known, as after any answer but DS's own."""
    ds.post(URL, body=body)
    with pytest.raises(DSOutcomeUnknownError):
        make_client().push([WRITE])


def test_a_dossier_that_is_gone_hides_no_other(ds: Mock, make_client: Make) -> None:
    """The others are requested again where `data` is null, and only then."""
    gone = [
        error("Dossier not found", "not_found", "d0"),
        error("An object of type Dossier was hidden", "unauthorized", "d2"),
    ]
    ds.post(URL, json={"errors": gone, "data": None})
    ds.post(URL, json={"data": {"d0": OURS}})
    numbers = [DossierNumber(n) for n in (10, 11, 12)]
    assert {10: None, 11: DEMARCHE, 12: None} == make_client().demarches_of(numbers, DEMARCHE)
    assert {"number0": 11} == json.loads(ds.calls[1].request.body)["variables"]
    ds.post(URL, json={"errors": gone[:1], "data": {"d0": None, "d1": OURS}})
    assert {10: None, 11: DEMARCHE} == make_client().demarches_of(numbers[:2], DEMARCHE)


@pytest.mark.parametrize(
    "reply",
    [
        {"errors": [error("?", "invalid_null", "d0", "labels")], "data": None},
        {"errors": [error("Dossier not found", "not_found")], "data": None},
        {"errors": [error("Dossier not found", "not_found", "x")], "data": None},
        {"data": {"d0": None}},
        {"data": {"d0": {"demarche": 3}}},
    ],
)
def test_an_unreadable_dossier_does_not_count_as_deleted(
    ds: Mock, make_client: Make, reply: dict[str, Any]
) -> None:
    """A dossier that DS cannot render is left out of the result."""
    ds.post(URL, json=reply)
    assert {} == make_client().demarches_of([DossierNumber(1)], DEMARCHE)


def test_an_internal_error_about_one_dossier_hides_no_other(ds: Mock, make_client: Make) -> None:
    """The list of dossiers, which an outage would not return, is asked once; then halves are."""
    dossiers = {"nodes": [{"number": 10}], "pageInfo": {"endCursor": "c", "hasNextPage": False}}
    failed = {"errors": [error("Internal error", "internal_server_error", "d0")], "data": None}
    ds.post(URL, json=failed)
    ds.post(URL, json={"data": {"demarche": {"dossiers": dossiers}}})
    ds.post(URL, json={"data": {"d0": OURS}})
    ds.post(URL, json=failed)
    numbers = [DossierNumber(10), DossierNumber(11)]
    assert {11: DEMARCHE} == make_client().demarches_of(numbers, DEMARCHE)
    assert 4 == len(ds.calls)


def test_an_outage_is_not_asked_about_each_dossier(ds: Mock, make_client: Make) -> None:
    """If the list of dossiers cannot be read either, each half would fail, too."""
    failed = {"errors": [error("Internal error", "internal_server_error", "d0")], "data": None}
    ds.post(URL, json=failed)
    with pytest.raises(DSError):
        make_client().demarches_of([DossierNumber(n) for n in range(10)], DEMARCHE)
    assert 2 == len(ds.calls)


def test_annotations_are_read_by_descriptor(ds: Mock, make_client: Make) -> None:
    """Values have their types; an annotation that the dossier lacks is absent."""

    def champ(kind: str, id_: str, **values: Any) -> list[dict[str, Any]]:
        at = "2026-11-24T15:30:37+01:00"
        common = {"__typename": kind, "champDescriptorId": id_, "stringValue": "s"}
        return [{**common, "updatedAt": at, **values}]

    dossier = {
        **{**OURS, "id": "D1", "state": "en_instruction", "archived": False},
        "dateDerniereModificationAnnotations": "2026-11-24T15:00:00+01:00",
        "labels": [{"id": "L1", "name": "éligible"}],
        "a0": champ("DropDownListChamp", "A0", dropDownValue="Éligible"),
        "a1": champ("IntegerNumberChamp", "A1", integerValue="42"),
        "a2": champ("IntegerNumberChamp", "A2", integerValue=None),
        "a3": champ("UnheardOfChamp", "A3"),
        "a4": [],
    }
    ds.post(URL, json={"data": {"d0": dossier}})
    ids = ["A0", "A1", "A2", "A3", "A4", "A0"]
    found = make_client().read_annotations([DossierNumber(1)], ids, DEMARCHE)[DossierNumber(1)]
    assert found is not None
    assert found.values == {"A0": "Éligible", "A1": 42, "A2": None, "A3": "s"}
    assert found.labels == {"éligible": "L1"}
    assert found.etat is Etat.EN_INSTRUCTION
    assert found.updated_at["A0"] == datetime(2026, 11, 24, 14, 30, 37, tzinfo=UTC)


def test_a_page_of_size_0_is_never_requested(make_client: Make) -> None:
    """DS answers `first: 0` with an empty page and says that more follow."""
    with pytest.raises(ValueError, match="at least one"):
        read(make_client(), first=0)


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"number": None}, "illisible"),
        ({"number": 1 << 31}, "illisible"),
        ({"number": 8}, "identite"),
    ],
)
def test_a_dossier_with_another_number_than_requested_is_unreadable(
    ds: Mock, make_client: Make, odd: dict[str, Any], code: str
) -> None:
    """The requested number is the one reported."""
    ds.post(URL, json={"data": {"d0": node_of(7) | OURS | odd}})
    [one] = make_client().dossiers([DossierNumber(7)], DEMARCHE).unreadable
    assert (7, code) == (one.number, one.code)


def test_it_is_a_transport_of_gql(ds: Mock, make_client: Make) -> None:
    """Any request of gql is sent as its own are: with the token, and once more after an outage."""
    ds.post(URL, status=502)
    ds.post(URL, json={"data": {"demarche": {"title": "Appel"}}})
    client = make_client(attempts=2)
    asked = gql("query Title($number: Int!) { demarche(number: $number) { title } }")
    asked.variable_values = {"number": DEMARCHE}
    with Client(transport=client) as session:
        assert {"demarche": {"title": "Appel"}} == session.execute(asked)
    assert "Bearer secret-token" == ds.calls[1].request.headers["Authorization"]
    assert {"number": DEMARCHE} == json.loads(ds.calls[1].request.body)["variables"]
    assert (client.requests, client.answered) == (2, 1)


def test_no_library_logs_a_request_at_debug(
    ds: Mock, make_client: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests and answers are personal data: nothing logs them at any level of the program."""
    ds.post(URL, json={"data": {"w0_annotations": {"annotations": [{"id": "A"}], "errors": None}}})
    with caplog.at_level(logging.DEBUG):
        make_client().push([WRITE])
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text


def test_a_bug_is_not_taken_for_an_outage(ds: Mock, make_client: Make) -> None:
    """An exception that no network raises is passed on as it is, without a repetition."""
    ds.post(URL, body=ZeroDivisionError())
    client = make_client(attempts=6)
    with pytest.raises(ZeroDivisionError):
        read(client)
    assert client.requests == 1
