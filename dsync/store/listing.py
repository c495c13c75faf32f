"""Reads dossiers: one with all that is stored of it, a page of them, their counts and figures."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    CursorResult,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    text,
)

from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat, Glance, Presence, midnight
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.verdict import NO_VERDICT, SEVERITY, Resultat, Verdict
from dsync.domain.wording import dialled, fold, searchable, unaccented
from dsync.programme import DossierView, ListField, Programme
from dsync.store import tables
from dsync.store.dictionary import (
    DOSSIER_COLUMNS,
    DOSSIER_VIEW,
    ENGINE,
    SILENT_SINCE,
    all_tables,
    is_person,
    waited_for,
    waited_since,
)
from dsync.store.reading_views import expanded
from dsync.store.sql import Subject, among, is_in

_dossier, _verdict = tables.dossier, tables.verdict

Document = dict[str, Any]
"""JSON values by column; instants are text in UTC."""

SORTS = {
    "numero": "d.numero",
    "etat": "d.etat",
    "verdict": "v.verdict",
    "points": "nullif(v.points, '')",
    "raison_sociale": "lower(coalesce(d.raison_sociale, d.demandeur_nom))",
    "etape": "",
    "attend": "",
    "attend_depuis": "",
    "departement_nom": "r.departement_nom",
    "groupe_instructeur": "d.groupe_instructeur",
    "labels": "nullif(d.labels, '[]')",
    "depose_le": "d.depose_le",
    "champs_modifie_le": "d.champs_modifie_le",
    "traite_le": "d.traite_le",
    "repondu_le": "d.repondu_le",
    "verdict_etabli_le": "v.depuis_le",
}
"""The expressions by which dossiers are sorted, by column; empty: of stages."""

PERSONS = ("demandeur_prenom", "demandeur_nom", "usager_courriel", "mandataire_nom")
"""The columns of a dossier with names and addresses of persons by which it is found."""

UNDER_WAY, CLOSED = "en_cours", "clos"
"""As states: of the open dossiers, and of the others."""

TO_SETTLE = "a_regler"
"""As a result: of the dossiers that any check keeps from the best verdict."""

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
    """Words, each of which number, SIREN, SIRET, applicant, product or a person's data contain."""
    etat: str | None = None
    verdict: str | None = None
    """`NO_VERDICT`: those without one."""
    presence: str | None = None
    etape: str | None = None
    attend: str | None = None
    """Whom the dossier waits for; as `etape`, of a programme."""
    controle: str | None = None
    """A check, and with it or alone a result, as `points_of` names them: what keeps a verdict from
    the best one. « conforme »: the check does not, or was not examined."""
    resultat: str | None = None
    seul: bool = False
    """Whether only dossiers that one check alone keeps from the best verdict."""
    corrigible: tuple[str, ...] | None = None
    """Only those under construction that no other checks than these keep from the best verdict."""
    rattachement: str | None = None
    """The SIREN of the organisation that applies."""
    departement: str | None = None
    """The code of a département."""
    region: str | None = None
    """The code of the applicant's région."""
    own: Mapping[str, str] = MappingProxyType({})
    """Values of the programme's filters, by their names; of one that it has not: no dossier."""
    depose_du: date | None = None
    """The first day, of Paris, and the last one."""
    depose_au: date | None = None
    numeros: tuple[int, ...] | None = None
    """Of these dossiers only."""
    groupe: str | None = None
    suivi_par: str | None = None
    """The address of who follows them in DS."""
    etiquette: str | None = None
    conflit: bool = False
    """Whether only dossiers with an open conflict."""
    contredit: bool = False
    """Whether only dossiers that today's catalogue would not exclude, as their verdict does."""
    sans_reponse_depuis: datetime | None = None
    """Only open ones whose usager was asked for something before then, and has not answered."""
    repondu: bool = False
    """Whether only those whose usager had the last word, and nobody has acted or decided since."""
    arrive_depuis: datetime | None = None
    """Only present ones that were first read from then on."""
    repondu_depuis: datetime | None = None
    """Only present ones whose usager's answer was read from then on; DS's own date of it may be a
    day older."""
    tri: str = "numero"
    """A key of `SORTS`, or a field of the programme."""
    descendant: bool = False


class Offered(NamedTuple):
    """The values by which present dossiers can be filtered."""

    departements: dict[str, str]
    """The names by code."""
    rattachements: dict[str, str]
    """The names of organisations by SIREN."""
    regions: dict[str, str]
    """The names of the applicants' régions by code."""
    own: dict[str, list[str]]
    """Those of the programme's filters that have some to choose from, by their names."""


class Tally(NamedTuple):
    """How many present dossiers have one value, in all and by verdict; without one: `''`."""

    code: str | None
    nom: str | None
    total: int
    verdicts: Mapping[str, int]


