"""The evidence looked at from outside, for `dsync check`, without a write."""

from __future__ import annotations

from datetime import datetime

from dsync.addresses import mask_url
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.eig.evidence.catalogue import parse_catalogue
from dsync.eig.evidence.gathering import CATALOGUE
from dsync.eig.evidence.sources import EvidenceSources
from dsync.eig.store import EvidenceCopy, evidence
from dsync.errors import DsyncError, EvidenceUnavailableError
from dsync.store import Store


def evidence_line(sources: EvidenceSources, store: Store | None, now: datetime) -> CheckLine:
    """Return whether beta.gouv.fr's catalogue can be read, else how old the copy is.

    Args:
        sources: where evidence comes from.
        store: the database with the copy; None when it cannot be opened.
        now: the present.
    """
    try:
        snapshot = sources.fetch_catalogue(None)
        count = len(parse_catalogue(snapshot).products) if snapshot else 0
    except EvidenceUnavailableError as exc:
        copy = _stored_copy(store)
        if copy is None or copy.fetched_at is None:
            remedy = "look at DSYNC_BETAGOUV_URL and the network; verdicts wait until it is back"
            message = f"{exc.message} There is no copy yet."
            return CheckLine("evidence", CheckStatus.ERROR, message, remedy, exc.exit_code)
        age = now - (copy.confirmed_at or copy.fetched_at)
        limit = sources.config.catalogue.max_age
        usable = "it serves" if age <= limit else "too old to serve"
        message = f"{exc.message} The copy was confirmed {age.days} days ago: {usable}."
        remedy = "look at DSYNC_BETAGOUV_URL and the network; or wait for the next run"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, exc.exit_code)
    copy = _stored_copy(store)
    if copy is not None and copy.refused_sha256 is not None:
        message = copy.erreur or "a newer catalogue was stopped by the safety brake"
        remedy = "look at the catalogue; if it is right, `dsync evidence accept`"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, 7)
    return CheckLine(
        "evidence", CheckStatus.OK, f"{count} products at {mask_url(sources.base_url)}"
    )


def _stored_copy(store: Store | None) -> EvidenceCopy | None:
    if store is None:
        return None
    try:
        with store.reading() as reader:
            return evidence(reader.connection, CATALOGUE)
    except DsyncError:
        return None
