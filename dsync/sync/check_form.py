"""The configuration held against the form: mapping drift, annotations, options, labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsync.annotations import AnnotationsConfig, AnnotationTarget, resolve
from dsync.annotations.config import ACCEPTED_TYPES
from dsync.domain.dossier import Descriptor, Revision
from dsync.mapping.config import MappingConfig
from dsync.mapping.fields import folded
from dsync.mapping.forms import FieldMatch, MatchStatus, match_descriptors
from dsync.sync.check_line import CheckLine, CheckStatus


def mapping_lines(
    mapping: MappingConfig,
    annotations: AnnotationsConfig,
    revision: Revision,
    *,
    all_champs: bool = False,
) -> Iterator[CheckLine]:
    """Yield what has drifted between the mapping and the active revision.

    Champs that feed no field are one line, or one each with `all_champs`.
    """
    known = resolve(annotations, revision.descriptors.values()).ids()
    report = match_descriptors(mapping, revision, known=known)
    found = [match for match in report.matches if match.descriptor]
    yield CheckLine(
        "mapping", CheckStatus.OK, f"{len(found)} of {len(report.matches)} fields found in the form"
    )
    for match in report.matches:
        yield from _match_lines(match)
    if report.new and not all_champs:
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


def annotation_lines(config: AnnotationsConfig, revision: Revision) -> Iterator[CheckLine]:
    """Yield for each annotation that dsync writes whether it is there and takes what is written."""
    resolved = resolve(config, revision.descriptors.values())
    targets: Mapping[str, AnnotationTarget] = {
        "resultat": config.resultat,
        "detail": config.detail,
        "date": config.date,
        "validation": config.validation,
    }
    for name, target in targets.items():
        descriptor: Descriptor | None = getattr(resolved, name)
        if descriptor is None:
            yield _missing_annotation(name, target, revision)
        elif name == "resultat" and (lacking := _lacking_options(config, descriptor)):
            yield CheckLine(
                "annotations",
                CheckStatus.ERROR,
                f"resultat: {_named(descriptor)} lacks the option {', '.join(lacking)}",
                "add it to the annotation on DS, or mend [annotations.resultat] options "
                f"(it offers {', '.join(f'« {o} »' for o in descriptor.options or ())})",
                2,
            )
        else:
            yield CheckLine("annotations", CheckStatus.OK, f"{name}: {_named(descriptor)}")


def _missing_annotation(name: str, target: AnnotationTarget, revision: Revision) -> CheckLine:
    labels = {folded(libelle) for libelle in target.libelles}
    twin = next(
        (
            d
            for d in revision.descriptors.values()
            if d.is_annotation
            and not d.parent_id
            and (d.id == target.id or folded(d.libelle) in labels)
        ),
        None,
    )
    accepted = " or ".join(ACCEPTED_TYPES[name])
    if twin:
        message = f"{name}: {_named(twin)} is a {twin.type}; it has to be {accepted}"
        remedy = "make an annotation of that type on DS, and give its id"
    else:
        message = f"{name}: no such annotation in the form ({target.id})"
        remedy = f"add an annotation privée ({accepted}) on DS, and give its id"
    return CheckLine(
        "annotations", CheckStatus.ERROR, message, f"{remedy} in [annotations.{name}]", 2
    )


def _lacking_options(config: AnnotationsConfig, descriptor: Descriptor) -> list[str]:
    if descriptor.type != "drop_down_list" or descriptor.other_option:
        return []
    offered = set(descriptor.options or ())
    return [f"« {text} »" for text in config.resultat.options.all() if text not in offered]


def label_lines(config: AnnotationsConfig, available: Mapping[str, str]) -> Iterator[CheckLine]:
    """Yield whether the démarche has the labels that dsync puts."""
    if config.labels is None:
        yield CheckLine("labels", CheckStatus.OK, "none is configured, none is put")
        return
    missing = [name for name in config.labels.all() if name not in available]
    if missing:
        yield CheckLine(
            "labels",
            CheckStatus.ERROR,
            f"the démarche has no label {', '.join(f'« {name} »' for name in missing)}",
            "create it on DS with exactly this name, or mend [annotations.labels] "
            "(remove the table to put none)",
            2,
        )
    else:
        names = ", ".join(f"« {name} »" for name in config.labels.all())
        yield CheckLine("labels", CheckStatus.OK, f"{names} are there")


def _named(descriptor: Descriptor) -> str:
    return f"« {' '.join(descriptor.libelle.split())} »"
