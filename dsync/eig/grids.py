"""Which evaluation grids of a dossier count, and what they give together.

The programme evaluates again at the soutenance: its grids count alone where there are some. Of one
person's grids of one moment, the last row counts; a missing mark leaves the dossier without a mean.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from dsync.domain.means import exact, mean, rounded
from dsync.domain.wording import fold
from dsync.eig.candidature import Bilan, Grille

GRIDS_REVISION = 1
"""Raise it with a change of these rules: all rows are then written again by the next full read."""


def weighed(grids: Iterable[Grille]) -> tuple[tuple[Grille, ...], Bilan | None]:
    """Return all grids of a dossier, in order, with what becomes of each, and what they give."""
    rows = [
        replace(
            grid,
            soutenance=_is_soutenance(grid.moment),
            complete=bool(grid.notes) and None not in grid.notes,
        )
        for grid in grids
    ]
    if not rows:
        return (), None
    of_soutenance = any(grid.soutenance for grid in rows)
    last = {_person(grid): grid.ligne for grid in rows}
    made = []
    for grid in rows:
        later = last[_person(grid)]
        replaced_by = later if later != grid.ligne else None
        counts = replaced_by is None and grid.soutenance == of_soutenance
        made.append(replace(grid, remplacee_par=replaced_by, compte=counts))
    return tuple(made), _bilan(made, of_soutenance=of_soutenance)


def _is_soutenance(moment: str | None) -> bool:
    text = fold(moment or "")
    return "soutenance" in text and not text.startswith("avant")


def _person(grid: Grille) -> tuple[bool, str | int]:
    """Return who evaluates at which moment; a grid without a name is somebody else's each time."""
    return grid.soutenance, fold(grid.evaluateur or "") or grid.ligne


def _bilan(grids: list[Grille], *, of_soutenance: bool) -> Bilan:
    counting = [grid for grid in grids if grid.compte]
    marks = [exact(grid.notes) for grid in counting]
    given = [mark for of_grid in marks for mark in of_grid]
    incomplete = sum(not grid.complete for grid in counting)
    means = [] if incomplete else [mean(of_grid) for of_grid in marks]
    return Bilan(
        moment="soutenance" if of_soutenance else "dossier",
        grilles=len(grids),
        evaluateurs=len(counting),
        incompletes=incomplete,
        moyenne=rounded(mean(means)) if means else None,
        note_min=float(min(given)) if given else None,
        note_max=float(max(given)) if given else None,
        ecart=rounded(max(means) - min(means)) if len(means) > 1 else None,
    )
