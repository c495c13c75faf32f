"""The whole way of a node: `Dossier`, `Candidature`, the JSON to store and the two hashes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Descriptor, Dossier, Json, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.written import written_bytes
from dsync.mapping.candidature import FormPlan, plan_form, read_candidature
from dsync.mapping.champs import descriptor_shown, read_champs
from dsync.mapping.config import MappingConfig
from dsync.mapping.dossiers import read_dossier
from dsync.mapping.forms import owned_in
from dsync.mapping.wire import ChampNode, DossierNode, mended_node, read_node

_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class MappedDossier:
    """All that is made of one node."""

    dossier: Dossier
    candidature: Candidature
    champs_json: str
    """The champs as the database keeps them, a JSON array already written."""
    annotations_json: str
    content_hash: str
    """Of everything but what dsync writes itself (annotations, labels) and what moves by itself
    (dates of modification and expiry). Where the mapping finds its fields is part of it: a
    mended mapping makes the stored candidatures stale."""
    annotations_hash: str
    """Of all annotations, those that dsync writes included."""
    inputs_hash: str
    """Of what verdicts rest on: champs, applicant, date of deposit, where the mapping looks."""
    owned_ids: frozenset[str]
    """Ids of the annotations that are dsync's own in this dossier's revision."""
    owned: Mapping[str, Json]
    """What these annotations hold, by id."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What is worked out once for a revision."""

    revision: Revision | None
    descriptors: Mapping[DescriptorId, Descriptor]
    plan: FormPlan
    inputs_signature: bytes
    signature: bytes
    owned_ids: frozenset[str]


