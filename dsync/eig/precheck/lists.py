"""The reference lists: opérateurs de l'État of a year, and legal categories; parsed or replaced.

A list is a CSV file that begins with comment lines on its origin (`# annee: 2026`,
`# source: …`). One that replaces another is validated first, and written in a fixed order; the
former one is kept beside it, and can be put back.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple, Self

from dsync.errors import ConfigurationError

_META = re.compile(r"#\s*(\w+)\s*:\s*(.*)")
_CODE = re.compile(r"\d{1,4}x{0,3}")
_RANGE = re.compile(r"(\d{4})-(\d{4})")
_CODE_LENGTH = 4
_YEAR = re.compile(r"\b20\d\d\b")


class CategorieReponse(StrEnum):
    """What a legal category means for an applicant."""

    ADMINISTRATION_CENTRALE = "administration_centrale"
    A_VERIFIER = "a_verifier"
    OPERATEUR_POSSIBLE = "operateur_possible"
    """Opérateurs and others have it: the list of opérateurs decides."""
    EXCLUE = "exclue"
    EXCLUE_HORS_LISTE = "exclue_hors_liste"
    """Excluded unless in the list of opérateurs for the year of the deposit."""


_ANSWERS = frozenset(answer.value for answer in CategorieReponse)


@dataclass(frozen=True, slots=True)
class OperateurList:
    """The opérateurs de l'État of one year."""

    annee: int
    source: str
    noms: Mapping[str, str]
    """Names by SIREN."""
    sha256: str = ""
    """Of its file."""


class Categorie(NamedTuple):
    """A legal category, or a family of them."""

    code: str
    libelle: str
    reponse: CategorieReponse


@dataclass(frozen=True, slots=True)
class CategorieList:
    """The legal categories: the exact code counts first, then the narrowest family."""

    source: str
    exact: Mapping[str, Categorie]
    familles: tuple[tuple[str, str, Categorie], ...]
    """First code, last code and category of each family, the narrowest first."""
    sha256: str = ""
    """Of its file."""

    def get(self, code: str) -> Categorie | None:
        """Return the category of a code, or else that of its family."""
        if found := self.exact.get(code):
            return found
        if len(code) != _CODE_LENGTH or not code.isascii() or not code.isdigit():
            return None
        return next((c for first, last, c in self.familles if first <= code <= last), None)


