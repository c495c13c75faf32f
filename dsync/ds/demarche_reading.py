"""Readers of the démarche's answers: form, labels, instructeurs, and rights to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert, structs

from dsync.domain.dossier import Demarche, Descriptor, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.ds.answers import item_of
from dsync.ds.classify import Refusal, error_of, fault_of_errors, refusal_of
from dsync.ds.dossier_reading import utc
from dsync.ds.nodes import IdNode
from dsync.ds.transport import GraphAnswer
from dsync.errors import DSContractError
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

_MAX_DESCRIPTORS = 5_000
"""Champs and annotations of a revision; DS's largest forms have some hundred."""
_UNKNOWN_TYPE = "inconnu"
"""Type of a champ whose descriptor has no readable type."""


class _DemarcheLabel(Struct, rename="camel"):
    id: str
    name: str
    color: str | None = None


class _Instructeur(Struct, rename="camel"):
    id: str
    email: str


class _Groupe(Struct, rename="camel"):
    instructeurs: list[Any] = []
    label: str = ""


class _Descriptor(Struct, rename="camel"):
    id: DescriptorId
    label: str = ""
    type: str = _UNKNOWN_TYPE
    required: bool = False
    options: list[str] | None = None
    other_option: bool | None = None
    champ_descriptors: list[Any] | None = None


class _Revision(Struct, rename="camel"):
    id: str
    date_publication: datetime | None = None
    champ_descriptors: list[Any] = []
    annotation_descriptors: list[Any] = []


class _Facts(Struct, rename="camel"):
    active_revision: Any = None
    title: str = ""
    state: str = ""
    revisions: list[Any] = []
    labels: list[Any] = []
    groupe_instructeurs: list[Any] = []


N = TypeVar("N", bound=Struct)


def read_demarche(node: Mapping[str, Any], number: DemarcheNumber) -> Demarche:
    """Return the démarche; of two labels with the same name, the first one counts.

    A field that does not match the API is omitted by itself, and its path is in
    `Demarche.unreadable_fields`.

    DS lists the draft among the revisions, with the id that it will have once it is published. Its
    champs can still change, so it is left out, unless it is the active revision of a démarche that
    is itself a draft.

    Raises:
        ValueError: there is neither an active nor a published revision.
    """
    lost: list[str] = []
    facts = _taken(_Facts, node, "", lost) or _Facts()
    active = _taken(IdNode, facts.active_revision, "activeRevision", lost)
    revisions = [
        _revision(revision, place, lost)
        for revision, place in _each(_Revision, facts.revisions, "revisions", lost)
    ]
    # A revision whose date could not be read may be published: it is kept.
    published = [r for r in revisions if r.date_publication or not r.is_complete]
    if active is None and not published:
        raise ValueError("no revision")
    # DS lists the revisions from the oldest on, so the last one is the active one.
    active_id = RevisionId(active.id) if active else published[-1].id
    labels = [label for label, _ in _each(_DemarcheLabel, facts.labels, "labels", lost)]
    return Demarche(
        number=number,
        titre=facts.title,
        etat=facts.state,
        active_revision_id=active_id,
        revisions={r.id: r for r in revisions if r in published or r.id == active_id},
        # Reversed, because the last one of a name stays in a dict.
        labels={label.name: label.id for label in reversed(labels)},
        couleurs={label.name: label.color for label in reversed(labels) if label.color},
        instructeurs=tuple(
            Instructeur(one.id, one.email, groupe.label)
            for groupe, place in _each(
                _Groupe, facts.groupe_instructeurs, "groupeInstructeurs", lost
            )
            for one, _ in _each(_Instructeur, groupe.instructeurs, f"{place}.instructeurs", lost)
        ),
        unreadable_fields=tuple(lost),
    )


