"""The documentation of views and columns, with the marks by which readers are masked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from sqlalchemy import Table

from dsync.programme import Dictionary, Programme
from dsync.store import tables

PERSONAL = "Donnée personnelle."
FREE_TEXT = "Texte libre."
MARK = "Note du jury."
"""Of marks and ranks, which not everybody sees before the deliberation."""
OF_PERSON = "Donnée personnelle si le demandeur est une personne ou un entrepreneur individuel."
PSEUDONYMISED = (
    "Données pseudonymisées : le numéro d'un dossier mène encore à une personne, par Démarches "
    "Simplifiées."
)
# The legal category of an entrepreneur individuel begins with 1. A natural person has none, nor has
# an enterprise of which DS does not know it: it can be one, and is taken for one. So are those who
# are together in indivision (21), en société créée de fait (22) or en participation (23), also with
# an organisation: their names are the name.
_IS_PERSON = (
    "(substr(coalesce({0}.forme_juridique_code, '1'), 1, 1) = '1' "
    "OR substr({0}.forme_juridique_code, 1, 2) IN ('21', '22', '23'))"
)
_PLACES = frozenset({"numero", "ligne", "rang"})
NO_ROWS = "Aucune ligne ici : la configuration n'ouvre aucune de ces réponses."
# A label ends where an explanation begins: at a bracket, a colon, a comma or a full stop.
_CUT = re.compile(r"\s*(?:[;:,(]|\.(?:\s|$)).*", re.DOTALL)


def is_masked(sentence: str) -> bool:
    """Return whether readers without personal data see nothing in a column.

    Args:
        sentence: the column's documentation, of which the last sentence is the mark.
    """
    return sentence.endswith((PERSONAL, FREE_TEXT))


def is_closed(columns: Mapping[str, str]) -> bool:
    """Return whether readers without personal data see nothing in a view but which rows there are.

    The rows alone would tell who has answered a question, and how often.

    Args:
        columns: the view's, with their documentation.
    """
    return all(name in _PLACES or is_masked(sentence) for name, sentence in columns.items())


def is_person(dossier: str) -> str:
    """Return the SQL condition that a dossier's applicant is, or may be, a single person.

    Args:
        dossier: the alias of the table `dossier`.
    """
    return _IS_PERSON.format(dossier)


def pseudonymised(view: str, column: str, sentence: str, deliberated: str) -> str:
    """Return the SQL by which readers without personal data see a column of a view.

    Args:
        view: the view's name, from which the column is selected.
        column: the column's name, in quotes.
        sentence: the column's documentation.
        deliberated: the condition on a row of the view that its démarche's marks are shown.
    """
    if is_masked(sentence):
        # A null of the column's own type: PostgreSQL's REPLACE refuses to change a type.
        return f"CASE WHEN false THEN {column} END AS {column}"
    if sentence.endswith(MARK):
        return f"CASE WHEN {deliberated} THEN {column} END AS {column}"
    if sentence.endswith(OF_PERSON):
        persons = "SELECT 1 FROM dossier AS p WHERE p.numero ="
        return (
            f"CASE WHEN NOT EXISTS ({persons} {view}.numero AND {is_person('p')}) THEN {column} "
            f"END AS {column}"
        )
    return column


def label_of(sentence: str) -> str:
    """Return a short label of a column, from the sentence that documents it."""
    label = _CUT.sub("", sentence.removeprefix("Vrai si ")).replace("'", "’")
    return label[:1].upper() + label[1:]


class ViewColumn(NamedTuple):
    """A column of the main view."""

    name: str
    sql: str
    section: str | None = None
    """The section of `dsync dossier show`; None: not shown there."""
    label: str = ""
    description: str = ""
    """The French description of a declared field; `dictionary.toml` has the other ones."""
    type: str = ""
    """The type of a declared field; `types.toml` has the other ones."""


DOSSIER_VIEW = "lecture_dossier"
"""The view with one row per dossier of any démarche."""
DOSSIER_COLUMNS = tuple(
    ViewColumn(name, f"d.{name}", *shown)
    for name, *shown in (
        ("numero",),
        ("demarche_numero",),
        ("appel", "Dossier", "call"),
        ("etat", "Dossier", "state"),
        ("presence", "Dossier", "presence"),
        ("archive", "Dossier", "archived"),
        ("depose_le", "Dossier", "deposited"),
        ("en_instruction_le", "Dossier", "under instruction since"),
        ("traite_le", "Dossier", "decided"),
        ("correction_attendue_depuis",),
        ("champs_modifie_le", "Dossier", "changed by the applicant"),
        ("modifie_le",),
        ("synchronise_le", "Dossier", "changed here"),
        ("groupe_instructeur",),
        ("usager_courriel",),
        ("siret",),
        ("siren",),
        ("raison_sociale",),
        ("forme_juridique_code",),
        ("region_code",),
        ("region_nom",),
    )
)
"""The columns of a programme's main view that are those of `DOSSIER_VIEW`, there named `d`."""
APPLICANT: Mapping[str, str] = {
    "demandeur_type": "kind",
    "demandeur_civilite": "civility",
    "demandeur_prenom": "first name",
    "demandeur_nom": "name",
    "usager_courriel": "e-mail of the account",
    "mandataire_nom": "acting for them",
    "siret": "SIRET",
    "raison_sociale": "organisation",
    "forme_juridique_code": "legal category",
    "commune": "commune",
    "region_nom": "région",
}
"""Who applies, as `dsync dossier show` prints it for any démarche: labels by column."""


