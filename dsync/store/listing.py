"""Reads dossiers: one with all that is stored of it, a page of them, their counts and figures."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from sqlalchemy import Boolean, case, func, literal, or_, select, text

from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat, Glance, Presence
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.verdict import Verdict
from dsync.programme import DossierView, Programme
from dsync.store import tables
from dsync.store.dictionary import DOSSIER_VIEW, ENGINE, dossier_dictionary, is_person
from dsync.store.reading_views import expanded
from dsync.store.sql import Subject

_dossier, _verdict = tables.dossier, tables.verdict

Document = dict[str, Any]
"""JSON values by column; instants are text in UTC."""

SORTS = {
    "numero": "d.numero",
    "etat": "d.etat",
    "verdict": "v.verdict",
    "raison_sociale": "lower(coalesce(d.raison_sociale, d.demandeur_nom))",
    "depose_le": "d.depose_le",
    "champs_modifie_le": "d.champs_modifie_le",
}
"""The expressions by which dossiers are sorted, by column."""

NO_VERDICT = "aucun"

RETAINED = {
    **{etat.value: ("etat", "modifie_le" if etat in OPEN_ETATS else "traite_le") for etat in Etat},
    **{one.value: ("presence", "presence_le") for one in (Presence.MASQUE, Presence.DISPARU)},
}
"""The rules of retention about dossiers: the column with that value, and the date that counts."""


class TooOld(NamedTuple):
    """A dossier that a rule of retention has erased."""

    numero: DossierNumber
    regle: str
    depuis: datetime


class Selection(NamedTuple):
    """Which dossiers, in which order; None: no condition."""

    q: str | None = None
    """A text that number, applicant, e-mail address or product contains, in either case."""
    etat: str | None = None
    verdict: str | None = None
    """`NO_VERDICT`: those without one."""
    presence: str | None = None
    etape: str | None = None
    attend: str | None = None
    """Whom the dossier waits for; as `etape`, of a programme."""
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


class _Listed(NamedTuple):
    column: str
    join: str


_ANNOTATION_ORDER = "annotation, envoyee_le IS NULL, envoyee_le, statut, valeur"
"""Oldest first, never sent last: SQLite and PostgreSQL sort NULL differently."""

_VIEWS = {
    "precontroles": DossierView("lecture_precontrole", "etabli_le"),
    "controles": DossierView("lecture_precontrole_controle", "etabli_le", json="preuve"),
    "annotations": DossierView("lecture_annotation", _ANNOTATION_ORDER),
    "pieces": DossierView("lecture_piece", "nom"),
    "changements": DossierView("lecture_changement", "ordre"),
    "decisions": DossierView("lecture_decision", "rang"),
    "reponses": DossierView("lecture_reponse", "repondu_le, statut", json="constat_preuve"),
    "evenements": DossierView("lecture_evenement", "survenu_le", json="details"),
    "anomalie": DossierView("lecture_anomalie", "code"),
}
"""The engine's views of a dossier, by their key in `dsync dossier show --json`."""

_ENTERPRISE = f"NOT {is_person('d')}"
_VERDICT = "LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant"
_CONDITIONS = {
    "etat": "d.etat = :etat",
    "verdict": "v.verdict = :verdict",
    "presence": "d.presence = :presence",
    # Of the programme, whose conditions replace these.
    "etape": "false",
    "attend": "false",
    "groupe": "d.groupe_instructeur = :groupe",
    "etiquette": (
        "d.numero IN (SELECT e.numero FROM lecture_etiquette AS e WHERE e.etiquette = :etiquette)"
    ),
}
_PERSONAL = (
    "lower(d.demandeur_prenom || ' ' || d.demandeur_nom)",
    "lower(d.demandeur_nom || ' ' || d.demandeur_prenom)",
    "lower(d.usager_courriel)",
    "lower(d.mandataire_nom)",
)
"""The texts of persons in which `Selection.q` is looked for."""
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


@cache
def _main_view(programme: type[Programme]) -> DossierView:
    """Return the programme's view of a dossier with what it lacks of the view of all dossiers."""
    main = programme.main_view
    if main == ENGINE.main_view:
        return main
    shown = programme.views()[main.name]["columns"]
    others = [f"d.{name}" for name in dossier_dictionary()["columns"] if name not in shown]
    source = (
        f"(SELECT m.*, {', '.join(others)} FROM {main.name} AS m "  # noqa: S608 - names of ours
        f"JOIN {DOSSIER_VIEW} AS d ON d.numero = m.numero) AS f"
    )
    return main._replace(name=source)


def documents(rows: Sequence[Mapping[Any, Any]]) -> list[Document]:
    """Return rows as documents."""
    return [{str(name): _json(value) for name, value in row.items()} for row in rows]


