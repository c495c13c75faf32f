"""What a run wrote into DS, and what it met there, is in the views when the run ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dsync.sandbox import ScriptedFault
from tests.engine.doom import Doom, KilledError
from tests.engine.rig import DEMARCHE, OPEN, RESULTAT, Engine, number
from tests.profiles import long

VIEWS = (
    "lecture_champ",
    f"formulaire_{DEMARCHE}",
    "lecture_etiquette",
    "lecture_dossier",
    "lecture_candidature",
    "lecture_annotation",
    "lecture_changement",
    "lecture_evenement",
)


def a_read(engine: Engine) -> None:
    assert 10 == engine.sync().pushed


def a_dossier(engine: Engine) -> None:
    engine.begin(push=False)
    engine.sync(dossiers=(number(0),))
    engine.worker.push()


def a_lost_answer(engine: Engine) -> None:
    """The operator's push finds its values there; it reads no page."""
    engine.begin(push=False)
    engine.control.faults.fail(ScriptedFault("answer_lost", "Push"))
    assert 7 == engine.sync().exit_code
    engine.let_expire()
    assert 0 == engine.worker.push().exit_code


def a_kill(engine: Engine) -> None:
    """The same of a process that is no more."""
    Doom(engine.worker).after_mutation()
    with pytest.raises(KilledError):
        engine.sync()
    engine.let_expire()
    assert 0 == engine.restart().push().exit_code


def a_person(engine: Engine) -> None:
    """Their result and their label stand in the way."""
    engine.begin(push=False)
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    engine.control.add_label(number(1), "inéligible")
    assert 2 == engine.worker.push().conflicts


@pytest.mark.parametrize(
    "after",
    [a_read, a_dossier, a_lost_answer, long(a_kill), a_person],
)
def test_the_views_show_at_once_what_stands_in_ds(
    engine: Engine, after: Callable[[Engine], None]
) -> None:
    """Annotations, labels and dates are as the API gives them; the next full read changes none."""
    after(engine)
    shown = {view: _rows(engine, view) for view in VIEWS}
    cells = {(row["numero"], row["champ_id"]): row["valeur"] for row in shown["lecture_champ"]}
    dates = {row["numero"]: str(row["modifie_le"])[:19] for row in shown["lecture_dossier"]}
    labels = {(row["numero"], row["etiquette"]) for row in shown["lecture_etiquette"]}
    page = engine.worker.client.dossiers([number(rank) for rank in OPEN], DEMARCHE)
    for one in page.nodes:
        there = {(one.number, a.descriptor_id): a.texte for a in one.annotations if not a.lignes}
        assert there == {key: cells.get(key) for key in there}
        assert f"{one.date_derniere_modification:%F %T}" == dates[one.number].replace("T", " ")
        assert {(one.number, label) for label in one.labels} == {
            pair for pair in labels if pair[0] == one.number
        }
    report = engine.sync(full=True)
    assert (0, 0, 0) == (report.changed, report.evaluated, report.pushed)
    assert shown == {view: _rows(engine, view) for view in VIEWS}


def _rows(engine: Engine, view: str) -> list[dict[str, Any]]:
    rows = engine.rows(f"SELECT * FROM {view}")
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])
