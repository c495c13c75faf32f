"""What the views say of a dossier's stages, decisions and labels, after its moves in DS."""

from __future__ import annotations

from typing import Any

from dsync.sandbox.content.form import FORM
from dsync.sandbox.world.changes import Change
from tests.engine.rig import Engine, number

COLOURS = FORM.labels


def of(engine: Engine, view: str, rank: int) -> list[dict[str, Any]]:
    """Return a dossier's rows of a view, in order."""
    sql = f"SELECT * FROM {view} WHERE numero = :numero ORDER BY 2"
    return engine.rows(sql, numero=number(rank))


def test_each_decision_is_kept_with_its_revision(engine_on_each: Engine) -> None:
    """Refused, taken up again on a newer form, accepted: two decisions, each with its reason."""
    engine = engine_on_each
    first = engine.control.truth_of(number(0)).revision
    engine.control.move(number(0), "refuse", motivation="Trop tôt.")
    engine.sync()
    engine.advance(minutes=20)
    engine.control.move(number(0), "en_instruction")
    second = engine.control.publish_revision(Change(rename={4105: "Problème"}))
    engine.advance(minutes=20)
    engine.control.move(number(0), "accepte", motivation="Le jury est convaincu.")
    engine.sync()

    assert [
        (1, "refuse", "Trop tôt.", first),
        (2, "accepte", "Le jury est convaincu.", second),
    ] == [
        (row["rang"], row["etat"], row["motivation"], row["revision"])
        for row in of(engine, "lecture_decision", 0)
    ]


def test_labels_of_dsync_and_of_people_are_told_apart(engine_on_each: Engine) -> None:
    """The verdict's label is dsync's, also once it was read back; another one is a person's."""
    engine = engine_on_each
    engine.sync()
    [own] = engine.labels(1)
    other = next(name for name in COLOURS if name != own)
    engine.control.add_label(number(1), other)
    engine.sync()

    assert {own: (COLOURS[own], True), other: (COLOURS[other], False)} == {
        row["etiquette"]: (row["couleur"], bool(row["posee_par_dsync"]))
        for row in of(engine, "lecture_etiquette", 1)
    }
