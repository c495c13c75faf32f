"""The eligibility pre-check: applies the rules to a candidature and gives a reasoned decision.

Pure, except that `RuleSet.load` reads the lists: no other I/O, no clock.
"""

from __future__ import annotations

from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    Phase,
    Product,
    updated_products,
)
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.config import RulesConfig
from dsync.eig.precheck.detail import stated_verdict
from dsync.eig.precheck.evaluation import (
    CurrentVerdict,
    evaluate,
    evaluate_if_needed,
    evidence_fingerprint,
)
from dsync.eig.precheck.evidence import (
    Evidence,
    ProductEvidence,
    RegistryAnswer,
    RegistryStatus,
    identify_product,
    stored_product,
)
from dsync.eig.precheck.product import Lien, ProductMatch, resolve_product
from dsync.eig.precheck.rules import CHECK_NAMES, RuleSet
from dsync.eig.precheck.sentences import TITLES

__all__ = [
    "CHECK_NAMES",
    "TITLES",
    "Catalogue",
    "CatalogueError",
    "CurrentVerdict",
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
    "evaluate",
    "evaluate_if_needed",
    "evidence_fingerprint",
    "identify_product",
    "needs_registry",
    "resolve_product",
    "stated_verdict",
    "stored_product",
    "updated_products",
]
