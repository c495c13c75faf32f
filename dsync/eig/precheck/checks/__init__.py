"""The functions of the checks, one in each module."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dsync.domain.verdict import Controle
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.completude import check_completude
from dsync.eig.precheck.checks.depot import check_depot
from dsync.eig.precheck.checks.doublon import check_doublon
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase
from dsync.eig.precheck.checks.profils import check_profils

CHECKS: Mapping[Check, Callable[[CheckInput], Controle]] = {
    Check.DEPOT: check_depot,
    Check.ADMINISTRATION: check_administration,
    Check.FICHE_PRODUIT: check_fiche_produit,
    Check.PHASE: check_phase,
    Check.PROFILS: check_profils,
    Check.CAS_OCTROI: check_cas_octroi,
    Check.COMPLETUDE: check_completude,
    Check.DOUBLON: check_doublon,
}
