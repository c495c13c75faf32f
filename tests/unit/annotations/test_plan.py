"""What is written and what is kept, by wanted, current and last written value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dsync.annotations.plan import Action, Remote, plan
from dsync.annotations.targets import (
    AnnotationsConfig,
    AnnotationTarget,
    ResolvedAnnotations,
    VerdictTexts,
    lacking_options,
    resolve,
)
from dsync.annotations.wish import Wish, WishStatus, WrittenValue
from dsync.domain.dossier import Descriptor, Etat
from dsync.domain.ids import DescriptorId, DossierId, DossierNumber

OPTIONS = VerdictTexts(eligible="Éligible", a_verifier="À vérifier", ineligible="Inéligible")
LABELS = VerdictTexts(eligible="éligible", a_verifier="à vérifier", ineligible="inéligible")
CONFIG = AnnotationsConfig(
    resultat=AnnotationTarget(id="R"),
    options=OPTIONS,
    detail=AnnotationTarget(id="D"),
    date=AnnotationTarget(id="T"),
    validation=AnnotationTarget(id="V"),
    labels=LABELS,
)
NUMBER = DossierNumber(1)
EDITED_AT = datetime(2024, 6, 1, 8, tzinfo=UTC)
AVAILABLE = {"éligible": "L1", "inéligible": "L2", "à vérifier": "L3"}


def descriptor(id_: str, type_: str) -> Descriptor:
    return Descriptor(DescriptorId(id_), id_, type_, False, None, False, None, True)


RESOLVED = ResolvedAnnotations(
    descriptor("R", "drop_down_list"),
    descriptor("D", "textarea"),
    descriptor("T", "datetime"),
    descriptor("V", "checkbox"),
)


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


def test_a_value_sent_without_an_answer_counts_as_dsyncs():
    """It is no conflict if DS has it."""
    wish = result(
        "À vérifier",
        pushed=WrittenValue("Éligible", "R"),
        uncertain=WrittenValue("Inéligible", "R"),
    )
    assert {"resultat": Action.WRITE} == actions([wish], {"R": "Inéligible"})
    assert {"resultat": Action.WRITE} == actions([wish], {"R": "Éligible"})
    assert {"resultat": Action.CONFLICT} == actions([wish], {"R": "Autre"})


def test_values_are_compared_as_ds_normalises_them():
    """Line ends, control characters, seconds and time zones make no difference."""
    text = detail("a\nb", pushed=WrittenValue("a\nb", "D"))
    assert {"detail": Action.CONFIRM} == actions([text], {"D": "a\r\nb\x00"})
    instant = "2024-03-01T09:30:00+00:00"
    date = Wish(3, NUMBER, "date", instant, pushed=WrittenValue(instant, "T"))
    assert {"date": Action.CONFIRM} == actions([date], {"T": "2024-03-01T10:30:42+01:00"})


def test_a_label_half_changed_by_a_lost_answer_is_dsyncs():
    """One label was added and the other not yet removed, or the reverse."""
    wish = label(
        "à vérifier",
        pushed=WrittenValue("éligible", "L1"),
        uncertain=WrittenValue("inéligible", "L2"),
    )
    for labels in (["éligible"], ["inéligible"], ["éligible", "inéligible"]):
        assert {"label": Action.WRITE} == actions([wish], labels=labels)


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
    twice = {"resultat": {"id": "R", "options": OPTIONS}, "detail": {"id": "D"}}
    with pytest.raises(ValueError, match="'D' is given to detail, date"):
        AnnotationsConfig.model_validate({**twice, "date": {"id": "D"}})
    shared = AnnotationTarget(id="?", libelles=("D",))
    config = CONFIG.model_copy(update={"detail": shared, "resultat": shared})
    found = resolve(config, [descriptor("D", "textarea")])
    assert (descriptor("D", "textarea"), None) == (found.resultat, found.detail)
