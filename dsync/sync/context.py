"""The collaborators of a run, which `wiring` builds, its state, and what it asks people before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from dsync.annotations.targets import AnnotationsConfig, ResolvedAnnotations, resolve
from dsync.domain.consent import OWN_ANNOTATIONS, Asked, Consent, Proposal, digest_of
from dsync.domain.dossier import Demarche, Presence, Revision
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.verdict import Verdict
from dsync.ds.client import DSClient
from dsync.errors import DsyncError, InterruptedRunError
from dsync.messages import kinds as k
from dsync.programme import Evidence, FormFault, Programme
from dsync.store import Lease, Reader, Store, Tx
from dsync.sync.brakes.doubts import Doubts
from dsync.sync.piece_files import PieceSettings
from dsync.sync.record import Recorder
from dsync.sync.report import RunReport

T = TypeVar("T")


class Misfits(NamedTuple):
    """What of the form keeps a run from judging, and what a shipped file's annotations lack."""

    faults: tuple[FormFault, ...] = ()
    annotations: tuple[str, ...] = ()

    @property
    def fields(self) -> list[str]:
        """The fields of the mapping that the form lacks."""
        return [fault.field for fault in self.faults if fault.field]

    @property
    def is_other_form(self) -> bool:
        """Whether the form lacks what the configuration names."""
        return bool(self.fields or self.annotations)


BATCH = 100
"""Number of dossiers in one transaction. With 200 the statements take a tenth less CPU, and a read
of 20,000 dossiers 6 MiB more memory."""


class Progress:
    """Receives the progress of each phase, and shows nothing; `total` is None while unknown."""

    def message(self, line: str) -> None:
        """Take a line to show: a request, a failure, the time of the next attempt."""

    def pulled(self, done: int, total: int | None) -> None:
        """Take the number of dossiers read so far."""

    def judged(self, done: int, total: int | None) -> None:
        """Take the number of dossiers judged so far."""

    def pushed(self, done: int, total: int | None) -> None:
        """Take the number of dossiers pushed so far."""


SHOWN = 5
"""Maximum number of fields that a message names."""
OVERLAP = timedelta(minutes=10)
"""How far before the watermark an incremental read starts."""
FEW = 5
"""As many are never too much for a safety brake, unless its percentage is 0."""


def most_of(known: int, percent: float) -> int:
    """Return as many of so many as a safety brake lets pass."""
    return max(FEW, int(known * percent / 100)) if percent else 0


@dataclass(frozen=True, slots=True)
class Context:
    """The collaborators and settings of a run; a dry run's store is `Store.trial`."""

    demarche: DemarcheNumber
    store: Store
    client: DSClient
    recorder: Recorder
    programme: Programme | None
    annotations: AnnotationsConfig | None
    """None: nothing is written into DS."""
    disappearances_percent: float
    """The safety brake's limit on disappearances, of the present dossiers; as `most_of`."""
    verdicts_percent: float
    """That on changed verdicts and results, of the standing ones."""
    instructeur: str | None
    """Id or e-mail of the instructeur in whose name annotations are written."""
    writer: str
    """Digest of the token and the instructeur: it changes when the right to write can change."""
    stop: threading.Event
    clock: Callable[[], datetime]
    progress: Progress
    pieces: PieceSettings | None = None
    """None: files are not copied."""
    opened: frozenset[str] = frozenset()
    """The ids of the champs and annotations that readers without personal data see."""
    appel: str | None = None
    """The short name of the call, for views."""
    words: Mapping[Verdict, str] = field(default_factory=dict)
    """The configuration's words for verdicts, for views and texts."""
    config: str = ""
    """The configuration file in use, as the user names it."""
    is_borrowed: bool = False
    """Whether that is the shipped file, used for another démarche than its own."""

    @property
    def mapping_key(self) -> str:
        """Changes with the mapping; all dossiers are then read again."""
        return mapping_key_of(self.programme, self.annotations)

    @property
    def maps(self) -> bool:
        """Whether a programme stores rows of its own."""
        return self.programme is not None and self.programme.mapping_key != ""

    @property
    def judge(self) -> Programme | None:
        """The programme, if it has rules; None: nothing is judged."""
        return self.programme if self.programme and self.programme.rules else None

    def check_stop(self) -> None:
        """Raise an `InterruptedRunError` if the run was asked to stop."""
        if self.stop.is_set():
            raise InterruptedRunError(k.Noted(k.Note.STOPPED))


