"""The checks, one in each module, in the order of the results."""

from __future__ import annotations

from collections.abc import Callable

from dsync.domain.verdict import Controle
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.completude import check_completude
from dsync.eig.precheck.checks.depot import check_depot
from dsync.eig.precheck.checks.doublon import check_doublon
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase
from dsync.eig.precheck.checks.profils import check_profils
from dsync.eig.precheck.context import Context

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
