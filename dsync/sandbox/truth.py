"""What a faithful copy of a dossier holds, told without GraphQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dsync.sandbox import ids
from dsync.sandbox.champ import Champ, champs_of, string_value
from dsync.sandbox.model import Dossier, Source
from dsync.sandbox.seed import FileSeed

PAGE_PRODUIT = 4102


@dataclass(slots=True)
class DossierTruth:
    """A dossier as it stands in the sandbox."""

    number: int
    state: str
    presence: str
    """present, masque, expire (in none of the lists) or supprime."""
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
    """By stable id, as a person reads them; a repetition is its rows."""
    annotations: dict[int, Any]
    raw_champs: dict[int, Any]
    """By stable id, as they were given."""
    raw_annotations: dict[int, Any]
    deletion_reason: str | None
    deleted_at: datetime | None
    why: str
    """Which case this dossier illustrates."""

    @property
    def page_produit(self) -> str | None:
        """The product's address as the applicant wrote it."""
        return self.raw_champs.get(PAGE_PRODUIT)

    def as_dict(self) -> dict[str, Any]:
        """Return it for the control's HTTP side."""
        return {**asdict(self), "page_produit": self.page_produit}


def told(dossier: Dossier) -> DossierTruth:
    """Return the truth about a dossier."""
    seed, gone = dossier.seed, dossier.deletion
    return DossierTruth(
        seed.number,
        seed.state,
        dossier.presence,
        seed.archived,
        ids.encode("ProcedureRevision", dossier.revision.key),
        seed.depose_at,
        seed.en_instruction_at,
        seed.traite_at,
        dossier.updated_at,
        dossier.annotations_at,
        seed.demandeur,
        seed.usager_email,
        dossier.groupe.label,
        [label.name for label in dossier.labels],
        _shown(dossier, "champs"),
        _shown(dossier, "annotations"),
        _raw(seed.champs),
        _raw(seed.annotations),
        gone.reason if gone else None,
        gone.at if gone else dossier.hidden_at,
        seed.why,
    )


def _shown(dossier: Dossier, source: Source) -> dict[int, Any]:
    shown: dict[int, Any] = {}
    for champ in champs_of(dossier, source, None):
        stable_id = champ.descriptor["stable_id"]
        if champ.type == "repetition":
            shown[stable_id] = [
                {
                    cell["stable_id"]: string_value(
                        Champ(dossier, source, cell, row.cells.get(cell["stable_id"]), row)
                    )
                    for cell in champ.descriptor["champs"]
                }
                for row in dossier.rows_of(champ.descriptor, source)
            ]
        elif champ.type not in ("header_section", "explication"):
            shown[stable_id] = string_value(champ)
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
