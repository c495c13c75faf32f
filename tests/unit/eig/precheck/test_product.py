"""Which product of the catalogue a text names, and how certain that is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsync.eig.precheck.catalogue import KnownProduct
from dsync.eig.precheck.product import Lien, resolve_product
from tests.unit.eig.precheck.builders import CATALOGUE, candidature, judged, product, published

PAGE = "https://beta.gouv.fr/startups"
SOURCES = "https://github.com/betagouv/beta.gouv.fr/blob/master/content/_startups"


@pytest.mark.parametrize(
    ("typed", "lien", "product"),
    [
        (f"{PAGE}/a-just.html", Lien.FICHE, "a-just"),
        (f"{PAGE}/A-JUST.HTML", Lien.FICHE, "a-just"),
        (f"{PAGE}/e-inspé", Lien.FICHE, "e-inspé"),
        (f"{PAGE}/e-inspe.html", Lien.FICHE, "e-inspé"),
        (f"{PAGE}/auxaj.html", Lien.FICHE, "auxAJ"),
        (f"{PAGE}/L’EAU-D’ICI", Lien.FICHE, "l'eau-d'ici"),
        (f"{PAGE}/impact.co2", Lien.FICHE, "impact.co2"),
        (f"{PAGE}/Double.html", Lien.FICHE, "Double"),
        (f"{PAGE}/double.html", Lien.FICHE, "double"),
        (f"{PAGE}/a-just.html {PAGE}/A-just", Lien.FICHE, "a-just"),
        (f"{PAGE}/a-just.html https://a-just.beta.gouv.fr", Lien.FICHE, "a-just"),
        (f"{PAGE}/a-just.html, plaquette : https://exemple.fr/p.pdf", Lien.FICHE, "a-just"),
        (f"{PAGE}/a\u2011just.html", Lien.FICHE, "a-just"),
        (f"{PAGE}/a–just", Lien.FICHE, "a-just"),
        (f"{PAGE}/ajust.html", Lien.ALIAS, "a-just"),
        (f"{PAGE}/AJUST", Lien.ALIAS, "a-just"),
        (f"{PAGE}/tres-ancien", Lien.ALIAS, "a-just"),
        (f"{PAGE}/eteint.html", Lien.ALIAS, "docs"),
        (f"{PAGE}/ajust {PAGE}/a-just", Lien.FICHE, "a-just"),
        ("A-JUST", Lien.NOM, "a-just"),
        ("a-just.html", Lien.NOM, "a-just"),
        ("Le produit « A-Just »", Lien.NOM, "a-just"),
        ("E-INSPE", Lien.NOM, "e-inspé"),
        ("1000.jours", Lien.NOM, "1000.jours"),
        ("L'eau d'ici", Lien.NOM, "l'eau-d'ici"),
        ("impact.co2", Lien.NOM, "impact.co2"),
        ("grist.numerique.gouv.fr", Lien.NOM, "grist.numerique.gouv.fr"),
        ("A-JUST (https://exemple.fr)", Lien.NOM, "a-just"),
        ("Le produit Pix, voir https://exemple.fr", Lien.NOM, "pix"),
        ("Notre fiche produit Docs", Lien.NOM, "docs"),
        ("Fiche produit Docs beta.gouv.fr", Lien.NOM, "docs"),
        ("transport. data.gouv.fr", Lien.NOM, "transport"),
        ("Notre produit : transport .data.gouv.fr", Lien.NOM, "transport"),
        ("https://beta.gouv.fr/start-ups/domifa.html", Lien.IDENTIFIANT, "domifa"),
        ("https://beta.gouv.fr/produits/AUXAJ", Lien.IDENTIFIANT, "auxAJ"),
        ("https://beta.gouv.fr/domifa", Lien.IDENTIFIANT, "domifa"),
        ("https://betagouv.fr/startups/domifa.html", Lien.IDENTIFIANT, "domifa"),
        ("beta-gouv.fr/startups/domifa", Lien.IDENTIFIANT, "domifa"),
        ("https://beta.gouv/startups/domifa.html", Lien.IDENTIFIANT, "domifa"),
        ("https://bata.gouv.fr/startups/domifa.html", Lien.IDENTIFIANT, "domifa"),
        ("espace-membre.beta.gouv.fr/startups/domifa", Lien.IDENTIFIANT, "domifa"),
        (f"{SOURCES}/domifa.md", Lien.IDENTIFIANT, "domifa"),
        ("git@github.com:betagouv/a-just.git", Lien.DEPOT, "a-just"),
        ("impactco2.fr", Lien.SITE, "impact.co2"),
        ("https://lasuite.numerique.gouv.fr/produits/docs", Lien.SITE, "docs"),
        ("https://beta.gouv.fr/ https://a-just.beta.gouv.fr", Lien.SITE, "a-just"),
        ("https://github.com/toute-la-forge/commune", Lien.DEPOT, "commune"),
        ("github.com/incubateur-ademe/ImpactCO2", Lien.DEPOT, "impact.co2"),
        (f"{PAGE}/a-just et https://www.data.gouv.fr/fr/datasets/x", Lien.FICHE, "a-just"),
        ("Fiche en cours, voir https://www.data.gouv.fr/", Lien.SITE, "data.gouv.fr"),
        ("https://www.data.gouv.fr/?utm_source=lettre", Lien.SITE, "data.gouv.fr"),
        ("Connect@attitude", Lien.NOM, "connect.attitude"),
        ("Fluctu@t", Lien.NOM, "fluctuat"),
        ("Notre produit Fluctu@t", Lien.NOM, "fluctuat"),
        ("Fiche : Eva - eva", Lien.NOM, "eva"),
        ("Pix (pix)", Lien.NOM, "pix"),
        ("https://a-just.beta.gouv.fr et https://github.com/betagouv/a-just", Lien.SITE, "a-just"),
    ],
)
def test_one_product_is_named(typed: str, lien: Lien, product: str) -> None:
    match = resolve_product(typed, CATALOGUE)
    assert (match.lien, match.product_id) == (lien, product)


@pytest.mark.parametrize(
    ("typed", "lien"),
    [
        (None, Lien.VIDE),
        ("", Lien.VIDE),
        (" \u00a0 ", Lien.VIDE),
        (f"{PAGE}/inconnue.html", Lien.INCONNUE),
        (f"{PAGE}/inconnue.html {PAGE}/aussi.html", Lien.INCONNUE),
        (f"{PAGE}/disparu.html", Lien.INCONNUE),
        (f"{PAGE}/rond.html", Lien.INCONNUE),
        (f"{PAGE}/mon%20produit.html", Lien.INCONNUE),
        (f"{PAGE}/DOUBLE.html", Lien.AMBIGU),
        (f"{PAGE}/partage.html", Lien.AMBIGU),
        (f"{PAGE}/PARTAGE", Lien.AMBIGU),
        ("Service jumeau", Lien.AMBIGU),
        (f"{PAGE}/a-just.html et {PAGE}/docs.html", Lien.PLUSIEURS),
        (f"{PAGE}/a-just.html et {PAGE}/inconnue.html", Lien.PLUSIEURS),
        ("https://a-just.beta.gouv.fr et https://impactco2.fr", Lien.PLUSIEURS),
        ("https://jumeau.fr", Lien.PLUSIEURS),
        (f"{PAGE}/a-just.html https://impactco2.fr", Lien.PLUSIEURS),
        (f"A-JUST (sur le modèle de {PAGE}/docs.html)", Lien.PLUSIEURS),
        (f"{PAGE}/domifa.html et Service jumeau", Lien.PLUSIEURS),
        ("https://beta.gouv.fr/a-just/docs.html", Lien.PLUSIEURS),
        ("https://github.com/toute-la-forge", Lien.PLUSIEURS),
        ("https://beta.gouv.fr/", Lien.AUTRE_PAGE),
        ("https://beta.gouv.fr/startups/", Lien.AUTRE_PAGE),
        ("https://beta.gouv.fr/incubateurs/dinum.html", Lien.AUTRE_PAGE),
        ("https://beta.gouv.fr/approche", Lien.AUTRE_PAGE),
        ("https://www.example.org/notre-projet", Lien.AUTRE_SITE),
        ("https://lasuite.numerique.gouv.fr/", Lien.AUTRE_SITE),
        ("https://github.com/toute-la-forge/autre", Lien.AUTRE_SITE),
        ("https://www.demarches-simplifiees.fr/commencer/aap-eig7", Lien.AUTRE_SITE),
        ("https://lasuite.numerique.gouv.fr/produits/docs/aide/1", Lien.AUTRE_SITE),
        ("Nous développons Collectif Objets depuis 2021", Lien.CITE),
        ("Le produit Pix, incubé à la DINUM", Lien.CITE),
        ("Notre service Pix grandit", Lien.CITE),
        ("Startup d’État Collectif Objets", Lien.CITE),
        ("Docs, numérique", Lien.CITE),
        ("Docs ?", Lien.CITE),
        ("transport", Lien.CITE),
        ("Notre fiche : commune", Lien.CITE),
        ("Notre produit, voir Pix", Lien.CITE),
        ("Notre site, voir Pix", Lien.CITE),
        ("A-JUST vers notre page", Lien.CITE),
        ("A-JUST+", Lien.CITE),
        ("Une messagerie pour les agents", Lien.AUCUN),
        ("en cours", Lien.AUCUN),
        ("https://betagouv.github.io/docs-agents", Lien.AUTRE_SITE),
        ("https://www.demarches-simplifiees.fr/commencer/autre-demarche", Lien.AUTRE_SITE),
        ("Une pix de trop", Lien.AUCUN),
        ("à venir", Lien.AUCUN),
        ("cf. dossier joint", Lien.AUCUN),
        ("agent@beta.gouv.fr", Lien.AUCUN),
        ("…", Lien.AUCUN),
    ],
)
def test_no_single_product_is_named(typed: str | None, lien: Lien) -> None:
    match = resolve_product(typed, CATALOGUE)
    assert (match.lien, match.product) == (lien, None)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (f"{PAGE}/impact-co2.html", ["Impact CO2 (impact.co2)"]),
        (f"{PAGE}/data-gouv-fr", ["data.gouv.fr (data.gouv.fr)"]),
        (f"{PAGE}/accesslibre.html", ["Acceslibre (acceslibre)"]),
        (f"{PAGE}/mon_aide_cyber.html", ["MonAideCyber (monaidecyber)"]),
        (f"{PAGE}/domiffa.html", ["DomiFa (domifa)"]),
        (f"{PAGE}/domifa.html.html", ["DomiFa (domifa)"]),
        (f"{PAGE}/domifa.hmtl", ["DomiFa (domifa)"]),
        (f"{PAGE}/domi/fa.html", ["DomiFa (domifa)"]),
        (f"{PAGE}/domi@fa.html", ["DomiFa (domifa)"]),
        (f"{PAGE}/ajsut.html", ["A-JUST (a-just)"]),
        (f"{PAGE}/tres-ancyen.html", ["A-JUST (a-just)"]),
        (f"{PAGE}/dcos", ["Docs (docs)"]),
        (f"{PAGE}/anct-pni-N.html", ["Pilote 1 (anct-pni-1)", "Pilote 2 (anct-pni-2)"]),
        ("domiffa", ["DomiFa (domifa)"]),
        ("CollectifObjets", ["Collectif Objets (collectif_objets)"]),
        ("La startup ImpactCO2", ["Impact CO2 (impact.co2)"]),
        ("AJUST", ["A-JUST (a-just)"]),
        ("ServiceJumeau", ["Service jumeau (jumeau-1)", "Service jumeau (jumeau-2)"]),
        ("Collectifs Objet", ["Collectif Objets (collectif_objets)"]),
        ("demarche simplifiee", ["Démarches simplifiées (demarches-simplifiees)"]),
        ("Collectif Ob", ["Collectif Objets (collectif_objets)"]),
        ("Le produit MonAideCiber", ["MonAideCyber (monaidecyber)"]),
        ("Mon Devis Sans Oubli", ["Mon Devis Sans Oublis (mdso)"]),
        ("Nous portons Mon Devis Sans Oubli", ["Mon Devis Sans Oublis (mdso)"]),
        ("mon devis", ["Mon Devis Sans Oublis (mdso)"]),
        ("1000 premiers", ["1000 premiers jours (1000.jours)"]),
        (f"{PAGE}/1000-premiers-jours.html", ["1000 premiers jours (1000.jours)"]),
        (f"{PAGE}/collectif", ["Collectif Objets (collectif_objets)"]),
        (f"{PAGE}/fiche-collectif-objets.html", ["Collectif Objets (collectif_objets)"]),
        ("https://betagouv.fr/startups/domiffa", ["DomiFa (domifa)"]),
    ],
)
def test_a_slip_names_the_nearest_page(typed: str, named: list[str]) -> None:
    match = resolve_product(typed, CATALOGUE)
    assert (match.lien, match.product, list(match.noms)) == (Lien.PROCHE, None, named)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("Nous développons Colectif Objet depuis 2021", "collectif_objets"),
        ("https://www.data.gouv.fr/fr/datasets/base-adresse", "data.gouv.fr"),
        ("https://a-just.beta.gouv.fr/stats", "a-just"),
        ("https://github.com/betagouv/a-just/tree/main", "a-just"),
        ("https://resana.gouv.fr", "resana"),
        (f"{PAGE}/inconnue.html https://a-just.beta.gouv.fr", "a-just"),
        (f"{PAGE}/inconnue.html, pour A-JUST", "a-just"),
        ("≠ A-JUST", "a-just"),
        ("a-just ❌", "a-just"),
    ],
)
def test_what_mentions_a_product_suggests_it(typed: str, named: str) -> None:
    """An inner page of a site or repository, or a name among other words, decides nothing."""
    match = resolve_product(typed, CATALOGUE)
    assert ((named,), None) == (match.ids, match.product)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (f"{PAGE}/docs-beta", ("docs",)),
        (f"{PAGE}/le-pix", ("pix",)),
        (f"{PAGE}/api-eva.html", ("eva",)),
        (f"{PAGE}/resana.beta.gouv.fr", ("resana",)),
        (f"{PAGE}/mondomifa", ("domifa",)),
        (f"{PAGE}/1pj", ("1000.jours",)),
        ("mdso", ("mdso",)),
        ("MDSO", ("mdso",)),
        # Three letters inside of a word, or a beginning of many ids, suggest nothing.
        (f"{PAGE}/pixel", ()),
        # Nor do two errors in a short id.
        (f"{PAGE}/dacs-x", ()),
        (f"{PAGE}/fiche/collectif_objets.html", ("collectif_objets",)),
        # Ids and names are sets of words.
        (f"{PAGE}/objets-collectif", ("collectif_objets",)),
        (f"{PAGE}/gouv-data-fr", ("data.gouv.fr",)),
        (f"{PAGE}/grist-gouv-fr", ("grist.numerique.gouv.fr",)),
        (f"{PAGE}/mon-devis-oublis.html", ("mdso",)),
        (f"{PAGE}/jours-premiers", ("1000.jours",)),
        (f"{PAGE}/just-a", ("a-just",)),
        (f"{PAGE}/ici-eau.html", ("l'eau-d'ici",)),
        (f"{PAGE}/simplifiees", ("demarches-simplifiees",)),
        (f"{PAGE}/dosc-agents", ()),
        (f"{PAGE}/d", ()),
    ],
)
def test_what_holds_an_id_a_name_or_an_acronym_is_a_slip(
    typed: str, named: tuple[str, ...]
) -> None:
    """It is never an unknown page; what is suggested has a ground."""
    match = resolve_product(typed, CATALOGUE)
    assert (match.product_id or match.ids) in (named, *named)
    assert match.product or Lien.PROCHE is match.lien


@pytest.mark.parametrize(
    ("links", "host", "owner"),
    [
        ({"a": "https://un.fr/"}, "un.fr", "a"),
        ({"a": "https://www.un.fr/?utm_source=x", "b": "https://deux.fr"}, "un.fr", "a"),
        ({"a": "https://a.un.gouv.fr", "b": "https://b.un.gouv.fr"}, "a.un.gouv.fr", "a"),
        # The service is older than its page, or serves several products.
        ({"a": "https://un.fr/page"}, "un.fr", None),
        ({"a": "https://un.gouv.fr", "b": "https://b.un.gouv.fr"}, "un.gouv.fr", None),
        ({"a": "https://un.fr", "b": "https://un.fr"}, "un.fr", None),
        ({"a": "https://equipe.github.io"}, "equipe.github.io", None),
        ({"a": "https://www.ameli.fr"}, "ameli.fr", None),
        ({"a": "https://github.com"}, "github.com", None),
    ],
)
def test_a_shared_host_is_nobodys(links: dict[str, str], host: str, owner: str | None) -> None:
    """A page on it suggests no product, and says more beside an address."""
    products = {id_: product(f"Produit {id_}", link=url) for id_, url in links.items()}
    catalogue = published(products)
    match = resolve_product(f"https://{host}/zzz/qqq", catalogue)
    assert (owner,) * bool(owner) == match.ids
    beside = resolve_product(f"{PAGE}/a.html https://{host}/zzz/qqq", catalogue)
    assert bool(owner) is beside.is_certain


@pytest.mark.parametrize("typed", ["test", "base.html", "fiche", "projets", "prix", "coeur"])
def test_a_common_noun_suggests_nothing(typed: str) -> None:
    """Though it is near to an id, or begins one: it is a slip without a suggestion.

    So is a whole word of a name: it is no misspelt one of another product.
    """
    ids = ("reso", "base-tbs", "friche", "projet-x", "test-entreprises", "pix", "prix-x", "coeu")
    ids = (*ids, *(f"cœur-{n}" for n in range(4)))
    match = resolve_product(f"{PAGE}/{typed}", published({id_: product(id_) for id_ in ids}))
    assert (Lien.PROCHE, ()) == (match.lien, match.noms)


def test_three_products_at_most_are_suggested() -> None:
    """That there are more is said."""
    products = {f"pilote-{n}": product(f"Pilote {n}") for n in range(1, 6)}
    match = resolve_product(f"{PAGE}/pilote-x", published(products))
    assert (("pilote-1", "pilote-2", "pilote-3"), True) == (match.ids, match.et_d_autres)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (f"{PAGE}/a-just.html", ""),
        (f"Notre fiche est ici : {PAGE}/a-just.html.", ""),
        (f"A-Just ({PAGE}/ajust)", ""),
        (f"Vous trouverez la fiche ici : {PAGE}/a-just.html", ""),
        (f"Bonjour, voici le lien vers notre fiche produit beta.gouv.fr : {PAGE}/a-just", ""),
        (f"Notre produit A-JUST est consultable à l’adresse suivante {PAGE}/a-just. Merci", ""),
        (f'<a href="{PAGE}/a-just.html" target="_blank">notre page</a>', ""),
        (f"<p>{PAGE}/a-just.html</p>", ""),
        (
            f'<a title="pas encore" href="{PAGE}/a-just.html">x</a>',
            'a title="pas encore" href=" ">x',
        ),
        (f"A-Just, le service numérique ({PAGE}/ajust)", "le service numérique"),
        (f"une application pour {PAGE}/a-just.html", "une application pour"),
        (f"un service de {PAGE}/a-just.html", "un service de"),
        (f"{PAGE}/a-just.html et notre service", "et notre service"),
        (f"{PAGE}/a-just.html + notre produit", "+ notre produit"),
        (f"{PAGE}/a-just.html vers notre page", "vers"),
        (f"Notre site, voir {PAGE}/a-just.html", "voir"),
        (f"[ ] {PAGE}/a-just.html", "[ ]"),
        (f"☐ {PAGE}/a-just.html", "☐"),
        (f"🚧 {PAGE}/a-just.html", "🚧"),
        (f"{PAGE}/a-just.html (fiche en construction)", "en construction"),
        (f"Oui mais {PAGE}/a-just.html", "mais"),
        (f"1) {PAGE}/a-just.html 2) néant", "2) néant"),
        (f"notre produit : {PAGE}/a-just.html", "notre produit"),
        (f"{PAGE}/a-just.html ?", "?"),
        (f"{PAGE}/a-just.html?", "?"),
        (f"{PAGE}/a-just.html (https://a-just.beta.gouv.fr ?)", "?"),
        (f"<s>{PAGE}/a-just.html</s>", "s> </s"),
        (f"AJust → {PAGE}/a-just.html", ""),
        (f"{PAGE}/a-just.html https://a-just.beta.gouv.fr/stats", ""),
        (f"{PAGE}/a-just.html git@github.com:betagouv/a-just.git", ""),
        (f"{PAGE}/a-just.html https://www.demarches-simplifiees.fr/commencer/aap-eig7", ""),
        (f"{PAGE}/a-just.html https://betagouv.fr/startups/a-just", ""),
        (f"Pas encore de fiche. Exemple : {PAGE}/a-just.html", "Pas encore de fiche. Exemple"),
        (f"{PAGE}/a-just.html (fiche en projet)", "en projet"),
        (f"≠ {PAGE}/a-just.html", "≠"),
        (f"!= {PAGE}/a-just.html", "!="),
        (f"Adresse publiée : <{PAGE}/a-just.html> | A-JUST", "publiée"),
        (f"{PAGE}/a-just.html:pas-encore", "pas-encore"),
        (f"{PAGE}/a-just.html/pas/encore", "pas encore"),
        (f"exemple@{PAGE.removeprefix('https://')}/a-just.html", "exemple@beta.gouv.fr"),
        (f"{PAGE}/a-just.html autre@exemple.fr", "autre@exemple.fr"),
        (f"{PAGE}/a-just.html, plaquette : https://x.fr/p", "plaquette https://x.fr/p"),
        (f"{PAGE}/a-just.html{' ' * 4000}autre", "…"),
    ],
)
def test_the_whole_answer_counts(typed: str, words: str) -> None:
    """Beside the address, fillers and what is the product's own change nothing."""
    match = resolve_product(typed, CATALOGUE)
    assert ("a-just", words, not words) == (match.product_id, match.autres_mots, match.is_certain)


