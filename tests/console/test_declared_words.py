"""A démarche that declares its checks, with words of its own for verdicts, in the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsync.console.access import Role
from dsync.wiring import Worker
from tests.commands.command import without_programme
from tests.console.addresses import ADDRESSES
from tests.console.served import Visitor, configured, served, words
from tests.engine.rig import PROBLEME, Engine, id_of, number

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
nom = "depot"
titre = "jour du dépôt"
exige = {{ champ = "depot", au_moins = 2000-01-01 }}
conforme = "Déposé le {{depot}}."
motif = "Déposé trop tôt."
regle = "Règle (appel, article 2) : un dépôt à temps."
a_faire = "vérifier le jour."
"""
OFF = number(0)


@pytest.fixture
def app(fresh: Engine, tmp_path: Path) -> Iterator[Worker]:
    """A worker of such a démarche, whose rules are accepted; one of its dossiers is refused."""
    text = without_programme().replace('eligible = "Éligible"', 'eligible = "Recevable"')
    text = text.replace('ineligible = "Inéligible"', 'ineligible = "Irrecevable"')
    fresh.control.edit_champ(OFF, PROBLEME, "Hors sujet")
    return configured(fresh, tmp_path, text + CHECKS)


def test_the_console_says_verdicts_in_the_words_of_the_configuration(
    fresh: Engine, app: Worker
) -> None:
    """On each page, in filters, titles and files; addresses keep the names of dsync."""
    with served(fresh, [app]) as console:
        visitor = console.visitor()
        visitor.ask("/resynchroniser", portee="tout")
        assert "Sans verdict Recevable" in words(visitor.get("/accords").text)
        accept(visitor)
        pages = {path: visitor.get(path).text for path in (*ADDRESSES, f"/dossiers/{OFF}/tout")}
        assert "Recevable" in words(pages["/suivi"])
        refused = visitor.get("/dossiers?verdict=ineligible").text
        assert "<title>Dossiers (Irrecevable)" in refused
        assert "1 dossier, de 1 à 1 : Irrecevable" in words(refused)
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
    with served(fresh, [app], role=Role.LECTEUR) as console:
        visitor = console.visitor()
        assert f"Dossier {OFF} Irrecevable" in words(visitor.get(f"/dossiers/{OFF}/tout").text)


def test_a_lecteur_sees_of_declared_checks_what_is_public(fresh: Engine, app: Worker) -> None:
    """The day of the deposit, with its sentence; no answer, and no sentence that has one."""
    with served(fresh, [app]) as console:
        visitor = console.visitor()
        visitor.ask("/resynchroniser", portee="tout")
        accept(visitor)
        every = words(visitor.get(f"/dossiers/{OFF}/tout").text)
    with served(fresh, [app], role=Role.LECTEUR) as console:
        seen = words(console.visitor().get(f"/dossiers/{OFF}/tout").text)
    said = re.search(r"Contrôles .*?(Déposé le [^.]+\.)", every)
    assert said
    assert said[1] in seen
    assert "Hors sujet" in every
    assert "Hors sujet" not in seen
    assert "Le problème est" not in seen


def accept(visitor: Visitor) -> None:
    """Accept the first rules."""
    page = visitor.get("/accords").text
    version = re.search(r'name="version" value="(\w+)"', page)
    assert version
    # All were deposited after that day.
    asked = r"depot : 0 dossier sur \d+ : ne distingue personne : valeur mal écrite \?"
    assert re.search(asked, words(page))
    visitor.ask("/accords", genre="premiers_avis", version=version[1], confirme="1")


def test_the_console_says_the_word_that_ds_shows(fresh: Engine, tmp_path: Path) -> None:
    """While a check is a person's, the best verdict has the option of « Éligible » in DS."""
    text = without_programme().replace('eligible = "Éligible"', 'eligible = "Recevable"')
    by_hand = """
[[controles]]
nom = "interet"
titre = "intérêt"
humain = true
regle = "Règle (appel, article 3) : un intérêt."
a_faire = "lire le dossier."
"""
    app = configured(fresh, tmp_path, text + CHECKS + by_hand)
    with served(fresh, [app]) as console:
        visitor = console.visitor()
        visitor.ask("/resynchroniser", portee="tout")
        accept(visitor)
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
