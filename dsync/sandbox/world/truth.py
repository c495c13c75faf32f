"""The expected content of a correct copy of a dossier, computed without GraphQL."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from dsync.sandbox.world.champs import TITLES, champs_of
from dsync.sandbox.world.model import FileSeed, ServedDossier, Source


class DossierTruth(SimpleNamespace):
    """A dossier's current state in the sandbox, under the names of `ServedDossier` and these.

    `presence`: present, masque, expire or supprime. `revision`: its id. `groupe`: its label.
    `champs`, `annotations`: texts for people by stable id; for a repetition, the list of its rows.
    `raw_champs`, `raw_annotations`: values by stable id, as in `ServedDossier`.
    """


def truth_of(dossier: ServedDossier) -> DossierTruth:
    """Return a dossier's current state."""
    return DossierTruth(
        number=dossier.number,
        state=dossier.state,
        presence=dossier.listed,
        archived=dossier.archived,
        revision=dossier.form.id,
        depose_at=dossier.depose_at,
        en_instruction_at=dossier.en_instruction_at,
        traite_at=dossier.traite_at,
        updated_at=dossier.updated_at,
        annotations_at=dossier.annotations_at,
        demandeur=dossier.demandeur,
        usager_email=dossier.usager_email,
        groupe=dossier.groupe.label,
        labels=[*dossier.labels],
        champs=_shown(dossier, "champs"),
        annotations=_shown(dossier, "annotations"),
        raw_champs=_raw(dossier.champs),
        raw_annotations=_raw(dossier.annotations),
        why=dossier.why,
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


def _file(file: FileSeed) -> dict[str, Any]:
    facts = asdict(file)
    size = len(facts.pop("content"))
    return {"filename": file.filename, "content_type": file.content_type, "size": size, **facts}
