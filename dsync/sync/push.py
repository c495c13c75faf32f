"""Writes the outbox's wishes into DS, never over a human's value and never twice.

For each batch of dossiers, one request reads the current annotations and labels, and the writes
are planned. The wishes to be written are marked `incertaine` before the request is sent: after a
crash the next run reads back first. One mutation document carries the batch; the outcome of each
dossier is recorded separately.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from math import ceil
from typing import Any

import structlog

from dsync.annotations import (
    Action,
    AnnotationsConfig,
    Remote,
    ResolvedAnnotations,
    Step,
    Wish,
    WrittenValue,
    adopted_values,
    current_value,
    later_values,
    plan,
)
from dsync.annotations.config import DATE, DETAIL, LABEL, RESULTAT, VALUE_NAMES
from dsync.annotations.values import input_value
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.ds import AnnotationWrite, DossierWrite, Refusal, RemoteAnnotations, WriteOutcome
from dsync.errors import (
    DSBadDataError,
    DSError,
    DSOutcomeUnknownError,
    DSTimeoutError,
    InterruptedRunError,
)
from dsync.store import DuePush, Sending, WishOutcome, WishStatus
from dsync.sync.config_changes import follow_config_changes, report_missing_labels
from dsync.sync.context import Run
from dsync.sync.pages import learn_revisions, refresh_demarche
from dsync.sync.report import SyncOptions

log = structlog.get_logger(__name__)

POSTPONED_FOR = timedelta(hours=1)
"""Delay of a wish that cannot be sent now: a right is missing, or the next pull is needed."""
MAX_ATTEMPTS = 8
BACKOFF = timedelta(minutes=5)
"""Delay before the first retry of a dossier whose write, sent alone, ends in an internal error of
DS. It doubles with each attempt: `MAX_ATTEMPTS` span about ten hours, longer than most outages."""
MAX_FAILURES = 3
"""Consecutive failed writes of single dossiers, after which the push ends: the cause is then an
outage of DS and not the dossiers."""
REMEDIES: dict[str, str] = {
    Refusal.READ_ONLY: (
        "DS refuses to write: the token is read-only. Make a read/write token in the DS profile "
        "and set DSYNC_DS_TOKEN: the next run then sends the refused annotations."
    ),
    Refusal.NO_RIGHT: (
        "DS refuses to write: the instructeur of DSYNC_DS_INSTRUCTEUR has no right on some "
        "dossiers. Pushes wait; add them to the groupe instructeur of these dossiers."
    ),
}

UNANSWERED = (
    "DS did not answer a write: the state of these annotations is unknown. They are read back "
    "after 35 s, by the next run or by `dsync push`, which waits until then."
)


class _Next(Enum):
    """The size of the next batch."""

    LARGER = "larger"
    SMALLER = "smaller"
    """DS did not execute the whole document."""
    NONE = "none"
    """No further batch is sent."""


def push_on_request(run: Run, options: SyncOptions) -> None:
    """Write every wish, those included that DS refused or that were postponed.

    Args:
        run: the run under way.
        options: of a push.

    Raises:
        DsyncError: DS or the database cannot be reached; the outcomes recorded so far stay.
    """
    dossiers = options.dossiers
    follow_config_changes(run)
    with run.transaction() as tx:
        if options.force:
            tx.force_wishes(dossiers, options.started_by, run.now, options.shown)
        else:
            tx.retry_refused(dossiers, run.now)
    push_due(run, dossiers, waits=not options.is_dry)
    _report_unknown_dossiers(run, dossiers)


def push_due(run: Run, numbers: Sequence[DossierNumber] = (), *, waits: bool = False) -> None:
    """Write every wish that is due, and record the outcomes.

    Args:
        run: the run under way.
        numbers: the dossiers to push; empty: all.
        waits: whether unanswered writes are read back once that is possible; if not, a later run
            reads them back.

    Raises:
        DsyncError: DS or the database cannot be reached; the outcomes recorded so far stay.
    """
    if run.context.annotations is None:
        return
    _push_now(run, numbers, waits=waits)
    if waits:
        with run.transaction() as tx:
            left = tx.time_until_readable(run.now, numbers)
        if left:
            seconds = ceil(left.total_seconds())
            run.context.progress.message(
                f"DS did not answer a write: waiting {seconds} s before reading it back. "
                "Stopping now is safe: a later run reads it back."
            )
            run.context.stop.wait(seconds)
            run.context.check_stop()
            _push_now(run, numbers, waits=True)
    with run.transaction() as tx:
        waiting, causes = tx.waiting_count(numbers), tx.waiting_causes(numbers)
    if waiting and not run.report.errors:
        why = "; ".join(causes) or "DS did not answer"
        run.report.problem(
            f"Dossiers whose annotations are waiting: {waiting} ({why}). They are sent within an "
            "hour, or now with `dsync push`."
        )


def _report_unknown_dossiers(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Report the requested dossiers that are not in the copy or not present in DS."""
    if not numbers:
        return
    with run.reading() as reader:
        known = {j.numero for j in reader.for_judging(numbers) if j.presence == Presence.PRESENT}
    for number in numbers:
        if number not in known:
            run.report.problem(
                f"Dossier {number} is not in the copy, or not present in DS: nothing to send. "
                f"`dsync sync --dossier {number}` reads it."
            )