class Around(NamedTuple):
    """A dossier's place in a selection."""

    avant: int | None
    """The numbers of the dossiers before it and after it."""
    apres: int | None
    rang: int
    total: int


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
    "messages": DossierView("lecture_message", "envoye_le, message", json="pieces"),
    "evenements": DossierView("lecture_evenement", "survenu_le", json="details"),
    "anomalie": DossierView("lecture_anomalie", "code"),
}
"""The engine's views of a dossier, by their key in `dsync dossier show --json`."""

_ENTERPRISE = f"NOT {is_person('d')}"
_VERDICT = "LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant"
# IS TRUE: by `courant` alone, SQLite takes the partial index of the current verdicts, which lacks
# what is counted, and reads each row; another index has all of it.
_COUNTED_VERDICT = "LEFT JOIN verdict AS v ON v.numero = d.numero AND v.courant IS TRUE"
_IN_LISTS = "LEFT JOIN liste AS r ON r.numero = d.numero"


def followed(name: str, dossier: str = "d", liste: str = "r") -> str:
    """Return the stage of a dossier, or whom it waits for, as SQL of a programme with stages.

    `name` is `etape` or `attend`; `dossier` and `liste` are aliases of the tables.
    """
    sql = _of_stage(name, dossier, liste)
    return waited_for(sql, dossier) if name == "attend" else sql


def _of_stage(name: str, dossier: str = "d", liste: str = "r") -> str:
    """Return what the row in `liste` has, unless a day that was to come has begun another stage."""
    return (
        f"CASE WHEN {liste}.etape_fin IS NULL OR utc({liste}.etape_fin) > now() "  # noqa: S608 - names of ours
        f"THEN {f'utc({liste}.{name})' if name == 'etape_depuis' else f'{liste}.{name}'} "
        f"ELSE (SELECT s.{name} FROM lecture_suivi AS s WHERE s.numero = {dossier}.numero) END"
    )


_FOLLOWED = {name: followed(name) for name in ("etape", "attend")}
_SINCE = (
    "CASE WHEN d.presence = 'present' "
    f"THEN {waited_since(_of_stage('attend'), _of_stage('etape_depuis'))} END"
)
"""Since when somebody is waited for."""
_IS_OPEN = f"d.etat IN ({', '.join(f'{etat.value!r}' for etat in sorted(OPEN_ETATS))})"
_CONDITIONS = {
    "etat": (
        f"(d.etat = :etat OR (:etat = '{UNDER_WAY}' AND {_IS_OPEN}) "
        f"OR (:etat = '{CLOSED}' AND NOT {_IS_OPEN}))"
    ),
    "verdict": "v.verdict = :verdict",
    "presence": "d.presence = :presence",
    "rattachement": f"d.siren = :rattachement AND {_ENTERPRISE}",
    "departement": "r.departement_code = :departement",
    "region": f"d.region_code = :region AND {_ENTERPRISE}",
    "numeros": "d.numero IN :numeros",
    "depose_du": "d.depose_le >= :depose_du",
    "depose_au": "d.depose_le < :depose_au",
    "sans_reponse_depuis": f"{SILENT_SINCE} <= :sans_reponse_depuis",
    "groupe": "d.groupe_instructeur = :groupe",
    "suivi_par": "lower(d.instructeurs) LIKE :suivi_par ESCAPE '\\'",
    # Of few, which the second condition is asked of.
    "arrive_depuis": (
        "d.presence = 'present' AND d.modifie_ici_le >= :arrive_depuis AND EXISTS ("
        "SELECT 1 FROM evenement AS e WHERE e.numero = d.numero AND e.evenement = 'cree' "
        "AND e.survenu_le >= :arrive_depuis)"
    ),
    "repondu_depuis": (
        "d.presence = 'present' AND d.modifie_ici_le >= :repondu_depuis "
        "AND d.repondu_le >= :repondu_veille"
    ),
    "etiquette": (
        "d.numero IN (SELECT e.numero FROM lecture_etiquette AS e WHERE e.etiquette = :etiquette)"
    ),
}
_DAYS = (
    *("depose_du", "depose_au", "sans_reponse_depuis"),
    *("arrive_depuis", "repondu_depuis", "repondu_veille"),
)
_ACTED = (
    f"coalesce(CASE WHEN {_IS_OPEN} THEN d.en_instruction_le ELSE d.traite_le END, d.depose_le)"
)
_ANSWERED = (
    f"d.repondu_le IS NOT NULL AND (d.repondu_le > {_ACTED} "
    f"OR (d.dernier_message_de = 'usager' AND d.dernier_message_le > {_ACTED}))"
)
# A check that a person said to be « non conforme » keeps its point, and asks nobody anything.
_SAID = (
    "FROM reponse AS a WHERE a.numero = d.numero AND a.statut = 'valable' "
    "AND v.points LIKE '%|' || a.controle || '\\:non_conforme|%'"
)
_LEFT_TO_SETTLE = (
    # In double parentheses: `length(x)` is the macro of an array's length.
    f"length((v.points)) - length(replace(v.points, '|', '')) - 1 > (SELECT count(*) {_SAID})"
)
_THIS_IS_LEFT = f"NOT EXISTS (SELECT 1 {_SAID} AND a.controle = :controle)"
_ONE_POINT = "v.points LIKE '|%|' AND v.points NOT LIKE '|%|%|'"
_ASKED = (Resultat.NON_CONFORME.value, Resultat.A_VERIFIER.value)
_MOST_WORDS = 20
"""Words of a search that count; a SQL statement has a depth."""


