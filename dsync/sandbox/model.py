"""The state of the sandbox: forms, démarches, groupes, labels, dossiers, faults.

An attribute with the name of a field of the API (in snake case) is served as it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar

from dsync.sandbox import opaque_ids

State = Literal["en_construction", "en_instruction", "accepte", "refuse", "sans_suite"]
"""A dossier's state as the API names it. The API never shows a brouillon, so there is none."""

Presence = Literal["present", "masque_usager", "masque_administration", "expire", "supprime"]
"""Who hid a dossier, if anybody did; see `ServedDossier.listed`."""

VirusScan = Literal["safe", "pending", "infected"]
Actor = Literal["usager", "administration"]
Source = Literal["champs", "annotations"]
T = TypeVar("T", bound="Identified")

FINISHED = frozenset({"accepte", "refuse", "sans_suite"})


class Identified:
    """An object with an opaque id in the API, made of its kind and the value of an attribute."""

    KIND: ClassVar[str]
    KEY: ClassVar[str] = "key"

    @property
    def id(self) -> str:
        """The opaque id."""
        return opaque_ids.encode(self.KIND, getattr(self, self.KEY))


@dataclass
class ChampDescriptor(Identified):
    """One champ or annotation of a form."""

    KIND, KEY = "Champ", "stable_id"
    stable_id: int
    type: str
    label: str
    required: bool = False
    options: list[str] = field(default_factory=list)
    other_option: bool = False
    is_advanced: bool = False
    """Whether the options are items of a list of their own (« choix avancé »): DS then gives their
    ids as a champ's values, and no options of a single choice."""
    champs: list[ChampDescriptor] = field(default_factory=list)
    """Those of a repetition's rows."""

    def __post_init__(self) -> None:
        self.options, self.champs = [*self.options], descriptors(self.champs)

    @property
    def served_options(self) -> list[str]:
        """The options that DS gives."""
        return [] if self.is_advanced and self.type == "drop_down_list" else self.options

    def value_of(self, option: str) -> str:
        """Return what DS stores of an option."""
        if not self.is_advanced or option not in self.options:
            return option
        return str(1000 * self.stable_id + self.options.index(option))

    @property
    def level(self) -> int | None:
        """The level of a section's title."""
        return 1 if self.type == "header_section" else None


def descriptors(given: Iterable[ChampDescriptor | dict[str, Any]]) -> list[ChampDescriptor]:
    """Return copies of descriptors, some of which may be given as mappings of their fields."""
    return [ChampDescriptor(**each) if isinstance(each, dict) else replace(each) for each in given]


@dataclass(eq=False)
class Agent(Identified):
    """An instructeur; may write into the dossiers of the groupes that have this instructeur."""

    KIND = "Instructeur"
    key: int
    email: str


@dataclass(eq=False)
class Groupe(Identified):
    """A groupe instructeur of a démarche."""

    KIND = "GroupeInstructeur"
    key: int
    demarche: ServedDemarche
    label: str
    instructeurs: list[Agent]


@dataclass(eq=False)
class Label(Identified):
    """A label of a démarche; a dossier has its name."""

    KIND = "Label"
    key: int
    name: str
    color: str


@dataclass(eq=False)
class FormRevision(Identified):
    """One version of the form; a draft has no publication date."""

    KIND = "ProcedureRevision"
    date_publication: datetime | None
    champs: list[ChampDescriptor]
    annotations: list[ChampDescriptor]
    key: int = 0

    def __post_init__(self) -> None:
        # No two revisions share a descriptor: a change of the draft leaves the others as they are.
        self.champs, self.annotations = descriptors(self.champs), descriptors(self.annotations)

    def descriptor(
        self, source: Source, stable_id: int
    ) -> tuple[ChampDescriptor, ChampDescriptor | None]:
        """Return a descriptor, and the repetition that contains it or None."""
        for candidate in getattr(self, source):
            if candidate.stable_id == stable_id:
                return candidate, None
            for cell in candidate.champs:
                if cell.stable_id == stable_id:
                    return cell, candidate
        raise KeyError(stable_id)


