"""Tells others: operators by apprise, a watchdog, Sentry; does beside runs what follows them.

Whoever is told may never answer. Sentry gets the kind of an exception and where it was raised, no
values.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import structlog

from dsync import __version__
from dsync.domain.ids import DemarcheNumber
from dsync.errors import ConfigurationError, InterruptedRunError, LeaseHeldError, remedy
from dsync.exchanges import Exchanges
from dsync.service.causes import Severity
from dsync.settings import Settings

if TYPE_CHECKING:
    from dsync.wiring import Worker


log = structlog.get_logger(__name__)

Tell = Callable[[str, str, Severity], bool]
"""Sends a title and a text; returns whether it was sent."""

_PING_S = 10.0
_FRAME = ("filename", "function", "module", "lineno", "in_app")
"""What is reported of a place in the code."""


def teller(settings: Settings) -> Tell:
    """Return the function that sends alerts to DSYNC_ALERT_URLS; without URLs it does nothing.

    Raises:
        ConfigurationError: apprise is not installed, or does not know a URL.
    """
    urls = "" if settings.alert_urls is None else settings.alert_urls.get_secret_value()
    if not urls.split():
        # As if told, so that the database knows it: nobody has to be told later.
        return lambda title, text, severity: True
    try:
        import apprise
    except ImportError as exc:
        raise ConfigurationError(f"DSYNC_ALERT_URLS needs apprise: {remedy('alerts')}.") from exc
    sender = apprise.Apprise()
    for rank, url in enumerate(urls.split(), start=1):
        if not sender.add(url):
            raise ConfigurationError(
                f"DSYNC_ALERT_URLS: address {rank} is none that apprise knows, such as "
                "mailtos://user:password@host or json://host."
            )

    def tell(title: str, text: str, severity: Severity) -> bool:
        sent = bool(sender.notify(title=title, body=text, notify_type=severity.value))
        if not sent:
            log.error("alert_not_sent", retry_in_s=300)
        return sent

    return tell


def ping(url: str, stop: threading.Event) -> bool:
    """Call the address that a watchdog expects to be called after each success.

    Returns whether it was reached. Raises InterruptedRunError once `stop` is set.
    """

    def get(session: requests.Session) -> requests.Response:
        # Whatever it answers is not read, however long it is.
        with session.get(url, timeout=_PING_S, stream=True) as answer:
            return answer

    # Not through its adapter: it may be an http:// address of the same network.
    http = Exchanges(lambda _: requests.Session(), max_bytes=0, stop=stop)
    try:
        http.run(get, deadline_s=_PING_S).raise_for_status()
    except requests.RequestException as exc:
        # Without the address, which is a secret of its service.
        why = type(exc).__name__ if exc.response is None else f"HTTP {exc.response.status_code}"
        log.warning("ping_failed", error=f"[alerts] ping_url was not reached ({why}): check it.")
        return False
    return True


def reporter(settings: Settings) -> Callable[[Exception], None]:
    """Return the function that reports an exception to DSYNC_SENTRY_DSN; without one to nobody.

    Raises:
        ConfigurationError: sentry-sdk is not installed, or the DSN is none.
    """
    if settings.sentry_dsn is None:
        return lambda error: None
    try:
        import sentry_sdk
    except ImportError as exc:
        raise ConfigurationError(f"DSYNC_SENTRY_DSN needs sentry-sdk: {remedy('sentry')}.") from exc
    try:
        sentry_sdk.init(
            settings.sentry_dsn.get_secret_value(),
            release=__version__,
            # Nothing but what `capture_exception` is given below.
            default_integrations=False,
            auto_enabling_integrations=False,
            include_source_context=False,
            max_breadcrumbs=0,
            server_name="",
            before_send=_scrubbed,  # type: ignore[arg-type]
        )
    except sentry_sdk.utils.BadDsn as exc:
        raise ConfigurationError(
            "DSYNC_SENTRY_DSN is no DSN of Sentry: copy it from the project's settings there."
        ) from exc

    def report(error: Exception) -> None:
        sentry_sdk.capture_exception(error)

    return report


def _scrubbed(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of an event: messages of exceptions can hold contents of dossiers."""
    exceptions = event.get("exception", {}).get("values", [])
    return {
        "event_id": event["event_id"],
        "timestamp": event.get("timestamp"),
        "level": "error",
        "platform": "python",
        "release": __version__,
        "exception": {
            "values": [
                {
                    "type": one.get("type"),
                    "module": one.get("module"),
                    "stacktrace": {
                        "frames": [
                            {name: frame[name] for name in _FRAME if name in frame}
                            for frame in (one.get("stacktrace") or {}).get("frames", [])
                        ]
                    },
                }
                for one in exceptions
            ]
        },
    }


class Afterwards:
    """Does something about each démarche that is noted, one after the other.

    `address` is where it asks, "": nothing is to be done. `act` returns whether that answered: if
    not, what else is to be asked there waits for the next look.
    """

    every_s = 1.0
    """Interval between two looks, in seconds."""

    def __init__(
        self,
        address: Callable[[Worker], str],
        act: Callable[[Worker], bool],
        stop: threading.Event,
    ) -> None:
        self._address = address
        self._act = act
        self._stop = stop
        self._lock = threading.Lock()
        self._noted: dict[DemarcheNumber, Worker] = {}

    def note(self, worker: Worker) -> None:
        """Have it done soon."""
        if self._address(worker):
            with self._lock:
                self._noted[worker.demarche] = worker

    def tick(self) -> None:
        """Do what was noted."""
        with self._lock:
            noted, self._noted = self._noted, {}
        left: dict[DemarcheNumber, Worker] = {}
        failed: set[str] = set()
        for number, worker in noted.items():
            server = urlsplit(self._address(worker)).netloc
            if server in failed:
                left[number] = worker
            elif not self._stop.is_set() and not self._has_answered(worker):
                failed.add(server)
        with self._lock:
            # First of all, or one that never answers would be tried before them each time.
            self._noted = left | self._noted

    def _has_answered(self, worker: Worker) -> bool:
        with structlog.contextvars.bound_contextvars(demarche=worker.demarche):
            try:
                return self._act(worker)
            except LeaseHeldError:
                # Its next run has begun already.
                self.note(worker)
            except InterruptedRunError:
                pass
            except Exception:
                # A bug about one keeps nothing from the others.
                log.exception("afterwards_crashed")
        return True
