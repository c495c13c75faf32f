"""What a run is asked to do and what it says afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.errors import DsyncError


class Kind(StrEnum):
    """Kinds of a run, as the view `lecture_synchronisation` names them."""

    INCREMENTAL = "incremental"
    FULL = "complet"
    DOSSIER = "dossier"
    PUSH = "envoi"
    PRECHECK = "precontrole"


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


CAUSES = {
    1: "faute interne de dsync",
    2: "configuration à corriger",
    3: "Démarches Simplifiées refuse le jeton",
    4: "frein de sécurité : trop de dossiers disparus à la fois, aucun n’est marqué",
    5: "base de données indisponible",
    6: "un autre processus travaille sur la démarche",
    7: "fait en partie : quarantaine, écriture refusée ou en attente, ou preuve indisponible",
    8: "Démarches Simplifiées ne répond pas ; le prochain passage reprend",
    130: "interrompu ; le prochain passage reprend",
}
"""What each exit code means, in French, for the database's readers."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """One run's order; the defaults are an incremental run with pushes.

    `since` and `dossiers` never move the watermark and find no disappearance. `dry_run` writes
    nothing anywhere. `push=False` judges and leaves the outbox waiting.
    """

    full: bool = False
    since: datetime | None = None
    dossiers: Sequence[DossierNumber] = ()
    dry_run: bool = False
    push: bool = True
    deletions: bool = True
    accept_deletions: bool = False
    wait_s: float = 0
    """How long to wait for another holder's lease; 0: not at all."""
    started_by: str = "cli"
    work: Kind | None = None
    """What the run does when it reads no dossiers from DS."""

    @property
    def kind(self) -> Kind:
        """The run's kind in the journal."""
        if self.work is not None:
            return self.work
        if self.dossiers:
            return Kind.DOSSIER
        return Kind.FULL if self.full else Kind.INCREMENTAL


@dataclass(slots=True)
class RunReport:
    """The figures of one run: what `dsync sync --json` prints and the journal keeps."""

    kind: Kind
    started_at: datetime
    dry: bool = False
    run: int | None = None
    """None for a dry run, which leaves no trace, and where none could begin."""
    status: Status = Status.RUNNING
    ended_at: datetime | None = None
    read: int = 0
    changed: int = 0
    deleted: int = 0
    evaluated: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    written: set[DossierNumber] = field(default_factory=set)
    """Dossiers into which something was written."""
    stopped: set[DossierNumber] = field(default_factory=set)
    """Dossiers left to a human's hand."""
    recognised: set[DossierNumber] = field(default_factory=set)
    """Dossiers whose annotations dsync wrote before its database was lost or replaced."""
    quarantined_numbers: set[DossierNumber] = field(default_factory=set)
    """Dossiers that this run has put into quarantine, or met there again."""
    requests: int = 0
    errors: list[str] = field(default_factory=list)
    """One sentence each, with its remedy."""
    error_classes: Counter[str] = field(default_factory=Counter)
    mutations: list[dict[str, Any]] = field(default_factory=list)
    """Of a dry run: what would be sent."""
    exit_code: int = 0

    @property
    def pushed(self) -> int:
        """How many dossiers something was written into."""
        return len(self.written)

    @property
    def conflicts(self) -> int:
        """How many dossiers were left to a human's hand."""
        return len(self.stopped)

    @property
    def adopted(self) -> int:
        """How many dossiers hold annotations that an earlier database wrote."""
        return len(self.recognised)

    @property
    def quarantined(self) -> int:
        """How many dossiers this run has set aside; each counts once."""
        return len(self.quarantined_numbers)

    @property
    def cause(self) -> str | None:
        """What hindered the run, in French, as analysts read it."""
        return CAUSES.get(self.exit_code)

    def problem(self, message: str, exit_code: int = 7) -> None:
        """Note something that makes the run partial; the same sentence once."""
        if message not in self.errors:
            self.errors.append(message)
        self.exit_code = self.exit_code or exit_code

    def would_send(self, mutation: dict[str, Any]) -> None:
        """Note what a dry run would send; a dossier's label comes after its annotations."""
        dossier = mutation["dossier"]
        known = next((m for m in self.mutations if m["dossier"] == dossier), None)
        if known is None:
            self.mutations.append(mutation)
        else:
            known["annotations"] |= mutation["annotations"]
            if "label" in mutation:
                known["label"] = mutation["label"]
            for key in ("replaced", "becomes"):
                if key in mutation:
                    known[key] = known.get(key, {}) | mutation[key]

    def fail(self, error: DsyncError) -> None:
        """Note what ended the run."""
        if error.message not in self.errors:
            self.errors.append(error.message)
        self.status = Status.FAILED
        self.exit_code = error.exit_code

    def close(self, at: datetime) -> None:
        """Settle the status."""
        self.ended_at = at
        if self.status is Status.RUNNING:
            self.status = Status.PARTIAL if self.exit_code else Status.SUCCESS

    def to_json(self) -> dict[str, Any]:
        """Return the object of `dsync sync --json`."""
        document: dict[str, Any] = {
            "run": self.run,
            "kind": self.kind.value,
            "status": self.status.value,
            "started_at": _iso(self.started_at),
            "ended_at": _iso(self.ended_at),
            "read": self.read,
            "changed": self.changed,
            "deleted": self.deleted,
            "evaluated": self.evaluated,
            "verdicts": {verdict.key: self.verdicts[verdict.key] for verdict in Verdict},
            "pushed": self.pushed,
            "conflicts": self.conflicts,
            "adopted": self.adopted,
            "quarantined": self.quarantined,
            "requests": self.requests,
            "errors": self.errors,
        }
        if self.mutations:
            document["mutations"] = self.mutations
        return document


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
