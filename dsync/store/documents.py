"""Rows as JSON values by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dsync.domain.verdict import Controle, Resultat, counterfactual

Document = dict[str, Any]
"""JSON values by column; instants are text in UTC."""


def documents(rows: Sequence[Mapping[Any, Any]]) -> list[Document]:
    """Return rows as documents."""
    return [{str(name): _json(value) for name, value in row.items()} for row in rows]


def current_checks(found: Mapping[str, Any], order: Iterable[str]) -> list[Document]:
    """Return the checks of a dossier's current verdict.

    Args:
        found: the dossier, as `Reader.dossier` returns it.
        order: the names of the checks, in the usual order.
    """
    ranks = {name: rank for rank, name in enumerate(order)}
    given_at = {one["etabli_le"] for one in found.get("precontroles", ()) if one["courant"]}
    checks = [one for one in found.get("controles", ()) if one["etabli_le"] in given_at]
    return sorted(checks, key=lambda check: ranks.get(check["controle"], len(ranks)))


def to_settle(checks: Iterable[Document]) -> list[str]:
    """Return the names of the checks to settle for « Éligible », the most severe ones first."""
    made = [Controle(check["controle"], Resultat(check["resultat"])) for check in checks]
    return list(counterfactual(made))


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