class ListProblemsError(ValueError):
    """A list has problems; `problems` has one sentence for each, with its line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def is_siren(text: str) -> bool:
    """Whether a text is a SIREN: nine digits with a valid check digit."""
    from stdnum.fr import siren  # Only who reads a list needs it.

    # It accepts spaces and other digits, too.
    return len(text) == 9 and text.isascii() and siren.is_valid(text)


def parse_operateurs(text: str, given: Mapping[str, str] | None = None) -> OperateurList:
    """Parse a list of opérateurs: columns `siren` and `nom`, comments `annee` and `source`.

    Values in `given` count instead of the comments of their names.

    Raises:
        ListProblemsError: lists every problem of the file.
    """
    meta, rows, problems = _read(text, ("siren", "nom"))
    meta |= given or {}
    noms: dict[str, str] = {}
    for number, (siren, nom) in rows:
        # The digits may be grouped, as people write a SIREN.
        siren = re.sub(r"[\s.]", "", siren)
        if not is_siren(siren):
            problems.append(
                f"line {number}: « {siren[:20]} » is not a SIREN (9 digits, check digit)"
            )
        elif siren in noms:
            problems.append(f"line {number}: SIREN {siren} is given twice")
        elif not nom:
            problems.append(f"line {number}: SIREN {siren} has no name")
        # An invalid one too: a list of which every line is wrong is not « empty ».
        noms[siren] = nom
    annee = meta.get("annee", "")
    if not re.fullmatch(r"20\d\d", annee):
        problems.append("a first line such as « # annee: 2026 » must give the list's year")
    if not meta.get("source"):
        problems.append("a first line such as « # source: … » must say where the list comes from")
    # A detail names both, and they would contradict each other.
    named = _YEAR.findall(meta.get("source", ""))
    if annee and named and annee not in named:
        problems.append(f"its year is {annee}, and its source names {', '.join(named)}")
    if not noms:
        problems.append("the list is empty")
    if problems:
        raise ListProblemsError(problems)
    return OperateurList(int(annee), meta["source"], noms)


def parse_categories(text: str, given: Mapping[str, str] | None = None) -> CategorieList:
    """Parse the legal categories: columns `code`, `libelle` and `reponse`, comment `source`.

    A code is four digits, digits and x for a family (`72xx`), or a range (`7312-7379`). Arguments
    and errors as of `parse_operateurs`.
    """
    meta, rows, problems = _read(text, ("code", "libelle", "reponse"))
    meta |= given or {}
    exact: dict[str, Categorie] = {}
    familles: list[tuple[str, str, Categorie]] = []
    known: set[str] = set()
    for number, (code, libelle, answer) in rows:
        if answer not in _ANSWERS:
            problems.append(
                f"line {number}: reponse « {answer[:40]} » is none of {', '.join(sorted(_ANSWERS))}"
            )
            continue
        if code in known:
            problems.append(f"line {number}: code {code} is given twice")
        known.add(code)
        categorie = Categorie(code, libelle, CategorieReponse(answer))
        if span := _span(code):
            if span[0] == span[1]:
                exact[code] = categorie
            else:
                familles.append((*span, categorie))
        else:
            problems.append(f"line {number}: « {code[:20]} » is not a code such as 7120, 72xx")
    if not meta.get("source"):
        problems.append("a first line such as « # source: … » must say where the list comes from")
    if not known:
        problems.append("the list is empty")
    if problems:
        raise ListProblemsError(problems)
    # The narrowest first, so that a range inside another one counts before it.
    familles.sort(key=lambda famille: (int(famille[1]) - int(famille[0]), famille[0]))
    return CategorieList(meta["source"], exact, tuple(familles))


def _span(code: str) -> tuple[str, str] | None:
    if found := _RANGE.fullmatch(code):
        return (found[1], found[2]) if found[1] < found[2] else None
    if len(code) != _CODE_LENGTH or not _CODE.fullmatch(code):
        return None
    return code.replace("x", "0"), code.replace("x", "9")


def _read(
    text: str, columns: tuple[str, ...]
) -> tuple[dict[str, str], Iterator[tuple[int, tuple[str, ...]]], list[str]]:
    """Return the comments by name, the numbered rows, and the problems, those of rows included."""
    lines = text.removeprefix("\ufeff").splitlines()
    top = 0
    meta = {}
    while top < len(lines) and (lines[top].startswith("#") or not lines[top].strip()):
        if found := _META.match(lines[top]):
            meta[found[1].lower()] = found[2].strip()
        top += 1
    body = "\n".join(lines[top:])
    # French spreadsheets separate columns by semicolons.
    delimiter = ";" if ";" in body.partition("\n")[0] else ","
    # Strict: of a mark without its end, the reader would make one cell of all lines below.
    reader = csv.DictReader(io.StringIO(body), delimiter=delimiter, strict=True)
    try:
        header = reader.fieldnames or ()
    except csv.Error:
        return meta, iter(()), [f"line {top + 1}: a quotation mark has no end"]
    missing = [name for name in columns if name not in header]
    if missing:
        return meta, iter(()), [f"column{'s' if missing[1:] else ''} {', '.join(missing)} missing"]
    problems: list[str] = []

    def rows() -> Iterator[tuple[int, tuple[str, ...]]]:
        begin = top + 2
        try:
            for row in reader:
                # The reader counts from the header; operators count from the first comment line.
                cells = tuple((row[name] or "").strip() for name in columns)
                if any("\n" in cell for cell in cells):
                    problems.append(f"line {begin}: a quotation mark has no end in its line")
                begin = top + reader.line_num + 1
                yield begin - 1, cells
        except csv.Error:
            # It takes all that follows such a mark for one field, which becomes too long.
            problems.append(f"line {begin}: a quotation mark has no end, or a field is too long")

    return meta, rows(), problems


Kind = Literal["operateurs", "categories_juridiques"]


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """A valid list, as it is stored."""

    kind: Kind
    filename: str
    """The name of its file beside the configuration."""
    annee: int | None
    source: str
    entries: int
    text: str


def validate_list(
    text: str, *, today: date, annee: int | None = None, source: str | None = None
) -> ReferenceList:
    """Validate a CSV file of opérateurs or of legal categories; return it as it is stored.

    Its columns tell which it is. Without a year or a source, those of its comment lines are taken;
    `today` is noted in it.

    Raises:
        ConfigurationError: lists every problem of the file.
    """
    text = text.removeprefix("\ufeff")
    given = {"annee": str(annee)} if annee else {}
    if source:
        given["source"] = " ".join(source.split())
    header = next((line for line in text.splitlines() if line.strip() and line[0] != "#"), "")
    # French spreadsheets separate columns by semicolons.
    columns = {name.strip().strip('"').lower() for name in header.replace(";", ",").split(",")}
    # Rows in a fixed order, so that two versions of the file can be compared.
    try:
        if "siren" in columns:
            names = parse_operateurs(text, given)
            rows = sorted(names.noms.items(), key=lambda row: (row[1], row[0]))
            return _stored("operateurs", names.annee, names.source, ("siren", "nom"), rows, today)
        if "code" in columns:
            known = parse_categories(text, given)
            every = [*(famille[2] for famille in known.familles), *known.exact.values()]
            coded = sorted((one.code, one.libelle, one.reponse.value) for one in every)
            written = ("code", "libelle", "reponse")
            return _stored("categories_juridiques", None, known.source, written, coded, today)
    except ListProblemsError as exc:
        problems = tuple(exc.problems)
        raise ConfigurationError(
            f"The list has {len(problems)} problem{'s' if problems[1:] else ''}; nothing was kept.",
            problems=problems,
        ) from exc
    raise ConfigurationError(
        "The file is neither a list of opérateurs (columns siren, nom) nor of legal categories "
        "(columns code, libelle, reponse); nothing was kept."
    )


def _stored(
    kind: Kind,
    annee: int | None,
    source: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    today: date,
) -> ReferenceList:
    meta = {"annee": annee, "source": source, "date": today.isoformat()}
    out = io.StringIO()
    out.writelines(f"# {name}: {value}\n" for name, value in meta.items() if value is not None)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    filename = f"operateurs_etat_{annee}.csv" if annee else f"{kind}.csv"
    return ReferenceList(kind, filename, annee, source, len(rows), out.getvalue())


_MOST_GONE = 0.1
"""Largest share of a list's entries that may go without a warning."""
_KEPT = ".old"


