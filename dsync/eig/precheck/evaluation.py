"""Judges a candidature: runs all checks and makes one decision of their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from msgspec import structs

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
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.verdict import (
    Controle,
    Decision,
    Resultat,
    StoredVerdict,
    Verdict,
    verdict_of,
    worst,
)
from dsync.domain.wording import fold
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import READING, REPORTED_BLANK, Context, make_controle
from dsync.eig.precheck.checks import CHECKS
from dsync.eig.precheck.checks.administration import registry_answer
from dsync.eig.precheck.checks.completude import check_completude
from dsync.eig.precheck.detail import detail_text
from dsync.eig.precheck.evidence import (
    AbsentPage,
    Evidence,
    IdentifiedProduct,
    ProductEvidence,
    established,
    identify_product,
)
from dsync.eig.precheck.product import Lien
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.sentences import A_EXAMINER
from dsync.errors import RuleEvaluationError

NO_ANSWERS: Mapping[str, Answer] = MappingProxyType({})


def judge(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    *,
    doublons: Sequence[DossierNumber],
    frozen_product: ProductEvidence | None = None,
    answers: Mapping[str, Answer] = NO_ANSWERS,
    absent: AbsentPage | None = None,
) -> Decision:
    """Return the decision on a candidature; equal arguments give equal decisions.

    Args:
        candidature: the dossier in the programme's terms.
        evidence: the catalogue and the registry's answers.
        rules: the rules in force.
        doublons: numbers of the other dossiers for the same product.
        frozen_product: the product evidence of the current verdict. It is used as long as the
            applicant names that product; `Decision.remarque` then says what today's catalogue
            would change.
        answers: what persons established, by check.
        absent: the page that an earlier catalogue did not have, as `absent_page` returns it.

    Raises:
        RuleEvaluationError: a check failed, which is a bug.
    """
    with _naming(candidature):
        products = _identify(candidature, evidence, rules, frozen_product, absent, answers)
        return _decide(candidature, evidence, rules, doublons, products, frozen_product, answers)


@contextmanager
def _naming(candidature: Candidature) -> Iterator[None]:
    """Turn the exception of a check into an error that names the dossier, and no value of it."""
    try:
        yield
    except Exception as exc:
        raise RuleEvaluationError(
            f"Dossier {candidature.numero}: a check failed ({type(exc).__name__}). Its verdict "
            "stays as it was; report this with the dossier's number.",
            dossier=candidature.numero,
        ) from exc


class CurrentVerdict(NamedTuple):
    """The verdict that a dossier has."""

    is_stale: bool
    """Whether the dossier or the rules have changed since."""
    verdict: StoredVerdict | Decision
    product: ProductEvidence | None
    """The product evidence, which is used again as long as the applicant names that product."""


def judge_if_needed(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    *,
    doublons: tuple[DossierNumber, ...],
    current: CurrentVerdict | None,
    answers: Mapping[str, Answer] = NO_ANSWERS,
) -> Decision | None:
    """Return a new decision, or None when the current verdict is still valid.

    If the product was found before, a newer catalogue can only change the remark.

    Args:
        candidature: the dossier in the programme's terms.
        evidence: the catalogue and the registry's answers.
        rules: the rules in force.
        doublons: numbers of the other dossiers for the same product.
        current: the current verdict; None when the dossier has none.
        answers: what persons established, by check.

    Raises:
        RuleEvaluationError: a check failed, which is a bug.
    """
    if current is None:
        return judge(candidature, evidence, rules, doublons=doublons, answers=answers)
    verdict, frozen = current.verdict, current.product
    with _naming(candidature):
        absent = absent_page(candidature, verdict, frozen)
        products = _identify(candidature, evidence, rules, frozen, absent, answers)
        # The other dossiers are not in this hash: they concern one check only.
        hashes = {products.kept_hash}
        if not evidence.aliases_known:
            # What was judged by redirects that could be read stands while they cannot.
            hashes.add(
                _fingerprint(candidature, evidence, rules, products.kept, aliases_known=True)
            )
        holds = not current.is_stale and verdict.preuve_hash in hashes
        is_valid = holds and doublons == verdict.doublons
        if is_valid:
            if frozen is None or evidence.catalogue is None:
                return None
            # Today's catalogue says the same, and there is no former remark to remove.
            if products.kept_hash == products.today_hash and verdict.remarque is None:
                return None
        # Only this check depends on the other dossiers; what is off is not made.
        on = rules.checks - {Check.DOUBLON}
        made = [found_by(one) for one in verdict.controles if one.controle in on]
        known = made if holds else ()
        if not holds and verdict.preuve_hash in hashes and frozen is None:
            known = [one for one in made if _is_about(one, candidature, verdict, rules)]
        decision = _decide(candidature, evidence, rules, doublons, products, frozen, answers, known)
    return None if is_valid and decision.remarque == verdict.remarque else decision


def _is_about(
    one: Controle,
    candidature: Candidature,
    verdict: StoredVerdict | Decision,
    rules: RuleSet,
) -> bool:
    """Return whether a result stands, because it is about an answer that did not change.

    Where no product is named, no evidence is frozen: read again, after an edit of another question
    or a revision of the form, the same answer would be read late.
    """
    return (
        one.controle == Check.FICHE_PRODUIT
        and verdict.version_regles == rules.version
        and candidature.page_produit is not None
        and one.preuve.get("saisie") == candidature.page_produit
    )


class _Products(NamedTuple):
    """The product that a dossier names, each with the digest of the evidence that follows."""

    kept: IdentifiedProduct
    """By the evidence of the current verdict, as long as it applies."""
    kept_hash: str
    today: IdentifiedProduct
    """By today's catalogue alone."""
    today_hash: str


