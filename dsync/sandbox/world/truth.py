"""The expected content of a correct copy of a dossier, computed without GraphQL."""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from dsync.sandbox.world.model import FileSeed, ServedDossier, Source
from dsync.sandbox.world.scalars import TITLES, champs_of

_SAME = (
    "number", "state", "archived", "depose_at", "en_instruction_at", "traite_at", "updated_at",
    "annotations_at", "champs_at", "demandeur", "usager_email", "why",
)  # fmt: skip


class DossierTruth(SimpleNamespace):
    """A dossier's current state in the sandbox, under the names of `ServedDossier` and these.

    `presence`: present, masque, expire or supprime. `revision`: its id. `groupe`: its label.
    `champs`, `annotations`: texts for people by stable id; for a repetition, the list of its rows.
    `raw_champs`, `raw_annotations`: values by stable id, as in `ServedDossier`.
    """


def truth_of(dossier: ServedDossier) -> DossierTruth:
    """Return a dossier's current state."""
    return DossierTruth(
        **{name: getattr(dossier, name) for name in _SAME},
        nb_messages=len(dossier.messages),
        presence=dossier.listed,
        revision=dossier.form.id,
        groupe=dossier.groupe.label,
        followers=[agent.email for agent in dossier.followers],
        labels=[*dossier.labels],
        champs=_shown(dossier, "champs"),
        annotations=_shown(dossier, "annotations"),
        raw_champs=_raw(dossier.champs),
        raw_annotations=_raw(dossier.annotations),
    )


def _shown(dossier: ServedDossier, source: Source) -> dict[int, Any]:
    return {
        champ.stable_id: [{cell.stable_id: cell.text() for cell in c} for _, c in champ.rows()]
        if champ.type == "repetition"
        else champ.text()
        for champ in champs_of(dossier, source)
        if champ.type not in TITLES
    }


def _raw(values: dict[int, Any]) -> dict[int, Any]:
    return {
        stable_id: [_file(v) if isinstance(v, FileSeed) else v for v in value]
        if isinstance(value, list)
        else value
        for stable_id, value in values.items()
    }


def _file(file: FileSeed) -> dict[str, Any]:
    facts = asdict(file)
    return facts | {"size": len(facts.pop("content"))}
