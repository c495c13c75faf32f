"""A local server that imitates the APIs of Démarches Simplifiées and beta.gouv.fr.

The names below are imported when they are first used: importing this package loads no server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsync.sandbox.http.faults import ScriptedFault
    from dsync.sandbox.http.sandbox import Sandbox, serve
    from dsync.sandbox.world.changes import Change

__all__ = ["Change", "Sandbox", "ScriptedFault", "serve"]

_MODULES = {
    "Sandbox": "http.sandbox",
    "serve": "http.sandbox",
    "ScriptedFault": "http.faults",
    "Change": "world.changes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
