"""What a page shows is what its command says with `--json`, of the same database."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsync.console import words as said
from dsync.domain.dossier import Anomaly
from dsync.domain.rights import VERDICTS
from tests.commands.command import InsideCommand
from tests.console.served import Visitor, visiting, words
from tests.console.test_pages import flat, numbers
from tests.engine.rig import DEMARCHE, PROBLEME, RESULTAT, Engine, number, seeds

FIELDS = ("verdict", "raison_sociale", "page_produit", "probleme", "entite", "sponsor_courriel")


@pytest.fixture(scope="module")
def both(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[InsideCommand, Visitor]]:
    """The command and the console, on dossiers with a conflict, a quarantine, a manual action."""
    folder = tmp_path_factory.mktemp("parity")
    shutil.copy(sqlite_template, folder / "dsync.db")
    with Engine(f"sqlite:///{folder}/dsync.db", seeds()) as engine:
        engine.sync()
        engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
        engine.control.edit_champ(number(2), PROBLEME, "Un autre problème")
        engine.control.faults.return_null(number(1), champs_only=True)
        engine.sync_later(full=True)
        command = InsideCommand(
            folder,
            {
                "DSYNC_DATABASE_URL": engine.url,
                "DSYNC_DEMARCHE": str(DEMARCHE),
                "DSYNC_DS_URL": engine.sandbox.ds_url,
                "DSYNC_BETAGOUV_URL": engine.sandbox.betagouv_url,
            },
        )
        with visiting(engine) as visitor:
            visitor.ask(f"/dossiers/{number(3)}/rejuger")
            yield command, visitor


def test_the_state(both: tuple[InsideCommand, Visitor]) -> None:
    """Counts, the last success, and a point for each thing that waits."""
    command, visitor = both
    state = command("status", "--json").json
    page = visitor.read("/suivi")
    for verdict in VERDICTS:
        assert f"{verdict} {state['dossiers']['verdict'][verdict.key]}" in page
    assert said.moment(state["last_success_at"]).replace(said.NB, " ") in page
    present, etats = state["dossiers"]["presence"]["present"], state["dossiers"]["state"]
    states = " , ".join(f"{n} {said.ETATS[one].lower()}" for one, n in etats.items() if n)
    assert f"{present} dossiers déposés : {states} ." in page
    assert present == sum(etats.values())
    for key, text in (("conflicts", "attend votre choix"), ("quarantined", "ne peut pas être lu")):
        assert 1 == state[key]
        assert f"1 dossier {text}" in page
    assert f"En attente {state['waiting']} envoi" in page
    assert "Aucun service ne tourne" in page


def test_the_lists(both: tuple[InsideCommand, Visitor]) -> None:
    """Dossiers, conflicts with both values, the quarantine with its reasons, the journal."""
    command, visitor = both
    for options, query in (
        ((), ""),
        (("--verdict", "a_verifier"), "?verdict=a_verifier"),
        (("--verdict", "aucun"), "?verdict=aucun"),
        (("--state", "en_instruction"), "?etat=en_instruction"),
        (("--search", "direction"), "?q=direction"),
        (("--search", "%"), "?q=%25"),
    ):
        listed = command("dossier", "list", *options, "--json").json
        assert [one["numero"] for one in listed] == numbers(visitor.get(f"/dossiers{query}"))
    conflicts = visitor.read("/conflits")
    for one in command("conflicts", "list", "--json").json:
        if one["erreur"]:
            continue  # It waits for the conflict of its dossier's result: the page counts it.
        for value in (str(one["numero"]), one["valeur"], one["valeur_distante"]):
            assert flat(str(value)) in conflicts
    anomalies = visitor.read("/anomalies")
    quarantined = command("quarantine", "list", "--json").json
    assert quarantined
    for one in quarantined:
        assert f"{one['numero']} {flat(one['message'])}" in anomalies
        assert Anomaly(one["code"]).english in command("quarantine", "list").out, "is in English"
    journal = visitor.read("/journal")
    asked = command("history", "--manual", "--json").json
    assert len(asked) == visitor.get("/journal").text.count('<th scope="row"')
    for one in asked:
        assert said.moment(one["demande_le"]) in visitor.get("/journal").text
        assert said.asker(one["demande_par"]) in journal


def test_a_dossier(both: tuple[InsideCommand, Visitor]) -> None:
    """Verdict, reasons of each check, values of the form, wishes, changes and events."""
    command, visitor = both
    for rank in (0, 2, 4, 5):
        found = command("dossier", "show", str(number(rank)), "--json").json
        text = visitor.get(f"/dossiers/{number(rank)}/tout").text
        page = words(text)
        given = max(one["etabli_le"] for one in found["precontroles"])
        shown = [one["motif"] for one in found["controles"] if one["etabli_le"] == given]
        shown += [one["valeur"] for one in found["annotations"] if one["annotation"] != "date"]
        shown += [one["libelle"] for one in found["changements"]]
        shown += [f"{one['moyenne']:.2f}".replace(".", ",") for one in found["evaluations"]]
        shown += [found[name] for name in FIELDS]
        assert [] == [text for text in shown if text and flat(said.visible(text)) not in page]
        for event in found["evenements"]:
            assert said.EVENEMENTS[event["evenement"]] in page
        assert "/procedures/" not in text, "the sandbox has no pages for instructeurs"
        assert not re.search(r"\d{4}-\d\d-\d\dT", page), "instants are those of Paris, in French"


def test_runs_and_evidence(both: tuple[InsideCommand, Visitor]) -> None:
    command, visitor = both
    for run in command("history", "--json").json:
        page = visitor.read(f"/synchronisations/{run['run']}")
        changed = said.plural(run["modifies"], "nouveau ou modifié", "nouveaux ou modifiés")
        changed, gone = (
            one.replace(said.NB, " ") for one in (changed, said.plural(run["supprimes"], "parti"))
        )
        for text in (
            said.GENRES[run["genre"]],
            f"Dossiers lus {run['lus']}, dont {changed} ; {gone}",
            f"Jugés {run['evalues']}",
            f"Inscrits dans Démarches Simplifiées {run['pousses']}, {run['conflits']} conflit",
            f"En quarantaine {run['en_quarantaine']}",
            f"Requêtes {run['requetes']}",
        ):
            assert text in page
    evidence = command("evidence", "show", "--json").json
    page = visitor.read("/preuves")
    catalogue = evidence["catalogue"]
    for text in (catalogue["source"], catalogue["sha256"], evidence["rules_version"]):
        assert text in page
    assert said.moment(catalogue["fetched_at"]) in visitor.get("/preuves").text
    for one in evidence["lists"]:
        assert f"{said.number(one['entries'])} {flat(one['source'])}" in page
