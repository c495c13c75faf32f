"""Reads the changes of all dossiers: a page of them, newest first, or all of them in parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select, tuple_, union_all

from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.changes import PEOPLE
from dsync.store.codes import EventName, Origin
from dsync.store.listing import Document, documents
from dsync.store.sql import Subject, among

_change, _dossier = tables.changement, tables.dossier
_COLUMNS = (
    "numero",
    "origine",
    "champ_id",
    "libelle",
    "ligne",
    "ancienne_valeur",
    "nouvelle_valeur",
    "constate_le",
    "modifie_le",
    "par",
)
_OF_DOSSIER = ("etat", "presence", "raison_sociale", "demandeur_prenom", "demandeur_nom")
_survenu = func.coalesce(_change.c.modifie_le, _change.c.constate_le)
"""DS's date of a change; where none of its dates moved, when dsync read it."""


class ChangeSelection(NamedTuple):
    """Which changes; None: no condition."""

    par: Sequence[str] | None = None
    """Who made them: any of these, as of `lecture_changement`."""
    depuis: datetime | None = None
    """Only what was read from then on, however old it is: nothing comes in behind it."""
    du: datetime | None = None
    """Only what was changed from then on."""
    avant: datetime | None = None
    """Only what was changed before."""
    etat: str | None = None
    groupe: str | None = None
    champs: Sequence[str] | None = None
    """The ids of champs and annotations."""


_ACTS = ("cree", "etat", "masque", "restaure", "supprime", "disparu", "efface", "effacement_leve")


class ChangeReads(Subject):
    """Reads changes."""

    def acted_at(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, datetime]:
        """Return when it was last read that somebody had done something about these dossiers.

        Their applicant or an instructeur changed them, as DS's own dates show; or they came, went,
        or took another state. What dsync writes is nothing of it.
        """
        event = tables.evenement
        instants = union_all(
            select(_change.c.numero, _change.c.constate_le.label("at")).where(
                among(_change.c.numero, numbers),
                _change.c.par.in_(PEOPLE),
                _change.c.origine != Origin.ANNOTATION.value,
            ),
            select(event.c.numero, event.c.survenu_le.label("at")).where(
                among(event.c.numero, numbers), event.c.evenement.in_(_ACTS)
            ),
        ).subquery()
        rows = self.connection.execute(
            select(instants.c.numero, func.max(instants.c.at)).group_by(instants.c.numero)
        )
        return {DossierNumber(number): at for number, at in rows}

    def reread_at(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, datetime]:
        """Return when a person last had the evidence of these dossiers replaced."""
        event = tables.evenement
        is_reread = event.c.evenement == EventName.PREUVE_RELUE.value
        found = select(event.c.numero, func.max(event.c.survenu_le))
        rows = self.connection.execute(
            found.where(among(event.c.numero, numbers), is_reread).group_by(event.c.numero)
        )
        return {DossierNumber(number): at for number, at in rows}

    def listing(
        self,
        chosen: ChangeSelection,
        *,
        limit: int,
        offset: int = 0,
        after: int | None = None,
    ) -> list[Document]:
        """Return changes with their dossiers' applicants, newest first.

        `after` is `ordre` of the last row of the part before; None: this is the first part.
        """
        rows = select(_change.c.id, _survenu.label("at")).where(*self._conditions(chosen))
        if after is not None:
            last = select(_survenu).where(_change.c.id == after).correlate(None).scalar_subquery()
            rows = rows.where(tuple_(_survenu, _change.c.id) < tuple_(last, after))
        # The inner query sorts what an index has; the outer one completes the rows of the page.
        page = (
            rows.order_by(_survenu.desc(), _change.c.id.desc())
            .limit(limit)
            .offset(offset)
            .subquery()
        )
        found = self.connection.execute(
            select(
                _change.c.id.label("ordre"),
                page.c.at.label("survenu_le"),
                *(_change.c[name] for name in _COLUMNS),
                *(_dossier.c[name] for name in _OF_DOSSIER),
            )
            .join_from(page, _change, _change.c.id == page.c.id)
            .join(_dossier, _dossier.c.numero == _change.c.numero)
            .order_by(page.c.at.desc(), _change.c.id.desc())
        )
        return documents(found)

    def count(self, chosen: ChangeSelection) -> tuple[int, int]:
        """Return the number of changes, and of their dossiers."""
        numero = _change.c.numero
        row = self.connection.execute(
            select(func.count(), func.count(numero.distinct())).where(*self._conditions(chosen))
        ).one()
        return row[0], row[1]

    def _conditions(self, chosen: ChangeSelection) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = [_change.c.demarche_numero == self.number]
        if chosen.par is not None:
            wanted.append(_change.c.par.in_(chosen.par))
        if chosen.depuis is not None:
            wanted.append(_change.c.constate_le >= chosen.depuis)
        if chosen.du is not None:
            wanted.append(_survenu >= chosen.du)
        if chosen.avant is not None:
            wanted.append(_survenu < chosen.avant)
        if chosen.champs is not None:
            wanted.append(_change.c.champ_id.in_(chosen.champs))
        of_dossier = [
            _dossier.c[column] == value
            for column, value in (
                ("etat", chosen.etat),
                ("groupe_instructeur", chosen.groupe),
            )
            if value is not None
        ]
        if of_dossier:
            theirs = select(_dossier.c.numero).where(
                _dossier.c.demarche_numero == self.number, *of_dossier
            )
            wanted.append(_change.c.numero.in_(theirs))
        return wanted
