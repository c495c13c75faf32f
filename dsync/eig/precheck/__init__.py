"""The eligibility pre-check: public evidence and rules in, an explained decision out.

Pure: no I/O but the lists that `RuleSet.load` reads at start, no clock. It advises; nothing
here refuses anything.
"""

from __future__ import annotations

from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    Phase,
    Product,
    seen,
)
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.config import RulesConfig
from dsync.eig.precheck.detail import stated_verdict
from dsync.eig.precheck.evaluate import evaluate, evidence_fingerprint
from dsync.eig.precheck.evidence import (
    Evidence,
    ProductEvidence,
    RegistryAnswer,
    RegistryStatus,
    name_product,
    stored_product,
)
from dsync.eig.precheck.product import Lien, ProductMatch, resolve_product
from dsync.eig.precheck.rules import CHECK_NAMES, RuleSet
from dsync.eig.precheck.sentences import TITLES
from dsync.eig.precheck.standing import (
    Standing,
    decide,
)

__all__ = [
    "CHECK_NAMES",
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
    "decide",
    "evaluate",
    "evidence_fingerprint",
    "name_product",
    "needs_registry",
    "resolve_product",
    "seen",
    "stated_verdict",
    "stored_product",
]
