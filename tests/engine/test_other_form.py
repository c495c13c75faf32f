"""A form that is not the configuration's: it is copied, and nothing is judged by it or written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dsync.configuration import shipped_config
from dsync.domain.consent import Consent
from dsync.sandbox import Change, Sandbox, content
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.model import ChampDescriptor
from dsync.sync.report import RunReport
from dsync.sync.work import Precheck, ReadAll, Request
from dsync.wiring import Worker
from tests.configured import load_settings
from tests.engine.conftest import Start
from tests.engine.rig import (
    DETAIL,
    INSTRUCTEUR,
    NOW,
    OPEN,
    PAGE,
    PROBLEME,
    SEED,
    Engine,
    deposited,
    number,
    seeds,
)
from tests.seen import see_first
from tests.store.databases import connected

REMEDY = "`dsync config init` writes a file"
AID = content.SUBSIDY_FORM.number
GRILLES, EVALUATEUR, AVERE = 5302, 5304, 5311


def synced(sandbox: Sandbox, folder: Path, demarche: int, **flags: Any) -> RunReport:
    """Do a first run with the shipped file, unless another one is named."""
    folder.mkdir(exist_ok=True)
    settings = load_settings(
        ds_url=sandbox.ds_url,
        betagouv_url=sandbox.betagouv_url,
        database_url=f"sqlite:///{folder / 'dsync.db'}",
        ds_token=SecretStr(sandbox.tokens.write),
        ds_instructeur=INSTRUCTEUR,
        demarche=demarche,
        **{"config": shipped_config(), **flags},
    )
    with Worker(settings, clock=sandbox.world.now) as app:
        see_first(app)
        return app.sync(Request(ReadAll()))


@pytest.mark.parametrize("copied", [False, True], ids=["shipped", "a copy of it"])
def test_an_aid_is_not_judged_as_a_call(tmp_path: Path, copied: bool) -> None:
    """All dossiers are copied, none is judged or written; it is told what the form lacks."""
    forms = [(content.SUBSIDY_FORM, content.subsidy_dossiers(SEED, 40, now=NOW))]
    flags = {}
    if copied:
        flags["config"] = tmp_path / "own.toml"
        flags["config"].write_text(shipped_config().read_text("utf-8"), encoding="utf-8")
    with Sandbox(forms, seed=SEED, clock=lambda: NOW) as sandbox:
        report = synced(sandbox, tmp_path, AID, **flags)
        assert [] == sandbox.control.requests(kind="mutation")
    assert (7, 40, 0, 0) == (report.exit_code, report.read, report.evaluated, report.pushed)
    said = report.errors[0]
    for field in ("page_produit", "probleme", "voeux", "contact_courriel"):
        assert field in said
    assert copied != (REMEDY in said)
    assert str(flags.get("config", "aap-eig7.toml")) in said
    with connected(f"sqlite:///{tmp_path / 'dsync.db'}") as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in ("dossier", "verdict", "outbox")
        ]
    assert [40, 0, 0] == counts


def test_without_an_annotation_of_its_own_the_shipped_file_writes_nothing(tmp_path: Path) -> None:
    """Of the same form under another number it judges and writes; what one lacks is named."""
    with Sandbox([(replace(FORM, number=90001), seeds())], seed=SEED, clock=lambda: NOW) as sandbox:
        report = synced(sandbox, tmp_path, 90001)
        assert (0, 12, len(OPEN)) == (report.exit_code, report.evaluated, report.pushed)
        sandbox.control.forget_requests()
        sandbox.control.form.publish_revision(Change(remove=[DETAIL]))
        report = synced(sandbox, tmp_path / "another", 90001)
        assert [] == sandbox.control.requests(kind="mutation")
    assert (7, 12, 0) == (report.exit_code, report.evaluated, report.pushed)
    [said] = report.errors
    assert "lacks [annotations] detail. Its dossiers are copied, and nothing is written" in said
    assert REMEDY in said


@pytest.mark.parametrize(
    ("gone", "told"),
    [(EVALUATEUR, ["evaluations.evaluateur"]), (AVERE, ["evaluations.criteres.probleme_avere"]),
     (GRILLES, [])],
)  # fmt: skip
def test_a_column_that_the_grids_lose_is_told(engine: Engine, gone: int, told: list[str]) -> None:
    """The jury is ranked without it; a form without any grid has no jury. Judging goes on."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(Change(remove=[gone]))
    report = engine.sync()
    found = [one for one in report.errors if "no champ of the form matches" in one]
    assert [f"[mapping] {one}" for one in told] == [one.partition(": ")[0] for one in found]
    assert (7 if told else 0) == report.exit_code


def test_a_needed_field_that_the_form_loses_stops_judging_alone(engine: Engine) -> None:
    """What stands keeps standing, what waits is written, and nothing is judged, by no command."""
    engine.sync_until_quiet()
    verdicts = {rank: engine.verdict(rank) for rank in OPEN}
    for rank in OPEN:
        engine.control.edit_champ(number(rank), PAGE, "")
    engine.control.form.publish_revision(Change(remove=[PROBLEME]))
    report = engine.sync()
    # A question that the checks use is gone: what stood in the copies waits, too.
    assert (4, 0) == (report.exit_code, report.evaluated)
    [said] = [one for one in report.errors if "[mapping]" in one]
    assert "[mapping] probleme: no champ of the form matches" in said
    assert "Nothing is judged" in said
    assert verdicts == {rank: engine.verdict(rank) for rank in OPEN}
    assert {"confirmee"} == {status for rank in OPEN for status in engine.wishes(rank).values()}
    app = engine.worker.app
    tried = app.sync(Request(Precheck()))
    assert (7, []) == (tried.exit_code, [*tried.comparisons])
    asked_again = ChampDescriptor(4999, "textarea", "Problème identifié")
    engine.control.form.publish_revision(Change(add_champs=[asked_again]))
    assert 4 == engine.sync().exit_code
    assert (0, True) == ((again := engine.accept(Consent.ANSWERS)).exit_code, again.evaluated > 0)


def test_the_wishes_that_wait_are_written_though_nothing_is_judged(engine: Engine) -> None:
    """Only what `dsync check` calls KO is stopped."""
    engine.begin(push=False)
    engine.control.form.publish_revision(Change(remove=[PROBLEME]))
    report = engine.sync()
    assert (4, True) == (report.exit_code, report.pushed > 0)


def test_rules_of_another_year_do_not_begin_to_judge(start: Start) -> None:
    """Their window ended before the form was published; of changed ones, the brake decides."""
    engine = start()
    engine.restart(configuration=deposited(date(2019, 1, 1), date(2019, 12, 31)))
    report = engine.sync()
    assert (7, 12, 0, 0) == (report.exit_code, report.read, report.evaluated, report.pushed)
    assert "it is another call's" in report.errors[0]
