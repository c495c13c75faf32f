"""Verifies the database: recomputes what can be, and says what does not fit, with the remedy.

All of it is read in one transaction, so that a service may write meanwhile. The values in DS are
read afterwards, batch by batch; one that differs is compared with the database once more, because
the service may have changed both.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Table

from dsync.annotations.plan import shows
from dsync.annotations.targets import DETAIL, RESULTAT, AnnotationsConfig, desired, resolve
from dsync.domain.conversation import Conversation
from dsync.domain.dossier import OPEN_ETATS, Champ, Correction, Dossier, Presence, Revision
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.json_bytes import json_bytes
from dsync.domain.pieces import md5_of
from dsync.domain.verdict import Verdict
from dsync.ds.client import DSClient
from dsync.errors import ConfigurationError, PieceTargetError
from dsync.store import Reader, Record, Store, StoredDossier, SyncState
from dsync.store.columns import JsonText
from dsync.store.dossier_rows import EPOCH, in_lists
from dsync.store.form_views import FormView, form_views
from dsync.store.piece_rows import CopiedFile
from dsync.store.sql import CLOCK_TOLERANCE
from dsync.sync.context import is_mapped
from dsync.sync.piece_files import check_marked, list_target, read_back
from dsync.sync.record import Recorder, dossier_of, has_its_cells

BATCH = 100
"""Number of dossiers that are read and compared together."""
ASKED_TOGETHER = 50
"""Number of dossiers whose annotations are read from DS in one request."""

READ_AGAIN = "Run `dsync sync --dossier {first}`, and so for each, which stores them again."
RESTORE = "Restore a backup (docs/operate/backup.md), then run `dsync sync --full`."


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit."""

    check: str
    message: str
    """One sentence and the remedy; no personal data."""
    count: int
    dossiers: tuple[DossierNumber, ...] = ()


