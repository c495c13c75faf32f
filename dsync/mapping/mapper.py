"""The mapping of a configuration: what each revision of the form makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256

from dsync.domain.dossier import Champ, Descriptor, Dossier, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.written import written
from dsync.mapping.candidature import FormPlan
from dsync.mapping.champs import descriptor_shown
from dsync.mapping.config import ANNOTATION_FIELDS, CHAMP_FIELDS, MappingConfig
from dsync.mapping.forms import match_fields
from dsync.mapping.whole import Form, MappedDossier, map_dossier


class Mapper:
    """Maps nodes by a configuration; keeps what it worked out of each revision.

    Args:
        config: the section `[mapping]`.
        owned_in: returns the ids of the annotations that dsync alone writes among a form's
            descriptors.
        owned_labels: names of the labels that dsync puts and takes off.
    """

    def __init__(
        self,
        config: MappingConfig,
        *,
        owned_in: Callable[[Iterable[Descriptor]], frozenset[str]],
        owned_labels: frozenset[str],
    ) -> None:
        self.config = config
        self._owned_in = owned_in
        self._owned_labels = owned_labels
        self._forms: dict[RevisionId, tuple[Revision, Form]] = {}

    def map(
        self, dossier: Dossier, demarche_number: DemarcheNumber, revision: Revision | None
    ) -> MappedDossier:
        """Map a dossier; without a revision, the champs that it shows stand for the form."""
        return map_dossier(dossier, demarche_number, self._form_of(dossier, revision))

    def _form_of(self, dossier: Dossier, revision: Revision | None) -> Form:
        if revision is None:
            return replace(self._work_out(_descriptors_shown(dossier)), descriptors={})
        known = self._forms.get(revision.id)
        if known is None or known[0] is not revision:
            known = self._forms[revision.id] = (revision, self._work_out(revision.descriptors))
        return known[1]

    def _work_out(self, descriptors: Mapping[DescriptorId, Descriptor]) -> Form:
        plan = plan_form(self.config, descriptors)
        inputs = written([plan.champs, plan.columns])
        owned_ids = self._owned_in(descriptors.values())
        others = written([plan.annotations, plan.criteres, sorted(owned_ids)])
        return Form(
            descriptors=descriptors,
            plan=plan,
            inputs_signature=sha256(inputs).digest(),
            signature=sha256(inputs + others).digest(),
            owned_ids=owned_ids,
            owned_labels=self._owned_labels,
        )


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


def _descriptors_shown(dossier: Dossier) -> dict[DescriptorId, Descriptor]:
    """Return the champs that a dossier shows as if they were its form's descriptors."""
    shown: dict[DescriptorId, Descriptor] = {}
    for champs, is_annotation in ((dossier.champs, False), (dossier.annotations, True)):
        for champ in champs:
            _show(shown, champ, None, is_annotation)
            for ligne in champ.lignes:
                for cell in ligne.champs:
                    _show(shown, cell, champ.descriptor_id, is_annotation)
    return shown


def _show(
    shown: dict[DescriptorId, Descriptor],
    champ: Champ,
    parent_id: DescriptorId | None,
    is_annotation: bool,
) -> None:
    descriptor = descriptor_shown(champ)._replace(parent_id=parent_id, is_annotation=is_annotation)
    if descriptor.id:
        shown.setdefault(descriptor.id, descriptor)
