"""`dsync conflicts` and `dsync push --force`: a human's value is overwritten only on an order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import InsideCommand
from tests.commands.conftest import once
from tests.commands.terminal import COLUMNS, ctrl_c, on_terminal, screen

RESULTAT, DETAIL, VALIDE = 5102, 5103, 5105


@pytest.fixture
def edited(run: InsideCommand, sandbox: Sandbox) -> list[int]:
    """Change the result of three dossiers as a human; return their numbers."""

    def edit() -> None:
        assert 0 == run("sync").code
        for number in eligible():
            sandbox.control.edit_annotation(number, RESULTAT, "Inéligible")
        assert 3 == run("sync", "--json").json["conflicts"]

    def eligible() -> list[int]:
        return sorted(t.number for t in sandbox.control.truth() if t.labels == ["éligible"])[:3]

    once(run, sandbox, "edited", edit)
    said = "Avis de l’équipe ; celui de dsync était « Éligible »."
    return [t.number for t in sandbox.control.truth() if t.raw_annotations.get(DETAIL) == said]


def results(sandbox: Sandbox, numbers: list[int]) -> list[str]:
    return [sandbox.control.truth_of(n).raw_annotations[RESULTAT] for n in numbers]


def pushes(run: InsideCommand, number: int) -> list[dict[str, Any]]:
    """Return the journal of a dossier's pushes, as analysts read it."""
    sql = "SELECT details FROM lecture_evenement WHERE numero = ? AND evenement = 'pousse'"
    return [json.loads(details) for (details,) in run.rows(sql, number)]


def test_a_forced_push_without_a_terminal_needs_a_yes(
    run: InsideCommand, sandbox: Sandbox, edited: list[int]
) -> None:
    """Without --yes exit 2 and nothing is sent; with it the events record who gave the order."""
    first = edited[0]
    for options in ((), ("--json",)):
        refused = run("push", "--force", "--dossier", str(first), *options)
        assert (2, ["Inéligible"]) == (refused.code, results(sandbox, [first]))
        assert "--yes" in refused.err + refused.out
    assert 0 == run("push", "--force", "--yes", "--dossier", str(first)).code
    assert ["Éligible"] == results(sandbox, [first])
    [forced] = [d for d in pushes(run, first) if "resultat" in d.get("remplace", {})]
    assert "Inéligible" == forced["remplace"]["resultat"]
    assert "@" in forced["demande_par"]


@pytest.mark.parametrize(("typed", "after"), [("n\n", "Inéligible"), ("y\n", "Éligible")])
def test_on_a_terminal_a_forced_push_shows_what_it_overwrites_and_asks(
    run: InsideCommand, sandbox: Sandbox, edited: list[int], typed: str, after: str
) -> None:
    """It shows the current and the new value of each annotation; « n » sends nothing."""
    first = edited[0]
    ended = screen(run, "push", "--force", "--dossier", str(first), typed=lambda: typed)
    [line] = [line for line in ended.out.splitlines() if "resultat" in line]
    assert line.split() == [str(first), "resultat", "Inéligible", "Éligible"]
    assert "Overwrite the values in DS?" in ended.out + ended.err
    assert (0, [after]) == (ended.code, results(sandbox, [first]))


def test_ctrl_c_at_the_question_ends_a_forced_push(
    run: InsideCommand, sandbox: Sandbox, edited: list[int]
) -> None:
    """It exits 130 at once, and nothing is sent."""
    first = edited[0]
    order = ("push", "--force", "--dossier", str(first))
    ended = on_terminal(run, *order, at="[y/N]", then=ctrl_c, errors_too=True)
    assert (130, ["Inéligible"]) == (ended.code, results(sandbox, [first]))


def test_a_forced_push_shows_the_labels_that_would_stay(
    run: InsideCommand, sandbox: Sandbox, edited: list[int]
) -> None:
    """A human's label is kept beside dsync's."""
    number = next(t.number for t in sandbox.control.truth() if t.labels == ["inéligible"])
    sandbox.control.add_label(number, "éligible")
    sandbox.control.edit_annotation(number, RESULTAT, "À vérifier")
    run("sync")
    ended = screen(run, "push", "--force", "--dossier", str(number), typed=lambda: "n\n")
    [line] = [line for line in ended.out.splitlines() if " label " in line]
    cells = re.split(r"\s{2,}", line.strip())
    assert [str(number), "label", "inéligible"] == [*cells[:2], cells[3]]
    assert {"éligible", "inéligible"} == set(cells[2].split(", "))


