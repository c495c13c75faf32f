"""What a value becomes when the platform stores it, and which values it refuses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.mutations.access import PayloadError

BAD_OPTION = PayloadError(
    "doit être dans les options proposées", "must be one of the options offered"
)
BAD_EMAIL = PayloadError(
    "est invalide. Saisissez une adresse électronique valide. "
    "Exemple\N{NO-BREAK SPACE}: adresse@mail.com",
    "is not a valid e-mail address. Example: adresse@mail.com",
)
BAD_DECIMAL = PayloadError(
    "doit comprendre entre 1 et 3 chiffres après le point",
    "must have between 1 and 3 digits after the point",
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MAX_DECIMALS = 3
_KEPT_CONTROLS = "\n\t"


def stored(descriptor: Descriptor, value: Any) -> Any:
    """Return the value as it is kept.

    Raises:
        PayloadError: when the platform's validation refuses it.
    """
    return _STORE[descriptor["type"]](descriptor, value)


def _text(_: Descriptor, value: str) -> str | None:
    """Drop control characters and carriage returns; an empty text is no answer."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c in _KEPT_CONTROLS or unicodedata.category(c) != "Cc")
    return "".join(kept) or None


def _email(descriptor: Descriptor, value: str) -> str | None:
    text = _text(descriptor, value)
    if text and not _EMAIL.fullmatch(text):
        raise BAD_EMAIL
    return text


def _option(descriptor: Descriptor, value: str) -> str | None:
    if value and value not in descriptor["options"] and not descriptor["other_option"]:
        raise BAD_OPTION
    return value or None


def _options(descriptor: Descriptor, value: list[str]) -> list[str] | None:
    if any(option not in descriptor["options"] for option in value):
        raise BAD_OPTION
    return list(value) or None


def _decimal(_: Descriptor, value: float) -> float:
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    if isinstance(exponent, str) or -exponent > _MAX_DECIMALS:
        raise BAD_DECIMAL
    return float(value)


def _instant(_: Descriptor, value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)


def _day(_: Descriptor, value: date) -> str:
    return value.isoformat()


def _as_is(_: Descriptor, value: Any) -> Any:
    return value


_STORE: dict[str, Callable[[Descriptor, Any], Any]] = {
    "text": _text,
    "textarea": _text,
    "email": _email,
    "checkbox": _as_is,
    "yes_no": _as_is,
    "date": _day,
    "datetime": _instant,
    "integer_number": _as_is,
    "decimal_number": _decimal,
    "drop_down_list": _option,
    "multiple_drop_down_list": _options,
}
