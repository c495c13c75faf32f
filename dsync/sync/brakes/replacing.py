"""The safety brake before a push: it writes nothing while it would replace too much in DS.

It compares what this database wrote with what it would write now, in all dossiers, whatever moved
it. Free is a dossier whose verdict changed for a cause of its own, since the verdict that stands:
its applicant or an instructeur changed it, its twins came, changed or went, a person answered a
check, or consented to the rules. And so is what a person ordered or consented to. What passes
without a cause counts for thirty days, with what was read without one: a few in each run are many.

Where nothing of dsync stands yet, it asks before the first write, by a table of the results, the
annotations as DS names them, and one whole detail.

A single changed verdict is ordinary. Many at once are more often a fault: swapped options, another
mapping, a slip in the rules, a lost list. What a person wrote is never replaced and no matter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsync.annotations.plan import is_beside
from dsync.annotations.targets import (
    DETAIL,
    LABEL,
    RESULTAT,
    VALUE_NAMES,
    AnnotationsConfig,
    resolve,
)
from dsync.annotations.wish import Annotation, Standing
from dsync.domain.check_answers import TWINS, answers_in
from dsync.domain.consent import (
    UNWRITTEN,
    Asked,
    Consent,
    Move,
    Proposal,
    counted,
    digest_of,
)
from dsync.domain.due import MOST_NAMED
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import frame_of
from dsync.domain.verdict import StoredVerdict, Verdict, changes
from dsync.messages import kinds as k
from dsync.store.outbox import Replacing
from dsync.sync.brakes.belief import lately_of, note_lately, said_lately
from dsync.sync.context import (
    Run,
    first_write,
    is_accepted,
    learn_revisions,
    most_of,
    nothing_to_accept,
    proposals,
)
from dsync.sync.writes import WriteTerms

FEW = 3
"""Fewer dossiers are no pattern, as long as none is reversed."""
FRAME = "phrase d’introduction ou adresse des règles"
NO_LABEL = "aucune"
_WHAT = {one.value: one.label.lower() for one in Annotation}


def is_unseen(run: Run, terms: WriteTerms, *, ordered: bool) -> bool:
    """Return whether nothing may be written before a person has seen the first write; it is told.

    Once asked it stays asked, until a person consents to these annotations and rules. Before an
    order it is asked, too, and not told: what is ordered is no look at the others. A dry run
    shows more than the question does.
    """
    with run.reading() as reader:
        has_written = bool(terms.written) or reader.outbox.has_sent()
    if run.report.dry or (has_written and not _is_first_asked(run)):
        end_first_write(run)
        return False
    with run.reading() as reader:
        results = reader.outbox.waiting_results()
    # Of a few, another database's values tell nothing about the others.
    if 2 * len(terms.anothers) > sum(count for _, count in results):
        end_first_write(run)
        return False
    moves = tuple(Move(_WHAT[RESULTAT], UNWRITTEN, *row) for row in results)
    detail = "\n".join(annotations_in_ds(run))
    proposal = Proposal(Consent.FIRST, moves, 0, first_write(run.context), detail)
    if not moves or is_accepted(run, proposal):
        return False
    if not ordered:
        counts = ", ".join(f"{result}: {count}" for result, count in results)
        run.report.brake(k.FirstWrite(proposal.dossiers, counts))
    return not ordered


def _is_first_asked(run: Run) -> bool:
    first = proposals(run).get(Consent.FIRST)
    return first is not None and first.given_at is None and first.proposal.is_first_write


def end_first_write(run: Run) -> None:
    """End the question about the first write, if it waits: nothing is to be written first."""
    if _is_first_asked(run):
        nothing_to_accept(run, Consent.FIRST)


def annotations_in_ds(run: Run) -> Iterator[str]:
    """Yield the démarche and each annotation with its name in DS, in French, and the labels."""
    demarche, config = run.known_demarche(), run.context.annotations
    if demarche is None or config is None:
        return
    yield f"démarche « {demarche.titre} » ({demarche.number})"
    active = demarche.revisions.get(demarche.active_revision_id)
    own = resolve(config, active.descriptors.values() if active else ())
    for name in VALUE_NAMES:
        if (descriptor := own.by_name(name)) is not None:
            yield f"{_WHAT[name]} : dans l’annotation « {descriptor.libelle} »"
    if config.labels:
        yield f"{_WHAT[LABEL]} : parmi « {' », « '.join(config.labels.all())} »"


def replaces_too_much(run: Run) -> bool:
    """Return whether nothing may be written before a person consents; it is then told."""
    config = run.context.annotations
    if config is None:
        return False
    with run.reading() as reader:
        given = [one for one in reader.consents.all() if one.given_at is not None]
        standing, chosen = reader.outbox.standing(), reader.outbox.replacing_numbers()
        lately = lately_of(run, reader.state.read())
        answered = reader.wishes.answered() if chosen else ()
    replaced, since = _replaced(run, chosen, {(one.numero, one.annotation) for one in answered})
    limit = most_of(standing.dossiers, run.context.verdicts_percent)

    def is_stopped(some: Replaced) -> bool:
        numbers = some.changed
        is_slow = bool(numbers) and len(numbers | lately.keys()) > limit
        return is_slow or is_too_much(some, standing, limit, config)

    replaced = replaced.without(_free(run, replaced, since, given, config))
    accepted = _accepted(replaced, given)
    left = replaced.without(accepted)
    if not is_stopped(left):
        # What was accepted stays until it is written.
        if not accepted:
            nothing_to_accept(run, Consent.WRITES)
        if left.changed - lately.keys():
            note_lately(run, dict.fromkeys(left.changed, run.now) | lately)
        return False
    # With what was accepted before: the question is about all that waits.
    proposal = Proposal(
        Consent.WRITES,
        replaced.moves,
        of=standing.dossiers,
        subjects=replaced.subjects,
        detail=said_lately(len(lately.keys() - replaced.changed)),
    )
    if is_accepted(run, proposal):
        # Somebody has looked: the count begins again.
        note_lately(run, {})
        return False
    run.report.brake(k.WritesStopped(len(proposal.subjects), standing.dossiers, proposal.table))
    return True


def _replaced(
    run: Run, chosen: Sequence[DossierNumber], ordered: Collection[tuple[DossierNumber, str]]
) -> tuple[Replaced, dict[DossierNumber, datetime]]:
    """Return what waiting wishes replace, but for ordered ones, and since when that stands."""
    replaced, since = Replaced(), dict[DossierNumber, datetime]()
    for some in run.batches(chosen):
        with run.reading() as reader:
            rows = reader.outbox.replacing(some)
        learn_revisions(run, {row.revision_id for row in rows})
        for row in rows:
            if (row.numero, row.annotation) in ordered:
                continue
            place = _place(run, row)
            if place is None or (not place and row.there == row.wanted):
                continue
            replaced.add(row.numero, row.annotation, row.there, row.wanted, place)
            since[row.numero] = max(since.get(row.numero, row.since), row.since)
    return replaced, since


def _place(run: Run, row: Replacing) -> str | None:
    """Return the label of another annotation into which a value would be written; "": the same.

    None: the one that has it is no longer in the dossier's form, so that nothing is replaced.
    """
    if row.annotation == LABEL or row.cible is None:
        return ""
    found = run.annotations_of(row.revision_id).by_name(row.annotation)
    if found is not None and found.id == row.cible:
        return ""
    revision = run.revisions.get(row.revision_id)
    is_there = revision is not None and row.cible in revision.descriptors
    return found.libelle if is_there and found is not None else None


def _accepted(replaced: Replaced, given: Sequence[Asked]) -> set[DossierNumber]:
    """Return the dossiers of which a person was shown just these writes."""
    shown = [one.proposal.subjects for one in given if one.proposal.kind is Consent.WRITES]
    return {
        DossierNumber(int(number))
        for number, wanted in replaced.subjects.items()
        if any(known.get(number) == wanted for known in shown)
    }


def _free(
    run: Run,
    replaced: Replaced,
    since: Mapping[DossierNumber, datetime],
    given: Sequence[Asked],
    config: AnnotationsConfig,
) -> set[DossierNumber]:
    """Return the dossiers that change for a cause of their own."""
    rules = {
        version
        for one in given
        if one.proposal.kind in (Consent.RULES, Consent.FIRST)
        for version in one.proposal.subjects
    }
    moved = {number for number, *_ in replaced.moved}
    # Other reasons for the same follow the rules and the evidence; answers that nobody gave do not.
    free = replaced.reasons.keys() - replaced.wanted.keys()
    reasons = frozenset(free)
    asked = run.doubts.asked
    believed = run.doubts.subjects if asked and asked.given_at else {}
    for some in run.batches(sorted((replaced.wanted.keys() | reasons) - moved)):
        with run.reading() as reader:
            pairs = {}
            for number, history in reader.verdicts.history(some).items():
                if pair := _pair(history, replaced, number, since[number], config):
                    pairs[number] = pair
            twins = {twin for _, before, now in pairs.values() for twin in _twins(before, now)}
            acted = reader.changes.acted_at(sorted({*pairs, *twins}))
            reread = reader.changes.reread_at(sorted(pairs))
        for number, (at, before, now) in pairs.items():
            # A frame is of the rules: no edit of a dossier changes it.
            is_of_rules = before.version_regles != now.version_regles
            if str(number) in believed:
                free.add(number)
            elif number in reasons:
                is_read = before.inputs_hash != now.inputs_hash and not is_of_rules
                if is_read and not _is_own(number, at, before, now, acted):
                    free.discard(number)
            elif is_of_rules:
                if now.version_regles in rules and before.inputs_hash == now.inputs_hash:
                    free.add(number)
            elif number not in replaced.frames and (
                (number in reread and reread[number] > at)
                or _is_own(number, at, before, now, acted)
            ):
                free.add(number)
    return free


def _pair(
    history: Sequence[tuple[datetime, StoredVerdict]],
    replaced: Replaced,
    number: DossierNumber,
    since: datetime,
    config: AnnotationsConfig,
) -> tuple[datetime, StoredVerdict, StoredVerdict] | None:
    """Return the last verdict that says what stands, with its instant, and the current one.

    None: what stands is not what the verdict of its time says in the words of the configuration.
    """
    *earlier, (_, now) = history
    written = [verdict for at, verdict in earlier if at <= since]
    if not written or not replaced.explained(number, written[-1].verdict, config):
        return None
    for at, before in reversed(earlier):
        if replaced.explained(number, before.verdict, config):
            return at, before, now
    return None


def _is_own(
    number: DossierNumber,
    at: datetime,
    before: StoredVerdict,
    now: StoredVerdict,
    acted: Mapping[DossierNumber, datetime],
) -> bool:
    """Return whether somebody did something since a verdict that changed it."""

    def has_acted(one: DossierNumber) -> bool:
        return one in acted and acted[one] >= at

    if before.inputs_hash != now.inputs_hash:
        return has_acted(number)
    if answers_in(before.controles) != answers_in(now.controles):
        return True
    results, texts = changes(before, now)
    compares = {one.controle for one in now.controles if TWINS in one.preuve}
    left, came = {*before.doublons} - {*now.doublons}, {*now.doublons} - {*before.doublons}
    lost, found = sum(map(has_acted, left)), sum(map(has_acted, came))
    if max(len(before.doublons), len(now.doublons)) > MOST_NAMED:
        # Of many, one that acts takes the place of another one, or leaves it to another one.
        lost, found = lost + found, found + lost
    is_explained = len(left) <= lost and len(came) <= found
    return bool(left or came) and {*results, *texts} <= compares and is_explained


def _twins(before: StoredVerdict, now: StoredVerdict) -> set[DossierNumber]:
    """Return the dossiers that are a twin in only one of two verdicts."""
    return set(before.doublons) ^ set(now.doublons)


@dataclass(slots=True)
class Replaced:
    """The replacements of a push, counted: texts are not kept."""

    results: dict[DossierNumber, tuple[str, str]] = field(default_factory=dict)
    """What stands and what is wanted, by dossier; so of the labels."""
    labels: dict[DossierNumber, tuple[str, str]] = field(default_factory=dict)
    frames: set[DossierNumber] = field(default_factory=set)
    moved: list[tuple[DossierNumber, str, str]] = field(default_factory=list)
    reasons: dict[DossierNumber, str] = field(default_factory=dict)
    """Of which the detail gives other reasons for the same, with a digest of both."""
    wanted: dict[DossierNumber, dict[str, str]] = field(default_factory=dict)
    """Digests of what would be written in place of what, by annotation."""

    def add(
        self, number: DossierNumber, annotation: str, there: str, wanted: str, moved_to: str = ""
    ) -> None:
        """Count that a wish would replace what stands.

        `moved_to` is the label of another annotation into which it would be written, while the
        former one stays as it is; "": the same.
        """
        if moved_to:
            self.moved.append((number, annotation, moved_to))
        elif annotation == DETAIL and frame_of(there) != frame_of(wanted):
            if is_beside(there):
                return  # A person's result and its end are no change of the frame.
            self.frames.add(number)
        elif annotation in (RESULTAT, LABEL):
            values = self.results if annotation == RESULTAT else self.labels
            values[number] = (there, wanted)
        else:
            if annotation == DETAIL and not is_beside(there):
                self.reasons[number] = digest_of(there, wanted, "")
            return  # As a date, they follow what was read and judged.
        said = digest_of(there, wanted, moved_to)
        self.wanted.setdefault(number, {})[annotation] = said

    def there(self, number: DossierNumber) -> dict[str, str]:
        """Return what stands of a dossier's result and label, where it would be replaced."""
        return {
            name: values[number][0]
            for name, values in ((RESULTAT, self.results), (LABEL, self.labels))
            if number in values
        }

    def without(self, numbers: Iterable[DossierNumber]) -> Replaced:
        """Return the replacements in other dossiers than these."""
        left_out = frozenset(numbers)
        return Replaced(
            {number: one for number, one in self.results.items() if number not in left_out},
            {number: one for number, one in self.labels.items() if number not in left_out},
            self.frames - left_out,
            [one for one in self.moved if one[0] not in left_out],
            {number: one for number, one in self.reasons.items() if number not in left_out},
            {number: one for number, one in self.wanted.items() if number not in left_out},
        )

    @property
    def changed(self) -> set[DossierNumber]:
        """The dossiers of which result, label or reasons change."""
        return {*self.results, *self.labels, *self.reasons}

    def explained(self, number: DossierNumber, verdict: Verdict, config: AnnotationsConfig) -> bool:
        """Return whether what stands in a dossier is what a verdict says in the present words.

        If not, the configuration has changed since, and a change of the verdict is no cause.
        """
        texts = {RESULTAT: config.options, LABEL: config.labels}
        return verdict is not Verdict.INDETERMINE and all(
            (said := texts[name]) is not None and said.of(verdict) == there
            for name, there in self.there(number).items()
        )

    @property
    def subjects(self) -> dict[str, str]:
        """Each dossier with a digest of what would be written into it."""
        return {str(number): one for number, one in self.reasons.items()} | {
            str(number): digest_of(*(f"{name}={value}" for name, value in sorted(one.items())))
            for number, one in self.wanted.items()
        }

    @property
    def moves(self) -> tuple[Move, ...]:
        """The table: values before and after, and how many frames and places change."""
        moves = [
            *counted(_WHAT[RESULTAT], self.results.values()),
            *counted(_WHAT[LABEL], ((b, a or NO_LABEL) for b, a in self.labels.values())),
        ]
        if self.frames:
            moves.append(Move(_WHAT[DETAIL], FRAME, "autre", len(self.frames)))
        if reasons := len(self.reasons.keys() - self.wanted.keys()):
            moves.append(Move(_WHAT[DETAIL], "motifs", "autres motifs", reasons))
        places = Counter((name, label) for _, name, label in self.moved)
        moves += [
            Move(_WHAT[name], "dans son annotation", f"dans l’annotation « {label} »", count)
            for (name, label), count in places.items()
        ]
        return tuple(moves)


