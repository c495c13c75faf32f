"""A person is found wherever dossiers have them, and nowhere once erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dsync.care.person import access_answer, distinct, look_up
from dsync.domain.paper import html
from dsync.domain.wording import unaccented
from dsync.sandbox.model import FileSeed, ServedDossier
from dsync.store.codes import Kind
from dsync.sync.work import AnswerCheck, Erase, Request
from tests.engine.rig import DEMARCHE, LETTRE, PROBLEME, Engine, number, seeds
from tests.engine.test_pieces import copying
from tests.store.databases import on_each

TEXT = "Élise Traçard ; elise.tracard@exemple.fr ; 06 11 22 33 44"
"""How a person is asked for."""
NAME, PHONE, MAIL, SPONSOR, SPONSOR_MAIL = 4306, 4309, 4308, 4302, 4304
NOBODY = 12
"""The rank of a dossier that has nothing of the person."""


def planted() -> list[ServedDossier]:
    """Return twelve dossiers that have the person, each in another place, and one that has not."""
    made = seeds(range(NOBODY + 1))
    for one in made:
        one.champs[LETTRE] = []
    made[0].usager_email = "elise.tracard+eig@exemple.fr"
    made[1].champs[PROBLEME] = f"{'Un mot. ' * 200}Voir CV_Elise_Traçard.pdf. {'Un mot. ' * 200}"
    made[2].champs[PHONE] = "+33611223344"
    made[3].champs[SPONSOR] = "TRACARD, Élise"
    made[10].champs[SPONSOR_MAIL] = "elise_tracard@exemple.fr"
    made[5].champs[MAIL] = "elise.tracard2@exemple.fr"
    made[6].champs[NAME] = "Traçard Élise"
    made[7].depose_par_un_tiers = True
    made[7].prenom_mandataire, made[7].nom_mandataire = "Élise", "Traçard"
    made[8].champs[LETTRE] = [FileSeed("CV_Elise_Traçard.pdf", "application/pdf", b"%PDF-1.4")]
    made[9].annotations[5302] = [{5303: "Dossier", 5304: "elise.tracard@exemple.fr"}]
    company = {**made[11].demandeur["entreprise"], "raison_sociale": "TRACARD ELISE"}
    made[11].demandeur = {**made[11].demandeur, "entreprise": company}
    # Others are in her own dossiers and beside her, too.
    made[0].champs |= {SPONSOR: "de la Tour, Zoé", NAME: "Karim N’Guessan", PHONE: "06 99 88 77 66"}
    made[0].champs |= {SPONSOR_MAIL: "zoe.dltr@exemple.fr", MAIL: "k.nguessan@exemple.fr"}
    made[0].champs[PROBLEME] = (
        "Mme TOUR et nguessan karim (+33 6 99 88 77 66, zoe.dltr [at] exemple.fr) ont écrit à "
        "elise.tracard@exemple.fr. Voir CV_Nguessan.pdf, ou appeler l’associé : 01.99.00.17.34."
    )
    made[0].annotations[5302] = [{5303: "Dossier", 5304: "Odile Jurée"}]
    made[3].champs |= {NAME: "Karim N’Guessan", PHONE: "+33 1 99 00 17 34"}
    made[3].champs[PROBLEME] = "Élise Traçard et N'Guessan (06 11 22 33 44 et 01.99.00.17.34)."
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


def found_in(engine: Engine) -> dict[str, Any]:
    """Return what is found of the person."""
    store, now = engine.worker.store, engine.worker.now
    return look_up(store, TEXT, "ada@here", now, DEMARCHE)


def dossiers_of(found: dict[str, Any]) -> set[int]:
    """Return the dossiers of what was found."""
    return {one["numero"] for one in found["trouve"]}


@on_each
def test_twelve_are_found_with_their_context_and_erased_together(planted_engine: Engine) -> None:
    """In answers, former ones, names, grids, names of files; erased, nowhere."""
    engine = planted_engine
    everywhere = {number(rank) for rank in range(NOBODY)}
    found = found_in(engine)
    assert everywhere == dossiers_of(found) == {one["numero"] for one in found["dossiers"]}
    shown = [(one["numero"], one["acte"], one["valeur"]) for one in distinct(found["trouve"])]
    assert len({*shown}) == len(shown) < len(found["trouve"])
    assert everywhere == {numero for numero, *_ in shown}
    # Their contents are not searched.
    assert {number(8)} == {one["numero"] for one in found["fichiers"]}
    [long] = {one["extrait"] for one in found["trouve"] if one["numero"] == number(1)}
    assert "Voir CV_Elise_Traçard.pdf." in long
    assert len(long) < 200
    acts = {one["numero"]: one["acte"] for one in found["trouve"]}
    # The present answer is corrected in DS; of the former one, and of what the team said, is not.
    assert ["corriger", "effacer", "effacer"] == [acts[number(rank)] for rank in (3, 6, 4)]
    assert {number(0), number(11)} == {*found["demandeur_de"]}
    misspelt = look_up(engine.worker.store, "Élise Trassard", "ada@here", engine.worker.now)
    assert ["Elise Tracard"] == misspelt["proches"][:1]

    work = Erase(tuple(number(rank) for rank in range(NOBODY)))
    assert 0 == engine.worker.app.sync(Request(work, "ada@here")).exit_code
    found = found_in(engine)
    assert [] == found["trouve"] == found["demandeur_de"] == found["proches"]
    assert "Traçard" not in answer_of(engine).replace(TEXT.partition(" ;")[0], "")
    content = str(engine.content(all_tables=True))
    for canary in ("raçard", "RAÇARD", "elise", "611223344"):
        assert canary not in content, canary


def answer_of(engine: Engine) -> str:
    """Return the answer to the person, as a page."""
    store, worker = engine.worker.store, engine.worker.app
    page = access_answer(
        found_in(engine),
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
    ):  # fmt: skip
        assert said.lower() in page.lower(), said
    truth = planted_engine.control.truth_of(number(11))
    copy = page.partition(f"Copie du dossier {number(11)}")[2].partition("<h2>")[0]
    for text in (truth.champs[PROBLEME], "Avis du pré-contrôle", "Problème identifié"):
        assert " ".join(str(text).split())[:60] in " ".join(copy.split())
    assert f"Copie du dossier {number(1)}" not in page
    other = planted_engine.control.truth_of(number(NOBODY))
    assert other.usager_email not in page
    assert " ".join(str(other.champs[PROBLEME]).split())[:60] not in " ".join(page.split())
    # The colleagues of the team are others.
    assert "instruction-eig@example.gouv.fr" not in page


@on_each
def test_no_other_person_is_in_the_answer_nor_beside_what_is_found(planted_engine: Engine) -> None:
    """Names, addresses and numbers of others are withheld, with why; hers stay."""
    planted_engine.control.edit_champ(number(0), SPONSOR, "Successeur, Yann")
    planted_engine.advance(minutes=5)
    planted_engine.sync()
    excerpts = [one["extrait"] for one in found_in(planted_engine)["trouve"]]
    page = answer_of(planted_engine)
    copy = page.partition(f"Copie du dossier {number(0)}")[2]
    for text in (page, " ".join(excerpts)):
        plain = unaccented(text)
        for canary in (
            "zoe", "tour ", "dltr", "karim", "guessan", "99 88", "998877", "jure", "odile",
            "yann", "successeur", "17.34",
        ):  # fmt: skip
            assert canary not in plain, (canary, plain[plain.index(canary) - 60 :][:120])
    assert "[autre personne] (" in copy
    assert "elise.tracard@exemple.fr" in copy
    for said in ("un mois", "droits d’autrui (article 15, 4)", "Les commentaires du jury"):
        assert said in page, said
