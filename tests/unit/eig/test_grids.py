"""Which evaluation grids count in a dossier's mean, and what they give together."""

from __future__ import annotations

import pytest

from dsync.eig.candidature import Bilan, Grille
from dsync.eig.mapped_form import weighed

Row = tuple[str | None, str | None, tuple[float | None, ...]]
DOSSIER, SOUTENANCE = "Dossier", "Soutenance"


def grids(*rows: Row) -> list[Grille]:
    """Make grids of these rows: moment, evaluator, marks."""
    return [Grille(n, moment, who, None, ms) for n, (moment, who, ms) in enumerate(rows, start=1)]


A, B = "ada@ex.fr", "bob@ex.fr"


CASES = {
    "no grid": ([], [], None),
    "two evaluators":
        ([(DOSSIER, A, (4, 2)), (DOSSIER, B, (3, 4))],
         [1, 2], Bilan("dossier", 2, 2, 0, 3.25, 2, 4, 0.5)),
    "the soutenance counts alone":
        ([(DOSSIER, A, (1, 1)), (DOSSIER, B, (1, 1)), (SOUTENANCE, A, (4, 4))],
         [3], Bilan("soutenance", 3, 1, 0, 4, 4, 4, None)),
    "somebody's second grid counts, the first one does not":
        ([(DOSSIER, A, (1, 1)), (DOSSIER, B, (3, 3)), (DOSSIER, A, (5, 5))],
         [2, 3], Bilan("dossier", 3, 2, 0, 4, 3, 5, 2)),
    "one person under two spellings, no spread between their grids":
        ([(DOSSIER, "Hélène  MARTIN", (1, 1)), (DOSSIER, " helene martin", (5, 5))],
         [2], Bilan("dossier", 2, 1, 0, 5, 5, 5, None)),
    "the later one of the soutenance":
        ([(DOSSIER, A, (1, 1)), (SOUTENANCE, A, (3, 3)), (SOUTENANCE, A, (5, 5))],
         [3], Bilan("soutenance", 3, 1, 0, 5, 5, 5, None)),
    "nobody says that unnamed grids are of one person":
        ([(DOSSIER, None, (2, 2)), (DOSSIER, None, (4, 4)), (DOSSIER, " ", (3, 3))],
         [1, 2, 3], Bilan("dossier", 3, 3, 0, 3, 2, 4, 2)),
    "an empty grid is no zero, and leaves no mean":
        ([(DOSSIER, A, (4, 4)), (DOSSIER, B, (None, None))],
         [1, 2], Bilan("dossier", 2, 2, 1, None, 4, 4, None)),
    "a missing mark":
        ([(DOSSIER, A, (4, None))], [1], Bilan("dossier", 1, 1, 1, None, 4, 4, None)),
    "an incomplete grid that was written again":
        ([(DOSSIER, A, (4, None)), (DOSSIER, A, (4, 3))],
         [2], Bilan("dossier", 2, 1, 0, 3.5, 3, 4, None)),
    "the later one counts although it is empty":
        ([(DOSSIER, A, (4, 4)), (DOSSIER, A, (None, None))],
         [2], Bilan("dossier", 2, 1, 1, None, None, None, None)),
    "an incomplete grid before a complete soutenance":
        ([(DOSSIER, A, (4, None)), (SOUTENANCE, A, (5, 5))],
         [2], Bilan("soutenance", 2, 1, 0, 5, 5, 5, None)),
    "a soutenance without a mark yet":
        ([(DOSSIER, A, (4, 4)), (SOUTENANCE, A, (None, None))],
         [2], Bilan("soutenance", 2, 1, 1, None, None, None, None)),
    "other words for the moments, and none":
        ([(None, A, (2, 2)), ("Avant la soutenance", A, (3, 3)), ("APRÈS SOUTENANCE", A, (4, 4))],
         [3], Bilan("soutenance", 3, 1, 0, 4, 4, 4, None)),
    "half a hundredth is rounded up":
        ([(DOSSIER, A, (2.67,)), (DOSSIER, B, (2.68,))],
         [1, 2], Bilan("dossier", 2, 2, 0, 2.68, 2.67, 2.68, 0.01)),
    "rounded once, at the end":
        ([(DOSSIER, A, (3, 3, 4)), (DOSSIER, B, (3, 4, 4))],
         [1, 2], Bilan("dossier", 2, 2, 0, 3.5, 3, 4, 0.33)),
    "a zero is a mark":
        ([(DOSSIER, A, (0, 0)), (DOSSIER, B, (4, 4))],
         [1, 2], Bilan("dossier", 2, 2, 0, 2, 0, 4, 4)),
    "a form without criteria":
        ([(DOSSIER, A, ())], [1], Bilan("dossier", 1, 1, 1, None, None, None, None)),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "counting", "bilan"), CASES.values(), ids=CASES)
def test_what_the_grids_of_a_dossier_give(
    rows: list[Row], counting: list[int], bilan: Bilan | None
) -> None:
    """Each person once, of one moment alone, and nothing where a mark is missing."""
    made, found = weighed(grids(*rows))
    assert bilan == found
    assert counting == [grid.ligne for grid in made if grid.compte]
    assert len(rows) == len(made), "each grid is kept"


def test_a_grid_says_what_is_wrong_with_it() -> None:
    """By which one it was replaced, whether a mark is missing, whether it is of the soutenance."""
    made, _ = weighed(
        grids((DOSSIER, A, (1,)), (DOSSIER, A.upper(), (None,)), (SOUTENANCE, A, (3,)))
    )
    assert [(2, True, False), (None, False, False), (None, True, True)] == [
        (grid.remplacee_par, grid.complete, grid.soutenance) for grid in made
    ]
