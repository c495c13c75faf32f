"""What a person is asked about declared checks before accepting them."""

from __future__ import annotations

import pytest

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict
from dsync.sync.brakes.changed_rules import NEVER, NOBODY, Moves

SEEN: dict[str, Json] = {"exigence": "0"}
TWIN: dict[str, Json] = {**SEEN, "dossiers": [7]}
LARGE, WIDE = "règle trop large ?", "clé trop large ?"


@pytest.mark.parametrize(
    ("results", "preuve", "asked"),
    [
        ({Resultat.NON_CONFORME: 10}, SEEN, LARGE),
        ({Resultat.A_VERIFIER: 6, Resultat.CONFORME: 4}, SEEN, LARGE),
        ({Resultat.A_VERIFIER: 6, Resultat.CONFORME: 4}, TWIN, WIDE),
        ({Resultat.A_VERIFIER: 5, Resultat.CONFORME: 5}, SEEN, ""),
        ({Resultat.IMPOSSIBLE: 1, Resultat.CONFORME: 9}, SEEN, ""),
        ({Resultat.CONFORME: 10}, SEEN, NOBODY),
        ({Resultat.CONFORME: 1, Resultat.SANS_OBJET: 9}, SEEN, NOBODY),
        ({Resultat.SANS_OBJET: 10}, SEEN, NEVER),
        # A check that a person makes.
        ({Resultat.SANS_OBJET: 10}, {}, ""),
        # Too few dossiers to tell.
        ({Resultat.CONFORME: 9}, SEEN, ""),
        ({Resultat.NON_CONFORME: 9}, SEEN, ""),
    ],
)
def test_a_check_that_tells_nobody_apart_is_asked_about(
    results: dict[Resultat, int], preuve: dict[str, Json], asked: str
) -> None:
    """One that finds most dossiers, and one that finds none, as by a value that is misspelt."""
    judged = [
        Decision(Verdict.A_VERIFIER, (Controle("essai", resultat, "", preuve),), "", "c-1", "")
        for resultat, count in results.items()
        for _ in range(count)
    ]
    count = sum(n for one, n in results.items() if one not in ("conforme", "sans_objet"))
    pairs = [(None, Verdict.A_VERIFIER)] * len(judged)
    found = Moves.of("c-1", 0, pairs, judged).found
    assert (("essai", count, len(judged), asked),) == found
