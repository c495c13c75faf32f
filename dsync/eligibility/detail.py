"""The text that instructeurs read: the decisive reasons first, each with what to do about it.

The same results give the same text to the byte, and DS stores it as it is: one line feed
between lines, no control character, no blank at a line's end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsync.domain.verdict import Controle, Resultat, Verdict
from dsync.eligibility.checks import TITLES
from dsync.eligibility.verdict import by_severity
from dsync.eligibility.wording import cleaned, cut

_RESULTS = {
    Resultat.NON_CONFORME: "Non conforme",
    Resultat.IMPOSSIBLE: "Non vérifiable pour l’instant",
    Resultat.A_VERIFIER: "À vérifier",
}

_ADVICE = "avis automatique préparatoire, ne vaut pas décision ; instruction : "
_STATED = re.compile(rf"({'|'.join(Verdict)}) – {re.escape(_ADVICE)}\S.*")
_FORMER = re.compile(
    rf"({'|'.join(_RESULTS.values())}) - (?:{'|'.join(TITLES.values())}) : .+|(Conforme) : .+"
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
    first = (text or "").split("\n", 1)[0].rstrip("\r")
    if found := _STATED.fullmatch(first):
        return Verdict(found[1])
    if found := _FORMER.fullmatch(first):
        return _FORMER_VERDICTS[found[1] or found[2]]
    return None


def detail_text(controles: Sequence[Controle], *, most: int) -> str:
    """Return one line a check that is not conforme, then one line of what is."""
    lines = [
        cleaned(f"{_RESULTS[c.resultat]} - {TITLES[c.controle]} : {c.motif}")
        for c in by_severity(controles)
    ]
    if conformes := [c for c in controles if c.resultat is Resultat.CONFORME]:
        lines.append(f"Conforme : {', '.join(_named(c) for c in conformes)}.")
    return "\n".join(_shortened(lines, most))


def _named(controle: Controle) -> str:
    url = controle.preuve.get("url")
    title = TITLES[controle.controle]
    return f"{title} ({cut(url, 160)})" if isinstance(url, str) else title


def _shortened(lines: list[str], most: int) -> list[str]:
    """Cut the longest lines, as much as needed and no more."""
    if sum(map(len, lines)) + len(lines) <= most:
        return lines
    room = most - len(lines)
    left = sorted(map(len, lines))
    while left[0] <= room // len(left):
        room -= left.pop(0)
    return [cut(line, room // len(left)) for line in lines]
