"""The démarche's facts, from the answer of ``demarche.graphql``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dsync.domain.dossier import Demarche, Descriptor, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.ds.answers import instant


def read_demarche(node: Mapping[str, Any]) -> Demarche:
    """Return the démarche; of two labels with one name the first counts.

    DS gives the draft among the revisions, under the id that it will be published by, with other
    champs perhaps. It is left out, unless the démarche itself is a draft and has no other.
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
