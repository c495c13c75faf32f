"""The context of one request, which every resolver gets, and the errors that a resolver raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from graphql import GraphQLError, GraphQLResolveInfo

from dsync.sandbox.model import Groupe, ServedDemarche, ServedDossier, World

Place: TypeAlias = tuple[str | int, ...]
T = TypeVar("T", ServedDemarche, ServedDossier, Groupe)


class ServerFailure(BaseException):
    """An internal error of the server: the request is answered with HTTP 500.

    A `BaseException`, because graphql-core turns every `Exception` into the error of one field.
    """


@dataclass(frozen=True, slots=True)
class QueryLimit:
    """Maximum complexity and number of tokens of a query, as DS has since July 2026; 0: none."""

    complexity: int = 60_000
    tokens: int = 20_000


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the API with its rights."""

    name: str
    secret: str
    can_write: bool = True
    expired: bool = False
    forbidden_network: bool = False
    demarches: frozenset[int] | None = None
    """Numbers of the démarches that it may read; None: all."""


@dataclass(eq=False)
class Call:
    """One request; `info.context` of its resolvers."""

    world: World
    token: Token | None
    base_url: str
    limit: QueryLimit
    reached: int | None = None
    """Number of nodes or mutations to answer before a simulated time-out; None: all of them."""
    types_asked: frozenset[str | None] = frozenset()
    """Names of the types in the document's fragments; None for a fragment without a type."""
    nodes: int = 0
    """Number of nodes and mutations answered so far."""
    out_of_time: bool = False
    places: list[tuple[ServedDossier, Place]] = field(default_factory=list)
    """Each dossier in the answer, and its path."""
    harmed: dict[Place, str] = field(default_factory=dict)
    """The kind of the fault of a field, by its path in the answer."""

    def asks(self, typename: str) -> bool:
        """Return whether the document has a fragment on that type, used or not.

        Raises:
            ServerFailure: the document has a fragment without a type; DS answers 500 to it.
        """
        if None in self.types_asked:
            raise ServerFailure
        return typename in self.types_asked

    def visible(self, kind: str, found: T | None) -> T:
        """Return a démarche or a part of one if the token may read it; `kind`: its GraphQL type."""
        if found is None:
            raise not_found(kind)
        scope = self.token.demarches if self.token else frozenset()
        demarche = found if isinstance(found, ServedDemarche) else found.demarche
        if scope is not None and demarche.number not in scope:
            message = f"An object of type {kind} was hidden due to permissions"
            raise failed(message, "unauthorized")
        return found

    def replaced_json(self) -> Iterator[tuple[Place, str]]:
        """Yield the path and the text of each part of the answer that a test replaces."""
        for dossier, place in self.places:
            for fault in dossier.faults_of("replaced_json"):
                yield ("data", *place, *fault.path), fault.json

    def spend(self, field: str) -> None:
        """Count a node or a mutation; refuse it if it comes after the simulated time-out."""
        self.nodes += 1
        if self.reached is not None and self.nodes > self.reached:
            raise self.timeout(field)

    def timeout(self, field: str) -> GraphQLError:
        """Return the error of a field after the time-out; only the first one has a code."""
        code = None if self.out_of_time else "timeout"
        self.out_of_time = True
        return failed(f"Timeout on {field}", code)


Info: TypeAlias = GraphQLResolveInfo[Call]
Resolve: TypeAlias = Callable[..., Any]
"""A resolver, called with the parent value, the `Info`, and the arguments in snake case."""


def failed(message: str, code: str | None = None) -> GraphQLError:
    """Return the error of a field, with `extensions.code` if there is a code."""
    return GraphQLError(message, extensions={"code": code} if code else None)


def not_found(what: str) -> GraphQLError:
    """Return the error of an object that does not exist or is not shown."""
    return failed(f"{what} not found", "not_found")


def invalid_input(text: str) -> GraphQLError:
    """Return the error of an id or a cursor that cannot be decoded."""
    return failed(f'Invalid input: "{text}"')