def _push_now(run: Run, numbers: Sequence[DossierNumber], *, waits: bool) -> None:
    with run.transaction() as tx:
        total = tx.due_count(run.now, numbers)
    terms = _terms(run) if total else None
    if terms is not None:
        _push_all(run, terms, numbers, total, waits=waits)


def _terms(run: Run) -> Terms | None:
    """Return the instructeur and the labels to write with; None when the pushes have to wait.

    The stored démarche is used. It is read again from DS only if it does not contain the
    configured instructeur.
    """
    named, annotations = run.context.policy.instructeur, run.context.annotations
    if annotations is None:
        return None
    if not named:
        run.report.problem(
            "Nothing is pushed, because no instructeur is configured: set DSYNC_DS_INSTRUCTEUR to "
            "the e-mail or the id of an instructeur of the démarche."
        )
        return None
    with run.transaction() as tx:
        demarche = tx.demarche()
    found = demarche.instructeur_id(named) if demarche else None
    if found is None and not run.demarche_is_fresh:
        demarche = refresh_demarche(run)
        found = demarche.instructeur_id(named)
    if demarche is None or found is None:
        run.report.problem(
            "Nothing is pushed, because the instructeur of DSYNC_DS_INSTRUCTEUR is in no groupe "
            "instructeur of the démarche: add them to one, or configure another instructeur."
        )
        return None
    programme = run.context.programme
    stated_verdict = programme.stated_verdict if programme else lambda _detail: None
    return Terms(found, demarche.labels, annotations, stated_verdict)


def _refresh_labels(run: Run, terms: Terms) -> None:
    """Read the démarche's labels again: a renamed or removed label is not a human's edit."""
    demarche = refresh_demarche(run)
    terms.labels = demarche.labels
    report_missing_labels(run, demarche)