class Mapper:
    """Maps nodes by a configuration; keeps what it worked out of each revision.

    Args:
        config: the section `[mapping]`.
        owned_annotations: ids of the annotations that dsync alone writes.
        owned_libelles: their known labels, for forms that have them under other ids.
        owned_labels: names of the labels that dsync puts and takes off.
    """

    def __init__(
        self,
        config: MappingConfig,
        *,
        owned_annotations: frozenset[str],
        owned_labels: frozenset[str],
        owned_libelles: frozenset[str] = frozenset(),
    ) -> None:
        self.config = config
        self._owned_annotations = owned_annotations
        self._owned_libelles = owned_libelles
        self._owned_labels = owned_labels
        self._forms: dict[RevisionId, _Form] = {}

    def map(
        self, source: bytes, demarche_number: DemarcheNumber, revision: Revision | None
    ) -> MappedDossier:
        """Map one node's JSON; without a revision, the champs that it shows stand for the form.

        Raises:
            MappingError: when its number, id, state or date of deposit cannot be used.
        """
        node = read_node(source)
        try:
            form = self._form_of(node, revision)
            return self._map(node, demarche_number, form, check=_refuse_unclean)
        except ValueError:
            # Seldom needed, and what needs it is seen at no cost in the JSON written anyway: NUL
            # and lone surrogates, which PostgreSQL refuses.
            node = mended_node(source)
            return self._map(node, demarche_number, self._form_of(node, revision))

    def _map(
        self,
        node: DossierNode,
        demarche_number: DemarcheNumber,
        form: _Form,
        check: Callable[..., None] | None = None,
    ) -> MappedDossier:
        champs = read_champs(node.champs, form.descriptors)
        annotations = read_champs(node.annotations, form.descriptors)
        dossier = read_dossier(node, demarche_number, champs, annotations)
        champs_json = written_bytes(champs)
        annotations_json = written_bytes(annotations)
        applicant = written_bytes([dossier.demandeur.genre, dossier.demandeur.details])
        envelope = self._envelope(dossier)
        if check:
            check(champs_json, annotations_json, applicant, envelope)
        owned_ids = form.owned_ids
        foreign = [a for a in annotations if a.descriptor_id not in owned_ids]
        owned: dict[str, Json] = {
            a.descriptor_id: a.contenu for a in annotations if a.descriptor_id in owned_ids
        }
        foreign_hash = _digest(written_bytes(foreign)).encode()
        depot = written_bytes(dossier.date_depot)
        inputs_hash = _digest(form.inputs_signature, champs_json, applicant, depot)
        return MappedDossier(
            dossier=dossier,
            candidature=read_candidature(dossier, form.plan),
            champs_json=champs_json.decode(),
            annotations_json=annotations_json.decode(),
            content_hash=_digest(form.signature, inputs_hash.encode(), foreign_hash, envelope),
            annotations_hash=_digest(foreign_hash, written_bytes(owned)),
            inputs_hash=inputs_hash,
            owned_ids=owned_ids,
            owned=owned,
        )

    def _envelope(self, dossier: Dossier) -> bytes:
        """Write what the content hash takes besides the champs and the applicant."""
        return written_bytes(
            [
                dossier.number,
                dossier.id,
                dossier.revision_id,
                dossier.etat,
                dossier.archive,
                dossier.date_depot,
                dossier.date_passage_en_construction,
                dossier.date_passage_en_instruction,
                dossier.date_traitement,
                dossier.date_suppression_par_usager,
                dossier.motivation,
                dossier.usager_email,
                dossier.groupe_instructeur,
                dossier.instructeurs,
                dossier.depose_par_un_tiers,
                dossier.mandataire,
                dossier.prerempli,
                [label for label in dossier.labels if label not in self._owned_labels],
                dossier.traitements,
            ]
        )

    def _form_of(self, node: DossierNode, revision: Revision | None) -> _Form:
        if revision is None:
            return self._work_out(None, _descriptors_shown(node))
        form = self._forms.get(revision.id)
        if form is None or form.revision is not revision:
            form = self._forms[revision.id] = self._work_out(revision, revision.descriptors)
        return form

    def _work_out(
        self, revision: Revision | None, descriptors: Mapping[DescriptorId, Descriptor]
    ) -> _Form:
        plan = plan_form(self.config, descriptors)
        inputs = written_bytes([plan.champs, plan.columns])
        owned_ids = owned_in(descriptors, self._owned_annotations, self._owned_libelles)
        return _Form(
            revision=revision,
            # Without a revision the types come from the nodes.
            descriptors=descriptors if revision else {},
            plan=plan,
            inputs_signature=inputs,
            signature=inputs + written_bytes([plan.annotations, plan.criteres, sorted(owned_ids)]),
            owned_ids=owned_ids,
        )


def _refuse_unclean(*written: bytes) -> None:
    """Refuse JSON with a NUL, or what looks like one; the encoding refused lone surrogates.

    One that was typed as its escape is taken for it: that costs a mending, no more.

    Raises:
        ValueError: when there is any.
    """
    if any([_NUL in text for text in written]):
        raise ValueError("a NUL")


def _digest(*parts: bytes) -> str:
    # In one piece: hashlib lets other threads in at each long one, and getting back takes longer.
    return sha256(b"\x00".join(parts)).hexdigest()[:32]


def _descriptors_shown(node: DossierNode) -> dict[DescriptorId, Descriptor]:
    """Return the champs that a dossier shows as if they were its form's descriptors."""
    shown: dict[DescriptorId, Descriptor] = {}
    for champs, is_annotation in ((node.champs, False), (node.annotations, True)):
        for champ in champs or ():
            _show(shown, champ, None, is_annotation)
            for row in champ.rows or ():
                for cell in row.champs or ():
                    _show(shown, cell, champ.champ_descriptor_id, is_annotation)
    return shown


def _show(
    shown: dict[DescriptorId, Descriptor],
    node: ChampNode,
    parent_id: DescriptorId | None,
    is_annotation: bool,
) -> None:
    descriptor = descriptor_shown(node)._replace(parent_id=parent_id, is_annotation=is_annotation)
    if descriptor.id:
        shown.setdefault(descriptor.id, descriptor)
