"""Turns what is kept of a dossier into rows of the tables, and rows into values again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Demandeur, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.written import written
from dsync.mapping import PLAIN_FIELDS, Record
from dsync.store import tables

CANDIDATURE_COLUMNS = (
    tables.dossier.c.numero,
    tables.dossier.c.etat,
    tables.dossier.c.depose_le,
    *(tables.candidature.c[name] for name in (*PLAIN_FIELDS, "demandeur")),
    *(tables.candidature.c[name] for name in ("voeux", "reponses")),
)
"""What `candidature_of` reads, in its order."""
_PLAIN_FROM = 3
_PLAIN_TO = _PLAIN_FROM + len(PLAIN_FIELDS)

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
    """Read a candidature from a row that starts with `CANDIDATURE_COLUMNS`.

    Without its evaluations: they are the instructeurs' and no check looks at them.
    """
    numero, etat, depose_le = row[:_PLAIN_FROM]
    demandeur, voeux, reponses = row[_PLAIN_TO : _PLAIN_TO + 3]
    return Candidature(
        DossierNumber(numero),
        _ETATS[etat],
        depose_le,
        Demandeur(**(demandeur or {"genre": "inconnu"})),
        **dict(zip(PLAIN_FIELDS, row[_PLAIN_FROM:_PLAIN_TO], strict=True)),
        voeux=voeux or (),
        reponses=reponses or {},
    )
