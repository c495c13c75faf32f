"""Whether the box by which an instructeur validates the result can be read in a revision.

A protection that was once there and cannot be read protects: dossiers of a revision whose box is
`LOST` are not written into.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum

from dsync.annotations.targets import ACCEPTED_TYPES, AnnotationsConfig, resolve
from dsync.domain.dossier import Revision


class Box(Enum):
    """What is known of the validation box in a revision of the form."""

    READ = "read"
    """The configured one is there."""
    NONE = "none"
    """There never was one: nobody can have validated a dossier of this revision."""
    LOST = "lost"
    """There is, or was, one, and the configuration does not find it."""


def box_of(
    config: AnnotationsConfig | None,
    known: Collection[str],
    revision: Revision,
    revisions: Iterable[Revision],
) -> Box:
    """Return what is known of the validation box of the dossiers of a revision.

    `known` are the ids of the descriptors that were found as the box so far; `revisions` are all
    published ones of the form.
    """
    found = _found(config, revision)
    had = {str(id_) for id_ in revision.descriptors} & {*known}
    if found is not None:
        # Another box in the place of the known one, which is still there: perhaps a wrong id.
        return Box.LOST if had and found not in known else Box.READ
    is_configured = config is not None and config.validation is not None
    if had or not (known or is_configured):
        return Box.LOST if had else Box.NONE
    days = [one.date_publication for one in revisions if _has_box(config, known, one)]
    first = min((day for day in days if day is not None), default=None)
    # DS moves dossiers to later revisions only: one of a revision before the first box never had
    # it, and one of a later revision may have been validated in an earlier one.
    own = revision.date_publication
    return Box.NONE if first is not None and own is not None and own < first else Box.LOST


def found_boxes(config: AnnotationsConfig | None, revisions: Iterable[Revision]) -> set[str]:
    """Return the ids of the descriptors that the configuration finds as the box in revisions."""
    return {found for one in revisions if (found := _found(config, one)) is not None}


def _found(config: AnnotationsConfig | None, revision: Revision) -> str | None:
    box = resolve(config, revision.descriptors.values()).validation
    return None if box is None else str(box.id)


def _has_box(config: AnnotationsConfig | None, known: Collection[str], revision: Revision) -> bool:
    return _found(config, revision) is not None or any(
        str(d.id) in known and d.type in ACCEPTED_TYPES["validation"]
        for d in revision.descriptors.values()
    )
