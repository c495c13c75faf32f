"""Defines the views formulaire_*: a column per champ of a démarche's form, and their SQL.

A view has the champs of all published revisions, in the order in which the revisions brought them.
A column belongs to a champ's id and the type of its values: a champ that is renamed keeps its
column, a champ of another type gets one more, and no column is ever moved or removed. A place has
its codes in further columns, a champ of several choices a view of its own with a row a choice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dsync.domain.documented import Declared, Mark
from dsync.domain.dossier import LAYOUT_TYPES, Descriptor, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId
from dsync.domain.json_bytes import json_bytes
from dsync.domain.wording import slug
from dsync.store.columns import said
from dsync.store.dictionary import DOSSIER_COLUMNS, DOSSIER_VIEW, MOVED
from dsync.store.sql import literal

PREFIX = "formulaire_"

LONGEST_NAME = 63
"""PostgreSQL's limit for names, in bytes."""

MOST_COLUMNS = 1500
"""PostgreSQL's limit is 1,600 columns, SQLite's 2,000. Later champs are only in `lecture_champ`."""

_KINDS = {
    "integer_number": "bigint",
    "decimal_number": "numeric",
    "dossier_link": "bigint",
    "date": "date",
    "datetime": "timestamptz",
    "checkbox": "boolean",
    "yes_no": "boolean",
    "titre_identite": "boolean",
    "multiple_drop_down_list": "valeur",
    "piece_justificative": "fichiers",
}
"""The SQL type of a champ's values by the champ's type, or the JSON that is shown; else text."""

_TYPES = {
    "text": "text",
    "bigint": "integer",
    "numeric": "number",
    "date": "date",
    "timestamptz": "datetime",
    "boolean": "boolean",
    "valeur": "json",
    "fichiers": "json",
}
"""The types of the dictionary, by kind."""

_WRITTEN = frozenset({"text", "textarea", "formatted"})
"""Types of which the mark is that of free text; each other one's is that of personal data."""

_NUMERO = said("numero", "Numéro du dossier.", type="integer")
_ROW = said("ligne", "Place de la ligne dans le bloc répétable, à partir de 1.", type="integer")
_RANK = said("rang", "Place du choix dans la réponse, à partir de 1.", type="integer")
_MOVED = {name: DOSSIER_COLUMNS[name] for name in MOVED}

_PLACES: Mapping[str, Mapping[str, str]] = {
    "address": {
        "commune_code": "cityCode",
        "departement_code": "departmentCode",
        "departement_nom": "departmentName",
        "region_code": "regionCode",
        "region_nom": "regionName",
    },
    "communes": {"commune_code": "code"},
    "departements": {"departement_code": "code"},
    "regions": {"region_code": "code"},
}
"""The further columns of a place, by the champ's type: the keys of the stored value by the column's
kind, which is the end of its name."""
_CODES = {
    "commune_code": "code Insee de la commune",
    "departement_code": "code du département",
    "departement_nom": "nom du département",
    "region_code": "code Insee de la région",
    "region_nom": "nom de la région",
}
_RULES = "lecture_regle"
"""A version of rules is of the démarches that it judged, and names applicants of theirs."""
_COLUMNS = "lecture_colonne"
"""Most columns of views are those of any démarche."""
_CHOICE, _CHOICES = "choix", "multiple_drop_down_list"

