"""Parses what applicants type as a product's address: pages, other sites, remaining words.

Does not depend on which products exist, and accepts any text without an error.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

HOST = "beta.gouv.fr"
_READ_LENGTH = 4000
"""Maximum number of characters that are read of a champ."""
_ID_LENGTH = 200

_PRODUCT_FOLDERS = frozenset({"startups", "startup"})
_OTHER_FOLDERS = frozenset([
    "incubateurs", "incubateur", "communautes", "communaute", "membres", "membre", "thematiques",
    "phases", "actualites", "blog", "jobs", "recrutement", "api", "stats", "approche",
])  # fmt: skip
"""Folders and pages of beta.gouv.fr of which none is about a product."""
_LOOK_ALIKES = frozenset([
    "betagouv.fr", "beta-gouv.fr", "beta.gouv", "betagouv.com", "betagouv.org", "betagouv.gouv.fr",
    "beta.gouv.com", "beta.gouv.org", "beta-gouv.com", "beta.numerique.gouv.fr", "gouv.fr",
])  # fmt: skip
_MEMBERS_AREAS = frozenset({"espace-membre.beta.gouv.fr", "espace-membre.incubateur.net"})
_SOURCE_HOSTS = frozenset({"github.com", "raw.githubusercontent.com"})
_SOURCES = "_startups"
"""The folder of the pages' sources."""
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
_LINK = "\ue000"
"""Stands in a text for an address or an e-mail address; a typed one is removed."""
_UNSEEN = re.compile(
    f"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff{_LINK}]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SPACE_SIGN = "\N{OPEN BOX}"
_ENTITY = re.compile(r"&#?\w+;")
"""Only with the semicolon: « &not » without it begins a parameter of a query."""
_INNER_SPACE = re.compile(r"(?<=\w)%20(?=\w)")
_MAIL = re.compile(r"(?<![\w.+/-])[\w.+-]+@(?:[\w-]+\.)+\w+")
"""Requires a dot after the @, because the names of some products contain one."""
_GIT = re.compile(r"\bgit@([\w-]+(?:\.[\w-]+)+):(?=[\w.-])", re.IGNORECASE)
"""The beginning of an address for cloning a repository."""
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
    r"(?P<user>[^\s/@:<>]{0,64}(?::[^\s/@<>]{0,64})?@)?"
    r"(?P<host>\w[\w-]*(?:\.[\w-]+)+)\.?(?::\d{1,5})?"
    rf"(?P<rest>[/?#]{_REST})?",
    re.IGNORECASE,
)
_PATH_ALONE = re.compile(rf"(?<![\w/.-])/?(?P<path>startups?/{_REST})", re.IGNORECASE)
_FOLDER = re.compile(r"/startups?/", re.IGNORECASE)
_ASKED = re.compile(r"\?[\W_]*$")
"""A question mark behind an address, which begins no query."""
_MARKUP = re.compile(
    r"<a((?:\s+(?:href|target|rel|class)=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*)\s*>"
    r"|</?(?:a|p|br|b|i|u|em|strong|span|div|li|ul)\s*/?>",
    re.IGNORECASE,
)
"""Markup around an address, with nothing in it that could say more."""
_HREF = re.compile(r"\bhref=(\"[^\"]*\"|'[^']*'|\S+)", re.IGNORECASE)
_SCHEMES = frozenset({"git", "ssh", "ftp"})
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


class Link(NamedTuple):
    """An address in the text that is no product page."""

    address: SiteAddress | None
    """None for an e-mail address."""
    typed: str


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
    links: tuple[Link, ...] = ()
    """All addresses but those of product pages, in their order, repetitions included."""
    parts: tuple[str, ...] = ("",)
    """The texts before, between and after the links; without the addresses of product pages."""
    is_cut: bool = False
    """Whether the text goes on after what was read."""


def parse_address(typed: str | None) -> ParsedAddress:
    """Parse what an applicant typed into pages, sites and words."""
    if not typed:
        return ParsedAddress()
    whole = _decode(typed[:_READ_LENGTH])
    pages: list[ProductPage] = []
    links: list[Link] = []

    def take(found: re.Match[str]) -> str:
        host = _host(found["host"])
        # Without a scheme, an id or a file's name with a dot looks like a host.
        if not found["scheme"] and not _is_host(host, found["rest"]):
            return found[0]
        rest = found["rest"] or ""
        before, after = _words_before(found), _question(rest)
        if host == HOST and (page := _product_page(rest)):
            pages.append(ProductPage(page[0]))
            return f"{before} {page[1]} {after} "
        links.append(Link(SiteAddress(host, _segments(rest)), found[0].strip()))
        return f"{before} {_LINK} {after} "

    def take_path(found: re.Match[str]) -> str:
        if page := _product_page("/" + found["path"]):
            pages.append(ProductPage(page[0]))
            return f" {page[1]} {_question(found['path'])} "
        return found[0]

    # E-mail addresses first: their domains would be taken for sites.
    mails = _MAIL.findall(whole)
    text = _ADDRESS.sub(take, _MAIL.sub(" ", whole))
    # After the addresses, whose paths it would find again.
    text = _PATH_ALONE.sub(take_path, text).replace(_SPACE_SIGN, " ")
    sites = dict.fromkeys(link.address for link in links if link.address)
    return ParsedAddress(
        pages=tuple(dict.fromkeys(pages)),
        other_pages=tuple(site for site in sites if site.host == HOST),
        sites=tuple(site for site in sites if site.host != HOST),
        text=" ".join(text.replace(_LINK, " ").split()),
        full_text=whole.replace(_SPACE_SIGN, " "),
        links=(*links, *(Link(None, mail) for mail in mails)),
        parts=tuple(" ".join(part.split()) for part in (text + _LINK * len(mails)).split(_LINK)),
        is_cut=bool(typed[_READ_LENGTH:].strip()),
    )


