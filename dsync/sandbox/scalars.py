"""Champs and annotations of a dossier: their values as text, as the API's scalars, as files.

`truth_of` has the dossier whole: the expected content of a correct copy, without GraphQL.

The secret address of a file expires after an hour.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from dsync.sandbox.model import (
    ChampDescriptor,
    FileSeed,
    Identified,
    Row,
    ServedDossier,
    Source,
    World,
)

PARIS = ZoneInfo("Europe/Paris")
_LIFETIME = timedelta(hours=1)
"""Of the address of a file."""

ServedFile = dict[str, Any]
"""A file as the API's `File`, with its champ and its rank there."""
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
ASKED_TYPES = {
    **dict.fromkeys(("drop_down_list", "address", "communes", "departements"), "TextChamp"),
    **dict.fromkeys(("regions", "pays", "header_section", "explication"), "TextChamp"),
    "yes_no": "CheckboxChamp",
    "datetime": "DateChamp",
}
"""Types whose champs come under another GraphQL type to a document without a fragment on theirs."""

NOT_TEXT = frozenset({*ASKED_TYPES} - {"drop_down_list"}) | {
    "carte", "checkbox", "civilite", "date", "decimal_number", "dossier_link",
    "engagement_juridique", "epci", "integer_number", "linked_drop_down_list",
    "multiple_drop_down_list", "piece_justificative", "repetition", "rna", "rnf", "siret",
    "titre_identite",
}  # fmt: skip
"""Descriptor types whose value is not a text."""

TITLES = ("header_section", "explication")
"""Descriptor types without a value."""


def iso(at: datetime) -> str:
    """Format an instant as the API does: Paris time, without fractions of a second."""
    return at.astimezone(PARIS).isoformat(timespec="seconds")


def instant(text: str) -> datetime:
    """Parse an ISO 8601 instant; without an offset it is UTC, a date is its midnight."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class ServedChamp(Identified):
    """A champ or an annotation of a dossier, in a row or not."""

    KIND = "Champ"

    def __init__(
        self,
        dossier: ServedDossier,
        source: Source,
        descriptor: ChampDescriptor,
        row: Row | None = None,
    ) -> None:
        self.dossier, self.source, self.descriptor, self.row = dossier, source, descriptor, row
        self.type, self.stable_id = descriptor.type, descriptor.stable_id
        self.key = f"{self.stable_id}|{row.ulid}" if row else str(self.stable_id)
        """Its key in the dossier: the stable id, with the row's id in a repetition."""
        self.cells: dict[int, Any] = row.cells if row else getattr(dossier, source)
        """The mapping by stable id in which its value is stored."""
        self.value = self.cells.get(self.stable_id)
        """The value when the object was created; None for an unanswered champ."""

    @property
    def updated_at(self) -> datetime:
        """Instant at which its value last changed."""
        return self.dossier.touched.get(self.key, self.dossier.depose_at)

    def store(self, value: Any, at: datetime) -> None:
        """Set the value in its dossier, whose last change is then at that instant."""
        self.cells[self.stable_id] = value
        self.dossier.touched[self.key] = self.dossier.updated_at = at

    def rows(self) -> list[tuple[Row, list[ServedChamp]]]:
        """Return the rows of a repetition, each with its champs."""
        cells = self.descriptor.champs
        return [
            (row, [ServedChamp(self.dossier, self.source, cell, row) for cell in cells])
            for row in self.dossier.rows_of(self.descriptor, self.source)
        ]

    def text(self) -> str | None:
        """Return the value for people (`stringValue`)."""
        value, type_ = self.value, self.type
        if type_ == "checkbox":
            return "true" if value else "false"
        if value is None or value == [] or type_ in ("repetition", "carte", "header_section"):
            return ""
        if type_ in ("piece_justificative", "titre_identite"):
            return None
        if type_ in ("date", "datetime"):
            return _long_date(type_, value)
        return _TEXTS.get(type_, str)(value)

    def text_value(self) -> str | None:
        """Return the value of a `TextChamp`."""
        if self.value in (None, "") or self.type in TITLES:
            return None
        if self.type == "phone":
            return "".join(self.value.split())
        if self.type == "iban":
            compact = "".join(self.value.split())
            return " ".join(compact[i : i + 4] for i in range(0, len(compact), 4))
        return self.text()

    def date_value(self) -> str | None:
        """Return the ISO day of a date or of a date-time, in Paris time."""
        value = self.value
        if isinstance(value, datetime):
            return value.astimezone(PARIS).date().isoformat()
        return None if value is None else str(value)

    def datetime_value(self) -> str | None:
        """Return the ISO instant of a date-time, or of a date's midnight in Paris."""
        value = self.value
        if isinstance(value, datetime):
            return iso(value)
        return iso(datetime.combine(date.fromisoformat(value), time(), PARIS)) if value else None


def champs_of(dossier: ServedDossier, source: Source) -> list[ServedChamp]:
    """Return the champs of a dossier that the form does not hide, in its order."""
    descriptors: list[ChampDescriptor] = getattr(dossier.form, source)
    return [
        ServedChamp(dossier, source, descriptor)
        for descriptor in descriptors
        if descriptor.stable_id not in dossier.hidden_champs
    ]


