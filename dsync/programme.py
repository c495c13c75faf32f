"""What a programme has to give: one call for projects, on one page.

A programme is a subclass of `Programme`; `Eig` in `dsync/eig/eig.py` is the one that ships. The
class is the same for all calls: the database takes it, for tables, views, and what follows from
their rows. An instance is one call, configured by the programme's sections of the TOML file: runs,
commands and pages take it. What has a default here need not be given.

A run calls `form` once for each revision, and its `rows` for each dossier that is read; `gather`
once, when the first dossiers are to be judged; then, of what that returns, `compared` and `facts`
for each page, in the transaction that stores it, and for what is due after the last one, with
`look_up` before: of the facts, the judge in `domain/judging.py` makes the decisions.

Without a programme, the engine copies dossiers and keeps their history; it judges nothing and
writes nothing back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, MetaData, Select, Table

from dsync.domain.account import AccountRules, Letter, account_of, rules_page
from dsync.domain.documented import View
from dsync.domain.dossier import PARIS, Correction, Demarche, Descriptor, Dossier, Json, Revision
from dsync.domain.due import ToJudge
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierNumber
from dsync.domain.judging import Facts, Rules
from dsync.domain.paper import Paper
from dsync.domain.remedies import CheckLine
from dsync.domain.verdict import Decision
from dsync.errors import ConfigurationError, DsyncError
from dsync.messages.kinds import Problem

if TYPE_CHECKING:
    # By which a programme reads and writes: the database itself takes programmes.
    from dsync.store import Reader, Store, Tx

Row = Mapping[str, Any]
"""Values by column."""

Dictionary = dict[str, View]
"""What is declared of views, by their names."""

Versions = Mapping[str, Mapping[str, Any]]
"""Versions of rules whole, by their names."""

Values = Mapping[DossierNumber, Mapping[str, Sequence[object]]]
"""What a check compares dossiers by, by dossier and check."""

NO_RULES = (
    "Nothing is judged: the configuration has no [[controles]]. Add them, with [champs] or "
    "[mapping], as in the shipped file."
)


class DossierView(NamedTuple):
    """A view from which `dsync dossier show` reads a dossier's rows."""

    name: str
    order: str
    """The ORDER BY expression of its rows."""
    json: str | None = None
    """The column that contains JSON."""


ENGINE_VIEW = DossierView("lecture_dossier", "numero", json="instructeurs")


class InLists(NamedTuple):
    """By what lists find, filter and sort a dossier, beside what every dossier has."""

    etape: str | None = None
    """Its stage, and whom it waits for."""
    attend: str | None = None
    etape_depuis: datetime | None = None
    etape_fin: datetime | None = None
    """When the next stage begins, where that is known; as the begin, in UTC."""
    departement_code: str | None = None
    departement_nom: str | None = None
    profils: Sequence[str] = ()
    texts: Sequence[str | None] = ()
    """Free texts in which it is found."""
    persons: Sequence[str | None] = ()
    """Names, addresses and telephone numbers of persons by which it is found."""


@dataclass(frozen=True, slots=True)
class PrecheckOptions:
    """The options of a pre-check that an operator starts: it judges dossiers in any case."""

    as_of: date | None = None
    """Judge as if the dossiers had been deposited on this day."""
    refresh: bool = False
    """Use the present evidence instead of the evidence stored with the verdict."""

    @property
    def depot(self) -> datetime | None:
        """The instant at which they are then deposited: noon, the same day in Paris and in UTC."""
        return datetime.combine(self.as_of, time(12, tzinfo=PARIS)) if self.as_of else None

    def frozen(self, stored: Json) -> Json:
        """Return the evidence stored with a verdict if it is to be used, None if not."""
        return None if self.refresh else stored


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


class Compared(NamedTuple):
    """What the checks compare dossiers by."""

    values: Values
    columns: Sequence[Row] = ()
    """With `numero`, columns of `ListPart.table` by which dossiers are compared, too; of those of
    which they changed."""


