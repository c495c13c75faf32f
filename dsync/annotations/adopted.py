"""Recognising annotations that dsync wrote before its database was lost or replaced.

Without the record of earlier writes, only their form distinguishes them from a human's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from dsync.annotations.config import (
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    VALUE_NAMES,
    AnnotationsConfig,
    ResolvedAnnotations,
)
from dsync.annotations.plan import Remote, WrittenValue
from dsync.annotations.values import normalise
from dsync.domain.verdict import Verdict

ONE_DOCUMENT = timedelta(seconds=30)
"""Maximum time between the dates that DS gives to the annotations of one mutation."""


def adopted_values(
    remote: Remote,
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
    stated_verdict: Callable[[str], Verdict | None],
    wanted: Mapping[str, str | None],
) -> dict[str, WrittenValue]:
    """Return the values in a dossier that dsync wrote, by annotation; empty when a human did.

    They are dsync's if the result is one of the configured options, the detail is a text of
    dsync's form with the same verdict, and neither was written later than the date annotation,
    which dsync writes together with them. A later value is a human's, unless it equals the wanted
    one, because a forced push writes a single annotation. The label is dsync's if it is the one of
    that verdict.

    Args:
        remote: the dossier's current values.
        resolved: dsync's annotations in the dossier's revision.
        config: the section `[annotations]`.
        stated_verdict: returns the verdict in a detail, None for a text of another form.
        wanted: the values that dsync wants now, by annotation.
    """
    found = {}
    others: list[datetime | None] = []
    for name in VALUE_NAMES:
        descriptor = resolved.by_name(name)
        value = descriptor and normalise(descriptor.type, remote.values.get(descriptor.id))
        if descriptor is None or not value:
            return {}
        found[name] = WrittenValue(value, descriptor.id)
        if value != normalise(descriptor.type, wanted.get(name)):
            others.append(remote.updated_at.get(descriptor.id))
    stamped_at = remote.updated_at.get(found[DATE].target or "")
    if stamped_at and any(at and at > stamped_at + ONE_DOCUMENT for at in others):
        return {}
    verdict = stated_verdict(found[DETAIL].value or "")
    if verdict is None or found[RESULTAT].value != config.resultat.options.of(verdict):
        return {}
    label = config.labels.of(verdict) if config.labels else None
    if label and [name for name in remote.labels if name in config.owned_labels] == [label]:
        found[LABEL] = WrittenValue(label, remote.labels[label])
    return found