def _push_all(
    run: Run, terms: Terms, numbers: Sequence[DossierNumber], total: int, *, waits: bool
) -> None:
    """Push batch after batch; halve the size when DS cannot execute a batch, then double it."""
    max_size = run.context.policy.push_batch
    size, failures = max_size, 0
    seen: set[DossierNumber] = set()
    while True:
        run.context.check_stop()
        with run.transaction() as tx:
            # A label is written after its dossier's annotations. At full batch size, the labels of
            # one batch share a request with the annotations of the next one.
            labels = size if size == max_size else 0
            due = tx.due_dossiers(run.now, limit=size, labels=labels, numbers=numbers)
        if not due:
            return
        try:
            then = _push_batch(run, terms, due, numbers)
        except (DSTimeoutError, DSBadDataError):
            if size > 1:
                size = max(1, size // 2)
                continue
            _postpone(run, due)
            then = _Next.LARGER
        except DSOutcomeUnknownError as exc:
            failures += len(due) == 1
            size = 1
            if not exc.finished and not waits:
                run.report.problem(UNANSWERED)
            then = _Next.LARGER if failures < MAX_FAILURES else _Next.NONE
        else:
            failures = 0
            size = max(1, size // 2) if then is _Next.SMALLER else min(max_size, size * 2)
        seen.update(dossier.numero for dossier in due)
        run.context.progress.pushed(min(len(seen), total), total)
        if then is _Next.NONE:
            return


def _push_batch(
    run: Run, terms: Terms, due: Sequence[DuePush], numbers: Sequence[DossierNumber]
) -> _Next:
    """Read, plan and write one batch, and record its outcomes; return the next batch's size.

    Raises:
        DSTimeoutError: DS timed out while reading or before writing; request fewer dossiers.
        DSBadDataError: DS cannot render a dossier of the batch; request fewer.
        DSOutcomeUnknownError: the write was not answered; its wishes stay `incertaine`.
        DSError: nothing was written; the wishes wait.
        InterruptedRunError: nothing was sent; the wishes wait.
    """
    learn_revisions(run, {dossier.revision_id for dossier in due})
    resolved = {d.numero: run.annotations_of(d.revision_id) for d in due}
    ids = sorted({id_ for found in resolved.values() for id_ in found.ids()})
    remotes = run.context.client.read_annotations(
        [d.numero for d in due], ids, run.context.demarche
    )
    planned: list[PlannedWrite] = []
    outcomes: list[WishOutcome] = []
    adopted: dict[DossierNumber, Mapping[str, WrittenValue]] = {}
    for dossier in due:
        remote = remotes[dossier.numero]
        if remote is None or remote.etat not in OPEN_ETATS:
            outcomes += _postponed(run, dossier, "DS ne montre plus ce dossier, ou il est terminé")
            continue
        made = plan_write(dossier, remote, resolved[dossier.numero], terms)
        if made.labels_may_be_outdated and not run.demarche_is_fresh:
            _refresh_labels(run, terms)
            made = plan_write(dossier, remote, resolved[dossier.numero], terms)
        outcomes += made.outcomes
        if made.adopted:
            adopted[made.numero] = made.adopted
        if made.in_conflict:
            run.report.conflict_numbers.add(made.numero)
        _note_refusals(run, made.refusals)
        if made.write is not None:
            planned.append(made)
    if adopted:
        with run.transaction() as tx:
            tx.adopt(run.id, adopted, run.now)
        run.report.adopted_numbers.update(adopted)
    if run.report.dry:
        return _simulate(run, outcomes, planned)
    sent = [wish_id for made in planned for wish_id in made.wish_ids]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)
        tx.mark_sending([sending for made in planned for sending in made.sendings], run.now)
    if not planned:
        return _Next.LARGER
    writes = [made.write for made in planned if made.write is not None]
    try:
        write_outcomes = run.context.client.push(writes)
    except DSOutcomeUnknownError as exc:
        if exc.finished:
            _schedule_read_back(run, planned)
        raise
    except (DSError, InterruptedRunError):
        _reset_unsent(run, sent)
        raise
    then = _record_write_outcomes(run, planned, write_outcomes)
    read_only = next((o.message for o in write_outcomes if o.code == Refusal.READ_ONLY), None)
    if read_only is not None:
        # DS would refuse each further batch for the same reason.
        with run.transaction() as tx:
            tx.refuse_waiting(read_only, numbers)
        return _Next.NONE
    return then


def _record_write_outcomes(
    run: Run, planned: Sequence[PlannedWrite], write_outcomes: Sequence[WriteOutcome]
) -> _Next:
    by_number = {outcome.number: outcome for outcome in write_outcomes}
    outcomes: list[WishOutcome] = []
    codes: set[str] = set()
    for made in planned:
        outcome = by_number[made.numero]
        result = outcomes_of(made, outcome, run.now + POSTPONED_FOR)
        outcomes += result
        if any(s.statut is WishStatus.CONFIRMEE for s in result):
            run.report.pushed_numbers.add(made.numero)
        if outcome.code:
            codes.add(outcome.code)
            continue
        _note_refusals(run, [s.erreur or "" for s in result if s.statut is WishStatus.REFUSEE])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)
    for code in sorted(codes & REMEDIES.keys()):
        run.report.problem(REMEDIES[code])
    is_incomplete = any(outcome.unknown for outcome in write_outcomes)
    return _Next.SMALLER if is_incomplete else _Next.LARGER


