"""Addresses of servers: which may be used without encryption, and how they are shown."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine."""
    try:
        host = urlsplit(url.strip()).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_encrypted_or_local(url: str) -> bool:
    """Return whether what is sent to a URL can be read by nobody on the way."""
    return url.strip().lower().startswith("https://") or is_loopback(url)
