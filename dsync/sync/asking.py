"""Asks a person before a run does what rests on weak grounds, and does what they consented to.

A run that needs a consent stores what it would do, and goes on without it. `dsync accept` and the
console show that and order an `Accept`: a run that records the consent and then does the work.
"""

from __future__ import annotations

from dsync.domain.consent import Consent, Proposal
from dsync.errors import ConfigurationError
from dsync.messages import kinds as k
from dsync.sync.context import Run
from dsync.sync.work import Accept


def is_accepted(run: Run, proposal: Proposal) -> bool:
    """Return whether a person consented to all of a proposal; if not, it waits from now on.

    A consent covers what was shown: more than that waits again. The caller must not do what it
    returns False for, and tells it by `run.report.brake`.
    """
    with run.reading() as reader:
        known = reader.consents.of(proposal.kind)
    if known is not None and known.given_at is not None and known.proposal.covers(proposal):
        return True
    with run.transaction() as tx:
        tx.consents.ask(proposal, run.now)
    if run.proposed is not None:
        run.proposed.add(proposal.kind)
    return False


def nothing_to_accept(run: Run, *kinds: Consent) -> None:
    """End proposals of which the cause is gone, or that are done."""
    if run.proposed is None:
        with run.reading() as reader:
            run.proposed = {one.proposal.kind for one in reader.consents.all()}
    if ended := run.proposed.intersection(kinds):
        with run.transaction() as tx:
            for kind in ended:
                tx.consents.end(kind)
        run.proposed -= ended


def give(run: Run, work: Accept) -> None:
    """Record a person's consent to what they were shown.

    Raises:
        ConfigurationError: something else waits by now, or nothing; nothing is stored.
    """
    with run.transaction() as tx:
        if not tx.consents.give(work.genre, work.accord, run.asked_by, run.now):
            raise ConfigurationError(k.ConsentGone(work.genre.word))
