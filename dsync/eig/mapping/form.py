"""Where a revision of the form has the programme's fields, and the row that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from dsync.domain.dossier import Descriptor, Dossier
from dsync.domain.ids import DescriptorId
from dsync.domain.json_bytes import json_bytes
from dsync.eig.candidature import Candidature
from dsync.eig.mapping.config import ANNOTATION_FIELDS, CHAMP_FIELDS, MappingConfig
from dsync.eig.mapping.matching import match_fields
from dsync.eig.mapping.reading import FormPlan, read_candidature


@dataclass(frozen=True, slots=True)
class MappedForm:
    """One revision, with the plan by which its dossiers are read."""

    plan: FormPlan
    inputs_signature: bytes
    signature: bytes

    @classmethod
    def of(
        cls, config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
    ) -> MappedForm:
        """Work out the plan of a form's descriptors."""
        plan = plan_form(config, descriptors)
        inputs = json_bytes([plan.champs, plan.columns])
        others = json_bytes([plan.annotations, plan.criteres])
        return cls(plan, sha256(inputs).digest(), sha256(inputs + others).digest())

    def rows(self, dossier: Dossier) -> dict[str, dict[str, Any]]:
        """Return the dossier's row of the table `candidature`."""
        return {Candidature.__tablename__: read_candidature(dossier, self.plan).row()}


def plan_form(config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]) -> FormPlan:
    """Work out where a form keeps each mapped field."""
    matches = match_fields(config, descriptors)
    ids = {match.field: match.descriptor.id if match.descriptor else None for match in matches}
    criteres = [
        (match.field.rpartition(".")[2], match.descriptor.libelle, match.descriptor.id)
        for match in matches
        if ".criteres." in match.field and match.descriptor
    ]
    return FormPlan(
        champs=tuple((name, ids.get(name)) for name in CHAMP_FIELDS),
        annotations=tuple((name, ids.get(name)) for name in ANNOTATION_FIELDS),
        columns={name: id_ for name, id_ in ids.items() if "." in name},
        criteres=tuple(criteres),
        boxes=frozenset(id_ for id_, d in descriptors.items() if d.type == "checkbox"),
    )
