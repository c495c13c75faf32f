"""Turns what is kept of a dossier into rows of the tables, and rows into values again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Row, type_coerce

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Demandeur, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.written import written
from dsync.eligibility import TEXTS_JUDGED
from dsync.mapping import Record
from dsync.store import tables
from dsync.store.columns import JsonText


class _Applicant(Struct):
    """What judging needs of a `Demandeur`."""

    genre: str
    siret: str | None = None
    siren: str | None = None
    raison_sociale: str | None = None
    forme_juridique_code: str | None = None
    forme_juridique: str | None = None
    etat_administratif: str | None = None


JUDGED_COLUMNS = (
    tables.dossier.c.numero,
    tables.dossier.c.etat,
    tables.dossier.c.depose_le,
    type_coerce(tables.candidature.c.demandeur, JsonText(_Applicant)).label("demandeur"),
    *(tables.candidature.c[name] for name in ("voeux", "reponses", *TEXTS_JUDGED)),
)
"""What `candidature_of` reads, in its order."""

_ETATS = {etat.value: etat for etat in Etat}


def dossier_row(record: Record, *, run: int, now: datetime, a_evaluer: bool) -> dict[str, Any]:
    """Make the narrow row of a dossier that DS shows."""
    return {
        **record.facts,
        **bookkeeping(record),
        "presence": Presence.PRESENT.value,
        "presence_raison": None,
        "presence_le": None,
        "synchronise_le": now,
        "content_hash": record.content_hash,
        "inputs_hash": record.inputs_hash,
        "lu_par_run": run,
        "a_evaluer": a_evaluer,
        "efface_le": None,
    }


def bookkeeping(record: Record) -> dict[str, Any]:
    """Return what moves without the content being another, dsync's own annotations included."""
    return {
        **record.dates,
        "annotations_hash": record.annotations_hash,
        "labels": written(record.labels),
    }


def candidature_of(row: Row[Any]) -> Candidature:
    """Read what the checks look at of a candidature, from a row that starts with these columns."""
    numero, etat, depose_le, applicant, voeux, reponses, *texts = row[: len(JUDGED_COLUMNS)]
    return Candidature(
        DossierNumber(numero),
        _ETATS[etat],
        depose_le,
        Demandeur(*astuple(applicant or _NOBODY)),
        **dict(zip(TEXTS_JUDGED, texts, strict=True)),
        voeux=voeux or (),
        reponses=reponses or {},
    )


_NOBODY = _Applicant("inconnu")
