"""How values of declared checks are compared, read from tables, said, and written.

Those with a notation are written otherwise by DS than people may write them.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from importlib import import_module
from importlib.resources import files
from typing import Any, Self

from dsync.domain.champs import is_ambiguous
from dsync.domain.dossier import PARIS, Json
from dsync.domain.remedies import nearest
from dsync.domain.wording import (
    QUOTED_LENGTH,
    cleaned,
    cut,
    defused,
    fold,
    french_date,
    listed,
    unaccented,
)

# As exact as a Decimal: a longer one, such as a reference, is a text. « 1e5 » is none.
# « 01000 » is a code; a spreadsheet makes « 1 » of « 01 ».
_WORTH = re.compile(r"(?:0\d{0,2}|[1-9]\d{0,17})(?:[.,]\d{1,9})?", re.ASCII)
_CELL = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,15})?", re.ASCII)
_JOINT = re.compile(r"(?<=[^\W\d_])[-'](?=[^\W\d_])")
_MARKS = re.compile(r"(?<=\w)[-./](?=\w)")
_IDENTIFIER = 9
"""Digits from which a text is an identifier, such as a SIREN or a telephone's number."""
_SEPARATORS = str.maketrans(",.", " ,")


def cell_value(text: str) -> Decimal | date | None:
    """Return the day or the number in a table's cell, as French or English tables write it.

    None: it has neither, or one that may mean two numbers, such as « 1.234 ».
    """
    number = "".join(text.split()).replace(",", ".")
    if _CELL.fullmatch(number):
        return None if is_ambiguous(number) else Decimal(number)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Moment(date):
    """The day in Paris of an instant, which is compared and said as a day; its hour is known."""

    at: datetime | None = None
    """The instant in Paris, without a zone, as a bound with an hour is written."""

    @classmethod
    def of(cls, at: datetime) -> Self:
        """Return the day of an instant; one without a zone is in Paris."""
        local = at.astimezone(PARIS).replace(tzinfo=None) if at.tzinfo else at
        found = cls(local.year, local.month, local.day)
        found.at = local
        return found

    @staticmethod
    def without_hour(given: date) -> date:
        """Return the day of a bound, which may have an hour."""
        return given.date() if isinstance(given, datetime) else given

    @property
    def in_full(self) -> str:
        """Return the day, and the hour if it is known."""
        hour = f" à {self.at:%H:%M} (heure de Paris)" if self.at else ""
        return f"{french_date(self)}{hour}"


def fold_text(text: str) -> str:
    """Return a text for comparisons: no case, accents, spaces and signs that nobody sees."""
    return fold(unaccented(cleaned(text))).replace(" ", "")


def fold_value(value: Any) -> str:
    """Return a value for comparisons: numbers by their worth, identifiers by their signs alone."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    text = _JOINT.sub("", fold_text(str(value)))
    # Not of other texts: « 1-2 enfants » is not « 12 enfants ».
    if not _WORTH.fullmatch(text) and sum(map(str.isdigit, text)) >= _IDENTIFIER:
        text = _MARKS.sub("", text)
    # « 1,50 » of a table and « 1.5 » of an answer.
    is_number = _WORTH.fullmatch(text)
    return format(Decimal(text.replace(",", ".")).normalize(), "f") if is_number else text


def each(value: Any) -> Sequence[Any]:
    """Return the values of an answer, or of an operand, that may be several."""
    return value if isinstance(value, list | tuple) else (value,)


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
    return defused(str(value))


def french_number(number: Decimal) -> str:
    """Return 23 000,5 for 23000.50."""
    text = f"{number:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.translate(_SEPARATORS)


def french_amount(number: Decimal) -> str:
    """Return 23 000,50 for 23000.5, and 23 000 for 23000.00, as an amount in euros is shown."""
    text = french_number(number)
    whole, comma, decimals = text.partition(",")
    return f"{whole},{decimals:0<2}" if comma else text


def as_json(value: Any) -> Json:
    """Return a value as the evidence stores it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list | tuple) else value


_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
_STDNUM = {
    "bic": "bic",
    "iban": "iban",
    "nir": "fr.nir",
    "siren": "fr.siren",
    "siret": "fr.siret",
    "tva": "fr.tva",
}
_SHAPES = {
    "code_postal": re.compile(r"\d{5}"),
    "rna": re.compile(r"W\d[0-9A-Z]\d{7}"),
    # « +33 (0)6 … » is common; of other countries, only their numbers' length is known.
    "telephone": re.compile(r"(0|\+330?|00330?)[1-9]\d{8}|\+(?!33)[1-9]\d{6,14}"),
}


def _compact(text: str, name: str) -> str:
    """Return a number without what people type between its signs, and its name before it."""
    signs = re.sub(r"[^0-9A-Z+]", "", unicodedata.normalize("NFKC", text).upper())
    return signs.removeprefix(name.upper())


