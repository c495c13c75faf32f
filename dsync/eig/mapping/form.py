"""Finds the descriptor of each mapped field in a revision of the form.

A descriptor id is the same in all revisions and is tried first, then the labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from dsync.annotations.targets import ACCEPTED_TYPES
from dsync.domain.dossier import (
    LAYOUT_TYPES,
    Correction,
    Descriptor,
    Dossier,
    Revision,
    folded,
)
from dsync.domain.ids import DescriptorId
from dsync.domain.json_bytes import json_bytes
from dsync.eig.candidature import Candidature, declared_fields
from dsync.eig.candidature_views import EXTRA, MAIN_VIEW
from dsync.eig.grids import GRIDS_REVISION
from dsync.eig.mapping.candidature_reading import FormPlan, read_candidature
from dsync.eig.mapping.mapping_section import (
    ANNOTATION_FIELDS,
    CHAMP_FIELDS,
    EVALUATIONS,
    PROFIL,
    REPETITIONS,
    VOEUX,
    ChampTarget,
    MappingConfig,
)
from dsync.eig.stages import DATED, STAGES_REVISION, passages_of

VALIDATED = "valide_par_instructeur"
_VIEWS = {VOEUX: "lecture_voeu", EVALUATIONS: "lecture_evaluation"}
"""The views with a row a row of a repetition."""
Field = tuple[str, ChampTarget, bool]
"""A field's name, its champ or annotation, and whether it is an annotation."""


class FieldMatch(NamedTuple):
    """A mapped field with its descriptor in a revision, None if it is missing there.

    Columns of repetitions are named `voeux.profil`, `evaluations.criteres.<name>`, ….
    """

    field: str
    target: ChampTarget
    descriptor: Descriptor | None

    @property
    def is_by_id(self) -> bool:
        """Whether its id was found; else its label was, if anything."""
        return self.descriptor is not None and self.descriptor.id == self.target.id

    @property
    def is_needed(self) -> bool:
        """Whether the checks lack an answer without it."""
        return self.target.needed or self.field == PROFIL

    @property
    def renamed_to(self) -> str | None:
        """The label in the form, if it is none of the configured labels; else None."""
        if self.descriptor is None:
            return None
        known = {folded(libelle) for libelle in self.target.libelles}
        return self.descriptor.libelle if folded(self.descriptor.libelle) not in known else None

    @property
    def type_changed(self) -> tuple[str, str] | None:
        """The expected and the actual type, if they differ; else None."""
        expected = self.target.type
        if self.descriptor is None or expected is None or self.descriptor.type == expected:
            return None
        return expected, self.descriptor.type


def match_fields(
    config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
) -> list[FieldMatch]:
    """Find all mapped fields in a revision, the columns of repetitions last."""
    matches = match_in(
        list(config.top_level()),
        [d for d in descriptors.values() if d.parent_id is None],
    )
    for repetition in [match for match in matches if match.field in REPETITIONS]:
        parent = repetition.descriptor
        children = [d for d in descriptors.values() if parent and d.parent_id == parent.id]
        is_annotation = repetition.field == EVALUATIONS
        matches += match_in(
            [
                (f"{repetition.field}.{name}", target, is_annotation)
                for name, target in config.columns(repetition.field)
            ],
            children,
        )
    return matches


def new_in(
    config: MappingConfig,
    revision: Revision,
    matches: Iterable[FieldMatch],
    known: Iterable[str] = (),
) -> list[Descriptor]:
    """Return the descriptors without a field that the configuration does not mention.

    `known` are ids of descriptors with another use.
    """
    used = {match.descriptor.id for match in matches if match.descriptor}
    others = {target.id for target in config.autres} | set(known)
    other_labels = {folded(libelle) for target in config.autres for libelle in target.libelles}
    return [
        d
        for d in revision.descriptors.values()
        if d.id not in used
        and d.id not in others
        and d.type not in LAYOUT_TYPES
        and folded(d.libelle) not in other_labels
    ]


