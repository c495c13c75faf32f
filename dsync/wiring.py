"""Builds the worker's collaborators from the settings; each is opened at its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from zlib import crc32

import structlog

from dsync import __version__
from dsync.addresses import is_loopback
from dsync.care.grist_document import GristDocument, keep_document
from dsync.care.new_config import NewConfig, new_config
from dsync.care.prerequisites import CheckSources, run_checks
from dsync.care.state import Looked, State, states_of
from dsync.care.verify import (
    Expected,
    Verification,
    verify,
    verify_pieces,
    verify_remote,
)
from dsync.configuration import Configuration, headline, shipped_config
from dsync.database import open_database
from dsync.domain.dossier import PARIS
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import CheckLine
from dsync.domain.toml import parts_of
from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.eig.eig import Eig
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.sources import EvidenceSources
from dsync.errors import ConfigurationError, DSNotFoundError, DsyncError, InterruptedRunError
from dsync.exchanges import MIB
from dsync.exports.grist import Kept
from dsync.programme import Programme
from dsync.settings import SANDBOX_DEMARCHE, Settings
from dsync.store import Reader, Store, SyncState
from dsync.store.sight import WHOLE, Sight
from dsync.store.store import utc_now
from dsync.sync import retention
from dsync.sync import run as runs
from dsync.sync.context import (
    Context,
    Progress,
    digest,
    mapping_key_of,
)
from dsync.sync.piece_files import PieceSettings
from dsync.sync.record import Recorder
from dsync.sync.report import RunReport
from dsync.sync.run import FULL_WITHIN, Schedule
from dsync.sync.work import Attempted, Purge, ReadChanges, Request, error_of, finish

if TYPE_CHECKING:
    from dsync.controles.declarations import ControlesSections

log = structlog.get_logger(__name__)

GRIST_S = 60.0
"""How long a service keeps a démarche from its next run for its Grist document."""


class Worker:
    """The worker of one démarche: the collaborators of its runs, and what uses them.

    `store` and `client` are built from the settings unless they are given; `close` closes them in
    either case. `may_create`: whether a missing SQLite file is created.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stop: threading.Event | None = None,
        clock: Callable[[], datetime] = utc_now,
        progress: Progress | None = None,
        may_create: bool = True,
        store: Store | None = None,
        client: DSClient | None = None,
    ) -> None:
        self.settings = settings
        self.stop = stop or threading.Event()
        self.clock = clock
        self.progress = progress or Progress()
        self._may_create = may_create
        self._store = store
        self._client = client
        self.last_report: RunReport | None = None
        """That of this process's last run, which the database may not have been able to take."""
        self._in_grist: object = None
        """What `follow_grist` last kept."""

    @property
    def configuration(self) -> Configuration:
        """The content of the TOML file."""
        return self.settings.configuration

    @property
    def demarche(self) -> DemarcheNumber:
        """The démarche's number.

        Raises:
            ConfigurationError: it is the sandbox's number of the shipped file, and the address is
                not the sandbox's.
        """
        number = self.settings.demarche
        # Only where the number was not chosen: the shipped file without further settings would ask
        # the real DS about somebody else's démarche.
        is_shipped = self.settings.sources["demarche"] == "file" and number == SANDBOX_DEMARCHE
        if is_shipped and not is_loopback(self.settings.ds_url):
            raise ConfigurationError(
                f"Démarche {SANDBOX_DEMARCHE} is the sandbox's: give DSYNC_DEMARCHE, --demarche or "
                "[demarche] number in your own configuration file."
            )
        return DemarcheNumber(number)

    @property
    def store(self) -> Store:
        """The database, opened at first use."""
        if self._store is None:
            self._store = open_database(
                self.settings.database_url,
                create=self._may_create,
                with_programme=self.configuration.programme is not None,
            )
        return self._store

    def use_store(self, store: Store) -> None:
        """Use a database that is open already, such as that of another démarche's worker."""
        self._store = store

    @cached_property
    def programme(self) -> Programme | None:
        """The programme, None if the configuration has no sections of one.

        Raises:
            ConfigurationError: its rules or lists are wrong; with every problem.
        """
        declared = self.configuration.declared
        return self.eig if declared is None else self._declared(declared)

    def _declared(self, sections: ControlesSections) -> Programme:
        from dsync.controles.checking import Declarations
        from dsync.controles.controles import Controles

        named = self.settings.config_name
        declarations = Declarations(sections, self.settings.config.parent)
        if faults := tuple(f"{named}: {fault}" for fault in declarations.faults):
            raise ConfigurationError(headline(faults), faults)
        return Controles(declarations, self.configuration.words, self.configuration.borrowed_word)

    @cached_property
    def eig(self) -> Eig | None:
        """The programme that ships; None if the configuration has none of its sections."""
        sections = self.configuration.programme
        if sections is None:
            return None
        sources = EvidenceSources.open(
            self.settings.betagouv_url,
            asks_registry=sections.registre.enabled,
            user_agent=self._user_agent,
            clock=self.clock,
            stop=self.stop,
            deadline_s=self.configuration.advanced.deadline.total_seconds(),
        )
        rules, folder, shipped = None, self.settings.config.parent, shipped_config().parent
        if self.configuration.judges:
            rules = RuleSet.load(sections.declared_checks, folder, shipped=shipped)
        return Eig(
            sections,
            rules,
            sources,
            catalogue_percent=self.configuration.safety.verdicts_percent,
            borrowed_word=self.configuration.borrowed_word,
        )

    @property
    def _user_agent(self) -> str:
        return f"dsync/{__version__} (+{self.configuration.ds.contact})"

    @property
    def client(self) -> DSClient:
        """The client of DS, built at first use.

        Raises:
            ConfigurationError: there is no token.
        """
        if self._client is not None:
            return self._client
        advanced = self.configuration.advanced
        self._client = DSClient(
            self.settings.ds_url,
            self.settings.token,
            user_agent=self._user_agent,
            limits=Limits(
                requests_per_minute=advanced.requests_per_minute,
                deadline_s=advanced.deadline.total_seconds(),
            ),
            stop=self.stop,
            clock=self.clock,
            notify=self._notify,
        )
        return self._client

    @property
    def answered(self) -> int:
        """The number of requests that DS has answered."""
        return self._client.answered if self._client else 0

    @property
    def silent_s(self) -> float:
        """The seconds since DS was asked what it has not answered."""
        return self._client.silent_s if self._client else 0.0

    @property
    def is_ds_away(self) -> bool:
        """Whether DS did not answer the last request."""
        return self._client is not None and self._client.is_away

    def _notify(self, event: str, line: str, **facts: Any) -> None:
        log.info(event, **facts)
        self.progress.message(line)

    @cached_property
    def recorder(self) -> Recorder:
        """Makes the rows of dossiers; raises as `programme`."""
        return Recorder(self.programme, self.configuration.annotations)

    @property
    def context(self) -> Context:
        """The collaborators of a run; raises as `demarche`, `store`, `client` and `programme`."""
        configuration = self.configuration
        self.client.share(self.store.budget)
        return Context(
            demarche=self.demarche,
            store=self.store,
            client=self.client,
            recorder=self.recorder,
            programme=self.programme,
            annotations=configuration.annotations,
            disappearances_percent=configuration.safety.disappearances_percent,
            verdicts_percent=configuration.safety.verdicts_percent,
            instructeur=self.settings.ds_instructeur,
            writer=digest(self.settings.token, self.settings.ds_instructeur or ""),
            stop=self.stop,
            clock=self.clock,
            progress=self.progress,
            pieces=self._pieces,
            opened=configuration.opened,
            appel=configuration.demarche.appel if configuration.demarche else None,
            words=configuration.words,
            config=self.settings.config_name,
            is_borrowed=self.settings.is_borrowed,
        )

    @property
    def _pieces(self) -> PieceSettings | None:
        target, limits = self.configuration.pieces.target, self.client.limits
        if target is None:
            return None
        return PieceSettings(
            target=target.rstrip("/"),
            max_bytes=int(limits.max_piece_mib * MIB),
            deadline_s=limits.piece_deadline_s,
            hosts=frozenset({urlsplit(self.settings.ds_url).hostname or ""}),
            user_agent=self._user_agent,
        )

    def sync(self, request: Request, *, is_doubted: bool = False) -> RunReport:
        """Execute a request; errors of the run itself are in the report, not raised.

        `is_doubted`: DS may not answer, so that it is asked for little at first.
        A token that was put in the file of the former one is used from now on, with its last day.

        Raises:
            ConfigurationError: the settings are wrong; nothing was done.
            StoreError: the database cannot be opened; nothing was done.
        """
        self._renew_token()
        # Nobody waits for what is read by schedule.
        self.client.urgent = request.asked_by != "service"
        self.client.doubt(self.demarche, at_once=is_doubted)
        self.last_report = runs.sync(self.context, request)
        return self.last_report

    def execute(
        self, request: Request, *, is_last: bool = False, is_doubted: bool = False
    ) -> RunReport:
        """Execute a request, as `sync`; a bug of dsync ends it, too, before it is raised.

        Else each process would fail by it, and execute nothing after it. What cannot be done now
        stays for another process, unless `is_last` says that there may be none: then it is ended.
        """
        try:
            report = self.sync(request, is_doubted=is_doubted)
        except DsyncError as exc:
            if not is_last:
                raise
            report = RunReport.failed(request.work.kind, self.clock(), exc)
        except Exception as exc:
            self.give_up(request, error_of(exc))
            raise
        if is_last:
            self.end(request, report)
        return report

    def end(self, request: Request, report: RunReport) -> None:
        """Store the result of a request, unless its run, or another process's, stores its own."""
        with self.store.requests(self.demarche) as requests:
            row = requests.by_id(request.id or 0)
            if row is not None and row.run == report.run:
                finish(requests, request, report)

    def attempt(self, work: Attempted, wait_s: float = 0) -> RunReport:
        """Do a dry run, once the lease is free; as `sync`."""
        self._renew_token()
        return runs.attempt(self.context, work, wait_s)

    def _renew_token(self) -> None:
        settings, former = self.settings.renewed(), self.settings
        self.settings = settings
        # The client and its connections stay: only what it sends changes.
        if settings.ds_token != former.ds_token:
            self.client.use_token(settings.token)
            log.info("token_renewed", demarche=self.demarche)

    def due(self) -> Request | None:
        """Return the run that is due by schedule, None if none is."""
        state, sendable_at = self._stored()
        # Before the reads: what does not need DS must not wait for an expired token.
        if (purge := self._too_old(state)) is not None:
            return Request(purge, "service")
        work = self._schedule.due(state, self.clock(), sendable_at=sendable_at)
        return None if work is None else Request(work, "service")

    def _too_old(self, state: SyncState) -> Purge | None:
        """Return the erasure of what `[retention]` announced a day ago; announce what it did not.

        What is too old in the meantime is announced when that is erased.
        """
        ages, now = self.configuration.retention.ages, self.clock()
        if not ages:
            return None
        at = retention.announced_at(ages, state, now)
        if at is not None:
            return retention.due(ages, at, now)
        with self.store.beside_runs(self.demarche) as tx:
            tx.state.save(retention_at=now, retention_key=retention.key_of(ages))
        log.info("retention_announced", demarche=self.demarche)
        return None

    def requested(self) -> Request | None:
        """Return what a person asked this service for, else what webhooks announced."""
        with self.store.reading(self.demarche) as reader:
            row = reader.requests.next()
            announced = [] if row else reader.requests.announced()
        if row is None:
            return Request.of_webhooks(announced) if announced else None
        try:
            return Request.stored(row)
        except ConfigurationError as exc:
            # It would be the next one for ever, and nothing else would be done.
            self.give_up(Request(ReadChanges(), id=row.id), exc)
            return self.requested()

    def finish_requests(self, wait_s: float = 0) -> None:
        """Execute the requests that no process executes any more, in place of a service.

        One that another process executes is left to it: there is no lease for it then. `wait_s` is
        how long to wait for the lease.
        """
        done: set[tuple[int, ...]] = set()
        while (request := self.requested()) is not None and request.rows not in done:
            done.add(request.rows)
            self.progress.message(
                f"Executing request {request.rows[0]} ({request.work.kind.value}), whose process "
                "ended."
            )
            try:
                report = self.execute(replace(request, wait_s=wait_s))
            except DsyncError:
                raise
            except Exception as exc:
                log.exception("request_crashed", error=error_of(exc).message)
                continue
            log.info("request_done", request=request.rows[0], exit_code=report.exit_code)
            # Without the lease, or after a stop, it stays for the next one.
            if report.run is None or report.exit_code == InterruptedRunError.exit_code:
                return

    def give_up(self, request: Request, error: DsyncError) -> None:
        """End a request of which no run stores the result, because of an error."""
        with self.store.requests(self.demarche) as requests:
            requests.forget(request.announced)
            if request.id is not None:
                finish(requests, request, RunReport.failed(request.work.kind, self.clock(), error))

    def follow_grist(self) -> None:
        """Keep the Grist document, if anything has changed since this process last did, or a day.

        What people changed there in dsync's own cells is set right once a day. Raises as
        `keep_grist`.
        """
        today = self.clock().astimezone(PARIS).date()
        with self.store.reading(self.demarche) as reader:
            present = (self.configuration, today, reader.grist.moved())
        if present != self._in_grist:
            self.keep_grist(within_s=GRIST_S)
            self._in_grist = present

    def keep_grist(
        self, *, wait_s: float = 0, within_s: float | None = None, forget: bool = False
    ) -> list[Kept]:
        """Make the tables of `[grist] document` equal to their views; as `keep_document`.

        `within_s` is for how long at most; None: for as long as it takes. `forget`: what dsync made
        there is left to its readers, and made anew.

        Raises:
            ConfigurationError: there is no document, or no key.
            LeaseHeldError: another process works on the démarche.
        """
        document = self._grist_document()
        today = self.clock().astimezone(PARIS).date()
        with document.held(self.store, self.demarche, self.stop, wait_s) as (grist, lease):
            grist.end_within(within_s)
            if forget:
                with self.store.transaction(lease) as tx:
                    tx.grist.forget(document.name)
            return keep_document(
                self.store,
                lease,
                document,
                grist,
                opened=self.configuration.opened,
                deliberated=self.configuration.is_deliberated(today),
                today=today,
            )

    def next_run_at(self) -> datetime:
        """Return when the next run is due; the present instant if one is due."""
        state, sendable_at = self._stored()
        return self._schedule.next_due_at(state, self.clock(), sendable_at=sendable_at)

    @property
    def _schedule(self) -> Schedule:
        section = self.configuration.schedule
        # Always the same part of the night for a démarche, whichever process looks.
        share = crc32(str(self.demarche).encode()) / 2**32
        full_at = datetime.combine(date.min, section.full_at) + FULL_WITHIN * share
        return Schedule(section.incremental, full_at.time())

    def _stored(self) -> tuple[SyncState, datetime | None]:
        """Return the stored state, and from when on a wish can be sent."""
        is_writing = self.configuration.annotations and self.settings.ds_instructeur
        with self.store.reading(self.demarche) as reader:
            return reader.state.read(), reader.wishes.sendable_at() if is_writing else None

    def new_config(self) -> NewConfig:
        """Return the first configuration file of the démarche, made from the shipped one.

        Raises:
            ConfigurationError: the settings are wrong, or DS has no such démarche, or no form.
            DSError: DS cannot be read.
        """
        try:
            demarche = self.client.demarche(self.demarche)
        except DSNotFoundError as exc:
            raise ConfigurationError(exc.message) from exc
        revision = demarche.revisions.get(demarche.active_revision_id)
        programme, annotations = self.programme, self.configuration.annotations
        if revision is None:
            raise ConfigurationError(
                f"Démarche {demarche.number} has no published form: publish it on DS first."
            )
        if programme is None or annotations is None:
            raise ConfigurationError("The shipped configuration is incomplete: reinstall dsync.")
        # The shipped file: `config init` has loaded it as the configuration.
        template = self.settings.config.read_text(encoding="utf-8")
        sections = programme.propose(demarche, revision, parts_of(template))
        if not sections.is_own:
            from dsync.controles.proposed_checks import proposed

            text = f"{sections.text.rstrip()}\n\n{proposed(demarche, revision)}"
            sections = sections._replace(text=text)
        ds_url, instructeur = self.settings.ds_url, self.settings.ds_instructeur
        return new_config(demarche, revision, sections, template, annotations, ds_url, instructeur)

    def verify(
        self, *, remote: bool, pieces: bool = False, sample: Callable[[int], int] | None = None
    ) -> Verification:
        """Compare the database with itself, and with the copied files where files are copied.

        With `remote`, the confirmed wishes are compared with DS, too; with `pieces`, each copied
        file is read. `sample` is as of `care.verify.verify`.

        Raises:
            ConfigurationError: the settings are wrong; nothing was read.
            StoreError: the database cannot be read.
            DSError: DS cannot be read.
        """
        programme = self.programme
        expected = Expected(
            self.demarche,
            self.recorder,
            mapping_key_of(programme, self.configuration.annotations)
            if self.settings.is_configured
            else None,
            self.configuration.annotations,
            self.clock,
        )
        # Before anything is read, so that a missing token ends the command at once.
        client = self.client if remote else None
        done = verify(self.store, expected, sample)
        if self._pieces is not None and done.is_readable:
            verify_pieces(self.store, self.demarche, self._pieces.target, done, whole=pieces)
        if client is not None and done.is_readable:
            verify_remote(self.store, client, expected, done)
        return done

    def _grist_document(self) -> GristDocument:
        section, key = self.configuration.grist, self.settings.grist_key
        if section.document is None or key is None:
            raise ConfigurationError(
                "Nothing is kept in Grist: set [grist] document, and DSYNC_GRIST_KEY or "
                "DSYNC_GRIST_KEY_FILE."
            )
        return GristDocument(
            section.document,
            key.get_secret_value().strip(),
            section.views,
            "views" in section.model_fields_set,
            section.personal_data,
            self._user_agent,
        )

    def check(self, *, every_champ: bool = False) -> Iterator[CheckLine]:
        """Check what could prevent a run; yield each line as soon as it is known.

        With connections of its own, so that a service can check while a run is under way. With
        `every_champ`, each champ without a field gets its own line.
        """
        with Worker(self.settings, stop=self.stop, clock=self.clock) as worker:
            # The daily ones of many démarches leave the reserve to people and webhooks.
            worker.client.urgent = False
            yield from run_checks(
                CheckSources(
                    read_demarche=lambda: worker.client.demarche(worker.demarche),
                    try_writing=lambda who: worker.client.write_access(worker.demarche, who),
                    database_url=self.settings.database_url,
                    open_store=partial(open_database, self.settings.database_url),
                    programme=worker.programme,
                    annotations=self.configuration.annotations,
                    instructeur=self.settings.ds_instructeur,
                    token_expires_on=self.settings.ds_token_expires_on,
                    now=self.clock(),
                    clock_gap=lambda: worker.client.clock_gap,
                    config=self.settings.config_name,
                    is_borrowed=self.settings.is_borrowed,
                    every_champ=every_champ,
                    pieces_target=self._pieces.target if self._pieces else None,
                    ask_grist=(lambda: self._grist_document().ask(self.stop))
                    if self.configuration.grist.document
                    else None,
                    opened=self.configuration.ouvert.champs,
                    groupes={
                        groupe for one in self.configuration.acces for groupe in one.groupes or ()
                    },
                    notice_blanks=self.configuration.notice_facts(self.demarche).blanks,
                    # One démarche says it for all.
                    workers=self.configuration.advanced.workers
                    if self.demarche in (self.settings.folder[:1] or (self.demarche,))
                    else None,
                )
            )

    def state(
        self,
        now: datetime,
        sight: Sight = WHOLE,
        *,
        counted: bool = True,
    ) -> State:
        """Return the démarche's state as stored."""
        looked = [self.settings.looked]
        found = states_of(self.store, looked, now, counted=counted, sight=sight)
        return found[self.demarche]

    @property
    def looked(self) -> Looked:
        """What the démarche's state depends on, but for what is announced."""
        return self.settings.looked._replace(ages={})

    def evidence(self, reader: Reader) -> dict[str, Any] | None:
        """Return what is stored of the evidence, as `dsync evidence show`; None without rules."""
        return self.programme.evidence_shown(reader.connection) if self.programme else None

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            if self._client is not None:
                # Another client of this process with this token has a database of its own.
                self._client.share(lambda *_: None)
            self._store.close()
        self.retire()

    def retire(self) -> None:
        """Close what was opened but the database, which others may use."""
        # Not `self.programme`, which would be built, and could raise, only to be closed.
        for opened in (self._client, self.__dict__.get("programme")):
            if opened is not None:
                opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
