"""Where data of persons lie, as the tables declare it, and the search for a person in it.

The register of processing (`docs/fr/registre.md`) is made of it, and the search goes by it: each
column of text that is not declared as open is searched, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Select, Table, Text, cast, func, null, or_, select

from dsync.domain.documented import Declared, Mark
from dsync.domain.dossier import Cell
from dsync.domain.wording import unaccented
from dsync.errors import ConfigurationError
from dsync.programme import Programme
from dsync.store import tables
from dsync.store.columns import declared_of
from dsync.store.dictionary import all_tables
from dsync.store.sql import AT_ONCE, Subject, among

SHORTEST = 3
"""Signs that a text to search for has at least: fewer are in everybody's data."""
AROUND = 70
"""Signs that an excerpt has before and after the words."""
_PART = 1000
_BETWEEN = r"[\s.\u00a0\u202f/_-]"
_SPACES = f"{_BETWEEN}*"
"""What people write between the digits of a SIRET or a telephone number."""
_SIREN = 9
_PHONE = re.compile(r"(?:(?:\+|00)33(?:\(0\))?|0)([1-9]\d{8})")
"""A French telephone number, in the ways in which it begins."""
_TAG = re.compile(r"\+[^@]*@")
"""What some write before the sign of their address to tell their mails apart."""
_PARTICLES = frozenset({"d", "de", "des", "du", "l", "la", "le", "les", "van", "von"})
_OF_NOBODY = (Mark.OPEN, Mark.OF_JURY)


class Act(StrEnum):
    """What fits for a value in which a person was found, beside telling them of it."""

    CORRECT = "corriger"
    """DS has it, too, where it is corrected. Here it is erased with the dossier."""
    ERASE = "effacer"
    """dsync alone has it: what was, which is erased with the dossier."""
    ANSWER = "repondre"
    """It is of no dossier, and stays until its end: of an agent, or published elsewhere."""


class Holding(NamedTuple):
    """What is declared of a table."""

    table: Table
    contents: str
    until: str
    """What ends its keeping, in French."""

    @property
    def columns(self) -> dict[str, Declared]:
        """The columns with personal data."""
        every = {one.name: declared_of(one) for one in self.table.columns}
        return {name: one for name, one in every.items() if one.mark not in _OF_NOBODY}

    @property
    def searched(self) -> list[Column[Any]]:
        """The columns in which a person is looked for."""
        return [self.table.c[name] for name in self.columns]

    @property
    def act(self) -> Act:
        """What fits for a value of the table."""
        if "numero" not in self.table.c:
            return Act.ANSWER
        is_of_ds = self.table in _OF_DS or self.table.metadata is not tables.metadata
        return Act.CORRECT if is_of_ds else Act.ERASE


class Hit(NamedTuple):
    """A value in which a person was found; nothing else of its row."""

    table: str
    demarche_numero: int | None
    """None: the table is of no démarche."""
    numero: int | None
    """The dossier's; None: the table is of no dossier."""
    cle: Mapping[str, Any]
    """The key of the row, beside the dossier's number."""
    champ: str
    """The column, and the place inside its JSON."""
    libelle: str | None
    """The label of a champ or an annotation."""
    valeur: str
    extrait: str
    """The words with what is around them."""
    acte: Act


def holdings(programme: type[Programme]) -> list[Holding]:
    """Return what is declared of each table, the engine's first."""
    return [Holding(table, *table.info["kept"]) for table in all_tables(programme)]


