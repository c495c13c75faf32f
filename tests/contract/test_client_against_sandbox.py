"""The client of DS against the sandbox over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.domain.dossier import Etat
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds import (
    AnnotationWrite,
    DossierWrite,
    DSClient,
    Limits,
    ListRequest,
    Page,
    PageReader,
)
from dsync.errors import (
    DSError,
    DSNotFoundError,
    DSOutcomeUnknownError,
    DSUnauthorizedError,
    DSUnavailableError,
)
from dsync.sandbox import Sandbox
from dsync.sandbox.http.faults import Kind, ScriptedFault

DEMARCHE = DemarcheNumber(86321)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RESULT, DETAIL, AT = "Q2hhbXAtNTEwMg==", "Q2hhbXAtNTEwMw==", "Q2hhbXAtNTEwNA=="
DETAIL_ID = 5103
EVERY_LIST = ListRequest(None, None)
Connect = Callable[..., DSClient]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(dossiers=60, seed=11) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.control.forget_requests()
    yield running
    running.control.clear_faults()


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    with ExitStack() as opened:

        def make(token: str | None = None, **limits: Any) -> DSClient:
            given = {"attempts": 1, "backoff_s": 0.0, "requests_per_minute": 100_000, **limits}
            client = DSClient(
                sandbox.ds_url,
                token or sandbox.tokens.write,
                user_agent="dsync/0 (+mailto:eig@example.gouv.fr)",
                limits=Limits(**given),
                stop=threading.Event(),
                clock=lambda: datetime.now(UTC),
            )
            opened.callback(client.close)
            return client

        yield make


def crawl(client: DSClient, size: int = 20, **options: Any) -> list[Page]:
    return list(
        PageReader(
            client,
            DEMARCHE,
            updated_since=EPOCH,
            page_size=size,
            clock=lambda: EPOCH,
            **options,  # type: ignore[arg-type]
        )
    )


def numbers(pages: list[Page]) -> list[int]:
    return [node.number for page in pages for node in page.nodes]


def present(sandbox: Sandbox) -> set[int]:
    return {d.number for d in sandbox.control.truth() if d.presence == "present"}


def some(sandbox: Sandbox, count: int) -> list[DossierNumber]:
    """Return dossiers into which the token may write."""
    found = [d.number for d in sandbox.control.truth() if d.presence == "present"]
    return [DossierNumber(number) for number in sorted(found)[:count]]


def instructeur(client: DSClient, name: str = "dsync") -> str:
    demarche = client.demarche(DEMARCHE)
    return next(i.id for i in demarche.instructeurs if i.email.startswith(name))


def write(client: DSClient, number: DossierNumber, **changes: Any) -> DossierWrite:
    remote = client.read_annotations([number], [], DEMARCHE)[number]
    assert remote is not None
    given: dict[str, Any] = {
        "instructeur_id": instructeur(client),
        "annotations": (
            AnnotationWrite(RESULT, "drop_down_list", "Éligible"),
            AnnotationWrite(DETAIL, "textarea", "Conforme."),
            AnnotationWrite(AT, "datetime", "2026-11-24T12:00:00+00:00"),
        ),
        **changes,
    }
    return DossierWrite(number, remote.dossier_id, **given)


def test_a_crawl_reads_every_present_dossier_once(sandbox: Sandbox, connect: Connect) -> None:
    """The number of requests is the number of pages, with both lists of deletions."""
    client = connect()
    pages = crawl(client, pending=EVERY_LIST, deleted=EVERY_LIST)
    found = numbers(pages)
    assert len(found) == len(set(found))
    assert set(found) == present(sandbox)
    assert client.requests == len(pages)
    assert not any(page.out_of_order for page in pages)
    assert pages[0].pending is not None
    assert pages[0].server_date is not None


def test_a_demarche_has_its_form(connect: Connect) -> None:
    """Descriptors, options, rows of repetitions, labels and instructeurs are read."""
    demarche = connect().demarche(DEMARCHE)
    revision = demarche.revisions[demarche.active_revision_id]
    result = revision.descriptors[RESULT]  # type: ignore[index]
    assert (result.type, result.is_annotation) == ("drop_down_list", True)
    assert result.options
    assert "Éligible" in result.options
    assert any(d.parent_id for d in revision.descriptors.values())
    assert "éligible" in demarche.labels
    assert {i.groupe for i in demarche.instructeurs}
    with pytest.raises(DSNotFoundError):
        connect().demarche(DemarcheNumber(1))


OUTAGES: list[Kind] = [
    "bad_gateway",
    "unavailable",
    "gateway_timeout",
    "maintenance",
    "html",
    "data_null",
    "truncated",
    "empty",
    "cut_before",
    "cut_inside",
    "cut_after",
    "answer_lost",
    "internal_error",
    "timeout",
]


@pytest.mark.parametrize("kind", OUTAGES)
def test_a_crawl_is_complete_in_spite_of(sandbox: Sandbox, connect: Connect, kind: Kind) -> None:
    """After each temporary failure all dossiers are read."""
    sandbox.control.fail(ScriptedFault(kind, operation="DossiersPage", after=1, times=1, reached=3))
    pages = crawl(connect(attempts=3))
    assert sorted(numbers(pages)) == sorted(present(sandbox))
    assert not any(page.unreadable for page in pages)


def test_a_slow_page_is_requested_smaller(sandbox: Sandbox, connect: Connect) -> None:
    """A page slower than the deadline is requested again with fewer dossiers."""
    sandbox.control.fail(ScriptedFault("slow_body", operation="DossiersPage", bytes_per_s=200))
    client = connect(deadline_s=0.5)
    assert set(numbers(crawl(client))) == present(sandbox)
    assert client.errors["DSTimeoutError"] == 1


def test_a_dossier_that_ds_cannot_render_comes_reduced(sandbox: Sandbox, connect: Connect) -> None:
    """It is requested without the objects that can fail; all others are read."""
    (bad,) = some(sandbox, 1)
    sandbox.control.null_field(bad, ("demandeur", "siret"))
    client = connect()
    pages = crawl(client)
    assert set(numbers(pages)) == present(sandbox)
    assert [{bad: "demandeur.siret"}] == [page.incomplete for page in pages if page.incomplete]
    assert client.by_operation["DossiersLightPage"] == client.by_operation["DossierReduced"] == 1
    sandbox.control.repair(bad)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("expired", "expired"),
        ("forbidden_network", "network"),
        ("other_demarche", "scope"),
        ("nobody", "unknown"),
    ],
)
def test_each_refusal_has_its_reason(
    sandbox: Sandbox, connect: Connect, token: str, reason: str
) -> None:
    """The reason is the token's, and the request is not repeated."""
    client = connect(getattr(sandbox.tokens, token, "nobody"), attempts=6)
    with pytest.raises(DSUnauthorizedError) as caught:
        client.demarche(DEMARCHE)
    assert caught.value.reason == reason
    assert client.requests == 1


