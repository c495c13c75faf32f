"""Evaluates declared checks; a missing answer is never taken for a wrong one."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any, NamedTuple

from dsync.controles.declarations import (
    AutreDemarche,
    Borne,
    ControlesSections,
    DeclaredControle,
    Exigence,
    Option,
)
from dsync.controles.facts import FAITS, Fait, Faits, label_of
from dsync.controles.functions import Function
from dsync.controles.notations import (
    FORMATS,
    Moment,
    Notation,
    as_json,
    cell_value,
    each,
    fold_text,
    fold_value,
    french_amount,
    in_words,
    writings_of,
    written,
)
from dsync.domain.check_answers import COURT, DEMANDE, TWINS
from dsync.domain.dossier import Json
from dsync.domain.due import named
from dsync.domain.judging import DEJA_SIGNALE, SIGNALE
from dsync.domain.verdict import ASKED, Controle, Resultat
from dsync.domain.wording import fold, listed, quoted, words

Rows = Mapping[str, Mapping[str, str]]
"""The rows of a table by their folded key: values by column."""


class Fulfilment(IntEnum):
    """Whether a requirement holds; of several, what decides has the highest number."""

    VRAI = 0
    SANS_LIGNE = 1
    """A table has no row for it."""
    MAL_ECRIT = 2
    """It is compared with what no answer to the question can be."""
    SANS_REPONSE = 3
    IMPOSSIBLE = 4
    """DS could not give the fact."""
    FAUX = 5


@dataclass(frozen=True, slots=True)
class Voisins:
    """What other dossiers say about one dossier."""

    doublons: Mapping[str, Sequence[int]]
    """The first ones with the same answers, by the name of the check, as `named` takes them."""
    autre_demarche: Callable[[AutreDemarche], bool | None]
    """Whether its applicant has such a dossier in another démarche; None: that one is not here."""


SEUL = Voisins({}, lambda _: False)
"""A dossier of which no other one is known, as an example."""
SANS_REPONSE = "Réponse attendue et non donnée : {questions}."
ILLISIBLE = "Réponse donnée, mais pas sous la forme attendue : {questions}."
INDISPONIBLE = "Information que Démarches Simplifiées n’a pas pu donner : {questions}."
AILLEURS = "L’autre démarche n’est pas dans cette base."
MAL_ECRIT = "Contrôle mal écrit : aucune réponse à {questions} ne peut être {values}."
HORS_TABLE = "La table « {tables} » n’a pas de ligne pour ce dossier."
CONSTANTS = frozenset({"egal", "parmi", "pas_parmi", "commence_par"})
"""The operators that compare texts with constants."""
SANS_LIGNE = "sans_ligne"
"""The evidence that names the tables without a row for the dossier."""
EXIGENCE = "exigence"
"""The evidence that says by a digest what the check requires."""
VIDES, NON_ASSOCIES = "vides", "non_associes"
"""The evidence with the questions without answer, and with those that the form lacks."""
A_FAIRE_PAR = "Contrôle à faire par une personne."
AUCUNE_REPONSE = "Aucune réponse {questions}."
_EXPLOITANT = " À faire : faire compléter la configuration du pré-contrôle par son exploitant."
SANS_CHAMP = f"Aucun champ de ce formulaire n’est associé {{questions}}.{_EXPLOITANT}"
NON_POSEE = "Question {questions} non posée par le formulaire. À faire : la poser."
OF_COLUMN = ("hors_liste", "liste", "nombre", "s")
"""What the sentences of a check of a column have in braces beside facts."""
OF_OTHERS = ("dossiers", "s")
"""The same of one that compares dossiers."""
_LABEL, _CHOICE = 60, 50
"""Characters of a question's label and of an answer that a sentence shows."""


