"""What every check is given, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle
from dsync.eig.candidature import Candidature, Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.evidence import Evidence
from dsync.eig.precheck.product import ProductMatch
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.sentences import Sentence
from dsync.eig.precheck.wording import french_date

TOLD = "sans_reponse"
"""In a check's evidence: the field whose missing answer its sentence tells."""


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
    told: frozenset[str] = frozenset()
    """Fields whose missing answer another check has already told."""

    @property
    def is_read_late(self) -> bool:
        """Whether the catalogue may have been rewritten since the deposit."""
        if self.read_on is None:
            return False
        return (self.read_on - self.reference).days > self.rules.config.phases.late_reading_days

    @property
    def catalogue(self) -> str:
        """The source of what is known of the product, with the day on which it was read."""
        read = f" lu le {french_date(self.read_on)}" if self.read_on else ""
        return f"catalogue de beta.gouv.fr{read}"

    def reponse(self, field: str) -> Reponse:
        """Return what became of a mapped field; a mapping that says nothing shows by its value."""
        if (known := self.candidature.reponses.get(field)) is not None:
            return known
        return Reponse.REMPLI if getattr(self.candidature, field, None) else Reponse.VIDE


def answer(name: str, sentence: Sentence, preuve: Mapping[str, Json], **facts: object) -> Controle:
    """Make a check's answer of a sentence and its facts."""
    return Controle(name, sentence.resultat, sentence.motif(**facts), preuve)


def unanswerable(name: str, context: Context, field: str, question: str) -> Controle | None:
    """Return the answer when a champ was never asked or is not mapped, or None when it was."""
    reponse = context.reponse(field)
    if reponse is Reponse.NON_ASSOCIE:
        preuve: dict[str, Json] = {"reponse": reponse.value, TOLD: field}
        return answer(name, sentences.NON_ASSOCIE, preuve, question=question)
    if reponse is Reponse.NON_DEMANDE:
        return answer(name, sentences.NON_DEMANDE, {"reponse": reponse.value}, question=question)
    return None


def without_catalogue(name: str) -> Controle:
    """Return the answer of a check that could not look into the catalogue."""
    return answer(name, sentences.SANS_CATALOGUE, {})


def without_product(name: str) -> Controle:
    """Return the answer of a check that hangs on the product when no single one is named."""
    return answer(name, sentences.SANS_PRODUIT, {})
