"""The safety brake on changed rules: they judge nothing while they would move too many verdicts.

Rules of another version are tried on the standing verdicts of open dossiers before they judge
anything. If they turn a decided one, move too many that were « À vérifier », have a check say
something else of most, or come with a list that lost many of its lines, by which new dossiers would
be judged, too, this run and the next ones judge and push nothing: standing verdicts and wishes
stay, dossiers stay queued, until somebody accepts this version or corrects it. The first declared
checks of a démarche are stopped, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

from dsync.domain.check_answers import TWINS
from dsync.domain.consent import NOTHING as NO_VERDICT
from dsync.domain.consent import Asked, CheckFinding, Consent, Move, Proposal
from dsync.domain.dossier import COUNTED_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import (
    SEVERITY,
    Comparison,
    Decision,
    Resultat,
    StoredVerdict,
    Verdict,
    changes,
)
from dsync.messages import kinds as k
from dsync.programme import Evidence, PrecheckOptions, Programme, in_force
from dsync.sync.brakes.replacing import annotations_in_ds
from dsync.sync.context import FEW, Run, first_write, is_accepted, most_of, nothing_to_accept
from dsync.sync.isolating import Failed, judged, look_up, prepare

NOBODY = "ne distingue personne : valeur mal écrite ?"
"""Asked of a check that finds no dossier, as one that compares with what nobody answers."""
NEVER = "ne s’applique à personne : condition mal écrite ?"
_NO_DETAIL = "détail : aucun à montrer avant que des dossiers soient jugés"
_VERDICT = "avis"
_NO_RESULT = "aucun résultat"
_LIST = "Liste"
_NOTHING_SAID: Mapping[str, Counter[tuple[str, str]]] = {}
_EVERY = 100
"""The limit in percent that lets everything pass."""
_MANY = 10
"""Dossiers from which a share means something."""


class Moves(NamedTuple):
    """What changed rules would make of the standing verdicts."""

    version: str
    """Of the rules."""
    standing: int
    """The number of open dossiers with a verdict."""
    moves: tuple[tuple[str, str, int], ...]
    """Verdict before, verdict after, number of dossiers; only those that differ."""
    found: tuple[CheckFinding, ...] = ()
    """Of declared checks."""
    said: tuple[Move, ...] = ()
    """The checks of which the result or the sentence is another one in most of these dossiers."""
    example: DossierNumber | None = None
    """One of which the verdict, else a check, would say something else."""

    @classmethod
    def of(
        cls,
        version: str,
        standing: int,
        pairs: Iterable[tuple[Verdict | None, Verdict]],
        judged: Iterable[Decision] = (),
        said: Mapping[str, Counter[tuple[str, str]]] = _NOTHING_SAID,
    ) -> Self:
        """Count pairs of a standing verdict (None: there was none) and a new one, of any dossiers.

        `standing` is the number of all standing ones. Each check of the judged is counted; `said`
        are the counts of what each would say before and after.
        """
        counts = Counter((before, after) for before, after in pairs if before is not after)
        order = list(Verdict)
        rows = sorted(
            counts.items(), key=lambda row: [order.index(one) if one else -1 for one in row[0]]
        )
        moves = tuple((b.value if b else NO_VERDICT, a.value, n) for (b, a), n in rows)
        most = [
            Move.of_check(name, *words, count)
            for name, counts in said.items()
            if counts.total() >= FEW and 2 * counts.total() > standing
            for words, count in counts.most_common()
        ]
        return cls(version, standing, moves, tuple(_found(judged)), tuple(most))

    @classmethod
    def compared(cls, comparisons: Iterable[Comparison], *, is_declared: bool = False) -> Self:
        """Count what was compared; of declared checks also first verdicts and each check."""
        pairs = [
            (one.before.verdict if one.before else None, one.verdict)
            for one in comparisons
            if one.before or is_declared
        ]
        standing = sum(before is not None for before, _ in pairs)
        return cls.of("", standing, pairs, (one.after for one in comparisons if is_declared))

    def proposal(
        self, kind: Consent, subjects: Mapping[str, str], notes: Iterable[str] = ()
    ) -> Proposal:
        """Return these moves as what a person is asked about; they consent to this version.

        They consent to the other subjects, too, which the notes explain.
        """
        return Proposal(
            kind,
            (*(Move(_VERDICT, *row) for row in self.moves), *self.said),
            of=self.standing,
            subjects={self.version: "", **subjects},
            detail="\n".join(notes),
            findings=self.found,
            example=self.example,
        )

    @property
    def moved(self) -> int:
        """The number of standing verdicts that would be other ones."""
        return sum(count for before, _, count in self.moves if before != NO_VERDICT)

    @property
    def has_turned(self) -> bool:
        """Whether one that was decided would be another: a list that grows decides open ones."""
        decided = (Verdict.ELIGIBLE, Verdict.RIEN_A_SIGNALER, Verdict.INELIGIBLE)
        return any(before in decided for before, _, _ in self.moves)

    @property
    def first(self) -> int:
        """The number of dossiers that would get their first verdict."""
        return sum(count for before, _, count in self.moves if before == NO_VERDICT)


def _found(judged: Iterable[Decision]) -> Iterator[CheckFinding]:
    counts: Counter[str] = Counter()
    doublons: Counter[str] = Counter()
    conforming: Counter[str] = Counter()
    tried: set[str] = set()
    total = 0
    for decision in judged:
        total += 1
        for one in decision.controles:
            counts[one.controle] += bool(SEVERITY[one.resultat])
            doublons[one.controle] += TWINS in one.preuve
            conforming[one.controle] += one.resultat is Resultat.CONFORME
            # Of one that a person makes there is no evidence.
            if one.preuve:
                tried.add(one.controle)
    for name, count in counts.items():
        asked = ""
        if total >= _MANY and 2 * count > total:
            asked = "clé trop large ?" if 2 * doublons[name] > count else "règle trop large ?"
        elif total >= _MANY and not count and name in tried:
            asked = NOBODY if conforming[name] else NEVER
        yield CheckFinding(name, count, total, asked)


def waits_for_consent(run: Run, programme: Programme) -> bool:
    """Return whether these are a démarche's first declared checks, which judge no page.

    They are tried after the last page, so that the table counts all dossiers.
    """
    if run.rules_tried or not in_force(programme).family:
        return False
    with run.reading() as reader:
        return in_force(programme).wait_after(reader.state.read().rules_version)


def stopped_rules(run: Run, programme: Programme, evidence: Evidence) -> bool:
    """Return whether the brake stops the present rules.

    They are tried once in a run, and not again in the next ones as long as they are the same.
    """
    if not run.rules_tried:
        run.rules_stopped = _are_stopped(run, programme, evidence)
        run.rules_tried = True
    return run.rules_stopped


def _are_stopped(run: Run, programme: Programme, evidence: Evidence) -> bool:
    version = in_force(programme).version
    with run.reading() as reader:
        standing = reader.state.read().rules_version
        # Of the rules that judged until now; the same ones have lost nothing.
        former = reader.verdicts.rules().get(standing or "", {}) if standing != version else {}
        rules = (Consent.RULES, Consent.FIRST)
        found = [one for one in reader.consents.all() if one.proposal.kind in rules]
    asked = [one for one in found if not one.proposal.is_first_write]
    if standing == version:
        _end(run, asked)
        return False
    is_first = in_force(programme).wait_after(standing)
    kind = Consent.FIRST if is_first else Consent.RULES
    known = next((one for one in asked if version in one.proposal.subjects), None)
    if known is None or known.given_at is None:
        # Declared checks are tried again: the table is to have all dossiers read since. So are
        # those whose evidence was out of reach.
        if known is None or is_first or not _is_final(known.proposal):
            moves = _try(run, programme, evidence)
            # Of the first checks a person is asked once: that covers the first write.
            own = first_write(run.context) if is_first else {}
            notes = [*annotations_in_ds(run), _NO_DETAIL] if own else []
            shrunk = _shrunk(former, in_force(programme).document, run.context.verdicts_percent)
            moves = moves._replace(said=(*moves.said, *shrunk))
            proposal = moves.proposal(kind, own, notes)
            is_odd = moves.has_turned or moves.said
            is_off = run.context.verdicts_percent >= _EVERY
            if not is_first and moves.moved <= _limit(run, proposal) and (is_off or not is_odd):
                _believe(run, version, asked)
                return False
        else:
            proposal = known.proposal
        if not is_accepted(run, proposal):
            run.report.brake(_stopped(proposal, version, _limit(run, proposal)))
            return True
    _believe(run, version, [one for one in asked if one is not known])
    return False


def _shrunk(before: Mapping[str, Any], after: Mapping[str, Any], percent: float) -> Iterator[Move]:
    """Yield the lists of a year that lost more lines than may go: a download that broke off?"""
    known = {(one["genre"], one["annee"]): one["entrees"] for one in before.get("listes", ())}
    for one in after.get("listes", ()):
        had, has = known.get((one["genre"], one["annee"]), 0), one["entrees"]
        if had - has > most_of(had, percent):
            what = f"{_LIST} « {one['genre']} »"
            yield Move(what, f"Lignes : {had}", f"Lignes : {has}", 0)


def _believe(run: Run, version: str, asked: Sequence[Asked]) -> None:
    """Let these rules judge from now on, and end what was asked about others."""
    with run.transaction() as tx:
        tx.state.save(rules_version=version)
    _end(run, asked)


def _end(run: Run, asked: Sequence[Asked]) -> None:
    # What was accepted stays: the brake before the push asks what a person was shown.
    if waiting := [one.proposal.kind for one in asked if one.given_at is None]:
        nothing_to_accept(run, *waiting)


def _is_final(proposal: Proposal) -> bool:
    """Return whether all evidence was there: « Indéterminé » says that a part is out of reach."""
    return all(move.after != Verdict.INDETERMINE for move in proposal.moves)


def _limit(run: Run, proposal: Proposal) -> int:
    return most_of(proposal.of, run.context.verdicts_percent)


def _stopped(proposal: Proposal, version: str, limit: int) -> k.Problem:
    if proposal.kind is Consent.FIRST:
        return k.FirstStopped(version, proposal.table)
    verdicts = replace(proposal, moves=tuple(m for m in proposal.moves if m.what == _VERDICT))
    names = tuple(dict.fromkeys(m.check for m in proposal.moves if m.check))
    lists = sum(m.what.startswith(_LIST) for m in proposal.moves)
    return k.RulesStopped(version, verdicts.moved, proposal.of, limit, verdicts.table, names, lists)


def _try(run: Run, programme: Programme, evidence: Evidence) -> Moves:
    """Have the open dossiers judged whose verdict is by other rules, and store nothing of it.

    Of declared checks, also those without a verdict, which these rules would be the first to give.
    """
    rules = in_force(programme)
    every = rules.wait_after(None)
    standing, pairs = 0, list[tuple[Verdict | None, Verdict]]()
    decisions, failed = list[Decision](), Failed()
    examples = dict[bool, DossierNumber]()
    said: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    trial = PrecheckOptions()
    with run.reading() as reader:
        numbers = reader.queue.open_numbers()
        compared = reader.queue.numbers(COUNTED_ETATS)
    for some in run.batches(compared if every else []):
        with run.transaction() as tx:
            prepare(run, tx, evidence, some, trial, failed)
    for some in run.batches(numbers):
        look_up(run, evidence, some, failed)
        with run.reading() as reader:
            given = [
                one
                for one in reader.verdicts.for_judging(some)
                if one.is_open
                and one.presence == Presence.PRESENT
                and (every or _stands(one.current))
            ]
            due = [
                one
                for one in given
                if one.current is None or one.current.version_regles != rules.version
            ]
            # The run that judges by these rules reports where they fail.
            found = judged(reader, programme, evidence, due, trial, failed)
        standing += sum(one.current is not None for one in given)
        for one in found:
            current = one.dossier.current
            pairs.append((current.verdict if current else None, one.decision.verdict))
            decisions += [one.decision] if every else []
            changed = list(_said(current, one.decision)) if current else []
            for name, was, becomes in changed:
                said[name][was, becomes] += 1
            is_moved = current is None or current.verdict is not one.decision.verdict
            if is_moved or changed:
                examples.setdefault(is_moved, one.dossier.numero)
    example = examples.get(True, examples.get(False))
    return Moves.of(rules.version, standing, pairs, decisions, said)._replace(example=example)


def _said(before: StoredVerdict, after: Decision) -> Iterator[tuple[str, str, str]]:
    """Yield the checks that say something else of a dossier, with what they say."""
    results, texts = changes(before, after)
    for name, one in results.items():
        was, becomes = (Resultat(said).label if said else _NO_RESULT for said in one.values())
        yield name, was, becomes
    # Other evidence, such as a product's next phase, explains another sentence.
    known = {one.controle: one.preuve for one in before.controles}
    now = {one.controle: one.preuve for one in after.controles}
    same = (name for name in texts if known[name] == now[name])
    yield from ((name, "sa phrase", "une autre phrase") for name in same)
    yield from (
        (one.controle, one.resultat.label, _NO_RESULT)
        for one in before.controles
        if one.controle not in now
    )


def _stands(verdict: StoredVerdict | None) -> bool:
    return verdict is not None and verdict.verdict is not Verdict.INDETERMINE
