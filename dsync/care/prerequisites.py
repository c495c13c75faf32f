"""Checks for `dsync check` what could prevent a run, one line each with its remedy.

Nothing is written, neither to DS nor to the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog

from dsync.annotations.targets import (
    ACCEPTED_TYPES,
    VALIDATION,
    VALUE_NAMES,
    AnnotationsConfig,
    AnnotationTarget,
    Box,
    box_of,
    lacking_options,
    misnamed,
    resolve,
)
from dsync.domain.consent import Consent, Move
from dsync.domain.dossier import Demarche, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId
from dsync.domain.remedies import CheckLine, CheckStatus, expiry_line, no_instructeur, span
from dsync.domain.rights import blank_list
from dsync.domain.toml import named
from dsync.domain.wording import folded
from dsync.ds.classify import Refusal
from dsync.ds.demarche_reading import WriteAccess
from dsync.errors import (
    PARTIAL,
    ConfigurationError,
    DSError,
    DSNotFoundError,
    DSOutcomeUnknownError,
    DSUnauthorizedError,
    DsyncError,
    GristError,
    PieceTargetError,
    SchemaBehindError,
    StoreError,
)
from dsync.programme import Programme
from dsync.store import Store
from dsync.store.engine import FEW, SUPERUSERS, connections_of, parse_url, sqlite_file
from dsync.sync.brakes.grounds import BOX, known_boxes, lost_sections, misfits_of
from dsync.sync.piece_files import try_target

log = structlog.get_logger(__name__)

# What is to be corrected first comes first: other lines may only follow from it.
EXIT_ORDER = (
    *(one.exit_code for one in (ConfigurationError, StoreError, DSUnauthorizedError, DSError)),
    PARTIAL,
)
"""The exit code of `dsync check` is the first of these that a line has."""

REFUSALS: Mapping[str, tuple[str, str]] = {
    "missing": (
        "no token was sent",
        "set DSYNC_DS_TOKEN, or DSYNC_DS_TOKEN_FILE to a file that holds it",
    ),
    "unknown": (
        "DS does not know it: mistyped, revoked or deleted",
        "compare it with the one in the administrateur's profile on DS; in doubt make a new one",
    ),
    "expired": (
        "it has expired",
        "make a new one in the administrateur's profile on DS and put it in place",
    ),
    "network": (
        "DS refuses it from this machine's network (a token made without networks is bound to the "
        "first address that used it)",
        "add the network to those allowed for the token, in the administrateur's profile on DS",
    ),
    "scope": (
        "its scope does not include this démarche",
        "give it access to the démarche on DS; if another administrateur has the démarche now, put "
        "a token of theirs in place; or correct DSYNC_DEMARCHE",
    ),
}
"""What is wrong with the token and the remedy, by the reason of `DSUnauthorizedError`."""

CLOCKS_APART = timedelta(minutes=5)
"""How far this machine's clock and DS's may differ without a word."""
NETWORK_HINT = (
    "a token made without networks is bound to the first address that used it, perhaps this one",
    "if dsync runs elsewhere or from several addresses, enter their networks for the token, in the "
    "administrateur's profile on DS",
)


@dataclass(frozen=True, slots=True)
class CheckSources:
    """What the checks need; errors of the two calls to DS become lines."""

    read_demarche: Callable[[], Demarche]
    try_writing: Callable[[str], WriteAccess]
    """Called with the instructeur's id."""
    database_url: str
    open_store: OpenStore
    programme: Programme | None
    annotations: AnnotationsConfig | None
    """None: nothing is written into DS."""
    instructeur: str | None
    token_expires_on: date | None
    now: datetime
    clock_gap: Callable[[], timedelta | None]
    """Returns how far this machine's clock was ahead of DS's at its last answer."""
    config: str
    """The configuration file, as the user names it."""
    is_borrowed: bool = False
    """Whether that is the shipped file, used for another démarche than its own."""
    every_champ: bool = False
    """Whether each champ without a field gets its own line."""
    pieces_target: str | None = None
    """Where files are copied; None: they are not."""
    ask_grist: Callable[[], object] | None = None
    """Asks the Grist document for its tables; None: there is none."""
    opened: Sequence[str] = ()
    """The ids in `[ouvert] champs`."""
    groupes: Collection[str] = ()
    """Those of `[[acces]]`."""
    notice_blanks: Mapping[str, str] = field(default_factory=dict)
    """What the notice for applicants leaves blank, by the setting that says it."""
    workers: int | None = None
    """`[advanced] workers`; None: another démarche's check compares the connections for all."""


