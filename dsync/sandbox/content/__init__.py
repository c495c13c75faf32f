"""The invented forms, dossiers and catalogue of the sandbox; the same seed gives the same ones."""

from datetime import datetime

from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.content.applications import FIRST_NUMBER, dossier, dossiers
from dsync.sandbox.content.others import (
    EQUIPMENT_FORM,
    EVERY_TYPE_FORM,
    MOBILITY_FORM,
    SUBSIDY_FORM,
    equipment_dossiers,
    every_type_dossiers,
    mobility_dossiers,
    subsidy_dossiers,
)
from dsync.sandbox.model import FormSeed, ServedDossier

__all__ = [
    "EQUIPMENT_FORM",
    "EVERY_TYPE_FORM",
    "FIRST_NUMBER",
    "FORM",
    "MOBILITY_FORM",
    "SUBSIDY_FORM",
    "dossier",
    "dossiers",
    "equipment_dossiers",
    "every_type_dossiers",
    "everything",
    "mobility_dossiers",
    "subsidy_dossiers",
]


def everything(
    seed: int, count: int, *, now: datetime, hostile: bool = True
) -> list[tuple[FormSeed, list[ServedDossier]]]:
    """Return aap-eig7 with that number of dossiers, and the other démarches with theirs."""
    return [
        (FORM, dossiers(seed, count, now=now, hostile=hostile)),
        (EVERY_TYPE_FORM, every_type_dossiers(seed, now=now)),
        (EQUIPMENT_FORM, equipment_dossiers(seed, 6, now=now)),
        (SUBSIDY_FORM, subsidy_dossiers(seed, 40, now=now)),
        (MOBILITY_FORM, mobility_dossiers(seed, 40, now=now)),
    ]