def _taken(kind: type[N], node: Any, place: str, lost: list[str]) -> N | None:
    """Read an object, field by field where it is not valid as a whole.

    Return None when a required field cannot be read. `place` is the object's path, such as
    `labels.0`; the paths of unreadable fields are appended to `lost`.
    """
    if not isinstance(node, dict):
        lost.append(place)
        return None
    # Field by field only when this fails, which is rare.
    with suppress(ValidationError):
        return convert(node, kind)
    values = {}
    for field in structs.fields(kind):
        # A field that an older DS does not have is not unreadable: it has its default.
        if field.encode_name not in node and not field.required:
            continue
        try:
            values[field.name] = convert(node.get(field.encode_name), field.type)
        except ValidationError:
            lost.append(f"{place}.{field.encode_name}".lstrip("."))
            if field.required:
                return None
    return kind(**values)


def _each(kind: type[N], nodes: list[Any], place: str, lost: list[str]) -> Iterator[tuple[N, str]]:
    """Yield the readable objects of a list, each with its path."""
    for index, node in enumerate(nodes):
        here = f"{place}.{index}"
        found = _taken(kind, node, here, lost)
        if found is not None:
            yield found, here


def _revision(node: _Revision, place: str, lost: list[str]) -> Revision:
    champs = _descriptors(
        node.champ_descriptors, f"{place}.champDescriptors", lost, is_annotation=False
    )
    annotations = _descriptors(
        node.annotation_descriptors, f"{place}.annotationDescriptors", lost, is_annotation=True
    )
    descriptors = {d.id: d for d in islice(chain(champs, annotations), _MAX_DESCRIPTORS + 1)}
    if len(descriptors) > _MAX_DESCRIPTORS:
        raise DSContractError(k.Numbered(k.NumberNote.TOO_MANY_CHAMPS, _MAX_DESCRIPTORS))
    return Revision(
        id=RevisionId(node.id),
        date_publication=node.date_publication and utc(node.date_publication),
        descriptors=descriptors,
        is_complete=not any(one.startswith(f"{place}.") for one in lost),
    )


def _descriptors(
    nodes: list[Any],
    place: str,
    lost: list[str],
    *,
    is_annotation: bool,
    parent_id: DescriptorId | None = None,
) -> Iterator[Descriptor]:
    for node, here in _each(_Descriptor, nodes, place, lost):
        yield Descriptor(
            id=node.id,
            libelle=node.label,
            type=node.type,
            required=node.required,
            options=None if node.options is None else tuple(node.options),
            other_option=bool(node.other_option),
            parent_id=parent_id,
            is_annotation=is_annotation,
        )
        yield from _descriptors(
            node.champ_descriptors or [],
            f"{here}.champDescriptors",
            lost,
            is_annotation=is_annotation,
            parent_id=node.id,
        )


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """The labels of the groupes, by whether annotations of their dossiers may be written."""

    granted: tuple[str, ...]
    refused: Mapping[str, Refusal]
    untried: tuple[str, ...]
    """Groupes without a dossier to try it on."""


def groupes_of(answer: GraphAnswer) -> dict[int, str]:
    """Return the labels of the démarche's groupes, by number."""
    groupes = item_of(answer, "demarche")["groupeInstructeurs"]
    return {groupe["number"]: groupe["label"] for groupe in groupes}


def first_dossiers_of(answer: GraphAnswer, count: int) -> list[str | None]:
    """Return the id of each groupe's first dossier, None if it has none; `d<i>` is groupe i."""
    pages = [item_of(answer, f"d{i}")["dossiers"]["nodes"] for i in range(count)]
    # A dossier that DS cannot render is null.
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


def refusals_of(answer: GraphAnswer, count: int) -> list[Refusal | None]:
    """Return why each attempt was refused, None where it was not.

    Raises:
        DSError: DS did not answer all attempts.
    """
    refusals: list[Refusal | None] = []
    for i in range(count):
        payload = (answer.data or {}).get(f"w{i}_annotations")
        if payload is None:
            fault = fault_of_errors(answer.errors, has_data=True) or Fault.NO_DATA
            raise error_of(fault, subject=k.Requested(k.Thing.ONE_OF_DEMARCHE))
        errors = payload.get("errors") or ()
        refusals.append(refusal_of(str(errors[0]["message"])) if errors else None)
    return refusals
