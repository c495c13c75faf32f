"""The console as an application: its addresses, and what holds for every answer."""

from __future__ import annotations

import hmac
import re
import secrets
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from weakref import WeakValueDictionary
from zlib import crc32

import anyio
import jinja2
import jinja2.ext
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsync import __version__
from dsync.addresses import Listen
from dsync.configuration import ConsoleSection, OpenIdSection
from dsync.console import (
    accesses,
    after_jury,
    changements,
    chosen,
    decisions,
    dossier,
    dossiers,
    files,
    jury,
    legal,
    person,
    runs,
    suivi,
    todo,
    words,
)
from dsync.console.access import (
    EXIT,
    SESSION_S,
    Access,
    Actor,
    LocalAccess,
    Right,
    Role,
    typed_texts,
)
from dsync.console.desk import Desk
from dsync.console.legal import PUBLIC
from dsync.console.runs import Witness
from dsync.console.visit import (
    DEPORTED,
    NO_DOSSIER,
    RefusedError,
    Site,
    UnknownValueError,
    Visit,
    address_of,
    check_texts,
)
from dsync.domain.access_given import NOTHING_GIVEN
from dsync.domain.check_answers import LONGEST_REASON
from dsync.domain.ids import number_of
from dsync.domain.paper import Paper
from dsync.errors import ConfigurationError, DsyncError, remedy
from dsync.messages import french
from dsync.messages.kinds import said_by
from dsync.settings import console_section
from dsync.store.console_users import Known
from dsync.wiring import Worker

if TYPE_CHECKING:
    from pydantic import SecretStr

    from dsync.console.signin import TeamAccess

log = structlog.get_logger(__name__)

BUILD = sha256(__version__.encode()).hexdigest()[:8]
"""In the addresses of what browsers keep for a day. Strangers do not learn the version."""
MAX_FORM = 256 * 1024
"""Maximum length of a form, in bytes."""
THREADS = 4
"""Pages that are made at the same time, half of them for one person; further ones wait."""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_TITLES = {
    400: "Demande incorrecte",
    403: "Accès refusé",
    404: "Page introuvable",
    405: "Action impossible ici",
    409: "Formulaire d’une autre démarche",
    413: "Formulaire trop long",
    429: "Trop de demandes",
    500: "Erreur de ce site",
    503: "Page indisponible",
}
Handler = Callable[[Visit], Response]
Page = tuple[str, str, Handler, Right]
"""A method, a path, what answers it, and the right that this needs."""


