"""What keeps a run from judging or writing: another file, another form, a lost box or database.

`dsync check` says KO of the first three. What stands keeps standing: nothing is read, judged anew
or written into the dossiers that it is about, until somebody corrects it or consents.

A wish contains its text, and can be stopped by a refusal or a missing right. When the configured
texts, the annotations, the labels, the token or the instructeur have changed since the last run,
the wishes are worded again and the stopped ones are retried.

One database writes a démarche. This one was lost or restored from an older backup, or a second one
writes, too: which of them does is for a person to say, and until then a run writes nothing at all.
The values are looked for in the copy before the first mutation, so that a push without such values
asks DS for nothing more; those that are found are read again from DS, whose dates prove who wrote
them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import DecodeError

from dsync.annotations.adopted import may_be_adopted
from dsync.annotations.targets import (
    LABEL,
    RESULTAT,
    VALUE_NAMES,
    AnnotationsConfig,
    Box,
    box_of,
    desired,
    found_boxes,
    normalise,
    resolve,
)
from dsync.annotations.wish import DossierWishes, NewWish, WishStatus
from dsync.domain.consent import Consent, Move, Proposal, counted
from dsync.domain.dossier import OPEN_ETATS, Demarche, Dossier, Presence, Revision
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.errors import ConfigurationError
from dsync.messages import kinds as k
from dsync.programme import FormFault, Programme
from dsync.store import Reader
from dsync.sync.context import (
    Context,
    Misfits,
    Run,
    digest,
    is_accepted,
    learn_revisions,
    mapping_key_of,
    nothing_to_accept,
    refresh_demarche,
)
from dsync.sync.record import annotations_of
from dsync.sync.writes import Another, WriteTerms, plan_steps

BOX = "annotations.validation"
"""The subject of a proposal to give the validation box up."""
UNREAD_BOX = "la case de validation de ce dossier ne peut pas être lue"
"""Why a wish waits, in the words of the view `lecture_annotation`."""
LOST_TICK = "la case de validation cochée ne l’est plus, sans qu’une personne l’ait décochée"
"""The same, where the box can be read."""
_SOME_BOX = ""
"""Stands for the id of a box that is not known."""
_STANDING = [one for one in WishStatus if one is not WishStatus.REMPLACEE]


def misfits_of(
    programme: Programme | None,
    annotations: AnnotationsConfig | None,
    demarche: Demarche,
    *,
    is_borrowed: bool,
) -> Misfits:
    """Return what of the form keeps its dossiers from being judged or written into.

    Without a programme nothing judges. `is_borrowed`: the configuration is the shipped file, for
    another démarche.
    """
    active = demarche.revisions.get(demarche.active_revision_id)
    # Of a form that DS does not give, nothing is known.
    if active is None or not active.descriptors:
        return Misfits()
    faults: Collection[FormFault] = ()
    if programme is not None and programme.rules:
        faults = programme.findings.form_faults(demarche, active)
    lacking: list[str] = []
    if is_borrowed and annotations is not None:
        found = resolve(annotations, active.descriptors.values())
        lacking = [name for name in VALUE_NAMES if found.by_name(name) is None]
    return Misfits(tuple(faults), tuple(lacking))


def stops_judging(run: Run) -> bool:
    """Return whether the form keeps the run from judging, and report why."""
    found = _misfits(run)
    if found.faults:
        is_foreign = run.context.is_borrowed and found.is_other_form
        (_report_borrowed if is_foreign else _report_unjudged)(run, found)
    return bool(found.faults)


def serves_another_call(run: Run) -> bool:
    """Return whether the file in use is another call's, and report it: nothing is written."""
    found = _misfits(run)
    is_foreign = run.context.is_borrowed and found.is_other_form
    if is_foreign:
        _report_borrowed(run, found)
    return is_foreign


def _misfits(run: Run) -> Misfits:
    if run.misfits is None:
        demarche = run.known_demarche()
        # Before the first read of the form, which is asked again after it.
        if demarche is None:
            return Misfits()
        context = run.context
        found = misfits_of(
            context.judge, context.annotations, demarche, is_borrowed=context.is_borrowed
        )
        if any(one.is_of_rules for one in found.faults):
            with run.reading() as reader:
                has_judged = reader.state.read().rules_version
            faults = [one for one in found.faults if not (one.is_of_rules and has_judged)]
            found = found._replace(faults=tuple(faults))
        run.misfits = found
    return run.misfits


def _report_unjudged(run: Run, found: Misfits) -> None:
    missing = ", ".join(found.fields)
    what = [f"[mapping] {missing}: no champ of the form matches"] if missing else []
    what += [fault.line.message for fault in found.faults if fault.field is None]
    run.problem(k.OtherForm(str(run.context.config), run.demarche, tuple(what)))


