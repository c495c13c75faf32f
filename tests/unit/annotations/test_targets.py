"""The words for verdicts that follow from the options of the annotation."""

from __future__ import annotations

import pytest

from dsync.annotations.targets import VerdictTexts
from dsync.domain.verdict import Verdict

OTHERS = {"a_verifier": "À vérifier", "ineligible": "Inéligible"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"eligible": "Éligible"}, {}),
        ({"eligible": "Rien à signaler"}, {}),
        (
            {"eligible": "Recevable"},
            {Verdict.ELIGIBLE: "Recevable", Verdict.RIEN_A_SIGNALER: "Recevable"},
        ),
        (
            {"eligible": "Recevable", "rien_a_signaler": "Sans remarque"},
            {Verdict.ELIGIBLE: "Recevable", Verdict.RIEN_A_SIGNALER: "Sans remarque"},
        ),
        ({"eligible": "Oui", "a_verifier": "Oui"}, {}),
    ],
)
def test_a_verdict_is_called_as_ds_shows_it(
    options: dict[str, str], expected: dict[Verdict, str]
) -> None:
    """Unless the word is one of two options, or what dsync calls another verdict."""
    assert expected == VerdictTexts(**(OTHERS | options)).words