class Console:
    """The console of some démarches.

    The workers, with one database, are not used elsewhere at the same time. `secret` signs the
    sessions, each for this console and its way in alone. `cookie` is the name under which browsers
    keep them: they send it to every port of a host, so consoles of one host need different names.
    `stop` ends what the console executes itself.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        access: Access,
        *,
        secret: str,
        stop: threading.Event,
        cookie: str = "dsync_console",
        section: ConsoleSection | None = None,
    ) -> None:
        self._access = access
        self._desk = Desk(stop)
        self._by_number = {int(worker.demarche): worker for worker in workers}
        self._site = Site(
            self._by_number,
            self._desk,
            environment(),
            section or ConsoleSection(),
            origin=access.origin,
            entries=access.entries,
        )
        access.given = lambda name: self._site.store.given(name)
        self.witness = Witness(lambda: self._site.store, stop)
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._turns: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()
        self.application = self._application(secret, cookie)

    def open(self) -> None:
        """Show the link by which the first user enters, and resume what a killed console left."""
        self._desk.resume(self._site.workers.values())
        self._access.open()
        self.witness.open()

    def replace(self, workers: Sequence[Worker]) -> None:
        """Show other démarches from now on."""
        by_number = {int(worker.demarche): worker for worker in workers}
        self._access.follow({n: worker.configuration.acces for n, worker in by_number.items()})
        # Added first: pages that are being made find what they began with.
        self._by_number.update(by_number)
        for number in self._by_number.keys() - by_number.keys():
            del self._by_number[number]

    def close(self, within_s: float | None = None) -> bool:
        """Begin nothing more, and wait for the end of what is under way; return whether it ended.

        It may wait for a lock of the database: the caller ends the process then.
        """

        def wait() -> None:
            self._desk.close()
            self.witness.close()

        closing = threading.Thread(target=wait, name="dsync-console-end", daemon=True)
        closing.start()
        closing.join(within_s)
        return not closing.is_alive()

    def _application(self, secret: str, cookie: str) -> Starlette:
        rooms = (
            todo,
            suivi,
            dossiers,
            chosen,
            accesses,
            dossier,
            changements,
            decisions,
            jury,
            after_jury,
            runs,
            person,
            files,
            legal,
        )
        pages: list[Page] = [page for room in rooms for page in room.PAGES]
        secure = self._access.is_secure
        # Consoles of other roles, machines or providers may have the same secret.
        signs = f"{cookie}\n{self._access.identity}".encode()
        key = hmac.new(secret.encode(), signs, sha256).hexdigest()
        static = StaticFiles(directory=Path(str(resources.files("dsync.console"))) / "static")
        application = Starlette(
            routes=[
                *self._access.routes,
                Route(EXIT, self._leave, methods=["POST"]),
                *(
                    Route(path, self._public(page), methods=["GET"])
                    for path, page in PUBLIC.items()
                ),
                *map(self._route, pages),
                Mount("/static", static),
            ],
            middleware=[
                Middleware(_with_headers),
                Middleware(
                    SessionMiddleware,
                    secret_key=key,
                    session_cookie=f"__Host-{cookie}" if secure else cookie,
                    https_only=secure,
                    max_age=SESSION_S,
                    same_site="lax",
                ),
            ],
            exception_handlers={
                HTTPException: self._refused,
                DsyncError: self._failed,
                Exception: self._crashed,
            },
        )
        application.router.redirect_slashes = False
        return application

    async def _known(self, request: Request) -> Known:
        """Return what the database has of a session, asked once a request; 403: there is none."""
        if not hasattr(request.state, "known"):
            self._access.check_session(request)
            session = request.session["jeton"], request.session["qui"], _end_of(request)
            request.state.known = await anyio.to_thread.run_sync(
                self._site.store.session, *session, limiter=self._limiter
            )
        known: Known = request.state.known
        return known

    def _actor_of(self, request: Request) -> Actor:
        """Return who asks; before the database has answered, as the configuration says."""
        known: Known | None = getattr(request.state, "known", None)
        given = known.given if known else NOTHING_GIVEN
        return self._access.actor_of(request, self._site.workers, given)

    async def _visit(self, request: Request) -> Visit:
        """Return who asks for what; 403: they have no session, 400: the form is wrong."""
        await self._known(request)
        actor = self._actor_of(request)
        check_texts(request.query_params.multi_items())
        visit = Visit(self._site, request, actor)
        if request.method == "POST":
            visit.every = await _form(request)
            visit.form = {name: values[-1] for name, values in visit.every.items()}
            request.state.form = visit.form
            self._access.check_write(request, actor, visit.form)
        return visit

    async def _leave(self, request: Request) -> Response:
        visit = await self._visit(request)
        if visit.form.get("partout"):
            last = datetime.fromtimestamp(time.time() + SESSION_S, UTC)
            close = partial(self._site.store.close_sessions, visit.actor.name, last)
        else:
            close = partial(self._site.store.close_session, visit.actor.token, _end_of(request))
        await anyio.to_thread.run_sync(close, limiter=self._limiter)
        elsewhere = await self._access.way_out(request.session)
        request.session.clear()
        return self._short(
            request, 200, self._access.farewell, title="Session fermée", elsewhere=elsewhere
        )

    def _route(self, page: Page) -> Route:
        return Route(page[1], self._page(page[2], right_of(page)), methods=[page[0]])

    def _page(self, handler: Handler, right: Right) -> Callable[[Request], Awaitable[Response]]:
        def answer(visit: Visit) -> Response:
            is_closed, visit.titled, _ = visit.request.state.known
            self._site.titled.update(visit.titled)
            if is_closed:
                visit.request.session.clear()
                raise HTTPException(403, self._access.refusal)
            try:
                visit.need(right)
                if visit.request.method == "POST":
                    visit.check_form()
                if visit.request.method == "GET" and (tidy := visit.tidy) is not None:
                    return RedirectResponse(tidy, 303)
                self._desk.forget(visit.now)
                answered = handler(visit)
            except RefusedError:
                self.witness.note_refusal(visit)
                raise
            self.witness.note(visit, answered)
            return answered

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            async with self._turns.setdefault(visit.actor.name, anyio.Semaphore(THREADS // 2)):
                return await anyio.to_thread.run_sync(answer, visit, limiter=self._limiter)

        return endpoint

    async def _has_session(self, request: Request) -> bool:
        """Return whether there is a session that was not closed; without the database, none is."""
        try:
            is_closed = (await self._known(request)).is_closed
            self._actor_of(request)
        except (HTTPException, DsyncError):
            return False
        return not is_closed

    async def _refused(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)  # noqa: S101
        is_stranger = not await self._has_session(request)
        if is_stranger and exc.status_code not in (403, 429):
            # Without a session nobody learns which addresses there are.
            exc = HTTPException(403, self._access.refusal)
        title = self._access.welcome if exc.detail == self._access.refusal else None
        title = "Déport" if exc.detail == DEPORTED else title
        text = "" if exc.detail == HTTPStatus(exc.status_code).phrase else exc.detail
        back = None
        if isinstance(exc, UnknownValueError):
            number = request.query_params.get("demarche")
            # Of a file, to its page.
            path = request.url.path.partition(".")[0]
            back = address_of(_PAGE_OF_FILE.get(path, path), {"demarche": number})
        form = await _sent(request)
        is_absent = exc.detail == NO_DOSSIER
        answer = self._short(
            request,
            exc.status_code,
            text,
            title=title,
            back=back,
            absent=number_of(request.path_params.get("numero", "")) if is_absent else None,
            form=form,
            is_stranger=is_stranger,
        )
        answer.headers.update(exc.headers or {})
        return answer

    async def _failed(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, DsyncError)  # noqa: S101
        log.warning("page_failed", error=exc.message)
        text = f"La page ne peut pas être montrée : {words.cause(exc.exit_code)}"
        # A sentence without a type is for operators, such as one with the database's place.
        detail = None if isinstance(said := said_by(exc), str) else french.said(said)
        return self._short(request, 503, text, detail=detail, form=await _sent(request))

    async def _crashed(self, request: Request, _exc: Exception) -> Response:
        # The server logs the traceback.
        text = "Réessayez."
        answer = self._short(request, 500, text, form=await _sent(request))
        # Starlette answers a crash outside the application's middleware.
        answer.headers.update(HEADERS | {"cache-control": "no-store"})
        return answer

    def _short(
        self,
        request: Request,
        status: int,
        text: str,
        *,
        form: Mapping[str, str] = MappingProxyType({}),
        is_stranger: bool = False,
        **shown: Any,
    ) -> Response:
        """Show a sentence; `shown` are a title, a detail, and the ways back or elsewhere."""
        visit = None if is_stranger else self._visitor_of(request, form)
        given = {name: value for name, value in shown.items() if value is not None}
        has_session = visit is not None
        values: dict[str, Any] = dict(
            layout="base.html" if visit else "cadre.html",
            code=status,
            at=words.moment(datetime.now(UTC)),
            asked=f"{request.method} {request.url.path}",
            text=text,
            has_session=has_session,
            way_in=None if has_session else self._access.way_in(request),
            is_proconnect=self._access.is_proconnect,
            typed=typed_texts(form),
        ) | dict.fromkeys(("detail", "elsewhere", "back", "absent"))
        values |= {"title": _TITLES.get(status, "Erreur")} | given
        if visit is None:
            return self._shell(request, "court.html", status, **values)
        return visit.page("court.html", status, **values)

    def _visitor_of(self, request: Request, form: Mapping[str, str]) -> Visit | None:
        """Return who asks, for a page that says why there is none; None: nobody with a session."""
        try:
            actor = self._actor_of(request)
        except HTTPException:
            return None
        visit = Visit(self._site, request, actor, form, titled=self._site.titled)
        try:
            assert visit.worker  # noqa: S101
        except HTTPException:
            # They asked about one that is not there for them.
            visit.worker = self._site.workers[next(iter(actor.grants))]
        return visit

    def _public(self, page: Callable[[Site], Paper]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return self._shell(request, "publique.html", paper=page(self._site))

        return answer

    def _shell(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page without a session."""
        about = {"demarche": number_of(request.query_params.get("demarche", ""))}
        html = self._site.templates.get_template(template).render(
            site=self._site,
            whom=self._site.whom(),
            path=request.url.path,
            url=lambda path: address_of(path, about),
            **values,
        )
        return HTMLResponse(words.typeset(html, self._site.section.contact), status)


