"""The evidence of a verdict: frozen with its product, fresh on demand, braked when it shrinks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.store.codes import Kind
from dsync.sync.evaluate import stored_comparisons
from dsync.sync.report import RunReport
from tests.engine.conftest import Start
from tests.engine.rig import (
    DEMARCHE,
    DETAIL,
    NOW,
    PAGE,
    Engine,
    few_products,
    number,
    seeds,
)
from tests.engine.test_judging import STARTUPS, SUIVI, product_of
from tests.profiles import long
from tests.store.databases import postgresql_if_long

PHASES: list[dict[str, str]] = [{"name": "alumni", "start": "2020-01-01", "end": ""}]
Entries = list[dict[str, Any]]


def publish(engine: Engine, change: Callable[[Entries], Entries]) -> None:
    """Publish the catalogue anew, with other products."""
    document = few_products()
    engine.control.catalogue.replace(STARTUPS, {**document, "data": change(document["data"])})


def rewrite(product: str, **attributes: Any) -> Callable[[Entries], Entries]:
    """Return a change of one product's attributes."""

    def change(entries: Entries) -> Entries:
        for entry in entries:
            if entry["id"] == product:
                entry["attributes"] = {**entry["attributes"], "phases": PHASES, **attributes}
        return entries

    return change


def rename(product: str, to: str) -> Callable[[Entries], Entries]:
    """Return the change of a product's id, which leaves no alias."""

    def change(entries: Entries) -> Entries:
        return [{**e, "id": to} if e["id"] == product else e for e in entries]

    return change


def accept(engine: Engine) -> RunReport:
    """Accept the catalogue that the safety brake stopped."""
    return engine.sync(work=Kind.PRECHECK, accept_evidence=True, started_by="cli:ada")


def standing(engine: Engine, rank: int) -> tuple[Any, ...]:
    """Return what people read of a dossier's verdict, here and in DS."""
    one = engine.one("lecture_candidature", rank)
    there = engine.remote(rank), engine.remote(rank, DETAIL), engine.labels(rank)
    return one["verdict"], one["phase_constatee"], one["verdict_etabli_le"], *there


@pytest.mark.parametrize("what", ["renamed without an alias", "withdrawn"])
def test_a_rewritten_history_changes_no_standing_verdict(start: Start, what: str) -> None:
    """What today’s catalogue would say is a remark, never pushed; `property/` rewrites phases."""
    engine = start([0])
    engine.sync_until_quiet()
    product = product_of(0)
    before, verdicts = standing(engine, 0), engine.rows("SELECT id FROM verdict")
    if what == "withdrawn":
        publish(engine, lambda entries: [e for e in entries if e["id"] != product])
    else:
        publish(engine, rename(product, "tout-autre-nom"))
    report = engine.sync()
    assert (0, 0, 0) == (report.exit_code, report.evaluated, report.pushed)
    assert before == standing(engine, 0)
    assert verdicts == engine.rows("SELECT id FROM verdict")
    engine.control.edit_champ(number(0), PAGE, SUIVI.format(product).removesuffix(".html"))
    engine.advance(minutes=1)
    engine.sync()
    engine.advance(minutes=1)
    engine.control.edit_champ(number(0), PAGE, SUIVI.format(product))
    engine.sync()
    assert before == standing(engine, 0)
    assert [] == engine.mutations()


def test_a_remark_says_what_todays_catalogue_would_give(start: Start) -> None:
    """In the view and in `dossier show`; it goes when the catalogue is as it was."""
    engine = start([0])
    engine.sync_until_quiet()
    publish(engine, rewrite(product_of(0)))
    engine.sync()
    [row] = engine.rows("SELECT * FROM lecture_precontrole")
    assert row["remarque"].startswith("D’après le catalogue actuel, le verdict serait À vérifier.")
    publish(engine, lambda entries: entries)
    engine.advance(minutes=1)
    engine.sync()
    [row] = engine.rows("SELECT * FROM lecture_precontrole")
    assert row["remarque"] is None


