"""What the engine does with a programme's decision."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dsync.domain.dossier import Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.programme import Judged, ToJudge

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def stored(verdict: str) -> StoredVerdict:
    return StoredVerdict(Verdict(verdict), "", NOW, "1", None, None, (), (), {}, None, None)


@pytest.mark.parametrize(
    ("current", "decided", "keeps"),
    [
        ("Éligible", "Indéterminé", True),
        ("Inéligible", "Indéterminé", True),
        ("Éligible", "Inéligible", False),
        # It was never judged otherwise: what is missing now is told, and not what was.
        ("Indéterminé", "Indéterminé", False),
        ("Indéterminé", "Éligible", False),
        (None, "Indéterminé", False),
    ],
)
def test_a_verdict_stays_while_its_evidence_is_away(
    current: str | None, decided: str, keeps: bool
) -> None:
    """One that was given."""
    due = ToJudge(
        DossierNumber(1),
        Etat.EN_CONSTRUCTION,
        Presence.PRESENT,
        "",
        None if current is None else stored(current),
        {},
    )
    decision = Decision(Verdict(decided), (), "", "1", "")
    assert keeps is Judged(due, decision).keeps_verdict
