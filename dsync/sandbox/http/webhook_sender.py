"""The webhooks that the sandbox sends when a dossier's state changes, as DS does."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import requests
from standardwebhooks import Webhook

from dsync.sandbox.world.scalars import PARIS

_TIMEOUT_S = 10
_USER_AGENT = "demarche.numerique.gouv.fr"
_TYPES = {"en_construction": "dossier_depose"}
"""Types of events of version 2 that are not named as the state."""


@dataclass
class RegisteredWebhook:
    """An address that is told of a démarche's changes.

    Version 1 is form-encoded and unsigned; 2 is JSON, signed with the key `whsec_…`; an older one
    is signed as it first was: the body alone, in hexadecimal.
    """

    number: int
    url: str
    version: Literal[1, 2] = 1
    key: str = ""
    older: bool = False
    answers: list[int] = field(default_factory=list)
    """HTTP status of each delivery; 0: none."""

    def send(self, dossier: int, state: str, at: datetime, sequence: int) -> None:
        """Send the change of one dossier; never raises."""
        headers = {"User-Agent": _USER_AGENT, "Content-Type": "application/x-www-form-urlencoded"}
        changed = at.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S %z")
        numbers = {"procedure_id": str(self.number), "dossier_id": str(dossier)}
        body: str | dict[str, str] = {**numbers, "state": state, "updated_at": changed}
        if self.version == 2:
            kind, when = _TYPES.get(state, state), at.isoformat()
            event = {"sequence": sequence, "type": kind, "dossier_number": dossier}
            events = [{**event, "timestamp": when}]
            document = {"webhook_id": "1", "demarche_number": self.number, "events": events}
            body = json.dumps(document)
            headers |= {"Content-Type": "application/json", **self._signature(body, sequence)}
        try:
            answer = requests.post(
                self.url, body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False
            )
            self.answers.append(answer.status_code)
        except requests.RequestException:
            self.answers.append(0)

    def _signature(self, body: str, sequence: int) -> dict[str, str]:
        if self.older:
            digest = hmac.new(self.key.encode(), body.encode(), hashlib.sha256).hexdigest()
            return {"X-Webhook-Signature-256": f"sha256={digest}"}
        name, now = f"{sequence}-{sequence}", datetime.now(UTC)
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.key).sign(name, now, body),
        }
