"""`profils`: at least one profile wished, of those on offer at the deposit."""

from __future__ import annotations

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.config import ProfilConfig
from dsync.eligibility.context import Context, answer, unanswerable
from dsync.eligibility.wording import fold, french_date, listed, quoted

NAME = "profils"
FIELD = "voeux"


def check_profils(context: Context) -> Controle:
    """Count the profiles wished once each, and look each up in what was on offer."""
    if refusal := unanswerable(NAME, context, FIELD, "profils souhaités"):
        return refusal
    wished: dict[str, str] = {}
    absent: dict[str, str] = {}
    for voeu in sorted(context.candidature.voeux, key=lambda voeu: (voeu.rang, voeu.profil or "")):
        if not voeu.profil or not voeu.profil.strip():
            continue
        profil = context.rules.profil(voeu.profil)
        key = profil.id if profil else fold(voeu.profil)
        wished.setdefault(key, voeu.profil)
        if not (profil and _is_offered(profil, context)):
            absent.setdefault(key, voeu.profil)
    preuve: dict[str, Json] = {
        "date": context.reference.isoformat(),
        "profils": [*sorted(wished)],
        "hors_offre": [*sorted(absent)],
    }
    if not wished:
        motif = "Aucun profil souhaité. À faire : demander au candidat les profils souhaités."
        return answer(NAME, Resultat.NON_CONFORME, motif, **preuve)
    most = context.rules.config.max_profils
    against = []
    if absent:
        names = listed((quoted(label, 50) for label in absent.values()), most=3)
        against.append(f"Hors de l’offre au {french_date(context.reference)} : {names}")
    if len(wished) > most:
        against.append(f"{len(wished)} profils souhaités, pour {most} au plus")
    if against:
        motif = f"{' ; '.join(against)}. À faire : {_todo(bool(absent), len(wished) > most)}."
        return answer(NAME, Resultat.A_VERIFIER, motif, **preuve)
    names = listed((quoted(label, 50) for label in wished.values()), most=most)
    return answer(NAME, Resultat.CONFORME, f"Profils souhaités : {names}.", **preuve)


def _todo(has_absent: bool, is_too_many: bool) -> str:
    if has_absent and is_too_many:
        return "demander au candidat de choisir parmi les profils proposés"
    if has_absent:
        return "proposer un autre profil au candidat"
    return "demander au candidat lesquels garder"


def _is_offered(profil: ProfilConfig, context: Context) -> bool:
    day = context.reference
    return not (
        (profil.offered_from and day < profil.offered_from)
        or (profil.offered_until and day > profil.offered_until)
    )
