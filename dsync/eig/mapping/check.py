"""The mapping compared with the form, for `dsync check`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.dossier import Descriptor, Revision
from dsync.eig.mapping.config import MappingConfig
from dsync.eig.mapping.matching import FieldMatch, MatchStatus, match_descriptors


def mapping_lines(
    mapping: MappingConfig, revision: Revision, *, known: Iterable[str], every_champ: bool
) -> Iterator[CheckLine]:
    """Yield what has drifted between the mapping and the active revision.

    Args:
        mapping: the section `[mapping]`.
        revision: the active one.
        known: ids of annotations that the engine itself writes.
        every_champ: whether each champ that feeds no field has its own line.
    """
    report = match_descriptors(mapping, revision, known=known)
    found = [match for match in report.matches if match.descriptor]
    yield CheckLine(
        "mapping", CheckStatus.OK, f"{len(found)} of {len(report.matches)} fields found in the form"
    )
    for match in report.matches:
        yield from _match_lines(match)
    if report.new and not every_champ:
        count = len(report.new)
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {count} champ{'s' * (count > 1)} stored without feeding any field",
            "`dsync check -v` lists them",
        )
        return
    for descriptor in report.new:
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {_named(descriptor)}; it is stored, and feeds no field",
            f"map {descriptor.id} in [mapping], or list it among its `autres`",
        )


def _match_lines(match: FieldMatch) -> Iterator[CheckLine]:
    section = f"[mapping] {match.field}"
    if match.status is MatchStatus.MISSING:
        labels = " or ".join(f"« {libelle} »" for libelle in match.target.libelles)
        yield CheckLine(
            "mapping",
            CheckStatus.ERROR if match.target.needed else CheckStatus.WARNING,
            f"{match.field}: gone from the form ({match.target.id or labels})",
            f"give the id of the champ that replaces it in {section}",
            2 if match.target.needed else 0,
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
            f"look whether it still asks the same, then add the label to {section}",
        )
    if match.type_changed:
        expected, actual = match.type_changed
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: its type is {actual}, {expected} was expected",
            f"look whether its values still fit, then set type in {section}",
        )


def _named(descriptor: Descriptor) -> str:
    return f"« {' '.join(descriptor.libelle.split())} »"