@pytest.mark.parametrize("typed", [f"{PAGE}/dacx-x", f"{PAGE}/domino-fax.html", f"{PAGE}/pexil"])
def test_what_is_far_from_every_page_is_near_none(typed: str) -> None:
    """Three typing errors are too many, two in an id of three letters."""
    assert resolve_product(typed, CATALOGUE).lien is Lien.INCONNUE


@pytest.mark.parametrize(
    ("typed", "lien", "named"),
    [
        (f"{PAGE}/carnet-vert.html", Lien.RETIREE, ["Carnet vert (carnet-vert)"]),
        (f"{PAGE}/Carnet-Vert", Lien.RETIREE, ["Carnet vert (carnet-vert)"]),
        (f"{PAGE}/carnet-vret.html", Lien.PROCHE, ["Carnet vert (carnet-vert)"]),
        ("Carnet vert", Lien.RETIREE, ["Carnet vert (carnet-vert)"]),
        ("Carnet jaune", Lien.RETIREE, ["Carnet vert (carnet-vert)"]),
        ("Le produit Carnet jaune, à la DINUM", Lien.CITE, ["Carnet vert (carnet-vert)"]),
        ("Le produit Trame, à la DINUM", Lien.CITE, ["Docs (docs)"]),
    ],
)
def test_what_was_published_once_stays_known(typed: str, lien: Lien, named: list[str]) -> None:
    """Former ids and names give RETIREE, unknown ones do not."""
    known = [
        KnownProduct("carnet-vert", "Carnet vert", ("Carnet jaune",)),
        KnownProduct("docs", "Docs", ("Trame",)),
    ]
    catalogue = published({"docs": product("Docs")}, known=known)
    match = resolve_product(typed, catalogue)
    assert (match.lien, match.product, list(match.noms)) == (lien, None, named)
    assert resolve_product("Trame", catalogue).product_id == "docs"