# Words that PostgreSQL or SQLite does not accept as a name without quotes.
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    add all alter analyse analyze and any array as asc asymmetric authorization autoincrement
    between binary both by case cast check collate collation column commit concurrently constraint
    create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable delete desc distinct do drop else end escape
    except exists false fetch for foreign freeze from full glob grant group having if ilike in index
    indexed initially inner insert intersect into is isnull join lateral leading left like limit
    localtime localtimestamp match natural not nothing notnull null offset on only or order outer
    overlaps placing primary raise references regexp returning right select session_user set similar
    some symmetric system_user table tablesample then to trailing transaction trigger true union
    unique update user using values variadic verbose when where window with
    """,
    )
)

# A date that PostgreSQL accepts: a cast of another text would make the whole view fail.
_DATE = (
    r"(?!0000)(\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)"
    r"|\d{4}-02-(0[1-9]|1\d|2[0-8])|(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
    r"-02-29)"
)
_TIME = r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?\+00:00"
_INTEGER = r"(0|-?[1-9]\d{0,18})"
_NUMBER = r"-?(0|[1-9]\d{0,254})(\.\d{1,255})?([eE][+-]?\d{1,3})?"

SQLITE_PARIS = """datetime({0}, CASE
        WHEN {0} >= datetime(strftime('%Y-04-01 01:00', {0}), 'weekday 0', '-7 days')
         AND {0} < datetime(strftime('%Y-11-01 01:00', {0}), 'weekday 0', '-7 days')
        THEN '+2 hours' ELSE '+1 hour' END)"""
"""The date and time in Paris of an instant `{0}`. SQLite has no time zones. By the European Union's
rule since 1996, summer time lasts from the last Sunday of March to the last Sunday of October,
01:00 UTC."""
_SQLITE_INSTANT = (
    "{0} GLOB '????-??-??T??:??:??*+00:00' AND date({0}) = substr({0}, 1, 10) AND {0} > '0001'"
)
_SQLITE_DAY = SQLITE_PARIS.replace("{0}", "datetime({0})")

_CASTS = {
    "postgresql": {
        "text": "{0}",
        "bigint": f"CASE WHEN {{0}} ~ '^{_INTEGER}$' THEN CASE WHEN ({{0}})::numeric "
        "BETWEEN -9223372036854775808 AND 9223372036854775807 THEN ({0})::bigint END END",
        "numeric": f"CASE WHEN {{0}} ~ '^{_NUMBER}$' THEN ({{0}})::numeric END",
        "date": f"CASE WHEN {{0}} ~ '^{_DATE}$' THEN ({{0}})::date WHEN {{0}} ~ "
        f"'^{_DATE}{_TIME}$' THEN (({{0}})::timestamptz AT TIME ZONE 'Europe/Paris')::date END",
        "timestamptz": f"CASE WHEN {{0}} ~ '^{_DATE}{_TIME}$' THEN ({{0}})::timestamptz END",
        "boolean": "CASE lower({0}) WHEN 'oui' THEN true WHEN 'non' THEN false END",
        "valeur": "{0}",
        "fichiers": "{0}",
    },
    "sqlite": {
        "text": "{0}",
        "bigint": "CASE WHEN CAST(CAST({0} AS INTEGER) AS TEXT) = {0} "
        "THEN CAST({0} AS INTEGER) END",
        # A number beyond a float's range becomes infinite (9e999), and is shown as null.
        "numeric": "CASE WHEN json_valid({0}) THEN CASE WHEN json_type({0}) IN ('integer', 'real') "
        "THEN nullif(nullif(CAST({0} AS NUMERIC), 9e999), -9e999) END END",
        # PostgreSQL has no year 0.
        "date": "CASE WHEN date({0}) = {0} AND {0} > '0001' THEN {0} "
        f"WHEN {_SQLITE_INSTANT} THEN substr({_SQLITE_DAY}, 1, 10) END",
        "timestamptz": f"CASE WHEN {_SQLITE_INSTANT} "
        "THEN strftime('%Y-%m-%dT%H:%M:%SZ', {0}) END",
        "boolean": "CASE lower({0}) WHEN 'oui' THEN TRUE WHEN 'non' THEN FALSE END",
        "valeur": "CASE WHEN substr({0}, 1, 1) = '[' THEN {0} "
        "WHEN {texte} <> '' THEN json_array({texte}) END",
        "fichiers": "{0}",
    },
}
"""The SQL of a value of each kind, of the stored text or JSON `{0}`; null if it does not fit."""
_POSTGRESQL_CHOICES = (
    "CASE WHEN jsonb_typeof({0} -> 3) = 'array' THEN {0} -> 3 "
    "WHEN {0} ->> 1 <> '' THEN jsonb_build_array({0} ->> 1) END"
)
"""The choices in a cell `{0}`; one, where the question has had single ones before or since."""
_MAP = "carte"


@dataclass(slots=True)
class FormColumn:
    """A column of a champ or an annotation."""

    name: str
    id: DescriptorId
    kind: str
    is_annotation: bool
    libelle: str
    types: list[str]
    """The champ's types in the revisions, oldest first."""
    is_published: bool
    is_open: bool
    """Whether the configuration shows it to readers without personal data. Its type says nothing
    of that: a number can be one of social security, a date a day of birth."""
    follower: str = ""
    """The column of the question's later type, if it has got another one."""
    place: int | None = None
    """Where most dossiers have the champ: its rank in the newest revision."""

    @property
    def origin(self) -> str:
        """Where it comes from."""
        return "annotation" if self.is_annotation else "champ"

    @property
    def declared(self) -> Declared:
        """What the dictionary says of it."""
        libelle = " ".join(self.libelle.split()) or "sans libellé"
        code = f", {_CODES[self.kind]}" if self.kind in _CODES else ""
        sentences = [f"« {libelle} »{code} ({self.origin}, {' puis '.join(self.types)})."]
        if self.follower:
            sentences.append(
                "La question a changé de type : ici, ce qui se convertit encore dans l'ancien ; "
                f"toutes les réponses sont dans {self.follower}."
            )
        elif not self.is_published:
            sentences.append("Absent de la révision publiée.")
        closed = Mark.FREE_TEXT if _WRITTEN & {*self.types} else Mark.PERSONAL
        mark = Mark.OPEN if self.is_open else closed
        return Declared(" ".join(sentences), mark, _TYPES.get(self.kind, "text"))


