"""The safety brake on changed rules: they judge nothing while they would move too many verdicts.

Rules of another version are tried on the standing verdicts of open dossiers before they judge
anything. If they move too many, this run and the next ones judge and push nothing: standing
verdicts and wishes stay, dossiers stay queued, until somebody accepts this version or corrects it.
The first declared checks of a démarche are stopped, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsync.domain.consent import Asked, Consent, Proposal
from dsync.domain.dossier import COUNTED_ETATS, Presence
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.messages import kinds as k
from dsync.programme import Evidence, PrecheckOptions, Programme, in_force
from dsync.sync.context import Run, is_accepted, most_of, nothing_to_accept
from dsync.sync.isolating import Failed, judged, look_up, prepare
from dsync.sync.verdict_moves import Moves


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
        rules = (Consent.RULES, Consent.FIRST)
        asked = [one for one in reader.consents.all() if one.proposal.kind in rules]
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
            proposal = moves.proposal(kind)
            if not is_first and moves.moved <= _limit(run, proposal):
                _believe(run, version, asked)
                return False
        else:
            proposal = known.proposal
        if not is_accepted(run, proposal):
            run.report.brake(_stopped(proposal, version, _limit(run, proposal)))
            return True
    _believe(run, version, [one for one in asked if one is not known])
    return False


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
    return k.RulesStopped(version, proposal.moved, proposal.of, limit, proposal.table)


def _try(run: Run, programme: Programme, evidence: Evidence) -> Moves:
    """Have the open dossiers judged whose verdict is by other rules, and store nothing of it.

    Of declared checks, also those without a verdict, which these rules would be the first to give.
    """
    rules = in_force(programme)
    every = rules.wait_after(None)
    standing, pairs = 0, list[tuple[Verdict | None, Verdict]]()
    decisions, failed = list[Decision](), Failed()
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
    return Moves.of(rules.version, standing, pairs, decisions)


def _stands(verdict: StoredVerdict | None) -> bool:
    return verdict is not None and verdict.verdict is not Verdict.INDETERMINE