def right_of(page: Sequence[Any]) -> Right:
    """Return the right that a page needs; TypeError: it does not say which."""
    right = page[-1]
    if len(page) != 4 or not isinstance(right, Right):
        raise TypeError(f"{page[0]} {page[1]} does not name the right that it needs")
    return right


def _end_of(request: Request) -> datetime:
    """Return when a session ends by itself."""
    return datetime.fromtimestamp(request.session["fin"], UTC)


async def _sent(request: Request) -> Mapping[str, str]:
    """Return the fields of the form that a failed request has sent; none if it has none."""
    if request.method != "POST":
        return {}
    if not hasattr(request.state, "form"):
        try:
            every = await _form(request)
        except (HTTPException, ClientDisconnect, RuntimeError):
            every = {}
        request.state.form = {name: values[-1] for name, values in every.items()}
    sent: Mapping[str, str] = request.state.form
    return sent


async def _form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form; 413: it is too long, 400: it is none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413, headers={"Connection": "close"})
    try:
        given = parse_qs(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=5000
        )
    except ValueError as exc:
        raise HTTPException(400) from exc
    # Nobody types a null character, and no database keeps one.
    return {name: [one.replace("\0", "") for one in values] for name, values in given.items()}


def _with_headers(app: ASGIApp) -> ASGIApp:
    """Add the headers of security to every answer; browsers and proxies keep no page."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        is_file = scope["path"].startswith("/static/")
        cached = "public, max-age=86400" if is_file else "no-store"
        own: Any = {**HEADERS, "cache-control": cached}
        dropped = set(own)
        if (b"hx-request", b"true") in scope["headers"]:
            # Its page asks by itself: a session that was closed meanwhile must not come back.
            dropped.add("set-cookie")

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *(one for one in message.get("headers", []) if one[0].decode() not in dropped),
                    *((name.encode(), value.encode()) for name, value in own.items()),
                ]
            await send(message)

        await app(scope, receive, complete)

    return answer


_PAGE_OF_FILE = {"/changements": "/suivi"}
"""The page of a file that is not called like it."""


class _TableRoles(jinja2.ext.Extension):
    """Writes the roles of tables into the templates.

    Browsers forget the roles of cells that a narrow screen shows as blocks.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source with them."""
        for tag, role in _ROLES.items():
            source = re.sub(f"<{tag}(?=[ >{{])", f'<{tag} role="{role}"', source)
        return source


_ROLES = {
    "table": "table",
    "thead": "rowgroup",
    "tbody": "rowgroup",
    "tr": "row",
    'th scope="col"': "columnheader",
    'th scope="row"': "rowheader",
    "td": "cell",
}
"""By the beginning of a tag."""


@cache
def environment() -> jinja2.Environment:
    """Return the templates' environment: values are escaped, unknown names are errors.

    One for all consoles of the process, so that each template is compiled once.
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("dsync.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        extensions=[_TableRoles],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "moment": words.moment,
        "seconde": words.second,
        "jour": words.day,
        "inscrit": words.written,
        "heure": words.hour,
        "minute": words.minute,
        "nombre": words.number,
        "texte": words.text,
        "ouverture": lambda text: text[:1].upper() + text[1:],
        "preuve": words.evidence,
        "qui": words.asker,
        "court_texte": words.shortened,
    }
    made.filters |= filters
    made.globals |= {name: one for name, one in vars(words).items() if not name.startswith("_")}
    # The version is in the addresses of what browsers keep for a day.
    made.globals |= {
        "Right": Right,
        "zip": zip,
        "build": BUILD,
        "LONGEST_REASON": LONGEST_REASON,
        "said_of": lambda error: french.said(said_by(error)),
    }
    return made


