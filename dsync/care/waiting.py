"""What waits in a démarche: for whom, in numbers, and for a person's consent, in one list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dsync.domain.check_answers import TO_CONFIRM
from dsync.domain.consent import GONE, IN_DS, Asked, Consent, Move, Proposal
from dsync.domain.dossier import OPEN_ETATS
from dsync.store import Reader
from dsync.store.listing import Waiting
from dsync.sync.work import Accept, AcceptEvidence, ReadAll, Work

SILENT_DAYS = 14
"""How long an usager is waited for before the team is told."""
TEAM, NOBODY = "instructeur", "personne"
_OPEN = frozenset(etat.value for etat in OPEN_ETATS)


class Waits(NamedTuple):
    """Numbers of present dossiers."""

    of_whom: Mapping[str, int]
    """By who has to act."""
    points: Mapping[str, Mapping[str, int]]
    """Of open dossiers: by check, then by result, what keeps them from the best verdict."""
    to_confirm: int
    """Open dossiers with an answer that a person has to confirm or withdraw."""


def waits_of(rows: Iterable[Waiting], checks: Sequence[str], *, has_stages: bool) -> Waits:
    """Add up the groups of `DossierReads.waiting`.

    The points are in the order of `checks`, those of others last. Without stages, by which a
    programme says who has to act, the open dossiers are the team's.
    """
    of_whom: Counter[str] = Counter()
    points: dict[str, Counter[str]] = defaultdict(Counter)
    to_confirm = 0
    for row in rows:
        is_open = row.etat in _OPEN
        whom = row.attend if has_stages else TEAM if is_open else NOBODY
        if whom is not None and whom != NOBODY:
            of_whom[whom] += row.nombre
        found = [point.split(":", 1) for point in row.points.strip("|").split("|") if point]
        for check, result in found if is_open else ():
            points[check][result] += row.nombre
        to_confirm += row.nombre if is_open and f":{TO_CONFIRM}|" in row.points else 0
    ranks = {name: rank for rank, name in enumerate(checks)}
    ordered = sorted(points, key=lambda name: (ranks.get(name, len(ranks)), name))
    return Waits(of_whom, {name: points[name] for name in ordered}, to_confirm)


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
