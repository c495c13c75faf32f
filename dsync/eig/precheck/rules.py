"""The rules and lists of a call, validated and indexed for the checks."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from dsync.controles import papers
from dsync.controles.checking import Declarations
from dsync.controles.controles import digest_of
from dsync.controles.declarations import ControlesSections, window_of
from dsync.controles.facts import FAITS
from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import frame
from dsync.domain.verdict import Resultat, Verdict
from dsync.domain.wording import fold, joined, words
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.catalogue import Product, incubator_names
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.lists import (
    CategorieList,
    ListProblemsError,
    OperateurList,
    parse_categories,
    parse_operateurs,
)
from dsync.eig.precheck.named_facts import EIG_FAITS
from dsync.eig.precheck.rules_section import (
    CATEGORIES,
    FUNCTIONS,
    PAGE_NEEDS,
    PHASES,
    CasConfig,
    RulesConfig,
    Severity,
)
from dsync.eig.precheck.sentences import SENTENCES
from dsync.errors import ConfigurationError

SENTENCES_REVISION = 8
"""Raise it when sentences or checks change, so that all open dossiers are judged again."""

_MAY_REFUSE = frozenset(
    name
    for sentence in SENTENCES
    if sentence.resultat is Resultat.NON_CONFORME
    for name in sentence.controles
)
"""Checks in Python that have a sentence for « non conforme »."""

_BEGINNING = 20
"""Characters of each finding that a text shows at least, with the signs around its title."""

_OF_CATALOGUE = {*FUNCTIONS[1:], *EIG_FAITS} - {*FAITS}
"""The checks and the facts that need the catalogue of products."""

_List = TypeVar("_List", OperateurList, CategorieList)


@dataclass(frozen=True)
class RuleSet:
    """The rules and lists, indexed; what belongs to a check that is off can be empty."""

    config: RulesConfig
    declarations: Declarations
    """The declared checks."""
    version: str
    """Digest of the rules, the lists, the declared checks and the revision of the sentences."""
    titles: Mapping[str, str]
    """The French titles of the checks that are made, by name, in their order."""
    zone: ZoneInfo
    operateurs: tuple[OperateurList, ...]
    """The latest first."""
    categories: CategorieList
    severities: Mapping[str, Resultat]
    """The most severe result that each check in Python may give."""
    eligible_phases: frozenset[str]
    known_phases: frozenset[str]
    declared_phases: Mapping[str, frozenset[str]]
    cas_labels: Mapping[str, CasConfig]
    incubators: Mapping[str, frozenset[str]]
    """Folded ids of incubators by a folded option of the form."""
    shipped_lists: tuple[str, ...]
    """Names of the lists that are not in the folder, and are read from the shipped ones."""

    @classmethod
    def load(
        cls,
        config: RulesConfig,
        declared: ControlesSections,
        folder: Path,
        *,
        shipped: Path | None = None,
    ) -> Self:
        """Read the lists and validate rules, lists and declared checks together.

        A list that the folder does not have is read from `shipped`.

        Raises:
            ConfigurationError: lists every problem.
        """
        declarations = Declarations(declared, folder, EIG_FAITS)
        problems = list(_problems(config, declared))
        used = lists_of(config)
        places = {name: list_file(name, folder, shipped) for name in used}
        operateurs = [
            found
            for name in config.operateurs
            if (found := _read_list(places[name], parse_operateurs, problems))
        ]
        categories: CategorieList | None = CategorieList("", {}, ())
        if CATEGORIES in places:
            categories = _read_list(places[CATEGORIES], parse_categories, problems)
        years = Counter(found.annee for found in operateurs)
        # The list of the deposit's year decides, so there can be one a year.
        problems += [f"operateurs: two lists of {year}" for year, n in years.items() if n > 1]
        problems = [f"[regles] {problem}" for problem in problems]
        problems += [f"[[controles]] {fault}" for fault in declarations.faults]
        problems += [
            f'[[controles]] {one.nom} : seul unique = "{ABOUT}" compare ici des dossiers'
            for one in declared.controles
            for part in one.parts
            if part.autre_demarche
            or part.pas_autre_demarche
            or (part.unique_avec is not None and (part.champ, part.unique_avec) != (ABOUT, ()))
        ]
        problems += [
            f"[[controles]] {one.nom} : de « {name} », tous_presents seul se contrôle"
            for one in declared.controles
            for part in one.parts
            for name in part.names
            if name in declared.champs
            and part.tous_presents is None
            # What no column of the table has.
            and name not in {*Candidature.model_fields, "departement"}
        ]
        if problems or categories is None:
            raise ConfigurationError(
                f"The eligibility rules have {len(problems)} problem"
                f"{'s' if problems[1:] else ''}: correct [regles], its lists and [[controles]].",
                problems=tuple(problems),
            )
        eligible = frozenset(fold(name) for name in config.phases.eligible)
        return cls(
            config=config,
            declarations=declarations,
            version=_version(config, operateurs, categories, declarations),
            titles=_titles(config, declared),
            zone=ZoneInfo(config.timezone),
            operateurs=tuple(sorted(operateurs, key=lambda found: -found.annee)),
            categories=categories,
            severities={
                name: Resultat(severity)
                for name, severity in config.severity.items()
                if severity != "off"
            },
            eligible_phases=eligible,
            known_phases=eligible | PHASES.keys(),
            declared_phases={
                fold(option): frozenset(fold(name) for name in names)
                for option, names in config.phases.declared.items()
            },
            cas_labels=_labels(config.cas),
            incubators={
                joined(option): frozenset(joined(id_) for id_ in ids)
                for option, ids in config.incubateurs.items()
            },
            shipped_lists=tuple(name for name in used if places[name] != folder / name),
        )

    @property
    def checks(self) -> Collection[str]:
        """The names of the checks that are made."""
        return self.titles.keys()

    @property
    def needs_catalogue(self) -> bool:
        """Whether a check that is made compares with the catalogue of products."""
        used = {name for one in self.declarations.sections.controles for name in one.champs}
        return not _OF_CATALOGUE.isdisjoint({*self.severities, *used})

    @cached_property
    def functions(self) -> Sequence[Check]:
        """The checks in Python that are made."""
        return [check for check in FUNCTIONS if check in self.severities]

    @cached_property
    def comparing(self) -> Collection[str]:
        """The declared checks that compare dossiers."""
        return frozenset(
            one.nom
            for one in self.declarations.sections.controles
            for part in one.parts
            if part.unique_avec is not None
        )

    @cached_property
    def kept_checks(self) -> Collection[str]:
        """The checks whose results depend on the dossier alone."""
        return {name for name in self.titles if name not in self.comparing}

    @cached_property
    def used(self) -> Collection[str]:
        """The fields of the mapping that declared checks use."""
        sections = self.declarations.sections
        return {name for one in sections.controles for name in one.champs} & {*sections.champs}

    @property
    def window(self) -> tuple[date, date] | None:
        """The first and the last day of the call, inclusive."""
        return window_of(self.declarations.sections.controles)

    def document(self) -> dict[str, Json]:
        """Return the rules whole, in JSON values: what the database keeps of each version."""
        declared: Any = self.declarations.sections.model_dump(
            mode="json", include={"tables", "controles"}, exclude_defaults=True
        )
        for given, one in zip(
            declared.get("controles", ()), self.declarations.sections.controles, strict=True
        ):
            given["sinon"] = one.sinon_effectif.value
        lists: list[Json] = [
            {"genre": "operateurs", "annee": one.annee, "source": one.source,
             "entrees": len(one.noms), "sha256": one.sha256}
            for one in self.operateurs
        ]  # fmt: skip
        champs = self.declarations.sections.champs
        rules = {one.nom: one.regle for one in self.declarations.sections.controles}
        known = [*self.categories.exact.values(), *(one[2] for one in self.categories.familles)]
        if known:
            lists.append(
                {"genre": "categories_juridiques", "annee": None, "source": self.categories.source,
                 "entrees": len(known), "sha256": self.categories.sha256}
            )  # fmt: skip
        return {
            "version": self.version,
            "revision": SENTENCES_REVISION,
            "regles": _whole(self.config),
            "listes": lists,
            "categories": [list(one) for one in sorted(known)],
            "champs_attendus": [
                {"field": field, "libelle": champs[field].libelles[0]}
                for field in papers.expected(self.declarations.sections)
            ],
            "controles": [
                {"nom": name, "titre": title, "sens": _meaning(name, rules)}
                for name, title in self.titles.items()
            ],
            "phrases": [
                {
                    "controles": list(one.controles),
                    "resultat": one.resultat.value,
                    "quand": one.quand,
                    "texte": one.text,
                }
                for one in SENTENCES
                if not self.severities.keys().isdisjoint(one.controles)
            ]
            + papers.phrases(self.declarations.sections),
            "declares": declared,
        }

    def local_day(self, instant: datetime) -> date:
        """Return the day of an instant, which has a time zone, in that of the rules."""
        if instant.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        return instant.astimezone(self.zone).date()

    def phase_name(self, nom: str) -> str:
        """Return the French name of a phase of the catalogue."""
        return PHASES.get(fold(nom), nom)

    def cas(self, label: str) -> CasConfig | None:
        """Return the case of an option, or None for an unknown option."""
        return _find_option(label, self.cas_labels, self.config.cas)

    def is_incubator(self, declared: str | None, product: Product) -> bool:
        """Whether an applicant declares the incubator that the catalogue has for a product.

        By its id, its title, a usual short form of it, its ministry, or by an option that the
        configuration maps to its id.
        """
        typed = joined(declared or "")
        known = {joined(name) for name in incubator_names(product)}
        ids = self.incubators.get(typed, frozenset())
        return typed in known - {""} or joined(product.incubateur_id) in ids


def _meaning(name: str, rules: Mapping[str, str]) -> str:
    return rules[name] if name in rules else Check(name).meaning


def _titles(config: RulesConfig, declared: ControlesSections) -> dict[str, str]:
    """Return the titles of the checks that are made: in the order of `Check`, then of the file."""
    own = declared.titles
    known = [one for one in Check if one in own or one in _made(config)]
    found = {one.value: own.get(one, one.label) for one in known}
    return found | own


def _labels(configs: Iterable[CasConfig]) -> dict[str, CasConfig]:
    return {fold(label): config for config in configs for label in config.labels}


def _find_option(
    label: str, labels: Mapping[str, CasConfig], configs: Iterable[CasConfig]
) -> CasConfig | None:
    # The options' wording can change from one revision of the form to the next: words are the
    # second try.
    if exact := labels.get(fold(label)):
        return exact
    label_words = set(words(label))
    found = [c for c in configs if any(set(words(word)) <= label_words for word in c.words)]
    # Words of two options in one label decide nothing.
    return found[0] if len(found) == 1 else None


def lists_of(config: RulesConfig) -> tuple[str, ...]:
    """Return the names of the lists that the rules need."""
    return (*config.operateurs, *[CATEGORIES][: Check.ADMINISTRATION in _made(config)])


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


def _problems(config: RulesConfig, declared: ControlesSections) -> Iterable[str]:
    for name in FUNCTIONS:
        if name in declared.titles:
            yield f"severity: {name} is a check in Python; another one needs another nom"
        if config.severity:
            yield from _severity_problems(name, config.severity.get(name))  # type: ignore[call-overload]
    made = _made(config)
    if not made and not declared.controles:
        yield "severity: every check is off; leave out [regles] if nothing is to be judged"
    for check, key, given in (
        ("administration", "operateurs", config.operateurs),
        ("phase", "phases.eligible", config.phases.eligible),
        ("cas_octroi", "cas", config.cas),
    ):
        if check in made and not given:
            yield f'{key}: missing; the check {check} needs it (or set severity {check} = "off")'
    if config.max_detail_length < _least_length(config, declared):
        yield "instruction, publication_url: too long, the text of a verdict has no room for both"
    if config.publication_url and not config.publication_url.startswith(("http://", "https://")):
        yield "publication_url: give the whole address, https://…"
    yield from _named_problems("cas", config.cas)
    yield from _phase_problems(config)


def _made(config: RulesConfig) -> frozenset[Check]:
    severity: Mapping[Any, Severity] = config.severity
    if not severity:
        return frozenset()
    return frozenset(name for name in FUNCTIONS if severity.get(name) != "off")


def _least_length(config: RulesConfig, declared: ControlesSections) -> int:
    """Return the length of a text that has of each check only its result, title and beginning."""
    verdict, level = max(map(len, Verdict)), max(map(len, Resultat.labels().values()))
    first, last = frame("x" * verdict, config.instruction, config.publication_url)
    titles = _titles(config, declared).values()
    said = sum(level + len(title) + _BEGINNING for title in titles)
    return sum(len(line) + 1 for line in (first, *last)) + said


def _severity_problems(name: Check, severity: Severity | None) -> Iterable[str]:
    if severity is None:
        yield f"severity: {name} is missing (a_verifier, non_conforme or off)"
    elif severity == "non_conforme" and name not in _MAY_REFUSE:
        yield f"severity: {name} can only be a_verifier or off"


def _named_problems(section: str, configs: Sequence[CasConfig]) -> Iterable[str]:
    for id_, times in Counter(config.id for config in configs).items():
        if times > 1:
            yield f"{section}: « {id_} », the first of words, is given {times} times"
    labels = Counter(fold(label) for config in configs for label in config.labels)
    for label, times in labels.items():
        if times > 1:
            yield f"{section}: label « {label} » is given {times} times"
    for config in configs:
        if not config.labels and not config.words:
            yield f"{section}: give at least one label or word to each"


def _phase_problems(config: RulesConfig) -> Iterable[str]:
    known = {fold(name) for name in config.phases.eligible} | PHASES.keys()
    for option, names in config.phases.declared.items():
        for name in names:
            if fold(name) not in known:
                yield f"phases: declared « {option} » names « {name} », which is not a known phase"
    for cas in config.cas:
        for need in (one for one in cas.needs if one not in PAGE_NEEDS):
            if fold(need) not in known or need != cas.needs_phase:
                yield (
                    f"cas {cas.id}: needs « {need} », which is neither stats_url nor repository "
                    "nor one known phase"
                )


def _whole(config: RulesConfig) -> dict[str, Any]:
    """Return the section in JSON values, with what a version has and the file does not say."""
    regles: dict[str, Any] = to_builtins(config)
    regles["phases"] |= {"late_reading_days": config.phases.late_reading_days, "noms": PHASES}
    return regles | {
        "timezone": config.timezone,
        "max_detail_length": config.max_detail_length,
    }


def _version(
    config: RulesConfig,
    operateurs: Sequence[OperateurList],
    categories: CategorieList,
    declarations: Declarations,
) -> str:
    content = [
        SENTENCES_REVISION,
        _whole(config),
        # The order of the files in the configuration does not change a verdict.
        sorted((found.annee, found.source, sorted(found.noms.items())) for found in operateurs),
        categories.source,
        sorted(categories.exact.values()),
        [famille[2] for famille in categories.familles],
        digest_of(declarations),
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    # Short, because people read and compare it; a few dozen versions do not collide.
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
