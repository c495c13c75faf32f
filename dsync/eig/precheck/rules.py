"""The checks of a call with their lists, validated and indexed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

from dsync.controles import papers
from dsync.controles.checking import Declarations
from dsync.controles.controles import digest_of, rules_of
from dsync.controles.declarations import ControlesSections, DeclaredControle, window_of
from dsync.controles.facts import FAITS
from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import Rules
from dsync.domain.verdict import Resultat
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.check import FUNCTIONS, Check
from dsync.eig.precheck.check_input import EIG_FAITS
from dsync.eig.precheck.checks import CHECKS
from dsync.eig.precheck.checks.administration import list_sources
from dsync.eig.precheck.lists import (
    CategorieList,
    ListProblemsError,
    OperateurList,
    parse_categories,
    parse_operateurs,
)
from dsync.eig.precheck.parameters import AdmittedPhases, FicheProduit
from dsync.eig.precheck.sentences import SENTENCES
from dsync.errors import ConfigurationError

SENTENCES_REVISION = 10
"""Raise it when sentences or checks change, so that all open dossiers are judged again."""
CATEGORIES = "categories_juridiques.csv"
"""The file with the legal categories: beside the configuration, or else the shipped one."""
NOT_EXAMINED = (
    "Non examiné, faute de produit identifié",
    "Non examinés, faute de produit identifié",
)
_MAY_REFUSE = frozenset(
    name
    for sentence in SENTENCES
    if sentence.resultat is Resultat.NON_CONFORME
    for name in sentence.controles
)
"""Functions that have a sentence for « non conforme »."""
_OF_CATALOGUE = {*FUNCTIONS[1:], *EIG_FAITS} - {*FAITS}
"""The checks and the facts that need the catalogue of products."""

_List = TypeVar("_List", OperateurList, CategorieList)


@dataclass(frozen=True)
class RuleSet:
    """The checks and their lists, which are empty where no check needs them."""

    declarations: Declarations
    operateurs: tuple[OperateurList, ...]
    """The latest first."""
    categories: CategorieList
    shipped_lists: tuple[str, ...]
    """Names of the lists that are not in the folder, and are read from the shipped ones."""

    @classmethod
    def load(
        cls, sections: ControlesSections, folder: Path, *, shipped: Path | None = None
    ) -> Self:
        """Read the lists and validate checks and lists together.

        A list that the folder does not have is read from `shipped`.

        Raises:
            ConfigurationError: lists every problem.
        """
        declarations = Declarations(sections, folder, EIG_FAITS, CHECKS)
        problems = [*declarations.faults, *_problems(sections)]
        used = lists_of(sections.controles)
        places = {name: list_file(name, folder, shipped) for name in used}
        operateurs = [
            found
            for name in used[:-1]
            if (found := _read_list(places[name], parse_operateurs, problems))
        ]
        categories: CategorieList | None = CategorieList("", {}, ())
        if CATEGORIES in places:
            categories = _read_list(places[CATEGORIES], parse_categories, problems)
        years = Counter(found.annee for found in operateurs)
        # The list of the deposit's year decides, so there can be one a year.
        problems += [f"operateurs: two lists of {year}" for year, n in years.items() if n > 1]
        if problems or categories is None:
            raise ConfigurationError(
                f"The checks have {len(problems)} problem{'s' if problems[1:] else ''}: correct "
                "[[controles]] and their lists.",
                problems=tuple(f"[[controles]] {problem}" for problem in problems),
            )
        return cls(
            declarations,
            tuple(sorted(operateurs, key=lambda found: -found.annee)),
            categories,
            tuple(name for name in used if places[name] != folder / name),
        )

    @property
    def sections(self) -> ControlesSections:
        """The checks as they are declared."""
        return self.declarations.sections

    @cached_property
    def checks(self) -> Mapping[str, str]:
        """The French titles of the checks that are made, by name, in their order."""
        return self.sections.titles

    @cached_property
    def version(self) -> str:
        """A digest of the checks, the lists, and the revision of the sentences."""
        content = [
            SENTENCES_REVISION,
            # The order of the files in the configuration does not change a verdict.
            sorted((one.annee, one.source, sorted(one.noms.items())) for one in self.operateurs),
            self.categories.source,
            self._categories,
            digest_of(self.declarations),
        ]
        # Short, because people read and compare it; a few dozen versions do not collide.
        return hashlib.sha256(repr(content).encode("utf-8")).hexdigest()[:12]

    @cached_property
    def rules(self) -> Rules:
        """The rules in force, as all programmes have them."""
        lists: list[Json] = [
            {"genre": "operateurs", "annee": one.annee, "source": one.source,
             "entrees": len(one.noms), "sha256": one.sha256}
            for one in self.operateurs
        ]  # fmt: skip
        if self._categories:
            lists.append(
                {"genre": "categories_juridiques", "annee": None, "source": self.categories.source,
                 "entrees": len(self._categories), "sha256": self.categories.sha256}
            )  # fmt: skip
        own = {
            "revision": SENTENCES_REVISION,
            "listes": lists,
            "categories": [list(one) for one in self._categories],
            "phrases": [*self._phrases(), *papers.phrases(self.sections)],
        }
        rules = rules_of(
            self.sections,
            self.version,
            more=own,
            not_examined=NOT_EXAMINED,
            sources=list_sources(self.operateurs),
        )
        return replace(rules, shipped_lists=self.shipped_lists)

    @cached_property
    def _categories(self) -> Sequence[Any]:
        known = self.categories.exact.values()
        return sorted([*known, *(one[2] for one in self.categories.familles)])

    def _phrases(self) -> Iterator[dict[str, Any]]:
        rules = {one.nom: one.regle for one in self.sections.controles}
        for one in SENTENCES:
            if made := [name for name in one.controles if name in rules]:
                yield {
                    "controles": made,
                    "resultat": one.resultat.value,
                    "quand": one.quand,
                    "texte": one.text(rules[made[0]]),
                }

    @property
    def needs_catalogue(self) -> bool:
        """Whether a check that is made compares with the catalogue of products."""
        used = {name for one in self.sections.controles for name in one.champs}
        return not _OF_CATALOGUE.isdisjoint({*self.checks, *used})

    @cached_property
    def comparing(self) -> Collection[str]:
        """The declared checks that compare dossiers."""
        return frozenset(
            one.nom
            for one in self.sections.controles
            for part in one.parts
            if part.unique_avec is not None
        )

    @cached_property
    def used(self) -> Collection[str]:
        """The fields of the mapping that declared checks use."""
        return {name for one in self.sections.controles for name in one.champs} & {
            *self.sections.champs
        }

    @property
    def window(self) -> tuple[date, date] | None:
        """The first and the last day of the call, inclusive."""
        return window_of(self.sections.controles)

    @cached_property
    def pages(self) -> FicheProduit:
        """The parameters by which a product is identified."""
        return self._parameters(Check.FICHE_PRODUIT) or FicheProduit()

    @cached_property
    def phases(self) -> AdmittedPhases:
        """The parameters of `phase`; without the check, no phase is admitted."""
        return self._parameters(Check.PHASE) or AdmittedPhases(())

    def _parameters(self, check: Check) -> Any:
        function = self.declarations.functions.get(check)
        return function and function.parametres


def lists_of(controles: Iterable[DeclaredControle]) -> tuple[str, ...]:
    """Return the names of the lists that the checks need: of opérateurs, then the categories."""
    for one in controles:
        if one.nom == Check.ADMINISTRATION:
            return (*map(str, one.parametres.get("operateurs", ())), CATEGORIES)
    return ()


def list_file(name: str, folder: Path, shipped: Path | None) -> Path:
    """Return the path of a list: beside the configuration, or else among the shipped ones."""
    own, other = folder / name, shipped / name if shipped else None
    # An own list that exists but cannot be read is an error, and not replaced by the shipped one.
    return other if other is not None and not own.exists() and other.is_file() else own


def _read_list(path: Path, parse: Callable[[str], _List], problems: list[str]) -> _List | None:
    try:
        content = path.read_bytes()
        # Lines may end as on Windows.
        parsed: _List = _parsed(parse, content.decode("utf-8").replace("\r\n", "\n"))
        return replace(parsed, sha256=hashlib.sha256(content).hexdigest())
    except OSError as exc:
        problems.append(f"{path.name}: cannot be read ({exc.strerror}) in {path.parent}")
    except UnicodeDecodeError:
        problems.append(f"{path.name}: is not UTF-8; save it as UTF-8")
    except ListProblemsError as exc:
        problems += [f"{path.name}: {problem}" for problem in exc.problems]
    return None


@lru_cache(maxsize=8)
def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    # Kept, since the démarches of a service share their lists.
    return parse(text)


def _problems(sections: ControlesSections) -> Iterator[str]:
    """Yield what is wrong in the checks for this programme alone."""
    for one in sections.controles:
        yield from (f"{one.nom} : {fault}" for fault in _faults(one, sections.champs))


def _faults(one: DeclaredControle, champs: Collection[str]) -> Iterator[str]:
    for check in FUNCTIONS:
        is_named, is_called = one.nom == check, one.fonction == check.function
        if is_named is not is_called:
            yield f'nom = "{check}" et fonction = "{check.function}" vont ensemble'
        elif is_called and one.sinon is Resultat.NON_CONFORME and check not in _MAY_REFUSE:
            yield 'cette fonction ne rend jamais non_conforme : sinon = "a_verifier"'
    for part in one.parts:
        is_of_product = (part.champ, part.unique_avec) == (ABOUT, ())
        is_unique = part.unique_avec is not None and not is_of_product
        if part.autre_demarche or part.pas_autre_demarche or is_unique:
            yield f'seul unique = "{ABOUT}" compare ici des dossiers'
        for name in part.names:
            # What no column of the table has.
            is_column = name in {*Candidature.model_fields, "departement"}
            if name in champs and part.tous_presents is None and not is_column:
                yield f"de « {name} », tous_presents seul se contrôle"
