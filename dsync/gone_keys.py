"""Keys that the configuration file had: each is met with a warning that says what replaces it.

A key whose meaning is another key's now is still read as that one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

Table = dict[str, Any]


class Gone(NamedTuple):
    """What became of a key."""

    said: str
    """What replaces it, as the end of a sentence."""
    effect: Callable[[Table, Any], None] = lambda raw, value: None
    """Puts its value where it is read now, in the whole document."""


def shown(path: str) -> str:
    """Return a key's path as people write it: `[section] key`."""
    section, _, key = path.rpartition(".")
    if section.endswith("[]"):
        return f"[[{section.removesuffix('[]')}]] {key}"
    return f"[{section}] {key}" if section else f"[{key}]"


def _fixed(said: str) -> Gone:
    return Gone(f"{said}; remove the key")


def _moved(path: str, convert: Callable[[Any], Any] = lambda value: value) -> Gone:
    *sections, key = path.split(".")

    def effect(raw: Table, value: Any) -> None:
        table: Any = raw
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table.setdefault(key, convert(value))

    return Gone(f"it is read as {shown(path)}; write that instead", effect)


def _percent(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value * 100 if is_number else value


def _not_copied(raw: Table, value: Any) -> None:
    pieces = raw.get("pieces")
    if value is False and isinstance(pieces, dict):
        pieces.pop("target", None)


def _late(raw: Table, value: Any) -> None:
    schedule = raw.get("schedule", {})
    interval = schedule.get("incremental", "5m") if isinstance(schedule, dict) else ""
    found = re.fullmatch(r"(\d+)\s*([smhd])", str(interval).strip())
    if found and isinstance(value, int):
        late_after = f"{int(found[1]) * value}{found[2]}"
        _moved("advanced.late_after", lambda _: late_after).effect(raw, value)


_FLOOR = _fixed("5, or the percentage's number if it is higher; 0 percent allows none")
_RATE = _fixed("the registry is asked 5 times a second at most, for 10 s")
GONE: Mapping[str, Gone] = {
    "ds.requests_per_minute": _moved("advanced.requests_per_minute"),
    "ds.allow_insecure_http": _moved("advanced.allow_insecure_http"),
    "ds.deadline_s": _moved(
        "advanced.deadline", lambda value: f"{value}s" if isinstance(value, int) else value
    ),
    "ds.push_batch": _fixed("50 dossiers at most, and fewer while DS is slow"),
    "ds.max_response_mib": _fixed("16 MiB; for a longer answer, a smaller page is asked for"),
    "schedule.deletions": _fixed("the lists of deleted dossiers are read each hour"),
    "schedule.full_within": _fixed("full reads begin within 2 hours from full_at on"),
    "schedule.overlap": _fixed("an incremental read starts 10 minutes before the watermark"),
    "service.workers": _moved("advanced.workers"),
    "safety.disappearances": _FLOOR,
    "safety.verdicts": _FLOOR,
    "safety.catalogue_share": _moved("safety.catalogue_percent", _percent),
    "pieces.copy": Gone("files are copied where a target is given; remove the key", _not_copied),
    "pieces.max_mib": _fixed("200 MiB, as DS's own limit"),
    "pieces.deadline_s": _fixed("60 s for a download"),
    "http.ready_intervals": Gone(
        "a success is late after three intervals of the incremental read, or after [advanced] "
        'late_after, such as "1h"; write that instead',
        _late,
    ),
    "http.unsigned_webhooks": _fixed(
        "webhooks of version 1 are accepted while DSYNC_WEBHOOK_SECRET has no signing key (whsec_…)"
    ),
    "regles.timezone": _fixed("Europe/Paris"),
    "regles.max_detail_length": _fixed("2000 characters"),
    "regles.phases.late_reading_days": _fixed("3 days"),
    "regles.overrides": Gone(
        "answer the check administration of the applicant's dossiers (`dsync precheck answer "
        "--help`), then remove it"
    ),
    "preuves.max_response_mib": _fixed("16 MiB"),
    "preuves.catalogue": _fixed(
        "the addresses are those of beta.gouv.fr, below DSYNC_BETAGOUV_URL; the catalogue is used "
        "for 14 days without a confirmation"
    ),
    "preuves.registre.enabled": _moved("registre.enabled"),
    "preuves.registre.url": _fixed("https://recherche-entreprises.api.gouv.fr"),
    "preuves.registre.requests_per_second": _RATE,
    "preuves.registre.deadline_s": _RATE,
    "preuves.registre.max_wait_s": _RATE,
    "preuves.registre.max_age_days": _fixed("an answer is used for 30 days"),
}
"""By the path of the key; `[]` follows the name of a list of tables."""
_EMPTY = ("preuves.registre", "preuves", "service")
"""Sections that have no key any more, inner ones first."""


def renewed(given: Mapping[str, Any]) -> tuple[Table, tuple[str, ...]]:
    """Return a document without such keys, and a sentence for each that it had.

    Args:
        given: the document, which stays as it is.
    """
    raw = deepcopy(dict(given))
    said = []
    for path, gone in GONE.items():
        for table, key in list(_places(raw, path.split("."))):
            gone.effect(raw, table.pop(key))
            said.append(f"{shown(path)} is no setting any more: {gone.said}.")
    for path in _EMPTY:
        for table, key in list(_places(raw, path.split("."))):
            if table[key] == {}:
                del table[key]
    return raw, tuple(dict.fromkeys(said))


def _places(table: Any, path: list[str]) -> Iterator[tuple[Table, str]]:
    """Yield the tables that have the last key of a path."""
    name, *rest = path
    key = name.removesuffix("[]")
    if not isinstance(table, dict) or key not in table:
        return
    if not rest:
        yield table, key
        return
    inner = table[key]
    for one in inner if name.endswith("[]") and isinstance(inner, list) else [inner]:
        yield from _places(one, rest)
