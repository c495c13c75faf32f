"""The text of a decision that instructeurs read: verdict, findings to handle, conforming checks.

Equal results give equal texts. DS stores the text unchanged: lines end with one line feed, without
control characters and trailing blanks; French punctuation has non-breaking spaces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsync.domain.verdict import Controle, Resultat, Verdict, by_severity, verdict_of
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.context import REPORTED_BLANK
from dsync.eig.precheck.sentences import SANS_REPONSE_AILLEURS
from dsync.eig.precheck.wording import NO_BREAK, cleaned, cut, listed, with_no_break_spaces

_LEVELS = {
    Resultat.NON_CONFORME: "Non conforme",
    Resultat.IMPOSSIBLE: "Non vérifiable pour l’instant",
    Resultat.A_VERIFIER: "À vérifier",
}

_ADVICE = "avis automatique préparatoire, ne vaut pas décision ; instruction : "
# Without the name behind it, which the configuration may have changed since.
_STATED = re.compile(rf"({'|'.join(Verdict)}) – {re.escape(_ADVICE)}\S.*")


def stated_verdict(text: str | None) -> Verdict | None:
    """Return the verdict in the first line of a detail, or None for another text."""
    # A browser that saves the annotation again sends CRLF; dsync's text has non-breaking spaces.
    first = (text or "").split("\n", 1)[0].rstrip("\r").replace(NO_BREAK, " ")
    found = _STATED.fullmatch(first)
    return Verdict(found[1]) if found else None


def detail_text(controles: Sequence[Controle], *, instruction: str, max_length: int) -> str:
    """Return the text of a decision.

    Args:
        controles: the results of all checks.
        instruction: who decides on the dossiers, for the first line.
        max_length: maximum number of characters; must leave room for the first line and a title
            for each check.
    """
    verdict = verdict_of(controle.resultat for controle in controles)
    lines = [f"{verdict} – {_ADVICE}{cleaned(instruction)}"]
    for (resultat, motif), names in _by_motif(controles).items():
        lines.append(_line(_LEVELS[resultat], names, motif))
    conformes = [c for c in controles if c.resultat is Resultat.CONFORME]
    lines += _conforme([_inside(c.motif).removesuffix(".") for c in conformes], " ; ")
    if left := [Check(c.controle).label for c in controles if c.resultat is Resultat.SANS_OBJET]:
        lines.append(f"Non examiné : {listed(left)}, faute d’un produit identifié.")
    if _length(lines) > max_length and conformes:
        # Conforming checks need no action, so their facts are dropped first.
        # The line before « Non examiné », if there is one.
        place = len(lines) - 1 - bool(left)
        lines[place : place + 1] = _conforme([Check(c.controle).label for c in conformes], ", ")
    return with_no_break_spaces("\n".join(_shortened(lines, max_length)))


def _by_motif(controles: Sequence[Controle]) -> dict[tuple[Resultat, str], list[str]]:
    """Group the checks that are not conforme by result and reason, the most severe first.

    A check that only repeats what another check reports is listed with that check.
    """
    against = by_severity(controles)
    elsewhere = SANS_REPONSE_AILLEURS.motif()
    groups: dict[tuple[Resultat, str], list[str]] = {}
    for controle in against:
        if controle.motif != elsewhere:
            key = controle.resultat, controle.motif
            groups.setdefault(key, []).append(controle.controle)
    for controle in against:
        if controle.motif == elsewhere:
            reporter = next(c for c in against if REPORTED_BLANK in c.preuve)
            groups[reporter.resultat, reporter.motif].append(controle.controle)
    return groups


def _line(level: str, names: Sequence[str], motif: str) -> str:
    titles = listed(Check(name).label for name in names)
    finding = _inside(motif).removeprefix(f"{Check(names[0]).label} ")
    return cleaned(f"{level} – {titles} : {finding}")


def _inside(motif: str) -> str:
    """Return a sentence in the form after a colon; all sentences begin with common nouns."""
    return motif[:1].lower() + motif[1:]


def _conforme(facts: Sequence[str], sign: str) -> list[str]:
    return [cleaned(f"Conforme : {sign.join(facts)}.")] if facts else []


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines) - 1


def _shortened(lines: list[str], max_length: int) -> list[str]:
    """Cut the longest lines to the length at which the text just fits."""
    if _length(lines) <= max_length:
        return lines
    # Without the line feeds between the lines.
    room = max_length - len(lines) + 1
    left = sorted(map(len, lines))
    while left[0] <= room // len(left):
        room -= left.pop(0)
    return [cut(line, room // len(left)) for line in lines]