@dataclass(slots=True)
class Verification:
    """What was compared, and what does not fit."""

    rows: dict[str, int] = field(default_factory=dict)
    """Number of rows by table."""
    sampled: int | None = None
    """How many dossiers were chosen; None: all."""
    recomputed: int = 0
    """Dossiers whose hashes and views were compared with their contents."""
    compared_with_ds: int = 0
    """Wishes that were compared with the values in DS."""
    files: int | None = None
    """Copied files that were compared; None: files are not copied."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_readable(self) -> bool:
        """Whether the database is sound enough to be compared with DS."""
        return all(finding.check != "integrity" for finding in self.findings)

    def add(self, check: str, numbers: Iterable[DossierNumber], message: str) -> None:
        """Add a finding about dossiers, unless there are none."""
        found = tuple(sorted(set(numbers)))
        if found:
            self.findings.append(Finding(check, _named(message, found), len(found), found))


def _named(message: str, found: Sequence[DossierNumber]) -> str:
    """Return a message with the first of the dossiers that it is about."""
    return message.replace("{first}", str(found[0])) if found else message


@dataclass(frozen=True, slots=True)
class Expected:
    """What the hashes depend on besides a dossier."""

    demarche: DemarcheNumber
    recorder: Recorder
    mapping_key: str | None
    """None: no file configures the démarche, so that its hashes cannot be recomputed."""
    annotations: AnnotationsConfig | None
    now: Callable[[], datetime]


CANNOT_KNOW = (
    "It cannot know what DS shows (--remote), what copied files contain (--pieces), or whether "
    "what follows from no other row was forged: the journal, changes, former verdicts, answers, "
    "consents, rules, evidence, products, dates of wishes, runs, requests, indicators."
)
"""The last line of each verification."""


def verify(
    store: Store, expected: Expected, sample: Callable[[int], int] | None = None
) -> Verification:
    """Compare the database with itself.

    `sample` returns how many of so many dossiers are compared, chosen anew each time; None: all.
    What compares rows with rows is done for all in either case.
    """
    done = Verification()
    with store.reading(expected.demarche, sorting=True) as reader:
        damage = reader.verification.damage()
        if damage:
            done.findings.append(
                Finding("integrity", f"SQLite finds faults in its file. {RESTORE}", damage)
            )
            return done
        done.rows = reader.verification.counts()
        numbers = reader.contents.numbers()
        if sample is not None:
            numbers = random.sample(numbers, min(sample(len(numbers)), len(numbers)))
            done.sampled = len(numbers)
        numbers.sort()
        _verify_rows(reader, done)
        state = reader.state.read()
        _verify_watermark(reader, state, expected.now(), done)
        _verify_wishes(reader, state, expected, done)
        _verify_contents(reader, state, expected, numbers, done)
    if altered := store.altered_views():
        message = f"Views have another text than dsync gives them: {', '.join(altered)}. {RESTORE}"
        done.findings.append(Finding("views.text", message, len(altered)))
    return done


_READ_ALL = "Run `dsync sync --full`."
FAULTS = {
    "contents": f"Dossiers that were not erased lack their contents. {READ_AGAIN}",
    "current_verdict": "Dossiers were judged and lack a verdict, or have several current ones, or "
    f"an older one than the last. {RESTORE}",
    "verdicts": "Current verdicts of dossiers are not what the results of their checks give: they "
    f"were changed outside dsync. {RESTORE}",
    "rules": f"The rules that gave dossiers a verdict are not kept any more. {RESTORE}",
    "presence": f"Dossiers have another presence than the journal gives them. {_READ_ALL}",
    "quarantine": "Dossiers are in quarantine, or are not, against what the journal has. "
    f"{_READ_ALL}",
    "corrections": f"Open corrections of dossiers are not the pending ones. {RESTORE}",
    "pushed": f"Confirmed wishes of dossiers are not what counts as written into DS. {RESTORE}",
    "current_wish": f"Dossiers have several current wishes for one annotation. {RESTORE}",
    "erased": "Erased dossiers still have contents or texts. Run `dsync dossier erase {first}`, "
    "and so for each.",
}
"""What is said of rows that do not fit others, by check."""
MISFITS = {
    "contents": f"Stored contents cannot be decoded. {READ_AGAIN}",
    "hashes": "Stored contents are not those that were hashed when they were read: they were "
    f"changed outside dsync, or [annotations] has changed since. {READ_AGAIN}",
    "rows": "The applicant, the programme's row, or what lists search, of dossiers is not what the "
    f"stored contents give: they were changed outside dsync. {READ_AGAIN}",
    "revisions": "Dossiers are of a revision of the form that is not stored. "
    "Run `dsync sync --full`, which reads the form again.",
    "views": "The views do not show what the stored contents are: a view was changed outside "
    f"dsync, or dsync is wrong. {RESTORE} If it is there again, report it.",
}
"""What is said of contents from which something else follows than what is stored, by check."""


def _verify_rows(reader: Reader, done: Verification) -> None:
    found = reader.verification
    for name, numbers in found.orphans().items():
        message = f"Table {name} has rows of dossiers that table dossier does not have. {RESTORE}"
        done.add(f"orphans.{name}", numbers, message)
    for name, numbers in found.unknown_values().items():
        message = f"Column {name} has values that dsync never writes. {RESTORE}"
        done.add(f"values.{name}", numbers, message)
    part = reader.programme.lists
    has_rows = part is not None and is_mapped(reader.state.read().mapping_key)
    for check, some in {
        "contents": found.without_contents([part.table] if part and has_rows else []),
        "current_verdict": found.uneven_verdicts(),
        "verdicts": found.unlike_results(),
        "rules": found.without_rules(),
        "presence": found.wrong_presences(),
        "quarantine": found.wrong_quarantine(),
        "corrections": found.lost_corrections(),
        "pushed": found.unlike_pushed(),
        "current_wish": found.double_wishes(),
        "erased": found.badly_erased(),
    }.items():
        done.add(check, some, FAULTS[check])


def _verify_wishes(
    reader: Reader, state: SyncState, expected: Expected, done: Verification
) -> None:
    # With other texts, the next run words the wishes again.
    if expected.annotations is None or state.mapping_key not in (None, expected.mapping_key):
        return
    wrong = []
    for number, annotation, valeur, verdict, detail in reader.verification.wished():
        # The date stays that of an equal verdict of before, and a label may have been renamed.
        wanted = desired(Verdict(verdict), detail or "", EPOCH, expected.annotations)
        if annotation in (RESULTAT, DETAIL) and wanted and wanted[annotation] != valeur:
            wrong.append(number)
    done.add(
        "wishes",
        wrong,
        "Wishes of dossiers are not those of their verdicts. If [annotations] has changed since "
        f"the last run, `dsync sync` words them again; else somebody changed them. {RESTORE}",
    )


def _verify_watermark(reader: Reader, state: SyncState, now: datetime, done: Verification) -> None:
    watermark = state.watermark
    newest, last, began = reader.verification.dates()
    full = "Run `dsync sync --full`, which reads all dossiers and sets it."
    said = []
    if newest and newest > now + CLOCK_TOLERANCE:
        said.append("A dossier's date of change is in the future: check this machine's clock.")
    if watermark is None:
        if began is not None:
            said.append(f"The watermark is missing although a read has ended well. {full}")
    elif last is None or watermark > last + CLOCK_TOLERANCE:
        said.append(f"The watermark is later than the last run, so changes would be missed. {full}")
    # A dossier that changed before the last successful read began was read by it. Later changes,
    # and those within the tolerance, say nothing about the watermark.
    elif newest and began and watermark + CLOCK_TOLERANCE < newest < began - CLOCK_TOLERANCE:
        said.append(
            "The watermark is before the newest dossier's date of change, although a later read "
            f"has ended well. {full}"
        )
    done.findings += [Finding("watermark", one, 1) for one in said]


def _verify_contents(
    reader: Reader,
    state: SyncState,
    expected: Expected,
    numbers: Sequence[DossierNumber],
    done: Verification,
) -> None:
    revisions = reader.demarche.revisions()
    forms = form_views(reader.number, revisions.values(), opened=())
    lost = reader.verification.lost_views(forms)
    if lost:
        remedy = (
            "They were in use: run `dsync sync`." if reader.demarche.has_views_in_use() else RESTORE
        )
        message = f"Views are missing, or lack columns: {', '.join(lost)}. {remedy}"
        done.findings.append(Finding("views", message, len(lost)))
    # With another mapping than at the last full read, all hashes differ until the next one.
    is_same_mapping = state.mapping_key in (None, expected.mapping_key)
    # The copy of a dossier in quarantine stays, unless it could be stored.
    unread = reader.quarantine.unread()
    misfits: dict[str, list[DossierNumber]] = defaultdict(list)
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        batch = list(reader.contents.of(some).values())
        dossiers: dict[DossierNumber, Dossier] = {}
        for stored in batch:
            try:
                read = dossier_of(stored)
            except (msgspec.DecodeError, TypeError, ValueError, KeyError):
                misfits["contents"].append(stored.numero)
                continue
            if has_its_cells(stored, read):
                dossiers[stored.numero] = read
            else:
                # Its views are not compared: what they read is stored again.
                misfits["hashes"].append(stored.numero)
        done.recomputed += len(batch)
        if is_same_mapping:
            corrections = reader.contents.corrections(some)
            mapped = reader.verification.programme_rows(some)
            listed = reader.verification.texts_of_lists(some)
            for stored in batch:
                dossier = dossiers.get(stored.numero)
                # A copy that no read has renewed may be of another mapping.
                is_read = stored.facts.presence == Presence.PRESENT and stored.numero not in unread
                if dossier is None or not is_read:
                    continue
                if dossier.revision_id not in revisions and not _has_labels(dossier):
                    misfits["revisions"].append(stored.numero)
                    continue
                if _has_labels(dossier):
                    # Its form was derived from all that DS showed, headings included, which are
                    # not stored.
                    continue
                asked = corrections.get(stored.numero, ())
                record = _record_of(stored, dossier, revisions, expected, asked)
                if record is None:
                    misfits["hashes"].append(stored.numero)
                elif not (
                    _has_its_rows(stored, record, mapped, reader)
                    and _is_listed(record, listed.get(stored.numero), reader)
                ):
                    misfits["rows"].append(stored.numero)
        if not lost:
            misfits["views"] += _misfits_of_views(reader, forms, dossiers)
    if not is_same_mapping and expected.mapping_key is not None and done.recomputed:
        message = (
            "The hashes cannot be recomputed: [mapping] or [annotations] are others than at the "
            "last full read. Run `dsync sync --full`, or correct DSYNC_CONFIG."
        )
        done.findings.append(Finding("hashes", message, done.recomputed))
    for check, message in MISFITS.items():
        done.add(check, misfits[check], message)


def _has_labels(dossier: Dossier) -> bool:
    """Return whether champs are stored with their labels: the form was not known."""
    return any(champ.libelle for champ in (*dossier.champs, *dossier.annotations))


def _record_of(
    stored: StoredDossier,
    dossier: Dossier,
    revisions: Mapping[RevisionId, Revision],
    expected: Expected,
    corrections: Sequence[Correction],
) -> Record | None:
    """Return the record that was stored, None if the stored contents give other hashes."""
    unread = frozenset(msgspec.json.decode(stored.contents["lacunes"] or b"[]"))
    facts = stored.facts
    known = (facts.content_hash, facts.inputs_hash, facts.annotations_hash)
    # As it was read, and as `jsonb` may have changed it since.
    for read in (dossier, _with_floats(dossier)):
        revision = revisions[dossier.revision_id]
        record = expected.recorder.record(read, expected.demarche, revision, corrections, unread)
        hashes = (record.content_hash, record.inputs_hash, record.annotations_hash)
        if hashes == known:
            return record
    return None


def _has_its_rows(
    stored: StoredDossier,
    record: Record,
    mapped: Mapping[str, Mapping[DossierNumber, Mapping[str, Any]]],
    reader: Reader,
) -> bool:
    """Return whether what is stored a second time, to be read, is what the contents give."""
    facts = stored.facts._mapping
    derived = {**record.facts, **{one: record.dates[one] for one in Conversation._fields}}
    if any(facts[name] != value for name, value in derived.items()):
        return False
    for name, row in record.programme.items():
        its = mapped[name].get(record.numero)
        # One that lacks its row is told of by itself.
        table = reader.programme.storage.metadata.tables[name]
        if its is not None and not _stores(table, its, row):
            return False
    return True


def _stores(table: Table, stored: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether a stored row, with JSON as text, has the values of a row to be stored."""
    return all(
        stored[name].encode() == json_bytes(value)
        if stored[name] is not None and isinstance(table.c[name].type, JsonText)
        else stored[name] == value
        for name, value in row.items()
    )