def test_several_dossiers_are_requested_at_once(sandbox: Sandbox, connect: Connect) -> None:
    """There is one request for fifty dossiers; unknown ones do not hide the others."""
    known = some(sandbox, 12)
    unknown = DossierNumber(4)
    client = connect()
    assert client.demarches_of(known) == dict.fromkeys(known, DEMARCHE)
    assert client.requests == 1
    found = client.demarches_of([unknown, *known])
    assert found == {unknown: None, **dict.fromkeys(known, DEMARCHE)}
    remote = client.read_annotations([*known, unknown], [RESULT, DETAIL], DEMARCHE)
    assert remote[unknown] is None
    assert all(remote[number] is not None for number in known)


def test_an_unknown_annotation_is_absent(sandbox: Sandbox, connect: Connect) -> None:
    """A dossier of an older revision without an annotation does not prevent the others."""
    (number,) = some(sandbox, 1)
    remote = connect().read_annotations([number], [RESULT, "Q2hhbXAtMQ=="], DEMARCHE)[number]
    assert remote is not None
    assert set(remote.values) == {RESULT}
    assert remote.etat in Etat


def test_one_document_writes_several_dossiers(sandbox: Sandbox, connect: Connect) -> None:
    """Annotations and a label of three dossiers are written by one request."""
    client = connect()
    label = client.demarche(DEMARCHE).labels["éligible"]
    targets = some(sandbox, 3)
    writes = [write(client, number, labels_add=(label,)) for number in targets]
    sandbox.control.forget_requests()
    outcomes = client.push(writes)
    assert [len(sandbox.control.requests(kind=kind)) for kind in ("mutation", "query")] == [1, 0]
    for outcome in outcomes:
        assert outcome.saved == {RESULT, DETAIL, AT}
        assert outcome.labels_done == {label}
    for remote in client.read_annotations(targets, [RESULT, DETAIL, AT], DEMARCHE).values():
        assert remote is not None
        assert remote.values[RESULT] == "Éligible"
        assert "éligible" in remote.labels
    assert [o.labels_done for o in client.push(writes)] == [frozenset({label})] * 3


