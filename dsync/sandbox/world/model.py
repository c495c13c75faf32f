"""The state of the sandbox: démarches, revisions, groupes, labels, dossiers, faults.

An attribute with the name of a field of the API (in snake case) is served as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, ClassVar, Literal, TypeVar

from dsync.sandbox.content.seeds import DescriptorSeed, DossierSeed, FormSeed
from dsync.sandbox.world import ids
from dsync.sandbox.world.clock import Clock

FINISHED = frozenset({"accepte", "refuse", "sans_suite"})

Actor = Literal["usager", "administration"]
Source = Literal["champs", "annotations"]
T = TypeVar("T", bound="Identified")


class Identified:
    """An object with an opaque id in the API."""

    KIND: ClassVar[str]
    key: int

    @property
    def id(self) -> str:
        """The opaque id."""
        return ids.encode(self.KIND, self.key)


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
    closed: bool = False


@dataclass(eq=False)
class Label(Identified):
    """A label of a démarche."""

    KIND = "Label"
    key: int
    name: str
    color: str


@dataclass(eq=False)
class FormRevision(Identified):
    """One version of the form; a draft has no publication date."""

    KIND = "ProcedureRevision"
    key: int
    date_creation: datetime
    date_publication: datetime | None
    champs: list[DescriptorSeed]
    annotations: list[DescriptorSeed]

    def descriptor(
        self, source: Source, stable_id: int
    ) -> tuple[DescriptorSeed, DescriptorSeed | None]:
        """Return a descriptor, and the repetition that contains it or None.

        Raises:
            KeyError: the revision has no descriptor with that id.
        """
        for candidate in getattr(self, source):
            if candidate["stable_id"] == stable_id:
                return candidate, None
            for cell in candidate["champs"]:
                if cell["stable_id"] == stable_id:
                    return cell, candidate
        raise KeyError(stable_id)


@dataclass(eq=False)
class Row:
    """A row of a repetition; its values by stable id."""

    ulid: str
    cells: dict[int, Any]


@dataclass(eq=False)
class LifeStep:
    """A traitement of a dossier."""

    event: str
    state: str
    date_traitement: datetime
    email_agent_traitant: str | None = None
    motivation: str | None = None
    revision: FormRevision | None = None
    """The dossier's revision at that time."""


@dataclass(frozen=True, slots=True)
class DossierFault:
    """A fault that a test set on a dossier; it lasts until `Control.repair`."""

    kind: Literal[
        "null_node", "failed_read", "failed_write", "lost_write", "null_field", "replaced_json"
    ]
    number: int | None
    """The dossier; None: every answer (`replaced_json` only)."""
    champs_only: bool = False
    """Whether it applies only to documents that ask for champs."""
    path: tuple[str | int, ...] = ()
    """For `null_field`, `replaced_json`: keys and indexes from the dossier or the answer's top.

    For `lost_write`: the annotation's stable id.
    """
    json: str = "null"
    """For `replaced_json`: the text to send; it may be invalid JSON."""


@dataclass(eq=False)
class Deletion:
    """The reason and the instant of an erasure."""

    key: int
    reason: str
    at: datetime


