"""Fetching the catalogue over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from dsync.eig.betagouv import (
    catalogue_age,
    fetch_catalogue,
    make_evidence,
    parse_catalogue,
)
from dsync.eig.check_lines import EigFindings
from dsync.eig.rows import EvidenceCopy
from dsync.eig.sections import EigSections, MappingConfig
from dsync.eig.sources import EvidenceSources, download
from dsync.errors import EvidenceUnavailableError
from dsync.exchanges import Exchanges
from dsync.sandbox import Sandbox, ScriptedFault
from dsync.sandbox.faults import BETAGOUV
from tests.unit.eig.evidence.conftest import CATALOGUE, NOW, Reply, opened
from tests.unit.eig.precheck.builders import load_rules

OLD, NEW = "/api/v2.6/startups.json", "/api/v2.7/startups.json"
Fetch = Callable[..., EvidenceCopy | None]


@pytest.fixture
def fetch(site: Any) -> Iterator[Fetch]:
    """Return a function that fetches the catalogue from the site."""
    sources: list[EvidenceSources] = []

    def run(previous: EvidenceCopy | None = None, **limits: Any) -> EvidenceCopy | None:
        source = opened(f"{site.url}/", **limits)
        sources.append(source)
        found = fetch_catalogue(source, previous)
        return found.copy if found.catalogue else None

    yield run
    for source in sources:
        source.close()


def fetched(fetch: Fetch, previous: EvidenceCopy | None = None) -> EvidenceCopy:
    """Fetch a catalogue and expect one."""
    snapshot = fetch(previous)
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize("zipped", [False, True])
def test_a_catalogue_is_fetched(site: Any, fetch: Fetch, zipped: bool) -> None:
    """The snapshot has body, source, date and validators; no redirects file means no alias."""
    headers = {"ETag": '"1"', "Last-Modified": "Tue, 24 Nov 2026 03:00:00 GMT"}
    site.replies[OLD] = Reply(CATALOGUE, headers=headers, zipped=zipped)
    found = fetched(fetch)
    assert (found.body, found.url) == (CATALOGUE, f"{site.url}{OLD}")
    assert (found.redirects, found.fetched_at, found.etag) == ("{}", NOW, '"1"')
    assert parse_catalogue(found).aliases_known
    assert site.requests[0][1]["User-Agent"] == "dsync/test"


def test_a_mark_before_json_is_read_over(site: Any, fetch: Fetch) -> None:
    """In both files: some servers put one before UTF-8."""
    mark = b"\xef\xbb\xbf"
    site.replies[OLD] = Reply(mark + CATALOGUE.encode())
    site.replies["/redirects.json"] = Reply(mark + b"{}")
    found = fetched(fetch)
    assert (CATALOGUE, "{}") == (found.body, found.redirects)


def test_an_unchanged_catalogue_is_not_sent_again(site: Any, fetch: Fetch) -> None:
    """The validators are sent; status 304 confirms the copy."""
    headers = {"ETag": '"1"', "Last-Modified": "Tue, 24 Nov 2026 03:00:00 GMT"}
    site.replies[OLD] = Reply(CATALOGUE, headers=headers)
    previous = fetched(fetch)
    site.requests.clear()
    assert fetch(previous) is None
    assert site.requests[0][1]["If-None-Match"] == '"1"'
    assert site.requests[0][1]["If-Modified-Since"] == headers["Last-Modified"]


def test_the_same_text_without_validators_is_the_same_catalogue(site: Any, fetch: Fetch) -> None:
    site.replies[OLD] = Reply(CATALOGUE)
    assert fetch(fetched(fetch)) is None


def test_new_redirects_are_a_new_snapshot(site: Any, fetch: Fetch) -> None:
    site.replies[OLD] = Reply(CATALOGUE, headers={"ETag": '"1"'})
    previous = fetched(fetch)
    site.replies["/redirects.json"] = Reply('{"/startups/a": "/startups/a-just"}')
    found = fetched(fetch, previous)
    assert found._replace(redirects=previous.redirects) == previous
    assert parse_catalogue(found).aliases["a"] == {"a-just"}


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "user@localhost", "[::1]"])
def test_a_redirect_leads_to_no_other_host(site: Any, fetch: Fetch, host: str) -> None:
    """Whoever answers in place of the source sends this machine nowhere."""
    site.replies["/there"] = Reply(CATALOGUE)
    for target in ("/there", f"{site.url}/there"):
        site.replies[OLD] = Reply("", status=302, headers={"Location": target})
        fetched(fetch)
    elsewhere = f"{site.url.replace('127.0.0.1', host)}/there"
    site.replies[OLD] = site.replies[NEW] = Reply("", status=302, headers={"Location": elsewhere})
    site.requests.clear()
    with pytest.raises(EvidenceUnavailableError, match="on another host"):
        fetch()
    assert [OLD, NEW] == [path for path, _ in site.requests]


MANY = {f"/startups/a{rank}": "/startups/a-just" for rank in range(20_001)}


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>"), (500, "{}"), (200, b"\xff"), (200, json.dumps(MANY)), (200, "[1]" * 600_000)],
    ids=["html", "status", "bytes", "many", "crowded"],
)
def test_unreadable_redirects_are_unknown(
    site: Any, fetch: Fetch, status: int, body: bytes | str
) -> None:
    """Aliases are unknown at first; later the last good ones are kept."""
    site.replies[OLD] = Reply(CATALOGUE)
    site.replies["/redirects.json"] = Reply(body, status=status)
    assert fetched(fetch).redirects is None
    site.replies["/redirects.json"] = Reply("{}")
    previous = fetched(fetch)
    site.replies["/redirects.json"] = Reply(body, status=status)
    assert fetch(previous) is None


def test_redirects_that_are_gone_stay_as_they_were(site: Any, fetch: Fetch) -> None:
    """A former address still leads to its product: its page was not unpublished."""
    site.replies[OLD] = Reply(CATALOGUE)
    site.replies["/redirects.json"] = Reply('{"/startups/a": "/startups/a-just"}')
    previous = fetched(fetch)
    del site.replies["/redirects.json"]
    assert fetch(previous) is None


def test_the_other_version_serves_where_one_cannot_be_read(site: Any, fetch: Fetch) -> None:
    """The paths are tried in order; validators of another path are not sent."""
    site.replies[OLD] = Reply(CATALOGUE, headers={"ETag": '"1"'})
    previous = fetched(fetch)
    site.replies[OLD] = Reply("<html>")
    site.replies[NEW] = Reply(CATALOGUE)
    assert fetched(fetch, previous).url == f"{site.url}{NEW}"
    assert "If-None-Match" not in site.requests[-2][1]


MOVED = {"Location": "http://beta.invalid/startups.json"}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"status": 503}, "HTTP 503"),
        ({"status": 304}, "HTTP 304"),
        ({"status": 302, "headers": MOVED}, "http:// is not allowed"),
        ({"body": "<!doctype html>"}, "HTML"),
        ({"body": '{"data": [{"id": "a "x"}]}'}, "not valid JSON"),
        ({"body": '{"data": [{"id": "x"}]}'}, "no « attributes »"),
        ({"body": b'{"data": "\xff"}'}, "not UTF-8"),
        ({"body": '{"data": [%s1]}' % ("1," * 20_000)}, "more than 20,000 products"),
        ({"body": '{"data": [%s1]}' % ("1," * 500_000)}, "more than 500,000 values"),
        ({"body": "{}", "cut": 10}, "no answer"),
        ({"body": b"x" * 3_000_000}, "more than 2 MiB"),
        ({"body": b"x", "headers": {"Content-Encoding": "gzip"}}, "not valid JSON"),
        ({"body": b" " * 3_000_000, "zipped": True}, "more than 2 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_used_leaves_the_last_good_copy(
    site: Any, fetch: Fetch, broken: dict[str, Any], reason: str
) -> None:
    """Every failure raises EvidenceUnavailableError with the reason."""
    site.replies[OLD] = site.replies[NEW] = Reply(**broken)
    with pytest.raises(EvidenceUnavailableError, match=reason):
        fetch(max_response_mib=2)


def test_an_unreachable_site_is_unavailable(site: Any, fetch: Fetch) -> None:
    site.url = "http://127.0.0.1:1"
    with pytest.raises(EvidenceUnavailableError, match="no answer"):
        fetch()


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_dripping_answer_ends_at_its_deadline(
    http: Exchanges[requests.Session], where: str
) -> None:
    """The deadline applies to the whole exchange, and the connection is closed."""
    with Sandbox.start(dossiers=1) as sandbox:
        kind = "slow_headers" if where == "head" else "slow_body"
        sandbox.control.faults.fail(ScriptedFault(kind, operation=BETAGOUV, bytes_per_s=20))
        with pytest.raises(EvidenceUnavailableError, match=r"more than 0\.5 s"):
            download(http, f"{sandbox.betagouv_url}{OLD}", deadline_s=0.5)
        for thread in threading.enumerate():
            if thread.name == "dsync-http":
                thread.join(2)
                assert not thread.is_alive()


def snapshot(**changes: Any) -> EvidenceCopy:
    """Return a snapshot with one product."""
    body = '{"data": [{"id": "a-just", "attributes": {"phases": []}}]}'
    given = {"redirects": "{}", "fetched_at": NOW, "sha256": "0", "url": "x", **changes}
    return EvidenceCopy(**{"body": body, **given})


@pytest.mark.parametrize(
    ("fetched_ago", "checked_ago", "usable"),
    [(0, None, True), (14, None, True), (15, None, False), (90, 1, True), (90, 15, False)],
)
def test_evidence_is_usable_for_a_time(
    fetched_ago: int, checked_ago: int | None, usable: bool
) -> None:
    """The age counts from the last confirmation."""
    checked_at = None if checked_ago is None else NOW - timedelta(days=checked_ago)
    kept = snapshot(fetched_at=NOW - timedelta(days=fetched_ago), confirmed_at=checked_at)
    evidence = make_evidence(kept, asks_registry=False, now=NOW)
    assert (evidence.catalogue is not None) is usable


@pytest.mark.parametrize("changes", [None, {"body": "<html>"}])
def test_without_a_usable_copy_there_is_no_catalogue(changes: dict[str, Any] | None) -> None:
    """Neither before the first fetch nor with a copy that this version cannot read."""
    kept = None if changes is None else snapshot(**changes)
    assert make_evidence(kept, asks_registry=False, now=NOW).catalogue is None


def test_what_was_confirmed_in_the_future_was_never_confirmed() -> None:
    """A confirmation in the future counts as too old, apart from a small tolerance."""
    assert catalogue_age(snapshot(fetched_at=NOW + timedelta(minutes=1)), NOW) == timedelta(0)
    kept = snapshot(fetched_at=NOW + timedelta(days=400))
    assert make_evidence(kept, asks_registry=False, now=NOW).catalogue is None


def test_a_check_tells_the_incubators_that_the_catalogue_no_longer_has(site: Any) -> None:
    """Their ids change: `lab-mi` became `FabNum-MI`."""
    product = {"id": "basegun", "attributes": {"name": "Basegun", "phases": []},
               "relationships": {"incubator": {"data": {"id": "FabNum-MI"}}}}  # fmt: skip
    included = [{"id": "/incubateurs/mtes", "attributes": {"title": "Écologie"}}]
    site.replies[OLD] = Reply(json.dumps({"data": [product], "included": included}))
    sources = opened(f"{site.url}/")
    named = {"Intérieur": ("lab-mi",), "Intérieur, nouveau": ("fabnum-mi",), "MTE": ("mtes",)}
    rules = load_rules(fiche_produit={"parametres": {"incubateurs": named}})
    sections = EigSections(mapping=MappingConfig())
    lines = [*EigFindings(sections, rules, sources).evidence_lines(None, NOW)]
    sources.close()
    assert ["ok", "warning"] == [line.status.value for line in lines]
    assert "« Intérieur »: the catalogue has no incubator lab-mi" == lines[1].message


def test_sources_open_the_registry_only_when_it_is_on(site: Any) -> None:
    """The lookup is disabled by default."""
    for enabled in (False, True):
        sources = opened(site.url, asks_registry=enabled)
        assert (sources.registry is not None) is enabled
        sources.close()
