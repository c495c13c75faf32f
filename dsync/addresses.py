"""Addresses of servers: which may be used without encryption, and how they are shown."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

MASK = "********"
_SECRETS = re.compile(
    r"([?&;][^=&;]*(?:pass|pwd|secret|token|key|signature)[^=&;]*=)[^&;#]*", re.IGNORECASE
)


def mask_url(url: str) -> str:
    """Return an address without credentials, wherever it has them.

    Of what is no address nothing is left. A database's user is shown, a web server's is not: it
    may be a token.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return MASK
    # A password with an @ in it, which is a mistake, is one nevertheless: up to the last @.
    user, at, host = rest.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        is_web = scheme.lower().startswith("http")
        rest = f"{MASK if is_web else name + colon + MASK if colon else name}@{host}"
    return _SECRETS.sub(rf"\1{MASK}", f"{scheme}://{rest}")


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
