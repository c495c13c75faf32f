"""DS's webhooks: whether one is genuine, and which dossiers it asks to read.

A webhook is a hint: nothing of it is taken for a fact, the read fetches what changed. Version 1 is
form-encoded and unsigned; its only proof is the secret in the address, and it is refused once there
is a signing key. Version 2 is JSON and signed, in the form of Standard Webhooks or in the older
one, over the body alone. Either form tells when it was signed, or what it tells of happened.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qs

from standardwebhooks import Webhook, WebhookVerificationError

from dsync.domain.ids import GREATEST_NUMBER, DemarcheNumber, DossierNumber, number_of
from dsync.settings import SIGNING_KEY_PREFIX

MAX_BODY = 64 * 1024
REMEMBERED = 10_000
"""Number of events of version 2 that are recognised when they are sent again."""
# DS's draft of version 2 has at most 100 in a webhook.
_MAX_EVENTS = 1000
_MAX_ID = 100
"""Number of characters of a webhook's id that are compared."""
_V1_KEYS = ("procedure_id", "dossier_id", "state", "updated_at")
_FORM = "application/x-www-form-urlencoded"
_OLDER_PREFIX = "sha256="
_TOLERANCE = timedelta(minutes=5)
"""Of the older form: between its newest event and the present; that of Standard Webhooks, too."""


class Outcome(StrEnum):
    """What became of a webhook; the values are labels of `dsync_webhooks_total`."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    """All its events were sent before; no read is asked for."""
    REFUSED = "refused"
    """The secret or the signature is wrong."""
    NOT_SERVED = "not_served"
    """It is about a démarche that this service does not serve."""
    INVALID = "invalid"


class Webhooks:
    """Receives the webhooks of one service; used by one event loop only.

    `words` are the secrets in the address, and the signing keys of version 2 (`whsec_…`). `ask`
    asks for a read of dossiers soon, and returns at once whether their démarche is served. The body
    of one may take `body_s` seconds.
    """

    def __init__(
        self,
        words: Sequence[str],
        ask: Callable[[DemarcheNumber, Sequence[DossierNumber]], bool],
        body_s: float = 10.0,
    ) -> None:
        self.body_s = body_s
        self._secrets = [word for word in words if not word.startswith(SIGNING_KEY_PREFIX)]
        self._keys = [word for word in words if word.startswith(SIGNING_KEY_PREFIX)]
        self._ask = ask
        self._seen: dict[tuple[str, int], None] = {}
        """The last events of version 2, oldest first, by webhook and sequence."""
        self.counts: Counter[tuple[str, str]] = Counter()
        """Number of webhooks by version and outcome."""

    @property
    def is_on(self) -> bool:
        """Whether there is a secret: without one, no address receives webhooks."""
        return bool(self._secrets)

    def knows(self, secret: str) -> bool:
        """Return whether an address has the secret; each is compared in constant time."""
        given = secret.encode()
        # A list: a generator would stop at the first match, and tell by its time which word it was.
        return any([hmac.compare_digest(given, one.encode()) for one in self._secrets])

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Ask for a read, if a webhook is genuine and new; names of headers are in lower case."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            version, outcome = "2", self._receive_2(body, headers)
        else:
            version, outcome = "1", self._receive_1(body) if kind == _FORM else Outcome.INVALID
        self.counts[version, outcome.value] += 1
        return outcome

    def refuse(self, outcome: Outcome) -> None:
        """Count a webhook that was not read: a wrong address, a body that is too large."""
        self.counts["unknown", outcome.value] += 1

    def _receive_1(self, body: bytes) -> Outcome:
        found = _numbers_of_form(body)
        if found is None:
            return Outcome.INVALID
        demarche, dossier = found
        if self._keys:
            return Outcome.REFUSED
        return self._ask_for(demarche, [dossier])

    def _ask_for(self, demarche: int, dossiers: Sequence[int]) -> Outcome:
        numbers = [DossierNumber(number) for number in dict.fromkeys(dossiers)]
        is_served = self._ask(DemarcheNumber(demarche), numbers)
        return Outcome.ACCEPTED if is_served else Outcome.NOT_SERVED

    def _receive_2(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        older = headers.get("x-webhook-signature-256", "").startswith(_OLDER_PREFIX)
        has_signature = _has_older_signature if older else _has_signature
        if not any(has_signature(body, headers, key) for key in self._keys):
            return Outcome.REFUSED
        try:
            document = json.loads(body)
            webhook, demarche = str(document["webhook_id"])[:_MAX_ID], document["demarche_number"]
            sequences = [event["sequence"] for event in document["events"]]
            dossiers = [event["dossier_number"] for event in document["events"]]
            times = (datetime.fromisoformat(one["timestamp"]) for one in document["events"])
            is_old = older and all(abs(datetime.now(UTC) - at) > _TOLERANCE for at in times)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return Outcome.INVALID
        # isinstance() would take true and false for numbers.
        if not all(type(number) is int for number in (demarche, *sequences, *dossiers)):
            return Outcome.INVALID
        if not all(0 < number <= GREATEST_NUMBER for number in (demarche, *dossiers)):
            return Outcome.INVALID
        if not 0 < len(sequences) <= _MAX_EVENTS:
            return Outcome.INVALID
        if is_old:
            return Outcome.REFUSED
        keys = [(webhook, number) for number in sequences]
        new = [key for key in keys if key not in self._seen]
        if not new:
            return Outcome.REPEATED
        outcome = self._ask_for(
            demarche, [n for n, key in zip(dossiers, keys, strict=True) if key in new]
        )
        if outcome is Outcome.ACCEPTED:
            # One that was not accepted is looked at again when it is repeated.
            self._seen |= dict.fromkeys(new)
        # The oldest first: a dict keeps the order in which they came.
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return outcome


def _numbers_of_form(body: bytes) -> tuple[int, int] | None:
    """Return the démarche's and the dossier's number in a webhook of version 1; else None."""
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)
    except ValueError:
        return None
    # Given twice, it would be unclear which one is meant.
    if any(len(form.get(key, ())) != 1 for key in _V1_KEYS):
        return None
    numbers = (form["procedure_id"][0], form["dossier_id"][0])
    demarche, dossier = (number_of(text) if text.isascii() else None for text in numbers)
    return (demarche, dossier) if demarche and dossier else None


def _has_signature(body: bytes, headers: Mapping[str, str], key: str) -> bool:
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _has_older_signature(body: bytes, headers: Mapping[str, str], key: str) -> bool:
    expected = _OLDER_PREFIX + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["x-webhook-signature-256"].encode(), expected.encode())
