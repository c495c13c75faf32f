"""After a full read: dossiers that it did not show, nor the deletion lists.

Each is asked for by its number before it is believed gone; a démarche that suddenly shows far
fewer dossiers trips the brake instead of emptying the copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from dsync.domain.ids import DossierNumber
from dsync.errors import DSNotFoundError, SafetyBrakeError
from dsync.sync.batches import batches
from dsync.sync.context import Run
from dsync.sync.pages import store_alone

log = structlog.get_logger(__name__)
ASK_AT_ONCE = 50


def settle_disappearances(run: Run, *, accept: bool) -> None:
    """Mark what has vanished and close the full read.

    Raises:
        SafetyBrakeError: when too many have; none of them is marked.
    """
    with run.transaction() as tx:
        state = tx.state()
        began = state.full_started_run or run.id
        unseen, unlisted = tx.unseen(began), tx.unlisted(began)
        present = tx.present_count()
    limit = _limit(run, present)
    if len(unseen) > limit and not accept:
        _close(run)
        raise SafetyBrakeError(
            f"Safety brake: {len(unseen)} of {present} dossiers are no longer shown by DS nor "
            f"listed as deleted (at most {limit} are believed). None was marked. Look at the "
            "démarche and the token's scope, then confirm with "
            "`dsync sync --full --accept-deletions`."
        )
    # Hidden ones that no list shows any more have been restored, then expired: no mass of them
    # would empty the copy.
    vanished = _ask_again(run, [*unseen, *unlisted])
    with run.transaction() as tx:
        # By batches: a statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL.
        run.report.deleted += sum(
            tx.mark_vanished(run.id, chunk, run.now) for chunk in batches(run.context, vanished)
        )
    if state.full_started_at is not None:
        _release_gone(run, state.full_started_at)
    _close(run)


def _limit(run: Run, present: int) -> int:
    policy = run.context.policy
    return max(policy.disappearances, int(present * policy.disappearances_percent / 100))


def _ask_again(run: Run, unseen: Sequence[DossierNumber]) -> list[DossierNumber]:
    """Return those that DS does not have; read and store the others, remove foreign ones."""
    ours = run.context.demarche
    vanished: list[DossierNumber] = []
    for chunk in batches(run.context, unseen, ASK_AT_ONCE):
        found = run.context.client.demarches_of(chunk)
        foreign = [number for number in chunk if found.get(number) not in (None, ours)]
        if foreign:
            log.warning("dossiers_of_another_demarche_removed", count=len(foreign), run=run.id)
            with run.transaction() as tx:
                run.report.deleted += tx.remove(foreign)
        for number in chunk:
            if number in foreign:
                continue
            if found.get(number, ours) is None:
                vanished.append(number)
                continue
            try:
                store_alone(run, run.context.client.dossier(number, ours))
            except DSNotFoundError:
                vanished.append(number)
    return vanished


def _release_gone(run: Run, started_at: datetime) -> None:
    """Let out of quarantine who was not met again because DS has them no more."""
    with run.transaction() as tx:
        kept = [q.numero for q in tx.quarantined() if q.dernier_essai_le < started_at]
    numbers = [DossierNumber(numero) for numero in kept]
    ours = run.context.demarche
    found = run.context.client.demarches_of(numbers) if numbers else {}
    gone = [number for number in numbers if found.get(number, ours) != ours]
    with run.transaction() as tx:
        tx.release(run.id, gone, run.now)


def _close(run: Run) -> None:
    with run.transaction() as tx:
        tx.save_state(
            last_full_at=run.now,
            full_cursor=None,
            full_started_run=None,
            full_started_at=None,
            full_due_at=None,
        )
