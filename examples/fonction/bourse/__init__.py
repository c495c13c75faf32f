"""The one check of the call that cannot be declared: working days of a stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dsync.controles.functions import Found
from dsync.domain.verdict import Resultat


@dataclass(frozen=True)
class Parametres:
    """What the file gives: a day in `feries` is no working day."""

    au_moins: int
    feries: tuple[date, ...] = ()


def jours_ouvres(faits: Mapping[str, Any], parametres: Parametres) -> Found:
    """Count the days from Monday to Friday of a stay."""
    first, last = faits["depart"], faits["retour"]
    # People type years such as 9999.
    length = min((last - first).days, 3650)
    days = (first + timedelta(days=rank) for rank in range(length + 1))
    count = sum(day.weekday() < 5 and day not in parametres.feries for day in days)
    is_enough = count >= parametres.au_moins
    return Found(
        Resultat.CONFORME if is_enough else Resultat.NON_CONFORME,
        f"Séjour de {count} jours ouvrés.",
        demande=[
            f"Votre séjour compte {count} jours ouvrés, {parametres.au_moins} sont attendus. Merci "
            "d’en indiquer les dates exactes."
        ],
    )
