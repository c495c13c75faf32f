"""A validation box that was once there and cannot be read: « validated » stands, pushes wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dsync.annotations.targets import AnnotationTarget
from dsync.domain.consent import Consent
from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor
from tests.engine.rig import OPEN, PAGE, VALIDE, Engine, id_of, number
from tests.profiles import long
from tests.store.databases import postgresql_if_long

VALIDATED = OPEN[:6]
"""Ranks of the dossiers that an instructeur validates."""
FREE = OPEN[6]
WITHOUT = {"annotations": {"validation": None}}
MISTYPED = {"annotations": {"validation": AnnotationTarget(id="Q2hhbXAtOTk5OQ==")}}
ANOTHER = ChampDescriptor(5999, "checkbox", "Vu en commission")


def remote(engine: Engine) -> dict[int, Any]:
    """Return the results that DS has."""
    return {rank: engine.remote(rank) for rank in OPEN}


def validate(engine: Engine) -> dict[int, Any]:
    """Write all, have six dossiers validated, and change the verdict of all; return DS's values."""
    engine.sync_until_quiet()
    for rank in VALIDATED:
        engine.control.edit_annotation(number(rank), VALIDE, True)
    engine.advance(minutes=1)
    assert 0 == engine.sync().exit_code
    for rank in OPEN:
        is_eligible = engine.verdict(rank) == "Éligible"
        page = "" if is_eligible else "https://beta.gouv.fr/startups/aucune.html"
        engine.control.edit_champ(number(rank), PAGE, page)
    engine.control.forget_requests()
    return remote(engine)


def removed(engine: Engine) -> None:
    engine.control.form.publish_revision(Change(remove=[VALIDE]))


def retyped(engine: Engine) -> None:
    engine.control.form.publish_revision(Change(retype={VALIDE: "text"}))


LOSSES: dict[str, Callable[[Engine], Any]] = {
    "mistyped": lambda engine: engine.restart(configuration=MISTYPED),
    "out of the file": lambda engine: engine.restart(configuration=WITHOUT),
    "removed in DS": removed,
    "retyped in DS": retyped,
}


@pytest.mark.parametrize(
    "loss", [long("mistyped"), "out of the file", "removed in DS", long("retyped in DS")]
)
def test_a_lost_box_protects(engine: Engine, loss: str) -> None:
    """No mutation, run after run and in a full read; exit 7 with one sentence and the remedy.

    A person can say that it is no more: they see how many are validated, then all is written, and
    nothing is asked again.
    """
    before = validate(engine)
    LOSSES[loss](engine)
    for options in ({}, {"full": True}, {}):
        engine.advance(minutes=61)
        report = engine.sync(**options)
        assert (7, 0) == (report.exit_code, report.pushed)
        [said] = report.errors
        assert f"form: {len(OPEN)}, validated ones among them: {len(VALIDATED)}" in said
        assert "`dsync accept config`" in said
    assert ([], before) == (engine.mutations(), remote(engine))
    for rank in VALIDATED:
        assert {"suspendue"} == set(engine.wishes(rank).values())
        assert engine.one("lecture_candidature", rank)["valide_par_instructeur"]
    assert [] == engine.worker.app.verify(remote=True).findings

    [asked] = engine.asked()
    assert [("cochée", 6), ("non cochée", 4)] == [
        (move.before, move.dossiers) for move in asked.proposal.moves
    ]
    report = engine.accept(Consent.CONFIG)
    assert (0, []) == (report.exit_code, report.errors)
    assert {"confirmee"} == {status for rank in OPEN for status in engine.wishes(rank).values()}
    engine.advance(minutes=20)
    assert (0, []) == ((again := engine.sync()).exit_code, again.errors)


def made_anew(engine: Engine) -> None:
    box = ChampDescriptor(5998, "checkbox", "Pré-contrôle validé par un instructeur")
    engine.control.form.publish_revision(Change(remove=[VALIDE], add_annotations=[box]))


def emptied(engine: Engine) -> None:
    [demarche] = engine.sandbox.world.demarches.values()
    for rank in VALIDATED:
        demarche.dossiers[number(rank)].annotations.pop(VALIDE)


EMPTIED: dict[str, Callable[[Engine], Any]] = {
    "made anew": made_anew,
    "retyped": lambda engine: engine.control.form.publish_revision(
        Change(retype={VALIDE: "yes_no"})
    ),
    "without a hand": emptied,
}


