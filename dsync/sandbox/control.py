"""What a test, or a person at the console, does to the sandbox behind the API's back.

Each method is one thing that a usager, an instructeur, an administrateur or the platform does.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from dsync.sandbox import life, revising
from dsync.sandbox.disturbing import Disturber
from dsync.sandbox.model import FINISHED, Demarche
from dsync.sandbox.seed import DossierSeed, VirusScan
from dsync.sandbox.truth import DossierTruth, told

if TYPE_CHECKING:
    from dsync.sandbox.api import Api
    from dsync.sandbox.catalogue import Catalogue
    from dsync.sandbox.journal import Entry
    from dsync.sandbox.world import World

Hand = Literal["usager", "administration"]
T = TypeVar("T")


class Control(Disturber):
    """The sandbox's back door; every change takes the lock that requests take."""

    def __init__(self, world: World, api: Api, catalogue: Catalogue) -> None:
        super().__init__(world, api)
        self.catalogue = catalogue
        self._held: dict[int, tuple[datetime, Any]] = {}

    # --- time -------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the sandbox's present."""
        return self._world.clock.now()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._world.clock.advance(timedelta(seconds=seconds))

    def set_clock(self, to: datetime) -> None:
        """Make it another time; without an offset it is UTC."""
        self._world.clock.set(to if to.tzinfo else to.replace(tzinfo=UTC))

    # --- what an usager does ----------------------------------------------------------------

    def edit_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Submit a champ anew, in a repetition's row if one is named (from 0)."""
        with self._world.lock:
            self._put(number, "champs", stable_id, value, row)

    def hide_champ(self, number: int, stable_id: int, *, hidden: bool = True) -> None:
        """Answer so that the form's conditional logic hides a champ, or shows it again."""
        with self._world.lock:
            dossier = self._dossier(number)
            if hidden:
                dossier.hidden_champs.add(stable_id)
            else:
                dossier.hidden_champs.discard(stable_id)
            dossier.change(self.now())

    def save_without_submitting(self, number: int) -> None:
        """Edit without submitting: dates move, nothing else is to be seen."""
        with self._world.lock:
            self._dossier(number).change(self.now())

    def deposit(self, seed: DossierSeed, *, demarche: int | None = None) -> None:
        """Deposit a new dossier."""
        with self._world.lock:
            self._world.add_dossier(self._demarche(demarche), seed)

    def delete_account(self, number: int) -> None:
        """Delete the account of a dossier's usager."""
        with self._world.lock:
            dossier = self._dossier(number)
            dossier.usager_deleted = True
            dossier.change(self.now())

    # --- what an instructeur does -----------------------------------------------------------

    def move(self, number: int, state: str, *, motivation: str | None = None) -> None:
        """Bring a dossier into another state."""
        with self._world.lock:
            dossier = self._dossier(number)
            agent = dossier.groupe.instructeurs[0].email
            life.move(dossier, state, self.now(), agent, motivation)

    def edit_annotation(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Edit an annotation by hand: the annotations' own date moves, as the API does not."""
        with self._world.lock:
            self._put(number, "annotations", stable_id, value, row)

    def correct_champ(
        self, number: int, stable_id: int, value: Any, *, row: int | None = None
    ) -> None:
        """Correct a champ as an instructeur may since June 2026, in the usager's place."""
        with self._world.lock:
            agent = self._dossier(number).groupe.instructeurs[0].email
            self._put(number, "champs", stable_id, value, row, agent=agent)

    def ask_correction(self, number: int) -> None:
        """Ask the usager for a correction, which is open until the usager submits."""
        with self._world.lock:
            life.ask_correction(self._dossier(number), self.now())

    def add_annotation_row(self, number: int, stable_id: int) -> None:
        """Add a row to a repetition among the annotations."""
        with self._world.lock:
            dossier = self._dossier(number)
            repetition, _ = dossier.revision.descriptor("annotations", stable_id)
            dossier.add_row(repetition, self.now())

    def add_label(self, number: int, name: str) -> None:
        """Put a label on a dossier, which moves it."""
        with self._world.lock:
            dossier = self._dossier(number)
            label = next(label for label in dossier.demarche.labels if label.name == name)
            if label not in dossier.labels:
                dossier.labels.append(label)
                dossier.change(self.now())

    def remove_label(self, number: int, name: str) -> None:
        """Take a label off a dossier, which moves it."""
        with self._world.lock:
            dossier = self._dossier(number)
            kept = [label for label in dossier.labels if label.name != name]
            if len(kept) < len(dossier.labels):
                dossier.labels = kept
                dossier.change(self.now())

    def rename_label(self, old: str, new: str) -> None:
        """Rename a label of the démarche; no date moves."""
        with self._world.lock:
            label = next(lb for lb in self._demarche(None).labels if lb.name == old)
            label.name = new
            self._world.forget_rendered()

    def replace_label(self, name: str) -> None:
        """Delete a label of the démarche and make one of the same name; no date moves."""
        with self._world.lock:
            demarche = self._demarche(None)
            old = next(label for label in demarche.labels if label.name == name)
            demarche.labels[demarche.labels.index(old)] = self._world.new_label(name, old.color)
            for dossier in demarche.dossiers.values():
                dossier.labels = [label for label in dossier.labels if label is not old]
            self._world.forget_rendered()

    def remove_label_of_demarche(self, name: str) -> None:
        """Delete a label of the démarche, and so from its dossiers; no date moves."""
        with self._world.lock:
            demarche = self._demarche(None)
            demarche.labels = [label for label in demarche.labels if label.name != name]
            for dossier in demarche.dossiers.values():
                dossier.labels = [label for label in dossier.labels if label.name != name]
            self._world.forget_rendered()

    def archive(self, number: int, *, archived: bool = True) -> None:
        """Archive a dossier, or take it out again."""
        with self._world.lock:
            dossier = self._dossier(number)
            dossier.seed.archived = archived
            dossier.change(self.now())

    def change_groupe(self, number: int, label: str) -> None:
        """Hand a dossier to another groupe instructeur."""
        with self._world.lock:
            dossier = self._dossier(number)
            groupe = next(g for g in dossier.demarche.groupes if g.label == label)
            life.hand_over(dossier, groupe, self.now())

    def hide(self, number: int, by: Hand = "usager") -> None:
        """Hide a dossier; by its usager alone, a finished one stays visible."""
        with self._world.lock:
            life.hide(self._dossier(number), by, self.now())

    def restore(self, number: int) -> None:
        """Bring a hidden dossier back."""
        with self._world.lock:
            life.restore(self._dossier(number), self.now())

    # --- what the platform does -------------------------------------------------------------

    def erase(self, number: int, *, reason: str | None = None) -> None:
        """Erase a dossier; one hidden by its usager is told as gone since the day it was hidden."""
        with self._world.lock:
            dossier = self._dossier(number)
            by_usager = "usager" in dossier.hidden_by and dossier.seed.state not in FINISHED
            at = dossier.hidden_at if by_usager and dossier.hidden_at else self.now()
            told = "user_request" if by_usager else "instructeur_request"
            if dossier.expired:
                told = "expired"
            self._world.erase(dossier, reason or told, at)

    def expire(self, number: int) -> None:
        """Hide a dossier because it has expired: it is in none of the three lists."""
        with self._world.lock:
            dossier = self._dossier(number)
            dossier.expired = True
            dossier.hidden_at = self.now()
            dossier.change(self.now())

    def complete_etablissement(self, number: int, demandeur: dict[str, Any]) -> None:
        """Complete an applicant deposited while the registry was down; no date moves."""
        with self._world.lock:
            dossier = self._dossier(number)
            dossier.seed.demandeur = {"kind": "morale", **demandeur}
            dossier.rendered.clear()

    def end_virus_scan(self, number: int, stable_id: int, result: VirusScan) -> None:
        """Say what the antivirus found in a champ's files; no date moves."""
        with self._world.lock:
            dossier = self._dossier(number)
            files = dossier.seed.champs[stable_id]
            dossier.seed.champs[stable_id] = [replace(file, virus_scan=result) for file in files]
            dossier.rendered.clear()

    def lose_demandeur(self, number: int) -> None:
        """Lose the applicant's data: the dossier breaks the schema's promise."""
        with self._world.lock:
            dossier = self._dossier(number)
            dossier.seed.demandeur = {}
            dossier.rendered.clear()

    def publish_revision(
        self, change: revising.Change, *, demarche: int | None = None, rebases: bool = True
    ) -> str:
        """Publish a new version of the form; open dossiers follow at once, or by `rebase`."""
        with self._world.lock:
            found = self._demarche(demarche)
            return revising.publish(self._world, found, change, rebases=rebases)

    def rebase(self, number: int | None = None) -> None:
        """Bring one open dossier, or all, to the active revision; no date of theirs moves."""
        with self._world.lock:
            revising.rebase(self._world, self._demarche(None), number)

    def close_demarche(self, demarche: int | None = None) -> None:
        """Close the démarche; its dossiers are served and written as before."""
        with self._world.lock:
            found = self._demarche(demarche)
            found.state, found.closed_at = "close", self.now()

    def begin_edit(self, number: int, stable_id: int, value: Any) -> None:
        """Begin a change whose date is set now and which shows only when it is committed."""
        with self._world.lock:
            self._held[number] = (self.now(), (stable_id, value))

    def commit(self, number: int) -> None:
        """Make a change that was begun visible, with the date it had when it began."""
        with self._world.lock:
            at, (stable_id, value) = self._held.pop(number)
            self._put(number, "champs", stable_id, value, None, at)

    # --- what can be seen -------------------------------------------------------------------

    def requests(self, operation: str | None = None, *, kind: str | None = None) -> list[Entry]:
        """Return the log of requests to the API, of one operation or kind if named."""
        with self._world.lock:
            return [
                entry
                for entry in self._api.journal
                if operation in (None, entry.operation) and kind in (None, entry.kind)
            ]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        with self._world.lock:
            self._api.journal.clear()

    def truth(self, demarche: int | None = None) -> list[DossierTruth]:
        """Return what a faithful copy holds, dossier by dossier."""
        with self._world.lock:
            return [told(dossier) for dossier in self._demarche(demarche).dossiers.values()]

    def truth_of(self, number: int) -> DossierTruth:
        """Return what a faithful copy holds of one dossier."""
        with self._world.lock:
            return told(self._dossier(number))

    def status(self) -> dict[str, Any]:
        """Return how the sandbox stands."""
        with self._world.lock:
            return {
                "now": self.now().isoformat(),
                "demarches": {d.number: len(d.dossiers) for d in self._world.demarches.values()},
                "tokens": asdict(self._api.doorkeeper.tokens),
                "requests": len(self._api.journal),
                "faults": len(self._api.faults),
            }

    # ----------------------------------------------------------------------------------------

    def _demarche(self, number: int | None) -> Demarche:
        if number is None:
            return next(iter(self._world.demarches.values()))
        return self._world.demarches[number]

    def _put(
        self,
        number: int,
        source: Literal["champs", "annotations"],
        stable_id: int,
        value: Any,
        row: int | None,
        at: datetime | None = None,
        agent: str | None = None,
    ) -> None:
        life.put(self._dossier(number), source, stable_id, value, row, at or self.now(), agent)