def _is_listed(record: Record, texts: Mapping[str, str] | None, reader: Reader) -> bool:
    """Return whether lists find a dossier by its own texts."""
    row = in_lists(reader.programme, record, EPOCH)
    return texts is not None and all(row[name] == text for name, text in texts.items())


FIRST_WITH_EXPONENT = 10**16
"""Floats from here on are written with an exponent, which `jsonb` writes out like an integer."""


def _with_floats(dossier: Dossier) -> Dossier:
    """Return the dossier with large integers as floats: `jsonb` does not tell them apart."""

    def floated(champ: Champ) -> Champ:
        valeur = champ.valeur
        if isinstance(valeur, int) and abs(valeur) >= FIRST_WITH_EXPONENT:
            valeur = float(valeur)
        lignes = tuple(replace(one, champs=tuple(map(floated, one.champs))) for one in champ.lignes)
        return replace(champ, valeur=valeur, lignes=lignes)

    champs, annotations = (tuple(map(floated, of)) for of in (dossier.champs, dossier.annotations))
    return replace(dossier, champs=champs, annotations=annotations)


def _misfits_of_views(
    reader: Reader, forms: Iterable[FormView], dossiers: Mapping[DossierNumber, Dossier]
) -> Iterator[DossierNumber]:
    numbers = list(dossiers)
    champs, main = (
        reader.verification.shown_champs(numbers),
        reader.verification.rows_of_main_view(numbers),
    )
    for number, dossier in dossiers.items():
        outside = (*dossier.champs, *dossier.annotations)
        inside = [cell for champ in outside for ligne in champ.lignes for cell in ligne.champs]
        texts = sum(champ.texte is not None for champ in (*outside, *inside))
        its = (len(outside) + len(inside), texts)
        if its != champs.get(number, (0, 0)) or main.get(number) != 1:
            yield number
    for form in forms:
        shown: dict[DossierNumber, Counter[Any]] = {number: Counter() for number in numbers}
        for number, row in reader.verification.form_rows(form, numbers):
            shown[number].update({"rows": 1})
            shown[number].update(n for n, value in row.items() if value is not None)
        for number, dossier in dossiers.items():
            if shown[number] != _counted(form, dossier):
                yield number


