"""Judge a candidature: every check on it, and the decision made of them.

Whether a verdict that stands needs judging again is decided in `standing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import structs

from dsync.domain.dossier import Json
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict, verdict_of, worst
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.checks import CHECKS
from dsync.eig.precheck.checks.administration import registry_answer
from dsync.eig.precheck.checks.completude import NAME as COMPLETUDE
from dsync.eig.precheck.checks.completude import check_completude
from dsync.eig.precheck.context import TOLD, Context
from dsync.eig.precheck.detail import detail_text
from dsync.eig.precheck.evidence import Evidence, NamedProduct, ProductEvidence, name_product
from dsync.eig.precheck.product import Lien, ProductMatch
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.wording import fold
from dsync.errors import RuleEvaluationError

_OF_PRODUCT = frozenset({"phase", "cas_octroi", "doublon"})
"""Checks that judge the product."""


def evaluate(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    *,
    doublons: Sequence[DossierNumber],
    frozen_product: ProductEvidence | None = None,
) -> Decision:
    """Return the decision on a candidature; the same arguments give the same one to the byte.

    Args:
        candidature: The dossier as the programme reads it.
        evidence: What is publicly known.
        rules: The call's rules.
        doublons: Other living dossiers for the same product.
        frozen_product: The product evidence kept with the verdict that stands. It serves while
            the applicant names that product; a remark then says what the catalogue at hand
            would give.

    Raises:
        RuleEvaluationError: when a check fails, which is a fault of dsync.
    """
    try:
        named = name_product(candidature.page_produit, evidence, frozen_product)
        kept = named.proof or frozen_product
        decision = structs.replace(
            _decide(_context(candidature, evidence, rules, doublons, named)),
            preuve=None if kept is None else kept.document(),
        )
        if (
            not named.is_frozen
            or evidence_fingerprint(candidature, evidence, rules) == decision.preuve_hash
        ):
            return decision
        now = name_product(candidature.page_produit, evidence, None)
        today = _decide(_context(candidature, evidence, rules, doublons, now))
    except Exception as exc:
        raise RuleEvaluationError(
            f"Dossier {candidature.numero}: a check failed ({type(exc).__name__}). Its verdict "
            "stays as it was; report this with the dossier's number.",
            dossier=candidature.numero,
        ) from exc
    return structs.replace(decision, remarque=_remark(decision, today))


def evidence_fingerprint(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    frozen_product: ProductEvidence | None = None,
) -> str:
    """Return the digest of the evidence that this dossier's verdict would rest on now."""
    match = name_product(candidature.page_produit, evidence, frozen_product).match
    return _fingerprint(candidature, evidence, rules, match, _aliases_known(evidence))


def _context(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    doublons: Sequence[DossierNumber],
    named: NamedProduct,
) -> Context:
    catalogue, at = evidence.catalogue, evidence.catalogue_at
    source, sha256 = (catalogue.source, catalogue.sha256) if catalogue else ("", "")
    if named.proof is not None:
        source, sha256, at = named.proof.source, named.proof.sha256, named.proof.consulte_le
    return Context(
        candidature=candidature,
        evidence=evidence,
        rules=rules,
        match=named.match,
        aliases_known=_aliases_known(evidence),
        catalogue_source=source,
        catalogue_sha256=sha256,
        consulte_le=at.isoformat() if at else None,
        read_on=rules.reference_date(at) if at else None,
        reference=rules.reference_date(candidature.depose_le),
        doublons=tuple(sorted(set(doublons) - {candidature.numero})),
    )


def _decide(context: Context) -> Decision:
    by_name = {name: _capped(check(context), context) for name, check in CHECKS}
    told = frozenset(
        field for c in by_name.values() if isinstance(field := c.preuve.get(TOLD), str)
    )
    by_name[COMPLETUDE] = check_completude(structs.replace(context, told=told))
    controles = tuple(by_name.values())
    product = context.match.product
    return Decision(
        verdict=verdict_of(controle.resultat for controle in controles),
        controles=controles,
        detail=detail_text(
            controles,
            instruction=context.rules.config.instruction,
            most=context.rules.config.max_detail_length,
        ),
        version_regles=context.rules.version,
        preuve_hash=_fingerprint(
            context.candidature,
            context.evidence,
            context.rules,
            context.match,
            context.aliases_known,
        ),
        doublons=context.doublons,
        constats={
            "produit_id": context.match.product_id,
            # The catalogue writes one phase in several ways, with accents, capitals, or without.
            "phase_constatee": fold(_text(by_name["phase"].preuve, "phase") or "") or None,
            "incubateur_constate": product.incubateur if product else None,
            "type_administration": _text(by_name["administration"].preuve, "type") or "inconnu",
        },
    )


def _capped(controle: Controle, context: Context) -> Controle:
    """Return the check's answer, no more severe than configuration and product let it be.

    Of a product known by its site, its repository or its name alone nothing is certain.
    """
    if controle.resultat is not Resultat.NON_CONFORME:
        return controle
    cap = context.rules.caps[controle.controle]
    if controle.controle in _OF_PRODUCT and not context.match.is_published:
        cap = Resultat.A_VERIFIER
    return controle if cap is Resultat.NON_CONFORME else structs.replace(controle, resultat=cap)


def _fingerprint(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    match: ProductMatch,
    aliases_known: bool,
) -> str:
    facts: list[Json] = [match.lien, *match.noms]
    if match.product:
        facts.append(match.product.fingerprint)
    if match.lien is Lien.INCONNUE:
        facts.append(aliases_known)
    if registry := registry_answer(candidature, evidence, rules):
        facts += [
            registry.siren, registry.status.value, registry.nature_juridique, registry.is_closed
        ]  # fmt: skip
    return sha256(json_bytes(facts)).hexdigest()[:32]


def _remark(kept: Decision, today: Decision) -> str | None:
    """Return what the catalogue at hand would change, or None when it would change nothing."""
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


def _aliases_known(evidence: Evidence) -> bool:
    return evidence.catalogue is not None and evidence.catalogue.aliases_known


def _text(preuve: Mapping[str, Json], key: str) -> str | None:
    value = preuve.get(key)
    return value if isinstance(value, str) else None
