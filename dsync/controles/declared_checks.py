"""Evaluates declared checks; a missing answer is never taken for a wrong one."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from decimal import Decimal
from enum import IntEnum
from hashlib import sha256
from typing import Any

from dsync.controles.declarations import (
    AutreDemarche,
    Borne,
    Controle,
    ControlesSections,
    Exigence,
)
from dsync.controles.facts import Faits
from dsync.controles.formats import FORMATS
from dsync.domain import verdict
from dsync.domain.dossier import Json, unaccented
from dsync.domain.verdict import Resultat
from dsync.domain.wording import QUOTED_LENGTH, cleaned, cut, fold, french_date, listed

Rows = Mapping[str, Mapping[str, str]]
"""The rows of a table by their folded key: values by column."""


class Etat(IntEnum):
    """Whether a requirement holds; of several, what decides has the highest number."""

    VRAI = 0
    SANS_LIGNE = 1
    """A table has no row for it."""
    SANS_REPONSE = 2
    IMPOSSIBLE = 3
    """DS could not give the fact."""
    FAUX = 4


@dataclass(frozen=True, slots=True)
class Voisins:
    """What other dossiers say about one dossier."""

    doublons: Mapping[str, Sequence[int]]
    """The numbers of those with the same answers, by the name of the check."""
    autre_demarche: Callable[[AutreDemarche], bool | None]
    """Whether its applicant has such a dossier in another démarche; None: that one is not here."""


SEUL = Voisins({}, lambda _: False)
"""A dossier of which no other one is known, as an example."""
SANS_REPONSE = "Réponse attendue et non donnée : {questions}."
ILLISIBLE = "Réponse donnée, mais pas sous la forme attendue : {questions}."
INDISPONIBLE = "Information que Démarches Simplifiées n’a pas pu donner : {questions}."
AILLEURS = "L’autre démarche n’est pas dans cette base."
HORS_TABLE = "La table « {tables} » n’a pas de ligne pour ce dossier."
DOSSIERS = "dossiers"
"""The evidence that names other dossiers."""
EXIGENCE = "exigence"
"""The evidence that says by a digest what the check requires."""
A_FAIRE_PAR = "Contrôle à faire par une personne."


class Evaluation:
    """The declared checks, ready to evaluate dossiers.

    Args:
        sections: the declarations, without faults.
        tables: the rows of each table.
    """

    def __init__(self, sections: ControlesSections, tables: Mapping[str, Rows]) -> None:
        self._sections = sections
        self._tables = tables
        self._names = {
            one.nom: sorted({name.partition(".")[0] for name in names_of(one)})
            for one in sections.controles
        }
        given = {one.nom: [e for e in (one.si, one.exige) if e] for one in sections.controles}
        self._digests = {
            nom: sha256(
                "\n".join(e.model_dump_json(exclude_defaults=True) for e in some).encode()
            ).hexdigest()[:12]
            for nom, some in given.items()
        }
        self._bounds = {
            nom: [
                (bound.table, bound.cle or "", bound.valeur or "")
                for e in some
                for part in e.parts()
                for bound in (part.au_moins, part.au_plus)
                if isinstance(bound, Borne) and bound.table is not None
            ]
            for nom, some in given.items()
        }
        self._operators = {
            id(part): {k: v for k, v in part.operateurs.items() if k != "present"}
            for one in sections.controles
            for given in (one.si, one.exige)
            if given is not None
            for part in given.parts()
        }

    def controles(self, faits: Faits, voisins: Voisins = SEUL) -> tuple[verdict.Controle, ...]:
        """Return the results of all checks, in the order of the declarations."""
        return tuple(
            self.controle(declared, faits, voisins) for declared in self._sections.controles
        )

    def controle(
        self, declared: Controle, faits: Faits, voisins: Voisins = SEUL
    ) -> verdict.Controle:
        """Return the result of a check."""
        if declared.humain or declared.exige is None:
            return verdict.Controle(
                declared.nom, Resultat.SANS_OBJET, f"{A_FAIRE_PAR} {declared.regle}"
            )
        if declared.si is not None:
            applies = self._state(declared.si, declared.nom, faits, voisins, is_condition=True)
            if applies is Etat.FAUX:
                return verdict.Controle(declared.nom, Resultat.SANS_OBJET)
            if applies is not Etat.VRAI:
                return self._undecided(declared, declared.si, applies, faits)
        state = self._state(declared.exige, declared.nom, faits, voisins)
        evidence = self._evidence(declared, faits)
        if state is Etat.VRAI:
            said = self._filled(declared.conforme or declared.titre, faits)
            return verdict.Controle(declared.nom, Resultat.CONFORME, said, evidence)
        if state is Etat.FAUX:
            said = self._filled(declared.motif or declared.titre, faits)
            if others := voisins.doublons.get(declared.nom):
                evidence[DOSSIERS] = list(others)
                several = "s" if others[1:] else ""
                said += f" Autre{several} dossier{several} : {listed(map(str, others))}."
            motif = self._motif(declared, said)
            return verdict.Controle(declared.nom, declared.sinon_effectif, motif, evidence)
        return self._undecided(declared, declared.exige, state, faits)

    def _undecided(
        self, declared: Controle, exigence: Exigence, state: Etat, faits: Faits
    ) -> verdict.Controle:
        """Return the result where a requirement can be called neither fulfilled nor not."""
        names = [name for name in names_in(exigence) if name.partition(".")[0] not in faits.valeurs]
        if state is Etat.SANS_LIGNE:
            found = tables_in(exigence)
            said = HORS_TABLE.format(tables=listed(found))
        elif state is Etat.IMPOSSIBLE:
            lacking = [name for name in names if name in faits.impossibles]
            said = AILLEURS
            if lacking:
                said = INDISPONIBLE.format(questions=listed(map(self._question, lacking)))
        else:
            # An answer that cannot be read, also of one row, is there: it is not passed over.
            unread = [name for name in names if name in faits.illisibles]
            is_absent = bool(names) and not unread
            said = (SANS_REPONSE if is_absent else ILLISIBLE).format(
                questions=listed(map(self._question, unread or names or names_in(exigence)))
            )
        result = Resultat.A_VERIFIER
        if state is Etat.IMPOSSIBLE:
            result = Resultat.IMPOSSIBLE
        elif state is Etat.SANS_REPONSE and is_absent:
            result = declared.sans_reponse
        motif = self._motif(declared, said)
        return verdict.Controle(declared.nom, result, motif, self._evidence(declared, faits))

    def _motif(self, declared: Controle, finding: str) -> str:
        return f"{finding} {declared.regle} À faire : {declared.a_faire}"

    def _question(self, name: str) -> str:
        """Return how people know a champ or a fact."""
        champ = self._sections.champs.get(name.partition(".")[0])
        label = champ.libelles[0] if champ and champ.libelles else name.replace("_", " ")
        return f"« {label} »"

    def _evidence(self, declared: Controle, faits: Faits) -> dict[str, Json]:
        """Return the facts that a check uses, as JSON."""
        valeurs = faits.valeurs
        names = self._names[declared.nom]
        found: dict[str, Json] = {n: _json(valeurs[n]) for n in names if n in valeurs}
        found |= {n: faits.illisibles[n] for n in names if n in faits.illisibles}
        for table, cle, column in self._bounds[declared.nom]:
            if (row := self._tables[table].get(fold_value(valeurs.get(cle, "")))) is not None:
                found[f"{table}.{column}"] = row[column]
        # A person's answer rests on it: what a check requires is part of what it finds.
        found[EXIGENCE] = self._digests[declared.nom]
        return found

    def _filled(self, sentence: str, faits: Faits) -> str:
        """Return a sentence with its facts, by name alone."""
        return PLACE.sub(lambda found: self._shown(found[1], faits), sentence)

    def _shown(self, name: str, faits: Faits) -> str:
        base, _, column = name.partition(".")
        value = _sum(faits, name) if column else faits.valeurs.get(base)
        return "(non renseigné)" if value is None else in_words(value)

    def _state(
        self,
        exigence: Exigence,
        nom: str,
        faits: Faits,
        voisins: Voisins,
        *,
        is_condition: bool = False,
    ) -> Etat:
        if exigence.un_de:
            states = [
                self._state(one, nom, faits, voisins, is_condition=is_condition)
                for one in exigence.un_de
            ]
            if Etat.VRAI in states:
                return Etat.VRAI
            # What is not known could be what holds.
            return max((s for s in states if s is not Etat.FAUX), default=Etat.FAUX)
        value = _subject(exigence, faits)
        if value is None and exigence.champ in faits.impossibles:
            return Etat.IMPOSSIBLE
        # Absence decides whether a check applies, never how it ends.
        if is_condition and exigence.present is not None:
            is_given = value is not None or exigence.champ in faits.illisibles
            return _told(is_given is exigence.present)
        if value is None:
            return Etat.SANS_REPONSE
        states = [
            self._holds(key, operand, value, nom, faits, voisins)
            for key, operand in self._operators[id(exigence)].items()
        ]
        return max(states, default=Etat.VRAI)

    def _holds(
        self, key: str, operand: Any, value: Any, nom: str, faits: Faits, voisins: Voisins
    ) -> Etat:
        """Return whether one operator holds for an answer."""
        if key in ("au_moins", "au_plus"):
            bound = self._bound(operand, faits)
            if isinstance(bound, Etat):
                return bound
            return _told(value >= bound if key == "au_moins" else value <= bound)
        if key == "unique_avec":
            if any(name not in faits.valeurs for name in operand):
                lacking = [name for name in operand if name in faits.impossibles]
                return Etat.IMPOSSIBLE if lacking else Etat.SANS_REPONSE
            return _told(not voisins.doublons.get(nom))
        if key in ("autre_demarche", "pas_autre_demarche"):
            has = voisins.autre_demarche(operand)
            return Etat.IMPOSSIBLE if has is None else _told(has is (key == "autre_demarche"))
        if key in ("dans_table", "pas_dans_table"):
            rows = self._tables[operand]
            found = [fold_value(one) in rows for one in _each(value)]
            return _told(all(found) if key == "dans_table" else not any(found))
        return _told(_OPERATORS[key](value, operand))

    def _bound(self, operand: Any, faits: Faits) -> Any:
        """Return what to compare with, or why there is nothing."""
        if not isinstance(operand, Borne):
            return operand
        if operand.table is not None:
            key = faits.valeurs.get(operand.cle or "")
            if key is None:
                is_lacking = operand.cle in faits.impossibles
                return Etat.IMPOSSIBLE if is_lacking else Etat.SANS_REPONSE
            row = self._tables[operand.table].get(fold_value(key))
            if row is None or not row[operand.valeur or ""].strip():
                return Etat.SANS_LIGNE
            value: Any = _table_value(row[operand.valeur or ""])
        else:
            value = _subject(operand, faits)
            if value is None:
                is_lacking = operand.champ in faits.impossibles
                return Etat.IMPOSSIBLE if is_lacking else Etat.SANS_REPONSE
        if isinstance(value, Decimal):
            return value * operand.fois + operand.plus
        return _moved(value, operand.plus_ans, operand.plus_jours)


# As exact as a Decimal: a longer one, such as a reference, is a text. « 1e5 » is none.
_WORTH = re.compile(r"\d(?:\s?\d){0,17}(?:[.,]\d{1,9})?")
_CELL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
PLACE = re.compile(r"\{([a-z0-9_.]*)\}")
"""Where a sentence has a fact."""


def _told(holds: bool) -> Etat:
    return Etat.VRAI if holds else Etat.FAUX


def _subject(declared: Exigence | Borne, faits: Faits) -> Any:
    """Return the value that is asked for, None where it is not answered."""
    if declared.somme is not None:
        return _sum(faits, declared.somme)
    if declared.nombre is not None:
        rows = faits.valeurs.get(declared.nombre)
        return None if rows is None else Decimal(len(rows))
    return faits.valeurs.get(declared.champ or "")


def _sum(faits: Faits, name: str) -> Decimal | None:
    """Return the sum of a column; None if a row has no number there."""
    base, _, column = name.partition(".")
    rows = faits.valeurs.get(base)
    if rows is None:
        return None
    cells = [row.get(column, "") for row in rows]
    # Not what else Decimal takes for a number: « -Infinity » is below each bound.
    if not all(map(_CELL.fullmatch, cells)):
        return None
    return sum(map(Decimal, cells), Decimal(0))


def _moved(day: date, years: int, days: int) -> date:
    """Return a day some years and days later; 29 February becomes the 28th where there is none.

    People type years such as 9999: no day is later than the last one of the calendar.
    """
    year = day.year + years
    if not MINYEAR <= year <= MAXYEAR:
        return date.max if years > 0 else date.min
    moved = day.replace(year=year, day=min(day.day, monthrange(year, day.month)[1]))
    try:
        return moved + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def _table_value(text: str) -> Decimal | date:
    """Return a cell of a table, which `faults` found to be a number or a day."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return table_number(text)