def _note_refusals(run: Run, reasons: Sequence[str]) -> None:
    """Report why wishes were refused, each reason once."""
    for reason in reasons:
        run.report.problem(
            f"Annotations refused: {reason}. Correct the form or the configuration "
            "(`dsync check`); they are sent again when either changes, or now with `dsync push`."
        )


def _reset_unsent(run: Run, wish_ids: Sequence[int]) -> None:
    """Reset wishes of a request that DS did not execute, such as with a refused token."""
    outcomes = [
        WishOutcome(wish_id, WishStatus.EN_ATTENTE, nothing_written=True) for wish_id in wish_ids
    ]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)


def _schedule_read_back(run: Run, planned: Sequence[PlannedWrite]) -> None:
    """Have the wishes of a document in which DS failed half-way read back, one dossier a time.

    A dossier that was alone in its document is retried with increasing delays, and refused after
    `MAX_ATTEMPTS`.
    """
    why = "DS répond par une erreur interne à chaque écriture"
    is_alone = len(planned) == 1
    outcomes = []
    for made in planned:
        for wish in (step.wish for step in made.steps):
            tried = wish.tentatives
            is_last_attempt = is_alone and tried + 1 >= MAX_ATTEMPTS
            later = run.now + BACKOFF * 2**tried if is_alone and not is_last_attempt else None
            statut = WishStatus.REFUSEE if is_last_attempt else WishStatus.EN_ATTENTE
            outcomes.append(WishOutcome(wish.id, statut, erreur=why, prochain_essai_le=later))
    if any(end.statut is WishStatus.REFUSEE for end in outcomes):
        _note_refusals(run, [why])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)


def _postponed(run: Run, dossier: DuePush, why: str) -> list[WishOutcome]:
    return [
        WishOutcome(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=why,
            prochain_essai_le=run.now + POSTPONED_FOR,
        )
        for wish in dossier.wishes
        if wish.is_due
    ]


def _postpone(run: Run, due: Sequence[DuePush]) -> None:
    why = "DS ne rend pas les annotations de ce dossier pour l’instant"
    with run.transaction() as tx:
        tx.record_outcomes(run.id, [s for d in due for s in _postponed(run, d, why)], run.now)
    run.report.problem(
        "DS cannot return the annotations of some dossiers now; dsync retries within an hour."
    )


def _simulate(run: Run, outcomes: Sequence[WishOutcome], planned: Sequence[PlannedWrite]) -> _Next:
    """Report what would be sent, and record it as confirmed in the dry run's scratch copy."""
    for made in planned:
        run.report.would_send(made.described())
    written = [
        WishOutcome(wish_id, WishStatus.CONFIRMEE) for made in planned for wish_id in made.wish_ids
    ]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, [*outcomes, *written], run.now)
    run.report.pushed_numbers.update(made.numero for made in planned)
    return _Next.LARGER


@dataclass(slots=True)
class Terms:
    """The instructeur, labels and configuration with which annotations are written."""

    instructeur_id: str
    labels: Mapping[str, str]
    """Ids of the démarche's labels, by name."""
    config: AnnotationsConfig
    stated_verdict: Callable[[str], Verdict | None]
    """Returns the verdict that a detail states, None for a text that the programme did not make."""


