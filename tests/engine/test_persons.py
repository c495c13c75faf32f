"""A person is found wherever dossiers have them, in copied files too, and nowhere once erased."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dsync.care.file_texts import MOST_BYTES, Unread
from dsync.care.person import access_answer, look_up
from dsync.domain.paper import html
from dsync.sandbox.model import FileSeed, ServedDossier
from dsync.store.journal import Kind
from dsync.sync.work import AnswerCheck, Erase, Request
from tests.engine.rig import DEMARCHE, LETTRE, PROBLEME, Engine, number, seeds
from tests.engine.test_pieces import copying
from tests.store.databases import on_each

TEXT = "Élise Traçard ; elise.tracard@exemple.fr ; 06 11 22 33 44"
"""How a person is asked for."""
NAME, PHONE, MAIL, SPONSOR, SPONSOR_MAIL = 4306, 4309, 4308, 4302, 4304
NOBODY = 16
"""The rank of a dossier that has nothing of the person."""


def pdf(text: str) -> bytes:
    """Return a page with a text layer."""
    shown = b"BT /F1 12 Tf 20 200 Td (" + text.encode("cp1252") + b") Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    written, starts = b"%PDF-1.4\n", []
    for rank, one in enumerate(objects, start=1):
        starts.append(b"%010d 00000 n \n" % len(written))
        written += b"%d 0 obj%b\nendobj\n" % (rank, one)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(starts)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(written)
    return written + table + end


def zipped(name: str, xml: str | bytes) -> bytes:
    """Return an archive with one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, xml)
    return written.getvalue()


FILES = {
    "lettre.pdf": pdf("Lettre de Mme Élise Traçard, directrice"),
    "cv.docx": zipped("word/document.xml", "<w:p><w:t>TRAÇ</w:t><w:t>ARD Élise</w:t></w:p>"),
    "cv.odt": zipped("content.xml", "<text:p>tél.<text:s/>+33 6 11 22 33 44</text:p>"),
    "note.txt": "Vu avec Élise\nTraçard.".encode("cp1252"),
}
"""Files that name the person."""
UNREAD = {
    "numérisation.pdf": (pdf(""), Unread.NO_TEXT),
    "photo.png": (b"\x89PNG\r\n\x1a\n\0\0", Unread.NO_TEXT),
    "coupé.pdf": (FILES["lettre.pdf"][:300], Unread.BROKEN),
    "bombe.docx": (zipped("word/document.xml", b"0" * (4 * MOST_BYTES)), Unread.TOO_LARGE),
    "faux.docx": (b"PK\x03\x04 no archive", Unread.BROKEN),
}
"""Files that nobody can read, or not whole, and why."""


def planted() -> list[ServedDossier]:
    """Return sixteen dossiers that have the person, each in another place, and one that has not."""
    made = seeds(range(NOBODY + 1))
    for one in made:
        one.champs[LETTRE] = []
    made[0].usager_email = "elise.tracard+eig@exemple.fr"
    made[1].champs[PROBLEME] = f"{'Un mot. ' * 200}Voir CV_Elise_Traçard.pdf. {'Un mot. ' * 200}"
    made[2].champs[PHONE] = "+33611223344"
    made[3].champs[SPONSOR] = "TRACARD, Élise"
    made[14].champs[SPONSOR_MAIL] = "elise_tracard@exemple.fr"
    made[5].champs[MAIL] = "elise.tracard2@exemple.fr"
    made[6].champs[NAME] = "Traçard Élise"
    made[7].depose_par_un_tiers = True
    made[7].prenom_mandataire, made[7].nom_mandataire = "Élise", "Traçard"
    made[8].champs[LETTRE] = [FileSeed("CV_Elise_Traçard.pdf", "application/pdf", b"%PDF-1.4")]
    made[9].annotations[5302] = [{5303: "Dossier", 5304: "elise.tracard@exemple.fr"}]
    for one, (name, content) in zip(made[10:14], FILES.items(), strict=True):
        one.champs[LETTRE] = [FileSeed(name, "application/octet-stream", content)]
    company = {**made[15].demandeur["entreprise"], "raison_sociale": "TRACARD ELISE"}
    made[15].demandeur = {**made[15].demandeur, "entreprise": company}
    made[NOBODY].champs[LETTRE] = [
        FileSeed(name, "application/octet-stream", content) for name, (content, _) in UNREAD.items()
    ]
    return made


@pytest.fixture
def planted_engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """The dossiers, read and with their files copied; then two more traces of the person."""
    with Engine(database_url, planted()) as engine:
        engine.sync_until_quiet()
        engine.restart(**copying(tmp_path / "pieces"))
        engine.sync(work=Kind.PIECES)
        work = AnswerCheck((number(4),), "fiche_produit", "conforme", "Dit Mme Traçard, Élise.")
        assert 0 == engine.worker.app.sync(Request(work, "ada@here")).exit_code
        engine.control.edit_champ(number(6), NAME, "Quelqu’un d’autre")
        engine.advance(minutes=5)
        engine.sync()
        yield engine


