"""What a jury works with: its ranking, matrices, sheets, workbook, and what is then to do in DS."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from starlette.responses import StreamingResponse

from dsync.console import words as said
from dsync.console.access import Role
from dsync.console.jury_papers import OF_GRIDS, book_of, fitted, matrices
from dsync.eig.candidature import Candidature
from dsync.sandbox.content.aap_eig7 import CRITERES
from dsync.sandbox.content.applicants import NASTY_TEXTS
from tests.console.served import USER, Visitor, visiting, words
from tests.console.test_pages import numbers, table_of
from tests.engine.rig import RESULTAT, Engine, number
from tests.store.databases import connected

DAY, PAST = "2031-03-04", "2025-03-04"
ADA, BOB = "ada@exemple.fr", "bob@exemple.fr"
WHERE = "Les notes se saisissent et se corrigent dans Démarches Simplifiées"


def test_the_jury_is_ordered_by_mean_mark(read_engine: Engine, reader: Visitor) -> None:
    """As the view ranks it; those without a mean come last, and are named; the workbook alike."""
    days = {
        str(row["jury_le"]) for row in read_engine.rows("SELECT jury_le FROM lecture_jury_dossier")
    }
    assert days
    for day in days:
        rows = read_engine.rows(
            "SELECT * FROM lecture_jury_dossier WHERE jury_le = :day AND presence = 'present'",
            day=day,
        )
        rounds = ["soutenance", "dossier", None]
        rows.sort(key=lambda row: (rounds.index(row["moment"]), row["rang"] is None, row["rang"]))
        page = reader.get(f"/jury?le={day}")
        headers, shown = jury_of(page.text)
        dossier, mean = headers.index("Dossier"), headers.index("Moyenne")
        assert [str(row["numero"]) for row in rows] == [one[dossier] for one in shown]
        assert [said.number(row["note_moyenne"], 2) for row in rows] == [one[mean] for one in shown]
        unranked = [str(row["numero"]) for row in rows if row["rang"] is None]
        assert all(number in words(page.text).partition("faute de notes")[2] for number in unranked)
        book = reader.book(f"/jury.xlsx?le={day}")
        lines = [[*row] for row in book["Classement"].values]
        assert [str(row["numero"]) for row in rows] == [str(one[dossier]) for one in lines[1:]]
        in_book = {str(line[dossier]): dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
        for texts in shown:
            values = in_book[texts[dossier]]
            for header, text in zip(headers[:-2], texts, strict=False):
                assert text == as_shown(values[header], text), header
    assert "(passé)" in reader.read("/jury")
    assert "Aucun jury n’est à venir" in reader.read("/jury")


def jury_of(page: str) -> tuple[list[str], list[list[str]]]:
    """Return the headers and the rows of a jury's tables, which are one a round."""
    tables = re.findall(r'<table[^>]* class="liste fiches serre jury".*?</table>', page, re.DOTALL)
    found = [table_of(one) for one in tables]
    return found[0][0], [row for _, rows in found for row in rows]


def as_shown(value: Any, text: str) -> str:
    """Return a value of a workbook as a page shows it."""
    if value is None:
        return "–"
    digits = len(text.partition(",")[2])
    return f"{value:.{digits}f}".replace(".", ",") if digits else str(value)


def ungraded(engine: Engine, count: int) -> list[int]:
    """Return the ranks of open dossiers without a grid."""
    graded = {row["numero"] for row in engine.rows("SELECT numero FROM lecture_evaluation")}
    free = [rank for rank in range(12) if number(rank) not in graded]
    assert count <= len(free)
    return free[:count]


def grade(engine: Engine, rank: int, *grids: tuple[str, str | None, int | None]) -> None:
    """Give a dossier a jury and grids: moment, evaluator, the mark for each criterion."""
    engine.control.edit_annotation(number(rank), 5203, DAY)
    for moment, who, mark in grids:
        engine.control.add_annotation_row(number(rank), 5302)
        engine.control.edit_annotation(number(rank), 5303, moment, row=-1)
        if who:
            engine.control.edit_annotation(number(rank), 5304, who, row=-1)
        for criterion in CRITERES if mark is not None else ():
            engine.control.edit_annotation(number(rank), criterion, mark, row=-1)