@dataclass(slots=True)
class PlannedWrite:
    """The plan for one dossier."""

    numero: DossierNumber
    outcomes: list[WishOutcome] = field(default_factory=list)
    """Outcomes of the wishes that need no write."""
    steps: list[Step] = field(default_factory=list)
    """The wishes that `write` carries."""
    write: DossierWrite | None = None
    label_ids: Mapping[str, str] = field(default_factory=dict)
    current_values: Mapping[str, str] = field(default_factory=dict)
    """Of forced wishes: DS's current values by annotation, shown to the operator beforehand."""
    seen_at: datetime | None = None
    """DS's date of the last manual edit of annotations, as just read."""
    in_conflict: bool = False
    labels_may_be_outdated: bool = False
    """Whether the label is refused or in conflict, which a label renamed on DS can cause."""
    adopted: Mapping[str, WrittenValue] = field(default_factory=dict)
    """By annotation: values in DS that another database of dsync wrote; None: a human's."""
    refusals: list[str] = field(default_factory=list)
    """Reasons of the refusals made before sending. Labels are left out: `report_missing_labels`
    reports them."""

    @property
    def wish_ids(self) -> list[int]:
        """Ids of the outbox rows that the write carries."""
        return [step.wish.id for step in self.steps]

    @property
    def sendings(self) -> list[Sending]:
        """What the store records of these rows before they are sent."""
        return [Sending(step.wish.id, step.target, self.seen_at) for step in self.steps]

    def described(self) -> dict[str, Any]:
        """Return the write as a JSON object, for a dry run."""
        values = {s.wish.annotation: s.wish.valeur for s in self.steps if s.descriptor}
        label = next((s for s in self.steps if s.wish.annotation == LABEL), None)
        document: dict[str, Any] = {"dossier": self.numero, "annotations": values}
        forced = [s.wish for s in self.steps if s.wish.force]
        if forced:
            document["replaced"] = {w.annotation: self.current_values[w.annotation] for w in forced}
            document["becomes"] = {w.annotation: w.valeur for w in forced}
        if label is not None:
            document["label"] = {"add": label.add, "remove": list(label.remove)}
        return document


def plan_write(
    dossier: DuePush, remote: RemoteAnnotations, resolved: ResolvedAnnotations, terms: Terms
) -> PlannedWrite:
    """Plan the due wishes of one dossier.

    Args:
        dossier: with all its current wishes; those that are not due only influence the others.
        remote: its annotations and labels, as just read from DS.
        resolved: dsync's annotations in the dossier's revision of the form.
        terms: the instructeur, labels and configuration to write with.
    """
    edited_at = remote.date_derniere_modification_annotations
    made = PlannedWrite(
        dossier.numero, label_ids={**remote.labels, **terms.labels}, seen_at=edited_at
    )
    there = Remote(remote.values, remote.labels, edited_at, remote.updated_at)
    wishes = dossier.wishes
    if not any(w.pushed or w.uncertain for w in wishes if w.annotation in VALUE_NAMES):
        wanted = {wish.annotation: wish.valeur for wish in wishes}
        made.adopted = adopted_values(there, resolved, terms.config, terms.stated_verdict, wanted)
    else:
        by_name = {wish.annotation: wish for wish in wishes}
        made.adopted = later_values(by_name, there, resolved, terms.config, terms.stated_verdict)
    steps = plan(_renewed(wishes, made.adopted), there, resolved, terms.config, terms.labels)
    names = [step.wish.annotation for step in steps if step.wish.force]
    made.current_values = {
        name: current_value(name, there, resolved, terms.config) for name in names
    }
    for step in steps:
        if not step.wish.is_due:
            continue
        if step.action is Action.WRITE:
            made.steps.append(step)
            continue
        made.outcomes.append(_outcome_without_write(step, remote))
        made.in_conflict |= step.action is Action.CONFLICT
        is_refused = step.action in {Action.REFUSE, Action.REFUSE_NOT_SAVED}
        if step.wish.annotation == LABEL:
            made.labels_may_be_outdated |= is_refused or step.action is Action.CONFLICT
        elif is_refused:
            made.refusals.append(step.reason or "")
    if made.steps:
        made.write = _write(dossier, remote, made.steps, terms)
    return made


def _renewed(wishes: Sequence[Wish], own: Mapping[str, WrittenValue]) -> list[Wish]:
    """Return the wishes with the adopted values as pushed ones; an equal verdict keeps its date."""
    wanted = {wish.annotation: wish.valeur for wish in wishes}
    decisive = [name for name in (RESULTAT, DETAIL) if name in own]
    is_same = all(own[name].value == wanted.get(name) for name in decisive)
    renewed = []
    for wish in wishes:
        known = own.get(wish.annotation)
        if known is not None:
            is_kept = is_same and wish.annotation == DATE
            valeur = known.value if is_kept and known.value else wish.valeur
            wish = replace(wish, pushed=known, uncertain=None, valeur=valeur)
        renewed.append(wish)
    return renewed