class ProgrammeRun(Protocol):
    """The part of a run that a programme may use."""

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number."""

    @property
    def now(self) -> datetime:
        """The present instant, in UTC."""

    def transaction(self) -> AbstractContextManager[Tx]:
        """Open a transaction under the run's lease."""

    def reading(self) -> AbstractContextManager[Reader]:
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

    @property
    def columns(self) -> Collection[tuple[str, str, DescriptorId]]:
        """Each column of the programme's views, with each champ or annotation it is made of.

        The view's name, the column's, the champ's id.
        """

    def rows(self, dossier: Dossier, corrections: Sequence[Correction] = ()) -> Mapping[str, Row]:
        """Return the dossier's row of each of the programme's tables, by the table's name.

        `corrections` are those that its usager was asked for before.
        """


class NoFields:
    """The mapping of a programme without tables."""

    inputs_signature = signature = b""
    columns: Collection[tuple[str, str, DescriptorId]] = ()

    def __init__(self, questions: frozenset[DescriptorId] = frozenset()) -> None:
        self.questions = questions

    def rows(self, dossier: Dossier, corrections: Sequence[Correction] = ()) -> Mapping[str, Row]:
        """Return no rows."""
        return {}


class Evidence(Protocol):
    """What one run judges by: the rules, and the evidence that it has gathered."""

    @property
    def key(self) -> str:
        """Changes with the evidence or the rules; all open dossiers are then judged again."""

    @property
    def looks_up(self) -> bool:
        """Whether `look_up` asks anybody: undetermined dossiers are then judged again."""

    def look_up(self, run: ProgrammeRun, numbers: Sequence[DossierNumber]) -> None:
        """Fetch and store what the facts of these dossiers need, which takes the network."""

    def compared(
        self,
        reader: Reader | Tx,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> Compared:
        """Return what the checks compare dossiers by, as it is now.

        `options` are of an operator's pre-check; None: after a pull.
        """

    def facts(
        self, reader: Reader | Tx, due: Sequence[ToJudge], options: PrecheckOptions | None
    ) -> Mapping[DossierNumber, Facts]:
        """Return what is known of dossiers to judge; one is left out of which nothing is.

        `options` are of an operator's pre-check, which judges every dossier anew; None: after a
        pull.
        """


@dataclass(frozen=True, slots=True)
class ListField:
    """What lists show, and by what they filter and sort, beside what every dossier has."""

    name: str
    """Its key in `dsync dossier list --json`, by which lists are sorted, too."""
    sql: str
    """Its value: of a dossier `d`, its row `r` in table `liste` and `l` in `ListPart.table`."""
    filter: str | None = None
    """The filter by it, as addresses name it; None: there is none."""
    condition: str = ""
    """The condition of the filter on `d`, `r` and `l`, with its value by the filter's name."""
    is_many: bool = False
    """Whether it has several values, each between `|`; the filter then offers all there are."""
    is_shown: bool = True
    """Whether lists show it without being asked."""


@dataclass(frozen=True, slots=True)
class ListPart:
    """What lists have of a programme, beside what every dossier has."""

    table: Table
    """The table with one row per dossier."""
    fields: Sequence[ListField]
    answers: Sequence[ColumnElement[Any]]
    """The columns of that table which say what of the mapping has an answer."""
    answered: Callable[..., Collection[str]]
    """Returns the fields that have one, of a value of each of those columns."""
    found_by: str
    """SQL condition on a dossier `d` by which a search finds it too; `{like}`: what it compares
    with."""
    persons: Sequence[str]
    """The columns of that table with names, addresses and telephone numbers of persons, by which it
    is found."""
    of_rows: Callable[[Mapping[str, Row], datetime], InLists | None]
    """Returns by what lists find a dossier, of its rows by table, as `Form.rows` returns them, and
    the present instant; None: there is no row of the programme."""


@dataclass(frozen=True, slots=True)
class SelectionPart:
    """What only a selection has: stages, and the grids and marks of a jury.

    With it, the programme has the views `lecture_suivi`, `lecture_evaluation` and those of a jury.
    """

    stages: Sequence[str]
    """The stages of a dossier, in order."""
    waits: Mapping[str, str]
    """Who can have to act, in words."""
    reached: Mapping[str, str]
    """SQL conditions on a dossier `d` and its row `l` in `ListPart.table`, by the stage then
    reached."""
    indicators: Callable[[Connection, DemarcheNumber], Mapping[str, float]]
    """Returns the figures of a démarche as they are now, by name."""


@dataclass(frozen=True, slots=True)
class ProductPart:
    """What a programme has whose dossiers are each about a product, which several may name."""

    check: str
    """The check whose answer may name a product, by which other checks are then judged."""
    names: Callable[[Connection], Mapping[str, str]]
    """Returns the names of all known products, by id: a person's answer may name one."""
    certain: Callable[[Connection, Sequence[DossierNumber]], Mapping[DossierNumber, str]]
    """Returns the public ids of the products by which dossiers count as doublons. They are kept of
    dossiers that an operator erases, as long as DS has them."""
    facts: Callable[[Decision], Mapping[str, Any]]
    """Returns what a person compares of a verdict's evidence before it is replaced, by name."""
    related: Select[Any]
    """Selects the open dossiers of a `demarche` whose verdicts depend on the presence or state of
    others, `numbers`."""


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """A part of the database: the engine's, or a programme's.

    A programme's tables with data of a dossier must have a column `numero`: these rows are deleted
    when the dossier is erased or removed.
    """

    name: str = ""
    """A part of the name of the table with its schema's version; empty: the engine's."""
    package: str = ""
    """The Python package that contains `migrations/` and `views/`; empty: it has no tables."""
    metadata: MetaData = field(default_factory=MetaData)
    """Its tables."""
    views: Mapping[str, View] = field(default_factory=dict)
    """What is declared of its views."""
    main_view: DossierView = ENGINE_VIEW
    """The view with one row per dossier; by default, the engine's."""
    dossier_views: Mapping[str, DossierView] = field(default_factory=dict)
    """Its other views of a dossier, by their key in `dsync dossier show --json`."""
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The main view's columns that `dsync dossier show` prints: labels by name, by section."""
    complete: Callable[[str], str] = str
    """Completes the SQL of one of its views."""
    evidence_confirmed_at: Callable[[Connection], datetime | None] = lambda connection: None
    """Returns when its evidence was last confirmed by its source; None: never."""
    forget: Callable[[Connection, Sequence[DossierNumber]], None] = lambda connection, numbers: None
    """Deletes the data of these dossiers' applicants, unless another dossier shares them."""


class Words:
    """How people read columns and evidence; by default, as they are stored."""

    def label_in_ds(self, name: str) -> str:
        """Return the label in DS of what fills a column of the main view."""
        return name

    def value(self, name: str, value: Any) -> Any:
        """Return a value of a column of the main view in French."""
        return value

    def evidence(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Return the evidence of a check that people see: key, French name and French value."""
        return [(name, name, value) for name, value in evidence.items()]


class FormFindings:
    """What is found wrong in a configuration and a form, before dossiers are judged."""

    def warnings(self) -> Iterator[str]:
        """Yield what `dsync config check` finds in its sections and prevents nothing."""
        yield from ()

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the fields without which dossiers are judged, and that the form lacks."""
        return ()

    def form_faults(self, demarche: Demarche, revision: Revision) -> Sequence[FormFault]:
        """Return why the dossiers of the active revision cannot be judged; also in `form_lines`."""
        return ()

    def impossible_values(self, demarche: Demarche) -> Sequence[str]:
        """Return sentences on what the checks compare with answers that none can equal."""
        return ()

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping and the rules with the active revision, for `dsync check`.

        `known` are ids of the annotations that the engine itself reads or writes; with
        `every_champ`, each champ without a field gets its own line.
        """
        yield from ()

    def evidence_lines(self, store: Store | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the evidence is available, for `dsync check`.

        `store` is None if the database cannot be opened.
        """
        yield from ()


class Programme(ABC):
    """One call for projects."""

    # In the database: of the class.

    storage: ClassVar[Storage] = Storage()
    """Its tables and views; by default, none."""
    lists: ClassVar[ListPart | None] = None
    """What lists have of it; None: nothing."""
    selection: ClassVar[SelectionPart | None] = None
    """What it has if dossiers are selected for something; None: they are not."""
    products: ClassVar[ProductPart | None] = None
    """What it has if a dossier is about a product; None: it is not."""
    public: Mapping[str, Collection[str]] = {}
    """By check, the keys of its evidence that are public data, and « motif » if its sentences say
    nothing else. These are shown to who sees neither free texts nor, of other names, persons."""

    rules: Rules | None = None
    """The rules in force; None: it judges nothing, and the methods that judge are not called."""

    # What people see.

    checks: Mapping[str, str] = {}
    """The French titles of its checks by name, in the order of display."""
    words: Words = Words()
    """How people read its columns and evidence."""
    findings: FormFindings = FormFindings()
    """What is wrong in its sections, or does not fit a form."""

    def evidence_shown(self, connection: Connection) -> dict[str, Any] | None:
        """Return what is stored of the evidence, for `dsync evidence show` and `/preuves`."""
        return None

    def account(
        self, kept: Versions, found: Mapping[str, Any], at: datetime | None = None
    ) -> dict[str, Any] | None:
        """Return the account of a dossier's verdict; None if it had no verdict then.

        `kept` are the rules that the database keeps; `found` is as `DossierReads.by_number` returns
        it; `at` is the instant at which the verdict stood, None: the current one.
        """
        wording, known = self.rules and self.rules.wording, known_rules(self, kept)
        instruction = wording.instruction if wording else "l’équipe d’instruction"

        def rules_of(version: str) -> AccountRules:
            return self.published(known.get(version), instruction)

        shown = self.words.evidence
        return account_of(found, at, rules_of, self.checks, shown, wording.words if wording else {})

    def rules_page(
        self, now: datetime | None = None, document: Mapping[str, Any] | None = None
    ) -> Paper:
        """Return the page that publishes a version of the rules; with `now`, it names its day.

        `document` is the version, as `known_rules` returns it; None: that in force.
        """
        today = now.astimezone(PARIS).date() if now else None
        return rules_page(self.published(document or in_force(self).document, ""), today)

    def published(self, document: Mapping[str, Any] | None, instruction: str) -> AccountRules:
        """Return what is published of a version of the rules; by default, nothing.

        None: it was not kept; `instruction` is who decides then.
        """
        return AccountRules("", (), instruction, ())

    def message(
        self, reader: Reader, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Letter | None:
        """Return what the applicant of an open dossier has to send; None: there is no such text.

        `found` is the dossier's row of the main view; `checks` are of its current verdict, as in
        `lecture_precontrole_controle`.
        """
        return None

    # The configuration.

    @property
    @abstractmethod
    def mapping_key(self) -> str:
        """Changes with the mapping; all dossiers are then read again. Empty: it has no tables."""

    @property
    def mapped(self) -> Collection[str]:
        """The fields that the mapping fills; `ListPart.answered` names the same."""
        return ()

    def propose(
        self, demarche: Demarche, revision: Revision, parts: Mapping[str, str]
    ) -> ProposedSections:
        """Return the programme's sections for a form, by the labels of the present mapping.

        `parts` has the parts of the shipped file, by their first section.
        """
        return ProposedSections("", is_own=False, judges=False, found=0, fields=0)

    # A run.

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> Form:
        """Map the programme's fields to the descriptors of a form; by default, it has no fields."""
        return NoFields()

    @abstractmethod
    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Evidence:
        """Fetch the evidence that is not up to date.

        With `accept`, evidence that a safety brake stopped is accepted.
        """

    def close(self) -> None:
        """Close what was opened."""
        return


def in_force(programme: Programme | None) -> Rules:
    """Return the rules in force; raises `ConfigurationError` if there are none."""
    if programme is None or programme.rules is None:
        raise ConfigurationError(NO_RULES)
    return programme.rules


def known_rules(programme: Programme, kept: Versions) -> Versions:
    """Return the rules in force, as they are kept if they are, then those kept otherwise."""
    rules = programme.rules
    return {rules.version: rules.document, **kept} if rules else kept