def _report_borrowed(run: Run, found: Misfits) -> None:
    given = (("[mapping]", found.fields), ("[annotations]", found.annotations))
    what = " and ".join(f"{section} {', '.join(names)}" for section, names in given if names)
    run.problem(k.OtherCall(str(run.context.config), run.demarche, what, not found.faults))


def has_lost_box(run: Run, revision_id: RevisionId) -> bool:
    """Return whether dossiers of a loaded revision may be validated, which cannot be read."""
    revision = run.revisions.get(revision_id)
    # Nothing is written by a revision that DS does not give: it has no annotations.
    if revision is None or run.boxes_given_up:
        return False
    annotations, revisions = run.context.annotations, _published(run)
    return box_of(annotations, _known(run), revision, revisions) is Box.LOST


def known_boxes(reader: Reader) -> frozenset[str]:
    """Return the ids of what was found as the validation box so far.

    Before they were stored, a validated dossier says that there was one.
    """
    known = reader.state.read().validation_boxes
    if known is None:
        return frozenset([_SOME_BOX] if reader.wishes.revisions([WishStatus.SUSPENDUE]) else [])
    return frozenset(known)


def learn_boxes(run: Run, reader: Reader) -> frozenset[str]:
    """Return what was found as the validation box before this run, read at its first use."""
    if run.known_boxes is None:
        run.known_boxes = known_boxes(reader)
    return run.known_boxes


def is_ticked(run: Run, dossier: Dossier) -> bool:
    """Return whether an instructeur has validated a dossier, by a box that can be read."""
    box = run.annotations_of(dossier.revision_id).validation
    return box is not None and any(
        one.descriptor_id == box.id and normalise(box.type, one.contenu) is not None
        for one in dossier.annotations
    )


def has_lost_tick(run: Run, before: Dossier, now: Dossier) -> bool:
    """Return whether a validated dossier no longer is, and nobody cleared its box.

    DS empties a box that is made anew or gets another type. Only a manual edit clears one.
    """
    old, new = (run.annotations_of(one.revision_id).validation for one in (before, now))
    if new is None or not is_ticked(run, before) or is_ticked(run, now):
        return False
    is_same = old is not None and (old.id, old.type) == (new.id, new.type)
    edited_at = now.date_derniere_modification_annotations
    return not (is_same and edited_at > before.date_derniere_modification_annotations)


def _known(run: Run) -> frozenset[str]:
    if run.known_boxes is not None:
        return run.known_boxes
    with run.reading() as reader:
        return learn_boxes(run, reader)


def _published(run: Run) -> list[Revision]:
    return [one for one in run.revisions.values() if one and one.date_publication is not None]


def lost_boxes(run: Run) -> dict[DossierNumber, bool]:
    """Return the dossiers whose validation box cannot be read, and whether each was validated."""
    if run.context.annotations is None:
        return {}
    lost = {id_ for id_ in run.revisions if has_lost_box(run, id_)}
    with run.reading() as reader:
        found = dict.fromkeys(reader.outbox.suspended_for(LOST_TICK), True)
        if lost:
            revisions = reader.wishes.revisions(_STANDING)
            validated = reader.wishes.revisions([WishStatus.SUSPENDUE])
            found |= {n: n in validated for n, id_ in revisions.items() if id_ in lost}
    return found


def follow_boxes(run: Run, demarche: Demarche) -> None:
    """Remember the validation box, and report the dossiers whose box cannot be read any more.

    A person can say that it is no more: what was validated is then compared with DS again.
    """
    run.revisions.update(demarche.revisions)
    lost = lost_boxes(run)
    if not lost:
        _remember(run, _known(run))
        return
    if not is_accepted(run, box_proposal(run, lost)):
        run.problem(k.BoxLost(len(lost), sum(lost.values()), str(run.context.config)))
        return
    # Of another box in its place, that one counts from now on.
    _remember(run, frozenset())
    run.boxes_given_up = True
    with run.transaction() as tx:
        tx.outbox.reopen(sorted(number for number, is_validated in lost.items() if is_validated))
        tx.outbox.retry_waiting(UNREAD_BOX)


def box_proposal(run: Run, lost: dict[DossierNumber, bool]) -> Proposal:
    """Return what a person is asked before dossiers are written whose box cannot be read."""
    counts = {"cochée": sum(lost.values()), "non cochée": len(lost) - sum(lost.values())}
    moves = [
        Move("case de validation", before, "perdue : dsync écrit de nouveau", count)
        for before, count in counts.items()
        if count
    ]
    section = run.context.annotations and run.context.annotations.validation
    # Not of the dossiers: one that is deposited meanwhile has no box either.
    return Proposal(Consent.CONFIG, tuple(moves), len(lost), {BOX: section.id if section else ""})