_STATUSES = {
    Action.CONFIRM: WishStatus.CONFIRMEE,
    Action.CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_REFUSAL: WishStatus.REFUSEE,
    Action.SUSPEND: WishStatus.SUSPENDUE,
    Action.REFUSE: WishStatus.REFUSEE,
    Action.REFUSE_NOT_SAVED: WishStatus.REFUSEE,
}


def _outcome_without_write(step: Step, remote: RemoteAnnotations) -> WishOutcome:
    wish, statut = step.wish, _STATUSES[step.action]
    end = WishOutcome(wish.id, statut, cible=step.target, erreur=step.reason)
    match step.action:
        case Action.CONFIRM:
            return replace(end, pushed=wish.valeur, valeur=wish.valeur)
        case Action.CONFLICT:
            since = remote.updated_at.get(step.target or "")
            return replace(end, valeur_distante=step.remote or "", distante_le=since)
        case Action.BLOCKED_BY_CONFLICT:
            return replace(end, valeur_distante=step.remote or "")
        case Action.REFUSE_NOT_SAVED:
            # DS is known to hold no value here, so a later wish with another value can be written.
            return replace(end, pushed="", definitive=True)
        case _:
            return end


def _write(
    dossier: DuePush, remote: RemoteAnnotations, steps: Sequence[Step], terms: Terms
) -> DossierWrite:
    annotations = tuple(
        AnnotationWrite(
            step.descriptor.id,
            step.descriptor.type,
            input_value(step.descriptor.type, step.wish.valeur),
        )
        for step in steps
        if step.descriptor
    )
    label = next((step for step in steps if step.wish.annotation == LABEL), None)
    return DossierWrite(
        number=dossier.numero,
        dossier_id=remote.dossier_id,
        instructeur_id=terms.instructeur_id,
        annotations=annotations,
        labels_add=(terms.labels[label.add],) if label and label.add else (),
        labels_remove=tuple(remote.labels[name] for name in label.remove) if label else (),
    )


def outcomes_of(made: PlannedWrite, outcome: WriteOutcome, later: datetime) -> list[WishOutcome]:
    """Return the outcome of each wish that was sent.

    Args:
        made: the dossier's planned write.
        outcome: DS's answer to it, by ids of annotations and labels.
        later: when a wish that cannot be written now is tried again.
    """
    return [_outcome(made, step, outcome, later) for step in made.steps]


def _outcome(made: PlannedWrite, step: Step, outcome: WriteOutcome, later: datetime) -> WishOutcome:
    wish = step.wish
    if outcome.code == Refusal.READ_ONLY:
        return WishOutcome(
            wish.id, WishStatus.REFUSEE, erreur=outcome.message, nothing_written=True
        )
    if outcome.not_found or outcome.code:
        return WishOutcome(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=outcome.message,
            prochain_essai_le=later,
            nothing_written=True,
        )
    if _is_done(made, step, outcome):
        return WishOutcome(
            wish.id,
            WishStatus.CONFIRMEE,
            pushed=wish.valeur,
            cible=step.target,
            replaced=step.remote or "",
            written=True,
        )
    message = _refusal(made, step, outcome)
    if message is not None:
        # If DS added one label and refused to remove another, dsync wrote the current ones too.
        is_half_done = step.descriptor is None and bool(
            _label_ids(made, step) & outcome.labels_done
        )
        return WishOutcome(
            wish.id, WishStatus.REFUSEE, erreur=message, nothing_written=not is_half_done
        )
    return WishOutcome(wish.id, WishStatus.INCERTAINE)


def _is_done(made: PlannedWrite, step: Step, outcome: WriteOutcome) -> bool:
    if step.descriptor is not None:
        return step.descriptor.id in outcome.saved
    return _label_ids(made, step) <= outcome.labels_done


def _label_ids(made: PlannedWrite, step: Step) -> frozenset[str]:
    names = (*((step.add,) if step.add else ()), *step.remove)
    return frozenset(made.label_ids[name] for name in names if name in made.label_ids)


def _refusal(made: PlannedWrite, step: Step, outcome: WriteOutcome) -> str | None:
    if step.descriptor is not None:
        return outcome.refused.get(step.descriptor.id)
    refused = [outcome.refused[id_] for id_ in _label_ids(made, step) if id_ in outcome.refused]
    return refused[0] if refused else None