def test_a_jury_names_what_is_missing(engine: Engine, visitor: Visitor) -> None:
    """An empty grid has no mark, one with a mark lacks the others: both without a rank."""
    [rank] = ungraded(engine, 1)
    grade(engine, rank, ("Dossier", None, None))
    engine.sync_later()
    page = visitor.read("/jury")
    assert "1 dossier est sans rang" in page
    assert "(passé)" not in page
    assert WHERE in page
    assert re.search(rf"{number(rank)} : grille \d : aucune note\.", page)
    engine.control.edit_annotation(number(rank), 5311, 4, row=-1)
    engine.sync_later()
    page = visitor.read("/jury")
    assert "1 dossier est sans rang" in page
    left = re.search(r"grille \d : il manque ([^.]*)\.", page)
    assert left
    assert 8 == len(left[1].split(", "))
    for criterion in CRITERES:
        engine.control.edit_annotation(number(rank), criterion, 4, row=-1)
    engine.sync_later()
    assert "sans rang" not in visitor.read("/jury")


def test_a_jury_to_come_names_who_left_it_and_who_stepped_aside(
    engine: Engine, visitor: Visitor
) -> None:
    """A dossier that was refused meanwhile; conflicts of interest, for who acts alone."""
    left, kept = ungraded(engine, 2)
    for rank in (left, kept):
        grade(engine, rank, ("Dossier", ADA, 4))
    grade(engine, kept, ("Dossier", USER.upper(), 3), ("Dossier", BOB, None))
    engine.control.move(number(left), "en_instruction")
    engine.control.move(number(left), "refuse")
    engine.sync_later()
    with engine.worker.store.accesses(engine.worker.app.demarche) as (accesses, _):
        for who in (ADA, "eve@exemple.fr"):
            accesses.declare(number(kept), who, engine.worker.now())
    page = visitor.read(f"/jury?le={DAY}")
    assert f"N’est plus à juger : {number(left)} (refusé)." in page
    told = f"Déports : {ADA} ( {number(kept)} ) dont la grille compte encore, à retirer, eve@"
    assert told in page
    assert f"Au nom de {USER} : 1 grille complète, 0 à finir, 1 dossier sans grille" in page
    minutes = visitor.read(f"/jury/proces-verbal?le={DAY}")
    assert f"{ADA} : dossier {number(kept)}, où sa grille compte encore" in minutes
    assert "aucun autre ne remonte de lui-même" in page
    with visiting(engine, role=Role.JURY) as member:
        page = member.read(f"/jury?le={DAY}")
    assert (True, False) == ("N’est plus à juger" in page, "Déport" in page)
    assert 1 == visitor.read("/jury?le=tous").count("plus à juger"), "others are over"


@pytest.mark.parametrize(
    ("role", "theirs"),
    [
        (Role.INSTRUCTEUR, "Écrit à la main"),
        (Role.JURY, "Remplacé par l’équipe"),
        (Role.LECTEUR, "Remplacé par l’équipe"),
    ],
)
def test_a_result_of_the_team_is_said_wherever_an_opinion_is(
    engine: Engine, role: Role, theirs: str
) -> None:
    """Beside dsync's; who does not see free texts learns that there is one, and not which."""
    rank, other = ungraded(engine, 2)
    verdict = engine.one("lecture_candidature", rank)["verdict"]
    grade(engine, rank, ("Dossier", ADA, 4))
    engine.control.edit_annotation(number(rank), 5203, PAST)
    engine.control.edit_annotation(number(rank), RESULTAT, "Écrit à la main")
    engine.sync_later()
    of_jury = (f"/jury?le={PAST}", f"/jury/fiches/{number(rank)}", f"/a-reporter?le={PAST}")
    paths = [f"/dossiers/{number(rank)}", f"/dossiers/{number(rank)}/comparer/{number(other)}"]
    paths += [f"/dossiers?q={number(rank)}", *(of_jury if role != Role.LECTEUR else ())]
    with visiting(engine, role=role) as person:
        for path in paths:
            page = person.read(path)
            by = "" if theirs == "Remplacé par l’équipe" else "avis de l’équipe ; "
            said = f"{theirs} ({by}dsync : « {verdict} »)"
            assert said in page, path
            assert (role is Role.INSTRUCTEUR) == ("Écrit à la main" in page), path
        lists = f"/dossiers.csv?q={number(rank)}"
        assert theirs in person.column(lists, "Avis")
        assert [verdict] == person.column(lists, "Avis de dsync")
        if role is not Role.LECTEUR:
            rows = person.book(f"/jury.xlsx?le={PAST}")["Classement"].values
            assert f"{theirs.lower()} (avis de l’équipe" in str([*map(list, rows)]).lower()


