"""Tells operators what needs them: each alert once when it begins and once when it ends.

Alerts hold numbers only. What was told is stored in the database, so that restarts repeat nothing
and of several services one tells it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import requests
import structlog

from dsync.care.concerns import CHECK, Code, concerns_of
from dsync.domain.check_line import EXPIRY_WARNINGS_DAYS, CheckLine, CheckStatus
from dsync.domain.durations import span
from dsync.domain.ids import DemarcheNumber
from dsync.errors import ConfigurationError, DSUnauthorizedError, DsyncError
from dsync.settings import Settings

if TYPE_CHECKING:
    from dsync.wiring import Worker

log = structlog.get_logger(__name__)

_CHECK_EVERY_S = 24 * 3600.0
_CHECK_AGAIN_S = 15 * 60.0
"""Time after which a check is repeated that did not reach DS."""
_PING_S = 10.0
# Exit codes of the lines of a check that says nothing of the démarche: DS was not read.
UNREACHABLE, REFUSED = 8, DSUnauthorizedError.exit_code

ALERTS = {
    "no_success": "No run has succeeded for `[http] ready_intervals` intervals.",
    "token_refused": "DS refuses the token.",
    "token_expiry": f"The token expires within {EXPIRY_WARNINGS_DAYS[0]} days, or has expired.",
    "brake": "The last full read was stopped because too many dossiers disappeared at once.",
    "mass_deletion": "DS's own lists hid or erased too many dossiers at once; they are followed.",
    "rules": "Changed rules were stopped because they would change too many verdicts.",
    "refused": "DS refused annotations.",
    "conflicts": "Human values stand where dsync wants to write.",
    "quarantine": "Dossiers cannot be read or judged; told again each time their number doubles.",
    "pieces_target": "The target of the copies of files is not there: `[pieces] target`.",
    "erasures": "Erasures are not finished: copies of files, or requests that nothing executed.",
    "not_configured": "The database has démarches that the folder no longer configures.",
    "evidence": "The catalogue has not been confirmed for `[preuves.catalogue] max_age_days`.",
    "check …": (
        "`dsync check`, at the start and daily, has a warning or an error of this name: the form "
        "changed, an annotation or a label is missing, …; told again when it says something else."
    ),
}
"""Meaning of each alert; docs/alerts.md lists them."""


class Alerts:
    """Looks for the alerts of all démarches, and tells them.

    Args:
        workers: one for each démarche.
        tell: sends a title and a text; returns whether it was sent.
        stop: ends a check under way.
        monotonic: returns seconds of a monotonic clock.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        tell: Callable[[str, str], bool],
        stop: threading.Event,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle = threading.Event()
        """Set while nothing is looked for."""
        self.idle.set()
        self._workers = workers
        self._tell = tell
        self._stop = stop
        self._monotonic = monotonic
        self._findings: dict[DemarcheNumber, list[Alert]] = {}
        """The alerts of the last check of each démarche that reached DS, until all are told."""
        self._check_at: dict[DemarcheNumber, float] = {}

    def tick(self) -> None:
        """Tell what began and what ended since the last call; never raises."""
        self.idle.clear()
        try:
            # A check may wait minutes for DS: what the database shows of all is told before.
            for look in (self._watch, self._check):
                for worker in self._workers:
                    if self._stop.is_set():
                        return
                    try:
                        with structlog.contextvars.bound_contextvars(demarche=worker.demarche):
                            look(worker)
                    except DsyncError as exc:
                        # The next tick tries again; what the failure means is an alert of its own.
                        number, error = worker.demarche, exc.message
                        log.warning("alerts_not_watched", demarche=number, error=error)
        finally:
            self.idle.set()

    def _watch(self, worker: Worker) -> None:
        """Tell what began and what ended, by the database and the last check."""
        now = worker.clock()
        findings = self._findings.get(worker.demarche)
        current = {one.name: one for one in (*alerts_of(worker, now), *(findings or ()))}
        numbers = {name: alert.number for name, alert in current.items()}
        with worker.store.alerts(worker.demarche) as alerts:
            begun = alerts.begin(numbers, now)
            # Those of another check stay until one of this process reaches DS.
            ended = alerts.end(current, spared=CHECK if findings is None else None)
        # After the transaction: sending can take long.
        for name in begun:
            log.warning("alert_began", alert=name)
            if self._tell(f"dsync, démarche {worker.demarche}: {name}", current[name].text):
                with worker.store.alerts(worker.demarche) as alerts:
                    alerts.told(name, now)
        for name, since in ended:
            log.info("alert_ended", alert=name)
            text = f"Over, after {span(max(now - since, timedelta()))}."
            if not self._tell(f"dsync, démarche {worker.demarche}: {name} ended", text):
                with worker.store.alerts(worker.demarche) as alerts:
                    alerts.restore(name, since, now)
        if findings is not None:
            with worker.store.reading(worker.demarche) as reader:
                told = {name for name, _ in reader.alerts.told_alerts() if name.startswith(CHECK)}
            if told == {one.name for one in findings}:
                # A later check of another service knows better from now on: else each service
                # would end what the other one begins, again and again.
                del self._findings[worker.demarche]

    def _check(self, worker: Worker) -> None:
        """Run the checks of a démarche if they are due, and tell what they found."""
        if self._monotonic() < self._check_at.get(worker.demarche, 0.0):
            return
        lines = list(worker.check())
        reached = all(line.exit_code not in (UNREACHABLE, REFUSED) for line in lines)
        if reached:
            self._findings[worker.demarche] = _findings(lines)
        wait_s = _CHECK_EVERY_S if reached else _CHECK_AGAIN_S
        self._check_at[worker.demarche] = self._monotonic() + wait_s
        self._watch(worker)


