"""Turns the domain's values into rows of the tables, and rows into values again."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from dsync.domain.candidature import Candidature, Evaluation
from dsync.domain.dossier import Demandeur, Dossier, Etat, Json, Presence, Traitement
from dsync.domain.ids import DossierNumber
from dsync.domain.written import written
from dsync.mapping import MappedDossier
from dsync.store import tables

_APART = {"numero", "etat", "depose_le", "demandeur", "voeux", "evaluations", "reponses"}
PLAIN_FIELDS = tuple(f.name for f in fields(Candidature) if f.name not in _APART)
"""Fields of a candidature that are columns of the same name."""
_plain_values = attrgetter(*PLAIN_FIELDS)

CANDIDATURE_COLUMNS = (
    tables.dossier.c.numero,
    tables.dossier.c.etat,
    tables.dossier.c.depose_le,
    *(tables.candidature.c[name] for name in (*PLAIN_FIELDS, "demandeur")),
    *(tables.candidature.c[name] for name in ("voeux", "evaluations", "reponses")),
)
"""What `candidature_of` reads, in its order."""
_PLAIN_FROM = 3
_PLAIN_TO = _PLAIN_FROM + len(PLAIN_FIELDS)

_ETATS = {etat.value: etat for etat in Etat}


def dossier_row(
    mapped: MappedDossier, *, run: int, now: datetime, a_evaluer: bool
) -> dict[str, Any]:
    """Make the narrow row of a dossier that DS shows."""
    dossier = mapped.dossier
    demandeur = dossier.demandeur
    return {
        "numero": dossier.number,
        "demarche_numero": dossier.demarche_number,
        "dossier_id": dossier.id,
        "revision_id": dossier.revision_id,
        "etat": dossier.etat.value,
        "presence": Presence.PRESENT.value,
        "presence_raison": None,
        "presence_le": None,
        "archive": dossier.archive,
        "depose_le": dossier.date_depot,
        "en_construction_le": dossier.date_passage_en_construction,
        "en_instruction_le": dossier.date_passage_en_instruction,
        "traite_le": dossier.date_traitement,
        **bookkeeping(mapped),
        "synchronise_le": now,
        "content_hash": mapped.content_hash,
        "inputs_hash": mapped.inputs_hash,
        "lu_par_run": run,
        "a_evaluer": a_evaluer,
        "siret": demandeur.siret,
        "siren": demandeur.siren,
        "raison_sociale": demandeur.raison_sociale,
        "forme_juridique_code": demandeur.forme_juridique_code,
        "efface_le": None,
    }


def bookkeeping(mapped: MappedDossier) -> dict[str, Any]:
    """Return what moves without the content being another, dsync's own annotations included."""
    dossier = mapped.dossier
    return {
        "annotations_hash": annotations_hash(mapped),
        "modifie_le": dossier.date_derniere_modification,
        "champs_modifie_le": dossier.date_derniere_modification_champs,
        "annotations_modifie_le": dossier.date_derniere_modification_annotations,
        "expire_le": dossier.date_expiration,
        "supprime_par_usager_le": dossier.date_suppression_par_usager,
        "labels": written(dossier.labels),
    }


def annotations_hash(mapped: MappedDossier) -> str:
    """Return the digest of all annotations, those that dsync writes included."""
    return blake2b(mapped.annotations_json.encode(), digest_size=8).hexdigest()


def candidature_row(mapped: MappedDossier) -> dict[str, Any]:
    """Make the wide row: what was typed into the dossier, by whomever."""
    dossier, candidature = mapped.dossier, mapped.candidature
    row = dict(zip(PLAIN_FIELDS, _plain_values(candidature), strict=True))
    row.update(
        numero=dossier.number,
        voeux=written(candidature.voeux),
        evaluations=written([_evaluation_json(grille) for grille in candidature.evaluations]),
        reponses=written(candidature.reponses),
        demandeur=written(dossier.demandeur),
        divers=written(divers_json(dossier)),
        traitements=written([_traitement_json(traitement) for traitement in dossier.traitements]),
        champs=mapped.champs_json,
        annotations=mapped.annotations_json,
    )
    return row


def divers_json(dossier: Dossier) -> dict[str, Json]:
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


def candidature_of(row: Row[Any]) -> Candidature:
    """Read a candidature from a row that starts with `CANDIDATURE_COLUMNS`."""
    numero, etat, depose_le = row[:_PLAIN_FROM]
    demandeur, voeux, evaluations, reponses = row[_PLAIN_TO : _PLAIN_TO + 4]
    return Candidature(
        DossierNumber(numero),
        _ETATS[etat],
        depose_le,
        Demandeur(**(demandeur or {"genre": "inconnu"})),
        **dict(zip(PLAIN_FIELDS, row[_PLAIN_FROM:_PLAIN_TO], strict=True)),
        voeux=voeux or (),
        evaluations=evaluations or (),
        reponses=reponses or {},
    )


def _evaluation_json(grille: Evaluation) -> dict[str, Any]:
    return {
        "ligne": grille.ligne,
        "moment": grille.moment,
        "evaluateur": grille.evaluateur,
        "commentaire": grille.commentaire,
        "moyenne": grille.moyenne,
        "notes": grille.notes,
    }


def _traitement_json(traitement: Traitement) -> dict[str, Json]:
    return {
        "evenement": traitement.evenement,
        "date": traitement.date.isoformat(),
        "motivation": traitement.motivation,
        "email_agent": traitement.email_agent,
    }