def _is_valid(name: str) -> Callable[[str], bool]:
    if shape := _SHAPES.get(name):
        return lambda text: shape.fullmatch(_compact(text, name)) is not None
    # Not above: a process that judges nothing needs none of these modules.
    return lambda text: bool(
        import_module(f"stdnum.{_STDNUM[name]}").is_valid(_compact(text, name))
    )


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "courriel": lambda text: _MAIL.fullmatch(cleaned(text)) is not None,
    **{name: _is_valid(name) for name in sorted((*_STDNUM, *_SHAPES))},
}
"""By their names in the declarations: whether a text, as people type it, has the format."""


_FAMILY = re.compile(r"(\d[\d.]*?)\.?[xX*]+")
"""A family of codes, as « 92xx »."""
_CODE = 4
"""The most characters of a code."""
_WORD = 3
"""The fewest characters of a part by which a name is found."""
_NAMELESS = " (nom inconnu)"
"""What stands for the name of a place of which DS gave only the code."""


class Notation(ABC):
    """A notation in which a value is always sent, and the other ones that mean the same."""

    name: str
    """What such a value is, with an article and an example."""

    @abstractmethod
    def writings(self, value: str) -> Iterable[str]:
        """Return each way of writing a value that was sent; of one that is not known, itself."""

    def fault(self, text: str, *, is_start: bool = False) -> str | None:
        """Return why no value can equal a text of declarations, or begin with it; None: some."""
        if self._begins(text) if is_start else self._is_known(text):
            return None
        near = None if is_start else self._near(text)
        return f"« {defused(text)} » n’est pas {self.name}{f' ; {near} ?' if near else ''}"

    def doubt(self, text: str, *, is_first: bool = True) -> str | None:
        """Return why a text may mean nothing, or too much, though some value can equal it.

        What is near takes time: it is looked for if it is the first one.
        """
        return None

    @abstractmethod
    def _is_known(self, text: str) -> bool:
        """Return whether a text is a way of writing some value."""

    @abstractmethod
    def _begins(self, text: str) -> bool:
        """Return whether a way of writing some value begins with a text."""

    def _near(self, text: str) -> str | None:
        """Return what to write instead of a text; None: nothing is near."""
        return None


