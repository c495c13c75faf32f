"""Everything the sandbox serves, built from a form and its seeds, and looked up by number or id."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from itertools import count

from dsync.sandbox import ids
from dsync.sandbox.clock import Clock
from dsync.sandbox.form_parts import Descriptor, FormSeed, RevisionSeed
from dsync.sandbox.junk import Junk
from dsync.sandbox.model import (
    FINISHED,
    Deletion,
    Demarche,
    Dossier,
    Groupe,
    Instructeur,
    Label,
    Revision,
    Traitement,
)
from dsync.sandbox.seed import DossierSeed

_FINAL_EVENT = {"accepte": "accepte", "refuse": "refuse", "sans_suite": "classe_sans_suite"}
_FIRST_INSTRUCTEUR = 2


class World:
    """The démarches, the time and the lock that every request and every control takes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.demarches: dict[int, Demarche] = {}
        self.instructeurs: dict[str, Instructeur] = {}
        self.poisoned: set[int] = set()
        """Dossiers whose data breaks a promise of the schema: null in a page until healed."""
        self.breaking: set[int] = set()
        """Dossiers that make the server fail for every page they are in, until healed."""
        self.junk: list[Junk] = []
        """What stands in answers instead of what is true, until healed."""
        self.bad_champs: set[int] = set()
        """Those of the two whose champs alone are bad: documents without champs are spared."""
        self.unwritable: set[int] = set()
        """Dossiers whose annotations make the server fail when they are written, until healed."""
        self.unkept: set[tuple[int, int]] = set()
        """Annotations, by dossier and stable id, that keep no write though it is answered."""
        self._keys = {kind: count(1) for kind in ("revision", "groupe", "label", "deletion")}
        self._keys["instructeur"] = count(_FIRST_INSTRUCTEUR)

    def add_demarche(self, form: FormSeed, seeds: Iterable[DossierSeed]) -> Demarche:
        """Publish a form with its dossiers."""
        revisions = [
            Revision(next(self._keys["revision"]), r.created_at, r.published_at, *_form(r))
            for r in form.revisions
        ]
        demarche = Demarche(
            form.number,
            form.path,
            form.title,
            form.description,
            form.state,
            form.created_at,
            form.published_at,
            [self.new_label(seed.name, seed.color) for seed in form.labels],
            [self._groupe(seed.label, seed.instructeurs) for seed in form.groupes],
            revisions,
        )
        revisions.append(self.draft_after(revisions[-1], revisions[-1].published_at))
        self.demarches[form.number] = demarche
        ordered = sorted(seeds, key=lambda seed: seed.updated_at)
        for seed in ordered:
            self.add_dossier(demarche, seed)
        return demarche

    def new_label(self, name: str, color: str) -> Label:
        """Return a label with an id that none has had."""
        return Label(next(self._keys["label"]), name, color)

    def add_dossier(self, demarche: Demarche, seed: DossierSeed) -> Dossier:
        """Take a seed in as a dossier of that démarche."""
        groupe = demarche.groupes[0]
        agent = groupe.instructeurs[0] if groupe.instructeurs else None
        labels = {label.name: label for label in demarche.labels}
        dossier = Dossier(
            seed,
            demarche,
            groupe,
            demarche.revisions[seed.revision],
            seed.updated_at,
            seed.depose_at,
            seed.depose_at,
            [labels[name] for name in seed.labels],
            [agent] if agent and seed.state != "en_construction" else [],
            _traitements(seed, agent.email if agent else None),
        )
        self._settle_presence(dossier)
        demarche.dossiers[seed.number] = dossier
        demarche.reorder()
        return dossier

    def dossier(self, number: int) -> Dossier | None:
        """Find a dossier, hidden and erased ones included."""
        for demarche in self.demarches.values():
            if number in demarche.dossiers:
                return demarche.dossiers[number]
        return None

    def erase(self, dossier: Dossier, reason: str, at: datetime) -> None:
        """Move a dossier to the list of the erased."""
        dossier.deletion = Deletion(next(self._keys["deletion"]), reason, at)
        dossier.demarche.reorder()
        dossier.rendered.clear()

    def draft_after(self, revision: Revision, at: datetime | None) -> Revision:
        """Return the draft that follows a published revision, with the same content."""
        created = at or self.clock.now()
        key = next(self._keys["revision"])
        return Revision(
            key, created, None, deepcopy(revision.champs), deepcopy(revision.annotations)
        )

    def forget_rendered(self) -> None:
        """Drop everything rendered, after a change that many dossiers show."""
        for demarche in self.demarches.values():
            for dossier in demarche.dossiers.values():
                dossier.rendered.clear()

    def instructeur(self, text: str) -> Instructeur | None:
        """Find an instructeur by the opaque id that a mutation gives."""
        key = ids.key_of(text, "Instructeur")
        return next((i for i in self.instructeurs.values() if i.key == key), None)

    def groupe(self, key: int | None) -> tuple[Demarche, Groupe] | None:
        """Find a groupe instructeur and its démarche."""
        for demarche in self.demarches.values():
            for groupe in demarche.groupes:
                if groupe.key == key:
                    return demarche, groupe
        return None

    def _groupe(self, label: str, emails: list[str]) -> Groupe:
        return Groupe(next(self._keys["groupe"]), label, [self._agent(mail) for mail in emails])

    def _agent(self, email: str) -> Instructeur:
        if email not in self.instructeurs:
            self.instructeurs[email] = Instructeur(next(self._keys["instructeur"]), email)
        return self.instructeurs[email]

    def _settle_presence(self, dossier: Dossier) -> None:
        presence = dossier.seed.presence
        if presence == "present":
            return
        dossier.hidden_at = dossier.seed.updated_at
        if presence == "masque_usager":
            dossier.hidden_by.add("usager")
        elif presence == "masque_administration":
            dossier.hidden_by.add("administration")
        elif presence == "expire":
            dossier.expired = True
        else:
            self.erase(dossier, _erasure_reason(dossier.seed), dossier.seed.updated_at)


def _form(revision: RevisionSeed) -> tuple[list[Descriptor], list[Descriptor]]:
    return deepcopy(revision.champs), deepcopy(revision.annotations)


def _erasure_reason(seed: DossierSeed) -> str:
    return "instructeur_request" if seed.state in FINISHED else "user_request"


def _traitements(seed: DossierSeed, agent: str | None) -> list[Traitement]:
    steps = [Traitement("depose", "en_construction", seed.depose_at)]
    if seed.en_instruction_at:
        steps.append(
            Traitement("passe_en_instruction", "en_instruction", seed.en_instruction_at, agent)
        )
    if seed.traite_at and seed.state in _FINAL_EVENT:
        event = _FINAL_EVENT[seed.state]
        steps.append(Traitement(event, seed.state, seed.traite_at, agent, seed.motivation))
    return steps
