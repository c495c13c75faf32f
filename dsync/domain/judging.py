"""The one judge: of a dossier's facts and the results of its checks, the decision with its text.

How facts are found and checks are made is the programme's; what follows from them is here. DS
stores the text unchanged: lines end with one line feed, without control characters and trailing
blanks; French punctuation has non-breaking spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from msgspec import structs

from dsync.domain.check_answers import COURT, Answer, for_ds, is_settled, without_reason
from dsync.domain.dossier import Json
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import (
    Controle,
    Decision,
    Resultat,
    StoredVerdict,
    Verdict,
    by_severity,
    verdict_of,
    worst,
)
from dsync.domain.wording import NO_BREAK, cleaned, inside, listed, with_no_break_spaces

ADVICE = "Avis préparatoire établi automatiquement. Il ne vaut pas décision ; "
RULE = " Règle ("
"""What the rule of a finding begins with, where the sentences are dsync's own."""
TO_DO = " À faire : "
"""What a finding ends with, before what there is to do."""
# Without the name behind it, which the configuration may have changed since.
_STATED = re.compile(rf"(.+) – {re.escape(ADVICE)}\S.*")
_RULES = "Règles appliquées : "
# Not inside of a quotation, where a person may have typed it.
_SOURCE = re.compile(r" \(([^()«»]+ lu le \d\d/\d\d/\d{4})\)(?=[^«»]*(?:«|$))")
USUAL_LENGTH = 900
"""Characters of a text up to which nothing is left out for brevity: about ten lines in DS."""


def stated_verdict(text: str | None, words: Mapping[Verdict, str] = {}) -> Verdict | None:
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
        f"{resultat.label} – {listed(shown)} : {inside(motif).removeprefix(f'{shown[0]} ')}"
    )


def _without_colon(title: str) -> str:
    """Return a title, which may be a question of the form with a colon of its own."""
    return title.rstrip(" \u00a0:")


