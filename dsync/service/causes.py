"""Decides what of the alerts is told: by what is found now, and what was known before.

Nothing here reads a clock, a database or a network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from dsync.care.state import CHECK
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import ALL, pasteable, span
from dsync.store.told import AlertBook, AlertEntry, AlertKey

CONFIGURATION, DATABASE, DS, NO_SUCCESS = "configuration", "database", "ds", "no_success"
NOT_CONFIGURED = "not_configured"

_RETRY = timedelta(minutes=5)
"""Time after which an alert that could not be told is tried again, by any service."""
_LONG = 5
"""Times the wait of other causes: until DS's absence is told, and until the end of an outage is."""
_OUTAGES = (DATABASE, DS, NO_SUCCESS)
_SHOWN = 20
"""Maximum number of démarches that a message names."""


class Severity(StrEnum):
    """The types of apprise."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"
    SUCCESS = "success"


class AlertFinding(NamedTuple):
    """Something that is so at this moment, in one démarche."""

    demarche: DemarcheNumber
    name: str
    severity: Severity
    text: str
    """What is so and what to do; `{since}` stands for its beginning."""
    cause: str = ""
    """What several démarches have in common, such as a token; "": it is the démarche's own."""
    number: int = 1
    """One that counts something is told again when it has doubled; one below zero is a digest,
    and is told again when it is another one."""
    since: datetime | None = None
    """Its beginning, if that is known."""
    options: Mapping[str, str] = MappingProxyType({})
    """What the commands of `text` need where it is read, as `Settings.remedy_options`."""

    @property
    def key(self) -> AlertKey:
        """What tells it from others."""
        return self.demarche, self.name


class AlertMessage(NamedTuple):
    """What is told of one cause."""

    severity: Severity
    title: str
    text: str
    entries: Sequence[AlertEntry]
    """Those that it is about."""
    is_end: bool


def decide(
    book: AlertBook,
    findings: Iterable[AlertFinding],
    now: datetime,
    after: timedelta,
    *,
    serves: Collection[DemarcheNumber],
    away_after: timedelta = timedelta.max,
    present: datetime | None = None,
    is_known: Callable[[AlertKey], bool] = lambda _: True,
) -> tuple[dict[AlertKey, AlertEntry], list[AlertMessage]]:
    """Return what is known from now on, and what is told: when a cause begins, when it is over.

    A cause that several démarches have in common is one, whichever of them meet it later. What is
    the démarches' own is one message, too, if it begins at once in several.

    `book` is what was known before, of any service. A cause is told when it has lasted `after`;
    DS's absence, five times as long, at most `away_after`. What is over in démarches that this
    service does not serve is for others to tell. `present` is the instant by the database's clock,
    by which services agree on the time of an attempt; None: `now`. `is_known`: whether it is known
    of an alert that it is over if it is not found.
    """
    present = present or now
    found = {one.key: one for one in findings}
    later = _continued(book, found, now, is_known)
    for key, finding in found.items():
        since = min(finding.since or now, now)
        entry = AlertEntry(finding.demarche, finding.name, finding.cause, finding.number, since)
        later.setdefault(key, entry)
    groups = defaultdict[tuple[str, str | int], list[AlertEntry]](list)
    for entry in later.values():
        groups[entry.nom, entry.cause or entry.demarche_numero].append(entry)
    # Whose runs do not succeed may only be behind those that meet it, and its end tells.
    is_wide = any(
        name in (DATABASE, DS) and sum(one.key in found for one in group) > 1
        for (name, _), group in groups.items()
    )
    begun = defaultdict[tuple[str, str], list[AlertEntry]](list)
    over = defaultdict[tuple[str, str], list[AlertEntry]](list)
    for group in groups.values():
        current = [one for one in group if one.key in found]
        what = group[0].nom, group[0].cause
        if not current:
            ours = [one for one in group if one.demarche_numero in serves]
            if ours and all(is_known(one.key) and _is_over(one, now, after) for one in ours):
                over[what] += ours
                for one in ours:
                    del later[one.key]
        elif is_wide and what[0] == NO_SUCCESS and not any(one.dite_le for one in group):
            continue
        elif _is_due(
            group, found, now, present, min(after * _LONG, away_after) if what[0] == DS else after
        ):
            for one in current:
                number = found[one.key].number
                one = one._replace(nombre=number, essai_le=present, dite_le=None)
                later[one.key] = one
                begun[what].append(one)
        elif any(one.dite_le for one in group):
            # Who meets a cause later is no news.
            later |= {one.key: one._replace(dite_le=one.dite_le or now) for one in current}
    messages = [_begun(entries, found, now) for _, entries in sorted(begun.items())]
    messages += [_over(entries, now) for _, entries in sorted(over.items())]
    return later, messages


