"""Judges a candidature that has a verdict already, as the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dsync.domain.check_answers import Answer
from dsync.domain.dossier import Etat, Presence
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import new_decision
from dsync.domain.verdict import Decision, StoredVerdict
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.evaluation import NO_ANSWERS, absent_page, facts_of, rules_of
from dsync.eig.precheck.evidence import ProductEvidence, PublicEvidence
from dsync.eig.precheck.rules import RuleSet
from tests.unit.eig.precheck.conftest import FETCHED_AT


class CurrentVerdict(NamedTuple):
    """The verdict that a dossier has."""

    is_stale: bool
    """Whether the dossier has changed since."""
    verdict: Decision
    product: ProductEvidence | None


def judge_if_needed(
    candidature: Candidature,
    evidence: PublicEvidence,
    rules: RuleSet,
    *,
    doublons: tuple[DossierNumber, ...],
    current: CurrentVerdict,
    answers: Mapping[str, Answer] = NO_ANSWERS,
) -> Decision | None:
    """Return a new decision, or None when the current verdict stands."""
    is_stale, verdict, frozen = current
    names = [name for name in StoredVerdict.__struct_fields__ if hasattr(verdict, name)]
    stored = StoredVerdict(
        **{name: getattr(verdict, name) for name in names},
        depuis_le=FETCHED_AT,
        inputs_hash="before" if is_stale else "now",
    )
    numero = DossierNumber(candidature.numero)
    etat, presence, wished = Etat.EN_INSTRUCTION, Presence.PRESENT, {"resultat": verdict.verdict}
    due = ToJudge(numero, etat, presence, "now", stored, wished, answers)
    facts = facts_of(
        candidature,
        evidence,
        rules,
        doublons=doublons,
        frozen=frozen,
        answers=answers,
        absent=absent_page(candidature, stored, frozen),
        current=stored,
    )
    return new_decision(due, facts, rules_of(rules))