def run_checks(sources: CheckSources) -> Iterator[CheckLine]:
    """Run the checks, and yield each line as soon as it is known.

    A bug in one of them is a line, and does not keep the others from being run.
    """
    yield CheckLine("configuration", CheckStatus.OK, sources.config)
    yield expiry_line(sources.token_expires_on, sources.now.date())
    for check in (_ds_lines, _database_lines, _target_lines, _grist_lines, _programme_lines):
        try:
            yield from check(sources)
        except DsyncError:
            raise
        except Exception as exc:
            yield crash_line(exc)


def crash_line(exc: Exception) -> CheckLine:
    """Log a bug that ended a check, and return its line."""
    log.error("check_crashed", error=type(exc).__name__, exc_info=exc)
    message = f"an error of dsync's own ended a part of the check ({type(exc).__name__})"
    return CheckLine("dsync", CheckStatus.ERROR, message, "report it, with its traceback", 1)


def _database_lines(sources: CheckSources) -> Iterator[CheckLine]:
    database = database_line(sources.database_url, sources.open_store)
    yield database
    if sources.workers and database.status is CheckStatus.OK:
        with _store(sources) as store:
            if store is not None:
                yield from _connection_lines(store, sources.workers, sources.now)
                yield from _foreign_lines(store)


def _programme_lines(sources: CheckSources) -> Iterator[CheckLine]:
    if sources.programme is None or not sources.programme.rules:
        message = "no [[controles]]: nothing is judged"
        yield CheckLine("rules", CheckStatus.INFO, message)
    else:
        with _store(sources) as store:
            yield from sources.programme.findings.evidence_lines(store, sources.now)
        if sources.notice_blanks:
            message = f"blank in the notice for applicants: {blank_list(sources.notice_blanks)}"
            remedy = "set these, then write it by `dsync rules publish regles.html`"
            yield CheckLine("notice", CheckStatus.INFO, message, remedy)


def exit_code_of(lines: Iterable[CheckLine]) -> int:
    """Return the exit code of `dsync check` for these lines."""
    codes = {line.exit_code for line in lines}
    return next((code for code in EXIT_ORDER if code in codes), max(codes, default=0))


