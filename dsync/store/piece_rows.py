"""Stores which files of dossiers are copied, which are not and why, and which are to be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    column,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.sql import Select

from dsync.domain.dossier import Cell, Champ, Fichier, champs_of
from dsync.domain.ids import DossierNumber
from dsync.domain.pieces import CopyState, Piece, PieceKey
from dsync.store import tables
from dsync.store.sql import LONGEST_WAIT, Subject, among

_dossier = tables.dossier
_contenu = tables.contenu
_piece = tables.piece
# The view, which lists the files in the stored champs beside their copies.
_shown = table(
    "lecture_piece",
    *map(
        column,
        ("numero", "taille", "empreinte_md5", "copie", "copie_etat", "demarche_numero"),
    ),
)

FIRST_RETRY = timedelta(hours=1)
"""Delay before a file that was not copied is tried again; it doubles each time, to a day."""
_MOST_DOUBLINGS = 5
"""32 hours, which `LONGEST_WAIT` then limits; further ones would only grow the number."""


class CopiedFile(NamedTuple):
    """A copy, and what it has to be."""

    numero: DossierNumber
    adresse: str
    taille: int
    empreinte_md5: str


class PieceReads(Subject):
    """Reads about the copies of files."""

    def dossiers_to_copy(
        self, due: datetime | None, numbers: Sequence[DossierNumber] = ()
    ) -> list[DossierNumber]:
        """Return the present dossiers that have a file without a copy.

        Only files count that were never tried, or are to be tried again by `due`; None: all. Of
        given numbers, copied files count, too.
        """
        missing: ColumnElement[bool] = _shown.c.copie_etat.is_(None)
        if due is None:
            missing = or_(missing, _shown.c.copie_etat != CopyState.COPIEE.value)
        else:
            waiting = select(_piece.c.numero).where(
                _piece.c.etat != CopyState.COPIEE.value,
                or_(
                    _piece.c.prochain_essai_le <= due,
                    _piece.c.prochain_essai_le > due + LONGEST_WAIT,
                ),
                ~_piece.c.a_supprimer,
            )
            missing = or_(missing, _shown.c.numero.in_(waiting))
        query = (
            select(_dossier.c.numero)
            .distinct()
            .join(_shown, _shown.c.numero == _dossier.c.numero)
            .where(self._is_present(), among(_dossier.c.numero, numbers) if numbers else missing)
            .order_by(_dossier.c.numero)
        )
        return [DossierNumber(number) for number in self.connection.scalars(query)]

    def to_copy(
        self, number: DossierNumber, due: datetime | None, *, again: bool = False
    ) -> list[Piece]:
        """Return a dossier's files without a copy, each once; with `again`, the copied ones, too.

        `due` is as of `dossiers_to_copy`.
        """
        known = {_key_of(row): row for row in self.connection.execute(_live([number]))}
        waiting = {}
        for key, fichier in self._stored_files([number]).get(number, {}).items():
            row = known.get(key)
            is_copied = row is not None and row.etat == CopyState.COPIEE
            is_early = (
                row is not None
                and due is not None
                # A later one was stored while the clock was ahead.
                and due < row.prochain_essai_le <= due + LONGEST_WAIT
            )
            if again or not (is_copied or is_early):
                waiting[key] = Piece(key, fichier, row.essais if row else 0, is_copied)
        return list(waiting.values())

    def copied(self) -> list[CopiedFile]:
        """Return the files of the démarche's dossiers that are copied."""
        rows = self.connection.execute(
            select(*(_shown.c[name] for name in ("numero", "copie", "taille", "empreinte_md5")))
            .distinct()
            .where(_shown.c.copie.is_not(None), _shown.c.demarche_numero == self.number)
            .order_by(_shown.c.numero)
        )
        return [CopiedFile(*row) for row in rows]

    def addresses(self) -> set[str]:
        """Return the addresses of all copies, of every démarche, also of those to be deleted."""
        return set(self.connection.scalars(select(_piece.c.adresse)))

    def counts(self) -> dict[str, int]:
        """Return the number of files of present dossiers, by state; `""`: never tried."""
        state = func.coalesce(_shown.c.copie_etat, "")
        rows = self.connection.execute(
            select(state, func.count())
            .join(_dossier, _dossier.c.numero == _shown.c.numero)
            .where(self._is_present())
            .group_by(state)
        )
        return {row[0]: row[1] for row in rows}

    def has_used(self, target: str) -> bool:
        """Return whether files of any démarche were copied into a target."""
        state = tables.sync_state
        marked = select(state.c.demarche_numero).where(state.c.pieces_target == target)
        inside = select(_piece.c.id).where(
            _piece.c.adresse.startswith(f"{target}/", autoescape=True)
        )
        return bool(self.connection.scalar(select(or_(exists(marked), exists(inside)))))

    def doomed(self) -> list[tuple[int, str]]:
        """Return the ids and addresses of the copies that have to be deleted."""
        rows = self.connection.execute(
            select(_piece.c.id, _piece.c.adresse)
            .where(_piece.c.a_supprimer, _piece.c.demarche_numero == self.number)
            .order_by(_piece.c.id)
        )
        return [(id_, adresse) for id_, adresse in rows]

    def moved(self) -> list[DossierNumber]:
        """Return the dossiers whose content has changed since their copies were last compared."""
        rows = self.connection.scalars(
            select(_piece.c.numero)
            .distinct()
            .join(_dossier, _dossier.c.numero == _piece.c.numero)
            .join(_contenu, _contenu.c.numero == _piece.c.numero)
            .where(
                ~_piece.c.a_supprimer,
                _piece.c.demarche_numero == self.number,
                # A champ that DS could not render may still have its files.
                _contenu.c.lacunes.is_(None),
                _piece.c.content_hash.is_distinct_from(_dossier.c.content_hash),
            )
        )
        return [DossierNumber(number) for number in rows]

    def _stored_files(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, dict[PieceKey, Fichier]]:
        rows = self.connection.execute(
            select(_contenu.c.numero, _contenu.c.champs, _contenu.c.annotations).where(
                among(_contenu.c.numero, numbers)
            )
        )
        return {
            DossierNumber(row.numero): {
                PieceKey(champ.descriptor_id, ligne, fichier.empreinte_md5): fichier
                for ligne, champ in _champs((row.champs, row.annotations))
                for fichier in champ.fichiers
            }
            for row in rows
        }


