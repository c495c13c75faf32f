"""A mapped dossier as the database keeps it: flat values by column, JSON already written.

It is all that leaves the mapping in a crawl: the dossier's tree is gone before the next is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from msgspec import Struct

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Dossier, Etat, Json
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.domain.written import written
from dsync.mapping.whole import MappedDossier

_APART = {"numero", "etat", "depose_le", "demandeur", "voeux", "evaluations", "reponses"}
_PLAIN_FIELDS = tuple(name for name in Candidature.__struct_fields__ if name not in _APART)
"""Fields of a candidature that are columns of the same name."""
_plain_values = attrgetter(*_PLAIN_FIELDS)


class Record(Struct, frozen=True, gc=False):
    """What is kept of a dossier that DS shows."""

    numero: DossierNumber
    etat: Etat
    is_open: bool
    """Whether a verdict may still be pushed into it."""
    revision_id: RevisionId
    labels: tuple[str, ...]
    content_hash: str
    inputs_hash: str
    annotations_hash: str
    """Of all annotations, those that dsync writes included."""
    owned_ids: frozenset[str]
    """Ids of the annotations that are dsync's own in this dossier's revision."""
    owned: Mapping[str, Json]
    """What these annotations hold, by id."""
    facts: Mapping[str, Any]
    """The narrow row's columns but what the store adds itself."""
    dates: Mapping[str, Any]
    """Those of the narrow row's columns that move without the content being another."""
    contents: Mapping[str, Any]
    """The wide row: what was typed into the dossier, by whomever."""


def record_of(mapped: MappedDossier) -> Record:
    """Return what is kept of a mapped dossier."""
    dossier, demandeur = mapped.dossier, mapped.dossier.demandeur
    return Record(
        numero=dossier.number,
        etat=dossier.etat,
        is_open=dossier.is_open,
        revision_id=dossier.revision_id,
        labels=dossier.labels,
        content_hash=mapped.content_hash,
        inputs_hash=mapped.inputs_hash,
        annotations_hash=mapped.annotations_hash,
        owned_ids=mapped.owned_ids,
        owned=mapped.owned,
        facts={
            "numero": dossier.number,
            "demarche_numero": mapped.demarche_number,
            "dossier_id": dossier.id,
            "revision_id": dossier.revision_id,
            "etat": dossier.etat.value,
            "archive": dossier.archive,
            "depose_le": dossier.date_depot,
            "en_construction_le": dossier.date_passage_en_construction,
            "en_instruction_le": dossier.date_passage_en_instruction,
            "traite_le": dossier.date_traitement,
            "correction_attendue_depuis": dossier.date_derniere_correction_en_attente,
            "siret": demandeur.siret,
            "siren": demandeur.siren,
            "raison_sociale": demandeur.raison_sociale,
            "forme_juridique_code": demandeur.forme_juridique_code,
        },
        dates={
            "modifie_le": dossier.date_derniere_modification,
            "champs_modifie_le": dossier.date_derniere_modification_champs,
            "annotations_modifie_le": dossier.date_derniere_modification_annotations,
            "expire_le": dossier.date_expiration,
            "supprime_par_usager_le": dossier.date_suppression_par_usager,
        },
        contents=_contents(mapped),
    )


def _contents(mapped: MappedDossier) -> dict[str, Any]:
    dossier, candidature = mapped.dossier, mapped.candidature
    row = dict(zip(_PLAIN_FIELDS, _plain_values(candidature), strict=True))
    row.update(
        numero=dossier.number,
        voeux=written(candidature.voeux),
        evaluations=written(candidature.evaluations),
        reponses=written(candidature.reponses),
        demandeur=written(dossier.demandeur),
        divers=written(_divers_json(dossier)),
        traitements=written(dossier.traitements),
        champs=mapped.champs_json,
        annotations=mapped.annotations_json,
    )
    return row


def _divers_json(dossier: Dossier) -> dict[str, Json]:
    """Return the dossier's facts that nobody queries by column."""
    return {
        "motivation": dossier.motivation,
        "usager_email": dossier.usager_email,
        "groupe_instructeur": dossier.groupe_instructeur,
        "instructeurs": list(dossier.instructeurs),
        "depose_par_un_tiers": dossier.depose_par_un_tiers,
        "mandataire": dossier.mandataire,
        "prerempli": dossier.prerempli,
    }