def test_a_refused_option_does_not_prevent_the_rest(sandbox: Sandbox, connect: Connect) -> None:
    """Valid values are saved; the refused one has DS's message."""
    client = connect()
    (number,) = some(sandbox, 1)
    annotations = (
        AnnotationWrite(RESULT, "drop_down_list", "éligible"),
        AnnotationWrite(DETAIL, "textarea", "Autre détail."),
    )
    (outcome,) = client.push([write(client, number, annotations=annotations)])
    assert outcome.saved == {DETAIL}
    assert "options" in outcome.refused[RESULT]


def test_missing_rights_are_codes(sandbox: Sandbox, connect: Connect) -> None:
    """A read-only token and an instructeur of another groupe have different codes."""
    client = connect()
    (number,) = some(sandbox, 1)
    mine = write(client, number)
    (readonly,) = connect(sandbox.tokens.readonly).push([mine])
    assert readonly.code == "lecture_seule"
    other = write(client, number, instructeur_id=instructeur(client, "autre-groupe"))
    (elsewhere,) = client.push([other])
    assert elsewhere.code == "droits"


def test_a_hidden_dossier_is_not_found_among_others(sandbox: Sandbox, connect: Connect) -> None:
    """The other dossiers are written."""
    client = connect()
    gone, there = some(sandbox, 2)
    writes = [write(client, gone), write(client, there)]
    sandbox.control.hide(gone)
    try:
        first, second = client.push(writes)
    finally:
        sandbox.control.restore(gone)
    assert first.not_found
    assert second.saved == {RESULT, DETAIL, AT}


LOST: list[tuple[Kind, type[DSError]]] = [
    ("answer_lost", DSOutcomeUnknownError),
    ("cut_before", DSOutcomeUnknownError),
    ("cut_inside", DSOutcomeUnknownError),
    ("internal_error", DSOutcomeUnknownError),
    ("bad_gateway", DSOutcomeUnknownError),
    ("data_null", DSOutcomeUnknownError),
    ("truncated", DSOutcomeUnknownError),
    ("token_expired", DSUnauthorizedError),
    ("rate_limited", DSUnavailableError),
]


@pytest.mark.parametrize(("kind", "error"), LOST)
def test_a_write_is_never_repeated(
    sandbox: Sandbox, connect: Connect, kind: Kind, error: type[DSError]
) -> None:
    """DS gets one mutation, with or without an answer."""
    client = connect(attempts=1, max_wait_s=0.0)
    (number,) = some(sandbox, 1)
    mine = write(client, number)
    sandbox.control.forget_requests()
    sandbox.control.fail(ScriptedFault(kind, only="mutation"))
    with pytest.raises(error):
        client.push([mine])
    assert len(sandbox.control.requests()) <= 1


def test_after_a_time_out_some_writes_are_unknown(sandbox: Sandbox, connect: Connect) -> None:
    """Those before the time-out are known, those after it have to be read back."""
    client = connect()
    writes = [write(client, number) for number in some(sandbox, 3)]
    sandbox.control.fail(ScriptedFault("timeout", only="mutation", reached=1))
    first, second, third = client.push(writes)
    assert first.saved == {RESULT, DETAIL, AT}
    assert (second.unknown, third.unknown) == (True, True)


def test_a_rate_limit_is_waited_for(sandbox: Sandbox, connect: Connect) -> None:
    """After a 429 a read is repeated, here after a wait of 0 s."""
    sandbox.control.fail(ScriptedFault("rate_limited", times=2))
    client = connect(attempts=3, max_wait_s=0.0)
    assert client.demarche(DEMARCHE).number == DEMARCHE
    assert client.errors == {"DSRateLimitedError": 2}
