"""Where a revision of the form keeps each mapped field, and what has drifted since.

A descriptor id is stable across revisions and comes first; a label is only the fallback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dsync.domain.dossier import LAYOUT_TYPES, Descriptor, Revision, folded
from dsync.domain.ids import DescriptorId
from dsync.eig.mapping.config import EVALUATIONS, REPETITIONS, ChampTarget, MappingConfig


class MatchStatus(StrEnum):
    """How a mapped field was found in a revision."""

    BY_ID = "by_id"
    BY_LABEL = "by_label"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """A mapped field and the descriptor that a revision has for it.

    Columns of repetitions are named `voeux.profil`, `evaluations.criteres.<name>`, ….
    """

    field: str
    target: ChampTarget
    status: MatchStatus
    descriptor: Descriptor | None

    @property
    def renamed_to(self) -> str | None:
        """The label in the form, when the configuration does not know it."""
        if self.descriptor is None:
            return None
        known = {folded(libelle) for libelle in self.target.libelles}
        return self.descriptor.libelle if folded(self.descriptor.libelle) not in known else None

    @property
    def type_changed(self) -> tuple[str, str] | None:
        """The type expected and the one found, when they differ."""
        expected = self.target.type
        if self.descriptor is None or expected is None or self.descriptor.type == expected:
            return None
        return expected, self.descriptor.type


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The mapping held against a revision: each field's fate, and what is new in the form."""

    matches: tuple[FieldMatch, ...]
    new: tuple[Descriptor, ...]
    """Descriptors that feed no field and that the configuration does not know."""


def match_fields(
    config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
) -> tuple[FieldMatch, ...]:
    """Find every mapped field among a form's descriptors."""
    matches = _match(
        [(name, target, is_annotation) for name, target, is_annotation in config.top_level()],
        [d for d in descriptors.values() if d.parent_id is None],
    )
    for repetition in [match for match in matches if match.field in REPETITIONS]:
        parent = repetition.descriptor
        children = [d for d in descriptors.values() if parent and d.parent_id == parent.id]
        is_annotation = repetition.field == EVALUATIONS
        matches += _match(
            [
                (f"{repetition.field}.{name}", target, is_annotation)
                for name, target in config.columns(repetition.field)
            ],
            children,
        )
    return tuple(matches)


def match_descriptors(
    config: MappingConfig, revision: Revision, *, known: Iterable[str] = ()
) -> DriftReport:
    """Hold the mapping against a revision; `known` are ids that others than the mapping use."""
    matches = match_fields(config, revision.descriptors)
    used = {match.descriptor.id for match in matches if match.descriptor}
    others = {target.id for target in config.autres} | set(known)
    other_labels = {folded(libelle) for target in config.autres for libelle in target.libelles}
    new = tuple(
        d
        for d in revision.descriptors.values()
        if d.id not in used
        and d.id not in others
        and d.type not in LAYOUT_TYPES
        and folded(d.libelle) not in other_labels
    )
    return DriftReport(matches, new)


def _match(
    fields: list[tuple[str, ChampTarget, bool]], descriptors: list[Descriptor]
) -> list[FieldMatch]:
    """Match all by id before any by label, so that no label takes what an id names."""
    candidates = [d for d in descriptors if d.type not in LAYOUT_TYPES]
    by_id = {(str(d.id), d.is_annotation): d for d in candidates}
    found: dict[str, FieldMatch] = {}
    for name, target, is_annotation in fields:
        descriptor = by_id.get((target.id, is_annotation)) if target.id else None
        if descriptor:
            found[name] = FieldMatch(name, target, MatchStatus.BY_ID, descriptor)
    taken = {match.descriptor.id for match in found.values() if match.descriptor}
    for name, target, is_annotation in fields:
        if name in found:
            continue
        free = [d for d in candidates if d.is_annotation == is_annotation and d.id not in taken]
        descriptor = _by_label(target, free)
        status = MatchStatus.BY_LABEL if descriptor else MatchStatus.MISSING
        found[name] = FieldMatch(name, target, status, descriptor)
        if descriptor:
            taken.add(descriptor.id)
    return [found[name] for name, _, _ in fields]


def _by_label(target: ChampTarget, descriptors: list[Descriptor]) -> Descriptor | None:
    for libelle in map(folded, target.libelles):
        for descriptor in descriptors:
            if folded(descriptor.libelle) == libelle:
                return descriptor
    return None