def _ds_lines(sources: CheckSources) -> Iterator[CheckLine]:
    try:
        demarche = sources.read_demarche()
    except (DSError, ConfigurationError) as exc:
        yield _refusal(exc)
        return
    yield CheckLine("token", CheckStatus.OK, "accepted by DS for this démarche")
    yield CheckLine("token network", CheckStatus.INFO, *NETWORK_HINT)
    named = f"{demarche.number} « {demarche.titre} », {demarche.etat}"
    yield CheckLine("démarche", CheckStatus.OK, named)
    gap = sources.clock_gap()
    if gap is not None and abs(gap) > CLOCKS_APART:
        behind = "ahead of" if gap > timedelta() else "behind"
        message = (
            f"this machine's is {span(abs(gap))} {behind} DS's: from ten on, nothing is judged"
        )
        yield CheckLine("clock", CheckStatus.WARNING, message, "set this machine's clock (NTP)")
    revision = demarche.revisions.get(demarche.active_revision_id)
    if revision is None:
        yield CheckLine(
            "revision",
            CheckStatus.ERROR,
            "the form has no published revision",
            "publish the démarche on DS",
            2,
        )
        return
    yield CheckLine("revision", CheckStatus.OK, _revision_sentence(demarche, revision))
    given = sources.programme, sources.annotations
    if sources.is_borrowed and misfits_of(*given, demarche, is_borrowed=True).is_other_form:
        message = f"{sources.config} is the shipped file of another call: it is not for this form"
        remedy = "`dsync config init` writes a file for this démarche, ./dsync.toml"
        yield CheckLine("configuration", CheckStatus.ERROR, message, remedy, 2)
    if sources.programme is not None:
        yield from sources.programme.findings.form_lines(
            demarche,
            revision,
            known=resolve(sources.annotations, revision.descriptors.values()).ids(),
            every_champ=sources.every_champ,
        )
    yield from _section_lines(sources, demarche.number)
    yield from opened_lines(sources.opened, demarche)
    yield from access_lines(sources.groupes, demarche)
    if sources.annotations is None:
        message = "no section [annotations]: nothing is written into DS"
        yield CheckLine("annotations", CheckStatus.INFO, message)
        judges = sources.programme is not None and sources.programme.rules
        if judges and sources.instructeur and not demarche.instructeur_id(sources.instructeur):
            # Why `config init` left the section out.
            line = instructeur_line(demarche, sources.instructeur)
            yield replace(line, status=CheckStatus.WARNING, exit_code=0)
        return
    yield from annotation_lines(sources.annotations, revision, _written(sources, demarche.number))
    published = [one for one in demarche.revisions.values() if one.date_publication is not None]
    yield box_line(sources.annotations, *_boxes(sources, demarche.number), revision, published)
    yield from label_lines(sources.annotations, demarche.labels)
    yield instructeur_line(demarche, sources.instructeur)
    instructeur = demarche.instructeur_id(sources.instructeur)
    if instructeur:
        try:
            yield from write_lines(sources.try_writing(instructeur))
        except DSOutcomeUnknownError as exc:
            message = "DS did not answer the attempt to write; nothing was written"
            remedy = "run `dsync check` again; if this persists, look at DS's status page"
            yield CheckLine("write access", CheckStatus.ERROR, message, remedy, exc.exit_code)
        except DSError as exc:
            yield error("write access", exc)


@contextmanager
def _store(sources: CheckSources) -> Iterator[Store | None]:
    """Open the database without creating or upgrading it; None if it cannot be used."""
    with ExitStack() as stack:
        usable = None
        with suppress(DsyncError):
            # With the check, a SQLite database would be upgraded.
            store = sources.open_store(create=False, check_schema=False)
            stack.enter_context(closing(store))
            store.check_schema()
            usable = store
        yield usable


def _written(sources: CheckSources, demarche: DemarcheNumber) -> Collection[str]:
    """Return the ids of the annotations into which dsync wrote."""
    with _store(sources) as store, suppress(StoreError):
        if store is not None:
            with store.reading(demarche) as reader:
                return reader.outbox.written_annotations()
    return ()


def _section_lines(sources: CheckSources, demarche: DemarcheNumber) -> Iterator[CheckLine]:
    """Yield the line of sections that the file lacks, and by which the stored rows were made."""
    lost, accepted = dict[str, tuple[Move, str]](), None
    with _store(sources) as store, suppress(StoreError):
        if store is not None:
            with store.reading(demarche) as reader:
                lost = lost_sections(reader, sources.programme, sources.annotations)
                accepted = reader.consents.of(Consent.CONFIG)
    if accepted and accepted.given_at and lost.keys() <= accepted.proposal.subjects.keys():
        return
    if lost:
        said = ", ".join(f"{move.dossiers} {what}" for move, what in lost.values())
        message = f"lacks {', '.join(lost)}, by which the stored rows were made: {said}"
        remedy = "correct DSYNC_CONFIG or the file; if it is meant, run a sync, then "
        remedy += "`dsync accept config`"
        yield CheckLine("configuration", CheckStatus.ERROR, message, remedy, 2)


