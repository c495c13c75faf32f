"""What a programme adds to the database: tables, views, and what happens to its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, Connection, MetaData

from dsync.domain.ids import DemarcheNumber, DossierNumber

Dictionary = dict[str, dict[str, Any]]
"""By view: `description`, and `columns` with a sentence each, in the view's order."""


class DossierView(NamedTuple):
    """A view with rows of a dossier, as `dsync dossier show` reads it."""

    name: str
    order: str
    """The column by which its rows are sorted."""
    json: str | None = None
    """A column that holds JSON."""


class Extension(Protocol):
    """A programme's part of the database.

    Where its tables hold something of a dossier they have a column `numero`: these rows go when
    the dossier is erased or removed.
    """

    @property
    def name(self) -> str:
        """Of the programme: part of the name of the table that holds its schema's version."""

    @property
    def package(self) -> str:
        """The Python package with its `migrations/`, `views/` and `dictionary.toml`."""

    @property
    def metadata(self) -> MetaData:
        """Its tables."""

    @property
    def main_view(self) -> str:
        """The view with one row a dossier."""

    @property
    def dossier_views(self) -> Mapping[str, DossierView]:
        """Its other views of a dossier, by their key in `dsync dossier show --json`."""

    @property
    def checks(self) -> Mapping[str, str]:
        """French titles of its checks by name, in the order in which people read them."""

    @property
    def sections(self) -> Mapping[str, Mapping[str, str]]:
        """Columns of the main view that `dsync dossier show` shows: labels by name, by section."""

    @property
    def listed(self) -> Column[Any]:
        """A column of a table with one row a dossier, which `dsync dossier list` shows."""

    def views(self) -> Dictionary:
        """Return the documentation of its views."""

    def complete(self, query: str) -> str:
        """Put into a view's SQL what follows from the declaration of the programme's fields."""

    def related(
        self, connection: Connection, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]
    ) -> Sequence[DossierNumber]:
        """Return the open dossiers whose verdict may change when these come, go or are decided."""

    def forget(self, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete what is known of these dossiers' applicants and of no other dossier's."""


def folder_of(extension: Extension | None) -> Traversable:
    """Return the folder with migrations and views: the extension's, or the engine's own."""
    return resources.files("dsync.store" if extension is None else extension.package)