class ListDifference(NamedTuple):
    """What a list changes in the one that it replaces; the entries as people read them."""

    before: int
    """The number of entries of the former list."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def of(cls, former: str, new: str) -> Self:
        """Compare the texts of two lists of one kind; an unreadable former one counts as empty."""
        old, now = _entries(former), _entries(new)
        return cls(
            len(old),
            tuple(f"{key} {now[key]}" for key in now if key not in old),
            tuple(f"{key} {old[key]}" for key in old if key not in now),
            tuple(
                f"{key} {old[key]} → {now[key]}"
                for key in now
                if old.get(key, now[key]) != now[key]
            ),
        )

    @property
    def gone(self) -> str:
        """What to say if many entries are gone, more than a tenth; else ""."""
        if len(self.removed) <= _MOST_GONE * self.before:
            return ""
        return (
            f"{len(self.removed)} of {self.before} entries are gone: compare the file with its "
            "source."
        )


def _entries(text: str) -> Mapping[str, str]:
    """Return what a list says, by SIREN or code."""
    try:
        return dict(parse_operateurs(text).noms)
    except ListProblemsError:
        pass
    try:
        found = parse_categories(text)
    except ListProblemsError:
        return {}
    categories = [*found.exact.values(), *(famille[2] for famille in found.familles)]
    return {one.code: f"{one.libelle}: {one.reponse.value}" for one in categories}


def replace_list(target: Path, text: str, former: str | None, now: datetime) -> Path | None:
    """Write a list, whose file may be missing, and return the file beside it with the former one.

    `former` is the text of that one, which was in use until now; None: there was none.

    Raises:
        ConfigurationError: the folder cannot be written; the list is unchanged.
    """
    try:
        kept = None
        if former is not None:
            kept = target.with_name(f"{target.name}.{now:%Y%m%dT%H%M%S.%fZ}{_KEPT}")
            kept.write_text(former, encoding="utf-8")
        # Written beside it and renamed: a service that starts now reads the old list or the new
        # one.
        temporary = target.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as exc:
        raise ConfigurationError(f"{target}: cannot be written ({exc.strerror}).") from exc
    return kept


def last_kept(folder: Path, names: tuple[str, ...]) -> tuple[str, Path] | None:
    """Return the name of the list in use that was replaced last, and the file with the former."""
    found = [
        (kept.name.removeprefix(f"{name}."), name, kept)
        for name in names
        for kept in folder.glob(f"{name}.*{_KEPT}")
    ]
    # The names differ in their instants only.
    return max(found)[1:] if found else None


def put_back(target: Path, kept: Path, now: datetime) -> None:
    """Put a former list back, as `replace_list`; the present one is kept in its place."""
    text = kept.read_text(encoding="utf-8")
    present = target.read_text(encoding="utf-8") if target.exists() else None
    replace_list(target, text, present, now)
    os.unlink(kept)
