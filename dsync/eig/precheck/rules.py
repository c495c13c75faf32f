"""The rules and lists of a call, validated and indexed for the checks."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from dsync.domain.dossier import Json
from dsync.domain.judging import frame
from dsync.domain.verdict import LEVELS, Resultat, Verdict
from dsync.domain.wording import fold, joined, words
from dsync.eig.precheck.catalogue import Product
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.lists import (
    CategorieList,
    ListProblemsError,
    OperateurList,
    parse_categories,
    parse_operateurs,
)
from dsync.eig.precheck.rules_section import (
    CATEGORIES,
    PAGE_NEEDS,
    PHASES,
    CasConfig,
    ProfilConfig,
    RulesConfig,
    Severity,
    Window,
)
from dsync.eig.precheck.sentences import SENTENCES
from dsync.errors import ConfigurationError

SENTENCES_REVISION = 7
"""Raise it when sentences or checks change, so that all open dossiers are judged again."""

_MAY_REFUSE = frozenset(
    name
    for sentence in SENTENCES
    if sentence.resultat is Resultat.NON_CONFORME
    for name in sentence.controles
)
"""Checks that have a sentence for « non conforme »."""

_BEGINNING = 20
"""Characters of each finding that a text shows at least, with the signs around its title."""

_OF_CATALOGUE = {Check.FICHE_PRODUIT, *(check for check in Check if check.is_of_product)}
"""The checks that need the catalogue of products."""

_ARTICLE = re.compile(r"^(?:l'|l[ae]s?\s)\s*")
_BETWEEN = re.compile(r"\s-\s|[,()]")
_OF_MINISTRY = re.compile(
    r"(?:incubateur|accelerateur|fabrique numerique|atelier numerique|laboratoire d'innovation) "
    r"(d(?:u|es|e la|e l'|e)) ?(.+)"
)
"""What an incubator is called, and of whom it is; folded."""
_SHORT_FORM = re.compile(r"\b[A-Z]{3,}\b")

_List = TypeVar("_List", OperateurList, CategorieList)
_Named = TypeVar("_Named", ProfilConfig, CasConfig)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules and lists, indexed; what belongs to a check that is off can be empty."""

    config: RulesConfig
    version: str
    """Digest of the rules, the lists, the needed champs and the revision of the sentences."""
    checks: frozenset[Check]
    """The checks that are made."""
    zone: ZoneInfo
    window: Window
    operateurs: tuple[OperateurList, ...]
    """The latest first."""
    categories: CategorieList
    needed: Mapping[str, str]
    """The labels of the champs that the mapping marks as needed, by their fields."""
    severities: Mapping[str, Resultat]
    """The most severe result that each check may give."""
    eligible_phases: frozenset[str]
    known_phases: frozenset[str]
    declared_phases: Mapping[str, frozenset[str]]
    profil_labels: Mapping[str, ProfilConfig]
    cas_labels: Mapping[str, CasConfig]
    incubators: Mapping[str, frozenset[str]]
    """Folded ids of incubators by a folded option of the form."""
    shipped_lists: tuple[str, ...]
    """Names of the lists that are not in the folder, and are read from the shipped ones."""

    @classmethod
    def load(
        cls,
        config: RulesConfig,
        folder: Path,
        *,
        needed: Sequence[tuple[str, str]],
        shipped: Path | None = None,
    ) -> Self:
        """Read the lists and validate rules and lists together.

        A list that the folder does not have is read from `shipped`; `needed` are the fields of a
        complete dossier, with their labels.

        Raises:
            ConfigurationError: lists every problem.
        """
        problems = list(_problems(config))
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
        if problems or categories is None:
            raise ConfigurationError(
                f"The eligibility rules have {len(problems)} problem"
                f"{'s' if problems[1:] else ''}: correct the section [regles] and its lists.",
                problems=tuple(f"[regles] {problem}" for problem in problems),
            )
        eligible = frozenset(fold(name) for name in config.phases.eligible)
        return cls(
            config=config,
            version=_version(config, operateurs, categories, needed),
            checks=_made(config),
            zone=ZoneInfo(config.timezone),
            # Without a window the check `depot` is off: `_problems` asks for one otherwise.
            window=Window(*(config.window or (date.min, date.max))),
            operateurs=tuple(sorted(operateurs, key=lambda found: -found.annee)),
            categories=categories,
            needed=dict(needed),
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
            profil_labels=_labels(config.profils),
            cas_labels=_labels(config.cas),
            incubators={
                joined(option): frozenset(joined(id_) for id_ in ids)
                for option, ids in config.incubateurs.items()
            },
            shipped_lists=tuple(name for name in used if places[name] != folder / name),
        )

    @property
    def needs_catalogue(self) -> bool:
        """Whether a check that is made compares with the catalogue of products."""
        return not self.checks.isdisjoint(_OF_CATALOGUE)

    def document(self) -> dict[str, Json]:
        """Return the rules whole, in JSON values: what the database keeps of each version."""
        regles = _whole(self.config)
        lists: list[Json] = [
            {"genre": "operateurs", "annee": one.annee, "source": one.source,
             "entrees": len(one.noms), "sha256": one.sha256}
            for one in self.operateurs
        ]  # fmt: skip
        known = [*self.categories.exact.values(), *(one[2] for one in self.categories.familles)]
        if known:
            lists.append(
                {"genre": "categories_juridiques", "annee": None, "source": self.categories.source,
                 "entrees": len(known), "sha256": self.categories.sha256}
            )  # fmt: skip
        return {
            "version": self.version,
            "revision": SENTENCES_REVISION,
            # Apart, because they name applicants.
            "derogations": regles.pop("overrides"),
            "regles": regles,
            "listes": lists,
            "categories": [list(one) for one in sorted(known)],
            "champs_attendus": [
                {"field": field, "libelle": libelle} for field, libelle in self.needed.items()
            ],
            "controles": [
                {"nom": check.value, "titre": check.label, "sens": check.meaning}
                for check in Check
                if check in self.checks
            ],
            "phrases": [
                {
                    "controles": list(one.controles),
                    "resultat": one.resultat.value,
                    "quand": one.quand,
                    "texte": one.text,
                }
                for one in SENTENCES
                if not self.checks.isdisjoint(one.controles)
            ],
        }

    def local_day(self, instant: datetime) -> date:
        """Return the day of an instant, which has a time zone, in that of the rules."""
        if instant.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        return instant.astimezone(self.zone).date()

    def phase_name(self, nom: str) -> str:
        """Return the French name of a phase of the catalogue."""
        return PHASES.get(fold(nom), nom)

    def profil(self, label: str) -> ProfilConfig | None:
        """Return the profile of an option, or None for an unknown option."""
        return _find_option(label, self.profil_labels, self.config.profils)

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


