"""Sessions of the console that were closed before their time; nothing is stored of open ones."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, delete, null, select

from dsync.store import tables
from dsync.store.sql import insert_for

_table, _demarche, _state = tables.session_fermee, tables.demarche, tables.sync_state


def close(connection: Connection, token: str, until: datetime, now: datetime) -> None:
    """Make a session unusable for every process, and forget those that have ended by themselves.

    Args:
        connection: in a transaction.
        token: the session's, of which only a hash is stored.
        until: when the session ends by itself, in UTC.
        now: the present instant, in UTC.
    """
    connection.execute(delete(_table).where(_table.c.fin < now))
    statement = insert_for(connection, _table).values(empreinte=_hash(token), fin=until)
    connection.execute(statement.on_conflict_do_nothing())


class Titled(NamedTuple):
    """What every page shows of a démarche."""

    titre: str
    last_success_at: datetime | None


def look(connection: Connection, token: str) -> tuple[bool, dict[int, Titled]]:
    """Return whether a session was closed, and what every page shows of each démarche."""
    last, demarche = _state.c.last_success_at, _demarche.c.number
    known = select(demarche, _demarche.c.titre, last).outerjoin(
        _state, _state.c.demarche_numero == demarche
    )
    closed = select(null(), _table.c.empreinte, null()).where(_table.c.empreinte == _hash(token))
    # One statement: it is that of each address of the console.
    rows = connection.execute(known.union_all(closed)).all()
    titled = {number: Titled(*facts) for number, *facts in rows if number is not None}
    return len(titled) < len(rows), titled


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