@dataclass(slots=True)
class FormSeed:
    """A démarche with its revisions, oldest first; the last one is published."""

    number: int
    title: str
    labels: dict[str, str]
    """Colours by name."""
    groupes: dict[str, list[str]]
    """E-mail addresses of the instructeurs by the groupe's label."""
    revisions: list[FormRevision]


@dataclass(slots=True)
class FileSeed:
    """A file of a champ; the API does not list an infected one."""

    filename: str
    content_type: str
    content: bytes
    virus_scan: VirusScan = "safe"


@dataclass(eq=False)
class Row:
    """A row of a repetition; its values by stable id."""

    ulid: str
    cells: dict[int, Any]


@dataclass(frozen=True, slots=True)
class DossierFault:
    """A fault that a test set on a dossier; it lasts until `Control.repair`."""

    kind: Literal[
        "null_node",
        "null_field",
        "failed_field",
        "replaced_json",
        "odd_entry",
        "failed_read",
        "failed_write",
        "lost_write",
    ]
    """What is wrong.

    `null_node`: null in place of the dossier, with an error. `null_field`: null for a field; if the
    schema declares it non-null, the nearest nullable object around it is null. `failed_field`: the
    same with an error in any case. `replaced_json`: other JSON in place of a field, or of the whole
    dossier. `odd_entry`: HTTP 500 to what reads its entry in a list of deletions. `failed_read`,
    `failed_write`: HTTP 500 to what reads it, or its field at `path`, or writes its annotations.
    `lost_write`: annotations written are answered as saved, and are not saved.
    """
    champs_only: bool = False
    """Whether it applies only to documents that ask for champs."""
    path: tuple[str | int, ...] = ()
    """For `null_field`, `failed_field`, `replaced_json`, `failed_read`: keys and indexes from the
    dossier.

    For `lost_write`: the annotation's stable id.
    """
    json: str = "null"
    """For `replaced_json`: the text to send; it may be invalid JSON."""


@dataclass(eq=False)
class Deletion(Identified):
    """The reason and the instant of an erasure, or of what hides a dossier until then."""

    KIND = "DeletedDossier"
    key: int
    dossier: ServedDossier
    reason: str
    at: datetime


@dataclass(frozen=True)
class SentMessage:
    """A message of a dossier."""

    at: datetime
    sender: str
    """usager, agent (the first instructeur of its groupe), system, or an address."""
    asks_correction: bool = False
    corrected_at: datetime | None = None
    discarded_at: datetime | None = None
    text: str = ""
    files: tuple[str, ...] = ()
    """Names of attached files, which have no content."""