def test_what_is_shown_of_an_answer_has_one_form() -> None:
    """An encoded space is a space; the order of two products in the text does not matter."""
    assert resolve_product(f"{PAGE}/mon%20produit.html", CATALOGUE).page == "mon produit"
    one, other = f"{PAGE}/docs", f"{PAGE}/a-just"
    first = resolve_product(f"{one} {other}", CATALOGUE)
    assert first.noms == ("A-JUST", "Docs")
    assert resolve_product(f"{other} {one}", CATALOGUE) == first


def test_the_order_of_the_catalogue_does_not_matter() -> None:
    names = {"b": "Bé", "a": "A", "c": "Cé"}
    products = {id_: product(name, link="https://memes.fr") for id_, name in names.items()}
    redirects = {"/startups/x": "/startups/y", "/startups/y": "/startups/c"}
    there, back = (
        published(dict(order(products.items())), json.dumps(dict(order(redirects.items()))))
        for order in (list, reversed)
    )
    for typed in (f"{PAGE}/x", "Cé", "https://memes.fr", f"{PAGE}/A"):
        assert resolve_product(typed, there) == resolve_product(typed, back)


@pytest.mark.parametrize(
    "target", ["https://beta.gouv.fr/incubateurs/x.html", "/startups/nulle-part"]
)
def test_an_alias_that_leads_nowhere_hides_no_near_product(target: str) -> None:
    """The slip is looked for among the products that can be named."""
    redirects = json.dumps({"/startups/mon-produi": target})
    there = published({"mon-produit": product("Mon produit")}, redirects)
    match = resolve_product(f"{PAGE}/mon-produi.html", there)
    assert (Lien.PROCHE, ("mon-produit",)) == (match.lien, match.ids)


