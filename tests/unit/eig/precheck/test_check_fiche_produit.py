"""`fiche_produit`: all situations of the specification."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dsync.domain.verdict import Controle
from dsync.eig.precheck.evidence import Evidence

PAGE = "https://beta.gouv.fr/startups"
PRODUCT = {"docs": {"name": "Docs", "phases": []}}


@pytest.mark.parametrize(
    ("typed", "resultat", "said"),
    [
        (f"{PAGE}/a-just.html", "conforme", f"Fiche produit « A-JUST », {PAGE}/a-just.html"),
        (f"{PAGE}/ajust.html", "conforme", "vers laquelle est redirigée la page « ajust »"),
        (f"{PAGE}/e-insp%C3%A9", "conforme", f"{PAGE}/e-insp%C3%A9.html"),
        ("https://a-just.beta.gouv.fr/", "a_verifier", "Adresse du site du produit « A-JUST »"),
        (
            "https://github.com/betagouv/a-just",
            "a_verifier",
            "Adresse du code source du produit « A-JUST »",
        ),
        ("A-JUST", "a_verifier", "Réponse « A-JUST », sans adresse de fiche"),
        (
            "https://www.example.org/p",
            "a_verifier",
            "hors de beta.gouv.fr, n’est attribuée à aucun",
        ),
        (f"{PAGE}/partage", "a_verifier", "plusieurs produits, « "),
        (
            f"{PAGE}/DOUBLE",
            "a_verifier",
            "« Premier double » (Double) et « Second double » (double)",
        ),
        ("Service jumeau", "a_verifier", "« Service jumeau » (jumeau-1)"),
        (
            "https://beta.gouv.fr/incubateurs/dinum.html",
            "a_verifier",
            "n’est pas celle d’une fiche produit",
        ),
        ("https://beta.gouv.fr/startups/", "a_verifier", "n’est pas celle d’une fiche produit"),
        ("https://beta.gouv.fr/", "a_verifier", "n’est pas celle d’une fiche produit"),
        (
            f"{PAGE}/a-just {PAGE}/docs",
            "a_verifier",
            "Plusieurs pages ou produits dans la réponse, « A-JUST » et « Docs »",
        ),
        ("Nous suivons Collectif Objets ici", "a_verifier", "cite « Collectif Objets »"),
        (f"{PAGE}/domiffa.html", "a_verifier", "Page « domiffa » absente"),
        ("domiffa", "a_verifier", "Réponse « domiffa » absente"),
        ("Le produit Pix, incubé à la DINUM", "a_verifier", "cite « Pix »"),
        (None, "non_conforme", "Aucune adresse de fiche dans le dossier"),
        ("  ", "non_conforme", "Aucune adresse de fiche dans le dossier"),
        ("à venir", "non_conforme", "ni une adresse ni le nom d’un produit"),
        (f"{PAGE}/inconnue.html", "non_conforme", "Ni la page « inconnue » ni une page"),
        (f"{PAGE}/disparu", "non_conforme", "Ni la page « disparu » ni une page"),
    ],
)
def test_each_row_of_the_specification(
    check: Callable[..., Controle], typed: str | None, resultat: str, said: str
) -> None:
    """Each kind of text gives the specified result and sentence."""
    answer = check("fiche_produit", page_produit=typed)
    assert answer.resultat == resultat
    assert said in answer.motif


@pytest.mark.parametrize(
    "typed", [f"{PAGE}/a-just.html", f"{PAGE}/inconnue", "à venir", "https://www.example.org"]
)
def test_without_catalogue_nothing_typed_can_be_judged(
    check: Callable[..., Controle], typed: str
) -> None:
    """Without a catalogue, no page is reported as missing."""
    answer = check("fiche_produit", page_produit=typed, with_evidence=Evidence(None))
    assert answer.resultat == "impossible"


@pytest.mark.parametrize(
    ("redirects", "resultat"),
    [
        (None, "a_verifier"),
        ("<html>", "a_verifier"),
        ("{}", "non_conforme"),
        (json.dumps({"/startups/ancienne": "/startups/docs"}), "conforme"),
    ],
)
def test_an_unknown_page_may_be_an_alias_that_nobody_could_read(
    check: Callable[..., Controle], redirects: str | None, resultat: str
) -> None:
    """An unknown page is uncertain only if the aliases could not be read."""
    answer = check(
        "fiche_produit", page_produit=f"{PAGE}/ancienne.html", products=PRODUCT, redirects=redirects
    )
    assert answer.resultat == resultat


def test_the_evidence_names_its_source_and_date(check: Callable[..., Controle]) -> None:
    """The evidence has the text, the product, the catalogue and its date."""
    preuve = check("fiche_produit").preuve
    assert {
        "saisie": f"{PAGE}/a-just.html",
        "lien": "fiche",
        "produit": "a-just",
        "url": f"{PAGE}/a-just.html",
        "source": "catalogue",
        "consulte_le": "2024-05-21T03:00:00+00:00",
    }.items() <= preuve.items()


@pytest.mark.parametrize("name", ["phase", "cas_octroi", "doublon"])
@pytest.mark.parametrize(
    "typed", [None, "à venir", f"{PAGE}/inconnue", f"{PAGE}/a-just {PAGE}/docs", "Service jumeau"]
)
def test_checks_that_hang_on_the_product_are_sans_objet(
    check: Callable[..., Controle], name: str, typed: str | None
) -> None:
    """Without a single product, the checks on the product give « sans objet »."""
    assert check(name, page_produit=typed, doublons=(2,)).resultat == "sans_objet"


@pytest.mark.parametrize(
    ("name", "resultat"),
    [("phase", "impossible"), ("cas_octroi", "impossible"), ("doublon", "sans_objet")],
)
def test_checks_that_need_the_catalogue_are_impossible_without(
    check: Callable[..., Controle], name: str, resultat: str
) -> None:
    """Without a catalogue these checks give « impossible »."""
    assert check(name, with_evidence=Evidence(None)).resultat == resultat


@pytest.mark.parametrize(
    ("typed", "resultat"),
    [
        (f"{PAGE}/domifa.html", "non_conforme"),
        ("https://domifa.fabrique.social.gouv.fr/", "a_verifier"),
        ("Fiche en cours, voir https://www.data.gouv.fr/", "a_verifier"),
        ("https://github.com/betagouv/demarches-simplifiees.fr", "a_verifier"),
        ("DomiFa", "a_verifier"),
    ],
)
def test_a_product_known_without_its_page_is_never_excluded(
    check: Callable[..., Controle], typed: str, resultat: str
) -> None:
    """An ineligible phase gives « à vérifier » if the product was found by site, code or name."""
    assert check("phase", page_produit=typed).resultat == resultat
