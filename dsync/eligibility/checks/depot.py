"""`depot`: the dossier was deposited during the call."""

from __future__ import annotations

from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.context import Context, answer
from dsync.eligibility.wording import french_date


def check_depot(context: Context) -> Controle:
    """Compare the day of deposit with the window, its two days included."""
    window, day = context.rules.config.window, context.reference
    preuve = {
        "date": day.isoformat(),
        "debut": window.start.isoformat(),
        "fin": window.end.isoformat(),
    }
    if window.start <= day <= window.end:
        motif = f"Dossier déposé le {french_date(day)}, pendant l’appel à projets."
        return answer("depot", Resultat.CONFORME, motif, **preuve)
    return answer(
        "depot",
        Resultat.A_VERIFIER,
        f"Dossier déposé le {french_date(day)}, hors de l’appel à projets "
        f"(du {french_date(window.start)} au {french_date(window.end)}). "
        "À faire : décider s’il peut être retenu.",
        **preuve,
    )