@postgresql_if_long
def test_an_exclusion_that_todays_catalogue_contradicts_is_said_until_it_is_judged_again(
    start: Start,
) -> None:
    """The evidence of the deposit stays; one act of a person replaces it, and asks nobody."""
    engine, ranks = start([]), (0, 1, 2, 3, 4, 7, 8, 9, 10)
    past = [{"name": "success", "start": "2020-01-01", "end": ""}]
    wrong = few_products()
    for entry in wrong["data"]:
        if entry["id"] in map(product_of, ranks):
            entry["attributes"]["phases"] = past
    engine.control.catalogue.replace(STARTUPS, wrong)
    for seed in seeds(ranks):
        engine.control.deposit(replace(seed, depose_at=NOW))
    engine.sync_until_quiet()
    excluded = [rank for rank in ranks if engine.remote(rank) == "Inéligible"]
    assert len(excluded) > 5
    before = [standing(engine, rank) for rank in ranks]
    assert "contradicted" not in engine.alerts()

    publish(engine, lambda entries: entries)
    assert (0, before) == (engine.sync().exit_code, [standing(engine, rank) for rank in ranks])
    with engine.worker.store.reading(DEMARCHE) as reader:
        contradicted = tuple(reader.dossiers.contradicted())
    assert len(contradicted) > 5
    assert f"{len(contradicted)} dossiers" in engine.alerts()["contradicted"]

    given = {"work": Kind.PRECHECK, "refresh": True, "started_by": "cli:ada"}
    engine.sync(dossiers=contradicted, **given)
    report = engine.sync_later()
    assert (0, len(contradicted)) == (report.exit_code, report.pushed), report
    assert "contradicted" not in engine.alerts()
    assert "Inéligible" not in {engine.verdict(n - number(0)) for n in contradicted}


def test_another_product_is_judged_anew(start: Start) -> None:
    """On today's catalogue, which is then kept for it."""
    engine = start([0])
    engine.sync_until_quiet()
    publish(engine, rewrite(product_of(9)))
    engine.control.edit_champ(number(0), PAGE, SUIVI.format(product_of(9)))
    engine.sync()
    assert ("À vérifier", "alumni") == standing(engine, 0)[:2]
    publish(engine, lambda entries: entries)
    engine.advance(minutes=1)
    engine.sync()
    assert ("À vérifier", "alumni") == standing(engine, 0)[:2]


def test_a_move_in_ds_explains_no_other_result_of_the_catalogue(start: Start) -> None:
    """Nine pages that the catalogue did not know, and then knows: what an instructeur did since has
    nothing to do with them.
    """
    engine, ranks = start([]), (0, 1, 2, 3, 4, 7, 8, 9, 10)
    unknown = {rank: f"qzxwvk-{rank}-tout-a-fait-inconnue" for rank in ranks}
    for rank, seed in zip(ranks, seeds(ranks), strict=True):
        engine.control.deposit(replace(seed, depose_at=NOW))
        engine.control.edit_champ(number(rank), PAGE, SUIVI.format(unknown[rank]))
    publish(engine, lambda entries: entries)
    engine.sync_until_quiet()
    assert {"Inéligible"} == {engine.remote(rank) for rank in ranks}
    engine.advance(minutes=30)
    for rank in ranks:
        engine.control.move(number(rank), "en_instruction")
    engine.sync_later()
    begun = [{"name": "acceleration", "start": "2020-01-01", "end": ""}]
    publish(
        engine,
        lambda entries: [
            *entries,
            *(
                {
                    **entries[0],
                    "id": one,
                    "attributes": {**entries[0]["attributes"], "phases": begun},
                }
                for one in unknown.values()
            ),
        ],
    )
    report = engine.sync_later()
    assert (4, 0) == (report.exit_code, report.pushed), report
    assert [Consent.WRITES] == [one.proposal.kind for one in engine.asked()]


def test_fresh_evidence_is_taken_when_an_operator_asks(start: Start) -> None:
    """It is pushed, the journal says who asked, and what was compared is read back."""
    engine = start([0, 5, 9])
    engine.sync_until_quiet()
    publish(engine, rewrite(product_of(0)))
    engine.sync()
    engine.advance(minutes=1)
    given = {"work": Kind.PRECHECK, "refresh": True, "started_by": "cli:ada"}
    report = engine.sync(dossiers=(number(0), number(5)), **given)
    compared, of_finished = report.comparisons
    assert (0, "Éligible", "À vérifier") == (
        report.exit_code,
        compared.before.verdict if compared.before else None,
        compared.after.verdict,
    )
    assert ["preuve_relue", "verdict"] == engine.events(0)[-2:]
    events = engine.rows("SELECT details FROM evenement WHERE evenement = 'preuve_relue'")
    assert {"cli:ada"} == {json.loads(event["details"])["demande_par"] for event in events}
    [run] = engine.rows("SELECT demande_par FROM sync_run ORDER BY run DESC LIMIT 1")
    assert "cli:ada" == run["demande_par"]

    engine.advance(minutes=1)
    engine.sync(work=Kind.PRECHECK, dossiers=(number(0),))
    with engine.worker.store.reading(DEMARCHE) as reader:
        [found], left = stored_comparisons(reader, report.to_json())
    assert ([number(5)], False) == (left, of_finished.is_stored)
    assert (compared.before, compared.verdict) == (found.before, found.verdict)
    assert compared.after.preuve["sha256"] == found.after.preuve["sha256"]

    engine.sync()
    assert ("À vérifier", "alumni") == standing(engine, 0)[:2]
    assert "À vérifier" == engine.remote(0)
    publish(engine, lambda entries: entries)
    engine.sync()
    assert ("À vérifier", "alumni") == standing(engine, 0)[:2]