_IN_CONFLICT = (
    "EXISTS (SELECT 1 FROM outbox AS o WHERE o.numero = d.numero AND o.courante "
    "AND o.statut = 'conflit')"
)
CONTRADICTED = f"v.verdict = '{Verdict.INELIGIBLE.value}' AND v.remarque IS NOT NULL"
"""Of what today's catalogue would not exclude: a remark says of a verdict that another one would be
given."""
# MATERIALIZED: the stages are counted in one pass, and not once for each line that reads them.
# IS TRUE: as in `_COUNTED_VERDICT`.
_FIGURES = """
WITH reached AS MATERIALIZED ({reached})
SELECT coalesce(v.verdict, '') AS serie, CAST(hour(d.depose_le) AS text) AS cle,
    count(*) AS nombre
FROM dossier AS d {verdict}
WHERE d.demarche_numero = :demarche AND d.presence = 'present' GROUP BY 1, hour(d.depose_le)
UNION ALL
SELECT 'decisions', CAST(hour(d.traite_le) AS text), count(*)
FROM dossier AS d
WHERE d.demarche_numero = :demarche AND d.presence = 'present' AND d.traite_le IS NOT NULL
GROUP BY hour(d.traite_le)
{stages}
"""
"""By hour, which makes few groups fast; the hours are then put into days of Paris."""


@cache
def _main_view(programme: type[Programme]) -> DossierView:
    """Return the programme's view of a dossier with what it lacks of the view of all dossiers."""
    main = programme.storage.main_view
    if main == ENGINE.main_view:
        return main
    shown = programme.storage.views[main.name].columns
    others = [f"d.{name}" for name in DOSSIER_COLUMNS if name not in shown]
    source = (
        f"(SELECT m.*, {', '.join(others)} FROM {main.name} AS m "  # noqa: S608 - names of ours
        f"JOIN {DOSSIER_VIEW} AS d ON d.numero = m.numero) AS f"
    )
    return main._replace(name=source)


def documents(found: CursorResult[Any]) -> list[Document]:
    """Return the rows of a statement as documents."""
    names = [*found.keys()]
    return [dict(zip(names, map(_json, row), strict=True)) for row in found]


def applicant_of(row: Mapping[str, Any]) -> str | None:
    """Return the name of who applies: an organisation's, else a person's."""
    names = (row["demandeur_prenom"], row["demandeur_nom"])
    return row["raison_sociale"] or " ".join(filter(None, names)) or None


def _decoded(value: Any) -> Any:
    """Decode JSON, unless it is null or PostgreSQL's driver has decoded it."""
    return json.loads(value) if isinstance(value, str) else value


def _json(value: Any) -> Any:
    if not isinstance(value, date):
        return value
    is_instant = isinstance(value, datetime)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if is_instant else value.isoformat()


