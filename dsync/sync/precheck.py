"""Judge dossiers again because an operator asks, and show old and new side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eligibility import StoredProductEvidence, evaluate, stored_product
from dsync.errors import DSNotFoundError
from dsync.store import Judgeable, NewVerdict, Reader, StoredVerdict
from dsync.sync import run as runs
from dsync.sync.context import Context, Run
from dsync.sync.evaluate import Batch, doublons_of, store_verdicts
from dsync.sync.evidence import gather, with_registry
from dsync.sync.report import Kind, RunReport, SyncOptions

NOON = time(12, tzinfo=UTC)
"""The same day in Paris as in UTC."""
PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A dossier's present verdict and the one worked out now."""

    numero: DossierNumber
    before: StoredVerdict | None
    after: Decision

    @property
    def is_same(self) -> bool:
        """Whether a reader would see no difference."""
        return (
            self.before is not None
            and self.before.verdict == self.after.verdict
            and self.before.detail == self.after.detail
        )


def precheck(
    context: Context,
    numbers: Sequence[DossierNumber] = (),
    *,
    as_of: date | None = None,
    dry_run: bool = False,
    wait_s: float = 0,
) -> tuple[RunReport, list[Comparison]]:
    """Judge these dossiers (all that are open, when none is given) by the rules of today.

    With `as_of`, as if they had been deposited that day; then, as with `dry_run`, nothing is
    stored. A finished dossier keeps its last verdict. Nothing is sent to DS either way: a changed
    verdict waits for the next push.
    """
    comparisons: list[Comparison] = []

    def work(run: Run) -> None:
        comparisons.extend(_judge_again(run, numbers, as_of))

    options = SyncOptions(dry_run=dry_run or as_of is not None, wait_s=wait_s, work=Kind.PRECHECK)
    return runs.execute(context, options, work), comparisons


def _judge_again(
    run: Run, numbers: Sequence[DossierNumber], as_of: date | None
) -> list[Comparison]:
    gathered = gather(run)
    with run.reading() as reader:
        chosen = list(numbers) or reader.evaluation_numbers(everything_open=True)
        judgeables = [j for j in reader.judgeable(chosen) if j.presence == Presence.PRESENT]
        doublons = doublons_of(reader, judgeables)
    _say_missing(run, numbers, judgeables)
    evidence = with_registry(run, [j.candidature for j in judgeables], gathered.evidence())
    verdicts, comparisons = [], []
    for judgeable in judgeables:
        others = doublons[judgeable.numero]
        candidature = _deposited(judgeable.candidature, as_of)
        decision = evaluate(
            candidature,
            evidence,
            run.context.rules,
            doublons=others,
            frozen_product=_frozen_product(judgeable),
        )
        comparisons.append(Comparison(judgeable.numero, judgeable.current, decision))
        verdicts.append(
            (
                judgeable,
                NewVerdict(judgeable.numero, decision, judgeable.inputs_hash, others),
            )
        )
    if as_of is None:
        kept = [
            (j, new) for j, new in verdicts if j.candidature.etat in OPEN_ETATS or not j.current
        ]
        store_verdicts(run, Batch([judgeable.numero for judgeable, _ in kept], kept))
    return comparisons


def _frozen_product(judgeable: Judgeable) -> StoredProductEvidence | None:
    """Return what a verdict Éligible was given on: the catalogue of today only adds a remark."""
    current = judgeable.current
    if current is None or current.verdict is not Verdict.ELIGIBLE:
        return None
    return stored_product(current.controles)


def _deposited(candidature: Candidature, as_of: date | None) -> Candidature:
    if as_of is None:
        return candidature
    return replace(candidature, depose_le=datetime.combine(as_of, NOON))


def _say_missing(
    run: Run, numbers: Sequence[DossierNumber], judgeables: Sequence[Judgeable]
) -> None:
    known = {judgeable.numero for judgeable in judgeables}
    for number in numbers:
        if number not in known:
            run.report.problem(
                f"Dossier {number} is not in the copy, or not present in DS: nothing to judge. "
                f"`dsync sync --dossier {number}` reads it.",
                DSNotFoundError.exit_code,
            )


class Statistic(NamedTuple):
    """How many dossiers had one result in one check."""

    mois: str
    controle: str
    resultat: str
    type_administration: str | None
    phase_constatee: str | None
    nombre: int


def statistics(reader: Reader) -> list[Statistic]:
    """Count the results of the current verdicts, by the month of deposit in Paris."""
    counts: Counter[tuple[str, str, str, str | None, str | None]] = Counter()
    for depose_le, verdict in reader.current_verdicts():
        for controle in verdict.controles:
            counts[
                depose_le.astimezone(PARIS).strftime("%Y-%m"),
                controle.controle,
                controle.resultat.value,
                verdict.type_administration,
                verdict.phase_constatee,
            ] += 1
    ordered = sorted(counts.items(), key=lambda item: [part or "" for part in item[0]])
    return [Statistic(*key, number) for key, number in ordered]