def _counted(form: FormView, dossier: Dossier) -> Counter[Any]:
    """Return how many rows, and values by column, a view formulaire_* has to show of a dossier."""
    champs = (*dossier.champs, *dossier.annotations)
    rows: list[tuple[Champ, ...]] = [champs]
    if form.repetition is not None:
        id_ = form.repetition.id
        repetitions = [champ for champ in champs if champ.descriptor_id == id_]
        rows = [ligne.champs for champ in repetitions for ligne in champ.lignes]
    if form.choice is not None:
        chosen = form.choice.id
        found_in = [champ for row in rows for champ in row if champ.descriptor_id == chosen]
        # A row a choice, which is compared by their number; a text is a single one.
        rows = [
            ()
            for champ in found_in
            for _ in (champ.valeur if isinstance(champ.valeur, list) else [champ.texte])
            if champ.texte or isinstance(champ.valeur, list)
        ]
    found: Counter[Any] = Counter({"rows": len(rows), "numero": len(rows)} if rows else {})
    columns = [(one.name, one.id) for one in form.columns.values() if one.kind == "text"]
    for row in rows:
        present = {champ.descriptor_id for champ in row if champ.texte is not None}
        found.update(name for name, id_ in columns if id_ in present)
    return found


def verify_pieces(
    store: Store, demarche: DemarcheNumber, target: str, done: Verification, *, whole: bool
) -> None:
    """Compare the copied files with what is stored of them.

    What is found completes `done`. With `whole` each file is read.
    """
    try:
        # Listed first: what a service copies or deletes meanwhile is looked for once more.
        sizes = list_target(target)
        with store.reading(demarche) as reader:
            is_used = reader.pieces.has_used(target)
        if is_used:
            check_marked(target)
        with store.reading(demarche) as reader:
            copied, known = reader.pieces.copied(), reader.pieces.addresses()
        wrong = [one.numero for one in copied if not _is_there(one, sizes, whole=whole)]
        unknown = [
            adresse
            for adresse in sizes
            if adresse not in known and read_back(adresse, whole=False) is not None
        ]
    except (ConfigurationError, PieceTargetError) as exc:
        done.findings.append(Finding("pieces", exc.message, 1))
        return
    done.files = len(copied)
    done.add(
        "pieces",
        wrong,
        "Copied files are missing, or have another size or checksum than when they were copied. "
        "Run `dsync pieces fetch --dossier {first}`, and so for each, which copies these again.",
    )
    if unknown:
        # A copy's path begins with its dossier's number.
        names = {adresse.removeprefix(target).split("/")[1] for adresse in unknown}
        message = (
            "The target has files that the database does not name. Delete them, unless another "
            "database copies files into the same target."
        )
        numbers = sorted(DossierNumber(int(name)) for name in names if name.isdecimal())
        done.findings.append(Finding("pieces.unknown", message, len(unknown), tuple(numbers)))


