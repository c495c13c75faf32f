"""Counts the results of each check, for `dsync precheck --stats`."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from dsync.domain.dossier import PARIS
from dsync.domain.verdict import StoredVerdict
from dsync.store import Reader


class Statistic(NamedTuple):
    """The number of dossiers with one result of one check."""

    mois: str
    controle: str
    resultat: str
    type_administration: str | None
    phase_constatee: str | None
    nombre: int


def statistics(reader: Reader) -> list[Statistic]:
    """Count the results in the current verdicts, by month of deposit (in Paris) and constats."""
    counts: Counter[tuple[str, str, str, str | None, str | None]] = Counter()
    for depose_le, verdict in reader.verdicts.current():
        for controle in verdict.controles:
            counts[
                depose_le.astimezone(PARIS).strftime("%Y-%m"),
                controle.controle,
                controle.resultat.value,
                _text(verdict, "type_administration"),
                _text(verdict, "phase_constatee"),
            ] += 1
    # None cannot be compared with a text.
    ordered = sorted(counts.items(), key=lambda item: [part or "" for part in item[0]])
    return [Statistic(*key, number) for key, number in ordered]


def _text(verdict: StoredVerdict, constat: str) -> str | None:
    value = verdict.constats.get(constat)
    return value if isinstance(value, str) else None
