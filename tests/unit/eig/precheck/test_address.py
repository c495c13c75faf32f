"""Parsing of what applicants type as a product's address."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsync.eig.precheck.address import ProductPage, SiteAddress, parse_address, site_address

PAGE = "https://beta.gouv.fr/startups/a-just.html"


@pytest.mark.parametrize(
    "typed",
    [
        PAGE,
        "http://beta.gouv.fr/startups/a-just.html",
        "beta.gouv.fr/startups/a-just.html",
        "https://www.beta.gouv.fr/startups/a-just.html",
        "https://beta.gouv.fr/startup/a-just.html",
        "https://beta.gouv.fr/startups/a-just",
        "https://beta.gouv.fr/startups/a-just.htm",
        "https://beta.gouv.fr//startups//a-just.html",
        "https://beta.gouv.fr/fr/startups/a-just.html",
        "https://beta.gouv.fr/startups/a-just.html?utm_source=lettre&utm_medium=web",
        "https://beta.gouv.fr/startups/a-just.html#contact",
        "https://beta.gouv.fr/startups/a%2Djust.html",
        "https%3A%2F%2Fbeta.gouv.fr%2Fstartups%2Fa-just.html",
        "https%253A%252F%252Fbeta.gouv.fr%252Fstartups%252Fa-just.html",
        "  https://beta.gouv.fr/startups/a-just.html \t\r\n",
        "\u00a0https://beta.gouv.fr/startups/a-just.html\u202f",
        "\ufeffhttps://beta.gouv.fr/startups/a-just.html\u200b",
        "https://beta.gouv.fr/startups/a\u00ad-just.html",
        "Notre fiche est ici : https://beta.gouv.fr/startups/a-just.html.",
        "Voir https://beta.gouv.fr/startups/a-just, merci",
        "(https://beta.gouv.fr/startups/a-just.html).Merci",
        "<https://beta.gouv.fr/startups/a-just.html>",
        "Fiche A-JUST <https://beta.gouv.fr/startups/a-just.html>",
        "&lt;https://beta.gouv.fr/startups/a-just.html&gt;",
        "« https://beta.gouv.fr/startups/a-just.html »",
        '"https://beta.gouv.fr/startups/a-just"',
        "[A-JUST](https://beta.gouv.fr/startups/a-just.html)",
        "**https://beta.gouv.fr/startups/a-just**",
        '<a href="https://beta.gouv.fr/startups/a-just.html">A-JUST</a>',
        "https://beta.gouv.fr/startups/a-just.html (https://beta.gouv.fr/startups/a-just)",
        "https://beta.gouv.fr/startups/a-just.htmlhttps://beta.gouv.fr/startups/a-just",
        "https://beta.gouv.fr/startups/a-just.html;https://beta.gouv.fr/startups/a-just.html",
        "https:/beta.gouv.fr/startups/a-just.html",
        "https:\\\\beta.gouv.fr\\startups\\a-just.html",
        "htps://beta.gouv.fr/startups/a-just.html",
        "https: //beta.gouv.fr/startups/a-just.html",
        "https://beta.gouv.fr/startups/ a-just.html",
        "https://beta.gouv.fr/startups/\na-just.html",
        "https://beta.gouv.fr / startups / a-just .html",
        "https://beta.gouv.fr:443/startups/a-just.html",
        "https://beta.gouv.fr./startups/a-just.html",
        "https://moi@beta.gouv.fr/startups/a-just.html",
        "https://bêta.gouv.fr/startups/a-just.html",
        "https://xn--bta-fma.gouv.fr/startups/a-just.html",
        "https://ｂｅｔａ.gouv.fr/startups/a-just.html",
        "mailto:agent@beta.gouv.fr https://beta.gouv.fr/startups/a-just.html",
        "agent@beta.gouv.fr, beta.gouv.fr/startups/a-just.html",
        "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fbeta.gouv.fr%2Fstartups"
        "%2Fa-just.html&data=05%7C02",
        "https://www.google.com/url?q=https://beta.gouv.fr/startups/a-just.html&sa=D",
        "https://web.archive.org/web/2024/https://beta.gouv.fr/startups/a-just.html",
        "/startups/a-just.html",
        "startups/a-just",
        "HTTPS://BETA.GOUV.FR/STARTUPS/a-just.HTML",
    ],
)
def test_every_spelling_leads_to_the_page(typed: str) -> None:
    """Text around one address and variants of it give exactly that page."""
    assert parse_address(typed).pages == (ProductPage("a-just"),)


@pytest.mark.parametrize(
    ("typed", "id_"),
    [
        ("https://beta.gouv.fr/startups/impact.co2", "impact.co2"),
        ("https://beta.gouv.fr/startups/impact.co2.html", "impact.co2"),
        ("https://beta.gouv.fr/startups/1000.jours.", "1000.jours"),
        ("https://beta.gouv.fr/startups/e-inspé.html", "e-inspé"),
        ("https://beta.gouv.fr/startups/e-insp%C3%A9.html", "e-inspé"),
        ("https://beta.gouv.fr/startups/e-inspe\u0301.html", "e-inspé"),
        ("https://beta.gouv.fr/startups/l'eau-d'ici.html", "l'eau-d'ici"),
        ("https://beta.gouv.fr/startups/l%27eau-d%27ici", "l'eau-d'ici"),
        ("https://beta.gouv.fr/startups/collectif_objets", "collectif_objets"),
        ("https://beta.gouv.fr/startups/auxAJ.html", "auxAJ"),
        ("https://beta.gouv.fr/startups/x.html.html", "x.html"),
        ("_https://beta.gouv.fr/startups/x.html_", "x"),
        ("https://beta.gouv.fr/startups/x_", "x_"),
        ("https://beta.gouv.fr/startups/x.html->", "x"),
        ("https://beta.gouv.fr/startups/a-just/edit", "a-just"),
        ("https://beta.gouv.fr/startups/mon%20produit.html", "mon␣produit"),
        ("https://beta.gouv.fr/startups/grist.numerique.gouv.fr.html", "grist.numerique.gouv.fr"),
    ],
)
def test_ids_keep_their_own_signs(typed: str, id_: str) -> None:
    """Only a final .html is removed; dots, accents, apostrophes and capitals stay."""
    assert [page.id for page in parse_address(typed).pages] == [id_]


@pytest.mark.parametrize(
    "typed",
    [
        "https://beta.gouv.fr",
        "https://beta.gouv.fr/",
        "beta.gouv.fr",
        "https://beta.gouv.fr/startups",
        "https://beta.gouv.fr/startups/",
        "https://beta.gouv.fr/startups.html",
        "https://beta.gouv.fr/startups/index.html",
        "https://beta.gouv.fr/startups/.html",
        "https://beta.gouv.fr/startups?incubateur=dinum",
        "https://beta.gouv.fr/startups/?incubateur=dinum",
        "https://beta.gouv.fr/incubateurs/dinum.html",
        "https://beta.gouv.fr/approche/",
        "https://www.beta.gouv.fr/#startups",
        "https://beta.gouv.fr/startups/...",
    ],
)
def test_other_pages_of_the_site_are_no_product(typed: str) -> None:
    """The index or an incubator is a page of the site, but not a product page."""
    found = parse_address(typed)
    assert (found.pages, [page.host for page in found.other_pages]) == ((), ["beta.gouv.fr"])


@pytest.mark.parametrize(
    ("typed", "site"),
    [
        ("https://a-just.beta.gouv.fr", SiteAddress("a-just.beta.gouv.fr", ())),
        ("a-just.beta.gouv.fr/", SiteAddress("a-just.beta.gouv.fr", ())),
        (
            "https://github.com/betagouv/A-Just.git",
            SiteAddress("github.com", ("betagouv", "a-just")),
        ),
        ("www.impactco2.fr/outils?utm_x=1", SiteAddress("impactco2.fr", ("outils",))),
        ("impactco2.fr/outils?x=1", SiteAddress("impactco2.fr", ("outils", "?x=1"))),
        ("http://intranet.local/p/7", SiteAddress("intranet.local", ("p", "7"))),
        ("https://xn--.gouv.fr/p", SiteAddress("xn--.gouv.fr", ("p",))),
    ],
)
def test_other_hosts_are_sites(typed: str, site: SiteAddress) -> None:
    assert parse_address(typed).sites == (site,)
    assert site_address(typed) == site


@pytest.mark.parametrize(
    "typed",
    ["impact.co2", "1000.jours", "a-just.html", "cf. dossier joint", "à venir", "fiche.pdf", "3/4"],
)
def test_words_are_no_address(typed: str) -> None:
    """Dots and slashes alone do not make an address, because ids contain them too."""
    found = parse_address(typed)
    assert (found.pages, found.other_pages, found.sites, found.text) == ((), (), (), typed)


@pytest.mark.parametrize("typed", [None, "", "agent@beta.gouv.fr", "\u200b", "startups/."])
def test_nothing_useful_gives_nothing(typed: str | None) -> None:
    """An e-mail address or a blank gives no page and no site."""
    found = parse_address(typed)
    assert (found.pages, found.other_pages, found.sites) == ((), (), ())


def test_two_addresses_are_two_pages() -> None:
    """Different pages are returned in the order of the text."""
    typed = f"{PAGE} et https://beta.gouv.fr/startups/docs.html"
    assert [page.id for page in parse_address(typed).pages] == ["a-just", "docs"]


def test_no_link_is_no_site() -> None:
    assert (site_address(None), site_address("à venir")) == (None, None)


_PIECES = st.sampled_from([
    "https://", "beta.gouv.fr", "/startups/", ".html", "%", "%25", "%2", "&amp;", "&", "#", "?",
    "/", "é", "e\u0301", "x", "@", "<", ">", "'", "’", "ﷺ", "％", "\\", "xn--", ".", "…", "a-just",
    "␣", "\u200b", "\u202e", " ", "\u00a0", "\ud800", "\0",
])  # fmt: skip
_TYPED = st.one_of(
    st.text(max_size=80),
    st.lists(st.one_of(_PIECES, st.text(max_size=3)), max_size=14).map("".join),
    st.text(max_size=30).map(lambda id_: f"https://beta.gouv.fr/startups/{id_}.html"),
    st.text(max_size=8).map(lambda id_: f"https://beta.gouv.fr/startups/{id_ * 60}"),
)


@settings(max_examples=50)
@given(_TYPED)
@example("beta.gouv.fr/startups/%25252525252541")
@example("beta.gouv.fr/startups/％41")
@example("beta.gouv.fr/startups/x%20y.html.html")
@example("https://[::1]/startups/x")
def test_parsing_what_it_prints_gives_the_same(typed: str) -> None:
    """Any text is accepted, and the printed address of a page gives the same page."""
    for page in parse_address(typed).pages:
        assert parse_address(page.url).pages == (page,)
        assert page.url.isascii()


@pytest.mark.parametrize("sign", ["!", "!:", "'a", "("])
def test_a_line_of_signs_is_parsed_at_once(sign: str) -> None:
    """It took seconds: the time must not grow with the square of the length."""
    began = time.process_time()
    assert () == parse_address(sign * 4000).pages
    assert time.process_time() - began < 0.3