def _is_there(copied: CopiedFile, sizes: Mapping[str, int], *, whole: bool) -> bool:
    if not whole and sizes.get(copied.adresse) == copied.taille:
        return True
    found = read_back(copied.adresse, whole=whole)
    return found == (copied.taille, md5_of(copied.empreinte_md5) if whole else None)


def verify_remote(store: Store, client: DSClient, expected: Expected, done: Verification) -> None:
    """Compare the confirmed wishes of open dossiers with the values in DS.

    What does not fit completes `done`.

    Raises:
        DSError: DS could not be read.
    """
    if expected.annotations is None:
        return
    after = DossierNumber(0)
    differing: list[DossierNumber] = []
    hidden: list[DossierNumber] = []
    unread: list[DossierNumber] = []
    while True:
        with store.reading(expected.demarche) as reader:
            wished = reader.wishes.confirmed(after, ASKED_TOGETHER)
            revisions = reader.demarche.revisions() if wished else {}
        if not wished:
            break
        resolved = {
            id_: resolve(
                expected.annotations,
                revisions[id_].descriptors.values() if id_ in revisions else (),
            )
            for id_ in {one.revision_id for one in wished}
        }
        ids = sorted({id_ for found in resolved.values() for id_ in found.ids()})
        remotes = client.rendered_annotations(
            [one.numero for one in wished], ids, expected.demarche
        )
        # Again, because the request can take seconds, in which a run may end a wish.
        with store.reading(expected.demarche) as reader:
            since = reader.wishes.confirmed(after, ASKED_TOGETHER)
        for dossier in wished:
            if dossier.numero not in remotes:
                unread.append(dossier.numero)
                continue
            if dossier not in since:
                continue  # A service has changed them meanwhile.
            done.compared_with_ds += len(dossier.wishes)
            remote = remotes[dossier.numero]
            if remote is None:
                hidden.append(dossier.numero)
            elif remote.etat in OPEN_ETATS and not all(
                shows(
                    wish.annotation,
                    wish.valeur or "",
                    remote.values,
                    remote.labels,
                    resolved[dossier.revision_id],
                    expected.annotations,
                )
                for wish in dossier.wishes
            ):
                differing.append(dossier.numero)
        after = wished[-1].numero
    done.add(
        "remote",
        differing,
        "DS does not have the values that were confirmed: somebody edited them since the last "
        "read, or the copy is older than DS. Run `dsync sync`, then `dsync conflicts list`.",
    )
    done.add(
        "remote_presence",
        hidden,
        "DS does not show dossiers that are present in the copy. Run `dsync sync --full`.",
    )
    done.add(
        "remote_unread",
        unread,
        "DS cannot render the annotations of dossiers, which were not compared. If this persists, "
        "tell DS's support.",
    )
