"""What is stored of who uses the console: sessions, access, conflicts, juries, lists.

Of open sessions nothing is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, null, or_, select, true

from dsync.domain.access_given import Given
from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.sql import Subject, insert_missing, upsert

_session, _demarche, _state = tables.session_fermee, tables.demarche, tables.sync_state
_acces, _deport, _list = tables.acces, tables.deport, tables.liste_gardee
_planned, _member = tables.jury_prevu, tables.jury_membre


def close_session(connection: Connection, token: str, until: datetime, now: datetime) -> None:
    """Make a session unusable for every process, and forget those that have ended by themselves.

    Only a hash of the token is stored; `until` is when the session ends by itself.
    """
    connection.execute(delete(_session).where(_session.c.fin < now))
    insert_missing(connection, _session, {"empreinte": _hash(token), "fin": until})


def close_sessions(connection: Connection, name: str, until: datetime, now: datetime) -> None:
    """Make all present sessions of a person unusable, as `close_session`.

    `until` is when the last one of them ends by itself: those that begin later end after it.
    """
    connection.execute(delete(_session).where(_session.c.empreinte == _hash_of_all(name)))
    connection.execute(delete(_session).where(_session.c.fin < now))
    insert_missing(connection, _session, {"empreinte": _hash_of_all(name), "fin": until})


class Titled(NamedTuple):
    """What every page shows of a démarche."""

    titre: str
    last_success_at: datetime | None


class Known(NamedTuple):
    """What the database knows of a session."""

    is_closed: bool
    titled: dict[int, Titled]
    given: Given


def given_to(connection: Connection, name: str, now: datetime) -> Given:
    """Return what the database says of a person's access now."""
    is_valid = or_(_acces.c.fin.is_(None), _acces.c.fin > now)
    roles = select(_acces.c.demarche_numero, _acces.c.role, null()).where(
        _acces.c.qui == name, is_valid
    )
    hidden = select(null(), null(), _deport.c.numero).where(_deport.c.qui == name)
    rows = connection.execute(roles.union_all(hidden)).all()
    return Given(
        {demarche: role for demarche, role, _ in rows if demarche is not None},
        frozenset(numero for _, _, numero in rows if numero is not None),
    )


def look_up_session(
    connection: Connection, token: str, name: str, until: datetime, now: datetime
) -> Known:
    """Return whether a person's session was closed, and what every page needs of the database."""
    last, demarche = _state.c.last_success_at, _demarche.c.number
    known = select(demarche, _demarche.c.titre, last).outerjoin(
        _state, _state.c.demarche_numero == demarche
    )
    closed = select(null(), _session.c.empreinte, null()).where(
        or_(
            _session.c.empreinte == _hash(token),
            and_(_session.c.empreinte == _hash_of_all(name), _session.c.fin >= until),
        )
    )
    # It is that of each address of the console.
    rows = connection.execute(known.union_all(closed)).all()
    titled = {number: Titled(*facts) for number, *facts in rows if number is not None}
    return Known(len(titled) < len(rows), titled, given_to(connection, name, now))


class AccessRow(NamedTuple):
    """What an administrator decided of a person."""

    qui: str
    role: str | None
    fin: datetime | None
    donne_par: str
    donne_le: datetime


class AccessWrites(Subject):
    """Writes who may enter and who does not see a dossier, juries, and lists kept by name."""

    def decide(self, row: AccessRow) -> None:
        """Store what an administrator decides of a person, in place of what was decided before."""
        upsert(self.connection, _acces, [{"demarche_numero": self.number, **row._asdict()}])

    def leave(self, qui: str) -> None:
        """Leave a person to the file again."""
        mine = (_acces.c.demarche_numero == self.number) & (_acces.c.qui == qui)
        self.connection.execute(delete(_acces).where(mine))

    def declare(self, numero: DossierNumber, qui: str, now: datetime) -> None:
        """Store a conflict of interest."""
        row = {"numero": numero, "qui": qui, "demarche_numero": self.number, "declare_le": now}
        insert_missing(self.connection, _deport, row)

    def lift(self, numero: DossierNumber, qui: str) -> None:
        """Delete a conflict of interest."""
        mine = (_deport.c.demarche_numero == self.number) & (_deport.c.numero == numero)
        self.connection.execute(delete(_deport).where(mine, _deport.c.qui == qui))

    def compose(
        self,
        day: date,
        members: Iterable[str],
        numbers: Iterable[int],
        *,
        but: Collection[int] = (),
    ) -> None:
        """Store who sits in a jury and what it sees, in place of what was planned for that day.

        The dossiers of `but` stay where they were.
        """
        of_day = {"demarche_numero": self.number, "jury_le": day}
        for table in (_planned, _member):
            same = (table.c.demarche_numero == self.number) & (table.c.jury_le == day)
            kept = _planned.c.numero.not_in(but) if table is _planned else true()
            self.connection.execute(delete(table).where(same, kept))
        upsert(self.connection, _planned, [{"numero": one, **of_day} for one in numbers])
        for one in members:
            insert_missing(self.connection, _member, {"qui": one, **of_day})

    def keep_list(self, qui: str, nom: str, parametres: str) -> None:
        """Store a person's list, in place of theirs of that name."""
        row = {"demarche_numero": self.number, "qui": qui, "nom": nom, "parametres": parametres}
        upsert(self.connection, _list, [row])

    def drop_list(self, qui: str, nom: str) -> None:
        """Delete a person's list."""
        mine = (_list.c.demarche_numero == self.number) & (_list.c.qui == qui)
        self.connection.execute(delete(_list).where(mine, _list.c.nom == nom))


def _hash_of_all(name: str) -> str:
    return _hash(f"all sessions of {name}")


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
