"""Headers as servers send them, and the odd ones that count as absent."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from dsync.addresses import is_public
from dsync.exchanges import BoundedAdapter, http_date, retry_after_s, seconds

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("12", 12.0),
        ("9" * 400, float("inf")),
        ("\u00b2", None),
        ("-3", None),
        ("bientôt", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after_has_two_forms(value: str | None, expected: float | None) -> None:
    """Seconds or a date; anything else is absent."""
    headers = {} if value is None else {"Retry-After": value}
    assert expected == retry_after_s(headers, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 24 Nov 2026 99:00:00 GMT",
        "Tue, 24 Nov 2026 12:00:00 +9999999999",
        "Fri, 31 Dec 9999 23:59:59 -2300",
        "24",
    ],
)
def test_a_date_that_is_none_is_absent(text: str) -> None:
    """No header of a server's makes an exception."""
    assert http_date(text) is None
    assert seconds("\u0664\u0662") is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("1.1.1.1", True),
        ("2a01:4f8::1", True),
        ("::ffff:1.1.1.1", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::101:101", True),
        ("64:ff9b:1::101:101", False),
        ("2002:7f00:1::", False),
        ("2002:101:101::", True),
        ("::127.0.0.1", False),
        ("::1.1.1.1", False),
        ("::", False),
        ("::ffff:0:127.0.0.1", False),
        ("::ffff:192.168.1.1", False),
        ("::ffff:192.0.0.192", False),
        ("fec0::1", False),
        ("2001::7f00:1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("100::1", False),
        ("192.0.0.192", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("198.19.0.1", False),
        ("203.0.113.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("2130706433", False),
        ("a name", False),
    ],
)
def test_what_is_public(address: str, expected: bool) -> None:
    """Neither this machine, nor its network, nor a cloud's metadata, with any version of Python."""
    assert expected is is_public(address)


def test_a_name_that_gets_another_address_meanwhile_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address is looked at again once it is connected to, before anything is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        given = iter(["1.1.1.1", "127.0.0.1"])

        def look_up(*_: Any) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (next(given), port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        adapter = BoundedAdapter(1000, only=())
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", adapter)
            with pytest.raises(requests.ConnectionError, match="not public"):
                session.get(f"https://files.example.fr:{port}/x", timeout=5)
        listening.settimeout(5)
        accepted, _ = listening.accept()
        with accepted:
            assert b"" == accepted.recv(100)
