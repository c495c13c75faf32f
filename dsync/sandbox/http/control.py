"""The control for tests and for people, as Python methods and over HTTP.

``POST /_sandbox/hide {"number": 18600001, "by": "administration"}`` calls ``control.hide``; an
instant is written ``{"datetime": "2026-12-01T10:00:00Z"}``. GET reads the sandbox's state.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partialmethod
from typing import Any, Literal

from dsync.sandbox import content
from dsync.sandbox.graphql.call import QueryLimit
from dsync.sandbox.http.answers import HttpAnswer
from dsync.sandbox.http.endpoint import Endpoint, Entry
from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.http.open_data import OpenData
from dsync.sandbox.http.webhooks import RegisteredWebhook
from dsync.sandbox.world.changes import Change, Changes, locked
from dsync.sandbox.world.clock import instant
from dsync.sandbox.world.model import DossierFault, FormSeed, ServedDossier, World
from dsync.sandbox.world.truth import DossierTruth, truth_of


@locked
class Control(Changes):
    """What happens to a running sandbox: changes, faults and limits, and what can be seen of it."""

    def __init__(self, world: World, endpoint: Endpoint, catalogue: OpenData, seed: int) -> None:
        super().__init__(world)
        self.catalogue = catalogue
        self._endpoint = endpoint
        self._seed = seed
        self._webhooks: list[RegisteredWebhook] = []
        self._sequence = 0

    def add_demarche(
        self,
        number: int,
        like: Literal["equipment", "eig"] = "equipment",
        dossiers: int = 6,
        *,
        given: tuple[FormSeed, Sequence[ServedDossier]] | None = None,
    ) -> list[int]:
        """Add one more démarche and return the numbers of its dossiers: 1000 times its own + rank.

        Args:
            number: of the démarche; no other one may have it.
            like: the request for equipment, or the call aap-eig7 with the same descriptor ids.
            dossiers: how many of them it has.
            given: another form with its dossiers, in place of `like` and `dossiers`.
        """
        if number in self.world.demarches:
            raise ValueError(f"the sandbox has a démarche {number} already")
        if given is None:
            form, make = content.EQUIPMENT_FORM, content.equipment_dossiers
            if like == "eig":
                form, make = content.FORM, content.dossiers
            given = form, make(self._seed, dossiers, now=self.now())
        form = replace(given[0], number=number)
        renumbered = [replace(d, number=number * 1000 + rank) for rank, d in enumerate(given[1], 1)]
        return list(self.world.add_demarche(form, renumbered).dossiers)

    # --- webhooks -----------------------------------------------------------------------------

    def add_webhook(self, url: str, *, demarche: int | None = None, **form: Any) -> None:
        """Have an address told of a démarche's deposits and changes of state.

        Args:
            url: the address.
            demarche: the démarche's number; None: the main one.
            form: version, signing key and form of the signature, as of `RegisteredWebhook`.
        """
        number = self._demarche(demarche).number
        self._webhooks.append(RegisteredWebhook(number, url, **form))

    def webhook_answers(self) -> list[int]:
        """Return the HTTP status of each webhook sent, by address; 0: none."""
        return [status for webhook in self._webhooks for status in webhook.answers]

    def deposit(self, seed: ServedDossier, *, demarche: int | None = None) -> None:
        """Add a new dossier to a démarche, and send the webhooks."""
        super().deposit(seed, demarche=demarche)
        self._tell(seed.number)

    def move(
        self, number: int, state: str, *, motivation: str | None = None, agent: str | None = None
    ) -> None:
        """Move a dossier to another state, and send the webhooks; see `Changes.move`."""
        super().move(number, state, motivation=motivation, agent=agent)
        self._tell(number)

    def _tell(self, number: int) -> None:
        dossier = self._dossier(number)
        self._sequence += 1
        event = (number, dossier.state, dossier.updated_at, self._sequence)
        for webhook in self._webhooks:
            if webhook.number == dossier.demarche.number:
                threading.Thread(target=webhook.send, args=event, daemon=True).start()

    # --- what goes wrong --------------------------------------------------------------------

    def fail(self, *faults: ScriptedFault) -> None:
        """Add scripted faults for coming requests."""
        self._endpoint.faults.extend(faults)

    def clear_faults(self) -> None:
        """Remove the remaining scripted faults."""
        self._endpoint.faults.clear()

    def _fault(
        self,
        kind: Any,
        number: int | None,
        path: Sequence[str | int] = (),
        json: str = "null",
        *,
        champs_only: bool = False,
    ) -> None:
        """Set a fault on a dossier, until `repair`; the arguments are described there."""
        with self.world.lock:
            fault = DossierFault(kind, number, champs_only, tuple(path), json)
            self.world.dossier_faults.append(fault)

    return_null = partialmethod(_fault, "null_node")
    null_field = partialmethod(_fault, "null_field")
    replace_json = partialmethod(_fault, "replaced_json")
    fail_reads = partialmethod(_fault, "failed_read")
    fail_writes = partialmethod(_fault, "failed_write")
    lose_writes = partialmethod(_fault, "lost_write")

    def repair(self, number: int | None) -> None:
        """Remove the faults of a dossier; None: those of every answer."""
        kept = [fault for fault in self.world.dossier_faults if fault.number != number]
        self.world.dossier_faults = kept

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit in requests per minute and token; None: no limit."""
        self._endpoint.access.per_minute = per_minute

    def limit_queries(self, **limits: int) -> None:
        """Set the fields of `QueryLimit`."""
        self._endpoint.query_limit = QueryLimit(**limits)

    def change_token(self, name: str = "write", **changes: Any) -> None:
        """Change a token: `expired`, `forbidden_network`, `can_write`, `demarches`."""
        self._endpoint.access.change(name, **changes)

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

    def status(self) -> dict[str, Any]:
        """Return the sandbox's time, démarches, tokens and numbers of requests and faults."""
        return {
            "now": self.now(),
            "demarches": {d.number: len(d.dossiers) for d in self.world.demarches.values()},
            "tokens": vars(self._endpoint.access.tokens),
            "requests": len(self._endpoint.journal),
            "faults": len(self._endpoint.faults),
        }


