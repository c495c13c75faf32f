"""The text of a decision that instructeurs read: verdict, findings to handle, conforming checks.

Equal results give equal texts. DS stores the text unchanged: lines end with one line feed, without
control characters and trailing blanks; French punctuation has non-breaking spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dsync.domain.check_answers import is_settled
from dsync.domain.verdict import Controle, Resultat, Verdict, by_severity, verdict_of
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import REPORTED_BLANK
from dsync.eig.precheck.sentences import ADVICE, LEVELS, SANS_REPONSE_AILLEURS, frame
from dsync.eig.precheck.wording import NO_BREAK, cleaned, cut, listed, with_no_break_spaces

# Without the name behind it, which the configuration may have changed since.
_STATED = re.compile(rf"({'|'.join(Verdict)}) – {re.escape(ADVICE)}\S.*")


def stated_verdict(text: str | None) -> Verdict | None:
    """Return the verdict in the first line of a detail, or None for another text."""
    # A browser that saves the annotation again sends CRLF; dsync's text has non-breaking spaces.
    first = (text or "").split("\n", 1)[0].rstrip("\r").replace(NO_BREAK, " ")
    found = _STATED.fullmatch(first)
    return Verdict(found[1]) if found else None


def detail_text(
    controles: Sequence[Controle],
    *,
    instruction: str,
    max_length: int,
    publication_url: str | None = None,
) -> str:
    """Return the text of a decision.

    Args:
        controles: the results of all checks.
        instruction: who decides on the dossiers, for the first line.
        max_length: maximum number of characters, of which `RuleSet` checks that it leaves room.
        publication_url: where the rules are published, for the last line.
    """
    verdict = verdict_of(controle.resultat for controle in controles)
    first, last = frame(verdict, instruction, publication_url)
    if left := [Check(c.controle).label for c in controles if c.resultat is Resultat.SANS_OBJET]:
        several = "s" if left[1:] else ""
        last.insert(0, f"Non examiné{several}, faute de produit identifié : {listed(left)}.")
    findings = [
        _line(LEVELS[resultat], names, motif)
        for (resultat, motif), names in _by_motif(controles).items()
    ]
    conforming = [c for c in controles if c.resultat is Resultat.CONFORME]
    # Who established what is a line of its own, and no fact that is left out first.
    findings += [
        _line(LEVELS[c.resultat], [c.controle], c.motif) for c in conforming if is_settled(c)
    ]
    facts = {
        Check(c.controle).label: cleaned(_inside(c.motif).removesuffix("."))
        for c in conforming
        if not is_settled(c)
    }
    room = max_length - sum(len(line) + 1 for line in (first, *last))
    return with_no_break_spaces("\n".join([first, *_shared_out(findings, facts, room), *last]))


def _shared_out(findings: Sequence[str], facts: Mapping[str, str], room: int) -> list[str]:
    """Return the findings and the line of conforming checks, in at most `room` characters.

    Conforming checks need no action: their facts are left out first, the longest one first, and
    their titles stay. Only then are the longest findings cut, to the length at which all fit.

    Args:
        findings: a line for each check that is not conforming.
        facts: of the conforming checks, by title.
        room: the number of characters, without the line feed behind the last line.
    """
    shown = dict(facts)
    for title in sorted(facts, key=lambda title: -len(facts[title])):
        if _length([*findings, *_conforme(shown)]) <= room:
            break
        # A fact may be shorter than its title.
        shown[title] = min(facts[title], title, key=len)
    lines = [*findings, *_conforme(shown)]
    return lines if _length(lines) <= room else _shortened(lines, room)


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
            # None, where a person established that check: then this one stands for itself.
            reporter = next((c for c in against if REPORTED_BLANK in c.preuve), None)
            if reporter is None:
                groups[controle.resultat, controle.motif] = [controle.controle]
                continue
            groups[reporter.resultat, reporter.motif].append(controle.controle)
    return groups


def _line(level: str, names: Sequence[str], motif: str) -> str:
    titles = listed(Check(name).label for name in names)
    finding = _inside(motif).removeprefix(f"{Check(names[0]).label} ")
    return cleaned(f"{level} – {titles} : {finding}")


def _inside(motif: str) -> str:
    """Return a sentence in the form after a colon; all sentences begin with common nouns."""
    return motif[:1].lower() + motif[1:]


def _conforme(facts: Mapping[str, str]) -> list[str]:
    return [f"{LEVELS[Resultat.CONFORME]} : {' ; '.join(facts.values())}."] if facts else []


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines) - 1


def _shortened(lines: list[str], max_length: int) -> list[str]:
    """Cut the longest lines to the length at which the text just fits."""
    # Without the line feeds between the lines.
    room = max_length - len(lines) + 1
    left = sorted(map(len, lines))
    while left[0] <= room // len(left):
        room -= left.pop(0)
    return [cut(line, room // len(left)) for line in lines]