def test_a_standing_verdict_stays_while_the_catalogue_is_out_of_reach(start: Start) -> None:
    """Its dossier stays due, and is judged when the catalogue is back."""
    engine = start([0, 6])
    engine.sync_until_quiet()
    before = standing(engine, 0)
    engine.control.catalogue.unavailable = True
    engine.advance(days=15)  # The last good copy is too old to serve.
    engine.control.edit_champ(number(0), PAGE, SUIVI.format(product_of(9)))
    engine.control.edit_champ(number(6), PAGE, SUIVI.format(product_of(9)))
    for _ in range(2):
        engine.sync()
        assert before == standing(engine, 0)
        assert "Inéligible" == engine.verdict(6) == engine.remote(6)
        engine.advance(minutes=1)
    engine.control.catalogue.unavailable = False
    engine.sync()
    assert "À vérifier" == engine.verdict(0) == engine.remote(0)
    assert [product_of(9)] * 2 == [
        engine.one("lecture_candidature", rank)["produit_id"] for rank in (0, 6)
    ]


def test_a_product_named_by_its_site_makes_no_doublon(start: Start) -> None:
    """It may be somebody else's: the dossier that gives the page stays as it is."""
    engine = start([0, 9])
    engine.sync_until_quiet()
    [product] = [e for e in few_products()["data"] if e["id"] == product_of(0)]
    engine.control.edit_champ(number(9), PAGE, product["attributes"]["link"])
    engine.sync()
    assert "Éligible" == engine.verdict(0)
    assert product_of(0) == engine.one("lecture_candidature", 9)["produit_id"]
    assert str(number(0)) in engine.remote(9, DETAIL)