def framed(
    first: str,
    findings: Sequence[tuple[str, str]],
    conforming: Sequence[tuple[str, Controle]],
    last: Sequence[str],
    max_length: int,
    rules: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> str:
    """Return a text of at most `max_length` characters, which leave room for first and last lines.

    Each finding has its title and its line. A rule is said once. Above `USUAL_LENGTH`, conforming
    checks, which need no action, lose their facts, the longest one first, and keep their titles,
    or what they say in short; then the `sources` of lists are left out. Above `max_length`, so are
    the reasons that persons gave, then whole findings, the least severe ones first: none is cut.
    `rules` are texts of rules beside those that `RULE` begins.
    """
    room = max_length - sum(len(line) + 1 for line in (first, *last))
    usual = room - max_length + min(max_length, USUAL_LENGTH)
    # Who established what is a line of its own, and no fact that is left out first.
    settled = [(title, one) for title, one in conforming if is_settled(one)]
    rest = [
        (_without_colon(str(one.preuve.get(COURT, title))), one.motif)
        for title, one in conforming
        if not is_settled(one)
    ]
    found = [(title, line, _rule_in(line, rules)) for title, line in findings]
    told = [(title, finding(one.resultat, [title], one.motif), "") for title, one in settled]
    shown = [cleaned(inside(motif).removesuffix(".")) for _, motif in rest]

    def length() -> int:
        lines = *_that_fit([*found, *told]), *_conforme(shown)
        return sum(len(line) + 1 for line in lines) - 1

    for place in sorted(range(len(shown)), key=lambda place: -len(shown[place])):
        if length() > usual:
            # A fact may be shorter than its title.
            shown[place] = min(shown[place], rest[place][0], key=len)
    for source in sources:
        if length() > usual:
            found = [(title, line.replace(f" ({source})", ""), of) for title, line, of in found]
    if length() > room:
        told = [(t, finding(one.resultat, [t], without_reason(one)), "") for t, one in settled]
    left = room - sum(len(line) + 1 for line in _conforme(shown))
    lines = _that_fit([*found, *told], left if length() > room else None)
    return with_no_break_spaces("\n".join([first, *lines, *_conforme(shown), *last]))


def _conforme(facts: Sequence[str]) -> list[str]:
    return [f"{Resultat.CONFORME.label} : {' ; '.join(facts)}."] if facts else []


def _that_fit(findings: Sequence[tuple[str, str, str]], room: int | None = None) -> list[str]:
    """Return the lines of findings, each with its title and its rule.

    A rule is said once, and so is a source with the day when it was read.

    With a room in characters: those that fit whole, and how many there are beside them.
    """
    lines, said = list[str](), dict[str, str]()
    left = None if room is None else room - len(_others(len(findings)))
    for title, line, rule in findings:
        if rule in said:
            fact, mark, to_do = line.rpartition(TO_DO)
            again = f" Même règle que « {said[rule]} »."
            line = f"{fact.removesuffix(rule)}{min(again, rule, key=len)}{mark}{to_do}"
        line = _once_sourced(line, {one for above in lines for one in _SOURCE.findall(above)})
        if left is not None and len(line) + 1 > left:
            continue
        left = None if left is None else left - len(line) - 1
        lines.append(line)
        if rule:
            said.setdefault(rule, _without_colon(title))
    more = len(findings) - len(lines)
    return [*lines, _others(more)] if more else lines


def _once_sourced(line: str, named: Collection[str]) -> str:
    return _SOURCE.sub(lambda one: " (même source)" if one[1] in named else one[0], line)


def _others(count: int) -> str:
    several = "s" if count > 1 else ""
    return f"… et {count} autre{several} constat{several}, voir dsync."


def _rule_in(line: str, rules: Iterable[str]) -> str:
    """Return the rule of a finding, with the blank before it; empty: there is none."""
    found, to_do, _ = line.rpartition(TO_DO)
    own = (f" {cleaned(rule)}" for rule in rules)
    # The last one: what people typed comes before it.
    place = found.rfind(RULE)
    spelt = found[place:] if to_do and place >= 0 else ""
    return next((rule for rule in own if found.endswith(rule)), spelt)


Line = tuple[Resultat, Sequence[str], str]
"""A finding of a text: the result, the checks, the reason."""


SIGNALE = "sans_reponse"
"""The evidence that names the question without answer of which a check's sentence tells."""
_BY_ANOTHER = "par un autre contrôle"
DEJA_SIGNALE = f"Réponse attendue manquante, déjà signalée {_BY_ANOTHER}."


def grouped(controles: Sequence[Controle], title: Callable[[str], str]) -> list[Line]:
    """Group the checks that are not conforme by result and reason, the most severe first.

    A check that only repeats what another check reports is listed with that check, or names it by
    its title.
    """
    against = by_severity(controles)
    groups: dict[tuple[Resultat, str], list[str]] = {}
    for controle in against:
        if controle.motif != DEJA_SIGNALE:
            key = controle.resultat, controle.motif
            groups.setdefault(key, []).append(controle.controle)
    for controle in against:
        if controle.motif == DEJA_SIGNALE:
            # None, where a person established that check: then this one stands for itself.
            reporter = next((c for c in against if SIGNALE in c.preuve), None)
            # Nor with one of another result.
            if reporter is None or reporter.resultat is not controle.resultat:
                motif = controle.motif
                if reporter is not None:
                    by = _without_colon(title(reporter.controle))
                    motif = motif.replace(_BY_ANOTHER, f"par « {by} »")
                groups[controle.resultat, motif] = [controle.controle]
                continue
            groups[reporter.resultat, reporter.motif].append(controle.controle)
    return [(resultat, names, motif) for (resultat, motif), names in groups.items()]


@dataclass(frozen=True, slots=True)
class Wording:
    """How the text of a decision is worded; equal results give equal texts."""

    titles: Mapping[str, str]
    """The French titles of the checks by name, in the order of display."""
    instruction: str
    """Who decides on the dossiers, for the first line."""
    max_detail_length: int
    """Maximum number of characters, of which the sections check that it leaves room."""
    publication_url: str | None = None
    """Where the rules are published, for the last line."""
    words: Mapping[Verdict, str] = field(default_factory=dict)
    """The configuration's words for verdicts."""
    people: Collection[str] = ()
    """The checks that are a person's."""
    not_examined: tuple[str, str] = ("Sans objet", "Sans objet")
    """What precedes the title of a check without object, and the titles of several."""
    rules: Sequence[str] = ()
    """Texts of rules in the findings, beside those that `RULE` begins."""
    sources: Sequence[str] = ()
    """What stands in brackets behind the names of lists, in the findings."""

    def title(self, controle: str) -> str:
        """Return the title of a check, which may not be made any more."""
        return self.titles.get(controle, controle)

    def detail(self, verdict: Verdict, controles: Sequence[Controle]) -> str:
        """Return the text of a decision: verdict, findings to handle, conforming checks."""
        controles = [for_ds(controle) for controle in controles]
        word = self.words.get(verdict, verdict)
        first, last = frame(word, self.instruction, self.publication_url)
        left = [
            self.title(one.controle)
            for one in controles
            if one.resultat is Resultat.SANS_OBJET and one.controle not in self.people
        ]
        if left:
            last.insert(0, f"{self.not_examined[len(left) > 1]} : {listed(left)}.")
        if self.people:
            people = [self.title(name) for name in self.people]
            last.insert(0, f"À contrôler par une personne : {listed(people)}.")
        findings = [
            (self.title(names[0]), finding(resultat, map(self.title, names), motif))
            for resultat, names, motif in grouped(controles, self.title)
        ]
        conforming = [
            (self.title(one.controle), one)
            for one in controles
            if one.resultat is Resultat.CONFORME
        ]
        return framed(
            first, findings, conforming, last, self.max_detail_length, self.rules, self.sources
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force, as far as all programmes have them."""

    version: str
    """Changes with the rules and their lists; it is in each decision."""
    wording: Wording
    document: Mapping[str, Any]
    """The rules whole, in JSON values."""
    shipped_lists: Sequence[str] = ()
    """Their lists that are the package's, because none is beside the file."""
    family: str | None = None
    """How versions begin after which these rules may judge; before, they wait until somebody
    accepts them. None: they need not wait."""

    def wait_after(self, former: str | None) -> bool:
        """Return whether verdicts wait until somebody accepts them; `former`: None at first."""
        return self.family is not None and not (former or "").startswith(self.family)


class Results(NamedTuple):
    """The results of all checks, with what persons established."""

    controles: tuple[Controle, ...]
    constats: Mapping[str, Json]
    """Facts about the dossier for the programme's views, by column."""


class Facts(Protocol):
    """What a programme knows of one dossier to judge."""

    @property
    def fingerprint(self) -> str:
        """A digest of the evidence on which a decision rests, of this dossier only."""

    @property
    def preuve(self) -> Json:
        """The evidence that is frozen with the verdict."""

    @property
    def doublons(self) -> Collection[int]:
        """The other dossiers that it is compared with: the first ones, by their deposits."""

    @property
    def today(self) -> Facts | None:
        """The same by today's evidence alone, where that differs: it can only change the remark."""

    def surely_stands(self, current: StoredVerdict) -> bool:
        """Return whether a verdict on the same basis stands, without a look at the checks."""

    def results(
        self, answers: Mapping[str, Answer], current: StoredVerdict | None, *, holds: bool
    ) -> Results:
        """Make the checks.

        `current` is the verdict before, if it rests on this evidence: results may be kept.
        `holds`: only the doublons can be other ones since.
        """


def decide(
    facts: Facts,
    rules: Rules,
    answers: Mapping[str, Answer],
    current: StoredVerdict | None = None,
    *,
    holds: bool = False,
) -> Decision:
    """Return the decision on a dossier; equal arguments give equal decisions.

    `current` and `holds` are as of `Facts.results`.
    """
    controles, constats = facts.results(answers, current, holds=holds)
    verdict, wording = verdict_of(one.resultat for one in controles), rules.wording
    if verdict is Verdict.ELIGIBLE and wording.people:
        # While a check is a person's, no dossier is called « Éligible ».
        verdict = Verdict.RIEN_A_SIGNALER
    decision = Decision(
        verdict=verdict,
        controles=controles,
        detail=wording.detail(verdict, controles),
        version_regles=rules.version,
        preuve_hash=facts.fingerprint,
        doublons=tuple(sorted(map(DossierNumber, facts.doublons))),
        constats=constats,
        preuve=facts.preuve,
    )
    if facts.today is None:
        return decision
    # The frozen evidence stays; the remark says what today's would change.
    anew = decide(facts.today, rules, answers)
    return structs.replace(decision, remarque=_remark(decision, anew))


def new_decision(
    due: ToJudge, facts: Facts, rules: Rules, *, anew: bool = False
) -> Decision | None:
    """Return the decision on a dossier, None if its verdict stands as it is.

    If its evidence is frozen, newer evidence can only change the remark. `anew`: it is decided in
    any case, and all checks are made.
    """
    current = None if anew else due.current
    if current is None or current.preuve_hash != facts.fingerprint:
        return decide(facts, rules, due.answers)
    holds = not due.is_stale(rules.version)
    is_same = holds and tuple(sorted(facts.doublons)) == current.doublons
    if is_same and facts.surely_stands(current):
        return None
    decision = decide(facts, rules, due.answers, current, holds=holds)
    is_known = is_same and due.stands(decision) and decision.remarque == current.remarque
    return None if is_known else decision


def _remark(kept: Decision, today: Decision) -> str | None:
    """Return what today's evidence would change in the verdict, or None for nothing."""
    # Evidence that cannot be had now says nothing about the verdict.
    if today.verdict in (kept.verdict, Verdict.INDETERMINE):
        return None
    before = {controle.controle: controle.resultat for controle in kept.controles}
    moved = [
        controle.motif
        for controle in today.controles
        if worst((before[controle.controle], controle.resultat)) is not before[controle.controle]
    ]
    return " ".join(
        [f"D’après le catalogue actuel, le verdict serait {today.verdict.value}.", *moved]
    )
