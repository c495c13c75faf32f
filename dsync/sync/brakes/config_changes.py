"""Applies changes of the configuration, the form and the rights to the wishes in the outbox.

A wish contains its text, and can be stopped by a refusal or a missing right. When the configured
texts, the annotations, the labels, the token or the instructeur have changed since the last run,
the wishes are worded again and the stopped ones are retried.
"""

from __future__ import annotations

from dsync.annotations.targets import LABEL, RESULTAT, AnnotationsConfig, desired
from dsync.annotations.wish import NewWish
from dsync.domain.consent import Consent, Move, Proposal
from dsync.domain.dossier import OPEN_ETATS, Demarche, Presence
from dsync.domain.due import ToJudge
from dsync.errors import ConfigurationError
from dsync.messages import kinds as k
from dsync.programme import Programme
from dsync.store import Reader
from dsync.sync.brakes.grounds import (
    follow_boxes,
    learn_boxes,
    lost_boxes,
    serves_another_call,
)
from dsync.sync.context import (
    Context,
    Run,
    digest,
    is_accepted,
    learn_revisions,
    mapping_key_of,
    nothing_to_accept,
    refresh_demarche,
)


def check_sections(run: Run) -> None:
    """Check that the configuration has the sections by which the stored rows were made.

    Without them the run would empty the rows: it may be that of another démarche. A person can
    consent to that.

    Raises:
        ConfigurationError: it lacks some; nothing was changed.
    """
    lost = _lost_sections(run)
    moves = tuple(move for move, _ in lost.values())
    number = sum(move.dossiers for move in moves)
    proposal = Proposal(Consent.CONFIG, moves, number, dict.fromkeys(lost, ""))
    if lost and not is_accepted(run, proposal):
        said = ", ".join(f"{move.dossiers} {what}" for move, what in lost.values())
        raise ConfigurationError(
            k.SectionsLost(str(run.context.config), run.demarche, tuple(lost), said)
        )
    if "[[controles]]" in lost:
        with run.transaction() as tx:
            tx.state.save(evidence_key=None)


def end_consent(run: Run) -> None:
    """End what waits for a consent to the configuration, or was accepted, if it lacks nothing."""
    if not (_lost_sections(run) or lost_boxes(run) or run.boxes_given_up):
        nothing_to_accept(run, Consent.CONFIG)


def _lost_sections(run: Run) -> dict[str, tuple[Move, str]]:
    context = run.context
    with run.reading() as reader:
        return lost_sections(reader, context.programme, context.annotations)


def lost_sections(
    reader: Reader, programme: Programme | None, annotations: AnnotationsConfig | None
) -> dict[str, tuple[Move, str]]:
    """Return what each missing section or field has made, and what becomes of it."""
    state, lost = reader.state.read(), dict[str, tuple[Move, str]]()
    has_rules = programme is not None and bool(programme.rules)
    is_same = state.mapping_key in (None, mapping_key_of(programme, annotations))
    if is_same and has_rules and annotations:
        return lost

    def lose(name: str, number: int, what: str, before: str, after: str) -> None:
        lost[name] = Move(f"section {name}", before, after, number), what

    made, gone = reader.made_by_sections(), ("réponses lues", "retirées de la copie")
    if not (programme and programme.mapping_key):
        if made.rows:
            lose("[mapping]", made.rows, f"{made.table}s would be emptied", *gone)
    elif not is_same:
        for name in sorted(made.fields.keys() - programme.mapped):
            lose(f"[mapping] {name}", made.fields[name], f"answers in {name} would go", *gone)
    # The key is that of rules: without it, these verdicts were given up before.
    if not has_rules and state.evidence_key is not None and made.verdicts:
        what = "verdicts would be renewed no more"
        lose("[[controles]]", made.verdicts, what, "avis tenus à jour", "figés")
    if annotations is None and made.wishes:
        what = "wishes would be emptied"
        lose("[annotations]", made.wishes, what, "inscriptions suivies", "abandonnées")
    return lost


