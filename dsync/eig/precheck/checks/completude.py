"""`completude`: every champ that the mapping marks as needed is filled."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle
from dsync.eig.candidature import Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.context import Context, answer
from dsync.eig.precheck.rules import NeededChamp
from dsync.eig.precheck.wording import listed, quoted

NAME = "completude"


def check_completude(context: Context) -> Controle:
    """List the needed champs that are blank; one that was not asked is none of them.

    A blank that another check has told weighs here too, and is not told twice.
    """
    by_reponse: dict[Reponse, list[NeededChamp]] = {}
    for champ in context.rules.needed:
        by_reponse.setdefault(context.reponse(champ.field), []).append(champ)
    blank = by_reponse.get(Reponse.VIDE, [])
    unmapped = by_reponse.get(Reponse.NON_ASSOCIE, [])
    preuve: dict[str, Json] = {}
    answers: list[Controle] = []
    if unmapped:
        preuve["non_associes"] = [champ.field for champ in unmapped]
        if names := _names(unmapped, context):
            answers.append(answer(NAME, sentences.CHAMPS_NON_ASSOCIES, {}, champs=names))
    if blank:
        preuve["vides"] = [champ.field for champ in blank]
        if names := _names(blank, context):
            is_one = sum(champ.field not in context.told for champ in blank) == 1
            prevu = "cette réponse" if is_one else "ces réponses"
            answers.append(answer(NAME, sentences.SANS_REPONSE, {}, champs=names, prevu=prevu))
    if not (blank or unmapped):
        return answer(NAME, sentences.COMPLET, preuve)
    if not answers:
        answers.append(answer(NAME, sentences.SANS_REPONSE_AILLEURS, {}))
    worst = sentences.CHAMPS_NON_ASSOCIES if unmapped else sentences.SANS_REPONSE
    motif = " ".join(given.motif for given in answers)
    return replace(answers[0], resultat=worst.resultat, motif=motif, preuve=preuve)


def _names(champs: Sequence[NeededChamp], context: Context) -> str:
    names = (
        f"à {quoted(champ.libelle, 60)}" for champ in champs if champ.field not in context.told
    )
    return listed(names, last="ni")