def test_an_alias_of_a_withdrawn_product_is_a_page_that_was_published() -> None:
    """As is its last address."""
    redirects = json.dumps({"/startups/ancien": "/startups/parti.html"})
    known = [KnownProduct("parti", "Parti")]
    there = published({"a-just": product("A-JUST")}, redirects, known)
    for id_ in ("parti", "ancien", "Ancien"):
        match = resolve_product(f"{PAGE}/{id_}.html", there)
        assert (Lien.RETIREE, ("Parti (parti)",)) == (match.lien, match.noms)


_ADDRESSES = (
    f"{PAGE}/a-just.html?a=1#b",
    "https://beta.gouv.fr/en/startups/a-just.html",
    "https://beta.gouv.fr/incubateurs/dinum.html",
    "https://git@github.com:22/betagouv/a-just.git",
    f"{SOURCES}/a-just.md",
    "https://espace-membre.beta.gouv.fr/startups/a-just",
    "https://a-just.beta.gouv.fr/commencer/aap?x#y",
)
_WAYS: tuple[Callable[[str], str], ...] = (
    lambda part: part,
    lambda _: "",
    lambda part: part * 2,
    lambda part: "".join(f"%{byte:02X}" for byte in part.encode()),
    lambda part: "".join(f"%25{byte:02x}" for byte in part.encode()),
)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    """Return an address whose words and signs are as usual, missing, doubled or encoded."""
    parts = re.findall(r"\w+|\W", draw(st.sampled_from(_ADDRESSES)))
    most = st.one_of(st.just(_WAYS[0]), st.sampled_from(_WAYS))
    return "".join(draw(most)(part) for part in parts)


@given(_broken())
@example("https://github.com/betagouv/recosante/.git")
@example("https://github.com/.git")
@example("https://espace-membre.beta.gouv.fr/.git/x")
def test_an_address_with_broken_parts_is_judged(typed: str) -> None:
    """Wherever it stands: in an answer, or in the catalogue as a product's site or repository."""
    judged(candidature(page_produit=typed))
    there = published({"x": {**product("X"), "link": typed, "repository": typed}})
    resolve_product(typed, there)
