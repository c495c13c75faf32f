"""The console as an application: its addresses, and what holds for every answer."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsync.console import decisions, dossier, dossiers, etat, jury, runs
from dsync.console.access import SESSION_S, LocalAccess, actor_of, check_write
from dsync.console.requests import Desk
from dsync.console.visit import Site, Visit, environment
from dsync.errors import DsyncError
from dsync.wiring import App

log = structlog.get_logger(__name__)

MAX_FORM = 256 * 1024
"""Maximum length of a form, in bytes."""
THREADS = 4
"""Pages that are made at the same time; further ones wait."""
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
    413: "Formulaire trop long",
    500: "Erreur de dsync",
    503: "Base de données indisponible",
}
Handler = Callable[[Visit], Response]


class Console:
    """The console of some démarches.

    Args:
        apps: their workers, with one database; not used elsewhere at the same time.
        access: who may enter.
        secret: signs the sessions.
        theme: one of `visit.THEMES`.
        stop: ends what the console executes itself.
    """

    def __init__(
        self,
        apps: Sequence[App],
        access: LocalAccess,
        *,
        secret: str,
        theme: str,
        stop: threading.Event,
    ) -> None:
        self._access = access
        self._desk = Desk(stop)
        by_number = {int(app.demarche): app for app in apps}
        self._site = Site(by_number, self._desk, theme, environment())
        self._limiter = anyio.CapacityLimiter(THREADS)
        self.application = self._application(secret)

    def open(self) -> None:
        """Show the link by which the first user enters."""
        self._access.open()

    def close(self) -> None:
        """Begin nothing more."""
        self._desk.close()

    def _application(self, secret: str) -> Starlette:
        pages: list[tuple[str, str, Handler]] = [
            *etat.PAGES,
            *dossiers.PAGES,
            *dossier.PAGES,
            *decisions.PAGES,
            *jury.PAGES,
            *runs.PAGES,
        ]
        static = StaticFiles(directory=Path(str(resources.files("dsync.console"))) / "static")
        application = Starlette(
            routes=[
                *self._access.routes,
                Route("/sortir", self._page("POST", _leave), methods=["POST"]),
                *(
                    Route(path, self._page(method, handler), methods=[method])
                    for method, path, handler in pages
                ),
                Mount("/static", _Guarded(static)),
            ],
            middleware=[
                Middleware(_Headers),
                Middleware(
                    SessionMiddleware,
                    secret_key=secret,
                    session_cookie="dsync_console",
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

    def _page(self, method: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            actor = actor_of(request)
            visit = Visit(self._site, request, actor)
            if method == "POST":
                visit.every = await _form(request)
                visit.form = {name: values[-1] for name, values in visit.every.items()}
                check_write(request, actor, visit.form)
            return await anyio.to_thread.run_sync(handler, visit, limiter=self._limiter)

        return endpoint

    async def _refused(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)  # noqa: S101
        status = exc.status_code
        if status != 403 and request.session.get("qui") is None:
            # Without a session nobody learns which addresses there are.
            return await self._refused(request, _no_session(request))
        text = "" if exc.detail == HTTPStatus(status).phrase else exc.detail
        return self._short(request, status, text)

    async def _failed(self, request: Request, exc: Exception) -> Response:
        assert isinstance(exc, DsyncError)  # noqa: S101
        log.warning("page_failed", error=type(exc).__name__)
        return self._short(request, 503, exc.message)

    async def _crashed(self, request: Request, _exc: Exception) -> Response:
        # The server logs the traceback.
        return self._short(request, 500, "Réessayez ; si cela se reproduit, signalez-le.")

    def _short(self, request: Request, status: int, text: str) -> Response:
        template = self._site.templates.get_template("court.html")
        html = template.render(
            title=_TITLES.get(status, "Erreur"),
            text=text,
            theme=self._site.theme,
            has_session=request.session.get("qui") is not None,
        )
        return HTMLResponse(html, status)


def _no_session(request: Request) -> HTTPException:
    try:
        actor_of(request)
    except HTTPException as exc:
        return exc
    return HTTPException(403)


def _leave(visit: Visit) -> Response:
    visit.request.session.clear()
    response = visit.site.templates.get_template("court.html").render(
        title="Session fermée",
        text="Pour entrer de nouveau, ouvrez le dernier lien affiché dans le terminal.",
        theme=visit.site.theme,
        has_session=False,
    )
    return HTMLResponse(response)


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

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor_of(Request(scope))
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

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *(pair for pair in message.get("headers", []) if pair[0].decode() not in own),
                    *((name.encode(), value.encode()) for name, value in own.items()),
                ]
            await send(message)

        await self._app(scope, receive, complete)
