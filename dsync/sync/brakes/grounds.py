"""What keeps a run from judging or writing: another form, a lost box, another database.

`dsync check` says KO of the first two. What stands keeps standing: nothing is judged anew, or
nothing is written into the dossiers that it is about, until somebody corrects it.

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
    VALUE_NAMES,
    AnnotationsConfig,
    Box,
    box_of,
    found_boxes,
    normalise,
    resolve,
)
from dsync.annotations.wish import DossierWishes, WishStatus
from dsync.domain.consent import Consent, Move, Proposal, counted
from dsync.domain.dossier import Demarche, Dossier, Revision
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.messages import kinds as k
from dsync.programme import FormFault, Programme
from dsync.store import Reader
from dsync.sync.context import Misfits, Run, is_accepted, learn_revisions, nothing_to_accept
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
