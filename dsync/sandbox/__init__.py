"""A local stand-in of Démarches Simplifiées and beta.gouv.fr, over real HTTP.

Nothing is loaded before it is used: importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsync.sandbox.http.faults import ScriptedFault
    from dsync.sandbox.http.sandbox import Sandbox, serve
    from dsync.sandbox.world.changes import Change

__all__ = ["Change", "Sandbox", "ScriptedFault", "serve"]

_HOMES = {
    "Sandbox": "http.sandbox",
    "serve": "http.sandbox",
    "ScriptedFault": "http.faults",
    "Change": "world.changes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        told = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(told)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
