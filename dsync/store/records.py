"""What the store takes and gives, beside the domain's own values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from dsync.domain.dossier import Etat, Json
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.programme import Row
from dsync.domain.verdict import Decision

DEFAULT_PAGE_SIZE = 100
"""DS's largest page: a first read starts with it and shrinks when DS cannot follow."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far two clocks may differ: an instant later than this after the present is in the future."""
LONGEST_WAIT = timedelta(days=1)
"""Nothing is put off for longer: an instant of a next try that lies further away is wrong."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write about one démarche, as long as nobody took it over."""

    demarche: DemarcheNumber
    holder: str
    token: int
    acquired_at: datetime
    expires_at: datetime
    ttl_s: float


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """Who holds a démarche since when; `holder` is None when it is free."""

    holder: str | None
    acquired_at: datetime
    expires_at: datetime
    is_expired: bool


class RunningService(NamedTuple):
    """A service that signed in: where it runs, and when it works next."""

    holder: str
    version: str
    started_at: datetime
    seen_at: datetime
    next_run_at: datetime


class OpenPushes(NamedTuple):
    """Dossiers with annotations in a state that somebody should look at, and why."""

    dossiers: int
    reasons: tuple[str, ...]


class Record(Struct, frozen=True, gc=False):
    """What is kept of a dossier that DS shows."""

    numero: DossierNumber
    etat: Etat
    is_open: bool
    """Whether a verdict may still be pushed into it."""
    revision_id: RevisionId
    labels: tuple[str, ...]
    content_hash: str
    inputs_hash: str
    annotations_hash: str
    """Of all annotations, those that dsync writes included."""
    owned_ids: frozenset[str]
    """Ids of the annotations that are dsync's own in this dossier's revision."""
    owned: Mapping[str, Json]
    """What these annotations hold, by id."""
    facts: Mapping[str, Any]
    """The narrow row's columns but what the store adds itself."""
    dates: Mapping[str, Any]
    """Those of the narrow row's columns that move without the content being another."""
    contents: Row
    """The wide row: what was typed into the dossier, by whomever."""
    programme: Mapping[str, Row]
    """The rows of the programme's tables, by the table's name."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """What storing a page did; a dossier may be in several lists."""

    created: list[DossierNumber] = field(default_factory=list)
    changed: list[DossierNumber] = field(default_factory=list)
    """Known ones whose content, state or presence is another."""
    annotations_changed: list[DossierNumber] = field(default_factory=list)
    """Known ones in whose annotations somebody else than dsync wrote."""
    unchanged: int = 0

    @property
    def read(self) -> int:
        """Dossiers of the page."""
        return len(self.created) + len(self.changed) + self.unchanged


@dataclass(frozen=True, slots=True)
class SyncState:
    """Where the reading of a démarche stands."""

    watermark: datetime | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_size_at: datetime | None = None
    """When the page's size was last changed; None when it is DS's largest."""
    full_cursor: str | None = None
    full_started_run: int | None = None
    full_started_at: datetime | None = None
    full_due_at: datetime | None = None
    """A full read asked for by the engine itself, after a new revision."""
    last_success_at: datetime | None = None
    last_incremental_at: datetime | None = None
    last_full_at: datetime | None = None
    last_deletions_at: datetime | None = None
    last_revision_id: str | None = None
    evidence_key: str | None = None
    """Of the evidence and the rules that the open dossiers were last judged by."""
    mapping_key: str | None = None
    """Of the mapping by which the copy was last read whole."""
    writing_key: str | None = None
    """Of what writing rests on: texts of the verdicts, annotations, labels, rights."""

    def as_of(self, now: datetime) -> SyncState:
        """Return the state without the instants that lie after `now`.

        The machine's clock was ahead when they were stored, and came back: they count as never,
        and a full read is due.
        """
        late: dict[str, Any] = dict.fromkeys(self._late(now))
        due_at = self.full_due_at
        if "last_full_at" in late or (due_at is not None and due_at > now + LONGEST_WAIT):
            late["full_due_at"] = now
        return replace(self, **late) if late else self

    def ahead(self, now: datetime) -> timedelta | None:
        """Return by how much the latest of these instants lies after `now`; None when none does."""
        return max((getattr(self, name) - now for name in self._late(now)), default=None)

    def _late(self, now: datetime) -> list[str]:
        names = (
            "full_started_at",
            "last_success_at",
            "last_incremental_at",
            "last_full_at",
            "last_deletions_at",
        )
        limit = now + CLOCK_TOLERANCE
        return [name for name in names if (at := getattr(self, name)) is not None and at > limit]


class NewVerdict(NamedTuple):
    """A verdict to store."""

    numero: DossierNumber
    decision: Decision
    inputs_hash: str


class WishStatus(StrEnum):
    """How a wish stands; the values are those of the view `lecture_annotation`."""

    EN_ATTENTE = "en_attente"
    CONFIRMEE = "confirmee"
    REFUSEE = "refusee"
    CONFLIT = "conflit"
    INCERTAINE = "incertaine"
    REMPLACEE = "remplacee"
    SUSPENDUE = "suspendue"


class NewWish(NamedTuple):
    """What an annotation (resultat, detail, date) or the label of a dossier should be."""

    numero: DossierNumber
    annotation: str
    valeur: str


class EndedWish(NamedTuple):
    """A wish that has come to an end with a known value in DS: its own, or a human's."""

    numero: DossierNumber
    annotation: str
    valeur: str | None
    statut: WishStatus
    """`CONFIRMEE` or `CONFLIT`."""
    valeur_distante: str | None
    """The human's."""
    cible: str | None
    """The descriptor of the annotation in which it stood."""


