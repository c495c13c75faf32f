"""Pages of DS: sizes, cursors, order and filters."""

from __future__ import annotations

import base64
from typing import Any

import pytest

PAGE = (
    "query page($first:Int,$last:Int,$after:String,$before:String,$order:Order,"
    "$since:ISO8601DateTime,$state:DossierState){demarche(number:86321){dossiers(first:$first,"
    "last:$last,after:$after,before:$before,order:$order,updatedSince:$since,state:$state){"
    "pageInfo{startCursor endCursor hasNextPage hasPreviousPage} "
    "nodes{number state dateDepot dateDerniereModification}}}}"
)


def _page(client: Any, **arguments: Any) -> dict[str, Any]:
    return client.data(PAGE, **arguments)["demarche"]["dossiers"]


def _crawl(client: Any, **arguments: Any) -> list[int]:
    numbers: list[int] = []
    after = None
    while True:
        page = _page(client, after=after, **arguments)
        numbers += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return numbers


@pytest.mark.parametrize("since", [None, "1970-01-01T00:00:00Z"])
@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_a_crawl_reads_every_visible_dossier_once(
    sandbox: Any, client: Any, size: int, since: str | None
) -> None:
    """With any page size and order."""
    visible = {t.number for t in sandbox.control.truth() if t.presence == "present"}
    numbers = _crawl(client, first=size, since=since)
    assert (len(numbers), set(numbers)) == (len(visible), visible)


def test_pages_are_sorted_by_deposit_or_by_last_change(client: Any) -> None:
    """By the last change only with `updatedSince`."""
    by_deposit = [node["dateDepot"] for node in _page(client)["nodes"]]
    assert by_deposit == sorted(by_deposit)
    changed = _page(client, since="1970-01-01T00:00:00Z")["nodes"]
    by_change = [node["dateDerniereModification"] for node in changed]
    assert by_change == sorted(by_change)


def test_updated_since_is_inclusive(sandbox: Any, client: Any) -> None:
    """A dossier changed at that instant is on the page, a microsecond later it is not."""
    number = _page(client)["nodes"][0]["number"]
    sandbox.control.save_without_submitting(number)
    at = sandbox.control.now()
    assert [node["number"] for node in _page(client, since=at.isoformat())["nodes"]] == [number]
    later = at.replace(microsecond=1)
    assert _page(client, since=later.isoformat())["nodes"] == []


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_size_0_says_that_more_follow(client: Any, size: int) -> None:
    """A client that follows its cursor does not end."""
    assert _page(client, first=size) == {
        "pageInfo": {
            "startCursor": None,
            "endCursor": None,
            "hasNextPage": True,
            "hasPreviousPage": False,
        },
        "nodes": [],
    }


def test_the_last_ones_come_in_the_same_order(client: Any) -> None:
    """`last` returns the end of the list, `order: DESC` reverses it."""
    numbers = _crawl(client, first=100)
    last = _page(client, last=3)
    assert [node["number"] for node in last["nodes"]] == numbers[-3:]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    before = _page(client, last=3, before=last["pageInfo"]["startCursor"])
    assert [node["number"] for node in before["nodes"]] == numbers[-6:-3]
    assert before["pageInfo"]["hasNextPage"] is True
    turned = _page(client, first=3, order="DESC")
    assert [node["number"] for node in turned["nodes"]] == numbers[:-4:-1]


def test_a_cursor_is_a_utc_timestamp_and_an_id(client: Any) -> None:
    """The seconds have nine digits; there is no padding."""
    page = _page(client, first=1)
    cursor = page["pageInfo"]["endCursor"]
    at, number = base64.b64decode(cursor + "==").decode().split(";")
    assert int(number) == page["nodes"][0]["number"]
    assert (at[10], at[-1], len(at)) == ("T", "Z", 30)
    assert "=" not in cursor


def test_a_wrong_cursor_is_refused_or_silently_empty(client: Any) -> None:
    """No base64 is an error without code; base64 of another text is an empty page."""
    error = client.ask(PAGE, after="garbage")["errors"][0]
    assert (error["message"], "extensions" in error) == ('Invalid input: "garbage"', False)
    page = _page(client, after="enp6Ozk=")
    assert (page["nodes"], page["pageInfo"]["endCursor"]) == ([], None)


@pytest.mark.parametrize(
    "arguments", [{"first": 1, "last": 1}, {"after": "enp6Ozk=", "before": "enp6Ozk="}]
)
def test_arguments_that_exclude_each_other_are_refused(client: Any, arguments: Any) -> None:
    """With HTTP 200 and a code."""
    answer = client.post(PAGE, **arguments)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"] == {"code": "bad_request"}


def test_a_dossier_that_changes_moves_behind_the_cursor(sandbox: Any, client: Any) -> None:
    """It is read again later in the same crawl."""
    since = "1970-01-01T00:00:00Z"
    first = _page(client, first=5, since=since)
    moved = first["nodes"][0]["number"]
    sandbox.control.save_without_submitting(moved)
    rest = _page(client, first=100, since=since, after=first["pageInfo"]["endCursor"])
    assert rest["nodes"][-1]["number"] == moved


def test_a_filter_keeps_one_state(client: Any) -> None:
    """Only dossiers of that state are listed."""
    nodes = _page(client, state="accepte")["nodes"]
    assert {node["state"] for node in nodes} == {"accepte"}
