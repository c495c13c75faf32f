"""A local stand-in of Démarches Simplifiées and beta.gouv.fr, over real HTTP.

Nothing is loaded before it is used: importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsync.sandbox.faults import Fault
    from dsync.sandbox.revising import Change
    from dsync.sandbox.server import Sandbox
    from dsync.sandbox.serving import serve

__all__ = ["Change", "Fault", "Sandbox", "serve"]

_HOMES = {"Sandbox": "server", "serve": "serving", "Fault": "faults", "Change": "revising"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        told = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(told)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
