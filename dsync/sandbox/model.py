"""The state of the sandbox: démarches, revisions, groupes, labels, dossiers; nothing of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dsync.sandbox import ids
from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.seed import DossierSeed

FINISHED = frozenset({"accepte", "refuse", "sans_suite"})

Hand = Literal["usager", "administration"]
Source = Literal["champs", "annotations"]


@dataclass(eq=False)
class Instructeur:
    """An agent who may act on the dossiers of his groupes."""

    key: int
    email: str

    @property
    def id(self) -> str:
        """The opaque identifier that mutations want."""
        return ids.encode("Instructeur", self.key)


@dataclass(eq=False)
class Groupe:
    """A groupe instructeur of a démarche."""

    key: int
    label: str
    instructeurs: list[Instructeur]


@dataclass(eq=False)
class Label:
    """A label of a démarche."""

    key: int
    name: str
    color: str


@dataclass(eq=False)
class Revision:
    """One version of the form; a draft has no publication date."""

    key: int
    created_at: datetime
    published_at: datetime | None
    champs: list[Descriptor]
    annotations: list[Descriptor]

    def descriptor(self, source: Source, stable_id: int) -> tuple[Descriptor, Descriptor | None]:
        """Return a descriptor, and the repetition it is in.

        Raises:
            KeyError: when this revision has none with that id.
        """
        for candidate in getattr(self, source):
            if candidate["stable_id"] == stable_id:
                return candidate, None
            for cell in candidate["champs"]:
                if cell["stable_id"] == stable_id:
                    return cell, candidate
        raise KeyError(stable_id)


@dataclass(slots=True, eq=False)
class Row:
    """A row of a repetition and its answers, by stable id."""

    ulid: str
    cells: dict[int, Any]


@dataclass(slots=True, eq=False)
class Traitement:
    """One step of a dossier's life."""

    event: str
    state: str
    at: datetime
    agent: str | None = None
    motivation: str | None = None


@dataclass(slots=True, eq=False)
class Deletion:
    """Why and when a dossier left, as the two lists of deletions tell it."""

    key: int
    reason: str
    at: datetime


@dataclass(slots=True, eq=False)
class Dossier:
    """A dossier as the server keeps it; its seed holds what does not need more than a value."""

    seed: DossierSeed
    demarche: Demarche
    groupe: Groupe
    revision: Revision
    updated_at: datetime
    annotations_at: datetime
    champs_at: datetime
    labels: list[Label]
    followers: list[Instructeur]
    traitements: list[Traitement]
    hidden_by: set[Hand] = field(default_factory=set)
    hidden_at: datetime | None = None
    expired: bool = False
    deletion: Deletion | None = None
    correction_at: datetime | None = None
    usager_deleted: bool = False
    hidden_champs: set[int] = field(default_factory=set)
    """Champs that the form's conditional logic does not show, by stable id."""
    touched: dict[str, datetime] = field(default_factory=dict)
    """When a champ last changed, by its key (stable id, and row); absent: at the deposit."""
    rows: dict[int, list[Row]] = field(default_factory=dict)
    rendered: dict[Any, Any] = field(default_factory=dict)
    """What was last served of it, by selection; emptied at each change."""

    @property
    def number(self) -> int:
        """The number that people see."""
        return self.seed.number

    @property
    def presence(self) -> str:
        """Where the API shows it: present, masque, expire or supprime."""
        if self.deletion:
            return "supprime"
        if self.expired:
            return "expire"
        if "administration" in self.hidden_by:
            return "masque"
        hidden = "usager" in self.hidden_by and self.seed.state not in FINISHED
        return "masque" if hidden else "present"

    def rows_of(self, repetition: Descriptor, source: Source) -> list[Row]:
        """Return the rows of a repetition; a mandatory or private one was created with one row."""
        stable_id = repetition["stable_id"]
        if stable_id not in self.rows:
            answers = getattr(self.seed, source).get(stable_id)
            if answers is None:
                answers = [{}] if source == "annotations" or repetition["required"] else []
            self.rows[stable_id] = [
                Row(ids.ulid(self.seed.depose_at, self.number, stable_id, index), dict(cells))
                for index, cells in enumerate(answers)
            ]
        return self.rows[stable_id]

    def add_row(self, repetition: Descriptor, at: datetime) -> None:
        """Add an empty row to an annotation; that alone moves no date."""
        rows = self.rows_of(repetition, "annotations")
        rows.append(Row(ids.ulid(at, self.number, repetition["stable_id"], len(rows)), {}))
        self.rendered.clear()

    def change(self, at: datetime) -> None:
        """Record that something moved that ``updatedSince`` shows."""
        self.updated_at = at
        self.rendered.clear()
        self.demarche.reorder()


@dataclass(eq=False)
class Demarche:
    """A démarche with its form and its dossiers."""

    number: int
    path: str
    title: str
    description: str
    state: str
    created_at: datetime
    published_at: datetime
    labels: list[Label]
    groupes: list[Groupe]
    revisions: list[Revision]
    """Oldest first; the last one is the draft, the one before it is published."""
    dossiers: dict[int, Dossier] = field(default_factory=dict)
    closed_at: datetime | None = None
    modified_at: datetime | None = None
    _orders: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)

    @property
    def published(self) -> Revision:
        """The revision in force."""
        return self.revisions[-2]

    def reorder(self) -> None:
        """Forget the orders of pages, after a change of dates or of presence."""
        self._orders.clear()

    def order(self, column: Literal["depose_at", "updated_at"]) -> list[tuple[datetime, int]]:
        """Return (date, number) of every visible dossier, sorted."""
        if column not in self._orders:
            self._orders[column] = sorted(self._keys(column))
        return self._orders[column]

    def _keys(self, column: str) -> Iterator[tuple[datetime, int]]:
        for dossier in self.dossiers.values():
            if dossier.presence == "present":
                at = dossier.updated_at if column == "updated_at" else dossier.seed.depose_at
                yield at, dossier.number
