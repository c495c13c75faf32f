"""What the engine asks of a programme: the fields, evidence and checks of one call.

`dsync.eig` is such a programme. Without one, dossiers are copied and followed, and nothing is
judged or written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from dsync.domain.check_line import CheckLine
from dsync.domain.dossier import (
    OPEN_ETATS,
    Demarche,
    Descriptor,
    Dossier,
    Etat,
    Presence,
    Revision,
)
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierNumber
from dsync.domain.verdict import Decision, StoredVerdict, Verdict

Row = Mapping[str, Any]
"""Values by column."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an operator asks for: dossiers are then judged even where their verdict stands."""

    as_of: date | None = None
    """Judge as if they had been deposited that day."""
    refresh: bool = False
    """Judge on the evidence at hand instead of the evidence kept with the verdict."""


@dataclass(frozen=True, slots=True)
class Due:
    """A dossier to be judged, as far as the engine knows it."""

    numero: DossierNumber
    etat: Etat
    presence: Presence
    inputs_hash: str
    """Of what verdicts rest on in the dossier."""
    current: StoredVerdict | None
    wished: Mapping[str, str | None]
    """What its annotations should hold, by name."""

    @property
    def is_open(self) -> bool:
        """Whether a verdict may still be pushed into it."""
        return self.etat in OPEN_ETATS


class Judged(NamedTuple):
    """A dossier with the decision on it; None when a check failed."""

    dossier: Due
    decision: Decision | None

    @property
    def stands(self) -> bool:
        """Whether the verdict given earlier stays: the evidence for another is out of reach."""
        current = self.dossier.current
        return (
            current is not None
            and current.verdict is not Verdict.INDETERMINE
            and self.decision is not None
            and self.decision.verdict is Verdict.INDETERMINE
        )


class Desk(Protocol):
    """What a run lends to the programme while it works."""

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""

    @property
    def now(self) -> datetime:
        """The clock's instant, in UTC."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction under the run's lease; its `connection` takes SQL."""

    def reading(self) -> AbstractContextManager[Any]:
        """Open a transaction that only reads."""

    def problem(self, sentence: str) -> None:
        """Note in the run's report what is wrong, with the remedy."""


class Form(Protocol):
    """What a programme worked out of one revision of the form."""

    @property
    def inputs_signature(self) -> bytes:
        """Changes when what verdicts rest on is found elsewhere in the form."""

    @property
    def signature(self) -> bytes:
        """Changes when any field is found elsewhere."""

    def rows(self, dossier: Dossier) -> Mapping[str, Row]:
        """Return the dossier's row of each of the programme's tables, by the table's name."""


class Evidence(Protocol):
    """What verdicts rest on beside the dossiers, as one run has gathered it."""

    @property
    def key(self) -> str:
        """Changes with the evidence or the rules: all open dossiers are then judged again."""

    @property
    def may_be_back(self) -> bool:
        """Whether dossiers without a verdict are to be tried again, whatever the key."""


class Programme(Protocol):
    """One call, made ready by its sections of the configuration."""

    @property
    def mapping_key(self) -> str:
        """Changes with the mapping: all dossiers are then read again."""

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> Form:
        """Work out where a form has the programme's fields."""

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the fields that judging needs and no revision of the form has."""

    def form_lines(
        self, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping with a revision, for `dsync check`.

        Args:
            revision: the active one.
            known: ids of annotations that the engine itself writes.
            every_champ: whether each champ that feeds no field has its own line.
        """

    def evidence_lines(self, store: Any | None, now: datetime) -> Iterator[CheckLine]:
        """Say whether the evidence can be had, for `dsync check`.

        Args:
            store: the database; None when it cannot be opened.
            now: the present.
        """

    def stated_verdict(self, detail: str) -> Verdict | None:
        """Return the verdict that a text of the programme states, None for another text."""

    def gather(self, desk: Desk, *, accept: bool = False) -> Evidence:
        """Bring the evidence up to date.

        Args:
            desk: of the run.
            accept: whether evidence that a safety brake stopped is to be believed.
        """

    def prepare(
        self,
        desk: Desk,
        evidence: Any,
        numbers: Sequence[DossierNumber],
        demand: Demand | None,
    ) -> set[DossierNumber]:
        """Bring up to date what is counted over dossiers; return all whom that concerns."""

    def judge(
        self, desk: Desk, evidence: Any, due: Sequence[Due], demand: Demand | None
    ) -> Iterator[Judged]:
        """Judge dossiers; without a demand, one whose verdict stands is passed over."""

    def close(self) -> None:
        """Close what was opened."""
