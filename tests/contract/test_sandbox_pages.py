"""Pages of DS: sizes, cursors, order and filters."""

from __future__ import annotations

from typing import Any

import pytest

PAGE = (
    "query page($first:Int,$after:String,$since:ISO8601DateTime){demarche(number:86321){"
    "dossiers(first:$first,after:$after,updatedSince:$since){pageInfo{endCursor hasNextPage} "
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
    at = sandbox.control.clock.now()
    assert [node["number"] for node in _page(client, since=at.isoformat())["nodes"]] == [number]
    later = at.replace(microsecond=1)
    assert _page(client, since=later.isoformat())["nodes"] == []


def test_a_dossier_that_changes_moves_behind_the_cursor(sandbox: Any, client: Any) -> None:
    """It is read again later in the same crawl."""
    since = "1970-01-01T00:00:00Z"
    first = _page(client, first=5, since=since)
    moved = first["nodes"][0]["number"]
    sandbox.control.save_without_submitting(moved)
    rest = _page(client, first=100, since=since, after=first["pageInfo"]["endCursor"])
    assert rest["nodes"][-1]["number"] == moved
