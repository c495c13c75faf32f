"""What is known of a candidature to judge, and the results of all checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from msgspec import structs

from dsync.controles.declared_checks import Voisins
from dsync.domain.check_answers import (
    ABOUT,
    ANSWER,
    Answer,
    found_by,
    is_settled,
    left_over,
    with_answers,
)
from dsync.domain.dossier import Json
from dsync.domain.due import FIRST
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.judging import Results, decide
from dsync.domain.verdict import Controle, Decision, Resultat, StoredVerdict
from dsync.domain.wording import fold
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import READING, CheckInput, faits_of
from dsync.eig.precheck.checks.administration import registry_answer
from dsync.eig.precheck.evidence import (
    AbsentPage,
    ProductEvidence,
    PublicEvidence,
    established,
    identify_product,
    without_answer,
)
from dsync.eig.precheck.product import NO_ANSWER, Lien
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.sentences import A_EXAMINER


@dataclass(frozen=True, slots=True)
class CandidatureFacts:
    """What is known of a candidature to judge; `domain.judging.Facts` says what each is."""

    known: CheckInput
    frozen: ProductEvidence | None
    fingerprint: str
    today: CandidatureFacts | None = None

    @property
    def doublons(self) -> Sequence[DossierNumber]:
        """The first other dossiers for the same product."""
        return self.known.doublons

    @property
    def preuve(self) -> Json:
        """The product evidence, which stays stored while the text names no single product."""
        preuve = self.known.named.product_evidence or self.frozen
        return None if preuve is None else preuve.document()

    def surely_stands(self, current: StoredVerdict) -> bool:
        """Return whether there is neither another product evidence today, nor a former remark."""
        is_told = self.today is None and current.remarque is None
        return is_told or self.frozen is None or self.known.evidence.catalogue is None

    def results(
        self, answers: Mapping[str, Answer], current: StoredVerdict | None, *, holds: bool
    ) -> Results:
        """Make the checks, but for those whose results surely hold."""
        kept: Iterable[Controle] = ()
        if current is not None:
            # What is off, or compares dossiers, is not kept.
            on = self.known.rules.checks.keys() - self.known.rules.comparing
            kept = [found_by(one) for one in current.controles if one.controle in on]
            if not holds:
                kept = [one for one in kept if self._is_about(one, current)]
        return _run_checks(replace(self.known, answers=answers), kept)

    def beside(self, current: StoredVerdict) -> CandidatureFacts:
        """Return the facts as of a verdict by redirects that could be read, while they cannot."""
        if not self.known.evidence.aliases_known:
            confirmed = _fingerprint(self.known, aliases_known=True)
            if current.preuve_hash == confirmed:
                return replace(self, fingerprint=confirmed)
        return self

    def _is_about(self, one: Controle, current: StoredVerdict) -> bool:
        """Return whether a result stands, because it is about an answer that did not change.

        Where no product is named, no evidence is frozen: read again, after an edit of another
        question or a revision of the form, the same answer would be read late.
        """
        typed = self.known.candidature.page_produit
        return (
            self.frozen is None
            and one.controle == Check.FICHE_PRODUIT
            # Without an answer, it is about the other ones.
            and one.preuve.get("lien") not in (*NO_ANSWER, Lien.AILLEURS)
            and current.version_regles == self.known.rules.version
            and typed is not None
            and one.preuve.get("saisie") == typed
        )


def facts_of(
    candidature: Candidature,
    evidence: PublicEvidence,
    rule_set: RuleSet,
    *,
    doublons: Iterable[DossierNumber],
    frozen: ProductEvidence | None = None,
    answers: Mapping[str, Answer] = {},
    absent: AbsentPage | None = None,
) -> CandidatureFacts:
    """Return what is known of a candidature.

    `doublons` are the first dossiers for the same product, by their deposits. `frozen`, the product
    evidence of the current verdict, is used as long as the applicant names that product; the remark
    then says what today's catalogue would change. `absent` is the page that an earlier catalogue
    did not have, as `absent_page` returns it.
    """
    typed, incubateur = candidature.page_produit, candidature.incubateur
    answer = answers.get(Check.FICHE_PRODUIT)
    named = established(answer.produit, answer.constat, typed) if answer else None
    kept = identify_product(typed, incubateur, evidence, rule_set.pages, frozen, absent, named)
    kept = without_answer(kept, candidature, evidence.catalogue)
    others = [one for one in dict.fromkeys(doublons) if one != candidature.numero][: FIRST - 1]
    known = CheckInput(candidature, evidence, rule_set, kept, others)
    facts = CandidatureFacts(known, frozen, _fingerprint(known))
    if kept.is_frozen:
        now = identify_product(typed, incubateur, evidence, rule_set.pages, None, absent, named)
        other = replace(known, named=now)
        if now.match != kept.match and (said := _fingerprint(other)) != facts.fingerprint:
            facts = replace(facts, today=CandidatureFacts(other, frozen, said))
    return facts


def judge(
    candidature: Candidature,
    evidence: PublicEvidence,
    rule_set: RuleSet,
    *,
    doublons: Iterable[DossierNumber],
    frozen: ProductEvidence | None = None,
    answers: Mapping[str, Answer] = {},
) -> Decision:
    """Return the decision on a candidature by itself; arguments as of `facts_of`."""
    facts = facts_of(
        candidature, evidence, rule_set, doublons=doublons, frozen=frozen, answers=answers
    )
    return decide(facts, rule_set.rules, answers)


def absent_page(
    candidature: Candidature,
    verdict: Decision,
    frozen: ProductEvidence | None,
) -> AbsentPage | None:
    """Return the page that a catalogue read after the deposit lacked, by the current verdict."""
    if frozen is not None:
        at = frozen.absente_le
        return AbsentPage(frozen.product.id, at) if at else None
    page_check = next((c for c in verdict.controles if c.controle == Check.FICHE_PRODUIT), None)
    preuve = found_by(page_check).preuve if page_check else {}
    page, read = preuve.get("page"), preuve.get("consulte_le")
    if preuve.get("lien") not in (Lien.INCONNUE, Lien.PROCHE):
        return None
    if not (isinstance(page, str) and isinstance(read, str)):
        return None
    at = datetime.fromisoformat(read)
    return AbsentPage(page, at) if at >= candidature.depose_le else None


def _run_checks(context: CheckInput, known: Iterable[Controle]) -> Results:
    """Return the results; `known` ones still hold, and their checks are not made again."""
    rules, kept = context.rules, {controle.controle: controle for controle in known}
    others = Voisins({name: context.doublons for name in rules.comparing}, lambda _: None)
    faits = faits_of(context, rules.used)
    made = rules.declarations.evaluator.controles(faits, others, kept)
    by_name = {one.controle: one for one in made}
    product = context.match.product
    constats: dict[str, Json] = {
        "produit_id": context.match.product_id,
        # The catalogue spells a phase with or without accents and capitals.
        "phase_constatee": fold(_fact(by_name, Check.PHASE, "phase") or "") or None,
        "incubateur_constate": product.incubateur if product else None,
        "type_administration": _fact(by_name, Check.ADMINISTRATION, "type") or "inconnu",
    }
    return Results(_with_answers(made, context), constats)


def _with_answers(made: Sequence[Controle], context: CheckInput) -> tuple[Controle, ...]:
    """Return the checks with what persons established.

    A check that leans on the product is not passed over because somebody established that there is
    a page: without a product of the catalogue, somebody has to examine it, too.
    """
    answers = context.answers
    if not answers:
        return tuple(made)
    found = next((one for one in made if one.controle == Check.FICHE_PRODUIT), None)
    answer = answers.get(Check.FICHE_PRODUIT)
    if found and answer and _is_still_about(context, answer, found):
        answers = {**answers, Check.FICHE_PRODUIT: structs.replace(answer, constat=found)}
    left = tuple(left_over(made, answers))
    answered = with_answers(made, answers, READING)
    page = next((one for one in answered if one.controle == Check.FICHE_PRODUIT), None)
    if page is None or not is_settled(page) or page.resultat is not Resultat.CONFORME:
        return answered + left
    examined = [
        Controle(one.controle, A_EXAMINER.resultat, A_EXAMINER.text(""), {})
        if one.resultat is Resultat.SANS_OBJET
        else one
        for one in made
    ]
    return with_answers(examined, answers, READING) + left


def _is_still_about(context: CheckInput, answer: Answer, found: Controle) -> bool:
    """Whether an answer about the page holds though the check finds it in another way."""
    if established(answer.produit, answer.constat, context.candidature.page_produit):
        # Whatever the catalogue suggests: they said which product it is.
        return True
    # Another spelling of the product that it was given for, which shows nothing new of it.
    about = answer.produit or answer.constat.preuve.get(ABOUT)
    is_same = context.typed.is_certain and context.typed.product_id == about
    return is_same and found.resultat in (answer.resultat, answer.constat.resultat)


def _fingerprint(known: CheckInput, *, aliases_known: bool = False) -> str:
    """Return a digest of the evidence that a verdict on this dossier is based on."""
    # Only what concerns this dossier: another product's change must not have it judged again.
    match = known.match
    facts: list[Json] = [match.lien, *match.noms, match.autres_mots, match.confirme]
    if match.questions:
        facts += [match.page, *match.questions]
    if match.product:
        facts.append(match.product.fingerprint)
    if match.absente_le:
        facts.append(match.absente_le.isoformat())
    if match is not known.typed:
        # What the text alone leads to decides nothing then.
        facts.append(ANSWER)
    # Once the redirects can be read again, an unknown page may be an alias.
    if match.lien is Lien.INCONNUE:
        facts.append(aliases_known or known.evidence.aliases_known)
    if registry := registry_answer(known):
        facts += [
            registry.siren, registry.status.value, registry.nature_juridique, registry.is_closed
        ]  # fmt: skip
    return sha256(json_bytes(facts)).hexdigest()[:32]


def _fact(by_name: Mapping[str, Controle], check: Check, key: str) -> str | None:
    """Return a text in the evidence of a check; None if there is none, or the check is off."""
    controle = by_name.get(check)
    value = controle.preuve.get(key) if controle else None
    return value if isinstance(value, str) else None
