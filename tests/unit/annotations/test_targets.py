"""The words of options, and whether the box of a form can be read by what was known of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from dsync.annotations.targets import (
    AnnotationsConfig,
    AnnotationTarget,
    Box,
    VerdictTexts,
    box_of,
    found_boxes,
)
from dsync.domain.dossier import Revision
from dsync.domain.ids import DescriptorId, RevisionId
from dsync.domain.verdict import Verdict
from tests.unit.annotations.form import CONFIG, OPTIONS, descriptor

OTHERS = [("R", "drop_down_list"), ("D", "textarea"), ("T", "datetime")]
BOX, NEW, RETYPED = ("V", "checkbox"), ("W", "checkbox"), ("V", "text")
LABEL = "Validé par un instructeur"


def config(box: str | None, *libelles: str) -> AnnotationsConfig:
    target = box and AnnotationTarget(id=box, libelles=libelles)
    return CONFIG.model_copy(update={"validation": target})


def revision(rank: int, *more: tuple[str, str], is_draft: bool = False) -> Revision:
    """Return a revision of the form, published on the day of its rank."""
    descriptors = {
        DescriptorId(id_): descriptor(id_, type_)._replace(libelle=LABEL if id_ in "VW" else id_)
        for id_, type_ in (*OTHERS, *more)
    }
    day = None if is_draft else datetime(2026, 1, rank, tzinfo=UTC)
    return Revision(RevisionId(str(rank)), day, descriptors)


CASES = {
    # The configured box, what was known, the revisions in their order, what is known of each.
    "found": ("V", "", [[BOX]], ["read"]),
    "found as before": ("V", "V", [[BOX]], ["read"]),
    "never configured": (None, "", [[BOX]], ["none"]),
    "id mistyped": ("X", "V", [[BOX]], ["lost"]),
    "id mistyped from the start": ("X", "", [[BOX]], ["lost"]),
    "taken out of the file": (None, "V", [[BOX]], ["lost"]),
    "removed from the form": ("V", "V", [[BOX], []], ["read", "lost"]),
    "removed before it was ever found": ("V", "", [[BOX], []], ["read", "lost"]),
    "retyped in the form": ("V", "V", [[BOX], [RETYPED]], ["read", "lost"]),
    "added to the form": ("V", "V", [[], [BOX]], ["none", "read"]),
    "added, and the id mistyped": ("X", "V", [[], [BOX]], ["none", "lost"]),
    "added, and taken out of the file": (None, "V", [[], [BOX]], ["none", "lost"]),
    "removed from file and form": (None, "V", [[], [BOX], []], ["none", "lost", "lost"]),
    "made anew in the form": ("V", "V", [[BOX], [NEW]], ["read", "read"]),
    "made anew, configured by its new id": ("W", "VW", [[], [BOX], [NEW]], ["none"] + ["read"] * 2),
    "another box, the known one is there": ("W", "V", [[BOX, NEW]], ["lost"]),
    "another box, both known": ("W", "VW", [[BOX, NEW]], ["read"]),
    "without [annotations], never known": (..., "", [[BOX]], ["none"]),
}


@pytest.mark.parametrize(("box", "known", "form", "expected"), CASES.values(), ids=CASES)
def test_a_box_that_was_once_there_and_is_not_found_is_lost(box, known, form, expected) -> None:
    """Only dossiers of a revision that never had one may be written without reading it."""
    given = None if box is ... else config(box, LABEL) if box != "X" else config(box)
    revisions = [revision(rank, *more) for rank, more in enumerate(form, start=1)]
    assert expected == [box_of(given, known, one, revisions).value for one in revisions]


def test_without_dates_of_publication_nothing_shows_that_a_revision_never_had_a_box() -> None:
    """It may be later than the box."""
    draft = revision(1, is_draft=True)
    assert Box.LOST is box_of(config("V"), "V", draft, [draft, revision(2, BOX)])


def test_the_boxes_that_a_configuration_finds_are_those_of_all_revisions() -> None:
    """By id or by label."""
    forms = [revision(1), revision(2, BOX), revision(3, NEW)]
    assert {"V", "W"} == found_boxes(config("V", LABEL), forms)
    assert set() == found_boxes(config(None), forms)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"eligible": "Éligible"}, {}),
        ({"eligible": "Rien à signaler"}, {}),
        ({"eligible": "Recevable"},
         {Verdict.ELIGIBLE: "Recevable", Verdict.RIEN_A_SIGNALER: "Recevable"}),
        ({"eligible": "Recevable", "rien_a_signaler": "Sans remarque"},
         {Verdict.ELIGIBLE: "Recevable", Verdict.RIEN_A_SIGNALER: "Sans remarque"}),
        ({"eligible": "Oui", "a_verifier": "Oui"}, {}),
    ],
)  # fmt: skip
def test_a_verdict_is_called_as_ds_shows_it(
    options: dict[str, str], expected: dict[Verdict, str]
) -> None:
    """Unless the word is one of two options, or what dsync calls another verdict."""
    others = {"a_verifier": "À vérifier", "ineligible": "Inéligible"}
    assert expected == VerdictTexts(**(others | options)).words


def test_a_blank_at_the_end_of_an_option_is_no_part_of_it() -> None:
    """DS has none, and no message would show the difference."""
    options = {key: f" {text} " for key, text in OPTIONS.model_dump(exclude_none=True).items()}
    assert CONFIG == AnnotationsConfig.model_validate({**dict(CONFIG), "options": options})


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("eligible", "Inéligible"),
        ("ineligible", "éligible"),
        ("a_verifier", "RIEN À SIGNALER"),
        ("rien_a_signaler", "à vérifier"),
        ("ineligible", "Indéterminé"),
    ],
)
def test_dsyncs_word_for_another_verdict_is_refused(key: str, text: str) -> None:
    """As of two options or labels that are exchanged, in the file."""
    texts = {"eligible": "Oui", "a_verifier": "?", "ineligible": "Non"}
    with pytest.raises(ValidationError, match="dsync's word for another verdict"):
        VerdictTexts(**(texts | {key: text}))