@dataclass(slots=True)
class Run:
    """A run under way: its context, lease, number and report."""

    context: Context
    lease: Lease
    id: int
    report: RunReport
    asked_by: str
    stored_demarche: Demarche | None = None
    """The démarche as it is in the copy, once it was read; see `known_demarche`."""
    revisions: dict[RevisionId, Revision | None] = field(default_factory=dict)
    """The revisions loaded so far; None: DS does not give the descriptors."""
    demarche_is_fresh: bool = False
    """Whether this run has read the démarche's facts from DS."""
    has_read_all: bool = False
    """Whether this run has finished a full read."""
    doubts: Doubts = field(default_factory=Doubts)
    """What this run was shown and does not believe."""
    proposed: dict[Consent, Asked] | None = None
    """The kinds of which a proposal is stored, by runs alone, once they are read."""
    compared: set[DossierNumber] = field(default_factory=set)
    """Dossiers of which this run has stored what the checks compare, as they are in the copy."""
    evidence: Evidence | None = None
    """The programme's evidence, once it is gathered."""
    rules_tried: bool = False
    """Whether `stopped_rules` was asked."""
    rules_stopped: bool = False
    """What it found."""
    misfits: Misfits | None = None
    """What of the form keeps the run from judging or writing, once it is worked out."""
    known_boxes: frozenset[str] | None = None
    """The ids of what was found as the validation box so far, once they are read."""
    boxes_given_up: bool = False
    """Whether a person said that the box which cannot be found is no more."""
    met: set[DossierNumber] = field(default_factory=set)
    """Dossiers in which a push has written, or found another's value or its own of before."""

    def annotations_of(self, revision_id: RevisionId) -> ResolvedAnnotations:
        """Return dsync's annotations in a loaded revision; none if DS does not give it."""
        revision = self.revisions.get(revision_id)
        descriptors = revision.descriptors.values() if revision else ()
        return resolve(self.context.annotations, descriptors)

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open one transaction under the run's lease; raises as `Store.transaction`."""
        return self.context.store.transaction(self.lease)

    def reading(self) -> AbstractContextManager[Reader]:
        """Open a read-only transaction, which does not block writers."""
        return self.context.store.reading(self.context.demarche)

    def known_demarche(self) -> Demarche | None:
        """Return the démarche as it is in the copy, None if it never was; read once a run."""
        if self.stored_demarche is None:
            with self.reading() as reader:
                self.stored_demarche = reader.demarche.read()
        return self.stored_demarche

    def absent(self, numbers: Sequence[DossierNumber]) -> list[DossierNumber]:
        """Return those of these dossiers that are not in the copy, or not present in DS."""
        if not numbers:
            return []
        with self.reading() as reader:
            rows = reader.verdicts.for_judging(numbers)
        present = {row.numero for row in rows if row.presence == Presence.PRESENT}
        return [number for number in numbers if number not in present]

    def batches(self, items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
        """Yield the items in batches of at most `size`.

        Raises:
            InterruptedRunError: the run was asked to stop; checked before each batch.
        """
        for start in range(0, len(items), size):
            self.context.check_stop()
            yield items[start : start + size]

    def problem(self, what: k.Problem | DsyncError) -> None:
        """Add a problem and its remedy to the report."""
        self.report.problem(what)

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""
        return self.context.demarche

    @property
    def now(self) -> datetime:
        """The present instant, in UTC."""
        return self.context.clock()


def learn_revisions(run: Run, ids: Iterable[RevisionId]) -> None:
    """Load these revisions of the form into `run.revisions`; None for one that DS does not give."""
    wanted = set(ids)
    if wanted <= run.revisions.keys():
        return
    if demarche := run.known_demarche():
        run.revisions.update(demarche.revisions)
    if not wanted <= run.revisions.keys():
        refresh_demarche(run)
    for unknown in wanted - run.revisions.keys():
        # So that DS is not asked for it again at each page.
        run.revisions[unknown] = None


def refresh_demarche(run: Run) -> Demarche:
    """Read and store the démarche's revisions, labels and instructeurs.

    Of a revision that cannot be read completely, the stored copy stays in use: a published
    revision does not change.
    """
    demarche = run.context.client.demarche(run.context.demarche)
    with run.transaction() as tx:
        tx.demarche.save(demarche, run.context.opened)
        run.stored_demarche = tx.demarche.read()
    stored = run.stored_demarche.revisions if run.stored_demarche else {}
    run.revisions.update({**demarche.revisions, **stored})
    if lost := demarche.unreadable_fields:
        run.problem(k.UnreadableFields(tuple(lost[:SHOWN]), max(len(lost) - SHOWN, 0)))
    run.demarche_is_fresh = True
    run.misfits = None
    return demarche


def first_write(context: Context) -> dict[str, str]:
    """Return the subject of the first write: the annotations, and the rules of what they get."""
    annotations, programme = context.annotations, context.judge
    if annotations is None or programme is None or programme.rules is None:
        return {}
    return {OWN_ANNOTATIONS: digest_of(annotations.model_dump_json(), programme.rules.version)}


def is_accepted(run: Run, proposal: Proposal) -> bool:
    """Return whether a person consented to all of a proposal; if not, it waits from now on.

    `dsync accept` and the console show it, and order a run that records the consent, then works.
    A consent covers what was shown: more than that waits again. The caller must not do what it
    returns False for, and tells it by `run.report.brake`.
    """
    with run.reading() as reader:
        known = reader.consents.of(proposal.kind)
    if known is not None and known.given_at is not None and known.proposal.covers(proposal):
        return True
    with run.transaction() as tx:
        tx.consents.ask(proposal, run.now)
    if run.proposed is not None:
        run.proposed[proposal.kind] = Asked(proposal, proposal.version, run.now, None)
    return False


def nothing_to_accept(run: Run, *kinds: Consent) -> None:
    """End proposals of which the cause is gone, or that are done."""
    proposed = proposals(run)
    if ended := proposed.keys() & {*kinds}:
        with run.transaction() as tx:
            for kind in ended:
                tx.consents.end(kind)
                del proposed[kind]


def proposals(run: Run) -> dict[Consent, Asked]:
    """Return what waits or was accepted, read at its first use in a run."""
    if run.proposed is None:
        with run.reading() as reader:
            run.proposed = {one.proposal.kind: one for one in reader.consents.all()}
    return run.proposed


def digest(*parts: str) -> str:
    """Return a short digest that changes when a part does."""
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


# A part of stored keys: another text would have all dossiers read again.
WITHOUT_ANNOTATIONS = "/sans annotations"


def mapping_key_of(programme: Programme | None, annotations: AnnotationsConfig | None) -> str:
    """Return a digest of the programme's mapping, and whether dsync has annotations.

    The hash of a dossier's content depends on both. Without a mapping, the digest is empty.
    """
    key = programme.mapping_key if programme else ""
    own = digest(key) if key else ""
    return own if annotations else f"{own}{WITHOUT_ANNOTATIONS}"


def is_mapped(mapping_key: str | None) -> bool:
    """Return whether a key is one with a programme."""
    return bool((mapping_key or "").removesuffix(WITHOUT_ANNOTATIONS))
