"""The message to an applicant, where it may not be certain which product is theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from msgspec import structs

from dsync.controles import papers
from dsync.domain.account import Letter
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import ASKED, Controle, Resultat
from dsync.domain.wording import fold
from dsync.eig.precheck.check import OF_PRODUCT, QUESTIONS, Check
from dsync.eig.precheck.check_input import whole
from dsync.eig.precheck.rules import RuleSet

_OF_YOURS = re.compile(r"\b[Ll]a (fiche|phase) de votre produit")


class Suggestion(NamedTuple):
    """A product that the applicant may mean, and the checks with its address instead."""

    nom: str
    controles: Sequence[Controle]


def message_of(
    numero: int,
    controles: Sequence[Controle],
    rules: RuleSet,
    suggestions: Sequence[Suggestion] = (),
    *,
    may_edit: bool = True,
) -> Letter:
    """Return the message for the checks of a verdict that no person answered.

    `suggestions` are for an answer that names no product for certain; `may_edit`: whether the
    applicant can still change the dossier.
    """
    if any(one.controle == Check.FICHE_PRODUIT and one.resultat in ASKED for one in controles):
        # Nothing is said of « your product » then.
        controles = [
            structs.replace(one, resultat=Resultat.SANS_OBJET)
            if one.controle in OF_PRODUCT
            else one
            for one in controles
        ]
    sections = rules.sections
    asked, blanks = papers.asked(sections, controles, QUESTIONS)
    for given in suggestions:
        for one in given.controles:
            phase = one.preuve.get("phase")
            is_in_the_way = isinstance(phase, str) and fold(phase) not in rules.phases.admitted
            # An answer that is asked for settles the others.
            if is_in_the_way or one.preuve.get(SIGNALE) not in blanks:
                field = QUESTIONS.get(one.controle)
                asked += papers.demande(sections, one, field, partial(_of, given.nom))
    return papers.sent(sections, numero, asked, may_edit=may_edit)


def _of(nom: str, demand: str) -> str:
    demand = _OF_YOURS.sub(r"sa \1", demand)
    return f"Si votre produit est {whole(nom)} : {demand[:1].lower()}{demand[1:]}"