@dataclass(slots=True)
class FormView:
    """A view of a démarche's form, of one of its repetitions, or of a champ's several choices."""

    name: str
    demarche: DemarcheNumber
    repetition: Descriptor | None
    columns: dict[tuple[DescriptorId, str], FormColumn] = field(default_factory=dict)
    """By the champ's id and the kind of its values."""
    place: int = 0
    """Where most dossiers have the repetition, as `FormColumn.place`."""
    choice: FormColumn | None = None
    """The only column of a view of choices; `repetition`: the one that the champ is in."""

    @property
    def description(self) -> str:
        """The French sentence of the dictionary."""
        if self.choice is not None:
            libelle = " ".join(self.choice.libelle.split())
            return (
                f"Une ligne par choix fait dans « {libelle} », où plusieurs sont possibles, de la "
                f"démarche {self.demarche}."
            )
        if self.repetition is not None:
            block = " ".join(self.repetition.libelle.split())
            return (
                f"Une ligne par ligne du bloc répétable « {block} » de la démarche {self.demarche}."
            )
        return (
            f"Une ligne par dossier de la démarche {self.demarche} dont le contenu n'est pas "
            f"effacé, masqués et disparus compris : les colonnes de {DOSSIER_VIEW}, puis une par "
            "champ et par annotation ; les blocs répétables et les choix multiples ont leurs "
            "propres vues."
        )

    @property
    def facts(self) -> Mapping[str, Declared]:
        """The columns that are no champs."""
        if self.choice is None and self.repetition is None:
            return DOSSIER_COLUMNS
        row, rank = _ROW if self.repetition else {}, _RANK if self.choice else {}
        return _NUMERO | row | rank | _MOVED

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that together name a row."""
        return tuple(one for one in ("numero", "ligne", "rang") if one in self.facts)

    @property
    def names(self) -> set[str]:
        """The names of all columns."""
        return {*self.facts, *(column.name for column in self.columns.values())}

    @property
    def documented(self) -> dict[str, Declared]:
        """What the dictionary says of each column, in order."""
        return {**self.facts, **{one.name: one.declared for one in self.columns.values()}}

    def query(self, engine: str) -> str:
        """Return the view's SELECT."""
        if self.choice is not None:
            return _choices(self, self.choice, engine)
        return _postgresql(self) if engine == "postgresql" else _sqlite(self)