def open_console(
    workers: Sequence[Worker],
    address: tuple[str, int],
    stop: threading.Event,
    who: str,
    show: Callable[[str], None],
    role: Role = Role.ADMINISTRATEUR,
) -> Console:
    """Return the console of some démarches, served at `address`.

    `stop` ends what it executes itself, `show` is called with each link, by which `who` started it
    enters with the role.

    Raises:
        ConfigurationError: the sign-in is not fully configured, or its packages are missing.
    """
    base = f"http://{Listen(*address)}"

    def announce(path: str) -> None:
        show(f"{base}{path}")

    section = console_section([one.settings for one in workers])
    # Replicas have one public address, and so one cookie. Without it, the machine's name counts: a
    # browser may reach consoles of several machines through tunnels, as ports of one host.
    own = f"{socket.gethostname()}:{address[1]}"
    place = (section.openid and section.public_url) or own
    return Console(
        workers,
        LocalAccess(who, announce, role)
        if section.openid is None
        else _team_access(workers, section, section.openid, stop),
        secret=_session_key(workers[0].settings.oidc_client_secret),
        section=section,
        stop=stop,
        cookie=f"dsync_console_{crc32(place.encode()):08x}",
    )


def _session_key(client_secret: SecretStr | None) -> str:
    """Return what signs sessions: replicas have the same; of one machine, those of a process."""
    if client_secret is None:
        return secrets.token_urlsafe(32)
    return hmac.digest(client_secret.get_secret_value().encode(), b"session", "sha256").hex()