class Evaluator:
    """Evaluates dossiers by declared checks without faults, and the rows of each table."""

    def __init__(
        self,
        sections: ControlesSections,
        tables: Mapping[str, Rows],
        faits: Mapping[str, Fait] = FAITS,
        functions: Mapping[str, Function] = {},
    ) -> None:
        self._functions = functions
        self._sections = sections
        self._tables = tables
        self._known = faits
        # Last, what does not name again the blank questions that another check tells of.
        self._in_turn = sorted(sections.controles, key=_is_of_all)
        self._tells_all = any(map(_is_of_all, sections.controles))
        self._lists = {
            id(one.exige): Listed(one.exige.parmi)
            for one in sections.controles
            if one.exige and one.exige.colonne and one.exige.parmi is not None
        }
        self._tests = {
            id(part): {key: self._test(key, operand) for key, operand in part.operateurs.items()}
            for one in sections.controles
            for part in one.parts
        }
        self._wrong: dict[tuple[int, Notation], Mapping[str, Mapping[str, str]]] = {}

    def _test(self, key: str, operand: Any) -> Callable[[Any, Notation | None], bool] | None:
        """Return what tells whether a value fulfils an operator; None: that takes more than it."""
        match key:
            case "egal" | "parmi" | "pas_parmi" | "dans_table" | "pas_dans_table":
                if isinstance(operand, Borne):
                    return None
                known: Collection[str] = frozenset(map(fold_value, each(operand)))
                if key.endswith("dans_table"):
                    known = self._tables[operand]
                is_wanted = not key.startswith("pas_")
                return lambda one, notation: (
                    any(way in known for way in written(one, notation)) is is_wanted
                )
            case "commence_par":
                starts = tuple(map(fold_text, operand))
                return lambda one, notation: any(
                    way.startswith(starts) for way in written(one, notation, fold_text)
                )
            case "fichiers":
                endings = tuple(f".{fold(ending).lstrip('.')}" for ending in operand)
                return lambda one, _: fold(one).endswith(endings)
            case "format":
                return lambda one, notation: any(
                    FORMATS[operand](way) for way in writings_of(one, notation)
                )
            case "present":
                return lambda *_: True
        return None

    def controles(
        self, faits: Faits, voisins: Voisins = SEUL, kept: Mapping[str, Controle] = {}
    ) -> tuple[Controle, ...]:
        """Return the results of all checks, in the order of the declarations.

        `kept` are results, by check, that still hold, or that others make.
        """
        made = dict(kept)
        for declared in self._in_turn:
            if declared.nom not in made:
                made[declared.nom] = self.controle(declared, faits, voisins, made.values())
        return tuple(made[declared.nom] for declared in self._sections.controles)

    def controle(
        self,
        declared: DeclaredControle,
        faits: Faits,
        voisins: Voisins = SEUL,
        before: Iterable[Controle] = (),
    ) -> Controle:
        """Return the result of a check; `before` are those that were made before."""
        if declared.humain:
            return Controle(declared.nom, Resultat.SANS_OBJET, f"{A_FAIRE_PAR} {declared.regle}")
        if declared.si is not None:
            applies = self._state(declared.si, declared.nom, faits, voisins, is_condition=True)
            if applies is Fulfilment.FAUX:
                return self._without_object(declared, declared.si, faits)
            if applies is not Fulfilment.VRAI:
                return self._undecided(declared, declared.si, applies, faits)
        if declared.exige is None:
            return self._by_function(declared, faits)
        if declared.exige.tous_presents is not None:
            return self._all_present(declared, declared.exige.tous_presents, faits, before)
        if declared.exige.colonne:
            return self._of_column(declared, declared.exige, declared.exige.colonne, faits)
        state = self._state(declared.exige, declared.nom, faits, voisins)
        evidence = self._evidence(declared, faits)
        if declared.exige.unique_avec == ():
            # An answer is about it: that there is none is a fact, too.
            evidence.setdefault(declared.exige.champ or "", None)
        if state is Fulfilment.VRAI:
            said = self._filled(declared.conforme or declared.titre, faits)
            return Controle(declared.nom, Resultat.CONFORME, said, evidence)
        if state is Fulfilment.FAUX:
            said, own = declared.motif or declared.titre, {}
            if others := voisins.doublons.get(declared.nom):
                numbers, listing = named(others)
                evidence[TWINS] = [*numbers]
                several = "s" if others[1:] else ""
                own = {"dossiers": f"le{several} dossier{several} {listing}", "s": several}
                if "{dossiers}" not in said:
                    said += f" Autre{several} dossier{several} : {listing}."
            at = faits.valeurs.get("depot")
            if isinstance(at, Moment) and any(one.champ == "depot" for one in declared.exige.parts):
                own["depot"] = at.in_full
            said = self._filled(said, faits, own)
            motif = self._motif(declared, said)
            return Controle(declared.nom, declared.sinon_effectif, motif, evidence)
        return self._undecided(declared, declared.exige, state, faits)

    def _by_function(self, declared: DeclaredControle, faits: Faits) -> Controle:
        """Return what the function of a check finds; it is asked only where all is answered."""
        lacking = [name for name in declared.faits if name not in faits.valeurs]
        if lacking:
            absent = _absent(faits, *lacking)
            return self._undecided(declared, Exigence(), absent, faits, lacking)
        given, evidence = faits.dossier, dict[str, Json]()
        if declared.faits:
            given = {name: faits.valeurs[name] for name in declared.faits}
            evidence = self._evidence(declared, faits)
        found = self._functions[declared.nom](given)
        evidence |= found.preuve
        if found.court:
            evidence[COURT] = found.court
        if found.demande is not None and found.resultat in ASKED:
            evidence[DEMANDE] = [*found.demande]
        if found.resultat is Resultat.CONFORME:
            return Controle(declared.nom, found.resultat, found.constat, evidence)
        is_limited = found.resultat is Resultat.NON_CONFORME
        result = declared.sinon_effectif if is_limited else found.resultat
        return Controle(declared.nom, result, self._motif(declared, *found[1:4]), evidence)

    def _all_present(
        self,
        declared: DeclaredControle,
        names: Sequence[str],
        faits: Faits,
        before: Iterable[Controle],
    ) -> Controle:
        """Return the result where all of some questions have to be answered.

        One that was not asked does not count. One that another check tells of counts, and is not
        named again.
        """
        told = {one.preuve.get(SIGNALE) for one in before}
        given = {*faits.valeurs, *faits.illisibles, *faits.non_posees}
        lacking = [name for name in names if name in faits.absents]
        blank = [name for name in names if name not in given and name not in faits.absents]
        evidence: dict[str, Json] = {EXIGENCE: declared.digest}
        if not lacking and not blank:
            said = self._filled(declared.conforme or declared.titre, faits)
            return Controle(declared.nom, Resultat.CONFORME, said, evidence)
        findings = []
        if lacking:
            evidence[NON_ASSOCIES] = [*lacking]
            if left := [name for name in lacking if name not in told]:
                findings.append(SANS_CHAMP.format(questions=self._named(left)))
        if blank:
            evidence[VIDES] = [*blank]
            if left := [name for name in blank if name not in told]:
                finding = AUCUNE_REPONSE.format(questions=self._named(left))
                findings.append(self._motif(declared, finding))
        result = Resultat.IMPOSSIBLE if lacking else declared.sinon_effectif
        return Controle(declared.nom, result, " ".join(findings) or DEJA_SIGNALE, evidence)

    def _named(self, names: Iterable[str]) -> str:
        labels = (label_of(name, self._sections.champs, self._known) for name in names)
        return listed((f"à {quoted(label, _LABEL)}" for label in labels), last="ni")

    def _of_column(
        self, declared: DeclaredControle, exigence: Exigence, name: str, faits: Faits
    ) -> Controle:
        """Return the result of a check of the different answers in a column."""
        base, _, column = name.partition(".")
        evidence: dict[str, Json] = {}
        if base in faits.absents | faits.non_posees:
            label = label_of(base, self._sections.champs, self._known)
            if base in faits.non_posees:
                said = NON_POSEE.format(questions=f"« {label} »")
                return Controle(declared.nom, Resultat.A_VERIFIER, said, {"reponse": "non_demande"})
            said = SANS_CHAMP.format(questions=f"à la question « {label} »")
            evidence = {"reponse": "non_associe", SIGNALE: base}
            return Controle(declared.nom, Resultat.IMPOSSIBLE, said, evidence)
        day, on_list = faits.valeurs.get("depot"), self._lists.get(id(exigence))
        chosen: dict[str, str] = {}
        others: dict[str, str] = {}
        for row in faits.valeurs.get(base, ()):
            if not (typed := str(row.get(column) or "").strip()):
                continue
            option = on_list.option(typed) if on_list else None
            # Counted once, however often and in whichever wording it is given.
            key = fold(option.libelles[0] if option else typed)
            chosen.setdefault(key, typed)
            if on_list and not (option and option.is_offered(day)):
                others.setdefault(key, typed)
        if not chosen:
            return self._undecided(declared, exigence, Fulfilment.SANS_REPONSE, faits, [base])
        evidence |= {"depot": as_json(day), name: [*sorted(chosen.values())]}
        if others:
            evidence["hors_liste"] = [*sorted(others.values())]
        evidence[EXIGENCE] = declared.digest
        own = {name: _choices(chosen.values()), "nombre": str(len(chosen))}
        few: Any = exigence.au_moins
        many: Any = exigence.au_plus
        is_wrong = (few is not None and len(chosen) < few) or (
            many is not None and len(chosen) > many
        )
        findings = []
        if is_wrong:
            own["s"] = "s" if len(chosen) > 1 else ""
            findings.append(self._filled(declared.trop or declared.titre, faits, own))
        if on_list and others:
            offered = (one.libelles[0] for one in on_list.options if one.is_offered(day))
            own |= {"hors_liste": _choices(others.values()), "liste": _choices(offered)}
            own["s"] = "s" if len(others) > 1 else ""
            findings.append(self._filled(declared.motif or declared.titre, faits, own))
        if findings:
            motif = self._motif(declared, " ".join(findings))
            return Controle(declared.nom, declared.sinon_effectif, motif, evidence)
        own["s"] = "s" if len(chosen) > 1 else ""
        said = self._filled(declared.conforme or declared.titre, faits, own)
        return Controle(declared.nom, Resultat.CONFORME, said, evidence)

    def _without_object(
        self, declared: DeclaredControle, condition: Exigence, faits: Faits
    ) -> Controle:
        """Return the result where a condition does not hold, with the answers that decided."""
        said = [f"{self._questions([n])} : {self._answered(n, faits)}" for n in condition.names]
        names = {name.partition(".")[0] for name in condition.names}
        evidence = _given(sorted(names), faits)
        motif = f"Sans objet : {listed(said)}."
        return Controle(declared.nom, Resultat.SANS_OBJET, motif, evidence)

    def _answered(self, name: str, faits: Faits) -> str:
        if name in faits.illisibles:
            return in_words(faits.illisibles[name] or "réponse donnée")
        base, _, column = name.partition(".")
        is_given = base in faits.valeurs and (not column or _sum(faits, name) is not None)
        return self._shown(name, faits) if is_given else "sans réponse"

    def _undecided(
        self,
        declared: DeclaredControle,
        exigence: Exigence,
        state: Fulfilment,
        faits: Faits,
        blank: Sequence[str] = (),
    ) -> Controle:
        """Return the result where a requirement can be called neither fulfilled nor not.

        `blank` are the names that are not answered, if it is not these of the requirement.
        """
        names = [*blank] or [n for n in exigence.names if n.partition(".")[0] not in faits.valeurs]
        # An answer that cannot be read, also of one row, is there: it is not passed over.
        unread = [name for name in names if name in faits.illisibles]
        is_absent = bool(names) and not unread
        if state is Fulfilment.SANS_LIGNE:
            motif = self._motif(declared, HORS_TABLE.format(tables=listed(exigence.tables)))
            evidence = self._evidence(declared, faits)
            evidence[SANS_LIGNE] = [*exigence.tables]
            return Controle(declared.nom, Resultat.A_VERIFIER, motif, evidence)
        if state is Fulfilment.MAL_ECRIT:
            said = self._badly_written(exigence, faits)
        elif state is Fulfilment.IMPOSSIBLE:
            lacking = [name for name in names if name in faits.impossibles]
            said = INDISPONIBLE.format(questions=self._questions(lacking)) if lacking else AILLEURS
        else:
            sentence = SANS_REPONSE if is_absent else ILLISIBLE
            said = sentence.format(questions=self._questions(unread or names or exigence.names))
        result = Resultat.A_VERIFIER
        if state is Fulfilment.IMPOSSIBLE:
            result = Resultat.IMPOSSIBLE
        elif state is Fulfilment.SANS_REPONSE and is_absent:
            result = declared.sans_reponse
        motif, evidence = self._motif(declared, said), self._evidence(declared, faits)
        if state is Fulfilment.SANS_REPONSE and is_absent:
            if result is Resultat.SANS_OBJET and names[0] in self._known:
                motif = self._known[names[0]].sans or motif
            if self._tells_all:
                evidence[SIGNALE] = names[0].partition(".")[0]
        return Controle(declared.nom, result, motif, evidence)

    def _badly_written(self, exigence: Exigence, faits: Faits) -> str:
        found = {
            value: part.champ or ""
            for part in exigence.parts
            for wrong in self.misspelt(part, self._notation(part.champ, faits)).values()
            for value in wrong
        }
        values = listed(map(quoted, [*found][:3]), last="ou")
        return MAL_ECRIT.format(questions=self._questions(found.values()), values=values)

    def _motif(
        self,
        declared: DeclaredControle,
        finding: str,
        regle: str | None = None,
        a_faire: str | None = None,
    ) -> str:
        """Return a finding with rule and remedy: the declared ones, where there are no own ones."""
        regle = declared.regle if regle is None else regle
        a_faire = declared.a_faire if a_faire is None else a_faire
        return " ".join(filter(None, (finding, regle, a_faire and f"À faire : {a_faire}")))

    def _questions(self, names: Iterable[str]) -> str:
        """Return how people know champs and facts."""
        labels = (label_of(name, self._sections.champs, self._known) for name in names)
        return listed(f"« {label} »" for label in dict.fromkeys(labels))

    def _evidence(self, declared: DeclaredControle, faits: Faits) -> dict[str, Json]:
        """Return the facts that a check uses, as JSON."""
        found = _given(declared.champs, faits)
        for bound in declared.cellules:
            if cell := self._cell(bound, faits):
                found[f"{bound.table}.{bound.valeur}"] = cell
        # A person's answer rests on it: what a check requires is part of what it finds.
        found[EXIGENCE] = declared.digest
        return found

    def _filled(self, sentence: str, faits: Faits, own: Mapping[str, str] = {}) -> str:
        """Return a sentence with its facts, by name alone; `own` are those of the check."""

        def shown(found: re.Match[str]) -> str:
            if found[1] in own:
                return own[found[1]]
            is_amount = sentence[found.end() :].lstrip().startswith("€")
            return self._shown(found[1], faits, is_amount=is_amount)

        return PLACE.sub(shown, sentence)

    def _shown(self, name: str, faits: Faits, *, is_amount: bool = False) -> str:
        base, _, column = name.partition(".")
        value = _sum(faits, name) if column else faits.valeurs.get(base)
        if is_amount and isinstance(value, Decimal):
            return french_amount(value)
        return "(non renseigné)" if value is None else in_words(value)

    def _state(
        self,
        exigence: Exigence,
        nom: str,
        faits: Faits,
        voisins: Voisins,
        *,
        is_condition: bool = False,
    ) -> Fulfilment:
        if exigence.un_de:
            states = [
                self._state(one, nom, faits, voisins, is_condition=is_condition)
                for one in exigence.un_de
            ]
            if Fulfilment.VRAI in states:
                return Fulfilment.VRAI
            # What is not known could be what holds.
            return max((s for s in states if s is not Fulfilment.FAUX), default=Fulfilment.FAUX)
        # Those that name no known thing in the same words are compared, too.
        if exigence.unique_avec is not None and voisins.doublons.get(nom):
            return Fulfilment.FAUX
        value = _subject(exigence, faits)
        absent = _absent(faits, exigence.champ) if value is None else Fulfilment.VRAI
        # Absence decides whether a check applies, never how it ends.
        if is_condition and exigence.present is not None and absent is not Fulfilment.IMPOSSIBLE:
            is_given = value is not None or exigence.champ in faits.illisibles
            if is_given is not exigence.present or len(exigence.operateurs) == 1:
                return _told(is_given is exigence.present)
        if value is None:
            return absent
        return max(
            self._compared(key, test, exigence, value, faits)
            if (test := self._tests[id(exigence)][key])
            else self._holds(key, operand, exigence, value, nom, faits, voisins)
            for key, operand in exigence.operateurs.items()
        )

    def _compared(
        self,
        key: str,
        test: Callable[[Any, Notation | None], bool],
        exigence: Exigence,
        value: Any,
        faits: Faits,
    ) -> Fulfilment:
        """Return whether an operator holds that compares an answer with constants or a table."""
        notation = self._notation(exigence.champ, faits)
        holds = all(test(one, notation) for one in each(value))
        # That it equals none of the values means nothing where one of them was written wrong.
        if holds is key.startswith("pas_") and self.misspelt(exigence, notation).get(key):
            return Fulfilment.MAL_ECRIT
        return _told(holds)

    def _notation(self, name: str | None, faits: Faits) -> Notation | None:
        """Return in which notation DS sends a champ or a fact; None: in no other than people's."""
        if name is None or name in self._sections.champs:
            return faits.notations.get(name or "")
        return self._known[name].notation

    def misspelt(
        self, part: Exigence, notation: Notation | None
    ) -> Mapping[str, Mapping[str, str]]:
        """Return what no value of one subject can equal: by operator, texts with what is wrong."""
        if notation is None:
            return {}
        known = self._wrong.get((id(part), notation))
        if known is None:
            known = self._wrong[id(part), notation] = {
                key: misspelt(self._compared_with(key, operand), notation, key)
                for key, operand in part.operateurs.items()
            }
        return known

    def _compared_with(self, key: str, operand: Any) -> Iterable[Any]:
        """Return the constants, or keys of a table, with which an operator compares."""
        if key.endswith("dans_table"):
            cle = self._sections.tables[operand].cle
            return (row[cle] for row in self._tables[operand].values())
        return each(operand) if key in CONSTANTS else ()

    def _holds(
        self,
        key: str,
        operand: Any,
        exigence: Exigence,
        value: Any,
        nom: str,
        faits: Faits,
        voisins: Voisins,
    ) -> Fulfilment:
        """Return whether an operator holds that compares an answer with others."""
        if key == "unique_avec":
            lacking = [name for name in operand if name not in faits.valeurs]
            return _absent(faits, *lacking) if lacking else _told(not voisins.doublons.get(nom))
        if key.endswith("autre_demarche"):
            has = voisins.autre_demarche(operand)
            return (
                Fulfilment.IMPOSSIBLE if has is None else _told(has is not key.startswith("pas_"))
            )
        bound = self._bound(operand, faits) if isinstance(operand, Borne) else operand
        if isinstance(bound, Fulfilment):
            return bound
        if key == "egal":
            ways = [written(one, self._notation(exigence.champ, faits)) for one in each(value)]
            others = [written(one, self._notation(operand.champ, faits)) for one in each(bound)]
            return _told(_are_same(ways, others) and _are_same(others, ways))
        if isinstance(bound, datetime):
            value = getattr(value, "at", None) or datetime.combine(value, time.min)
        return _told(value >= bound if key == "au_moins" else value <= bound)

    def _bound(self, borne: Borne, faits: Faits) -> Any:
        """Return what to compare with, or why there is nothing."""
        value = _subject(borne, faits)
        if borne.table is not None and borne.cle in faits.valeurs:
            cell = self._cell(borne, faits)
            if not cell:
                return Fulfilment.SANS_LIGNE
            value = cell_value(cell)
        if value is None:
            return _absent(faits, borne.champ, borne.cle)
        if isinstance(value, Decimal):
            return value * borne.fois + borne.plus
        if isinstance(value, date):
            return _moved(value, 12 * borne.plus_ans + borne.plus_mois, borne.plus_jours)
        return value

    def _cell(self, borne: Borne, faits: Faits) -> str | None:
        """Return what a table has for the dossier; None: nothing."""
        keys = each(faits.valeurs.get(borne.cle or "", ()))
        rows, notation = self._tables[borne.table or ""], self._notation(borne.cle, faits)
        ways = {way for key in keys for way in written(key, notation) if way in rows}
        # Of several options, none is the one; nor is one of two rows of the same place.
        row = rows[ways.pop()] if len(keys) == len(ways) == 1 else None
        return row[borne.valeur or ""].strip() if row else None