def _words_before(found: re.Match[str]) -> str:
    """Return what is in front of a host and belongs to no usual address: people wrote it."""
    scheme = re.sub(r"\W", "", found["scheme"] or "").lower()
    # A misspelt `https` has one other letter at most.
    is_usual = sum(letter not in "htps" for letter in scheme) <= 1 or scheme in _SCHEMES
    user = (found["user"] or "").rstrip("@")
    return f"{'' if is_usual else scheme} {'' if user == 'git' else user}"


def _question(rest: str) -> str:
    """Return the question mark behind an address: it asks, and begins no query."""
    return "?" if _ASKED.search(rest) else ""


def site_address(url: str | None) -> SiteAddress | None:
    """Return the host and path of an address in the catalogue, or None without a host."""
    found = _ADDRESS.search((url or "")[:_READ_LENGTH].strip())
    if not found:
        return None
    return SiteAddress(_host(found["host"]), _segments(found["rest"] or ""))


def text_after_folder(whole: str) -> str:
    """Return the text after the folder of products, or "" without one.

    A typing error may put a character into an id at which the address seems to end.
    """
    return "".join(_FOLDER.split(whole, maxsplit=1)[1:])[:_ID_LENGTH]


def _segments(rest: str) -> tuple[str, ...]:
    """Return the parts of a path in lower case, without file endings and visit counters.

    The rest of the query or fragment becomes the last part, because it selects another page.
    """
    path, *further = re.split(r"[?#&]", rest.lower())
    # The address for cloning a repository is that of its page with this ending.
    segments = [part.rstrip(_TRAILING).removesuffix(".git") for part in path.split("/")]
    kept = [part for part in segments if part]
    shown = [part for part in further if part.strip(_TRAILING + "/") and not _COUNTS.match(part)]
    return (*kept, f"?{'&'.join(shown)}") if shown else tuple(kept)


def _decode(text: str) -> str:
    """Decode percent-encoding, HTML entities and compatibility forms until nothing changes."""
    # Terminates: decoding shortens the text, and a compatibility form has no further form.
    while (decoded := _decode_once(text)) != text:
        text = decoded
    text = _MARKUP.sub(_address_in, text)
    text = _BROKEN_PAGE.sub(r"\1/\2/\3", " ".join(text.split()))
    return _GIT.sub(r"https://\1/", text)


def _address_in(markup: re.Match[str]) -> str:
    """Return the address in the markup of a link."""
    found = _HREF.search(markup[1] or "")
    return f" {found[1].strip(chr(34) + chr(39))} " if found else " "


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


def _product_page(rest: str) -> tuple[str, str] | None:
    """Return the product id in a path on beta.gouv.fr and the text glued to it; None: no product.

    The text is what follows the `.html` or the id, without a query or a fragment.
    """
    path = re.split(r"[?#&]", rest, maxsplit=1)[0]
    segments = [part for part in path.split("/") if part]
    if segments and segments[0].lower() in _LANGUAGES:
        del segments[0]
    if len(segments) < 2 or segments[0].lower() not in _PRODUCT_FOLDERS:
        return None
    # Signs of the sentence around the address.
    product_id = segments[1].rstrip(_TRAILING)
    glued = segments[2:]
    # Only a final `.html` goes, because ids contain dots, such as `impact.co2`.
    if ending := _ENDING.match(product_id):
        glued.insert(0, product_id[ending.end() :])
        product_id = ending[1]
    product_id = product_id[:_ID_LENGTH]
    return None if product_id.lower() in _NO_IDS else (product_id, " ".join(glued))


def id_elsewhere(site: SiteAddress, hosts: Container[str]) -> str | None:
    """Return what stands where an id would be, in an address that is no product page.

    Recognises other folders of beta.gouv.fr, hosts that look like it, the members' area, and the
    sources of the pages on GitHub. `hosts` are those of products' sites, which only look like
    beta.gouv.fr by chance.
    """
    path = [part for part in site.segments if part[0] != "?"]
    if site.host in _SOURCE_HOSTS:
        path = path[path.index(_SOURCES) + 1 :] if _SOURCES in path else []
    elif site.host in _MEMBERS_AREAS:
        path = path[1:2] if path[:1] and path[0] in _PRODUCT_FOLDERS else []
    elif site.host == HOST or (site.host not in hosts and _looks_like_beta(site.host)):
        if path and path[0] in _LANGUAGES:
            del path[0]
        path = [] if len(path) > 2 or (path[1:] and path[0] in _OTHER_FOLDERS) else path[-1:]
    else:
        return None
    found = re.sub(r"\.(?:html?|md)$", "", path[0])[:_ID_LENGTH] if path else ""
    return None if found in _NO_IDS | _PRODUCT_FOLDERS | _OTHER_FOLDERS else found


def _looks_like_beta(host: str) -> bool:
    if host in _LOOK_ALIKES:
        return True
    if abs(len(host) - len(HOST)) > 1:
        return False
    from rapidfuzz.distance import DamerauLevenshtein  # The import takes 20 ms.

    return DamerauLevenshtein.distance(host, HOST, score_cutoff=1) <= 1
