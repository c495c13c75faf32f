"""Fetches the beta.gouv.fr catalogue with conditional requests, and reads the stored copy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dsync.addresses import mask_url
from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    redirects_readable,
)
from dsync.eig.precheck.evidence import Evidence
from dsync.eig.sections import EvidenceConfig
from dsync.errors import EvidenceUnavailableError
from dsync.store.sql import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from dsync.eig.evidence.download import Response
    from dsync.eig.evidence.sources import EvidenceSources

NO_REDIRECTS = "{}"
"""The redirects when beta.gouv.fr has no such file: there are no aliases."""

_OK, _NOT_MODIFIED, _GONE = 200, 304, frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fetched catalogue with the validators for the next conditional request."""

    source: str
    """The address that it was fetched from, without credentials."""
    body: str
    redirects: str | None
    """`{}` when beta.gouv.fr has no such file, None when it could never be read."""
    fetched_at: datetime
    etag: str | None
    last_modified: str | None
    sha256: str
    checked_at: datetime | None = None
    """When beta.gouv.fr last confirmed it; None before the first confirmation."""


def fetch_catalogue(
    sources: EvidenceSources, previous: Snapshot | None
) -> tuple[Snapshot, Catalogue] | None:
    """Fetch the published catalogue, from the first configured path that gives a usable one.

    Args:
        sources: the connections.
        previous: the stored copy, for a conditional request; None for a full one.

    Returns:
        The new catalogue, as text and parsed; None when `previous` is still the published one.

    Raises:
        EvidenceUnavailableError: no path gave a usable catalogue; `previous` stays valid.
        InterruptedRunError: the run was asked to stop.
    """
    problems = []
    for path in sources.config.catalogue.paths:
        try:
            snapshot = _fetch(sources, path, previous)
            redirects = _fetch_redirects(sources, previous.redirects if previous else None)
            snapshot = replace(snapshot, redirects=redirects)
            if snapshot == previous:
                return None
            catalogue = parse_catalogue(snapshot)
        except EvidenceUnavailableError as exc:
            problems.append(f"{path}: {exc.message}")
        else:
            return snapshot, catalogue
    raise EvidenceUnavailableError(
        f"The catalogue of {mask_url(sources.base_url)} cannot be used ({'; '.join(problems)}). "
        "The stored copy, if there is one, is used meanwhile; otherwise these checks wait. "
        "Correct DSYNC_BETAGOUV_URL if it is wrong."
    )


def _fetch(sources: EvidenceSources, path: str, previous: Snapshot | None) -> Snapshot:
    source = mask_url(_join(sources.base_url, path))
    # Validators of another address say nothing about this one.
    known = previous if previous is not None and previous.source == source else None
    response = _get(sources, path, known)
    if response.status == _NOT_MODIFIED and known is not None:
        return known
    if response.status != _OK:
        raise EvidenceUnavailableError(f"HTTP {response.status}")
    body = response.text()
    sha256 = hashlib.sha256(response.content).hexdigest()
    etag, last_modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
    # The server ignored the validators. `fetched_at` stays, because the texts of verdicts name it.
    if known is not None and known.sha256 == sha256:
        return replace(known, etag=etag, last_modified=last_modified)
    return Snapshot(source, body, None, sources.clock(), etag, last_modified, sha256)


def _get(sources: EvidenceSources, path: str, known: Snapshot | None) -> Response:
    headers = {"Accept": "application/json"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return sources.get(
        _join(sources.base_url, path),
        deadline_s=sources.config.catalogue.deadline_s,
        headers=headers,
    )


def _fetch_redirects(sources: EvidenceSources, known: str | None) -> str | None:
    """Return the text of the redirects; the known one while the file is missing or unreadable.

    Without aliases, renamed products would be taken for missing ones, and their dossiers for
    ineligible. Before a first text: `{}` without such a file, None when it is unreadable.
    """
    try:
        # No validators of this file are stored, so it is fetched whole each time.
        response = _get(sources, sources.config.catalogue.redirects, None)
        if response.status in _GONE:
            return NO_REDIRECTS if known is None else known
        text = response.text()
    except EvidenceUnavailableError:
        return known
    return text if response.status == _OK and redirects_readable(text) else known


def _join(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def parse_catalogue(snapshot: Snapshot, known: Iterable[KnownProduct] = ()) -> Catalogue:
    """Parse the products of a snapshot.

    Args:
        snapshot: the fetched catalogue.
        known: every product that was ever published.

    Raises:
        EvidenceUnavailableError: the text is not a catalogue.
    """
    try:
        return Catalogue.parse(
            snapshot.body, snapshot.redirects, source=snapshot.source, known=known
        )
    except CatalogueError as exc:
        raise EvidenceUnavailableError(str(exc)) from exc


def catalogue_age(snapshot: Snapshot, now: datetime) -> timedelta:
    """Return the time since beta.gouv.fr last confirmed the snapshot.

    A confirmation in the future counts as infinitely old: the clock of this machine was ahead.
    """
    age = now - (snapshot.checked_at or snapshot.fetched_at)
    return timedelta.max if age < -CLOCK_TOLERANCE else max(age, timedelta(0))


def make_evidence(
    config: EvidenceConfig,
    snapshot: Snapshot | None,
    *,
    now: datetime,
    known: Iterable[KnownProduct] = (),
) -> Evidence:
    """Return the evidence of the stored copy, without a catalogue when it is unusable.

    Args:
        config: the section `[preuves]`.
        snapshot: the stored copy; None when nothing was ever fetched.
        now: the current time, in UTC.
        known: every product that was ever published.
    """
    enabled = config.registre.enabled
    if snapshot is None:
        return Evidence(None, registry_enabled=enabled)
    catalogue = None
    if catalogue_age(snapshot, now) <= config.catalogue.max_age:
        try:
            catalogue = parse_catalogue(snapshot, known)
        except EvidenceUnavailableError:
            # A copy that an earlier version accepted; the next successful fetch replaces it.
            catalogue = None
    return Evidence(catalogue, snapshot.fetched_at, registry_enabled=enabled)
