"""Counts of dossiers for publication as open data: no group of fewer than `LEAST` can be told.

Each table divides the dossiers of a démarche into groups, counts each dossier once, and has no
total: what small groups have in common with others is one row, so that no sum or difference of
rows is about fewer dossiers. The tables share no column, so that none completes another one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from dsync.domain.documented import Declared
from dsync.domain.ids import DemarcheNumber
from dsync.exports.view_rows import Columns, ExportTable

LEAST = 5
"""Dossiers of the smallest group that is told."""
TOGETHER = "regroupé"
"""The value of what is not told apart."""
SAID = (
    f"Données agrégées, sans aucune ligne de dossier : aucun groupe de moins de {LEAST} dossiers "
    f"n’y figure ni ne s’en déduit. « {TOGETHER} » rassemble les valeurs trop peu nombreuses et, "
    "s’il le faut, la suivante. Une valeur absente n’a aucun dossier, ou est regroupée. Deux "
    "publications rapprochées peuvent en dire davantage : publiez par mois, ou une fois l’appel "
    "clos."
)
_AVIS = "coalesce(p.avis, 'sans avis')"
_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "agregat_depot": (
        "Nombre de dossiers par mois de dépôt, avis du pré-contrôle et état, masqués et effacés "
        "compris.",
        {
            "mois": ("d.depot_mois", "Mois du dépôt, à l’heure de Paris : 2026-02."),
            "avis": (_AVIS, "Avis en cours du pré-contrôle ; sans avis s’il n’y en a pas."),
            "etat": ("d.etat", "État du dossier."),
        },
    ),
    "agregat_territoire": (
        "Nombre de dossiers par région du demandeur ou, dans une démarche dont aucun demandeur n’a "
        "de région, par groupe instructeur, masqués et effacés compris.",
        {
            "territoire": (
                "CASE WHEN r.numero IS NULL THEN d.groupe_instructeur ELSE d.region_nom END",
                "Région, ou groupe instructeur ; non renseigné si le dossier n’en a pas.",
            )
        },
    ),
}
"""By name: what the table says, and its columns with their SQL and their sentence.

A region and a groupe would complete each other, where groupes are made of regions.
"""
_QUERY = """
SELECT d.demarche_numero, {columns}, count(*)
FROM lecture_dossier AS d
LEFT JOIN lecture_precontrole AS p ON p.numero = d.numero AND p.courant
LEFT JOIN (
    SELECT demarche_numero, min(numero) AS numero FROM lecture_dossier
    WHERE region_nom IS NOT NULL GROUP BY demarche_numero
) AS r ON r.demarche_numero = d.demarche_numero
GROUP BY {places}
"""

_Counts = Mapping[tuple[str, ...], int]
"""Numbers of dossiers by their values."""


def aggregated_tables(demarche: DemarcheNumber | None = None) -> list[ExportTable]:
    """Return the tables of counts to export; of one démarche, or all."""
    number = Declared("Numéro de la démarche.", type="integer")
    count = Declared("Nombre de dossiers.", type="integer")
    return [
        CountTable(
            name,
            said,
            {
                "demarche_numero": number,
                **{column: Declared(sentence) for column, (_, sentence) in columns.items()},
                "nombre": count,
            },
            demarche,
            key=("demarche_numero", *columns),
            remark=SAID,
        )
        for name, (said, columns) in _TABLES.items()
    ]


@dataclass(frozen=True, slots=True)
class CountTable(ExportTable):
    """A table of counts."""

    def count(self, connection: Connection, since: datetime | None) -> int:
        """Return the number of rows that `rows` yields."""
        return sum(1 for _ in self._groups(connection))

    def rows(
        self, connection: Connection, since: datetime | None, *, as_texts: bool = False
    ) -> Generator[Columns]:
        """Yield the groups, each once, in the order of their values."""
        if found := sorted(self._groups(connection)):
            yield [*zip(*found, strict=True)]

    def _groups(self, connection: Connection) -> Iterator[tuple[int | str, ...]]:
        columns = [sql for sql, _ in _TABLES[self.name][1].values()]
        places = ", ".join(str(place + 1) for place in range(len(columns) + 1))
        query = _QUERY.format(columns=", ".join(columns), places=places)
        counts: defaultdict[int, dict[tuple[str, ...], int]] = defaultdict(dict)
        for number, *values, count in connection.execute(text(query)):
            if self.demarche in (None, number):
                counts[number][tuple(value or "non renseigné" for value in values)] = count
        for number, found in counts.items():
            for *values, count in told(found, len(columns)):
                yield (number, *values, count)


def told(counts: _Counts, columns: int) -> Iterator[tuple[str | int, ...]]:
    """Yield groups of at least `LEAST` dossiers that together have each one once; none if too few.

    A value whose dossiers are fewer is put together with others of its column, at least two, and
    what is put together is divided no further.
    """
    total = sum(counts.values())
    if total < LEAST:
        return
    if not columns:
        yield (total,)
        return
    sizes: Counter[str] = Counter()
    for (value, *_), count in counts.items():
        sizes[value] += count
    ascending = sorted(sizes, key=lambda value: (sizes[value], value))
    small = [value for value in ascending if sizes[value] < LEAST]
    while small and (len(small) == 1 or sum(sizes[value] for value in small) < LEAST):
        small.append(ascending[len(small)])
    for value in ascending[len(small) :]:
        own = {key[1:]: count for key, count in counts.items() if key[0] == value}
        yield from ((value, *rest) for rest in told(own, columns - 1))
    if small:
        yield (*[TOGETHER] * columns, sum(sizes[value] for value in small))
