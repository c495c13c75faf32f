"""The console as an application: its addresses, and what holds for every answer."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import structlog
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsync.console import decisions, dossier, dossiers, etat, jury, person, runs, words
from dsync.console.access import EXIT, SESSION_S, Access
from dsync.console.desk import Desk
from dsync.console.visit import Site, Visit, environment
from dsync.errors import DsyncError
from dsync.wiring import Worker

log = structlog.get_logger(__name__)

MAX_FORM = 256 * 1024
"""Maximum length of a form, in bytes."""
THREADS = 4
"""Pages that are made at the same time; further ones wait."""
STYLE = (
    ":root{color-scheme:light dark}body{margin:0;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:36rem;margin:0 auto;padding:1rem}.fr-btn{display:inline-block;padding:.5rem "
    "1rem;border:2px solid;border-radius:.25rem;font-weight:600;text-decoration:none}"
    ":focus-visible{outline:3px solid #0a76f6;outline-offset:2px}"
)
"""Of pages without a session, which may not load a style sheet; named by its hash in the policy."""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; "
        f"style-src 'self' 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
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
    413: "Formulaire trop long",
    429: "Trop d’essais",
    500: "Erreur de dsync",
    503: "Page indisponible",
}
Handler = Callable[[Visit], Response]


class Console:
    """The console of some démarches.

    Args:
        workers: of the démarches shown, with one database; not used elsewhere at the same time.
        access: who may enter.
        secret: signs the sessions.
        cookie: the name under which browsers keep them. They send it to every port of a host, so
            consoles of one host need different names.
        theme: one of `visit.THEMES`.
        stop: ends what the console executes itself.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        access: Access,
        *,
        secret: str,
        theme: str,
        stop: threading.Event,
        cookie: str = "dsync_console",
    ) -> None:
        self._access = access
        self._desk = Desk(stop)
        self._by_number = {int(worker.demarche): worker for worker in workers}
        self._site = Site(self._by_number, self._desk, theme, environment())
        self._limiter = anyio.CapacityLimiter(THREADS)
        self.application = self._application(secret, cookie)

    def open(self) -> None:
        """Show the link by which the first user enters, and resume what a killed console left."""
        self._desk.resume(self._site.workers.values())
        self._access.open()

    def replace(self, workers: Sequence[Worker]) -> None:
        """Show other démarches from now on."""
        by_number = {int(worker.demarche): worker for worker in workers}
        # Added first: pages that are being made find what they began with.
        self._by_number.update(by_number)
        for number in self._by_number.keys() - by_number.keys():
            del self._by_number[number]

    def close(self) -> None:
        """Begin nothing more, and wait for the end of what is under way."""
        self._desk.close()

    def _application(self, secret: str, cookie: str) -> Starlette:
        pages: list[tuple[str, str, Handler]] = [
            *etat.PAGES,
            *dossiers.PAGES,
            *dossier.PAGES,
            *decisions.PAGES,
            *jury.PAGES,
            *runs.PAGES,
            *person.PAGES,
        ]
        secure = self._access.is_secure
        static = StaticFiles(directory=Path(str(resources.files("dsync.console"))) / "static")
        application = Starlette(
            routes=[
                *self._access.routes,
                Route(EXIT, self._leave, methods=["POST"]),
                *(
                    Route(path, self._page(handler), methods=[method])
                    for method, path, handler in pages
                ),
                Mount("/static", _Guarded(static, self._access)),
            ],
            middleware=[
                Middleware(_Headers),
                Middleware(
                    SessionMiddleware,
                    secret_key=secret,
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

    async def _visit(self, request: Request) -> Visit:
        """Return who asks for what.

        Raises:
            HTTPException: they may not (403), or the form is wrong.
        """
        actor = self._access.actor_of(request)
        visit = Visit(self._site, request, actor)
        if request.method == "POST":
            visit.every = await _form(request)
            visit.form = {name: values[-1] for name, values in visit.every.items()}
            self._access.check_write(request, actor, visit.form)
        return visit

    async def _leave(self, request: Request) -> Response:
        visit = await self._visit(request)
        until = datetime.fromtimestamp(request.session["fin"], UTC)
        await anyio.to_thread.run_sync(
            self._site.store.close_session, visit.actor.token, until, limiter=self._limiter
        )
        elsewhere = await self._access.way_out(request.session)
        request.session.clear()
        return self._short(
            request, 200, self._access.farewell, title="Session fermée", elsewhere=elsewhere
        )

    def _page(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        def answer(visit: Visit) -> Response:
            is_closed, visit.titled = self._site.store.session(visit.actor.token)
            if is_closed:
                visit.request.session.clear()
                raise HTTPException(403, self._access.refusal)
            return handler(visit)

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            return await anyio.to_thread.run_sync(answer, visit, limiter=self._limiter)

        return endpoint

    async def _refused(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)  # noqa: S101
        if exc.status_code not in (403, 429) and request.session.get("qui") is None:
            # Without a session nobody learns which addresses there are.
            exc = HTTPException(403, self._access.refusal)
        title = self._access.welcome if exc.detail == self._access.refusal else None
        text = "" if exc.detail == HTTPStatus(exc.status_code).phrase else exc.detail
        answer = self._short(request, exc.status_code, text, title=title)
        answer.headers.update(exc.headers or {})
        return answer

    async def _failed(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, DsyncError)  # noqa: S101
        log.warning("page_failed", error=exc.message)
        text = f"La page ne peut pas être montrée : {words.cause(exc.exit_code)}"
        return self._short(request, 503, text, detail=exc.message)

    async def _crashed(self, request: Request, _exc: Exception) -> Response:
        # The server logs the traceback.
        answer = self._short(request, 500, "Réessayez ; si cela se reproduit, signalez-le.")
        # Starlette answers a crash outside the application's middleware.
        answer.headers.update(HEADERS | {"cache-control": "no-store"})
        return answer

    def _short(
        self,
        request: Request,
        status: int,
        text: str,
        *,
        title: str | None = None,
        detail: str = "",
        elsewhere: str | None = None,
    ) -> Response:
        try:
            has_session = bool(self._access.actor_of(request))
        except HTTPException:
            has_session = False
        html = self._site.templates.get_template("court.html").render(
            title=title or _TITLES.get(status, "Erreur"),
            text=text,
            detail=detail,
            theme=self._site.theme,
            style=Markup(STYLE),  # noqa: S704 - a constant
            has_session=has_session,
            way_in=None if has_session else self._access.way_in(request),
            elsewhere=elsewhere,
        )
        return HTMLResponse(html, status)


async def _form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form.

    Raises:
        HTTPException: it is too long (413), or no form (400).
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413, headers={"Connection": "close"})
    try:
        return parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=5000)
    except ValueError as exc:
        raise HTTPException(400) from exc


class _Guarded:
    """Serves files to those who have a session."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._access.actor_of(Request(scope))
        await self._app(scope, receive, send)


class _Headers:
    """Adds the headers of security to every answer; pages are not kept by browsers or proxies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_file = scope["path"].startswith("/static/")
        cached = "private, max-age=86400" if is_file else "no-store"
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

        await self._app(scope, receive, complete)
