"""What every mutation tests first: the token, the dossier, the instructeur."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

from dsync.sandbox import ids
from dsync.sandbox.answers import hidden, not_found
from dsync.sandbox.context import Context
from dsync.sandbox.model import Dossier, Instructeur
from dsync.sandbox.resolving import answers

Payload: TypeAlias = dict[str, Any]
Mutate: TypeAlias = Callable[[Context, str, dict[str, Any]], Payload]


class PayloadError(Exception):
    """The mutation is refused in its payload: nothing was done."""

    def __init__(self, french: str, english: str = "") -> None:
        super().__init__(french)
        self.french = french
        self.english = english or french


def errors(context: Context, *refusals: PayloadError) -> list[dict[str, str]]:
    """Return refusals in their wire form, in the reader's language."""
    return [{"message": r.english if context.english else r.french} for r in refusals]


def mutation(name: str) -> Callable[[Mutate], Mutate]:
    """Register a function as the mutation of that name.

    A read-only token is refused before anything is looked up; a refusal becomes the payload's
    ``errors``, everything else in it null.
    """
    payload_type = f"{name[0].upper()}{name[1:]}Payload"

    def register(mutate: Mutate) -> Mutate:
        @wraps(mutate)
        def resolve(_: Any, context: Context, input: dict[str, Any]) -> Payload:
            _spend_time(context, name)
            echo = {"clientMutationId": input.get("clientMutationId")}
            try:
                if context.token is None or not context.token.can_write:
                    raise READ_ONLY
                return {**mutate(context, payload_type, input), **echo}
            except PayloadError as refusal:
                return {"errors": errors(context, refusal), **echo}

        answers("Mutation", **{name: resolve})
        return mutate

    return register


READ_ONLY = PayloadError(
    "Le jeton utilisé est configuré seulement en lecture",
    "The token in use is configured as read-only",
)


def _spend_time(context: Context, name: str) -> None:
    """Run out of time at the mutation that a scripted fault names: it and the next do nothing."""
    if context.reached is None:
        return
    context.reached -= 1
    if context.reached < 0:
        raise context.out_of_time(f"Mutation.{name}")


def dossier_of(context: Context, payload_type: str, ident: str) -> Dossier:
    """Load the dossier that a mutation names.

    Raises:
        FieldError: when it is not to be seen, for whatever reason.
    """
    number = ids.key_of(ident, "Dossier")
    dossier = context.world.dossier(number) if number is not None else None
    if dossier is None or dossier.presence != "present":
        raise not_found(payload_type)
    if not context.may_see(dossier.demarche):
        raise hidden("Dossier")
    return dossier


def dossier_and_agent(
    context: Context, payload_type: str, given: dict[str, Any]
) -> tuple[Dossier, Instructeur]:
    """Load the dossier and the instructeur in whose name it is changed.

    Raises:
        FieldError: when either is not to be found.
        PayloadError: when the instructeur has no right on this dossier.
    """
    dossier = dossier_of(context, payload_type, given["dossierId"])
    agent = context.world.instructeur(given["instructeurId"])
    if agent is None:
        raise not_found(payload_type)
    if agent not in dossier.groupe.instructeurs:
        raise PayloadError(
            "L’instructeur n’a pas les droits d’accès à ce dossier",
            "The instructeur has no access to this dossier",
        )
    return dossier, agent
