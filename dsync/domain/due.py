"""What makes a dossier due, and what keeps one that is due from being judged: all cases.

`dsync/store/queue.py` has the SQL, `sync/evaluate.py` the loop. A dossier that is due is queued in
the transaction that makes it so, and leaves the queue with its verdict: nothing that stops a run
loses it. `docs/understand/how-it-judges.md` lists the cases.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dsync.domain.check_answers import Answer, answers_in
from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.domain.wording import listed

MOST_NAMED = 10
"""Of the dossiers that are compared with one, as many are named: those deposited first."""
FIRST = MOST_NAMED + 2
"""Of dossiers that are compared with each other, the verdicts rest on as many, by their deposits:
besides a dossier itself and those that it names, one that says that there are others."""


class Copy(NamedTuple):
    """What of a dossier's copy says whether it is due; instead of None, there is no copy."""

    etat: Etat
    inputs_hash: str
    """A hash of the parts of the dossier that the checks use."""
    is_present: bool = True
    waits: bool = False
    """Whether it is due already."""

    @property
    def counts(self) -> bool:
        """Whether it counts where the checks compare dossiers."""
        return self.is_present and self.etat in COUNTED_ETATS


def is_due(before: Copy | None, now: Copy) -> bool:
    """Return whether a dossier is due as it was read.

    There was no copy `before` of a new dossier, nor of one that was erased until now.
    """
    if before is None or before.waits or not before.is_present:
        return True
    is_reopened = now.etat in OPEN_ETATS and before.etat not in OPEN_ETATS
    return is_reopened or before.inputs_hash != now.inputs_hash


def makes_others_due(before: Copy | None, now: Copy | None) -> bool:
    """Return whether the dossiers that are compared with one are due: it begins or ceases to count.

    A new one has nothing to compare until its keys are stored, which has the others judged. `now`
    is None if DS shows it no more, or it was erased or removed.
    """
    return before is not None and before.counts != (now is not None and now.counts)


def named(others: Sequence[int]) -> tuple[list[int], str]:
    """Return the dossiers that a text names, and how; `others` are in the order of deposits."""
    first = sorted(others[:MOST_NAMED])
    more = ["d’autres"] if others[MOST_NAMED:] else []
    return first, listed([*map(str, first), *more])


def may_change(others: Collection[int]) -> bool:
    """Return whether a dossier is better judged once all are read, because of its doublons.

    Most are none, or two. Of many, the first ones come first: they stay once all places are taken.
    """
    return 1 < len(others) <= MOST_NAMED


class Basis(NamedTuple):
    """What a verdict rests on; the names are the causes in the event of a verdict."""

    regles: str
    dossier: str | None
    preuves: str | None
    doublons: tuple[DossierNumber, ...]
    reponses: Mapping[str, int]
    """The ids of the answers of persons, by check."""

    def changes(self, now: Basis) -> list[str]:
        """Return the names of what is another one now."""
        pairs = zip(self._fields, self, now, strict=True)
        return [name for name, then, today in pairs if then != today]


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A dossier that is due, with what the engine stores about it."""

    numero: DossierNumber
    etat: Etat
    presence: Presence
    inputs_hash: str
    current: StoredVerdict | None
    wished: Mapping[str, str | None]
    """The values of its current wishes, by annotation."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """What persons established, by check: `with_answers` (`domain.check_answers`) puts it into the
    results, of which verdict and detail are then made."""

    @property
    def is_open(self) -> bool:
        """Whether verdicts may still be pushed into the dossier."""
        return self.etat in OPEN_ETATS

    @property
    def is_judged(self) -> bool:
        """Whether it is judged: it is present, and if it is closed, its verdict is not known."""
        current = self.current
        is_known = current is not None and current.verdict is not Verdict.INDETERMINE
        return self.presence is Presence.PRESENT and (self.is_open or not is_known)

    @property
    def basis(self) -> Basis | None:
        """What its verdict rests on."""
        one = self.current
        if one is None:
            return None
        answers = answers_in(one.controles)
        return Basis(one.version_regles, one.inputs_hash, one.preuve_hash, one.doublons, answers)

    def basis_of(self, decision: Decision) -> Basis:
        """Return what a decision on it rests on."""
        return Basis(
            decision.version_regles,
            self.inputs_hash,
            decision.preuve_hash,
            # In one order, so that an equal verdict is recognised.
            tuple(sorted(decision.doublons)),
            answers_in(decision.controles),
        )

    def is_stale(self, rules_version: str) -> bool:
        """Return whether the dossier, its answers or the rules have changed since its verdict."""
        basis = self.basis
        if basis is None or self.current is None:
            return True
        made = {one.controle for one in self.current.controles}
        answers = {name: one.id for name, one in self.answers.items() if name in made}
        now = basis._replace(regles=rules_version, dossier=self.inputs_hash, reponses=answers)
        # A dossier that was judged when closed and is open again has no wishes yet.
        has_no_wishes = self.current.verdict is not Verdict.INDETERMINE and not self.wished
        return now != basis or (self.is_open and has_no_wishes)

    def stands(self, decision: Decision) -> bool:
        """Return whether its verdict is this decision, on the same basis."""
        current = self.current
        return (
            current is not None
            and self.basis == self.basis_of(decision)
            and current.reads_like(decision)
        )


class Judged(NamedTuple):
    """A dossier with its decision."""

    dossier: ToJudge
    decision: Decision

    @property
    def keeps_verdict(self) -> bool:
        """Whether the earlier verdict stays, because evidence is away; the dossier stays due."""
        # « Indéterminé » keeps nothing: it is for dossiers that were never judged otherwise.
        current = self.dossier.current
        return (
            current is not None
            and current.verdict is not Verdict.INDETERMINE
            and self.decision.verdict is Verdict.INDETERMINE
        )