def table_number(text: str) -> Decimal:
    """Return the number in a table's cell, as French or English tables write it.

    Raises:
        ArithmeticError: it is none.
    """
    number = Decimal("".join(text.split()).replace(",", "."))
    if not number.is_finite():
        raise ArithmeticError
    return number


def fold_text(text: str) -> str:
    """Return a text for comparisons; « œ » is « oe », and signs that nobody sees are left out."""
    return fold(unaccented(cleaned(text)))


def fold_value(value: Any) -> str:
    """Return a value for comparisons: texts without case and accents, numbers by their worth."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    text = fold_text(str(value))
    try:
        # « 1,50 » of a table and « 1.5 » of an answer.
        return format(table_number(text).normalize(), "f") if _WORTH.fullmatch(text) else text
    except ArithmeticError:
        return text


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _same(value: Any, operand: Any) -> bool:
    if isinstance(value, str) and isinstance(operand, str):
        return fold_text(value) == fold_text(operand)
    return bool(value == operand)


def _among(value: Any, operands: Iterable[Any]) -> list[bool]:
    known = list(operands)
    return [any(_same(one, operand) for operand in known) for one in _each(value)]


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "egal": lambda value, operand: all(_among(value, [operand])),
    "parmi": lambda value, operands: all(_among(value, operands)),
    "pas_parmi": lambda value, operands: not any(_among(value, operands)),
    "commence_par": lambda value, starts: all(
        any(fold_text(one).startswith(fold_text(start)) for start in starts) for one in _each(value)
    ),
    "format": lambda value, name: all(FORMATS[name](one) for one in _each(value)),
    "fichiers": lambda value, endings: all(
        any(fold(name).endswith(f".{fold(ending).lstrip('.')}") for ending in endings)
        for name in value
    ),
}

_QUOTES = str.maketrans("«»“”<>{}", "''''‹›()")


def in_words(value: Any) -> str:
    """Return a value as French sentences show it; what people typed is cleaned and cut."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return french_number(value)
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return f"{len(value)} ligne{'s' if value[1:] else ''}"
        return cut(listed(map(in_words, value[:20])), QUOTED_LENGTH)
    return cut(cleaned(str(value)[: QUOTED_LENGTH * 10].translate(_QUOTES)), QUOTED_LENGTH)


