"""The control over HTTP: POST calls a method of it, GET reads the sandbox's state.

``POST /_sandbox/hide {"number": 18600001, "by": "administration"}`` calls ``control.hide``; an
instant is written ``{"datetime": "2026-12-01T10:00:00Z"}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from dsync.sandbox.content.seeds import DossierSeed
from dsync.sandbox.http.answers import HttpAnswer
from dsync.sandbox.http.control import Control
from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.world.changes import Change
from dsync.sandbox.world.clock import instant


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
        "deposit": lambda **seed: control.deposit(DossierSeed(**seed)),
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
            return _reply(200, asdict(control.truth_of(int(number))))
        if what == "truth":
            return _reply(200, [asdict(dossier) for dossier in control.truth()])
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