class PieceWrites(PieceReads):
    """Writes about the copies of files."""

    def save(
        self,
        number: DossierNumber,
        key: PieceKey,
        etat: CopyState,
        adresse: str,
        now: datetime,
    ) -> None:
        """Store the state of a file's copy; a former copy at another address has to be deleted."""
        execute = self.connection.execute
        self.touch([number])
        # A file that was to be deleted is wanted again at the same address.
        execute(delete(_piece).where(_piece.c.a_supprimer, _piece.c.adresse == adresse))
        mine = _piece.c.numero == number, ~_piece.c.a_supprimer
        mine += tuple(_piece.c[name] == value for name, value in key._asdict().items())
        execute(update(_piece).where(*mine, _piece.c.adresse != adresse).values(a_supprimer=True))
        known = execute(select(_piece.c.id, _piece.c.essais).where(*mine)).one_or_none()
        begins = etat is CopyState.EN_COURS
        essais = (known.essais if known else 0) + (not begins)
        delay = FIRST_RETRY * 2 ** min(max(essais - 1, 0), _MOST_DOUBLINGS)
        values: dict[str, Any] = {
            "etat": etat.value,
            "adresse": adresse,
            "copie_le": now if etat is CopyState.COPIEE else None,
            "essais": essais,
            # One that a killed process began is due at once.
            "prochain_essai_le": now if begins else now + min(delay, LONGEST_WAIT),
            "content_hash": _hash_of(number),
        }
        if known:
            execute(update(_piece).where(_piece.c.id == known.id).values(values))
            return
        values |= {"numero": number, "demarche_numero": self.number, "a_supprimer": False}
        execute(insert(_piece).values(values | key._asdict()))

    def doom(self, numbers: Sequence[DossierNumber]) -> None:
        """Mark all copies of these dossiers as to be deleted."""
        self.connection.execute(
            update(_piece)
            .where(among(_piece.c.numero, numbers), _piece.c.demarche_numero == self.number)
            .values(a_supprimer=True)
        )

    def doom_all(self) -> None:
        """Mark all copies of the démarche as to be deleted."""
        self.connection.execute(
            update(_piece).where(_piece.c.demarche_numero == self.number).values(a_supprimer=True)
        )

    def doom_moved(self, numbers: Sequence[DossierNumber]) -> None:
        """Mark the copies of files that have left their champs as to be deleted."""
        files = self._stored_files(numbers)
        for row in self.connection.execute(_live(numbers)).all():
            is_there = _key_of(row) in files.get(row.numero, {})
            changed = {"content_hash": _hash_of(row.numero)} if is_there else {"a_supprimer": True}
            self.connection.execute(update(_piece).where(_piece.c.id == row.id).values(changed))

    def forget(self, ids: Sequence[int]) -> None:
        """Delete the rows of copies that were deleted."""
        self.connection.execute(delete(_piece).where(_piece.c.id.in_(ids), _piece.c.a_supprimer))


def _live(numbers: Sequence[DossierNumber]) -> Select[Any]:
    return select(_piece).where(among(_piece.c.numero, numbers), ~_piece.c.a_supprimer)


def _hash_of(number: DossierNumber) -> Any:
    """Return the query of the hash of a dossier's content."""
    return select(_dossier.c.content_hash).where(_dossier.c.numero == number).scalar_subquery()


def _key_of(row: Row[Any]) -> PieceKey:
    return PieceKey(row.champ_id, row.ligne, row.empreinte_md5)


def _champs(lists: Iterable[Sequence[Cell] | None]) -> Iterator[tuple[str, Champ]]:
    """Yield each champ with the id of its row, "" outside repetitions."""
    for stored in lists:
        for champ in champs_of(stored or ()):
            yield "", champ
            for ligne in champ.lignes:
                for cell in ligne.champs:
                    yield ligne.id, cell
