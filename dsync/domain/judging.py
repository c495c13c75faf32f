"""The one judge: of a dossier's facts and the results of its checks, the decision with its text.

How facts are found and checks are made is the programme's; what follows from them is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from msgspec import structs

from dsync.domain.check_answers import Answer, for_ds
from dsync.domain.detail_frame import finding, frame, framed
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
from dsync.domain.wording import listed

Line = tuple[Resultat, Sequence[str], str]
"""A finding of a text: the result, the checks, the reason."""


def one_each(controles: Sequence[Controle]) -> list[Line]:
    """Return a finding for each check that is not conforming, the most severe first."""
    return [(one.resultat, [one.controle], one.motif) for one in by_severity(controles)]


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
    lines: Callable[[Sequence[Controle]], Sequence[Line]] = one_each
    """Groups what is not conforming into findings."""
    rules: Sequence[str] = ()
    """Texts of rules in the findings, beside those that `RULE` begins."""

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
            finding(resultat, map(self.title, names), motif)
            for resultat, names, motif in self.lines(controles)
        ]
        conforming = [
            (self.title(one.controle), one)
            for one in controles
            if one.resultat is Resultat.CONFORME
        ]
        return framed(first, findings, conforming, last, self.max_detail_length, self.rules)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force, as far as all programmes have them."""

    version: str
    """Changes with the rules and their lists; it is in each decision."""
    wording: Wording
    document: Mapping[str, Any]
    """The rules whole, in JSON values."""
    private: Collection[str] = ()
    """The keys of the document that name applicants."""
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
