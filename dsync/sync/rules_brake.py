"""The safety brake on changed rules: they judge nothing while they would move too many verdicts.

Rules of another version are tried on the standing verdicts of open dossiers before they judge
anything. If they move too many, this run and the next ones judge and push nothing: standing
verdicts and wishes stay, dossiers stay queued, until somebody accepts this version or corrects it.
"""

from __future__ import annotations

from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.verdict import StoredVerdict, Verdict
from dsync.errors import ConfigurationError
from dsync.programme import Evidence, PrecheckOptions, Programme
from dsync.sync.context import Run
from dsync.sync.moves import REMEDY, Moves


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
            "judged. Start the service again so that it reads the changed rules, or look at the "
            "table of `dsync precheck accept` again."
        )
    with run.reading() as reader:
        state = reader.state.read()
    known = Moves.stored(state.refused_rules)
    if accept is None and state.rules_version != version:
        is_tried = known is not None and known.version == version and known.is_final
        moves = known if known and is_tried else _try(run, programme, evidence)
        context = run.context
        limit = max(context.verdicts, int(moves.standing * context.verdicts_percent / 100))
        if moves.moved > limit:
            run.report.brake(
                f"Safety brake: the changed rules (version {version}) would change {moves.moved} "
                f"of {moves.standing} standing verdicts (at most {limit} are accepted): "
                f"{moves.table}. Nothing is judged or written back by them. {REMEDY}"
            )
            if not is_tried:
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
    """Have the open dossiers judged whose verdict is by other rules, and store nothing of it."""
    standing, pairs = 0, list[tuple[Verdict, Verdict]]()
    with run.reading() as reader:
        numbers = reader.queue.numbers(OPEN_ETATS)
    for some in run.batches(numbers):
        with run.reading() as reader:
            given = [
                one
                for one in reader.verdicts.for_judging(some)
                if one.is_open and one.presence == Presence.PRESENT and _stands(one.current)
            ]
        standing += len(given)
        due = [
            one
            for one in given
            if one.current and one.current.version_regles != programme.rules_version
        ]
        pairs += [
            (one.dossier.current.verdict, one.decision.verdict)
            for one in programme.judge(run, evidence, due, PrecheckOptions(is_trial=True))
            if one.dossier.current and one.decision
        ]
    return Moves.of(programme.rules_version, standing, pairs)


def _stands(verdict: StoredVerdict | None) -> bool:
    return verdict is not None and verdict.verdict is not Verdict.INDETERMINE