@dataclass
class ServedDossier(Identified):
    """One dossier; its values are keyed by the descriptor's stable id.

    By descriptor type a value is: text, textarea, email, phone, iban, drop_down_list, civilite,
    formatted, rna, rnf, engagement_juridique and the like: `str`; integer_number, dossier_link:
    `int`; decimal_number: `float`; checkbox, yes_no: `bool`; date: `"YYYY-MM-DD"`; datetime: an
    aware `datetime`; multiple_drop_down_list: `list[str]`; linked_drop_down_list:
    `[primary, secondary]`; departements, regions, pays, epci: `{"code", "name"}`; communes the same
    with `postal_code`; address: the fields of `Address` and `label`; siret: a `demandeur` of kind
    "morale", or only the number while the registry is down; piece_justificative, titre_identite:
    `list[FileSeed]`; carte: a list of GeoJSON geometries, each with the further fields of its
    `GeoArea`; repetition: a list of rows, each `dict[int, value]`.
    An absent key is an unanswered champ; a row without keys is an empty row.
    """

    KIND, KEY = "Dossier", "number"
    number: int
    state: State
    depose_at: datetime
    en_instruction_at: datetime | None
    traite_at: datetime | None
    updated_at: datetime
    demandeur: dict[str, Any]
    usager_email: str
    champs: dict[int, Any]
    annotations: dict[int, Any]
    archived: bool = False
    labels: list[str] = field(default_factory=list)
    motivation: str | None = None
    revision: int = 0
    """Index of its revision in those of the démarche; 0 is the first."""
    prefilled: bool = False
    depose_par_un_tiers: bool | None = False
    prenom_mandataire: str | None = None
    nom_mandataire: str | None = None
    messages: list[SentMessage] = field(default_factory=list)
    presence: Presence = "present"
    why: str = ""
    """The case that this dossier illustrates, in French, after the expected verdict.

    The verdict is the one without other dossiers: a later doublon can lower « Éligible ».
    """

    def __post_init__(self) -> None:
        # What the sandbox keeps of it while it runs; a démarche, a groupe and dates: once added.
        self.demarche: ServedDemarche
        self.groupe: Groupe
        self.champs_at: datetime
        self.annotations_at: datetime
        self.correction_at: datetime | None = None
        self.hidden_at: datetime | None = None
        self.deletion: Deletion | None = None
        self.followers: list[Agent] = []
        self.traitements: list[dict[str, Any]] = []
        self.hidden_champs: set[int] = set()
        """Stable ids of the champs that the form's conditional logic hides."""
        self.touched: dict[str, datetime] = {}
        """Instant of a champ's last change by its key; a champ without an entry: the deposit."""
        self.rows: dict[int, list[Row]] = {}
        self.faults: list[DossierFault] = []

    @property
    def form(self) -> FormRevision:
        """Its revision."""
        return self.demarche.revisions[self.revision]

    @property
    def listed(self) -> str:
        """present, masque, expire or supprime: which list of the API has it; none if expired.

        A finished dossier that only its usager hid stays in the list of dossiers.
        """
        if self.presence == "masque_usager" and self.state in FINISHED:
            return "present"
        return self.presence.partition("_")[0]

    @property
    def removal(self) -> Deletion | None:
        """Its erasure, or else what will be told of it while it is hidden."""
        if self.deletion or self.hidden_at is None:
            return self.deletion
        by_agent = self.presence == "masque_administration"
        reason = "instructeur_request" if by_agent else "user_request"
        return Deletion(self.number, self, reason, self.hidden_at)

    def end_correction(self, at: datetime | None) -> None:
        """End the pending correction at an instant, if there is one."""
        self.correction_at = None
        self.messages = [
            replace(one, corrected_at=one.corrected_at or at) if one.asks_correction else one
            for one in self.messages
        ]

    def faults_of(self, kind: str) -> list[DossierFault]:
        """Return the faults of that kind that a test set on it."""
        return [fault for fault in self.faults if fault.kind == kind]

    def record(
        self, event: str, state: str, at: datetime, agent: str = "", motivation: str | None = None
    ) -> None:
        """Add a traitement with the present revision, and the address of an instructeur, if any."""
        step = {"event": event, "state": state, "date_traitement": at, "revision": self.form}
        step |= {"email_agent_traitant": agent or None, "motivation": motivation}
        self.traitements.append(step)

    def rows_of(self, repetition: ChampDescriptor, source: Source) -> list[Row]:
        """Return the rows of a repetition; DS creates a mandatory or private one with one row."""
        stable_id = repetition.stable_id
        if stable_id not in self.rows:
            answers = getattr(self, source).get(stable_id)
            if answers is None:
                answers = [{}] if source == "annotations" or repetition.required else []
            self.rows[stable_id] = [
                Row(opaque_ids.ulid(self.depose_at, self.number, stable_id, index), dict(cells))
                for index, cells in enumerate(answers)
            ]
        return self.rows[stable_id]


@dataclass(eq=False)
class ServedDemarche(Identified):
    """A démarche with its form and its dossiers."""

    KIND, KEY = "Procedure", "number"
    number: int
    title: str
    labels: list[Label]
    revisions: list[FormRevision]
    """Oldest first; the last one is the draft, the one before it is the published one."""
    groupes: list[Groupe] = field(default_factory=list)
    dossiers: dict[int, ServedDossier] = field(default_factory=dict)
    state: str = "publiee"

    @property
    def published(self) -> FormRevision:
        """The published revision."""
        return self.revisions[-2]


