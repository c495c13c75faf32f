"""The eligibility pre-check: public evidence and rules in, an explained decision out.

Pure: no I/O but the lists that `RuleSet.load` reads at start, no clock. It advises; nothing
here refuses anything.
"""

from __future__ import annotations

from dsync.eligibility.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    Phase,
    Product,
    seen,
)
from dsync.eligibility.checks.administration import needs_registry
from dsync.eligibility.config import RulesConfig
from dsync.eligibility.detail import stated_verdict
from dsync.eligibility.evaluate import evaluate, evidence_fingerprint
from dsync.eligibility.evidence import (
    Evidence,
    ProductEvidence,
    RegistryAnswer,
    RegistryStatus,
    name_product,
    stored_product,
)
from dsync.eligibility.judging import (
    TEXTS_JUDGED,
    Standing,
    decide,
)
from dsync.eligibility.product import Lien, ProductMatch, resolve_product
from dsync.eligibility.rules import CHECK_NAMES, RuleSet
from dsync.eligibility.sentences import TITLES
from dsync.eligibility.verdict import counterfactual, verdict_of

__all__ = [
    "CHECK_NAMES",
    "TEXTS_JUDGED",
    "TITLES",
    "Catalogue",
    "CatalogueError",
    "Evidence",
    "KnownProduct",
    "Lien",
    "Phase",
    "Product",
    "ProductEvidence",
    "ProductMatch",
    "RegistryAnswer",
    "RegistryStatus",
    "RuleSet",
    "RulesConfig",
    "Standing",
    "counterfactual",
    "decide",
    "evaluate",
    "evidence_fingerprint",
    "name_product",
    "needs_registry",
    "resolve_product",
    "seen",
    "stated_verdict",
    "stored_product",
    "verdict_of",
]
