"""What a verdict wants to be written: the value of each annotation, and the label."""

from __future__ import annotations

from datetime import UTC, datetime

from dsync.annotations.normalised import normalise
from dsync.annotations.targets import DATE, DETAIL, LABEL, RESULTAT, AnnotationsConfig
from dsync.domain.verdict import Verdict


def desired(
    verdict: Verdict, detail: str, established_at: datetime, config: AnnotationsConfig | None
) -> dict[str, str]:
    """Return the wanted value of each annotation, as the text that the outbox stores.

    Nothing is wanted for « Indéterminé »: the values in DS stay. The date is an ISO instant in UTC
    without seconds, because DS does not show them.

    Args:
        verdict: of the pre-check.
        detail: its text.
        established_at: its instant.
        config: the section `[annotations]`; None: nothing is wanted.
    """
    if config is None or verdict is Verdict.INDETERMINE:
        return {}
    wanted = {
        RESULTAT: config.options.of(verdict),
        # As DS will show it: what is stored is compared with that.
        DETAIL: normalise("textarea", detail) or "",
        DATE: established_at.astimezone(UTC).replace(second=0, microsecond=0).isoformat(),
    }
    if config.labels:
        wanted[LABEL] = config.labels.of(verdict)
    return wanted
