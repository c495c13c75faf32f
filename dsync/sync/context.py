"""What a run works with: collaborators passed in, built once by the wiring, and the run itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from dsync.annotations import AnnotationsConfig, ResolvedAnnotations, resolve
from dsync.domain.dossier import Revision
from dsync.domain.ids import DemarcheNumber, RevisionId
from dsync.domain.programme import Programme
from dsync.ds import DSClient
from dsync.errors import InterruptedRunError
from dsync.store import Lease, Reader, Store, Tx
from dsync.sync.record import Recorder
from dsync.sync.report import RunReport


class Progress(Protocol):
    """Told how far each phase is; `total` is None while nobody knows it."""

    def told(self, line: str) -> None:
        """Take a line for whoever waits: what is tried, what failed, when it is tried again."""

    def pulled(self, done: int, total: int | None) -> None:
        """Dossiers read so far."""

    def evaluated(self, done: int, total: int | None) -> None:
        """Candidatures judged so far."""

    def pushed(self, done: int, total: int | None) -> None:
        """Dossiers whose wishes were settled so far."""


class Silence:
    """A progress that tells nobody."""

    def told(self, line: str) -> None:
        """Do nothing."""

    def pulled(self, done: int, total: int | None) -> None:
        """Do nothing."""

    def evaluated(self, done: int, total: int | None) -> None:
        """Do nothing."""

    def pushed(self, done: int, total: int | None) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The figures of the configuration that the engine obeys."""

    overlap: timedelta
    disappearances: int
    disappearances_percent: float
    push_batch: int
    instructeur: str | None
    """Id or e-mail of the one in whose name annotations are written."""
    writer: str
    """A digest of the token and the instructeur: another one may have other rights."""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a run needs; a dry run gets the same with a scratch copy for a store."""

    demarche: DemarcheNumber
    store: Store
    client: DSClient
    recorder: Recorder
    programme: Programme | None
    annotations: AnnotationsConfig
    policy: Policy
    stop: threading.Event
    clock: Callable[[], datetime]
    progress: Progress

    @property
    def mapping_key(self) -> str:
        """Changes with the mapping, by which the copy is then read again as a whole."""
        return self.programme.mapping_key if self.programme else ""

    def check_stop(self) -> None:
        """Raise `InterruptedRunError` when the run was asked to stop."""
        if self.stop.is_set():
            raise InterruptedRunError("Interrupted: what was stored stays, the next run resumes.")


@dataclass(slots=True)
class Run:
    """A run under way: its context, lease, number and report."""

    context: Context
    lease: Lease
    id: int
    report: RunReport
    revisions: dict[RevisionId, Revision | None] = field(default_factory=dict)
    """Seen so far in this run; None: DS does not give its descriptors."""
    demarche_is_fresh: bool = False
    """Whether this run has read the démarche's facts."""
    has_read_all: bool = False
    """Whether a full read ended in this run."""

    def annotations_of(self, revision_id: RevisionId) -> ResolvedAnnotations:
        """Return dsync's annotations in a revision seen in this run; none where it is not known."""
        revision = self.revisions.get(revision_id)
        descriptors = revision.descriptors.values() if revision else ()
        return resolve(self.context.annotations, descriptors)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Open one transaction under the run's lease."""
        with self.context.store.transaction(self.lease) as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read the démarche as it is now, in nobody's way."""
        with self.context.store.reading(self.context.demarche) as reader:
            yield reader

    def problem(self, sentence: str) -> None:
        """Note in the report what is wrong, with the remedy."""
        self.report.problem(sentence)

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""
        return self.context.demarche

    @property
    def now(self) -> datetime:
        """The clock's instant, in UTC."""
        return self.context.clock()


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


T = TypeVar("T")

BATCH = 200
"""Dossiers judged, or looked at again, in one transaction."""


def batches(context: Context, items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield the items by `size` at most.

    Raises:
        InterruptedRunError: before a batch, when the run was asked to stop.
    """
    for start in range(0, len(items), size):
        context.check_stop()
        yield items[start : start + size]
