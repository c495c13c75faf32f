"""The whole way of a dossier: `Candidature`, the JSON to store and the hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Descriptor, Dossier, Json
from dsync.domain.ids import DemarcheNumber, DescriptorId
from dsync.domain.written import written
from dsync.mapping.candidature import FormPlan, read_candidature
from dsync.mapping.champs import champs_of_form


@dataclass(frozen=True, slots=True)
class Form:
    """What mapping needs to know of a form, worked out once for a revision."""

    descriptors: Mapping[DescriptorId, Descriptor]
    """Empty when DS does not give them: the types then come from the nodes."""
    plan: FormPlan
    inputs_signature: bytes
    """A digest of where the mapping finds what verdicts rest on."""
    signature: bytes
    """Where it finds the rest as well."""
    owned_ids: frozenset[str]
    """Ids of the annotations that dsync alone writes."""
    owned_labels: frozenset[str]
    """Names of the labels that dsync puts and takes off."""


class MappedDossier(Struct, frozen=True, gc=False):
    """All that is made of one dossier."""

    demarche_number: DemarcheNumber
    dossier: Dossier
    candidature: Candidature
    champs_json: bytes
    """The champs as the database keeps them, a JSON array already written."""
    annotations_json: bytes
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


def map_dossier(dossier: Dossier, demarche_number: DemarcheNumber, form: Form) -> MappedDossier:
    """Map one dossier."""
    champs = champs_of_form(dossier.champs, form.descriptors)
    annotations = champs_of_form(dossier.annotations, form.descriptors)
    dossier = replace(dossier, champs=champs, annotations=annotations)
    champs_json = written(champs)
    annotations_json = written(annotations)
    applicant = written([dossier.demandeur.genre, dossier.demandeur.details])
    envelope = _envelope(dossier, form.owned_labels)
    owned_ids = form.owned_ids
    foreign = [a for a in annotations if a.descriptor_id not in owned_ids]
    owned: dict[str, Json] = {
        a.descriptor_id: a.contenu for a in annotations if a.descriptor_id in owned_ids
    }
    foreign_hash = _digest(written(foreign)).encode()
    depot = written(dossier.date_depot)
    inputs_hash = _digest(form.inputs_signature, champs_json, applicant, depot)
    return MappedDossier(
        demarche_number=demarche_number,
        dossier=dossier,
        candidature=read_candidature(dossier, form.plan),
        champs_json=champs_json,
        annotations_json=annotations_json,
        content_hash=_digest(form.signature, inputs_hash.encode(), foreign_hash, envelope),
        annotations_hash=_digest(foreign_hash, written(owned)),
        inputs_hash=inputs_hash,
        owned_ids=owned_ids,
        owned=owned,
    )


def _envelope(dossier: Dossier, owned_labels: frozenset[str]) -> bytes:
    """Write what the content hash takes besides the champs and the applicant."""
    return written(
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
            dossier.date_derniere_correction_en_attente,
            dossier.motivation,
            dossier.usager_email,
            dossier.groupe_instructeur,
            dossier.instructeurs,
            dossier.depose_par_un_tiers,
            dossier.mandataire,
            dossier.prerempli,
            [label for label in dossier.labels if label not in owned_labels],
            dossier.traitements,
        ]
    )


def _digest(*parts: bytes) -> str:
    # In one piece: hashlib lets other threads in at each long one, and getting back takes longer.
    return sha256(b"\x00".join(parts)).hexdigest()[:32]
