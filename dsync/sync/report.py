"""The report of a run's results."""

from __future__ import annotations

import pickle
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Comparison, Verdict
from dsync.errors import (
    PARTIAL,
    ConfigurationError,
    DSError,
    DSUnauthorizedError,
    DsyncError,
    InterruptedRunError,
    LeaseHeldError,
    SafetyBrakeError,
    StoreError,
)
from dsync.messages.french import problem
from dsync.messages.kinds import Numbered, Problem, said_by, to_stored
from dsync.store.codes import Kind, Status

CAUSES = {
    DsyncError.exit_code: "faute interne de dsync",
    ConfigurationError.exit_code: "configuration à corriger",
    DSUnauthorizedError.exit_code: "Démarches Simplifiées refuse le jeton",
    SafetyBrakeError.exit_code: "frein de sécurité : arrêté avant un changement qui demande "
    "l’accord d’une personne",
    StoreError.exit_code: "base de données indisponible",
    LeaseHeldError.exit_code: "un autre processus travaille sur la démarche",
    PARTIAL: "fait en partie",
    DSError.exit_code: "Démarches Simplifiées ne répond pas",
    InterruptedRunError.exit_code: "arrêt avant la fin",
}
"""The meaning of each exit code, in French, for the view `lecture_synchronisation`; of a partial
run, its own causes follow."""
_IN_MEMORY = 1 << 20


class Comparisons:
    """What a pre-check compared, in order, in a file: of 10,000 dossiers it takes half a GiB.

    The file has no name, so it is gone with the process, however that ends.
    """

    def __init__(self, comparisons: Iterable[Comparison] = ()) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - as long as this
        weakref.finalize(self, self._file.close)
        self._places: list[int] = []
        for one in comparisons:
            self.append(one)

    def append(self, one: Comparison) -> None:
        """Add one to the end."""
        self._places.append(self._file.seek(0, 2))
        pickle.dump(one, self._file, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Comparison]:
        for place in self._places:
            self._file.seek(place)
            one: Comparison = pickle.load(self._file)  # noqa: S301 - nobody else has the file
            yield one


