"""The safety brake on changed rules: they judge nothing while they would move too many verdicts.

Rules of another version are tried on the standing verdicts of open dossiers before they judge
anything. If they move too many, this run and the next ones judge and push nothing: standing
verdicts and wishes stay, dossiers stay queued, until somebody accepts this version or corrects it.
The first declared checks of a démarche are stopped, too.
"""

from __future__ import annotations

from dsync.domain.dossier import COUNTED_ETATS, Presence
from dsync.domain.verdict import Decision, StoredVerdict, Verdict
from dsync.errors import ConfigurationError
from dsync.programme import Evidence, PrecheckOptions, Programme
from dsync.sync.context import Run
from dsync.sync.isolating import Failed, judged, prepare
from dsync.sync.moves import FIRST, REMEDY, Moves


def waits_for_consent(run: Run, programme: Programme) -> bool:
    """Return whether these are a démarche's first declared checks, which judge no page.

    They are tried after the last page, so that the table counts all dossiers.

    Raises:
        StoreError: the database failed.
    """
    if run.rules_tried or not programme.needs_acceptance(None):
        return False
    with run.reading() as reader:
        return programme.needs_acceptance(reader.state.read().rules_version)


def stopped_rules(
    run: Run, programme: Programme, evidence: Evidence, *, accept: str | None = None
) -> Moves | None:
    """Return what the present rules would move if the brake stops them; None if they may judge.

    They are tried once in a run, and not again in the next ones as long as they are the same.

    Args:
        run: the run under way.
        programme: whose rules they are.
        evidence: of the programme's `gather`.
        accept: the version that somebody accepted, by the table that they were shown.

    Raises:
        ConfigurationError: these rules are of another version than the accepted one.
        StoreError: the database failed.
    """
    if not run.rules_tried:
        run.rules_stopped = _stopped(run, programme, evidence, accept)
        run.rules_tried = True
    return run.rules_stopped


def _stopped(
    run: Run, programme: Programme, evidence: Evidence, accept: str | None
) -> Moves | None:
    version = programme.rules_version
    if accept not in (None, version):
        raise ConfigurationError(
            f"The rules here are version {version}, and version {accept} was accepted: nothing was "
            "judged. If a service runs, start it again so that it reads the present file; then run "
            "`dsync precheck accept`, which shows what the present rules change."
        )
    with run.reading() as reader:
        state = reader.state.read()
    known = Moves.stored(state.refused_rules)
    if accept is None and state.rules_version != version:
        is_tried = known is not None and known.version == version and known.is_final
        is_first = programme.needs_acceptance(state.rules_version)
        moves = known if known and is_tried and not is_first else _try(run, programme, evidence)
        context = run.context
        limit = max(context.verdicts, int(moves.standing * context.verdicts_percent / 100))
        if is_first or moves.moved > limit:
            run.report.brake(
                f"Safety brake: the checks (version {version}) are new: "
                f"{moves.table or 'no dossier yet'}. Nothing is judged or written back by them "
                f"yet. {FIRST}"
                if is_first
                else f"Safety brake: the changed rules (version {version}) would change "
                f"{moves.moved} of {moves.standing} standing verdicts (at most {limit} are "
                f"accepted): {moves.table}. Nothing is judged or written back by them. {REMEDY}"
            )
            if is_first or not is_tried:
                since = known and known.version == version and state.refused_rules_since
                with run.transaction() as tx:
                    tx.state.save(
                        refused_rules=moves._asdict(), refused_rules_since=since or run.now
                    )
            return moves
    if known is not None or state.rules_version != version:
        with run.transaction() as tx:
            tx.state.save(rules_version=version, refused_rules=None, refused_rules_since=None)
    return None


def _try(run: Run, programme: Programme, evidence: Evidence) -> Moves:
    """Have the open dossiers judged whose verdict is by other rules, and store nothing of it.

    Of declared checks, also those without a verdict, which these rules would be the first to give.
    """
    every = programme.needs_acceptance(None)
    standing, pairs = 0, list[tuple[Verdict | None, Verdict]]()
    decisions, failed = list[Decision](), Failed()
    trial = PrecheckOptions(is_trial=True)
    with run.reading() as reader:
        numbers = reader.queue.open_numbers()
        compared = reader.queue.numbers(COUNTED_ETATS)
    for some in run.batches(compared if every else []):
        prepare(run, programme, evidence, some, trial, failed)
    for some in run.batches(numbers):
        with run.reading() as reader:
            given = [
                one
                for one in reader.verdicts.for_judging(some)
                if one.is_open
                and one.presence == Presence.PRESENT
                and (every or _stands(one.current))
            ]
        standing += sum(one.current is not None for one in given)
        due = [
            one
            for one in given
            if one.current is None or one.current.version_regles != programme.rules_version
        ]
        # The run that judges by these rules reports where they fail.
        for one in judged(run, programme, evidence, due, trial, failed):
            current = one.dossier.current
            pairs.append((current.verdict if current else None, one.decision.verdict))
            decisions += [one.decision] if every else []
    return Moves.of(programme.rules_version, standing, pairs, decisions)


def _stands(verdict: StoredVerdict | None) -> bool:
    return verdict is not None and verdict.verdict is not Verdict.INDETERMINE
