"""The digest: an e-mail with the numbers of what waits for a person, and links; nothing of persons.

It is sent by the service, through the mail server that alerts go by, once a day or a week to each
person who asked for it on its page, whatever the number of services: who sends it has claimed it in
the database before. Nothing is sent where nothing waits, nor to anybody whose role has ended.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right, Role, granted
from dsync.console.todo import service_line
from dsync.console.visit import Viewer, Visit
from dsync.console.worklist import kinds_of
from dsync.domain.dossier import PARIS
from dsync.errors import DsyncError
from dsync.store import Store
from dsync.store.console_users import Subscription
from dsync.wiring import Worker

log = structlog.get_logger(__name__)

FREQUENCES = {"jour": "Chaque jour", "semaine": "Chaque semaine, le lundi"}
END = "/abonnement/fin"
"""The address that ends what somebody asked for, without a session."""
_FROM = timedelta(hours=7)
"""When a day begins for a digest, in Paris."""
_RETRY = timedelta(minutes=15)


def periods_at(now: datetime) -> dict[str, date]:
    """Return the first day of the present period of each frequency."""
    day = (now.astimezone(PARIS).replace(tzinfo=None) - _FROM).date()
    return {"jour": day, "semaine": day - timedelta(days=day.weekday())}


def link_to_end(origin: str, subscription: Subscription) -> str:
    """Return the address by which a person ends all that they asked for, without a session."""
    signed = {"a": subscription.id, "s": _signature(subscription)}
    return f"{origin}{END}?{urlencode(signed)}"


def is_signed(subscription: Subscription, signature: str) -> bool:
    """Return whether a signature is that of a subscription's link."""
    return hmac.compare_digest(_signature(subscription).encode(), signature.encode())


def _signature(subscription: Subscription) -> str:
    return hmac.new(subscription.cle.encode(), b"abonnement", sha256).hexdigest()


class DemarcheDigest(NamedTuple):
    """What waits for a person in one démarche."""

    demarche: int
    title: str | None
    lines: Sequence[tuple[str, str]]
    """Sentences, each with its address."""


class Digests:
    """Sends the digests that are due, of the démarches that the service serves, with one database.

    The workers may change, as `[[acces]]` does: those of each look count.

    `mail_url` is the address of apprise by which e-mails are sent; who gets them is not read of it.
    `origin` is scheme, host and port of the console.
    """

    every_s = 60.0
    """Interval between two looks at what is due."""

    def __init__(
        self,
        workers: Sequence[Worker],
        mail_url: str,
        origin: str,
        stop: threading.Event,
    ) -> None:
        self._workers = workers
        self._store, self._clock = workers[0].store, workers[0].clock
        self._mail_url = mail_url
        self._origin = origin
        self._stop = stop

    def tick(self) -> None:
        """Send what is due."""
        try:
            now = self._clock()
            workers = {int(worker.demarche): worker for worker in self._workers}
            periods, numbers = periods_at(now), list(workers)
            with self._store.subscriptions() as subscriptions:
                due = subscriptions.due(numbers, periods, now)
            for courriel in due:
                if self._stop.is_set():
                    return
                with self._store.subscriptions() as subscriptions:
                    claimed = subscriptions.claim(courriel, numbers, periods, now)
                self._tell(courriel, claimed, workers, now)
        except DsyncError as exc:
            # The next tick tries again.
            log.warning("digests_not_sent", error=exc.message)

    def _tell(
        self,
        courriel: str,
        claimed: Sequence[Subscription],
        workers: Mapping[int, Worker],
        now: datetime,
    ) -> None:
        store = self._store
        ids = [one.id for one in claimed]
        try:
            parts, ended = [], []
            for one in claimed:
                part = self._part(courriel, workers[one.demarche_numero], now)
                if part is None:
                    ended.append(one.demarche_numero)
                elif part.lines:
                    parts.append(part)
            if ended:
                with store.subscriptions() as subscriptions:
                    for number in ended:
                        subscriptions.end(courriel, number)
                log.info("digest_ended", demarches=ended, reason="no role")
            if not parts:
                return
            self._send(courriel, parts, claimed[0])
        except Exception as exc:
            # One person's: the others get theirs.
            with store.subscriptions() as subscriptions:
                subscriptions.not_told(ids, now + _RETRY)
            is_bug, retry_in_s = not isinstance(exc, DsyncError), int(_RETRY.total_seconds())
            error = type(exc).__name__ if is_bug else str(exc)
            log.warning("digest_not_sent", error=error, retry_in_s=retry_in_s, exc_info=is_bug)
            return
        with store.subscriptions() as subscriptions:
            subscriptions.told(ids, now)
        numbers = [one.demarche for one in parts]
        log.info("digest_sent", demarches=numbers)

    def _part(self, courriel: str, worker: Worker, now: datetime) -> DemarcheDigest | None:
        """Return what waits for a person in a démarche, None if they have no role there."""
        grant = granted(worker.configuration.acces, courriel, {})
        if grant is None or grant.role is Role.LECTEUR:
            return None
        viewer = Viewer(worker, grant, courriel)
        state = worker.state(now, viewer.sight, counted=False)
        with viewer.reading() as reader:
            kinds = kinds_of(viewer, reader, state)
            service = service_line(state, reader, now)
            titles = reader.titles_of([worker.demarche])
        lines = [
            (f"{one.titles} : {words.number(one.number)}", self._address(worker, one.path))
            for one in kinds
        ]
        if service.is_trouble and grant.role is Role.ADMINISTRATEUR:
            lines.append((service.text, self._address(worker, "/suivi")))
        return DemarcheDigest(worker.demarche, titles.get(worker.demarche), lines)

    def _address(self, worker: Worker, path: str) -> str:
        sign = "&" if "?" in path else "?"
        return f"{self._origin}{path}{sign}demarche={worker.demarche}"

    def _send(self, courriel: str, parts: Sequence[DemarcheDigest], first: Subscription) -> None:
        """Send one person's e-mail; DsyncError: the server did not take it, or did not say so."""
        import apprise  # Takes memory that only a service with it needs.
        from apprise.plugins import url_to_dict

        end = link_to_end(self._origin, first)
        given: dict[str, Any] = url_to_dict(self._mail_url)  # type: ignore[no-untyped-call]
        headers = {
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{end}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        own = {"targets": [courriel], "cc": "", "bcc": "", "headers": given["headers"] | headers}
        sender = apprise.Apprise()
        sender.add({**given, **own})
        numbers = ", ".join(str(one.demarche) for one in parts)
        several = "s" if len(parts) > 1 else ""
        title = f"Ce qui vous attend dans dsync : démarche{several} {numbers}"
        text = "\n".join(self._text(parts, end))
        if not sender.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT):
            raise DsyncError("The mail server of DSYNC_ALERT_URLS did not take it.")

    def _text(self, parts: Sequence[DemarcheDigest], end: str) -> Iterator[str]:
        yield "Bonjour,"
        for part in parts:
            yield ""
            yield f"Démarche {part.demarche}{f' – {part.title}' if part.title else ''}"
            for sentence, address in part.lines:
                yield f"- {sentence}"
                yield f"  {address}"
        yield ""
        yield f"Tout ce qui attend : {self._origin}/"
        yield ""
        yield "Ce message ne contient que des nombres. Vous le recevez à votre demande."
        yield f"Pour ne plus le recevoir : {end}"


