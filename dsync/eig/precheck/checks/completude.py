"""`completude`: all needed champs are filled."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle
from dsync.domain.wording import listed, quoted
from dsync.eig.candidature import Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput, make_controle
from dsync.eig.precheck.rules import NeededChamp

NAME = Check.COMPLETUDE


def check_completude(context: CheckInput) -> Controle:
    """List the needed champs that are blank; champs that were not asked do not count.

    A blank champ that another check reports counts here too, but is not listed again.
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
            answers.append(make_controle(NAME, sentences.CHAMPS_NON_ASSOCIES, {}, champs=names))
    if blank:
        preuve["vides"] = [champ.field for champ in blank]
        if names := _names(blank, context):
            is_one = sum(champ.field not in context.reported_blanks for champ in blank) == 1
            prevu = "cette réponse" if is_one else "ces réponses"
            answers.append(
                make_controle(NAME, sentences.SANS_REPONSE, {}, champs=names, prevu=prevu)
            )
    if not (blank or unmapped):
        return make_controle(NAME, sentences.COMPLET, preuve)
    if not answers:
        answers.append(make_controle(NAME, sentences.SANS_REPONSE_AILLEURS, {}))
    # The result counts what another check reports, too, although the sentence does not.
    worst = sentences.CHAMPS_NON_ASSOCIES if unmapped else sentences.SANS_REPONSE
    motif = " ".join(given.motif for given in answers)
    return replace(answers[0], resultat=worst.resultat, motif=motif, preuve=preuve)


def _names(champs: Sequence[NeededChamp], context: CheckInput) -> str:
    names = (
        f"à {quoted(champ.libelle, 60)}"
        for champ in champs
        if champ.field not in context.reported_blanks
    )
    return listed(names, last="ni")
