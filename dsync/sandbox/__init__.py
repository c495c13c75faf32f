"""A local server that imitates the APIs of Démarches Simplifiées and beta.gouv.fr."""

from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.http.sandbox import Sandbox, serve
from dsync.sandbox.world.changes import Change

__all__ = ["Change", "Sandbox", "ScriptedFault", "serve"]
