"""What can be asked for, and its row in the table of requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.domain.ids import DossierNumber
from dsync.errors import ConfigurationError
from dsync.sync.work import (
    Accept,
    AcceptEvidence,
    AnswerCheck,
    CopyPieces,
    Erase,
    LiftErasure,
    Overwrite,
    Precheck,
    Purge,
    Push,
    ReadAll,
    ReadChanges,
    ReadDossiers,
    RefreshEvidence,
    WithdrawAnswer,
    Work,
    of_row,
    to_row,
)

SOME = (DossierNumber(7), DossierNumber(9))
AT = datetime(2024, 6, 1, 8, tzinfo=UTC)
ROWS: list[tuple[Work, str, dict[str, Any]]] = [
    (ReadChanges(), "incremental", {}),
    (ReadChanges(AT, push=False), "incremental", {"since": "2024-06-01T08:00:00Z", "push": False}),
    (ReadAll(), "complet", {"full": True}),
    (ReadAll(accept_deletions=True), "complet", {"full": True, "accept_deletions": True}),
    (ReadDossiers(SOME, push=False), "dossier", {"push": False, "dossiers": [7, 9]}),
    (Push(), "envoi", {}),
    (Push(SOME), "envoi", {"dossiers": [7, 9]}),
    (Overwrite(SOME), "envoi", {"force": True, "dossiers": [7, 9]}),
    (Overwrite(SOME, {SOME[0]: {"detail": "Vu"}}), "envoi",
     {"force": True, "dossiers": [7, 9], "shown": {"7": {"detail": "Vu"}}}),
    (Precheck(), "precontrole", {}),
    (RefreshEvidence(SOME), "precontrole", {"refresh": True, "dossiers": [7, 9]}),
    (
        AnswerCheck(SOME, "phase", "conforme", "attestation", {SOME[0]: "a1"}),
        "precontrole",
        {
            "answer": True,
            "dossiers": [7, 9],
            "controle": "phase",
            "resultat": "conforme",
            "motif": "attestation",
            "shown": {"7": "a1"},
        },
    ),
    (WithdrawAnswer(SOME[:1], "phase"), "precontrole",
     {"unanswer": True, "dossiers": [7], "controle": "phase"}),
    (AcceptEvidence(), "precontrole", {"accept_evidence": True}),
    (Accept(Consent.WRITES, "a1"), "accord", {"genre": "inscriptions", "accord": "a1"}),
    (Erase(SOME), "effacement", {"dossiers": [7, 9]}),
    (LiftErasure(SOME), "effacement", {"undo": True, "dossiers": [7, 9]}),
    (Purge({"refuse": AT}), "effacement", {"before": {"refuse": "2024-06-01T08:00:00Z"}}),
    (CopyPieces(SOME), "pieces", {"dossiers": [7, 9]}),
]  # fmt: skip


@pytest.mark.parametrize(("work", "genre", "options"), ROWS)
def test_what_is_asked_for_comes_back_from_its_row(
    work: Work, genre: str, options: dict[str, Any]
) -> None:
    """The row has the kind of the run, and what is not the default: `dsync journal` shows both."""
    stored = to_row(work)
    assert (genre, options) == (stored[0], json.loads(json.dumps(stored[1])))
    assert genre == work.kind.value
    assert work == of_row(genre, options)


@pytest.mark.parametrize(
    ("genre", "options"),
    [
        ("inconnu", {}),
        ("envoi", {"only": ["detail"]}),
        ("envoi", {"force": True}),
        ("envoi", {"force": True, "dossiers": []}),
        ("effacement", {}),
        ("dossier", {"dossiers": []}),
        ("incremental", {"since": "yesterday"}),
        ("precontrole", {"undo": True, "dossiers": [7]}),
        ("precontrole", {"accept_rules": True}),
    ],
)
def test_what_no_type_has_is_asked_for_by_another_version(
    genre: str, options: dict[str, Any]
) -> None:
    """It is not executed without what was meant by it; « none » is not taken for « all »."""
    with pytest.raises(ConfigurationError, match="Another version of dsync"):
        of_row(genre, options)
