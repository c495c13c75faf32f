"""`completude`: every champ that the mapping marks as needed is filled."""

from __future__ import annotations

from dsync.domain.candidature import Reponse
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.context import Context, answer
from dsync.eligibility.wording import cut, listed

NAME = "completude"


def check_completude(context: Context) -> Controle:
    """List the needed champs that are blank; one that was not asked is none of them."""
    blank, unmapped = [], []
    for champ in context.rules.needed:
        reponse = context.reponse(champ.field)
        if reponse is Reponse.VIDE:
            blank.append(champ)
        elif reponse is Reponse.NON_ASSOCIE:
            unmapped.append(champ)
    if unmapped:
        names = listed((cut(champ.libelle, 40) for champ in unmapped), most=5)
        return answer(
            NAME,
            Resultat.IMPOSSIBLE,
            f"Sans champ associé dans ce formulaire : {names}. "
            "À faire : compléter la configuration du pré-contrôle.",
            non_associes=[champ.field for champ in unmapped],
        )
    if blank:
        names = listed((cut(champ.libelle, 40) for champ in blank), most=5)
        return answer(
            NAME,
            Resultat.A_VERIFIER,
            f"Sans réponse : {names}. À faire : demander au candidat de compléter.",
            vides=[champ.field for champ in blank],
        )
    return answer(NAME, Resultat.CONFORME, "Toutes les réponses nécessaires sont données.")
