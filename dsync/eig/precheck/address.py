"""Read what applicants type where a product's address is asked for.

Finds every product page of beta.gouv.fr, other pages there, other sites, and the words left.
Knows nothing of which products exist. Never fails, whatever it is given.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

HOST = "beta.gouv.fr"
READ_LENGTH = 4000
"""Characters read of a champ; what follows an address of that length is no address."""
ID_LENGTH = 200

_PRODUCT_FOLDERS = frozenset({"startups", "startup"})
_LANGUAGES = frozenset({"fr", "en"})
_NO_IDS = frozenset({"", "index", ".html", ".htm"})
_TOP_DOMAINS = frozenset(
    [
        "com",
        "org",
        "net",
        "info",
        "gouv",
        "eu",
        "app",
        "dev",
        "tech",
        "site",
        "online",
        "social",
        "paris",
        "bzh",
        "corsica",
        "alsace",
        "cloud",
        "page",
        "agency",
        "academie",
        "education",
        "health",
        "earth",
        "digital",
        "services",
        "ngo",
        "asso",
        "museum",
    ]
)
"""Beside those of two letters: what ends a host typed without https://. Ids hold dots too."""
_FILE_ENDINGS = frozenset({"htm", "html", "php", "pdf", "doc", "docx", "odt", "xls", "xlsx", "md"})
_TRAILING = ".:!?'\"’*…`"
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SPACE_SIGN = "\N{OPEN BOX}"
_ENTITY = re.compile(r"&#?\w+;")
"""Without its semicolon, « &not » is the beginning of a parameter."""
_INNER_SPACE = re.compile(r"(?<=\w)%20(?=\w)")
_MAIL = re.compile(r"(?<![\w.+/-])[\w.+-]+@(?:[\w-]+\.)+\w+")
"""With a dot behind its @: some products' names hold the sign, as « Connect@attitude » does."""
_BROKEN_PAGE = re.compile(
    rf"({re.escape(HOST)})\s*/\s*(startups?)\s*/\s*(\S+?)\s*(?=\.html)", re.IGNORECASE
)
"""An address broken by spaces; its ending tells that they belong inside."""
_REST = r"(?:(?!https?:/)[^\s<>\"«»“”|,;()\[\]{}@])*"
_ADDRESS = re.compile(
    r"(?<![\w@.-])"
    r"(?P<scheme>[a-z]{2,6}\s?(?::\s?/+|:(?=www\.)|//+)\s?)?"
    r"(?:[^\s/@:<>]*(?::[^\s/@<>]*)?@)?"
    r"(?P<host>\w[\w-]*(?:\.[\w-]+)+)\.?(?::\d{1,5})?"
    rf"(?P<rest>[/?#]{_REST})?",
    re.IGNORECASE,
)
_PATH_ALONE = re.compile(rf"(?<![\w/.-])/?(?P<path>startups?/{_REST})", re.IGNORECASE)
_FOLDER = re.compile(r"/startups?/", re.IGNORECASE)
_COUNTS = re.compile(r"(?:utm|mtm|pk|at)_|[fg]clid=", re.IGNORECASE)
"""Parameters that count visits and lead nowhere."""
_ENDING = re.compile(r"(.+?)\.html?(?:[_-]*$|(?=[^\w.-]))", re.IGNORECASE)
_PLAIN = re.compile(r"https://beta\.gouv\.fr/startups/((?!index\.)[a-z0-9][a-z0-9-]*)\.html")


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A product page of beta.gouv.fr, by the id in its address."""

    id: str

    @property
    def url(self) -> str:
        """The canonical address."""
        return f"https://{HOST}/startups/{quote(self.id, safe=chr(39))}.html"

    @property
    def shown(self) -> str:
        """The id for a sentence."""
        return self.id.replace(_SPACE_SIGN, " ")

    def __str__(self) -> str:
        return self.url


class SiteAddress(NamedTuple):
    """An address on another host, or a page of beta.gouv.fr that is not a product's."""

    host: str
    """Folded, without www."""
    segments: tuple[str, ...]
    """Of the path, in lower case; a query or a fragment that leads further stands last."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was found in a champ; each list without repetitions, in the order typed."""

    pages: tuple[ProductPage, ...] = ()
    other_pages: tuple[SiteAddress, ...] = ()
    """Of beta.gouv.fr."""
    sites: tuple[SiteAddress, ...] = ()
    text: str = ""
    """The words beside the addresses."""
    whole: str = ""
    """All that was typed, decoded and on one line."""


