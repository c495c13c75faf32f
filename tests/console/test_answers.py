"""A check answered on a dossier's page, confirmed there, and withdrawn."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from dsync.errors import StoreError
from tests.console.served import USER, ServedConsole, Visitor, served, visiting, words
from tests.console.test_actions import requests_of
from tests.console.test_outages import signed
from tests.engine.rig import PAGE, Engine, number
from tests.engine.test_answers import answer, checks, move, page_of, statuses

WHY = "Attestation du 12 février"


def seen(visitor: Visitor, rank: int, controle: str) -> str:
    """Return what the page's form says of a check that it shows."""
    page = visitor.get(f"/dossiers/{number(rank)}/tout").text
    found = re.search(
        rf'name="controle" value="{controle}"><input [^>]*name="vu" value="(\w+)"', page
    )
    assert found
    return found[1]


def form(visitor: Visitor, rank: int, controle: str = "doublon", **more: str) -> dict[str, Any]:
    """Return what the page's form of a check sends."""
    fields = {"controle": controle, "resultat": "conforme", "motif": WHY}
    return fields | {"vu": seen(visitor, rank, controle)} | more


def test_a_check_is_answered_confirmed_and_withdrawn(engine: Engine, visitor: Visitor) -> None:
    """With what the check itself found beside it; in the user's name, and journaled."""
    path = f"/dossiers/{number(1)}"
    asked = visitor.post(f"{path}/repondre", **form(visitor, 1))
    done = words(visitor.followed(asked))
    assert "réponse à un contrôle" in done
    assert "rien n’était à inscrire" not in done
    assert "L’envoi à Démarches Simplifiées attend une synchronisation" in done
    assert "Fait" in done
    assert f"Avis {number(1)} : À vérifier → Éligible ; unicité : à vérifier → conforme" in done
    page = visitor.get(f"{path}/tout").text
    told = page.partition('<section id="controles"')[2].partition("</section")[0]
    # Who answered what stands in the reason, in words.
    for key in ("etabli", "exigence", "constat :", "auteur :"):
        assert key not in words(f"<main>{told}")
    page = words(page)
    assert re.search(rf"Éligible Dossiers .* Dossier {number(1)} ", page)
    assert "Établi par une personne : unicité (ada, le 24/11/2026)." in page
    assert f"Établi par ada le 24/11/2026 ({WHY})." in page
    assert "Constat automatique, à vérifier : Même produit que le dossier" in page
    assert "Réponse à un contrôle unicité : conforme ; demandé par ada@poste" in page
    move(engine, 0, page_of(engine, 1))
    sent = visitor.read(asked.url.removeprefix(visitor.base))
    assert re.search(r"Inscrit dans Démarches Simplifiées le 24/11/2026 \d\d:\d\d, ", sent)
    assert "annotations que le candidat ne voit pas." in sent
    page = visitor.read(f"{path}/tout")
    assert "Réponse à confirmer ou à retirer" in page
    assert "Établi par une personne" not in page
    again = visitor.ask(f"{path}/repondre", **form(visitor, 1, resultat="non_conforme"))
    assert "Contrôle suivant" not in again, "it is answered"
    assert ["remplacee", "valable"] == statuses(engine, 1)
    visitor.ask(f"{path}/repondre", controle="doublon", retirer="1")
    assert ["remplacee", "retiree"] == statuses(engine, 1)
    assert [("precontrole", USER, 0)] * 3 == requests_of(engine)
    assert WHY not in str(engine.rows("SELECT * FROM demande"))


def test_a_check_of_several_dossiers_is_answered_at_once(engine: Engine, visitor: Visitor) -> None:
    """Those that it asks nothing are left out by name; one that changed meanwhile, by the run."""
    page = "https://beta.gouv.fr/startups/zephyr-vallon.html"
    for rank in (0, 2, 3):
        engine.control.edit_champ(number(rank), PAGE, page)
    engine.sync_until_quiet()
    some = [str(number(rank)) for rank in (0, 2, 3, 5)]
    asked = visitor.post("/dossiers?etat=en_cours", quoi="repondre", dossier=some).text
    assert "Unicité : à régler dans 3 dossiers" in words(asked)
    sent = hidden(asked) | {"controle": "doublon", "resultat": "conforme"}
    assert "dites pourquoi" in visitor.send("/dossiers?etat=en_cours", **sent, motif=" ")
    confirmed = visitor.post("/dossiers?etat=en_cours", **sent, motif=WHY).text
    assert "Répondre « conforme » à « unicité » pour 3 dossiers ?" in words(confirmed)
    assert f"Laissés, car ce contrôle n’y demande rien : {number(5)}." in words(confirmed)
    assert all(f"{number(rank)}, " in words(confirmed) for rank in (0, 2, 3))
    assert [] == requests_of(engine)
    assert 200 == visitor.post("/dossiers", **hidden(confirmed) | {"vu": "x :"}).status_code
    answer(engine, 3, "doublon", "non_conforme", "un autre projet")
    done = visitor.ask("/dossiers?etat=en_cours", **hidden(confirmed))
    assert "Fait en partie" in done
    assert f"Dossier {number(3)} : la réponse n’est pas enregistrée" in done
    for rank in (0, 2):
        assert re.search(rf"{number(rank)} : [^→]+ ; unicité : à vérifier → conforme", done)
        assert ["valable"] == statuses(engine, rank)
    assert "Revenir à la liste" in done
    assert WHY not in str(engine.rows("SELECT * FROM demande"))


