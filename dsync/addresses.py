"""URLs: showing them without credentials, and deciding whether they need encryption."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

MASK = "********"
_SECRETS = re.compile(
    r"([?&;][^=&;]*(?:pass|pwd|secret|token|key|signature)[^=&;]*=)[^&;#]*", re.IGNORECASE
)


def mask_url(url: str) -> str:
    """Return a URL in which credentials are replaced by a mask.

    Anything that is not a URL is masked as a whole. The user of a database URL stays readable; the
    user of a web address is masked, because it can be a token.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return MASK
    # A password may contain an unencoded @, although that is wrong: it ends at the last one.
    user, at, host = rest.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        is_web = scheme.lower().startswith("http")
        rest = f"{MASK if is_web else name + colon + MASK if colon else name}@{host}"
    return _SECRETS.sub(rf"\1{MASK}", f"{scheme}://{rest}")


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    try:
        host = urlsplit(url.strip()).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_encrypted_or_local(url: str) -> bool:
    """Return whether nobody between this machine and the URL's host can read what is sent."""
    return url.strip().lower().startswith("https://") or is_loopback(url)