def found_in(engine: Engine, *, in_files: bool = False) -> dict[str, Any]:
    """Return what is found of the person."""
    store, now = engine.worker.store, engine.worker.now
    return look_up(store, TEXT, "ada@here", now, DEMARCHE, in_files=in_files)


def dossiers_of(found: dict[str, Any]) -> set[int]:
    """Return the dossiers of what was found."""
    return {one["numero"] for one in found["trouve"]}


@on_each
def test_sixteen_are_found_with_their_context_and_erased_together(
    planted_engine: Engine, tmp_path: Path
) -> None:
    """In answers, former ones, names, grids, files; what says nothing is told; erased, nowhere."""
    engine = planted_engine
    everywhere = {number(rank) for rank in range(NOBODY)}
    files = {number(rank) for rank in range(10, 14)}
    assert everywhere - files == dossiers_of(found_in(engine))
    found = found_in(engine, in_files=True)
    assert everywhere == dossiers_of(found) == {one["numero"] for one in found["dossiers"]}
    reasons = Counter(one["raison"] for one in found["fichiers"])
    # The file of which only the name names the person has no text, either.
    assert Counter(why for _, why in UNREAD.values()) + Counter([Unread.BROKEN]) == reasons
    assert len(FILES) == found["fichiers_lus"]
    excerpts = {one["numero"]: one["extrait"] for one in found["trouve"]}
    assert "directrice" in excerpts[number(10)]
    [long] = {one["extrait"] for one in found["trouve"] if one["numero"] == number(1)}
    assert "Voir CV_Elise_Traçard.pdf." in long
    assert len(long) < 200
    acts = {one["numero"]: one["acte"] for one in found["trouve"]}
    # The present answer is corrected in DS; of the former one, and of what the team said, is not.
    assert ["corriger", "effacer", "effacer"] == [acts[number(rank)] for rank in (3, 6, 4)]
    assert {number(0), number(15)} == {*found["demandeur_de"]}
    # A target that is away ends nothing: its files are told as such.
    (tmp_path / "pieces").rename(tmp_path / "away")
    found = found_in(engine, in_files=True)
    assert {Unread.AWAY} == {one["raison"] for one in found["fichiers"]}
    assert (0, 12) == (found["fichiers_lus"], len(dossiers_of(found)))
    (tmp_path / "away").rename(tmp_path / "pieces")

    work = Erase(tuple(number(rank) for rank in range(NOBODY)))
    assert 0 == engine.worker.app.sync(Request(work, "ada@here")).exit_code
    found = found_in(engine, in_files=True)
    assert [] == found["trouve"] == found["demandeur_de"]
    assert "Traçard" not in answer_of(engine).replace(TEXT.partition(" ;")[0], "")
    content = str(engine.content(all_tables=True))
    for canary in ("raçard", "RAÇARD", "elise", "611223344"):
        assert canary not in content, canary


def answer_of(engine: Engine) -> str:
    """Return the answer to the person, as a page."""
    store, worker = engine.worker.store, engine.worker.app
    page = access_answer(
        found_in(engine, in_files=True),
        TEXT,
        {DEMARCHE: worker.configuration.notice_facts(DEMARCHE)},
        store.dictionary(),
        store.reading,
        date(2026, 11, 30),
    )
    return unescape(html(page)).replace("\u00a0", " ")


def test_the_answer_says_all_that_article_15_asks_for(planted_engine: Engine) -> None:
    """What, why, how long, from whom, for whom; each find, and all of the person's own dossiers."""
    page = answer_of(planted_engine)
    for rank in range(NOBODY):
        assert f"<h3>Dossier {number(rank)}</h3>" in page, rank
    assert str(number(NOBODY)) not in page.partition("n’a pas été cherché")[0]
    for said in (
        "Finalité et base légale", "Durées", "D’après", "Qui les reçoit", "Vos droits",
        "réclamation à la CNIL", "Aucune décision n’est automatique",
        "se corrige dans Démarches Simplifiées", "ne se corrige pas",
        "sans texte (image, numérisation, autre format)",
    ):  # fmt: skip
        assert said.lower() in page.lower(), said
    truth = planted_engine.control.truth_of(number(0))
    copy = page.partition(f"Copie du dossier {number(0)}")[2].partition("<h2>")[0]
    for text in (truth.champs[PROBLEME], "Avis du pré-contrôle", "Problème identifié"):
        assert " ".join(str(text).split())[:60] in " ".join(copy.split())
    assert f"Copie du dossier {number(1)}" not in page
    other = planted_engine.control.truth_of(number(NOBODY))
    assert other.usager_email not in page
    assert " ".join(str(other.champs[PROBLEME]).split())[:60] not in " ".join(page.split())
    # The colleagues of the team are others.
    assert "instruction-eig@example.gouv.fr" not in page
