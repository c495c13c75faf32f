"""The stored evidence: updated in a run, by the catalogue and the registry, and shown.

When a source cannot be fetched, the run's report says so and the stored copy is used. A check
without usable evidence gives « impossible », never « non conforme ».
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from dsync.addresses import mask_url
from dsync.eig import rows
from dsync.eig.betagouv import (
    Fetched,
    catalogue_age,
    fetch_catalogue,
    make_evidence,
    parse_catalogue,
)
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.catalogue import updated_products
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.evidence import PublicEvidence, RegistryStatus
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.rows import EvidenceCopy
from dsync.eig.sections import CATALOGUE_MAX_AGE
from dsync.errors import EvidenceUnavailableError
from dsync.messages import french
from dsync.messages import kinds as k
from dsync.programme import ProgrammeRun

if TYPE_CHECKING:
    from dsync.eig.sources import EvidenceSources, RegistryClient

_ANSWER_MAX_AGE = timedelta(days=30)
"""How long an answer of the registry is used."""


FEWEST = 300
"""Products of the smallest first catalogue that is believed: beta.gouv.fr publishes some 660, and
has had more than this since before the first call. Later ones are compared with the stored copy."""


def gather(
    run: ProgrammeRun,
    sources: EvidenceSources,
    *,
    catalogue_percent: float,
    accept: bool = False,
) -> tuple[str, Callable[[], PublicEvidence]]:
    """Revalidate the catalogue with a conditional request and store what is new.

    Return a key that changes with the catalogue, or when it becomes too old, and what reads it.

    A catalogue that lacks more than `catalogue_percent` of the products of the stored copy, or
    changes more, is refused, and so is a first one that is too small: the stored copy is used, and
    the run's report asks an operator to accept the new one. With `accept`, the one that was refused
    before is taken, if it is unchanged.

    Raises:
        StoreError: the database failed; the stored copy is unchanged.
        InterruptedRunError: the run was asked to stop.
    """
    with run.reading() as reader:
        previous = rows.evidence(reader.connection)
    # The request is made between two transactions, so that the database is not locked during it.
    copy, fetched = previous, None
    failure: k.Problem | EvidenceUnavailableError | None = None
    try:
        fetched = fetch_catalogue(sources, previous)
        failure = fetched.unread
    except EvidenceUnavailableError as exc:
        failure = exc
    accepted = previous.refused_sha256 if previous and accept else None
    refusal = None
    # Only the copy that the operator has seen is accepted, not another one that came since.
    if fetched is not None and fetched.copy.sha256 != accepted:
        refusal = _refusal(previous, fetched, catalogue_percent / 100)
    failure = refusal or failure
    erreur = None if failure is None else str(failure)
    with run.transaction() as tx:
        if fetched is not None and refusal is not None:
            rows.save_evidence_refusal(
                tx.connection,
                run.now,
                sha256=fetched.copy.sha256,
                erreur=str(refusal),
                message=french.problem(refusal),
            )
        elif fetched is not None and fetched.catalogue is not None:
            copy = fetched.copy
            rows.save_evidence(tx.connection, copy, run.now, erreur)
            known = rows.known_products(tx.connection)
            products = updated_products(fetched.catalogue, known, copy.fetched_at or run.now)
            rows.save_products(tx.connection, products)
            names = {product.id: product.nom for product in known}
            renamed = [one.id for one in products if names.get(one.id) != one.nom]
            tx.touch(rows.of_products(tx.connection, renamed))
        else:
            is_read = fetched is not None
            rows.save_evidence_check(tx.connection, run.now, erreur, is_confirmed=is_read)
    if failure is not None:
        run.problem(failure)
    if copy is not None:
        is_read = fetched is not None and refusal is None
        at = run.now if is_read else copy.confirmed_at
        copy = copy._replace(confirmed_at=at, erreur=erreur)

    # Parsing takes about 40 ms, which a run without a dossier to judge saves.
    @cache
    def read() -> PublicEvidence:
        with run.reading() as reader:
            known = rows.known_products(reader.connection)
        asks_registry = sources.registry is not None
        return make_evidence(copy, asks_registry=asks_registry, now=sources.clock(), known=known)

    return _key(copy, run.now), read


def _refusal(previous: EvidenceCopy | None, fetched: Fetched, share: float) -> k.Problem | None:
    """Return why a new catalogue is refused, or None if it is not.

    `share` is the largest accepted share of missing products, and of changed ones, from 0 to 1.
    """
    copy, now = fetched.copy, fetched.catalogue
    # Nothing is new, or only the redirects or the validators are.
    if now is None or (previous is not None and copy.sha256 == previous.sha256):
        return None
    published, url = len(now.products), str(copy.url)
    try:
        # One that an earlier version accepted may be no catalogue.
        before = parse_catalogue(previous) if previous is not None else None
    except EvidenceUnavailableError:
        before = None
    if before is None:
        return None if published >= FEWEST else k.FirstCatalogue(url, published, FEWEST)
    known = len(before.products)
    gone, changed = now.count_missing(before), now.count_changed(before)
    if max(gone, changed) <= share * known:
        return None
    is_missing = gone > share * known
    moved = gone if is_missing else changed
    return k.CatalogueRefused(url, published, known, moved, is_missing, share)


def ask_registry(
    run: ProgrammeRun,
    client: RegistryClient,
    candidatures: Iterable[Candidature],
    rules: RuleSet,
) -> None:
    """Store the registry's answers on applicants without a legal category in DS.

    Raises:
        StoreError: the database failed; no answer was stored.
        InterruptedRunError: the run was asked to stop.
    """
    # Several applicants can be one enterprise, which is looked up once.
    sirens = sorted({s for c in candidatures if (s := needs_registry(c, rules))})
    with run.reading() as reader:
        known = rows.registry(reader.connection, sirens, run.now)
    fresh = []
    for siren in [siren for siren in sirens if siren not in known]:
        answer = client.lookup(siren)
        if answer.status is RegistryStatus.UNREACHABLE:
            run.problem(k.Noted(k.Note.NO_REGISTRY))
            # Each further one would only wait for its deadline; in the checks a missing answer
            # counts as unreachable. Nothing of a failure is stored, so the next run asks again.
            break
        fresh.append(answer)
    expires_at = run.now + _ANSWER_MAX_AGE
    if fresh:
        with run.transaction() as tx:
            rows.save_registry(tx.connection, fresh, fetched_at=run.now, expires_at=expires_at)


def stored_evidence(connection: Connection, sources: EvidenceSources) -> PublicEvidence:
    """Return the catalogue as stored, without the registry; nothing is fetched."""
    return make_evidence(
        rows.evidence(connection),
        asks_registry=sources.registry is not None,
        now=sources.clock(),
        known=rows.known_products(connection),
    )


def _key(copy: EvidenceCopy | None, now: datetime) -> str:
    if copy is None or copy.body is None:
        return "absent"
    is_usable = catalogue_age(copy, now) <= CATALOGUE_MAX_AGE
    # The redirects are a file of their own, which can change without the catalogue.
    aliases = hashlib.sha256((copy.redirects or "").encode()).hexdigest()[:16]
    state = "valable" if is_usable else "perime"
    # So that what was judged meanwhile is judged again once the source is confirmed.
    return f"{copy.sha256}:{aliases}:{state}{'' if copy.erreur is None else ':non confirme'}"


def evidence_document(
    connection: Connection, rules: RuleSet, *, betagouv_url: str, registry_enabled: bool
) -> dict[str, Any]:
    """Return source, dates and size of the catalogue and the lists, as stored."""
    copy = rows.evidence(connection)
    # All keys are there before the first run, too, which has yet to read the catalogue.
    catalogue = {
        "source": (copy and copy.url) or mask_url(betagouv_url),
        "fetched_at": copy and copy.fetched_at,
        "confirmed_at": copy and copy.confirmed_at,
        "checked_at": copy and copy.checked_at,
        "sha256": copy and copy.sha256,
        "error": copy and copy.erreur,
        "refused_since": copy and copy.refused_since,
        "refused_message": copy and copy.refused_message,
    }
    lists = [
        {
            "list": f"operateurs {operateurs.annee}",
            "source": operateurs.source,
            "entries": len(operateurs.noms),
        }
        for operateurs in rules.operateurs
    ]
    if Check.ADMINISTRATION in rules.checks:
        lists.append(
            {
                "list": "categories_juridiques",
                "source": rules.categories.source,
                "entries": len(rules.categories.exact) + len(rules.categories.familles),
            }
        )
    return {
        "rules_version": rules.version,
        "catalogue": catalogue,
        "lists": lists,
        "registry_enabled": registry_enabled,
    }
