"""Validates a new reference list before it replaces the old one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from dsync.eig.precheck.lists import ListProblemsError, parse_categories, parse_operateurs
from dsync.errors import ConfigurationError

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
    """Validate a CSV file of opérateurs or of legal categories; its columns tell which.

    Args:
        text: the content of the file.
        today: the date that is noted in the list.
        annee: the year of the list; None: taken from the comment lines.
        source: the origin of the list; None: taken from the comment lines.

    Returns:
        The list in the form in which it is stored.

    Raises:
        ConfigurationError: lists every problem of the file.
    """
    text = _with_meta(text, {"annee": str(annee) if annee else None, "source": source})
    header = next((line for line in text.splitlines() if line.strip() and line[0] != "#"), "")
    # French spreadsheets separate columns by semicolons.
    columns = {name.strip().strip('"').lower() for name in header.replace(";", ",").split(",")}
    try:
        if "siren" in columns:
            return _operateurs(text, today)
        if "code" in columns:
            return _categories(text, today)
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


def _operateurs(text: str, today: date) -> ReferenceList:
    parsed = parse_operateurs(text)
    # A fixed order, so that two versions of the file can be compared.
    rows = sorted(parsed.noms.items(), key=lambda row: (row[1], row[0]))
    meta = {"annee": str(parsed.annee), "source": parsed.source, "date": today.isoformat()}
    return ReferenceList(
        "operateurs",
        f"operateurs_etat_{parsed.annee}.csv",
        parsed.annee,
        parsed.source,
        len(rows),
        _written(meta, ("siren", "nom"), rows),
    )


def _categories(text: str, today: date) -> ReferenceList:
    parsed = parse_categories(text)
    found = [*(famille[2] for famille in parsed.familles), *parsed.exact.values()]
    rows = sorted((c.code, c.libelle, c.reponse.value) for c in found)
    meta = {"source": parsed.source, "date": today.isoformat()}
    return ReferenceList(
        "categories_juridiques",
        "categories_juridiques.csv",
        None,
        parsed.source,
        len(rows),
        _written(meta, ("code", "libelle", "reponse"), rows),
    )


def _with_meta(text: str, meta: dict[str, str | None]) -> str:
    lines = [f"# {name}: {' '.join(value.split())}\n" for name, value in meta.items() if value]
    # A later comment line with the same name would replace these.
    kept = [
        line
        for line in text.removeprefix("\ufeff").splitlines(keepends=True)
        if not any(value and line.startswith(f"# {name}:") for name, value in meta.items())
    ]
    return "".join([*lines, *kept])


def _written(
    meta: dict[str, str],
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
) -> str:
    out = io.StringIO()
    out.writelines(f"# {name}: {value}\n" for name, value in meta.items())
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
