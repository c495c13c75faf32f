"""The page of a dossier: what stands first, its anchors, its files, and who did what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsync.console.access import Role
from dsync.sandbox.model import FileSeed
from dsync.wiring import Worker
from tests.console.served import USER, Visitor, served, visiting, words
from tests.console.test_jury import ADA, BOB, grade, ungraded
from tests.engine.rig import FIRST, LETTRE, PAGE, PROBLEME, RESULTAT, Engine, number, seeds

LETTER = FileSeed("Lettre de Mme <Témoin>.html", "text/html", b"<script>alert(1)</script>")
HERE = f"/dossiers/{FIRST}"
WHOLE = f"{HERE}/tout"


def test_a_page_begins_with_what_the_dossier_is_and_waits_for(engine: Engine) -> None:
    """Who, state, whom it waits for and since when, the verdict and why in one sentence."""
    engine.control.edit_champ(number(0), PAGE, None)
    engine.sync_later()
    with served(engine) as console:
        page = console.visitor().get(HERE).text
    head = words("<main>" + page.partition('<div id="tete">')[2].partition("<nav")[0])
    found = engine.one("lecture_dossier", 0)
    assert found["raison_sociale"] in head
    assert re.search(r"En \w+ depuis le \d\d/\d\d/2024 Déposé le \d\d/\d\d/2024", head)
    assert re.search(r"À qui d’agir : L’équipe depuis le \d\d/\d\d/2024", head)
    assert "Inéligible reste à régler : fiche produit" in head
    todo = words("<main>" + page.partition('id="a-faire"')[2].partition("</section>")[0])
    assert "À faire : dire si « fiche produit » est conforme" in todo
    assert "La question « Page produit sur beta.gouv.fr » est sans réponse" in todo


def test_each_part_has_its_address_and_all_are_printed_together(reader: Visitor) -> None:
    """Each tab shows its part alone; each action stands once; an unknown part is not found."""
    page = reader.get(HERE).text
    tabs = re.findall(r'href="([^"]+)"', page.partition('class="onglets')[2].partition("</nav>")[0])
    assert len(tabs) >= 5
    parts = [re.findall(r'<section id="([\w-]+)"', reader.get(tab).text) for tab in tabs]
    whole = reader.get(WHOLE).text
    assert [one for some in parts for one in some] == re.findall(r'<section id="([\w-]+)"', whole)
    for action in ("Relire", "Renvoyer", "Rejuger", "Effacer de la copie…"):
        assert 1 == page.count(f">{action}</button>")
    ids = re.findall(r' id="([^"]+)"', whole)
    assert len(ids) == len(set(ids))
    assert 404 == reader.get(f"{HERE}/rien").status_code


def test_a_dossier_that_is_not_as_others_says_so_first(engine: Engine) -> None:
    """In the trash, in quarantine, erased here: before anything else, and since when."""
    engine.control.hide(number(0), by="administration")
    engine.control.faults.return_null(number(1), champs_only=True)
    engine.sync_later(full=True)
    with visiting(engine) as visitor:
        first = [
            visitor.read(f"/dossiers/{number(rank)}")
            .partition(f"Dossier {number(rank)} ")[2]
            .partition("onglets")[0]
            for rank in (0, 1)
        ]
        visitor.ask(f"/dossiers/{number(2)}/effacer", confirme="1")
        erased = visitor.read(f"/dossiers/{number(2)}")
    assert re.search(r"à la corbeille de Démarches Simplifiées depuis le \d\d/\d\d/2026", first[0])
    assert re.search(r"en quarantaine depuis le \d\d/\d\d/2026", first[1])
    assert re.search(r"a été effacé ici le \d\d/\d\d/2026", erased)
    assert "Relire" not in erased


def test_what_contradicts_is_said_first_on_every_part(engine: Engine) -> None:
    """What a person wrote beside dsync's value, a decision against the verdict or the stage."""
    engine.control.edit_annotation(number(0), RESULTAT, "Écrit <à> la main")
    engine.sync_later(full=True)
    engine.execute(
        f"UPDATE verdict SET verdict = 'Inéligible' WHERE courant AND numero = {number(5)}"
    )
    with visiting(engine) as visitor:
        for part in ("", "/reponses", "/journal"):
            head = visitor.read(f"{HERE}{part}").partition("Actions")[0]
            assert "une personne a écrit « Écrit <à> la main », dsync trouve « Éligible »" in head
            assert 1 == head.count("une personne a écrit")
        closed = visitor.read(f"/dossiers/{number(5)}")
    assert "Accepté, alors que l’avis est « Inéligible »." in closed.partition("Actions")[0]
    head = closed.partition("Contrôles")[0]
    said = r"Accepté le \d\d/\d\d/\d{4} ?(: « .+ »|, sans motivation écrite\.) Rien"
    assert re.search(said, head)
    assert "Rien n’y est à régler. Le rouvrir : un instructeur, dans Démarches Sim" in head
    assert "reste à régler" not in closed
    assert "Lettre" not in closed
    with visiting(engine, role=Role.LECTEUR) as visitor:
        assert "à> la main" not in visitor.read(HERE)
        closed = visitor.read(f"/dossiers/{number(5)}")
    assert "La motivation est réservée à l’équipe. Rien n’y est à régler." in closed


