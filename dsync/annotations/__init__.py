"""What dsync writes into the dossiers, and when it must not: pure planning, no I/O."""

from __future__ import annotations

from dsync.annotations.config import (
    ANNOTATION_NAMES,
    AnnotationsConfig,
    AnnotationTarget,
    ResolvedAnnotations,
    owned_in,
    resolve,
)
from dsync.annotations.own import own_set
from dsync.annotations.plan import Action, Own, Remote, Step, Wish, labels_text, plan, standing
from dsync.annotations.values import desired, normalise

__all__ = [
    "ANNOTATION_NAMES",
    "Action",
    "AnnotationTarget",
    "AnnotationsConfig",
    "Own",
    "Remote",
    "ResolvedAnnotations",
    "Step",
    "Wish",
    "desired",
    "labels_text",
    "normalise",
    "own_set",
    "owned_in",
    "plan",
    "resolve",
    "standing",
]
