"""The notice to those whose data a démarche has: what is known, and marked blanks for the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from dsync.domain.paper import markdown
from dsync.domain.rights import CANDIDAT, OF_DOSSIERS, NoticeFacts, notice

AGES = dict.fromkeys(OF_DOSSIERS, timedelta(days=365))
FULL = NoticeFacts(
    demarche=12,
    responsable="Direction des essais",
    dpo="dpo@essais.example.fr",
    hebergeur="Hébergeur d’exemple",
    ages=AGES,
    applicant=CANDIDAT,
    writes=True,
    asks_registry=True,
    copies_files=True,
    publication_url="https://essais.example.fr/regles",
)
BLANK = "[à compléter"


def text(**changes: Any) -> str:
    """Return the notice of what the configuration says, but for some of it."""
    page = markdown(notice(FULL._replace(**changes), date(2026, 1, 31)))
    return page.replace("\u00a0", " ").replace("\\[", "[")


@pytest.mark.parametrize(
    ("article", "words"),
    [
        ("13, 1, a", ("Responsable du traitement", "Direction des essais")),
        ("13, 1, b", ("Délégué à la protection des données", "dpo@essais.example.fr")),
        ("13, 1, c", ("Finalité et base légale", "article 6, 1, e")),
        ("13, 1, e", ("Qui les reçoit", "Hébergeur d’exemple", "le jury", "numéro SIREN",
                          "inscrits dans le dossier", "copies de pièces jointes")),
        ("13, 2, a", ("dossiers refusés, depuis la décision : 365 jours",)),
        ("13, 2, b", ("article 15", "article 16", "article 17", "article 18", "article 21")),
        ("13, 2, d", ("réclamation à la CNIL",)),
        ("13, 2, e", ("sans elles, il est instruit en l’état",)),
        ("13, 2, f", ("Aucune décision n’est automatique", "https://essais.example.fr/regles")),
        ("14, 1, d", ("les personnes que le dossier nomme",)),
        ("14, 2, f", ("d’après le candidat", "d’après l’API publique Recherche d’entreprises")),
        ("21, 4", ("## Votre droit d’opposition",)),
    ],
)  # fmt: skip
def test_it_says_what_the_articles_want(article: str, words: tuple[str, ...]) -> None:
    """Each letter of articles 13 and 14 that applies; the right to object stands apart."""
    assert [] == [one for one in words if one not in text()], article


@pytest.mark.parametrize(
    ("changes", "blanks"),
    [
        ({}, []),
        ({"responsable": None}, ["[console] entity"]),
        ({"dpo": None}, ["[console] dpo"]),
        ({"hebergeur": None}, ["[console] host"]),
        ({"ages": {}}, ["[retention]"]),
        ({"ages": {**AGES, "journaux": timedelta(days=1)}}, []),
        ({"ages": {"refuse": timedelta(days=365)}}, ["[retention]"]),
    ],
)
def test_what_only_the_administration_knows_is_a_marked_blank(
    changes: dict[str, Any], blanks: list[str]
) -> None:
    """And the setting that fills it is named."""
    assert blanks == [*FULL._replace(**changes).blanks]
    assert bool(blanks) is (BLANK in text(**changes))


def test_it_says_nothing_of_what_is_not_done() -> None:
    """Without annotations, registry, copies or an address of the rules."""
    page = text(writes=False, asks_registry=False, copies_files=False, publication_url=None)
    for word in ("inscrits dans le dossier", "SIREN", "copies de pièces", "Règles du pré-contrôle"):
        assert word not in page
