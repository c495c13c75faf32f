"""The programme's functions, one in each module, by their names in files."""

from __future__ import annotations

from collections.abc import Mapping

from dsync.controles.functions import Call
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase

CHECKS: Mapping[str, Call] = {
    Check.ADMINISTRATION.function: check_administration,
    Check.FICHE_PRODUIT.function: check_fiche_produit,
    Check.PHASE.function: check_phase,
    Check.CAS_OCTROI.function: check_cas_octroi,
}