def match_in(fields: list[Field], descriptors: list[Descriptor]) -> list[FieldMatch]:
    """Find fields among descriptors: by id first, so that no label takes what an id names."""
    candidates = [d for d in descriptors if d.type not in LAYOUT_TYPES]
    # An id in the wrong section of the mapping finds nothing: an annotation must not fill a champ's
    # field.
    by_id = {(str(d.id), d.is_annotation): d for d in candidates}
    found = {
        name: by_id.get((target.id or "", is_annotation)) for name, target, is_annotation in fields
    }
    taken = {descriptor.id for descriptor in found.values() if descriptor}
    for name, target, is_annotation in fields:
        if found[name] is None:
            free = [d for d in candidates if d.is_annotation == is_annotation and d.id not in taken]
            labels = {folded(d.libelle): d for d in reversed(free)}
            named = (labels.get(folded(libelle)) for libelle in target.libelles)
            if descriptor := next(filter(None, named), None):
                found[name] = descriptor
                taken.add(descriptor.id)
    return [FieldMatch(name, target, found[name]) for name, target, _ in fields]


@dataclass(frozen=True, slots=True)
class MappedForm:
    """One revision of the form, ready to read dossiers (protocol `dsync.programme.Form`)."""

    plan: FormPlan
    inputs_signature: bytes
    """Digest of the places of the fields that the pre-check uses."""
    signature: bytes
    """Digest of the places of all fields, and of the rules of the stages and the grids."""
    has_validation: bool
    """Whether the revision has the box by which an instructeur validates the result."""

    @classmethod
    def of(
        cls, config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
    ) -> MappedForm:
        """Make the plan for a revision's descriptors, by id."""
        plan = _plan_form(config, descriptors)
        # A change of annotations alone stores the rows again, but does not have the dossiers judged
        # again.
        voeux = {name: id_ for name, id_ in plan.columns.items() if name.startswith(VOEUX)}
        inputs = json_bytes([plan.champs, voeux])
        others = json_bytes(
            [
                *(plan.annotations, plan.columns, plan.criteres, plan.extras),
                *(STAGES_REVISION, GRIDS_REVISION),
            ]
        )
        box = descriptors.get(dict(plan.annotations)[VALIDATED] or DescriptorId(""))
        has_box = box is not None and box.type in ACCEPTED_TYPES["validation"]
        return cls(plan, sha256(inputs).digest(), sha256(inputs + others).digest(), has_box)

    @property
    def questions(self) -> frozenset[DescriptorId]:
        """The ids of the champs of the fields, those in rows included."""
        columns = {i for name, i in self.plan.columns.items() if name.startswith(f"{VOEUX}.")}
        return frozenset(filter(None, {id_ for _, id_ in self.plan.champs} | columns))

    @property
    def columns(self) -> list[tuple[str, str, DescriptorId]]:
        """Each column of a view that is filled from descriptors, with each of them."""
        ids = dict([*self.plan.champs, *self.plan.annotations])
        found = [(MAIN_VIEW, name, ids.get(one.target or name)) for name, one in declared_fields()]
        found += [(MAIN_VIEW, EXTRA, ids[name]) for name in self.plan.extras]
        for name, id_ in self.plan.columns.items():
            block, column, *critere = name.split(".")
            if critere:
                found.append(("lecture_evaluation_note", "note", id_))
            else:
                found.append((_VIEWS[block], "rang" if column == "ordre" else column, id_))
        return [(view, column, id_) for view, column, id_ in found if id_ is not None]

    def rows(
        self, dossier: Dossier, corrections: Sequence[Correction] = ()
    ) -> dict[str, dict[str, Any]]:
        """Return the dossier's row of the table `candidature`."""
        row = read_candidature(dossier, self.plan)
        if row[VALIDATED] is None and not self.has_validation:
            # Of a box that is gone, what is known stays: a missing column keeps its value.
            del row[VALIDATED]
        days = {etape: row[field] for etape, field in DATED.items()}
        row["etapes"] = passages_of(dossier, days, corrections)
        return {Candidature.__tablename__: row}


def _plan_form(config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]) -> FormPlan:
    matches = match_fields(config, descriptors)
    ids = {match.field: match.descriptor.id if match.descriptor else None for match in matches}
    criteres = [
        (match.field.rpartition(".")[2], match.descriptor.libelle, match.descriptor.id)
        for match in matches
        if ".criteres." in match.field and match.descriptor
    ]
    return FormPlan(
        champs=tuple((name, ids.get(name)) for name in (*CHAMP_FIELDS, *config.extras)),
        annotations=tuple((name, ids.get(name)) for name in ANNOTATION_FIELDS),
        columns={name: id_ for name, id_ in ids.items() if "." in name},
        criteres=tuple(criteres),
        extras={
            match.field: match.target.type or match.descriptor.type
            for match in matches
            if match.field in config.extras and match.descriptor
        },
        checkboxes=frozenset(id_ for id_, d in descriptors.items() if d.type == "checkbox"),
    )