def _boxes(sources: CheckSources, demarche: DemarcheNumber) -> tuple[Collection[str], bool]:
    """Return the ids of what was found as the validation box so far, and whether it is given up.

    It is where a person said that there is no box any more.
    """
    # Without the database, whose line says what is wrong, there was none before.
    with _store(sources) as store, suppress(StoreError):
        if store is not None:
            with store.reading(demarche) as reader:
                given = reader.consents.of(Consent.CONFIG)
                is_given = given is not None and given.given_at is not None
                is_given_up = given is not None and is_given and BOX in given.proposal.subjects
                return known_boxes(reader), is_given_up
    return (), False


def _refusal(exc: DSError | ConfigurationError) -> CheckLine:
    """Return the line of an error raised while reading the démarche."""
    if isinstance(exc, DSUnauthorizedError):
        message, remedy = REFUSALS.get(exc.reason, (exc.message, None))
        return CheckLine("token", CheckStatus.ERROR, message, remedy, exc.exit_code)
    if isinstance(exc, DSNotFoundError):
        remedy = "correct DSYNC_DEMARCHE, or [demarche] number in the configuration"
        message = "DS has no démarche with this number, or does not show it"
        return CheckLine("démarche", CheckStatus.ERROR, message, remedy, 2)
    if isinstance(exc, ConfigurationError):
        return error("settings", exc)
    return error("DS", exc)


def _revision_sentence(demarche: Demarche, revision: Revision) -> str:
    published = revision.date_publication
    day = f"published {published.date().isoformat()}" if published else "not dated"
    count = len(demarche.revisions)
    revisions = f"{count} revision{'s' if count > 1 else ''} in all"
    return f"{day}, {len(revision.descriptors)} champs and annotations; {revisions}"


def instructeur_line(demarche: Demarche, wanted: str | None) -> CheckLine:
    """Return whether the configured instructeur, an id or e-mail, is in the démarche's groupes."""
    if wanted is None:
        message = "none is configured: annotations and labels wait"
        remedy = (
            "set DSYNC_DS_INSTRUCTEUR to the id or e-mail of one of the démarche's instructeurs"
        )
        return CheckLine("instructeur", CheckStatus.ERROR, message, remedy, 7)
    named = demarche.instructeur_id(wanted)
    groupes, missing = {i.groupe for i in demarche.instructeurs}, demarche.groupes_without(named)
    if len(missing) == len(groupes):
        message = no_instructeur(demarche, wanted)
        remedy = "correct DSYNC_DS_INSTRUCTEUR, or add them to a groupe on DS"
        return CheckLine("instructeur", CheckStatus.ERROR, message, remedy, 7)
    if missing:
        message = f"not in {_quoted(missing)}: DS refuses pushes into the dossiers there"
        remedy = "add the instructeur to every groupe whose dossiers are pre-checked"
        return CheckLine("instructeur", CheckStatus.WARNING, message, remedy)
    plural = "every groupe" if len(groupes) > 1 else "the groupe"
    return CheckLine("instructeur", CheckStatus.OK, f"in {plural} of the démarche")


def write_lines(access: WriteAccess) -> Iterator[CheckLine]:
    """Yield in which groupes DS lets dsync write annotations."""
    if Refusal.READ_ONLY in access.refused.values():
        message = "the token is read-only: DS refuses every annotation"
        remedy = (
            "make a read/write token in the administrateur's profile on DS and put it into "
            "DSYNC_DS_TOKEN or its file"
        )
        yield CheckLine("write access", CheckStatus.ERROR, message, remedy, 7)
        return
    if access.granted:
        message = f"annotations may be written into the dossiers of {_quoted(access.granted)}"
        yield CheckLine("write access", CheckStatus.OK, message)
    if access.refused:
        message = f"DS refuses annotations in the dossiers of {_quoted(sorted(access.refused))}"
        remedy = "add the instructeur of DSYNC_DS_INSTRUCTEUR to these groupes on DS"
        yield CheckLine("write access", CheckStatus.WARNING, message, remedy)
    if access.untried:
        message = f"not tried in {_quoted(access.untried)}, which has no dossier yet"
        yield CheckLine("write access", CheckStatus.INFO, message)


