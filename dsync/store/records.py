"""The values that the store's methods take and return, besides those of `domain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from dsync.annotations import Wish, WrittenValue
from dsync.domain.dossier import Etat, Json
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.programme import Row

DEFAULT_PAGE_SIZE = 100
"""DS's maximum, with which a first read starts; it is reduced when DS times out."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Tolerated difference of two clocks: a stored instant further ahead than this is wrong."""
LONGEST_WAIT = timedelta(days=1)
"""Maximum delay of a retry: a stored instant of a retry further ahead than this is wrong."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write about one démarche, unless another process took it over."""

    demarche: DemarcheNumber
    holder: str
    token: int
    acquired_at: datetime
    expires_at: datetime
    ttl_s: float


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """The lease of a démarche, as stored; `holder` is None if it is free."""

    holder: str | None
    acquired_at: datetime
    expires_at: datetime
    is_expired: bool


class RunningService(NamedTuple):
    """A registered service: its process, and the time of its next run."""

    holder: str
    version: str
    started_at: datetime
    seen_at: datetime
    next_run_at: datetime


class OpenPushes(NamedTuple):
    """The number of dossiers with open wishes, and the reasons."""

    dossiers: int
    reasons: tuple[str, ...]
    since: datetime | None
    """When the oldest of these wishes was made; None: there is none."""


class OpenWork(NamedTuple):
    """What is not done, as `dsync status` counts it."""

    wishes: Mapping[str, int]
    """The current wishes by status."""
    quarantined: int
    pushes: Mapping[str, OpenPushes]


class Record(Struct, frozen=True, gc=False):
    """What is stored of a dossier that DS shows."""

    numero: DossierNumber
    etat: Etat
    is_open: bool
    """Whether verdicts may still be pushed into the dossier."""
    revision_id: RevisionId
    labels: tuple[str, ...]
    content_hash: str
    """Of everything but what dsync writes and what changes without an edit."""
    inputs_hash: str
    """Of what the checks use."""
    annotations_hash: str
    """Of all annotations, dsync's own included."""
    owned_ids: frozenset[str]
    """The ids of dsync's annotations in this dossier's revision."""
    owned: Mapping[str, Json]
    """The values of dsync's annotations, by id."""
    unread: frozenset[str]
    """The ids of the champs and annotations that DS could not render, or not completely."""
    facts: Mapping[str, Any]
    """Columns of table `dossier`, without those that the store computes."""
    dates: Mapping[str, Any]
    """Columns of table `dossier` that change without a change of content."""
    contents: Row
    """The row of table `contenu`."""
    programme: Mapping[str, Row]
    """The rows of the programme's tables, by table name."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """The changes that a page made; a dossier can be in several lists."""

    created: list[DossierNumber] = field(default_factory=list)
    changed: list[DossierNumber] = field(default_factory=list)
    """Stored dossiers whose content, state or presence changed."""
    annotations_changed: list[DossierNumber] = field(default_factory=list)
    """Stored open dossiers in which somebody else may have edited annotations."""
    unchanged: int = 0

    @property
    def read(self) -> int:
        """The number of dossiers of the page."""
        return len(self.created) + len(self.changed) + self.unchanged


@dataclass(frozen=True, slots=True)
class SyncState:
    """The sync state of a démarche."""

    watermark: datetime | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_size_at: datetime | None = None
    """When the page size last changed; None: it is DS's maximum."""
    full_cursor: str | None = None
    full_started_run: int | None = None
    full_started_at: datetime | None = None
    full_mapping_key: str | None = None
    """Of the mapping of the full read that `full_cursor` resumes."""
    full_due_at: datetime | None = None
    """When a full read is due besides the nightly one, after a new revision."""
    last_success_at: datetime | None = None
    last_incremental_at: datetime | None = None
    last_full_at: datetime | None = None
    last_deletions_at: datetime | None = None
    last_revision_id: str | None = None
    evidence_key: str | None = None
    """Of the rules and the evidence with which the open dossiers were last evaluated."""
    mapping_key: str | None = None
    """Of the mapping with which the last full read was done."""
    writing_key: str | None = None
    """Of the configured texts, annotations, labels and rights that the wishes follow."""

    def as_of(self, now: datetime) -> SyncState:
        """Return the state without the instants that are after `now`.

        They were stored while the clock was ahead, and count as never; a full read is then due.
        """
        late: dict[str, Any] = dict.fromkeys(self._late(now))
        due_at = self.full_due_at
        if "last_full_at" in late or (due_at is not None and due_at > now + LONGEST_WAIT):
            late["full_due_at"] = now
        return replace(self, **late) if late else self

    def ahead(self, now: datetime) -> timedelta | None:
        """Return by how much the latest of these instants is after `now`, None if none is."""
        return max((getattr(self, name) - now for name in self._late(now)), default=None)

    def _late(self, now: datetime) -> list[str]:
        # Without the watermark, which is of DS's clock: a read compares it with DS's present.
        names = (
            "full_started_at",
            "last_success_at",
            "last_incremental_at",
            "last_full_at",
            "last_deletions_at",
        )
        limit = now + CLOCK_TOLERANCE
        return [name for name in names if (at := getattr(self, name)) is not None and at > limit]


