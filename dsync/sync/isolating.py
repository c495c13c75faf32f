"""Has a programme judge dossiers, and isolates those on which a bug makes it fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from dsync.domain.due import Judged, ToJudge, may_change
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import new_decision
from dsync.errors import DsyncError
from dsync.programme import Evidence, PrecheckOptions, Programme, in_force
from dsync.store import Reader, Tx
from dsync.sync.context import Run

One = TypeVar("One")
Result = TypeVar("Result")
Failed = dict[DossierNumber, Exception]
"""The error of a programme, by the dossier on which it was raised."""


def look_up(run: Run, evidence: Evidence, numbers: Sequence[DossierNumber], failed: Failed) -> None:
    """Have the programme ask for what it has to know of dossiers, outside of a transaction.

    One on which it fails is added to `failed`.
    """
    _, errors = _isolated(lambda some: evidence.look_up(run, some), numbers)
    failed.update(errors)


def prepare(
    run: Run,
    tx: Tx,
    evidence: Evidence,
    numbers: Sequence[DossierNumber],
    options: PrecheckOptions | None,
    failed: Failed,
) -> set[DossierNumber]:
    """Store what dossiers are compared by, queue those that this makes due, and return them.

    Without options of an operator's pre-check, it is done after a pull. A dossier on which the
    programme fails is added to `failed`.
    """

    def compare(some: Sequence[DossierNumber]) -> set[DossierNumber]:
        found = evidence.compared(tx, some, options)
        run.compared.update(some)
        return tx.keys.replace(tx.keys.changed(found.values), found.columns)

    done, errors = _isolated(compare, numbers)
    failed.update(errors)
    return set().union(*done)


def judged(
    reader: Reader | Tx,
    programme: Programme,
    evidence: Evidence,
    due: Sequence[ToJudge],
    options: PrecheckOptions | None,
    failed: Failed,
    waiting: set[DossierNumber] | None = None,
) -> list[Judged]:
    """Return the new decisions; a dossier on which the programme fails is added to `failed`.

    Left out are dossiers of which nothing is known, and those whose verdicts stand as they are.
    Those whose doublons a later page may change are added to `waiting` instead, if it is given.
    """
    rules = in_force(programme)

    def decided(some: Sequence[ToJudge]) -> list[Judged]:
        facts = evidence.facts(reader, some, options)
        if waiting is not None:
            waiting.update(n for n, one in facts.items() if may_change(one.doublons))
            some = [one for one in some if one.numero not in waiting]
        known = [(one, facts[one.numero]) for one in some if one.numero in facts]
        anew = options is not None
        pairs = [(one, new_decision(one, its, rules, anew=anew)) for one, its in known]
        return [Judged(one, decision) for one, decision in pairs if decision is not None]

    done, errors = _isolated(decided, due)
    failed.update((one.numero, error) for one, error in errors)
    return [one for some in done for one in some]


def _isolated(
    act: Callable[[Sequence[One]], Result], given: Sequence[One]
) -> tuple[list[Result], list[tuple[One, Exception]]]:
    """Do something with dossiers; where it fails, with halves of them, down to a single one.

    The second list has each dossier on which it fails, with the error.
    """
    try:
        return [act(given)], []
    except Exception as exc:
        # What is not about a dossier, such as a lost database, ends the run.
        if isinstance(exc, DsyncError):
            raise
        if len(given) == 1:
            return [], [(given[0], exc)]
        if not given:
            raise
    middle = len(given) // 2
    done, errors = _isolated(act, given[:middle])
    others, more = _isolated(act, given[middle:])
    return [*done, *others], [*errors, *more]
