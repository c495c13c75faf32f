"""Fetches the beta.gouv.fr catalogue with conditional requests, and reads the stored copy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dsync.addresses import mask_url
from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    redirects_readable,
    united_redirects,
)
from dsync.eig.precheck.evidence import PublicEvidence
from dsync.eig.rows import EvidenceCopy
from dsync.eig.sections import CATALOGUE_MAX_AGE
from dsync.errors import EvidenceUnavailableError
from dsync.messages import kinds as k
from dsync.store.sql import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from dsync.eig.sources import EvidenceSources, Response

NO_REDIRECTS = "{}"
"""The redirects when beta.gouv.fr has no such file: there are no aliases."""


class Fetched(NamedTuple):
    """What the source answered."""

    copy: EvidenceCopy
    catalogue: Catalogue | None
    """The new catalogue, parsed; None: the stored copy is still the published one."""
    unread: k.Problem | None = None
    """Why the redirects could not be confirmed; None: they were read."""


_PATHS = ("api/v2.6/startups.json", "api/v2.7/startups.json")
"""Below the base address, tried in this order; the first readable one is used."""
_REDIRECTS = "redirects.json"
"""Former addresses of products."""
_OK, _NOT_MODIFIED, _GONE = 200, 304, frozenset({404, 410})


def fetch_catalogue(sources: EvidenceSources, previous: EvidenceCopy | None) -> Fetched:
    """Fetch the published catalogue, from the first path that gives a usable one.

    The request is conditional on the stored copy, if there is one.

    Raises:
        EvidenceUnavailableError: no path gave a usable catalogue; `previous` stays valid.
        InterruptedRunError: the run was asked to stop.
    """
    problems = []
    for path in _PATHS:
        try:
            copy = _fetch(sources, path, previous)
            redirects, why = _fetch_redirects(sources, previous.redirects if previous else None)
            copy = copy._replace(redirects=redirects)
            unread = k.RedirectsUnread(mask_url(sources.base_url), why) if why else None
            if copy == previous:
                return Fetched(copy, None, unread)
            catalogue = parse_catalogue(copy)
        except EvidenceUnavailableError as exc:
            problems.append(f"{path}: {exc.message}")
        else:
            return Fetched(copy, catalogue, unread)
    raise EvidenceUnavailableError(k.CatalogueUnusable(mask_url(sources.base_url), tuple(problems)))


def _fetch(sources: EvidenceSources, path: str, previous: EvidenceCopy | None) -> EvidenceCopy:
    url = mask_url(_join(sources.base_url, path))
    # Validators of another address say nothing about this one.
    known = previous if previous is not None and previous.url == url else None
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
        return known._replace(etag=etag, last_modified=last_modified)
    return EvidenceCopy(
        body=body,
        fetched_at=sources.clock(),
        etag=etag,
        last_modified=last_modified,
        sha256=sha256,
        url=url,
    )


def _get(sources: EvidenceSources, path: str, known: EvidenceCopy | None) -> Response:
    headers = {"Accept": "application/json"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return sources.get(_join(sources.base_url, path), headers=headers)


def _fetch_redirects(sources: EvidenceSources, known: str | None) -> tuple[str | None, str | None]:
    """Return the text of the redirects, and why they could not be confirmed.

    An alias once known stays; so does the whole file while it is missing or unreadable. Without
    aliases, renamed products would be taken for missing ones, and their dossiers for ineligible.
    Before a first text: `{}` without such a file, None when it is unreadable.
    """
    try:
        # No validators of this file are stored, so it is fetched whole each time.
        response = _get(sources, _REDIRECTS, None)
        if response.status in _GONE:
            had_some = known not in (None, NO_REDIRECTS)
            return known or NO_REDIRECTS, f"HTTP {response.status}" if had_some else None
        text = response.text()
    except EvidenceUnavailableError as exc:
        return known, exc.message
    if response.status != _OK:
        return known, f"HTTP {response.status}"
    if not redirects_readable(text):
        return known, "the file is not valid JSON"
    return united_redirects(known, text), None


def _join(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def parse_catalogue(copy: EvidenceCopy, known: Iterable[KnownProduct] = ()) -> Catalogue:
    """Parse the products of a copy; `known` has every product that was ever published.

    Raises:
        EvidenceUnavailableError: there is no text, or it is not a catalogue.
    """
    texts = copy.body or "", copy.redirects
    try:
        parsed = _parsed(*texts, ())
        if unpublished := parsed.unpublished(known):
            parsed = _parsed(*texts, unpublished)
    except CatalogueError as exc:
        raise EvidenceUnavailableError(str(exc)) from exc
    return replace(parsed, source=copy.url or "")


@lru_cache(maxsize=2)
def _parsed(body: str, redirects: str | None, known: tuple[KnownProduct, ...]) -> Catalogue:
    # Kept, since it takes longer than the rest of a dossier's page, and changes once a day.
    return Catalogue.parse(body, redirects, known=known)


def catalogue_age(copy: EvidenceCopy, now: datetime) -> timedelta:
    """Return the time since beta.gouv.fr last confirmed the copy.

    A copy that was never fetched is infinitely old, and so is one confirmed in the future: the
    clock of this machine was ahead.
    """
    seen_at = copy.confirmed_at or copy.fetched_at
    if seen_at is None:
        return timedelta.max
    age = now - seen_at
    return timedelta.max if age < -CLOCK_TOLERANCE else max(age, timedelta(0))


def make_evidence(
    copy: EvidenceCopy | None,
    *,
    asks_registry: bool,
    now: datetime,
    known: Iterable[KnownProduct] = (),
) -> PublicEvidence:
    """Return the evidence of the stored copy, without a catalogue when it is unusable.

    `copy` is None when nothing was ever fetched; `known` has every product that was ever published.
    """
    if copy is None or copy.body is None:
        return PublicEvidence(None, registry_enabled=asks_registry)
    catalogue = None
    if catalogue_age(copy, now) <= CATALOGUE_MAX_AGE:
        try:
            catalogue = parse_catalogue(copy, known)
        except EvidenceUnavailableError:
            # A copy that an earlier version accepted; the next successful fetch replaces it.
            catalogue = None
    return PublicEvidence(
        catalogue,
        copy.fetched_at,
        registry_enabled=asks_registry,
        is_confirmed=copy.erreur is None,
    )
