"""What makes a dossier due, and what keeps one that is due from being judged: each case.

Those of the queue (11, 12) are in tests/store/test_verdicts.py, those of a run in tests/engine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.domain.check_answers import ANSWER, Answer
from dsync.domain.dossier import Etat, Presence
from dsync.domain.due import (
    Copy,
    Judged,
    ToJudge,
    is_due,
    makes_others_due,
    may_change,
    named,
)
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Decision, Resultat, StoredVerdict, Verdict

NOW = datetime(2024, 6, 1, tzinfo=UTC)
OPEN, UNDER_WAY, ACCEPTED, REFUSED = (
    Etat.EN_CONSTRUCTION,
    Etat.EN_INSTRUCTION,
    Etat.ACCEPTE,
    Etat.REFUSE,
)
SEEN = Copy(OPEN, "inputs")
HIDDEN = SEEN._replace(is_present=False)
WISHED = {"resultat": "Éligible"}


@pytest.mark.parametrize(
    ("case", "before", "now", "is_it"),
    [
        ("1 new, or shown again after an erasure", None, SEEN, True),
        ("2 it waits already", SEEN._replace(waits=True), SEEN, True),
        ("3 restored", HIDDEN, SEEN, True),
        ("4 closed, and open again", SEEN._replace(etat=REFUSED), SEEN, True),
        ("5 other inputs", SEEN, SEEN._replace(inputs_hash="others"), True),
        ("the same", SEEN, SEEN, False),
        ("closed", SEEN, SEEN._replace(etat=REFUSED), False),
        ("under way", SEEN, SEEN._replace(etat=UNDER_WAY), False),
    ],
)
def test_what_a_read_makes_due(case: str, before: Copy | None, now: Copy, is_it: bool) -> None:
    """The dossier itself."""
    assert is_it is is_due(before, now), case


@pytest.mark.parametrize(
    ("count", "said", "waits"),
    [
        (1, "20", False),
        (3, "18, 19 et 20", True),
        (10, "11, 12, 13, 14, 15, 16, 17, 18, 19 et 20", True),
        (11, "11, 12, 13, 14, 15, 16, 17, 18, 19, 20 et d’autres", False),
    ],
)
def test_ten_doublons_are_named(count: int, said: str, waits: bool) -> None:
    """Those deposited first, by number; a few more may come as long as pages do."""
    others = range(20, 20 - count, -1)
    assert ([*range(max(11, 21 - count), 21)], said) == named(others)
    assert waits == may_change(others)


@pytest.mark.parametrize(
    ("case", "before", "now", "is_it"),
    [
        ("6 it ceases to count", SEEN, SEEN._replace(etat=REFUSED), True),
        ("6 it counts again", SEEN._replace(etat=REFUSED), SEEN, True),
        ("3 restored", HIDDEN, SEEN, True),
        ("7, 8 hidden, erased, vanished, removed", SEEN, None, True),
        ("accepted ones count", SEEN, SEEN._replace(etat=ACCEPTED), False),
        ("it counted before as little as now", HIDDEN, SEEN._replace(etat=REFUSED), False),
        ("hidden, then erased", HIDDEN, None, False),
        ("new: its keys have the others judged", None, SEEN, False),
    ],
)
def test_what_makes_those_due_that_are_compared_with_it(
    case: str, before: Copy | None, now: Copy | None, is_it: bool
) -> None:
    """That it begins or ceases to count."""
    assert is_it is makes_others_due(before, now), case


def stored(verdict: Verdict, **changes: Any) -> StoredVerdict:
    given = {
        "detail": "text",
        "depuis_le": NOW,
        "version_regles": "r1",
        "inputs_hash": "inputs",
        "preuve_hash": "p1",
        "doublons": (DossierNumber(2),),
        "controles": (Controle("depot", Resultat.CONFORME),),
        "constats": {},
        "preuve": None,
        "remarque": None,
    }
    return StoredVerdict(verdict, **(given | changes))


def due(verdict: StoredVerdict | None = None, **changes: Any) -> ToJudge:
    given = {"etat": OPEN, "presence": Presence.PRESENT, "inputs_hash": "inputs", "wished": WISHED}
    return ToJudge(DossierNumber(1), current=verdict, **(given | changes))


@pytest.mark.parametrize(
    ("case", "one", "is_it"),
    [
        ("15 absent", due(presence=Presence.MASQUE), False),
        ("15 erased", due(presence=Presence.EFFACE), False),
        ("16 closed, with a verdict", due(stored(Verdict.ELIGIBLE), etat=REFUSED), False),
        ("closed, without one", due(etat=REFUSED), True),
        ("12 closed, undetermined", due(stored(Verdict.INDETERMINE), etat=REFUSED), True),
        ("open, with a verdict", due(stored(Verdict.ELIGIBLE)), True),
    ],
)
def test_what_is_judged_of_what_is_due(case: str, one: ToJudge, is_it: bool) -> None:
    """Not what DS does not show, nor what keeps its verdict."""
    assert is_it is one.is_judged, case


def answer(id_: int, controle: str = "depot") -> Answer:
    constat = Controle(controle, Resultat.A_VERIFIER)
    return Answer(id_, controle, Resultat.CONFORME, "vu", "alice@ici", NOW, constat)


ANSWERED = stored(
    Verdict.ELIGIBLE,
    controles=(Controle("depot", Resultat.CONFORME, preuve={ANSWER: {"reponse": 7}}),),
)


@pytest.mark.parametrize(
    ("case", "one", "is_it"),
    [
        ("20 the same", due(stored(Verdict.ELIGIBLE)), False),
        ("no verdict", due(), True),
        ("5 other inputs", due(stored(Verdict.ELIGIBLE, inputs_hash="others")), True),
        ("11 other rules", due(stored(Verdict.ELIGIBLE, version_regles="r0")), True),
        ("10 an answer", due(stored(Verdict.ELIGIBLE), answers={"depot": answer(7)}), True),
        ("10 another one", due(ANSWERED, answers={"depot": answer(8)}), True),
        ("10 withdrawn", due(ANSWERED), True),
        ("20 the same answer", due(ANSWERED, answers={"depot": answer(7)}), False),
        ("of no check", due(ANSWERED, answers={k: answer(7, k) for k in ("depot", "x")}), False),
        ("4 open again, never written", due(stored(Verdict.ELIGIBLE), wished={}), True),
        ("undetermined is not written", due(stored(Verdict.INDETERMINE), wished={}), False),
        ("closed", due(stored(Verdict.ELIGIBLE), wished={}, etat=REFUSED), False),
    ],
)
def test_a_verdict_is_stale_by_the_dossier_its_answers_or_the_rules(
    case: str, one: ToJudge, is_it: bool
) -> None:
    """And if it is to be written for the first time."""
    assert is_it is one.is_stale("r1"), case


@pytest.mark.parametrize(
    ("changes", "causes"),
    [
        ({}, []),
        ({"version_regles": "r2"}, ["regles"]),
        ({"preuve_hash": "p2"}, ["preuves"]),
        ({"doublons": ()}, ["doublons"]),
        ({"controles": ANSWERED.controles}, ["reponses"]),
        ({"detail": "other text"}, []),
    ],
)
def test_a_verdict_stands_on_the_same_basis(changes: dict[str, Any], causes: list[str]) -> None:
    """With the same text (20); what is another one is the cause of the next verdict."""
    before = stored(Verdict.ELIGIBLE)
    given: dict[str, Any] = {
        name: getattr(before, name)
        for name in ("verdict", "controles", "detail", "version_regles", "preuve_hash", "doublons")
    }
    one, decision = due(before), Decision(**(given | changes))
    assert (not changes) is one.stands(decision)
    assert one.basis is not None
    assert causes == one.basis.changes(one.basis_of(decision))
    edited = due(before, inputs_hash="others")
    assert ["dossier"] == one.basis.changes(edited.basis_of(Decision(**given)))


@pytest.mark.parametrize(
    ("current", "decided", "keeps"),
    [
        (Verdict.ELIGIBLE, Verdict.INDETERMINE, True),
        (Verdict.INELIGIBLE, Verdict.INDETERMINE, True),
        (Verdict.ELIGIBLE, Verdict.INELIGIBLE, False),
        # It was never judged otherwise: what is missing now is told, and not what was.
        (Verdict.INDETERMINE, Verdict.INDETERMINE, False),
        (Verdict.INDETERMINE, Verdict.ELIGIBLE, False),
        (None, Verdict.INDETERMINE, False),
    ],
)
def test_a_verdict_stays_while_its_evidence_is_away(
    current: Verdict | None, decided: Verdict, keeps: bool
) -> None:
    """One that was given; the dossier stays due (14)."""
    one = due(current and stored(current))
    assert keeps is Judged(one, Decision(decided, (), "", "1", "")).keeps_verdict