PLACE = re.compile(r"\{([a-z0-9_.]*)\}")
"""Where a sentence has a fact."""


def misspelt(
    values: Iterable[Any], notation: Notation, key: str = "", *, only_doubts: bool = False
) -> dict[str, str]:
    """Return the texts that no value in a notation can equal by an operator, with what is wrong.

    `only_doubts`: those instead that some value can equal, and that are probably wrong.
    """
    is_start = key == "commence_par"
    texts = [one for one in values if isinstance(one, str)]
    found = dict[str, str]()
    for one in texts if not (is_start and only_doubts) else ():
        fault = (
            notation.doubt(one, is_first=not found)
            if only_doubts
            else notation.fault(one, is_start=is_start)
        )
        if fault:
            found[one] = fault
    return found


def _is_of_all(declared: DeclaredControle) -> bool:
    return declared.exige is not None and declared.exige.tous_presents is not None


class Offer(NamedTuple):
    """What a check knows of the options of a question; `parametres` of a function have `offers`."""

    champ: str
    """Or a column."""
    names: Sequence[str]
    """What the form should offer."""
    meant: Callable[[str], Collection[str]]
    """Returns what an option of the form means, by these or other names; empty: it is not known."""


class Listed:
    """The options of a list, by their labels and words."""

    def __init__(self, given: Iterable[Any]) -> None:
        self.options = [
            one if isinstance(one, Option) else Option(libelles=(in_words(one),)) for one in given
        ]
        self._by_label = {fold(label): one for one in self.options for label in one.libelles}
        self._by_words = [
            (one, [{*words(word)} for word in one.mots]) for one in self.options if one.mots
        ]

    def option(self, typed: str) -> Option | None:
        """Return the option that an answer means: by its label, else by its words; None: no one."""
        if exact := self._by_label.get(fold(typed)):
            return exact
        # The options' wording can change from one revision of the form to the next.
        said = {*words(typed)}
        found = [one for one, known in self._by_words if any(some <= said for some in known)]
        # Words of two options in one label decide nothing.
        return found[0] if len(found) == 1 else None

    def offer(self, champ: str) -> Offer:
        """Return what a question should offer."""

        def meant(option: str) -> Collection[str]:
            found = self.option(option)
            return found.libelles[:1] if found else ()

        return Offer(champ, [one.libelles[0] for one in self.options], meant)


