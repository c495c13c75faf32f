"""Send what the outbox wishes, never over a human's value, never twice by accident.

For each batch, one request reads what stands in DS and the plan is made. What will be written is
marked `incertaine` before it is sent, so that a process killed in between reads back first. One
document carries the batch; what became of each dossier is settled on its own.
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
    Own,
    Remote,
    ResolvedAnnotations,
    Step,
    Wish,
    current_value,
    own_set,
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
from dsync.store import DueDossier, Pushed, Sending, StoredWish, WishOutcome, WishStatus
from dsync.sync.config_changes import tell_missing_labels
from dsync.sync.context import Run
from dsync.sync.pages import learn_revisions, refresh_demarche

log = structlog.get_logger(__name__)

UNKNOWN_FOR = timedelta(seconds=35)
"""DS gives up after 30 s: what it has not answered by then is done or never will be."""
POSTPONED_FOR = timedelta(hours=1)
"""For what waits until somebody gives a right, or until the next pull tells more."""
MOST_ATTEMPTS = 8
BACKOFF = timedelta(minutes=5)
"""Before a dossier whose write alone ends in DS's internal error is tried again; then doubled:
given up after some ten hours, which an outage of DS seldom lasts."""
MOST_FAILURES = 3
"""Single dossiers in a row whose write fails, after which it is DS that fails, not they."""
REMEDIES: dict[str, str] = {
    Refusal.READ_ONLY: (
        "DS refuses to write: the token is read-only. Make a read/write token in the DS profile "
        "and set DSYNC_DS_TOKEN: the next run then sends what was refused."
    ),
    Refusal.NO_RIGHT: (
        "DS refuses to write: the instructeur of DSYNC_DS_INSTRUCTEUR has no right on some "
        "dossiers. Pushes wait; add them to the groupe instructeur of these dossiers."
    ),
}

UNANSWERED = (
    "DS did not answer a write: these annotations are uncertain, and are read back no earlier "
    "than 35 s from now, by the next run or by `dsync push`, which waits for it."
)


class _Next(Enum):
    """How to go on after a batch."""

    LARGER = "larger"
    SMALLER = "smaller"
    """DS did not come to the end of the document."""
    NONE = "none"


def push_due(
    run: Run,
    numbers: Sequence[DossierNumber] = (),
    *,
    say_waiting: Callable[[str], None] | None = None,
) -> None:
    """Settle every wish that is due.

    Args:
        run: the run.
        numbers: only these dossiers, when any are given.
        say_waiting: given where what was sent without an answer is waited for and read back; is
            told so first. Else that is left to a later run.

    Raises:
        DsyncError: when DS or the database cannot be reached; what was settled stays so.
    """
    _push_now(run, numbers, waits=say_waiting is not None)
    if say_waiting is not None:
        with run.transaction() as tx:
            left = tx.unknown_for(run.now, UNKNOWN_FOR, numbers)
        if left:
            seconds = ceil(left.total_seconds())
            say_waiting(
                f"DS did not answer a write: waiting {seconds} s before reading back what it did. "
                "It is safe to stop: a later run reads back too."
            )
            run.context.stop.wait(seconds)
            run.context.check_stop()
            _push_now(run, numbers, waits=True)
    with run.transaction() as tx:
        waiting, causes = tx.waiting_count(numbers), tx.waiting_causes(numbers)
    if waiting and not run.report.errors:
        why = "; ".join(causes) or "DS did not answer"
        run.report.problem(
            f"Dossiers that wait for their annotations: {waiting} ({why}). Tried again within the "
            "hour, or now by `dsync push`."
        )


def tell_unknown(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Say which of the dossiers that an operator named are none that can be written."""
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
        total = tx.due_count(run.now, UNKNOWN_FOR, numbers)
    target = _target(run) if total else None
    if target is not None:
        _push_all(run, target, numbers, total, waits=waits)


def _target(run: Run) -> Target | None:
    """Return in whose name and with which labels annotations are written; None: pushes wait.

    The démarche's facts are as last read; who is not found in them is looked for on DS.
    """
    named = run.context.policy.instructeur
    if not named:
        run.report.problem(
            "No instructeur is configured, so pushes wait: set DSYNC_DS_INSTRUCTEUR to the e-mail "
            "or the id of an instructeur of the démarche."
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
            "The instructeur of DSYNC_DS_INSTRUCTEUR is in no groupe instructeur of the démarche, "
            "so pushes wait: add them, or name another."
        )
        return None
    programme = run.context.programme
    stated_verdict = programme.stated_verdict if programme else lambda _detail: None
    return Target(found, demarche.labels, run.context.annotations, stated_verdict)


