"""`dsync precheck answer`, `answers` and `unanswer`."""

from __future__ import annotations

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import InsideCommand
from tests.commands.conftest import begin
from tests.engine.rig import number

N = str(number(1))
ANSWER = ("--result", "conforme", "--reason", "Attestation du 12 février")


def test_a_check_is_answered_listed_and_the_answer_withdrawn(
    run: InsideCommand, sandbox: Sandbox
) -> None:
    """The verdict before and after; the list has what it rested on; the push writes it."""
    begin(run, sandbox)
    assert "Nobody has answered a check." in run("precheck", "answers").out
    answered = run("precheck", "answer", N, "doublon", *ANSWER)
    assert 0 == answered.code
    assert ["À", "vérifier", "Éligible"] == answered.out.splitlines()[-3].split()[1:4]
    assert "The next push or sync writes it into DS." in answered.out
    [row] = run("precheck", "answers", "--json").json
    assert (number(1), "doublon", "conforme", "valable") == (
        row["numero"], row["controle"], row["resultat"], row["statut"],
    )  # fmt: skip
    assert ("a_verifier", True) == (row["constat_resultat"], "dossiers" in row["constat_preuve"])
    assert "Attestation du 12 février" in run("precheck", "answers", "--dossier", N).out
    assert [] == run("precheck", "answers", "--dossier", "1", "--json").json
    shown = run("dossier", "show", N).out
    assert " etabli: auteur " in shown
    assert '{"' not in shown
    assert 0 == run("push").code
    assert ["éligible"] == sandbox.control.truth_of(number(1)).labels
    withdrawn = run("precheck", "unanswer", N, "doublon", "--json").json
    [compared] = withdrawn["dossiers"]
    assert ("Éligible", "À vérifier") == (compared["avant"], compared["verdict"])
    assert [] == run("precheck", "answers", "--json").json
    [row] = run("precheck", "answers", "--ended", "--json").json
    assert "retiree" == row["statut"]
    shown = run("dossier", "show", N, "--json").json["reponses"]
    assert ["retiree"] == [one["statut"] for one in shown]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("answer", N, "doublons", *ANSWER), "Did you mean « doublon »?"),
        (("answer", "1", "doublon", *ANSWER), "`dsync sync --dossier 1` reads it"),
        (("answer", str(number(5)), "doublon", *ANSWER), "it keeps its verdict"),
        (("answer", N, "doublon", "--result", "conforme", "--reason", " "), "A reason is missing"),
        (
            ("answer", N, "doublon", "--result", "conforme", "--reason", "x" * 501),
            "500 characters at most",
        ),
        (("answer", N, "doublon", "--result", "conforme"), "--reason"),
        (("answer", N, "doublon", "--result", "a_verifier", "--reason", "x"), "conforme"),
        (("answer", "x", "doublon", *ANSWER), "expected a number of DS"),
        (("answer", N, "fiche_produit", *ANSWER, "--product", "zz-rien"), "has or had the id"),
        (("answer", N, "doublon", *ANSWER, "--product", "docs"), "fiche_produit: leave it out"),
        (("unanswer", N, "doublon"), "there is nothing to withdraw"),
    ],
)
def test_what_cannot_be_answered_ends_with_a_sentence(
    synced: InsideCommand, arguments: tuple[str, ...], said: str
) -> None:
    """And exit 2; nothing is stored, and no run is made."""
    runs = synced("history", "--json").json
    refused = synced("precheck", *arguments)
    assert 2 == refused.code
    assert said in " ".join(refused.text.split())
    assert runs == synced("history", "--json").json
    assert [] == synced("precheck", "answers", "--ended", "--json").json


def test_judging_needs_neither_token_nor_ds(run: InsideCommand, sandbox: Sandbox) -> None:
    """All that it takes is stored, or at beta.gouv.fr; what is sent is the next push's."""
    begin(run, sandbox)
    lost = {"DSYNC_DS_TOKEN": "", "DSYNC_DS_URL": "http://127.0.0.1:9/api"}
    for words in (
        ("precheck",),
        ("precheck", "--dry-run"),
        ("precheck", "--as-of", "2026-11-20"),
        ("precheck", "answer", N, "doublon", *ANSWER),
        ("precheck", "unanswer", N, "doublon"),
    ):
        ended = run(*words, **lost)
        assert 0 == ended.code, ended.text
    assert 2 == run("push", **lost).code
