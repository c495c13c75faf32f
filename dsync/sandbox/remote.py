"""The control over HTTP: POST a method's name with its arguments as JSON, GET what can be seen.

``POST /_sandbox/hide {"number": 18600001, "by": "administration"}`` calls ``control.hide``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from dsync.sandbox.answers import Answer
from dsync.sandbox.clock import instant
from dsync.sandbox.control import Control
from dsync.sandbox.faults import Fault
from dsync.sandbox.revising import Change
from dsync.sandbox.seed import DossierSeed

# fmt: off
_ACTIONS = (
    "advance", "hide_champ", "save_without_submitting", "delete_account", "move",
    "add_annotation_row", "ask_correction",
    "add_label", "remove_label", "rename_label", "replace_label", "archive", "change_groupe",
    "hide", "restore", "erase", "expire", "complete_etablissement", "end_virus_scan",
    "lose_demandeur", "close_demarche", "commit",
    "clear_faults", "poison", "break_page", "break_writes", "spoil", "dig", "heal",
    "maintain", "limit_rate",
    "limit_queries",
    "expire_token", "renew_token", "forbid_network", "forget_requests",
)
# fmt: on


class Remote:
    """Translates between JSON over HTTP and the control's methods."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._posts: dict[str, Callable[..., Any]] = {
            name: getattr(control, name) for name in _ACTIONS
        }
        self._posts |= {
            "set_clock": lambda to: control.set_clock(instant(to)),
            "fail": lambda *faults, **fault: control.fail(*_faults(faults, fault)),
            "edit_champ": _with_value(control.edit_champ),
            "correct_champ": _with_value(control.correct_champ),
            "edit_annotation": _with_value(control.edit_annotation),
            "begin_edit": _with_value(control.begin_edit),
            "deposit": lambda **seed: control.deposit(_seed(seed)),
            "publish_revision": lambda **change: control.publish_revision(_change(change)),
            "replace_catalogue": control.catalogue.replace,
        }

    def post(self, path: str, body: bytes) -> Answer:
        """Call a method; 404 for one that is not, 400 for arguments that do not fit."""
        call = self._posts.get(path.strip("/"))
        if call is None:
            return _answer(404, {"error": "no such action", "actions": sorted(self._posts)})
        try:
            given = json.loads(body or b"{}")
            result = call(*given) if isinstance(given, list) else call(**given)
        except (ValueError, TypeError, KeyError, StopIteration) as exc:
            return _answer(400, {"error": f"{type(exc).__name__}: {exc}"})
        return _answer(200, {"result": result})

    def get(self, path: str) -> Answer:
        """Show the status, the requests, or the truth (of all dossiers, or of one)."""
        what, _, number = path.strip("/").partition("/")
        try:
            if what in ("", "status"):
                return _answer(200, self._control.status())
            if what == "requests":
                return _answer(200, [entry.as_dict() for entry in self._control.requests()])
            if what == "truth" and number:
                return _answer(200, self._control.truth_of(int(number)).as_dict())
            if what == "truth":
                return _answer(200, [dossier.as_dict() for dossier in self._control.truth()])
        except (KeyError, ValueError) as exc:
            return _answer(404, {"error": str(exc)})
        return _answer(404, {"error": "known: status, requests, truth, truth/NUMBER"})


def _answer(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, default=_plain).encode())


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def _faults(many: tuple[Any, ...], one: dict[str, Any]) -> list[Fault]:
    return [Fault(**fault) for fault in (*many, *([one] if one else []))]


def _with_value(call: Callable[..., Any]) -> Callable[..., Any]:
    """Read a value that is an instant (`{"datetime": "…"}`), which JSON has none of."""

    def wrapped(number: int, stable_id: int, value: Any, **more: Any) -> None:
        if isinstance(value, dict) and set(value) == {"datetime"}:
            value = instant(value["datetime"])
        call(number, stable_id, value, **more)

    return wrapped


def _seed(given: dict[str, Any]) -> DossierSeed:
    dates = {f.name for f in fields(DossierSeed) if f.name.endswith("_at")}
    read: dict[str, Any] = {k: instant(v) if k in dates and v else v for k, v in given.items()}
    for name in ("champs", "annotations"):
        read[name] = {int(stable_id): value for stable_id, value in read.get(name, {}).items()}
    return DossierSeed(**read)


def _change(given: dict[str, Any]) -> Change:
    read = dict(given)
    for name in ("rename", "retype", "options"):
        read[name] = {int(stable_id): v for stable_id, v in read.get(name, {}).items()}
    return Change(**read)