class Wanted:
    """The words that are looked for: all of them, in any order, whatever their case and accents.

    Raises:
        ConfigurationError: the text is too short.
    """

    def __init__(self, text: str) -> None:
        plain = unaccented(text).strip()
        digits = re.sub(_BETWEEN, "", plain)
        if phone := _PHONE.fullmatch(digits):
            words = [f"0{phone[1]}"]
        elif digits.isdecimal() and len(digits) >= _SIREN:
            words = [digits]
        elif "@" in plain:
            words = plain.split()
        else:
            words = [one for one in re.split(r"[\s',;_-]+", plain) if one]
            # « de La Tour » is « de la Tour » and « Latour, de ».
            words = [one for one in words if one not in _PARTICLES] or words
        if sum(map(len, words)) < SHORTEST:
            raise ConfigurationError(
                f"Give at least {SHORTEST} letters or digits: an e-mail address, a name or a SIRET."
            )
        self._inside = [re.compile(_pattern(word)) for word in words]
        self._words = [re.compile(_bounded(word)) for word in words]

    def may_be_in(self, plain: str) -> bool:
        """Return False if no value of an `unaccented` text, of JSON or not, has all the words."""
        return all(one.search(plain) for one in self._inside)

    def excerpt(self, text: str, *, near: bool = False) -> str | None:
        """Return the words with what is around them, on one line; a short text is whole.

        `near`: the words have to be close together, else None.
        """
        if len(text) <= 2 * AROUND and not near:
            return " ".join(text.split())
        # Part by part, because an accent or a ligature moves what follows it.
        parts = [text[place : place + _PART] for place in range(0, len(text), _PART)]
        plain_parts = [*map(unaccented, parts)]
        plain, ends = "".join(plain_parts), [*accumulate(map(len, plain_parts))]
        best = 0, 0, 0
        for found in self._words[0].finditer(plain):
            start, end = max(found.start() - AROUND, 0), found.end() + AROUND
            part = plain[start:end]
            best = max(best, (sum(bool(one.search(part)) for one in self._words), -start, -end))
        if near and best[0] < len(self._words):
            return None

        def place_of(plain_place: int) -> int:
            part = bisect_right(ends, plain_place)
            if part == len(parts):
                return len(text)
            within = accumulate(len(unaccented(sign)) for sign in parts[part])
            before = ends[part - 1] if part else 0
            return part * _PART + bisect_right([*within], plain_place - before)

        first, last = place_of(-best[1]), place_of(-best[2] or 2 * AROUND)
        kept = " ".join(text[first : last + 1].split())
        return f"{'… ' * (first > 0)}{kept}{' …' * (last + 1 < len(text))}"

    def hits(self, value: Any, place: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
        """Return the smallest parts of a value that have all the words, with their places.

        A name that a form asks for in two champs is found, too: in the smallest part that has all
        the words in values that consist of them alone.
        """
        if (children := _children(value)) is None:
            text = unaccented(str(value))
            return [(place, str(value))] if all(one.search(text) for one in self._words) else []
        found = [hit for key, child in children for hit in self.hits(child, (*place, key))]
        if found or len(self._words) == 1:
            return found
        whole = [one for one in _leaves(value, place) if self._consists_of_words(one[1])]
        missing = [
            one for one in self._words if not any(one.search(unaccented(text)) for _, text in whole)
        ]
        return [] if missing else whole

    def _consists_of_words(self, text: str) -> bool:
        rest = unaccented(text)
        for one in self._words:
            rest = one.sub("", rest)
        return rest != unaccented(text) and not re.search(r"\w", rest)


def _pattern(word: str) -> str:
    if phone := _PHONE.fullmatch(word):
        start = rf"(?:(?:\+|00){_SPACES}33{_SPACES}(?:\(0\){_SPACES})?|0{_SPACES})"
        return start + _SPACES.join(phone[1])
    if word.isdecimal() and len(word) >= _SIREN:
        return _SPACES.join(word)
    if "@" in word:
        name, _, domain = _TAG.sub("@", word).partition("@")
        return rf"{re.escape(name)}(?:\+[^\s@]*)?@{re.escape(domain)}"
    return re.escape(word)


def _bounded(word: str) -> str:
    """Return the pattern of a word as a whole: beside it, « _ » ends it, as in names of files.

    A digit ends what has letters there, and a letter what has digits.
    """
    before, after = (r"\d" if one.isdecimal() else r"[^\W\d_]" for one in (word[0], word[-1]))
    # A SIREN is the beginning of a SIRET.
    is_siren = word.isdecimal() and len(word) == _SIREN
    return rf"(?<!{before}){_pattern(word)}" + ("" if is_siren else rf"(?!{after})")


def _children(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return the parts of a value by their keys, None for one that has none."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, list):
        return enumerate(value)
    return None


def _leaves(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if (children := _children(value)) is None:
        if isinstance(value, str):
            yield place, value
        return
    for key, child in children:
        yield from _leaves(child, (*place, key))


class PersonReads(Subject):
    """Looks for a person in all that is stored."""

    def search(self, text: str, progress: Callable[[int, int], None] | None = None) -> list[Hit]:
        """Return the values that have all words of a text, whatever their case and accents.

        Of a démarche and of what belongs to none; of a transaction without a number, of all. As of
        `wanted_of`, the text may have several names of a person. `progress` is called with the rows
        that were looked through, and all of them.

        Raises:
            ConfigurationError: the text is too short.
        """
        wanted, labels = wanted_of(text), self._labels()
        searched = [one for one in holdings(self.programme) if one.searched]
        done, total = 0, sum(map(self._count, searched)) if progress else 0
        found: list[Hit] = []
        for one in searched:
            for hits in self._hits(one, wanted, labels):
                found += hits
                done += 1
                if progress and done % AT_ONCE == 0:
                    progress(min(done, total), total)
        return found

    def applicant_of(self, hits: Sequence[Hit]) -> list[int]:
        """Return the dossiers of which found values name the applicant.

        The address of an account does where nobody deposited the dossier for somebody else.
        """
        own: set[int | None] = {one.numero for one in hits if _is_applicants(one)}
        account = {one.numero for one in hits if (one.table, one.champ) == _ACCOUNT} - own
        dossier = tables.dossier.c
        of_another = self.connection.scalars(
            select(dossier.numero).where(
                among(dossier.numero, account), dossier.mandataire_nom.is_not(None)
            )
        )
        return sorted(one for one in own | account.difference(of_another) if one is not None)

    def dossiers(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return what tells some dossiers from others: the context of what is found in them."""
        dossier = tables.dossier.c
        names = (
            *("numero", "demarche_numero", "etat", "presence", "depose_le"),
            *("raison_sociale", "demandeur_prenom", "demandeur_nom"),
        )
        rows = self.connection.execute(
            select(*(dossier[name] for name in names))
            .where(among(dossier.numero, numbers))
            .order_by(dossier.numero)
        )
        return [dict(row) for row in rows.mappings()]

    def copies(self, numbers: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """Return the copied files of dossiers, None: of all; their contents are not searched."""
        piece = tables.piece.c
        rows = self.connection.execute(
            select(piece.numero, piece.demarche_numero, piece.champ_id, piece.adresse)
            .where(
                piece.copie_le.is_not(None),
                ~piece.a_supprimer,
                *([] if numbers is None else [among(piece.numero, numbers)]),
                *([] if self._number is None else [piece.demarche_numero == self._number]),
            )
            .order_by(piece.numero, piece.id)
        )
        labels = self._labels()
        return [dict(row) | {"libelle": labels.get(row["champ_id"])} for row in rows.mappings()]

    def _count(self, holding: Holding) -> int:
        selected = self._selected(holding, ()).with_only_columns(func.count())
        return self.connection.scalar(selected) or 0

    def _hits(
        self, holding: Holding, wanted: Sequence[Wanted], labels: Mapping[str, str]
    ) -> Iterator[list[Hit]]:
        """Yield what is found in each row."""
        columns = holding.searched
        names = [column.name for column in columns]
        keys = [column.name for column in holding.table.primary_key if column.name != "numero"]
        streamed = self.connection.execution_options(yield_per=AT_ONCE)
        for row in streamed.execute(self._selected(holding, keys)).mappings():
            texts = {name: row[name] for name in names if row[name] is not None}
            plain = unaccented("\n".join(texts.values()))
            found: list[Hit] = []
            if there := [one for one in wanted if one.may_be_in(plain)]:
                key = {name: row[f"cle_{name}"] for name in keys}
                parsed = {name: _parsed(text) for name, text in texts.items()}
                told: set[tuple[str | None, str]] = set()
                for one, place, value in ((w, *hit) for w in there for hit in w.hits(parsed)):
                    label = _label(parsed, place, labels)
                    champ = ".".join(map(str, place))
                    # DS gives a champ's text and its value.
                    if (label or champ, value) in told:
                        continue
                    told.add((label or champ, value))
                    found.append(
                        Hit(
                            holding.table.name,
                            row["demarche"],
                            row["dossier"],
                            key,
                            champ,
                            label,
                            value,
                            one.excerpt(value) or value,
                            holding.act,
                        )
                    )
            yield found

    def _selected(self, holding: Holding, keys: Sequence[str]) -> Select[Any]:
        table, dossier = holding.table, tables.dossier
        number: Any = table.c.get("numero")
        of_demarche: Any = table.c.get("demarche_numero")
        if table is tables.demarche:
            of_demarche = table.c.number
        is_joined = of_demarche is None and number is not None
        if is_joined:
            of_demarche = dossier.c.demarche_numero
        statement = select(
            (null() if number is None else number).label("dossier"),
            (null() if of_demarche is None else of_demarche).label("demarche"),
            *(table.c[name].label(f"cle_{name}") for name in keys),
            *(cast(column, Text).label(column.name) for column in holding.searched),
        ).select_from(table.join(dossier, dossier.c.numero == number) if is_joined else table)
        if self._number is not None and of_demarche is not None:
            statement = statement.where(of_demarche == self._number)
        return statement.where(or_(*(column.is_not(None) for column in holding.searched)))

    def _labels(self) -> dict[str, str]:
        """Return the labels of champs and annotations by their ids."""
        found: dict[str, str] = {}
        for descriptors in self.connection.scalars(select(tables.revision.c.descriptors)):
            found.update((one["id"], one["libelle"]) for one in descriptors or ())
        return found


def names_in(text: str) -> list[str]:
    """Return the several names of one person in a text, which are apart by « ; » or lines."""
    return [one.strip() for one in re.split(r"[;\n]", text) if one.strip()]


def wanted_of(text: str) -> list[Wanted]:
    """Return what a text asks for.

    Raises:
        ConfigurationError: one of them is too short.
    """
    return [*map(Wanted, names_in(text) or [text])]


_OF_DS = frozenset({tables.dossier, tables.contenu, tables.liste, tables.piece})
"""The engine's tables of what DS has, too."""
_ACCOUNT = ("dossier", "usager_courriel")
_NAMES = frozenset({"siret", "siren", "raison_sociale", "titre", "rna", "nom", "prenom", "email"})
"""What names an applicant, in `dossier` after `demandeur_`, in `contenu` inside `demandeur`."""


_LISTS = frozenset({"champs", "annotations"})
"""The columns of `contenu` with a list of `Cell`."""


def _is_applicants(hit: Hit) -> bool:
    if hit.table == "contenu":
        return hit.champ.startswith("demandeur.") and hit.champ.rpartition(".")[2] in _NAMES
    return hit.table == "dossier" and hit.champ.removeprefix("demandeur_") in _NAMES


def _parsed(text: str) -> Any:
    """Return what a text of JSON has in it; another text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _label(value: Any, place: Sequence[Any], labels: Mapping[str, str]) -> str | None:
    """Return the label of the innermost champ around a place."""
    label = None
    for key in place:
        if isinstance(value, Mapping) and isinstance(value.get("id"), str):
            label = labels.get(value["id"], value.get("libelle") or label)
        elif place[0] in _LISTS and isinstance(value, list) and isinstance(value[0], str):
            cell = msgspec.convert(value, Cell)
            return labels.get(cell.id, cell.libelle)
        value = value[key]
    return label