def test_a_ranking_that_was_kept_is_read_again_and_compared(
    engine: Engine, visitor: Visitor
) -> None:
    """What has changed since is said; a refusal moves no rank; what was not shown is not kept."""
    first, second, third = ungraded(engine, 3)
    for rank, mark in ((first, 5), (second, 4), (third, 3)):
        grade(engine, rank, ("Dossier", ADA, mark))
    engine.sync_later()
    minutes = f"/jury/proces-verbal?le={DAY}"
    assert "Rien n’est arrêté" in visitor.send(minutes, version="0" * 8)
    [version] = re.findall(r'name="version" value="(\w+)"', visitor.get(minutes).text)
    assert f"Le classement est arrêté : version {version}." in visitor.send(
        minutes, version=version
    )
    assert "Arrêter ce classement" not in visitor.read(minutes)
    assert "rien n’a changé." in visitor.read(f"/jury?le={DAY}")
    engine.control.move(number(second), "en_instruction")
    engine.control.move(number(second), "refuse")
    for criterion in CRITERES:
        engine.control.edit_annotation(number(third), criterion, 5, row=-1)
    engine.sync_later()
    page = visitor.read(f"/jury?le={DAY}")
    assert f"{number(second)} refusé, rang 2 → 3 ; {number(third)} rang 3 → 1." in page
    assert "Un refus ne fait remonter aucun rang de lui-même." in page
    assert "Arrêter ce classement" in visitor.read(minutes)
    former = visitor.get(f"{minutes}&version={version}").text
    assert f"Version {version}, arrêtée le" in words(former)
    table = table_of(re.findall(r"<table.*?</table>", former, re.DOTALL)[-1])[1]
    assert [["1", str(number(first))], ["2", str(number(second))]] == [r[:2] for r in table[:2]]
    assert 400 == visitor.get(f"{minutes}&version=rien").status_code
    assert f"Classement arrêté (jury du 04/03/2031, version {version})" in visitor.read("/journal")
    grade(engine, third, ("Soutenance", ADA, 4))
    engine.sync_later()
    assert f"{number(third)} dossier → soutenance" in visitor.read(f"/jury?le={DAY}")
    for rank in (first, second, third):
        engine.control.edit_annotation(number(rank), 5203, None)
    engine.sync_later()
    assert "mais un classement y est arrêté : jury du 04/03/2031" in visitor.read("/jury")
    assert "Aucun dossier n’est plus prévu à ce jury." in visitor.read(minutes)
    left = visitor.get(f"{minutes}&version={version}").text
    again = table_of(re.findall(r"<table.*?</table>", left, re.DOTALL)[-1])[1]
    assert [row[:2] for row in table] == [row[:2] for row in again]
    visitor.send(f"/dossiers/{number(first)}/deport", confirme="oui")
    assert str(number(first)) not in visitor.read(f"{minutes}&version={version}")


def test_equal_means_share_a_rank_of_a_round(engine: Engine, visitor: Visitor) -> None:
    """Whatever the dossier's number; the next rank is left out, and each round has its own."""
    heard, *others = ungraded(engine, 4)
    grade(engine, heard, ("Dossier", ADA, 5), ("Soutenance", ADA, 3))
    for rank, mark in zip(others, (4, 4, 3), strict=True):
        grade(engine, rank, ("Dossier", ADA, mark))
    engine.sync_later()
    _, shown = jury_of(visitor.get(f"/jury?le={DAY}").text)
    assert ["1", str(number(heard))] == shown[0][:2]
    assert ["1", "1", "3"] == [row[0] for row in shown[1:]]


