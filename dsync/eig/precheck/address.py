"""Parses what applicants type as a product's address: pages, other sites, remaining words.

Does not depend on which products exist, and accepts any text without an error.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

HOST = "beta.gouv.fr"
READ_LENGTH = 4000
"""Maximum number of characters that are read of a champ."""
ID_LENGTH = 200

_PRODUCT_FOLDERS = frozenset({"startups", "startup"})
_LANGUAGES = frozenset({"fr", "en"})
_NO_IDS = frozenset({"", "index", ".html", ".htm"})
_TOP_DOMAINS = frozenset([
    "com", "org", "net", "info", "gouv", "eu", "app", "dev", "tech", "site", "online", "social",
    "paris", "bzh", "corsica", "alsace", "cloud", "page", "agency", "academie", "education",
    "health", "earth", "digital", "services", "ngo", "asso", "museum",
])  # fmt: skip
"""Top-level domains, beside those of two letters, that make a word a host without https://.

The list is closed because product ids contain dots too."""
_FILE_ENDINGS = frozenset({"htm", "html", "php", "pdf", "doc", "docx", "odt", "xls", "xlsx", "md"})
_TRAILING = ".:!?'\"’*…`"
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SPACE_SIGN = "\N{OPEN BOX}"
_ENTITY = re.compile(r"&#?\w+;")
"""Only with the semicolon: « &not » without it begins a parameter of a query."""
_INNER_SPACE = re.compile(r"(?<=\w)%20(?=\w)")
_MAIL = re.compile(r"(?<![\w.+/-])[\w.+-]+@(?:[\w-]+\.)+\w+")
"""Requires a dot after the @, because the names of some products contain one."""
_BROKEN_PAGE = re.compile(
    rf"({re.escape(HOST)})\s*/\s*(startups?)\s*/\s*(\S+?)\s*(?=\.html)", re.IGNORECASE
)
"""An address with spaces inside, recognised by its ending."""
# Ends at signs that surround an address in a sentence, and where another address begins.
_REST = r"(?:(?!https?:/)[^\s<>\"«»“”|,;()\[\]{}@])*"
_ADDRESS = re.compile(
    r"(?<![\w@.-])"
    # Accepts misspelt schemes and slashes, such as `htps:/`.
    r"(?P<scheme>[a-z]{2,6}\s?(?::\s?/+|:(?=www\.)|//+)\s?)?"
    # User and password of an address are passed over: the host comes after the @. Bounded, because
    # they are looked for at each place of the text.
    r"(?:[^\s/@:<>]{0,64}(?::[^\s/@<>]{0,64})?@)?"
    r"(?P<host>\w[\w-]*(?:\.[\w-]+)+)\.?(?::\d{1,5})?"
    rf"(?P<rest>[/?#]{_REST})?",
    re.IGNORECASE,
)
_PATH_ALONE = re.compile(rf"(?<![\w/.-])/?(?P<path>startups?/{_REST})", re.IGNORECASE)
_FOLDER = re.compile(r"/startups?/", re.IGNORECASE)
_COUNTS = re.compile(r"(?:utm|mtm|pk|at)_|[fg]clid=", re.IGNORECASE)
"""Parameters that only count visits and do not change the page."""
_ENDING = re.compile(r"(.+?)\.html?(?:[_-]*$|(?=[^\w.-]))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A product page of beta.gouv.fr, identified by the id in its address."""

    id: str

    @property
    def url(self) -> str:
        """The canonical address."""
        # Ids contain apostrophes, which stay readable.
        return f"https://{HOST}/startups/{quote(self.id, safe=chr(39))}.html"

    @property
    def readable_id(self) -> str:
        """The id as shown to people."""
        return self.id.replace(_SPACE_SIGN, " ")


class SiteAddress(NamedTuple):
    """An address on another host, or a page of beta.gouv.fr that is not a product page."""

    host: str
    """In lower case, without accents and www."""
    segments: tuple[str, ...]
    """Parts of the path in lower case, then the query or fragment if it changes the page."""


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """The content of a champ; each list is without repetitions and in the order of the text."""

    pages: tuple[ProductPage, ...] = ()
    other_pages: tuple[SiteAddress, ...] = ()
    """Pages of beta.gouv.fr that are not product pages."""
    sites: tuple[SiteAddress, ...] = ()
    text: str = ""
    """The words outside the addresses."""
    full_text: str = ""
    """The whole text, decoded, on one line."""