def incubator_names(product: Product) -> Iterator[str]:
    """Yield what people call a product's incubator.

    Ids and titles change: `lab-mi` became `FabNum-MI`, « La Fabrique numérique du Ministère de
    l'Intérieur ». Its ministry stays.
    """
    title = product.incubateur
    yield from (product.incubateur_id, product.incubateur_de, title)
    # Such as `dinum_produits_interministeriels`.
    yield product.incubateur_id.partition("_")[0]
    yield from _SHORT_FORM.findall(title)
    whole = fold(title)
    # « L'Incubateur des Territoires (ANCT) », « Le KUBE, incubateur du ministère des Armées ».
    for part in (whole, *_BETWEEN.split(whole)):
        name = _ARTICLE.sub("", part.strip())
        yield from (part, name)
        if found := _OF_MINISTRY.fullmatch(name):
            is_named = found[2].startswith("ministere")
            yield found[2] if is_named else f"ministere {found[1]} {found[2]}"


def _labels(configs: Iterable[_Named]) -> dict[str, _Named]:
    return {fold(label): config for config in configs for label in config.labels}


def _find_option(
    label: str, labels: Mapping[str, _Named], configs: Iterable[_Named]
) -> _Named | None:
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


def _problems(config: RulesConfig) -> Iterable[str]:
    if config.window and config.window[0] > config.window[1]:
        yield "window: its last day is before its first"
    for name in Check:
        yield from _severity_problems(name, config.severity.get(name))
    made = _made(config)
    if not made:
        yield "severity: every check is off; leave out [regles] if nothing is to be judged"
    for check, key, given in (
        ("depot", "window", config.window),
        ("administration", "operateurs", config.operateurs),
        ("phase", "phases.eligible", config.phases.eligible),
        ("profils", "profils", config.profils),
        ("cas_octroi", "cas", config.cas),
    ):
        if check in made and not given:
            yield f'{key}: missing; the check {check} needs it (or set severity {check} = "off")'
    if config.max_detail_length < _least_length(config):
        yield "instruction, publication_url: too long, the text of a verdict has no room for both"
    if config.publication_url and not config.publication_url.startswith(("http://", "https://")):
        yield "publication_url: give the whole address, https://…"
    yield from _named_problems("profils", config.profils)
    for profil in config.profils:
        if [*profil.offered] != sorted(profil.offered):
            yield f"profils {profil.id}: the last day of offered is before its first"
    yield from _named_problems("cas", config.cas)
    yield from _phase_problems(config)


def _made(config: RulesConfig) -> frozenset[Check]:
    return frozenset(name for name in Check if config.severity.get(name) != "off")


def _least_length(config: RulesConfig) -> int:
    """Return the length of a text that has of each check only its result, title and beginning."""
    verdict, level = max(map(len, Verdict)), max(map(len, LEVELS.values()))
    first, last = frame("x" * verdict, config.instruction, config.publication_url)
    said = sum(level + len(check.label) + _BEGINNING for check in _made(config))
    return sum(len(line) + 1 for line in (first, *last)) + said


def _severity_problems(name: Check, severity: Severity | None) -> Iterable[str]:
    if severity is None:
        yield f"severity: {name} is missing (a_verifier, non_conforme or off)"
    elif severity == "non_conforme" and name not in _MAY_REFUSE:
        yield f"severity: {name} can only be a_verifier or off"


def _named_problems(section: str, configs: Sequence[ProfilConfig | CasConfig]) -> Iterable[str]:
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
        "overrides": [],  # Permanent decisions on applicants, which earlier versions had.
    }


def _version(
    config: RulesConfig,
    operateurs: Sequence[OperateurList],
    categories: CategorieList,
    needed: Sequence[tuple[str, str]],
) -> str:
    content = [
        SENTENCES_REVISION,
        _whole(config),
        # The order of the files in the configuration does not change a verdict.
        sorted((found.annee, found.source, sorted(found.noms.items())) for found in operateurs),
        categories.source,
        sorted(categories.exact.values()),
        [famille[2] for famille in categories.familles],
        list(needed),
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    # Short, because people read and compare it; a few dozen versions do not collide.
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