def _obstacle(visit: Visit) -> str:
    """Return why nothing can be sent to this person, "" if it can."""
    if visit.site.origin is None:
        return (
            "Le résumé est envoyé à qui s’identifie par son courriel ; cette console n’est ouverte "
            "que sur ce poste."
        )
    if visit.worker.settings.mail_url is None:
        return (
            "Aucun serveur de courriel n’est configuré (mailtos://… dans DSYNC_ALERT_URLS). "
            "Demandez à l’équipe technique d’en indiquer un."
        )
    if granted(visit.worker.configuration.acces, visit.actor.name, {}) is None:
        return (
            "Votre rôle vient d’un groupe de votre fournisseur d’identité : dsync ne sait pas "
            "quand il finit, et n’envoie donc rien. Demandez que votre adresse figure dans la "
            "configuration de la démarche."
        )
    return ""


def show(visit: Visit) -> Response:
    """Show how often the person is told."""
    with visit.site.store.subscriptions() as subscriptions:
        found = subscriptions.of(visit.actor.name, visit.worker.demarche)
    return visit.page(
        "abonnement.html",
        obstacle=_obstacle(visit),
        chosen=found.frequence if found else "",
        last=found.envoye_le if found else None,
        frequences=FREQUENCES,
    )


def change(visit: Visit) -> Response:
    """Store how often the person is told, or that they no longer are."""
    frequence = visit.form.get("frequence", "")
    name, number = visit.name, visit.worker.demarche
    if frequence not in ("", *FREQUENCES):
        raise HTTPException(400)
    if frequence and (obstacle := _obstacle(visit)):
        raise HTTPException(400, obstacle)
    with visit.site.store.subscriptions() as subscriptions:
        if frequence:
            period = periods_at(visit.now)[frequence]
            subscriptions.subscribe(name, number, frequence, period=period, now=visit.now)
        else:
            subscriptions.end(name, number)
    visit.say(
        f"Vous recevrez le résumé : {FREQUENCES[frequence].lower()}."
        if frequence
        else "Vous ne recevrez plus le résumé de cette démarche."
    )
    return visit.back("/abonnement")


def end_by_link(store: Store, id_: str, signature: str, *, confirmed: bool) -> bool:
    """Return whether a link is that of a subscription; if `confirmed`, all of its person's end."""
    if not id_.isdecimal() or len(id_) > 15:
        return False
    with store.subscriptions() as subscriptions:
        found = subscriptions.by_id(int(id_))
        if found is None or not is_signed(found, signature):
            return False
        if confirmed:
            subscriptions.end(found.courriel)
    return True


PAGES = [
    ("GET", "/abonnement", show, Right.TEXTES),
    ("POST", "/abonnement", change, Right.TEXTES),
]
