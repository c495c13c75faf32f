"""What every check is given, and how it answers."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from dsync.domain.candidature import Candidature, Reponse
from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.evidence import Evidence
from dsync.eligibility.product import ProductMatch
from dsync.eligibility.rules import RuleSet


class Context(Struct, frozen=True, gc=False):
    """A candidature before its judges: with the evidence, the rules and what follows from them."""

    candidature: Candidature
    evidence: Evidence
    rules: RuleSet
    match: ProductMatch
    aliases_known: bool
    """False when the former addresses of products could not be read."""
    catalogue_source: str
    catalogue_sha256: str
    consulte_le: str | None
    """When the catalogue that `match` rests on was fetched; in no digest."""
    read_on: date | None
    """The day of that, where the call takes place."""
    reference: date
    """The day of deposit, where the call takes place."""
    doublons: tuple[DossierNumber, ...]

    @property
    def is_read_late(self) -> bool:
        """Whether the catalogue may have been rewritten since the deposit."""
        if self.read_on is None:
            return False
        return (self.read_on - self.reference).days > self.rules.config.phases.late_reading_days

    def reponse(self, field: str) -> Reponse:
        """Return what became of a mapped field; a mapping that says nothing shows by its value."""
        if (known := self.candidature.reponses.get(field)) is not None:
            return known
        return Reponse.REMPLI if getattr(self.candidature, field, None) else Reponse.VIDE


def answer(name: str, resultat: Resultat, motif: str, **preuve: Json) -> Controle:
    """Make a check's answer."""
    return Controle(name, resultat, motif, preuve)


def unanswerable(name: str, context: Context, field: str, champ: str) -> Controle | None:
    """Return the answer when a champ was never asked or is not mapped, or None when it was."""
    reponse = context.reponse(field)
    if reponse is Reponse.NON_ASSOCIE:
        return answer(
            name,
            Resultat.IMPOSSIBLE,
            f"Aucun champ de ce formulaire n’est associé à la question : {champ}. "
            "À faire : compléter la configuration du pré-contrôle.",
            reponse=reponse.value,
        )
    if reponse is Reponse.NON_DEMANDE:
        return answer(
            name,
            Resultat.A_VERIFIER,
            f"Question non posée au candidat : {champ}. À faire : la lui poser.",
            reponse=reponse.value,
        )
    return None


def without_catalogue(name: str) -> Controle:
    """Return the answer of a check that could not look into the catalogue."""
    return answer(
        name,
        Resultat.IMPOSSIBLE,
        "Le catalogue de beta.gouv.fr n’a pas pu être consulté. "
        "À faire : rien, un nouvel essai aura lieu.",
    )


def without_product(name: str) -> Controle:
    """Return the answer of a check that hangs on the product when no single one is named."""
    return answer(
        name,
        Resultat.SANS_OBJET,
        "Non examiné : la fiche produit ne désigne pas un seul produit.",
    )
