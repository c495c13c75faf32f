"""The programme's part of `dsync check`: compares mapping and form, reads the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from dsync.addresses import mask_url
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.dossier import Descriptor, Revision
from dsync.eig.evidence.catalogue import fetch_catalogue
from dsync.eig.evidence.sources import EvidenceSources
from dsync.eig.mapping.config import MappingConfig
from dsync.eig.mapping.form import FieldMatch, MatchStatus, match_descriptors
from dsync.eig.store import EvidenceCopy, evidence
from dsync.errors import DsyncError, EvidenceUnavailableError
from dsync.store import Store


def mapping_lines(
    mapping: MappingConfig, revision: Revision, *, known: Iterable[str], every_champ: bool
) -> Iterator[CheckLine]:
    """Yield the differences between the mapping and the active revision.

    Args:
        mapping: the section `[mapping]`.
        revision: the active revision.
        known: ids of annotations that the engine writes.
        every_champ: whether to list each champ without a field in a line of its own.
    """
    report = match_descriptors(mapping, revision, known=known)
    found = [match for match in report.matches if match.descriptor]
    yield CheckLine(
        "mapping", CheckStatus.OK, f"{len(found)} of {len(report.matches)} fields found in the form"
    )
    for name, field in mapping.misspelt().items():
        message = f"{name}: no field has this name, so its answers go into `extra`"
        remedy = f"rename [mapping.champs.{name}] if {field} is meant"
        yield CheckLine("mapping", CheckStatus.WARNING, message, remedy)
    for match in report.matches:
        yield from _match_lines(match)
    if report.new and not every_champ:
        count = len(report.new)
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {count} champ{'s' * (count > 1)} stored without a field",
            "`dsync check -v` lists them",
        )
        return
    for descriptor in report.new:
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {_named(descriptor)}; it is stored without a field",
            f"map {descriptor.id} in [mapping], or list it among its `autres`",
        )


def _match_lines(match: FieldMatch) -> Iterator[CheckLine]:
    section = f"[mapping] {match.field}"
    if match.status is MatchStatus.MISSING:
        labels = " or ".join(f"« {libelle} »" for libelle in match.target.libelles)
        yield CheckLine(
            "mapping",
            CheckStatus.ERROR if match.is_needed else CheckStatus.WARNING,
            f"{match.field}: missing from the form ({match.target.id or labels})",
            f"give the id of the champ that replaces it in {section}",
            2 if match.is_needed else 0,
        )
        return
    if match.status is MatchStatus.BY_LABEL and match.descriptor:
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: found by its label only: {_named(match.descriptor)}",
            f'set id = "{match.descriptor.id}" in {section}',
        )
    if match.renamed_to:
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: renamed in the form to « {match.renamed_to} »",
            f"check that it still asks the same question, then add the label to {section}",
        )
    if match.type_changed:
        expected, actual = match.type_changed
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: its type is {actual}, {expected} was expected",
            f"check that its values still fit, then set type in {section}",
        )


def _named(descriptor: Descriptor) -> str:
    return f"« {' '.join(descriptor.libelle.split())} »"


def evidence_line(sources: EvidenceSources, store: Store | None, now: datetime) -> CheckLine:
    """Check whether the catalogue of beta.gouv.fr can be read; stores nothing.

    Args:
        sources: the connections to the sources.
        store: the database with the stored copy; None when it cannot be opened.
        now: the current time, in UTC.

    Returns:
        The number of products; or the reason, with the age of the stored copy.
    """
    try:
        # Without the stored copy: « not modified » would not show that the file can be read.
        found = fetch_catalogue(sources, None)
        count = len(found[1].products) if found else 0
    except EvidenceUnavailableError as exc:
        copy = _stored_copy(store)
        if copy is None or copy.fetched_at is None:
            remedy = "check DSYNC_BETAGOUV_URL and the network; there are no verdicts until then"
            message = f"{exc.message} There is no copy yet."
            return CheckLine("evidence", CheckStatus.ERROR, message, remedy, exc.exit_code)
        age = now - (copy.confirmed_at or copy.fetched_at)
        limit = sources.config.catalogue.max_age
        usable = "it is used" if age <= limit else "too old to be used"
        message = f"{exc.message} The copy was confirmed {age.days} days ago: {usable}."
        remedy = "check DSYNC_BETAGOUV_URL and the network, or wait for the next run"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, exc.exit_code)
    copy = _stored_copy(store)
    if copy is not None and copy.refused_sha256 is not None:
        message = copy.erreur or "the safety brake refused a newer catalogue"
        remedy = "check the catalogue; if it is right, run `dsync evidence accept`"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, 7)
    return CheckLine(
        "evidence", CheckStatus.OK, f"{count} products at {mask_url(sources.base_url)}"
    )


def _stored_copy(store: Store | None) -> EvidenceCopy | None:
    if store is None:
        return None
    try:
        with store.reading() as reader:
            return evidence(reader.connection)
    # A database that cannot be read has a line of its own in the check.
    except DsyncError:
        return None