def form_views(
    number: DemarcheNumber, revisions: Iterable[Revision], opened: Collection[str]
) -> list[FormView]:
    """Return the views of a démarche's form: its own, one per repetition, one per choice.

    The same published revisions, in any order, give the same names, and a later revision changes
    none of them. `opened` are the ids of the champs and annotations that readers without personal
    data see.
    """
    dated = [(r.date_publication, r.id, r) for r in revisions if r.date_publication]
    published = [revision for *_, revision in sorted(dated, key=lambda one: one[:2])]
    if not published:
        return []
    main = FormView(f"{PREFIX}{number}", number, None)
    views: dict[DescriptorId | None, FormView] = {None: main}
    choices: dict[DescriptorId, FormView] = {}

    def named(descriptor: Descriptor) -> str:
        taken = {view.name for view in (*views.values(), *choices.values())}
        return _name(descriptor, taken, prefix=f"{main.name}_")

    for revision in published:
        # Repetitions first, so that the champs of each find their view in whatever order they come.
        for descriptor in revision.descriptors.values():
            if descriptor.type == "repetition" and descriptor.parent_id is None:
                known = views.get(descriptor.id)
                if known is None:
                    views[descriptor.id] = FormView(named(descriptor), number, descriptor)
                else:
                    # For its label, which the view's description has from the newest revision.
                    known.repetition = descriptor
        for descriptor in revision.descriptors.values():
            block = views.get(descriptor.parent_id)
            if descriptor.type == _CHOICES and block and descriptor.id not in choices:
                view = FormView(named(descriptor), number, block.repetition)
                choices[descriptor.id] = view
    for revision in published:
        for view in (*views.values(), *choices.values()):
            for column in view.columns.values():
                # Each revision sets the mark anew, so that those of the last one are left.
                column.is_published = False
        for descriptor in revision.descriptors.values():
            parent = views.get(descriptor.parent_id)
            if parent is not None and descriptor.type not in {*LAYOUT_TYPES, "repetition"}:
                is_open = descriptor.id in opened
                kind = _KINDS.get(descriptor.type, "text")
                name = _learn(parent, descriptor, kind, is_open=is_open)
                for place in _PLACES.get(descriptor.type, ()) if name else ():
                    _learn(parent, descriptor, place, is_open=is_open, beside=name)
                if descriptor.type == _CHOICES and descriptor.id in choices:
                    view = choices[descriptor.id]
                    _learn(view, descriptor, _CHOICE, is_open=is_open, name=_CHOICE)
                    view.choice = view.columns[descriptor.id, _CHOICE]
    places: dict[DescriptorId, int] = {}
    ranks: Counter[tuple[DescriptorId | None, bool]] = Counter()
    for descriptor in published[-1].descriptors.values():
        if descriptor.type not in LAYOUT_TYPES:
            siblings = (descriptor.parent_id, descriptor.is_annotation)
            places[descriptor.id] = ranks[siblings]
            ranks[siblings] += 1
    for view in (*views.values(), *choices.values()):
        view.place = places.get(view.repetition.id, 0) if view.repetition else 0
    for view in views.values():
        own = [column for column in view.columns.values() if column.kind not in _CODES]
        published_now = {c.id: c.name for c in own if c.is_published}
        for column in view.columns.values():
            column.place = places.get(column.id)
        for column in own:
            if not column.is_published:
                column.follower = published_now.get(column.id, "")
    return [*views.values(), *choices.values()]


def demarche_of(name: str) -> DemarcheNumber | None:
    """Return the démarche of a view formulaire_*, None for other views."""
    found = re.match(rf"{PREFIX}(\d+)", name)
    return DemarcheNumber(int(found[1])) if found else None


def rows_of(demarche: DemarcheNumber, view: str, columns: Collection[str]) -> str | None:
    """Return the SQL condition of a démarche's rows in a view of several ones; None: all are."""
    if view == _RULES:
        judged = f"SELECT version_regles FROM verdict WHERE demarche_numero = {demarche}"  # noqa: S608 - a number
        return f"version IN ({judged})"
    if view == _COLUMNS:
        return f"coalesce(demarche_numero, {demarche}) = {demarche}"
    is_of_all = demarche_of(view) is None and "demarche_numero" in columns
    return f"demarche_numero = {demarche}" if is_of_all else None


