"""The safety brake before a push: it writes nothing while it would replace too much in DS.

It compares what this database wrote with what it would write now, whatever moved it. Free are
dossiers that their applicant or an instructeur changed since, by DS's own dates; those whose twins
did; those to which a person gave an answer; and what a person has consented to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dsync.annotations.replacing import Replaced, Replacement, is_too_much
from dsync.annotations.targets import LABEL
from dsync.domain.check_answers import answers_in
from dsync.domain.consent import Asked, Consent, Proposal
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import StoredVerdict, changes
from dsync.store import Reader
from dsync.store.outbox import Replacing
from dsync.sync.consent import is_accepted, nothing_to_accept
from dsync.sync.context import Run
from dsync.sync.page_storing import learn_revisions

BETWEEN = timedelta(hours=1)
"""How long before a write was confirmed the dossier may have been read: what was edited later than
that is not what was written about."""


def replaces_too_much(run: Run, numbers: Sequence[DossierNumber] = ()) -> bool:
    """Return whether nothing may be written before a person consents; it is then told.

    Args:
        run: the run under way.
        numbers: the dossiers to push; empty: all.

    Raises:
        StoreError: the database failed.
        DSError: a revision of the form could not be read.
    """
    config = run.context.annotations
    if config is None:
        return False
    replaced, since = _replaced(run, numbers)
    with run.reading() as reader:
        given = [one for one in reader.consents.all() if one.given_at is not None]
        standing = reader.outbox.standing()
    accepted = _accepted(replaced, given)
    replaced = replaced.without(accepted)
    limit = max(run.context.verdicts, int(standing.dossiers * run.context.verdicts_percent / 100))
    if is_too_much(replaced, standing, limit, config):
        # Only now: this reads two verdicts of each dossier.
        replaced = replaced.without(_free(run, replaced, since, given))
    if not is_too_much(replaced, standing, limit, config):
        # What was accepted stays until it is written.
        if not accepted and not numbers:
            nothing_to_accept(run, Consent.WRITES)
        return False
    proposal = Proposal(
        Consent.WRITES,
        replaced.moves,
        of=standing.dossiers,
        subjects=replaced.subjects,
    )
    if is_accepted(run, proposal):
        return False
    run.report.brake(
        f"Safety brake: the annotations of {len(proposal.subjects)} of {standing.dossiers} open "
        f"dossiers would change at once, though nobody edited these: {proposal.table}. Nothing is "
        "written into DS. Look for the cause (rules, lists, [mapping], [annotations], catalogue): "
        "once it is corrected, this ends by itself; `dsync accept writes` shows it and consents."
    )
    return True


def _replaced(
    run: Run, numbers: Sequence[DossierNumber]
) -> tuple[Replaced, dict[DossierNumber, datetime]]:
    """Return what waiting wishes replace, and since when what they replace stands."""
    replaced, since = Replaced(), dict[DossierNumber, datetime]()
    with run.reading() as reader:
        chosen = reader.outbox.replacing_numbers(numbers)
    for some in run.batches(chosen):
        with run.reading() as reader:
            rows = reader.outbox.replacing(some)
        learn_revisions(run, {row.revision_id for row in rows})
        for row in rows:
            is_moved = _is_moved(run, row)
            # None: the value went with its annotation, and what is written now replaces nothing.
            if is_moved or (is_moved is False and row.there != row.wanted):
                replaced.add(
                    Replacement(row.numero, row.annotation, row.there, row.wanted, is_moved)
                )
                since[row.numero] = max(since.get(row.numero, row.since), row.since)
    return replaced, since


def _is_moved(run: Run, row: Replacing) -> bool | None:
    """Return whether a value would be written into another annotation than the one that has it.

    None: that one is no longer in the dossier's form.
    """
    if row.annotation == LABEL or row.cible is None:
        return False
    found = run.annotations_of(row.revision_id).by_name(row.annotation)
    if found is not None and found.id == row.cible:
        return False
    revision = run.revisions.get(row.revision_id)
    is_there = revision is not None and row.cible in revision.descriptors
    return True if is_there and found is not None else None


def _accepted(replaced: Replaced, given: Sequence[Asked]) -> set[DossierNumber]:
    """Return the dossiers of which a person was shown just these writes."""
    subjects = replaced.subjects
    shown = [
        one.proposal.subjects
        for one in given
        if one.proposal.kind in (Consent.WRITES, Consent.WRITER)
    ]
    return {
        DossierNumber(int(number))
        for number, wanted in subjects.items()
        if any(known.get(number) == wanted for known in shown)
    }


def _free(
    run: Run,
    replaced: Replaced,
    since: dict[DossierNumber, datetime],
    given: Sequence[Asked],
) -> set[DossierNumber]:
    """Return the dossiers that change for a cause of their own."""
    rules = {
        version
        for one in given
        if one.proposal.kind in (Consent.RULES, Consent.FIRST)
        for version in one.proposal.subjects
    }
    moved = {number for number, _ in replaced.moved}
    free: set[DossierNumber] = set()
    for some in run.batches(sorted(replaced.wanted.keys() - moved)):
        with run.reading() as reader:
            free.update(_free_of(reader, some, since, rules))
    return free


def _free_of(
    reader: Reader,
    numbers: Sequence[DossierNumber],
    since: dict[DossierNumber, datetime],
    rules: set[str],
) -> set[DossierNumber]:
    edited = reader.dossiers.edited_at(numbers)
    free = {n for n in numbers if n in edited and edited[n] > since[n] - BETWEEN}
    rest = [number for number in numbers if number not in free]
    verdicts = reader.verdicts.before_and_now({number: since[number] for number in rest})
    others = sorted({twin for pair in verdicts.values() for twin in _twins(*pair)})
    edited_twins = reader.dossiers.edited_at(others)
    for number, (before, now) in verdicts.items():
        if answers_in(before.controles) != answers_in(now.controles):
            free.add(number)
            continue
        is_of_rules = (
            before.version_regles != now.version_regles
            and now.version_regles in rules
            and before.inputs_hash == now.inputs_hash
        )
        twins = _twins(before, now)
        results, texts = changes(before, now)
        compares = {one.controle for one in now.controles if "dossiers" in one.preuve}
        is_of_twins = (
            bool(twins)
            and {*results, *texts} <= compares
            and all(
                twin in edited_twins and edited_twins[twin] > since[number] - BETWEEN
                for twin in twins
            )
        )
        if is_of_rules or is_of_twins:
            free.add(number)
    return free


def _twins(before: StoredVerdict, now: StoredVerdict) -> set[DossierNumber]:
    """Return the dossiers that are a twin in only one of two verdicts."""
    return set(before.doublons) ^ set(now.doublons)