def applicant_of(row: Mapping[str, Any]) -> str | None:
    """Return the name of who applies: an organisation's, else a person's."""
    names = (row["demandeur_prenom"], row["demandeur_nom"])
    return row["raison_sociale"] or " ".join(filter(None, names)) or None


def _decoded(value: Any) -> Any:
    """Decode JSON, unless it is null or PostgreSQL's driver has decoded it."""
    return json.loads(value) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value


class Selected(NamedTuple):
    """A dossier of a selection."""

    numero: int
    labels: str | None
    """A JSON array."""
    raison_sociale: str | None
    demandeur_prenom: str | None
    demandeur_nom: str | None


class DossierReads(Subject):
    """Reads dossiers."""

    def glances(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, Glance]:
        """Return what the copy has of these dossiers that shows a change; of the present ones."""
        dossier = _dossier.c
        rows = self.connection.execute(
            select(
                dossier.numero,
                dossier.etat,
                dossier.archive,
                dossier.revision_id,
                dossier.modifie_le,
                dossier.champs_modifie_le,
                dossier.annotations_modifie_le,
                dossier.groupe_instructeur,
                dossier.instructeurs,
                dossier.labels,
            )
            # All dossiers of the démarche would be gone through by a condition on their presence.
            .where(dossier.numero.in_(numbers))
            .where(dossier.presence == Presence.PRESENT.value)
        )
        return {
            number: Glance(
                number,
                Etat(row.etat),
                bool(row.archive),
                RevisionId(row.revision_id),
                row.modifie_le,
                row.champs_modifie_le,
                row.annotations_modifie_le,
                row.groupe_instructeur,
                frozenset(row.instructeurs or ()),
                frozenset(row.labels or ()),
            )
            for row in rows
            for number in [DossierNumber(row.numero)]
        }

    def by_number(
        self, numero: DossierNumber, *, only: Collection[str] | None = None
    ) -> Document | None:
        """Return everything stored about a dossier as JSON values, None if it is unknown.

        Args:
            numero: the dossier's number.
            only: the keys of the views to read beside the main one; None: all.
        """
        # A démarche beside the programme's has no row in its main view.
        found = self._view(_main_view(self.programme), numero) or self._view(
            ENGINE.main_view, numero
        )
        if not found:
            return None
        document = found[0]
        document["instructeurs"] = _decoded(document["instructeurs"])
        views = {**self.programme.dossier_views, **_VIEWS}
        return document | {
            key: self._view(view, numero)
            for key, view in views.items()
            if only is None or key in only
        }

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
            f"utc(d.champs_modifie_le) AS champs_modifie_le, d.raison_sociale, "
            f"d.demandeur_prenom, d.demandeur_nom, {listed.column} v.verdict, "
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

    def selected(self, selection: Selection) -> list[Selected]:
        """Return all dossiers of a selection, in its order: their numbers, labels and names."""
        columns = ", ".join(f"d.{name}" for name in Selected._fields)
        query = f"SELECT {columns} {self._selected(selection)}{_order(selection)}"
        return [Selected(**row) for row in self._execute(query, self._values(selection))]

    def enterprises(self) -> frozenset[int]:
        """Return the dossiers whose applicant is surely no single person."""
        query = f"SELECT numero FROM dossier AS d WHERE {_ENTERPRISE} AND demarche_numero = :number"  # noqa: S608 - of ours
        return frozenset(row["numero"] for row in self._execute(query, {"number": self.number}))

    def too_old(self, before: Mapping[str, datetime]) -> list[TooOld]:
        """Return the dossiers that a rule of retention has erased, oldest first, each once.

        Args:
            before: by state or presence, before which instant the date that counts has to lie.
        """
        found = [
            (name, at, (_dossier.c[column] == name) & (at < before[name]))
            for name, (column, date) in RETAINED.items()
            if name in before
            for at in [_dossier.c[date]]
        ]
        if not found:
            return []
        rule = case(*((is_due, literal(name)) for name, _, is_due in found))
        since = case(*((is_due, at) for _, at, is_due in found))
        rows = self.connection.execute(
            select(_dossier.c.numero, rule, since.label("since"))
            .where(
                _dossier.c.demarche_numero == self.number,
                _dossier.c.efface_le.is_(None),
                or_(*(is_due for _, _, is_due in found)),
            )
            .order_by("since", _dossier.c.numero)
        )
        return [TooOld(DossierNumber(number), name, at) for number, name, at in rows]

    def counts(self) -> Document:
        """Count the démarche's dossiers, as `counts_of`."""
        return self.counts_of([self.number])[self.number]

    def counts_of(self, numbers: Sequence[DemarcheNumber]) -> dict[DemarcheNumber, Document]:
        """Count dossiers by presence, the present ones by state, verdict and `a_evaluer`.

        `verdict_par_etat` has the counts of each state by verdict; `aucun`: without one.
        """
        is_present = _dossier.c.presence == Presence.PRESENT.value
        rows = self.connection.execute(
            select(
                *(by := (_dossier.c.demarche_numero, _dossier.c.presence, _dossier.c.etat)),
                _verdict.c.verdict,
                func.count(),
                func.sum(case((_dossier.c.a_evaluer & is_present, 1), else_=0)),
            )
            .outerjoin(_verdict, (_verdict.c.numero == _dossier.c.numero) & _verdict.c.courant)
            .where(_dossier.c.demarche_numero.in_(numbers))
            .group_by(*by, _verdict.c.verdict)
        )
        found = defaultdict[DemarcheNumber, list[Any]](list)
        for number, *row in rows:
            found[number].append(row)
        return {number: self._counted(found[number]) for number in numbers}

    @staticmethod
    def _counted(rows: Iterable[Any]) -> Document:
        presences = dict.fromkeys((presence.value for presence in Presence), 0)
        etats = dict.fromkeys((etat.value for etat in Etat), 0)
        verdicts = dict.fromkeys((verdict.key for verdict in Verdict), 0)
        by_etat: dict[str, dict[str, int]] = {etat: {NO_VERDICT: 0, **verdicts} for etat in etats}
        to_judge = 0
        for presence, etat, verdict, count, waiting in rows:
            presences[presence] += count
            to_judge += waiting
            if presence == Presence.PRESENT:
                etats[etat] += count
                by_etat[etat][Verdict(verdict).key if verdict else NO_VERDICT] += count
                if verdict is not None:
                    verdicts[Verdict(verdict).key] += count
        return {
            "presence": dict(presences),
            "etat": dict(etats),
            "verdict": dict(verdicts),
            "verdict_par_etat": by_etat,
            "a_evaluer": to_judge,
        }

    def present_count(self) -> int:
        """Return the number of present dossiers in the copy."""
        return self.connection.scalar(select(func.count()).where(self._is_present())) or 0

    def open_behind(self, revision_id: RevisionId) -> int:
        """Return the number of open dossiers in the copy that have another revision."""
        count = select(func.count()).where(
            self._is_present(),
            _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
            _dossier.c.revision_id != revision_id,
        )
        return self.connection.scalar(count) or 0

    def figures(self, *, with_stages: bool) -> dict[str, dict[str, int]]:
        """Count deposits, verdicts and decisions by day of Paris, and dossiers by stage reached.

        Args:
            with_stages: whether to count the programme's stages.
        """
        reached = self.programme.reached if with_stages else {}
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

    @cached_property
    def _booleans(self) -> frozenset[str]:
        """The names of Boolean columns."""
        own = tables.metadata.sorted_tables
        every = [*own, *self.programme.metadata.sorted_tables]
        return frozenset(
            column.name
            for table in every
            for column in table.columns
            if isinstance(column.type, Boolean)
        )

    def _view(self, view: DossierView, numero: DossierNumber) -> list[Document]:
        rows = self.connection.execute(
            text(f"SELECT * FROM {view.name} WHERE numero = :numero ORDER BY {view.order}"),  # noqa: S608 - names of ours
            {"numero": numero},
        )
        found = documents(rows.mappings().all())
        for document in found:
            if view.order != "numero":
                # Those of the dossier, which contains this document.
                del document["numero"]
                document.pop("demarche_numero", None)
            # A view on SQLite returns Booleans as 0 and 1.
            document.update(
                {
                    name: bool(value)
                    for name, value in document.items()
                    if name in self._booleans and value is not None
                }
            )
            if view.json is not None:
                document[view.json] = _decoded(document[view.json])
        return found

    @property
    def _listed(self) -> _Listed:
        """The programme's column, and how its table is joined."""
        column = self.programme.listed
        if column is None:
            return _Listed("", "")
        return _Listed(
            f"l.{column.name},", f"LEFT JOIN {column.table.name} AS l ON l.numero = d.numero"
        )

    def _selected(self, selection: Selection) -> str:
        """Return the FROM and WHERE clauses."""
        conditions = ["d.demarche_numero = :demarche"]
        for name, condition in {**_CONDITIONS, **self.programme.filters}.items():
            if getattr(selection, name) is not None:
                conditions.append(condition)
        if selection.verdict == NO_VERDICT:
            conditions[conditions.index(_CONDITIONS["verdict"])] = "v.verdict IS NULL"
        if selection.conflit:
            conditions.append(_IN_CONFLICT)
        if selection.q:
            texts = ["CAST(d.numero AS text)", _name(selection)]
            if not selection.masked:
                texts += _PERSONAL
                if (column := self.programme.listed) is not None:
                    texts.append(f"lower(l.{column.name})")
            likes = " OR ".join(f"{one} LIKE :q ESCAPE '\\'" for one in texts)
            conditions.append(f"({likes})")
        return " ".join(
            [
                "FROM dossier AS d",
                _VERDICT if selection.verdict or selection.tri == "verdict" else "",
                self._listed.join if selection.q else "",
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
