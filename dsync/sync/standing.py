"""What stands in DS, as a page shows it, against what dsync settled there.

Dates tell of most edits, not of all: DS cuts them to the second, so that two edits within one
show the same, and nothing dates a label. What a page shows is therefore compared too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsync.annotations import (
    AnnotationsConfig,
    ResolvedAnnotations,
    labels_text,
    normalise,
    resolve,
)
from dsync.annotations.config import LABEL
from dsync.domain.dossier import Revision
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.mapping import Record
from dsync.store import SettledWish, WishStatus


def surprises(
    records: Iterable[Record],
    settled: Iterable[SettledWish],
    revisions: Mapping[RevisionId, Revision | None],
    config: AnnotationsConfig,
) -> list[DossierNumber]:
    """Return the dossiers that show something else than what was settled.

    Args:
        records: the page's dossiers.
        settled: their wishes that were confirmed, or stopped by a human's value.
        revisions: of the form, by id; without its revision a dossier's annotations are not known.
        config: the annotations and labels that dsync writes.
    """
    shown = {record.numero: record for record in records}
    resolved: dict[RevisionId, ResolvedAnnotations | None] = {}
    found: dict[DossierNumber, None] = {}
    for wish in settled:
        record = shown[wish.numero]
        if wish.annotation == LABEL:
            if config.labels is None:
                continue
            managed = [name for name in record.labels if name in config.owned_labels]
            is_as_left = labels_text(managed) == _left(wish)
        else:
            id_ = record.revision_id
            if id_ not in resolved:
                revision = revisions.get(id_)
                resolved[id_] = resolve(config, revision) if revision else None
            annotations = resolved[id_]
            descriptor = annotations.by_name(wish.annotation) if annotations else None
            if descriptor is None:
                continue
            there = normalise(descriptor.type, record.owned.get(descriptor.id))
            is_as_left = there == normalise(descriptor.type, _left(wish))
        if not is_as_left:
            found[wish.numero] = None
    return list(found)


def _left(wish: SettledWish) -> str:
    """Return what stood there when the wish was settled: its own value, or the human's."""
    value = wish.valeur if wish.statut is WishStatus.CONFIRMEE else wish.valeur_distante
    return value or ""
