"""What a test, or a person at the console, does to the sandbox behind the API's back.

Each method is one thing that a usager, an instructeur, an administrateur or the platform does.
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
    DossierFault,
    Hand,
    Label,
    ServedDemarche,
    ServedDossier,
    World,
)
from dsync.sandbox.world.truth import DossierTruth, truth_of

T = TypeVar("T", bound=type[Any])


def _locked(cls: T) -> T:
    """Have no request answered while one of its public methods runs."""
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
    """The sandbox's back door; every change takes the lock that requests take."""

    def __init__(self, world: World, endpoint: Endpoint, catalogue: OpenData) -> None:
        self.world = world
        self.catalogue = catalogue
        self._endpoint = endpoint
        self._begun: dict[int, tuple[int, Any, datetime]] = {}

    # --- time -------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the sandbox's present."""
        return self.world.now()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.advance(timedelta(seconds=seconds))

    def set_clock(self, to: datetime) -> None:
        """Make it another time; without an offset it is UTC."""
        self.world.clock.set(to if to.tzinfo else to.replace(tzinfo=UTC))

    # --- what an usager does ----------------------------------------------------------------

    def edit_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Submit a champ anew, in a repetition's row if one is named (from 0)."""
        changes.edit(self._dossier(number), "champs", stable_id, value, row, self.now())

    def hide_champ(self, number: int, stable_id: int, *, hidden: bool = True) -> None:
        """Answer so that the form's conditional logic hides a champ, or shows it again."""
        dossier = self._dossier(number)
        (dossier.hidden_champs.add if hidden else dossier.hidden_champs.discard)(stable_id)
        dossier.updated_at = self.now()

    def save_without_submitting(self, number: int) -> None:
        """Edit without submitting: dates move, nothing else is to be seen."""
        self._dossier(number).updated_at = self.now()

    def deposit(self, seed: DossierSeed, *, demarche: int | None = None) -> None:
        """Deposit a new dossier."""
        self.world.add_dossier(self._demarche(demarche), seed)

    def delete_account(self, number: int) -> None:
        """Delete the account of a dossier's usager."""
        dossier = self._dossier(number)
        dossier.usager_deleted = True
        dossier.updated_at = self.now()

    # --- what an instructeur does -----------------------------------------------------------

    def move(self, number: int, state: str, *, motivation: str | None = None) -> None:
        """Bring a dossier into another state."""
        dossier = self._dossier(number)
        changes.move(dossier, state, self.now(), _agent(dossier), motivation)

    def edit_annotation(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Edit an annotation by hand: the annotations' own date moves, as the API does not."""
        changes.edit(self._dossier(number), "annotations", stable_id, value, row, self.now())

    def correct_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Correct a champ as an instructeur may since June 2026, in the usager's place."""
        dossier = self._dossier(number)
        agent = _agent(dossier)
        changes.edit(dossier, "champs", stable_id, value, row, self.now(), agent)

    def ask_correction(self, number: int) -> None:
        """Ask the usager for a correction, which is open until the usager submits."""
        changes.ask_correction(self._dossier(number), self.now())

    def add_annotation_row(self, number: int, stable_id: int) -> None:
        """Add a row to a repetition among the annotations."""
        dossier = self._dossier(number)
        repetition, _ = dossier.revision.descriptor("annotations", stable_id)
        changes.add_row(dossier, repetition, self.now())

    def add_label(self, number: int, name: str) -> None:
        """Put a label on a dossier, which moves it."""
        changes.label(self._dossier(number), self._label(name), self.now(), there=True)

    def remove_label(self, number: int, name: str) -> None:
        """Take a label off a dossier, which moves it."""
        changes.label(self._dossier(number), self._label(name), self.now(), there=False)

    def rename_label(self, old: str, new: str) -> None:
        """Rename a label of the démarche; no date moves."""
        self._label(old).name = new

    def replace_label(self, name: str) -> None:
        """Delete a label of the démarche and make one of the same name; no date moves."""
        demarche, old = self._demarche(None), self._label(name)
        new = Label(self.world.key(Label), name, old.color)
        demarche.labels[demarche.labels.index(old)] = new
        for dossier in demarche.dossiers.values():
            dossier.labels = [label for label in dossier.labels if label is not old]

    def remove_label_of_demarche(self, name: str) -> None:
        """Delete a label of the démarche, and so from its dossiers; no date moves."""
        demarche, gone = self._demarche(None), self._label(name)
        demarche.labels.remove(gone)
        for dossier in demarche.dossiers.values():
            dossier.labels = [label for label in dossier.labels if label is not gone]

    def archive(self, number: int, *, archived: bool = True) -> None:
        """Archive a dossier, or take it out again."""
        changes.archive(self._dossier(number), self.now(), archived=archived)

    def change_groupe(self, number: int, label: str) -> None:
        """Hand a dossier to another groupe instructeur."""
        dossier = self._dossier(number)
        groupe = next(g for g in dossier.demarche.groupes if g.label == label)
        changes.hand_over(dossier, groupe, self.now())

    def hide(self, number: int, by: Hand = "usager") -> None:
        """Hide a dossier; by its usager alone, a finished one stays visible."""
        dossier = self._dossier(number)
        dossier.hidden_by.add(by)
        dossier.hidden_at = dossier.updated_at = self.now()

    def restore(self, number: int) -> None:
        """Bring a hidden dossier back."""
        dossier = self._dossier(number)
        dossier.hidden_by.clear()
        dossier.hidden_at, dossier.expired, dossier.updated_at = None, False, self.now()

    # --- what the platform does -------------------------------------------------------------

    def erase(self, number: int, *, reason: str | None = None) -> None:
        """Erase a dossier; one hidden by its usager is told as gone since the day it was hidden."""
        dossier = self._dossier(number)
        by_usager = "usager" in dossier.hidden_by and dossier.seed.state not in FINISHED
        at = dossier.hidden_at if by_usager and dossier.hidden_at else self.now()
        usual = "user_request" if by_usager else "instructeur_request"
        self.world.erase(dossier, reason or ("expired" if dossier.expired else usual), at)

    def expire(self, number: int) -> None:
        """Hide a dossier because it has expired: it is in none of the three lists."""
        dossier = self._dossier(number)
        dossier.expired = True
        dossier.hidden_at = dossier.updated_at = self.now()

    def complete_etablissement(self, number: int, demandeur: dict[str, Any]) -> None:
        """Complete an applicant deposited while the registry was down; no date moves."""
        self._dossier(number).seed.demandeur = {"kind": "morale", **demandeur}

    def end_virus_scan(self, number: int, stable_id: int, result: VirusScan) -> None:
        """Say what the antivirus found in a champ's files; no date moves."""
        champs = self._dossier(number).seed.champs
        champs[stable_id] = [replace(file, virus_scan=result) for file in champs[stable_id]]

    def lose_demandeur(self, number: int) -> None:
        """Lose the applicant's data: the dossier breaks the schema's promise."""
        self._dossier(number).seed.demandeur = {}

    def publish_revision(
        self, change: Change, *, demarche: int | None = None, rebases: bool = True
    ) -> str:
        """Publish a new version of the form; open dossiers follow at once, or by `rebase`."""
        found = self._demarche(demarche)
        published = changes.publish(self.world, found, change)
        if rebases:
            changes.rebase(found, retype=change.retype)
        return published

    def rebase(self, number: int | None = None) -> None:
        """Bring one open dossier, or all, to the active revision; no date of theirs moves."""
        changes.rebase(self._demarche(None), number)

    def close_demarche(self, demarche: int | None = None) -> None:
        """Close the démarche; its dossiers are served and written as before."""
        found = self._demarche(demarche)
        found.state, found.date_fermeture = "close", self.now()

    def begin_edit(self, number: int, stable_id: int, value: Any) -> None:
        """Begin a change whose date is set now and which shows only when it is committed."""
        self._begun[number] = (stable_id, value, self.now())

    def commit(self, number: int) -> None:
        """Make a change that was begun visible, with the date it had when it began."""
        stable_id, value, at = self._begun.pop(number)
        changes.edit(self._dossier(number), "champs", stable_id, value, None, at)

    # --- what goes wrong --------------------------------------------------------------------

    def fail(self, *faults: ScriptedFault) -> None:
        """Script faults, for the requests to come."""
        self._endpoint.faults.waiting.extend(faults)

    def clear_faults(self) -> None:
        """Drop the scripted faults that have not happened."""
        self._endpoint.faults.waiting.clear()

    def return_null(self, number: int, *, champs_only: bool = False) -> None:
        """Make a dossier's data bad: a null among a page's good nodes, until healed."""
        self.world.dossier_faults.append(DossierFault("null_node", number, champs_only))

    def fail_reads(self, number: int, *, champs_only: bool = False) -> None:
        """Make every request that answers this dossier end in a 500, until healed."""
        self.world.dossier_faults.append(DossierFault("failed_read", number, champs_only))

    def fail_writes(self, number: int) -> None:
        """Make every mutation of this dossier's annotations end in a 500, until healed."""
        self.world.dossier_faults.append(DossierFault("failed_write", number))

    def lose_writes(self, number: int, stable_id: int) -> None:
        """Answer the writes of an annotation by the API as done, and keep none, until healed."""
        self.world.dossier_faults.append(DossierFault("lost_write", number, path=(stable_id,)))

    def replace_json(self, number: int | None, path: Sequence[str | int], json: str) -> None:
        """Put any JSON at a path of a dossier's node, in every answer that has it, until healed.

        Args:
            number: the dossier; None: every answer, and the path is from its top.
            path: keys and indexes, such as `("champs", 3, "label")`; empty for the node itself.
            json: what stands there, to the letter.
        """
        self.world.dossier_faults.append(
            DossierFault("replaced_json", number, path=tuple(path), json=json)
        )

    def null_field(self, number: int, path: Sequence[str | int]) -> None:
        """Make a hole in a dossier's data, as the platform has them, until healed.

        Where the schema promises a value, the nearest object around it that may be null is null.
        """
        self.world.dossier_faults.append(DossierFault("null_field", number, path=tuple(path)))

    def repair(self, number: int | None) -> None:
        """Make a dossier good again; None: what was put into every answer goes."""
        kept = [fault for fault in self.world.dossier_faults if fault.number != number]
        self.world.dossier_faults = kept

    def maintain(self, *, on: bool = True) -> None:
        """Put the platform into maintenance, or end it."""
        self._endpoint.under_maintenance = on

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit."""
        self._endpoint.access.per_minute = per_minute

    def limit_queries(self, *, complexity: int = 60_000, tokens: int = 20_000) -> None:
        """Set how large a query may be; 0 lifts a limit."""
        self._endpoint.query_limit = QueryLimit(complexity, tokens)

    def change_token(self, name: str = "write", **changes: Any) -> None:
        """Change what a token may do: `expired`, `forbidden_network`, `can_write`, `demarches`."""
        self._endpoint.access.change(name, **changes)

    # --- what can be seen -------------------------------------------------------------------

    def requests(self, operation: str | None = None, *, kind: str | None = None) -> list[Entry]:
        """Return the log of requests to the API, of one operation or kind if named."""
        return [
            entry
            for entry in self._endpoint.journal
            if operation in (None, entry.operation) and kind in (None, entry.kind)
        ]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._endpoint.journal.clear()

    def truth(self, demarche: int | None = None) -> list[DossierTruth]:
        """Return what a faithful copy holds, dossier by dossier."""
        return [truth_of(dossier) for dossier in self._demarche(demarche).dossiers.values()]

    def truth_of(self, number: int) -> DossierTruth:
        """Return what a faithful copy holds of one dossier."""
        return truth_of(self._dossier(number))

    def status(self) -> dict[str, Any]:
        """Return how the sandbox stands."""
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
            told = f"the sandbox has no dossier {number}"
            raise KeyError(told)
        return found


def _agent(dossier: ServedDossier) -> str:
    return dossier.groupe.instructeurs[0].email
