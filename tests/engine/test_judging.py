"""When a verdict is worked out again, and when not."""

from __future__ import annotations

import pytest

from dsync.domain.consent import Consent
from dsync.eig.precheck.check import Check
from dsync.eig.rows import known_products
from dsync.sandbox import ScriptedFault
from tests.engine.conftest import Start
from tests.engine.rig import (
    DETAIL,
    OPEN,
    PAGE,
    Engine,
    few_products,
    number,
    seeds,
)

STARTUPS = "/api/v2.6/startups.json"
SUIVI = "https://beta.gouv.fr/startups/{}.html"


def product_of(rank: int) -> str:
    """Return the id of the product that a dossier names by its canonical address."""
    [seed] = seeds([rank])
    return str(seed.champs[PAGE]).rpartition("/")[2].removesuffix(".html")


def republish(engine: Engine, *, without: str = "", add: str = "") -> None:
    """Publish the catalogue anew, without a product or with one more like the first."""
    document = few_products()
    entries = [entry for entry in document["data"] if entry["id"] != without]
    if add:
        pattern = next(entry for entry in document["data"] if entry["id"] == product_of(0))
        # A name of its own: one like the first's would be near the same answers.
        named = pattern["attributes"] | {"name": add.replace("-", " ").capitalize()}
        entries.append({**pattern, "id": add, "attributes": named})
    engine.control.catalogue.replace(STARTUPS, {**document, "data": entries})


def rows(engine: Engine, rank: int) -> int:
    return len(engine.rows("SELECT id FROM verdict WHERE numero = :n", n=number(rank)))


def test_other_rules_judge_every_open_dossier_again(engine: Engine) -> None:
    """A history row each; finished ones keep theirs; what reads the same is not pushed again."""
    engine.sync_until_quiet()
    engine.restart(configuration={"precontrole": {"answer_days": 20}})
    report = engine.sync()
    assert (0, 10, 0) == (report.exit_code, report.evaluated, report.pushed)
    assert [2] * 10 == [rows(engine, rank) for rank in OPEN]
    assert [1, 1] == [rows(engine, rank) for rank in (5, 11)]
    assert 0 == engine.sync().evaluated


def test_other_rules_with_another_answer_are_pushed(engine: Engine) -> None:
    """Annotation and label change; of a check that is off neither row nor words are left."""
    engine.sync_until_quiet()
    assert "Inéligible" == engine.verdict(2)
    engine.restart(configuration={"controles": {"administration": {"sinon": "a_verifier"}}})
    engine.sync()
    engine.accept(Consent.RULES)
    assert ("À vérifier", ["à vérifier"]) == (engine.remote(2), engine.labels(2))
    engine.restart(configuration={"controles": {"administration": None}})
    engine.sync()
    engine.accept(Consent.RULES)
    assert ("Éligible", ["éligible"]) == (engine.remote(2), engine.labels(2))
    assert "administration" not in engine.remote(2, DETAIL)
    checks = engine.rows(
        "SELECT controle FROM lecture_precontrole_controle WHERE courant AND numero = :numero",
        numero=number(2),
    )
    assert set(Check) - {Check.ADMINISTRATION} == {row["controle"] for row in checks}


def test_a_product_published_at_last_lifts_the_verdict(start: Start) -> None:
    """Not Éligible and its evidence has changed: judged again without any change in DS."""
    engine = start()
    engine.control.edit_champ(number(0), PAGE, SUIVI.format("nouveau-produit"))
    engine.sync_until_quiet()
    # Years after the deposit, an unknown page excludes nobody.
    assert "À vérifier" == engine.remote(0)
    assert "ne correspond à aucune fiche produit" in engine.remote(0, DETAIL)
    republish(engine, add="nouveau-produit")
    report = engine.sync()
    assert (0, 0, 1) == (report.exit_code, report.changed, report.evaluated)
    assert "ne correspond à aucune fiche produit" not in engine.remote(0, DETAIL)


def test_a_new_twin_has_both_dossiers_judged_again(engine: Engine) -> None:
    """The Éligible one too: each names the other; when it is alone again, it is Éligible."""
    engine.sync_until_quiet()
    [twin] = seeds([0])
    engine.control.edit_champ(number(2), PAGE, twin.champs[PAGE])
    engine.sync()
    assert "À vérifier" == engine.verdict(0) == engine.remote(0)
    assert str(number(2)) in engine.remote(0, DETAIL)
    engine.advance(minutes=1)
    engine.control.hide(number(2), "administration")
    engine.sync()
    assert "Éligible" == engine.verdict(0) == engine.remote(0)


def test_twins_on_two_pages_name_each_other_and_count_once(engine: Engine) -> None:
    """The first is judged before the second is read, and again after the last page."""
    engine.sync_until_quiet()
    engine.advance(hours=1)
    [known] = seeds([0])
    for rank in (2, 3):
        engine.control.edit_champ(number(rank), PAGE, known.champs[PAGE])
        engine.advance(minutes=1)
    engine.shrink(1)
    report = engine.sync()
    assert {2, 3} == {rank for rank in (2, 3) if str(number(0)) in engine.remote(rank, DETAIL)}
    assert str(number(3)) in engine.remote(2, DETAIL)
    assert str(number(2)) in engine.remote(3, DETAIL)
    assert (2, 3, 3) == (report.changed, report.evaluated, sum(report.verdicts.values()))