@lru_cache(maxsize=512)
def parse_address(typed: str | None) -> Typed:
    """Return the pages, sites and words in what an applicant typed."""
    if not typed:
        return Typed()
    if plain := _PLAIN.fullmatch(typed):
        return Typed(pages=(ProductPage(plain[1]),), whole=typed)
    whole = _decode(typed[:READ_LENGTH])
    pages: list[ProductPage] = []
    other_pages: list[SiteAddress] = []
    sites: list[SiteAddress] = []

    def take(found: re.Match[str]) -> str:
        host = _host(found["host"])
        if not found["scheme"] and not _is_host(host, found["rest"]):
            return found[0]
        rest = found["rest"] or ""
        if host != HOST:
            sites.append(SiteAddress(host, _segments(rest)))
        elif product_id := _product_id(rest):
            pages.append(ProductPage(product_id))
        else:
            other_pages.append(SiteAddress(host, _segments(rest)))
        return " "

    def take_path(found: re.Match[str]) -> str:
        product_id = _product_id("/" + found["path"])
        if product_id:
            pages.append(ProductPage(product_id))
            return " "
        return found[0]

    text = _ADDRESS.sub(take, _MAIL.sub(" ", whole))
    text = _PATH_ALONE.sub(take_path, text)
    return Typed(
        tuple(dict.fromkeys(pages)),
        tuple(dict.fromkeys(other_pages)),
        tuple(dict.fromkeys(sites)),
        " ".join(text.replace(_SPACE_SIGN, " ").split()),
        whole.replace(_SPACE_SIGN, " "),
    )


def site_address(url: str | None) -> SiteAddress | None:
    """Return the host and path of a product's own site or repository, or None without one."""
    found = _ADDRESS.search((url or "")[:READ_LENGTH].strip())
    if not found:
        return None
    return SiteAddress(_host(found["host"]), _segments(found["rest"] or ""))


def tail_of_page(whole: str) -> str:
    """Return all that follows the folder of products in a typed text, "" without one.

    A slip may put a sign into an id at which its address seems to end.
    """
    return "".join(_FOLDER.split(whole, maxsplit=1)[1:])[:ID_LENGTH]


def _segments(rest: str) -> tuple[str, ...]:
    """Return the parts of a path in lower case, without file endings and what only counts visits.

    What else a query or a fragment says is the last part: it shows another page.
    """
    path, *further = re.split(r"[?#&]", rest.lower())
    segments = [part.rstrip(_TRAILING) for part in path.split("/")]
    kept = [part.removesuffix(".git") for part in segments if part]
    shown = [part for part in further if part.strip(_TRAILING + "/") and not _COUNTS.match(part)]
    return (*kept, f"?{'&'.join(shown)}") if shown else tuple(kept)


def _decode(text: str) -> str:
    """Undo percent-encoding, HTML entities and compatibility forms until nothing changes."""
    # It ends: what is decoded is shorter, and a compatibility form has none of its own.
    while (decoded := _decode_once(text)) != text:
        text = decoded
    return _BROKEN_PAGE.sub(r"\1/\2/\3", " ".join(text.split()))


def _decode_once(text: str) -> str:
    # A space encoded inside an address belongs to it: read as one, the address would end there.
    text = unquote(_INNER_SPACE.sub(_SPACE_SIGN, text))
    text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    return _CONTROL.sub(" ", text).replace("\\", "/")


def _host(host: str) -> str:
    """Return a host in lower case, without accents, www and punycode."""
    host = host.lower()
    if "xn--" in host:
        try:
            host = host.encode("ascii").decode("idna")
        except UnicodeError:
            return host
    letters = unicodedata.normalize("NFKD", host)
    return "".join(c for c in letters if not unicodedata.combining(c)).removeprefix("www.")


def _is_host(host: str, rest: str | None) -> bool:
    last = host.rpartition(".")[2]
    if last in _FILE_ENDINGS and not rest:
        return False
    return last in _TOP_DOMAINS or (len(last) == 2 and last.isalpha())


def _product_id(rest: str) -> str | None:
    """Return the id in the path of a page of beta.gouv.fr, or None when it names no product."""
    path = re.split(r"[?#&]", rest, maxsplit=1)[0]
    segments = [part for part in path.split("/") if part]
    if segments and segments[0].lower() in _LANGUAGES:
        del segments[0]
    if len(segments) < 2 or segments[0].lower() not in _PRODUCT_FOLDERS:
        return None
    product_id = segments[1].rstrip(_TRAILING)
    if ending := _ENDING.match(product_id):
        product_id = ending[1]
    product_id = product_id[:ID_LENGTH]
    return None if product_id.lower() in _NO_IDS else product_id
