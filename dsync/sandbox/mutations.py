"""The resolvers of the mutations, with DS's refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from graphql import GraphQLError

from dsync.sandbox import opaque_ids
from dsync.sandbox.call import (
    Call,
    Info,
    Resolve,
    ServerFailure,
    invalid_input,
    not_found,
)
from dsync.sandbox.edits import Changes, RefusalError, write
from dsync.sandbox.model import Label, ServedDossier, by_id
from dsync.sandbox.scalars import ServedChamp, champs_of

Payload: TypeAlias = dict[str, Any]

WRITABLE = frozenset({
    "text", "textarea", "email", "checkbox", "yes_no", "date", "datetime", "integer_number",
    "decimal_number", "drop_down_list", "multiple_drop_down_list",
})  # fmt: skip
"""Types of the annotations that can be written, which are the keys of `AnnotationValueInput`."""


def _modify(call: Call, dossier: ServedDossier, given: Payload, _: GraphQLError) -> Payload:
    """Write the annotations that are valid, and return an error for each other one."""
    if dossier.faults_of("failed_write"):
        raise ServerFailure
    lost = {fault.path[0] for fault in dossier.faults_of("lost_write")}
    at, found, written, refusals = call.world.now(), [], [], []
    for asked in given["annotations"]:
        [(type_, value)] = asked["value"].items()
        try:
            found.append((_annotation(dossier, asked["id"], type_), value))
        except RefusalError as refusal:
            refusals.append(refusal)
    for champ, value in found:
        try:
            write(champ, value, at, kept=champ.stable_id not in lost)
            written.append(champ)
        except RefusalError as refusal:
            refusals.append(refusal)
    return {"annotations": written, "errors": _errors(*refusals) or None}


def _errors(*refusals: RefusalError) -> list[Payload]:
    return [{"message": str(refusal)} for refusal in refusals]


def _annotation(dossier: ServedDossier, ident: str, type_: str) -> ServedChamp:
    """Return the annotation with that id, if it has that type."""
    if opaque_ids.decode(ident) is None:
        raise invalid_input(ident)
    champ = next((c for c in champs_of(dossier, "annotations") if c.id == ident), None)
    if champ is None or champ.type not in WRITABLE:
        raise RefusalError(f'L‘annotation "{ident}" n’existe pas')
    if champ.type != type_:
        raise RefusalError(f'L‘annotation "{ident}" n’est pas de type attendu')
    return champ


def _add_label(
    call: Call, dossier: ServedDossier, given: Payload, missing: GraphQLError
) -> Payload:
    label = _label(call, given, missing)
    if label not in dossier.demarche.labels:
        raise RefusalError("Ce label n’appartient pas à la même démarche que le dossier")
    if label.name in dossier.labels:
        raise RefusalError("Ce label est déjà associé au dossier")
    Changes(call.world).add_label(dossier.number, label.name)
    return {"label": label}


def _remove_label(
    call: Call, dossier: ServedDossier, given: Payload, missing: GraphQLError
) -> Payload:
    label = _label(call, given, missing)
    if label not in dossier.demarche.labels or label.name not in dossier.labels:
        raise RefusalError("Ce label n’est pas associé au dossier")
    Changes(call.world).remove_label(dossier.number, label.name)
    return {"label": label}


def _label(call: Call, given: Payload, missing: GraphQLError) -> Label:
    labels = [label for d in call.world.demarches.values() for label in d.labels]
    label = by_id(given["label_id"], labels)
    if label is None:
        raise missing
    return label


def _dossier(call: Call, given: Payload, missing: GraphQLError) -> ServedDossier:
    """Return the dossier that an input names.

    Raises:
        RefusalError: the token or the instructeur may not write.
        GraphQLError: there is no such dossier or instructeur, or it is out of the token's scope.
    """
    # In DS's order: a read-only token is refused first, also for a hidden dossier or for another
    # instructeur (recorded: annotations-readonly-hidden, …-wrong-instructeur).
    if call.token is None or not call.token.can_write:
        raise RefusalError("Le jeton utilisé est configuré seulement en lecture")
    dossier = call.world.shown_dossier(opaque_ids.key_of(given["dossier_id"], "Dossier"))
    if dossier is None:
        raise missing
    call.visible("Dossier", dossier)
    if "instructeur_id" in given:
        agent = by_id(given["instructeur_id"], call.world.agents.values())
        if agent is None:
            raise missing
        if agent not in dossier.groupe.instructeurs:
            raise RefusalError("L’instructeur n’a pas les droits d’accès à ce dossier")
    return dossier


def _resolver(mutate: Callable[[Call, ServedDossier, Payload, GraphQLError], Payload]) -> Resolve:
    """Return a mutation's resolver; a refusal is in the payload, whose other fields are null."""

    def resolve(_: Any, info: Info, input: Payload) -> Payload:
        call, name = info.context, info.field_name
        call.spend(f"Mutation.{name}")
        missing = not_found(f"{name[0].upper()}{name[1:]}Payload")
        try:
            return mutate(call, _dossier(call, input, missing), input, missing)
        except RefusalError as refusal:
            return {"errors": _errors(refusal)}

    return resolve


MUTATIONS: dict[str, Resolve] = {
    "dossierModifierAnnotations": _resolver(_modify),
    "dossierAjouterLabel": _resolver(_add_label),
    "dossierSupprimerLabel": _resolver(_remove_label),
}
"""Resolvers of the fields of the schema's ``Mutation``."""