def hidden(page: str) -> dict[str, Any]:
    """Return the hidden fields of a page's main form."""
    form = page.partition("<main")[2].partition("<form")[2]
    return {
        n: html.unescape(v)
        for n, v in re.findall(r'name="(\w+)" value="([^"]*)"', form)
        if n not in ("resultat", "jeton", "demarche")
    } | dict(re.findall(r'type="hidden" name="(resultat)" value="([^"]*)"', form))


def test_what_a_person_found_non_conforming_waits_for_nobody(
    engine: Engine, visitor: Visitor
) -> None:
    """It leaves « À faire », and its page asks no more whether the check is conforming."""
    link, row = "/dossiers?resultat=a_regler", f'href="/dossiers/{number(1)}'
    [points] = engine.rows(f"SELECT points FROM verdict WHERE numero = {number(1)} AND courant")
    check = points["points"].strip("|").removesuffix(":a_verifier")
    for name in (link, f"{link}&controle={check}"):
        assert row in visitor.get(name).text
    answer(engine, 1, check, "non_conforme", "un autre projet")
    page = visitor.read(f"/dossiers/{number(1)}")
    assert "À faire : dire si" not in page
    assert "Rien ne reste à régler" in page
    for name in (link, f"{link}&controle={check}"):
        assert row not in visitor.get(name).text
    assert row in visitor.get("/dossiers?resultat=non_conforme").text
    assert [] == engine.worker.app.verify(remote=False).findings


def test_what_has_changed_since_it_was_shown_is_not_answered(
    engine: Engine, visitor: Visitor
) -> None:
    """Nor without a reason or a result, nor of a finished dossier, which has no form."""
    path = f"/dossiers/{number(1)}"
    fields = form(visitor, 1)
    move(engine, 0, page_of(engine, 1))
    said = visitor.post(f"{path}/repondre", **fields)
    assert "a changé entre-temps" in words(said.text)
    fields = form(visitor, 1)
    assert "Il manque la raison" in visitor.post(f"{path}/repondre", **fields | {"motif": " "}).text
    assert (
        "Choisissez «\u00a0" in visitor.post(f"{path}/repondre", **fields | {"resultat": "x"}).text
    )
    assert "pas ce contrôle" in visitor.post(f"{path}/repondre", **fields | {"controle": "y"}).text
    assert 404 == visitor.post("/dossiers/1/repondre", **fields).status_code
    finished = f"/dossiers/{number(5)}"
    assert "/repondre" not in visitor.get(f"{finished}/tout").text
    assert "il garde son avis" in visitor.post(f"{finished}/repondre", **fields).text
    assert [] == engine.rows("SELECT * FROM reponse")


def test_an_answer_names_the_product_of_a_dossier(engine: Engine, visitor: Visitor) -> None:
    """By its id, which the field finds by name; what no product has is said, with the nearest."""
    path = f"/dossiers/{number(6)}"
    page = visitor.get(path).text
    [(produit, nom), *_] = re.findall(r'<option value="([^"]+)">([^<]+)</option>', page)
    assert ['id="p-fiche_produit" name="produit" list="produits"'] == re.findall(
        r'id="p-\w+" name="produit" list="produits"', page
    )
    fields = form(visitor, 6, "fiche_produit")
    said = visitor.send(f"{path}/repondre", **fields, produit=f"{produit}z<")
    assert f"Aucun produit de beta.gouv.fr n’a, ni n’a eu, l’identifiant « {produit}z< »" in said
    assert f"Le plus proche : « {produit} » ({nom})" in said
    refused = fields | {"resultat": "non_conforme", "produit": produit}
    assert "ne se nomme qu’avec" in visitor.post(f"{path}/repondre", **refused).text
    assert [] == engine.rows("SELECT * FROM reponse")
    visitor.ask(f"{path}/repondre", **fields, produit=f" {produit} ")
    page = visitor.read(path)
    assert f"Établi par ada le 24/11/2026 ({WHY}), pour le produit {produit}." in page
    assert "sans_objet" != checks(engine, 6)["phase"]["resultat"]
    [row] = engine.rows("SELECT produit FROM reponse")
    assert produit == row["produit"]
    # Also where the check is well, and so names another product than is meant.
    fields = form(visitor, 1, "fiche_produit", produit=produit)
    visitor.ask(f"/dossiers/{number(1)}/repondre", **fields)
    assert produit == engine.one("lecture_candidature", 1)["produit_id"]
    # Blank: nobody named one.
    fields = form(visitor, 4, "fiche_produit", produit="")
    visitor.ask(f"/dossiers/{number(4)}/repondre", **fields)
    assert [None] == [one["produit"] for one in engine.rows("SELECT * FROM reponse")[2:]]


