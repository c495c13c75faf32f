"""The text that instructeurs read: the result, what needs a hand, what is conforme.

The same results give the same text to the byte, and DS stores it as it is: one line feed
between lines, no control character, no blank at a line's end. Blanks at which French does not
break a line are non-breaking.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsync.domain.verdict import Controle, Resultat, Verdict, by_severity, verdict_of
from dsync.eig.precheck.context import TOLD
from dsync.eig.precheck.sentences import SANS_REPONSE_AILLEURS, TITLES
from dsync.eig.precheck.wording import NO_BREAK, bound, cleaned, cut, listed

_LEVELS = {
    Resultat.NON_CONFORME: "Non conforme",
    Resultat.IMPOSSIBLE: "Non vérifiable pour l’instant",
    Resultat.A_VERIFIER: "À vérifier",
}

_ADVICE = "avis automatique préparatoire, ne vaut pas décision ; instruction : "
_STATED = re.compile(rf"({'|'.join(Verdict)}) – {re.escape(_ADVICE)}\S.*")
_FORMER_TITLES = {**TITLES, "doublon": "absence de doublon"}.values()
_FORMER = re.compile(
    rf"({'|'.join(_LEVELS.values())}) - (?:{'|'.join(_FORMER_TITLES)}) : .+|(Conforme) : .+"
)
"""First lines of the texts that this version no longer writes."""
_FORMER_VERDICTS = {
    "Non conforme": Verdict.INELIGIBLE,
    "Non vérifiable pour l’instant": Verdict.INDETERMINE,
    "À vérifier": Verdict.A_VERIFIER,
    "Conforme": Verdict.ELIGIBLE,
}


def stated_verdict(text: str | None) -> Verdict | None:
    """Return the verdict that a text's first line states, or None where dsync wrote no such text.

    The form used before is recognised too, for annotations that it was written into.
    """
    first = (text or "").split("\n", 1)[0].rstrip("\r").replace(NO_BREAK, " ")
    if found := _STATED.fullmatch(first):
        return Verdict(found[1])
    if found := _FORMER.fullmatch(first):
        return _FORMER_VERDICTS[found[1] or found[2]]
    return None


def detail_text(controles: Sequence[Controle], *, instruction: str, most: int) -> str:
    """Return the text of a decision, of at most so many characters.

    Args:
        controles: the answers, each check's once.
        instruction: who decides on the dossiers.
        most: more than the first line and a title a check need.
    """
    verdict = verdict_of(controle.resultat for controle in controles)
    lines = [f"{verdict} – {_ADVICE}{cleaned(instruction)}"]
    for (resultat, motif), names in _by_motif(controles).items():
        lines.append(_line(_LEVELS[resultat], names, motif))
    conformes = [c for c in controles if c.resultat is Resultat.CONFORME]
    lines += _conforme([_inside(c.motif).removesuffix(".") for c in conformes], " ; ")
    if left := [TITLES[c.controle] for c in controles if c.resultat is Resultat.SANS_OBJET]:
        lines.append(f"Non examiné : {listed(left)}, faute d’un produit identifié.")
    if _length(lines) > most and conformes:
        # What is conforme asks for nothing: its facts go first.
        place = len(lines) - 1 - bool(left)
        lines[place : place + 1] = _conforme([TITLES[c.controle] for c in conformes], ", ")
    return bound("\n".join(_shortened(lines, most)))


def _by_motif(controles: Sequence[Controle]) -> dict[tuple[Resultat, str], list[str]]:
    """Group the checks that need a hand by what they say, the decisive ones first.

    A check that has nothing to add to another one stands in that one's line.
    """
    against = by_severity(controles)
    groups: dict[tuple[Resultat, str], list[str]] = {}
    for controle in against:
        if controle.motif != SANS_REPONSE_AILLEURS.motif():
            key = controle.resultat, controle.motif
            groups.setdefault(key, []).append(controle.controle)
    for controle in against:
        if controle.motif == SANS_REPONSE_AILLEURS.motif():
            teller = next(c for c in against if TOLD in c.preuve)
            groups[teller.resultat, teller.motif].append(controle.controle)
    return groups


def _line(level: str, names: Sequence[str], motif: str) -> str:
    titles = listed(TITLES[name] for name in names)
    said = _inside(motif).removeprefix(f"{TITLES[names[0]]} ")
    return cleaned(f"{level} – {titles} : {said}")


def _inside(motif: str) -> str:
    """Return a sentence as it stands after a colon; sentences begin with common nouns."""
    return motif[:1].lower() + motif[1:]


def _conforme(facts: Sequence[str], sign: str) -> list[str]:
    return [cleaned(f"Conforme : {sign.join(facts)}.")] if facts else []


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines) - 1


def _shortened(lines: list[str], most: int) -> list[str]:
    """Cut the longest lines, as much as needed and no more."""
    if _length(lines) <= most:
        return lines
    room = most - len(lines) + 1
    left = sorted(map(len, lines))
    while left[0] <= room // len(left):
        room -= left.pop(0)
    return [cut(line, room // len(left)) for line in lines]