@dataclass(frozen=True, eq=False)
class Enumerated(Notation):
    """That of a closed list, whose values are written by code or by name."""

    name: str
    read: Callable[[], Mapping[str, str]]
    """Returns the names by code."""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other ways of writing, by code."""

    @cached_property
    def _writings(self) -> Mapping[str, tuple[str, ...]]:
        """The ways of writing a value, by each of them."""
        found = {}
        for code, name in self.read().items():
            # Those with both are DS's, of a champ, and people's.
            both = (f"{code} - {name}", f"{name} ({code})", f"{code}{_NAMELESS}")
            ways = (code, name, *both, *self.others.get(code, ()))
            found.update(dict.fromkeys(map(fold_value, ways), ways))
        return found

    def writings(self, value: str) -> Iterable[str]:
        """Return each way of writing a value: its code, its name, and both."""
        return self._writings.get(fold_value(value), (value,))

    def _is_known(self, text: str) -> bool:
        return fold_value(text) in self._writings

    def _begins(self, text: str) -> bool:
        start = fold_text(text)
        every = dict.fromkeys(self._writings.values())
        return any(fold_text(way).startswith(start) for ways in every for way in ways)

    def _near(self, text: str) -> str | None:
        if family := _FAMILY.fullmatch(text):
            return f'commence_par = ["{family[1]}"]'
        start = fold_text(text)
        if len(start) <= _CODE and any(map(str.isdigit, start)):
            # Of two that are as near, the one with the same signs, else one of the same family.
            codes = sorted(
                self.read(), key=lambda c: (sorted(c) != sorted(start), not c.startswith(start[:2]))
            )
            return nearest(start.upper(), codes)
        names = self.read().values()
        beginning = [name for name in names if fold_text(name).startswith(start)]
        within = (name for name in names if start in fold_text(name) and len(start) >= _WORD)
        return beginning[0] if len(beginning) == 1 else nearest(text, names) or next(within, None)


@dataclass(frozen=True, eq=False)
class Shaped(Notation):
    """That of numbers and codes: a shape, with signs between their parts or without."""

    name: str
    is_valid: Callable[[str], bool]
    """Whether such a text, as people type it, has the shape."""
    start: str
    """The beginnings of them, in capital letters and without spaces."""
    hint: Callable[[str], str | None] = lambda _: None
    """Returns what to write for a text that has the shape of something else."""
    others: Callable[[str], Iterable[str]] = lambda signs: (signs,)
    """Returns the ways of writing the signs of a value, where `fold_value` does not do."""

    def writings(self, value: str) -> Iterable[str]:
        """Return each way of writing a value; one that has not the shape has one."""
        return self.others(_signs(value)) if self.is_valid(value) else (value,)

    def _is_known(self, text: str) -> bool:
        signs = self._of(text)
        return signs is not None and fold_value(text) in map(fold_value, self.writings(signs))

    def _of(self, text: str) -> str | None:
        """Return the signs of a text, without the name that may be before them."""
        found = re.search(f"(?:{self.start})$", _signs(text)) if self.is_valid(text) else None
        return found[0] if found else None

    def _begins(self, text: str) -> bool:
        return re.fullmatch(self.start, fold_text(text).upper()) is not None

    def _near(self, text: str) -> str | None:
        if family := _FAMILY.fullmatch(text):
            return f'commence_par = ["{family[1]}"]'
        return self._of(text) or self.hint(_signs(text))


@dataclass(frozen=True, eq=False)
class Named(Notation):
    """That of names, of which there is no list here; a code is none of them."""

    name: str
    code: re.Pattern[str] | None = None
    shown: re.Pattern[str] | None = None
    """What DS shows of a value, with a group for each way of writing it."""
    others: Callable[[str], Iterable[str]] = lambda name: (name,)
    """Returns the ways of writing a name, itself included."""

    def writings(self, value: str) -> Iterable[str]:
        """Return a value as it was sent, and each part of it by which it is known."""
        return [other for way in self._parts(value) for other in self.others(way)]

    def _parts(self, value: str) -> Iterable[str]:
        found = self.shown.fullmatch(value) if self.shown else None
        return (value, *filter(None, found.groups())) if found else (value,)

    def _is_known(self, text: str) -> bool:
        return self.code is None or self.code.fullmatch(text.strip()) is None

    _begins = _is_known


@dataclass(frozen=True, eq=False)
class Place(Named):
    """That of communes, whose list is of one year: others are compared, with a warning."""

    def doubt(self, text: str, *, is_first: bool = True) -> str | None:
        """Return why a text may be no commune, or more than one."""
        known = _communes()
        ways = {fold_value(way) for part in self._parts(text) for way in _spelt(part)}
        found = {code for way in ways for code in known.get(way, ())}
        if not found:
            near: str | None = None
            if FORMATS["code_postal"](text):
                near = "un code postal ou un ancien code Insee"
            elif is_first:
                near = nearest(text, {name for one in known.values() for name in one.values()})
            return (
                f"« {defused(text)} » n’est ni le nom ni le code Insee d’une commune de {_YEAR}"
                f"{f' ; {near} ?' if near else ''}"
            )
        if len(found) > 1 and not ways & set(map(fold_value, found)):
            return f"« {defused(text)} » est le nom de {len(found)} communes ; leur code Insee ?"
        return None


@cache
def _communes() -> Mapping[str, Mapping[str, str]]:
    """Return the communes and arrondissements, names by code, by code and by name, folded."""
    found: dict[str, dict[str, str]] = {}
    text = files(__package__).joinpath("communes.txt").read_text("utf-8")
    for line in text.splitlines():
        code, _, name = line.partition(" ")
        for way in (code, name):
            found.setdefault(fold_value(way), {})[code] = name
    return found


_YEAR = 2026
"""Of communes.txt: code and name of communes and arrondissements (INSEE, code officiel géographique
on 1 January, Licence Ouverte 2.0)."""
_ARRONDISSEMENT = re.compile(
    r"(paris|lyon|marseille) \d{1,2}(?:er|e|ème)?(?: arrondissement)?", re.IGNORECASE
)
_TOWNS = {"751": "75056", "6938": "69123", "132": "13055"}
"""By the beginning of the codes of its arrondissements, the code of a commune."""
_CODE_LENGTH = 5
_SAINT = re.compile(r"\b(?:saint|st)(e?)\b[ .-]+", re.IGNORECASE)


def _of_place(name: str) -> Iterable[str]:
    """Return the ways of writing a commune: an arrondissement is in it, and « St » is short."""
    # A code alone: « 13200 Arles » begins like an arrondissement of Marseille.
    starts = _TOWNS.items() if len(name) == _CODE_LENGTH else ()
    town = next((code for start, code in starts if name.startswith(start)), name)
    whole = _ARRONDISSEMENT.fullmatch(name)
    names = (name, town, *(whole.groups() if whole else ()))
    return dict.fromkeys(way for one in names for way in _spelt(one))


def _spelt(name: str) -> Iterable[str]:
    return (name, *(_SAINT.sub(rf"{word}\1-", name) for word in ("Saint", "St")))


def _of_telephone(signs: str) -> Iterable[str]:
    """Return the ways of writing a number: one of France begins with 0, +33 or 0033."""
    found = re.fullmatch(r"(?:0|\+330?|00330?)([1-9]\d{8})", signs)
    begins = ("0", "+33", "+330", "+33(0)", "0033", "00330", "0033(0)")
    return [f"{begin}{found[1]}" for begin in begins] if found else (signs,)


def _signs(text: str) -> str:
    return re.sub(r"[^0-9A-Z+]", "", text.upper())


@cache
def _public_codes() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files(__package__).joinpath("public_codes.toml").read_text("utf-8"))


_NAF = re.compile(r"\d{4}[A-Z]")
CIVILITE = Enumerated(
    "une civilité (M ou Mme)",
    lambda: {"M": "Monsieur", "Mme": "Madame"},
    {"M": ("M.", "Mr"), "Mme": ("Mme.",)},
)
REGION = Enumerated(
    "une région (nom ou code)",
    lambda: _public_codes()["regions"],
    {"04": ("Réunion",), "93": ("PACA",)},
)
DEPARTEMENT = Enumerated(
    "un département (nom ou code)",
    lambda: _public_codes()["departements"],
    {"974": ("Réunion",)},
)
FORME_JURIDIQUE = Enumerated(
    "une catégorie juridique de l’Insee (code à quatre chiffres ou libellé)",
    lambda: _public_codes()["categories_juridiques"],
)
EFFECTIF = Enumerated("une tranche d’effectif de l’Insee", lambda: _public_codes()["effectifs"])
ETAT_ADMINISTRATIF = Enumerated(
    "un état administratif (Actif ou Ferme)", lambda: {"Actif": "Actif", "Ferme": "Fermé"}
)
NAF = Shaped(
    "un code NAF (comme 8411Z ou 84.11Z)",
    # Not a list: in 2027 another edition of the codes takes the place of this one.
    lambda text: _NAF.fullmatch(_signs(text)) is not None,
    r"\d{1,4}|\d{4}[A-Z]|\d\d\.(\d{0,2}|\d\d[A-Z])",
    lambda signs: f'commence_par = ["{signs}"]' if re.fullmatch(r"\d{2,4}", signs) else None,
    others=lambda code: (code, f"{code[:2]}.{code[2:]}"),
)
SIRET = Shaped(
    "un SIRET (quatorze chiffres, clé comprise)",
    FORMATS["siret"],
    r"\d{1,14}",
    lambda signs: f'commence_par = ["{signs}"]' if FORMATS["siren"](signs) else None,
)
SIREN = Shaped(
    "un SIREN (neuf chiffres, clé comprise)",
    FORMATS["siren"],
    r"\d{1,9}",
    lambda signs: signs[:9] if FORMATS["siret"](signs) else None,
)
RNA = Shaped("un numéro RNA (W et neuf chiffres)", FORMATS["rna"], r"W(\d([0-9A-Z]\d{0,7})?)?")
TELEPHONE = Shaped(
    "un numéro de téléphone", FORMATS["telephone"], r"\+?\d{1,15}", others=_of_telephone
)
COMMUNE = Place(
    "une commune",
    shown=re.compile(r"(?:\d{5} )?((.+) \((\w{5})\))|(\w{5}) \(nom inconnu\)"),
    others=_of_place,
)
NOTATIONS: Mapping[str, Notation] = {
    "civilite": CIVILITE,
    "regions": REGION,
    "departements": DEPARTEMENT,
    "siret": SIRET,
    "communes": COMMUNE,
    "phone": TELEPHONE,
    "pays": Named("un nom de pays (comme Canada)", re.compile(r"[A-Z]{2,3}")),
    "rna": Named("une association", None, re.compile(r"(.+) \((W\w{9})\)", re.DOTALL)),
    "rnf": Named("une fondation", None, re.compile(r"(.+) \((\d\w{2}-FDD-\d+-\d+)\)", re.DOTALL)),
}
"""The notations of answers, by DS's types."""


def writings_of(value: Any, notation: Notation | None) -> Iterable[Any]:
    """Return each way of writing an answer, or a fact; one without a notation has one."""
    return notation.writings(value) if notation and isinstance(value, str) else (value,)


def written(
    value: Any, notation: Notation | None, fold: Callable[[Any], str] = fold_value
) -> frozenset[str]:
    """Return each way of writing an answer, or a fact, folded for comparisons."""
    if notation is None or not isinstance(value, str):
        return frozenset((fold(value),))
    return _written(value, notation, fold)


# A démarche's applicants share their places, categories and activities.
@lru_cache(maxsize=4096)
def _written(value: str, notation: Notation, fold: Callable[[Any], str]) -> frozenset[str]:
    return frozenset(map(fold, notation.writings(value)))