class TestBrake:
    """A catalogue with markedly fewer products than the last good one."""

    def shrink(self, engine: Engine, to: int = 3) -> None:
        publish(engine, lambda entries: entries[:to])

    def test_it_is_not_believed_until_an_operator_accepts_it(self, start: Start) -> None:
        """The last good copy serves, an anomaly says so, every run ends with 7."""
        engine = start()
        engine.sync_until_quiet()
        before = [standing(engine, rank) for rank in range(12)]
        self.shrink(engine)
        for times in (1, 2):
            report = engine.sync()
            assert (7, 0, 0) == (report.exit_code, report.evaluated, report.pushed)
            assert "dsync accept evidence" in report.errors[0]
            [anomaly] = engine.rows("SELECT * FROM lecture_anomalie")
            assert (None, "catalogue", times) == (
                anomaly["numero"],
                anomaly["code"],
                anomaly["tentatives"],
            )
            engine.advance(minutes=1)
        # One that names a product of the last good copy is judged on that.
        engine.control.edit_champ(number(6), PAGE, SUIVI.format(product_of(9)))
        engine.sync()
        assert product_of(9) == engine.one("lecture_candidature", 6)["produit_id"]
        assert before[:6] == [standing(engine, rank) for rank in range(6)]
        accept(engine)
        assert [] == engine.rows("SELECT * FROM lecture_anomalie")
        report = engine.sync()
        assert 0 == report.exit_code
        assert before[:6] == [standing(engine, rank) for rank in range(6)]

    def test_another_one_than_was_stopped_is_not_accepted(self, start: Start) -> None:
        """The operator looked at something else."""
        engine = start([0])
        engine.sync_until_quiet()
        self.shrink(engine)
        engine.sync()
        self.shrink(engine, to=2)
        report = accept(engine)
        assert 7 == report.exit_code
        assert 1 == len(engine.rows("SELECT * FROM lecture_anomalie"))
        # Whole again, it needs nobody's acceptance.
        publish(engine, lambda entries: entries)
        assert 0 == engine.sync().exit_code
        assert [] == engine.rows("SELECT * FROM lecture_anomalie")

    def test_a_few_products_gone_are_believed(self, start: Start) -> None:
        """A tenth may go; what is renamed with an alias is not gone."""
        engine = start([0])
        engine.sync_until_quiet()
        count = len(few_products()["data"])
        self.shrink(engine, to=count - count // 10)
        assert 0 == engine.sync().exit_code
        self.shrink(engine, to=count // 2)
        engine.restart(configuration={"safety": {"verdicts_percent": 60}})
        assert 0 == engine.sync().exit_code


class TestDoubted:
    """A catalogue, or redirects, that are not believed, or not confirmed."""

    def redirect(self, engine: Engine, aliases: dict[str, str]) -> None:
        paths = {f"/startups/{old}.html": SUIVI.format(new) for old, new in aliases.items()}
        engine.control.catalogue.replace("/redirects.json", paths)

    @pytest.mark.parametrize("filled", [long(1), 200])
    def test_a_first_catalogue_that_is_too_small_judges_nobody(
        self, engine: Engine, filled: int
    ) -> None:
        """The good one that follows is taken without a person."""
        publish(engine, lambda entries: entries[-filled:])
        for _ in range(2):
            report = engine.sync()
            assert (7, "Indéterminé", {}) == (report.exit_code, engine.verdict(0), engine.wishes(0))
            assert "dsync accept evidence" in report.errors[0]
            engine.advance(minutes=1)
        publish(engine, lambda entries: entries)
        report = engine.sync()
        assert (0, "Éligible", "Éligible") == (
            report.exit_code,
            engine.verdict(0),
            engine.remote(0),
        )
        assert [] == engine.rows("SELECT * FROM lecture_anomalie")

    def test_a_small_first_catalogue_is_taken_when_somebody_accepts_it(
        self, engine: Engine
    ) -> None:
        """And grows then as it likes."""
        publish(engine, lambda entries: entries[:40])
        engine.sync()
        assert 0 == accept(engine).exit_code
        assert "Éligible" == engine.verdict(0)
        publish(engine, lambda entries: entries)
        assert 0 == engine.sync().exit_code

    @pytest.mark.parametrize("attribute", ["phases", "name"])
    def test_a_catalogue_that_changes_many_products_is_not_believed(
        self, engine: Engine, attribute: str
    ) -> None:
        """No verdict moves, a new dossier is judged by the last good copy; right again ends it."""
        engine.sync_until_quiet()
        before = [standing(engine, rank) for rank in range(12)]

        def move(entries: Entries) -> Entries:
            for entry in entries:
                changes = {"phases": PHASES} if attribute == "phases" else {"name": entry["id"] * 2}
                entry["attributes"] = {**entry["attributes"], **changes}
            return entries

        publish(engine, move)
        engine.control.edit_champ(number(6), PAGE, SUIVI.format(product_of(9)))
        report = engine.sync()
        assert (7, before[:6]) == (report.exit_code, [standing(engine, n) for n in range(6)])
        assert "other phases or another name" in report.errors[0]
        assert product_of(9) == engine.one("lecture_candidature", 6)["produit_id"]
        publish(engine, lambda entries: entries)
        assert (0, []) == (engine.sync().exit_code, engine.rows("SELECT * FROM lecture_anomalie"))

    def test_a_product_a_day_is_ordinary(self, engine: Engine) -> None:
        """As are those that enter another phase one after the other."""
        engine.sync_until_quiet()
        for day in range(3):
            publish(engine, lambda entries, day=day: rewrite("x" * day or "y")(entries)[day:])
            assert 0 == engine.sync().exit_code
            engine.advance(days=1)

    @pytest.mark.parametrize("how", [long("empty"), "lost"])
    def test_an_alias_once_known_stays_known(self, start: Start, how: str) -> None:
        """A dossier that gives it later is recognised as the ones before."""
        engine = start([0, 9])
        self.redirect(engine, {"ancienne-adresse": product_of(0), "autre-adresse": product_of(0)})
        engine.sync_until_quiet()
        self.redirect(engine, {} if how == "empty" else {"autre-adresse": product_of(0)})
        assert 0 == engine.sync().exit_code
        engine.control.edit_champ(number(9), PAGE, SUIVI.format("ancienne-adresse"))
        assert 0 == engine.sync().exit_code
        assert product_of(0) == engine.one("lecture_candidature", 9)["produit_id"]

    def test_redirects_that_cannot_be_read_exclude_nobody(self, start: Start) -> None:
        """It is told; what was judged before stands, and who came meanwhile is judged then."""
        engine = start([0, 6, 9])
        for rank in (6, 9):
            # So that the catalogue is read in time.
            engine.control.world.dossier(number(rank)).depose_at = NOW
        engine.sync_until_quiet()
        engine.control.edit_champ(number(6), PAGE, SUIVI.format("page-tout-a-fait-inconnue"))
        engine.sync()
        engine.advance(minutes=1)
        before = [standing(engine, rank) for rank in (0, 6)]
        assert "Inéligible" == engine.verdict(6)
        engine.control.catalogue.show_page("/redirects.json")
        engine.control.edit_champ(number(9), PAGE, SUIVI.format("page-encore-plus-inconnue"))
        report = engine.sync()
        assert (7, "À vérifier") == (report.exit_code, engine.verdict(9))
        assert "redirects" in report.errors[0]
        assert before == [standing(engine, rank) for rank in (0, 6)]
        engine.advance(minutes=1)
        self.redirect(engine, {})
        report = engine.sync()
        assert "Inéligible" == engine.verdict(9) == engine.remote(9)
        assert (0, before) == (report.exit_code, [standing(engine, rank) for rank in (0, 6)])