def _remember(run: Run, known: frozenset[str]) -> None:
    """Store the boxes that the configuration finds, besides known ones."""
    if run.context.annotations is None:
        return
    boxes = known - {_SOME_BOX} | found_boxes(run.context.annotations, _published(run))
    if boxes != _known(run):
        run.known_boxes = boxes
        with run.transaction() as tx:
            tx.state.save(validation_boxes=sorted(boxes))


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
        left = made.fields.keys() - programme.mapped
        # A criterion goes with its grids.
        for name in sorted(one for one in left if "." not in one or one.split(".")[0] not in left):
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


_LOOKED_AT = 200
"""Number of dossiers whose copies are looked at in one statement."""
_OTHER_WRITER = (
    "Ces valeurs ont la forme de celles de dsync, mais cette base ne les a pas inscrites : elle a "
    "été perdue ou restaurée, ou une autre installation inscrit dans la même démarche. Arrêtez "
    "d’abord l’autre installation."
)


def is_writer(run: Run, terms: WriteTerms) -> bool:
    """Return whether this database may write: no other one did, or a person said that it may.

    If not, that is in the report, and `terms.anothers` has the dossiers.

    Raises:
        DSError: the values could not be read; nothing was written.
    """
    if may_adopt(run, terms, _found(run, terms)):
        if not terms.anothers:
            nothing_to_accept(run, Consent.WRITER)
        return True
    return False


def may_adopt(run: Run, terms: WriteTerms, found: Mapping[DossierNumber, Another]) -> bool:
    """Return whether this database may take what was found as its own; report it if not.

    It may by a person's consent, which `terms.anothers` then has. It needs none where it wrote
    itself, and has forgotten what, because the dossier was erased from it meanwhile.
    """
    if found.items() <= terms.anothers.items():
        return True
    with run.reading() as reader:
        forgotten = reader.outbox.forgotten([*found])
    others_only = {number: one for number, one in found.items() if number not in forgotten}
    if others_only.items() <= terms.anothers.items():
        return True
    terms.anothers.update(others_only)
    others = terms.anothers.values()
    moves = counted("résultat", [(one.before, one.after) for one in others])
    subjects = {str(number): one.digest for number, one in terms.anothers.items()}
    proposal = Proposal(Consent.WRITER, moves, len(subjects), subjects, _OTHER_WRITER)
    if is_accepted(run, proposal):
        return True
    run.report.brake(k.AnotherWrites(len(subjects), proposal.table))
    return False


def _found(run: Run, terms: WriteTerms) -> dict[DossierNumber, Another]:
    """Return the dossiers with waiting wishes in which another database's values stand."""
    suspects = _suspects(run, terms)
    learn_revisions(run, {dossier.revision_id for dossier in suspects})
    ids = {id_ for one in suspects for id_ in run.annotations_of(one.revision_id).ids()}
    found = {}
    for some in run.batches(suspects, run.context.client.limits.push_batch):
        numbers = [dossier.numero for dossier in some]
        remotes = run.context.client.rendered_annotations(numbers, sorted(ids), run.demarche)
        for dossier in some:
            remote = remotes.get(dossier.numero)
            if remote is None or remote.dossier_id != dossier.dossier_id:
                continue
            own = run.annotations_of(dossier.revision_id)
            steps, adopted = plan_steps(dossier, remote, own, terms)
            if adopted:
                found[dossier.numero] = Another.of(steps, adopted)
    return found


def _suspects(run: Run, terms: WriteTerms) -> list[DossierWishes]:
    """Return the dossiers whose copies have such values, by their form."""
    suspects: list[DossierWishes] = []
    with run.reading() as reader:
        numbers = reader.outbox.waiting_numbers(annotations=True)
    for some in run.batches(numbers, _LOOKED_AT):
        with run.reading() as reader:
            waiting = reader.outbox.waiting_dossiers(some)
            stored = reader.contents.annotations(some)
        learn_revisions(run, {dossier.revision_id for dossier in waiting})
        for dossier in waiting:
            wishes = {wish.annotation: wish for wish in dossier.wishes}
            own = run.annotations_of(dossier.revision_id)
            try:
                values = annotations_of(stored.get(dossier.numero))
            except DecodeError:
                # What a damaged copy had is read from DS.
                suspects.append(dossier)
                continue
            if may_be_adopted(wishes, values, own, terms.stated_verdict):
                suspects.append(dossier)
    return suspects
