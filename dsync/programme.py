"""What a programme has to give: one call for projects, on one page.

A programme is a subclass of `Programme`; `Eig` in `dsync/eig/eig.py` is the one that ships. The
class is the same for all calls: the database takes it, for tables, views, and what follows from
their rows. An instance is one call, configured by the programme's sections of the TOML file: runs,
commands and pages take it. What has a default here need not be given.

A run calls `form` once for each revision, and its `rows` for each dossier that is read; `gather`
once, when the first dossiers are to be judged; then, after each page and after the last one,
`prepare` for all batches that are due, and after that `judge` for each batch.

Without a programme, the engine copies dossiers and keeps their history; it judges nothing and
writes nothing back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple, Protocol

from sqlalchemy import Column, ColumnElement, Connection, MetaData, Select

from dsync.domain.check_answers import Answer, answers_in
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
from dsync.domain.paper import Page
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.errors import DsyncError
from dsync.messages.kinds import Problem

Row = Mapping[str, Any]
"""Values by column."""

Dictionary = dict[str, dict[str, Any]]
"""By view: `description`, `columns` with one sentence each, in the view's order, and their `types`.

A type is integer, number, boolean, date, datetime, json or text.
"""

NO_RULES = (
    "Nothing is judged: the configuration has no section [regles], or it is switched off. Set "
    "enabled = true in it, or add [mapping] and [regles] as in the shipped file."
)


COUNTED = ("mois", "controle", "resultat", "type_administration", "phase_constatee", "nombre")
"""The columns of `dsync precheck --stats`."""


class DossierView(NamedTuple):
    """A view from which `dsync dossier show` reads a dossier's rows."""

    name: str
    order: str
    """The ORDER BY expression of its rows."""
    json: str | None = None
    """The column that contains JSON."""


class InLists(NamedTuple):
    """By what lists find, filter and sort a dossier, beside what every dossier has."""

    etape: str | None = None
    """Its stage, and whom it waits for."""
    attend: str | None = None
    etape_fin: datetime | None = None
    """When the next stage begins, where that is known; UTC."""
    departement_code: str | None = None
    departement_nom: str | None = None
    profils: Sequence[str] = ()
    texts: Sequence[str | None] = ()
    """Free texts in which it is found."""
    persons: Sequence[str | None] = ()
    """Names and addresses of persons by which it is found."""


@dataclass(frozen=True, slots=True)
class PrecheckOptions:
    """The options of a pre-check that an operator starts: it judges dossiers in any case."""

    as_of: date | None = None
    """Judge as if the dossiers had been deposited on this day."""
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
class ToJudge:
    """A dossier to judge, with what the engine stores about it."""

    numero: DossierNumber
    etat: Etat
    presence: Presence
    inputs_hash: str
    """A hash of the parts of the dossier that the checks use."""
    current: StoredVerdict | None
    wished: Mapping[str, str | None]
    """The values of its current wishes, by annotation."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What persons established, by check: `with_answers` (`domain.check_answers`) puts it into the
    results, of which verdict and detail are then made."""

    @property
    def has_other_answers(self) -> bool:
        """Whether a person answered, or withdrew an answer, since the current verdict."""
        if self.current is None:
            return False
        made = {one.controle for one in self.current.controles}
        given = {name: one.id for name, one in self.answers.items() if name in made}
        return answers_in(self.current.controles) != given

    def is_stale(self, rules_version: str) -> bool:
        """Return whether the dossier, its answers or the rules have changed since its verdict.

        Args:
            rules_version: of the rules in force.
        """
        verdict = self.current
        return (
            verdict is None
            or verdict.inputs_hash != self.inputs_hash
            or verdict.version_regles != rules_version
            or self.has_other_answers
            # A dossier that was judged when closed and is open again has no wishes yet.
            or (self.is_open and verdict.verdict is not Verdict.INDETERMINE and not self.wished)
        )

    @property
    def is_open(self) -> bool:
        """Whether verdicts may still be pushed into the dossier."""
        return self.etat in OPEN_ETATS


