"""A check answered on a dossier's page, confirmed there, and withdrawn."""

from __future__ import annotations

import re

from tests.console.served import USER, Visitor, words
from tests.console.test_actions import requests_of
from tests.engine.rig import Engine, number
from tests.engine.test_answers import checks, move, page_of, statuses

WHY = "Attestation du 12 février"


def seen(visitor: Visitor, rank: int, controle: str) -> str:
    """Return what the page's form says of a check that it shows."""
    page = visitor.get(f"/dossiers/{number(rank)}").text
    found = re.search(
        rf'name="controle" value="{controle}"><input [^>]*name="vu" value="(\w+)"', page
    )
    assert found
    return found[1]


def test_a_check_is_answered_confirmed_and_withdrawn(engine: Engine, visitor: Visitor) -> None:
    """With what the check itself found beside it; in the user's name, and journaled."""
    path = f"/dossiers/{number(1)}"
    fields = {"controle": "doublon", "resultat": "conforme", "motif": WHY}
    done = visitor.ask(f"{path}/repondre", **fields, vu=seen(visitor, 1, "doublon"))
    assert "réponse à un contrôle" in done
    assert "Fait" in done
    assert f"Verdict {number(1)} : À vérifier → Éligible ; doublon : à vérifier → conforme" in done
    page = words(visitor.get(path).text)
    assert f"Dossier {number(1)} Éligible" in page
    assert "Établi par une personne : doublon (ada, le 24/11/2026)." in page
    assert f"Établi par ada le 24/11/2026 ({WHY})." in page
    assert "Constat automatique, à vérifier : Même produit que le dossier" in page
    assert "Réponse à un contrôle doublon : conforme ; demandé par ada@poste" in page
    move(engine, 0, page_of(engine, 1))
    page = words(visitor.get(path).text)
    assert "Réponse à confirmer ou à retirer" in page
    assert "Établi par une personne" not in page
    visitor.ask(f"{path}/repondre", **fields, vu=seen(visitor, 1, "doublon"))
    assert ["remplacee", "valable"] == statuses(engine, 1)
    visitor.ask(f"{path}/repondre", controle="doublon", retirer="1")
    assert ["remplacee", "retiree"] == statuses(engine, 1)
    assert [("precontrole", USER, 0)] * 3 == requests_of(engine)
    assert WHY not in str(engine.rows("SELECT * FROM demande"))


def test_what_has_changed_since_it_was_shown_is_not_answered(
    engine: Engine, visitor: Visitor
) -> None:
    """Nor without a reason or a result, nor of a finished dossier, which has no form."""
    path = f"/dossiers/{number(1)}"
    fields = {"controle": "doublon", "resultat": "conforme", "motif": WHY}
    fields["vu"] = seen(visitor, 1, "doublon")
    move(engine, 0, page_of(engine, 1))
    said = visitor.post(f"{path}/repondre", **fields)
    assert "a changé entre-temps" in words(said.text)
    fields["vu"] = seen(visitor, 1, "doublon")
    assert "Il manque la raison" in visitor.post(f"{path}/repondre", **fields | {"motif": " "}).text
    assert "Choisissez « " in visitor.post(f"{path}/repondre", **fields | {"resultat": "x"}).text
    assert "pas ce contrôle" in visitor.post(f"{path}/repondre", **fields | {"controle": "y"}).text
    assert 404 == visitor.post("/dossiers/1/repondre", **fields).status_code
    finished = f"/dossiers/{number(5)}"
    assert "/repondre" not in visitor.get(finished).text
    assert "il garde son verdict" in visitor.post(f"{finished}/repondre", **fields).text
    assert [] == engine.rows("SELECT * FROM reponse")


def test_an_answer_names_the_product_of_a_dossier(engine: Engine, visitor: Visitor) -> None:
    """By its id, which the field finds by name; what no product has is said, with the nearest."""
    path = f"/dossiers/{number(6)}"
    page = visitor.get(path).text
    [(produit, nom), *_] = re.findall(r'<option value="([^"]+)">([^<]+)</option>', page)
    assert ['id="p-fiche_produit" name="produit" list="produits"'] == re.findall(
        r'id="p-\w+" name="produit" list="produits"', page
    )
    fields = {"controle": "fiche_produit", "resultat": "conforme", "motif": WHY}
    fields["vu"] = seen(visitor, 6, "fiche_produit")
    said = words(visitor.post(f"{path}/repondre", **fields, produit=f"{produit}z<").text)
    assert f"Aucun produit de beta.gouv.fr n’a, ni n’a eu, l’identifiant « {produit}z< »" in said
    assert f"Le plus proche : « {produit} » ({nom})" in said
    refused = fields | {"resultat": "non_conforme", "produit": produit}
    assert "ne se nomme qu’avec" in visitor.post(f"{path}/repondre", **refused).text
    wrong = fields | {"controle": "completude", "vu": seen(visitor, 6, "completude")}
    assert "ne se nomme qu’avec" in visitor.post(f"{path}/repondre", **wrong, produit=produit).text
    assert [] == engine.rows("SELECT * FROM reponse")
    visitor.ask(f"{path}/repondre", **fields, produit=f" {produit} ")
    page = words(visitor.get(path).text)
    assert f"Établi par ada le 24/11/2026 ({WHY}), pour le produit {produit}." in page
    assert "sans_objet" != checks(engine, 6)["phase"]["resultat"]
    [row] = engine.rows("SELECT produit FROM reponse")
    assert produit == row["produit"]
    # Blank: nobody named one.
    fields["vu"] = seen(visitor, 4, "fiche_produit")
    visitor.ask(f"/dossiers/{number(4)}/repondre", **fields, produit="")
    assert [None] == [
        row["produit"]
        for row in engine.rows("SELECT produit FROM reponse WHERE numero = :n", n=number(4))
    ]
