"""The HTTP surface of `dsync run`: health, readiness, metrics, version, and DS's webhooks.

uvicorn serves it in a thread of its own, and ends with the service's stop event. Nothing here
writes: a webhook only asks for a read. What reads the database runs in another thread, one request
at a time, so that neither scrapes nor a database that hangs delay webhooks or use up connections.

Connections are bounded, so that no number of them takes the descriptors that the database and DS
need: one beyond the bound takes the place of those that have kept the server waiting longest.
"""

from __future__ import annotations

import asyncio
import errno
import json
import resource
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dsync import __version__
from dsync.addresses import Listen, mask_url
from dsync.errors import DISTRIBUTION, ConfigurationError
from dsync.service.metrics import Metrics
from dsync.service.webhooks import MAX_BODY, Outcome, Webhooks

if TYPE_CHECKING:
    pass

log = structlog.get_logger(__name__)

T = TypeVar("T")

_DATABASE_S = 5.0
"""Time for the database to answer `/readyz` or `/metrics`."""
_IDLE_S = 5.0
"""Time to send the head of a request, on a new connection or after an answer."""
_STALLED = 6
"""Times `_IDLE_S`: time to send the whole body of a request, and to read any part of an answer."""
_CONNECTIONS = 512
"""Maximum number of open connections; half the descriptors of the process if that is less."""
_BACKLOG = 2048
"""Number of connections that the system keeps until they are accepted."""
_TELL_S = 60.0
"""Minimum time between two log lines about connections that were closed for want of room."""
_MAX_HEAD = 16 * 1024
LOOK_S = 0.5
"""Interval at which the server looks whether the service ends."""
_SHUTDOWN_S = 1
_JOIN_S = 0.5
ADDRESSES = (
    ("GET", "/healthz", "200 while the process is alive. Also `/__lbheartbeat__`."),
    (
        "GET",
        "/readyz",
        "200 if each démarche is served, else 503 with `problems`. Also `/__heartbeat__`.",
    ),
    (
        "GET",
        "/metrics",
        "200 with the metrics below, in Prometheus's text format; with `?par=demarche` for each "
        "démarche. With a console, at the second address of `DSYNC_HTTP_LISTEN` alone.",
    ),
    (
        "GET",
        "/__version__",
        "200 with version, source and commit, as far as known. With a console as `/metrics`.",
    ),
    ("POST", "/hooks/ds/SECRET", "202 for a webhook of DS, which asks for a read."),
)
"""Method, path and answer of each address; docs/reference/http.md lists them."""
# A wrong secret and a démarche that is not served look like an address that is not there.
_STATUS = {
    Outcome.ACCEPTED: 202,
    Outcome.REPEATED: 202,
    Outcome.REFUSED: 404,
    Outcome.NOT_SERVED: 404,
    Outcome.INVALID: 400,
}


class Surface:
    """The addresses of one service, served in a thread until `stop` is set.

    The database has `database_s` seconds to answer; the head of a request may take `idle_s`. With a
    console, metrics and version are served at `apart` alone, which serves no console.
    """

    def __init__(
        self,
        metrics: Metrics,
        webhooks: Webhooks,
        listening: socket.socket,
        stop: threading.Event,
        *,
        database_s: float = _DATABASE_S,
        idle_s: float = _IDLE_S,
        console: ASGIApp | None = None,
        apart: socket.socket | None = None,
    ) -> None:
        self._console = console
        self._webhooks = webhooks
        self._metrics = metrics
        # One at a time: a database that hangs holds up one thread, and not one a scrape.
        self._reading = anyio.CapacityLimiter(1)
        self._database_s = database_s
        self._socket = listening
        self._threads = [server_thread(self._application(), listening, stop, idle_s=idle_s)]
        if apart is not None:
            operators = Starlette(routes=[*self._health(), *self._metrics_and_version()])
            self._threads.append(server_thread(operators, apart, stop, idle_s=idle_s))

    def start(self) -> None:
        """Serve until the stop event is set."""
        host, port = self._socket.getsockname()[:2]
        for one in self._threads:
            one.start()
        log.info("http_listening", address=str(Listen(host, port)), webhooks=self._webhooks.is_on)

    def join(self) -> None:
        """Wait shortly for the threads' end."""
        for one in self._threads:
            one.join(_JOIN_S)

    def _application(self) -> Starlette:
        routes = self._health()
        if self._console is None:
            # A console's address is public.
            routes += self._metrics_and_version()
        if self._webhooks.is_on:
            routes.append(Route("/hooks/ds/{secret}", self._receive, methods=["POST"]))
        if self._console is not None:
            routes.append(Mount("", self._console))
        application = Starlette(routes=routes)
        # A redirect would repeat the request's `Host`.
        application.router.redirect_slashes = False
        return application

    def _health(self) -> list[BaseRoute]:
        return [
            *(_get(path, _alive) for path in ("/healthz", "/__lbheartbeat__")),
            *(_get(path, self._ready) for path in ("/readyz", "/__heartbeat__")),
        ]

    def _metrics_and_version(self) -> list[BaseRoute]:
        return [_get("/metrics", self._show_metrics), _get("/__version__", _version)]

    async def _ready(self, _request: Request) -> Response:
        document = await self._from_database(self._metrics.readiness)
        if document is None:
            problem = (
                f"The database did not answer within {self._database_s:g} s: check the server."
            )
            document = {"ready": False, "problems": [{"demarche": None, "problem": problem}]}
        return _json(document, 200 if document["ready"] else 503)

    async def _show_metrics(self, request: Request) -> Response:
        by_demarche = request.query_params.get("par") == "demarche"
        text = await self._from_database(lambda: self._metrics.text(by_demarche=by_demarche))
        if text is None:
            return PlainTextResponse("The database did not answer.\n", 503)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _receive(self, request: Request) -> Response:
        # Before the body is read, so that a stranger's never is.
        if not self._webhooks.knows(request.path_params["secret"]):
            self._webhooks.refuse(Outcome.REFUSED)
            raise HTTPException(404)
        try:
            body = await _body(request, self._webhooks.body_s)
        except (HTTPException, ClientDisconnect):
            self._webhooks.refuse(Outcome.INVALID)
            raise
        outcome = self._webhooks.receive(body, request.headers)
        return _json({"outcome": outcome.value}, _STATUS[outcome])

    async def _from_database(self, read: Callable[[], T]) -> T | None:
        """Call `read` in a thread; return None if it takes longer than `database_s`.

        The thread is then left behind, and no further one is started before it has ended.
        """
        with anyio.move_on_after(self._database_s):
            return await anyio.to_thread.run_sync(
                read, abandon_on_cancel=True, limiter=self._reading
            )
        return None