def _team_access(
    workers: Sequence[Worker], section: ConsoleSection, openid: OpenIdSection, stop: threading.Event
) -> TeamAccess:
    worker = workers[0]
    acces = {int(one.demarche): one.configuration.acces for one in workers}
    if not any(acces.values()):
        raise ConfigurationError(
            "[console.openid] lets nobody in: add [[acces]] to each démarche's file, such as with "
            'role = "administrateur" and who = ["@example.gouv.fr"].'
        )
    try:
        from dsync.console.openid import Provider
        from dsync.console.signin import BACK, TeamAccess
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"[console.openid] needs packages that are not installed: {remedy('console-oidc')}."
        ) from exc
    secret = worker.settings.oidc_client_secret
    if secret is None:
        raise ConfigurationError(
            "[console.openid] needs the client's secret: set DSYNC_OIDC_CLIENT_SECRET, or "
            "DSYNC_OIDC_CLIENT_SECRET_FILE to a file that holds it."
        )
    provider = Provider(
        openid,
        secret.get_secret_value(),
        claims={name for entries in acces.values() for one in entries for name in one.claims},
        redirect_uri=f"{section.public_url}{BACK}",
        user_agent=f"dsync/{__version__} (+{worker.configuration.ds.contact})",
        stop=stop,
    )
    return TeamAccess(section, acces, provider)
