"""What stands in DS, as a page shows it, against what dsync settled there.

Dates tell of most edits, not of all: DS cuts them to the second, so that two edits within one
show the same, and no date tells of a label renamed. What a page shows is therefore compared too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from dsync.annotations import (
    AnnotationsConfig,
    ResolvedAnnotations,
    labels_text,
    normalise,
)
from dsync.annotations.config import LABEL
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.store import Record, SettledWish, WishStatus


def surprises(
    records: Sequence[Record],
    settled: Iterable[SettledWish],
    annotations_of: Callable[[RevisionId], ResolvedAnnotations],
    config: AnnotationsConfig,
) -> list[DossierNumber]:
    """Return the dossiers that show something else than what was settled.

    Args:
        records: the page's dossiers.
        settled: their wishes that were confirmed, or stopped by a human's value.
        annotations_of: returns dsync's annotations in a revision of the form.
        config: the annotations and labels that dsync writes.
    """
    shown = {record.numero: record for record in records}
    ids = {record.revision_id for record in records}
    resolved = {id_: annotations_of(id_) for id_ in ids}
    moved = [
        wish.numero
        for wish in settled
        if not _is_as_left(wish, shown[wish.numero], resolved, config)
    ]
    return list(dict.fromkeys(moved))


def _is_as_left(
    wish: SettledWish,
    record: Record,
    resolved: Mapping[RevisionId, ResolvedAnnotations],
    config: AnnotationsConfig,
) -> bool:
    """Whether the dossier shows what was settled; what dsync does not write there counts so."""
    if wish.annotation == LABEL:
        managed = [name for name in record.labels if name in config.owned_labels]
        return config.labels is None or labels_text(managed) == _left(wish)
    descriptor = resolved[record.revision_id].by_name(wish.annotation)
    if descriptor is None:
        return True
    if wish.cible is not None and wish.cible != descriptor.id:
        return False
    there = normalise(descriptor.type, record.owned.get(descriptor.id))
    return there == normalise(descriptor.type, _left(wish))


def _left(wish: SettledWish) -> str:
    """Return what stood there when the wish was settled: its own value, or the human's."""
    value = wish.valeur if wish.statut is WishStatus.CONFIRMEE else wish.valeur_distante
    return value or ""
