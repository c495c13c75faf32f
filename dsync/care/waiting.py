"""What waits in a démarche: the consents that it lacks, what gives each; whom dossiers await."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsync.domain.consent import GONE, IN_DS, Asked, Consent, Move, Proposal
from dsync.store import Reader
from dsync.sync.work import Accept, AcceptEvidence, ReadAll, Work

SILENT_DAYS = 14
"""How long an usager is waited for before the team is told."""
TEAM, NOBODY = "instructeur", "personne"
"""Who can be waited for, as `lecture_suivi` says it."""


def waiting(reader: Reader, evidence: Mapping[str, Any] | None) -> list[Asked]:
    """Return what waits, the oldest first; without `Worker.evidence`, nothing is judged."""
    found = [one for one in reader.consents.all() if one.given_at is None]
    # These two are followed, or replaced by the last good copy, whatever a person says; they are
    # stored where they are used.
    catalogue = (evidence or {}).get("catalogue") or {}
    if catalogue.get("refused_since"):
        said = str(catalogue.get("error") or "")
        proposal = Proposal(Consent.EVIDENCE, (), detail=said)
        found.append(Asked(proposal, proposal.version, catalogue["refused_since"], None))
    state = reader.state.read()
    if state.mass_deletion_run is not None:
        moves = (Move("dossier", IN_DS, GONE, state.mass_deletion_count or 0),)
        proposal = Proposal(Consent.DELETIONS, moves, of=state.mass_deletion_of or 0)
        since = reader.journal.began_at(state.mass_deletion_run)
        if since is not None and not any(one.proposal.kind is Consent.DELETIONS for one in found):
            found.append(Asked(proposal, proposal.version, since, None))
    return sorted(found, key=lambda one: one.since)


def work_of(asked: Asked) -> Work:
    """Return what a consent to this has done."""
    match asked.proposal.kind:
        case Consent.EVIDENCE:
            return AcceptEvidence()
        case Consent.DELETIONS if not asked.proposal.subjects:
            return ReadAll(accept_deletions=True)
        case kind:
            return Accept(kind, asked.version)