def absent_page(
    candidature: Candidature,
    verdict: StoredVerdict | Decision,
    frozen: ProductEvidence | None,
) -> AbsentPage | None:
    """Return the page that a catalogue fetched after the deposit did not have, by a verdict.

    Args:
        candidature: the dossier in the programme's terms.
        verdict: the current verdict.
        frozen: its product evidence.
    """
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


def _identify(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    frozen: ProductEvidence | None,
    absent: AbsentPage | None,
    answers: Mapping[str, Answer],
) -> _Products:
    typed, incubateur = candidature.page_produit, candidature.incubateur
    answer = answers.get(Check.FICHE_PRODUIT)
    named = established(answer.produit, answer.constat, typed) if answer else None
    kept = today = identify_product(typed, incubateur, evidence, rules, frozen, absent, named)
    kept_hash = today_hash = _fingerprint(candidature, evidence, rules, kept)
    if kept.is_frozen:
        today = identify_product(typed, incubateur, evidence, rules, None, absent, named)
        if today.match != kept.match:
            today_hash = _fingerprint(candidature, evidence, rules, today)
    return _Products(kept, kept_hash, today, today_hash)


def _decide(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    doublons: Sequence[DossierNumber],
    products: _Products,
    frozen: ProductEvidence | None,
    answers: Mapping[str, Answer],
    known: Iterable[Controle] = (),
) -> Decision:
    """Return the decision; `known` are results that still hold, whose checks are not made again."""
    kept, kept_hash, today, today_hash = products
    # The frozen evidence stays stored while the text names no single product.
    preuve = kept.product_evidence or frozen
    decision = structs.replace(
        _run_checks(
            _context(candidature, evidence, rules, doublons, kept, answers), kept_hash, known
        ),
        preuve=None if preuve is None else preuve.document(),
    )
    if kept_hash == today_hash:
        return decision
    # The frozen evidence stays; the remark says what today's catalogue would change.
    context = _context(candidature, evidence, rules, doublons, today, answers)
    anew = _run_checks(context, today_hash)
    return structs.replace(decision, remarque=_remark(decision, anew))


def _context(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    doublons: Sequence[DossierNumber],
    named: IdentifiedProduct,
    answers: Mapping[str, Answer],
) -> Context:
    catalogue, at = evidence.catalogue, evidence.catalogue_at
    source, sha256 = (catalogue.source, catalogue.sha256) if catalogue else ("", "")
    if known := named.product_evidence:
        source, sha256, at = known.source, known.sha256, known.consulte_le
    return Context(
        candidature=candidature,
        evidence=evidence,
        rules=rules,
        match=named.match,
        typed=named.typed,
        catalogue_source=source,
        catalogue_sha256=sha256,
        consulte_le=at.isoformat() if at else None,
        read_day=rules.local_day(at) if at else None,
        deposit_day=rules.local_day(candidature.depose_le),
        # Sorted, because the numbers are in the text.
        doublons=tuple(sorted(set(doublons) - {candidature.numero})),
        answers=answers,
    )


