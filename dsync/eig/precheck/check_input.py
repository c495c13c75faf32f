"""What the programme gives its functions and declared checks, and how functions say a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dsync.controles.declarations import Type
from dsync.controles.facts import FAITS, Fait, Faits
from dsync.controles.functions import Found
from dsync.controles.notations import Moment
from dsync.domain.check_answers import ABOUT, Answer
from dsync.domain.dossier import Json, paris_day
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import SIGNALE
from dsync.domain.wording import defused, french_date
from dsync.eig.candidature import Candidature, Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.catalogue import phase_by_start
from dsync.eig.precheck.evidence import IdentifiedProduct, PublicEvidence
from dsync.eig.precheck.product import Lien, ProductMatch
from dsync.eig.precheck.sentences import Sentence

if TYPE_CHECKING:
    from dsync.eig.precheck.rules import RuleSet

LATE_READING_DAYS = 3
"""Maximum number of days from the deposit to the first reading of the catalogue.

The catalogue's history is rewritten at times. After this delay, neither an unknown page nor an
ineligible phase counts against an applicant who did not declare such a phase."""
# Measured on the catalogue's history: of the products in an admitted phase at a deposit, 4 % are
# read as past two weeks later, 6 % after three months, 14 % after a year.

READING = frozenset({"source", "sha256", "consulte_le", "registre_source", "registre_consulte_le"})
"""Keys of evidence that only say where and when it was read."""
_LONGEST_NAME = 1000
"""Of a name, only to bound the work on an abusive one."""


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
        """The day of it."""
        at = self.catalogue_read[2]
        return paris_day(at) if at else None

    @property
    def deposit_day(self) -> date:
        """The day of deposit."""
        return paris_day(self.candidature.depose_le)

    @property
    def is_read_late(self) -> bool:
        """Whether the catalogue was read too late to show the phases at the deposit."""
        if self.read_day is None:
            return False
        return (self.read_day - self.deposit_day).days > LATE_READING_DAYS

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


def found(sentence: Sentence, preuve: Mapping[str, Json], **facts: object) -> Found:
    """Return what a function found; `facts` are the values of the placeholders in the sentence."""
    rule = sentence.regle
    return Found(
        sentence.resultat,
        f"{sentence.fait.format(**facts)}.",
        None if rule is None else rule and f"{rule.format(**facts)}.",
        sentence.a_faire and f"{sentence.a_faire.format(**facts)}.",
        preuve,
        sentence.short(**facts) if sentence.court else "",
        [one.format(**facts) for one in sentence.demande],
    )


def whole(name: object) -> str:
    """Return « name », whole: for what an applicant is asked."""
    return f"« {defused(str(name), _LONGEST_NAME)} »"


def without_question(context: CheckInput, field: str, question: str) -> Found | None:
    """Return the result for a question that is not mapped or not asked, or None if it was asked.

    `question` is its French name, for the sentence.
    """
    reponse = context.reponse(field)
    preuve: dict[str, Json] = {"reponse": reponse.value}
    if reponse is Reponse.NON_ASSOCIE:
        return found(sentences.NON_ASSOCIE, {**preuve, SIGNALE: field}, question=question)
    if reponse is Reponse.NON_DEMANDE:
        return found(sentences.NON_DEMANDE, preuve, question=question)
    return None


def without_product(context: CheckInput) -> Found:
    """Return the result of a check of the product, which is not known."""
    is_away = context.match.lien is Lien.INDISPONIBLE
    return found(sentences.SANS_CATALOGUE if is_away else sentences.SANS_PRODUIT, {})


_OF_APPLICANT = ("siret", "siren", "raison_sociale", "forme_juridique", "etat_administratif")
SANS_PRODUIT = "Non examiné, faute de produit identifié."
EIG_FAITS: Mapping[str, Fait] = {
    **{name: FAITS[name] for name in ("depot", *_OF_APPLICANT)},
    ABOUT: Fait(Type.TEXTE, "produit reconnu", sans=SANS_PRODUIT),
    "phase_au_depot": Fait(Type.TEXTE, "phase du produit au jour du dépôt", sans=SANS_PRODUIT),
    "incubateur_constate": Fait(Type.TEXTE, "incubateur du produit", sans=SANS_PRODUIT),
    "rapprochement": Fait(Type.TEXTE, "ce qui est rapproché d’autres dossiers"),
}
"""Of the applicant, without what the programme's table leaves out; of the product, as the evidence
of the dossier has it, which is frozen with its date."""
_READ = attrgetter("siret", "siren", "raison_sociale", "forme_juridique_code", "etat_administratif")
_BY_PRODUCT, _BY_WORDS = (
    "Même produit",
    "Aucun produit reconnu, mais même réponse sur la page produit",
)


def faits_of(known: CheckInput, champs: Iterable[str]) -> Faits:
    """Return the facts of a candidature, with the answers to these fields of the mapping."""
    candidature, product = known.candidature, known.match.product
    values: dict[str, Any] = {
        "depot": Moment.of(candidature.depose_le),
        "rapprochement": _BY_PRODUCT if product else _BY_WORDS,
    }
    given = _READ(candidature.demandeur)
    values |= {name: value for name, value in zip(_OF_APPLICANT, given, strict=True) if value}
    if product is not None:
        phase = phase_by_start(product.phases, known.deposit_day)
        values |= {ABOUT: product.id, "incubateur_constate": product.incubateur}
        if phase is not None:
            values["phase_au_depot"] = phase.nom
    absents, hidden = set(), set()
    for name in champs:
        match known.reponse(name):
            case Reponse.NON_ASSOCIE:
                absents.add(name)
            case Reponse.NON_DEMANDE:
                hidden.add(name)
            case Reponse.REMPLI:
                values[name] = _value(known, name)
    return Faits(values, absents=frozenset(absents), non_posees=frozenset(hidden), dossier=known)


def _value(known: CheckInput, name: str) -> Any:
    if name == "voeux":
        voeux = sorted(known.candidature.voeux, key=lambda one: (one.rang, one.profil or ""))
        return [{"profil": one.profil, "missions": one.missions} for one in voeux]
    given = getattr(known.candidature, "departement_nom" if name == "departement" else name, None)
    # Answered, but not in a form that the programme's table has.
    return "" if given is None else given
