"""The frame of the text of a decision that instructeurs read, the same for all programmes.

DS stores the text unchanged: lines end with one line feed, without control characters and trailing
blanks; French punctuation has non-breaking spaces.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from dsync.domain.check_answers import is_settled
from dsync.domain.verdict import Controle, Resultat, Verdict
from dsync.domain.wording import NO_BREAK, cleaned, cut, listed, with_no_break_spaces

LEVELS = {
    Resultat.NON_CONFORME: "Non conforme",
    Resultat.IMPOSSIBLE: "Preuve indisponible",
    Resultat.A_VERIFIER: "À vérifier",
    Resultat.CONFORME: "Conforme",
    Resultat.SANS_OBJET: "Non examiné",
}
"""The results in words, in the order of a text."""
ADVICE = "Avis préparatoire établi automatiquement. Il ne vaut pas décision ; "
RULE = " Règle ("
"""What the rule of a finding begins with, where the sentences are dsync's own."""
TO_DO = " À faire : "
"""What a finding ends with, before what there is to do."""
# Without the name behind it, which the configuration may have changed since.
_STATED = re.compile(rf"(.+) – {re.escape(ADVICE)}\S.*")


_RULES = "Règles appliquées : "

_SPAN = re.compile(r"« ?(?P<quoted>[^«»]*?) ?»|(?P<blank> ?)\((?P<bracketed>[^()]*)\)")
_LIMITS = (80, 60, 40, 25, 15, 0)
"""Lengths to which what is quoted or in brackets is cut, until a text fits."""
_LEAST_QUOTED = 12
_LEAST_EVIDENCE = 40
"""Characters that a finding keeps of its title and evidence, on average, before its rule is cut."""
NO_WORDS: Mapping[Verdict, str] = MappingProxyType({})
"""Dsync's own words for verdicts."""


def stated_verdict(text: str | None, words: Mapping[Verdict, str] = NO_WORDS) -> Verdict | None:
    """Return the verdict in the first line of a detail, or None for another text."""
    # A browser that saves the annotation again sends CRLF; dsync's text has non-breaking spaces.
    first = (text or "").split("\n", 1)[0].rstrip("\r").replace(NO_BREAK, " ")
    found = _STATED.fullmatch(first)
    known = {**{one.value: one for one in Verdict}, **{cleaned(v): k for k, v in words.items()}}
    return known.get(found[1]) if found else None


def frame_of(text: str) -> tuple[str, str]:
    """Return what of a text is the same for all dossiers: its opening, and the rules' address."""
    lines = text.replace(NO_BREAK, " ").splitlines() or [""]
    _, _, opening = lines[0].partition(" – ")
    return opening, lines[-1] if lines[-1].startswith(_RULES) else ""


def frame(verdict: str, instruction: str, publication_url: str | None) -> tuple[str, list[str]]:
    """Return the first line of a text, and its last ones: neither is ever shortened.

    `instruction` says who decides on the dossiers; the verdict is in the configuration's words.
    """
    first = f"{cleaned(verdict)} – {ADVICE}{cleaned(instruction)} instruit le dossier."
    return first, [f"{_RULES}{publication_url}"] if publication_url else []


def finding(resultat: Resultat, titles: Iterable[str], motif: str) -> str:
    """Return the line of what is not conforming."""
    shown = [_without_colon(title) for title in titles]
    return cleaned(
        f"{LEVELS[resultat]} – {listed(shown)} : {inside(motif).removeprefix(f'{shown[0]} ')}"
    )


def _without_colon(title: str) -> str:
    """Return a title, which may be a question of the form with a colon of its own."""
    return title.rstrip(" \u00a0:")


def inside(motif: str) -> str:
    """Return a sentence in the form after a colon; it begins with a common noun, or « IBAN »."""
    return motif if motif[1:2].isupper() else motif[:1].lower() + motif[1:]


