"""The faults of the sandbox: each failure of DS, or of a proxy before it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from dsync.sandbox import ScriptedFault, opaque_ids
from dsync.sandbox.scalars import DossierTruth

PAGE = (
    "query page($n:Int){demarche(number:86321){dossiers(first:$n){"
    "pageInfo{endCursor hasNextPage} nodes{number state}}}}"
)
WRITE = (
    "mutation write($d:ID!,$i:ID!,$t:String!){m:dossierModifierAnnotations(input:{dossierId:$d,"
    'instructeurId:$i,annotations:[{id:"Q2hhbXAtNTEwMw==",value:{textarea:$t}}]})'
    "{annotations{id} errors{message}}}"
)
DSYNC = "SW5zdHJ1Y3RldXItMw=="


def _open(sandbox: Any) -> DossierTruth:
    return next(truth for truth in sandbox.control.truth() if truth.state == "en_instruction")


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "start"),
    [
        ("internal_error", 500, "application/json; charset=utf-8", '{"errors":'),
        ("bad_gateway", 502, "text/html; charset=utf-8", "<!DOCTYPE"),
        ("maintenance", 503, "application/json; charset=utf-8", '{"error":'),
        ("rate_limited", 429, None, "Trop de requêtes"),
        ("token_expired", 401, "application/json; charset=utf-8", '{"errors":'),
        ("token_unknown", 403, "application/json; charset=utf-8", '{"errors":'),
        ("forbidden_network", 403, "application/json; charset=utf-8", '{"errors":'),
        ("html", 200, "text/html; charset=utf-8", "<!DOCTYPE"),
        ("data_null", 200, "application/json; charset=utf-8", '{"data":null}'),
        ("truncated", 200, "application/json; charset=utf-8", '{"data":'),
        ("empty", 200, "application/json; charset=utf-8", ""),
        ("byte_order_mark", 200, "application/json; charset=utf-8", "\ufeff{"),
    ],
)
def test_a_scripted_failure_is_answered_once(
    sandbox: Any, client: Any, kind: Any, status: int, content_type: str | None, start: str
) -> None:
    """One request fails, the next one succeeds."""
    sandbox.control.faults.fail(ScriptedFault(kind))
    failed = client.post(PAGE, n=2)
    failed.encoding = "utf-8"
    assert (failed.status_code, failed.headers.get("Content-Type")) == (status, content_type)
    assert failed.text.startswith(start)
    assert len(client.data(PAGE, n=2)["demarche"]["dossiers"]["nodes"]) == 2


def test_a_fault_applies_to_its_operation(sandbox: Any, client: Any) -> None:
    """It can also let a number of requests succeed first."""
    sandbox.control.faults.fail(ScriptedFault("bad_gateway", operation="page", after=1, times=2))
    statuses = [
        client.post(query).status_code for query in ("query other{__typename}", *[PAGE] * 4)
    ]
    assert statuses == [200, 200, 502, 502, 200]


def test_a_time_out_keeps_the_page_info(sandbox: Any, client: Any) -> None:
    """Nodes after the time-out are null, but the end cursor is past them."""
    whole = client.data(PAGE, n=5)["demarche"]["dossiers"]
    sandbox.control.faults.fail(ScriptedFault("timeout", reached=2))
    body = client.ask(PAGE, n=5)
    cut = body["data"]["demarche"]["dossiers"]
    assert cut == {"pageInfo": whole["pageInfo"], "nodes": [*whole["nodes"][:2], None, None, None]}
    assert [error.get("extensions") for error in body["errors"]] == [
        {"code": "timeout"},
        None,
        None,
    ]
    assert body["errors"][1]["path"] == ["demarche", "dossiers", "nodes", 3, "number"]


def test_bad_data_makes_one_node_null(sandbox: Any, client: Any) -> None:
    """It is null among good nodes, and requested alone it makes `data` null."""
    number = client.data(PAGE, n=3)["demarche"]["dossiers"]["nodes"][1]["number"]
    sandbox.control.faults.return_null(number)
    body = client.ask(PAGE, n=3)
    assert [node is None for node in body["data"]["demarche"]["dossiers"]["nodes"]] == [
        False,
        True,
        False,
    ]
    assert body["errors"][0]["extensions"] == {"code": "invalid_null"}
    alone = client.ask("query one($n:Int!){dossier(number:$n){number}}", n=number)
    assert alone["data"] is None
    sandbox.control.faults.repair(number)
    assert None not in client.data(PAGE, n=3)["demarche"]["dossiers"]["nodes"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_inside", "answer_lost"])
def test_a_connection_is_closed(sandbox: Any, client: Any, kind: Any) -> None:
    """Only a request whose connection was closed before its execution has no effect."""
    number = _open(sandbox).number
    sandbox.control.faults.fail(ScriptedFault(kind, only="mutation"))
    with pytest.raises(requests.RequestException):
        client.post(WRITE, d=opaque_ids.encode("Dossier", number), i=DSYNC, t="écrit")
    written = sandbox.control.truth_of(number).annotations[5103] == "écrit"
    assert written is (kind != "cut_before")


def test_a_time_out_keeps_the_mutations_before_it(sandbox: Any, client: Any) -> None:
    """Mutations are executed in order; those after the time-out are not."""
    dossier = _open(sandbox)
    sandbox.control.faults.fail(ScriptedFault("timeout", reached=1))
    label = "(input:{dossierId:$d,labelId:%s}){errors{message}}"
    known = ('"TGFiZWwtMQ=="', '"TGFiZWwtMg=="')
    for name in dossier.labels:
        sandbox.control.remove_label(dossier.number, name)
    body = client.ask(
        "mutation($d:ID!){"
        + " ".join(
            f"a{rank}:dossierAjouterLabel{label % ident}" for rank, ident in enumerate(known)
        )
        + "}",
        d=opaque_ids.encode("Dossier", dossier.number),
    )
    assert body["data"] == {"a0": {"errors": None}, "a1": None}
    assert sandbox.control.truth_of(dossier.number).labels == ["éligible"]


def test_stopping_does_not_wait_for_a_slow_answer(sandbox: Any, client: Any) -> None:
    """A sandbox that sends an answer for an hour stops at once."""
    sandbox.control.faults.fail(ScriptedFault("slow_body", bytes_per_s=1))
    headers = {"Authorization": f"Bearer {sandbox.tokens.write}"}
    with requests.post(
        sandbox.ds_url, json={"query": PAGE}, headers=headers, stream=True, timeout=5
    ) as answer:
        sandbox.stop()
        with pytest.raises(requests.RequestException):
            _ = answer.content


def test_the_rate_limit_resets_with_the_clock_minute(sandbox: Any, client: Any) -> None:
    """The 429 has the start of the next minute, in one header only."""
    sandbox.control.faults.limit_rate(2)
    answers = [client.post(PAGE) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    headers = answers[2].headers
    now = int(sandbox.control.clock.now().timestamp())
    assert headers["RateLimit-Reset"] == str((now // 60 + 1) * 60)
    assert "Retry-After" not in headers
    sandbox.control.clock.advance(60)
    assert client.post(PAGE).status_code == 200


def test_a_time_out_before_any_node_has_no_data(sandbox: Any, client: Any) -> None:
    """A request without a page then has no data at all."""
    sandbox.control.faults.fail(ScriptedFault("timeout"))
    body = client.ask("query form{demarche(number:86321){activeRevision{id}}}")
    assert (body["data"], body["errors"][0]["extensions"]) == (None, {"code": "timeout"})


def test_an_endless_list_leads_back_to_its_beginning(sandbox: Any, client: Any) -> None:
    """Its last page says that more follow, each time with another cursor."""
    sandbox.control.faults.fail(ScriptedFault("endless_list", times=2))
    query = PAGE.replace("$n:Int", "$n:Int $c:String").replace("first:$n", "first:$n after:$c")
    first, second = (client.data(query, n=100)["demarche"]["dossiers"] for _ in range(2))
    assert first["pageInfo"]["hasNextPage"]
    assert first["nodes"] == second["nodes"]
    assert first["pageInfo"]["endCursor"] != second["pageInfo"]["endCursor"]
    again = client.data(query, n=100, c=first["pageInfo"]["endCursor"])["demarche"]["dossiers"]
    assert first["nodes"] == again["nodes"]
    assert not again["pageInfo"]["hasNextPage"]