def test_what_the_candidate_answered_is_said_first_on_every_part(engine: Engine) -> None:
    """Their last message, or that they changed their dossier, until somebody writes back."""
    engine.control.send_message(number(0))
    engine.control.send_message(number(0), "usager", "Voici la pièce demandée.")
    engine.control.send_message(number(1))
    engine.advance(minutes=5)
    engine.control.edit_champ(number(1), PROBLEME, "Un autre problème")
    engine.sync_later()
    with visiting(engine) as visitor:
        listed = re.findall(r'"(/dossiers/\d+)\?', visitor.get("/dossiers?repondu=oui").text)
        assert {f"/dossiers/{number(rank)}" for rank in (0, 1)} <= {*listed}
        for part in ("", "/reponses"):
            assert " : « Voici la pièce demandée. » Lire" in visitor.read(f"{HERE}{part}")
            page = visitor.read(f"/dossiers/{number(1)}{part}")
            assert "Le candidat a modifié son dossier le" in page
        assert "Voici la pièce demandée." in visitor.read(f"{HERE}/messages")
        page = visitor.read("/dossiers?repondu=oui")
        assert re.search(r"A écrit le \S+ \S+ : « Voici la pièce demandée. »", page)
        assert "A modifié son dossier le" in page
        engine.advance(minutes=5)
        engine.control.send_message(number(0))
        engine.sync_later()
        assert "Le candidat a écrit" not in visitor.read(HERE)
    with served(engine, role=Role.LECTEUR) as console:
        assert "Le candidat a" not in console.visitor().read(f"/dossiers/{number(1)}")


def test_an_answer_that_needs_none_is_set_aside_until_the_next_one(engine: Engine) -> None:
    """Under one's name, also on a closed dossier; no full read brings it back."""
    closed = number(5)
    engine.control.send_message(closed, "usager", "Merci !")
    engine.sync_later()
    link = f"/dossiers?repondu=oui&numeros={closed}"
    with visiting(engine) as visitor:
        page = visitor.read(link)
        assert re.search(r"Clos A écrit le \S+ \S+ : « Merci ! »", page), page
        given = aside(visitor, link, closed)
        assert "Fait" in visitor.ask(link, **given, confirme="1")
        engine.sync_later(full=True)
        assert "Aucun dossier" in visitor.read(link)
        messages = visitor.read(f"/dossiers/{closed}/messages")
        assert f"{USER} Lu jusqu’ici : rien n’est à y répondre." in messages
        assert "réponse lue, sans réponse à y faire" in visitor.read("/journal")
        engine.advance(minutes=5)
        engine.control.send_message(closed, "usager", "Et la pièce ?")
        engine.sync_later()
        assert "« Et la pièce ? »" in visitor.read(link)
    assert [] == engine.worker.app.verify(remote=False).findings


