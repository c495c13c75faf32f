"""Readers of the démarche's answers: form, labels, instructeurs, and rights to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dsync.domain.dossier import Demarche, Descriptor, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.ds.classify import Fault, Refusal, error_of, fault_of_errors, refusal_of
from dsync.ds.reading import item_of
from dsync.ds.results import instant
from dsync.ds.transport import Answer


def read_demarche(node: Mapping[str, Any]) -> Demarche:
    """Return the démarche; of two labels with the same name, the first one counts.

    DS lists the draft among the revisions, with the id that it will have once it is published. Its
    champs can still change, so it is left out, unless it is the active revision of a démarche that
    is itself a draft.
    """
    active_id = RevisionId(node["activeRevision"]["id"])
    revisions = [_revision(revision) for revision in node["revisions"]]
    revisions = [r for r in revisions if r.date_publication or r.id == active_id]
    return Demarche(
        number=DemarcheNumber(node["number"]),
        titre=node["title"],
        etat=node["state"],
        active_revision_id=active_id,
        revisions={revision.id: revision for revision in revisions},
        labels={label["name"]: label["id"] for label in reversed(node["labels"])},
        instructeurs=tuple(
            Instructeur(instructeur["id"], instructeur["email"], groupe["label"])
            for groupe in node["groupeInstructeurs"]
            for instructeur in groupe["instructeurs"]
        ),
    )


def _revision(node: Mapping[str, Any]) -> Revision:
    published = node["datePublication"]
    descriptors = [
        *_descriptors(node["champDescriptors"], is_annotation=False),
        *_descriptors(node["annotationDescriptors"], is_annotation=True),
    ]
    return Revision(
        id=RevisionId(node["id"]),
        date_publication=instant(published) if published else None,
        descriptors={descriptor.id: descriptor for descriptor in descriptors},
    )


def _descriptors(
    nodes: list[Mapping[str, Any]],
    *,
    is_annotation: bool,
    parent_id: DescriptorId | None = None,
) -> Iterator[Descriptor]:
    for node in nodes:
        options = node.get("options")
        id_ = DescriptorId(node["id"])
        yield Descriptor(
            id=id_,
            libelle=node["label"],
            type=node["type"],
            required=bool(node["required"]),
            options=tuple(options) if options is not None else None,
            other_option=bool(node.get("otherOption")),
            parent_id=parent_id,
            is_annotation=is_annotation,
        )
        children = node.get("champDescriptors") or []
        yield from _descriptors(children, is_annotation=is_annotation, parent_id=id_)


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """The labels of the groupes, by whether annotations of their dossiers may be written."""

    granted: tuple[str, ...]
    refused: Mapping[str, Refusal]
    untried: tuple[str, ...]
    """Groupes without a dossier to try it on."""


def groupes_of(answer: Answer, subject: str) -> dict[int, str]:
    """Return the labels of the démarche's groupes, by number.

    Raises:
        DSError: as `item_of`.
    """
    groupes = item_of(answer, "demarche", subject)["groupeInstructeurs"]
    return {groupe["number"]: groupe["label"] for groupe in groupes}


def first_dossiers_of(answer: Answer, count: int, subject: str) -> list[str | None]:
    """Return the id of each groupe's first dossier, None for a groupe without one.

    Args:
        answer: with the aliases `g0`, `g1`, ….
        count: number of aliases.
        subject: what was requested, for the error's message.

    Raises:
        DSError: as `item_of`.
    """
    pages = [item_of(answer, f"g{i}", subject)["dossiers"]["nodes"] for i in range(count)]
    return [next((node["id"] for node in nodes if node), None) for nodes in pages]


def attempts(dossier_ids: Sequence[str], instructeur_id: str) -> dict[str, Any]:
    """Return the variables of a `push` document that writes no annotation into these dossiers.

    DS checks the token and the right before it reads the annotations, and an empty list changes
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
    """Return why each attempt was refused, None where it was not.

    Raises:
        DSError: DS did not answer all attempts.
    """
    refusals: list[Refusal | None] = []
    for i in range(count):
        payload = (answer.data or {}).get(f"w{i}_annotations")
        if payload is None:
            fault = fault_of_errors(answer.errors, has_data=True) or Fault.NO_DATA
            raise error_of(fault, subject="a dossier of the démarche")
        errors = payload.get("errors") or ()
        refusals.append(refusal_of(str(errors[0]["message"])) if errors else None)
    return refusals
