"""The mutations that put labels on dossiers and take them off; both move the dossier."""

from __future__ import annotations

from typing import Any

from dsync.sandbox import ids
from dsync.sandbox.answers import not_found
from dsync.sandbox.context import Context
from dsync.sandbox.model import Label
from dsync.sandbox.mutations.access import Payload, PayloadError, dossier_of, mutation

ALREADY_THERE = PayloadError(
    "Ce label est déjà associé au dossier", "This label is already on the dossier"
)
NOT_THERE = PayloadError(
    "Ce label n’est pas associé au dossier", "This label is not on the dossier"
)
OF_ANOTHER = PayloadError(
    "Ce label n’appartient pas à la même démarche que le dossier",
    "This label belongs to another démarche than the dossier",
)


@mutation("dossierAjouterLabel")
def add(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Put a label on a dossier."""
    dossier = dossier_of(context, payload_type, given["dossierId"])
    label = _label(context, payload_type, given["labelId"])
    if label not in dossier.demarche.labels:
        raise OF_ANOTHER
    if label in dossier.labels:
        raise ALREADY_THERE
    dossier.labels.append(label)
    dossier.change(context.now())
    return {"label": label, "dossier": dossier, "errors": None}


@mutation("dossierSupprimerLabel")
def remove(context: Context, payload_type: str, given: dict[str, Any]) -> Payload:
    """Take a label off a dossier."""
    dossier = dossier_of(context, payload_type, given["dossierId"])
    label = _label(context, payload_type, given["labelId"])
    if label not in dossier.labels:
        raise NOT_THERE
    dossier.labels.remove(label)
    dossier.change(context.now())
    return {"label": label, "dossier": dossier, "errors": None}


def _label(context: Context, payload_type: str, ident: str) -> Label:
    key = ids.key_of(ident, "Label")
    for demarche in context.world.demarches.values():
        for label in demarche.labels:
            if label.key == key:
                return label
    raise not_found(payload_type)
