"""Sessions of the console that were closed before their time; nothing is stored of open ones."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, delete, null, select

from dsync.store import tables
from dsync.store.sql import insert_for

_table, _demarche = tables.session_fermee, tables.demarche


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


def look(connection: Connection, token: str) -> tuple[bool, dict[int, str]]:
    """Return whether a session was closed, and what every page shows: the démarches' titles."""
    closed = select(null(), _table.c.empreinte).where(_table.c.empreinte == _hash(token))
    rows = connection.execute(select(_demarche.c.number, _demarche.c.titre).union_all(closed)).all()
    titles = {number: titre for number, titre in rows if number is not None}
    return len(titles) < len(rows), titles


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