class WishStatus(StrEnum):
    """The status of a wish; the values are those of the view `lecture_annotation`."""

    EN_ATTENTE = "en_attente"
    CONFIRMEE = "confirmee"
    REFUSEE = "refusee"
    CONFLIT = "conflit"
    INCERTAINE = "incertaine"
    REMPLACEE = "remplacee"
    SUSPENDUE = "suspendue"


class Origin(StrEnum):
    """What a change is about; the values are those of the view `lecture_changement`."""

    CHAMP = "champ"
    ANNOTATION = "annotation"
    DOSSIER = "dossier"


class Author(StrEnum):
    """Who made a change, as far as DS tells; the values are those of `lecture_changement`."""

    USAGER = "usager"
    INSTRUCTEUR = "instructeur"
    DSYNC = "dsync"
    INCONNU = "inconnu"


class NewWish(NamedTuple):
    """The value that an annotation (resultat, detail, date) or the label should have."""

    numero: DossierNumber
    annotation: str
    valeur: str


class StoredWish(NamedTuple):
    """A current wish; each field is the column of the outbox with its name."""

    id: int
    numero: DossierNumber
    annotation: str
    valeur: str | None
    statut: WishStatus
    tentatives: int
    creee_le: datetime
    envoyee_le: datetime | None
    valeur_distante: str | None
    """In a conflict, the human's value."""
    distante_le: datetime | None
    """When the human wrote `valeur_distante`, if DS gives the date; it does not give the author."""
    erreur: str | None
    """In a conflict, that of the result which holds it back; None: the wish's own conflict."""
    cible: str | None
    """The id of the annotation's descriptor, or of the label."""


@dataclass(frozen=True, slots=True)
class DuePush:
    """A dossier with due wishes, and all its current wishes."""

    numero: DossierNumber
    revision_id: RevisionId
    wishes: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class WishOutcome:
    """The new status of a wish, with what is then known about DS."""

    id: int
    statut: WishStatus
    pushed: str | None = None
    """The value in DS that counts as dsync's own from now on; "": the annotation is empty."""
    valeur: str | None = None
    """The new value of the wish, if it changes: an adopted date is kept."""
    cible: str | None = None
    """The id of the annotation's descriptor, or the label, that was compared or written."""
    valeur_distante: str | None = None
    """In a conflict, the human's value."""
    erreur: str | None = None
    prochain_essai_le: datetime | None = None
    replaced: str | None = None
    """The value before the write."""
    distante_le: datetime | None = None
    """When the human wrote `valeur_distante`, if DS gives the date."""
    written: bool = False
    """Whether DS confirmed the write; it is then journaled."""
    nothing_written: bool = False
    """Whether DS is known not to have executed the write, which is then no longer uncertain."""
    definitive: bool = False
    """Whether a refusal is not retried without an operator."""


class Sending(NamedTuple):
    """A wish about to be sent: its target, and DS's date of the last manual edit before it."""

    id: int
    cible: str | None
    seen_at: datetime | None
    replaces: WrittenValue | None = None
    """The value just read in DS, if dsync sent it without an answer."""


EventName = Literal[
    "cree",
    "modifie",
    "etat",
    "masque",
    "restaure",
    "supprime",
    "disparu",
    "efface",
    "effacement_leve",
    "verdict",
    "pousse",
    "adopte",
    "conflit",
    "conflit_resolu",
    "quarantaine",
    "liberation",
    "preuve_relue",
]


class NewEvent(NamedTuple):
    """An event of a dossier.

    `details` contains names, numbers and codes, and the values that a forced push replaced; it is
    emptied when the dossier is erased.
    """

    numero: DossierNumber
    evenement: EventName
    details: Mapping[str, Json] | None = None


class Quarantined(NamedTuple):
    """A dossier in quarantine."""

    numero: DossierNumber
    code: str
    message: str
    depuis: datetime
    tentatives: int
    dernier_essai_le: datetime