def error(name: str, exc: DsyncError) -> CheckLine:
    """Return the line of an error, whose message contains the remedy."""
    return CheckLine(name, CheckStatus.ERROR, exc.message, None, exc.exit_code)


def _target_lines(sources: CheckSources) -> Iterator[CheckLine]:
    target, is_used = sources.pieces_target, False
    if target is None:
        return
    # Without the database, whose line says what is wrong, it counts as new.
    with _store(sources) as store, suppress(StoreError):
        if store is not None:
            with store.reading() as reader:
                is_used = reader.pieces.has_used(target)
    try:
        try_target(target, is_used=is_used)
    except (ConfigurationError, PieceTargetError) as exc:
        yield error("pieces", exc)
    else:
        yield CheckLine("pieces", CheckStatus.OK, "files can be written into [pieces] target")


def _grist_lines(sources: CheckSources) -> Iterator[CheckLine]:
    if sources.ask_grist is None:
        return
    try:
        sources.ask_grist()
    except (ConfigurationError, GristError) as exc:
        # No run needs it.
        yield CheckLine("grist", CheckStatus.WARNING, exc.message)
    else:
        yield CheckLine("grist", CheckStatus.OK, "the document of [grist] can be read")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"« {name} »" for name in names)


def access_lines(groupes: Collection[str], demarche: Demarche) -> Iterator[CheckLine]:
    """Yield the groupes of `[[acces]]` that the démarche lacks: their people see nothing."""
    known = {one.groupe for one in demarche.instructeurs}
    if unknown := sorted(set(groupes) - known):
        message = f"no groupe of the démarche has the name {_quoted(unknown)}"
        remedy = f"correct [[acces]] groupes; the démarche has {_quoted(sorted(known))}"
        yield CheckLine("access", CheckStatus.WARNING, message, remedy)


def opened_lines(opened: Sequence[str], demarche: Demarche) -> Iterator[CheckLine]:
    """Yield what the ids of `[ouvert] champs` show to readers without personal data."""
    active = demarche.revisions[demarche.active_revision_id]
    # The active one last: of a champ that it has, its label and type are told.
    revisions = (*demarche.revisions.values(), active)
    known = {d.id: d for revision in revisions for d in revision.descriptors.values()}
    shown = [known[id_] for id_ in map(DescriptorId, opened) if id_ in known]
    if shown:
        said = ", ".join(f"{named(one.libelle)} ({one.type})" for one in shown)
        message = f"shown to readers without personal data: {said}"
        yield CheckLine("ouvert", CheckStatus.INFO, message)
    for id_ in opened:
        if DescriptorId(id_) not in known:
            message = f"no champ or annotation of the form has the id {id_}"
            remedy = "correct it in [ouvert] champs, or remove it"
            yield CheckLine("ouvert", CheckStatus.WARNING, message, remedy)


