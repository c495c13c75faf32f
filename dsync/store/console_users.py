"""What is stored of who uses the console: closed sessions. Of open ones nothing is stored."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, null, or_, select

from dsync.store import tables
from dsync.store.sql import insert_missing

_session, _demarche, _state = tables.session_fermee, tables.demarche, tables.sync_state


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


def look_up_session(
    connection: Connection, token: str, name: str, until: datetime
) -> tuple[bool, dict[int, Titled]]:
    """Return whether a person's session was closed, and what every page shows of each démarche."""
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
    # One statement: it is that of each address of the console.
    rows = connection.execute(known.union_all(closed)).all()
    titled = {number: Titled(*facts) for number, *facts in rows if number is not None}
    return len(titled) < len(rows), titled


def _hash_of_all(name: str) -> str:
    return _hash(f"all sessions of {name}")


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