@pytest.mark.parametrize(
    ("stable_id", "value", "result"),
    [
        (RESULTAT, "À vérifier", "À vérifier"),
        (DETAIL, "Vu avec le sponsor", "Éligible"),
        (VALIDE, True, "Inéligible"),
    ],
    ids=["the same again", "what was not shown", "the box"],
)
def test_a_value_written_during_the_question_is_not_overwritten(
    run: InsideCommand,
    sandbox: Sandbox,
    edited: list[int],
    stable_id: int,
    value: object,
    result: str,
) -> None:
    """Only the values that were shown are overwritten."""
    first = edited[0]

    def edit_and_confirm() -> str:
        sandbox.control.edit_annotation(first, stable_id, value)
        return "y\n"

    ended = screen(run, "push", "--force", "--dossier", str(first), typed=edit_and_confirm)
    annotations = sandbox.control.truth_of(first).raw_annotations
    assert (0, value, result) == (ended.code, annotations[stable_id], annotations[RESULTAT])


def test_the_question_shows_a_validation(
    run: InsideCommand, sandbox: Sandbox, edited: list[int]
) -> None:
    """An order after it overwrites the annotations."""
    first = edited[0]
    sandbox.control.edit_annotation(first, VALIDE, True)
    ended = screen(run, "push", "--force", "--dossier", str(first), typed=lambda: "y\n")
    [line] = [line for line in ended.out.splitlines() if "resultat" in line]
    assert "Inéligible (validated)" in line
    assert (0, ["Éligible"]) == (ended.code, results(sandbox, [first]))


def test_a_push_of_an_unknown_dossier_is_reported(run: InsideCommand, edited: list[int]) -> None:
    """A mistyped number is no success: exit 7, with the command to read the dossier."""
    for options in ((), ("--force", "--yes")):
        ended = run("push", "--dossier", "12", "--dossier", str(edited[0]), *options)
        assert (7, True) == (ended.code, "dsync sync --dossier 12" in ended.err)
        assert str(edited[0]) not in ended.err


def test_conflicts_are_listed_side_by_side(run: InsideCommand, edited: list[int]) -> None:
    """The human's value, dsync's value, and DS's date of that annotation."""
    listed = run("conflicts", "list").out
    [line] = [line for line in listed.splitlines() if line.startswith(str(edited[0]))]
    assert line.split()[1:4] == ["resultat", "Inéligible", "Éligible"]
    shown = screen(run, "conflicts", "list").out
    assert max(map(len, shown.splitlines())) <= COLUMNS
    shown = run("dossier", "show", str(edited[0])).out
    assert ["in DS now: Inéligible"] == [
        line.strip() for line in shown.splitlines() if "in DS now" in line and "Inéli" in line
    ]
    found = run("conflicts", "list", "--json").json
    own = [c for c in found if c["erreur"] is None]
    assert sorted(edited) == [c["numero"] for c in own]
    assert all(c["depuis"] for c in own)


def test_several_conflicts_are_resolved_at_once(
    run: InsideCommand, sandbox: Sandbox, edited: list[int]
) -> None:
    """By their numbers or all; without either it is a usage error.

    What lets dsync replace a human's value needs the dossier's number.
    """
    assert [2, 2, 2] == [
        run("conflicts", *rest).code for rest in (["keep"], ["adopt"], ["adopt", "--all"])
    ]
    first, second, third = edited
    assert run("conflicts", "keep", str(first), "1").refuses("Dossier 1 is not in the database")
    assert {*edited} == {c["numero"] for c in run("conflicts", "list", "--json").json}
    other = next(n for n in sandbox.control.truth() if n.number not in edited).number
    accepted = run("conflicts", "keep", str(first), str(second), str(other))
    assert f"Dossier {second}: the human's value stays" in accepted.out
    assert (0, True) == (accepted.code, f"Dossier {other} has no such open" in accepted.out)
    assert {third} == {c["numero"] for c in run("conflicts", "list", "--json").json}
    left = ("conflicts", "adopt", str(third), "--annotation")
    assert "no such open" in run(*left, "date").out
    assert "adopted" in run(*left, "resultat").out
    assert 0 == run("push").code
    assert ["Inéligible", "Inéligible", "Éligible"] == results(sandbox, edited)
    assert [] == run("conflicts", "list", "--json").json