def _run_checks(context: Context, preuve_hash: str, known: Iterable[Controle] = ()) -> Decision:
    made = [check for check in Check if check in context.rules.checks]
    by_name = {controle.controle: controle for controle in known}
    for check in made:
        if check not in by_name and check is not Check.COMPLETUDE:
            by_name[check] = _limit_severity(CHECKS[check](context), context)
    # Last, because it does not list again the blank fields that another check reports.
    if Check.COMPLETUDE in made and Check.COMPLETUDE not in by_name:
        reported = frozenset(
            field
            for c in by_name.values()
            if isinstance(field := c.preuve.get(REPORTED_BLANK), str)
        )
        by_name[Check.COMPLETUDE] = check_completude(replace(context, reported_blanks=reported))
    controles = _with_answers([by_name[check] for check in made], context)
    product = context.match.product
    return Decision(
        verdict=verdict_of(controle.resultat for controle in controles),
        controles=controles,
        detail=detail_text(
            controles,
            instruction=context.rules.config.instruction,
            max_length=context.rules.config.max_detail_length,
            publication_url=context.rules.config.publication_url,
        ),
        version_regles=context.rules.version,
        preuve_hash=preuve_hash,
        doublons=context.doublons,
        constats={
            "produit_id": context.match.product_id,
            # The catalogue spells a phase with or without accents and capitals.
            "phase_constatee": fold(_fact(by_name, Check.PHASE, "phase") or "") or None,
            "incubateur_constate": product.incubateur if product else None,
            "type_administration": _fact(by_name, Check.ADMINISTRATION, "type") or "inconnu",
        },
    )


def _with_answers(made: Sequence[Controle], context: Context) -> tuple[Controle, ...]:
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
        make_controle(one.controle, A_EXAMINER, {}) if one.resultat is Resultat.SANS_OBJET else one
        for one in made
    ]
    return with_answers(examined, answers, READING) + left


def _is_still_about(context: Context, answer: Answer, found: Controle) -> bool:
    """Whether an answer about the page holds though the check finds it in another way."""
    if established(answer.produit, answer.constat, context.candidature.page_produit):
        # Whatever the catalogue suggests: they said which product it is.
        return True
    # Another spelling of the product that it was given for, which shows nothing new of it.
    about = answer.produit or answer.constat.preuve.get(ABOUT)
    is_same = context.typed.is_certain and context.typed.product_id == about
    return is_same and found.resultat in (answer.resultat, answer.constat.resultat)


def _limit_severity(controle: Controle, context: Context) -> Controle:
    """Return the check's result, at most as severe as the configuration and the product allow.

    If it is not certain which product is meant, it may be another one: at most « à vérifier ».
    """
    if controle.resultat is not Resultat.NON_CONFORME:
        return controle
    limit = context.rules.severities[controle.controle]
    if Check(controle.controle).is_of_product and not context.match.is_certain:
        limit = Resultat.A_VERIFIER
    return controle if limit is Resultat.NON_CONFORME else structs.replace(controle, resultat=limit)


def _fingerprint(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    named: IdentifiedProduct,
    *,
    aliases_known: bool | None = None,
) -> str:
    """Return a digest of the evidence that a verdict on this dossier is based on."""
    # Only what concerns this dossier: another product's change must not have it judged again.
    match = named.match
    facts: list[Json] = [match.lien, *match.noms, match.autres_mots, match.confirme]
    if match.product:
        facts.append(match.product.fingerprint)
    if match.absente_le:
        facts.append(match.absente_le.isoformat())
    if match is not named.typed:
        # What the text alone leads to decides nothing then.
        facts.append(ANSWER)
    # Once the redirects can be read again, an unknown page may be an alias.
    if match.lien is Lien.INCONNUE:
        facts.append(evidence.aliases_known if aliases_known is None else aliases_known)
    if registry := registry_answer(candidature, evidence, rules):
        facts += [
            registry.siren, registry.status.value, registry.nature_juridique, registry.is_closed
        ]  # fmt: skip
    return sha256(json_bytes(facts)).hexdigest()[:32]


def _remark(kept: Decision, today: Decision) -> str | None:
    """Return what today's catalogue would change in the verdict, or None for nothing."""
    # Evidence that cannot be had now says nothing about the verdict.
    if today.verdict in (kept.verdict, Verdict.INDETERMINE):
        return None
    before = {controle.controle: controle.resultat for controle in kept.controles}
    moved = [
        controle.motif
        for controle in today.controles
        if worst((before[controle.controle], controle.resultat)) is not before[controle.controle]
    ]
    return " ".join(
        [f"D’après le catalogue actuel, le verdict serait {today.verdict.value}.", *moved]
    )


def _fact(by_name: Mapping[str, Controle], check: Check, key: str) -> str | None:
    """Return a text in the evidence of a check; None if there is none, or the check is off."""
    controle = by_name.get(check)
    value = controle.preuve.get(key) if controle else None
    return value if isinstance(value, str) else None
