"""Values of annotations, normalised as DS normalises them so that both can be compared.

Seen in recorded conversations: DS removes control characters, changes line ends, shows instants to
the minute and returns `""` for an emptied text.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from dsync.domain.dossier import PARIS, Json

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def normalise(type_: str, value: Json) -> str | None:
    """Return a value as the text to compare; None for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        # A box that was never ticked and one that was cleared look the same in DS.
        return "true" if value else None
    text = str(value)
    if type_ == "datetime":
        return _instant(text)
    if type_ == "date":
        return _day(text)
    # A browser sends CRLF: a human who saves the text unchanged has edited nothing.
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.strip() else None


def input_value(type_: str, text: str) -> Json:
    """Return the value for the mutation's input from the outbox's text."""
    return _day(text) if type_ == "date" else text


def _instant(text: str) -> str:
    try:
        instant = datetime.fromisoformat(text)
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (OverflowError, ValueError):
        return text
    return instant.replace(second=0, microsecond=0).isoformat()


def _day(text: str) -> str:
    try:
        if len(text) == len("2024-01-01"):
            return date.fromisoformat(text).isoformat()
        return datetime.fromisoformat(text).astimezone(PARIS).date().isoformat()
    except (OverflowError, ValueError):
        return text
