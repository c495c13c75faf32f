"""Keeps what a page shows and is not believed out of the copy.

A page alone does not tell whether one dossier is odd or DS is wrong: what is in doubt stays as the
copy has it until the end of the read, where `settling` decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dsync.domain.dossier import LAYOUT_TYPES, Dossier
from dsync.domain.ids import DossierNumber
from dsync.store import StoredDossier
from dsync.sync.context import Run, most_of
from dsync.sync.doubts import Doubt, doubt_of, kept
from dsync.sync.unrendered import KnownDossier


class Read(NamedTuple):
    """A dossier as read, and the names of its parts that DS has never rendered."""

    dossier: Dossier
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """What is not stored as DS shows it."""

    new: set[DossierNumber]
    """New dossiers, which are not copied."""
    whole: set[DossierNumber] = field(default_factory=set)
    """Dossiers of which the copy stays as it is."""
    instead: dict[DossierNumber, Read] = field(default_factory=dict)
    """What takes the places of others."""


def doubted(
    run: Run,
    read: Sequence[Read],
    *,
    changed: Collection[DossierNumber],
    new: Collection[DossierNumber],
) -> Held:
    """Return what of a page's dossiers is not believed; the run receives what is in doubt.

    `changed` are those of which the content differs from the copy's, `new` those that it lacks.
    """
    doubts = run.doubts
    doubts.known += len(read) - len(new)
    by_number = {one.dossier.number: one for one in read}
    stored: Mapping[DossierNumber, StoredDossier] = {}
    if changed:
        with run.reading() as reader:
            stored = reader.contents.of(changed)
    known = {number: KnownDossier.of(one) for number, one in stored.items()}
    found: dict[DossierNumber, Doubt] = {}

    def look(*, every: bool) -> None:
        for number, copy in known.items():
            if number not in found and (doubt := _doubt(run, by_number[number], copy, every=every)):
                found[number] = doubt

    look(every=False)
    for number in by_number:
        doubts.found.pop(number, None)
    for number in [n for n, doubt in found.items() if doubts.believed.get(n) == doubt.digest]:
        del found[number], known[number]
    doubts.found |= found
    # Edits that come with so much that is in doubt are in doubt, too.
    limit = most_of(doubts.known, run.context.verdicts_percent)
    is_bad = not doubts.is_settling and doubts.odd > limit
    if is_bad:
        look(every=True)
        doubts.found |= found
    if doubts.asked:
        waiting = doubts.asked.proposal.subjects
        doubts.right |= {n for n in by_number if n not in found and str(n) in waiting}
    held = Held(new={n for n in new if is_bad or _lacks_answers(run, by_number[n].dossier)})
    doubts.untold |= held.new
    for number, doubt in found.items():
        copy, (dossier, unread) = known[number], by_number[number]
        # Nothing at all is taken from where so much is in doubt, unless a revision explains it.
        if copy.dossier is None or (is_bad and not doubt.is_of_form):
            held.whole.add(number)
        else:
            held.instead[number] = Read(kept(dossier, copy.dossier, doubt), unread | copy.gaps)
    return held


def _doubt(run: Run, read: Read, known: KnownDossier, *, every: bool) -> Doubt | None:
    dossier = read.dossier
    # Another id under its number is told by `misnamed`.
    if known.dossier is None or known.dossier.id != dossier.id:
        return None
    forms = run.context.recorder.forms(
        run.revisions.get(known.dossier.revision_id), run.revisions[dossier.revision_id]
    )
    since = None if dossier.number in run.doubts.unread else run.doubts.since
    unread = read.unread | known.gaps
    return doubt_of(dossier, known.dossier, forms, unread, since=since, every=every)


def _lacks_answers(run: Run, dossier: Dossier) -> bool:
    """Return whether not even a blank champ came, though the form has some."""
    revision = run.revisions[dossier.revision_id]
    return (
        not dossier.champs
        and revision is not None
        and any(
            not one.is_annotation and one.type not in LAYOUT_TYPES
            for one in revision.descriptors.values()
        )
    )
