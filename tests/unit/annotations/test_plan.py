"""What is written and what is kept, by wanted, current and last written value."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from dsync.annotations import (
    Action,
    AnnotationsConfig,
    Remote,
    ResolvedAnnotations,
    Wish,
    WrittenValue,
    plan,
)
from dsync.annotations.config import AnnotationTarget, ResultTarget, VerdictTexts
from dsync.domain.dossier import Descriptor
from dsync.domain.ids import DescriptorId

OPTIONS = VerdictTexts(eligible="Éligible", a_verifier="À vérifier", ineligible="Inéligible")
LABELS = VerdictTexts(eligible="éligible", a_verifier="à vérifier", ineligible="inéligible")
CONFIG = AnnotationsConfig(
    resultat=ResultTarget(id="R", options=OPTIONS),
    detail=AnnotationTarget(id="D"),
    date=AnnotationTarget(id="T"),
    validation=AnnotationTarget(id="V"),
    labels=LABELS,
)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
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
    return Wish(1, "resultat", valeur, **more)


def detail(valeur="Tout va bien.", **more):
    return Wish(2, "detail", valeur, **more)


def label(valeur="éligible", **more):
    return Wish(4, "label", valeur, **more)


IDS = {**AVAILABLE, "urgent": "L9"}


def on(*names):
    """Return the labels of a dossier: ids by name."""
    return {name: IDS[name] for name in names}


def actions(wishes, values=None, labels=(), resolved=RESOLVED, available=AVAILABLE, edited=None):
    remote = Remote(values or {}, on(*labels), edited)
    steps = plan(wishes, remote, resolved, CONFIG, available)
    return {step.wish.annotation: step.action for step in steps}


def test_an_empty_annotation_never_pushed_is_written():
    """No human has filled it."""
    assert {"resultat": Action.WRITE} == actions([result()])


def test_an_equal_value_is_confirmed_without_a_write_whoever_wrote_it():
    """DS has the wanted value already."""
    assert {"resultat": Action.CONFIRM} == actions([result()], {"R": "Éligible"})


def test_a_value_never_pushed_by_this_database_is_a_conflict():
    """A value that dsync did not write is a human's."""
    assert {"resultat": Action.CONFLICT} == actions([result()], {"R": "Inéligible"})


def test_the_last_written_value_may_be_replaced():
    """No human has changed it."""
    wish = result(pushed=WrittenValue("Inéligible", "R"))
    assert {"resultat": Action.WRITE} == actions([wish], {"R": "Inéligible"})


@pytest.mark.parametrize("there", ["À vérifier", "", None])
def test_a_value_changed_or_emptied_since_the_last_push_is_a_conflict(there):
    """Emptying an annotation is a human's decision too."""
    wish = result(pushed=WrittenValue("Inéligible", "R"))
    assert {"resultat": Action.CONFLICT} == actions([wish], {"R": there})


def test_a_forced_wish_overwrites_a_conflict_and_a_validation():
    """An operator's order has precedence."""
    wish = result(force=True)
    assert {"resultat": Action.WRITE} == actions([wish], {"R": "Inéligible", "V": True})


def test_a_validated_pre_check_suspends_every_wish():
    """The instructeur has taken over the result."""
    assert {"resultat": Action.SUSPEND, "label": Action.SUSPEND} == actions(
        [result(), label()], {"V": True}
    )


def test_a_conflict_on_the_result_blocks_detail_and_label():
    """They would contradict the human's result."""
    assert {
        "resultat": Action.CONFLICT,
        "detail": Action.BLOCKED_BY_CONFLICT,
        "label": Action.BLOCKED_BY_CONFLICT,
    } == actions([result(), detail(), label()], {"R": "Inéligible"})


def test_a_conflict_on_the_detail_blocks_nothing_else():
    """The result is written."""
    assert {"resultat": Action.WRITE, "detail": Action.CONFLICT} == actions(
        [result(), detail()], {"D": "écrit à la main"}
    )


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
    assert {"detail": Action.CONFIRM} == actions([detail("a\nb")], {"D": "a\r\nb\x00"})
    date = Wish(3, "date", "2024-03-01T09:30:00+00:00")
    assert {"date": Action.CONFIRM} == actions([date], {"T": "2024-03-01T10:30:42+01:00"})


def test_an_annotation_that_the_revision_lacks_is_refused_with_its_reason():
    """An older revision can lack it."""
    resolved = ResolvedAnnotations(None, None, None, None)
    assert {"resultat": Action.REFUSE} == actions([result()], resolved=resolved)


