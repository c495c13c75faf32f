"""E-mails by SMTP, to a real server: encrypted, with a password, refused, lost."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from dsync.smtp import MailError, SmtpServer
from tests.console.mailbox import PASSWORD, certificate, mail_server

TO = "ada@example.gouv.fr"


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "dsync@example.gouv.fr", TO, "Été"
    made.set_content("12 dossiers à vérifier, n’est-ce pas ?\n.\nFin.")
    return made


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_an_encrypted_server_gets_what_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """By TLS from the first byte or by STARTTLS, with user and password; whom it knows decides."""
    context, authority = certificate(tmp_path)
    with mail_server(context, encrypted=scheme == "smtps", signed_in=True) as (box, port):
        address = f"{scheme}://dsync:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
        with pytest.raises(MailError, match=r"does not answer \(SSLCertVerificationError\)"):
            SmtpServer.of(address).try_access()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        SmtpServer.of(address).try_access()
        assert SmtpServer.of(address).send(message(), TO)
        with pytest.raises(MailError, match="refuses user or password") as refused:
            SmtpServer.of(f"{scheme}://dsync:wrong@127.0.0.1:{port}").try_access()
    assert "wrong" not in refused.value.message
    [(recipients, received)] = box.received
    assert ([TO], "Été") == (recipients, received["Subject"])
    text = "12 dossiers à vérifier, n’est-ce pas ?\n.\nFin.\n"
    assert text == received.get_content().replace("\r\n", "\n")


def test_what_was_not_sent_is_told_apart_from_what_may_have_been() -> None:
    """A refusal can be tried again; a lost answer cannot, without the risk of a second e-mail."""
    with mail_server() as (box, port):
        server = SmtpServer.of(f"smtp://127.0.0.1:{port}")
        box.answer = f"451 try later, {TO}"
        with pytest.raises(MailError, match="with code 451") as refused:
            server.send(message(), TO)
        assert TO not in refused.value.message
        box.answer, box.cuts = None, True
        assert not server.send(message(), TO)
    with pytest.raises(MailError, match="does not answer"):
        server.send(message(), TO)


@pytest.mark.parametrize(
    "url",
    ["http://host", "smtp://", "host:25", "smtps://u:p@host:0", "smtp://h:99999", "smtp://h/x"],
)
def test_an_address_of_no_server_is_refused(url: str) -> None:
    """With the form that is expected."""
    with pytest.raises(ValueError, match=r"smtps://user|[Pp]ort"):
        SmtpServer.of(url)