@dataclass(eq=False)
class ServedDossier(Identified):
    """A dossier with its state in the sandbox; `seed` has the values without a further state."""

    KIND = "Dossier"
    seed: DossierSeed
    demarche: ServedDemarche
    groupe: Groupe
    revision: FormRevision
    updated_at: datetime
    annotations_at: datetime
    champs_at: datetime
    labels: list[Label]
    followers: list[Agent]
    steps: list[LifeStep]
    hidden_by: set[Actor] = field(default_factory=set)
    hidden_at: datetime | None = None
    expired: bool = False
    deletion: Deletion | None = None
    correction_at: datetime | None = None
    usager_deleted: bool = False
    hidden_champs: set[int] = field(default_factory=set)
    """Stable ids of the champs that the form's conditional logic hides."""
    touched: dict[str, datetime] = field(default_factory=dict)
    """Instant of a champ's last change by its key; a champ without an entry: the deposit."""
    rows: dict[int, list[Row]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The dossier's number."""
        return self.seed.number

    @property
    def key(self) -> int:  # type: ignore[override]
        """The number, from which DS makes the id."""
        return self.seed.number

    @property
    def presence(self) -> str:
        """present, masque, expire or supprime: which list of the API has it."""
        if self.deletion:
            return "supprime"
        if self.expired:
            return "expire"
        if "administration" in self.hidden_by:
            return "masque"
        hidden = "usager" in self.hidden_by and self.seed.state not in FINISHED
        return "masque" if hidden else "present"

    def rows_of(self, repetition: DescriptorSeed, source: Source) -> list[Row]:
        """Return the rows of a repetition; DS creates a mandatory or private one with one row."""
        stable_id = repetition["stable_id"]
        if stable_id not in self.rows:
            answers = getattr(self.seed, source).get(stable_id)
            if answers is None:
                answers = [{}] if source == "annotations" or repetition["required"] else []
            self.rows[stable_id] = [
                Row(ids.ulid(self.seed.depose_at, self.number, stable_id, index), dict(cells))
                for index, cells in enumerate(answers)
            ]
        return self.rows[stable_id]


@dataclass(eq=False)
class ServedDemarche(Identified):
    """A démarche with its form and its dossiers."""

    KIND = "Procedure"
    number: int
    path: str
    title: str
    description: str
    date_creation: datetime
    date_publication: datetime
    labels: list[Label]
    revisions: list[FormRevision]
    """Oldest first; the last one is the draft, the one before it is the published one."""
    groupes: list[Groupe] = field(default_factory=list)
    dossiers: dict[int, ServedDossier] = field(default_factory=dict)
    state: str = "publiee"
    date_fermeture: datetime | None = None
    modified_at: datetime | None = None

    @property
    def key(self) -> int:  # type: ignore[override]
        """The number, from which DS makes the id."""
        return self.number

    @property
    def published(self) -> FormRevision:
        """The published revision."""
        return self.revisions[-2]

    @property
    def date_derniere_modification(self) -> datetime | None:
        """Instant of the démarche's last change, or else of the last publication."""
        return self.modified_at or self.published.date_publication


class World:
    """The démarches, the clock, and the lock that every request and every change takes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.demarches: dict[int, ServedDemarche] = {}
        self.agents: dict[str, Agent] = {}
        self.dossier_faults: list[DossierFault] = []
        self._keys = {
            FormRevision: count(1),
            Groupe: count(1),
            Label: count(1),
            Deletion: count(1),
            Agent: count(2),
        }

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.clock.now()

    def key(self, kind: type[Any]) -> int:
        """Return a new key for an object of this kind."""
        return next(self._keys[kind])

    def add_demarche(self, form: FormSeed, seeds: Iterable[DossierSeed]) -> ServedDemarche:
        """Add a published démarche with its dossiers."""
        revisions = [
            FormRevision(
                self.key(FormRevision),
                revision.created_at,
                revision.published_at,
                deepcopy(revision.champs),
                deepcopy(revision.annotations),
            )
            for revision in form.revisions
        ]
        demarche = ServedDemarche(
            form.number,
            form.path,
            form.title,
            form.description,
            revisions[0].date_creation,
            form.revisions[0].published_at,
            [Label(self.key(Label), name, color) for name, color in form.labels.items()],
            revisions,
        )
        for label, emails in form.groupes.items():
            agents = [self._agent(email) for email in emails]
            demarche.groupes.append(Groupe(self.key(Groupe), demarche, label, agents))
        self.begin_draft(demarche)
        self.demarches[form.number] = demarche
        for seed in sorted(seeds, key=lambda seed: seed.updated_at):
            self.add_dossier(demarche, seed)
        return demarche

    def begin_draft(self, demarche: ServedDemarche) -> None:
        """Add a draft revision with the content of the newest one."""
        newest = demarche.revisions[-1]
        created_at = newest.date_publication or self.now()
        contents = deepcopy(newest.champs), deepcopy(newest.annotations)
        draft = FormRevision(self.key(FormRevision), created_at, None, *contents)
        demarche.revisions.append(draft)

    def add_dossier(self, demarche: ServedDemarche, seed: DossierSeed) -> ServedDossier:
        """Add a dossier to a démarche."""
        groupe = demarche.groupes[0]
        agent = groupe.instructeurs[0]
        dossier = ServedDossier(
            seed,
            demarche,
            groupe,
            demarche.revisions[seed.revision],
            seed.updated_at,
            seed.depose_at,
            seed.depose_at,
            [label for label in demarche.labels if label.name in seed.labels],
            [agent] if seed.state != "en_construction" else [],
            _steps(seed, agent.email, demarche.revisions[seed.revision]),
        )
        if seed.presence != "present":
            dossier.hidden_at = seed.updated_at
        if seed.presence == "masque_usager":
            dossier.hidden_by.add("usager")
        elif seed.presence == "masque_administration":
            dossier.hidden_by.add("administration")
        elif seed.presence == "supprime":
            reason = "instructeur_request" if seed.state in FINISHED else "user_request"
            self.erase(dossier, reason, seed.updated_at)
        dossier.expired = seed.presence == "expire"
        demarche.dossiers[seed.number] = dossier
        return dossier

    def erase(self, dossier: ServedDossier, reason: str, at: datetime) -> None:
        """Erase a dossier: it moves to the list of erased ones.

        Args:
            dossier: the dossier.
            reason: as the API names it.
            at: instant of the erasure.
        """
        dossier.deletion = Deletion(self.key(Deletion), reason, at)

    def dossier(self, number: int | None) -> ServedDossier | None:
        """Return a dossier by number, hidden and erased ones included."""
        found = (d.dossiers.get(number) for d in self.demarches.values() if number is not None)
        return next((dossier for dossier in found if dossier), None)

    def shown_dossier(self, number: int | None) -> ServedDossier | None:
        """Return a dossier that the API shows, None for another one."""
        dossier = self.dossier(number)
        return dossier if dossier and dossier.presence == "present" else None

    def _agent(self, email: str) -> Agent:
        if email not in self.agents:
            self.agents[email] = Agent(self.key(Agent), email)
        return self.agents[email]


def by_id(text: str, candidates: Iterable[T]) -> T | None:
    """Return the object with that id, None when there is none."""
    return next((candidate for candidate in candidates if candidate.id == text), None)


def _steps(seed: DossierSeed, agent: str, revision: FormRevision) -> list[LifeStep]:
    steps = [LifeStep("depose", "en_construction", seed.depose_at)]
    if seed.en_instruction_at:
        at = seed.en_instruction_at
        steps.append(LifeStep("passe_en_instruction", "en_instruction", at, agent))
    if seed.traite_at and seed.state in FINISHED:
        event = "classe_sans_suite" if seed.state == "sans_suite" else seed.state
        steps.append(LifeStep(event, seed.state, seed.traite_at, agent, seed.motivation))
    for step in steps:
        step.revision = revision
    return steps
