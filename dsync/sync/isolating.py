"""Has a programme judge dossiers, and isolates those on which a bug makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from dsync.domain.due import Judged, ToJudge
from dsync.domain.ids import DossierNumber
from dsync.errors import DsyncError, RuleEvaluationError
from dsync.programme import Evidence, PrecheckOptions, Programme
from dsync.sync.context import Run

One = TypeVar("One")
Result = TypeVar("Result")
Failed = dict[DossierNumber, Exception]
"""The error of a programme, by the dossier on which it was raised."""


def prepare(
    run: Run,
    programme: Programme,
    evidence: Evidence,
    numbers: Sequence[DossierNumber],
    options: PrecheckOptions | None,
    failed: Failed,
) -> set[DossierNumber]:
    """Call the programme's `prepare`; a dossier on which it fails is added to `failed`."""
    done, errors = _isolated(lambda some: programme.prepare(run, evidence, some, options), numbers)
    failed.update(errors)
    return set().union(*done)


def judged(
    run: Run,
    programme: Programme,
    evidence: Evidence,
    due: Sequence[ToJudge],
    options: PrecheckOptions | None,
    failed: Failed,
) -> list[Judged]:
    """Call the programme's `judge`; a dossier on which it fails is added to `failed`."""
    done, errors = _isolated(lambda some: [*programme.judge(run, evidence, some, options)], due)
    failed.update((one.numero, error) for one, error in errors)
    return [one for some in done for one in some]


def _isolated(
    act: Callable[[Sequence[One]], Result], given: Sequence[One]
) -> tuple[list[Result], list[tuple[One, Exception]]]:
    """Do something with dossiers; where it fails, with halves of them, down to a single one.

    Returns:
        The results, and the error of each dossier on which it fails.
    """
    try:
        return [act(given)], []
    except Exception as exc:
        # What is not about a dossier, such as a lost database, ends the run.
        if isinstance(exc, DsyncError) and not isinstance(exc, RuleEvaluationError):
            raise
        if len(given) == 1:
            return [], [(given[0], exc)]
        if not given:
            raise
    middle = len(given) // 2
    done, errors = _isolated(act, given[:middle])
    others, more = _isolated(act, given[middle:])
    return [*done, *others], [*errors, *more]
