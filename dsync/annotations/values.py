"""Values as DS keeps them: what is written comes back normalised and is compared so.

Sources: conversations with the platform (control characters dropped, line ends, instants to
the minute on display, `""` for an emptied text).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from dsync.annotations.config import DATE, DETAIL, LABEL, RESULTAT, AnnotationsConfig
from dsync.domain.dossier import Json
from dsync.domain.verdict import Verdict

PARIS = ZoneInfo("Europe/Paris")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def desired(
    verdict: Verdict, detail: str, established_at: datetime, config: AnnotationsConfig
) -> dict[str, str]:
    """Return what each annotation should hold, as the text that the outbox keeps.

    Nothing for Indéterminé: what stands in DS stays. The date is an ISO instant in UTC cut to the
    minute, which is all that DS shows.
    """
    if verdict is Verdict.INDETERMINE:
        return {}
    wanted = {
        RESULTAT: config.resultat.options.of(verdict),
        DETAIL: normalise("textarea", detail) or "",
        DATE: established_at.astimezone(UTC).replace(second=0, microsecond=0).isoformat(),
    }
    if config.labels:
        wanted[LABEL] = config.labels.of(verdict)
    return wanted


def normalise(type_: str, value: Json) -> str | None:
    """Return a value as text in the one form in which values are compared; blank is None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else None
    text = str(value)
    if type_ == "datetime":
        return _instant(text)
    if type_ == "date":
        return _day(text)
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.strip() else None


def wire_value(type_: str, text: str) -> Json:
    """Return the outbox's text as the JSON value of the annotation's own input key."""
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
