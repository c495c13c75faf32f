"""`profils`: at least one wished profile, all of them on offer at the deposit."""

from __future__ import annotations

from collections.abc import Iterable

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import (
    REPORTED_BLANK,
    CheckInput,
    make_controle,
    without_question,
)

NAME = Check.PROFILS
FIELD = "voeux"


def check_profils(context: CheckInput) -> Controle:
    """Compare the distinct wished profiles with those on offer and the maximum number."""
    if refusal := without_question(NAME, context, FIELD, "profils souhaités"):
        return refusal
    wished: dict[str, str] = {}
    absent: dict[str, str] = {}
    # A fixed order, so that equal answers give equal texts.
    for voeu in sorted(context.candidature.voeux, key=lambda voeu: (voeu.rang, voeu.profil or "")):
        if not voeu.profil or not voeu.profil.strip():
            continue
        profil = context.rules.profil(voeu.profil)
        # Counted once, however often and in whichever wording it is wished.
        key = profil.id if profil else fold(voeu.profil)
        wished.setdefault(key, voeu.profil)
        if not (profil and profil.is_offered(context.deposit_day)):
            absent.setdefault(key, voeu.profil)
    preuve: dict[str, Json] = {
        "date": context.deposit_day.isoformat(),
        "profils": [*sorted(wished)],
        "hors_offre": [*sorted(absent)],
    }
    most = context.rules.config.max_profils
    if not wished:
        return make_controle(
            NAME, sentences.SANS_PROFIL, preuve | {REPORTED_BLANK: FIELD}, most=most
        )
    is_too_many = len(wished) > most
    sentence = {
        (False, False): sentences.PROFILS_OFFERTS,
        (True, False): sentences.HORS_OFFRE,
        (False, True): sentences.TROP_DE_PROFILS,
        (True, True): sentences.TROP_ET_HORS_OFFRE,
    }[bool(absent), is_too_many]
    return make_controle(
        NAME,
        sentence,
        preuve,
        profils=_labels(wished.values()),
        s="s" if len(wished) > 1 else "",
        absents=_labels(absent.values()),
        n="s" if len(absent) > 1 else "",
        nombre=len(wished),
        most=most,
        jour=french_date(context.deposit_day),
        offre=_labels(
            profil.name
            for profil in context.rules.config.profils
            if profil.is_offered(context.deposit_day)
        ),
    )


def _labels(labels: Iterable[str]) -> str:
    return listed(quoted(label, 50) for label in labels)
