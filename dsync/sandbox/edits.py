"""What usagers, instructeurs, administrateurs and DS itself change, with the dates that it sets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

from dsync.sandbox import opaque_ids
from dsync.sandbox.model import (
    FINISHED,
    Actor,
    ChampDescriptor,
    FormRevision,
    FormSeed,
    Label,
    Row,
    SentMessage,
    ServedDemarche,
    ServedDossier,
    Source,
    VirusScan,
    World,
    descriptors,
)
from dsync.sandbox.scalars import NOT_TEXT, ServedChamp

T = TypeVar("T", bound=type[Any])

_EVENTS = {
    ("en_construction", "en_instruction"): "passe_en_instruction",
    ("en_instruction", "en_construction"): "repasse_en_construction",
    ("en_instruction", "accepte"): "accepte",
    ("en_instruction", "refuse"): "refuse",
    ("en_instruction", "sans_suite"): "classe_sans_suite",
    ("en_construction", "accepte"): "accepte_automatiquement",
    ("en_construction", "refuse"): "refuse_automatiquement",
}
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MAX_DECIMALS = 3


class RefusalError(Exception):
    """DS refuses a change; the message is in French. Nothing was changed."""


def locked(cls: T) -> T:
    """Decorate a class: its public methods hold the world's lock, which requests take too."""

    def with_lock(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def hold(self: Acting, *arguments: Any, **named: Any) -> Any:
            with self.world.lock:
                return method(self, *arguments, **named)

        return hold

    for name, method in list(vars(cls).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(cls, name, with_lock(method))
    return cls


@dataclass(slots=True)
class Change:
    """The changes of a new revision; champs, columns and annotations are given by stable id."""

    add_champs: list[ChampDescriptor] = field(default_factory=list)
    add_annotations: list[ChampDescriptor] = field(default_factory=list)
    rename: dict[int, str] = field(default_factory=dict)
    remove: list[int] = field(default_factory=list)
    retype: dict[int, str] = field(default_factory=dict)
    options: dict[int, list[str]] = field(default_factory=dict)

    def apply(self, revision: FormRevision) -> None:
        """Make the changes in a draft."""
        revision.champs += descriptors(self.add_champs)
        revision.annotations += descriptors(self.add_annotations)
        for kept in (revision.champs, revision.annotations):
            for those in (kept, *(d.champs for d in kept)):
                those[:] = [d for d in those if d.stable_id not in self.remove]
            for descriptor in [*kept, *(cell for d in kept for cell in d.champs)]:
                stable_id = descriptor.stable_id
                descriptor.label = self.rename.get(stable_id, descriptor.label)
                descriptor.type = self.retype.get(stable_id, descriptor.type)
                descriptor.options = self.options.get(stable_id, descriptor.options)


class Acting:
    """Base of what changes one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _demarche(self, number: int | None) -> ServedDemarche:
        return self.world.demarches[next(iter(self.world.demarches)) if number is None else number]

    def _label(self, name: str, demarche: ServedDemarche | None = None) -> Label:
        labels = (demarche or self._demarche(None)).labels
        return next(label for label in labels if label.name == name)

    def _dossier(self, number: int) -> ServedDossier:
        found = self.world.dossier(number)
        if found is None:
            raise KeyError(f"the sandbox has no dossier {number}")
        return found


@locked
class ClockChanges(Acting):
    """The sandbox's time."""

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.world.now()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self.world.ahead += timedelta(seconds=seconds)

    def set_clock(self, to: datetime) -> None:
        """Set the sandbox's clock to an aware instant; it runs on from there."""
        self.world.ahead += to - self.world.now()


@locked
class FormChanges(Acting):
    """The changes of démarches: their forms and their labels."""

    def add_demarche(
        self, number: int, form: FormSeed, dossiers: Sequence[ServedDossier] = ()
    ) -> None:
        """Add one more démarche; its dossiers get the numbers 1000 times its own + rank.

        Raises:
            ValueError: another démarche has that number.
        """
        if number in self.world.demarches:
            raise ValueError(f"the sandbox has a démarche {number} already")
        renumbered = [replace(d, number=number * 1000 + rank) for rank, d in enumerate(dossiers, 1)]
        self.world.add_demarche(replace(form, number=number), renumbered)

    def rename_label(self, old: str, new: str) -> None:
        """Rename a label of the démarche; no date moves."""
        self._label(old).name = new
        for dossier in self._demarche(None).dossiers.values():
            dossier.labels = [new if name == old else name for name in dossier.labels]

    def replace_label(self, name: str) -> None:
        """Delete a label of the démarche and create one of the same name; no date moves."""
        labels, old = self._demarche(None).labels, self._label(name)
        rank = labels.index(old)
        self.remove_label_of_demarche(name)
        labels.insert(rank, Label(self.world.key(Label), name, old.color))

    def remove_label_of_demarche(self, name: str) -> None:
        """Delete a label of the démarche and of its dossiers; no date moves."""
        self._demarche(None).labels.remove(self._label(name))
        for dossier in self._demarche(None).dossiers.values():
            dossier.labels = [label for label in dossier.labels if label != name]

    def hide_champ(self, number: int, stable_id: int) -> None:
        """Hide a champ by the form's conditional logic."""
        dossier = self._dossier(number)
        dossier.updated_at = self.world.now()
        dossier.hidden_champs.add(stable_id)

    def publish_revision(
        self, change: Change, *, rebases: bool = True, number: int | None = None
    ) -> str:
        """Publish a new revision of a démarche's form, of the main one without a number.

        Return its id. Open dossiers move to it at once, or else by `rebase`.
        """
        demarche = self._demarche(number)
        revision = demarche.revisions[-1]
        change.apply(revision)
        revision.date_publication = self.world.now()
        self.world.begin_draft(demarche)
        if rebases:
            _rebase(demarche, None, change.retype)
        return revision.id

    def rebase(self, number: int | None = None) -> None:
        """Move one open dossier, or all, to the active revision; none of their dates moves."""
        _rebase(self._demarche(None), number, {})


@locked
class Changes(Acting):
    """The changes of dossiers.

    Args of the methods: `number` is a dossier's, `stable_id` a champ's or an annotation's, `value`
    its new value (see `ServedDossier`), `row` the index of the row in a repetition, `demarche` the
    number of a démarche, None for the main one.
    """

    # --- what an usager does ----------------------------------------------------------------

    def edit_champ(
        self,
        number: int,
        stable_id: int,
        value: Any,
        *,
        row: int | None = None,
        at: datetime | None = None,
    ) -> None:
        """Submit a new value of a champ, which ends a pending correction.

        `at` is the date of a change in a transaction that began then and is committed now.
        """
        dossier = self._edit(number, "champs", stable_id, value, row, at or self.world.now())
        dossier.champs_at = dossier.updated_at
        dossier.end_correction(dossier.updated_at)
        dossier.record("depose_correction_usager", dossier.state, dossier.updated_at)

    def save_without_submitting(self, number: int) -> None:
        """Edit without submitting: only the date of last change moves."""
        self._changed(number)

    def deposit(self, seed: ServedDossier) -> None:
        """Add a new dossier to the main démarche."""
        self.world.add_dossier(self._demarche(None), seed)
        self._tell(self._dossier(seed.number))

    # --- what an instructeur does -----------------------------------------------------------

    def move(
        self, number: int, state: str, *, motivation: str | None = None, agent: str | None = None
    ) -> None:
        """Move a dossier to another state; a final one may have a motivation.

        `agent` is the instructeur's e-mail address; None: the first one of its groupe.
        """
        dossier = self._changed(number)
        at, is_final = dossier.updated_at, state in FINISHED
        event = _EVENTS.get((dossier.state, state), "repasse_en_instruction")
        dossier.state = state  # type: ignore[assignment]
        if not is_final:
            dossier.en_instruction_at = at if state == "en_instruction" else None
        dossier.traite_at = at if is_final else None
        dossier.motivation = motivation if is_final else None
        dossier.record(event, state, at, agent or _agent(dossier), dossier.motivation)
        self._tell(dossier)

    def edit_annotation(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Edit an annotation in the web interface, which sets the annotations' date.

        A write by API does not set that date.
        """
        dossier = self._edit(number, "annotations", stable_id, value, row, self.world.now())
        dossier.annotations_at = dossier.updated_at

    def correct_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Correct a champ as an instructeur, which DS allows since June 2026.

        This does not set the champs' date, which is the usager's.
        """
        dossier = self._edit(number, "champs", stable_id, value, row, self.world.now())
        event = "depose_correction_instructeur"
        dossier.record(event, dossier.state, dossier.updated_at, _agent(dossier))

    def ask_correction(self, number: int) -> None:
        """Ask the usager for a correction; it is pending until the usager submits."""
        dossier = self._changed(number)
        dossier.correction_at = dossier.updated_at
        dossier.messages.append(SentMessage(dossier.updated_at, "agent", asks_correction=True))

    def send_message(
        self, number: int, sender: str = "agent", text: str = "", files: tuple[str, ...] = ()
    ) -> None:
        """Write to the usager, or the usager to the instructeurs; `sender` as in `SentMessage`."""
        dossier = self._changed(number)
        dossier.messages.append(SentMessage(dossier.updated_at, sender, text=text, files=files))

    def discard_message(self, number: int) -> None:
        """Take back the last message: it stays, without its text."""
        dossier = self._changed(number)
        last = dossier.messages[-1]
        dossier.messages[-1] = replace(last, discarded_at=dossier.updated_at, text="", files=())

    def withdraw_correction(self, number: int) -> None:
        """Withdraw the pending request for a correction; DS journals no traitement for it."""
        dossier = self._changed(number)
        dossier.end_correction(dossier.updated_at)

    def add_annotation_row(self, number: int, stable_id: int) -> None:
        """Add an empty row to a repetition among the annotations; this sets no date."""
        dossier = self._dossier(number)
        repetition, _ = dossier.form.descriptor("annotations", stable_id)
        rows = dossier.rows_of(repetition, "annotations")
        rows.append(Row(opaque_ids.ulid(self.world.now(), number, stable_id, len(rows)), {}))

    def add_label(self, number: int, name: str) -> None:
        """Add a label to a dossier; since July 2026 its date of last change moves."""
        self._label(name, self._dossier(number).demarche)
        if name not in self._dossier(number).labels:
            self._changed(number).labels.append(name)

    def remove_label(self, number: int, name: str) -> None:
        """Remove a label from a dossier; since July 2026 its date of last change moves."""
        self._label(name, self._dossier(number).demarche)
        if name in self._dossier(number).labels:
            self._changed(number).labels.remove(name)

    def archive(self, number: int) -> None:
        """Archive a dossier."""
        self._changed(number).archived = True

    def change_groupe(self, number: int, label: str) -> None:
        """Assign a dossier to the groupe with that label; only its instructeurs may then write."""
        groupes = self._dossier(number).demarche.groupes
        groupe = next(groupe for groupe in groupes if groupe.label == label)
        dossier = self._changed(number)
        dossier.groupe = groupe
        dossier.followers = [agent for agent in dossier.followers if agent in groupe.instructeurs]

    def hide(self, number: int, by: Actor = "usager") -> None:
        """Hide a dossier; one that is finished stays visible when only its usager hides it."""
        dossier = self._changed(number)
        dossier.hidden_at = dossier.updated_at
        if dossier.presence in ("present", "masque_usager"):
            dossier.presence = f"masque_{by}"  # type: ignore[assignment]

    def restore(self, number: int) -> None:
        """Show a hidden or expired dossier again."""
        dossier = self._changed(number)
        dossier.hidden_at = None
        dossier.presence = "supprime" if dossier.deletion else "present"

    # --- what DS does -----------------------------------------------------------------------

    def erase(self, number: int) -> None:
        """Erase a dossier.

        As on DS, the date of one that its usager hid is the day on which it was hidden.
        """
        dossier = self._dossier(number)
        by_usager = dossier.presence == "masque_usager" and dossier.state not in FINISHED
        at = dossier.hidden_at if by_usager and dossier.hidden_at else self.world.now()
        reason = "user_request" if by_usager else "instructeur_request"
        self.world.erase(dossier, "expired" if dossier.presence == "expire" else reason, at)

    def expire(self, number: int) -> None:
        """Hide a dossier because it has expired: none of the three lists has it."""
        dossier = self._changed(number)
        dossier.hidden_at = dossier.updated_at
        dossier.presence = "supprime" if dossier.deletion else "expire"

    def replace_demandeur(self, number: int, demandeur: dict[str, Any]) -> None:
        """Replace the applicant of a dossier; no date moves.

        Without data, they are lost, which the schema excludes.
        """
        self._dossier(number).demandeur = demandeur

    def end_virus_scan(self, number: int, stable_id: int, result: VirusScan) -> None:
        """Set the antivirus result of a champ's files; no date moves."""
        champs = self._dossier(number).champs
        champs[stable_id] = [replace(file, virus_scan=result) for file in champs[stable_id]]

    # ----------------------------------------------------------------------------------------

    def _tell(self, dossier: ServedDossier) -> None:
        """Called when a dossier was deposited or has another state."""

    def _edit(
        self, number: int, source: Source, stable_id: int, value: Any, row: int | None, at: datetime
    ) -> ServedDossier:
        dossier = self._dossier(number)
        descriptor, repetition = dossier.form.descriptor(source, stable_id)
        in_row = dossier.rows_of(repetition, source)[row or 0] if repetition else None
        champ = ServedChamp(dossier, source, descriptor, in_row)
        if champ.type == "repetition":
            dossier.rows.pop(stable_id, None)
        champ.store(value, at)
        return dossier

    def _changed(self, number: int) -> ServedDossier:
        """Return a dossier whose date of last change is now."""
        dossier = self._dossier(number)
        dossier.updated_at = self.world.now()
        return dossier


def _agent(dossier: ServedDossier) -> str:
    return dossier.groupe.instructeurs[0].email


def _rebase(demarche: ServedDemarche, number: int | None, types: Mapping[int, str]) -> None:
    """Move the open dossiers; delete values that do not fit their new type, a text stays a text."""
    for dossier in demarche.dossiers.values():
        if dossier.state in FINISHED or number not in (None, dossier.number):
            continue
        dossier.revision = len(demarche.revisions) - 2
        for answers in (dossier.champs, dossier.annotations):
            for stable_id, type_ in types.items():
                value = answers.get(stable_id)
                if isinstance(value, bool) or isinstance(value, str) is (type_ in NOT_TEXT):
                    answers.pop(stable_id, None)


# --- a value written by API ---------------------------------------------------------------------


def write(champ: ServedChamp, given: Any, at: datetime, *, kept: bool = True) -> None:
    """Store an annotation's value written by API; this does not set the annotations' date.

    It is stored as DS normalises it; None empties the annotation, and an equal value sets no date
    at all. Unless `kept`, the answer is as if the value were saved, and it is not.

    Raises:
        RefusalError: DS's validation refuses the value.
    """
    before, champ.value = champ.value, None if given is None else _kept(champ.descriptor, given)
    if before != champ.value and kept:
        champ.store(champ.value, at)


def _kept(descriptor: ChampDescriptor, value: Any) -> Any:
    """Return a value as DS normalises it."""
    match descriptor.type:
        case "text" | "textarea" | "email":
            # Control characters and carriage returns go; an empty text becomes None.
            lines = value.replace("\r\n", "\n").replace("\r", "\n")
            text = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc")
            if descriptor.type == "email" and text and not _EMAIL.fullmatch(text):
                raise RefusalError(
                    "est invalide. Saisissez une adresse électronique valide. "
                    "Exemple\N{NO-BREAK SPACE}: adresse@mail.com"
                )
            return text or None
        case "drop_down_list" | "multiple_drop_down_list":
            chosen = value if isinstance(value, list) else [value] * bool(value)
            options = {descriptor.value_of(option): option for option in descriptor.options}
            if not descriptor.other_option and any(c not in options for c in chosen):
                raise RefusalError("doit être dans les options proposées")
            kept = [options.get(c, c) for c in chosen]
            return (kept if isinstance(value, list) else kept[0]) if kept else None
        case "decimal_number":
            exponent = Decimal(str(value)).normalize().as_tuple().exponent
            if isinstance(exponent, str) or -exponent > _MAX_DECIMALS:
                raise RefusalError("doit comprendre entre 1 et 3 chiffres après le point")
            return float(value)
        case "datetime":
            return value.astimezone(UTC).replace(microsecond=0)
        case "date":
            return value.isoformat()
    return value