class Judged(NamedTuple):
    """A dossier with its decision."""

    dossier: ToJudge
    decision: Decision

    @property
    def keeps_verdict(self) -> bool:
        """Whether the earlier verdict stays, because the evidence for a new one is unavailable."""
        # « Indéterminé » keeps nothing: it is for dossiers that were never judged otherwise.
        current = self.dossier.current
        return (
            current is not None
            and current.verdict is not Verdict.INDETERMINE
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


class FormFault(NamedTuple):
    """Why a form cannot be judged: `dsync check` shows its line, and runs judge nothing."""

    line: CheckLine
    field: str | None = None
    """The field of the mapping that the form lacks."""
    is_of_rules: bool = False
    """Whether the rules are another call's; once some have judged, the safety brake decides on
    changed ones."""


class ProgrammeRun(Protocol):
    """The part of a run that a programme may use."""

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""

    @property
    def now(self) -> datetime:
        """The present instant, in UTC."""

    # `Any` here and below is of the store, which imports this module: `Tx`, `Reader`, `Store`.
    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction under the run's lease; its `connection` executes SQL."""

    def reading(self) -> AbstractContextManager[Any]:
        """Open a read-only transaction."""

    def problem(self, what: Problem | DsyncError) -> None:
        """Add a problem and its remedy to the run's report."""


class Form(Protocol):
    """The programme's mapping of one revision of the form."""

    @property
    def inputs_signature(self) -> bytes:
        """Changes when a field that the checks use is mapped to another champ."""

    @property
    def signature(self) -> bytes:
        """Changes when any field is mapped to another champ."""

    @property
    def questions(self) -> frozenset[DescriptorId]:
        """The ids of the champs that are read of a dossier."""

    def rows(self, dossier: Dossier, corrections: Sequence[Correction] = ()) -> Mapping[str, Row]:
        """Return the dossier's row of each of the programme's tables, by the table's name.

        Args:
            dossier: the dossier.
            corrections: those that its usager was asked for before.
        """


class NoFields:
    """The mapping of a programme without tables."""

    inputs_signature = signature = b""

    def __init__(self, questions: frozenset[DescriptorId] = frozenset()) -> None:
        self.questions = questions

    def rows(self, dossier: Dossier, corrections: Sequence[Correction] = ()) -> Mapping[str, Row]:
        """Return no rows."""
        return {}


class Evidence(Protocol):
    """The evidence that one run has gathered."""

    @property
    def key(self) -> str:
        """Changes with the evidence or the rules; all open dossiers are then judged again."""

    @property
    def retry_undetermined(self) -> bool:
        """Whether undetermined dossiers are judged again even if the key is unchanged."""


class Programme(ABC):
    """One call for projects.

    Its tables with data of a dossier must have a column `numero`: these rows are deleted when the
    dossier is erased or removed.
    """

    # In the database: of the class.

    name: ClassVar[str] = ""
    """A part of the name of the table with its schema's version; empty: it has no tables."""
    package: ClassVar[str] = ""
    """The Python package that contains `migrations/`, `views/`, `dictionary.toml`; empty: none."""
    metadata: ClassVar[MetaData] = MetaData()
    """Its tables."""
    main_view: ClassVar[DossierView] = DossierView("lecture_dossier", "numero", json="instructeurs")
    """The view with one row per dossier; by default, the engine's."""
    dossier_views: ClassVar[Mapping[str, DossierView]] = {}
    """Its other views of a dossier, by their key in `dsync dossier show --json`."""
    has_grids: ClassVar[bool] = False
    """Whether it has `lecture_evaluation` and the views of a jury, which the console shows."""
    public: Mapping[str, Collection[str]] = {}
    """By check, the keys of its evidence that are public data, and « motif » if its sentences say
    nothing else. These are shown to who sees neither free texts nor, of other names, persons."""
    listed: ClassVar[Column[Any] | None] = None
    """The column, of a table with one row per dossier, that `dsync dossier list` shows."""
    answered: ClassVar[ColumnElement[bool] | None] = None
    """The condition that a row of that table has an answer; None: each counts."""
    mean: ClassVar[str] = ""
    """SQL for a dossier's mean mark, from its row `l` of the table of `listed`; empty: none."""
    found_by: ClassVar[str] = ""
    """SQL condition on a dossier `d` by which a search finds it too; `{like}`: what it compares
    with. Empty: none."""
    stages: ClassVar[Sequence[str]] = ()
    """The stages of a dossier, in order; with them, it has the view `lecture_suivi`."""
    reached: ClassVar[Mapping[str, str]] = {}
    """SQL conditions on a dossier `d` and its row `l` of `listed`, by the stage then reached."""

    @classmethod
    def views(cls) -> Dictionary:
        """Return the documentation of its views."""
        return {}

    @classmethod
    def complete(cls, query: str) -> str:
        """Complete the SQL of one of its views."""
        return query

    @classmethod
    def in_lists(cls, rows: Mapping[str, Row], at: datetime) -> InLists | None:
        """Return by what lists find a dossier; None: there is no row of the programme.

        Args:
            rows: of its tables, by their names, as `Form.rows` returns them.
            at: the present instant, in UTC.
        """
        return None

    @classmethod
    def related(
        cls, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]
    ) -> Select[Any] | None:
        """Select the open dossiers whose verdicts depend on the presence or state of these."""
        return None

    @classmethod
    def products_of(
        cls, connection: Connection, numbers: Sequence[DossierNumber]
    ) -> Mapping[DossierNumber, str]:
        """Return the public ids of the products by which these dossiers count as doublons.

        They are kept of dossiers that an operator erases, as long as DS has them.
        """
        return {}

    @classmethod
    def products(cls, connection: Connection) -> Mapping[str, str]:
        """Return the names of all known products, by id: a person's answer may name one."""
        return {}

    @classmethod
    def indicators(cls, connection: Connection, demarche: DemarcheNumber) -> Mapping[str, float]:
        """Return its figures of the démarche as they are now, by name."""
        return {}

    @classmethod
    def evidence_confirmed_at(cls, connection: Connection) -> datetime | None:
        """Return when its evidence was last confirmed by its source; None: never."""
        return None

    @classmethod
    def forget(cls, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete the data of these dossiers' applicants, unless another dossier shares them."""
        return

    # What people see.

    checks: Mapping[str, str] = {}
    """The French titles of its checks by name, in the order of display."""
    names_product: str | None = None
    """The check whose answer may name a product, by which other checks are then judged."""
    sections: Mapping[str, Mapping[str, str]] = {}
    """The main view's columns that `dsync dossier show` prints: labels by name, by section."""

    @classmethod
    def evidence_facts(cls, verdict: Decision | StoredVerdict) -> Mapping[str, Any]:
        """Return what a person compares of a verdict's evidence before it is replaced, by name."""
        return {}

    @classmethod
    def statistics(cls, reader: Any) -> Sequence[Row]:
        """Count the results of the checks by `COUNTED`, for `dsync precheck --stats`.

        Args:
            reader: the `Reader` of a démarche.
        """
        rows = reader.rows_of(
            "lecture_statistique",
            COUNTED,
            {"demarche_numero": reader.number},
            order="mois, controle",
            limit=2**31 - 1,
        )
        # Not by the database, whose order of texts is that of its language. None has no order.
        return sorted(rows, key=lambda row: [str(value or "") for value in row.values()])

    def label_in_ds(self, name: str) -> str:
        """Return the label in DS of the annotation that fills a column of the main view."""
        return name

    def value_in_words(self, name: str, value: Any) -> Any:
        """Return a value of a column of the main view in French."""
        return value

    def evidence_in_words(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Return the evidence of a check that people see: key, French name and French value."""
        return [(name, name, value) for name, value in evidence.items()]

    def evidence_shown(self, connection: Connection) -> dict[str, Any] | None:
        """Return what is stored of the evidence, for `dsync evidence show` and `/preuves`."""
        return None

    def account(
        self, reader: Any, found: Mapping[str, Any], at: datetime | None = None
    ) -> dict[str, Any] | None:
        """Return the account of a dossier's verdict; None if it had no verdict then.

        Args:
            reader: the `Reader` of the démarche.
            found: the dossier with its verdicts and checks, as `DossierReads.by_number` returns it.
            at: the instant at which the verdict stood; None: the current one.
        """
        return None

    def rules_page(
        self, now: datetime | None = None, document: Mapping[str, Any] | None = None
    ) -> Page:
        """Return the page that publishes a version of the rules.

        Args:
            now: the present instant, if the page names its day.
            document: the version, as `rules_documents` returns it; None: that in force.
        """
        raise NotImplementedError

    def rules_documents(
        self, connection: Connection | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return versions of the rules whole, in JSON values, by their names; none if none is kept.

        Args:
            connection: to the database that keeps those that gave a verdict, which come after the
                version in force, the latest first; None: only that in force.
        """
        return {}

    def message(
        self, reader: Any, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Any:
        """Return what the applicant of an open dossier has to send; None: there is no such text.

        Args:
            reader: the `Reader` of the démarche.
            found: the dossier's row of the main view.
            checks: of its current verdict, as in `lecture_precontrole_controle`.
        """
        return None

    # The configuration, and `dsync check`.

    @property
    @abstractmethod
    def mapping_key(self) -> str:
        """Changes with the mapping; all dossiers are then read again. Empty: it has no tables."""

    @property
    @abstractmethod
    def judges(self) -> bool:
        """Whether it has rules; without them, the methods that judge are not called."""

    def needs_acceptance(self, former: str | None) -> bool:
        """Whether its verdicts wait until somebody accepts them.

        Args:
            former: the version of the rules in force before; None: there were none.
        """
        return False

    @property
    @abstractmethod
    def rules_version(self) -> str:
        """Changes with the rules and their lists; it is in each decision."""

    @property
    def shipped_lists(self) -> Sequence[str]:
        """The lists of the rules that are the package's, because none is beside the file."""
        return ()

    def warnings(self) -> Iterator[str]:
        """Yield what `dsync config check` finds in its sections and prevents nothing."""
        yield from ()

    def propose(
        self, demarche: Demarche, revision: Revision, parts: Mapping[str, str]
    ) -> ProposedSections:
        """Return the programme's sections for a form, by the labels of the present mapping.

        Args:
            demarche: whose form it is.
            revision: the form.
            parts: the parts of the shipped file, by their first section.
        """
        return ProposedSections("", is_own=False, judges=False, found=0, fields=0)

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the fields without which dossiers are judged, and that the form lacks."""
        return ()

    def form_faults(self, demarche: Demarche, revision: Revision) -> Sequence[FormFault]:
        """Return why the dossiers of a form cannot be judged; `form_lines` has their lines, too.

        Args:
            demarche: whose form it is.
            revision: the active revision.
        """
        return ()

    def impossible_values(self, demarche: Demarche) -> Sequence[str]:
        """Return sentences on what the checks compare with answers that none can equal."""
        return ()

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
        yield from ()

    def evidence_lines(self, store: Any | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the evidence is available, for `dsync check`.

        Args:
            store: the `Store`; None if it cannot be opened.
            now: the present instant, in UTC.
        """
        yield from ()

    # A run.

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> Form:
        """Map the programme's fields to the descriptors of a form; by default, it has no fields."""
        return NoFields()

    @abstractmethod
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

        Dossiers that it changes are queued (`tx.queue.add`) in the transaction that does so: a run
        that ends before they are judged leaves them to the next one.

        Args:
            run: the run under way.
            evidence: of `gather`.
            numbers: the dossiers to judge.
            options: of an operator's pre-check; None: after a pull.

        Returns:
            The dossiers whose verdicts can change by this.
        """
        return set()

    @abstractmethod
    def judge(
        self,
        run: ProgrammeRun,
        evidence: Any,
        due: Sequence[ToJudge],
        options: PrecheckOptions | None,
    ) -> Iterator[Judged]:
        """Judge dossiers, in order.

        Args:
            run: the run under way.
            evidence: of `gather`.
            due: the dossiers.
            options: of an operator's pre-check, which judges every dossier; None: dossiers whose
                inputs and evidence have not changed are left out.
        """

    def close(self) -> None:
        """Close what was opened."""
        return
