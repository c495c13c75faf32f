"""What the views say of a dossier's stages, decisions and labels, after its moves in DS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from dsync.sandbox.content.aap_eig7 import FORM
from tests.engine.rig import ETAPE, Engine, number
from tests.store.databases import on_each, on_postgresql

COLOURS = FORM.labels
JURY, CONVENTION, EN_POSTE = 5203, 5402, 5405


def of(engine: Engine, view: str, rank: int) -> list[dict[str, Any]]:
    """Return a dossier's rows of a view, in order."""
    sql = f"SELECT * FROM {view} WHERE numero = :numero ORDER BY 2"
    return engine.rows(sql, numero=number(rank))


def test_labels_of_dsync_and_of_people_are_told_apart(engine: Engine) -> None:
    """The verdict's label is dsync's, also once it was read back; another one is a person's."""
    engine.begin()
    [own] = engine.labels(1)
    other = next(name for name in COLOURS if name != own)
    engine.control.add_label(number(1), other)
    engine.sync()

    assert {own: (COLOURS[own], True), other: (COLOURS[other], False)} == {
        row["etiquette"]: (row["couleur"], bool(row["posee_par_dsync"]))
        for row in of(engine, "lecture_etiquette", 1)
    }


PAST = -600
"""Days from the sandbox's usual time to one that is past for the databases' own clocks."""


def stages(engine: Engine, rank: int) -> list[tuple[str, datetime | None]]:
    """Return a dossier's stages, each with its end; check that they join."""
    found = of(engine, "lecture_etape", rank)
    assert [row["au"] for row in found[:-1]] == [row["du"] for row in found[1:]]
    assert utc(engine.one("lecture_candidature", rank)["depose_le"]) == utc(found[0]["du"])
    return [(row["etape"], utc(row["au"])) for row in found]


def utc(value: str | datetime | None) -> datetime | None:
    """Return an instant of a view: UTC text on SQLite, an aware one on PostgreSQL."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def follow_up(engine: Engine, rank: int) -> tuple[Any, ...]:
    """Return stage, next stage and who is waited for."""
    row = engine.one("lecture_suivi", rank)
    assert row["jours_dans_etape"] >= 0
    return (row["etape"], row["prochaine_etape"], row["attend"])


def test_a_dossier_shows_each_stage_that_it_was_in(engine: Engine) -> None:
    """Sent back, corrected, taken up again, refused, and taken up once more."""
    engine.advance(days=PAST)
    rank, expected = 1, []

    def then(act: Callable[..., None], *arguments: Any, ends: str) -> None:
        engine.advance(hours=1)
        expected.append((ends, engine.control.clock.now()))
        act(number(rank), *arguments)
        engine.sync()

    control = engine.control
    then(control.move, "en_instruction", ends="En construction")
    assert ("En instruction", "Jury", "instructeur") == follow_up(engine, rank)
    then(control.move, "en_construction", ends="En instruction")
    then(control.ask_correction, ends="En construction")
    assert ("Correction attendue", "En instruction", "usager") == follow_up(engine, rank)
    then(partial(control.edit_champ, stable_id=4105, value="Mieux"), ends="Correction attendue")
    assert ("En construction", "En instruction", "instructeur") == follow_up(engine, rank)
    then(control.move, "en_instruction", ends="En construction")
    then(control.move, "refuse", ends="En instruction")
    assert ("Refusé", None, "personne") == follow_up(engine, rank)
    then(control.move, "en_instruction", ends="Refusé")

    assert [*expected, ("En instruction", None)] == stages(engine, rank)


def test_a_withdrawn_correction_ends_when_it_is_noticed(engine: Engine) -> None:
    """DS journals no event for it."""
    engine.advance(days=PAST)
    engine.control.ask_correction(number(1))
    asked = engine.control.clock.now()
    engine.sync()
    engine.advance(hours=1)
    engine.control.withdraw_correction(number(1))
    withdrawn = engine.control.clock.now()
    engine.sync()
    engine.advance(hours=1)
    engine.control.edit_annotation(number(1), ETAPE, "Évaluation")
    engine.sync(full=True)

    assert [
        ("En construction", asked),
        ("Correction attendue", withdrawn),
        ("En construction", None),
    ] == stages(engine, 1)


@on_each
def test_the_jury_and_the_recruitment_follow_the_annotations(engine: Engine) -> None:
    """A jury to come is waited for, and is no stage yet; each day that has come opens one."""
    engine.advance(days=PAST)
    now = engine.control.clock.now()
    engine.control.edit_annotation(number(0), JURY, "2124-05-01")
    engine.sync()
    assert ("En instruction", "Jury", "jury") == follow_up(engine, 0)

    day = (now - timedelta(days=5)).date()
    engine.control.edit_annotation(number(0), JURY, day.isoformat())
    engine.advance(minutes=20)
    engine.sync()
    assert ("Jury", "Décision", "jury") == follow_up(engine, 0)

    engine.control.move(number(0), "accepte")
    accepted = engine.control.clock.now()
    engine.sync()
    assert ("Accepté", "Convention signée", "administration") == follow_up(engine, 0)

    signed = (now + timedelta(days=10)).date()
    engine.control.edit_annotation(number(0), CONVENTION, signed.isoformat())
    engine.control.edit_annotation(number(0), EN_POSTE, "2124-05-01")
    engine.advance(minutes=20)
    engine.sync()
    assert ("Convention signée", "Candidatures présentées", "instructeur") == follow_up(engine, 0)

    midnight = datetime(signed.year, signed.month, signed.day, tzinfo=ZoneInfo("Europe/Paris"))
    assert [("Jury", accepted), ("Accepté", midnight), ("Convention signée", None)] == stages(
        engine, 0
    )[-3:]


@on_postgresql
def test_a_dossier_that_leaves_the_demarche_leaves_its_stage(engine: Engine) -> None:
    """Hidden, it waits for nobody; restored, it is where it was; erased, nothing is left."""
    engine.advance(days=PAST)
    engine.sync()
    [(stage, _)] = stages(engine, 1)
    engine.control.hide(number(1))
    hidden = engine.control.clock.now()
    engine.advance(hours=2)
    engine.sync()
    assert [(stage, hidden)] == stages(engine, 1)
    assert {} == engine.one("lecture_suivi", 1)

    engine.control.restore(number(1))
    engine.sync()
    assert [(stage, None)] == stages(engine, 1)

    engine.control.move(number(1), "en_instruction")
    jury = (engine.control.clock.now() + timedelta(days=9)).date()
    engine.control.edit_annotation(number(1), JURY, jury.isoformat())
    engine.advance(minutes=20)
    engine.sync()
    engine.control.hide(number(1), "administration")
    hidden = engine.control.clock.now()
    engine.sync()
    # The day of the jury has come since, without this dossier.
    assert ("En instruction", hidden) == stages(engine, 1)[-1]

    engine.control.hide(number(1))
    engine.control.erase(number(1))
    engine.advance(hours=2)
    engine.sync(full=True)
    assert [] == of(engine, "lecture_etape", 1)
