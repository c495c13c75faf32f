"""Recognising annotations that dsync wrote, and of which its database has no record.

Another database wrote them: this one was lost, restored from a backup that is older than the
writes, or is not the only one. Only their form and their dates distinguish them from a human's.
They become dsync's own by a person's consent (`dsync/sync/brakes/grounds.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from dsync.annotations.plan import Remote
from dsync.annotations.targets import (
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    VALUE_NAMES,
    AnnotationsConfig,
    ResolvedAnnotations,
    normalise,
)
from dsync.annotations.wish import Wish, WrittenValue
from dsync.domain.check_answers import is_established
from dsync.domain.dossier import Json
from dsync.domain.verdict import Verdict

_ONE_DOCUMENT = timedelta(seconds=30)
"""Maximum time between the dates that DS gives to the annotations of one mutation: DS ends each
request after this time."""
_ONE_DOSSIER = timedelta(seconds=5)
"""The same for what one mutation writes into one dossier, which takes DS a part of a second: nobody
chooses a result, copies a text and sets a date so fast by hand."""


def may_be_adopted(
    wishes: Mapping[str, Wish],
    values: Mapping[str, Json],
    resolved: ResolvedAnnotations,
    stated_verdict: Callable[[str], Verdict | None],
) -> bool:
    """Return whether `adopted_values` or `later_values` may find something, by the values alone.

    `values` are the annotations by the descriptor's id.
    """
    there = {}
    for name in VALUE_NAMES:
        descriptor = resolved.by_name(name)
        value = descriptor and normalise(descriptor.type, values.get(descriptor.id))
        there[name] = WrittenValue(value, descriptor and descriptor.id)
    if is_unwritten(wishes.values()):
        return stated_verdict(there[DETAIL].valeur or "") is not None
    return DATE in wishes and _is_after(there[DATE], wishes[DATE])


def is_unwritten(wishes: Iterable[Wish]) -> bool:
    """Return whether this database has recorded no write of result, detail or date."""
    return all(wish.is_first for wish in wishes if wish.annotation in VALUE_NAMES)


def adopted_values(
    remote: Remote,
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
    stated_verdict: Callable[[str], Verdict | None],
    wanted: Mapping[str, str | None],
) -> dict[str, WrittenValue]:
    """Return the values in a dossier that dsync provably wrote, by annotation.

    Their form: the result is one of the configured options, the detail is a text of dsync's form
    that states the verdict of this option, and there is a date. Their dates: a write by API does
    not move DS's date of the last manual edit, so what was written after it was written by API.
    Before it, what was written within one mutation with the date was, and what that edit wrote was
    not: a text that a person copied from another dossier is theirs. A result that does not pass
    this test is a human's: it is left out. The label has no date: it is dsync's with the result, if
    it is the one of that verdict. Nothing is returned when the detail or the date is not provably
    dsync's, or all three do not agree.

    A detail that says what a person established is left to a person where the database does not
    have that answer, as after the restore of an older backup: `wanted` has what dsync wants now.
    `stated_verdict` returns the verdict in a detail, None for a text of another form.
    """
    found: dict[str, WrittenValue] = {}
    dates: dict[str, datetime] = {}
    for name in VALUE_NAMES:
        descriptor = resolved.by_name(name)
        value = descriptor and normalise(descriptor.type, remote.values.get(descriptor.id))
        at = descriptor and remote.updated_at.get(descriptor.id)
        # dsync writes the three together, so where one is missing it wrote none of them.
        if descriptor is None or not value or at is None:
            return {}
        found[name], dates[name] = WrittenValue(value, descriptor.id), at
    verdict = stated_verdict(found[DETAIL].valeur or "")
    if verdict is None or found[RESULTAT].valeur != config.options.of(verdict):
        return {}
    if _has_lost_answer(found[DETAIL].valeur, wanted.get(DETAIL)):
        return {}
    proven = _written_by_api(dates, remote.edited_at)
    if not proven.issuperset({DETAIL, DATE}):
        return {}
    if RESULTAT not in proven:
        del found[RESULTAT]
        return found
    label = config.labels.of(verdict) if config.labels else None
    if label and [name for name in remote.labels if name in config.owned_labels] == [label]:
        found[LABEL] = WrittenValue(label, remote.labels[label])
    return found


def _written_by_api(dates: Mapping[str, datetime], edited_at: datetime) -> set[str]:
    """Return the annotations last written by API, not by hand, as far as dates show it.

    `edited_at` is DS's date of the last manual edit of annotations.
    """
    by_hand = {name for name, at in dates.items() if at == edited_at}
    after = {name for name, at in dates.items() if at > edited_at}
    together = {name for name, at in dates.items() if abs(at - dates[DATE]) <= _ONE_DOSSIER}
    # The date alone is no document.
    if DATE in by_hand or not together - by_hand - {DATE}:
        return after
    return after | (together - by_hand)


def _has_lost_answer(remote: str | None, known: str | None) -> bool:
    return is_established(remote) and not is_established(known)


def later_values(
    wishes: Mapping[str, Wish],
    remote: Remote,
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
    stated_verdict: Callable[[str], Verdict | None],
) -> dict[str, WrittenValue]:
    """Return what dsync wrote later than this database knows, as after a restore from a backup.

    dsync writes the date together with the result or the detail, with a later value each time. It
    wrote them if all of this holds: two were written within one mutation; the last manual edit
    wrote neither; the verdicts that result and detail state agree. Of the others, a value that is
    older than these and as recorded is dsync's too. A younger one is a human's: it is left out, or
    has the value None if it is as recorded, so that it does not count as dsync's. Nothing is
    returned when dsync wrote nothing later, or a human did.

    Example: recorded are « Éligible » and the date of 1 March. In DS, date and detail were written
    on 5 March at 10:00:00 with the date of 5 March, the result on 2 March: the detail and the date
    are dsync's, and so is the result if it is « Éligible ». Had the result been written on 6 March,
    it would be a human's.
    """
    found: dict[str, WrittenValue] = {}
    dates: dict[str, datetime] = {}
    for name in VALUE_NAMES:
        descriptor = resolved.by_name(name)
        at = descriptor and remote.updated_at.get(descriptor.id)
        if descriptor is None or at is None or name not in wishes:
            return {}
        value = normalise(descriptor.type, remote.values.get(descriptor.id))
        found[name], dates[name] = WrittenValue(value, descriptor.id), at
    if not _is_after(found[DATE], wishes[DATE]):
        return {}
    if _has_lost_answer(found[DETAIL].valeur, wishes[DETAIL].valeur):
        return {}
    stamped_at = dates[DATE]
    together = {
        name
        for name, at in dates.items()
        if abs(at - stamped_at) <= _ONE_DOCUMENT and at != remote.edited_at
    }
    # dsync writes the date with each change of the others, so a value younger than it is not
    # dsync's.
    humans = {name for name, at in dates.items() if at > stamped_at} - together
    if DATE not in together or len(together) == 1:
        return {}
    options = config.options
    stated = {RESULTAT: None, DETAIL: stated_verdict(found[DETAIL].valeur or "")}
    # One option can be for two verdicts: the detail then says which one.
    of_option = [v for v in _WRITTEN if options.of(v) == (found[RESULTAT].valeur or "")]
    if of_option:
        said = stated[DETAIL]
        stated[RESULTAT] = said if said in of_option else of_option[0]
    agreed = {verdict for name, verdict in stated.items() if name not in humans}
    verdict = agreed.pop() if len(agreed) == 1 else None
    if verdict is None:
        return {}
    own = {name: found[name] for name in together}
    for name in found.keys() - together:
        if found[name] == wishes[name].pushed:
            own[name] = WrittenValue(None, found[name].cible) if name in humans else found[name]
    label = config.labels.of(verdict) if config.labels else None
    if label and [name for name in remote.labels if name in config.owned_labels] == [label]:
        own[LABEL] = WrittenValue(label, remote.labels[label])
    return own


def _is_after(date: WrittenValue, wish: Wish) -> bool:
    """Return whether a date annotation has a later value than dsync wrote or sent, if it did."""
    known = [own.valeur or "" for own in (wish.pushed, wish.uncertain) if own is not None]
    return bool(known) and (date.valeur or "") > max(known)


_WRITTEN = tuple(verdict for verdict in Verdict if verdict is not Verdict.INDETERMINE)
