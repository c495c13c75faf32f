"""Bring the evidence up to date: revalidate the catalogue, keep the last good copy.

What cannot be fetched is noted and the last good copy serves; a check whose evidence is missing
or too old says « impossible », never « non conforme ».
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Json
from dsync.eligibility import Evidence, RegistryAnswer, RegistryStatus, needs_registry, seen
from dsync.errors import EvidenceUnavailableError
from dsync.evidence.catalogue import Snapshot, parse_catalogue
from dsync.evidence.sources import catalogue_age
from dsync.store import EvidenceCopy, RegistryCopy
from dsync.sync.context import Context, Run

CATALOGUE = "beta.gouv.fr"


@dataclass(frozen=True, slots=True)
class Gathered:
    """This run's copy of the catalogue, and a key that changes when it does or grows too old."""

    context: Context
    snapshot: Snapshot | None
    key: str

    def evidence(self) -> Evidence:
        """Read the catalogue: only when something is to be judged."""
        with self.context.store.reading() as reader:
            known = reader.known_products()
        return self.context.evidence.evidence(self.snapshot, known)

    @property
    def registry_enabled(self) -> bool:
        """Whether applicants without a legal category are looked up."""
        return self.context.evidence.registry is not None


def gather(run: Run, *, accept: bool = False) -> Gathered:
    """Revalidate the catalogue by a conditional request and keep what came.

    A catalogue that lacks too many of the products known is not believed: the last good copy
    serves, and an anomaly says so until an operator accepts it.

    Args:
        run: the run under way.
        accept: whether the catalogue that was stopped is to be believed, if it is still the same.

    Raises:
        StoreError: the last good copy is as before.
    """
    context = run.context
    with run.transaction() as tx:
        copy = tx.evidence(CATALOGUE)
    previous = _snapshot(copy)
    snapshot, failure = previous, None
    try:
        snapshot = context.evidence.fetch_catalogue(previous) or previous
    except EvidenceUnavailableError as exc:
        failure = exc.message
        run.report.problem(exc.message)
    accepted = copy.refused_sha256 if copy and accept else None
    refusal = None
    if snapshot is not None and previous is not None and snapshot.sha256 != accepted:
        refusal = _refusal(context, previous, snapshot)
    with run.transaction() as tx:
        if snapshot is not None and refusal is not None:
            failure, message = refusal
            run.report.problem(failure)
            tx.refuse_evidence(
                CATALOGUE, run.now, sha256=snapshot.sha256, erreur=failure, message=message
            )
            snapshot = previous
        elif snapshot is not None and snapshot is not previous:
            tx.save_evidence(_copy(snapshot, run.now))
            known = tx.known_products()
            tx.save_products(seen(parse_catalogue(snapshot), known, snapshot.fetched_at))
        else:
            tx.evidence_checked(CATALOGUE, run.now, failure)
    if snapshot is not None and failure is None:
        snapshot = replace(snapshot, checked_at=run.now)
    return Gathered(context, snapshot, _key(context, snapshot, run.now))


def _refusal(context: Context, previous: Snapshot, snapshot: Snapshot) -> tuple[str, str] | None:
    """Return why a new catalogue is not believed, for operators and for analysts, or None."""
    if snapshot.sha256 == previous.sha256:
        return None
    try:
        before = parse_catalogue(previous)
    except EvidenceUnavailableError:
        return None
    now = parse_catalogue(snapshot)
    gone, known, share = now.lacks(before), len(before.products), context.policy.catalogue_share
    if gone <= share * known:
        return None
    return (
        f"The catalogue at {snapshot.source} lacks {gone} of the {known} products of the last good "
        f"copy ([safety] catalogue_share allows {share:.0%}): it is not believed, and the last "
        "good copy serves. Look at it; if it is right, run `dsync evidence accept`.",
        f"Le catalogue publié par beta.gouv.fr ({len(now.products)} produits) ne contient plus "
        f"{gone} des {known} produits de la dernière bonne copie : il n’est pas retenu et cette "
        "copie continue de servir.",
    )


def with_registry(run: Run, candidatures: Sequence[Candidature], evidence: Evidence) -> Evidence:
    """Add what the registry says of applicants whose legal category DS does not know."""
    client = run.context.evidence.registry
    if client is None:
        return evidence
    rules = run.context.rules
    sirens = sorted({s for c in candidatures if (s := needs_registry(c, rules))})
    with run.transaction() as tx:
        kept = tx.registry(sirens, run.now)
    answers = {siren: _answer(copy) for siren, copy in kept.items()}
    fresh = []
    for siren in (s for s in sirens if s not in kept):
        answers[siren] = client.lookup(siren)
        if answers[siren].status is RegistryStatus.UNREACHABLE:
            run.report.problem(
                "Recherche d'entreprises cannot be reached; these dossiers are tried again by "
                "the next runs."
            )
            break
        fresh.append(answers[siren])
    expires_at = run.now + client.config.max_age
    with run.transaction() as tx:
        tx.save_registry([RegistryCopy(a.siren, _document(a), run.now, expires_at) for a in fresh])
    return replace(evidence, registry=answers)


def _key(context: Context, snapshot: Snapshot | None, now: datetime) -> str:
    if snapshot is None:
        return "absent"
    is_usable = catalogue_age(snapshot, now) <= context.evidence.config.catalogue.max_age
    aliases = hashlib.sha256((snapshot.redirects or "").encode()).hexdigest()[:16]
    return f"{snapshot.sha256}:{aliases}:{'valable' if is_usable else 'perime'}"


def _snapshot(copy: EvidenceCopy | None) -> Snapshot | None:
    if copy is None or copy.body is None or copy.fetched_at is None:
        return None
    return Snapshot(
        source=copy.url or "",
        body=copy.body,
        redirects=copy.redirects,
        fetched_at=copy.fetched_at,
        etag=copy.etag,
        last_modified=copy.last_modified,
        sha256=copy.sha256 or "",
        checked_at=copy.confirmed_at,
    )


def _copy(snapshot: Snapshot, now: datetime) -> EvidenceCopy:
    return EvidenceCopy(
        source=CATALOGUE,
        url=snapshot.source,
        body=snapshot.body,
        redirects=snapshot.redirects,
        fetched_at=snapshot.fetched_at,
        confirmed_at=now,
        checked_at=now,
        etag=snapshot.etag,
        last_modified=snapshot.last_modified,
        sha256=snapshot.sha256,
    )


def _document(answer: RegistryAnswer) -> dict[str, Json]:
    document: dict[str, Json] = asdict(answer)
    document["status"] = answer.status.value
    document["consulted_at"] = answer.consulted_at.isoformat() if answer.consulted_at else None
    return document


def _answer(copy: RegistryCopy) -> RegistryAnswer:
    kept = dict(copy.answer) if isinstance(copy.answer, dict) else {}
    consulted = kept.pop("consulted_at", None)
    kept["status"] = RegistryStatus(str(kept.get("status")))
    return RegistryAnswer(
        **kept,  # type: ignore[arg-type]
        consulted_at=datetime.fromisoformat(str(consulted)) if consulted else None,
    )
