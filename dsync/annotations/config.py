"""Which annotations and labels of the démarche carry the pre-check's result."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from dsync.domain.dossier import Descriptor, Revision
from dsync.domain.verdict import Verdict

RESULTAT, DETAIL, DATE, LABEL = "resultat", "detail", "date", "label"
ANNOTATION_NAMES = (RESULTAT, DETAIL, DATE, LABEL)
"""In the order in which they are planned: a conflict on the first holds the others back."""

ACCEPTED_TYPES = {
    RESULTAT: ("drop_down_list", "text", "textarea"),
    DETAIL: ("textarea", "text"),
    DATE: ("datetime", "date"),
    "validation": ("checkbox", "yes_no"),
}
"""Descriptor types that each annotation may have; the first is the one expected."""


class AnnotationTarget(BaseModel):
    """An annotation found by its descriptor id, or by one of its labels where the id is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    libelles: tuple[str, ...] = ()


class VerdictTexts(BaseModel):
    """One text for each verdict that is pushed; Indéterminé pushes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eligible: str = Field(min_length=1)
    a_verifier: str = Field(min_length=1)
    ineligible: str = Field(min_length=1)

    def of(self, verdict: Verdict) -> str:
        """Return the text of a verdict other than Indéterminé."""
        return str(getattr(self, verdict.key))

    def all(self) -> tuple[str, str, str]:
        """Return the three texts."""
        return (self.eligible, self.a_verifier, self.ineligible)


class ResultTarget(AnnotationTarget):
    """The result's annotation with the option that each verdict takes."""

    options: VerdictTexts


class AnnotationsConfig(BaseModel):
    """The section `[annotations]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resultat: ResultTarget
    detail: AnnotationTarget
    date: AnnotationTarget
    validation: AnnotationTarget
    labels: VerdictTexts | None = None
    """Names of the démarche's labels; absent: no label is put."""

    @property
    def owned_ids(self) -> frozenset[str]:
        """Ids of the annotations that dsync alone writes."""
        return frozenset({self.resultat.id, self.detail.id, self.date.id})

    @property
    def owned_libelles(self) -> frozenset[str]:
        """Their known labels, by which they are found where a form has other ids."""
        targets = (self.resultat, self.detail, self.date)
        return frozenset(libelle for target in targets for libelle in target.libelles)

    @property
    def owned_labels(self) -> frozenset[str]:
        """Names of the labels that dsync manages."""
        return frozenset(self.labels.all()) if self.labels else frozenset()


@dataclass(frozen=True, slots=True)
class ResolvedAnnotations:
    """The configured annotations as one revision has them; None where it has none."""

    resultat: Descriptor | None
    detail: Descriptor | None
    date: Descriptor | None
    validation: Descriptor | None

    def ids(self) -> tuple[str, ...]:
        """Return the ids to read back, those of the validation box included."""
        found = (self.resultat, self.detail, self.date, self.validation)
        return tuple(descriptor.id for descriptor in found if descriptor)

    def by_name(self, name: str) -> Descriptor | None:
        """Return the descriptor of `resultat`, `detail` or `date`."""
        found: Descriptor | None = getattr(self, name)
        return found


def resolve(config: AnnotationsConfig, revision: Revision | None) -> ResolvedAnnotations:
    """Find each configured annotation in a revision: by id, else by a known label.

    A revision that DS does not give has none of them.
    """
    descriptors = revision.descriptors.values() if revision else ()
    annotations = [d for d in descriptors if d.is_annotation and not d.parent_id]
    by_id = {d.id: d for d in annotations}
    by_label = {_folded(d.libelle): d for d in annotations}

    def find(target: AnnotationTarget, name: str) -> Descriptor | None:
        found = by_id.get(target.id)  # type: ignore[call-overload]
        for libelle in target.libelles:
            found = found or by_label.get(_folded(libelle))
        return found if found and found.type in ACCEPTED_TYPES[name] else None

    return ResolvedAnnotations(
        resultat=find(config.resultat, RESULTAT),
        detail=find(config.detail, DETAIL),
        date=find(config.date, DATE),
        validation=find(config.validation, "validation"),
    )


def _folded(libelle: str) -> str:
    return " ".join(libelle.replace("’", "'").split()).casefold()
