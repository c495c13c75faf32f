"""`fiche_produit`: all situations of the specification."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from dsync.domain.check_answers import DEMANDE
from dsync.domain.verdict import Verdict
from dsync.domain.wording import french_date
from dsync.eig.candidature import Voeu
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.evidence import PublicEvidence, stored_product
from tests.unit.eig.precheck.builders import (
    EVIDENCE,
    FETCHED_AT,
    RULES,
    CurrentVerdict,
    a_just,
    candidature,
    check,
    judge_if_needed,
    judged,
    product,
    published,
    startups_json,
)

PAGE = "https://beta.gouv.fr/startups"
PRODUCT = {"docs": product("Docs", [])}


def of_incubator(products: Any, id_: str, title: str, owner: str = "") -> Catalogue:
    """Return a catalogue whose first product is of an incubator."""
    document = json.loads(startups_json(products))
    document["data"][0]["relationships"] = {"incubator": {"data": {"id": id_}}}
    document["included"] = [{"id": id_, "attributes": {"title": title, "owner": owner}}]
    return Catalogue.parse(json.dumps(document), "{}")


@pytest.mark.parametrize(
    ("typed", "resultat", "said"),
    [
        (f"{PAGE}/a-just.html", "conforme", f"Fiche produit « A-JUST », {PAGE}/a-just.html"),
        (f"{PAGE}/ajust.html", "conforme", "vers laquelle est redirigée la page « ajust »"),
        (f"{PAGE}/e-insp%C3%A9", "conforme", f"{PAGE}/e-insp%C3%A9.html"),
        ("https://a-just.beta.gouv.fr/", "a_verifier", "Adresse du site du produit « A-JUST »"),
        ("https://github.com/betagouv/a-just", "a_verifier",
         "Adresse du code source du produit « A-JUST »"),
        ("A-JUST", "a_verifier", "Réponse « A-JUST », sans adresse de fiche"),
        ("https://www.example.org/p", "a_verifier",
         "dont l’adresse n’est ni celle d’une fiche, ni attribuée à un produit"),
        ("https://x.beta.gouv.fr", "a_verifier",
         "dont l’adresse n’est ni celle d’une fiche, ni attribuée à un produit"),
        (f"{PAGE}/partage", "a_verifier", "plusieurs produits, « "),
        (f"{PAGE}/DOUBLE", "a_verifier",
         "« Premier double » (Double) et « Second double » (double)"),
        ("Service jumeau", "a_verifier", "« Service jumeau » (jumeau-1)"),
        ("https://beta.gouv.fr/incubateurs/dinum.html", "a_verifier",
         "n’est pas celle d’une fiche produit"),
        (f"{PAGE}/a-just {PAGE}/docs", "a_verifier",
         "qui désigne plusieurs pages ou produits, « A-JUST » et « Docs »"),
        ("Nous suivons Collectif Objets ici", "a_verifier", "évoque « Collectif Objets »"),
        (f"{PAGE}/domiffa.html", "a_verifier", "Page « domiffa », absente"),
        ("domiffa", "a_verifier", "Réponse « domiffa », absente"),
        (f"{PAGE}/domiffa.html", "a_verifier", ", mais d’orthographe proche de « DomiFa »"),
        (f"{PAGE}/1pj.html", "a_verifier", ", mais où se lit le sigle de « 1000 premiers jours »"),
        ("Le 1PJ de la DGCS", "a_verifier", ", mais où se lit le sigle de « 1000 premiers jours »"),
        (f"{PAGE}/tres-ancyen.html", "a_verifier",
         ", mais proche d’une ancienne adresse de « A-JUST »"),
        (None, "non_conforme", "La question « page produit » est sans réponse."),
        ("à venir", "a_verifier", "où ne se reconnaît aucun produit du catalogue"),
        ("aucune fiche pour le moment", "a_verifier", "où ne se reconnaît aucun produit"),
        ("Aucune.", "non_conforme", "Absence de fiche déclarée par le candidat, « Aucune. »"),
        ("NÉANT", "non_conforme", "Absence de fiche déclarée par le candidat"),
        ("pas de fiche", "non_conforme", "Absence de fiche déclarée par le candidat"),
        ("Sans objet", "non_conforme", "Absence de fiche déclarée par le candidat"),
        ("N/A", "non_conforme", "Absence de fiche déclarée par le candidat"),
        (f"{PAGE}/inconnue.html", "non_conforme", "(« inconnue ») ne correspond à aucune fiche"),
        (f"{PAGE}/inconnue en cours", "a_verifier", "la réponse contient aussi « en cours »"),
        (f"{PAGE}/a-just.html pas encore", "a_verifier", "contient aussi « pas encore »"),
        ("https://beta.gouv.fr/produits/a-just", "a_verifier",
         "l’identifiant du produit « A-JUST », mais pas l’adresse de sa fiche"),
    ],
)  # fmt: skip
def test_each_row_of_the_specification(typed: str | None, resultat: str, said: str) -> None:
    answer = check("fiche_produit", page_produit=typed)
    assert answer.resultat == resultat
    assert said in answer.motif


@pytest.mark.parametrize("typed", [None, "Néant", "à venir"])
@pytest.mark.parametrize(
    ("given", "said", "asked"),
    [
        ({"incubateur": f"{PAGE}/a-just.html"}, f"« {PAGE}/a-just.html » figure dans la réponse à "
         "« incubateur »", "s’il s’agit de « A-JUST »"),
        ({"probleme": f"Voir {PAGE}/ajust, notre fiche"}, "à « Problème identifié »", "« A-JUST »"),
        ({"entite": "DINUM (https://a-just.beta.gouv.fr)"}, "« https://a-just.beta.gouv.fr » ",
         "« A-JUST »"),
        ({"extra": {"notes": f"{PAGE}/a-just.html"}}, "à « notes »", "« A-JUST »"),
        ({"voeux": (Voeu(1, "Directeur", f"Sur {PAGE}/docs.html"),)}, "« Profils souhaités »",
         "« Docs »"),
        ({"probleme": f"{PAGE}/docs.html", "entite": f"{PAGE}/a-just.html"},
         "« Problème identifié » et « Entité opérationnelle »", "« A-JUST » ("),
        ({"probleme": f"{PAGE}/qzxwvk-hjkqw.html"}, "/qzxwvk-hjkqw.html » figure",
         "l’adresse actuelle de la fiche"),
    ],
)  # fmt: skip
def test_an_address_in_another_answer_is_an_address_in_the_dossier(
    typed: str | None, given: dict[str, Any], said: str, asked: str
) -> None:
    """Without an answer about the page, the sentence says where it stands; it decides nothing."""
    answer = check("fiche_produit", page_produit=typed, **given)
    assert "a_verifier" == answer.resultat
    begin = f"a pour réponse « {typed} »" if typed else "est sans réponse"
    assert answer.motif.startswith(f"La question « page produit » {begin}, mais « http")
    assert said in answer.motif
    assert asked in answer.motif
    # Without a catalogue it is an address all the same.
    none = PublicEvidence(None)
    away = check("fiche_produit", page_produit=typed, with_evidence=none, **given)
    assert away.resultat != "conforme"


def test_products_that_are_close_in_several_ways_are_told_so() -> None:
    """One by its letters, one by its acronym; a beginning of the folder is close to none."""
    known = {"ami": product("AMI", []), "agents.en.intervention": product("Agents", []),
             "stargate": product("Stargate", [])}  # fmt: skip
    near = check("fiche_produit", page_produit=f"{PAGE}/aei", products=known)
    assert (
        ", mais proche, par l’orthographe, un sigle ou une ancienne adresse, de « A" in near.motif
    )
    assert near.preuve[DEMANDE]
    cut = check("fiche_produit", page_produit="https://beta.gouv.fr/star", products=known)
    assert ("a_verifier", False) == (cut.resultat, "Stargate" in cut.motif)


def test_an_answer_that_names_a_product_is_the_only_one_that_counts() -> None:
    for typed in ("A-JUST", "https://www.example.org/p", f"{PAGE}/autre-chose.html"):
        given = {"incubateur": f"{PAGE}/docs.html", "page_produit": typed}
        assert "docs" not in check("fiche_produit", **given).motif
    # Neither a name nor a site that is nobody's is an address.
    given = {"probleme": "Docs, voir https://www.example.org", "page_produit": None}
    assert "non_conforme" == check("fiche_produit", **given).resultat


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
    redirects: str | None, resultat: str
) -> None:
    answer = check(
        "fiche_produit", page_produit=f"{PAGE}/ancienne.html", products=PRODUCT, redirects=redirects
    )
    assert answer.resultat == resultat


@pytest.mark.parametrize(
    ("phases", "resultat"),
    [
        ([("investigation", "2024-05-20")], "conforme"),
        ([("investigation", "2024-05-21")], "a_verifier"),
        ([("construction", "2025-01-01"), ("investigation", "2024-06-27")], "a_verifier"),
        ([("construction", "2024-06-27"), ("investigation", "")], "conforme"),
        ([], "conforme"),
    ],
)
def test_a_page_of_after_the_deposit_is_at_best_a_verifier(
    phases: list[tuple[str, str]], resultat: str
) -> None:
    """The sentence says when its first phase begins, perhaps after the catalogue was read."""
    answer = check("fiche_produit", products=a_just(phases))
    assert resultat == answer.resultat
    if resultat == "a_verifier":
        debut = french_date(date.fromisoformat(min(start for _, start in phases)))
        assert f"première phase (« investigation ») commence le {debut}, après le" in answer.motif
        assert "n’existe" not in answer.motif
        assert "après le dépôt du 20/05/2024" in answer.motif


def test_a_page_that_a_catalogue_of_after_the_deposit_lacked_came_later() -> None:
    """Whatever phases it gives itself; the next verdicts remember it."""
    dossier = candidature()
    phases = [("investigation", "2021-02-01"), ("construction", "2021-09-01")]
    without, with_it = {"autre": product("Autre")}, a_just(phases)
    found = [
        PublicEvidence(published(products), FETCHED_AT + timedelta(days=day))
        for day, products in ((0, without), (9, with_it), (10, with_it))
    ]
    first = judged(dossier, found[0])
    assert Verdict.INELIGIBLE is first.verdict
    verdict, frozen = first, None
    for evidence in found[1:]:
        current = CurrentVerdict(True, verdict, frozen)
        again = judge_if_needed(dossier, evidence, current=current)
        assert again is not None
        page = next(c for c in again.controles if c.controle == "fiche_produit")
        assert (Verdict.A_VERIFIER, None) == (again.verdict, again.remarque)
        assert "absente du catalogue lu le 21/05/2024, après le dépôt du 20/05/2024" in page.motif
        verdict, frozen = again, stored_product(again.preuve)
    # A catalogue fetched before the deposit proves nothing.
    later = dossier.with_changes(depose_le=FETCHED_AT + timedelta(days=1))
    current = CurrentVerdict(True, judged(later, found[0]), None)
    again = judge_if_needed(later, found[1], current=current)
    assert again is not None
    assert "conforme" == next(c for c in again.controles if c.controle == "fiche_produit").resultat


@pytest.mark.parametrize(
    ("declared", "id_", "title", "owner", "is_own"),
    [
        ("Ministère de l’Intérieur", "FabNum-MI",
         "La Fabrique Numérique du Ministère de l'Intérieur", "", True),
        ("Ministère de l’Intérieur", "nouveau", "Incubateur du ministère de l’Intérieur", "", True),
        ("FabNum-MI", "FabNum-MI", "La Fabrique Numérique", "", True),
        ("DINUM", "dinum", "Le département Accompagnement de services de la DINUM", "", True),
        ("DINUM", "dinum_produits_interministeriels", "Opérateur de produits", "", True),
        ("DINUM", "opi", "Opérateur de produits", "/organisations/dinum", True),
        ("ANCT", "x", "L'Incubateur des Territoires (ANCT)", "", True),
        ("Incubateur des territoires", "x", "L'Incubateur des Territoires (ANCT)", "", True),
        ("Ministère de la Justice", "x", "L'Incubateur de la Justice", "", True),
        ("Ministère de la Culture", "x", "L'Atelier Numérique du Ministère de la Culture", "",
         True),
        ("Ministère des Armées", "kube", "Le KUBE, incubateur du ministère des Armées", "", True),
        ("Incubateur de l’Éducation nationale", "MEN", "L'incubateur de l'Éducation nationale ",
         "", True),
        ("Fabrique numérique", "FabNum-MI", "La Fabrique Numérique du Ministère de l'Intérieur",
         "", False),
        ("Ministère de la Justice", "x", "L'Incubateur des Services", "/organisations/mj", False),
        ("Territoires", "x", "L'Incubateur des Territoires (ANCT)", "", False),
        ("", "x", "", "", False),
    ],
)  # fmt: skip
def test_an_incubator_is_known_by_what_the_catalogue_says_of_it(
    declared: str, id_: str, title: str, owner: str, is_own: bool
) -> None:
    """Its id, title, usual short form and ministry, without a line of configuration."""
    found = of_incubator(PRODUCT, id_, title, owner).products["docs"]
    assert is_own is RULES.pages.is_incubator(declared, found)


def test_the_evidence_names_its_source_and_date() -> None:
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
    "typed",
    [None, "à venir", "néant", f"{PAGE}/inconnue", f"{PAGE}/a-just {PAGE}/docs", "Service jumeau"],
)
def test_checks_that_hang_on_the_product_are_sans_objet(name: str, typed: str | None) -> None:
    assert check(name, page_produit=typed).resultat == "sans_objet"


def test_without_catalogue_nothing_can_be_judged() -> None:
    """Whatever is typed."""
    none = PublicEvidence(None)
    expected = {"phase": "impossible", "cas_octroi": "impossible", "doublon": "sans_objet"}
    assert expected == {name: check(name, with_evidence=none).resultat for name in expected}
    for typed in (f"{PAGE}/a-just.html", f"{PAGE}/inconnue", "à venir", "https://www.example.org"):
        answer = check("fiche_produit", page_produit=typed, with_evidence=none)
        assert "impossible" == answer.resultat


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
def test_a_product_known_without_its_page_is_never_excluded(typed: str, resultat: str) -> None:
    """An ineligible phase gives « à vérifier » if the product was found by site, code or name."""
    assert check("phase", page_produit=typed).resultat == resultat


def test_an_unknown_page_read_late_excludes_nobody() -> None:
    """The page may have been there; what the applicant states of it still counts."""
    late = PublicEvidence(EVIDENCE.catalogue, FETCHED_AT + timedelta(days=4))
    given = {"page_produit": f"{PAGE}/inconnue.html", "with_evidence": late}
    answer = check("fiche_produit", **given)
    assert "a_verifier" == answer.resultat
    assert "plus de 3 jours après le dépôt" in answer.motif
    for stated in ("", "néant"):
        answer = check("fiche_produit", **given | {"page_produit": stated})
        assert "non_conforme" == answer.resultat


@pytest.mark.parametrize(
    ("typed", "moyen"),
    [
        ("https://beta.gouv.fr/start-ups/x.html", "son identifiant"),
        ("Le produit Mon Service", "son nom"),
        ("https://monservice.fr/", "l’adresse de son site"),
        ("git@github.com:mon/service.git", "l’adresse de son code source"),
    ],
)
@pytest.mark.parametrize(
    ("declared", "resultat"),
    [
        ("dinum", "conforme"),
        ("L’incubateur des services (DINUM)", "conforme"),
        ("ANCT", "a_verifier"),
        (None, "a_verifier"),
    ],
)
def test_the_declared_incubator_confirms_a_weak_identification(
    typed: str, moyen: str, declared: str | None, resultat: str
) -> None:
    """By its id, its title or its short form; with other words it confirms nothing."""
    links = {"link": "https://monservice.fr", "repository": "https://github.com/mon/service"}
    products = {"x": product("Mon service", [], **links)}
    catalogue = of_incubator(products, "dinum", "L'Incubateur des Services (DINUM)")
    found = PublicEvidence(catalogue, FETCHED_AT)
    answer = check("fiche_produit", page_produit=typed, incubateur=declared, with_evidence=found)
    assert resultat == answer.resultat
    assert resultat != "conforme" or f"désignée par {moyen} et par l’incubateur" in answer.motif
    # What was compared is in the evidence, also if it confirms nothing.
    assert declared in (answer.preuve.get("incubateur"), answer.preuve.get("incubateur_declare"))
    more = check(
        "fiche_produit", page_produit=f"{typed} bientôt", incubateur=declared, with_evidence=found
    )
    assert "a_verifier" == more.resultat