class Alert(NamedTuple):
    """A current alert, as it is told."""

    name: str
    text: str
    number: int = 1
    """What decides whether it is told again, see `AlertWrites.begin`."""


TOLD: Mapping[Code, Alert | None] = {
    **dict.fromkeys(
        (Code.NO_SUCCESS, Code.LATE),
        Alert("no_success", "No run has succeeded for {span}: see `dsync runs`."),
    ),
    Code.TOKEN_REFUSED: Alert("token_refused", "DS refuses the token: `dsync check` tells why."),
    Code.TOKEN_EXPIRY: Alert(
        "token_expiry", "The token {left}: make a new one on DS and put it in place."
    ),
    Code.BRAKE: Alert(
        "brake", "Too many dossiers disappeared at once, none is marked: see `dsync runs`."
    ),
    Code.MASS_DELETION: Alert(
        "mass_deletion",
        "{dossiers} of {why} were hidden or erased at once by DS's own lists, and are so here: see "
        "`dsync status`.",
    ),
    Code.RULES: Alert(
        "rules",
        "Changed rules would change the verdicts of {dossiers}: nothing is judged or written back "
        "until they are corrected, or accepted by `dsync precheck accept`.",
    ),
    Code.REFUSED: Alert(
        "refused", "{dossiers} with annotations that DS refused: see `dsync check`."
    ),
    Code.CONFLICTS: Alert(
        "conflicts",
        "{dossiers} with a human's value in place of dsync's: see `dsync conflicts list`.",
    ),
    Code.QUARANTINED: Alert("quarantine", "{dossiers} in quarantine: see `dsync quarantine list`."),
    Code.TARGET: Alert(
        "pieces_target", "The target of the copies of files is not there: see `dsync runs`."
    ),
    Code.ERASURES: Alert("erasures", "Erasures are not finished ({why}): see `dsync status`."),
    Code.NOT_CONFIGURED: Alert(
        "not_configured",
        "Démarches that no file of the folder configures any more: {why}. See `dsync status`.",
    ),
    Code.EVIDENCE: Alert(
        "evidence", "The catalogue was last confirmed {days} days ago: see `dsync check`."
    ),
    # The next run sends what waits, and `Alerts` runs the check itself.
    **dict.fromkeys((Code.WAITING, Code.REQUESTS, Code.CHECK)),
    # `no_success` says what follows from these, if it does; one failed run is none.
    **dict.fromkeys((Code.NO_SERVICE, Code.SILENT_SERVICE, Code.RUN_FAILED, Code.CLOCK_WENT_BACK)),
}
"""The alert of each concern; its text has the placeholders of `Concern.fill`."""


