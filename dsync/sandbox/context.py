"""What one request carries while it is answered, and the dossiers it has already on hand."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dsync.sandbox.answers import FieldError, InternalError, as_json
from dsync.sandbox.model import Demarche, Dossier
from dsync.sandbox.world import World

if TYPE_CHECKING:
    from dsync.sandbox.selection import Selection

# Stands for bytes that are already JSON; no data can hold it, as it is drawn at each start.
MARK = uuid.uuid4().hex
_URL_REFRESH = timedelta(minutes=30)
_KEPT_RENDERINGS = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the API: what it may do, and on which démarches."""

    name: str
    secret: str
    can_write: bool = True
    expired: bool = False
    forbidden_network: bool = False
    demarches: frozenset[int] | None = None
    """None: every démarche of the sandbox."""


@dataclass(eq=False)
class Context:
    """One request."""

    world: World
    token: Token | None
    english: bool
    base_url: str
    types_asked: frozenset[str]
    has_untyped_fragment: bool
    reached: int | None = None
    """How many nodes, or mutations, are answered before the server's time is up; None: all."""
    errors: list[FieldError] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    written: dict[tuple[int, str], Any] = field(default_factory=dict)
    """Annotations as a mutation of this request first answered them: it says them again."""
    expiring: bool = False
    """Whether what is being rendered holds an URL that will expire."""
    nodes: int = 0
    """How many dossiers were answered."""
    rendered: int = 0
    """How many of them were rendered anew."""

    def now(self) -> datetime:
        """Return the sandbox's present."""
        return self.world.clock.now()

    def asks(self, typename: str) -> bool:
        """Whether the document has a fragment on that type, taken or not.

        Raises:
            InternalError: when the document has a fragment without a type: the platform breaks.
        """
        if self.has_untyped_fragment:
            raise InternalError
        return typename in self.types_asked

    def may_see(self, demarche: Demarche) -> bool:
        """Whether the token reaches that démarche."""
        token = self.token
        if token is None:
            return False
        return token.demarches is None or demarche.number in token.demarches

    def dossier(self, dossier: Dossier, selection: Selection) -> str:
        """Answer a dossier, from what was rendered last time if it has not changed since.

        Raises:
            FieldError: when the dossier breaks a promise of the schema.
        """
        world = self.world
        is_spared = dossier.number in world.bad_champs and not selection.asks("Dossier", "champs")
        if dossier.number in world.breaking and not is_spared:
            raise InternalError
        self.nodes += 1
        if self.reached is not None and self.nodes > self.reached:
            raise self._timeout(selection)
        key = (selection, self.english)
        kept = dossier.rendered.get(key)
        if kept is not None and (kept[0] is None or kept[0] > self.now()):
            return self.place(kept[1])
        if dossier.number in world.poisoned and not is_spared:
            raise self._poison(selection)
        outer, self.expiring = self.expiring, False
        seen, mark = len(self.errors), len(self.raw)
        body = as_json(selection.render(dossier, "Dossier", self))
        body = fill(body, self.raw)
        nested = len(self.raw) > mark
        del self.raw[mark:]
        self.rendered += 1
        if len(self.errors) == seen and not nested:
            if len(dossier.rendered) >= _KEPT_RENDERINGS:
                dossier.rendered.clear()
            until = self.now() + _URL_REFRESH if self.expiring else None
            dossier.rendered[key] = (until, body)
        self.expiring = outer or self.expiring
        return self.place(body)

    def place(self, body: bytes) -> str:
        """Return what stands for these bytes until the answer is written."""
        self.raw.append(body)
        return f"{MARK}{len(self.raw) - 1}"

    def out_of_time(self, field: str) -> FieldError:
        """Return the error of a field that was not reached; only the first one has a code."""
        first = not any(error.code == "timeout" for error in self.errors)
        return FieldError(f"Timeout on {field}", "timeout" if first else None)

    def _timeout(self, selection: Selection) -> FieldError:
        first = selection.first_key("Dossier")
        error = self.out_of_time(f"Dossier.{first.node.name.value}")
        error.node = first.node
        error.path.append(first.key)
        return error

    def _poison(self, selection: Selection) -> FieldError:
        first = selection.first_key("Dossier")
        error = first.null()
        error.path.append(first.key)
        return error


def fill(body: bytes, raw: list[bytes]) -> bytes:
    """Put the rendered bytes where their marks are."""
    mark = f'"{MARK}'.encode()
    if mark not in body:
        return body
    head, *parts = body.split(mark)
    out = [head]
    for part in parts:
        index, _, rest = part.partition(b'"')
        out += [raw[int(index)], rest]
    return b"".join(out)
