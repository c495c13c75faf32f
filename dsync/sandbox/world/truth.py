"""The expected content of a correct copy of a dossier, computed without GraphQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dsync.sandbox.content.seeds import FileSeed
from dsync.sandbox.world.champs import TITLES, champs_of
from dsync.sandbox.world.model import ServedDossier, Source


@dataclass(slots=True)
class DossierTruth:
    """A dossier's current state in the sandbox."""

    number: int
    state: str
    presence: str
    """present, masque, expire or supprime."""
    archived: bool
    revision: str
    depose_at: datetime
    en_instruction_at: datetime | None
    traite_at: datetime | None
    updated_at: datetime
    annotations_at: datetime
    demandeur: dict[str, Any]
    usager_email: str
    groupe: str
    labels: list[str]
    champs: dict[int, Any]
    """Texts for people by stable id; for a repetition, the list of its rows."""
    annotations: dict[int, Any]
    raw_champs: dict[int, Any]
    """Values by stable id, as in `DossierSeed`."""
    raw_annotations: dict[int, Any]
    why: str
    """The case that this dossier illustrates."""


def truth_of(dossier: ServedDossier) -> DossierTruth:
    """Return a dossier's current state."""
    seed = dossier.seed
    return DossierTruth(
        number=seed.number,
        state=seed.state,
        presence=dossier.presence,
        archived=seed.archived,
        revision=dossier.revision.id,
        depose_at=seed.depose_at,
        en_instruction_at=seed.en_instruction_at,
        traite_at=seed.traite_at,
        updated_at=dossier.updated_at,
        annotations_at=dossier.annotations_at,
        demandeur=seed.demandeur,
        usager_email=seed.usager_email,
        groupe=dossier.groupe.label,
        labels=[label.name for label in dossier.labels],
        champs=_shown(dossier, "champs"),
        annotations=_shown(dossier, "annotations"),
        raw_champs=_raw(seed.champs),
        raw_annotations=_raw(seed.annotations),
        why=seed.why,
    )


def _shown(dossier: ServedDossier, source: Source) -> dict[int, Any]:
    shown: dict[int, Any] = {}
    for champ in champs_of(dossier, source):
        if champ.type == "repetition":
            shown[champ.stable_id] = [
                {cell.stable_id: cell.text() for cell in cells} for _, cells in champ.rows()
            ]
        elif champ.type not in TITLES:
            shown[champ.stable_id] = champ.text()
    return shown


def _raw(values: dict[int, Any]) -> dict[int, Any]:
    return {
        stable_id: [_file(v) if isinstance(v, FileSeed) else v for v in value]
        if isinstance(value, list)
        else value
        for stable_id, value in values.items()
    }


def _file(seed: FileSeed) -> dict[str, Any]:
    return {
        "filename": seed.filename,
        "content_type": seed.content_type,
        "size": len(seed.content),
        "virus_scan": seed.virus_scan,
    }