def _choices(labels: Iterable[str]) -> str:
    return listed(quoted(label, _CHOICE) for label in labels)


def _are_same(these: Iterable[frozenset[str]], those: Collection[frozenset[str]]) -> bool:
    """Return whether each value, by its ways of writing, is among others."""
    return all(any(not one.isdisjoint(other) for other in those) for one in these)


def _told(holds: bool) -> Fulfilment:
    return Fulfilment.VRAI if holds else Fulfilment.FAUX


def _absent(faits: Faits, *names: str | None) -> Fulfilment:
    """Return why there is no answer to one of these."""
    return Fulfilment.SANS_REPONSE if faits.impossibles.isdisjoint(names) else Fulfilment.IMPOSSIBLE


def _given(names: Iterable[str], faits: Faits) -> dict[str, Json]:
    valeurs, unread = faits.valeurs, faits.illisibles
    found: dict[str, Json] = {n: as_json(valeurs[n]) for n in names if n in valeurs}
    return found | {n: unread[n] for n in names if n in unread}


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
    cells = [row.get(column) for row in rows]
    return sum(cells, Decimal(0)) if all(isinstance(one, Decimal) for one in cells) else None


def _moved(day: date, months: int, days: int) -> date:
    """Return a day some months and days later; the 31st becomes the last of a shorter month.

    People type years such as 9999: no day is later than the last one of the calendar.
    """
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        return date.max if months > 0 else date.min
    month += 1
    moved = date(year, month, min(day.day, monthrange(year, month)[1]))
    try:
        return moved + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min