def _refresh_labels(run: Run, target: Target) -> None:
    """Learn the démarche's labels anew: one renamed or removed on DS is no human's edit."""
    demarche = refresh_demarche(run)
    target.labels = demarche.labels
    tell_missing_labels(run, demarche)


def _push_all(
    run: Run, target: Target, numbers: Sequence[DossierNumber], total: int, *, waits: bool
) -> None:
    """Push batch after batch; a batch that is too heavy for DS is halved, then grows back."""
    most = run.context.policy.push_batch
    size, failures = most, 0
    seen: set[DossierNumber] = set()
    while True:
        run.context.check_stop()
        with run.transaction() as tx:
            # While DS follows, the labels of one batch travel with the annotations of the next.
            labels = size if size == most else 0
            due = tx.due_dossiers(run.now, UNKNOWN_FOR, limit=size, labels=labels, numbers=numbers)
        if not due:
            return
        try:
            then = _push_batch(run, target, due, numbers)
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
            then = _Next.LARGER if failures < MOST_FAILURES else _Next.NONE
        else:
            failures = 0
            size = max(1, size // 2) if then is _Next.SMALLER else min(most, size * 2)
        seen.update(dossier.numero for dossier in due)
        run.context.progress.pushed(min(len(seen), total), total)
        if then is _Next.NONE:
            return


def _push_batch(
    run: Run, target: Target, due: Sequence[DueDossier], numbers: Sequence[DossierNumber]
) -> _Next:
    """Read, plan, write and settle one batch; say how to go on."""
    learn_revisions(run, {dossier.revision_id for dossier in due})
    resolved = {d.numero: run.annotations_of(d.revision_id) for d in due}
    ids = sorted({id_ for found in resolved.values() for id_ in found.ids()})
    remotes = run.context.client.read_annotations(
        [d.numero for d in due], ids, run.context.demarche
    )
    planned: list[PlannedWrite] = []
    settled: list[WishOutcome] = []
    adopted: dict[DossierNumber, Mapping[str, Pushed]] = {}
    for dossier in due:
        remote = remotes[dossier.numero]
        if remote is None or remote.etat not in OPEN_ETATS:
            settled += _later(run, dossier, "DS ne montre plus ce dossier, ou il est terminé")
            continue
        made = plan_write(dossier, remote, resolved[dossier.numero], target)
        if made.labels_may_be_outdated and not run.demarche_is_fresh:
            _refresh_labels(run, target)
            made = plan_write(dossier, remote, resolved[dossier.numero], target)
        settled += made.settled
        if made.adopted:
            adopted[made.numero] = made.adopted
        if made.in_conflict:
            run.report.stopped.add(made.numero)
        _note_refusals(run, made.refusals)
        if made.write is not None:
            planned.append(made)
    if adopted:
        with run.transaction() as tx:
            tx.adopt(run.id, adopted, run.now)
        run.report.recognised.update(adopted)
    if run.report.dry:
        return _pretend(run, settled, planned)
    sent = [wish_id for made in planned for wish_id in made.wish_ids]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, settled, run.now)
        tx.mark_sending([sending for made in planned for sending in made.sendings], run.now)
    if not planned:
        return _Next.LARGER
    writes = [made.write for made in planned if made.write is not None]
    try:
        outcomes = run.context.client.push(writes)
    except DSOutcomeUnknownError as exc:
        if exc.finished:
            _read_back_soon(run, due, planned)
        raise
    except (DSError, InterruptedRunError):
        _take_back(run, sent)
        raise
    then = _settle_outcomes(run, planned, outcomes)
    read_only = next((o.message for o in outcomes if o.code == Refusal.READ_ONLY), None)
    if read_only is not None:
        # The others would be refused one batch after the other.
        with run.transaction() as tx:
            tx.refuse_waiting(read_only, numbers)
        return _Next.NONE
    return then


def _settle_outcomes(
    run: Run, planned: Sequence[PlannedWrite], outcomes: Sequence[WriteOutcome]
) -> _Next:
    by_number = {outcome.number: outcome for outcome in outcomes}
    settled: list[WishOutcome] = []
    codes: set[str] = set()
    for made in planned:
        outcome = by_number[made.numero]
        result = outcomes_of(made, outcome, run.now + POSTPONED_FOR)
        settled += result
        if any(s.statut is WishStatus.CONFIRMEE for s in result):
            run.report.written.add(made.numero)
        if outcome.code:
            codes.add(outcome.code)
            continue
        _note_refusals(run, [s.erreur or "" for s in result if s.statut is WishStatus.REFUSEE])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, settled, run.now)
    for code in sorted(codes & REMEDIES.keys()):
        run.report.problem(REMEDIES[code])
    is_cut = any(outcome.unknown for outcome in outcomes)
    return _Next.SMALLER if is_cut else _Next.LARGER


