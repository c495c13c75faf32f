"""Changes of the sandbox's state that do not go through the API, for tests and for people.

Each method does what a usager, an instructeur, an administrateur or DS itself can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from dsync.sandbox.content.seeds import DossierSeed, VirusScan
from dsync.sandbox.graphql.limits import QueryLimit
from dsync.sandbox.http.endpoint import Endpoint, Entry
from dsync.sandbox.http.faults import ScriptedFault
from dsync.sandbox.http.open_data import OpenData
from dsync.sandbox.world import changes
from dsync.sandbox.world.changes import Change
from dsync.sandbox.world.model import (
    FINISHED,
    Actor,
    DossierFault,
    Label,
    ServedDemarche,
    ServedDossier,
    World,
)
from dsync.sandbox.world.truth import DossierTruth, truth_of

T = TypeVar("T", bound=type[Any])


def _locked(cls: T) -> T:
    """Decorate a class: its public methods hold the lock that requests take."""
    for name, method in list(vars(cls).items()):
        if callable(method) and not name.startswith("_"):
            setattr(cls, name, _with_lock(method))
    return cls


def _with_lock(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(self: Control, *arguments: Any, **named: Any) -> Any:
        with self.world.lock:
            return method(self, *arguments, **named)

    return locked


@_locked
class Control:
    """Methods to change and to inspect a running sandbox."""

    def __init__(self, world: World, endpoint: Endpoint, catalogue: OpenData) -> None:
        self.world = world
        self.catalogue = catalogue
        self._endpoint = endpoint
        self._begun: dict[int, tuple[int, Any, datetime]] = {}

    # --- time -------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.world.now()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self.world.clock.advance(timedelta(seconds=seconds))

    def set_clock(self, to: datetime) -> None:
        """Set the sandbox's clock; an instant without an offset is UTC."""
        self.world.clock.set(to if to.tzinfo else to.replace(tzinfo=UTC))

    # --- what an usager does ----------------------------------------------------------------

    def edit_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Submit a new value of a champ.

        Args:
            number: the dossier's.
            stable_id: the champ's.
            value: the new value, see `DossierSeed`.
            row: index of the row, for a champ in a repetition.
        """
        changes.edit(self._dossier(number), "champs", stable_id, value, row, self.now())

    def hide_champ(self, number: int, stable_id: int, *, hidden: bool = True) -> None:
        """Hide a champ by the form's conditional logic, or show it again."""
        dossier = self._dossier(number)
        (dossier.hidden_champs.add if hidden else dossier.hidden_champs.discard)(stable_id)
        dossier.updated_at = self.now()

    def save_without_submitting(self, number: int) -> None:
        """Edit without submitting: only the date of last change moves."""
        self._dossier(number).updated_at = self.now()

    def deposit(self, seed: DossierSeed, *, demarche: int | None = None) -> None:
        """Add a new dossier to a démarche, by default to the main one."""
        self.world.add_dossier(self._demarche(demarche), seed)

    def delete_account(self, number: int) -> None:
        """Delete the account of a dossier's usager."""
        dossier = self._dossier(number)
        dossier.usager_deleted = True
        dossier.updated_at = self.now()

    # --- what an instructeur does -----------------------------------------------------------

    def move(self, number: int, state: str, *, motivation: str | None = None) -> None:
        """Move a dossier to another state, with a reason for a final one."""
        dossier = self._dossier(number)
        changes.move(dossier, state, self.now(), _agent(dossier), motivation)

    def edit_annotation(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Edit an annotation in the web interface, which sets the annotations' date.

        A write by API does not set that date.

        Args:
            number: the dossier's.
            stable_id: the annotation's.
            value: the new value, see `DossierSeed`.
            row: index of the row, for an annotation in a repetition.
        """
        changes.edit(self._dossier(number), "annotations", stable_id, value, row, self.now())

    def correct_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Correct a champ as an instructeur, which DS allows since June 2026.

        Args:
            number: the dossier's.
            stable_id: the champ's.
            value: the new value, see `DossierSeed`.
            row: index of the row, for a champ in a repetition.
        """
        dossier = self._dossier(number)
        agent = _agent(dossier)
        changes.edit(dossier, "champs", stable_id, value, row, self.now(), agent)

    def ask_correction(self, number: int) -> None:
        """Ask the usager for a correction; it is pending until the usager submits."""
        changes.ask_correction(self._dossier(number), self.now())

    def add_annotation_row(self, number: int, stable_id: int) -> None:
        """Add a row to a repetition among the annotations."""
        dossier = self._dossier(number)
        repetition, _ = dossier.revision.descriptor("annotations", stable_id)
        changes.add_row(dossier, repetition, self.now())

    def add_label(self, number: int, name: str) -> None:
        """Add a label to a dossier; its date of last change moves."""
        changes.label(self._dossier(number), self._label(name), self.now(), there=True)

    def remove_label(self, number: int, name: str) -> None:
        """Remove a label from a dossier; its date of last change moves."""
        changes.label(self._dossier(number), self._label(name), self.now(), there=False)

    def rename_label(self, old: str, new: str) -> None:
        """Rename a label of the démarche; no date moves."""
        self._label(old).name = new

    def replace_label(self, name: str) -> None:
        """Delete a label of the démarche and create one of the same name; no date moves."""
        demarche, old = self._demarche(None), self._label(name)
        new = Label(self.world.key(Label), name, old.color)
        demarche.labels[demarche.labels.index(old)] = new
        for dossier in demarche.dossiers.values():
            dossier.labels = [label for label in dossier.labels if label is not old]

    def remove_label_of_demarche(self, name: str) -> None:
        """Delete a label of the démarche and of its dossiers; no date moves."""
        demarche, gone = self._demarche(None), self._label(name)
        demarche.labels.remove(gone)
        for dossier in demarche.dossiers.values():
            dossier.labels = [label for label in dossier.labels if label is not gone]

    def archive(self, number: int, *, archived: bool = True) -> None:
        """Archive a dossier, or undo it."""
        changes.archive(self._dossier(number), self.now(), archived=archived)

    def change_groupe(self, number: int, label: str) -> None:
        """Assign a dossier to the groupe with that label."""
        dossier = self._dossier(number)
        groupe = next(g for g in dossier.demarche.groupes if g.label == label)
        changes.hand_over(dossier, groupe, self.now())

    def hide(self, number: int, by: Actor = "usager") -> None:
        """Hide a dossier; one that is finished stays visible when only its usager hides it."""
        dossier = self._dossier(number)
        dossier.hidden_by.add(by)
        dossier.hidden_at = dossier.updated_at = self.now()

    def restore(self, number: int) -> None:
        """Show a hidden or expired dossier again."""
        dossier = self._dossier(number)
        dossier.hidden_by.clear()
        dossier.hidden_at, dossier.expired, dossier.updated_at = None, False, self.now()

    # --- what DS does --------------------------------------------------------------------

    def erase(self, number: int, *, reason: str | None = None) -> None:
        """Erase a dossier.

        As on DS, the date of one that its usager hid is the day on which it was hidden.
        """
        dossier = self._dossier(number)
        by_usager = "usager" in dossier.hidden_by and dossier.seed.state not in FINISHED
        at = dossier.hidden_at if by_usager and dossier.hidden_at else self.now()
        usual = "user_request" if by_usager else "instructeur_request"
        self.world.erase(dossier, reason or ("expired" if dossier.expired else usual), at)

    def expire(self, number: int) -> None:
        """Hide a dossier because it has expired: none of the three lists has it."""
        dossier = self._dossier(number)
        dossier.expired = True
        dossier.hidden_at = dossier.updated_at = self.now()

    def complete_etablissement(self, number: int, demandeur: dict[str, Any]) -> None:
        """Complete the applicant of a dossier deposited while the registry was down.

        No date moves.
        """
        self._dossier(number).seed.demandeur = {"kind": "morale", **demandeur}

    def end_virus_scan(self, number: int, stable_id: int, result: VirusScan) -> None:
        """Set the antivirus result of a champ's files; no date moves."""
        champs = self._dossier(number).seed.champs
        champs[stable_id] = [replace(file, virus_scan=result) for file in champs[stable_id]]

    def lose_demandeur(self, number: int) -> None:
        """Delete the applicant's data, although the schema declares it non-null."""
        self._dossier(number).seed.demandeur = {}

    def publish_revision(
        self, change: Change, *, demarche: int | None = None, rebases: bool = True
    ) -> str:
        """Publish a new revision of the form and return its id.

        Args:
            change: what differs from the revision before it.
            demarche: number of the démarche; None: the main one.
            rebases: whether open dossiers move to it at once; else `rebase` moves them.
        """
        found = self._demarche(demarche)
        published = changes.publish(self.world, found, change)
        if rebases:
            changes.rebase(found, retype=change.retype)
        return published

    def rebase(self, number: int | None = None) -> None:
        """Move one open dossier, or all, to the active revision; none of their dates moves."""
        changes.rebase(self._demarche(None), number)

    def close_demarche(self, demarche: int | None = None) -> None:
        """Close a démarche; its dossiers can still be read and written."""
        found = self._demarche(demarche)
        found.state, found.date_fermeture = "close", self.now()

    def begin_edit(self, number: int, stable_id: int, value: Any) -> None:
        """Begin a change of a champ in a transaction: its date is set now, it shows at `commit`."""
        self._begun[number] = (stable_id, value, self.now())

    def commit(self, number: int) -> None:
        """Commit the change that was begun, with the date of its beginning."""
        stable_id, value, at = self._begun.pop(number)
        changes.edit(self._dossier(number), "champs", stable_id, value, None, at)

    # --- what goes wrong --------------------------------------------------------------------

    def fail(self, *faults: ScriptedFault) -> None:
        """Add scripted faults for coming requests."""
        self._endpoint.faults.waiting.extend(faults)

    def clear_faults(self) -> None:
        """Remove the remaining scripted faults."""
        self._endpoint.faults.waiting.clear()

    def return_null(self, number: int, *, champs_only: bool = False) -> None:
        """Return null in place of a dossier, with an error, until `repair`."""
        self.world.dossier_faults.append(DossierFault("null_node", number, champs_only))

    def fail_reads(self, number: int, *, champs_only: bool = False) -> None:
        """Answer 500 to every request that returns this dossier, until `repair`."""
        self.world.dossier_faults.append(DossierFault("failed_read", number, champs_only))

    def fail_writes(self, number: int) -> None:
        """Answer 500 to every mutation of this dossier's annotations, until `repair`."""
        self.world.dossier_faults.append(DossierFault("failed_write", number))

    def lose_writes(self, number: int, stable_id: int) -> None:
        """Answer writes of an annotation as saved without saving them, until `repair`."""
        self.world.dossier_faults.append(DossierFault("lost_write", number, path=(stable_id,)))

    def replace_json(self, number: int | None, path: Sequence[str | int], json: str) -> None:
        """Replace the JSON at a path of a dossier in every answer, until `repair`.

        Args:
            number: the dossier's; None: every answer, with a path from its top.
            path: keys and indexes, such as `("champs", 3, "label")`; empty for the whole node.
            json: the text to send; it may be invalid JSON.
        """
        self.world.dossier_faults.append(
            DossierFault("replaced_json", number, path=tuple(path), json=json)
        )

    def null_field(self, number: int, path: Sequence[str | int]) -> None:
        """Return null for a field of a dossier, until `repair`.

        If the schema declares it non-null, the nearest nullable object around it is null.
        """
        self.world.dossier_faults.append(DossierFault("null_field", number, path=tuple(path)))

    def repair(self, number: int | None) -> None:
        """Remove the faults of a dossier; None: those of every answer."""
        kept = [fault for fault in self.world.dossier_faults if fault.number != number]
        self.world.dossier_faults = kept

    def maintain(self, *, on: bool = True) -> None:
        """Begin or end a maintenance: every request gets a 503."""
        self._endpoint.under_maintenance = on

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit in requests per minute and token; None: no limit."""
        self._endpoint.access.per_minute = per_minute

    def limit_queries(self, *, complexity: int = 60_000, tokens: int = 20_000) -> None:
        """Set the maximum complexity and number of tokens of a query; 0: no limit."""
        self._endpoint.query_limit = QueryLimit(complexity, tokens)

    def change_token(self, name: str = "write", **changes: Any) -> None:
        """Change a token: `expired`, `forbidden_network`, `can_write`, `demarches`."""
        self._endpoint.access.change(name, **changes)

    # --- what can be seen -------------------------------------------------------------------

    def requests(self, operation: str | None = None, *, kind: str | None = None) -> list[Entry]:
        """Return the log of requests to the API, of all or of one operation or kind."""
        return [
            entry
            for entry in self._endpoint.journal
            if operation in (None, entry.operation) and kind in (None, entry.kind)
        ]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._endpoint.journal.clear()

    def truth(self, demarche: int | None = None) -> list[DossierTruth]:
        """Return the current state of all dossiers of a démarche, by default the main one."""
        return [truth_of(dossier) for dossier in self._demarche(demarche).dossiers.values()]

    def truth_of(self, number: int) -> DossierTruth:
        """Return the current state of one dossier."""
        return truth_of(self._dossier(number))

    def status(self) -> dict[str, Any]:
        """Return the sandbox's time, démarches, tokens and numbers of requests and faults."""
        return {
            "now": self.now(),
            "demarches": {d.number: len(d.dossiers) for d in self.world.demarches.values()},
            "tokens": asdict(self._endpoint.access.tokens),
            "requests": len(self._endpoint.journal),
            "faults": len(self._endpoint.faults.waiting),
        }

    # ----------------------------------------------------------------------------------------

    def _demarche(self, number: int | None) -> ServedDemarche:
        if number is None:
            return next(iter(self.world.demarches.values()))
        return self.world.demarches[number]

    def _label(self, name: str) -> Label:
        return next(label for label in self._demarche(None).labels if label.name == name)

    def _dossier(self, number: int) -> ServedDossier:
        found = self.world.dossier(number)
        if found is None:
            message = f"the sandbox has no dossier {number}"
            raise KeyError(message)
        return found


def _agent(dossier: ServedDossier) -> str:
    return dossier.groupe.instructeurs[0].email
