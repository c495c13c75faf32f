"""The control for tests and for people, as Python methods and over HTTP, and webhooks as of DS.

``POST /_sandbox/hide {"number": 18600001, "by": "administration"}`` calls ``control.hide``; an
instant is written ``{"datetime": "2027-06-30T10:00:00Z"}``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partialmethod
from typing import Any, Literal

import requests
from standardwebhooks import Webhook

from dsync.sandbox.call import QueryLimit
from dsync.sandbox.edits import (
    Acting,
    Change,
    Changes,
    ClockChanges,
    FormChanges,
    locked,
)
from dsync.sandbox.endpoint import Endpoint, Entry, OpenData
from dsync.sandbox.faults import HttpAnswer, ScriptedFault
from dsync.sandbox.model import DossierFault, ServedDossier, World
from dsync.sandbox.scalars import PARIS, DossierTruth, instant, truth_of

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


@locked
class Faults(Acting):
    """What goes wrong: scripted faults, faults of dossiers, limits, tokens."""

    def __init__(self, world: World, endpoint: Endpoint) -> None:
        super().__init__(world)
        self._endpoint = endpoint

    def fail(self, *faults: ScriptedFault) -> None:
        """Add scripted faults for coming requests."""
        self._endpoint.faults.extend(faults)

    def clear_faults(self) -> None:
        """Remove the remaining scripted faults."""
        self._endpoint.faults.clear()

    def _fault(
        self,
        kind: Any,
        number: int,
        path: Sequence[str | int] = (),
        json: str = "null",
        *,
        champs_only: bool = False,
    ) -> None:
        """Set a fault on a dossier, until `repair`; the arguments are those of `DossierFault`."""
        with self.world.lock:
            fault = DossierFault(kind, champs_only, tuple(path), json)
            self._dossier(number).faults.append(fault)

    return_null = partialmethod(_fault, "null_node")
    null_field = partialmethod(_fault, "null_field")
    fail_field = partialmethod(_fault, "failed_field")
    replace_json = partialmethod(_fault, "replaced_json")
    spoil_entry = partialmethod(_fault, "odd_entry")
    fail_reads = partialmethod(_fault, "failed_read")
    fail_writes = partialmethod(_fault, "failed_write")
    lose_writes = partialmethod(_fault, "lost_write")

    def repair(self, number: int) -> None:
        """Remove the faults of a dossier."""
        self._dossier(number).faults.clear()

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit in requests per minute and token; None: no limit."""
        self._endpoint.per_minute = per_minute

    def limit_queries(self, **limits: int) -> None:
        """Set the fields of `QueryLimit`."""
        self._endpoint.query_limit = QueryLimit(**limits)

    def change_token(self, name: str = "write", **changes: Any) -> None:
        """Change a token: `expired`, `forbidden_network`, `can_write`, `demarches`."""
        tokens = self._endpoint.tokens
        tokens[name] = replace(tokens[name], **changes)


@locked
class Control(Changes):
    """What happens to the dossiers of a running sandbox, and what can be seen of it."""

    def __init__(self, world: World, endpoint: Endpoint, catalogue: OpenData) -> None:
        super().__init__(world)
        self.clock, self.form = ClockChanges(world), FormChanges(world)
        self.faults, self.catalogue = Faults(world, endpoint), catalogue
        self._endpoint = endpoint
        self._webhooks: list[RegisteredWebhook] = []
        self._sequence = 0

    # --- webhooks -----------------------------------------------------------------------------

    def add_webhook(self, url: str, *, demarche: int | None = None, **form: Any) -> None:
        """Have an address told of a démarche's deposits and changes of state.

        Without a number it is the main démarche. `form` is the version, signing key and form of the
        signature, as of `RegisteredWebhook`.
        """
        number = self._demarche(demarche).number
        self._webhooks.append(RegisteredWebhook(number, url, **form))

    def webhook_answers(self) -> list[int]:
        """Return the HTTP status of each webhook sent, by address; 0: none."""
        return [status for webhook in self._webhooks for status in webhook.answers]

    def _tell(self, dossier: ServedDossier) -> None:
        self._sequence += 1
        event = (dossier.number, dossier.state, dossier.updated_at, self._sequence)
        for webhook in self._webhooks:
            if webhook.number == dossier.demarche.number:
                threading.Thread(target=webhook.send, args=event, daemon=True).start()

    # --- what can be seen -------------------------------------------------------------------

    def requests(self, operation: str | None = None, *, kind: str | None = None) -> list[Entry]:
        """Return the log of requests to the API, of all or of one operation or kind."""
        return [
            entry
            for entry in self._endpoint.journal
            if operation in (None, entry.operation) and kind in (None, entry.kind)
        ]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._endpoint.journal.clear()

    def truth(self, demarche: int | None = None) -> list[DossierTruth]:
        """Return the current state of all dossiers of a démarche, by default the main one."""
        return [truth_of(dossier) for dossier in self._demarche(demarche).dossiers.values()]

    def truth_of(self, number: int) -> DossierTruth:
        """Return the current state of one dossier."""
        return truth_of(self._dossier(number))


def action(control: Control, name: str) -> Callable[..., Any] | None:
    """Return a method of the control or of its `clock`, `form` or `faults`, None without one."""
    places = (control, control.clock, control.form, control.faults)
    found = (getattr(place, name, None) for place in places if not name.startswith("_"))
    return next(filter(callable, found), None)


def call(control: Control, name: str, body: bytes) -> HttpAnswer:
    """Call a method of the control, or of one of its objects, with arguments in JSON.

    They are an object or a list. Return 200 with the result, 404 for an unknown method, 400 for
    arguments that it refuses.
    """
    special: dict[str, Callable[..., Any]] = {
        "fail": lambda **fault: control.faults.fail(ScriptedFault(**fault)),
        "publish_revision": lambda **change: control.form.publish_revision(Change(**change)),
    }
    method = special.get(name) or action(control, name)
    if method is None:
        return _reply(404, {"error": f"no such action: {name}"})
    try:
        given = json.loads(body or b"{}", object_hook=_read)
        result = method(*given) if isinstance(given, list) else method(**given)
    except (ValueError, TypeError, KeyError, StopIteration) as exc:
        return _reply(400, {"error": f"{type(exc).__name__}: {exc}"})
    return _reply(200, {"result": result})


def _read(given: dict[str, Any]) -> Any:
    """Decode a JSON object: an instant, or a mapping whose keys may be stable ids."""
    if given.keys() == {"datetime"}:
        return instant(given["datetime"])
    return {int(key) if key.isdigit() else key: value for key, value in given.items()}


def _reply(status: int, value: Any) -> HttpAnswer:
    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else vars(value)

    return HttpAnswer(status, json.dumps(value, ensure_ascii=False, default=plain).encode())
