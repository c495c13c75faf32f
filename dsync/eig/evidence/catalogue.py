"""Fetch beta.gouv.fr's catalogue, and only when it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import requests

from dsync.addresses import mask_url
from dsync.eig.evidence.config import EvidenceConfig
from dsync.eig.evidence.download import Answer, download
from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    KnownProduct,
    redirects_readable,
)
from dsync.errors import EvidenceUnavailableError
from dsync.http import Exchanges

NO_REDIRECTS = "{}"
"""Stands for a redirects file that does not exist: there are no aliases."""

_OK, _NOT_MODIFIED, _GONE = 200, 304, frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The catalogue as it was fetched, with what is needed to ask for it again."""

    source: str
    body: str
    redirects: str | None
    """`{}` when beta.gouv.fr has none, None when they could never be read."""
    fetched_at: datetime
    etag: str | None
    last_modified: str | None
    sha256: str
    checked_at: datetime | None = None
    """When beta.gouv.fr last confirmed it; kept by the store, `fetched_at` at first."""


def fetch_catalogue(
    config: EvidenceConfig,
    base_url: str,
    previous: Snapshot | None,
    *,
    clock: Callable[[], datetime],
    http: Exchanges[requests.Session],
) -> Snapshot | None:
    """Return the catalogue now published, or None when it is still `previous`.

    Raises:
        EvidenceUnavailableError: when no version of it can be read; `previous` stays good.
    """
    faults = []
    for path in config.catalogue.paths:
        url = _join(base_url, path)
        try:
            snapshot = _fetch(config, url, previous, clock, http)
            redirects = _fetch_redirects(config, base_url, http)
            if redirects is None and previous is not None:
                redirects = previous.redirects
            snapshot = replace(snapshot, redirects=redirects)
            if snapshot == previous:
                return None
            parse_catalogue(snapshot)
        except EvidenceUnavailableError as exc:
            faults.append(f"{path}: {exc.message}")
        else:
            return snapshot
    raise EvidenceUnavailableError(
        f"The catalogue of {mask_url(base_url)} cannot be used ({'; '.join(faults)}). A copy kept "
        "from before serves meanwhile; without one these checks wait. Correct DSYNC_BETAGOUV_URL "
        "if it is wrong."
    )


def _fetch(
    config: EvidenceConfig,
    url: str,
    previous: Snapshot | None,
    clock: Callable[[], datetime],
    http: Exchanges[requests.Session],
) -> Snapshot:
    source = mask_url(url)
    known = previous if previous is not None and previous.source == source else None
    answer = _get(config, url, http, known)
    if answer.status == _NOT_MODIFIED and known is not None:
        return known
    if answer.status != _OK:
        raise EvidenceUnavailableError(f"HTTP {answer.status}")
    body = answer.text()
    sha256 = hashlib.sha256(answer.content).hexdigest()
    etag, last_modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    if known is not None and known.sha256 == sha256:
        return replace(known, etag=etag, last_modified=last_modified)
    return Snapshot(source, body, None, clock(), etag, last_modified, sha256)


def _get(
    config: EvidenceConfig, url: str, http: Exchanges[requests.Session], known: Snapshot | None
) -> Answer:
    headers = {"Accept": "application/json"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return download(
        http,
        url,
        deadline_s=config.catalogue.deadline_s,
        headers=headers,
    )


def _fetch_redirects(
    config: EvidenceConfig, base_url: str, http: Exchanges[requests.Session]
) -> str | None:
    """Return the redirects' text, `{}` when there is no such file, None when it is unreadable."""
    try:
        answer = _get(config, _join(base_url, config.catalogue.redirects), http, None)
        if answer.status in _GONE:
            return NO_REDIRECTS
        text = answer.text()
    except EvidenceUnavailableError:
        return None
    return text if answer.status == _OK and redirects_readable(text) else None


def parse_catalogue(snapshot: Snapshot, known: Iterable[KnownProduct] = ()) -> Catalogue:
    """Return the products of a snapshot; the last two are kept at hand.

    Args:
        snapshot: the catalogue as fetched.
        known: every product ever published.

    Raises:
        EvidenceUnavailableError: when its text is no catalogue.
    """
    try:
        return _parsed(snapshot.body, snapshot.redirects, snapshot.source, tuple(known))
    except CatalogueError as exc:
        raise EvidenceUnavailableError(str(exc)) from exc


@lru_cache(maxsize=2)
def _parsed(
    body: str, redirects: str | None, source: str, known: tuple[KnownProduct, ...]
) -> Catalogue:
    return Catalogue.parse(body, redirects, source=source, known=known)


def _join(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"
