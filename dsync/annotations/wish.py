"""What a wish is: wanted (`NewWish`), stored (`Wish`), and what became of it (`WishOutcome`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dsync.domain.documented import Code
from dsync.domain.ids import DossierId, DossierNumber, RevisionId


class Annotation(Code):
    """What is written into a dossier."""

    RESULTAT = "resultat", "Résultat", "Annotation : le verdict."
    DETAIL = "detail", "Détail", "Annotation : les motifs."
    DATE = "date", "Date", "Annotation : depuis quand."
    LABEL = "label", "Étiquette", "Étiquette du dossier."


class WishStatus(Code):
    """The status of a wish; the values are those of the view `lecture_annotation`."""

    EN_ATTENTE = "en_attente", "En attente d’envoi", "À envoyer, ou à renvoyer."
    CONFIRMEE = (
        "confirmee",
        "Inscrite",
        "Inscrite dans Démarches Simplifiées, par dsync ou par une personne.",
    )
    REFUSEE = "refusee", "Refusée", "Refusée par Démarches Simplifiées."
    CONFLIT = "conflit", "Conflit", "Une personne a écrit autre chose : sa valeur reste."
    INCERTAINE = (
        "incertaine",
        "Incertaine",
        "Envoyée, réponse perdue ; relue avant tout nouvel envoi.",
    )
    REMPLACEE = (
        "remplacee",
        "Remplacée",
        "Remplacée par une valeur plus récente ou par une personne.",
    )
    SUSPENDUE = (
        "suspendue",
        "Suspendue",
        "Pré-contrôle repris à son compte par une instructrice ou un instructeur.",
    )


class NewWish(NamedTuple):
    """The value that an annotation (resultat, detail, date) or the label should have."""

    numero: DossierNumber
    annotation: str
    valeur: str


class WrittenValue(NamedTuple):
    """A value that dsync wrote, or may have written, into DS."""

    valeur: str | None
    cible: str | None
    """Id of the annotation's descriptor or of the label; None when it is not known."""


class Wish(NamedTuple):
    """A current wish: its row in the outbox, with the names of its columns, and what was written.

    What it is compared with, and what a page shows, is the same row.
    """

    id: int
    numero: DossierNumber
    annotation: str
    valeur: str
    statut: WishStatus = WishStatus.EN_ATTENTE
    tentatives: int = 0
    """How often it was sent."""
    creee_le: datetime | None = None
    envoyee_le: datetime | None = None
    confirmee_le: datetime | None = None
    valeur_distante: str | None = None
    """The human's value that was seen last: in a conflict, equal to the wanted one, or kept."""
    distante_le: datetime | None = None
    """When the human wrote `valeur_distante`, by DS's date, or when it was first seen; None unless
    it stopped the wish."""
    erreur: str | None = None
    """Why DS refused it, or why it waits; in a conflict, that of the result which holds it back
    (None: the wish's own conflict)."""
    cible: str | None = None
    """The id of the annotation's descriptor, or of the label, when it was last compared or sent."""
    force_par: str | None = None
    """Who ordered to overwrite a human's value and a validated pre-check; None: nobody."""
    force_sur: str | None = None
    """The value that they saw, as `current_value` returns it; None: any."""
    pushed: WrittenValue | None = None
    """The last written value; None when this database has no record of one."""
    uncertain: WrittenValue | None = None
    """A value that was sent without an answer: if DS has it, dsync wrote it."""
    seen_at: datetime | None = None
    """Until when, by DS's dates, nobody else has changed it: the date of dsync's last write, or, of
    one without an answer, that of the last change that was read just before it."""
    is_due: bool = True
    """Whether it is to be written now; otherwise it only influences the dossier's other wishes."""

    @property
    def is_forced(self) -> bool:
        """Return whether an operator ordered to overwrite a human's value."""
        return self.force_par is not None

    @property
    def is_humans(self) -> bool:
        """Return whether a human's value was seen, and dsync has not written over it since."""
        return self.valeur_distante is not None and not self.is_held_back

    @property
    def is_held_back(self) -> bool:
        """Return whether the conflict on its dossier's result blocks it: it has none of its own."""
        return self.statut == WishStatus.CONFLIT and self.erreur is not None

    @property
    def is_first(self) -> bool:
        """Return whether this database has no record of a write: the value may be a human's."""
        return self.pushed is None and self.uncertain is None


class DossierWishes(NamedTuple):
    """A dossier with its current wishes."""

    numero: DossierNumber
    dossier_id: DossierId
    revision_id: RevisionId
    wishes: tuple[Wish, ...]


class WishOutcome(NamedTuple):
    """The new status of a wish, with what is then known about DS."""

    id: int
    statut: WishStatus
    pushed: str | None = None
    """The value in DS that counts as dsync's own from now on; "": the annotation is empty."""
    valeur: str | None = None
    """The new value of the wish, if it changes: an adopted date is kept."""
    cible: str | None = None
    """The id of the annotation's descriptor, or the label, that was compared or written."""
    valeur_distante: str | None = None
    """The human's value that stands there, in a conflict or equal to the wanted one."""
    erreur: str | None = None
    prochain_essai_le: datetime | None = None
    seen_at: datetime | None = None
    """The new `Wish.seen_at`; None: it stays."""
    replaced: str | None = None
    """The value before the write."""
    distante_le: datetime | None = None
    """When the human wrote `valeur_distante`, if DS gives the date."""
    written: bool | None = None
    """Whether DS confirmed the write, which is then journaled; False: DS is known not to have
    executed it, so it is no longer uncertain; None: neither."""
    definitive: bool = False
    """Whether a refusal is not retried without an operator."""

    @property
    def is_humans(self) -> bool:
        """Return whether a human's value stands there, as far as the wish itself is concerned."""
        is_conflict = self.statut is WishStatus.CONFLIT and self.erreur is None
        return self.valeur_distante is not None and (
            is_conflict or self.statut is WishStatus.CONFIRMEE
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What dsync wrote into the open dossiers, and how many of these there are."""

    dossiers: int
    results: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    details: int = 0
