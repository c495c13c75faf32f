"""The annotations of a configuration, and of a form that has them."""

from __future__ import annotations

from datetime import UTC, datetime

from dsync.annotations.targets import (
    AnnotationsConfig,
    AnnotationTarget,
    ResolvedAnnotations,
    VerdictTexts,
)
from dsync.domain.dossier import Descriptor
from dsync.domain.ids import DescriptorId, DossierNumber

OPTIONS = VerdictTexts(eligible="Éligible", a_verifier="À vérifier", ineligible="Inéligible")
LABELS = VerdictTexts(eligible="éligible", a_verifier="à vérifier", ineligible="inéligible")
CONFIG = AnnotationsConfig(
    resultat=AnnotationTarget(id="R"),
    options=OPTIONS,
    detail=AnnotationTarget(id="D"),
    date=AnnotationTarget(id="T"),
    validation=AnnotationTarget(id="V"),
    labels=LABELS,
)
AVAILABLE = {"éligible": "L1", "à vérifier": "L2", "inéligible": "L3"}
IDS = {"resultat": "R", "detail": "D", "date": "T"}
TYPES = {"resultat": "drop_down_list", "detail": "textarea", "date": "datetime"}
NUMBER = DossierNumber(1)
EDITED_AT = datetime(2024, 6, 1, 8, tzinfo=UTC)


def descriptor(id_: str, type_: str, options: tuple[str, ...] | None = None) -> Descriptor:
    """Return the annotation with this id, which is its label, too."""
    return Descriptor(DescriptorId(id_), id_, type_, options=options, is_annotation=True)


def resolved(*missing: str) -> ResolvedAnnotations:
    """Return the annotations of a revision, without some."""
    options = {"resultat": OPTIONS.all()}
    made = {
        name: descriptor(IDS[name], TYPES[name], options.get(name))
        for name in IDS
        if name not in missing
    }
    return ResolvedAnnotations(*(made.get(name) for name in IDS), descriptor("V", "checkbox"))