def test_the_marks_are_side_by_side(engine: Engine, visitor: Visitor) -> None:
    """A matrix a moment, on the sheet, in the dossier and in the workbook; who counts is told."""
    [rank] = ungraded(engine, 1)
    grids = ("Dossier", ADA, 2), ("Dossier", BOB, 4), ("Dossier", "Ada@Exemple.fr", 5)
    grade(engine, rank, *grids, ("Soutenance", BOB, 3))
    engine.sync_later()
    for path in (f"/jury/fiches/{number(rank)}", f"/dossiers/{number(rank)}/evaluations"):
        text = visitor.get(path).text
        tables = re.findall(r'<table[^>]* class="notes"[^>]*>.*?</table>', text, re.DOTALL)
        (heads, lines), (later, after) = map(table_of, tables)
        assert ["Critère", "bob", "Ada", "Moyenne"] == heads
        assert ["Problème avéré", "4", "5", "4,50"] == lines[0]
        assert ["Moyenne", "4,00", "5,00", "4,50"] == lines[-1]
        assert (["Critère", "bob"], ["Moyenne", "3,00"]) == (later, after[-1])
        page = words(text)
        assert WHERE in page
        assert "Réévalué à la soutenance : ces notes ne comptent plus." in page
        assert re.search(r"La grille \d \(ada@exemple.fr\), 2,00 de moyenne, ne compte pas", page)
    book = visitor.book(f"/jury.xlsx?le={DAY}")
    header, *marks = ([*row] for row in book["Notes"].values)
    counts, lacks = header.index("Compte"), header.index("Ce qui manque")
    assert ["non", "non", "non", "oui"] == [row[counts] for row in marks]
    assert re.match(r"remplacée par la grille \d", marks[0][lacks])
    assert [ADA, BOB, "Ada@Exemple.fr", BOB] == [row[3] for row in marks]


def test_a_jury_is_that_of_its_demarche(engine: Engine, visitor: Visitor) -> None:
    """Without the dossiers of another démarche that meets on the same day, and hidden ones."""
    day = engine.rows("SELECT jury_le FROM lecture_jury_dossier")[0]["jury_le"]
    for rank in (0, 1, 2):
        engine.control.edit_annotation(number(rank), 5203, str(day))
    engine.control.hide(number(1), by="instructeur")
    engine.sync_later(full=True)
    with connected(engine.url) as database:
        database.exec_driver_sql(
            f"UPDATE dossier SET demarche_numero = 86999 WHERE numero = {number(2)}"
        )
    headers, rows = jury_of(visitor.get(f"/jury?le={day}").text)
    shown = {int(row[headers.index("Dossier")]) for row in rows}
    assert number(0) in shown
    assert not {number(1), number(2)} & shown


NAMES = (
    *("Direction [test]: a/b\\c*?", "'Apostrophes'", "É" * 40, "=HYPERLINK(1)"),
    *("\U0001f600" * 40, None, "History", "same", "SAME"),
)


def test_a_workbook_of_three_hundred_dossiers_opens() -> None:
    """A sheet a dossier, under a legal name of its own; what was typed is no formula."""
    grid = dict.fromkeys(OF_GRIDS) | {
        "ligne": 1, "evaluateur": "=cmd|' /C calc'!A0", "commentaire": "-2+3", "moyenne": 4.0,
        "compte": True, "complete": True, "manques": [], "notes": [("=critère", 4.0)],
    }  # fmt: skip
    typed = {
        "produit": "=1+1", "verdict": "@SUM(A1)", "avis_equipe": None, "etat": "en_instruction",
        "jury_le": DAY,
        "rang": None, "faits": [("Entité", "+33")], "remarques": [("=qui", "=texte")],
        "grilles": matrices([grid]), "textes": [("Problème", "é" * 40_000)],
    }  # fmt: skip
    fiches = [
        {"numero": 1 + place, "organisme": NAMES[place % len(NAMES)], **typed}
        for place in range(300)
    ]

    async def whole() -> bytes:
        answer = book_of("jury", ["Rang", "Dossier"], [[None, "=1"]], fiches)
        assert isinstance(answer, StreamingResponse)
        return b"".join([bytes(part) async for part in answer.body_iterator])

    book = load_workbook(io.BytesIO(asyncio.run(whole())), read_only=True)
    assert ["Classement", "Notes"] == book.sheetnames[:2]
    names = [name.casefold() for name in book.sheetnames]
    assert 302 == len({*names})
    assert not [n for n in names if len(n) > 31 or re.search(r"[][:*?/\\]|^'|'$", n)]
    for sheet in (book["Classement"], book["Notes"], book[book.sheetnames[2]]):
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {"s", "n"} >= {cell.data_type for cell in cells}
        assert any(str(cell.value).startswith("=") for cell in cells)