def test_a_label_that_the_demarche_lacks_is_refused():
    """A label is matched by its exact name."""
    assert {"label": Action.REFUSE} == actions([label()], available={})


def test_only_the_label_that_dsync_added_is_removed():
    """All other labels stay."""
    wish = label("éligible", pushed=WrittenValue("inéligible", "L2"))
    remote = Remote({}, on("urgent", "inéligible"))
    (step,) = plan([wish], remote, RESOLVED, CONFIG, AVAILABLE)
    assert (Action.WRITE, "éligible", ("inéligible",)) == (step.action, step.add, step.remove)


@pytest.mark.parametrize(
    ("pushed", "labels"),
    [(None, ["inéligible"]), ("inéligible", []), ("inéligible", ["inéligible", "à vérifier"])],
)
def test_a_label_that_a_human_added_or_removed_is_a_conflict_of_the_label(pushed, labels):
    """The annotations are not in conflict."""
    wishes = [result(), label(pushed=pushed and WrittenValue(pushed, AVAILABLE[pushed]))]
    assert {"resultat": Action.WRITE, "label": Action.CONFLICT} == actions(wishes, labels=labels)


def test_a_label_already_there_is_confirmed():
    """It is not added again."""
    assert {"label": Action.CONFIRM} == actions([label()], labels=["éligible", "urgent"])


def test_a_label_half_changed_by_a_lost_answer_is_dsyncs():
    """One label was added and the other not yet removed, or the reverse."""
    wish = label(
        "à vérifier",
        pushed=WrittenValue("éligible", "L1"),
        uncertain=WrittenValue("inéligible", "L2"),
    )
    for labels in (["éligible"], ["inéligible"], ["éligible", "inéligible"]):
        assert {"label": Action.WRITE} == actions([wish], labels=labels)


def test_an_empty_annotation_created_again_is_no_conflict():
    """A value written into the former annotation does not count."""
    for wish in (
        result(pushed=WrittenValue("Inéligible", "old")),
        result(uncertain=WrittenValue("x", "old")),
    ):
        assert {"resultat": Action.WRITE} == actions([wish])
        assert {"resultat": Action.CONFLICT} == actions([wish], {"R": "Inéligible"})


@pytest.mark.parametrize(
    ("pushed", "expected"),
    [
        (WrittenValue("inéligible", "L2"), Action.CONFLICT),
        (WrittenValue("inéligible", "made before"), Action.WRITE),
        (WrittenValue("renommé", "L9"), Action.WRITE),
    ],
    ids=["taken off", "label made anew", "label renamed"],
)
def test_a_label_deleted_from_the_demarche_is_no_conflict(pushed, expected):
    """A human can only remove a label that the démarche still has."""
    assert {"label": expected} == actions([label(pushed=pushed)])


def test_a_result_without_its_option_blocks_what_explains_it():
    """The refusal names the annotation and the option."""
    options = ("À vérifier", "Inéligible")
    bare = dataclasses.replace(RESOLVED, resultat=RESOLVED.resultat._replace(options=options))
    assert {
        "resultat": Action.REFUSE,
        "detail": Action.BLOCKED_BY_REFUSAL,
        "label": Action.BLOCKED_BY_REFUSAL,
    } == actions([result(), detail(), label()], resolved=bare)


@pytest.mark.parametrize("fate", [{"refusal": "option"}, {}], ids=["refused", "in conflict"])
def test_nothing_is_written_without_the_result(fate):
    """A result stopped before and not due blocks the detail."""
    held = Action.BLOCKED_BY_REFUSAL if fate else Action.BLOCKED_BY_CONFLICT
    wishes = [result(is_due=False, **fate), detail(), label()]
    assert {"resultat": Action.WRITE, "detail": held, "label": held} == actions(wishes)


@pytest.mark.parametrize(
    ("seen", "edited", "expected"),
    [
        (NOW, NOW, Action.REFUSE_NOT_SAVED),
        (NOW, LATER, Action.CONFLICT),
        (None, NOW, Action.CONFLICT),
    ],
    ids=["nobody edited", "cleared by hand", "not written by us"],
)
def test_a_date_that_ds_did_not_save_differs_from_one_that_a_human_emptied(seen, edited, expected):
    """A manual edit moves the date of the annotations, a write by API does not."""
    day = "2024-03-01T09:30:00+00:00"
    date = Wish(3, "date", day, pushed=WrittenValue(day, "T"), seen_at=seen)
    assert {"date": expected} == actions([date], edited=edited)
