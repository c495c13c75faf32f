"""A champ or an annotation as the API shows it: its concrete type, its values, its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from dsync.sandbox import ids
from dsync.sandbox.clock import PARIS, iso
from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.model import Dossier, Row, Source

if TYPE_CHECKING:
    from dsync.sandbox.context import Context

# Shown under their own type only if the document has a fragment on it, else under the other one.
_ASKED_TYPES = {
    "drop_down_list": ("DropDownListChamp", "TextChamp"),
    "yes_no": ("YesNoChamp", "CheckboxChamp"),
    "datetime": ("DatetimeChamp", "DateChamp"),
    "address": ("AddressChamp", "TextChamp"),
    "communes": ("CommuneChamp", "TextChamp"),
    "departements": ("DepartementChamp", "TextChamp"),
    "regions": ("RegionChamp", "TextChamp"),
    "pays": ("PaysChamp", "TextChamp"),
    "header_section": ("HeaderSectionChamp", "TextChamp"),
    "explication": ("ExplicationChamp", "TextChamp"),
}
_OWN_TYPES = {
    "carte": "CarteChamp",
    "checkbox": "CheckboxChamp",
    "civilite": "CiviliteChamp",
    "date": "DateChamp",
    "decimal_number": "DecimalNumberChamp",
    "dossier_link": "DossierLinkChamp",
    "engagement_juridique": "EngagementJuridiqueChamp",
    "epci": "EpciChamp",
    "integer_number": "IntegerNumberChamp",
    "linked_drop_down_list": "LinkedDropDownListChamp",
    "multiple_drop_down_list": "MultipleDropDownListChamp",
    "piece_justificative": "PieceJustificativeChamp",
    "repetition": "RepetitionChamp",
    "rna": "RNAChamp",
    "rnf": "RNFChamp",
    "siret": "SiretChamp",
    "titre_identite": "TitreIdentiteChamp",
}
NOT_TEXT = frozenset({*_ASKED_TYPES, *_OWN_TYPES} - {"drop_down_list"})
"""Types whose value is no text; those of a newer platform are texts."""
_MONTHS = {
    False: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    True: "January February March April May June July August September October November December",
}


@dataclass(slots=True, eq=False)
class Champ:
    """One answer of a dossier."""

    dossier: Dossier
    source: Source
    descriptor: Descriptor
    value: Any
    row: Row | None = None

    @property
    def type(self) -> str:
        """The descriptor's type."""
        return self.descriptor["type"]

    @property
    def key(self) -> str:
        """What names it inside its dossier: the stable id, and its row's id in a repetition."""
        stable_id = str(self.descriptor["stable_id"])
        return f"{stable_id}|{self.row.ulid}" if self.row else stable_id

    @property
    def updated_at(self) -> datetime:
        """When its value last changed."""
        return self.dossier.touched.get(self.key, self.dossier.seed.depose_at)


def typename(champ: Champ, context: Context) -> str:
    """Return the type under which this document sees the champ."""
    asked = _ASKED_TYPES.get(champ.type)
    if asked:
        return asked[0] if context.asks(asked[0]) else asked[1]
    return _OWN_TYPES.get(champ.type, "TextChamp")


def champs_of(dossier: Dossier, source: Source, ident: str | None) -> list[Champ]:
    """Return the champs of a dossier in the form's order, or the one with that identifier."""
    descriptors: list[Descriptor] = getattr(dossier.revision, source)
    if ident is not None:
        descriptors = [d for d in descriptors if ids.encode("Champ", d["stable_id"]) == ident]
    values, hidden = getattr(dossier.seed, source), dossier.hidden_champs
    return [
        Champ(dossier, source, d, values.get(d["stable_id"]))
        for d in descriptors
        if d["stable_id"] not in hidden
    ]


def rows_of(champ: Champ) -> list[dict[str, Any]]:
    """Return the rows of a repetition."""
    dossier, source = champ.dossier, champ.source
    return [
        {
            "id": ids.encode("Row", row.ulid),
            "champs": [
                Champ(dossier, source, cell, row.cells.get(cell["stable_id"]), row)
                for cell in champ.descriptor["champs"]
            ],
        }
        for row in dossier.rows_of(champ.descriptor, source)
    ]


def string_value(champ: Champ, *, english: bool = False) -> str | None:
    """Return the champ as a person reads it."""
    value, type_ = champ.value, champ.type
    if type_ == "checkbox":
        return "true" if value else "false"
    if value is None or value == [] or type_ in ("repetition", "carte", "header_section"):
        return ""
    if type_ in ("piece_justificative", "titre_identite"):
        return None
    read = _READINGS.get(type_)
    if read:
        return read(value)
    if type_ in ("date", "datetime"):
        return _long_date(type_, value, english=english)
    return str(value)


def text_value(champ: Champ) -> str | None:
    """Return the value of a champ that is shown as a text."""
    if champ.value in (None, "") or champ.type in ("header_section", "explication"):
        return None
    if champ.type == "phone":
        return "".join(str(champ.value).split())
    if champ.type == "iban":
        compact = "".join(str(champ.value).split())
        return " ".join(compact[i : i + 4] for i in range(0, len(compact), 4))
    return string_value(champ)


def date_value(champ: Champ) -> str | None:
    """Return the day of a date or of a date-time."""
    if champ.value is None:
        return None
    if isinstance(champ.value, datetime):
        return champ.value.astimezone(PARIS).date().isoformat()
    return str(champ.value)


def datetime_value(champ: Champ) -> str | None:
    """Return the instant of a date-time, or midnight in Paris of a date."""
    if champ.value is None:
        return None
    if isinstance(champ.value, datetime):
        return iso(champ.value)
    return iso(datetime.combine(date.fromisoformat(champ.value), time(), PARIS))


def _long_date(type_: str, value: Any, *, english: bool) -> str:
    local = value.astimezone(PARIS) if type_ == "datetime" else date.fromisoformat(value)
    day = f"{local.day:02d} {_MONTHS[english].split()[local.month - 1]} {local.year}"
    return f"{day} {local:%H:%M}" if type_ == "datetime" else day


def _phone(value: str) -> str:
    digits = "".join(value.split())
    if len(digits) == 10 and digits.startswith("0"):
        return " ".join(digits[i : i + 2] for i in range(0, 10, 2))
    return value


def _commune(value: dict[str, Any]) -> str:
    postal_code = value.get("postal_code")
    return f"{value['name']} ({postal_code})" if postal_code else str(value["name"])


_READINGS: dict[str, Callable[[Any], str]] = {
    "address": lambda value: str(value["label"]),
    "communes": _commune,
    "departements": lambda value: f"{value['code']} - {value['name']}",
    "epci": lambda value: str(value["name"]),
    "iban": lambda value: "".join(value.split()),
    "linked_drop_down_list": lambda value: " / ".join(part for part in value if part),
    "multiple_drop_down_list": ", ".join,
    "pays": lambda value: str(value["name"]),
    "phone": _phone,
    "regions": lambda value: str(value["name"]),
    "siret": lambda value: str(value["siret"] if isinstance(value, dict) else value),
    "yes_no": lambda value: "true" if value else "false",
}