def annotation_lines(
    config: AnnotationsConfig, revision: Revision, written: Collection[str] = ()
) -> Iterator[CheckLine]:
    """Yield whether the form has each annotation that dsync writes, with its type and options.

    `written` are those into which it wrote before.
    """
    resolved = resolve(config, revision.descriptors.values())
    for name, (other, libelles) in misnamed(config, resolved).items():
        message = f"{name}: the annotation of this id is {named(other.libelle)} in DS, "
        message += f"not {named(libelles[0])}"
        remedy = f"correct the id in [annotations] {name}, or add this label there"
        is_known = other.id in written or (name == VALIDATION and bool(written))
        status = CheckStatus.WARNING if is_known else CheckStatus.ERROR
        yield CheckLine("annotations", status, message, remedy, 0 if is_known else 2)
    for name in VALUE_NAMES:
        descriptor = resolved.by_name(name)
        target: AnnotationTarget = getattr(config, name)
        if descriptor is None:
            yield _missing_annotation(name, target, revision)
        elif name == "resultat" and (lacking := lacking_options(config, descriptor)):
            yield CheckLine(
                "annotations",
                CheckStatus.ERROR,
                f"resultat: {named(descriptor.libelle)} lacks the option {_quoted(lacking)}",
                "add it to the annotation on DS, or correct [annotations] options "
                f"(it offers {_quoted(descriptor.options or ())})",
                2,
            )
        else:
            yield CheckLine("annotations", CheckStatus.OK, f"{name}: {named(descriptor.libelle)}")


def box_line(
    config: AnnotationsConfig,
    known: Collection[str],
    is_given_up: bool,
    revision: Revision,
    revisions: Sequence[Revision],
) -> CheckLine:
    """Return whether the box can be read by which an instructeur validates the result.

    `known` and `is_given_up` are of `_boxes`; `revision` is the active one, `revisions` are all
    published ones.
    """
    box = box_of(config, known, revision, revisions)
    target, found = config.validation, resolve(config, revision.descriptors.values()).validation
    if box is Box.NONE:
        return CheckLine("annotations", CheckStatus.OK, "validation: none is configured")
    if box is Box.READ and found is not None:
        return CheckLine("annotations", CheckStatus.OK, f"validation: {named(found.libelle)}")
    remedy = "correct the id of [annotations] validation; if there is no box any more, run a sync, "
    remedy += "then `dsync accept config`"
    if is_given_up:
        message = "validation: the box cannot be read, and a person accepted that"
        return CheckLine("annotations", CheckStatus.WARNING, message, remedy)
    if target is None:
        message = "validation: [annotations] validation is gone from the file, and dossiers may be "
        message += "validated: nothing is written into them"
        return CheckLine("annotations", CheckStatus.ERROR, message, remedy, 2)
    if found is None:
        return _missing_annotation("validation", target, revision)
    message = f"validation: {named(found.libelle)} is another box than before, which is still there"
    return CheckLine("annotations", CheckStatus.ERROR, message, remedy, 2)


def _missing_annotation(name: str, target: AnnotationTarget, revision: Revision) -> CheckLine:
    labels = {folded(libelle) for libelle in target.libelles}
    # `resolve` leaves out annotations of an unsuitable type: one of the same name is probably
    # meant.
    twin = next(
        (
            d
            for d in revision.descriptors.values()
            if d.is_annotation
            and not d.parent_id
            and (d.id == target.id or folded(d.libelle) in labels)
        ),
        None,
    )
    accepted = " or ".join(ACCEPTED_TYPES[name])
    if twin:
        message = f"{name}: {named(twin.libelle)} is a {twin.type}; it has to be {accepted}"
        remedy = "make an annotation of that type on DS, and give its id"
    else:
        message = f"{name}: no such annotation in the form ({target.id})"
        remedy = f"add an annotation privée ({accepted}) on DS, and give its id"
    return CheckLine(
        "annotations", CheckStatus.ERROR, message, f"{remedy} in [annotations] {name}", 2
    )


def label_lines(config: AnnotationsConfig, available: Mapping[str, str]) -> Iterator[CheckLine]:
    """Yield whether the démarche has the configured labels."""
    if config.labels is None:
        yield CheckLine("labels", CheckStatus.OK, "none is configured: dsync writes none")
        return
    missing = [name for name in config.labels.all() if name not in available]
    if missing:
        yield CheckLine(
            "labels",
            CheckStatus.ERROR,
            f"the démarche has no label {_quoted(missing)}",
            "create it on DS with exactly this name, or correct [annotations] labels "
            "(without it dsync writes no labels)",
            2,
        )
    else:
        yield CheckLine("labels", CheckStatus.OK, f"{_quoted(config.labels.all())} are there")


