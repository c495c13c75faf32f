"""`depot`: the dossier was deposited during the call."""

from __future__ import annotations

from dsync.domain.verdict import Controle
from dsync.domain.wording import french_date
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput, make_controle


def check_depot(context: CheckInput) -> Controle:
    """Compare the day of deposit with the first and last day of the call, inclusive."""
    window, day = context.rules.window, context.deposit_day
    is_inside = window.start <= day <= window.end
    return make_controle(
        Check.DEPOT,
        sentences.DANS_APPEL if is_inside else sentences.HORS_APPEL,
        {
            "date": day.isoformat(),
            "debut": window.start.isoformat(),
            "fin": window.end.isoformat(),
        },
        jour=french_date(day),
        debut=french_date(window.start),
        fin=french_date(window.end),
    )
