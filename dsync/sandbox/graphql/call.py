"""What one request carries while it is answered, and the errors that end a field or all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from graphql import GraphQLError, GraphQLResolveInfo

from dsync.sandbox.graphql.limits import QueryLimit
from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.clock import iso
from dsync.sandbox.world.model import DossierFault, Groupe, ServedDemarche, ServedDossier, World

Place: TypeAlias = tuple[str | int, ...]
T = TypeVar("T", ServedDemarche, ServedDossier, Groupe)


class ServerFailure(BaseException):
    """The server's code breaks on this request: HTTP 500.

    No `Exception`, so that the executor, which makes a field's error of any, lets it through.
    """


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
class Call:
    """One request, as its resolvers see it; `info.context` of each."""

    world: World
    token: Token | None
    english: bool
    base_url: str
    limit: QueryLimit
    reached: int | None = None
    """How many nodes, or mutations, are answered before the server's time is up; None: all."""
    document: Any = None
    """The `QueryDocument` that is run."""
    nodes: int = 0
    """How many dossiers were answered."""
    out_of_time: bool = False
    echoes: dict[tuple[int, str], ServedChamp] = field(default_factory=dict)
    """Annotations as a mutation of this request first answered them: it says them again."""
    places: list[tuple[int, Place]] = field(default_factory=list)
    """The dossiers in the answer, and where each one is."""
    null_fields: set[Place] = field(default_factory=set)
    """Where in the answer the platform's data have none."""

    def asks(self, typename: str) -> bool:
        """Whether the document has a fragment on that type, taken or not.

        Raises:
            ServerFailure: when the document has a fragment without a type: the platform breaks.
        """
        if None in self.document.types_asked:
            raise ServerFailure
        return typename in self.document.types_asked

    def visible(self, kind: str, found: T | None) -> T:
        """Return what was found, a démarche or something of one, if the token reaches it.

        Raises:
            GraphQLError: when nothing was found, or it is outside the token's scope.
        """
        if found is None:
            raise not_found(kind)
        scope = self.token.demarches if self.token else frozenset()
        if scope is not None and _number(found) not in scope:
            told = f"An object of type {kind} was hidden due to permissions"
            raise failed(told, "unauthorized")
        return found

    def faults_of(self, number: int, kind: str) -> list[DossierFault]:
        """Return what is bad of a dossier's data."""
        return [d for d in self.world.dossier_faults if (d.number, d.kind) == (number, kind)]

    def replaced_json(self) -> Iterator[tuple[Place, str]]:
        """Yield what stands in the answer instead of what is true, and where."""
        for fault in self.world.dossier_faults:
            if fault.kind == "replaced_json" and fault.number is None:
                yield fault.path, fault.json
        for number, place in self.places:
            for fault in self.faults_of(number, "replaced_json"):
                yield ("data", *place, *fault.path), fault.json

    def spend(self) -> bool:
        """Count a node or a mutation; tell whether there is time to answer it."""
        self.nodes += 1
        return self.reached is None or self.nodes <= self.reached

    def timeout(self, field: str) -> GraphQLError:
        """Return the error of a field that was not reached; only the first one has a code."""
        code = None if self.out_of_time else "timeout"
        self.out_of_time = True
        return failed(f"Timeout on {field}", code)


def _number(found: ServedDemarche | ServedDossier | Groupe) -> int:
    return found.number if isinstance(found, ServedDemarche) else found.demarche.number


Info: TypeAlias = GraphQLResolveInfo[Call]
Resolve: TypeAlias = Callable[..., Any]
"""Answers a field: called with the value, the `Info`, and the arguments in snake case."""


def failed(message: str, code: str | None = None) -> GraphQLError:
    """Return the error of a field that cannot be answered."""
    return GraphQLError(message, extensions={"code": code} if code else None)


def not_found(what: str) -> GraphQLError:
    """Return the error of something that is not there, or not to be seen."""
    return failed(f"{what} not found", "not_found")


def invalid_input(text: str) -> GraphQLError:
    """Return the error of an identifier or a cursor that cannot be decoded."""
    return failed(f'Invalid input: "{text}"')


def at(path: str) -> Resolve:
    """Answer a field with the attribute at a dotted path; an instant as the API writes it."""
    read = attrgetter(path)

    def resolve(value: Any, _info: Info) -> Any:
        found = read(value)
        return iso(found) if isinstance(found, datetime) else found

    return resolve
