"""The invented forms, dossiers and catalogue of the sandbox; the same seed gives the same ones."""

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
    "mobility_dossiers",
    "subsidy_dossiers",
]
