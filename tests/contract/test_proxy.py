"""DS behind a proxy, with a certificate of a private authority, as the environment says."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from dsync.domain.ids import DemarcheNumber
from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.errors import DSUnavailableError
from dsync.sandbox import Sandbox

HOST = "ds.example"
"""A name that only the proxy can resolve."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private authority, and the certificate and key of HOST."""
    folder = tmp_path_factory.mktemp("certificates")
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Private authority")])
    now = datetime.now(UTC)

    def certificate(name: str, public_key: Any, *extensions: Any, identified: bool = True) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=root_name,
            subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            public_key=public_key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=1),
        )
        if identified:
            root = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
            extensions += (
                x509.SubjectKeyIdentifier.from_public_key(public_key),
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root),
            )
        for extension in extensions:
            is_critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(root_key, SHA256()).public_bytes(Encoding.PEM)

    authority = x509.BasicConstraints(ca=True, path_length=None)
    signs = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    named = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for kind, identified in (("", True), ("old-", False)):
        own = certificate(HOST, key.public_key(), named, identified=identified)
        (folder / f"{kind}host.pem").write_bytes(own + secret)
        root = certificate(
            "Private authority", root_key.public_key(), authority, signs, identified=identified
        )
        (folder / f"{kind}authority").write_bytes(root)
    return folder


def relay(one: socket.socket, port: int) -> None:
    """Pass what a connection sends to a port of this machine, and the answers back."""
    with socket.create_connection(("127.0.0.1", port)) as other:
        back = threading.Thread(target=pass_on, args=(other, one))
        back.start()
        pass_on(one, other)
        back.join()


def pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def served(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve connections on a port of this machine."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            handle(self.request)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def behind(files: Path) -> Iterator[tuple[Sandbox, int, list[bytes]]]:
    """A sandbox on HOST by https, the port of the proxy that leads there, and what it is asked."""
    with proxied(files / "host.pem") as made:
        yield made


@contextmanager
def proxied(certificate: Path) -> Iterator[tuple[Sandbox, int, list[bytes]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[bytes] = []
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox.start(dossiers=1, seed=7))
        port = int(sandbox.base_url.rpartition(":")[2])

        def encrypted(connection: socket.socket) -> None:
            try:
                with context.wrap_socket(connection, server_side=True) as inside:
                    relay(inside, port)
            except OSError:
                pass  # The client does not trust the certificate.

        host_port = stack.enter_context(served(encrypted))

        def proxy(connection: socket.socket) -> None:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(1 << 16)
            asked.append(request.split(b"\r\n")[0])
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            relay(connection, host_port)

        yield sandbox, stack.enter_context(served(proxy)), asked


@pytest.fixture
def ask(
    behind: tuple[Sandbox, int, list[bytes]], files: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Read the démarche with some variables; return its title or what the failure says."""
    return asker(behind, files, monkeypatch)


def asker(
    behind: tuple[Sandbox, int, list[bytes]], files: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    sandbox, port, asked = behind
    asked.clear()
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith(("_CA_BUNDLE", "SSL_CERT_FILE")):
            monkeypatch.delenv(name)

    def with_variables(**variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(proxy=f"127.0.0.1:{port}", files=files))
        client = DSClient(
            f"https://{HOST}/api/v2/graphql",
            sandbox.tokens.write,
            user_agent="dsync",
            limits=Limits(attempts=1, deadline_s=20),
            stop=threading.Event(),
            clock=lambda: datetime.now(UTC),
        )
        try:
            return client.demarche(DemarcheNumber(86321)).titre
        except DSUnavailableError as exc:
            return exc.message
        finally:
            client.close()

    return with_variables


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ds_is_reached_by_a_proxy_with_a_private_certificate(
    variable: str, ask: Callable[..., str], behind: tuple[Sandbox, int, list[bytes]]
) -> None:
    """The proxy resolves the name, and sees no more of the request than the host."""
    said = ask(HTTPS_PROXY="http://{proxy}", **{variable: "{files}/authority"})
    assert said.startswith("Appel à projets")
    assert {f"CONNECT {HOST}:443".encode()} == {line.rpartition(b" ")[0] for line in behind[2]}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "its certificate is not trusted"),
        ({"SSL_CERT_FILE": "{files}/authority"}, "its certificate is not trusted"),
        ({"REQUESTS_CA_BUNDLE": "{files}/none"}, "REQUESTS_CA_BUNDLE"),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "the proxy refuses"),
        ({"NO_PROXY": "example"}, "its name cannot be resolved"),
    ],
    ids=["untrusted", "SSL_CERT_FILE", "no such file", "no proxy there", "NO_PROXY"],
)
def test_what_keeps_ds_away_is_named(
    variables: dict[str, str], said: str, ask: Callable[..., str]
) -> None:
    """Nothing was sent, so that a mutation is not in doubt, and the remedy is known."""
    assert said in ask(**{"HTTPS_PROXY": "http://{proxy}", **variables})


@pytest.mark.skipif(sys.version_info < (3, 13), reason="only Python 3.13 and later are as strict")
def test_an_old_authority_is_told_with_the_remedy(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificates name no keys: the sentence says so, and what works."""
    with proxied(files / "old-host.pem") as behind:
        ask = asker(behind, files, monkeypatch)
        said = ask(HTTPS_PROXY="http://{proxy}", REQUESTS_CA_BUNDLE="{files}/old-authority")
    assert "Missing Authority Key Identifier; since Python 3.13" in said
