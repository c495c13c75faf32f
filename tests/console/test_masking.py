"""What a lecteur sees: nothing that the views mark as personal data or free text."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsync.configuration import DemarcheSection
from dsync.console import visit, words
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.words import visible
from dsync.database import PROGRAMME
from dsync.domain.documented import MASKED, Mark
from dsync.eig.papers import published
from dsync.programme import in_force
from dsync.store import tables
from dsync.store.columns import JsonText, declared_of
from dsync.store.reading_views import shipped_dictionary
from dsync.sync.work import AnswerCheck
from dsync.sync.work import Request as WorkRequest
from tests.console.addresses import FILES, pages
from tests.console.conftest import NewEngine
from tests.console.served import Visitor, beside, served, visiting
from tests.console.test_pages import flat
from tests.engine.rig import DEMARCHE, FIRST, PROBLEME, RESULTAT, Engine, number, seeds

SHOWN = {
    *("lecture_annotation.valeur", "lecture_evaluation.commentaire", "lecture_voeu.missions"),
    *("lecture_changement.ancienne_valeur", "lecture_changement.nouvelle_valeur"),
    *("lecture_precontrole_controle.motif", "lecture_precontrole_controle.preuve"),
    "lecture_evaluation.evaluateur",
    *(
        f"lecture_candidature.{name}"
        for name in (
            *("entite", "page_produit", "perspectives", "probleme"),
            *("contact_courriel", "contact_nom", "contact_telephone"),
            *("sponsor_courriel", "sponsor_nom", "sponsor_telephone"),
        )
    ),
}
"""Marked columns that an operateur certainly sees: the test looks at what is really there."""
OF_JURY = {
    *("lecture_evaluation.evaluateur", "lecture_evaluation.commentaire", "lecture_voeu.missions"),
    *(
        f"lecture_candidature.{name}"
        for name, one in shipped_dictionary(PROGRAMME)["lecture_candidature"].columns.items()
        if one.mark is Mark.FREE_TEXT
    ),
    "lecture_jury_dossier.page_produit",
}
"""Marked columns that the jury sees."""
NOT_FILLED = {"body", "details", "valeur"}
"""Texts that are JSON or a day."""
SHORTEST = 10
TEXTS = {"text", "textarea", "email", "phone"}


@dataclass
class Seen:
    """A démarche with canaries in every answer, and all that each role sees of it."""

    texts: dict[Role, str]
    marked: dict[str, set[str]]
    """The values of each marked column that stand nowhere else."""
    oracle: str
    """What the search of a lecteur finds of a canary."""


@pytest.fixture(scope="module")
def everything(new_engine: NewEngine) -> Iterator[Seen]:
    dossiers = seeds(range(20))
    entreprise = dossiers[0].demandeur["entreprise"]
    entreprise |= {"forme_juridique_code": "1000", "raison_sociale": "CANARI Grace"}
    with new_engine(dossiers) as engine:
        engine.sync_until_quiet()
        for row in engine.rows(
            "SELECT champ_id, type FROM lecture_champ "
            f"WHERE numero = {number(0)} AND origine = 'champ' AND ligne IS NULL"
        ):
            if row["type"] in TEXTS:
                stable_id = int(b64decode(row["champ_id"]).decode().rpartition("-")[2])
                engine.control.edit_champ(number(0), stable_id, f"CANARI-{stable_id}")
        engine.control.edit_annotation(number(1), RESULTAT, "CANARI d’une saisie")
        engine.control.faults.return_null(number(2), champs_only=True)
        engine.sync_later(full=True)
        answer = AnswerCheck((number(3),), "administration", "non_conforme", "CANARI d’une réponse")
        engine.worker.app.sync(WorkRequest(answer, "ada.canari@poste"))
        fill(engine)
        marked, free = values_of(engine)
        with engine.worker.store.reading(DEMARCHE) as reader:
            # Sources of evidence, which checks name and a page of its own shows.
            free |= set(leaves(engine.worker.app.evidence(reader)))
        texts, oracle = {}, ""
        for role in (Role.ADMINISTRATEUR, Role.JURY, Role.LECTEUR):
            with served(engine, role=role) as console:
                texts[role] = text_of(engine, console.visitor(), role)
                oracle = console.visitor().get("/dossiers?q=CANARI").text
        secret = {
            name: {v for v in values if len(v) >= SHORTEST and not any(v in one for one in free)}
            for name, values in marked.items()
        }
        yield Seen(texts, secret, oracle)


def fill(engine: Engine) -> None:
    """Write a canary of its own into each marked text of each table."""
    for table in (*tables.metadata.sorted_tables, *PROGRAMME.storage.metadata.sorted_tables):
        keys = {*table.primary_key.columns.keys(), *NOT_FILLED}
        for column in table.columns:
            is_marked = declared_of(column).mark in MASKED
            if is_marked and column.name not in keys and not isinstance(column.type, JsonText):
                value = f"CANARI-{table.name}.{column.name}"
                engine.execute(
                    f"UPDATE {table.name} SET {column.name} = '{value}' "
                    f"WHERE {column.name} IS NOT NULL"
                )


def test_a_lecteur_sees_no_marked_value(everything: Seen) -> None:
    """On each page of each dossier, in each export, whoever wrote it; an administrateur sees it.

    Nor the name of an entrepreneur individuel.
    """
    every, lecteur = (everything.texts[one] for one in (Role.ADMINISTRATEUR, Role.LECTEUR))
    seen = {n for n, values in everything.marked.items() if any(v in every for v in values)}
    assert SHOWN <= seen, sorted(seen)
    leaked = {n: {v for v in values if v in lecteur} for n, values in everything.marked.items()}
    assert {} == {name: values for name, values in leaked.items() if values}
    assert "CANARI Grace" in every
    assert "canari" not in lecteur.lower()
    assert f"/dossiers/{FIRST}" not in everything.oracle


def test_the_jury_sees_what_it_judges_and_no_contact(everything: Seen) -> None:
    """The free texts of a candidature, and the grids with their evaluators; nothing else."""
    jury = everything.texts[Role.JURY]
    seen = {n for n, values in everything.marked.items() if any(v in jury for v in values)}
    assert {
        "lecture_candidature.probleme",
        "lecture_candidature.page_produit",
        "lecture_voeu.missions",
        "lecture_evaluation.evaluateur",
        "lecture_evaluation.commentaire",
    } <= seen
    shown = {v for name in OF_JURY for v in everything.marked[name]}
    leaked = {
        name: {v for v in values if v in jury and not any(v in one for one in shown)}
        for name, values in everything.marked.items()
    }
    assert {} == {name: values for name, values in leaked.items() if values}
    assert "CANARI Grace" not in jury
    assert "ada.canari" not in jury
    assert "CANARI d’une" not in jury


def test_a_lecteur_sees_why_a_dossier_is_ineligible(read_engine: Engine) -> None:
    """Where the reason is a published rule and public evidence."""
    [row, *_] = read_engine.rows(
        "SELECT numero, motif FROM lecture_precontrole_controle "
        "WHERE courant AND controle = 'administration' AND resultat = 'non_conforme' "
        "ORDER BY numero"
    )
    with served(read_engine, role=Role.LECTEUR) as console:
        page = flat(html.unescape(console.visitor().get(f"/dossiers/{row['numero']}/tout").text))
    assert flat(visible(row["motif"])) in page


def test_a_lecteur_reads_the_rules_of_a_verdict_whole(read_engine: Engine) -> None:
    """They are public, but for what they say of applicants."""
    with served(read_engine, role=Role.LECTEUR) as console:
        shown = console.visitor().get(f"/dossiers/{number(1)}/explication")
    assert 200 == shown.status_code
    rules = in_force(read_engine.worker.app.programme).document
    for name, value in published(rules, "").parametres:
        assert flat(visible(value)) in flat(html.unescape(shown.text)), name


def test_a_lecteur_sees_marks_from_the_deliberation_on(read_engine: Engine) -> None:
    """Not before: neither the pages of the jury nor a mark, on any page."""
    today = date.fromisoformat(words.paris_day(read_engine.worker.app.clock()))
    [row, *_] = read_engine.rows(
        "SELECT numero FROM lecture_evaluation WHERE moyenne IS NOT NULL ORDER BY numero"
    )
    path = f"/dossiers/{row['numero']}/tout"
    for day, status in ((None, 403), (date(2100, 1, 1), 403), (today, 200)):
        app = read_engine.another().app
        demarche = DemarcheSection(number=DEMARCHE, deliberation=day)
        with visiting(read_engine, [beside(app, demarche=demarche)], role=Role.LECTEUR) as visitor:
            assert status == visitor.get("/jury").status_code
            assert (status == 200) == ("de moyenne" in visitor.get(path).text)
            assert (status == 200) == ('href="/jury"' in visitor.get("/dossiers").text)


def test_a_lecteur_reads_nothing_that_is_false(engine: Engine) -> None:
    """A value that is left out is not told as one that does not exist."""
    engine.control.edit_champ(number(1), PROBLEME, "Autre problème")
    engine.sync_later()
    with served(engine, role=Role.LECTEUR) as console:
        assert "Rien n’a changé" not in console.visitor().get(f"/dossiers/{number(1)}/tout").text


def test_pages_read_through_the_visit_alone() -> None:
    """It masks what a reader may not see (`test_sight.py`): no page can compute with it."""
    rooms = Path(visit.__file__).parent.glob("*.py")
    others = [one.name for one in rooms if "store.reading(" in one.read_text("utf-8")]
    assert ["desk.py", "visit.py"] == sorted(others), "Pages read by Viewer.reading alone."


def values_of(engine: Engine) -> tuple[dict[str, set[str]], set[str]]:
    """Return the values of each marked column, and those of all others."""
    marked: dict[str, set[str]] = {}
    free: set[str] = set()
    for view, documented in shipped_dictionary(PROGRAMME).items():
        for row in engine.rows(f"SELECT * FROM {view}"):
            if view == "lecture_precontrole_controle":
                free |= set(leaves(public_of(row)))
            for name, one in documented.columns.items():
                if one.mark in MASKED:
                    marked.setdefault(f"{view}.{name}", set()).update(leaves(row[name]))
                else:
                    free |= set(leaves(row[name], names=True))
    return marked, free


def public_of(check: dict[str, Any]) -> list[Any]:
    """Return what the programme declares as public of a check."""
    evidence, known = json.loads(check["preuve"] or "{}"), PROGRAMME.public[check["controle"]]
    shown = [value for key, value in evidence.items() if key in known]
    return [*shown, check["motif"]] if evidence.keys() <= known and "motif" in known else shown


def leaves(value: Any, *, names: bool = False) -> Iterator[str]:
    """Yield the texts of a value, also of JSON, as pages show them; with `names` also its keys."""
    if isinstance(value, str) and value[:1] in "[{":
        # A sentence can begin with a placeholder in braces.
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        value = [*(value if names else ()), *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from leaves(one, names=names)
    elif isinstance(value, str) and value:
        yield flat(visible(value))


def text_of(engine: Engine, visitor: Visitor, role: Role) -> str:
    """Return the text of every page and export."""
    paths = [*pages(role=role), "/dossiers?tri=verdict"]
    for page, right, rows in (
        ("dossiers", Right.LIRE, "SELECT numero FROM dossier"),
        ("synchronisations", Right.AGIR, "SELECT run FROM lecture_synchronisation"),
        ("demandes", Right.AGIR, "SELECT id FROM demande"),
    ):
        if right not in RIGHTS[role]:
            continue
        paths += [f"/{page}/{value}" for row in engine.rows(rows) for value in row.values()]
    texts = []
    for path in paths:
        answer = visitor.get(path)
        assert 200 == answer.status_code, path
        # Attributes, too: a value may stand in one.
        texts.append(flat(html.unescape(re.sub(r"<[/a-z]*>?", " ", answer.text))))
    texts.append(flat(visitor.get("/dossiers.csv").content.decode("utf-8-sig")))
    day = engine.rows("SELECT jury_le FROM lecture_jury_dossier")[0]["jury_le"]
    books = {
        "/dossiers.{ending}": "/dossiers.xlsx",
        "/changements.{ending}": "/changements.xlsx?par=tous",
        "/jury.xlsx": f"/jury.xlsx?le={day}" if Right.NOTES in RIGHTS[role] else None,
    }
    assert set(books) == FILES
    for path in filter(None, books.values()):
        book = visitor.book(path)
        texts += [flat(str(cell)) for row in book.active.values for cell in row if cell]
    return "\n".join(texts)