class _State(uvicorn.server.ServerState):
    """What the connections of a server share."""

    def __init__(self) -> None:
        super().__init__()
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.room = _CONNECTIONS
        """Maximum number of open connections."""
        if descriptors != resource.RLIM_INFINITY:
            self.room = min(_CONNECTIONS, descriptors // 2)
        self.refused = 0
        """Connections that were closed for want of room since this was last logged."""

    def make_room(self) -> None:
        """Close the connections that have waited longest for their clients; none if all work.

        Some at a time: to look for one at each connection of a flood takes longer than the rest.
        """
        waiting = [one for one in self.connections if isinstance(one, _Connection) and one.waits]
        waiting.sort(key=lambda one: one.since)
        # Half of them at most, without the newest unless it is the only one.
        for one in waiting[: min(1 + self.room // 32, (len(waiting) + 1) // 2)]:
            one.transport.abort()
            self.refused += 1


class _Connection(H11Protocol):
    """A connection that is closed when its client keeps the server waiting.

    uvicorn itself waits without limit for the rest of a request, and for a client that does not
    read its answer.
    """

    server_state: _State
    since = 0.0
    """When the present wait or request began."""
    _unsent = 0

    @property
    def awaits_request(self) -> bool:
        """Whether the next request has not begun, or the end of its head is missing."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def waits(self) -> bool:
        """Whether the client has to send or to read something before the server goes on."""
        return self.awaits_request or self.cycle.more_body or self.flow.write_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for this connection: it waits, too, and is closed if all others work."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) > self.server_state.room:
            self.server_state.make_room()

    def data_received(self, data: bytes) -> None:
        """Note when a request begins; uvicorn gives each one a cycle of its own."""
        last = self.cycle
        super().data_received(data)
        if self.cycle is not last:
            self.since = self.loop.time()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self.since = self.loop.time()

    def look(self, now: float) -> None:
        """Close the connection if it has waited too long; `now` is of the loop's clock."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self.since = unsent, now
        is_under_way = unsent or not self.awaits_request
        patience_s = self.timeout_keep_alive * (_STALLED if is_under_way else 1)
        if (self.waits or unsent) and now - self.since >= patience_s:
            self.transport.abort()


class _Server(uvicorn.Server):
    """A server that ends with the service."""

    server_state: _State

    def __init__(self, config: uvicorn.Config, state: _State, stop: threading.Event) -> None:
        super().__init__(config)
        self.server_state = state
        self._stop = stop
        self._tell_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(_BACKLOG)
        asyncio.get_running_loop().set_exception_handler(self._note)

    async def main_loop(self) -> None:
        """Look for the end of the service; uvicorn's own loop would look ten times a second."""
        while not (await self.on_tick(0) or self._stop.is_set()):
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        state, now = self.server_state, asyncio.get_running_loop().time()
        for one in state.connections:
            assert isinstance(one, _Connection)  # noqa: S101
            one.look(now)
        if state.refused and now >= self._tell_at:
            log.warning("connections_refused", connections=state.refused, room=state.room)
            state.refused, self._tell_at = 0, now + _TELL_S

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Make room where nothing could be accepted; asyncio itself would log a traceback."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            self.server_state.make_room()
        else:
            loop.default_exception_handler(context)


def server_thread(
    application: ASGIApp,
    listening: socket.socket,
    stop: threading.Event,
    *,
    idle_s: float = _IDLE_S,
) -> threading.Thread:
    """Return a thread that serves an application until `stop` is set.

    The head of a connection's next request may take `idle_s` seconds.
    """
    state = _State()
    config = uvicorn.Config(
        _guarded(application),
        loop="asyncio",
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        # It would hold the secret in the address of webhooks.
        access_log=False,
        # Nothing here depends on who asks; the console reads the headers that its settings trust.
        proxy_headers=False,
        server_header=False,
        # Requests go on after their connection was closed: they are bounded, too.
        limit_concurrency=state.room + 1,
        # asyncio accepts as many at once, before it tells the first one of them.
        backlog=1,
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_keep_alive=idle_s,  # type: ignore[arg-type] # Seconds for `call_later`.
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    return threading.Thread(
        target=_Server(config, state, stop).run,
        kwargs={"sockets": [listening]},
        name="dsync-http-server",
        daemon=True,
    )


def bind(
    listen: Listen, *, is_default: bool, setting: str = "DSYNC_HTTP_LISTEN"
) -> socket.socket | None:
    """Open the socket to listen on; None: it cannot be used, and nobody configured the address.

    This is logged, and the service works without HTTP. `setting` is what sets the address.

    Raises:
        ConfigurationError: a configured address cannot be used.
    """
    try:
        family, *_, address = socket.getaddrinfo(*listen, type=socket.SOCK_STREAM)[0]
        # « :: » means every address of this machine, those of IPv4 included.
        is_any = listen.host == "::" and socket.has_dualstack_ipv6()
        listening = socket.create_server(address[:2], family=family, dualstack_ipv6=is_any)
    # UnicodeError: a part of a name that is longer than DNS allows.
    except (OSError, UnicodeError) as exc:
        why = getattr(exc, "strerror", None) or type(exc).__name__
        why = why.partition(" (while ")[0]  # The address follows.
        if not is_default:
            raise ConfigurationError(
                f"Nothing can listen on {listen} ({why}): end the other program or set {setting} "
                "to a free one."
            ) from exc
        log.warning(
            "http_off", address=str(listen), error=why, remedy="set DSYNC_HTTP_LISTEN to a free one"
        )
        return None
    # Connections inherit it. asyncio sets it by itself, but not for a socket that was made without
    # a protocol: the body of an answer then waited 40 ms for the delayed ACK of its head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _get(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _guarded(application: ASGIApp) -> ASGIApp:
    """Return an application that refuses a request whose end a proxy may see elsewhere."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope["headers"]}
        is_old = scope["http_version"] == "1.0"
        if b"transfer-encoding" in names and (b"content-length" in names or is_old):
            text = "Transfer-Encoding with Content-Length, or in HTTP/1.0.\n"
            refusal = PlainTextResponse(text, 400, headers={"Connection": "close"})
            return await refusal(scope, receive, send)
        # A client that went away is no error to log.
        with suppress(ClientDisconnect):
            await application(scope, receive, send)

    return answer


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _version(_request: Request) -> Response:
    return _json(_version_document(), 200)


def _version_document() -> dict[str, str | None]:
    """Return version, source and commit as Mozilla's Dockerflow asks for.

    Source and commit are those that pip recorded when it installed dsync from a repository.
    """
    recorded = json.loads(metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    commit = recorded.get("vcs_info", {}).get("commit_id")
    source = mask_url(recorded["url"]) if commit else None
    return {"version": __version__, "source": source, "commit": commit, "build": None}


async def _body(request: Request, patience_s: float) -> bytes:
    """Return the body of a webhook, which may take `patience_s` seconds.

    Raises:
        HTTPException: it is longer than `MAX_BODY` (413) or takes too long (408); the rest is not
            read.
        ClientDisconnect: the client went away.
    """
    body = bytearray()
    length = request.headers.get("content-length", "0")
    with anyio.move_on_after(patience_s):
        if length.isdecimal() and int(length) <= MAX_BODY:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    break
            else:
                return bytes(body)
        # The rest of the body is not read, so no other request can follow on the connection.
        raise HTTPException(413, headers={"Connection": "close"})
    raise HTTPException(408, headers={"Connection": "close"})


def _json(document: object, status: int) -> Response:
    body = json.dumps(document, ensure_ascii=False, default=_text_of)
    return Response(body + "\n", status, media_type="application/json")


def _text_of(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