@cache
def dossier_dictionary() -> dict[str, Any]:
    """Return the documentation of `DOSSIER_VIEW`."""
    return ENGINE.views()[DOSSIER_VIEW]


def read_dictionary(folder: Traversable) -> Dictionary:
    """Read a folder's `dictionary.toml` and `types.toml`: a sentence and a type per column."""
    documents = tomllib.loads((folder / "dictionary.toml").read_text(encoding="utf-8"))
    by_type = tomllib.loads((folder / "types.toml").read_text(encoding="utf-8"))
    views: Dictionary = {}
    for name, columns in documents.items():
        types = dict.fromkeys(columns, "text")
        for type_, typed in by_type.get(name, {}).items():
            types |= dict.fromkeys(typed, type_)
        description, _ = columns.pop("description"), types.pop("description")
        views[name] = {"description": description, "columns": columns, "types": types}
    return views


def sections_of(columns: Iterable[ViewColumn], titles: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the columns that `dsync dossier show` prints: labels by name, by section.

    Args:
        columns: of the main view.
        titles: of the sections, in their order.
    """
    shown = list(columns)
    return {title: {c.name: c.label for c in shown if c.section == title} for title in titles}


# Neither is ever instantiated: nothing of a configuration is asked of them.
class _Engine(Programme):
    package = "dsync.store"
    metadata = tables.metadata

    @classmethod
    def views(cls) -> Dictionary:
        return read_dictionary(folder_of(cls))


class _NoProgramme(Programme):
    sections: Mapping[str, Mapping[str, str]] = sections_of(DOSSIER_COLUMNS, ("Dossier",))


ENGINE: type[Programme] = _Engine  # type: ignore[type-abstract]
"""The engine's own part of the database, described as a programme's is."""
NO_PROGRAMME: type[Programme] = _NoProgramme  # type: ignore[type-abstract]
"""What is beside the engine's part in a database without a programme."""


def folder_of(part: type[Programme]) -> Traversable:
    """Return the folder with the migrations and views of a part of the database."""
    return resources.files(part.package)


def main_table(programme: type[Programme]) -> Table | None:
    """Return the programme's table with one row per dossier; None: it has none."""
    table = None if programme.lists is None else programme.lists.column.table
    return table if isinstance(table, Table) else None


def parts(programme: type[Programme]) -> list[type[Programme]]:
    """Return the engine's part of the database and the programme's."""
    return [ENGINE, programme] if programme.package else [ENGINE]
