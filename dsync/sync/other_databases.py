"""One writer a démarche: where another database of dsync wrote, nothing is written unasked.

This database was lost or restored from an older backup, or a second one writes into the same
démarche. Which of them writes is for a person to say: until then a run writes nothing at all. The
values are looked for in the copy before the first mutation, so that a push without such values asks
DS for nothing more; those that are found are read again from DS, whose dates prove who wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import DecodeError

from dsync.annotations.adopted import may_be_adopted
from dsync.annotations.wish import DossierWishes
from dsync.domain.consent import Consent, Proposal, counted
from dsync.domain.ids import DossierNumber
from dsync.messages import kinds as k
from dsync.sync.context import Run, is_accepted, nothing_to_accept
from dsync.sync.page_storing import learn_revisions
from dsync.sync.record import annotations_of
from dsync.sync.writes import Another, WriteTerms, plan_steps

BATCH = 200
"""Number of dossiers whose copies are looked at in one statement."""
DETAIL = (
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
    proposal = Proposal(Consent.WRITER, moves, len(subjects), subjects, DETAIL)
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
    for some in run.batches(numbers, BATCH):
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