def test_a_run_that_breaks_off_has_judged_the_pages_that_it_stored(engine: Engine) -> None:
    """A page is judged before the next one is taken."""
    engine.sync_until_quiet()
    engine.advance(hours=1)
    for rank in (0, 1):
        engine.control.edit_champ(number(rank), PAGE, "néant")
        engine.advance(minutes=1)
    engine.shrink(1)
    engine.control.faults.fail(ScriptedFault("bad_gateway", "DossiersPage", after=1, times=None))
    assert 8 == engine.sync().exit_code
    assert ["Inéligible", "À vérifier"] == [engine.verdict(rank) for rank in (0, 1)]


def test_a_column_of_profiles_that_is_not_mapped_makes_nobody_ineligible(engine: Engine) -> None:
    """The form names it otherwise: the verdict stays, and the run says what to mend."""
    engine.sync_until_quiet()
    mapping = engine.worker.app.configuration.mapping
    profil = mapping.voeux.profil.model_copy(update={"id": "autre", "libelles": ("Métier",)})
    voeux = mapping.voeux.model_copy(update={"profil": profil})
    engine.restart(configuration={"mapping": {"voeux": voeux}})
    report = engine.sync()
    assert ("Éligible", "Éligible") == (engine.verdict(0), engine.remote(0))
    assert [] == engine.sent(0)
    assert any("voeux.profil" in error for error in report.errors)


@pytest.mark.parametrize("how", ["away", "unreadable"])
def test_without_a_catalogue_nothing_is_said_until_it_is_back(engine: Engine, how: str) -> None:
    """Indéterminé leaves DS as it is, and no file that is broken is a missing page."""
    catalogue = engine.control.catalogue
    if how == "away":
        catalogue.unavailable = True
    else:
        for version in ("v2.6", "v2.7"):
            catalogue.replace(STARTUPS.replace("v2.6", version), ["rien"])
    report = engine.sync()
    assert (7, "Indéterminé") == (report.exit_code, engine.verdict(0))
    assert ({}, None) == (engine.wishes(0), engine.remote(0))
    catalogue.unavailable = False
    republish(engine)
    assert 0 == engine.sync().exit_code
    assert "Éligible" == engine.verdict(0) == engine.remote(0)


def test_the_last_good_catalogue_serves_while_it_cannot_be_had(engine: Engine) -> None:
    """The run is partial, the verdicts go on."""
    engine.sync_until_quiet()
    engine.control.catalogue.unavailable = True
    engine.control.edit_champ(number(3), PAGE, "")
    report = engine.sync()
    assert (7, 1) == (report.exit_code, report.evaluated)
    assert "Inéligible" == engine.remote(3)
    assert "Éligible" == engine.verdict(0)


def test_annotations_of_humans_are_no_input(engine: Engine) -> None:
    """Stored and told, never a reason to judge again."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), 5202, "Soutenance")
    report = engine.sync()
    assert (1, 0) == (report.changed, report.evaluated)
    assert "Soutenance" == engine.one("lecture_candidature", 0)["etape"]


def test_a_finished_dossier_keeps_its_verdict_and_an_open_one_again_is_judged(
    engine: Engine,
) -> None:
    """On what it says now, and pushed, also one that was first seen finished; archived is not."""
    engine.sync_until_quiet()
    engine.control.move(number(0), "accepte")
    engine.control.archive(number(9))
    engine.sync()
    for rank in (0, 9):
        engine.control.edit_champ(number(rank), PAGE, "")
    engine.advance(minutes=1)
    engine.sync()
    assert ("Éligible", "Éligible") == (engine.verdict(0), engine.remote(0))
    assert "Inéligible" == engine.verdict(9) == engine.remote(9)
    assert {} == engine.wishes(5)
    for rank in (0, 5):
        engine.control.move(number(rank), "en_instruction")
    engine.advance(minutes=1)
    engine.sync()
    assert "Inéligible" == engine.verdict(0) == engine.remote(0)
    assert engine.verdict(5) == engine.remote(5) is not None


def test_every_product_that_was_ever_in_the_catalogue_stays_known(engine: Engine) -> None:
    """One that is withdrawn keeps its last name and phases, on each database."""
    engine.begin()
    gone = product_of(0)
    [before] = engine.rows("SELECT * FROM produit WHERE id = :id", id=gone)
    count = len(engine.rows("SELECT id FROM produit"))
    republish(engine, without=gone, add="nouveau-produit")
    engine.advance(minutes=1)
    engine.sync()
    assert [before] == engine.rows("SELECT * FROM produit WHERE id = :id", id=gone)
    assert count + 1 == len(engine.rows("SELECT id FROM produit"))
    with engine.worker.store.reading() as reader:
        known = {product.id: product for product in known_products(reader.connection)}
    assert known[gone].phases == known["nouveau-produit"].phases != ()