def typed(page: str, controle: str) -> tuple[str, str]:
    """Return the result and the reason that the page's form of a check comes back with."""
    [form] = re.findall(rf'name="controle" value="{controle}">.*?</form>', page, re.S)[:1]
    checked = re.findall(r'value="(\w+)" required checked', form)
    [text] = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", form)
    return "".join(checked), text


def test_a_refused_answer_comes_back_with_its_text(engine: Engine, visitor: Visitor) -> None:
    """Whatever is wrong with it; on a page that has one form open."""
    path = f"/dossiers/{number(1)}"
    stale = form(visitor, 1, vu="0" * 16)
    long = form(visitor, 1, motif="x" * 501)
    for given in (stale, long, {**stale, "resultat": ""}):
        answer = visitor.post(f"{path}/repondre", **given)
        assert (200, (given["resultat"], given["motif"])) == (
            answer.status_code,
            typed(answer.text, "doublon"),
        )
        assert "Votre réponse n’est pas enregistrée" in words(answer.text)
    for given in ({**stale, "controle": "y"}, stale):
        where = path if given["controle"] == "y" else f"/dossiers/{number(5)}"
        assert WHY in visitor.send(f"{where}/repondre", **given)
    assert [] == engine.rows("SELECT * FROM reponse")


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_colleague_who_answered_first_is_named_with_the_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Whether it is known when the form comes, or when its request is executed."""
    app, colleague = engine.another().app, "jean.martin@dinum.example.fr"
    path, execute = f"/dossiers/{number(1)}", app.sync

    def answer_first() -> None:
        report = answer(engine, 1, "doublon", "conforme", "Vu avec lui", by=colleague)
        assert 0 == report.exit_code, report.errors

    def execute_later(request: Any, **options: Any) -> Any:
        answer_first()
        return execute(request, **options)

    with served(engine, [app]) as console:
        visitor = console.visitor()
        fields = form(visitor, 1, resultat="non_conforme")
        if when == "before":
            answer_first()
            page = visitor.post(f"{path}/repondre", **fields).text
        else:
            monkeypatch.setattr(app, "sync", execute_later)
            failed = visitor.followed(visitor.post(f"{path}/repondre", **fields))
            [back] = re.findall(rf'href="({path}[^"]*reprise=[^"]*)"', failed)
            page = visitor.get(back).text
            assert WHY not in console.visitor().read(path)
    assert "J. Martin a répondu à ce contrôle le" in words(page)
    assert "conforme (Vu avec lui)" in words(page)
    assert ("non_conforme", WHY) == typed(page, "doublon")


def test_the_text_of_an_answer_is_on_the_page_that_refuses_it(
    engine: Engine, console: ServedConsole
) -> None:
    """Where the session is over, or the site fails: it can be copied, and is nowhere kept."""
    visitor, path = console.visitor(), f"/dossiers/{number(1)}"
    fields = form(visitor, 1)
    over = {"qui": USER, "jeton": visitor.token, "fin": 1}
    for cookie in (signed(over), ""):
        visitor.session.cookies.clear()
        visitor.session.cookies.set("dsync_console", cookie, domain="127.0.0.1", path="/")
        refused = visitor.session.post(
            f"{console.base}{path}/repondre",
            data={"jeton": visitor.token, **fields},
            headers={"Origin": console.base},
        )
        assert (403, True) == (refused.status_code, WHY in words(refused.text))
        visitor.get(console.links[-1].removeprefix(console.base))
        assert WHY not in visitor.get(path).text
    other = engine.another()
    with visiting(engine, [other.app]) as visitor:
        fields = form(visitor, 1)
        for error in (StoreError("The disk is full."), RuntimeError()):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            other.store.around["reading"] = fail
            failed = visitor.post(f"{path}/repondre", **fields)
            del other.store.around["reading"]
            assert failed.status_code in (500, 503)
            assert WHY in failed.text
    assert [] == engine.rows("SELECT * FROM reponse")