class World:
    """The démarches, the clock, and the lock that every request and every change takes.

    `clock` gives the time while nobody has moved it; None: the system's.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or partial(datetime.now, UTC)
        self.ahead = timedelta()
        """How far the sandbox's time was moved."""
        self.lock = threading.RLock()
        self.demarches: dict[int, ServedDemarche] = {}
        self.agents: dict[str, Agent] = {}
        self.addresses: dict[str, tuple[dict[str, Any], datetime]] = {}
        """By the secret part of an address: the file, and when the address expires."""
        self._keys: Counter[type[Any]] = Counter({Agent: 1})

    def now(self) -> datetime:
        """Return the sandbox's time, in UTC."""
        return self._clock().astimezone(UTC) + self.ahead

    def key(self, kind: type[Any]) -> int:
        """Return a new key for an object of this kind."""
        self._keys[kind] += 1
        return self._keys[kind]

    def add_demarche(self, form: FormSeed, dossiers: Iterable[ServedDossier]) -> ServedDemarche:
        """Add a published démarche with its dossiers, both copied."""
        revisions = [replace(revision, key=self.key(FormRevision)) for revision in form.revisions]
        labels = [Label(self.key(Label), name, color) for name, color in form.labels.items()]
        demarche = ServedDemarche(form.number, form.title, labels, revisions)
        for label, emails in form.groupes.items():
            agents = [self._agent(email) for email in emails]
            demarche.groupes.append(Groupe(self.key(Groupe), demarche, label, agents))
        self.begin_draft(demarche)
        self.demarches[form.number] = demarche
        for dossier in sorted(dossiers, key=lambda dossier: dossier.updated_at):
            self.add_dossier(demarche, dossier)
        return demarche

    def begin_draft(self, demarche: ServedDemarche) -> None:
        """Add a draft revision with the content of the newest one."""
        newest = demarche.revisions[-1]
        key = self.key(FormRevision)
        demarche.revisions.append(replace(newest, key=key, date_publication=None))

    def add_dossier(self, demarche: ServedDemarche, given: ServedDossier) -> None:
        """Add a copy of a dossier to a démarche, as the démarche's first groupe has it."""
        dossier = replace(given, messages=[*given.messages])
        dossier.demarche, dossier.groupe = demarche, demarche.groupes[0]
        dossier.labels = [label.name for label in demarche.labels if label.name in given.labels]
        dossier.champs_at = dossier.annotations_at = dossier.depose_at
        agent = dossier.groupe.instructeurs[0]
        dossier.followers = [agent] if dossier.state != "en_construction" else []
        dossier.record("depose", "en_construction", dossier.depose_at)
        if dossier.en_instruction_at:
            at = dossier.en_instruction_at
            dossier.record("passe_en_instruction", "en_instruction", at, agent.email)
        if dossier.traite_at and dossier.state in FINISHED:
            event = "classe_sans_suite" if dossier.state == "sans_suite" else dossier.state
            dossier.record(event, dossier.state, dossier.traite_at, agent.email, dossier.motivation)
        if dossier.presence != "present":
            dossier.hidden_at = dossier.updated_at
        if dossier.presence == "supprime":
            reason = "instructeur_request" if dossier.state in FINISHED else "user_request"
            self.erase(dossier, reason, dossier.updated_at)
        demarche.dossiers[dossier.number] = dossier

    def erase(self, dossier: ServedDossier, reason: str, at: datetime) -> None:
        """Move a dossier to the list of erased ones; the reason is as the API names it."""
        dossier.presence = "supprime"
        dossier.deletion = Deletion(self.key(Deletion), dossier, reason, at)

    def dossier(self, number: int | None) -> ServedDossier | None:
        """Return a dossier by number, hidden and erased ones included."""
        found = (d.dossiers.get(number) for d in self.demarches.values() if number is not None)
        return next((dossier for dossier in found if dossier), None)

    def shown_dossier(self, number: int | None) -> ServedDossier | None:
        """Return a dossier that the API shows, None for another one."""
        dossier = self.dossier(number)
        return dossier if dossier and dossier.listed == "present" else None

    def _agent(self, email: str) -> Agent:
        if email not in self.agents:
            self.agents[email] = Agent(self.key(Agent), email)
        return self.agents[email]


def by_id(text: str, candidates: Iterable[T]) -> T | None:
    """Return the object with that id, None when there is none."""
    return next((candidate for candidate in candidates if candidate.id == text), None)
