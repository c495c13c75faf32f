"""Démarches without the programme in the console: a copy alone, and checks that a file declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from dsync.console.access import Role
from dsync.wiring import Worker
from tests.commands.command import without_programme
from tests.console.addresses import ADDRESSES
from tests.console.conftest import NewEngine
from tests.console.served import Visitor, configured, served, visiting, words
from tests.console.test_pages import numbers, table_of
from tests.engine.rig import FIRST, PROBLEME, Engine, engine_for, id_of, number, opening, seeds

CHECKS = f"""
[champs]
probleme = {{ id = "{id_of(PROBLEME)}", type = "texte" }}
[[controles]]
nom = "sujet"
titre = "sujet"
exige = {{ champ = "probleme", pas_parmi = ["Hors sujet"] }}
sinon = "non_conforme"
motif = "Le problème est « {{probleme}} »."
regle = "Règle (appel, article 1) : un problème du sujet."
a_faire = "lire le problème."
exemple = [
    {{ champs = {{ probleme = "Hors sujet" }}, resultat = "non_conforme" }},
    {{ champs = {{ probleme = "Un délai" }}, resultat = "conforme" }},
]
[[controles]]
nom = "objet"
titre = "objet"
exige = {{ champ = "probleme", pas_parmi = ["Sans objet"] }}
motif = "Problème sans objet."
regle = "Règle (appel, article 2) : un objet."
a_faire = "demander l’objet."
demande = "Merci de donner un objet."
[[controles]]
nom = "depot"
titre = "jour du dépôt"
exige = {{ champ = "depot", au_moins = 2000-01-01 }}
conforme = "Déposé le {{depot}}."
motif = "Déposé trop tôt."
regle = "Règle (appel, article 2) : un dépôt à temps."
a_faire = "vérifier le jour."
"""
OFF, ASKED = number(0), number(2)


WORDS = (
    ('eligible = "Éligible"', 'eligible = "Recevable"'),
    ('ineligible = "Inéligible"', 'ineligible = "Irrecevable"'),
)


def declaring(more: str = "") -> str:
    """Return a configuration with these checks, and words of its own for verdicts."""
    text = without_programme()
    for former, own in WORDS:
        text = text.replace(former, own)
    return text + CHECKS + more


class Shown(NamedTuple):
    """A démarche that was read, and its worker."""

    engine: Engine
    app: Worker


@pytest.fixture(scope="module")
def bare(new_engine: NewEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """One without checks, of which one answer is opened."""
    opened = ", ".join(f'"{id_}"' for id_ in opening(PROBLEME)["ouvert"]["champs"])
    text = f"{without_programme()}\n[ouvert]\nchamps = [{opened}]\n"
    with new_engine(seeds()) as engine:
        yield read(engine, tmp_path_factory.mktemp("bare"), text)


@pytest.fixture(scope="module")
def declared(new_engine: NewEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """One whose rules are accepted; one of its dossiers is refused."""
    with new_engine(seeds()) as engine:
        engine.control.edit_champ(OFF, PROBLEME, "Hors sujet")
        engine.control.edit_champ(ASKED, PROBLEME, "Sans objet")
        yield read(engine, tmp_path_factory.mktemp("declared"), declaring())


def read(engine: Engine, folder: Path, text: str) -> Shown:
    """Have a démarche of this configuration read, as its page asks for it; accept its rules."""
    app = configured(engine, folder, text)
    with visiting(engine, [app]) as visitor:
        assert "Aucune synchronisation n’a encore réussi" in visitor.read("/suivi")
        assert "12 dossiers lus, " in visitor.ask("/resynchroniser", portee="tout")
        if CHECKS in text:
            accept(visitor)
    return Shown(engine, app)


@contextmanager
def visited(shown: Shown, role: Role = Role.ADMINISTRATEUR) -> Iterator[Visitor]:
    """Serve it; yield somebody with a session."""
    engine_for(shown.engine.url)
    with served(shown.engine, [shown.app], role=role) as console:
        yield console.visitor()


def test_the_console_says_verdicts_in_the_words_of_the_configuration(declared: Shown) -> None:
    """On each page, in filters, titles and files; addresses keep the names of dsync.

    There is no jury, and who applies is a candidat in a call of the programme alone.
    """
    with visited(declared) as visitor:
        every = {path: visitor.get(path) for path in (*ADDRESSES, f"/dossiers/{OFF}/tout")}
        missing = {path for path, answer in every.items() if answer.status_code == 404}
        assert {path for path in every if "/jury" in path or path == "/a-reporter"} == missing
        pages = {path: answer.text for path, answer in every.items()}
        assert not re.search(r"\bcandidats?\b", " ".join(map(words, pages.values())), re.I)
        asked = visitor.read(f"/dossiers/{ASKED}/tout")
        assert "Merci de donner un objet." in asked
        assert "Recevable" in words(pages["/suivi"])
        refused = visitor.get("/dossiers?verdict=ineligible").text
        assert "<title>Dossiers (Irrecevable)" in refused
        assert "1 dossier : Irrecevable" in words(refused)
        assert 'value="ineligible" selected>Irrecevable' in refused
        dossier = words(pages[f"/dossiers/{OFF}/tout"])
        assert f"Dossier {OFF} Irrecevable" in dossier
        assert "reste à régler : sujet" in dossier
        assert re.search(r"Nouvel avis Irrecevable", dossier)
        # The check has no `demande`.
        said = "ce qui reste à régler (sujet) ne lui est pas demandé. Constat : Le problème est"
        assert f"À transmettre à l’usager Aucun message n’est préparé : {said}" in dossier
        for ending in ("csv", "json"):
            file = visitor.get(f"/dossiers.{ending}?complet=oui")
            if file.status_code == 200:
                pages[ending] = file.content.decode("utf-8-sig")
                assert "Irrecevable" in pages[ending]
        for path, text in pages.items():
            assert not re.search(r"\b(Iné|É)ligible", words(text)), path
    with visited(declared, Role.LECTEUR) as visitor:
        assert f"Dossier {OFF} Irrecevable" in visitor.read(f"/dossiers/{OFF}/tout")


def test_a_lecteur_sees_of_declared_checks_what_is_public(declared: Shown) -> None:
    """The day of the deposit, with its sentence; no answer, and no sentence that has one."""
    with visited(declared) as visitor:
        every = visitor.read(f"/dossiers/{OFF}/tout")
        answers = visitor.read(f"/dossiers/{OFF}/reponses")
    assert "Profils souhaités, 1 Profil Directeur" in answers
    assert "Profils souhaités –" not in answers
    with visited(declared, Role.LECTEUR) as visitor:
        seen = visitor.read(f"/dossiers/{OFF}/tout")
    said = re.search(r"Contrôles .*?(Déposé le [^.]+\.)", every)
    assert said
    assert said[1] in seen
    assert "Hors sujet" in every
    assert "Hors sujet" not in seen
    assert "Le problème est" not in seen


def accept(visitor: Visitor) -> None:
    """Accept the first rules."""
    page = visitor.get("/accords").text
    assert "sans avis Recevable" in words(page)
    version = re.search(r'name="version" value="(\w+)"', page)
    assert version
    # All were deposited after that day.
    asked = r"non conforme ; ne distingue personne : valeur mal écrite \? 0 sur \d+"
    assert re.search(asked, words(page))
    visitor.ask("/accords", genre="premiers_avis", version=version[1], confirme="1")


def test_the_console_says_the_word_that_ds_shows(fresh: Engine, tmp_path: Path) -> None:
    """While a check is a person's, the best verdict has the option of « Éligible » in DS."""
    by_hand = """
[[controles]]
nom = "interet"
titre = "intérêt"
humain = true
regle = "Règle (appel, article 3) : un intérêt."
a_faire = "lire le dossier."
"""
    with visited(read(fresh, tmp_path, declaring(by_hand))) as visitor:
        page = visitor.get(f"/dossiers/{number(1)}/tout").text
        assert f"Dossier {number(1)} Recevable" in words(page)
        assert "Rien à signaler" not in words(page)
        assert 1 == visitor.get("/dossiers").text.count(">Recevable</option>")
        wished = fresh.wishes(1)["resultat"]
    assert {"Recevable"} == {
        row["valeur"]
        for row in fresh.rows(
            f"SELECT valeur FROM outbox WHERE annotation = 'resultat' AND numero = {number(1)}"
        )
    }, wished


