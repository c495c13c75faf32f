"""Verdicts: what a new one leaves of the one before, and what the journal says of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text

from dsync.domain.check_answers import ANSWER
from dsync.domain.dossier import Etat
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict
from dsync.store import Store
from tests.store.builders import NOW, make_mapped, make_verdict, save_verdicts, writing

ONE = DossierNumber(1)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def judged(store: Store) -> Store:
    """A store with one dossier that has a verdict."""
    with writing(store) as tx:
        run = tx.journal.start_run("incremental", "cli", NOW)
        tx.dossiers.store_page(run, [make_mapped(1)], now=NOW)
        save_verdicts(tx, run, [make_verdict(1)], NOW)
    return store


def document(store: Store) -> dict[str, Any]:
    with store.reading() as reader:
        found = reader.dossiers.by_number(ONE)
    assert found is not None
    return found


def verdict_events(store: Store) -> list[dict[str, Any]]:
    return [
        event["details"]
        for event in document(store)["evenements"]
        if event["evenement"] == "verdict"
    ]


def test_a_remark_is_brought_up_to_date_beside_the_verdict(judged: Store) -> None:
    """No new verdict and no event: what stands is the same."""
    with writing(judged) as tx:
        given = save_verdicts(tx, 1, [make_verdict(1, remarque="Autre phase aujourd’hui.")], LATER)
    assert given == []
    found = document(judged)
    [verdict] = found["precontroles"]
    assert "Autre phase aujourd’hui." == verdict["remarque"]
    assert "2024-06-01T12:00:00Z" == verdict["etabli_le"]
    assert len(verdict_events(judged)) == 1


def test_a_verdict_is_read_back_whole(judged: Store) -> None:
    """A part that was not read would count as blank, and the dossier be judged again for it."""
    number, whole = make_verdict(1, doublons=(DossierNumber(2),), remarque="Autre phase.")
    assert all(getattr(whole, name) for name in Decision.__struct_fields__)
    with writing(judged) as tx:
        save_verdicts(tx, 1, [(number, whole)], LATER)
    with judged.reading() as reader:
        found = reader.verdicts.at([ONE], LATER)[ONE]
    assert whole == Decision(*(getattr(found, name) for name in Decision.__struct_fields__))


@pytest.mark.parametrize(
    "changes", [{"version_regles": "r2"}, {"preuve_hash": "p2"}, {"preuve": {}}], ids=str
)
def test_the_same_verdict_on_other_grounds_moves_no_date(
    judged: Store, changes: dict[str, Any]
) -> None:
    """It is in the history; `verdict_etabli_le` moves with result or text alone."""
    with writing(judged) as tx:
        assert [ONE] == save_verdicts(tx, 1, [make_verdict(1, **changes)], LATER)
    found = document(judged)
    assert "2024-06-01T12:00:00Z" == found["verdict_etabli_le"]
    assert ["2024-06-01T12:00:00Z", "2024-06-02T12:00:00Z"] == [
        verdict["etabli_le"] for verdict in found["precontroles"]
    ]
    assert len(verdict_events(judged)) == 1
    with writing(judged) as tx:
        changed = make_verdict(1, detail="autre texte", **changes)
        save_verdicts(tx, 1, [changed], LATER + timedelta(days=1))
    assert "2024-06-03T12:00:00Z" == document(judged)["verdict_etabli_le"]


def test_the_event_of_a_verdict_says_which_checks_changed(judged: Store) -> None:
    """From what to what; and whose sentence alone is another."""
    controles = (
        Controle("depot", Resultat.CONFORME, "Déposé le 2.", {}),
        Controle("phase", Resultat.CONFORME, "En construction.", {}),
    )
    new = make_verdict(
        1, Verdict.ELIGIBLE, controles=controles, detail="Conforme.", version_regles="autres"
    )
    with writing(judged) as tx:
        save_verdicts(tx, 1, [new], LATER)
    first, second = verdict_events(judged)
    assert {"verdict": "À vérifier", "avant": None} == first
    assert {
        "verdict": "Éligible",
        "avant": "À vérifier",
        "controles": {"phase": {"avant": "a_verifier", "apres": "conforme"}},
        "textes": ["depot"],
        "causes": ["regles"],
    } == second


BY_RUN: dict[str, tuple[Etat, Verdict | None, bool, bool]] = {
    "11 other rules or evidence": (Etat.EN_INSTRUCTION, Verdict.ELIGIBLE, True, False),
    "11 without a verdict": (Etat.EN_CONSTRUCTION, None, True, False),
    "11 accepted": (Etat.ACCEPTE, Verdict.ELIGIBLE, True, False),
    "refused": (Etat.REFUSE, Verdict.ELIGIBLE, False, False),
    "12 undetermined": (Etat.EN_INSTRUCTION, Verdict.INDETERMINE, True, True),
    "12 undetermined, refused": (Etat.REFUSE, Verdict.INDETERMINE, True, True),
    "12 undetermined, sans suite": (Etat.SANS_SUITE, Verdict.INDETERMINE, True, True),
}
"""By case: state, verdict, and whether other grounds, or a retry alone, make the dossier due."""


def test_what_the_grounds_of_a_run_make_due(store: Store) -> None:
    """All that rest on them; nothing where they are the same, and nothing has to be retried."""
    cases = {DossierNumber(number): case for number, case in enumerate(BY_RUN, start=1)}
    with writing(store) as tx:
        run = tx.journal.start_run("incremental", "cli", NOW)
        page = [make_mapped(number, etat=BY_RUN[case][0]) for number, case in cases.items()]
        tx.dossiers.store_page(run, page, now=NOW)
        verdicts = [(number, BY_RUN[case][1]) for number, case in cases.items()]
        save_verdicts(tx, run, [make_verdict(n, given) for n, given in verdicts if given], NOW)
        for others, retries in product((False, True), repeat=2):
            found = tx.queue.due_by_run(are_other_grounds=others, retries=retries)
            assert {
                case
                for case, (_, _, by_others, by_retry) in BY_RUN.items()
                if (others and by_others) or (retries and by_retry)
            } == {cases[number] for number in found}


def test_what_keeps_a_verdict_from_the_best_one_is_stored_with_it(store: Store) -> None:
    """The most severe check first."""
    checks = [
        Controle("depot", Resultat.CONFORME, "", {}),
        Controle("phase", Resultat.A_VERIFIER, "", {}),
        Controle("doublon", Resultat.A_VERIFIER, "", {ANSWER: {"reponse": 1}}),
        Controle("administration", Resultat.NON_CONFORME, "", {}),
        Controle("completude", Resultat.SANS_OBJET, "", {}),
    ]
    with writing(store) as tx:
        run = tx.journal.start_run("incremental", "cli", NOW)
        others = [make_mapped(number) for number in (1, 2, 3)]
        tx.dossiers.store_page(run, [*others, make_mapped(4, etat=Etat.ACCEPTE)], now=NOW)
        good = make_verdict(4, Verdict.ELIGIBLE, controles=(checks[0],))
        verdict = make_verdict(1, Verdict.INELIGIBLE, controles=tuple(checks))[1]
        save_verdicts(tx, run, [(1, verdict), (2, verdict), good], NOW)
        kept = tx.connection.execute(text("SELECT numero, points FROM verdict WHERE courant"))
        found = {row.numero: row.points for row in kept}
    points = "|administration:non_conforme|phase:a_verifier|doublon:a_confirmer|"
    assert {1: points, 2: points, 4: ""} == found
