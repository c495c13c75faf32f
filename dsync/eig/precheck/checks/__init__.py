"""The checks in Python, one in each module: the other ones are declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dsync.domain.verdict import Controle
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase

CHECKS: Mapping[Check, Callable[[CheckInput], Controle]] = {
    Check.ADMINISTRATION: check_administration,
    Check.FICHE_PRODUIT: check_fiche_produit,
    Check.PHASE: check_phase,
    Check.CAS_OCTROI: check_cas_octroi,
}