def parse_address(typed: str | None) -> ParsedAddress:
    """Parse what an applicant typed into pages, sites and words."""
    if not typed:
        return ParsedAddress()
    whole = _decode(typed[:READ_LENGTH])
    pages: list[ProductPage] = []
    other_pages: list[SiteAddress] = []
    sites: list[SiteAddress] = []

    def take(found: re.Match[str]) -> str:
        host = _host(found["host"])
        # Without a scheme, an id or a file's name with a dot looks like a host.
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

    # E-mail addresses first: their domains would be taken for sites.
    text = _ADDRESS.sub(take, _MAIL.sub(" ", whole))
    # After the addresses, whose paths it would find again.
    text = _PATH_ALONE.sub(take_path, text)
    return ParsedAddress(
        tuple(dict.fromkeys(pages)),
        tuple(dict.fromkeys(other_pages)),
        tuple(dict.fromkeys(sites)),
        " ".join(text.replace(_SPACE_SIGN, " ").split()),
        whole.replace(_SPACE_SIGN, " "),
    )


def site_address(url: str | None) -> SiteAddress | None:
    """Return the host and path of an address in the catalogue, or None without a host."""
    found = _ADDRESS.search((url or "")[:READ_LENGTH].strip())
    if not found:
        return None
    return SiteAddress(_host(found["host"]), _segments(found["rest"] or ""))


def text_after_folder(whole: str) -> str:
    """Return the text after the folder of products, or "" without one.

    A typing error may put a character into an id at which the address seems to end.
    """
    return "".join(_FOLDER.split(whole, maxsplit=1)[1:])[:ID_LENGTH]


def _segments(rest: str) -> tuple[str, ...]:
    """Return the parts of a path in lower case, without file endings and visit counters.

    The rest of the query or fragment becomes the last part, because it selects another page.
    """
    path, *further = re.split(r"[?#&]", rest.lower())
    segments = [part.rstrip(_TRAILING) for part in path.split("/")]
    # The address for cloning a repository is that of its page with this ending.
    kept = [part.removesuffix(".git") for part in segments if part]
    shown = [part for part in further if part.strip(_TRAILING + "/") and not _COUNTS.match(part)]
    return (*kept, f"?{'&'.join(shown)}") if shown else tuple(kept)


def _decode(text: str) -> str:
    """Decode percent-encoding, HTML entities and compatibility forms until nothing changes."""
    # Terminates: decoding shortens the text, and a compatibility form has no further form.
    while (decoded := _decode_once(text)) != text:
        text = decoded
    return _BROKEN_PAGE.sub(r"\1/\2/\3", " ".join(text.split()))


def _decode_once(text: str) -> str:
    # An encoded space belongs to the address; as a plain space it would end the address.
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
    if not host.isascii():
        letters = unicodedata.normalize("NFKD", host)
        host = "".join(c for c in letters if not unicodedata.combining(c))
    return host.removeprefix("www.")


def _is_host(host: str, rest: str | None) -> bool:
    last = host.rpartition(".")[2]
    if last in _FILE_ENDINGS and not rest:
        return False
    # Each country has a top-level domain of two letters.
    return last in _TOP_DOMAINS or (len(last) == 2 and last.isalpha())


def _product_id(rest: str) -> str | None:
    """Return the product id in a path on beta.gouv.fr, or None for another page."""
    path = re.split(r"[?#&]", rest, maxsplit=1)[0]
    segments = [part for part in path.split("/") if part]
    if segments and segments[0].lower() in _LANGUAGES:
        del segments[0]
    if len(segments) < 2 or segments[0].lower() not in _PRODUCT_FOLDERS:
        return None
    # Signs of the sentence around the address.
    product_id = segments[1].rstrip(_TRAILING)
    # Only a final `.html` goes, because ids contain dots, such as `impact.co2`.
    if ending := _ENDING.match(product_id):
        product_id = ending[1]
    product_id = product_id[:ID_LENGTH]
    return None if product_id.lower() in _NO_IDS else product_id
