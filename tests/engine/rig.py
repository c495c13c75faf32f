"""A whole dsync beside a whole sandbox, in one process, with one clock that nobody waits for."""

from __future__ import annotations

import json
import pickle
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, partial, partialmethod
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import sqlalchemy
from msgspec import structs
from pydantic import SecretStr
from sqlalchemy import Pool, create_engine, event, text

from dsync import wiring
from dsync.configuration import Configuration
from dsync.controles.declarations import DeclaredControle
from dsync.database import PROGRAMME
from dsync.domain.consent import Asked, Consent
from dsync.domain.dossier import Dossier
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.eig.gathering import FEWEST
from dsync.sandbox import Sandbox, content, endpoint, opaque_ids
from dsync.sandbox.call import Call
from dsync.sandbox.content import products
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.control import Control
from dsync.sandbox.endpoint import Entry
from dsync.sandbox.execution import QueryDocument
from dsync.sandbox.model import ServedDossier
from dsync.service.alerts import findings_of
from dsync.settings import Settings
from dsync.store import Store, SyncState, tables
from dsync.store.codes import Kind
from dsync.store.engine import open_engine, parse_url
from dsync.sync.report import RunReport
from dsync.sync.work import PrecheckAsOf, Read, ReadAll, ReadChanges, ReadDossiers, Request, of_row
from tests.configured import load_settings
from tests.seen import see_first
from tests.store import databases

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
SEED = 7
FIRST = content.FIRST_NUMBER
DEMARCHE = DemarcheNumber(FORM.number)
INSTRUCTEUR = "dsync@example.gouv.fr"
PAGE, PROBLEME, LETTRE = 4102, 4105, 4605
RESULTAT, DETAIL, DATE, VALIDE, ETAPE = 5102, 5103, 5104, 5105, 5202
WISHES = ("resultat", "detail", "date", "label")
BOOKKEEPING = {
    "accord",
    "lease",
    "service",
    "turn",
    "budget",
    "sync_run",
    "sync_state",
    "evidence",
    "indicateur",
    "demande",
}
"""Tables that a run may touch though nothing has changed outside."""

NOT_STORED = {"work", "as_of", "dry_run", "pieces", "started_by", "wait_s"}
"""Options of a run that are not among those of a request's row."""
OPEN = (0, 1, 2, 3, 4, 6, 7, 8, 9, 10)
"""Ranks of the open dossiers among the first twelve; 5 is accepte, 11 is refuse."""


def number(rank: int) -> DossierNumber:
    """Return a seeded dossier's number."""
    return DossierNumber(FIRST + rank)


def id_of(stable_id: int) -> str:
    """Return DS's id of a champ's or an annotation's descriptor."""
    return opaque_ids.encode("Champ", stable_id)


def opening(*stable_ids: int) -> dict[str, Any]:
    """Return the change of a configuration that shows these champs without personal data."""
    return {"ouvert": {"champs": tuple(map(id_of, stable_ids))}}


def deposited(first: date, last: date) -> dict[str, Any]:
    """Return the change of a configuration by which the call has these days."""
    exige = {"champ": "depot", "au_moins": first, "au_plus": last}
    return {"controles": {"depot": {"exige": exige}}}


NOTHING_JUDGED: dict[str, Any] = {"controles": None}


def dated(dossier: Dossier, at: datetime) -> Dossier:
    """Return a dossier as DS would give it with another date of last change."""
    return structs.replace(dossier, date_derniere_modification=at)


def seeds(ranks: Iterable[int] = range(12)) -> list[ServedDossier]:
    """Return seeded dossiers, the same each time."""
    return [pickle.loads(_seed(rank)) for rank in ranks]


@cache
def _seed(rank: int) -> bytes:
    return pickle.dumps(content.dossier(SEED, rank, now=NOW))


def few_products(dossiers: int = 12) -> Any:
    """Return the catalogue with the products that the first dossiers name and some others.

    They are short, so that it is read fast, and as many as a first catalogue needs.
    """
    return json.loads(few_products_json(dossiers))