def post(control: Control, name: str, body: bytes) -> HttpAnswer:
    """Call a method of the control.

    Args:
        control: the control.
        name: of the method.
        body: its arguments as JSON, an object or a list.

    Returns:
        200 with the result, 404 for an unknown method, 400 for arguments that it refuses.
    """
    special: dict[str, Callable[..., Any]] = {
        "fail": lambda **fault: control.fail(ScriptedFault(**fault)),
        "deposit": lambda **seed: control.deposit(ServedDossier(**seed)),
        "publish_revision": lambda **change: control.publish_revision(Change(**change)),
        "replace_catalogue": control.catalogue.replace,
    }
    call = special.get(name) or (None if name.startswith("_") else getattr(control, name, None))
    if not callable(call):
        return _reply(404, {"error": f"no such action: {name}"})
    try:
        given = json.loads(body or b"{}", object_hook=_read)
        result = call(*given) if isinstance(given, list) else call(**given)
    except (ValueError, TypeError, KeyError, StopIteration) as exc:
        return _reply(400, {"error": f"{type(exc).__name__}: {exc}"})
    return _reply(200, {"result": result})


def get(control: Control, path: str) -> HttpAnswer:
    """Return the status, the log of requests, or the truth of all dossiers or of one."""
    what, _, number = path.partition("/")
    seen: dict[str, Callable[[], Any]] = {
        "": control.status,
        "status": control.status,
        "requests": lambda: [entry.as_dict() for entry in control.requests()],
        "truth": lambda: [vars(truth) for truth in control.truth()],
    }
    try:
        if what == "truth" and number:
            return _reply(200, vars(control.truth_of(int(number))))
        return _reply(200, seen[what]())
    except (KeyError, ValueError) as exc:
        known = "status, requests, truth, truth/NUMBER"
        return _reply(404, {"error": f"{exc.args[0]}; known: {known}"})


def _read(given: dict[str, Any]) -> Any:
    """Decode a JSON object: an instant, or a mapping whose keys may be stable ids."""
    if given.keys() == {"datetime"}:
        return instant(given["datetime"])
    return {int(key) if key.isdigit() else key: value for key, value in given.items()}


def _reply(status: int, value: Any) -> HttpAnswer:
    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else repr(value)

    return HttpAnswer(status, json.dumps(value, ensure_ascii=False, default=plain).encode())