class Pushed(NamedTuple):
    """A value that dsync put somewhere; `cible` is the annotation's descriptor, or the label."""

    valeur: str | None
    cible: str | None


@dataclass(frozen=True, slots=True)
class StoredWish:
    """A wish as the push meets it."""

    id: int
    annotation: str
    valeur: str
    statut: WishStatus
    tentatives: int
    erreur: str | None
    force_par: str | None
    """Who ordered it to go over a human's value; None: nobody."""
    force_sur: str | None
    """What that person was shown there; None: the order goes over anything."""
    pushed: Pushed | None
    """What dsync last had in DS; None: never anything."""
    uncertain: Pushed | None
    """Sent, and no answer came: if it stands there, it is ours too."""
    seen_at: datetime | None
    """DS's date of the last edit of annotations by hand, just before `pushed` was written."""
    is_due: bool
    """Whether it is to be settled now; others are shown for what they say of the rest."""


@dataclass(frozen=True, slots=True)
class DuePush:
    """A dossier with something to settle in DS, and all its current wishes."""

    numero: DossierNumber
    revision_id: RevisionId
    wishes: tuple[StoredWish, ...]


@dataclass(frozen=True, slots=True)
class WishOutcome:
    """What became of a wish."""

    id: int
    statut: WishStatus
    pushed: str | None = None
    """The value that stands in DS as ours from now on; blank: nothing does."""
    valeur: str | None = None
    """What is wished from now on, where that is another: an adopted date stays as it is."""
    cible: str | None = None
    """The annotation's descriptor, or the label, that was looked at or written."""
    valeur_distante: str | None = None
    """What a human put there."""
    erreur: str | None = None
    prochain_essai_le: datetime | None = None
    replaced: str | None = None
    """What stood there before the write."""
    distante_le: datetime | None = None
    """When a human put it there, as far as DS tells."""
    written: bool = False
    """DS said that it saved it: goes into the journal."""
    nothing_written: bool = False
    """DS said that it did not: what was uncertain about this sending no longer is."""
    definitive: bool = False
    """Of a refusal: not tried again by itself."""


class Sending(NamedTuple):
    """A wish about to be sent: where to, and the date of the last edit by hand seen before."""

    id: int
    cible: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A human's value that stopped a push."""

    numero: DossierNumber
    annotation: str
    valeur: str | None
    valeur_distante: str | None
    erreur: str | None
    creee_le: datetime
    distante_le: datetime | None
    """When the human put it there, as far as DS tells; it never tells who did."""


class NewEvent(NamedTuple):
    """An entry of a dossier's journal.

    `details` holds names, numbers and codes, and what an order replaced: erasing blanks it.
    """

    numero: DossierNumber
    evenement: str
    details: Mapping[str, Json] | None = None


class Quarantined(NamedTuple):
    """A dossier in quarantine."""

    numero: DossierNumber
    code: str
    message: str
    depuis: datetime
    tentatives: int
    dernier_essai_le: datetime


class RunFigures(Protocol):
    """What the journal keeps of a finished run."""

    @property
    def run(self) -> int | None:
        """The run's number."""

    @property
    def status(self) -> StrEnum:
        """success, partial or failed."""

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""

    @property
    def read(self) -> int:
        """Dossiers read."""

    @property
    def changed(self) -> int:
        """Dossiers new or changed."""

    @property
    def deleted(self) -> int:
        """Dossiers hidden, erased or vanished."""

    @property
    def evaluated(self) -> int:
        """Verdicts given."""

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many of each."""

    @property
    def pushed(self) -> int:
        """Dossiers written to."""

    @property
    def conflicts(self) -> int:
        """Dossiers left to a human's hand."""

    @property
    def quarantined(self) -> int:
        """Dossiers that could not be read."""

    @property
    def requests(self) -> int:
        """Requests to DS."""

    @property
    def cause(self) -> str | None:
        """What hindered it, in French."""

    @property
    def errors(self) -> Sequence[str]:
        """One sentence each."""

    @property
    def error_classes(self) -> Mapping[str, int]:
        """How many errors of each class, those overcome included."""
