"""Keys that the configuration file had: each is met with a warning that says what replaces it.

A key whose meaning is another key's now is still read as that one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import date
from typing import Any, NamedTuple

Table = dict[str, Any]


class Gone(NamedTuple):
    """What became of a key."""

    said: str
    """What replaces it, as the end of a sentence."""
    effect: Callable[[Table, Table, Any], None] = lambda raw, table, value: None
    """Puts its value where it is read now: in the whole document, or in the table that had it."""


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

    def effect(raw: Table, _table: Table, value: Any) -> None:
        found: Any = raw
        for section in sections:
            found = found.setdefault(section, {}) if isinstance(found, dict) else None
        if isinstance(found, dict):
            found.setdefault(key, convert(value))

    return Gone(f"it is read as {shown(path)}; write that instead", effect)


def _not_copied(_raw: Table, table: Table, value: Any) -> None:
    if value is False:
        table.pop("target", None)


def _named(_raw: Table, table: Table, value: Any) -> None:
    who = table.setdefault("who", [])
    if isinstance(value, dict):
        claims = [(name, some) for name, some in value.items() if isinstance(some, list)]
        value = [f"{name}={one}" for name, some in claims for one in some]
    if isinstance(who, list) and isinstance(value, list):
        who += value


def _stated(raw: Table, table: Table, value: Any) -> None:
    if isinstance(value, dict) and isinstance(value.get("etat"), str):
        told = [
            value["etat"],
            *(str(value[key]) for key in ("audit", "etablie_le") if key in value),
        ]
        left = value.get("contenus")
        listed = [f"- {one}" for one in left] if isinstance(left, list) else []
        text = "\n\n".join([f"Ce site est {', '.join(told)}.", "\n".join(listed)])
        _moved("console.accessibility").effect(raw, table, text.strip())


def _of_both(other: str, key: str) -> Gone:
    """Return what became of two ages that are one now: nothing is erased before either of them."""

    def effect(_raw: Table, table: Table, value: Any) -> None:
        ages = [value, table.get(other, "")]
        days = [
            int(found[1]) * (365.25 if found[2] == "y" else 1)
            for age in ages
            if (found := re.fullmatch(r"(\d{1,9})([dy])", str(age).strip()))
        ]
        if len(days) == len(ages):
            table.setdefault(key, ages[days.index(max(days))])

    said = f"the longer one of it and {other} is read as {key}, where both are given"
    return Gone(f"{said}; write [retention] {key} instead", effect)


def _served(raw: Table, table: Table, value: Any) -> None:
    if value is True:
        _moved("console.public_url").effect(raw, table, "http://127.0.0.1:8080")


def _late(raw: Table, table: Table, value: Any) -> None:
    schedule = raw.get("schedule", {})
    interval = schedule.get("incremental", "5m") if isinstance(schedule, dict) else ""
    found = re.fullmatch(r"(\d+)\s*([smhd])", str(interval).strip())
    if found and isinstance(value, int):
        late_after = f"{int(found[1]) * value}{found[2]}"
        _moved("advanced.late_after", lambda _: late_after).effect(raw, table, value)


def _window(raw: Table, table: Table, value: Any) -> None:
    raw["regles"]["window"] = [value, *([table["end"]] if "end" in table else [])]


def _offered(_raw: Table, table: Table, value: Any) -> None:
    until = [table.pop("offered_until")] if "offered_until" in table else []
    table.setdefault("offered", [value, *until])


def _needed(_raw: Table, table: Table, value: Any) -> None:
    needs = table.setdefault("needs", [])
    if isinstance(needs, list) and isinstance(value, str):
        needs.append(value)


def _off(_raw: Table, table: Table, value: Any) -> None:
    if value is False:
        table.pop("severity", None)


_FLOOR = _fixed("5, or the percentage's number if it is higher; 0 percent allows none")
_RATE = _fixed("the registry is asked 5 times a second at most, for 10 s")
_HTTPS = _fixed("http:// is for addresses of this machine alone")
_NAMED = _fixed("the first of words is its name")
_OF_CATALOGUE = _fixed("the phases and their names are those of beta.gouv.fr")
_OF_MOVES = _fixed("[safety] verdicts_percent counts for the catalogue, too")
_ROLES = Gone("each démarche's file says it: write [[acces]] with role and who there instead")
GONE: Mapping[str, Gone] = {
    "ds.requests_per_minute": _moved("advanced.requests_per_minute"),
    "ds.allow_insecure_http": _HTTPS,
    "advanced.allow_insecure_http": _HTTPS,
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
    "safety.catalogue_share": _OF_MOVES,
    "safety.catalogue_percent": _OF_MOVES,
    "pieces.copy": Gone("files are copied where a target is given; remove the key", _not_copied),
    "pieces.max_mib": _fixed("200 MiB, as DS's own limit"),
    "pieces.deadline_s": _fixed("60 s for a download"),
    "retention.en_construction": _of_both("en_instruction", "open"),
    "retention.en_instruction": Gone("write [retention] open instead"),
    "retention.accepte": _moved("retention.accepted"),
    "retention.refuse": _of_both("sans_suite", "refused"),
    "retention.sans_suite": Gone("write [retention] refused instead"),
    "retention.masque": _of_both("disparu", "gone"),
    "retention.disparu": Gone("write [retention] gone instead"),
    "retention.journaux": _moved("retention.logs"),
    "retention.agents": _fixed("the names of agents go at the age of [retention] logs"),
    "http.listen": _fixed("DSYNC_HTTP_LISTEN gives the address"),
    "http.theme": _moved("console.theme"),
    "http.console": Gone(
        "`dsync run` serves the console where [console] public_url is given, such as "
        '"http://127.0.0.1:8080"; write that instead',
        _served,
    ),
    "console.nom": _moved("console.name"),
    "console.entite": _moved("console.entity"),
    "console.mentions.editeur": _moved(
        "console.entity", lambda value: value[:120] if isinstance(value, str) else value
    ),
    "console.mentions.directeur": _moved("console.director"),
    "console.mentions.hebergeur": _moved("console.host"),
    "console.mentions.dpo": _moved("console.dpo"),
    "console.accessibilite": Gone("write [console] accessibility, a text, instead", _stated),
    "console.openid.scopes": _fixed(
        "openid, email, and those of the provider that are named as a claim of [[acces]]"
    ),
    "console.openid.pkce": _fixed("the provider's document says whether it has PKCE"),
    "console.openid.operateurs": _ROLES,
    "console.openid.lecteurs": _ROLES,
    "acces[].personnes": Gone('it is read as who; write who = ["@example.fr"] instead', _named),
    "acces[].claims": Gone('it is read as who; write who = ["groups=eig"] instead', _named),
    "http.ready_intervals": Gone(
        "a success is late after three intervals of the incremental read, or after [advanced] "
        'late_after, such as "1h"; write that instead',
        _late,
    ),
    "http.unsigned_webhooks": _fixed(
        "webhooks of version 1 are accepted while DSYNC_WEBHOOK_SECRET has no signing key (whsec_…)"
    ),
    "alerts.after": _fixed("a minute, or the interval of the incremental read if that is less"),
    "regles.enabled": Gone(
        "without [regles.severity] nothing is judged; leave that out instead of false", _off
    ),
    "regles.window.start": Gone(
        "write window = [first day, last day] in [regles] instead", _window
    ),
    "regles.profils[].id": _NAMED,
    "regles.profils[].offered_from": Gone("write offered = [first day, last day]", _offered),
    "regles.profils[].offered_until": Gone(
        "write offered = [first day, last day]",
        lambda raw, table, value: table.setdefault("offered", [date.min, value]),
    ),
    "regles.cas[].id": _NAMED,
    "regles.cas[].needs_phase": Gone("name it in needs instead", _needed),
    "regles.categories_juridiques": _fixed(
        "the list is categories_juridiques.csv beside the file, or else the shipped one"
    ),
    "regles.phases.other": _OF_CATALOGUE,
    "regles.phases.noms": _OF_CATALOGUE,
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
_EMPTY = ("preuves.registre", "preuves", "service", "console.mentions", "http")
"""Sections that have no key any more, inner ones first."""
GONE_VARIABLES: Mapping[str, str] = {
    "DSYNC_SESSION_KEY": "the secret of the provider's client signs sessions, too; unset it"
}


_OLD_CHAMPS = (
    "[mapping] and [annotations]: tables with id, libelles, type and needed are no settings any "
    'more: they are read; write page_produit = ["its id", "its label"] and required = [names of '
    "needed champs] in [mapping] instead, and options in [annotations]."
)


def _has_champs(section: Any) -> bool:
    """Return whether a section has a champ that is a table."""
    if isinstance(section, list):
        return any(map(_has_champs, section))
    if not isinstance(section, dict):
        return False
    is_one = not section.keys().isdisjoint(("id", "libelles"))
    return is_one or any(map(_has_champs, section.values()))


def renewed(given: Mapping[str, Any]) -> tuple[Table, tuple[str, ...]]:
    """Return a copy of a document without such keys, and a sentence for each that it had."""
    raw = deepcopy(dict(given))
    said = []
    for path, gone in GONE.items():
        for table, key in list(_places(raw, path.split("."))):
            gone.effect(raw, table, table.pop(key))
            said.append(f"{shown(path)} is no setting any more: {gone.said}.")
    if any(_has_champs(raw.get(section)) for section in ("mapping", "annotations")):
        said.append(_OLD_CHAMPS)
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
