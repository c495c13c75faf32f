"""The interface of a programme's part of the database: its tables, views and migrations."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, MetaData, Select, Table, false, select

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import tables

Dictionary = dict[str, dict[str, Any]]
"""By view: `description`, `columns` with one sentence each, in the view's order, and their `types`.

A type is integer, number, boolean, date, datetime, json or text.
"""

PERSONAL = "Donnée personnelle."
FREE_TEXT = "Texte libre."
OF_PERSON = "Donnée personnelle si le demandeur est une personne ou un entrepreneur individuel."
PSEUDONYMISED = (
    "Données pseudonymisées : le numéro d'un dossier mène encore à une personne, par Démarches "
    "Simplifiées."
)
# The legal category of an entrepreneur individuel begins with 1. A natural person has none, nor has
# an enterprise of which DS does not know it: it can be one, and is taken for one.
_IS_PERSON = "substr(coalesce({0}.forme_juridique_code, '1'), 1, 1) = '1'"
# A label ends where an explanation begins: at a bracket, a colon, a comma or a full stop.
_CUT = re.compile(r"\s*(?:[;:,(]|\.(?:\s|$)).*", re.DOTALL)


def is_masked(sentence: str) -> bool:
    """Return whether readers without personal data see nothing in a column.

    Args:
        sentence: the column's documentation, of which the last sentence is the mark.
    """
    return sentence.endswith((PERSONAL, FREE_TEXT))


def is_person(dossier: str) -> str:
    """Return the SQL condition that a dossier's applicant is, or may be, a single person.

    Args:
        dossier: the alias of the table `dossier`.
    """
    return _IS_PERSON.format(dossier)


def pseudonymised(view: str, column: str, sentence: str) -> str:
    """Return the SQL by which readers without personal data see a column of a view.

    Args:
        view: the view's name, from which the column is selected.
        column: the column's name, in quotes.
        sentence: the column's documentation.
    """
    if is_masked(sentence):
        # A null of the column's own type: PostgreSQL's REPLACE refuses to change a type.
        return f"CASE WHEN false THEN {column} END AS {column}"
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


class DossierView(NamedTuple):
    """A view from which `dsync dossier show` reads a dossier's rows."""

    name: str
    order: str
    """The ORDER BY expression of its rows."""
    json: str | None = None
    """The column that contains JSON."""


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


DOSSIER_COLUMNS = (
    ViewColumn("numero", "d.numero"),
    ViewColumn("demarche_numero", "d.demarche_numero"),
    ViewColumn("etat", "d.etat", "Dossier", "state"),
    ViewColumn("presence", "d.presence", "Dossier", "presence"),
    ViewColumn("archive", "d.archive", "Dossier", "archived"),
    ViewColumn("depose_le", "utc(d.depose_le)", "Dossier", "deposited"),
    ViewColumn(
        "en_instruction_le", "utc(d.en_instruction_le)", "Dossier", "under instruction since"
    ),
    ViewColumn("traite_le", "utc(d.traite_le)", "Dossier", "decided"),
    ViewColumn("correction_attendue_depuis", "utc(d.correction_attendue_depuis)"),
    ViewColumn("modifie_le", "utc(d.modifie_le)", "Dossier", "changed in DS"),
    ViewColumn("synchronise_le", "utc(d.synchronise_le)", "Dossier", "changed here"),
    ViewColumn("groupe_instructeur", "json(t.divers) ->> 'groupe_instructeur'"),
    ViewColumn("siret", "d.siret", "Administration", "SIRET"),
    ViewColumn("siren", "d.siren"),
    ViewColumn("raison_sociale", "d.raison_sociale", "Administration", "name"),
    ViewColumn(
        "forme_juridique_code", "d.forme_juridique_code", "Administration", "legal category"
    ),
)
"""The engine's columns of a programme's main view: `d` is the dossier, `t` its content."""
_OF_MAIN_VIEW = "dossier"
"""Their entry in the engine's dictionary, which is no view."""


def dossier_dictionary() -> dict[str, Any]:
    """Return the documentation of `DOSSIER_COLUMNS`, as that of a view."""
    return read_dictionary(ENGINE.folder)[_OF_MAIN_VIEW]


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


class Extension:
    """A part of the database with its own tables, views and migrations; as it is, that of nothing.

    A programme's tables with data of a dossier must have a column `numero`: these rows are deleted
    when the dossier is erased or removed.
    """

    name: str = ""
    """The programme's name, a part of the name of the table with its schema's version."""
    package: str = ""
    """The Python package that contains `migrations/`, `views/`, `dictionary.toml`; empty: none."""
    metadata: MetaData = MetaData()
    """Its tables."""
    main_view: DossierView = DossierView("dossier", "numero")
    """The view with one row per dossier; without a programme, the table."""
    dossier_views: Mapping[str, DossierView] = {}
    """Its other views of a dossier, by their key in `dsync dossier show --json`."""
    checks: Mapping[str, str] = {}
    """The French titles of its checks by name, in the order of display."""
    stages: Sequence[str] = ()
    """The stages of a dossier, in order."""
    reached: Mapping[str, str] = {}
    """SQL conditions on a dossier's row and the programme's, by the stage then reached."""
    sections: Mapping[str, Mapping[str, str]] = {}
    """The main view's columns that `dsync dossier show` prints: labels by name, by section."""
    listed: Column[Any] | None = None
    """The column, of a table with one row per dossier, that `dsync dossier list` shows."""

    @property
    def main_table(self) -> Table | None:
        """The table with one row per dossier, None without a programme."""
        table = None if self.listed is None else self.listed.table
        return table if isinstance(table, Table) else None

    @property
    def folder(self) -> Traversable:
        """The folder with its migrations and views."""
        return resources.files(self.package)

    def views(self) -> Dictionary:
        """Return the documentation of its views."""
        return read_dictionary(self.folder) if self.package else {}

    def complete(self, query: str) -> str:
        """Complete a view's SQL with the columns of the declared fields."""
        return query

    def related(self, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]) -> Select[Any]:
        """Select the open dossiers whose verdicts depend on the presence or state of these."""
        return select(tables.dossier.c.numero).where(false())

    def indicators(self, connection: Connection, demarche: DemarcheNumber) -> Mapping[str, float]:
        """Return its figures of the démarche as they are now, by name."""
        return {}

    def evidence_confirmed_at(self, connection: Connection) -> datetime | None:
        """Return when its evidence was last confirmed by its source; None: never."""
        return None

    def forget(self, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete the data of these dossiers' applicants, unless another dossier shares them."""


class _Engine(Extension):
    package = "dsync.store"
    metadata = tables.metadata

    def views(self) -> Dictionary:
        return {name: one for name, one in super().views().items() if name != _OF_MAIN_VIEW}


ENGINE = _Engine()
"""The engine's own part."""
NO_PROGRAMME = Extension()
"""What is beside the engine's part in a database without a programme."""


def parts(extension: Extension) -> list[Extension]:
    """Return the engine's part and the programme's."""
    return [ENGINE, extension] if extension.package else [ENGINE]
