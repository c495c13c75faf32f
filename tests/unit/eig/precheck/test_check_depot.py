"""`depot`: the day of deposit and the days of the call."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from dsync.controles.declarations import closing_of
from tests.unit.eig.precheck.builders import check, load_rules

INSIDE, OUTSIDE = "conforme", "a_verifier"


@pytest.mark.parametrize(
    ("depose_le", "day", "resultat"),
    [
        (datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC), "2023-12-31", OUTSIDE),
        (datetime(2023, 12, 31, 23, 0, tzinfo=UTC), "2024-01-01", INSIDE),
        (datetime(2024, 3, 31, 0, 59, tzinfo=UTC), "2024-03-31", INSIDE),
        (datetime(2024, 6, 30, 21, 59, tzinfo=UTC), "2024-06-30", INSIDE),
        (datetime(2024, 6, 30, 22, 0, tzinfo=UTC), "2024-07-01", INSIDE),
        (datetime(2024, 12, 31, 22, 59, 59, tzinfo=UTC), "2024-12-31", INSIDE),
        (datetime(2024, 12, 31, 23, 0, tzinfo=UTC), "2025-01-01", OUTSIDE),
        (datetime(2025, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), "2024-12-31", INSIDE),
        (datetime(2024, 12, 31, 18, tzinfo=timezone(-timedelta(hours=5))), "2025-01-01", OUTSIDE),
        (datetime(2025, 6, 1, tzinfo=UTC), "2025-06-01", OUTSIDE),
        (datetime(2022, 6, 1, tzinfo=UTC), "2022-06-01", OUTSIDE),
    ],
)
def test_the_window_is_counted_in_days_of_paris(
    depose_le: datetime, day: str, resultat: str
) -> None:
    """The first and last day are inside, in the time zone of Paris."""
    answer = check("depot", depose_le=depose_le)
    assert (answer.preuve["depot"], answer.resultat) == (day, resultat)


def test_a_late_deposit_is_said_with_its_hour() -> None:
    """Of Paris; one in time has its day alone."""
    late = check("depot", depose_le=datetime(2024, 12, 31, 23, 5, tzinfo=UTC))
    assert "Dossier déposé le 01/01/2025 à 00:05 (heure de Paris) selon" in late.motif
    assert "Dépôt le 31/12/2024, pendant" in check(
        "depot", depose_le=datetime(2024, 12, 31, 22, 5, tzinfo=UTC)
    ).motif  # fmt: skip


def test_the_window_is_configuration() -> None:
    days = {"champ": "depot", "au_moins": date(2025, 1, 1), "au_plus": date(2025, 6, 30)}
    other = load_rules(depot={"exige": days})
    answer = check("depot", depose_le=datetime(2025, 6, 30, 12, tzinfo=UTC), with_rules=other)
    assert answer.resultat == INSIDE
    assert "2025-06-30 23:59:59" == str(closing_of(other.sections.controles))
    noon = {"exige": days | {"au_plus": datetime.fromisoformat("2025-06-30T12:00:00")}}
    assert "2025-06-30 12:00:00" == str(closing_of(load_rules(depot=noon).sections.controles))