@postgresql_if_long
@pytest.mark.parametrize("loss", ["made anew", long("retyped"), "without a hand"])
def test_a_tick_that_nobody_took_away_stands(engine: Engine, loss: str) -> None:
    """DS empties a box that it makes anew or gives another type: the others alone are written.

    A tick in the new box ends it for its dossier, and a person for all.
    """
    before = validate(engine)
    EMPTIED[loss](engine)
    for options in ({}, {"full": True}, {}):
        engine.advance(minutes=61)
        report = engine.sync(**options)
        assert 7 == report.exit_code
        assert {r: before[r] for r in VALIDATED} == {r: engine.remote(r) for r in VALIDATED}
        assert f"form: {len(VALIDATED)}, validated ones" in report.errors[0]
    others = OPEN[len(VALIDATED) :]
    assert {r: engine.verdict(r) for r in others} == {r: engine.remote(r) for r in others}
    engine.control.edit_annotation(number(0), 5998 if loss == "made anew" else VALIDE, True)
    engine.advance(minutes=1)
    assert f"form: {len(VALIDATED) - 1}, validated ones" in engine.sync().errors[0]
    report = engine.accept(Consent.CONFIG)
    assert (0, []) == (report.exit_code, report.errors)
    others = VALIDATED[1:]
    assert {r: engine.verdict(r) for r in others} == {r: engine.remote(r) for r in others}
    assert before[0] == engine.remote(0)
    engine.advance(minutes=20)
    assert (0, []) == ((again := engine.sync()).exit_code, again.errors)


def test_a_box_that_is_found_again_counts_again(engine: Engine) -> None:
    """Of the others, what waited is written at once; what waits for a consent ends by itself."""
    before = validate(engine)
    engine.restart(configuration=MISTYPED)
    assert 7 == engine.sync().exit_code
    engine.restart()
    assert (0, len(OPEN) - len(VALIDATED)) == ((found := engine.sync()).exit_code, found.pushed)
    assert {rank: before[rank] for rank in VALIDATED} == {r: engine.remote(r) for r in VALIDATED}
    others = OPEN[len(VALIDATED) :]
    assert {r: engine.verdict(r) for r in others} == {r: engine.remote(r) for r in others}
    assert [] == engine.asked()


def test_a_validated_dossier_says_that_there_was_a_box(engine: Engine) -> None:
    """In a database of a version that did not store which one."""
    before = validate(engine)
    engine.execute("UPDATE sync_state SET validation_boxes = NULL")
    engine.restart(configuration=WITHOUT)
    assert (7, before) == (engine.sync().exit_code, remote(engine))
    engine.restart()
    assert 0 == engine.sync().exit_code
    assert [id_of(VALIDE)] == engine.state().validation_boxes


def test_an_id_that_was_wrong_from_the_start_writes_nothing(engine: Engine) -> None:
    """`dsync check` calls it KO: whether somebody validated cannot be known."""
    engine.control.edit_annotation(number(0), VALIDE, True)
    engine.restart(configuration=MISTYPED)
    report = engine.sync()
    assert (7, 12, 0) == (report.exit_code, report.evaluated, report.pushed)
    assert [] == engine.mutations()


def test_another_box_beside_the_known_one_is_a_persons_to_decide(engine: Engine) -> None:
    """A wrong id can be that of another box; once accepted, only that one counts."""
    engine.control.form.publish_revision(Change(add_annotations=[ANOTHER]))
    before = validate(engine)
    target = AnnotationTarget(id=id_of(ANOTHER.stable_id))
    engine.restart(configuration={"annotations": {"validation": target}})
    assert (7, before) == (engine.sync().exit_code, remote(engine))
    engine.control.edit_annotation(number(FREE), ANOTHER.stable_id, True)
    assert 0 == engine.accept(Consent.CONFIG).exit_code
    assert before[FREE] == engine.remote(FREE)
    assert before[0] != engine.remote(0)
    assert 0 == engine.sync().exit_code


def test_a_dossier_that_ds_moves_while_its_box_is_read_is_not_written(engine: Engine) -> None:
    """DS shows no box of that id for it: the next read knows its revision."""
    before = validate(engine)
    engine.control.forget_requests()

    def moved(read: Callable[..., Any], *given: Any) -> Any:
        del engine.worker.client.around["read_annotations"]
        removed(engine)
        return read(*given)

    engine.worker.client.around["read_annotations"] = moved
    assert (7, before) == (engine.sync().exit_code, remote(engine))


def test_an_order_to_overwrite_goes_over_a_lost_box(engine: Engine) -> None:
    """As over a checked one: a person decides on that dossier."""
    before = validate(engine)
    engine.restart(configuration=WITHOUT)
    engine.sync()
    engine.worker.push(0, force_by="ana@poste")
    assert before | {0: engine.verdict(0)} == remote(engine)