def _continued(
    book: AlertBook,
    found: dict[AlertKey, AlertFinding],
    now: datetime,
    is_known: Callable[[AlertKey], bool],
) -> dict[AlertKey, AlertEntry]:
    """Return what is left of what was known."""
    left = {}
    for key, entry in book.items():
        one = found.get(key)
        if one is None and not is_known(key):
            left[key] = entry
        elif one is None and entry.dite_le is not None:
            # In the future by a clock that went back since.
            finie_le = min(entry.finie_le or now, now)
            left[key] = entry._replace(finie_le=finie_le)
        elif one is not None and one.cause == entry.cause:
            left[key] = entry._replace(finie_le=None, depuis=min(entry.depuis, now))
        # What was never told ends unsaid; another cause is another alert.
    return left


def _is_over(entry: AlertEntry, now: datetime, after: timedelta) -> bool:
    """Return whether it has been over for so long that it will not come back at once."""
    quiet = timedelta() if entry.nom.startswith(CHECK) else after
    if entry.nom in _OUTAGES:
        quiet *= _LONG
    return entry.finie_le is not None and now - entry.finie_le >= quiet


def _is_due(
    group: Sequence[AlertEntry],
    found: dict[AlertKey, AlertFinding],
    now: datetime,
    present: datetime,
    after: timedelta,
) -> bool:
    name, cause = group[0].nom, group[0].cause
    if any(one.dite_le for one in group):
        if cause:
            return False
        told, number = group[0].nombre, found[group[0].key].number
        return told != number if number < 0 else told * 2 <= number
    tried = max((one.essai_le for one in group if one.essai_le), default=None)
    if tried is not None:
        # One in the future was made while the clock was ahead.
        return not present - _RETRY < tried <= present
    # A check is no flicker: it is made once a day.
    lasts = timedelta() if name.startswith(CHECK) else after
    return now - min(one.depuis for one in group) >= lasts


def _begun(
    entries: Sequence[AlertEntry], found: dict[AlertKey, AlertFinding], now: datetime
) -> AlertMessage:
    entries = sorted(entries)
    first, every = found[entries[0].key], [found[one.key] for one in entries]
    since = _instant(min(one.depuis for one in entries), now)
    # What several share is not about the first one of them alone.
    of_all = {name: value for name, value in first.options.items() if name != "--demarche"}
    if len(entries) > 1 and first.cause:
        texts = [pasteable(first.text, of_all | {ALL: ""}), f"Démarches: {_numbers(entries)}."]
    else:
        texts = [pasteable(one.text, one.options) for one in every]
    if len(entries) > 1 and not first.cause:
        texts = [f"Démarche {one.demarche}: {text}" for one, text in zip(every, texts, strict=True)]
        if rest := texts[_SHOWN:]:
            said = pasteable("see `dsync status`.", of_all)
            texts = [*texts[:_SHOWN], f"And {len(rest)} others: {said}"]
    texts = [one.replace("{since}", since) for one in texts]
    return AlertMessage(first.severity, _title(entries), "\n".join(texts), entries, is_end=False)


def _over(entries: Sequence[AlertEntry], now: datetime) -> AlertMessage:
    entries = sorted(entries)
    # It ended then, and not only now that this is sure.
    ended = max(one.finie_le or now for one in entries)
    text = f"Over, after {span(max(ended - min(one.depuis for one in entries), timedelta()))}."
    if len(entries) > 1:
        text += f"\nDémarches: {_numbers(entries)}."
    return AlertMessage(Severity.SUCCESS, f"{_title(entries)} ended", text, entries, is_end=True)


def _title(entries: Sequence[AlertEntry]) -> str:
    first = entries[0]
    what = f", démarche {first.demarche_numero}"
    if len(entries) > 1:
        what = f", {len(entries)} démarches"
    elif first.nom == NOT_CONFIGURED:
        # It is about others than the one with which it is told.
        what = ""
    return f"dsync{what}: {first.nom}"


def _numbers(entries: Sequence[AlertEntry]) -> str:
    shown = ", ".join(str(one.demarche_numero) for one in entries[:_SHOWN])
    rest = len(entries) - _SHOWN
    return f"{shown} and {rest} others" if rest > 0 else shown


def _instant(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"