@cache
def few_products_json(dossiers: int = 12) -> bytes:
    """Return the same as it is served."""
    document = products.startups(SEED)
    answers = " ".join(str(seed.champs) for seed in seeds(range(dossiers)))
    kept = [
        entry
        for rank, entry in enumerate(document["data"])
        if rank < 40 or entry["attributes"]["name"] in answers or entry["id"] in answers
    ]
    short = {"phases": [{"name": "alumni", "start": "2020-01-01", "end": ""}]}
    names = (f"xyzzyxyzzy{rank:03}" for rank in range(FEWEST - len(kept)))
    kept += [{"id": name, "attributes": {"name": name, **short}} for name in names]
    return json.dumps({**document, "data": kept}).encode()


_redirects = cache(products.redirects)


def few_redirects(dossiers: Iterable[ServedDossier]) -> dict[str, str]:
    """Return the redirects of the former addresses that dossiers answer with, step by step."""
    all_, kept = _redirects(SEED), dict[str, str]()
    named = " ".join(str(one.champs) for one in dossiers)
    while found := {
        path: target
        for path, target in all_.items()
        if path not in kept and Path(path).stem in named
    }:
        kept |= found
        named = " ".join(found.values())
    return kept


_execute = endpoint.execute
_answers: dict[bytes, dict[str, Any]] = {}
"""Of sandboxes, by what was asked of a world in which state."""
MOST_ANSWERS = 1000


def _remembered(
    document: QueryDocument, name: str | None, variables: dict[str, Any], call: Call
) -> dict[str, Any]:
    """Answer a query as a sandbox in the same state has answered it, to spare its execution."""
    operation, source = document.operation(name), document.ast.loc
    if operation is None or operation.operation.value != "query" or source is None:
        return _execute(document, name, variables, call)
    world = call.world
    state = (world.demarches, world.agents, call.token, call.limit, call.reached)
    hashed = sha256()
    # Not made as one text first: a world can have large files.
    pickle.Pickler(SimpleNamespace(write=hashed.update)).dump(
        (source.source.body, name, variables, state)
    )
    key = hashed.digest()
    if key not in _answers:
        addresses = len(world.addresses)
        answer = _execute(document, name, variables, call)
        # Addresses of files are secret, and each world's own; a test's own JSON is put in later.
        is_own = len(world.addresses) != addresses or any(call.replaced_json())
        if is_own or len(_answers) == MOST_ANSWERS:
            return answer
        _answers[key] = answer
    return _answers[key]


endpoint.execute = _remembered


@cache
def _everything(dossiers: int) -> bytes:
    return pickle.dumps(content.everything(SEED, dossiers, now=datetime.now(UTC)))


@contextmanager
def small_sandbox(dossiers: int) -> Iterator[Sandbox]:
    """Serve the first dossiers beside a catalogue with few products, and the other démarches."""
    with Sandbox(pickle.loads(_everything(dossiers)), seed=SEED) as running:
        running.control.catalogue.replace("/api/v2.6/startups.json", few_products_json(dossiers))
        yield running


@cache
def base_settings() -> Settings:
    """Return the shipped settings, with addresses at which nothing answers."""
    return load_settings(
        ds_url="http://127.0.0.1:1/api/v2/graphql",
        ds_instructeur=INSTRUCTEUR,
        betagouv_url="http://127.0.0.1:1",
        database_url="sqlite://",
        ds_token=SecretStr("none"),
        demarche=FORM.number,
        config=Path(__file__).parents[2] / "config" / "aap-eig7.toml",
    )


def _changed(section: Any, values: dict[str, Any] | None) -> Any:
    """Return a section with other values; None: the file is without the section."""
    if values is None:
        return () if isinstance(section, tuple) else None
    if isinstance(section, tuple):  # Checks, by their names; None: it is left out.
        given = [one.model_dump() for one in section if values.get(one.nom, one) is not None]
        return tuple(
            DeclaredControle.model_validate({**one, **values.get(one["nom"], {})}) for one in given
        )
    if is_dataclass(section):
        return replace(section, **values)  # type: ignore[type-var]
    given = {key: None if value == {} else value for key, value in values.items()}
    copied = section.model_copy(update=given)
    # As of a file without these keys.
    copied.model_fields_set.difference_update(key for key, value in values.items() if value is None)
    return copied


_connected_to: dict[str, str] = {}
"""The database that the engine of each kind connects to."""
_former_pools: deque[Pool] = deque(maxlen=10)
"""Of the engines' former databases: a connection that was in use comes back there, to be closed."""