def _learn(
    view: FormView,
    descriptor: Descriptor,
    kind: str,
    *,
    is_open: bool,
    name: str | None = None,
    beside: str | None = None,
) -> str | None:
    """Add a descriptor of a revision to the columns of its view; return the column's name.

    `is_open`: readers without personal data see it. A new column gets `name`, or one made of the
    label. `beside` is the name of the champ's own column, with which that of a place's code begins.
    """
    # A column of decimal numbers has whole ones, too.
    if kind == "bigint" and (descriptor.id, "numeric") in view.columns:
        kind = "numeric"
    column = view.columns.get((descriptor.id, kind))
    if column is None:
        if len(view.names) >= MOST_COLUMNS:
            return None
        if beside is not None:
            name = _free(f"{beside[: LONGEST_NAME - len(kind) - 1]}_{kind}", view.names)
        column = FormColumn(
            name=name or _name(descriptor, view.names, facts=view.facts),
            id=descriptor.id,
            kind=kind,
            is_annotation=descriptor.is_annotation,
            libelle=descriptor.libelle,
            types=[],
            is_published=True,
            is_open=is_open,
        )
        view.columns[descriptor.id, kind] = column
    column.is_published = True
    column.libelle = descriptor.libelle
    if descriptor.type not in column.types:
        column.types.append(descriptor.type)
    return column.name


def _name(
    descriptor: Descriptor, taken: Collection[str], *, prefix: str = "", facts: Collection[str] = ()
) -> str:
    """Return a name made of the label that is not taken, with a number if need be."""
    name = slug(descriptor.libelle)
    if not prefix and (not name or name[0].isdigit() or name in _RESERVED or name in facts):
        name = f"{'annotation' if descriptor.is_annotation else 'champ'}_{name}".rstrip("_")
    return _free(prefix + (name or "bloc"), taken)


def _free(wanted: str, taken: Collection[str]) -> str:
    whole = wanted[:LONGEST_NAME].rstrip("_")
    name, rank = whole, 1
    while name in taken:
        rank += 1
        suffix = f"_{rank}"
        name = whole[: LONGEST_NAME - len(suffix)] + suffix
    return name


def _selected(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)


def _sources(view: FormView, engine: str) -> list[str]:
    """Return what a view reads: the dossier, its contents and, of a repetition, its rows `l`."""
    of_rows: list[str] = []
    if view.repetition is not None:
        cells, id_ = _list(view.repetition), literal(view.repetition.id)
        of_rows = {
            "sqlite": [
                f"JOIN json_each({cells}, CASE WHEN {cells} ->> '$[{view.place}][0]' = {id_} "  # noqa: S608
                f"THEN '$[{view.place}][5]' ELSE (SELECT '$[' || e.key || '][5]' "
                f"FROM json_each({cells}) AS e WHERE {_OUTSIDE} AND e.value ->> 0 = {id_}) END) "
                "AS l"
            ],
            "postgresql": [
                # Decompressed once, and not for each cell.
                f"CROSS JOIN LATERAL (SELECT {cells} #> '{{}}' AS cells OFFSET 0) AS x",
                "CROSS JOIN LATERAL (SELECT rang, (value ->> 1)::integer AS debut, "  # noqa: S608
                "(value ->> 2)::integer AS nombre FROM jsonb_array_elements("
                f"{_cell(view.repetition.id, str(view.place))} -> 5) "
                f"WITH ORDINALITY AS r (value, rang) WHERE {_NOT_REMEMBERED}) AS l",
            ],
        }[engine]
    # Only the view of the form shows facts of the dossier.
    source = DOSSIER_VIEW if view.choice is None and view.repetition is None else "dossier"
    return [f"FROM {source} AS d", "JOIN contenu AS c ON c.numero = d.numero", *of_rows]


def _list(of: FormColumn | Descriptor) -> str:
    """Return the list that a champ or an annotation is in: its places are those of `Cell`."""
    return "c.annotations" if of.is_annotation else "c.champs"


_OUTSIDE = "e.value ->> 2 IS NULL"
"""On SQLite, of a cell `e`: it is in no row."""
_NOT_REMEMBERED = "c.numero IS NOT NULL OFFSET 0"
"""What keeps PostgreSQL from looking for each list among those that it has seen, as if few differed
from each other: that takes longer than all else."""