OpenStore = Callable[..., Store]
"""Opens the database; takes the options of `Store.open`."""


def database_line(url: str, open_store: OpenStore) -> CheckLine:
    """Return whether the database can be used and has the schema that this version needs."""
    path = None
    try:
        path = sqlite_file(parse_url(url))
        if path is not None and not path.exists():
            return _missing_line(path)
        store = open_store(create=False, check_schema=False)
        try:
            revision = store.schema_revision
            store.check_schema()
        finally:
            store.close()
    except SchemaBehindError as exc:
        if path is not None and exc.is_upgradable:
            message = f"{path}: its schema is {revision or 'empty'}, older than this version's"
            remedy = "nothing to do: the next run upgrades it"
            return CheckLine("database", CheckStatus.INFO, message, remedy)
        return error("database", exc)
    except DsyncError as exc:
        return error("database", exc)
    # SQLite makes its -wal file in the same folder.
    if path is not None and not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        remedy = "correct the rights of the file and its folder"
        message = f"{path}: it may not be written"
        return CheckLine("database", CheckStatus.ERROR, message, remedy, StoreError.exit_code)
    return CheckLine("database", CheckStatus.OK, f"{store.place}, schema {revision}")


def _connection_lines(store: Store, workers: int, now: datetime) -> Iterator[CheckLine]:
    """Yield a line if services may open more connections than PostgreSQL accepts."""
    limit = store.connection_limit()
    if limit is None:
        return
    replicas = max(1, len(store.services.holders(now)))
    needed = replicas * connections_of(workers)
    has = f"{replicas} × {connections_of(workers)} connections of dsync run"
    if needed + FEW <= limit:
        return
    enough = (n for n in range(workers, 0, -1) if replicas * connections_of(n) + FEW <= limit)
    fewer = next(enough, None)
    yield CheckLine(
        "connections",
        CheckStatus.WARNING,
        f"{has} and {FEW} of commands are more than PostgreSQL accepts ({limit})",
        f"ALTER SYSTEM SET max_connections = {needed + FEW + SUPERUSERS}; and restart PostgreSQL"
        + (f", or set [advanced] workers = {fewer}" if fewer else ""),
    )


def _foreign_lines(store: Store) -> Iterator[CheckLine]:
    """Yield a line if other roles made anything in dsync's schema, or large objects."""
    found = [
        f"{one.kind} {named(one.name)} of {one.owner}" if one.name else f"{one.kind} of {one.owner}"
        for one in store.foreign_objects()
    ]
    if found:
        more = f" and {len(found) - FEW} more" if len(found) > FEW else ""
        yield CheckLine(
            "database",
            CheckStatus.WARNING,
            f"not dsync's, and in no backup: {', '.join(found[:FEW])}{more}",
            "drop them, or move them into another database; before PostgreSQL 15 also REVOKE "
            "CREATE ON SCHEMA public FROM PUBLIC",
        )


def missing_file(url: str) -> Path | None:
    """Return the SQLite file of a URL if it does not exist yet, else None."""
    path = sqlite_file(parse_url(url))
    return path if path is not None and not path.exists() else None


def _missing_line(path: Path) -> CheckLine:
    if path.parent.is_dir() and os.access(path.parent, os.W_OK):
        return CheckLine("database", CheckStatus.INFO, f"{path}: the first run creates it")
    remedy = "make the folder, or correct DSYNC_DATABASE_URL"
    message = f"{path} cannot be created: its folder is missing or may not be written"
    return CheckLine("database", CheckStatus.ERROR, message, remedy, StoreError.exit_code)