def _note_refusals(run: Run, reasons: Sequence[str]) -> None:
    """Say why a dossier's wishes are refused, each reason once."""
    for reason in reasons:
        run.report.problem(
            f"Annotations refused: {reason}. Correct the form or the configuration "
            "(`dsync check`); they are sent again when either changes, or now by `dsync push`."
        )


def _take_back(run: Run, wish_ids: Sequence[int]) -> None:
    """Nothing was executed (a refused token, say): the wishes wait, nothing is uncertain."""
    settled = [
        WishOutcome(wish_id, WishStatus.EN_ATTENTE, nothing_written=True) for wish_id in wish_ids
    ]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, settled, run.now)


def _read_back_soon(run: Run, due: Sequence[DueDossier], planned: Sequence[PlannedWrite]) -> None:
    """DS failed in the middle of the document: some are done, some are not; ask one by one.

    One that was alone in its document waits, longer each time, and is given up in the end.
    """
    attempts = {wish.id: wish.tentatives for dossier in due for wish in dossier.wishes}
    why = "DS répond par une erreur interne à chaque écriture"
    is_alone = len(planned) == 1
    settled = []
    for made in planned:
        for wish_id in made.wish_ids:
            tried = attempts[wish_id]
            is_last_attempt = is_alone and tried + 1 >= MOST_ATTEMPTS
            later = run.now + BACKOFF * 2**tried if is_alone and not is_last_attempt else None
            statut = WishStatus.REFUSEE if is_last_attempt else WishStatus.EN_ATTENTE
            settled.append(WishOutcome(wish_id, statut, erreur=why, prochain_essai_le=later))
    if any(end.statut is WishStatus.REFUSEE for end in settled):
        _note_refusals(run, [why])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, settled, run.now)


def _later(run: Run, dossier: DueDossier, why: str) -> list[WishOutcome]:
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


def _postpone(run: Run, due: Sequence[DueDossier]) -> None:
    why = "DS ne rend pas les annotations de ce dossier pour l’instant"
    with run.transaction() as tx:
        tx.record_outcomes(run.id, [s for d in due for s in _later(run, d, why)], run.now)
    run.report.problem("Some dossiers' annotations cannot be read in DS now; tried again later.")


def _pretend(run: Run, settled: Sequence[WishOutcome], planned: Sequence[PlannedWrite]) -> _Next:
    """Tell what would be sent, and settle it in the dry run's scratch copy alone."""
    for made in planned:
        run.report.would_send(made.described())
    written = [
        WishOutcome(wish_id, WishStatus.CONFIRMEE) for made in planned for wish_id in made.wish_ids
    ]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, [*settled, *written], run.now)
    run.report.written.update(made.numero for made in planned)
    return _Next.LARGER


@dataclass(slots=True)
class Target:
    """In whose name, and with which labels, the démarche's annotations are written."""

    instructeur_id: str
    labels: Mapping[str, str]
    """Of the démarche, ids by name."""
    config: AnnotationsConfig
    stated_verdict: Callable[[str], Verdict | None]
    """Returns the verdict that a detail states, None for a text that is not the programme's."""


@dataclass(slots=True)
class PlannedWrite:
    """What is to be done for one dossier."""

    numero: DossierNumber
    settled: list[WishOutcome] = field(default_factory=list)
    """Wishes settled without a write."""
    steps: list[Step] = field(default_factory=list)
    """Wishes that `write` carries."""
    write: DossierWrite | None = None
    label_ids: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)
    """What stands in DS, by annotation, as a question before a forced write shows it."""
    seen_at: datetime | None = None
    """DS's date of the last edit of annotations by hand, as just read."""
    in_conflict: bool = False
    labels_may_be_outdated: bool = False
    """The label is refused, or in conflict: the démarche's labels may be others than known."""
    adopted: Mapping[str, Pushed] = field(default_factory=dict)
    """What stands in DS as dsync's own, though this database did not write it; by annotation."""
    refusals: list[str] = field(default_factory=list)
    """Why wishes were refused before anything was sent; labels' faults are told elsewhere."""

    @property
    def wish_ids(self) -> list[int]:
        """The outbox rows that the write carries."""
        return [step.wish.id for step in self.steps]

    @property
    def sendings(self) -> list[Sending]:
        """What to note of those rows before they are sent."""
        return [Sending(step.wish.id, step.target, self.seen_at) for step in self.steps]

    def described(self) -> dict[str, Any]:
        """Return the write as a dry run prints it."""
        values = {s.wish.annotation: s.wish.valeur for s in self.steps if s.descriptor}
        label = next((s for s in self.steps if s.wish.annotation == LABEL), None)
        document: dict[str, Any] = {"dossier": self.numero, "annotations": values}
        forced = [s.wish for s in self.steps if s.wish.force]
        if forced:
            document["replaced"] = {w.annotation: self.standing[w.annotation] for w in forced}
            document["becomes"] = {w.annotation: w.valeur for w in forced}
        if label is not None:
            document["label"] = {"add": label.add, "remove": list(label.remove)}
        return document