def _cell(id_: str, place: str, *, of_row: bool = False) -> str:
    """Return a cell of the list `x.cells` on PostgreSQL: at its place, else it is searched."""
    known, parts, others = "", "*", " && (@.size() < 3 || @[2] == null)"
    if of_row:
        known, parts, others = f"l.nombre > {place} AND ", "$a to $b", ""
        place = f"(l.debut + {place})"
    path = f"strict $[{parts}] ? (@[0] == {json_bytes(id_).decode()}{others})"
    values = "jsonb_build_object('a', l.debut, 'b', l.debut + l.nombre - 1)" if of_row else "'{}'"
    return (
        f"(CASE WHEN {known}x.cells -> {place} ->> 0 = {literal(id_)} THEN x.cells -> {place} "
        f"ELSE jsonb_path_query_first(x.cells, {literal(path)}, {values}, true) END)"
    )


def _query(view: FormView, engine: str, columns: Iterable[str], joins: Iterable[str] = ()) -> str:
    """Return a view's query of columns of champs from the joins."""
    is_sqlite = engine == "sqlite"
    own: dict[str, str] = {}
    if view.choice is not None or view.repetition is not None:
        at = "d.modifie_ici_le"
        own = {
            "ligne": "l.key + 1" if is_sqlite else "l.rang::integer",
            "rang": "v.key + 1" if is_sqlite else "v.rang::integer",
            "modifie_ici_le": f"strftime('%Y-%m-%dT%H:%M:%SZ', {at})" if is_sqlite else at,
        }
    facts = [f"{own[n]} AS {n}" if n in own else f"d.{n}" for n in view.facts]
    return "\n".join(
        [
            f"SELECT\n    {_selected([*facts, *columns])}",
            *_sources(view, engine),
            *joins,
            f"WHERE d.demarche_numero = {view.demarche}",
        ]
    )


def _choices(view: FormView, choice: FormColumn, engine: str) -> str:
    """Return the query of a view of choices: the values of the list that the form's view shows."""
    if engine == "sqlite":
        value = _CASTS["sqlite"]["valeur"].replace("{0}", "(e.value -> 3)")
        value = value.replace("{texte}", "(e.value ->> 1)")
        cells, is_it = _searched(view, choice)
        joins = [f"JOIN {cells} ON {is_it}", f"JOIN json_each({value}) AS v"]
    else:
        cell = f"LATERAL {_OWN.format(_list(choice))} AS e ON e.id = {literal(choice.id)}"
        if view.repetition:
            cell = f"LATERAL (SELECT {_placed(choice)} AS v) AS e ON true"
        joins = [
            f"JOIN {cell}",
            f"CROSS JOIN LATERAL jsonb_array_elements_text({_POSTGRESQL_CHOICES.format('e.v')}) "
            "WITH ORDINALITY AS v (value, rang)",
        ]
    return _query(view, engine, [f"v.value AS {choice.name}"], joins)


def _sqlite(view: FormView) -> str:
    """Return SQLite's query: each column looks for its cell, only where it is asked for."""
    columns = []
    for column in view.columns.values():
        cells, is_it = _searched(view, column)
        found = f"(SELECT {_sqlite_value(column, 'e.value', '$')} FROM {cells} WHERE {is_it})"  # noqa: S608 - escaped
        if column.place is not None:
            # A look at one place takes a third of a search.
            source, path, known = _list(column), f"$[{column.place}]", ""
            if view.repetition:
                path = f"$[' || ((l.value ->> 1) + {column.place}) || ']"
                known = f"l.value ->> 2 > {column.place} AND "
            found = (
                f"CASE WHEN {known}{source} ->> ('{path}[0]') = {literal(column.id)} "
                f"THEN {_sqlite_value(column, source, path)} ELSE {found} END"
            )
        columns.append(f"{found} AS {column.name}")
    return _query(view, "sqlite", columns)


def _searched(view: FormView, column: FormColumn) -> tuple[str, str]:
    """Return the list that a column's cell `e` is in, and by what it is known there; on SQLite."""
    inside = _OUTSIDE
    if view.repetition:
        inside = "e.key >= l.value ->> 1 AND e.key < (l.value ->> 1) + (l.value ->> 2)"
    return f"json_each({_list(column)}) AS e", f"{inside} AND e.value ->> 0 = {literal(column.id)}"


