"""`completude`: every champ that the mapping marks as needed is filled."""

from __future__ import annotations

from collections.abc import Sequence

from dsync.domain.candidature import Reponse
from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.context import Context, answer
from dsync.eligibility.rules import NeededChamp
from dsync.eligibility.wording import cut, listed

NAME = "completude"

_REMPLI = Reponse.REMPLI

_MEND = "À faire : compléter la configuration du pré-contrôle."
_COMPLETE = "À faire : demander au candidat de compléter."


def check_completude(context: Context) -> Controle:
    """List the needed champs that are blank; one that was not asked is none of them."""
    reponses = [
        (champ, reponse)
        for champ in context.rules.needed
        if (reponse := context.reponse(champ.field)) is not _REMPLI
    ]
    if not reponses:
        return answer(NAME, Resultat.CONFORME, "Toutes les réponses nécessaires sont données.")
    blank = [champ for champ, reponse in reponses if reponse is Reponse.VIDE]
    unmapped = [champ for champ, reponse in reponses if reponse is Reponse.NON_ASSOCIE]
    said: list[str] = []
    preuve: dict[str, Json] = {}
    if unmapped:
        said.append(f"Sans champ associé dans ce formulaire : {_names(unmapped)}. {_MEND}")
        preuve["non_associes"] = [champ.field for champ in unmapped]
    if blank:
        said.append(f"Sans réponse : {_names(blank)}. {_COMPLETE}")
        preuve["vides"] = [champ.field for champ in blank]
    if said:
        resultat = Resultat.IMPOSSIBLE if unmapped else Resultat.A_VERIFIER
        return answer(NAME, resultat, " ".join(said), **preuve)
    return answer(NAME, Resultat.CONFORME, "Toutes les réponses nécessaires sont données.")


def _names(champs: Sequence[NeededChamp]) -> str:
    return listed((cut(champ.libelle, 40) for champ in champs), most=5)