class DossierReads(Subject):
    """Reads dossiers."""

    def demarches(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, DemarcheNumber]:
        """Return the démarche of each of these dossiers that is in the copy."""
        of_any = select(_dossier.c.numero, _dossier.c.demarche_numero)
        rows = self.connection.execute(of_any.where(among(_dossier.c.numero, numbers)))
        return {DossierNumber(number): DemarcheNumber(demarche) for number, demarche in rows}

    def content_hashes(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, str | None]:
        """Return the hashes of what the copy has of these dossiers; of the present ones."""
        dossier = _dossier.c
        rows = self.connection.execute(
            select(dossier.numero, dossier.content_hash)
            .where(among(dossier.numero, numbers))
            .where(dossier.presence == Presence.PRESENT.value)
        )
        return {DossierNumber(number): content_hash for number, content_hash in rows}

    def glances(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, Glance]:
        """Return what the copy has of these dossiers that shows a change, where a glance is enough.

        Of the present ones that were last read after dsync's own write, once its second was over.
        DS's dates are whole seconds: of others, two edits in one second look like the first.
        """
        dossier, event = _dossier.c, tables.evenement.c
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
            .where(among(dossier.numero, numbers))
            .where(dossier.presence == Presence.PRESENT.value)
            .where(
                exists().where(
                    event.numero == dossier.numero,
                    event.run == dossier.lu_par_run,
                    event.evenement == "pousse",
                )
            )
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

        `only` are the keys of the views to read beside the main one; None: all.
        """
        # A démarche beside the programme's has no row in its main view.
        found = self._view(_main_view(self.programme), numero) or self._view(
            ENGINE.main_view, numero
        )
        if not found:
            return None
        document = found[0]
        document["instructeurs"] = _decoded(document["instructeurs"])
        return document | {
            key: self._view(view, numero)
            for key, view in self.views.items()
            if only is None or key in only
        }

    @property
    def views(self) -> Mapping[str, DossierView]:
        """The views of a dossier beside the main one, by their key in its document."""
        return {**self.programme.storage.dossier_views, **_VIEWS}

    def answers(self, numero: DossierNumber) -> list[Document]:
        """Return the champs and annotations of a dossier, each with its value."""
        query = (
            "SELECT champ_id, ligne, libelle, origine, valeur FROM lecture_champ "
            "WHERE numero = :numero ORDER BY champ_id, ligne"
        )
        return documents(self._executed(query, {"numero": numero}))

    def listing(
        self, selection: Selection, *, limit: int, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return a page of dossiers, and how many there are in all; arguments as of `page`."""
        numbers, total = self.page(selection, limit=limit, offset=offset)
        return self.shown(numbers), total

    def page(self, selection: Selection, *, limit: int, offset: int = 0) -> tuple[list[int], int]:
        """Return the numbers of a page of dossiers, and how many there are in all."""
        query = (
            f"SELECT d.numero, count(*) OVER () AS total {self._selected(selection)} "
            "LIMIT :limit OFFSET :offset"
        )
        values = {**self._values(selection), "limit": limit, "offset": offset}
        found = self._executed(query, values).all()
        # Each row has it: a statement of its own would search a second time.
        total: int = found[0].total if found else 0
        return [row.numero for row in found], total

    def numbers_of(self, selection: Selection) -> list[int]:
        """Return the numbers of all dossiers of a selection, in its order."""
        query = f"SELECT d.numero {self._selected(selection)}"
        return list(self._executed(query, self._values(selection)).scalars())

    def contradicted(self) -> list[DossierNumber]:
        """Return the open dossiers that today's catalogue would not exclude."""
        chosen = Selection(etat=UNDER_WAY, presence=Presence.PRESENT.value, contredit=True)
        return [DossierNumber(number) for number in self.numbers_of(chosen)]

    def shown(self, numbers: Sequence[int], also: Collection[str] = ()) -> list[Document]:
        """Return what lists show of these dossiers, in this order, but for those it lacks.

        `also` are names of the programme's fields, and of `persons`, that they show when they are
        asked to.
        """
        followed, since = self._followed, _SINCE if self.programme.selection else "NULL"
        fields = [one for one in self._fields.values() if one.is_shown or one.name in also]
        persons = {name: sql for name, sql in self.persons.items() if name in also}
        asked = {one.name: one.sql for one in fields} | persons
        own = "".join(f"{sql} AS {name}, " for name, sql in asked.items())
        query = (
            f"SELECT d.numero, d.etat, d.presence, d.archive, utc(d.depose_le) AS depose_le, "  # noqa: S608 - names of ours
            f"utc(d.champs_modifie_le) AS champs_modifie_le, utc(d.traite_le) AS traite_le, "
            f"d.raison_sociale, "
            f"d.demandeur_prenom, d.demandeur_nom, {own}v.verdict, "
            f"utc(v.depuis_le) AS verdict_etabli_le, v.detail, d.labels, d.groupe_instructeur, "
            f"{followed['etape']} AS etape, {followed['attend']} AS attend, "
            f"{since} AS attend_depuis, utc(d.demande_le) AS demande_le, "
            f"utc(d.dernier_message_le) AS dernier_message_le, "
            f"utc(d.repondu_le) AS repondu_le, r.departement_nom, {_IN_CONFLICT} AS en_conflit "
            f"FROM dossier AS d {_VERDICT} {_IN_LISTS} {self._joined} WHERE d.numero IN :numbers"
        )
        by_number, team = {}, self.team_results(numbers)
        for row in documents(self._executed(query, {"numbers": list(numbers)})):
            row["avis_equipe"] = team.get(row["numero"])
            row["labels"] = json.loads(row["labels"] or "[]")
            row |= {one.name: _several(row[one.name]) for one in fields if one.is_many}
            row |= {name: bool(row[name]) for name in ("archive", "en_conflit")}
            by_number[row["numero"]] = row
        return [by_number[number] for number in numbers if number in by_number]

    def team_results(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the results of persons that stand in place of dsync's, by dossier.

        Empty: there is one, and who reads does not see it.
        """
        query = (
            "SELECT numero, coalesce(avis_equipe, '') AS avis FROM lecture_precontrole "
            "WHERE courant AND avis_remplace AND numero IN :numbers"
        )
        found = self._executed(query, {"numbers": [*numbers]}) if numbers else ()
        return {row.numero: row.avis for row in found}

    @property
    def persons(self) -> Mapping[str, str]:
        """The columns with persons by which a search finds a dossier, as SQL, by name."""
        own = self.programme.lists.persons if self.programme.lists else ()
        return {name: f"{'l' if name in own else 'd'}.{name}" for name in (*PERSONS, *own)}

    def reasons(self, numbers: Sequence[int]) -> dict[int, list[Document]]:
        """Return the checks that keep these dossiers from the best verdict, the severest first.

        Each with the sentence of its result and its evidence, by the dossier's number.
        """
        query = (
            "SELECT numero, controle, resultat, motif, preuve FROM lecture_precontrole_controle "
            "WHERE courant AND numero IN :numbers"
        )
        found = defaultdict[int, list[Document]](list)
        for row in documents(self._executed(query, {"numbers": list(numbers)})):
            if SEVERITY[Resultat(row["resultat"])]:
                row["preuve"] = _decoded(row["preuve"])
                found[row.pop("numero")].append(row)
        for some in found.values():
            some.sort(key=lambda one: SEVERITY[Resultat(one["resultat"])], reverse=True)
        return found

    def offered(self) -> Offered:
        """Return the values by which dossiers can be filtered."""
        many = [one for one in self._fields.values() if one.is_many]
        # DISTINCT before anything else: grouping takes SQLite three times as long.
        query = (
            "SELECT DISTINCT 'lieu' AS serie, r.departement_code AS code, "  # noqa: S608 - names of ours
            f"r.departement_nom AS nom{''.join(f', {one.sql} AS {one.filter}' for one in many)} "
            "FROM liste AS r WHERE r.demarche_numero = :demarche "
            f"UNION ALL SELECT 'organisme', d.siren, d.raison_sociale{', NULL' * len(many)} FROM ("
            "SELECT DISTINCT siren, raison_sociale, forme_juridique_code FROM dossier "
            f"WHERE demarche_numero = :demarche) AS d WHERE {_ENTERPRISE} "
            f"UNION ALL SELECT DISTINCT 'region', d.region_code, d.region_nom"
            f"{', NULL' * len(many)} FROM dossier AS d "
            f"WHERE d.demarche_numero = :demarche AND {_ENTERPRISE}"
        )
        found: dict[str, dict[str, str]] = {"lieu": {}, "organisme": {}, "region": {}}
        own: dict[str, set[str]] = {one.filter: set() for one in many if one.filter}
        for row in self._executed(query, {"demarche": self.number}).mappings():
            for name, values in own.items():
                values.update(_several(row[name]))
            if row["code"]:
                found[row["serie"]].setdefault(row["code"], row["nom"] or row["code"])
        return Offered(
            dict(sorted(found["lieu"].items())),
            dict(sorted(found["organisme"].items(), key=lambda one: unaccented(one[1]))),
            dict(sorted(found["region"].items(), key=lambda one: unaccented(one[1]))),
            {name: sorted(values) for name, values in own.items()},
        )

    def close_to(self, q: str, others: Collection[str] = ()) -> list[str]:
        """Return names that are similar to what found nothing: of persons, organisations, others.

        Three of persons at most, as searches have them, and three of all others, as they are.
        """
        known = {fold(one): one for one in {*others, *self.offered().rattachements.values()} if one}
        found = [known[one] for one in get_close_matches(fold(q), known, n=3, cutoff=0.6)]
        # Of a long name, the words that were typed may be a few.
        names = {word: one for one in known for word in one.split() if len(word) > 3}
        found += [known[names[one]] for one in get_close_matches(fold(q), names, n=3, cutoff=0.8)]
        return [*self._persons_close_to(_words(q)), *dict.fromkeys(found[:3])]

    def _persons_close_to(self, typed: Sequence[str]) -> list[str]:
        """Return the words of persons' names that are similar to all that was typed.

        If nobody has them all, such as with another first name, those that somebody has.
        """
        listed = select(tables.liste.c.personnes).where(
            tables.liste.c.demarche_numero == self.number
        )
        persons = Counter(filter(None, self.connection.execute(listed).scalars()))
        names = {one: _names(one) for one in persons}
        every = {name for one in names.values() for name in one}
        near = [get_close_matches(word, every, n=5, cutoff=0.8) for word in typed]
        found, parts = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
        for one, own in names.items():
            ranks = [
                next((rank for rank, name in enumerate(some) if name in own), None) for some in near
            ]
            if ranks and None not in ranks:
                said = [own[some[rank or 0]] for some, rank in zip(near, ranks, strict=True)]
                found[sum(filter(None, ranks)), " ".join(said)] += persons[one]
            elif len(typed) > 1:
                for word in typed:
                    if word in own and len(word) > _SHORT_NAME:
                        parts[0, own[word]] += persons[one]
        found.pop((0, " ".join(typed)), None)
        found = found or parts
        nearest = sorted(found, key=lambda one: (one[0], -found[one]))
        return [*dict.fromkeys(said.title() for _, said in nearest)][:3]

    def tallies(self) -> dict[str, list[Tally]]:
        """Count the present dossiers by organisation, by région and by each of the programme's.

        By the name of the filter that lists them, the most first; None: those without a value.
        """
        own = {one.filter: one.sql for one in self._fields.values() if one.is_many and one.filter}
        every = {
            "rattachement": ("d.siren", "d.raison_sociale", _ENTERPRISE),
            "region": ("d.region_code", "d.region_nom", _ENTERPRISE),
            **{name: (sql, "NULL", "1 = 1") for name, sql in own.items()},
        }
        found: dict[str, list[Tally]] = {}
        for name, (code, label, known) in every.items():
            rows = self._executed(
                f"SELECT CASE WHEN {known} THEN {code} END AS code, "  # noqa: S608 - names of ours
                f"min(CASE WHEN {known} THEN {label} END) AS nom, coalesce(v.verdict, '') AS avis, "
                f"count(*) AS nombre FROM dossier AS d {_COUNTED_VERDICT} {_IN_LISTS} "
                f"{self._joined} WHERE d.demarche_numero = :demarche AND d.presence = 'present' "
                "GROUP BY 1, 3",
                {"demarche": self.number},
            ).all()
            counts = defaultdict[str | None, Counter[str]](Counter)
            labels = dict[str | None, str | None]()
            for row in rows:
                codes: list[str | None] = [*_several(row.code)] if name in own else [row.code]
                for one in codes or [None]:
                    counts[one][row.avis] += row.nombre
                    labels[one] = row.nom or one
            tallied = [Tally(one, labels[one], some.total(), some) for one, some in counts.items()]
            found[name] = sorted(tallied, key=lambda one: (one.code is None, -one.total, one.nom))
        return found

    def points(self) -> dict[str, Counter[str]]:
        """Count the present dossiers that each check keeps from the best verdict, by its result.

        The most first; a dossier counts for each of its checks.
        """
        rows = self._executed(
            f"SELECT v.points, count(*) AS nombre FROM dossier AS d {_VERDICT} "  # noqa: S608 - names of ours
            "WHERE d.demarche_numero = :demarche AND d.presence = 'present' AND v.points <> '' "
            "GROUP BY v.points",
            {"demarche": self.number},
        )
        found = defaultdict[str, Counter[str]](Counter)
        for row in rows.mappings():
            for one in _several(row["points"]):
                check, _, result = one.partition(":")
                found[check][result] += row["nombre"]
        return dict(sorted(found.items(), key=lambda one: -one[1].total()))

    def around(self, selection: Selection, number: DossierNumber) -> Around | None:
        """Return a dossier's place in a selection; None: it is not in it."""
        numbers = self.numbers_of(selection)
        if number not in numbers:
            return None
        place = numbers.index(number)
        before, after = numbers[place - 1 : place], numbers[place + 1 : place + 2]
        return Around(next(iter(before), None), next(iter(after), None), place + 1, len(numbers))

    def seen(self) -> frozenset[int]:
        """Return the numbers of the démarche's dossiers."""
        return frozenset(self._dossiers())

    def too_old(self, before: Mapping[str, datetime]) -> list[TooOld]:
        """Return the dossiers that a rule of retention has erased, oldest first, each once.

        `before` says, by state or presence, before which instant the date that counts has to lie.
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

    def has_more_than(self, count: int) -> bool:
        """Return whether the copy has more dossiers than that, hidden and erased ones included."""
        further = select(_dossier.c.numero).where(_dossier.c.demarche_numero == self.number)
        return self.connection.scalar(further.offset(count).limit(1)) is not None

    def moved_since(self, at: datetime) -> int:
        """Return the number of dossiers of which the copy says more or else since an instant."""
        is_moved = (_dossier.c.demarche_numero == self.number) & (_dossier.c.modifie_ici_le > at)
        return self.connection.scalar(select(func.count()).where(is_moved)) or 0

    def open_behind(self, revision_id: RevisionId) -> int:
        """Return the number of open dossiers in the copy that have another revision."""
        is_behind = _dossier.c.revision_id != revision_id
        count = select(func.count()).where(self._is_present(), is_in(OPEN_ETATS), is_behind)
        return self.connection.scalar(count) or 0

    def figures(self, *, with_stages: bool) -> dict[str, dict[str, int]]:
        """Count deposits and decisions of present dossiers by day of Paris, and stages reached.

        The deposits by the dossiers' present verdict: its key, or `NO_VERDICT`.
        """
        part = self.programme.selection if with_stages else None
        reached = part.reached if part else {}
        counts = ", ".join(
            f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS e{rank}"
            for rank, condition in enumerate(reached.values())
        )
        query = _FIGURES.format(
            verdict=_COUNTED_VERDICT,
            reached=(
                f"SELECT {counts or '0 AS e'} FROM dossier AS d {self._joined} "  # noqa: S608 - names of ours
                f"WHERE d.demarche_numero = :demarche AND d.presence = 'present'"
            ),
            stages="".join(
                f"UNION ALL SELECT 'etapes', '{rank}', e{rank} FROM reached "  # noqa: S608
                for rank in range(len(reached))
            ),
        )
        names = list(reached)
        deposits = {"": NO_VERDICT} | {one.value: one.key for one in Verdict}
        series = (*deposits.values(), "decisions", "etapes")
        found: dict[str, Counter[str]] = {name: Counter() for name in series}
        for row in self._executed(query, {"demarche": self.number}).mappings():
            is_stage = row["serie"] == "etapes"
            key = names[int(row["cle"])] if is_stage else _day_of_hour(row["cle"])
            found[deposits.get(row["serie"], row["serie"])][key] += row["nombre"] or 0
        by_day = {name: dict(sorted(counts.items())) for name, counts in found.items()}
        return by_day | {"etapes": {name: found["etapes"][name] for name in names}}

    @cached_property
    def _booleans(self) -> frozenset[str]:
        return frozenset(
            column.name
            for table in all_tables(self.programme)
            for column in table.columns
            if isinstance(column.type, Boolean)
        )

    def _view(self, view: DossierView, numero: DossierNumber) -> list[Document]:
        rows = self.connection.execute(
            text(f"SELECT * FROM {view.name} WHERE numero = :numero ORDER BY {view.order}"),  # noqa: S608 - names of ours
            {"numero": numero},
        )
        found = documents(rows)
        for document in found:
            if view.order != "numero":
                # Those of the dossier, which contains this document.
                del document["numero"]
                for name in ("demarche_numero", "modifie_ici_le"):
                    document.pop(name, None)
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
    def _followed(self) -> Mapping[str, str]:
        """The stage of a dossier and whom it waits for, as SQL."""
        return _FOLLOWED if self.programme.selection else dict.fromkeys(_FOLLOWED, "NULL")

    @property
    def _fields(self) -> Mapping[str, ListField]:
        """What lists have of the programme, by name."""
        part = self.programme.lists
        return {one.name: one for one in part.fields} if part else {}

    @property
    def _joined(self) -> str:
        """How the programme's table is joined."""
        part = self.programme.lists
        return f"LEFT JOIN {part.table.name} AS l ON l.numero = d.numero" if part else ""

    def _selected(self, selection: Selection) -> str:
        """Return the FROM, WHERE and ORDER BY clauses."""
        wanted = selection._asdict()
        followed = {name: f"{sql} = :{name}" for name, sql in self._followed.items()}
        conditions = ["d.demarche_numero = :demarche"]
        for name, condition in {**_CONDITIONS, **followed}.items():
            if wanted[name] is not None:
                conditions.append(condition)
        if selection.verdict == NO_VERDICT:
            conditions[conditions.index(_CONDITIONS["verdict"])] = "v.verdict IS NULL"
        filters = {one.filter: one for one in self._fields.values()}
        conditions += [
            filters[name].condition if name in filters else "false" for name in selection.own
        ]
        if selection.controle is not None or selection.resultat is not None:
            is_clear = selection.resultat == Resultat.CONFORME
            conditions.append(f"v.points {'NOT ' if is_clear else ''}LIKE :point ESCAPE '\\'")
        if selection.resultat == TO_SETTLE:
            conditions.append(_LEFT_TO_SETTLE if selection.controle is None else _THIS_IS_LEFT)
        if selection.seul:
            conditions.append(_ONE_POINT)
        if selection.corrigible is not None:
            left = "v.points"
            for rank in range(2 * len(selection.corrigible)):
                left = f"replace({left}, :c{rank}, '')"
            conditions += [f"d.etat = '{Etat.EN_CONSTRUCTION.value}'", f"{left} = '|'"]
        if selection.repondu:
            conditions.append(_ANSWERED)
        if selection.conflit:
            conditions.append(_IN_CONFLICT)
        if selection.contredit:
            conditions.append(CONTRADICTED)
        if selection.q:
            words = _words(selection.q)
            conditions += [self._found(f":q{rank}") for rank in range(len(words))]
            if not words:
                conditions.append("false")
        where = f"WHERE {' AND '.join(conditions)}"
        query = f"{where} {self._order(selection)}"
        # What is not read is not joined.
        joins = {"v.": _COUNTED_VERDICT, "r.": _IN_LISTS, "l.": self._joined}
        used = [join for alias, join in joins.items() if re.search(rf"\b{alias}", query)]
        return f"FROM dossier AS d {' '.join(used)} {query}"

    def _order(self, selection: Selection) -> str:
        direction = "DESC" if selection.descendant else "ASC"
        # In a complete order, no dossier is on two pages or on none.
        by_number = "" if selection.tri == "numero" else f", d.numero {direction}"
        # SQLite and PostgreSQL sort NULL differently by themselves.
        return f"ORDER BY {self._sorted_by(selection)} {direction} NULLS LAST{by_number}"

    def _sorted_by(self, selection: Selection) -> str:
        part = self.programme.selection
        if (field := self._fields.get(selection.tri)) is not None:
            return field.sql
        match selection.tri:
            case "etape" if part:
                ranks = (f"WHEN '{one}' THEN {k}" for k, one in enumerate(part.stages))
                return f"CASE {self._followed['etape']} {' '.join(ranks)} END"
            case "etape" | "attend" as name:
                return self._followed[name] if part else "d.numero"
            case "attend_depuis":
                return _SINCE if part else "d.depose_le"
            case name:
                return SORTS.get(name, "d.numero")

    def _found(self, word: str) -> str:
        """Return the condition by which a word finds a dossier."""
        found = [f"r.{name} LIKE {word}" for name in ("texte", "personnes", "libre")]
        # Of one that is erased, or a person's, nothing else is seen.
        found.append(f"r.texte IS NULL AND CAST(d.numero AS text) LIKE {word}")
        if self.programme.lists:
            found.append(self.programme.lists.found_by.format(like=word))
        return f"({' OR '.join(found)})"

    def _values(self, selection: Selection) -> dict[str, Any]:
        values: dict[str, Any] = {"demarche": self.number}
        for name in (*_CONDITIONS, *_FOLLOWED):
            if (value := getattr(selection, name)) is not None:
                values[name] = value
        if selection.verdict == NO_VERDICT:
            del values["verdict"]
        if selection.suivi_par is not None:
            values["suivi_par"] = f'%"{_plain(selection.suivi_par.lower())}"%'
        if selection.numeros is not None:
            values["numeros"] = list(selection.numeros)
        many = {one.filter for one in self._fields.values() if one.is_many}
        for name, value in selection.own.items():
            values[name] = f"%|{_plain(value)}|%" if name in many else value
        for name, day in (("depose_du", selection.depose_du), ("depose_au", selection.depose_au)):
            if day is not None:
                # Days of Paris; the last one is whole.
                values[name] = midnight(day + timedelta(days=name == "depose_au"))
        if selection.repondu_depuis is not None:
            values["repondu_veille"] = selection.repondu_depuis - timedelta(days=1)
        if selection.controle is not None or selection.resultat is not None:
            is_any = selection.resultat in (Resultat.CONFORME, TO_SETTLE)
            result = None if is_any else selection.resultat
            check = "%" if selection.controle is None else f"%|{_plain(selection.controle)}"
            values["point"] = f"{check}:{_plain(result) + '|' if result else ''}%"
        if selection.resultat == TO_SETTLE and selection.controle is not None:
            values["controle"] = selection.controle
        points = (f"|{one}:{result}" for one in selection.corrigible or () for result in _ASKED)
        values |= {f"c{rank}": point for rank, point in enumerate(points)}
        for rank, word in enumerate(_words(selection.q or "")):
            # Nothing that LIKE reads as a sign is in a word.
            values[f"q{rank}"] = f"%{word}%"
        return values

    def _executed(self, query: str, values: Mapping[str, Any]) -> CursorResult[Any]:
        engine = self.connection.dialect.name
        statement = text(expanded(query, engine)).bindparams(
            # Instants, which SQLite's driver would write in another way than the tables have them.
            *(bindparam(name, type_=_dossier.c.depose_le.type) for name in values if name in _DAYS),
            *(bindparam(name, expanding=True) for name in values if isinstance(values[name], list)),
        )
        return self.connection.execute(statement, dict(values))


def _several(value: str | None) -> list[str]:
    """Return the values of a field that has several, such as `|technique|produit|`."""
    return [one for one in (value or "").split("|") if one]


def _plain(text: str) -> str:
    """Return a text for LIKE, in which none of its letters is a sign."""
    # The backslash first, because it escapes the others.
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return text


def _words(q: str) -> list[str]:
    return searchable(dialled(q)).split()[:_MOST_WORDS]


def persons_found(q: str, row: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return by which of these columns, of `persons`, a search finds a dossier, if by any.

    Those that have its longest word, and the most of its words.
    """
    typed = _words(q)
    longest = max(typed, key=len, default="")
    texts = {name: searchable(dialled(row[name])) for name in names if row[name]}
    counts = {
        name: sum(word in text for word in typed)
        for name, text in texts.items()
        if longest and longest in text
    }
    most = max(counts.values(), default=0)
    return [name for name, count in counts.items() if count == most]


_SHORT_NAME = 3
"""Letters that are too few for a name alone."""


def _names(person: str) -> dict[str, str]:
    """Return the words of somebody's names and addresses as they may be typed, and as they are.

    A particle is written apart or not.
    """
    words = person.split()
    parted = {f"{one}{name}": f"{one} {name}" for one, name in pairwise(words) if len(one) <= 3}
    return parted | {word: word for word in words}


def _day_of_hour(hour: str) -> str:
    """Return the day of Paris of an hour, in UTC, such as `2024-06-01 22`, minutes or not."""
    return datetime.fromisoformat(f"{hour[:13]}:00+00:00").astimezone(PARIS).date().isoformat()