def test_what_comes_before_it_is_set_aside_is_not_set_aside(engine: Engine) -> None:
    """What the person was shown is closed, not what the copy learnt before they confirmed."""
    engine.control.send_message(number(0), "usager", "Merci !")
    engine.sync_later()
    link = f"/dossiers?repondu=oui&numeros={number(0)}"
    with visiting(engine) as visitor:
        given = aside(visitor, link, number(0))
        engine.advance(minutes=5)
        engine.control.send_message(number(0), "usager", "Et la pièce ?")
        engine.sync_later()
        engine.advance(minutes=5)
        assert "Fait" in visitor.ask(link, **given, confirme="1")
        assert "« Et la pièce ? »" in visitor.read(link)
        assert (
            400 == visitor.post(link, **given | {"vu": f"{number(0)}/x"}, confirme="1").status_code
        )


def aside(visitor: Visitor, link: str, dossier: int) -> dict[str, Any]:
    """Return the fields of the question before a dossier's last message is set aside."""
    asked = visitor.post(link, quoi="lu", dossier=dossier).text
    assert "le dossier quitte « À faire »" in words(asked)
    [vu] = re.findall(r'name="vu" value="([^"]+)"', asked)
    return {"quoi": "lu", "dossier": dossier, "vu": vu}


def test_a_page_says_who_did_what(engine: Engine) -> None:
    """A request with its author, an answer, a decision in DS, events; the last one first."""
    with visiting(engine) as visitor:
        visitor.ask(f"{HERE}/relire")
        journal = visitor.get(WHOLE).text.partition('<section id="journal"')[2]
        decided = visitor.get(f"/dossiers/{number(5)}/tout").text.partition(
            '<section id="journal"'
        )[2]
    assert re.search("Lecture de dossiers – ada@poste", words(journal))
    assert words(journal).rstrip(" ").find("Première lecture") > words(journal).find("ada@poste")
    assert re.search(r"Accepté dans Démarches Simplifiées – \S+@\S+", words(decided))


@pytest.fixture
def with_file(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Engine, Worker]]:
    """A dossier with a file that is copied, and a worker that keeps copies."""
    shutil.copy(sqlite_template, tmp_path / "dsync.db")
    [one] = seeds((0,))
    one.champs[LETTRE] = [LETTER]
    copying = {"pieces": {"target": f"file://{tmp_path}/pieces"}}
    with Engine(f"sqlite:///{tmp_path}/dsync.db", [one]) as engine:
        engine.restart(configuration=copying)
        engine.sync(pieces=True)
        yield engine, engine.another(configuration=copying).app


def test_a_copied_file_is_sent_as_what_it_is_and_never_shown(
    with_file: tuple[Engine, Worker], tmp_path: Path
) -> None:
    """As a download without a type, under its name; not to a lecteur, nor once it is another."""
    engine, app = with_file
    with visiting(engine, [app]) as visitor:
        page = visitor.get(WHOLE).text
        [link] = re.findall(r'href="([^"]+/pieces/[^"]+)" download', page)
        answer = visitor.get(link)
        [copy] = (tmp_path / "pieces").rglob("*.html")
        copy.write_bytes(LETTER.content + b" ")
        refused = visitor.get(link)
        copy.unlink()
        missing = visitor.get(link)
    assert "Lettre de soutien" in page
    assert "Copie vérifiée" in page
    assert LETTER.content == answer.content
    assert "application/octet-stream" == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert "%3CT%C3%A9moin%3E.html" in answer.headers["content-disposition"]
    for gone in (refused, missing):
        assert 404 == gone.status_code
        assert "l’équipe technique peut la refaire" in words(gone.text)
    with visiting(engine, [app], role=Role.LECTEUR) as visitor:
        assert 403 == visitor.get(link).status_code
        seen = visitor.get(WHOLE).text
    assert "Témoin" not in seen
    assert "/pieces/" not in seen


