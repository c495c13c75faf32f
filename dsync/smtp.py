"""Sends an e-mail by SMTP, with a time limit for each answer, or tries whether it could be sent."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from dsync.addresses import is_loopback
from dsync.errors import DsyncError

_ANSWER_S = 20.0
"""Time for each answer of the server."""
PORTS = {"smtps": 465, "smtp": 587}


class MailError(DsyncError):
    """The server does not take e-mails now: nothing was sent, and it can be tried again."""

    exit_code = 8


class SmtpServer(NamedTuple):
    """A server, as DSYNC_SMTP_URL names it."""

    host: str
    port: int
    user: str
    password: str
    is_encrypted: bool
    """Whether from the first byte on; else by STARTTLS."""

    @classmethod
    def of(cls, url: str) -> SmtpServer:
        """Return the server of an address.

        Raises:
            ValueError: it is none of a server.
        """
        parts = urlsplit(url.strip())
        extras = parts.path.strip("/") or parts.query or parts.fragment
        # `port` raises for one above 65535.
        if parts.scheme not in PORTS or not parts.hostname or extras or parts.port == 0:
            raise ValueError(
                "expected smtps://user:password@host:465, or smtp://… with STARTTLS; the signs "
                "« @ », « : » and « / » of a password are written %40, %3A and %2F"
            )
        return cls(
            parts.hostname,
            parts.port or PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            parts.scheme == "smtps",
        )

    def try_access(self) -> None:
        """Sign in, and send nothing.

        Raises:
            MailError: it is not possible.
        """
        with self._connected():
            pass

    def send(self, message: EmailMessage, recipient: str) -> bool:
        """Send an e-mail; return False if it is not known whether the server took it.

        Args:
            message: with `From`, whose address gets what cannot be delivered.
            recipient: one address.

        Raises:
            MailError: it was not sent.
        """
        sender = message["From"].addresses[0].addr_spec
        with self._connected() as session, _explained(self):
            session.ehlo_or_helo_if_needed()
            for answer in (session.mail(sender), session.rcpt(recipient)):
                if answer[0] not in (250, 251):
                    raise smtplib.SMTPResponseException(*answer)
            try:
                code, said = session.data(
                    message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
                )
            except smtplib.SMTPDataError:
                raise
            except (OSError, smtplib.SMTPServerDisconnected):
                return False
            if code != 250:
                raise smtplib.SMTPDataError(code, said)
        return True

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        with _explained(self):
            context = ssl.create_default_context()
            session = (
                smtplib.SMTP_SSL(self.host, self.port, timeout=_ANSWER_S, context=context)
                if self.is_encrypted
                else smtplib.SMTP(self.host, self.port, timeout=_ANSWER_S)
            )
        try:
            with _explained(self):
                session.ehlo_or_helo_if_needed()
                if not self.is_encrypted:
                    # Nobody on the way reads a password, nor who is told what.
                    if session.has_extn("starttls"):
                        session.starttls(context=context)
                    elif not is_loopback(f"smtp://{_bracketed(self.host)}"):
                        raise MailError(
                            f"{self} offers no STARTTLS, so that others could read what is sent: "
                            "name a server that does in DSYNC_SMTP_URL, or smtps://."
                        )
                if self.user:
                    session.login(self.user, self.password)
            yield session
        finally:
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
            session.close()

    def __str__(self) -> str:
        """Return `host:port`."""
        return f"{_bracketed(self.host)}:{self.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def _explained(server: SmtpServer) -> Iterator[None]:
    """Raise a MailError for what the server, or the network, does not let be done.

    Without what the server says: it may quote an address.
    """
    try:
        yield
    except smtplib.SMTPAuthenticationError as exc:
        raise MailError(
            f"The mail server {server} refuses user or password: correct DSYNC_SMTP_URL."
        ) from exc
    except smtplib.SMTPResponseException as exc:
        raise MailError(
            f"The mail server {server} refused the e-mail with code {exc.smtp_code}: look it up in "
            "the server's own log."
        ) from exc
    except smtplib.SMTPNotSupportedError as exc:
        raise MailError(
            f"The mail server {server} does not take user and password: leave them out of "
            "DSYNC_SMTP_URL."
        ) from exc
    except (OSError, smtplib.SMTPException) as exc:
        raise MailError(
            f"The mail server {server} does not answer ({type(exc).__name__}): check "
            "DSYNC_SMTP_URL, and that this machine may reach it."
        ) from exc
