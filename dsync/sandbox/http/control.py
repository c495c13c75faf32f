"""The control for tests and for people, as Python methods and over HTTP.

``POST /_sandbox/hide {"number": 18600001, "by": "administration"}`` calls ``control.hide``; an
instant is written ``{"datetime": "2026-12-01T10:00:00Z"}``. GET reads the sandbox's state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

from dsync.sandbox import content
from dsync.sandbox.graphql.call import QueryLimit
from dsync.sandbox.http.answers import HttpAnswer
from dsync.sandbox.http.endpoint import Endpoint, Entry
from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.http.open_data import OpenData
from dsync.sandbox.http.webhooks import RegisteredWebhook, Sender
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
        self._webhooks = Sender()

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
            message = f"the sandbox has a démarche {number} already"
            raise ValueError(message)
        now = self.now()
        if given is None and like == "eig":
            given = content.FORM, content.dossiers(self._seed, dossiers, now=now)
        elif given is None:
            made = content.equipment_dossiers(self._seed, dossiers, now=now)
            given = content.EQUIPMENT_FORM, made
        added = self.world.add_demarche(*content.renumbered(*given, number))
        return list(added.dossiers)

    # --- webhooks -----------------------------------------------------------------------------

    def add_webhook(self, url: str, *, demarche: int | None = None, **form: Any) -> None:
        """Have an address told of a démarche's deposits and changes of state.

        Args:
            url: the address.
            demarche: the démarche's number; None: the main one.
            form: version, signing key and form of the signature, as of `RegisteredWebhook`.
        """
        number = self._demarche(demarche).number
        self._webhooks.registered.append(RegisteredWebhook(number, url, **form))

    def webhook_answers(self) -> list[int]:
        """Return the HTTP status of each webhook sent, by address; 0: none."""
        return [status for webhook in self._webhooks.registered for status in webhook.answers]

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
        self._webhooks.tell(dossier.demarche.number, number, dossier.state, dossier.updated_at)

    # --- what goes wrong --------------------------------------------------------------------

    def fail(self, *faults: ScriptedFault) -> None:
        """Add scripted faults for coming requests."""
        self._endpoint.faults.waiting.extend(faults)

    def clear_faults(self) -> None:
        """Remove the remaining scripted faults."""
        self._endpoint.faults.waiting.clear()

    def return_null(self, number: int, *, champs_only: bool = False) -> None:
        """Return null in place of a dossier, with an error, until `repair`."""
        self.world.dossier_faults.append(DossierFault("null_node", number, champs_only))

    def fail_reads(self, number: int, *, champs_only: bool = False) -> None:
        """Answer 500 to every request that returns this dossier, until `repair`."""
        self.world.dossier_faults.append(DossierFault("failed_read", number, champs_only))

    def fail_writes(self, number: int) -> None:
        """Answer 500 to every mutation of this dossier's annotations, until `repair`."""
        self.world.dossier_faults.append(DossierFault("failed_write", number))

    def lose_writes(self, number: int, stable_id: int) -> None:
        """Answer writes of an annotation as saved without saving them, until `repair`."""
        self.world.dossier_faults.append(DossierFault("lost_write", number, path=(stable_id,)))

    def replace_json(self, number: int | None, path: Sequence[str | int], json: str) -> None:
        """Replace the JSON at a path of a dossier in every answer, until `repair`.

        Args:
            number: the dossier's; None: every answer, with a path from its top.
            path: keys and indexes, such as `("champs", 3, "label")`; empty for the whole node.
            json: the text to send; it may be invalid JSON.
        """
        self.world.dossier_faults.append(
            DossierFault("replaced_json", number, path=tuple(path), json=json)
        )

    def null_field(self, number: int, path: Sequence[str | int]) -> None:
        """Return null for a field of a dossier, until `repair`.

        If the schema declares it non-null, the nearest nullable object around it is null.
        """
        self.world.dossier_faults.append(DossierFault("null_field", number, path=tuple(path)))

    def repair(self, number: int | None) -> None:
        """Remove the faults of a dossier; None: those of every answer."""
        kept = [fault for fault in self.world.dossier_faults if fault.number != number]
        self.world.dossier_faults = kept

    def maintain(self, *, on: bool = True) -> None:
        """Begin or end a maintenance: every request gets a 503."""
        self._endpoint.under_maintenance = on

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit in requests per minute and token; None: no limit."""
        self._endpoint.access.per_minute = per_minute

    def limit_queries(self, *, complexity: int = 60_000, tokens: int = 20_000) -> None:
        """Set the maximum complexity and number of tokens of a query; 0: no limit."""
        self._endpoint.query_limit = QueryLimit(complexity, tokens)

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
            "faults": len(self._endpoint.faults.waiting),
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
    try:
        if what in ("", "status"):
            return _reply(200, control.status())
        if what == "requests":
            return _reply(200, [entry.as_dict() for entry in control.requests()])
        if what == "truth" and number:
            return _reply(200, vars(control.truth_of(int(number))))
        if what == "truth":
            return _reply(200, [vars(truth) for truth in control.truth()])
    except (KeyError, ValueError) as exc:
        return _reply(404, {"error": str(exc)})
    return _reply(404, {"error": "known: status, requests, truth, truth/NUMBER"})


def _read(given: dict[str, Any]) -> Any:
    """Decode a JSON object: an instant, or a mapping whose keys may be stable ids."""
    if given.keys() == {"datetime"}:
        return instant(given["datetime"])
    return {int(key) if key.isdigit() else key: value for key, value in given.items()}


def _reply(status: int, value: Any) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(value, ensure_ascii=False, default=_plain).encode())


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else repr(value)