def _sqlite_value(column: FormColumn, source: str, path: str) -> str:
    """Return a column's value, of the cell at a path in JSON."""
    texte, valeur = f"({source} ->> ('{path}[1]'))", f"('{path}[3]')"
    if codes := _codes(column, f"({source} ->> ('{path}[3].{{0}}'))"):
        return codes
    if _MAP in column.types:
        of_map = f"json_type({source}, {valeur}) WHEN 'text' THEN {source} ->> {valeur}"
        texte = f"(CASE {of_map} ELSE {texte} END)"
    cast = _CASTS["sqlite"][column.kind].replace("{texte}", texte)
    # As JSON, an array differs from a text that looks like one.
    value = {
        "valeur": f"({source} -> {valeur})",
        "fichiers": f"({source} ->> ('{path}[4]'))",
    }.get(column.kind, texte)
    if cast.count("{0}") > 1:
        # Found once: SQLite would search for it each time that it is named.
        return f"(SELECT {cast.replace('{0}', 'v')} FROM (SELECT {value} AS v))"  # noqa: S608 - ours
    return cast.replace("{0}", value)


# Kept from being merged into the outer query, which would look for the id once a column.
_OWN = "(SELECT v ->> 0 AS id, v FROM jsonb_array_elements({}) AS v WHERE v ->> 2 IS NULL OFFSET 0)"
"""On PostgreSQL the cells of a list that are in no row."""


def _postgresql(view: FormView) -> str:
    """Return PostgreSQL's query: one pass over a dossier's cells finds the values of all columns.

    In a row each column looks at its place. Both are joined by LEFT JOIN, which PostgreSQL leaves
    out where no column is asked for.
    """
    joins: list[str] = []
    shown: dict[str, str] = {}
    for alias, is_annotation in (("k", False), ("a", True)):
        own = [one for one in view.columns.values() if one.is_annotation == is_annotation]
        if not own:
            continue
        if view.repetition is None:
            values, cells = [*map(_found, own)], f"FROM {_OWN.format(_list(own[0]))} AS e"
        else:
            values = [_postgresql_value(one, _placed(one)) for one in own]
            cells = f"WHERE {_NOT_REMEMBERED}"
        named = (f"{value} AS {one.name}" for one, value in zip(own, values, strict=True))
        joins.append(
            f"LEFT JOIN LATERAL (\n    SELECT\n    {_selected(named)}\n    {cells}\n"
            f") AS {alias} ON true"
        )
        for column in own:
            cast = _CASTS["postgresql"].get(column.kind, "{0}")
            shown[column.name] = cast.replace("{0}", f"{alias}.{column.name}")
    columns = [f"{shown[one.name]} AS {one.name}" for one in view.columns.values()]
    return _query(view, "postgresql", columns, joins)


def _placed(column: FormColumn) -> str:
    """Return a column's cell in the row `l`."""
    return _cell(column.id, str(column.place or 0), of_row=True)


def _found(column: FormColumn) -> str:
    """Return the expression that finds a column's value among the cells `e`."""
    value, where = _postgresql_value(column, "e.v"), f"FILTER (WHERE e.id = {literal(column.id)})"
    # `jsonb` has no max().
    is_json = column.kind in ("valeur", "fichiers")
    return f"(array_agg({value}) {where})[1]" if is_json else f"max({value}) {where}"


def _postgresql_value(column: FormColumn, cell: str) -> str:
    """Return a column's value, of a cell."""
    if codes := _codes(column, f"({cell} -> 3 ->> '{{0}}')"):
        return codes
    if column.kind == "valeur":
        return _POSTGRESQL_CHOICES.format(cell)
    if column.kind == "fichiers":
        return f"{cell} -> 4"
    if _MAP in column.types:
        of_map = f"jsonb_typeof({cell} -> 3) WHEN 'string' THEN {cell} ->> 3"
        return f"CASE {of_map} ELSE {cell} ->> 1 END"
    return f"{cell} ->> 1"


def _codes(column: FormColumn, value: str) -> str:
    """Return the expression of a place's code; empty for another column.

    `value` is the expression of what the stored value has under a key `{0}`.
    """
    keys = dict.fromkeys(
        _PLACES[one][column.kind] for one in column.types if column.kind in _PLACES.get(one, ())
    )
    # A champ that was retyped has one or the other.
    values = [value.replace("{0}", key) for key in keys]
    return f"coalesce({', '.join(values)})" if len(values) > 1 else "".join(values)
