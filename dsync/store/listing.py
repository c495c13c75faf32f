"""The reads of lists, a part of `Reader`: dossiers by page, figures over time, rows of a view."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, text

from dsync.domain.dossier import OPEN_ETATS, PARIS
from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.extension import is_person
from dsync.store.reading_views import expanded
from dsync.store.sql import Subject
from dsync.store.wishes import StoredWish, WishStatus

Document = dict[str, Any]
"""JSON values by column; instants are text in UTC."""

SORTS = {
    "numero": "d.numero",
    "etat": "d.etat",
    "verdict": "v.verdict",
    "raison_sociale": "lower(d.raison_sociale)",
    "depose_le": "d.depose_le",
    "modifie_le": "d.modifie_le",
}
"""The expressions by which dossiers are sorted, by column."""

NO_VERDICT = "aucun"


class Selection(NamedTuple):
    """Which dossiers, in which order; None: no condition."""

    q: str | None = None
    """A text that number, organisation or product contains, in either case."""
    etat: str | None = None
    verdict: str | None = None
    """`NO_VERDICT`: those without one."""
    presence: str | None = None
    etape: str | None = None
    attend: str | None = None
    """Whom the dossier waits for, as of `lecture_suivi`."""
    groupe: str | None = None
    etiquette: str | None = None
    conflit: bool = False
    """Whether only dossiers with an open conflict."""
    tri: str = "numero"
    """A key of `SORTS`."""
    descendant: bool = False
    masked: bool = False
    """Whether `q` and the order leave out what a lecteur does not see: the names of persons, and
    the programme's column, which is free text."""


MOST_WISHES = 500
"""Maximum number of open wishes that are read at a time."""
_OPEN = (WishStatus.REFUSEE, WishStatus.INCERTAINE, WishStatus.EN_ATTENTE)


class _Listed(NamedTuple):
    column: str
    join: str


_ENTERPRISE = f"NOT {is_person('d')}"
_VERDICT = "LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant"
_CONDITIONS = {
    "etat": "d.etat = :etat",
    "verdict": "v.verdict = :verdict",
    "presence": "d.presence = :presence",
    "etape": "d.numero IN (SELECT s.numero FROM lecture_suivi AS s WHERE s.etape = :etape)",
    "attend": "d.numero IN (SELECT s.numero FROM lecture_suivi AS s WHERE s.attend = :attend)",
    "groupe": "json(t.divers) ->> 'groupe_instructeur' = :groupe",
    "etiquette": (
        "d.numero IN (SELECT e.numero FROM lecture_etiquette AS e WHERE e.etiquette = :etiquette)"
    ),
}
_IN_CONFLICT = (
    "EXISTS (SELECT 1 FROM outbox AS o WHERE o.numero = d.numero AND o.courante "
    "AND o.statut = 'conflit')"
)
# MATERIALIZED: the stages are counted in one pass, and not once for each line that reads them.
# IS TRUE: by `courant` alone, SQLite takes the partial index of the current verdicts, which lacks
# what is counted here, and reads each row; another index has all of it.
_FIGURES = """
WITH reached AS MATERIALIZED ({reached})
SELECT 'depots' AS serie, CAST(hour(d.depose_le) AS text) AS cle, count(*) AS nombre
FROM dossier AS d WHERE d.demarche_numero = :demarche GROUP BY hour(d.depose_le)
UNION ALL
SELECT 'verdicts', CAST(hour(v.depuis_le) AS text), count(*)
FROM verdict AS v WHERE v.demarche_numero = :demarche AND v.courant IS TRUE
GROUP BY hour(v.depuis_le)
UNION ALL
SELECT 'decisions', CAST(hour(d.traite_le) AS text), count(*)
FROM dossier AS d
WHERE d.demarche_numero = :demarche AND d.traite_le IS NOT NULL GROUP BY hour(d.traite_le)
{stages}
"""
"""By hour, which makes few groups fast; the hours are then put into days of Paris."""


def documents(rows: Sequence[Mapping[Any, Any]]) -> list[Document]:
    """Return rows as documents."""
    return [{str(name): _json(value) for name, value in row.items()} for row in rows]


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value