def test_an_erasure_says_before_what_hangs_on_the_dossier(engine: Engine) -> None:
    """Jury, rank and grids, what was asked, backups, what to do instead; opened again, too."""
    [rank] = ungraded(engine, 1)
    grade(engine, rank, ("Dossier", ADA, 4), ("Dossier", BOB, 5))
    engine.control.send_message(number(rank))
    engine.sync_later()
    with visiting(engine) as visitor:
        for read in (visitor.send, visitor.read):
            asked = read(f"/dossiers/{number(rank)}/effacer")
            assert "Effacer le dossier" in asked
            for said in (
                "Il est au jury du 04/03/2031 (rang 1, 2 grilles) : il en sort, et les rangs",
                "L’équipe lui a demandé quelque chose le",
                "Les sauvegardes le gardent jusqu’à leur propre fin.",
                "Le limiter sans l’effacer : classé sans suite dans Démarches Simplifiées",
                "Refuser la demande : annulez ici",
            ):
                assert said in asked
        refused = visitor.get(f"/dossiers/{number(rank)}/repondre")
    assert [303] == [one.status_code for one in refused.history]
    assert f"{visitor.base}/dossiers/{number(rank)}" == refused.url


def test_two_dossiers_of_one_product_are_compared(engine: Engine) -> None:
    """From the check that names the other: what differs is marked, what is the same stands once.

    Which one stays is said, and answered there; pieces by name and size; marks for who sees them.
    """
    page = "https://beta.gouv.fr/startups/zephyr-vallon.html"
    for rank, word in ((0, "papier"), (2, "<b>web</b>")):
        engine.control.edit_champ(number(rank), PAGE, page)
        engine.control.edit_champ(number(rank), PROBLEME, f"Trop de formulaires {word}.")
    engine.control.edit_champ(number(2), LETTRE, [LETTER])
    grade(engine, 2, ("Dossier", ADA, 4))
    engine.sync_until_quiet()
    address = f"/dossiers/{number(0)}/comparer/{number(2)}"
    with visiting(engine) as visitor:
        assert f'href="{address}"' in visitor.get(HERE).text
        shown = visitor.get(address).text
        whole = visitor.get(f"{address}?voir=tout").text
        three = visitor.get(f"{address}?dossier={number(1)}").text
        kept = f"Garder le dossier {number(0)}"
        assert kept in words(shown)
        seen = re.findall(r'name="vu" value="(\w+)"', shown)
        given = {"controle": "doublon", "resultat": "non_conforme", "vu": seen, "motif": "Le même."}
        visitor.ask(f"/dossiers/{number(2)}/repondre", **given)
        assert kept not in visitor.read(address)
        for other in (number(0), number(0) + 999, "rien"):
            missing = visitor.get(f"/dossiers/{number(0)}/comparer/{other}")
            assert 404 == missing.status_code, other
    with served(engine, role=Role.LECTEUR) as console:
        masked = console.visitor().get(address).text
    assert "Trop de formulaires <mark>papier.</mark>" in shown
    assert "Trop de formulaires <mark>&lt;b&gt;web&lt;/b&gt;.</mark>" in shown
    assert [0, 1] == [one.partition("<table")[2].count(page) for one in (shown, whole)]
    assert re.search(r"Problème avéré .{,120}ada : 4 ", words(shown))
    assert re.search(r"Témoin>\.html \(25 octets, empreinte \w{6}\)", words(shown))
    assert 3 == three.partition("</thead>")[0].count('columnheader">Dossier')
    counts = re.search(r"(\d+) réponses diffèrent, (\d+) sont les mêmes", words(shown))
    assert counts
    found = [whole.count("Différent</span>"), whole.count('colspan="2"')]
    assert found == [*map(int, counts.groups())]
    courriel = engine.one("lecture_dossier", 0)["usager_courriel"]
    assert (True, False) == (courriel in shown, courriel in masked)
    assert not [one for one in ("Trop de formulaires", "Témoin", "ada : 4") if one in masked]
    assert re.search(r"réservé à l’équipe \(25 octets", words(masked))