def test_a_demarche_without_a_programme_has_its_pages(bare: Shown) -> None:
    """Dossiers, runs and journal; neither verdicts nor a jury."""
    with visited(bare) as visitor:
        for path in ADDRESSES:
            of_programme = path.startswith(("/jury", "/preuves", "/a-reporter"))
            missing = of_programme or path == "/regles" or path.endswith("/explication")
            answer = visitor.get(path)
            assert (404 if missing else 200) == answer.status_code, path
            assert "Rejuger" not in answer.text
        assert 12 == len(numbers(visitor.get("/dossiers")))
        assert 400 == visitor.post(f"/dossiers/{FIRST}/rejuger").status_code


def test_any_demarche_lists_its_own_questions(bare: Shown) -> None:
    """Those of its form, in the list and in the file; nothing of a programme that it has not."""
    with visited(bare) as visitor:
        page = visitor.get("/dossiers").text
        first, *_ = visitor.lines("/dossiers.csv?complet=oui")
    headers, rows = table_of(page)
    answered = bare.engine.rows("SELECT * FROM formulaire_86321 ORDER BY numero")
    assert [str(row["numero"]) for row in answered] == [row[0] for row in rows]
    for name in ("verdict", "controle", "etape", "attend", "profil", "produit"):
        assert f'name="{name}"' not in page, name
    assert not {"Verdict", "Motif", "Produit", "Étape"} & {*headers}
    assert "Rejuger" not in page
    assert headers == first[: len(headers)]
    assert "Problème identifié" in first
    assert 40 < len(first) == len({*first})


def test_a_demarche_without_a_programme_shows_its_forms_questions(bare: Shown) -> None:
    """Each with its answer, under the form's own titles; nothing of the programme."""
    with visited(bare) as visitor:
        page = visitor.get(f"/dossiers/{FIRST}/tout").text
        compared = visitor.read(f"/dossiers/{FIRST}/comparer/{number(1)}")
    assert "Problème identifié" in compared
    titles = re.findall(r"<h3[^>]*>([^<]+)", page)
    assert ["Demandeur", "Projet", "Administration", "Contacts"] == [t.strip() for t in titles[:4]]
    asked = bare.engine.rows(
        f"SELECT libelle, valeur FROM lecture_champ WHERE numero = {FIRST} AND origine = 'champ' "
        "AND ligne IS NULL AND type <> 'repetition'"
    )
    shown = " ".join(words(page).split())
    assert len(asked) > 15
    for one in asked:
        assert " ".join(one["libelle"].split()) in shown
    for word in ("Avis", "Rejuger", "Le candidat", "Attend", "Type d’administration retenu"):
        assert word not in shown, word
    with visited(bare, Role.LECTEUR) as visitor:
        masked = visitor.read(f"/dossiers/{FIRST}/tout")
    by_question = {one["libelle"]: one["valeur"] for one in asked}
    assert " ".join(by_question["Problème identifié"].split()) in " ".join(masked.split())
    assert "réservé à l’équipe" in masked
