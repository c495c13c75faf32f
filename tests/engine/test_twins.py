"""Twins: those that only this copy lost, and those that give the same words for an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.store.codes import Kind
from dsync.sync.work import AnswerCheck, Request
from tests.engine.rig import DETAIL, PAGE, Engine, number, seeds
from tests.engine.test_answers import ALICE, WHY, answer, checks, move, statuses, withdraw
from tests.profiles import long
from tests.store.databases import on_postgresql, postgresql_if_long

ERASED, OTHER = 2, 0
NAMED = "À vérifier"
WORDS = "Zéphyr Vallon"


def twins(engine: Engine) -> Engine:
    """Have two dossiers name one product, and all be read, judged and written."""
    [one] = seeds([OTHER])
    engine.control.edit_champ(number(ERASED), PAGE, one.champs[PAGE])
    engine.sync_until_quiet()
    assert NAMED == engine.verdict(OTHER)
    return engine


def verdicts(engine: Engine) -> list[dict[str, Any]]:
    return engine.rows(
        "SELECT id, numero, verdict, detail FROM verdict WHERE courant AND numero IN (SELECT "
        "numero FROM dossier WHERE efface_le IS NULL) ORDER BY numero"
    )


@on_postgresql
def test_an_erased_dossier_stays_a_twin(engine: Engine) -> None:
    """No verdict of another one moves, by whatever read, and nothing is written."""
    engine = twins(engine)
    before = verdicts(engine)
    engine.worker.erase(ERASED)
    kept = [one for one in before if one["numero"] != number(ERASED)]
    engine.control.forget_requests()
    for report in (engine.sync(), engine.sync(full=True), engine.sync(full=True)):
        assert (0, 0, 0) == (report.exit_code, report.pushed, report.deleted)
    engine.restart()
    engine.sync(work=Kind.PRECHECK)
    assert kept == verdicts(engine)
    assert [] == engine.mutations()
    [row] = engine.rows("SELECT * FROM jumeau")
    said = engine.rows("SELECT preuve FROM verdict WHERE courant AND numero = :n", n=number(OTHER))
    product = json.loads(said[0]["preuve"])["product"]["id"]
    assert (number(ERASED), product) == (row["numero"], row["produit"])


@postgresql_if_long
def test_of_many_twins_the_first_ten_are_named(database_url: str) -> None:
    """Those deposited first, « et d’autres »: one more changes none of them, and one fewer all."""
    served = seeds(range(20))
    one, last = served[0], max(range(20), key=lambda rank: (served[rank].depose_at, rank))
    with Engine(database_url, served) as engine:
        for rank in range(20):
            engine.control.move(number(rank), "en_construction")
            if rank != last:
                engine.control.edit_champ(number(rank), PAGE, one.champs[PAGE])
        engine.sync_until_quiet()
        assert 20 == len(verdicts(engine))
        # Of all twins alike, whatever the order in which they came.
        order = "SELECT numero FROM dossier WHERE numero <> :n ORDER BY depose_le, numero"
        first = [row["numero"] for row in engine.rows(order, n=number(last))]
        assert _named(engine) == {n: _but(n, first) for n in first}
        assert _details(engine, "et d’autres").keys() == {*first}
        kept = _details(engine)
        engine.control.edit_champ(number(last), PAGE, one.champs[PAGE])
        engine.advance(minutes=1)
        assert 1 == engine.sync().evaluated
        assert _named(engine)[number(last)] == sorted(first[:10])
        now = _details(engine)
        assert kept.items() <= {**now, number(last): kept[number(last)]}.items()
        # Refused by somebody, who need not be asked whether the others' texts may change.
        engine.control.move(first[3], "refuse")
        engine.advance(minutes=1)
        report = engine.sync()
        left = [n for n in [*first, number(last)] if n != first[3]]
        assert (0, 19) == (report.exit_code, report.evaluated)
        assert str(first[3]) not in engine.remote(0, DETAIL)
        assert {n: _but(n, left) for n in left} == {
            n: some for n, some in _named(engine).items() if n != first[3]
        }
        assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)


def _but(numero: int, order: list[int]) -> list[int]:
    return sorted([one for one in order if one != numero][:10])


def _details(engine: Engine, said: str = "") -> dict[int, str]:
    found = {row["numero"]: row["detail"] for row in verdicts(engine)}
    return {numero: detail for numero, detail in found.items() if said in detail}


def _named(engine: Engine) -> dict[int, list[int]]:
    rows = engine.rows("SELECT numero, controles FROM verdict WHERE courant")
    found = {row["numero"]: json.loads(row["controles"]) for row in rows}
    evidence = {
        numero: one["preuve"].get("dossiers")
        for numero, made in found.items()
        for one in made
        if one["controle"] == "doublon"
    }
    return {numero: numbers for numero, numbers in evidence.items() if numbers}


AWAY: dict[str, Callable[[Engine], None]] = {
    "refused": lambda engine: engine.control.move(number(ERASED), "refuse"),
    "hidden": lambda engine: engine.control.hide(number(ERASED)),
    "erased": lambda engine: engine.control.erase(number(ERASED)),
    "expired": lambda engine: engine.control.expire(number(ERASED)),
}


@pytest.mark.parametrize("becomes", ["refused", long("hidden"), "erased", long("expired")])
def test_it_ceases_to_count_with_ds(engine: Engine, becomes: str) -> None:
    """Refused, hidden, erased or in no list any more there: without a copy of its contents."""
    twins(engine)
    engine.worker.erase(ERASED)
    engine.sync()
    AWAY[becomes](engine)
    engine.advance(minutes=1)
    report = engine.sync(full=becomes == "expired")
    assert (0, "Éligible") == (report.exit_code, engine.verdict(OTHER))
    engine.advance(minutes=11)
    engine.sync()
    assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)
    assert [] == engine.rows("SELECT * FROM contenu WHERE numero = :n", n=number(ERASED))


@pytest.mark.parametrize(
    ("resultat", "verdict"), [("conforme", "Éligible"), ("non_conforme", "Inéligible")]
)
def test_an_answer_about_twins_stands_when_one_leaves(
    engine: Engine, resultat: str, verdict: str
) -> None:
    """Nobody is asked again, of fewer dossiers than the person saw; they are of another one."""
    twins(engine)
    answer(engine, OTHER, "doublon", resultat)
    AWAY["refused"](engine)
    engine.advance(minutes=1)
    engine.sync()
    assert (verdict, ["valable"]) == (engine.verdict(OTHER), statuses(engine, OTHER))
    assert "Établi par A. Martin" in checks(engine, OTHER)["doublon"]["motif"]
    assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)
    move(engine, OTHER, seeds([1])[0].champs[PAGE])
    assert ("À vérifier", ["a_confirmer"]) == (engine.verdict(OTHER), statuses(engine, OTHER))


def test_it_counts_again_when_ds_has_it_again(engine: Engine) -> None:
    """Under way after a refusal, or back from the bin."""
    twins(engine)
    engine.worker.erase(ERASED)
    for away, back in (
        ("refused", lambda: engine.control.move(number(ERASED), "en_instruction")),
        ("hidden", lambda: engine.control.restore(number(ERASED))),
    ):
        AWAY[away](engine)
        engine.advance(minutes=1)
        engine.sync()
        assert "Éligible" == engine.verdict(OTHER)
        back()
        engine.advance(minutes=1)
        engine.sync()
        assert NAMED == engine.verdict(OTHER)


def test_an_erasure_that_is_undone_leaves_one_twin(engine: Engine) -> None:
    """The copy counts, and no row for what was erased; no verdict moved meanwhile."""
    twins(engine)
    before = verdicts(engine)
    engine.worker.erase(ERASED)
    engine.worker.erase(ERASED, undo=True)
    engine.sync(dossiers=(number(OTHER),))
    assert NAMED == engine.verdict(OTHER)
    engine.sync(dossiers=(number(ERASED),))
    assert [] == engine.rows("SELECT * FROM jumeau")
    shown = [(one["numero"], one["verdict"], one["detail"]) for one in before]
    assert shown == [(o["numero"], o["verdict"], o["detail"]) for o in verdicts(engine)]
    move(engine, ERASED, "")
    assert "Éligible" == engine.verdict(OTHER)


def test_an_erasure_that_is_undone_leaves_no_twin_of_what_was_named_before(engine: Engine) -> None:
    """The applicant names another product meanwhile: those of the former one count it no more."""
    twins(engine)
    engine.worker.erase(ERASED)
    engine.sync()
    [other] = seeds([3])
    engine.control.edit_champ(number(ERASED), PAGE, other.champs[PAGE])
    engine.worker.erase(ERASED, undo=True)
    engine.sync(dossiers=(number(ERASED),))
    assert "Éligible" == engine.verdict(OTHER)


def test_what_was_no_twin_leaves_none(engine: Engine) -> None:
    """Without a certain product nothing is kept, whatever was typed; nor of what DS had hidden."""
    engine.control.edit_champ(number(ERASED), PAGE, WORDS)
    engine.control.edit_champ(number(3), PAGE, "néant")
    engine.sync_until_quiet()
    engine.control.hide(number(1))
    engine.sync()
    for rank in (ERASED, 3, 1):
        engine.worker.erase(rank)
    assert [(number(1), False)] == [
        (row["numero"], bool(row["montre"])) for row in engine.rows("SELECT * FROM jumeau")
    ]
    assert WORDS not in str(engine.content(all_tables=True))


def test_the_same_words_are_doublons(engine: Engine) -> None:
    """Without a known product, however they are written; until one of them says something else."""
    for rank, typed in ((0, WORDS), (2, "https://beta.gouv.fr/startups/zephyr-vallon.html")):
        engine.control.edit_champ(number(rank), PAGE, typed)
    for rank, nothing in ((3, "cf. dossier"), (4, "cf. dossier"), (5, "DINUM"), (6, "DINUM")):
        engine.control.edit_champ(number(rank), PAGE, nothing)
    engine.sync_until_quiet()
    found = {rank: checks(engine, rank)["doublon"] for rank in (0, 2, 3, 4, 5, 6)}
    assert ["a_verifier"] * 2 + ["sans_objet"] * 4 == [one["resultat"] for one in found.values()]
    assert str(number(2)) in found[0]["motif"]
    assert str(number(0)) in found[2]["motif"]
    assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)
    move(engine, 2, "Zéphyr Mistral")
    assert "sans_objet" == checks(engine, 0)["doublon"]["resultat"]
    move(engine, 2, "zéphyr_vallon")
    engine.worker.erase(2)
    engine.sync()
    # What somebody typed is not kept: nothing is left to compare.
    assert "sans_objet" == checks(engine, 0)["doublon"]["resultat"]


def name(engine: Engine, rank: int, produit: str, resultat: Any = "conforme") -> Any:
    work = AnswerCheck((number(rank),), "fiche_produit", resultat, WHY, produit=produit)
    return engine.worker.app.sync(Request(work, ALICE))


def product(engine: Engine, rank: int) -> str:
    [row] = engine.rows("SELECT produit_id FROM candidature WHERE numero = :n", n=number(rank))
    return str(row["produit_id"])


@on_postgresql
def test_a_named_product_is_compared_with_the_others(engine: Engine) -> None:
    """Dossier 6 names no page; a person says that it is about the product of dossier 0."""
    engine.sync_until_quiet()
    assert "Éligible" == engine.verdict(0)
    first = product(engine, 0)
    assert 0 == name(engine, 6, first.upper()).exit_code
    made = checks(engine, 6)
    assert "conforme" == made["fiche_produit"]["resultat"]
    assert "Phase « " in made["phase"]["motif"]
    assert f"pour le produit {first}." in made["fiche_produit"]["motif"]
    assert str(number(0)) in made["doublon"]["motif"]
    engine.sync()
    assert str(number(6)) in checks(engine, 0)["doublon"]["motif"]
    assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)
    engine.restart()
    assert 0 == engine.sync(full=True).evaluated
    [row] = engine.rows("SELECT * FROM lecture_reponse")
    assert (first, "valable") == (row["produit"], row["statut"])
    # It stays a twin, too.
    engine.worker.erase(6)
    engine.sync()
    assert str(number(6)) in checks(engine, 0)["doublon"]["motif"]


def test_a_named_product_counts_as_long_as_the_answer_does(engine: Engine) -> None:
    """Not once the applicant names another one, nor once it is withdrawn."""
    engine.sync_until_quiet()
    first = product(engine, 0)
    name(engine, 6, first)
    engine.sync()
    assert "À vérifier" == engine.verdict(0)
    withdraw(engine, 6, "fiche_produit")
    engine.sync()
    assert "Éligible" == engine.verdict(0)
    assert "sans_objet" == checks(engine, 6)["phase"]["resultat"]
    name(engine, 6, first)
    engine.sync()
    [other] = seeds([2])
    move(engine, 6, other.champs[PAGE])
    assert "Éligible" == engine.verdict(0)
    assert product(engine, 2) == product(engine, 6)
    assert "a_verifier" == checks(engine, 6)["fiche_produit"]["resultat"]


@pytest.mark.parametrize(
    ("produit", "resultat", "said"),
    [("rien-de-tel-ici", "conforme", "No product of beta.gouv.fr"),
     (None, "conforme", "Did you mean"), (None, "non_conforme", "leave it out")],
)  # fmt: skip
def test_a_product_that_cannot_be_named_is_refused(
    engine: Engine, produit: str | None, resultat: str, said: str
) -> None:
    """In one sentence, with the nearest; nothing is stored."""
    engine.begin()
    near = product(engine, 0)
    report = name(engine, 6, produit or (f"{near}x" if said == "Did you mean" else near), resultat)
    assert 2 == report.exit_code
    assert said in report.to_json()["errors"][0]
    assert [] == engine.rows("SELECT * FROM reponse")


def test_a_check_switched_off_does_not_drop_a_refusal(engine: Engine) -> None:
    """« À vérifier » in DS, with who refused it; withdrawn, it is Éligible."""
    engine.sync_until_quiet()
    work = AnswerCheck((number(0),), "doublon", "non_conforme", WHY)
    engine.worker.app.sync(Request(work, ALICE))
    engine.sync()
    assert "Inéligible" == engine.remote(0)
    engine.restart(configuration={"controles": {"doublon": None}})
    engine.sync()
    engine.accept(Consent.RULES)
    assert "À vérifier" == engine.remote(0)
    assert "ce contrôle n’est plus fait" in checks(engine, 0)["doublon"]["motif"]
    assert (0, 0) == ((again := engine.sync(full=True)).evaluated, again.pushed)
    withdraw(engine, 0, "doublon")
    engine.sync()
    assert "Éligible" == engine.remote(0)
