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
    rows = [(grid, _person(grid)) for grid in grids]
    if not rows:
        return (), None
    of_soutenance = any(is_soutenance for _, (is_soutenance, _) in rows)
    last = {person: grid.ligne for grid, person in rows}
    made = []
    for grid, person in rows:
        replaced_by = last[person] if last[person] != grid.ligne else None
        made.append(
            replace(
                grid,
                soutenance=person[0],
                complete=bool(grid.notes) and None not in grid.notes,
                remplacee_par=replaced_by,
                compte=replaced_by is None and person[0] == of_soutenance,
            )
        )
    return tuple(made), _bilan(made, of_soutenance=of_soutenance)


def _is_soutenance(moment: str | None) -> bool:
    text = fold(moment or "")
    return "soutenance" in text and not text.startswith("avant")


def _person(grid: Grille) -> tuple[bool, str | int]:
    """Return who evaluates at which moment; a grid without a name is somebody else's each time."""
    return _is_soutenance(grid.moment), fold(grid.evaluateur or "") or grid.ligne


def _bilan(grids: list[Grille], *, of_soutenance: bool) -> Bilan:
    counting = [grid for grid in grids if grid.compte]
    given = [note for grid in counting for note in grid.notes if note is not None]
    incomplete = sum(not grid.complete for grid in counting)
    means = [] if incomplete else [mean(exact(grid.notes)) for grid in counting]
    return Bilan(
        moment="soutenance" if of_soutenance else "dossier",
        grilles=len(grids),
        evaluateurs=len(counting),
        incompletes=incomplete,
        moyenne=rounded(mean(means)) if means else None,
        note_min=min(given, default=None),
        note_max=max(given, default=None),
        ecart=rounded(max(means) - min(means)) if len(means) > 1 else None,
    )