class ListingReads(Subject):
    """Reads what the console's pages show."""

    def listing(
        self, selection: Selection, *, limit: int, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return a page of dossiers, and how many there are in all.

        Args:
            selection: which ones, in which order.
            limit: maximum number of rows.
            offset: how many to leave out first.
        """
        listed = self._listed
        order = _order(selection)
        # The inner query sorts and counts narrow rows; the outer one completes those of the page.
        query = (
            f"SELECT d.numero, d.etat, d.presence, d.archive, utc(d.depose_le) AS depose_le, "  # noqa: S608 - names of ours
            f"utc(d.modifie_le) AS modifie_le, d.raison_sociale, {listed.column} v.verdict, "
            f"utc(v.depuis_le) AS verdict_etabli_le, v.detail, d.labels, "
            f"{_IN_CONFLICT} AS en_conflit, p.total "
            f"FROM (SELECT d.numero, count(*) OVER () AS total {self._selected(selection)}{order} "
            f"LIMIT :limit OFFSET :offset) AS p JOIN dossier AS d ON d.numero = p.numero "
            f"{_VERDICT} {listed.join}{order}"
        )
        rows = documents(
            self._execute(query, {**self._values(selection), "limit": limit, "offset": offset})
        )
        # Each row has it: a statement of its own would search a second time.
        total: int = rows[0].pop("total") if rows else 0
        for row in rows:
            row.pop("total", None)
            row["labels"] = json.loads(row["labels"] or "[]")
            row |= {name: bool(row[name]) for name in ("archive", "en_conflit")}
        return rows, total

    def enterprises(self) -> frozenset[int]:
        """Return the dossiers whose applicant is surely no single person."""
        query = f"SELECT numero FROM dossier AS d WHERE {_ENTERPRISE} AND demarche_numero = :number"  # noqa: S608 - of ours
        return frozenset(row["numero"] for row in self._execute(query, {"number": self.number}))

    def labels_and_groupes(self) -> tuple[list[str], list[str]]:
        """Return the names of the labels and of the groupes instructeurs of the démarche in DS.

        Not those of its dossiers: to look for them in 10,000 takes longer than the rest of a page.
        """
        table = tables.demarche
        row = self.connection.execute(
            select(table.c.labels, table.c.instructeurs).where(table.c.number == self.number)
        ).one_or_none()
        if row is None:
            return [], []
        return sorted(row.labels), sorted({one["groupe"] for one in row.instructeurs})

    def figures(self, *, with_stages: bool) -> dict[str, dict[str, int]]:
        """Count deposits, verdicts and decisions by day of Paris, and dossiers by stage reached.

        Args:
            with_stages: whether to count the programme's stages.
        """
        reached = self.extension.reached if with_stages else {}
        counts = ", ".join(
            f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS e{rank}"
            for rank, condition in enumerate(reached.values())
        )
        query = _FIGURES.format(
            reached=(
                f"SELECT {counts or '0 AS e'} FROM dossier AS d {self._listed.join} "  # noqa: S608 - names of ours
                "WHERE d.demarche_numero = :demarche AND d.presence = 'present'"
            ),
            stages="".join(
                f"UNION ALL SELECT 'etapes', '{rank}', e{rank} FROM reached "  # noqa: S608
                for rank in range(len(reached))
            ),
        )
        names = list(reached)
        found: dict[str, Counter[str]] = {
            name: Counter() for name in ("depots", "verdicts", "decisions", "etapes")
        }
        for row in self._execute(query, {"demarche": self.number}):
            is_stage = row["serie"] == "etapes"
            key = names[int(row["cle"])] if is_stage else _day_of_hour(row["cle"])
            found[row["serie"]][key] += row["nombre"] or 0
        by_day = {name: dict(sorted(counts.items())) for name, counts in found.items()}
        return by_day | {"etapes": {name: found["etapes"][name] for name in names}}

    def rows_of(
        self,
        view: str,
        columns: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: str,
        present: Sequence[str] = (),
        group: str | None = None,
        limit: int = 1000,
    ) -> list[Document]:
        """Return rows of a view.

        Args:
            view: its name; as all names here, one of ours.
            columns: the columns.
            where: the values that columns must have; a list: one of these; None: no value.
            order: the ORDER BY expression.
            present: columns that must have a value.
            group: the GROUP BY expression; None: none.
            limit: maximum number of rows.
        """
        conditions = " AND ".join(
            [
                *(
                    f"{name} IN :{name}" if isinstance(value, list) else f"{name} = :{name}"
                    for name, value in where.items()
                    if value is not None
                ),
                *(f"{name} IS NULL" for name, value in where.items() if value is None),
                *(f"{name} IS NOT NULL" for name in present),
            ]
        )
        grouped = f"GROUP BY {group} " if group else ""
        statement = text(
            f"SELECT {', '.join(columns)} FROM {view} "  # noqa: S608 - names of ours
            f"WHERE {conditions} {grouped}ORDER BY {order} LIMIT :limit"
        ).bindparams(
            *(
                bindparam(name, expanding=True)
                for name, value in where.items()
                if isinstance(value, list)
            )
        )
        found = self.connection.execute(statement, {**where, "limit": limit})
        return documents(found.mappings().all())

    def evaluations(self, numero: DossierNumber) -> list[Document]:
        """Return the programme's evaluations of a dossier, a row for each mark."""
        return documents(
            self._execute(
                "SELECT e.ligne, e.moment, e.evaluateur, e.commentaire, e.moyenne, n.critere, "
                "n.libelle, n.note FROM lecture_evaluation AS e LEFT JOIN lecture_evaluation_note "
                "AS n ON n.numero = :numero AND n.ligne = e.ligne WHERE e.numero = :numero "
                "ORDER BY e.ligne",
                {"numero": numero},
            )
        )

    def open_wishes(self) -> list[StoredWish]:
        """Return the wishes that wait or were refused, by dossier, for dossiers that are open."""
        dossier, outbox = tables.dossier, tables.outbox
        found = self.connection.execute(
            select(*(outbox.c[name] for name in StoredWish._fields))
            .join(dossier, dossier.c.numero == outbox.c.numero)
            .where(
                outbox.c.courante,
                outbox.c.statut.in_([status.value for status in _OPEN]),
                dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
                self._is_present(),
            )
            .order_by(outbox.c.numero, outbox.c.id)
            .limit(MOST_WISHES)
        )
        return [StoredWish(*row) for row in found]

    def events_of_run(self, run: int, *, limit: int, offset: int) -> list[Document]:
        """Return the events of a run, oldest first; arguments as of `requests`."""
        table = tables.evenement
        found = self.connection.execute(
            select(table.c.numero, table.c.survenu_le, table.c.evenement, table.c.details)
            .where(table.c.demarche_numero == self.number, table.c.run == run)
            .order_by(table.c.id)
            .limit(limit)
            .offset(offset)
        )
        return documents(found.mappings().all())

    @property
    def _listed(self) -> _Listed:
        """The programme's column, and how its table is joined."""
        column = self.extension.listed
        if column is None:
            return _Listed("", "")
        return _Listed(
            f"l.{column.name},", f"LEFT JOIN {column.table.name} AS l ON l.numero = d.numero"
        )

    def _selected(self, selection: Selection) -> str:
        """Return the FROM and WHERE clauses."""
        conditions = ["d.demarche_numero = :demarche"]
        for name, condition in _CONDITIONS.items():
            if getattr(selection, name) is not None:
                conditions.append(condition)
        if selection.verdict == NO_VERDICT:
            conditions[conditions.index(_CONDITIONS["verdict"])] = "v.verdict IS NULL"
        if selection.conflit:
            conditions.append(_IN_CONFLICT)
        if selection.q:
            texts = ["CAST(d.numero AS text)", _name(selection)]
            if (column := self.extension.listed) is not None and not selection.masked:
                texts.append(f"lower(l.{column.name})")
            likes = " OR ".join(f"{one} LIKE :q ESCAPE '\\'" for one in texts)
            conditions.append(f"({likes})")
        return " ".join(
            [
                "FROM dossier AS d",
                _VERDICT if selection.verdict or selection.tri == "verdict" else "",
                self._listed.join if selection.q else "",
                "JOIN contenu AS t ON t.numero = d.numero" if selection.groupe else "",
                f"WHERE {' AND '.join(conditions)}",
            ]
        )

    def _values(self, selection: Selection) -> dict[str, Any]:
        values: dict[str, Any] = {"demarche": self.number}
        for name in _CONDITIONS:
            if (value := getattr(selection, name)) is not None:
                values[name] = value
        if selection.verdict == NO_VERDICT:
            del values["verdict"]
        if selection.q:
            wanted = selection.q.lower()
            # The backslash first, because it escapes the others.
            for sign in "\\%_":
                wanted = wanted.replace(sign, f"\\{sign}")
            values["q"] = f"%{wanted}%"
        return values

    def _execute(self, query: str, values: Mapping[str, Any]) -> Sequence[Mapping[Any, Any]]:
        engine = self.connection.dialect.name
        statement = text(expanded(query, engine))
        return self.connection.execute(statement, dict(values)).mappings().all()


def _day_of_hour(hour: str) -> str:
    """Return the day of Paris of an hour, in UTC, such as `2024-06-01 22`, minutes or not."""
    return datetime.fromisoformat(f"{hour[:13]}:00+00:00").astimezone(PARIS).date().isoformat()


def _order(selection: Selection) -> str:
    direction = "DESC" if selection.descendant else "ASC"
    # In a complete order, no dossier is on two pages or on none.
    by_number = "" if selection.tri == "numero" else f", d.numero {direction}"
    # SQLite and PostgreSQL sort NULL differently by themselves.
    column = _name(selection) if selection.tri == "raison_sociale" else SORTS[selection.tri]
    return f" ORDER BY {column} {direction} NULLS LAST{by_number}"


def _name(selection: Selection) -> str:
    """Return the expression by which the applicant's name is found and sorted."""
    name = SORTS["raison_sociale"]
    return f"CASE WHEN {_ENTERPRISE} THEN {name} END" if selection.masked else name