def plan_write(
    dossier: DueDossier, remote: RemoteAnnotations, resolved: ResolvedAnnotations, target: Target
) -> PlannedWrite:
    """Plan one dossier's wishes; only those that are due are settled or written."""
    edited_at = remote.date_derniere_modification_annotations
    made = PlannedWrite(
        dossier.numero, label_ids={**remote.labels, **target.labels}, seen_at=edited_at
    )
    due = {w.id for w in dossier.wishes if w.is_due}
    there = Remote(remote.values, remote.labels, edited_at, remote.updated_at)
    wishes = [_wish(stored) for stored in dossier.wishes]
    if not any(w.pushed or w.uncertain for w in wishes if w.annotation in VALUE_NAMES):
        wanted = {wish.annotation: wish.valeur for wish in wishes}
        own = own_set(there, resolved, target.config, target.stated_verdict, wanted)
        made.adopted = {name: Pushed(value.value, value.target) for name, value in own.items()}
        wishes = _renewed(wishes, own)
    steps = plan(
        wishes,
        there,
        resolved,
        target.config,
        target.labels,
    )
    names = [step.wish.annotation for step in steps if step.wish.force]
    made.standing = {name: current_value(name, there, resolved, target.config) for name in names}
    for step in steps:
        if step.wish.id not in due:
            continue
        if step.action is Action.WRITE:
            made.steps.append(step)
            continue
        made.settled.append(_settled(step, remote))
        made.in_conflict |= step.action is Action.CONFLICT
        is_refused = step.action in {Action.REFUSE, Action.REFUSE_NOT_SAVED}
        if step.wish.annotation == LABEL:
            made.labels_may_be_outdated |= is_refused or step.action is Action.CONFLICT
        elif is_refused:
            made.refusals.append(step.reason or "")
    if made.steps:
        made.write = _write(dossier, remote, made.steps, target)
    return made


def _renewed(wishes: Sequence[Wish], own: Mapping[str, Own]) -> list[Wish]:
    """Return the wishes with what was adopted as pushed; the same verdict keeps its date."""
    wanted = {wish.annotation: wish.valeur for wish in wishes}
    decisive = (RESULTAT, DETAIL)
    is_same = all(name in own and own[name].value == wanted.get(name) for name in decisive)
    renewed = []
    for wish in wishes:
        known = own.get(wish.annotation)
        if known is not None:
            is_kept = is_same and wish.annotation == DATE
            valeur = known.value if is_kept and known.value else wish.valeur
            wish = replace(wish, pushed=known, valeur=valeur)
        renewed.append(wish)
    return renewed


def _wish(stored: StoredWish) -> Wish:
    is_refused = stored.statut is WishStatus.REFUSEE
    return Wish(
        stored.id,
        stored.annotation,
        stored.valeur,
        _own(stored.pushed),
        _own(stored.uncertain),
        stored.seen_at,
        force=stored.force_par is not None,
        over=stored.force_sur,
        is_due=stored.is_due,
        is_confirmed=stored.statut is WishStatus.CONFIRMEE,
        refusal=(stored.erreur or "") if is_refused else None,
    )


def _own(pushed: Pushed | None) -> Own | None:
    return None if pushed is None else Own(pushed.valeur, pushed.cible)


_STATUSES = {
    Action.CONFIRM: WishStatus.CONFIRMEE,
    Action.CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_REFUSAL: WishStatus.REFUSEE,
    Action.SUSPEND: WishStatus.SUSPENDUE,
    Action.REFUSE: WishStatus.REFUSEE,
    Action.REFUSE_NOT_SAVED: WishStatus.REFUSEE,
}


def _settled(step: Step, remote: RemoteAnnotations) -> WishOutcome:
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
            # The annotation is empty, and that is known: a newer value may be tried.
            return replace(end, pushed="", definitive=True)
        case _:
            return end


def _write(
    dossier: DueDossier, remote: RemoteAnnotations, steps: Sequence[Step], target: Target
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
        instructeur_id=target.instructeur_id,
        annotations=annotations,
        labels_add=(target.labels[label.add],) if label and label.add else (),
        labels_remove=tuple(remote.labels[name] for name in label.remove) if label else (),
    )


def outcomes_of(made: PlannedWrite, outcome: WriteOutcome, later: datetime) -> list[WishOutcome]:
    """Say what became of each wish that was sent, by the ids that came back."""
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
        # Of a label one half may be done: what stands there now is ours all the same.
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
