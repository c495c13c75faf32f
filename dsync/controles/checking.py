"""What is wrong in declared checks, all at once, in sentences for the person who wrote them."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from dsync.controles.declarations import (
    SUJETS,
    Borne,
    ControlesSections,
    DeclaredChamp,
    DeclaredControle,
    DeclaredTable,
    Exemple,
    Exigence,
    Option,
    Type,
)
from dsync.controles.declared_checks import (
    CONSTANTS,
    OF_COLUMN,
    OF_OTHERS,
    PLACE,
    Evaluator,
    Listed,
    Rows,
    misspelt,
)
from dsync.controles.facts import FAITS, Fait, Faits, can_read, find
from dsync.controles.functions import Call, Function, bound
from dsync.controles.notations import NOTATIONS, Moment, Notation, cell_value, each, fold_value
from dsync.domain.dossier import Descriptor
from dsync.domain.remedies import nearest

_TEXTS = (Type.TEXTE, Type.CHOIX)
_VALUES = (*_TEXTS, Type.NOMBRE, Type.DATE)
_OF_TYPE: Mapping[str, Collection[Type]] = {
    "egal": (*_VALUES, Type.OUI_NON),
    "parmi": _VALUES,
    "pas_parmi": _VALUES,
    "au_moins": (Type.NOMBRE, Type.DATE),
    "au_plus": (Type.NOMBRE, Type.DATE),
    "commence_par": _TEXTS,
    "dans_table": (*_TEXTS, Type.NOMBRE),
    "pas_dans_table": (*_TEXTS, Type.NOMBRE),
    "format": (Type.TEXTE,),
    "fichiers": (Type.PIECES,),
    "unique_avec": _VALUES,
}
"""The types of answers that an operator takes; one that is not named here takes each."""
_HOW: Mapping[Type, str] = {
    Type.TEXTE: "écrivez un texte entre guillemets",
    Type.NOMBRE: "écrivez un nombre, sans espace ni guillemets",
    Type.DATE: "écrivez une date comme 2027-06-30, sans guillemets",
    Type.OUI_NON: "écrivez true ou false",
    Type.CHOIX: "écrivez une liste de textes",
    Type.PIECES: "écrivez une liste de noms de fichiers",
}
_COMPARED = ("egal", "parmi", "pas_parmi", "au_moins", "au_plus")
_OF_COMMUNE = (
    " : mettez les communes admises dans une table, par leur code Insee, et écrivez "
    'champ = "commune", dans_table'
)
_ASKED = " : posez la question dans le formulaire, et nommez-la dans [champs]"
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("commune", "population", "habitants", "nombre_habitants"), _OF_COMMUNE),
    "effectif": " : écrivez parmi, avec les tranches admises",
    "code_postal": " ; commune, departement ou region ?",
    **dict.fromkeys(("telephone", "courriel", "adresse"), _ASKED),
}
"""By what people write for a fact, what to write instead."""
_MAX_ROWS = 200_000
_MOST_DOUBTS = 5
"""Of the values of a check, which are named: other warnings are to be seen beside them."""
FRAME = 500
"""Room for the first line of a detail and the beginnings of the last ones, in characters."""


class Declarations:
    """The declarations, with their tables below the TOML file's folder, and what is wrong."""

    def __init__(
        self,
        sections: ControlesSections,
        folder: Path,
        faits: Mapping[str, Fait] = FAITS,
        own: Mapping[str, Call] = {},
    ) -> None:
        self.sections = sections
        self.faits = faits
        self._own = own
        self.tables: dict[str, Rows] = {}
        self.functions: dict[str, Function] = {}
        self.faults: list[str] = []
        self._place = ""
        self._columns: dict[str, list[str]] = {}
        self._types = {name: one.type for name, one in faits.items()}
        self._types |= {name: one.type for name, one in sections.champs.items()}
        for name, table in sections.tables.items():
            self._place = f"tables.{name}"
            self._read(name, table, folder / table.fichier)
        for name, champ in sections.champs.items():
            self._place = f"champs.{name}"
            if champ.id is None and not champ.libelles:
                self._say("ni id ni libelles")
            if (champ.type is Type.LIGNES) is not bool(champ.colonnes):
                self._say("colonnes va avec le type lignes, et lui avec elles")
        # The last lines of a detail, which have titles, are never shortened.
        needed = FRAME + sum(len(title) + 2 for title in sections.titles.values())
        if needed > sections.precontrole.max_detail_length:
            self._place = "precontrole.max_detail_length"
            self._say(f"{needed} au moins pour les titres des contrôles, ou des titres plus courts")
        for one in sections.controles:
            self._place = one.nom
            same = [other for other in sections.controles if other.nom == one.nom]
            if one is not same[0]:
                self._say(f"nom donné {len(same)} fois")
            self._check(one)
        # An example of what is wrong itself would only tell the same again.
        if not self.faults:
            for one in sections.controles:
                for number, exemple in enumerate(one.exemple, start=1):
                    self._place = f"{one.nom}, exemple {number}"
                    self._check_example(one, exemple)

    @cached_property
    def evaluator(self) -> Evaluator:
        """The checks, ready to evaluate; only where there are no faults."""
        return Evaluator(self.sections, self.tables, self.faits, self.functions)

    def warnings(self) -> Iterator[str]:
        """Yield what works otherwise than its author may think."""
        for one in self.sections.controles:
            if not one.humain and one.sinon is not one.sinon_effectif:
                yield (
                    f"{one.nom} : sans un exemple conforme et un exemple non_conforme, ce contrôle "
                    "rend a_verifier au lieu de non_conforme"
                )
            for name in one.champs:
                if name in self.faits and name not in self.sections.champs:
                    yield from self._doubts(one, name, self.faits[name].notation)

    def _doubts(self, one: DeclaredControle, name: str, notation: Notation | None) -> Iterator[str]:
        found = [said for _, said in self._misspelt(one, name, notation, only_doubts=True)]
        yield from found[:_MOST_DOUBTS]
        if more := found[_MOST_DOUBTS:]:
            yield f"{one.nom} : valeurs douteuses en plus de celles-ci : {len(more)}"

    def of_form(self, descriptors: Iterable[Descriptor]) -> Iterator[str]:
        """Yield what does not fit a revision of the form."""
        known = [d for d in descriptors if not d.is_annotation]
        top = [d for d in known if d.parent_id is None]
        for name, champ in self.sections.champs.items():
            found = find(top, champ.id, champ.libelles)
            if found is None:
                yield self._not_found(name, champ, known)
                continue
            if not can_read(champ.type, found.type):
                yield (
                    f"champs.{name} : lu comme {champ.type}, alors que « {found.libelle} » est de "
                    f"type {found.type} dans le formulaire"
                )
            for one in self.sections.controles:
                yield from self._doubts(one, name, NOTATIONS.get(found.type))
            inner = [d for d in known if d.parent_id == found.id]
            for column, value in champ.colonnes.items():
                if find(inner, value, (value,)) is None:
                    yield (
                        f"champs.{name}.colonnes.{column} : « {value} » n’est pas une colonne de "
                        f"« {found.libelle} »{_labels(value, inner)}"
                    )
        yield from (fault for _, fault in self.impossible_values(known))
        for one in self.sections.controles:
            yield from self._of_lists(one, known)

    def _of_lists(self, one: DeclaredControle, known: Collection[Descriptor]) -> Iterator[str]:
        """Yield what a check's list has and the options of its question do not, and inversely."""
        function, exige = self.functions.get(one.nom), one.exige
        offers = getattr(function and function.parametres, "offers", ())
        if exige and exige.colonne and exige.parmi is not None:
            offers = [Listed(exige.parmi).offer(exige.colonne)]
        for offer in offers:
            found = self._question(offer.champ, known)
            if found is None or found.options is None or found.other_option:
                continue
            meant = {option: offer.meant(option) for option in found.options}
            for option in (option for option, names in meant.items() if not names):
                yield f"{one.nom} : la liste n’a pas l’option « {option} » de « {found.libelle} »"
            for name in offer.names:
                if not any(name in names for names in meant.values()):
                    yield f"{one.nom} : « {name} » n’est pas une option de « {found.libelle} »"

    def _question(self, name: str, known: Collection[Descriptor]) -> Descriptor | None:
        base, _, column = name.partition(".")
        if (champ := self.sections.champs.get(base)) is None:
            return None
        found = find((d for d in known if d.parent_id is None), champ.id, champ.libelles)
        if found is None or not column:
            return found
        id_ = champ.colonnes[column]
        return find((d for d in known if d.parent_id == found.id), id_, (id_,))

    def _not_found(self, name: str, champ: DeclaredChamp, known: Collection[Descriptor]) -> str:
        """Return what to say of a champ that is no question of the form itself."""
        label = champ.libelles[0] if champ.libelles else champ.id or name
        left = "ses contrôles n’auront pas de réponse (« à vérifier »)"
        column = find((d for d in known if d.parent_id), champ.id, champ.libelles)
        if column is not None:
            block = next((d.libelle for d in known if d.id == column.parent_id), "")
            return (
                f"champs.{name} : « {column.libelle} » est une colonne du bloc « {block} » : "
                f"déclarez le bloc (type lignes), avec elle dans colonnes ; sinon {left}"
            )
        near = _labels(label, (d for d in known if d.parent_id is None))
        return f"champs.{name} : « {label} » n’est pas dans le formulaire : {left}{near}"

    def impossible_values(
        self, descriptors: Iterable[Descriptor]
    ) -> Iterator[tuple[tuple[str, str, str], str]]:
        """Yield the values that no answer to its question in a revision of the form can equal.

        Each is the check, the champ and the value; and a sentence.
        """
        top = [d for d in descriptors if d.parent_id is None and not d.is_annotation]
        for name, champ in self.sections.champs.items():
            if (found := find(top, champ.id, champ.libelles)) is None:
                continue
            for one in self.sections.controles:
                for value, fault in self._misspelt(one, name, NOTATIONS.get(found.type)):
                    yield (one.nom, name, value), f"{fault} (« {found.libelle} »)"
                for value in _no_options(one, name, found):
                    yield (
                        (one.nom, name, value),
                        f"{one.nom} : « {value} » n’est pas une option de « {found.libelle} »"
                        f"{_or(nearest(value, found.options or ()))}",
                    )

    def _misspelt(
        self,
        one: DeclaredControle,
        name: str,
        notation: Notation | None,
        *,
        only_doubts: bool = False,
    ) -> Iterator[tuple[str, str]]:
        """Yield what a check compares with a champ or a fact and is not in its notation, and why.

        Keys of tables are included: a row that nobody can find is as wrong. `only_doubts` is as of
        `misspelt`.
        """
        if notation is None:
            return
        parts = [part for part in one.parts if part.champ == name]
        for part in parts:
            for key, operand in part.operateurs.items():
                given = each(operand) if key in CONSTANTS else ()
                for value, fault in misspelt(given, notation, key, only_doubts=only_doubts).items():
                    yield value, f"{one.nom} : {fault}"
        used = {table for part in parts for table in (part.dans_table, part.pas_dans_table)}
        used |= {bound.table for bound in one.cellules if bound.cle == name}
        for table in (name for name in self.tables if name in used):
            cle = self.sections.tables[table].cle
            keys = (row[cle] for row in self.tables[table].values())
            wrong = misspelt(keys, notation, only_doubts=only_doubts)
            for value, fault in islice(wrong.items(), 1):
                more = len(wrong) - 1
                others = f" (ainsi que {more} de ses autres lignes)" if more else ""
                yield value, f"tables.{table} : {fault}{others}"

    def _say(self, fault: str) -> None:
        self.faults.append(f"{self._place} : {fault}")

    def _read(self, name: str, table: DeclaredTable, path: Path) -> None:
        self.tables[name], self._columns[name] = {}, []
        try:
            text = path.read_text(encoding="utf-8-sig")
            head = text.partition("\n")[0]
            # What a French spreadsheet writes has semicolons.
            delimiter = ";" if head.count(";") > head.count(",") else ","
            rows = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, restval="")
            columns = [*(rows.fieldnames or ())]
            listed = [row for row in rows if row.get(table.cle, "").strip()]
        except (OSError, UnicodeDecodeError, csv.Error) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "ce n’est pas un CSV en UTF-8"
            return self._say(f"{table.fichier} ne peut pas être lu ({why})")
        self._columns[name] = columns
        found = {fold_value(row[table.cle]): row for row in listed}
        if table.cle not in columns:
            self._say(
                f"{table.fichier} n’a pas de colonne « {table.cle} » (elle a {', '.join(columns)})"
            )
        elif not found or len(listed) > _MAX_ROWS:
            self._say(f"{table.fichier} a {len(listed)} lignes, de 1 à {_MAX_ROWS} sont attendues")
        elif len(found) < len(listed):
            # The first one whose key comes again.
            double = next(row for row in listed if found[fold_value(row[table.cle])] is not row)
            self._say(f"{table.fichier} a deux lignes pour « {double[table.cle]} »")
        self.tables[name] = found
        return None

    def _check(self, one: DeclaredControle) -> None:
        if {"{", "}"} & set(f"{one.titre}{one.regle}{one.a_faire}{one.demande}"):
            self._say("des accolades ne sont permises que dans motif et conforme")
        if one.humain:
            if one.exigences or one.exemple or one.motif or one.conforme or one.fonction:
                self._say(
                    "humain = true ne va pas avec si, exige, fonction, motif, conforme ni exemple"
                )
            return None
        if "à compléter" in one.regle:
            self._say("regle est à compléter : citez le texte et l’article")
        if not one.a_faire and one.fonction not in self._own:
            self._say("a_faire manque : ce qu’un instructeur a à faire")
        if one.fonction is not None:
            return self._check_function(one)
        if one.faits or one.parametres:
            self._say("faits et parametres vont avec fonction")
        if one.exige is None:
            return self._say("aucune exigence")
        # Of a lacking answer it is not said.
        if one.motif is None and not one.exige.operateurs.keys() <= {"present", "tous_presents"}:
            self._say("motif manque : la phrase d’un dossier qui ne remplit pas l’exigence")
        self._check_exigence(one.exige)
        if one.si is not None:
            self._check_exigence(one.si, is_condition=True)
        for name in one.champs:
            if name in self.faits and name not in self.sections.champs:
                found = (fault for _, fault in self._misspelt(one, name, self.faits[name].notation))
                self.faults += [fault for fault in found if fault not in self.faults]
        own = OF_COLUMN if one.exige.colonne else OF_OTHERS if one.exige.unique_avec == () else ()
        for sentence in filter(None, (one.motif, one.conforme, one.trop)):
            for place in PLACE.finditer(sentence):
                if place[1] not in own:
                    self._knows(place[1])
            if {"{", "}"} & set(PLACE.sub("", sentence)):
                self._say(f"accolades sans nom dans « {sentence} »")
        return None

    def _check_function(self, one: DeclaredControle) -> None:
        if one.exige is not None or one.motif or one.conforme or one.trop:
            self._say("fonction ne va pas avec exige, motif, conforme ni trop")
        if one.fonction in self._own and (one.faits or one.exemple):
            self._say("une fonction du programme va sans faits ni exemple")
        if not one.faits and one.fonction not in self._own:
            self._say("faits nomme les champs et les faits que prend la fonction")
        for name in one.faits:
            self._knows(name, is_sum=False)
        if one.si is not None:
            self._check_exigence(one.si, is_condition=True)
        found = bound(one, self._own)
        if isinstance(found, list):
            for fault in found:
                self._say(fault)
        else:
            self.functions[one.nom] = found

    def _check_exigence(self, exigence: Exigence, *, is_condition: bool = False) -> None:
        if exigence.un_de and (
            exigence.sujets or exigence.operateurs or any(one.un_de for one in exigence.un_de)
        ):
            return self._say("un_de va sans sujet ni opérateur, et n’a qu’un niveau")
        # The keys of two of them would be one.
        if len([one for one in exigence.parts if one.unique_avec is not None]) > 1:
            self._say("unique_avec n’est permis qu’une fois dans un_de")
        for part in exigence.parts:
            if part.colonne or part.tous_presents is not None:
                self._check_whole(part, is_alone=part is exigence and not is_condition)
            elif len(part.sujets) != 1:
                self._say(f"exactement un de {', '.join(SUJETS)} ou un_de est attendu")
            elif not part.operateurs:
                self._say("aucune exigence")
            elif part.present is False and not (is_condition and len(part.operateurs) == 1):
                self._say("present = false n’est permis que dans si, sans autre opérateur")
            elif part.unique_avec is not None and (is_condition or part.champ is None):
                self._say("unique_avec n’est permis que dans exige, pour un champ")
            else:
                self._check_part(part)
        return None

    def _check_whole(self, part: Exigence, *, is_alone: bool) -> None:
        """Say what is wrong in a requirement that is of a column, or of several questions."""
        given = {*part.sujets, *part.operateurs}
        allowed = {"colonne", "parmi", "au_moins", "au_plus"} if part.colonne else {"tous_presents"}
        if not is_alone or given - allowed:
            self._say(
                "colonne va seule dans exige, avec parmi, au_moins ou au_plus"
                if part.colonne
                else "tous_presents va seul dans exige"
            )
        elif part.colonne:
            if self._knows(part.colonne) and "." not in part.colonne:
                self._say(f"colonne attend une colonne de lignes, comme {part.colonne}.profil")
            for key in ("au_moins", "au_plus"):
                if not isinstance(getattr(part, key), Decimal | None):
                    self._say(f"{key} attend un nombre de réponses")
            self._check_list(part.parmi or ())
        else:
            for name in part.tous_presents or ():
                self._knows(name, is_sum=False)

    def _check_list(self, given: Iterable[Any]) -> None:
        labels = [fold_value(label) for one in Listed(given).options for label in one.libelles]
        for label in dict.fromkeys(labels):
            if labels.count(label) > 1:
                self._say(f"« {label} » est {labels.count(label)} fois dans la liste")
        for one in given:
            if isinstance(one, Option) and one.du and one.au and one.au < one.du:
                self._say(f"« {one.libelles[0]} » : le dernier jour vient avant le premier")

    def _check_part(self, part: Exigence) -> None:
        name = next(iter(part.sujets.values()))
        for other in part.unique_avec or ():
            self._knows(other, is_sum=False)
        type_ = self._type_of_subject(part)
        if type_ is None:
            return
        for operator, operand in part.operateurs.items():
            if type_ not in _OF_TYPE.get(operator, tuple(Type)):
                instead = _INSTEAD.get(name, "") if operator.startswith("au_") else ""
                self._say(f"{operator} ne s’applique pas à {name} ({type_}){instead}")
            elif operator == "parmi" and any(isinstance(one, Option) for one in operand):
                self._say("une option datée va dans la liste d’une colonne")
            elif operator in _COMPARED:
                for one in each(operand):
                    if isinstance(one, datetime) and (name, operator[:3]) != ("depot", "au_"):
                        self._say("une heure ne se compare qu’à depot, par au_moins ou au_plus")
                    given = self._type_of_bound(one) if isinstance(one, Borne) else _type_of(one)
                    if given is not None and given is not _comparable(type_):
                        self._say(
                            f"{operator} compare {name} ({type_}) à une valeur de type {given}"
                        )
            elif operator in ("dans_table", "pas_dans_table"):
                self._knows_table(operand)

    def _type_of_bound(self, bound: Borne) -> Type | None:
        """Return the type of a bound, None after saying what is wrong with it."""
        if len([one for one in (*bound.sujets, bound.table) if one]) != 1:
            self._say(f"une borne a exactement un de {', '.join(SUJETS)}, table")
            return None
        type_ = self._type_of_subject(bound) if bound.table is None else self._type_in_table(bound)
        is_moved = bound.plus_jours or bound.plus_mois or bound.plus_ans
        is_computed = bound.fois != 1 or bound.plus
        if type_ and (
            (is_moved and type_ is not Type.DATE) or (is_computed and type_ is not Type.NOMBRE)
        ):
            self._say(
                "fois et plus vont avec un nombre, plus_jours, plus_mois et plus_ans avec une date"
            )
        return type_ and _comparable(type_)

    def _type_in_table(self, bound: Borne) -> Type | None:
        table = bound.table or ""
        if not self._knows(bound.cle or "", is_sum=False) or not self._knows_table(table):
            return None
        columns, column = self._columns[table], bound.valeur or ""
        if column not in columns:
            # A table that was not read was told already.
            if columns:
                self._say(
                    f"la table {table} n’a pas de colonne « {column} » (elle a "
                    f"{', '.join(columns)})"
                )
            return None
        cells = filter(None, (row[column].strip() for row in self.tables[table].values()))
        values = {cell: cell_value(cell) for cell in cells}
        types = {_type_of(value) for value in values.values()}
        if len(types) == 1 and None not in values.values():
            return types.pop()
        wrong = next((cell for cell, value in values.items() if value is None), None)
        self._say(
            f"la colonne {column} de la table {table} a autre chose que des nombres, ou que des "
            f"dates comme 2026-10-31{f' : « {wrong} »' if wrong else ''}"
        )
        return None

    def _type_of_subject(self, declared: Exigence | Borne) -> Type | None:
        key, name = next(iter(declared.sujets.items()))
        if not self._knows(name, is_sum=key == "somme"):
            return None
        type_ = self._types[name.partition(".")[0]]
        if key == "nombre" and type_ is not Type.LIGNES:
            self._say(f"nombre compte des lignes, et {name} est de type {type_}")
            return None
        if key == "somme" and "." not in name:
            self._say(f"somme attend une colonne de lignes, comme {name}.montant")
            return None
        return type_ if key == "champ" else Type.NOMBRE

    def _knows(self, name: str, *, is_sum: bool = True) -> bool:
        """Return whether a champ, a fact or, as `champ.colonne`, a column is known, or say so."""
        base, dot, column = name.partition(".")
        if dot and not is_sum and self._types.get(base) is Type.LIGNES:
            self._say(
                f"« {name} » est une colonne : d’un bloc, seuls nombre (de lignes) et somme "
                "(d’une colonne) se contrôlent"
            )
            return False
        if base not in self._types or (dot and not is_sum):
            near = _INSTEAD.get(name) or _or(nearest(name, self._types))
            self._say(f"« {name} » n’est ni un champ de [champs] ni un fait{near}")
            return False
        columns = self.sections.champs[base].colonnes if base in self.sections.champs else {}
        if dot and column not in columns:
            near = _or(nearest(column, columns))
            self._say(f"« {column} » n’est pas une colonne de {base}{near}")
            return False
        return True

    def _knows_table(self, name: str) -> bool:
        if name in self.sections.tables:
            return True
        near = nearest(name, self.sections.tables)
        self._say(f"« {name} » n’est pas une table de [tables]{_or(near)}")
        return False

    def _check_example(self, one: DeclaredControle, exemple: Exemple) -> None:
        values: dict[str, Any] = {}
        for name, value in exemple.champs.items():
            if not self._knows(name):
                return
            base = name.partition(".")[0]
            if self._types[base] is Type.LIGNES:
                return self._say(f"les lignes d’un exemple vont dans lignes = {{ {base} = … }}")
            type_, given = self._types[name], each(value)
            is_list = type_ in (Type.CHOIX, Type.PIECES)
            wanted = Type.TEXTE if is_list else type_
            if any(_type_of(v) is not wanted for v in given) or (given[1:] and not is_list):
                return self._say(f"{name} est de type {type_} : {_HOW[type_]}")
            # A blank text is no answer.
            if value not in ("", ()):
                values[name] = list(given) if is_list else value
                if type_ is Type.DATE and isinstance(value, datetime):
                    values[name] = Moment.of(value)
        for name, rows in exemple.lignes.items():
            if not all([self._knows(name), *(self._knows(f"{name}.{k}") for r in rows for k in r)]):
                return None
            if rows:
                values[name] = list(rows)
        found = self.evaluator.controle(one, Faits(values)).resultat
        # Of a check whose other example is still missing.
        if found is one.sinon_effectif and exemple.resultat is one.sinon:
            return None
        if found is not exemple.resultat:
            self._say(f"donne {found} au lieu de {exemple.resultat}")
        return None


def _or(near: str | None) -> str:
    return f" ; {near} ?" if near else ""


def _no_options(one: DeclaredControle, name: str, found: Descriptor) -> Iterator[str]:
    """Yield the constants of a check that are no option of a drop-down list."""
    # DS lists no options of a single choice among items of a list of its own.
    if not found.options or found.other_option:
        return
    known = set(map(fold_value, found.options))
    for part in one.parts:
        given = [*(part.parmi or ()), *(part.pas_parmi or ()), part.egal]
        for value in given if part.champ == name else ():
            if (
                value is not None
                and not isinstance(value, Borne)
                and fold_value(value) not in known
            ):
                yield str(value)


def _labels(label: str, descriptors: Iterable[Descriptor]) -> str:
    return _or(nearest(label, [d.libelle for d in descriptors]))


def _type_of(constant: Any) -> Type:
    if isinstance(constant, bool):
        return Type.OUI_NON
    if isinstance(constant, Decimal):
        return Type.NOMBRE
    return Type.DATE if isinstance(constant, date) else Type.TEXTE


def _comparable(type_: Type) -> Type:
    """Return the type of constants that an answer of a type is compared with."""
    return Type.TEXTE if type_ is Type.CHOIX else type_
