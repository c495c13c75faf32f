"""A check answered by a person: what takes the place of its result, and until when.

An answer holds as long as the check finds what the person saw, of the same thing (`ABOUT`), or the
same with fewer dossiers (`TWINS`). If it finds something else, the answer is neither dropped nor
kept: the check is « à vérifier » until somebody answers again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, json, structs

from dsync.domain.dossier import PARIS, Json
from dsync.domain.json_bytes import json_bytes
from dsync.domain.verdict import Controle, Resultat, by_severity
from dsync.domain.wording import inside

ANSWER = "etabli"
"""Key in the evidence of an answered check: who answered what, and what the check itself found."""
ABOUT = "produit"
"""Key in the evidence of a check: the id of what its result is about."""
TWINS = "dossiers"
"""Key in the evidence of a check that compares dossiers: the numbers of those that are alike."""
COURT = "court"
"""The evidence that says the finding in a few words, what differs first, for lists."""
DEMANDE = "demande"
"""The evidence that says what the applicant is asked for, from the fullest wording on."""
_IN_WORDS = {COURT, DEMANDE}
RESULTS = (Resultat.CONFORME, Resultat.NON_CONFORME)
"""What a person may establish."""
LONGEST_REASON = 500
"""Maximum number of characters of a reason."""
_NAMED = re.compile(r"\s: établi par ")
_MARKUP = str.maketrans("<>", "‹›")
_NAME = r"[^\W\d_]+(?:-[^\W\d_]+)*"
_SOMEBODY = "une personne de l’équipe"
_FULL = re.compile(f"({_NAME})[.]({_NAME})")


class Answer(Struct, frozen=True, gc=False):
    """What a person established about a check of a dossier."""

    id: int
    controle: str
    resultat: Resultat
    motif: str
    auteur: str
    """An account and its machine, or an e-mail address."""
    repondu_le: datetime
    constat: Controle
    """What the check had found, on which the answer rests."""
    produit: str | None = None
    """The id of the product that the person named, by which other checks are then judged."""


def is_established(detail: str | None) -> bool:
    """Return whether a detail says that a person established the result of a check."""
    return bool(_NAMED.search(detail or ""))


def with_answers(
    controles: Iterable[Controle],
    answers: Mapping[str, Answer],
    reading: Collection[str] = (),
) -> tuple[Controle, ...]:
    """Return the checks with what persons established in the place of what they found.

    Answers to other checks are passed over. `reading` has keys of evidence that only say where and
    when it was read: another reading that finds the same leaves an answer as it is.
    """
    return tuple(
        controle
        if (answer := answers.get(controle.controle)) is None
        else _answered(controle, answer, frozenset(reading))
        for controle in controles
    )


def left_over(controles: Iterable[Controle], answers: Mapping[str, Answer]) -> Iterator[Controle]:
    """Yield, « à vérifier », what persons found wrong by checks that are not made any more.

    A check that is renamed, removed or switched off must not admit what a person refused.
    """
    made = {one.controle for one in controles}
    for name, answer in answers.items():
        if name not in made and answer.resultat is Resultat.NON_CONFORME:
            motif = _to_confirm(answer, "ce contrôle n’est plus fait")
            yield Controle(name, Resultat.A_VERIFIER, motif, _evidence(answer, answer.constat))


def _answered(found: Controle, answer: Answer, reading: frozenset[str]) -> Controle:
    preuve = _evidence(answer, found)
    if _is_as_seen(_facts(found, reading), _facts(answer.constat, reading)):
        said = f"Établi par {_author_and_reason(answer)}."
        return Controle(found.controle, answer.resultat, said, preuve)
    if found.resultat is Resultat.IMPOSSIBLE:
        # Nobody can tell whether the facts changed: the verdict that stands is kept.
        return structs.replace(found, preuve=preuve)
    motif = (
        f"{_to_confirm(answer, 'les faits ont changé')} Constat actuel, "
        f"{found.resultat.label.lower()} : {inside(found.motif)}"
    )
    return Controle(found.controle, Resultat.A_VERIFIER, motif, preuve)


def _evidence(answer: Answer, found: Controle) -> dict[str, Json]:
    given: dict[str, Json] = {
        "reponse": answer.id,
        "auteur": answer.auteur,
        "le": answer.repondu_le.isoformat(),
        "resultat": answer.resultat.value,
        "motif": answer.motif,
        "constat": {"resultat": found.resultat.value, "motif": found.motif},
    }
    if answer.produit:
        given[ABOUT] = answer.produit
    return {**found.preuve, ANSWER: given}


def _author_and_reason(answer: Answer) -> str:
    day = answer.repondu_le.astimezone(PARIS).strftime("%d/%m/%Y")
    about = f", pour le produit {answer.produit}" if answer.produit else ""
    return f"{person(answer.auteur)} le {day}{_reason(answer.motif)}{about}"


def _reason(motif: str) -> str:
    return f" ({motif.removesuffix('.').translate(_MARKUP)})"


def without_reason(controle: Controle) -> str:
    """Return what a person established without why, for a text that has no room for it."""
    answer: Any = controle.preuve[ANSWER]
    return controle.motif.replace(_reason(answer["motif"]), "", 1)


def _to_confirm(answer: Answer, why: str) -> str:
    return (
        f"Réponse à confirmer ou à retirer, car {why} : {answer.resultat.label.lower()} selon "
        f"{_author_and_reason(answer)}."
    )


def _is_as_seen(now: tuple[Resultat, Any], seen: tuple[Resultat, Any]) -> bool:
    """Return whether a check finds what a person saw, at most with fewer twins."""
    (result, facts), (before, known) = now, seen
    left, twins = (set(one.pop(TWINS, ())) for one in (facts, known))
    is_same = result is before or (result is Resultat.CONFORME and bool(twins - left))
    return is_same and left <= twins and facts == known


def _facts(controle: Controle, reading: frozenset[str]) -> tuple[Resultat, Any]:
    """Return what an answer rests on, as the database gives it back."""
    left_out = reading | _IN_WORDS
    kept = {name: value for name, value in controle.preuve.items() if name not in left_out}
    return controle.resultat, json.decode(json_bytes(kept))


def found_by(controle: Controle) -> Controle:
    """Return what a check found before a person's answer took its place."""
    answer: Any = controle.preuve.get(ANSWER)
    if answer is None:
        return controle
    constat = answer["constat"]
    preuve = {name: value for name, value in controle.preuve.items() if name != ANSWER}
    return Controle(controle.controle, Resultat(constat["resultat"]), constat["motif"], preuve)