def is_too_much(
    replaced: Replaced, standing: Standing, limit: int, config: AnnotationsConfig
) -> bool:
    """Return whether a person has to consent to these replacements.

    `limit` is the number of results that may change at once; the configuration says which results
    are opposite ones.
    """
    opposite = {
        text: {texts.ineligible} if text != texts.ineligible else {*texts.all()} - {text}
        for texts in (config.options, config.labels)
        if texts is not None
        for text in texts.all()
        if text != texts.a_verifier
    }
    return (
        bool(replaced.moved)
        or _are_too_many(replaced.results.values(), standing.results, limit, opposite)
        or _are_too_many(replaced.labels.values(), standing.labels, limit, opposite)
        or _are_most(len(replaced.frames), standing.details)
    )


def _are_too_many(
    values: Collection[tuple[str, str]],
    standing: Mapping[str, int],
    limit: int,
    opposite: Mapping[str, set[str]],
) -> bool:
    if len(values) > limit:
        return True
    by_kind: dict[str, list[str]] = {}
    for there, wanted in values:
        by_kind.setdefault(there, []).append(wanted)
    for there, becomes in by_kind.items():
        if _are_most(len(becomes), standing.get(there, 0)):
            return True
        is_whole = len(becomes) >= standing.get(there, 0)
        if is_whole and set(becomes) <= opposite.get(there, set()) | {""}:
            return True
    return False


def _are_most(count: int, of: int) -> bool:
    return count >= FEW and 2 * count > of
