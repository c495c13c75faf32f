"""A check answered by a person: which result stands, as facts and rules change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from dsync.domain.check_answers import (
    Answer,
    answers_in,
    for_ds,
    found_by,
    is_settled,
    person,
    with_answers,
)
from dsync.domain.verdict import Controle, Resultat
from dsync.domain.wording import one_line

AT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
ALICE = "alice.martin@example.gouv.fr"
READING = {"consulte_le"}


def phase(resultat: str, **preuve: Any) -> Controle:
    return Controle("phase", Resultat(resultat), f"Phase : {resultat}.", preuve)


def answer(resultat: str, constat: Controle, motif: str = "attestation reçue") -> Answer:
    return Answer(7, "phase", Resultat(resultat), motif, ALICE, AT, constat)


def after(found: Controle, given: Answer) -> Controle:
    [controle] = with_answers([found], {"phase": given}, READING)
    return controle


OLD = phase("a_verifier", phase="success", consulte_le="2026-03-01")


@pytest.mark.parametrize(
    ("before", "given", "later", "stands"),
    [
        # The same facts: the answer, whatever the check says.
        (OLD, "conforme", OLD, "conforme"),
        (OLD, "non_conforme", OLD, "non_conforme"),
        (phase("non_conforme", a=1), "conforme", phase("non_conforme", a=1), "conforme"),
        (phase("conforme", a=1), "non_conforme", phase("conforme", a=1), "non_conforme"),
        (phase("impossible"), "conforme", phase("impossible"), "conforme"),
        # Read again, with the same result and evidence; the database has lists for tuples.
        (OLD, "conforme", phase("a_verifier", phase="success", consulte_le="2027"), "conforme"),
        (phase("a_verifier", b=[1, 2]), "conforme", phase("a_verifier", b=(1, 2)), "conforme"),
        # Said in other words, alone.
        (
            phase("a_verifier", demande=["x"]),
            "conforme",
            phase("a_verifier", court="y"),
            "conforme",
        ),
        # Other facts, or other rules that find something else in them: somebody has to confirm it,
        # also where the check would now say the same.
        (OLD, "conforme", phase("a_verifier", phase="alumni"), "a_verifier"),
        (OLD, "conforme", phase("non_conforme", phase="success"), "a_verifier"),
        (OLD, "conforme", phase("conforme", phase="construction"), "a_verifier"),
        (OLD, "non_conforme", phase("conforme", phase="construction"), "a_verifier"),
        (phase("impossible"), "conforme", phase("conforme"), "a_verifier"),
        # Out of reach for a while: nobody knows, and the engine keeps the verdict.
        (OLD, "conforme", phase("impossible"), "impossible"),
        # More twins; the same ones.
        (phase("a_verifier", d=[1]), "conforme", phase("a_verifier", d=[1, 2]), "a_verifier"),
        (phase("a_verifier", d=[1]), "conforme", phase("a_verifier", d=[1]), "conforme"),
    ],
)
def test_an_answer_stands_while_the_check_finds_the_same(
    before: Controle, given: str, later: Controle, stands: str
) -> None:
    """Never silently dropped: it is in the evidence. Withdrawn, what the check finds is back."""
    made = after(later, answer(given, before))
    assert stands == made.resultat.value
    assert (stands == given) is is_settled(made)
    assert {"phase": 7} == answers_in([made])
    assert later == found_by(made)
    assert (later,) == with_answers([later], {}, READING)
    # Confirmed: by answering again on what is found now.
    assert given == after(later, answer(given, found_by(made))).resultat.value


def test_the_sentences_say_who_established_what_and_when() -> None:
    """The day is that of Paris; what has to be confirmed comes before what is found now."""
    settled, changed = (after(one, answer("conforme", OLD)) for one in (OLD, phase("non_conforme")))
    assert "Établi par A. Martin le 03/03/2026 (attestation reçue)." == settled.motif
    assert changed.motif == (
        "Réponse à confirmer ou à retirer, car les faits ont changé : conforme selon A. Martin le "
        "03/03/2026 (attestation reçue). Constat actuel, non conforme : phase : non_conforme."
    )


def test_an_answer_to_a_check_that_is_not_made_is_passed_over() -> None:
    """Its check is off in these rules."""
    other = Controle("depot", Resultat.CONFORME)
    assert (other,) == with_answers([other], {"phase": answer("conforme", OLD)})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("alice.martin@example.gouv.fr", "A. Martin"),
        ("jean-luc.le-goff@example.fr", "J.-L. Le-Goff"),
        ("ada@poste", "ada"),
        ("bureau.2@example.fr", "bureau.2"),
    ],
)
def test_a_person_is_named_as_in_a_letter(name: str, shown: str) -> None:
    """An account stays as it is; no e-mail address goes into DS."""
    assert shown == person(name)


@pytest.mark.parametrize(
    ("auteur", "shown"),
    [
        ("alice.martin@example.gouv.fr", "A. Martin"),
        ("root@poste", "une personne de l’équipe"),
        ("root@serveur.example.fr", "une personne de l’équipe"),
        ("alice.martin@poste", "une personne de l’équipe"),
        ("1000", "une personne de l’équipe"),
    ],
)
@pytest.mark.parametrize("found", [OLD, phase("non_conforme")], ids=["the same", "other facts"])
def test_an_account_is_no_author_in_ds(auteur: str, shown: str, found: Controle) -> None:
    """In DS a person is named by an e-mail address with first and last name alone."""
    given = structs.replace(answer("conforme", OLD), auteur=auteur)
    told = for_ds(after(found, given)).motif
    assert f"{shown} le 03/03/2026" in told
    assert "root" not in told
    assert OLD == for_ds(OLD)


def test_a_reason_is_one_line() -> None:
    """Without what hides or reorders letters."""
    assert "Attestation reçue" == one_line(" Attestation\n\u202ereçue\x07 ")
    assert "" == one_line(" \n\u200b")