def answers_in(controles: Iterable[Controle]) -> dict[str, int]:
    """Return the ids of the answers that a verdict's checks have, by check."""
    marks: dict[str, Any] = {one.controle: one.preuve.get(ANSWER) for one in controles}
    return {name: mark["reponse"] for name, mark in marks.items() if mark is not None}


TO_CONFIRM = "a_confirmer"
"""In `points_of`, the result of a check whose answer a person has to confirm or withdraw."""


def points_of(controles: Iterable[Controle]) -> str:
    """Return the checks that keep a verdict from the best one, such as `|phase:a_verifier|`.

    The most severe ones come first; empty: there are none.
    """
    found = [f"{one.controle}:{_point(one)}" for one in by_severity(controles)]
    return f"|{'|'.join(found)}|" if found else ""


def _point(controle: Controle) -> str:
    awaits = ANSWER in controle.preuve and controle.resultat is Resultat.A_VERIFIER
    return TO_CONFIRM if awaits else controle.resultat.value


def is_settled(controle: Controle) -> bool:
    """Whether the result is that of a person, which still holds."""
    return ANSWER in controle.preuve and controle.resultat in RESULTS


def for_ds(controle: Controle) -> Controle:
    """Return a check as DS shows it: its applicant may read the name of a person, and no account.

    Who has only an account, such as `root` on a server, is « une personne de l’équipe » there.
    """
    answer: Any = controle.preuve.get(ANSWER)
    if answer is None:
        return controle
    account, _, domain = answer["auteur"].partition("@")
    # The name of a machine that `asker` gives has no dot.
    if _FULL.fullmatch(account) and "." in domain:
        return controle
    motif = controle.motif.replace(f" {person(account)} le ", f" {_SOMEBODY} le ", 1)
    return structs.replace(controle, motif=motif)


def person(name: str) -> str:
    """Return « A. Martin » for an address such as alice.martin@example.fr, else the account."""
    account = name.partition("@")[0]
    full = _FULL.fullmatch(account)
    if full is None:
        return account
    first, last = (one.split("-") for one in full.groups())
    initials = "-".join(f"{part[0].upper()}." for part in first)
    return f"{initials} {'-'.join(part.capitalize() for part in last)}"