def french_number(number: Decimal) -> str:
    """Return 23 000,5 for 23000.50."""
    whole, _, decimals = format(number, "f").partition(".")
    grouped = f"{int(whole):,}".replace(",", " ") if whole.lstrip("-").isdigit() else whole
    sign = "-" if whole.startswith("-") and not grouped.startswith("-") else ""
    decimals = decimals.rstrip("0")
    return f"{sign}{grouped},{decimals}" if decimals else f"{sign}{grouped}"


def _json(value: Any) -> Json:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def names_in(exigence: Exigence) -> list[str]:
    """Return the champs, facts and columns (`champ.colonne`) that a requirement uses, once each."""
    names: dict[str, None] = {}
    for part in exigence.parts():
        names |= dict.fromkeys(part.sujets.values())
        for bound in (part.au_moins, part.au_plus):
            if isinstance(bound, Borne):
                given = (bound.champ, bound.somme, bound.nombre, bound.cle)
                names |= dict.fromkeys(name for name in given if name)
        names |= dict.fromkeys(part.unique_avec or ())
    return list(names)


def names_of(declared: Controle) -> list[str]:
    """Return the champs and facts that a check uses in its requirements."""
    given = [one for one in (declared.si, declared.exige) if one is not None]
    return list(dict.fromkeys(name for one in given for name in names_in(one)))


def tables_in(exigence: Exigence) -> list[str]:
    """Return the tables that a requirement uses."""
    found: dict[str, None] = {}
    for part in exigence.parts():
        bounds = [b.table for b in (part.au_moins, part.au_plus) if isinstance(b, Borne)]
        found |= dict.fromkeys(
            name for name in (part.dans_table, part.pas_dans_table, *bounds) if name
        )
    return list(found)
