"""Webhooks: which are genuine, which are new, and which démarche is read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from dsync.service.webhooks import REMEMBERED, Outcome, Webhooks

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
AT = NOW.isoformat()
SECRET = "a-secret-of-the-path"
KEY = "whsec_Y2xlLWRlLXNpZ25hdHVyZS1kZS1jZS10ZXN0"
NEXT_KEY = "whsec_bm91dmVsbGUtY2xlLWRlLXNpZ25hdHVyZQ=="
DEMARCHE = 86321
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}


def webhooks(*words: str) -> tuple[Webhooks, list[tuple[int, ...]]]:
    """Return the receiver of a service with one démarche, and the reads that it asks for."""
    asked: list[tuple[int, ...]] = []

    def ask(demarche: int, dossiers: Sequence[int]) -> bool:
        asked.append((demarche, *dossiers))
        return demarche == DEMARCHE

    return Webhooks(words or (SECRET, KEY), ask), asked


def body_of(*sequences: Any, demarche: Any = DEMARCHE, webhook: str = "wh", at: Any = AT) -> bytes:
    event = {"type": "accepte", "timestamp": at}
    events = [
        {**event, "sequence": one, "dossier_number": 100 + one if isinstance(one, int) else 1}
        for one in sequences
    ]
    document = {"webhook_id": webhook, "demarche_number": demarche, "events": events}
    return json.dumps(document).encode()


def signed(body: bytes, key: str = KEY, at: datetime = NOW) -> dict[str, str]:
    """Return the headers of the newer form."""
    return JSON | {
        "webhook-id": "1-2",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign("1-2", at, body.decode()),
    }


def signed_as_first(body: bytes, key: str = KEY) -> dict[str, str]:
    """Return the headers of the older form."""
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return JSON | {"x-webhook-signature-256": f"sha256={digest}"}


@time_machine.travel(NOW, tick=False)
def test_a_webhook_of_version_2_needs_a_signature_by_a_known_key() -> None:
    """Either form; while the key is changed, by either key; not an old one sent again."""
    body = body_of(1)
    both = signed(body)
    both["webhook-signature"] += " " + signed(body, NEXT_KEY)["webhook-signature"]
    for words, headers in (
        ((SECRET, KEY), signed(body)),
        ((SECRET, KEY), signed_as_first(body)),
        ((SECRET, KEY, NEXT_KEY), signed(body, NEXT_KEY)),
        ((SECRET, NEXT_KEY), both),
    ):
        receiver, asked = webhooks(*words)
        assert Outcome.ACCEPTED == receiver.receive(body, headers)
        assert [(DEMARCHE, 101)] == asked
    for words, headers in (
        ((SECRET,), signed(body)),
        ((SECRET, KEY), signed(body, NEXT_KEY)),
        ((SECRET, KEY), signed(body_of(2))),
        ((SECRET, KEY), signed_as_first(body_of(2))),
        ((SECRET, KEY), signed_as_first(body, SECRET)),
        ((SECRET, KEY), signed_as_first(body, "")),
        ((SECRET, KEY), signed(body, at=NOW - timedelta(minutes=6))),
        ((SECRET, KEY), JSON),
        ((SECRET, KEY), signed(body) | {"webhook-signature": "v1"}),
        ((SECRET, KEY), signed(body) | {"webhook-signature": "v1,é"}),
        ((SECRET, KEY), signed(body) | {"webhook-timestamp": "inf"}),
    ):
        receiver, asked = webhooks(*words)
        assert Outcome.REFUSED == receiver.receive(body, headers)
        assert [] == asked


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2026-11-26T08:56:00+01:00", Outcome.ACCEPTED),
        ("2026-11-26T07:56:00Z", Outcome.ACCEPTED),
        ("2026-11-26T08:04:00+00:00", Outcome.ACCEPTED),
        ("2026-11-26T07:54:00+00:00", Outcome.REFUSED),
        ("2026-11-26T08:06:00+00:00", Outcome.REFUSED),
        ("2026-11-26T08:00:00", Outcome.INVALID),
        (NOW.timestamp(), Outcome.INVALID),
        (None, Outcome.INVALID),
    ],
)
def test_the_older_signature_proves_what_happened_minutes_ago(at: Any, outcome: Outcome) -> None:
    """It signs no time of its own, so one that somebody kept is known by its newest event."""
    receiver, _ = webhooks()
    body = body_of(1, at=at)
    assert outcome == receiver.receive(body, signed_as_first(body))
    receiver, _ = webhooks()
    assert Outcome.ACCEPTED == receiver.receive(body, signed(body))


@time_machine.travel(NOW, tick=False)
def test_events_sent_again_ask_for_no_read() -> None:
    """By webhook and sequence; a batch with one new event is new; memory is bounded."""
    receiver, asked = webhooks()

    def receive(body: bytes) -> Outcome:
        return receiver.receive(body, signed(body))

    assert Outcome.ACCEPTED == receive(body_of(5, 8))
    assert Outcome.REPEATED == receive(body_of(8))
    assert Outcome.ACCEPTED == receive(body_of(8, 6))
    assert Outcome.ACCEPTED == receive(body_of(8, webhook="other"))
    # Of what is new alone.
    assert [(DEMARCHE, 105, 108), (DEMARCHE, 106), (DEMARCHE, 108)] == asked
    for start in range(10, REMEMBERED + 500, 100):
        receive(body_of(*range(start, start + 100)))
    assert Outcome.REPEATED == receive(body_of(REMEMBERED))
    assert Outcome.ACCEPTED == receive(body_of(5))


@time_machine.travel(NOW, tick=False)
def test_an_event_of_a_demarche_that_is_not_served_is_never_a_repetition() -> None:
    """Until it is served, DS is told so each time."""
    receiver, _ = webhooks()
    body = body_of(1, demarche=DEMARCHE + 1)
    for _ in range(2):
        assert Outcome.NOT_SERVED == receiver.receive(body, signed(body))


V1 = "procedure_id=86321&dossier_id=1&state=accepte&updated_at=2026-11-24+15%3A41%3A15+%2B0100"


@pytest.mark.parametrize(
    ("body", "headers", "outcome"),
    [
        (V1, FORM, Outcome.ACCEPTED),
        (V1.replace("86321", "86322"), FORM, Outcome.NOT_SERVED),
        (V1.replace("86321", "9" * 30), FORM, Outcome.INVALID),
        (V1.replace("86321", "٣"), FORM, Outcome.INVALID),
        # DS would refuse them, again and again.
        (V1.replace("dossier_id=1", "dossier_id=0"), FORM, Outcome.INVALID),
        (V1.replace("dossier_id=1", f"dossier_id={2**31}"), FORM, Outcome.INVALID),
        (V1.replace("dossier_id=1&", ""), FORM, Outcome.INVALID),
        (V1 + "&procedure_id=1", FORM, Outcome.INVALID),
        (V1, {"content-type": "text/plain"}, Outcome.INVALID),
        (V1, {}, Outcome.INVALID),
        ("", FORM, Outcome.INVALID),
    ],
)
def test_a_webhook_of_version_1_names_its_demarche(
    body: str, headers: dict[str, str], outcome: Outcome
) -> None:
    """Its four values, each once; what is not served is told apart."""
    receiver, asked = webhooks(SECRET)
    assert outcome == receiver.receive(body.encode(), headers)
    assert outcome is not Outcome.ACCEPTED or [(DEMARCHE, 1)] == asked
    assert 1 == receiver.counts["1", outcome.value]


@time_machine.travel(NOW, tick=False)
def test_a_signing_key_ends_unsigned_webhooks() -> None:
    """Version 1 is then refused, as a wrong secret is; version 2 is not."""
    receiver, asked = webhooks()
    assert Outcome.REFUSED == receiver.receive(V1.encode(), FORM)
    assert [] == asked
    assert Outcome.ACCEPTED == receiver.receive(body_of(1), signed(body_of(1)))


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 60_000,
        body_of(),
        body_of("1"),
        body_of(True),
        body_of(1, demarche="86321"),
        body_of(*range(1001)),
        b'{"webhook_id": 1, "demarche_number": 86321, "events": 1}',
    ],
)
def test_garbage_that_is_signed_is_invalid(body: bytes) -> None:
    """It asks for nothing."""
    receiver, asked = webhooks()
    assert Outcome.INVALID == receiver.receive(body, signed(body))
    assert [] == asked


HEADER = st.text(st.characters(max_codepoint=255), max_size=30)


@given(
    body=st.binary(max_size=300),
    headers=st.fixed_dictionaries(
        {"content-type": st.sampled_from([FORM["content-type"], JSON["content-type"]])},
        optional={
            "webhook-id": HEADER,
            "webhook-timestamp": st.one_of(st.just(str(int(NOW.timestamp()))), HEADER),
            "webhook-signature": st.one_of(HEADER.map(lambda text: f"v1,{text}"), HEADER),
            "x-webhook-signature-256": HEADER.map(lambda text: f"sha256={text}"),
        },
    ),
)
def test_nothing_sent_ends_in_an_exception(body: bytes, headers: dict[str, str]) -> None:
    """Whatever body and headers are."""
    receiver, asked = webhooks()
    assert receiver.receive(body, headers) in {Outcome.REFUSED, Outcome.INVALID}
    assert [] == asked


@pytest.mark.parametrize("text", ["", "a-secret-of-the-pat", "A-SECRET-OF-THE-PATH", KEY, "é"])
def test_only_the_secret_opens_the_address(text: str) -> None:
    """A signing key does not."""
    receiver, _ = webhooks()
    assert receiver.knows(SECRET)
    assert not receiver.knows(text)