def engine_for(url: str) -> sqlalchemy.Engine:
    """Return what connects to a database: one for all tests, which compiles each statement once."""
    kind = parse_url(url).get_backend_name()
    has_moved = _connected_to.get(kind) != url
    _connected_to[kind] = url
    made = _engine_of(kind)
    if has_moved:
        _former_pools.append(made.pool)
        made.dispose()
        for pool in _former_pools:
            pool.dispose()
    return made


@cache
def _engine_of(kind: str) -> sqlalchemy.Engine:
    made = open_engine(parse_url(_connected_to[kind]))

    @event.listens_for(made, "do_connect")
    def connect(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        place, details = dialect.create_connect_args(parse_url(_connected_to[kind]))
        arguments[:] = place
        options.update(details)

    return made


class Watched:
    """Has something done around calls of some of its methods, where a test asks for it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.around: dict[str, Callable[..., Any]] = {}
        """By method: called in its place, with the method itself and what it was given."""

    def watched(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a method, or what is around it."""
        method = getattr(super(), name)
        around = self.around.get(name)
        return around(method, *arguments, **options) if around else method(*arguments, **options)


class WatchedClient(Watched, DSClient):
    """The client of DS, each method a request."""

    demarche = partialmethod(Watched.watched, "demarche")
    read_page = partialmethod(Watched.watched, "read_page")
    read_light_page = partialmethod(Watched.watched, "read_light_page")
    deletions = partialmethod(Watched.watched, "deletions")
    read_glance_page = partialmethod(Watched.watched, "read_glance_page")
    dossiers = partialmethod(Watched.watched, "dossiers")
    piece_files = partialmethod(Watched.watched, "piece_files")
    demarches_of = partialmethod(Watched.watched, "demarches_of")
    read_annotations = partialmethod(Watched.watched, "read_annotations")
    write_access = partialmethod(Watched.watched, "write_access")
    push = partialmethod(Watched.watched, "push")


class WatchedStore(Watched, Store):
    """The database, each method a transaction."""

    transaction = partialmethod(Watched.watched, "transaction")
    reading = partialmethod(Watched.watched, "reading")
    acquire_lease = partialmethod(Watched.watched, "acquire_lease")
    release_lease = partialmethod(Watched.watched, "release_lease")


class Patient(threading.Event):
    """A request to stop that nobody makes; who waits for it lets the engine's time pass."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        self._engine.advance(seconds=timeout or 0)
        return False


class Worker:
    """One process of dsync, as far as the database and DS can tell."""

    def __init__(self, engine: Engine, **changes: Any) -> None:
        sandbox = engine.sandbox
        self.engine = engine
        self.stop = changes.pop("stop", None) or threading.Event()
        self.skew = timedelta()
        """How far this machine's clock is ahead of DS's."""
        limits: dict[str, Any] = {"attempts": 2, "backoff_s": 0.0, "deadline_s": 5.0}
        limits |= changes.pop("limits", {})
        configuration = changes.pop("configuration", None)
        only = changes.pop("sections", None)
        programme = changes.pop("programme", PROGRAMME)
        has_seen = changes.pop("seen", True)
        given: dict[str, Any] = {
            "ds_url": sandbox.ds_url,
            "betagouv_url": sandbox.betagouv_url,
            "database_url": engine.url,
            "ds_token": SecretStr(changes.pop("token", sandbox.tokens.write)),
            **changes,
        }
        settings = replace(base_settings(), **given)
        if configuration:
            sections = {
                name: _changed(getattr(settings.configuration, name), values)
                for name, values in configuration.items()
            }
            settings = replace(
                settings, configuration=settings.configuration.model_copy(update=sections)
            )
        if only:
            kept = {name: getattr(settings.configuration, name) for name in only}
            settings = replace(settings, configuration=Configuration(**kept))
        self.client = WatchedClient(
            settings.ds_url,
            settings.token,
            user_agent="dsync/0 (+mailto:eig@example.gouv.fr)",
            limits=Limits(**{"requests_per_minute": 1_000_000, **limits}),
            stop=self.stop,
            clock=self.now,
        )
        self.store = WatchedStore.open(
            engine.url,
            clock=self.now,
            engine=engine_for(engine.url),
            programme=programme,
            # The others were migrated once for all tests.
            check_schema=engine.checks_schema,
            with_programme=settings.configuration.programme is not None,
        )
        self.app = wiring.Worker(
            settings, stop=self.stop, clock=self.now, store=self.store, client=self.client
        )
        if has_seen:
            see_first(self.app)

    def now(self) -> datetime:
        """Return this machine's present."""
        return self.engine.sandbox.control.clock.now() + self.skew

    def sync(self, **options: Any) -> RunReport:
        """Do one run, by its options as the journal has them."""
        given = {name: value for name, value in options.items() if name not in NOT_STORED}
        if "work" in options:
            asked = {name: value for name, value in given.items() if value}
            work = of_row(options["work"].value, asked)
        else:
            work = _read(**given)
        if "as_of" in options:
            return self.app.attempt(PrecheckAsOf(options["as_of"], work))
        if options.get("dry_run"):
            return self.app.attempt(work)
        # New files are copied after the reads of a service.
        by = "service" if options.get("pieces") else options.get("started_by", "cli")
        before = {*threading.enumerate()}
        try:
            return self.app.sync(Request(work, by, wait_s=options.get("wait_s", 0)))
        finally:
            # A run that failed leaves the read of a next page behind. What it still asks of DS
            # counts as asked in this run, and not in the one that a test looks at.
            for thread in {*threading.enumerate()} - before:
                if thread.name == "dsync-prefetch":
                    thread.join(10)

    def push(self, *ranks: int, force_by: str | None = None) -> RunReport:
        """Push as an operator asks for it."""
        return self.sync(
            work=Kind.PUSH,
            dossiers=tuple(number(rank) for rank in ranks),
            force=force_by is not None,
            started_by=force_by or "cli",
        )

    def erase(self, rank: int, *, undo: bool = False) -> RunReport:
        """Erase a dossier as an operator asks for it, or undo that."""
        dossiers = (number(rank),)
        return self.sync(work=Kind.ERASURE, dossiers=dossiers, undo=undo, started_by="cli:agent")

    def close(self) -> None:
        """End the process."""
        self.app.close()


def _read(*, full: bool = False, dossiers: Sequence[DossierNumber] = (), **options: Any) -> Read:
    # What a read has no use for says nothing.
    accept, lists = options.pop("accept_deletions", False), options.pop("deletions", True)
    if dossiers:
        options.pop("since", None)
        return ReadDossiers(tuple(dossiers), **options)
    if full:
        options.pop("since", None)
        return ReadAll(accept, **options)
    return ReadChanges(deletions=lists, **options)


@dataclass(frozen=True)
class _Begun:
    """What both sides hold after the first sync of an engine."""

    database: bytes | str
    """What `databases.keep` returned."""
    world: bytes
    at: datetime
    report: RunReport


_begun: dict[tuple[Any, ...], _Begun] = {}
"""By what was done, with which dossiers, on which database."""


class Engine:
    """A sandbox, a database, and the workers between them. Ask it what each side holds.

    Sandbox, worker and connections are made when they are first asked for.
    """

    def __init__(self, url: str, dossiers: Sequence[ServedDossier], **changes: Any) -> None:
        self.url = url
        file = url.removeprefix("sqlite:///")
        self.checks_schema = file != url and not Path(file).exists()
        """Whether the workers check the schema, and make it on SQLite."""
        self._dossiers = dossiers
        self._changes = changes
        self._open = ExitStack()

    @cached_property
    def sandbox(self) -> Sandbox:
        """The sandbox."""
        served = [(FORM, self._dossiers)]
        made = self._open.enter_context(Sandbox(served, seed=SEED, clock=lambda: NOW))
        made.control.catalogue.replace("/api/v2.6/startups.json", few_products_json())
        made.control.catalogue.replace("/redirects.json", few_redirects(self._dossiers))
        # It makes the rows of repetitions at the first look, of which nothing is to depend.
        made.control.truth()
        return made

    @property
    def control(self) -> Control:
        """What happens to the sandbox, and what can be seen of it."""
        return self.sandbox.control

    @cached_property
    def _tables(self) -> sqlalchemy.Engine:
        made = create_engine(parse_url(self.url))
        self._open.callback(made.dispose)
        return made

    @cached_property
    def worker(self) -> Worker:
        """The worker that does the runs."""
        return self.another(**self._changes)

    def another(self, **changes: Any) -> Worker:
        """Start one more worker on the same database and sandbox."""
        has_seen = {"seen": self._changes.get("seen", True)}
        worker = Worker(self, **has_seen | changes)
        self._open.callback(worker.close)
        return worker

    def restart(self, **changes: Any) -> Worker:
        """Replace the worker by a fresh process."""
        if "worker" in vars(self):
            self.worker.close()
        self.worker = self.another(**changes)
        return self.worker

    def sync(self, **options: Any) -> RunReport:
        """Do one run of the worker."""
        return self.worker.sync(**options)

    def sync_later(self, **options: Any) -> RunReport:
        """Do one run of the worker, a minute later."""
        self.advance(minutes=1)
        return self.sync(**options)

    def advance(self, **duration: float) -> None:
        """Let time pass, for both sides."""
        self.control.clock.advance(timedelta(**duration).total_seconds())

    def let_expire(self) -> None:
        """Let what a dead worker held expire, its lease and what was on its way, by each clock."""
        self.advance(seconds=70)
        if self.url.startswith("postgresql"):
            # Its own clock decides there, which nobody moves.
            self.execute("UPDATE lease SET expires_at = clock_timestamp() - interval '1 s'")
            self.execute(
                "UPDATE pousse SET incertaine_depuis = incertaine_depuis - interval '70 s'"
            )

    def shrink(self, size: int) -> None:
        """Have the next run begin with pages of this size."""
        store = self.worker.store
        lease = store.acquire_lease(self.worker.app.demarche, 60)
        with store.transaction(lease) as tx:
            tx.state.save(page_size=size)
        store.release_lease(lease)

    def sync_until_quiet(self) -> RunReport:
        """Sync until the overlap has passed, own writes included: nothing is left to read."""
        return self._once("quiet", self._sync_until_quiet)

    def begin(self, **options: Any) -> RunReport:
        """Do a first sync that is not looked at, and forget its requests."""
        return self._once(repr(options), partial(self.sync, **options))

    def _sync_until_quiet(self) -> RunReport:
        report = self.sync()
        for _ in range(2):
            self.advance(minutes=11)
            self.sync()
        self.advance(minutes=11)
        return report

    def _once(self, name: str, act: Callable[[], RunReport]) -> RunReport:
        """Sync, or where nothing has happened yet, take what it gave another test that began so."""
        is_new = not vars(self).keys() & {"sandbox", "worker", "_tables"}
        if not is_new or self._changes.keys() - {"limits"}:
            report = act()
            self.control.forget_requests()
            return report
        key = (name, parse_url(self.url).get_backend_name(), pickle.dumps(self._dossiers))
        if key not in _begun:
            _begun[key] = self._kept(act())
            self.control.forget_requests()
            return _begun[key].report
        known = _begun[key]
        databases.replace(self.url, known.database)
        self.sandbox.world.demarches, self.sandbox.world.agents = pickle.loads(known.world)
        self.control.clock.set_clock(known.at)
        return known.report

    def _kept(self, report: RunReport) -> _Begun:
        self._tables.dispose()
        engine_for(self.url).dispose()
        world = self.sandbox.world
        both = pickle.dumps((world.demarches, world.agents))
        return _Begun(databases.keep(self.url), both, self.control.clock.now(), report)

    # --- what DS was asked ------------------------------------------------------------------

    def requests(self, operation: str | None = None) -> list[Entry]:
        """Return the requests made, of one operation if named."""
        return self.control.requests(operation)

    def pages(self) -> list[Entry]:
        """Return the requests for pages, light ones included."""
        return [e for e in self.requests() if e.operation and "Page" in e.operation]

    def mutations(self) -> list[Entry]:
        """Return the mutation documents sent, also those without an answer."""
        return self.control.requests(kind="mutation")

    def sent(self, rank: int, stable_id: int = RESULTAT) -> list[Any]:
        """Return the values that were sent for one annotation, in order."""
        return [value for n, id_, value in self.sent_values() if (n, id_) == (rank, stable_id)]

    def sent_values(self) -> list[tuple[int, int, Any]]:
        """Return every value sent: rank, stable id, value."""
        return [
            (_key(write["dossierId"]) - FIRST, _key(a["id"]), next(iter(a["value"].values())))
            for entry in self.mutations()
            for name, write in entry.variables.items()
            if name.endswith("_annotations")
            for a in write["annotations"]
        ]

    # --- the values in DS ------------------------------------------------------------------

    def remote(self, rank: int, stable_id: int = RESULTAT) -> Any:
        """Return an annotation's value in DS."""
        return self.control.truth_of(number(rank)).raw_annotations.get(stable_id) or None

    def labels(self, rank: int) -> list[str]:
        """Return a dossier's labels in DS."""
        return sorted(self.control.truth_of(number(rank)).labels)

    # --- what the database holds ------------------------------------------------------------

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self._tables.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def execute(self, sql: str) -> None:
        """Change the database behind dsync's back."""
        with self._tables.begin() as connection:
            connection.execute(text(sql))

    def lose_database(self, **changes: Any) -> None:
        """Begin again with an empty database, as after a loss, or on a new machine."""
        with self._tables.begin() as connection:
            for table in reversed(list(_tables())):
                # It says which columns there are.
                if table.name != "colonne":
                    connection.execute(table.delete())
        self.restart(**changes)

    def one(self, table: str, rank: int) -> dict[str, Any]:
        """Return a dossier's row of a table or view; nothing when there is none."""
        found = self.rows(f"SELECT * FROM {table} WHERE numero = :numero", numero=number(rank))
        return found[0] if found else {}

    def presences(self) -> Counter[str]:
        """Count the dossiers by presence."""
        return Counter(row["presence"] for row in self.rows("SELECT presence FROM dossier"))

    def verdict(self, rank: int) -> str | None:
        """Return a dossier's current verdict."""
        verdict: str | None = self.one("lecture_candidature", rank).get("verdict")
        return verdict

    def wishes(self, rank: int) -> dict[str, str]:
        """Return the status of each current wish of a dossier."""
        found = self.rows(
            "SELECT annotation, statut FROM outbox WHERE numero = :numero AND courante",
            numero=number(rank),
        )
        return {row["annotation"]: row["statut"] for row in found}

    def events(self, rank: int) -> list[str]:
        """Return a dossier's journal, oldest first."""
        found = self.rows(
            "SELECT evenement FROM evenement WHERE numero = :numero ORDER BY id",
            numero=number(rank),
        )
        return [row["evenement"] for row in found]

    def quarantine(self) -> dict[int, tuple[str, int]]:
        """Return code and attempts of those in quarantine, by rank."""
        found = self.rows("SELECT numero, code, tentatives FROM quarantaine")
        return {row["numero"] - FIRST: (row["code"], row["tentatives"]) for row in found}

    def files_with(self, word: str) -> list[str]:
        """Return the names of SQLite's files, its log included, that hold a word."""
        path = Path(self.url.removeprefix("sqlite:///"))
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
        assert path in files
        return [file.name for file in files if word.encode() in file.read_bytes()]

    def state(self) -> SyncState:
        """Return the sync state."""
        with self.worker.store.reading(DEMARCHE) as reader:
            return reader.state.read()

    def asked(self) -> list[Asked]:
        """Return what waits for a person's consent."""
        with self.worker.store.reading(DEMARCHE) as reader:
            return [one for one in reader.consents.all() if one.given_at is None]

    def accept(self, kind: Consent, *, by: str = "ada@here") -> RunReport:
        """Consent, as a person, to what waits of a kind."""
        [one] = [one for one in self.asked() if one.proposal.kind is kind]
        return self.sync(work=Kind.CONSENT, genre=kind, accord=one.version, started_by=by)

    def alerts(self) -> dict[str, str]:
        """Return what a service would tell of the démarche, by name."""
        app, now = self.worker.app, self.control.clock.now()
        return {one.name: one.text for one in findings_of(app, app.state(now), now)}

    def content(self, *, all_tables: bool = False) -> dict[str, list[str]]:
        """Return every row of every table as text; without bookkeeping unless asked."""
        names = [table.name for table in _tables() if all_tables or table.name not in BOOKKEEPING]
        return {name: sorted(str(row) for row in self._without_moves(name)) for name in names}

    def _without_moves(self, table: str) -> list[dict[str, Any]]:
        rows = self.rows(f"SELECT * FROM {table}")
        for row in rows:
            # Which run saw a dossier last, and DS's own dates of change, are bookkeeping too.
            for name in ("lu_par_run", "modifie_le", "modifie_ici_le"):
                row.pop(name, None)
        return rows

    def close(self) -> None:
        """Stop everything."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _tables() -> Iterable[Any]:
    return (*tables.metadata.sorted_tables, *PROGRAMME.storage.metadata.sorted_tables)


def _key(text: str) -> int:
    from base64 import b64decode

    return int(b64decode(text).decode().rpartition("-")[2])
