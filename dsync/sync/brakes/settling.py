"""Settles at a read's end what it showed and was not believed: read again, or for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dsync.domain.consent import Consent, Move, Proposal
from dsync.domain.ids import DossierNumber
from dsync.messages import kinds as k
from dsync.store import SyncState
from dsync.sync.brakes.doubts import moves_of
from dsync.sync.context import OVERLAP, Run, is_accepted, most_of, nothing_to_accept
from dsync.sync.page_storing import store_by_number

LATE = timedelta(hours=1)
"""How long before the last read an edit may be dated at least, and be news: DS dates it before it
shows it."""
LATELY = timedelta(days=30)
"""How long a change that nothing explains counts, once it was believed."""
AGAIN = timedelta(hours=1)
"""Until all dossiers are read again while some are in doubt: the next night would be late."""


_LATELY = "Dossiers repris sans explication en 30 jours : {}"


def lately_of(run: Run, state: SyncState) -> dict[DossierNumber, datetime]:
    """Return the dossiers of which a change that nothing explains was let pass lately, and when.

    What was read and what was written without a cause count together.
    """
    return {
        DossierNumber(int(number)): at
        for number, given in (state.believed or {}).items()
        if run.now - (at := datetime.fromisoformat(given)) < LATELY
    }


def note_lately(run: Run, lately: Mapping[DossierNumber, datetime]) -> None:
    """Store what counts from now on."""
    with run.transaction() as tx:
        tx.state.save(believed={str(n): at.isoformat() for n, at in lately.items()})


def said_lately(count: int) -> str:
    """Return what a person is told of them beside a proposal; "" of none."""
    return _LATELY.format(count) if count else ""


def begin(run: Run) -> SyncState:
    """Load what waits for a person, or what they consented to; return the state before the read."""
    doubts = run.doubts
    with run.reading() as reader:
        doubts.asked = asked = reader.consents.of(Consent.ANSWERS)
        state = reader.state.read()
        doubts.unread = frozenset(one.numero for one in reader.quarantine.entries())
    # One that is ahead of the clock says nothing.
    read_until = state.watermark
    if read_until is not None and read_until <= run.now:
        doubts.since = read_until - max(OVERLAP, LATE)
    if asked is not None and asked.given_at is not None:
        doubts.believed = {DossierNumber(int(n)): digest for n, digest in doubts.subjects.items()}
        if state.believed:
            # Somebody has looked: the count begins again.
            with run.transaction() as tx:
                tx.state.save(believed=None)
    else:
        doubts.lately = lately_of(run, state)
    return state


def settle(run: Run, *, is_whole: bool) -> None:
    """Believe few dossiers that come the same again; have a person asked about many.

    It is called at the end of a read, which `is_whole` if it was of every dossier.

    Raises:
        DSError: few dossiers could not be requested again; they stay as the copy has them.
    """
    doubts, asked = run.doubts, run.doubts.asked
    if not doubts.found and (asked is None or not (is_whole or doubts.right)):
        return
    with run.reading() as reader:
        present = reader.dossiers.present_count()
    odd = sorted(n for n, doubt in doubts.found.items() if not doubt.is_of_form)
    # While a person is asked, further ones wait with the others.
    is_open = asked is not None and asked.given_at is None
    limit = most_of(present, run.context.verdicts_percent)
    if odd and not is_open and len({*odd, *doubts.lately}) <= limit:
        _read_again(run, odd)
    lately = len(doubts.lately.keys() - doubts.found.keys())
    left = {str(number): doubt.digest for number, doubt in sorted(doubts.found.items())}
    moves = moves_of(doubts.found.values())
    if not is_whole and asked is not None:
        # This read has not seen the others.
        before, own = asked.proposal, {*left, *map(str, doubts.right)}
        others = {n: digest for n, digest in before.subjects.items() if n not in own}
        is_new = not left.keys() <= before.subjects.keys()
        moves = _joined(before.moves, moves) if is_new else before.moves
        left = {**others, **left}
    if not left:
        nothing_to_accept(run, Consent.ANSWERS)
        return
    detail = said_lately(lately)
    if is_accepted(run, Proposal(Consent.ANSWERS, moves, present, left, detail)):
        return
    if doubts.odd:
        with run.transaction() as tx:
            due_at, at = tx.state.read().full_due_at, run.now + AGAIN
            tx.state.save(full_due_at=at if due_at is None else min(due_at, at))
    if doubts.found:
        run.report.brake(k.Numbered(k.NumberNote.ANSWERS_STOPPED, len(left)))


def _read_again(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Request dossiers by their numbers, and store those that come the same as before.

    One that comes without any of its answers again is not believed: it waits.
    """
    doubts = run.doubts
    doubts.believed |= {
        number: doubts.found[number].digest
        for number in numbers
        if not doubts.found[number].is_bare
    }
    doubts.is_settling = True
    store_by_number(run, sorted({*numbers, *doubts.untold}))
    doubts.lately |= dict.fromkeys((n for n in numbers if n not in doubts.found), run.now)
    note_lately(run, doubts.lately)
    if flapping := [n for n in numbers if n in doubts.found and not doubts.found[n].is_bare]:
        # Hidden since, or another answer each time: the next read of all dossiers tells.
        for number in flapping:
            del doubts.found[number]
        run.problem(k.Numbered(k.NumberNote.FLAPPING, len(flapping)))


def _joined(*tables: Sequence[Move]) -> tuple[Move, ...]:
    counts: dict[tuple[str, str, str], int] = {}
    for what, before, after, count in (move for table in tables for move in table):
        counts[what, before, after] = counts.get((what, before, after), 0) + count
    return tuple(Move(*key, count) for key, count in counts.items())
