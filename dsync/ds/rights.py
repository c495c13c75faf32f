"""Whether annotations may be written: tried on one dossier of each groupe, by writing none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsync.ds.classify import Fault, Refusal, error_of, of_errors, refusal_of
from dsync.ds.reading import item_of
from dsync.ds.transport import Answer


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Groupes, by label: where annotations may be written, and where DS refuses."""

    granted: tuple[str, ...]
    refused: Mapping[str, Refusal]
    untried: tuple[str, ...]
    """Groupes without a dossier."""


def groupes_of(answer: Answer, subject: str) -> dict[int, str]:
    """Return the labels of the démarche's groupes, by number; raises as `item_of`."""
    groupes = item_of(answer, "demarche", subject)["groupeInstructeurs"]
    return {groupe["number"]: groupe["label"] for groupe in groupes}


def first_dossiers_of(answer: Answer, count: int, subject: str) -> list[str | None]:
    """Return the id of each groupe's first dossier, from aliases `g0`…; raises as `item_of`."""
    pages = [item_of(answer, f"g{i}", subject)["dossiers"]["nodes"] for i in range(count)]
    return [next((node["id"] for node in nodes if node), None) for nodes in pages]


def attempts(dossier_ids: Sequence[str], instructeur_id: str) -> dict[str, Any]:
    """Return the variables of a `push` document that writes no annotation into these dossiers.

    DS tests the token and the right before it looks at the annotations, and an empty list moves
    no date (recorded: annotations-empty-list, annotations-readonly).
    """
    return {
        f"w{i}_annotations": {
            "dossierId": id_,
            "instructeurId": instructeur_id,
            "annotations": [],
        }
        for i, id_ in enumerate(dossier_ids)
    }


def refusals_of(answer: Answer, count: int) -> list[Refusal | None]:
    """Return why each attempt was refused, None where it was granted.

    Raises:
        DSError: DS did not try them all.
    """
    refusals: list[Refusal | None] = []
    for i in range(count):
        payload = (answer.data or {}).get(f"w{i}_annotations")
        if payload is None:
            fault = of_errors(answer.errors, has_data=True) or Fault.NO_DATA
            raise error_of(fault, subject="a dossier of the démarche")
        errors = payload.get("errors") or ()
        refusals.append(refusal_of(str(errors[0]["message"])) if errors else None)
    return refusals
