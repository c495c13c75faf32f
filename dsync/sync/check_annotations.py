"""Annotations, options and labels of the configuration compared with the form and the démarche."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dsync.annotations import AnnotationsConfig, AnnotationTarget, resolve
from dsync.annotations.config import ACCEPTED_TYPES
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.dossier import Descriptor, Revision, folded


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
