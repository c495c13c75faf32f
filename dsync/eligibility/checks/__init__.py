"""The checks, one a module, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable

from dsync.domain.verdict import Controle
from dsync.eligibility.checks.administration import check_administration
from dsync.eligibility.checks.cas_octroi import check_cas_octroi
from dsync.eligibility.checks.completude import check_completude
from dsync.eligibility.checks.depot import check_depot
from dsync.eligibility.checks.doublon import check_doublon
from dsync.eligibility.checks.fiche_produit import check_fiche_produit
from dsync.eligibility.checks.phase import check_phase
from dsync.eligibility.checks.profils import check_profils
from dsync.eligibility.context import Context

CHECKS: tuple[tuple[str, Callable[[Context], Controle]], ...] = (
    ("depot", check_depot),
    ("administration", check_administration),
    ("fiche_produit", check_fiche_produit),
    ("phase", check_phase),
    ("profils", check_profils),
    ("cas_octroi", check_cas_octroi),
    ("completude", check_completude),
    ("doublon", check_doublon),
)

__all__ = ["CHECKS"]
