"""The interface between the engine and a programme: the fields, evidence and checks of one call.

`dsync.eig` implements it. Without a programme, the engine copies dossiers and keeps their history;
it evaluates nothing and writes nothing back.
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
    Correction,
    Demarche,
    Descriptor,
    Dossier,
    Etat,
    Json,
    Presence,
    Revision,
)
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierNumber
from dsync.domain.verdict import Decision, StoredVerdict, Verdict

Row = Mapping[str, Any]
"""Values by column."""

NO_RULES = (
    "Nothing is judged, because the configuration has no section [regles], or it is switched off: "
    "set its enabled = true, or add it, and the section [mapping] that it needs, as in the shipped "
    "file."
)


@dataclass(frozen=True, slots=True)
class PrecheckOptions:
    """The options of a pre-check that an operator starts: it evaluates dossiers in any case."""

    as_of: date | None = None
    """Evaluate as if the dossiers had been deposited on this day."""
    refresh: bool = False
    """Use the present evidence instead of the evidence stored with the verdict."""
    former: Mapping[DossierNumber, Json] | None = None
    """Use this evidence of earlier verdicts instead of the evidence stored with the verdict."""
    is_trial: bool = False
    """The verdicts are only compared, not stored."""

    def frozen(self, number: DossierNumber, stored: Json) -> Json:
        """Return the stored evidence to use for a dossier, None for none.

        Args:
            number: the dossier's.
            stored: the evidence stored with its verdict.
        """
        if self.former is not None:
            return self.former.get(number)
        return None if self.refresh else stored


@dataclass(frozen=True, slots=True)
class DueEvaluation:
    """A dossier to evaluate, with what the engine stores about it."""

    numero: DossierNumber
    etat: Etat
    presence: Presence
    inputs_hash: str
    """A hash of the parts of the dossier that the checks use."""
    current: StoredVerdict | None
    wished: Mapping[str, str | None]
    """The values of its current wishes, by annotation."""

    @property
    def is_open(self) -> bool:
        """Whether verdicts may still be pushed into the dossier."""
        return self.etat in OPEN_ETATS


class Judged(NamedTuple):
    """A dossier with its decision; None if a check raised an error."""

    dossier: DueEvaluation
    decision: Decision | None

    @property
    def keeps_verdict(self) -> bool:
        """Whether the earlier verdict stays, because the evidence for a new one is unavailable."""
        # « Indéterminé » keeps nothing: it is for dossiers that were never judged otherwise.
        current = self.dossier.current
        return (
            current is not None
            and current.verdict is not Verdict.INDETERMINE
            and self.decision is not None
            and self.decision.verdict is Verdict.INDETERMINE
        )


class ProposedSections(NamedTuple):
    """The programme's sections of a new configuration file."""

    text: str
    """Commented TOML."""
    is_own: bool
    """Whether the form is one of the programme; else the text is only comments."""
    judges: bool
    """Whether the rules are switched on: they are of this very call."""
    found: int
    """The number of the programme's fields that are surely in the form."""
    fields: int
    """The number of the programme's fields."""


class ProgrammeRun(Protocol):
    """The part of a run that a programme may use."""

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""

    @property
    def now(self) -> datetime:
        """The present instant, in UTC."""

    # `Any` here and below: the domain imports neither the store nor SQLAlchemy.
    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction under the run's lease; its `connection` executes SQL."""

    def reading(self) -> AbstractContextManager[Any]:
        """Open a read-only transaction."""

    def problem(self, sentence: str) -> None:
        """Add a problem and its remedy to the run's report."""


class Form(Protocol):
    """The programme's mapping of one revision of the form."""

    @property
    def inputs_signature(self) -> bytes:
        """Changes when a field that the checks use is mapped to another champ."""

    @property
    def signature(self) -> bytes:
        """Changes when any field is mapped to another champ."""

    def rows(self, dossier: Dossier, corrections: Sequence[Correction] = ()) -> Mapping[str, Row]:
        """Return the dossier's row of each of the programme's tables, by the table's name.

        Args:
            dossier: the dossier.
            corrections: those that its usager was asked for before.
        """


class Evidence(Protocol):
    """The evidence that one run has gathered."""

    @property
    def key(self) -> str:
        """Changes with the evidence or the rules; all open dossiers are then evaluated again."""

    @property
    def retry_undetermined(self) -> bool:
        """Whether undetermined dossiers are evaluated again even if the key is unchanged."""


class Programme(Protocol):
    """One call for projects, configured by its sections of the TOML file."""

    @property
    def mapping_key(self) -> str:
        """Changes with the mapping; all dossiers are then read again."""

    @property
    def judges(self) -> bool:
        """Whether it has rules; without them, the methods that evaluate are not called."""

    @property
    def rules_version(self) -> str:
        """Changes with the rules and their lists; it is in each decision."""

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> Form:
        """Map the programme's fields to the descriptors of a form."""

    def propose(
        self, demarche: Demarche, revision: Revision, parts: Mapping[str, str]
    ) -> ProposedSections:
        """Return the programme's sections for a form, by the labels of the present mapping.

        Args:
            demarche: whose form it is.
            revision: the form.
            parts: the parts of the shipped file, by their first section.
        """

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the fields that the checks need and no revision of the form has."""

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping and the rules with a revision of the form, for `dsync check`.

        Args:
            demarche: whose form it is.
            revision: the active revision.
            known: ids of the annotations that the engine itself reads or writes.
            every_champ: whether each champ without a field gets its own line.
        """

    def evidence_lines(self, store: Any | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the evidence is available, for `dsync check`.

        Args:
            store: the database; None if it cannot be opened.
            now: the present instant, in UTC.
        """

    def stated_verdict(self, detail: str) -> Verdict | None:
        """Return the verdict that a detail states; None for a text of another origin."""

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Evidence:
        """Fetch the evidence that is not up to date.

        Args:
            run: the run under way.
            accept: whether evidence that a safety brake stopped is accepted.
        """

    def prepare(
        self,
        run: ProgrammeRun,
        evidence: Any,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> set[DossierNumber]:
        """Store what the checks compare between dossiers.

        Args:
            run: the run under way.
            evidence: of `gather`.
            numbers: the dossiers to evaluate.
            options: of an operator's pre-check; None: after a pull.

        Returns:
            The dossiers whose verdicts can change by this.
        """

    def judge(
        self,
        run: ProgrammeRun,
        evidence: Any,
        due: Sequence[DueEvaluation],
        options: PrecheckOptions | None,
    ) -> Iterator[Judged]:
        """Evaluate dossiers, in order.

        Args:
            run: the run under way.
            evidence: of `gather`.
            due: the dossiers.
            options: of an operator's pre-check, which evaluates every dossier; None: dossiers
                whose inputs and evidence have not changed are left out.
        """

    def close(self) -> None:
        """Close what was opened."""