def alerts_of(worker: Worker, now: datetime) -> Iterator[Alert]:
    """Yield the current alerts of a démarche that its stored state shows.

    Args:
        worker: of the démarche.
        now: the present instant, in UTC.

    Raises:
        StoreError: the database cannot be read.
    """
    configuration = worker.configuration
    state = worker.state(now)
    for one in concerns_of(state, now, worker.settings.thresholds):
        alert = TOLD[one.code]
        # A service that has just started for the first time is not late yet.
        is_new = one.code is Code.NO_SUCCESS and one.age(now) <= configuration.late_after
        if alert is not None and not is_new:
            number = one.number if one.code is Code.QUARANTINED else 1
            yield Alert(alert.name, one.fill(alert.text, now), number)


def _findings(lines: Iterable[CheckLine]) -> list[Alert]:
    """Return an alert for each name of a line with a problem.

    The expiry of the token is an alert of its own.
    """
    found = defaultdict[str, list[str]](list)
    for line in lines:
        is_bad = line.status in (CheckStatus.WARNING, CheckStatus.ERROR)
        if is_bad and line.name != "token expiry":
            # Without its numbers, some of which change from day to day.
            found[line.name].append(re.sub(r"\d+", "", line.message))
    return [
        Alert(
            f"{CHECK}{name}",
            f"`dsync check` has {len(said)} line{'s' * (len(said) > 1)} about: {name}.",
            _digest(said),
        )
        for name, said in found.items()
    ]


def _digest(texts: Iterable[str]) -> int:
    """Return a negative number of 32 bits for some texts, in any order."""
    # Below zero, as `begin` recognises a digest; halved, because the column is signed.
    return -1 - crc32("\n".join(sorted(texts)).encode()) // 2


def teller(settings: Settings) -> Callable[[str, str], bool]:
    """Return the function that sends alerts to DSYNC_ALERT_URLS; without URLs it does nothing.

    Raises:
        ConfigurationError: apprise is not installed, or does not know a URL.
    """
    urls = "" if settings.alert_urls is None else settings.alert_urls.get_secret_value()
    if not urls.split():
        # As if told, so that the database knows it: nobody has to be told later.
        return lambda title, text: True
    try:
        import apprise
    except ImportError as exc:
        raise ConfigurationError(
            "DSYNC_ALERT_URLS needs the extra « alerts »: pip install 'dsync[alerts]'."
        ) from exc
    sender = apprise.Apprise()
    for rank, url in enumerate(urls.split(), start=1):
        if not sender.add(url):
            raise ConfigurationError(
                f"DSYNC_ALERT_URLS: address {rank} is none that apprise knows, such as "
                "mailtos://user:password@host or json://host."
            )

    def tell(title: str, text: str) -> bool:
        sent = bool(sender.notify(title=title, body=text))
        if not sent:
            log.error("alert_not_sent", retry_in_s=300)
        return sent

    return tell


def ping(url: str) -> None:
    """Call the address that a watchdog expects to be called after each success."""
    try:
        requests.get(url, timeout=_PING_S).raise_for_status()
    except requests.RequestException as exc:
        # Without the address, which is a secret of its service.
        why = type(exc).__name__ if exc.response is None else f"HTTP {exc.response.status_code}"
        log.warning("ping_failed", error=f"[alerts] ping_url was not reached ({why}): check it.")
