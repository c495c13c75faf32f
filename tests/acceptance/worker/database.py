"""The database from outside: what analysts read, and what tests do to it behind dsync's back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import create_engine, text

from dsync.store.engine import parse_url

CONTENT = (
    *("dossier", "contenu", "candidature", "verdict"),
    *("outbox", "pousse", "evenement", "quarantaine"),
)
"""Tables that « no write » speaks of; lease, runs and watermark are bookkeeping."""
BOOKKEPT = {"modifie_le", "lu_par_run"}
"""Columns that follow DS's own dates, or say which run saw a dossier last."""
OWN_HAND = {"annotations", "annotations_hash", "labels"}
"""Columns in which a run reads for the first time what the one before wrote into DS."""


class Database:
    """One database, read and written without dsync."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_engine(parse_url(url))
        self.is_postgresql = self._engine.dialect.name == "postgresql"

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return rows with values that are the same on both engines."""
        with self._engine.connect() as connection:
            found = connection.execute(text(query), parameters).mappings().all()
        return [{name: plain(value) for name, value in row.items()} for row in found]

    def view(self, name: str, order: str = "numero") -> list[dict[str, Any]]:
        """Return a view's rows."""
        return self.rows(f"SELECT * FROM {name} ORDER BY {order}")

    def count(self, table: str, where: str = "1 = 1") -> int:
        """Count rows."""
        found: int = self.rows(f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"]
        return found

    def execute(self, statement: str, **parameters: Any) -> int:
        """Change something; return how many rows."""
        with self._engine.begin() as connection:
            return connection.execute(text(statement), parameters).rowcount

    def content(self, *, without: Collection[str] = ()) -> dict[str, list[dict[str, Any]]]:
        """Return all that a run which finds nothing new must leave as it is."""
        left_out = BOOKKEPT | set(without)
        return {
            table: sorted(
                (
                    {name: value for name, value in row.items() if name not in left_out}
                    for row in self.rows(f"SELECT * FROM {table}")
                ),
                key=repr,
            )
            for table in CONTENT
        }

    def age(self, table: str, column: str, *, by: timedelta) -> int:
        """Let time pass for one column, without waiting."""
        seconds = int(by.total_seconds())
        earlier = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{seconds} seconds')"
        if self.is_postgresql:
            earlier = f"{column} - interval '{seconds} seconds'"
        return self.execute(f"UPDATE {table} SET {column} = {earlier}")

    def expire_lease(self) -> None:
        """Let a holder that is gone, or asleep, be succeeded at once."""
        self.age("lease", "expires_at", by=timedelta(hours=1))

    def expire_unknown(self) -> None:
        """Let the time pass in which an unanswered mutation may still be on its way."""
        self.age("outbox", "envoyee_le", by=timedelta(minutes=1))
        self.age("outbox", "prochain_essai_le", by=timedelta(hours=2))
        self.age("pousse", "incertaine_depuis", by=timedelta(minutes=1))

    def close(self) -> None:
        self._engine.dispose()


def plain(value: Any) -> Any:
    """Return a value as SQLite has it: instants as text in UTC, booleans as numbers."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return float(value)
    return value
