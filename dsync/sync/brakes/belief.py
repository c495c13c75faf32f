"""Keeps what is not rendered or not believed out of the copy, and settles at a read's end what is.

What DS could not render of a dossier is filled with what is known of it. So nothing that depends on
it sees a gap: not its rows, its hashes, its verdict, nor the comparison with its stored copy. What
was never read stays as DS shows it, and its name goes into `contenu.lacunes`: the value that comes
later is no change.

A page alone does not tell whether one dossier is odd or DS is wrong: what is in doubt stays as the
copy has it until the end of the read, where it is read again, or a person is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from dsync.domain.consent import Consent, Move, Proposal
from dsync.domain.dossier import (
    LAYOUT_TYPES,
    NOT_RENDERED,
    Champ,
    Demandeur,
    Dossier,
    Ligne,
    Traitement,
    cell_key,
)
from dsync.domain.ids import DossierNumber
from dsync.messages import kinds as k
from dsync.store import StoredDossier, SyncState
from dsync.sync.brakes.doubts import Doubt, Forms, doubt_of, emptying, kept, moves_of
from dsync.sync.brakes.grounds import has_lost_tick
from dsync.sync.context import FEW, OVERLAP, Run, is_accepted, most_of, nothing_to_accept
from dsync.sync.record import dossier_of

_CHAMPS = ("champs", "annotations")
_NO_CELLS: Mapping[str, Champ] = {}


class Read(NamedTuple):
    """A dossier, as read or as in the copy, and the names of its parts that DS never rendered."""

    dossier: Dossier
    unread: frozenset[str] = frozenset()


def known_of(stored: StoredDossier | None) -> Read | None:
    """Return what the copy has of a dossier; None without a copy, or if it was damaged."""
    if stored is None:
        return None
    try:
        gaps = msgspec.json.decode(stored.contents["lacunes"] or b"[]")
        return Read(dossier_of(stored), frozenset(gaps))
    except (msgspec.DecodeError, TypeError, ValueError, KeyError):
        return None


def may_lack_company(dossier: Dossier) -> bool:
    """Return whether the applicant has a SIRET and no company, as when the registry was down."""
    return bool(dossier.demandeur.siret) and not dossier.demandeur.has_company


def filled(dossier: Dossier, unread: frozenset[str], known: Read | None) -> Read:
    """Return a dossier with its unread parts as they are known, and the names of the others.

    `unread` names the parts that DS could not render, or not completely: a champ's or an
    annotation's id, the `cell_key` of one in a row, a field of `Dossier`.
    """
    lost: set[str] = set()
    changes: dict[str, Any] = {"demandeur": _applicant(dossier.demandeur, unread, known, lost)}
    of_form = unread - set(Dossier.__struct_fields__)
    for name in sorted(unread - of_form - {"demandeur"}):
        if known is None or name in known.unread:
            lost.add(name)
        elif name == "traitements":
            changes[name] = _steps(dossier.traitements, known.dossier.traitements, lost)
        else:
            changes[name] = getattr(known.dossier, name)
    for name in _CHAMPS if of_form else ():
        shown: tuple[Champ, ...] = getattr(dossier, name)
        earlier = _by_id(getattr(known.dossier, name)) if known else None
        gaps = known.unread if known else frozenset[str]()
        changes[name] = tuple(_champ(one, of_form, earlier, gaps, lost) for one in shown)
    return Read(replace(dossier, **changes), frozenset(lost))


def _applicant(
    shown: Demandeur, unread: frozenset[str], known: Read | None, lost: set[str]
) -> Demandeur:
    name = "demandeur"
    earlier = known.dossier.demandeur if known and name not in known.unread else None
    is_same = earlier is not None and shown.siret in (None, earlier.siret)
    if name not in unread:
        # What the registry once gave of an organisation stays true while it is down.
        has_lost = is_same and not shown.has_company and shown.siret is not None
        if earlier and has_lost and earlier.has_company:
            return earlier
        if earlier and is_same and earlier.address and "address" not in shown.details:
            return replace(shown, details={**shown.details, "address": earlier.details["address"]})
        return shown
    if earlier and is_same:
        return earlier
    lost.add(name)
    return replace(shown, genre=NOT_RENDERED)


def _steps(
    shown: tuple[Traitement, ...], known: tuple[Traitement, ...], lost: set[str]
) -> tuple[Traitement, ...]:
    """Return the traitements with what is known of those that the copy has."""
    earlier = {(one.evenement, one.date): one for one in known}
    if any((one.evenement, one.date) not in earlier for one in shown):
        lost.add("traitements")
    beside = ((one, earlier.get((one.evenement, one.date), one)) for one in shown)
    return tuple(
        Traitement(
            one.evenement,
            one.date,
            one.motivation or its.motivation,
            one.email_agent or its.email_agent,
            one.revision_id or its.revision_id,
        )
        for one, its in beside
    )


def _champ(
    shown: Champ,
    unread: frozenset[str],
    known: Mapping[str, Champ] | None,
    gaps: frozenset[str],
    lost: set[str],
    row: str = "",
) -> Champ:
    """Return a champ, or its known value if it is unread; `lost` receives its key without one.

    `known` has the known champs beside it, by id; None: nothing is known of the dossier. `row` is
    the id of the row that it is in, empty outside of one.
    """
    id_ = shown.descriptor_id
    key = cell_key(id_, row) if row else id_
    if key in unread:
        if known is None or key in gaps:
            lost.add(key)
            return shown
        # One that the dossier did not have is blank.
        value = known.get(id_) or Champ(id_)
        if _is_other(shown, value):
            lost.add(key)
            return shown
        return replace(value, libelle=shown.libelle, type=shown.type)
    if not any(
        cell_key(one.descriptor_id, r.id) in unread for r in shown.lignes for one in r.champs
    ):
        return shown
    rows = known.get(id_, Champ(id_)).lignes if known is not None else ()
    cells = {one.id: _by_id(one.champs) for one in rows}
    lignes = []
    for ligne in shown.lignes:
        its = cells.get(ligne.id, _NO_CELLS) if known is not None else None
        champs = tuple(_champ(one, unread, its, gaps, lost, ligne.id) for one in ligne.champs)
        lignes.append(Ligne(ligne.id, champs))
    return replace(shown, lignes=tuple(lignes))


def _is_other(shown: Champ, known: Champ) -> bool:
    """Return whether DS has rendered enough of an object to tell that it is not the known one."""
    if not isinstance(shown.valeur, dict):
        return False
    earlier = known.valeur if isinstance(known.valeur, dict) else {}
    return any(shown.valeur.get(key) not in (None, earlier.get(key)) for key in _KEYS)


_KEYS = ("code", "siret", "id")
"""What identifies the objects that are values of champs."""


def _by_id(champs: Iterable[Champ]) -> dict[str, Champ]:
    return {champ.descriptor_id: champ for champ in champs}


@dataclass(frozen=True, slots=True)
class Held:
    """What is not stored as DS shows it."""

    new: set[DossierNumber]
    """New dossiers, which are not copied."""
    unticked: set[DossierNumber]
    """Dossiers of which a tick is gone that nobody took away."""
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
    known = {number: copy for number, one in stored.items() if (copy := known_of(one))}
    found: dict[DossierNumber, Doubt] = {}
    unticked = {
        number
        for number, copy in known.items()
        if has_lost_tick(run, copy.dossier, by_number[number].dossier)
    }

    def look(*, every: bool) -> None:
        for number, copy in known.items():
            if number not in found and (doubt := _doubt(run, by_number[number], copy, every=every)):
                found[number] = doubt

    look(every=False)
    limit = most_of(doubts.known, run.context.verdicts_percent)
    if not doubts.is_settling:
        found |= _emptied(run, by_number, {n: c for n, c in known.items() if n not in found}, limit)
    for number in by_number:
        doubts.found.pop(number, None)
    for number in [n for n, doubt in found.items() if doubts.believed.get(n) == doubt.digest]:
        del found[number], known[number]
    doubts.found |= found
    # Edits that come with so much that is in doubt are in doubt, too.
    is_bad = not doubts.is_settling and doubts.odd > limit
    if is_bad:
        look(every=True)
        doubts.found |= found
    doubts.right |= {n for n in by_number if n not in found and str(n) in doubts.subjects}
    held = Held({n for n in new if is_bad or _lacks_answers(run, by_number[n].dossier)}, unticked)
    doubts.untold |= held.new
    for number, doubt in found.items():
        copy, (dossier, unread) = known[number], by_number[number]
        # Nothing at all is taken from where so much is in doubt, unless a revision explains it.
        if is_bad and not doubt.is_of_form:
            held.whole.add(number)
        else:
            held.instead[number] = Read(kept(dossier, copy.dossier, doubt), unread | copy.unread)
    return held


def _emptied(
    run: Run,
    read: Mapping[DossierNumber, Read],
    known: Mapping[DossierNumber, Read],
    limit: int,
) -> dict[DossierNumber, Doubt]:
    """Return the dossiers of which an edit only empties answers, if these are more than a few.

    What waits for a person goes on waiting until its answers are there again.
    """
    doubts = run.doubts
    found = {}
    for number, copy in known.items():
        if forms := _forms(run, read[number], copy):
            unread = read[number].unread | copy.unread
            doubt = emptying(read[number].dossier, copy.dossier, forms, unread)
            if doubt is not None:
                found[number] = doubt
    doubts.emptied -= read.keys()
    doubts.emptied |= found.keys()
    # A single one is ordinary, however tight the limit.
    if len(doubts.emptied) > max(limit, FEW):
        return found
    return {number: doubt for number, doubt in found.items() if str(number) in doubts.subjects}


def _doubt(run: Run, read: Read, known: Read, *, every: bool) -> Doubt | None:
    dossier, forms = read.dossier, _forms(run, read, known)
    if forms is None:
        return None
    since = None if dossier.number in run.doubts.unread else run.doubts.since
    unread = read.unread | known.unread
    return doubt_of(dossier, known.dossier, forms, unread, since=since, every=every)


def _forms(run: Run, read: Read, known: Read) -> Forms | None:
    # Another id under its number is told by `misnamed`.
    if known.dossier.id != read.dossier.id:
        return None
    return run.context.recorder.forms(
        run.revisions.get(known.dossier.revision_id), run.revisions[read.dossier.revision_id]
    )


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


ReadAgain = Callable[[Run, Sequence[DossierNumber]], object]
LATE = timedelta(hours=1)
"""How long before the last read an edit may be dated at least, and be news: DS dates it before it
shows it."""
LATELY = timedelta(days=30)
"""How long a change that nothing explains counts, once it was believed."""
AGAIN = timedelta(hours=1)
"""Until all dossiers are read again while some are in doubt: the next night would be late."""
_LATELY = "Dossiers repris sans explication en 30 jours : {}"


def lately_of(run: Run, state: SyncState) -> dict[DossierNumber, datetime]:
    """Return the dossiers of which a change that nothing explains was let pass lately, and when.

    What was read and what was written without a cause count together.
    """
    return {
        DossierNumber(int(number)): at
        for number, given in (state.believed or {}).items()
        if run.now - (at := datetime.fromisoformat(given)) < LATELY
    }


def note_lately(run: Run, lately: Mapping[DossierNumber, datetime]) -> None:
    """Store what counts from now on."""
    with run.transaction() as tx:
        tx.state.save(believed={str(n): at.isoformat() for n, at in lately.items()})


def said_lately(count: int) -> str:
    """Return what a person is told of them beside a proposal; "" of none."""
    return _LATELY.format(count) if count else ""


def begin(run: Run) -> SyncState:
    """Load what waits for a person, or what they consented to; return the state before the read."""
    doubts = run.doubts
    with run.reading() as reader:
        doubts.asked = asked = reader.consents.of(Consent.ANSWERS)
        state = reader.state.read()
        doubts.unread = frozenset(one.numero for one in reader.quarantine.entries())
    # One that is ahead of the clock says nothing.
    read_until = state.watermark
    if read_until is not None and read_until <= run.now:
        doubts.since = read_until - max(OVERLAP, LATE)
    if asked is not None and asked.given_at is not None:
        doubts.believed = {DossierNumber(int(n)): digest for n, digest in doubts.subjects.items()}
        if state.believed:
            # Somebody has looked: the count begins again.
            with run.transaction() as tx:
                tx.state.save(believed=None)
    else:
        doubts.lately = lately_of(run, state)
    return state


def settle(run: Run, read_again: ReadAgain, *, is_whole: bool) -> None:
    """Believe few dossiers that come the same again; have a person asked about many.

    It is called at the end of a read, which `is_whole` if it was of every dossier; `read_again`
    requests dossiers by their numbers and stores them.

    Raises:
        DSError: few dossiers could not be requested again; they stay as the copy has them.
    """
    doubts, asked = run.doubts, run.doubts.asked
    if not doubts.found and (asked is None or not (is_whole or doubts.right)):
        return
    with run.reading() as reader:
        present = reader.dossiers.present_count()
    odd = sorted(n for n, doubt in doubts.found.items() if not doubt.is_of_form)
    # While a person is asked, further ones wait with the others.
    is_open = asked is not None and asked.given_at is None
    limit = most_of(present, run.context.verdicts_percent)
    if odd and not is_open and len({*odd, *doubts.lately}) <= limit:
        _read_again(run, read_again, odd)
    lately = len(doubts.lately.keys() - doubts.found.keys())
    left = {str(number): doubt.digest for number, doubt in sorted(doubts.found.items())}
    moves = moves_of(doubts.found.values())
    if not is_whole and asked is not None:
        # This read has not seen the others.
        before, own = asked.proposal, {*left, *map(str, doubts.right)}
        others = {n: digest for n, digest in before.subjects.items() if n not in own}
        is_new = not left.keys() <= before.subjects.keys()
        moves = _joined(before.moves, moves) if is_new else before.moves
        left = {**others, **left}
    if not left:
        nothing_to_accept(run, Consent.ANSWERS)
        return
    detail = said_lately(lately)
    if is_accepted(run, Proposal(Consent.ANSWERS, moves, present, left, detail)):
        return
    if doubts.odd:
        with run.transaction() as tx:
            due_at, at = tx.state.read().full_due_at, run.now + AGAIN
            tx.state.save(full_due_at=at if due_at is None else min(due_at, at))
    if doubts.found:
        run.report.brake(k.Numbered(k.NumberNote.ANSWERS_STOPPED, len(left)))


def _read_again(run: Run, read: ReadAgain, numbers: Sequence[DossierNumber]) -> None:
    """Request dossiers by their numbers, and store those that come the same as before.

    One that comes without any of its answers again is not believed: it waits.
    """
    doubts = run.doubts
    doubts.believed |= {
        number: doubts.found[number].digest
        for number in numbers
        if not doubts.found[number].is_bare
    }
    doubts.is_settling = True
    read(run, sorted({*numbers, *doubts.untold}))
    doubts.lately |= dict.fromkeys((n for n in numbers if n not in doubts.found), run.now)
    note_lately(run, doubts.lately)
    if flapping := [n for n in numbers if n in doubts.found and not doubts.found[n].is_bare]:
        # Hidden since, or another answer each time: the next read of all dossiers tells.
        for number in flapping:
            del doubts.found[number]
        run.problem(k.Numbered(k.NumberNote.FLAPPING, len(flapping)))


def _joined(*tables: Sequence[Move]) -> tuple[Move, ...]:
    counts: dict[tuple[str, str, str], int] = {}
    for what, before, after, count in (move for table in tables for move in table):
        counts[what, before, after] = counts.get((what, before, after), 0) + count
    return tuple(Move(*key, count) for key, count in counts.items())
