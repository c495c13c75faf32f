"""The interface of a programme's part of the database: its tables, views and migrations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, Connection, MetaData, Select

from dsync.domain.ids import DemarcheNumber, DossierNumber

Dictionary = dict[str, dict[str, Any]]
"""By view: `description`, `columns` with one sentence each, in the view's order, and their `types`.

A type is integer, number, boolean, date, datetime, json or text.
"""

PERSONAL = "Donnée personnelle."
FREE_TEXT = "Texte libre."
_CUT = re.compile(r"\s*(?:[;:,(]|\.(?:\s|$)).*", re.DOTALL)


def is_masked(sentence: str) -> bool:
    """Return whether readers without personal data see nothing in a column.

    Args:
        sentence: the column's documentation, of which the last sentence is the mark.
    """
    return sentence.endswith((PERSONAL, FREE_TEXT))


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


class Extension(Protocol):
    """A programme's part of the database.

    Its tables with data of a dossier must have a column `numero`: these rows are deleted when the
    dossier is erased or removed.
    """

    @property
    def name(self) -> str:
        """The programme's name, a part of the name of the table with its schema's version."""

    @property
    def package(self) -> str:
        """The Python package that contains `migrations/`, `views/` and `dictionary.toml`."""

    @property
    def metadata(self) -> MetaData:
        """Its tables."""

    @property
    def main_view(self) -> DossierView:
        """The view with one row per dossier."""

    @property
    def dossier_views(self) -> Mapping[str, DossierView]:
        """Its other views of a dossier, by their key in `dsync dossier show --json`."""

    @property
    def checks(self) -> Mapping[str, str]:
        """The French titles of its checks by name, in the order of display."""

    @property
    def stages(self) -> Sequence[str]:
        """The stages of a dossier, in order."""

    @property
    def reached(self) -> Mapping[str, str]:
        """SQL conditions on a dossier's row and the programme's, by the stage then reached."""

    @property
    def sections(self) -> Mapping[str, Mapping[str, str]]:
        """The main view's columns that `dsync dossier show` prints: labels by name, by section."""

    @property
    def listed(self) -> Column[Any]:
        """The column, of a table with one row per dossier, that `dsync dossier list` shows."""

    def views(self) -> Dictionary:
        """Return the documentation of its views."""

    def complete(self, query: str) -> str:
        """Complete a view's SQL with the columns of the declared fields."""

    def related(self, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]) -> Select[Any]:
        """Select the open dossiers whose verdicts depend on the presence or state of these."""

    def indicators(self, connection: Connection, demarche: DemarcheNumber) -> Mapping[str, float]:
        """Return its figures of the démarche as they are now, by name."""

    def evidence_confirmed_at(self, connection: Connection) -> datetime | None:
        """Return when its evidence was last confirmed by its source; None: never."""

    def forget(self, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete the data of these dossiers' applicants, unless another dossier shares them."""


def folder_of(extension: Extension | None) -> Traversable:
    """Return the folder with the migrations and views of the extension; None: the engine's."""
    return resources.files("dsync.store" if extension is None else extension.package)
