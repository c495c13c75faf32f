"""What an operator or the form's owner changed since the last run, and what has to be done again.

A wish carries its text, and a refusal or a missing right stops it: when the configured texts,
the annotations, the labels or who writes are others than before, both are looked at again.
"""

from __future__ import annotations

from hashlib import blake2b

from dsync.annotations import desired
from dsync.annotations.config import LABEL, RESULTAT
from dsync.domain.dossier import Demarche, Presence
from dsync.domain.programme import Due
from dsync.store import NewWish
from dsync.sync.context import Context, Run, batches
from dsync.sync.pages import learn_revisions, refresh_demarche


def follow_config_changes(run: Run) -> None:
    """Word the wishes as the configuration now says, and free those that something stopped.

    Raises:
        DSError: the démarche's labels could not be read anew; nothing was freed.
        StoreError: what was reworded stays so; the rest follows with the next run.
    """
    with run.transaction() as tx:
        demarche, before = tx.demarche(), tx.state().writing_key
    if demarche is None:
        return
    if _missing_labels(run, demarche) and not run.demarche_is_fresh:
        # Made on DS since, perhaps, as the message asked.
        demarche = refresh_demarche(run)
    _say_unmapped(run, demarche)
    tell_missing_labels(run, demarche)
    if run.has_read_all:
        with run.transaction() as tx:
            tx.retry_stopped(run.now)
    key = _writing_key(run.context, demarche)
    if key == before:
        return
    if before is not None:
        _reword(run)
        _look_where_annotations_moved(run)
        with run.transaction() as tx:
            tx.retry_refused((), run.now)
    with run.transaction() as tx:
        tx.save_state(writing_key=key)


def _writing_key(context: Context, demarche: Demarche) -> str:
    return digest(
        context.annotations.model_dump_json(),
        demarche.active_revision_id,
        *sorted(f"{name}:{id_}" for name, id_ in demarche.labels.items()),
        *sorted(f"{one.id}:{one.groupe}" for one in demarche.instructeurs),
        context.policy.writer,
    )


def _reword(run: Run) -> None:
    with run.transaction() as tx:
        numbers = tx.numbers_to_judge(everything_open=True)
    for chunk in batches(run.context, numbers):
        with run.transaction() as tx:
            tx.wish(
                [wish for due in tx.for_judging(chunk) for wish in _reworded(run, due)], run.now
            )


def _reworded(run: Run, due: Due) -> list[NewWish]:
    """The result and the label alone: the detail and the date are the verdict's own."""
    current = due.current
    if current is None or due.presence != Presence.PRESENT or not due.wished:
        return []
    wanted = desired(current.verdict, current.detail, current.depuis_le, run.context.annotations)
    return [
        NewWish(due.numero, name, wanted[name])
        for name in (RESULTAT, LABEL)
        if name in wanted and due.wished.get(name) != wanted[name]
    ]


def _look_where_annotations_moved(run: Run) -> None:
    """Look again at what was settled in annotations that the configuration now has elsewhere."""
    with run.transaction() as tx:
        settled = tx.ended_targets()
    learn_revisions(run, {revision_id for revision_id, _, _ in settled})
    with run.transaction() as tx:
        for revision_id, annotation, cible in settled:
            descriptor = run.annotations_of(revision_id).by_name(annotation)
            if descriptor is not None and descriptor.id != cible:
                tx.reopen_ended_at(revision_id, annotation, cible)


def tell_missing_labels(run: Run, demarche: Demarche) -> None:
    """Say which configured labels the démarche does not have: a fault of the configuration."""
    missing = _missing_labels(run, demarche)
    if missing:
        names = ", ".join(f"« {name} »" for name in missing)
        run.report.problem(
            f"[annotations.labels]: the démarche has no label {names}. Create it on DS with "
            "exactly this name, or name another (`dsync check`)."
        )


def _missing_labels(run: Run, demarche: Demarche) -> list[str]:
    labels = run.context.annotations.labels
    return [name for name in labels.all() if name not in demarche.labels] if labels else []


def _say_unmapped(run: Run, demarche: Demarche) -> None:
    """Tell which needed fields no revision of the form has: their checks are impossible."""
    programme = run.context.programme
    missing = programme.missing_fields(demarche) if programme else ()
    if missing:
        run.report.problem(
            f"[mapping] {', '.join(missing)}: no champ of the form matches, so these "
            "answers are missing and their checks impossible; correct the ids (`dsync check`)."
        )


def digest(*parts: str) -> str:
    """Return a short digest that changes when a part does."""
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
