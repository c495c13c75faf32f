"""The input of every check, and helpers to make its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dsync.domain.check_answers import Answer
from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import COURT, SIGNALE
from dsync.domain.verdict import Controle
from dsync.domain.wording import french_date
from dsync.eig.candidature import Candidature, Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.evidence import IdentifiedProduct, PublicEvidence
from dsync.eig.precheck.product import Lien, ProductMatch
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.sentences import Sentence

READING = frozenset(
    {"source", "sha256", "consulte_le", "registre_source", "registre_consulte_le", COURT}
)
"""Keys of evidence that only say where and when it was read, or the rest in words."""


@dataclass(frozen=True, slots=True)
class CheckInput:
    """A candidature with the evidence, the rules, and what follows from them."""

    candidature: Candidature
    evidence: PublicEvidence
    rules: RuleSet
    named: IdentifiedProduct
    doublons: Sequence[DossierNumber]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What persons established, by check."""
    reported_blanks: frozenset[str] = frozenset()
    """Blank fields that another check reports already."""

    @property
    def match(self) -> ProductMatch:
        """The product that the dossier is about."""
        return self.named.match

    @property
    def typed(self) -> ProductMatch:
        """What the applicant's answer alone leads to."""
        return self.named.typed

    @property
    def catalogue_read(self) -> tuple[str, str, datetime | None]:
        """The source and the digest of the catalogue of `match`, and when it was fetched."""
        if known := self.named.product_evidence:
            return known.source, known.sha256, known.consulte_le
        catalogue = self.evidence.catalogue
        source = (catalogue.source, catalogue.sha256) if catalogue else ("", "")
        return *source, self.evidence.catalogue_at

    @property
    def consulte_le(self) -> str | None:
        """When that was, as text; not part of the fingerprint."""
        at = self.catalogue_read[2]
        return at.isoformat() if at else None

    @property
    def read_day(self) -> date | None:
        """The day of it in the time zone of the rules."""
        at = self.catalogue_read[2]
        return self.rules.local_day(at) if at else None

    @property
    def deposit_day(self) -> date:
        """The day of deposit in the time zone of the rules."""
        return self.rules.local_day(self.candidature.depose_le)

    @property
    def is_read_late(self) -> bool:
        """Whether the catalogue was read too late to show the phases at the deposit."""
        if self.read_day is None:
            return False
        return (self.read_day - self.deposit_day).days > self.rules.config.phases.late_reading_days

    @property
    def catalogue(self) -> str:
        """The source of the product evidence and its date, for a sentence."""
        read = f" lu le {french_date(self.read_day)}" if self.read_day else ""
        return f"catalogue de beta.gouv.fr{read}"

    def reponse(self, field: str) -> Reponse:
        """Return the status of a mapped field; without one, it follows from the value."""
        if (known := self.candidature.reponses.get(field)) is not None:
            return known
        return Reponse.REMPLI if getattr(self.candidature, field, None) else Reponse.VIDE


def make_controle(
    name: str, sentence: Sentence, preuve: Mapping[str, Json], **facts: object
) -> Controle:
    """Make a check's result; `facts` are the values of the placeholders in the sentence."""
    if sentence.court:
        preuve = {**preuve, COURT: sentence.short(**facts)}
    return Controle(name, sentence.resultat, sentence.motif(**facts), preuve)


def without_question(name: str, context: CheckInput, field: str, question: str) -> Controle | None:
    """Return the result for a question that is not mapped or not asked, or None if it was asked.

    `question` is its French name, for the sentence.
    """
    reponse = context.reponse(field)
    if reponse is Reponse.NON_ASSOCIE:
        preuve: dict[str, Json] = {"reponse": reponse.value, SIGNALE: field}
        return make_controle(name, sentences.NON_ASSOCIE, preuve, question=question)
    if reponse is Reponse.NON_DEMANDE:
        return make_controle(
            name, sentences.NON_DEMANDE, {"reponse": reponse.value}, question=question
        )
    return None


def without_product(name: str, context: CheckInput) -> Controle:
    """Return the result of a check of the product, which is not known."""
    is_away = context.match.lien is Lien.INDISPONIBLE
    return make_controle(name, sentences.SANS_CATALOGUE if is_away else sentences.SANS_PRODUIT, {})