def framed(
    first: str,
    findings: Sequence[str],
    conforming: Sequence[tuple[str, Controle]],
    last: Sequence[str],
    max_length: int,
    rules: Iterable[str] = (),
) -> str:
    """Return a text of at most `max_length` characters, which leave room for first and last lines.

    Conforming checks need no action: their facts are left out first, the longest one first, and
    their titles stay. Only then is the evidence of the findings shortened, never the rule and what
    there is to do as long as they have room. `rules` are texts of rules in the findings, beside
    those that `RULE` begins.
    """
    room = max_length - sum(len(line) + 1 for line in (first, *last))
    # Who established what is a line of its own, and no fact that is left out first.
    settled = [(title, one) for title, one in conforming if is_settled(one)]
    findings = [*findings, *(finding(one.resultat, [title], one.motif) for title, one in settled)]
    others = [
        (_without_colon(title), one.motif) for title, one in conforming if not is_settled(one)
    ]
    shown = [cleaned(inside(motif).removesuffix(".")) for _, motif in others]
    for place in sorted(range(len(shown)), key=lambda place: -len(shown[place])):
        if _length([*findings, *_conforme(shown)]) <= room:
            break
        # A fact may be shorter than its title.
        shown[place] = min(shown[place], others[place][0], key=len)
    lines = [*findings, *_conforme(shown)]
    if _length(lines) > room:
        lines = _shortened(lines, room, [cleaned(rule) for rule in rules])
    return with_no_break_spaces("\n".join([first, *lines, *last]))


def _conforme(facts: Sequence[str]) -> list[str]:
    return [f"{LEVELS[Resultat.CONFORME]} : {' ; '.join(facts)}."] if facts else []


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines)) + len(lines) - 1


def _shortened(lines: list[str], max_length: int, rules: Collection[str]) -> list[str]:
    """Return lines that just fit: their evidence is shortened, the rest only if that is too long.

    First what is quoted and what is in brackets, so that each finding keeps its conclusion.
    """
    split = [_split(line, rules) for line in lines]
    for limit in _LIMITS:
        shorter = [(_with_short_spans(evidence, limit), kept) for evidence, kept in split]
        if _length(["".join(one) for one in shorter]) <= max_length:
            return ["".join(one) for one in shorter]
    # Without the line feeds between the lines.
    room = max_length - len(lines) + 1
    for_evidence = room - sum(len(kept) for _, kept in shorter)
    if for_evidence >= _LEAST_EVIDENCE * len(lines):
        most = _longest_that_fits([len(evidence) for evidence, _ in shorter], for_evidence)
        return [cut(evidence, most) + kept for evidence, kept in shorter]
    most = _longest_that_fits([len(line) for line in lines], room)
    return [_cut(line, most) for line in lines]


def _longest_that_fits(lengths: Sequence[int], room: int) -> int:
    """Return the length to which texts are cut to fit together; the shorter ones stay whole."""
    left = sorted(lengths)
    while left and left[0] <= room // len(left):
        room -= left.pop(0)
    return room // len(left) if left else max(lengths)


def _split(line: str, rules: Collection[str]) -> tuple[str, str]:
    """Return the evidence of a finding, and the rule with what there is to do."""
    place = line.find(RULE)
    for rule in rules:
        if place < 0:
            place = line.find(f" {rule}{TO_DO}")
    if place < 0:
        place = line.rfind(TO_DO)
    return (line, "") if place < 0 else (line[:place], line[place:])


def _with_short_spans(evidence: str, limit: int) -> str:
    """Return a text in which what is quoted or in brackets is cut; without brackets at last."""

    def short(found: re.Match[str]) -> str:
        inside = found["quoted"]
        if inside is not None:
            return f"« {cut(inside, max(limit, _LEAST_QUOTED))} »"
        if not limit:
            return ""
        inside = cut(found["bracketed"], limit)
        is_open = inside.count("«") > inside.count("»")
        return f"{found['blank']}({inside}{' »' if is_open else ''})"

    return _SPAN.sub(short, evidence)


def _cut(line: str, length: int) -> str:
    """Cut a line to a length, before what there is to do, as long as half is left for the rest."""
    found, mark, to_do = line.rpartition(TO_DO)
    room = length - len(mark) - len(to_do)
    return cut(line, length) if room < length // 2 else f"{cut(found, room)}{mark}{to_do}"
