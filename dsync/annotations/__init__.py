"""Planning of the annotations and labels that dsync writes into dossiers; pure, without I/O."""

from __future__ import annotations

from dsync.annotations.adopted import (
    adopted_values,
    is_unwritten,
    later_values,
    may_be_adopted,
)
from dsync.annotations.normalised import normalise
from dsync.annotations.plan import (
    Action,
    Remote,
    Step,
    current_value,
    labels_text,
    plan,
    shows,
)
from dsync.annotations.targets import (
    ANNOTATION_NAMES,
    AnnotationsConfig,
    AnnotationTarget,
    ResolvedAnnotations,
    desired,
    resolve,
)
from dsync.annotations.wish import (
    DossierWishes,
    NewWish,
    Wish,
    WishOutcome,
    WishStatus,
    WrittenValue,
)

__all__ = [
    "ANNOTATION_NAMES",
    "Action",
    "AnnotationTarget",
    "AnnotationsConfig",
    "DossierWishes",
    "NewWish",
    "Remote",
    "ResolvedAnnotations",
    "Step",
    "Wish",
    "WishOutcome",
    "WishStatus",
    "WrittenValue",
    "adopted_values",
    "current_value",
    "desired",
    "is_unwritten",
    "labels_text",
    "later_values",
    "may_be_adopted",
    "normalise",
    "plan",
    "resolve",
    "shows",
]
