"""Whose side a message is of, where DS gives its sender's address alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dsync.domain.conversation import with_sides
from dsync.domain.dossier import Message
from tests.store.builders import make_dossier

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sender", "known", "side"),
    [
        ("Usager@example.org", None, "usager"),
        ("follower@example.gouv.fr", None, "administration"),
        ("Agent@example.gouv.fr", None, "administration"),
        ("contact@demarches-simplifiees.fr", None, "automatique"),
        ("contact@demarche.numerique.gouv.fr", None, "automatique"),
        ("contact@ville.fr", None, "autre"),
        # Who has left the team since did not become somebody else; who joined it is known now.
        ("gone@example.gouv.fr", "administration", "administration"),
        ("Agent@example.gouv.fr", "autre", "administration"),
    ],
)
def test_a_message_is_of_the_side_of_its_sender(sender: str, known: str | None, side: str) -> None:
    """By the dossier, by the démarche's instructeurs, and by what was known of it before."""
    dossier = make_dossier(
        usager_email="usager@example.org",
        instructeurs=("follower@example.gouv.fr",),
        messages=(Message("1", AT, sender), Message("2", AT, "x@example.org", correction=True)),
    )
    before = [Message("1", AT, known)] if known else []
    first, second = with_sides(dossier, {"agent@example.gouv.fr"}, before) or ()
    assert (side, "administration") == (first.de, second.de)
