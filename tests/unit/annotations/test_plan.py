"""What is written and what is kept, by wanted, current and last written value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsync.annotations.plan import Action, Remote, plan
from dsync.annotations.targets import (
    AnnotationsConfig,
    AnnotationTarget,
    lacking_options,
    resolve,
)
from dsync.annotations.wish import Wish, WishStatus, WrittenValue
from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierId
from tests.unit.annotations.form import (
    AVAILABLE,
    CONFIG,
    EDITED_AT,
    NUMBER,
    OPTIONS,
    descriptor,
    resolved,
)

RESOLVED = resolved()


def result(valeur="Éligible", **more):
    return Wish(1, NUMBER, "resultat", valeur, **more)


def detail(valeur="Tout va bien.", **more):
    return Wish(2, NUMBER, "detail", valeur, **more)


def label(valeur="éligible", **more):
    return Wish(4, NUMBER, "label", valeur, **more)


def actions(wishes, values=None, labels=()):
    there = {name: AVAILABLE[name] for name in labels}
    remote = Remote(DossierId("d"), Etat.EN_CONSTRUCTION, values or {}, there, EDITED_AT)
    steps = plan(wishes, remote, RESOLVED, CONFIG, AVAILABLE)
    return {step.wish.annotation: step.action for step in steps}


def test_values_are_compared_as_ds_normalises_them():
    """Line ends, control characters, seconds and time zones make no difference."""
    text = detail("a\nb", pushed=WrittenValue("a\nb", "D"))
    assert {"detail": Action.CONFIRM} == actions([text], {"D": "a\r\nb\x00"})
    instant = "2024-03-01T09:30:00+00:00"
    date = Wish(3, NUMBER, "date", instant, pushed=WrittenValue(instant, "T"))
    assert {"date": Action.CONFIRM} == actions([date], {"T": "2024-03-01T10:30:42+01:00"})


@pytest.mark.parametrize(
    "fate", [{"statut": WishStatus.REFUSEE, "erreur": "option"}, {}], ids=["refused", "in conflict"]
)
def test_nothing_is_written_without_the_result(fate):
    """A result stopped before and not due blocks the detail."""
    held = Action.BLOCKED_BY_REFUSAL if fate else Action.BLOCKED_BY_CONFLICT
    wishes = [result(is_due=False, **fate), detail(), label()]
    assert {"resultat": Action.WRITE, "detail": held, "label": held} == actions(wishes)


@pytest.mark.parametrize(
    ("offered", "is_offered"),
    [(None, True), ((), False), (("Oui",), False), (tuple(OPTIONS.all()), True)],
    ids=["not known", "none", "others", "these"],
)
def test_a_push_and_a_check_agree_on_what_a_list_offers(offered, is_offered):
    """What `dsync check` names as lacking is not sent, and the other way round."""
    listing = descriptor("R", "drop_down_list")._replace(options=offered)
    remote = Remote(DossierId("d"), Etat.EN_CONSTRUCTION, {}, {}, EDITED_AT)
    [step] = plan([result()], remote, replace(RESOLVED, resultat=listing), CONFIG, AVAILABLE)
    assert (Action.WRITE if is_offered else Action.REFUSE) == step.action
    assert is_offered == (not lacking_options(CONFIG, listing))


def test_two_values_are_never_written_into_one_annotation():
    """Each write would undo the other: one id is refused, one label finds one annotation."""
    twice = {"resultat": {"id": "R"}, "options": OPTIONS, "detail": {"id": "D"}}
    with pytest.raises(ValueError, match="'D' is given to detail, date"):
        AnnotationsConfig.model_validate({**twice, "date": {"id": "D"}})
    shared = AnnotationTarget(id="?", libelles=("D",))
    config = CONFIG.model_copy(update={"detail": shared, "resultat": shared})
    found = resolve(config, [descriptor("D", "textarea")])
    assert (descriptor("D", "textarea"), None) == (found.resultat, found.detail)