@dataclass(slots=True)
class RunReport:
    """The results of one run: printed by `dsync sync --json`, stored in the journal."""

    kind: Kind
    started_at: datetime
    dry: bool = False
    configuration: str | None = None
    """The configuration file in use; None: of a run that could not begin."""
    run: int | None = None
    """The run's number; None for a dry run, and for a run that could not start."""
    status: Status = Status.RUNNING
    ended_at: datetime | None = None
    read: int = 0
    changed: int = 0
    deleted: int = 0
    verdict_of: dict[DossierNumber, Verdict] = field(default_factory=dict)
    """The new verdicts, the last one of each dossier."""
    pushed_numbers: set[DossierNumber] = field(default_factory=set)
    """Dossiers into which dsync wrote."""
    conflict_numbers: set[DossierNumber] = field(default_factory=set)
    """Dossiers in which a human's value stopped a wish."""
    adopted_numbers: set[DossierNumber] = field(default_factory=set)
    """Dossiers whose annotations an earlier database of dsync wrote."""
    quarantined_numbers: set[DossierNumber] = field(default_factory=set)
    """Dossiers that this run put into quarantine, or could not read again."""
    requests: int = 0
    said: list[Problem | str] = field(default_factory=list)
    """Problems, each with its remedy."""
    error_classes: Counter[str] = field(default_factory=Counter)
    mutations: list[dict[str, Any]] = field(default_factory=list)
    """The writes that a dry run did not send."""
    pieces: Counter[str] = field(default_factory=Counter)
    """Number of files whose copy was tried, by the state of the copy."""
    target_is_missing: bool = False
    """Whether the target of the copies of files is not there, or cannot be read."""
    comparisons: Comparisons = field(default_factory=Comparisons)
    """Of a pre-check: the dossiers that were judged."""
    exit_code: int = 0

    @property
    def errors(self) -> list[str]:
        """The problems, as operators read them."""
        return [*map(str, self.said)]

    @property
    def evaluated(self) -> int:
        """Number of dossiers with a new verdict."""
        return len(self.verdict_of)

    @property
    def verdicts(self) -> Counter[str]:
        """Number of dossiers with a new verdict, by the verdict's key."""
        return Counter(verdict.key for verdict in self.verdict_of.values())

    @property
    def pushed(self) -> int:
        """Number of dossiers into which dsync wrote."""
        return len(self.pushed_numbers)

    @property
    def conflicts(self) -> int:
        """Number of dossiers in which a human's value stopped a wish."""
        return len(self.conflict_numbers)

    @property
    def adopted(self) -> int:
        """Number of dossiers whose annotations an earlier database wrote."""
        return len(self.adopted_numbers)

    @property
    def quarantined(self) -> int:
        """Number of dossiers that could not be read or judged."""
        return len(self.quarantined_numbers)

    @property
    def has_news(self) -> bool:
        """Whether the run changed anything in the copy, in the verdicts or in DS."""
        return any((self.changed, self.deleted, self.evaluated, self.pushed, self.conflicts))

    def problem(self, what: Problem | DsyncError) -> None:
        """Add a problem that makes the run partial; a repeated one is added once."""
        self._say(what)
        # An error that `fail` recorded before weighs more.
        self.exit_code = self.exit_code or PARTIAL

    def brake(self, said: Problem) -> None:
        """Add that a safety brake stopped a part of the run, which goes on without that part.

        A later count of something takes the place of an earlier one.
        """
        if isinstance(said, Numbered):
            self.said = [
                one
                for one in self.said
                if not (isinstance(one, Numbered) and one.note is said.note)
            ]
        self.problem(said)
        if self.exit_code == PARTIAL:
            self.exit_code = SafetyBrakeError.exit_code

    def would_send(self, mutation: dict[str, Any]) -> None:
        """Add a write of a dry run; a dossier's label and annotations make one entry."""
        dossier = mutation["dossier"]
        known = next((m for m in self.mutations if m["dossier"] == dossier), None)
        # A label is written after its annotations, in another batch.
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
        """Record the error that ended the run."""
        self._say(error)
        self.status = Status.FAILED
        self.exit_code = error.exit_code

    def _say(self, what: Problem | DsyncError) -> None:
        said = said_by(what) if isinstance(what, DsyncError) else what
        if said not in self.said:
            self.said.append(said)

    @classmethod
    def failed(cls, kind: Kind, at: datetime, error: DsyncError) -> RunReport:
        """Return the report of a run that an error kept from beginning, or from its end."""
        report = cls(kind, at)
        report.fail(error)
        report.close(at)
        return report

    def close(self, at: datetime) -> None:
        """Set the end and, unless the run failed, the status."""
        self.ended_at = at
        if self.status is Status.RUNNING:
            self.status = Status.PARTIAL if self.exit_code else Status.SUCCESS

    def columns(self) -> dict[str, Any]:
        """Return the columns of the run's row in the journal."""
        return {
            "statut": self.status.value,
            "fin": self.ended_at,
            "lus": self.read,
            "modifies": self.changed,
            "supprimes": self.deleted,
            "evalues": self.evaluated,
            "pousses": self.pushed,
            "conflits": self.conflicts,
            "en_quarantaine": self.quarantined,
            "requetes": self.requests,
            "erreur": self._cause(),
            "code": self.exit_code,
            "figures": {
                "verdicts": dict(self.verdicts),
                "erreurs_par_classe": dict(self.error_classes),
                "messages": self.errors,
                "dits": to_stored(self.said),
                **({"cible_absente": True} if self.target_is_missing else {}),
            },
        }

    def _cause(self) -> str | None:
        cause = CAUSES.get(self.exit_code)
        said = [problem(one) for one in self.said if not isinstance(one, str)]
        return f"{cause} : {' '.join(said)}" if self.exit_code == PARTIAL and said else cause

    def to_json(self) -> dict[str, Any]:
        """Return the object of `dsync sync --json`."""
        verdicts = self.verdicts
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
            "verdicts": {verdict.key: verdicts[verdict.key] for verdict in Verdict},
            "pushed": self.pushed,
            "conflicts": self.conflicts,
            "adopted": self.adopted,
            "quarantined": self.quarantined,
            "requests": self.requests,
            "errors": self.errors,
        }
        if self.configuration is not None:
            document["configuration"] = self.configuration
        if self.mutations:
            document["mutations"] = self.mutations
        if self.pieces or self.kind is Kind.PIECES:
            document["pieces"] = dict(self.pieces)
        if self.comparisons:
            of = [(one.numero, one.is_stored) for one in self.comparisons]
            document["compared"] = [numero for numero, _ in of]
            document["not_stored"] = [numero for numero, is_stored in of if not is_stored]
        return document


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None
