"""Which evaluation grids count in a dossier's mean, and what they give together."""

from __future__ import annotations

import pytest

from dsync.eig.candidature import Bilan, Grille
from dsync.eig.grids import weighed

Row = tuple[str | None, str | None, tuple[float | None, ...]]
DOSSIER, SOUTENANCE = "Dossier", "Soutenance"


def grids(*rows: Row) -> list[Grille]:
    """Make grids of these rows: moment, evaluator, marks."""
    return [
        Grille(ligne, moment, who, None, ms)
        for ligne, (moment, who, ms) in enumerate(rows, start=1)
    ]


A, B = "ada@ex.fr", "bob@ex.fr"


@pytest.mark.parametrize(
    ("rows", "counting", "bilan"),
    [
        pytest.param([], [], None, id="no grid"),
        pytest.param(
            [(DOSSIER, A, (4, 2)), (DOSSIER, B, (3, 4))],
            [1, 2],
            Bilan("dossier", 2, 2, 0, 3.25, 2, 4, 0.5),
            id="two evaluators",
        ),
        pytest.param(
            [(DOSSIER, A, (1, 1)), (DOSSIER, B, (1, 1)), (SOUTENANCE, A, (4, 4))],
            [3],
            Bilan("soutenance", 3, 1, 0, 4, 4, 4, None),
            id="the soutenance counts alone",
        ),
        pytest.param(
            [(DOSSIER, A, (1, 1)), (DOSSIER, B, (3, 3)), (DOSSIER, A, (5, 5))],
            [2, 3],
            Bilan("dossier", 3, 2, 0, 4, 3, 5, 2),
            id="somebody's second grid counts, the first one does not",
        ),
        pytest.param(
            [(DOSSIER, "Hélène  MARTIN", (1, 1)), (DOSSIER, " helene martin", (5, 5))],
            [2],
            Bilan("dossier", 2, 1, 0, 5, 5, 5, None),
            id="one person under two spellings, no spread between their grids",
        ),
        pytest.param(
            [(DOSSIER, A, (1, 1)), (SOUTENANCE, A, (3, 3)), (SOUTENANCE, A, (5, 5))],
            [3],
            Bilan("soutenance", 3, 1, 0, 5, 5, 5, None),
            id="the later one of the soutenance",
        ),
        pytest.param(
            [(DOSSIER, None, (2, 2)), (DOSSIER, None, (4, 4)), (DOSSIER, " ", (3, 3))],
            [1, 2, 3],
            Bilan("dossier", 3, 3, 0, 3, 2, 4, 2),
            id="nobody says that unnamed grids are of one person",
        ),
        pytest.param(
            [(DOSSIER, A, (4, 4)), (DOSSIER, B, (None, None))],
            [1, 2],
            Bilan("dossier", 2, 2, 1, None, 4, 4, None),
            id="an empty grid is no zero, and leaves no mean",
        ),
        pytest.param(
            [(DOSSIER, A, (4, None))],
            [1],
            Bilan("dossier", 1, 1, 1, None, 4, 4, None),
            id="a missing mark",
        ),
        pytest.param(
            [(DOSSIER, A, (4, None)), (DOSSIER, A, (4, 3))],
            [2],
            Bilan("dossier", 2, 1, 0, 3.5, 3, 4, None),
            id="an incomplete grid that was written again",
        ),
        pytest.param(
            [(DOSSIER, A, (4, 4)), (DOSSIER, A, (None, None))],
            [2],
            Bilan("dossier", 2, 1, 1, None, None, None, None),
            id="the later one counts although it is empty",
        ),
        pytest.param(
            [(DOSSIER, A, (4, None)), (SOUTENANCE, A, (5, 5))],
            [2],
            Bilan("soutenance", 2, 1, 0, 5, 5, 5, None),
            id="an incomplete grid before a complete soutenance",
        ),
        pytest.param(
            [(DOSSIER, A, (4, 4)), (SOUTENANCE, A, (None, None))],
            [2],
            Bilan("soutenance", 2, 1, 1, None, None, None, None),
            id="a soutenance without a mark yet",
        ),
        pytest.param(
            [
                (None, A, (2, 2)),
                ("Avant la soutenance", A, (3, 3)),
                ("APRÈS SOUTENANCE", A, (4, 4)),
            ],
            [3],
            Bilan("soutenance", 3, 1, 0, 4, 4, 4, None),
            id="other words for the moments, and none",
        ),
        pytest.param(
            [(DOSSIER, A, (2.67,)), (DOSSIER, B, (2.68,))],
            [1, 2],
            Bilan("dossier", 2, 2, 0, 2.68, 2.67, 2.68, 0.01),
            id="half a hundredth is rounded up",
        ),
        pytest.param(
            [(DOSSIER, A, (3, 3, 4)), (DOSSIER, B, (3, 4, 4))],
            [1, 2],
            Bilan("dossier", 2, 2, 0, 3.5, 3, 4, 0.33),
            id="rounded once, at the end",
        ),
        pytest.param(
            [(DOSSIER, A, (0, 0)), (DOSSIER, B, (4, 4))],
            [1, 2],
            Bilan("dossier", 2, 2, 0, 2, 0, 4, 4),
            id="a zero is a mark",
        ),
        pytest.param(
            [(DOSSIER, A, ())],
            [1],
            Bilan("dossier", 1, 1, 1, None, None, None, None),
            id="a form without criteria",
        ),
    ],
)
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