def _long_date(type_: str, value: Any) -> str:
    local = value.astimezone(PARIS) if type_ == "datetime" else date.fromisoformat(value)
    day = f"{local.day:02d} {_MONTHS.split()[local.month - 1]} {local.year}"
    return f"{day} {local:%H:%M}" if type_ == "datetime" else day


def _phone(value: str) -> str:
    digits = "".join(value.split())
    if len(digits) == 10 and digits.startswith("0"):
        return " ".join(digits[i : i + 2] for i in range(0, 10, 2))
    return value


def _commune(value: dict[str, Any]) -> str:
    postal_code = value.get("postal_code")
    return f"{value['name']} ({postal_code})" if postal_code else str(value["name"])


def _name(value: dict[str, Any]) -> str:
    return str(value["name"])


_TEXTS: dict[str, Callable[[Any], str]] = {
    "address": lambda value: str(value["label"]),
    "communes": _commune,
    "departements": lambda value: f"{value['code']} - {value['name']}",
    "epci": _name,
    "iban": lambda value: "".join(value.split()),
    "linked_drop_down_list": lambda value: " / ".join(part for part in value if part),
    "multiple_drop_down_list": ", ".join,
    "pays": _name,
    "phone": _phone,
    "regions": _name,
    "siret": lambda value: str(value["siret"] if isinstance(value, dict) else value),
    "yes_no": lambda value: "true" if value else "false",
}


def file_path(world: World, file: ServedFile) -> str:
    """Return a secret path to a file, valid for an hour."""
    token = secrets.token_urlsafe()
    world.addresses[token] = file, world.now() + _LIFETIME
    return f"{token}/{quote(file['filename'])}"


def files_of(champ: ServedChamp) -> list[ServedFile]:
    """Return the files of a champ that the API lists: not the infected ones."""
    return [
        {
            "champ": champ,
            "rank": rank,
            "filename": seed.filename,
            "content_type": seed.content_type,
            "byte_size": len(seed.content),
            "checksum": base64.b64encode(
                hashlib.md5(seed.content, usedforsecurity=False).digest()
            ).decode(),
            "virus_scan_result": seed.virus_scan,
        }
        for rank, seed in enumerate(champ.value or ())
        if seed.virus_scan != "infected"
    ]


def fetch_file(world: World, path: str) -> tuple[int, str, bytes]:
    """Return status, content type and content of a file.

    The status is 401 for an address that was never given, 404 for an expired one or a missing file.
    """
    found = world.addresses.get(path.partition("/")[0])
    if found is None:
        return 401, "text/html", b""
    file, until = found
    champ, rank = file["champ"], file["rank"]
    files = champ.cells.get(champ.stable_id) or []
    is_gone = champ.dossier.listed == "supprime" or rank >= len(files)
    if is_gone or until < world.now():
        return 404, "text/html", b""
    return 200, files[rank].content_type, files[rank].content


_SAME = (
    "number", "state", "archived", "depose_at", "en_instruction_at", "traite_at", "updated_at",
    "annotations_at", "champs_at", "demandeur", "usager_email", "why",
)  # fmt: skip


class DossierTruth(SimpleNamespace):
    """A dossier's current state in the sandbox, under the names of `ServedDossier` and these.

    `presence`: present, masque, expire or supprime. `revision`: its id. `groupe`: its label.
    `champs`, `annotations`: texts for people by stable id; for a repetition, the list of its rows.
    `raw_champs`, `raw_annotations`: values by stable id, as in `ServedDossier`.
    """


def truth_of(dossier: ServedDossier) -> DossierTruth:
    """Return a dossier's current state."""
    return DossierTruth(
        **{name: getattr(dossier, name) for name in _SAME},
        nb_messages=len(dossier.messages),
        presence=dossier.listed,
        revision=dossier.form.id,
        groupe=dossier.groupe.label,
        followers=[agent.email for agent in dossier.followers],
        labels=[*dossier.labels],
        champs=_shown(dossier, "champs"),
        annotations=_shown(dossier, "annotations"),
        raw_champs=_raw(dossier.champs),
        raw_annotations=_raw(dossier.annotations),
    )


def _shown(dossier: ServedDossier, source: Source) -> dict[int, Any]:
    return {
        champ.stable_id: [{cell.stable_id: cell.text() for cell in c} for _, c in champ.rows()]
        if champ.type == "repetition"
        else champ.text()
        for champ in champs_of(dossier, source)
        if champ.type not in TITLES
    }


def _raw(values: dict[int, Any]) -> dict[int, Any]:
    return {
        stable_id: [_file(v) if isinstance(v, FileSeed) else v for v in value]
        if isinstance(value, list)
        else value
        for stable_id, value in values.items()
    }


def _file(file: FileSeed) -> dict[str, Any]:
    facts = asdict(file)
    return facts | {"size": len(facts.pop("content"))}
