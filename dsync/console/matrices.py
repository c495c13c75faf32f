"""The evaluation grids of dossiers as matrices: criteria by evaluators, one a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dsync.console.dossiers import ALL
from dsync.domain.means import exact, mean, rounded
from dsync.store import Reader

OF_GRIDS = (
    *("numero", "ligne", "moment", "evaluateur", "commentaire", "moyenne"),
    *("soutenance", "complete", "remplacee_par", "compte"),
)
_OF_MARKS = ("rang", "critere", "libelle", "note")
_KEYS = ("numero", "ligne")
# Not joined: SQLite would go through the grids of all dossiers.
_BOTH = f"""(
    SELECT {", ".join(OF_GRIDS)}, {", ".join(f"NULL AS {name}" for name in _OF_MARKS)}
    FROM lecture_evaluation
    UNION ALL
    SELECT {", ".join(name if name in _KEYS else "NULL" for name in OF_GRIDS)},
        {", ".join(_OF_MARKS)}
    FROM lecture_evaluation_note
) AS grids"""  # noqa: S608 - names of ours


class CriterionMarks(NamedTuple):
    """The marks for one criterion, in the order of the grids."""

    critere: str
    notes: list[float | None]
    moyenne: float | None
    """None where one is missing, as of a whole matrix."""


class Matrix(NamedTuple):
    """The grids of one moment. Of one person's grids, the last one is there."""

    titre: str
    compte: bool
    """Whether its mean is that of the dossier."""
    grilles: list[dict[str, Any]]
    remplacees: list[dict[str, Any]]
    """Former grids of the same persons."""
    lignes: list[CriterionMarks]
    moyenne: float | None
    ecart: float | None


def grids_of(reader: Reader, numbers: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the grids of dossiers, each with its marks by criterion."""
    rows = reader.rows_of(
        _BOTH, (*OF_GRIDS, *_OF_MARKS), {"numero": numbers}, order="numero, ligne, rang", limit=ALL
    )
    grids = [row for row in rows if row["critere"] is None]
    marks: dict[tuple[int, int], dict[str, float | None]] = defaultdict(dict)
    for row in rows:
        if row["critere"] is not None:
            marks[row["numero"], row["ligne"]][row["libelle"] or row["critere"]] = row["note"]
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for grid in grids:
        grid["notes"] = [*marks[grid["numero"], grid["ligne"]].items()]
        grid["manques"] = [critere for critere, note in grid["notes"] if note is None]
        found[grid["numero"]].append(grid)
    return found


def matrices(grids: Iterable[dict[str, Any]]) -> list[Matrix]:
    """Return the grids of one dossier by moment, that of the soutenance last."""
    by_moment: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for grid in grids:
        by_moment[bool(grid["soutenance"])].append(grid)
    return [_matrix(some) for some in by_moment.values() if some]


def _matrix(grids: list[dict[str, Any]]) -> Matrix:
    kept = [grid for grid in grids if grid["remplacee_par"] is None]
    marks: list[Mapping[str, float | None]] = [dict(grid["notes"]) for grid in kept]
    # A former revision of the form can have had other criteria.
    criteria = dict.fromkeys(critere for of_grid in marks for critere in of_grid)
    lines = []
    for critere in criteria:
        given = [of_grid.get(critere) for of_grid in marks]
        lines.append(
            CriterionMarks(critere, given, None if None in given else rounded(mean(exact(given))))
        )
    is_complete = all(grid["complete"] for grid in kept)
    means = [mean(exact(of_grid.values())) for of_grid in marks] if is_complete else []
    return Matrix(
        titre="Soutenance" if kept[0]["soutenance"] else "Dossier",
        compte=any(grid["compte"] for grid in kept),
        grilles=_called(kept),
        remplacees=[grid for grid in grids if grid["remplacee_par"] is not None],
        lignes=lines,
        moyenne=rounded(mean(means)) if means else None,
        ecart=rounded(max(means) - min(means)) if len(means) > 1 else None,
    )


def evaluator(grid: Mapping[str, Any]) -> str:
    """Return how the evaluator of a grid is called; who is unnamed, or not to be seen, by row."""
    return grid["evaluateur"] or f"Évaluateur {grid['ligne']}"


def _called(grids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the evaluators' short names: what is before the @, where that tells them apart."""
    names = [evaluator(grid).partition("@")[0] for grid in grids]
    for grid, name in zip(grids, names, strict=True):
        grid["nom_court"] = name if names.count(name) == 1 else evaluator(grid)
    return grids


def commented(grids: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the comments of one dossier's grids, each with who wrote it and when."""
    return [
        {"qui": f"{evaluator(grid)} ({moment(grid)})", "commentaire": grid["commentaire"]}
        for grid in grids
        if grid["commentaire"]
    ]


def moment(grid: Mapping[str, Any]) -> str:
    """Return the moment of a grid, in the words of the form where it has some."""
    return grid["moment"] or "Dossier"
