"""Whether there is anything to decide on dossiers, and what: of many, wherever that is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dsync.domain.candidature import Candidature
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, WrittenDecision
from dsync.eligibility.evaluate import evaluate, evidence_fingerprint
from dsync.eligibility.evidence import Evidence, StoredProductEvidence
from dsync.eligibility.rules import RuleSet

TEXTS_JUDGED = ("page_produit", "phase_declaree", "cas_demande")
"""Fields of a candidature that checks look into; of other texts they ask who answered them."""


class Standing(NamedTuple):
    """A verdict that stands unless something speaks for a new one."""

    is_stale: bool
    """Whether the dossier itself, its doublons or the rules are others than it was given on."""
    is_eligible: bool
    preuve_hash: str | None
    remarque: str | None
    product: StoredProductEvidence | None
    """What a verdict Éligible rests on: it is judged again on that."""


class Question(NamedTuple):
    """A dossier to be looked at."""

    candidature: Candidature
    doublons: tuple[DossierNumber, ...]
    standing: Standing | None


class Answers(NamedTuple):
    """What came of the questions, in their order."""

    decisions: list[WrittenDecision | None]
    """None: the verdict stands, or a rule failed."""
    failed: list[DossierNumber]

    def joined(self, rest: Answers) -> Answers:
        """Return both, as what came of all the questions."""
        return Answers(self.decisions + rest.decisions, self.failed + rest.failed)


def parted(
    questions: Sequence[Question], share: float
) -> tuple[Sequence[Question], Sequence[Question]]:
    """Cut questions in two, the first with about this share of them."""
    cut = round(len(questions) * share)
    return questions[:cut], questions[cut:]


def decide(question: Question, evidence: Evidence, rules: RuleSet) -> Decision | None:
    """Return a new decision, or None when the standing verdict stands.

    The catalogue of another day only adds a remark to a verdict Éligible.

    Raises:
        RuleEvaluationError: when a check fails, which is a fault of dsync.
    """
    candidature, doublons, standing = question
    if standing is not None and standing.is_eligible:
        decision = evaluate(
            candidature, evidence, rules, doublons=doublons, frozen_product=standing.product
        )
        is_news = standing.is_stale or decision.remarque != standing.remarque
        return decision if is_news else None
    if (
        standing is not None
        and not standing.is_stale
        and standing.preuve_hash == evidence_fingerprint(candidature, evidence, rules)
    ):
        return None
    return evaluate(candidature, evidence, rules, doublons=doublons)


def decide_all(evidence: Evidence, rules: RuleSet, questions: Sequence[Question]) -> Answers:
    """Answer all questions; one that fails stops no other."""
    answers = Answers([], [])
    for question in questions:
        decision = None
        try:
            decision = decide(question, evidence, rules)
        except Exception:  # Whatever fails on one dossier stops no other.
            answers.failed.append(question.candidature.numero)
        answers.decisions.append(None if decision is None else decision.written())
    return answers
