"""The stages of one dossier, by its traitements, corrections and the days of its annotations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dsync.domain.dossier import Correction, Etat, Traitement
from dsync.eig.stages import Etape, passages_of
from tests.store.builders import make_dossier

DAY = datetime(2024, 3, 1, 9, tzinfo=UTC)
"""Ten in Paris."""


def on(day: float) -> datetime:
    """Return the instant some days after the deposit."""
    return DAY + timedelta(days=day)


def stages(
    steps: dict[float, str],
    etat: str,
    *,
    days: dict[Etape, date] | None = None,
    corrections: tuple[Correction, ...] = (),
    **changes: Any,
) -> list[tuple[str, float]]:
    """Return the stages, each with the days from the deposit to its begin; check that they join."""
    dossier = make_dossier(
        etat=Etat(etat),
        date_depot=DAY,
        date_passage_en_construction=DAY,
        traitements=tuple(Traitement(event, on(day), None, None) for day, event in steps.items()),
        **{"date_derniere_modification": on(99), **changes},
    )
    found = passages_of(dossier, days or {}, corrections)
    assert list(range(1, len(found) + 1)) == [passage.rang for passage in found]
    assert [*(passage.du for passage in found[1:]), None] == [passage.au for passage in found]
    return [(str(p.etape), (p.du - DAY) / timedelta(days=1)) for p in found]


@pytest.mark.parametrize(
    ("steps", "etat", "expected"),
    [
        ({0: "depose"}, "en_construction", [("En construction", 0)]),
        ({0: "depose", 1: "passe_en_instruction", 3: "refuse"}, "refuse",
         [("En construction", 0), ("En instruction", 1), ("Refusé", 3)]),
        ({0: "depose", 1: "passe_en_instruction", 2: "repasse_en_construction"}, "en_construction",
         [("En construction", 0), ("En instruction", 1), ("En construction", 2)]),
        (
            {
                0: "depose",
                1: "passe_en_instruction_automatiquement",
                3: "classe_sans_suite",
                4: "repasse_en_instruction",
                6: "accepte",
            },
            "accepte",
            [
                ("En construction", 0),
                ("En instruction", 1),
                ("Sans suite", 3),
                ("En instruction", 4),
                ("Accepté", 6),
            ],
        ),
        # An event that a later version of DS adds, and a submission without a pending correction.
        ({0: "depose", 1: "verse", 2: "depose_correction_usager"}, "en_construction", None),
        # An event before the deposit: the first stage begins at the deposit all the same.
        ({-1: "passe_en_instruction"}, "en_instruction", [("En instruction", 0)]),
    ],
)  # fmt: skip
def test_states_follow_the_traitements(
    steps: dict[float, str], etat: str, expected: list[tuple[str, float]] | None
) -> None:
    """Also back and forth, and whatever DS adds."""
    assert (expected or [("En construction", 0)]) == stages(steps, etat)


def test_missing_traitements_are_completed_by_the_dossier_s_own_dates() -> None:
    """The last stage is always that of the dossier's state."""
    dates = {"date_passage_en_instruction": on(2), "date_traitement": on(5)}
    whole = [("En construction", 0), ("En instruction", 2), ("Accepté", 5)]
    assert whole == stages({0: "depose"}, "accepte", **dates)
    assert whole == stages({}, "accepte", **dates)
    assert whole == stages({2: "passe_en_instruction"}, "accepte", **dates)
    assert [("En construction", 0), ("Sans suite", 99)] == stages({}, "sans_suite")


def test_days_open_the_jury_and_the_recruitment() -> None:
    """A day begins at midnight in Paris: in March, 23:00 UTC of the day before."""
    days = {
        Etape.JURY: date(2024, 3, 11),
        Etape.CONVENTION: date(2024, 4, 1),
        Etape.CANDIDATURES: date(2024, 4, 11),
        Etape.ENTRETIENS: date(2024, 4, 21),
        Etape.EN_POSTE: date(2024, 5, 1),
    }
    steps = {0.0: "depose", 1.0: "passe_en_instruction", 20.0: "accepte"}
    assert [
        ("En construction", 0),
        ("En instruction", 1),
        ("Jury", 10 - 10 / 24),
        ("Accepté", 20),
        ("Convention signée", 31 - 11 / 24),
        ("Candidatures présentées", 41 - 11 / 24),
        ("Entretiens tenus", 51 - 11 / 24),
        ("En poste", 61 - 11 / 24),
    ] == [(name, pytest.approx(day)) for name, day in stages(steps, "accepte", days=days)]


def test_days_out_of_order_never_take_a_dossier_back() -> None:
    """The furthest step of the recruitment counts; a jury before the instruction opens it."""
    days = {
        Etape.JURY: date(2024, 3, 1),
        Etape.CONVENTION: date(2024, 5, 1),
        Etape.CANDIDATURES: date(2024, 3, 2),
        Etape.EN_POSTE: date(1, 1, 1),
        Etape.ENTRETIENS: date(9999, 12, 31),
    }
    steps = {0.0: "depose", 1.0: "passe_en_instruction", 2.0: "accepte"}
    assert [("En construction", 0), ("Jury", 1), ("Candidatures présentées", 2)] == stages(
        steps, "accepte", days=days
    )
    assert [("En construction", 0), ("Jury", 1), ("Refusé", 2)] == stages(
        steps | {2.0: "refuse"}, "refuse", days=days
    )


@pytest.mark.parametrize(
    ("steps", "finished", "end"),
    [
        ({3: "depose_correction_usager"}, 9, 3),
        # Withdrawn: it ends with the change by which it was noticed; before that is stored, now.
        ({}, 9, 9),
        ({}, None, 99),
        ({3: "depose_correction_instructeur"}, 9, 9),
    ],
)
def test_a_past_correction_stays_a_stage(
    steps: dict[float, str], finished: float | None, end: float
) -> None:
    """It ends when the usager submits."""
    asked = Correction(on(1), None if finished is None else on(finished))
    assert [("En construction", 0), ("Correction attendue", 1), ("En construction", end)] == stages(
        {0: "depose"} | steps, "en_construction", corrections=(asked,)
    )