def follow_config_changes(run: Run) -> None:
    """Reword the wishes by the present configuration, and retry the stopped ones if it changed.

    Raises:
        DSError: the démarche could not be read; nothing was changed.
        StoreError: the wishes reworded so far stay; the next run does the rest.
    """
    demarche = run.known_demarche()
    with run.reading() as reader:
        before = reader.state.read().writing_key
        # Before wishes are worded again: a suspended one tells that there was a box.
        learn_boxes(run, reader)
        words = {k.value: v for k, v in run.context.words.items()}
        names = (run.context.appel, words, _origins(run, demarche))
        is_named = reader.demarche.names() == names
        has_views = not reader.demarche.views_are_due(run.context.opened)
    if not has_views:
        with run.transaction() as tx:
            has_views = tx.demarche.renew_views(run.context.opened)
    if not has_views:
        run.problem(k.Numbered(k.NumberNote.VIEWS_BEHIND, run.context.demarche))
    if demarche is None:
        return
    if not is_named:
        with run.transaction() as tx:
            tx.demarche.name(*names)
    if _missing_labels(run, demarche) and not run.demarche_is_fresh:
        # The operator may have created the labels since, as the message asks.
        demarche = refresh_demarche(run)
    _report_unmapped_fields(run, demarche)
    # Of a form that is not the configuration's, its labels say nothing.
    if not serves_another_call(run):
        follow_boxes(run, demarche)
        report_missing_labels(run, demarche)
    if run.has_read_all:
        with run.transaction() as tx:
            # A right can be given on DS without changing any dossier.
            tx.outbox.retry_stopped()
    key, annotations = _writing_key(run.context, demarche), run.context.annotations
    if key == before:
        return
    if annotations is None:
        with run.transaction() as tx:
            tx.outbox.withdraw()
    # Without a key of before, all wishes were made with the present configuration.
    elif before is not None:
        _reword(run)
        _look_where_annotations_moved(run)
        with run.transaction() as tx:
            if annotations.leaves_labels:
                tx.outbox.withdraw([LABEL])
            tx.outbox.retry_refused()
    with run.transaction() as tx:
        tx.state.save(writing_key=key)


def _writing_key(context: Context, demarche: Demarche) -> str:
    return digest(
        context.annotations.model_dump_json(exclude_unset=True) if context.annotations else "",
        demarche.active_revision_id,
        *sorted(f"{name}:{id_}" for name, id_ in demarche.labels.items()),
        *sorted(f"{one.id}:{one.groupe}" for one in demarche.instructeurs),
        context.writer,
    )


def _reword(run: Run) -> None:
    with run.reading() as reader:
        numbers = reader.queue.numbers(OPEN_ETATS)
    for chunk in run.batches(numbers):
        with run.transaction() as tx:
            tx.outbox.wish(
                [wish for due in tx.verdicts.for_judging(chunk) for wish in _reworded(run, due)],
                run.now,
            )


def _reworded(run: Run, due: ToJudge) -> list[NewWish]:
    """Return the wishes whose text changed, or all if the dossier has a verdict and no wish.

    The changed ones are at most the result and the label: the detail and the date come from the
    verdict. A dossier has no wish if there was no section `[annotations]` before.
    """
    current = due.current
    if current is None or due.presence != Presence.PRESENT:
        return []
    config = run.context.annotations
    wanted = desired(current.verdict, current.detail, current.depuis_le, config, due.wished)
    return [
        NewWish(due.numero, name, wanted[name])
        for name in ((RESULTAT, LABEL) if due.wished else wanted)
        if name in wanted and due.wished.get(name) != wanted[name]
    ]


def _look_where_annotations_moved(run: Run) -> None:
    """Reopen the ended wishes of annotations for which another descriptor is now configured."""
    with run.reading() as reader:
        targets = reader.outbox.ended_targets()
    learn_revisions(run, {revision_id for revision_id, _, _ in targets})
    with run.transaction() as tx:
        for revision_id, annotation, cible in targets:
            descriptor = run.annotations_of(revision_id).by_name(annotation)
            if descriptor is not None and descriptor.id != cible:
                tx.outbox.reopen_ended_at(revision_id, annotation, cible)


def report_missing_labels(run: Run, demarche: Demarche) -> None:
    """Report the configured labels that the démarche does not have."""
    missing = _missing_labels(run, demarche)
    if missing:
        run.problem(k.LabelsMissing(tuple(missing)))


def _missing_labels(run: Run, demarche: Demarche) -> list[str]:
    annotations = run.context.annotations
    labels = annotations.labels if annotations else None
    return [name for name in labels.all() if name not in demarche.labels] if labels else []


def _origins(run: Run, demarche: Demarche | None) -> list[dict[str, str]]:
    """Return of which champs the columns of the programme's views are made."""
    programme = run.context.programme
    revision = demarche and demarche.revisions.get(demarche.active_revision_id)
    if programme is None or not revision:
        return []
    by_id = revision.descriptors
    return [
        {
            "vue": view,
            "colonne": column,
            "origine": "annotation" if by_id[id_].is_annotation else "champ",
            "champ_id": id_,
        }
        for view, column, id_ in programme.form(by_id).columns
    ]


def _report_unmapped_fields(run: Run, demarche: Demarche) -> None:
    """Report the fields and values without which dossiers are judged, and that the form lacks."""
    programme = run.context.programme
    for said in programme.findings.impossible_values(demarche) if programme else ():
        run.problem(k.ImpossibleValue(said))
    missing = programme.findings.missing_fields(demarche) if programme else ()
    if missing:
        run.problem(k.FieldsMissing(tuple(missing)))