def test_what_a_jury_takes_along_has_no_contact(read_engine: Engine, reader: Visitor) -> None:
    """Neither in the workbook nor on the sheets: no name, address or telephone of a contact."""
    contacts = [name for name in dir(Candidature) if name.startswith(("sponsor_", "contact_"))]
    assert 8 == len(contacts)
    rows = read_engine.rows(f"SELECT {', '.join(contacts)} FROM lecture_candidature")
    private = {str(value) for row in rows for value in row.values() if value} - {*NASTY_TEXTS}
    assert private
    days = read_engine.rows("SELECT DISTINCT jury_le FROM lecture_jury_dossier")
    for day in {row["jury_le"] for row in days}:
        book = reader.book(f"/jury.xlsx?le={day}")
        cells = {str(c) for sheet in book.worksheets for row in sheet.values for c in row if c}
        assert not private & cells
        page = reader.read(f"/jury/fiches?le={day}")
        assert [] == [value for value in private if len(value) > 5 and said.text(value) in page]


@pytest.mark.parametrize(
    ("heights", "lines", "expected"),
    [((1, 1), 6, ["T0", "T1"]), ((30, 1, 1), 30, ["T1", "T2"]), ((50, 50), 24, [])],
)
def test_a_sheet_has_the_texts_that_fit_each_whole(
    heights: tuple[int, ...], lines: int, expected: list[str]
) -> None:
    """Two lines are for each title; the others are named."""
    texts = [(f"T{place}", "\n".join(["mot"] * height)) for place, height in enumerate(heights)]
    left, shown, left_out = fitted(texts, lines)
    assert expected == [title for title, _ in shown]
    assert set(shown) <= set(texts)
    assert {title for title, _ in texts} == {*expected, *left_out}
    assert left >= 0


def test_several_juries_are_reached_and_read_at_once(engine: Engine, visitor: Visitor) -> None:
    """From each to the one before and after it; all on one page, in one workbook and one print."""
    former = {str(row["jury_le"]) for row in engine.rows("SELECT * FROM lecture_jury_dossier")}
    [rank] = ungraded(engine, 1)
    grade(engine, rank, ("Dossier", ADA, 2), ("Dossier", BOB, 3), ("Soutenance", BOB, 5))
    engine.sync_later()
    days = [*sorted({*former, DAY}, reverse=True)]
    assert 1 < len(days)
    page = visitor.get(f"/jury?le={DAY}").text
    walked = [DAY]
    while found := re.search(r'rel="prev" href="/jury\?le=([\d-]+)"', page):
        walked.append(found[1])
        page = visitor.get(f"/jury?le={found[1]}").text
    assert days == walked
    assert f'rel="next" href="/jury?le={days[-2]}"' in page
    every = visitor.get("/jury?le=tous")
    of_each = [one for day in days for one in numbers(visitor.get(f"/jury?le={day}"))]
    assert of_each == [
        int(one) for one in re.findall(r'<th [^>]*><a href="/dossiers/(\d+)"', every.text)
    ]
    headers, rows = jury_of(visitor.get(f"/jury?le={DAY}").text)
    mean, before = headers.index("Moyenne"), headers.index("Avant")
    assert ("5,00", "2,50") == (rows[0][mean], rows[0][before])
    book = visitor.book("/jury.xlsx?le=tous")
    header, *lines = ([*row] for row in book["Classement"].values)
    assert "Jury du" == header[0]
    assert of_each == [row[2] for row in lines]
    sheets = visitor.get("/jury/fiches?le=tous").text
    assert of_each == [*map(int, re.findall(r'<h2 id="f-(\d+)"', sheets))]


def test_the_minutes_of_a_jury_are_the_same_until_a_mark_changes(
    read_engine: Engine, reader: Visitor
) -> None:
    """With members to sign, who withdrew, and the ranking; for who acts on all dossiers."""
    rows = read_engine.rows("SELECT * FROM lecture_jury_dossier WHERE presence = 'present'")
    day = max(str(row["jury_le"]) for row in rows if row["rang"])
    first, second = (reader.read(f"/jury/proces-verbal?le={day}") for _ in range(2))
    assert first.partition("Page à jour")[0] == second.partition("Page à jour")[0]
    for row in rows:
        if str(row["jury_le"]) == day:
            assert str(row["numero"]) in first
            assert said.number(row["note_moyenne"], 2) in first
    assert "Aucun n’est déclaré." in first
    assert re.search(r"Version du classement : [0-9a-f]{8}\.", first)
    assert "Procès-verbal" in reader.read(f"/jury?le={day}")
