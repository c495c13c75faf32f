"""Addresses: URLs without credentials, whether they need encryption, and `host:port`."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
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
    # Not `urlsplit`: it raises for some invalid addresses, whose password has to be masked, too.
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


def has_password(url: str) -> bool:
    """Return whether a database's URL contains a password; a file has none."""
    if url.strip().lower().startswith("sqlite"):
        return False
    user = url.partition("://")[2].rpartition("@")[0]
    return ":" in user or bool(re.search(r"[?&](ssl)?password=", url, re.IGNORECASE))


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    try:
        host = urlsplit(url.strip()).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Return whether an address of IPv4 or IPv6 is one of the public Internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found not in _GLOBAL:
            return False
    return not any(found in network for network in _RESERVED)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given to networks of the Internet."""
# Listed, because what `ipaddress` takes for global depends on Python's version.
_RESERVED = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    )
)


def is_encrypted_or_local(url: str) -> bool:
    """Return whether nobody between this machine and the URL's host can read what is sent."""
    return url.strip().lower().startswith("https://") or is_loopback(url)


class Listen(NamedTuple):
    """An address to listen on; the host is a name, an IPv4 or an IPv6 address."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return `host:port`, with an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# An IPv6 address has colons, so it needs brackets.
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")


def parse_listen(text: str) -> Listen:
    """Return the address of `host:port` or `[IPv6]:port`; port 0 is any free one.

    Raises:
        ValueError: it has another form, or there is no such port.
    """
    found = _LISTEN.fullmatch(text.strip())
    if not found or int(found[3]) > 65535:
        raise ValueError("expected host:port")
    if found[1]:
        try:
            ipaddress.IPv6Address(found[1])
        except ValueError as exc:
            raise ValueError("expected host:port") from exc
    return Listen(found[1] or found[2], int(found[3]))
