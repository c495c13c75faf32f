"""The next call, « aap-eig8 »: other ids, one criterion more, other phases, by a file alone."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsync.configuration import EigConfiguration, read_configuration, shipped_config
from dsync.eig.sections import CHAMP_FIELDS, OPTIONAL
from dsync.sandbox import Sandbox, content, opaque_ids
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.model import ChampDescriptor, FormRevision, FormSeed, ServedDossier
from tests.commands.command import Command
from tests.commands.conftest import with_thirty
from tests.engine.rig import NOW
from tests.profiles import long

NUMBER = 86331
SHIFT = 20_000
RANKS = range(30)
SOBRIETE = 5330 + SHIFT
"""The criterion that is new."""
PHASES = {"Investigation": "Exploration", "Construction": "Fabrication"}
"""The options of the form with another wording."""
ETAPE = "Comité final"


@with_thirty
def test_the_next_call_needs_a_file_alone(run: Command, sandbox: Sandbox) -> None:
    """Verdicts, pushed annotations and the views of the jury are right by the second file."""
    sandbox.control.form.add_demarche(NUMBER, next_form(), next_dossiers(sandbox))
    path = run.folder / "aap-eig8.toml"
    path.write_text(next_file(), encoding="utf-8")
    assert 0 == run("sync").code
    own = {"DSYNC_CONFIG": str(path)}
    assert "operateurs_etat.csv: the shipped list" in run("config", "check", **own).out
    checked = run("check", "--json", **own)
    of_mapping = [line for line in checked.json["checks"] if line["name"] == "mapping"]
    assert (0, ["ok"]) == (checked.code, [line["status"] for line in of_mapping])
    ended = run("sync", "--json", **own)
    assert (0, []) == (ended.code, ended.json["errors"])
    again = run("sync", "--json", **own).json
    assert (0, 0, 0) == (again["changed"], again["evaluated"], again["pushed"])

    with closing(sqlite3.connect(run.folder / "dsync.db")) as connection:
        connection.row_factory = sqlite3.Row

        def found(sql: str) -> dict[int, dict[str, Any]]:
            return {row["numero"]: dict(row) for row in connection.execute(sql)}

        rows = found(
            "SELECT * FROM lecture_candidature WHERE etat IN ('en_construction', "
            "'en_instruction') AND presence = 'present'"
        )
        phases = (
            "SELECT numero, resultat FROM lecture_precontrole_controle "
            "WHERE courant AND controle = 'phase'"
        )
        phase = {numero: row["resultat"] for numero, row in found(phases).items()}
        sql = f"SELECT numero, nb_evaluations FROM lecture_jury_dossier WHERE numero > {NUMBER}000"
        jury = {numero: row["nb_evaluations"] for numero, row in found(sql).items()}
        notes = [
            tuple(row)
            for row in connection.execute(
                "SELECT numero, critere, libelle, note FROM lecture_evaluation_note "
                f"WHERE numero > {NUMBER}000 AND critere = 'sobriete'"
            )
        ]
    pairs = {rank: (content.FIRST_NUMBER + rank, NUMBER * 1000 + rank + 1) for rank in RANKS}
    assert set(rows) <= {number for pair in pairs.values() for number in pair}
    moved: Counter[bool] = Counter()
    for before, after in pairs.values():
        if after not in rows:
            continue
        # The former call takes products under investigation, the next one does not.
        is_same = rows[before]["phase_constatee"] != "investigation"
        moved[is_same] += 1
        assert not is_same or phase[before] == phase[after]
        assert is_same or (phase[before], phase[after]) == ("conforme", "non_conforme")
        assert not is_same or rows[before]["verdict"] == rows[after]["verdict"]
        truth = sandbox.control.truth_of(after)
        if not truth.raw_annotations.get(5105 + SHIFT):
            assert rows[after]["verdict"] == truth.raw_annotations[5102 + SHIFT]
        assert rows[after]["etape"] == truth.raw_annotations.get(5202 + SHIFT)
    assert moved[True]
    assert moved[False]
    assert ETAPE in {row["etape"] for row in rows.values()}

    grids = {
        truth.number: sum(map(bool, truth.raw_annotations[5302 + SHIFT]))
        for truth in sandbox.control.truth(NUMBER)
    }
    assert {(n, "sobriete", "Sobriété numérique", 4.0) for n in grids if grids[n]} == {*notes}
    assert jury
    assert {number: grids[number] for number in jury} == jury


def next_form() -> FormSeed:
    """Return the form of aap-eig7 with other ids, a criterion, phases and a stage of its own."""
    return replace(FORM, revisions=[_revision(r) for r in FORM.revisions])


def _revision(revision: FormRevision) -> FormRevision:
    champs, annotations = deepcopy((revision.champs, revision.annotations))
    for descriptor in (*champs, *annotations):
        for each in (descriptor, *descriptor.champs):
            each.options = [PHASES.get(option, option) for option in each.options]
            each.options = [
                ETAPE if option == "Délibération" else option for option in each.options
            ]
            if each.stable_id == 5302:
                each.champs.append(
                    ChampDescriptor(SOBRIETE - SHIFT, "integer_number", "Sobriété numérique")
                )
    for descriptor in (*champs, *annotations):
        for each in (descriptor, *descriptor.champs):
            each.stable_id += SHIFT
    return replace(revision, champs=champs, annotations=annotations)


def next_dossiers(sandbox: Sandbox, count: int = len(RANKS)) -> list[ServedDossier]:
    """Return the dossiers of aap-eig7 with the ids of the next call."""
    seeds = content.dossiers(7, count, now=sandbox.control.clock.now())
    return [
        replace(seed, champs=_shifted(seed.champs), annotations=_shifted(seed.annotations))
        for seed in seeds
    ]


def _shifted(values: dict[int, Any]) -> dict[int, Any]:
    return {
        id_ + SHIFT: [
            _shifted(row | ({SOBRIETE - SHIFT: 4} if 5303 in row else {}))
            if isinstance(row, dict)
            else row
            for row in value
        ]
        if isinstance(value, list)
        else ETAPE
        if value == "Délibération"
        else PHASES.get(value, value)
        if id_ == 4103
        else value
        for id_, value in values.items()
    }


def next_file() -> str:
    """Return the file of the next call: the shipped one with what differs."""
    text = shipped_config().read_text(encoding="utf-8")

    def shifted(found: re.Match[str]) -> str:
        number = opaque_ids.key_of(found[1], "Champ")
        assert number
        return f'"{opaque_ids.encode("Champ", number + SHIFT)}"'

    text = re.sub(r'"(Q2hhbXAt[^"]+)"', shifted, text)
    line = f'sobriete = ["{opaque_ids.encode("Champ", SOBRIETE)}", "Sobriété numérique"]'
    for old, new in (
        ("number = 86321", f"number = {NUMBER}"),
        ("criteres]\n", f"criteres]\n{line}\n"),
        ('admises = ["investigation", ', "admises = ["),
        (
            '"Transfert" = ["transfer"',
            '"Exploration" = ["investigation"]\n"Fabrication" = ["construction"]\n'
            '"Transfert" = ["transfer"',
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def published(form: FormSeed, at: datetime) -> FormSeed:
    """Return a form whose revisions were published from an instant on."""
    later = [at + timedelta(days=rank) for rank in range(len(form.revisions))]
    revisions = zip(form.revisions, later, strict=True)
    return replace(form, revisions=[replace(one, date_publication=day) for one, day in revisions])


@pytest.mark.parametrize(
    "form", [long(next_form(), id="with other ids"), pytest.param(FORM, id="with the same ids")]
)
@with_thirty
def test_the_form_of_another_year_does_not_get_last_years_rules(
    run: Command, sandbox: Sandbox, form: FormSeed
) -> None:
    """`config init` writes them switched off, without dates; the file works, and judges nothing."""
    dossiers = next_dossiers(sandbox) if form is not FORM else content.dossiers(7, 30, now=NOW)
    sandbox.control.form.add_demarche(
        NUMBER, published(form, datetime(2026, 8, 10, tzinfo=UTC)), dossiers
    )
    path = run.folder / "next.toml"
    assert run("config", "init", "--demarche", str(NUMBER), str(path)).tells(
        "nothing is judged until [[controles]]"
    )
    own = {"DSYNC_CONFIG": str(path)}
    checked = run("config", "check", **own)
    assert (0, True) == (checked.code, "no [[controles]]" in checked.err)
    assert 0 == run("check", **own).code
    sandbox.control.forget_requests()  # `check` tries to write nothing.
    ended = run("sync", "--json", **own).json
    assert (30, 0, 0) == (ended["read"], ended["evaluated"], ended["pushed"])
    assert [] == sandbox.control.requests(kind="mutation")
    text = path.read_text(encoding="utf-8")
    off, *dated = [
        "# [[controles]]",
        "2024-01-01",
        "2024-12-31",
        "2024-08-19",
        "operateurs_etat.csv",
    ]
    assert (True, []) == (off in text, [one for one in dated if one in text])
    off, _, rest = text.partition('# [[controles]]\n# nom = "administration"')
    one, _, rest = rest.partition("#\n")
    on = re.sub(r"(?m)^# (\w+ = )", r"\1", one)
    path.write_text(f'{off}[[controles]]\nnom = "administration"{on}{rest}', encoding="utf-8")
    refused = run("config", "check", **own)
    assert 2 == refused.code
    assert "administration : parametres.operateurs : " in refused.err


@with_thirty
def test_check_compares_rules_and_form(run: Command, sandbox: Sandbox) -> None:
    """The window with the publication, options both ways, and what a check needs unmapped."""
    sandbox.control.form.add_demarche(
        NUMBER, published(next_form(), datetime(2026, 8, 10, tzinfo=UTC))
    )
    path = run.folder / "next.toml"
    text = re.sub(r'"Exploration" = .*\n', "", next_file())
    text = text.replace('["Internaliser le pilotage stratégique"]', '["Autre chose"]')
    text = text.replace('mots = ["internaliser", "internalisation"]', "")
    for field in ("page_produit", "entite"):
        text = re.sub(rf"(?m)^{field} = .*\n", "", text)
    path.write_text(text, encoding="utf-8")
    ended = run("check", "--json", DSYNC_CONFIG=str(path))
    lines = [(one["name"], one["status"], one["message"]) for one in ended.json["checks"]]
    assert 2 == ended.code
    for line in (
        (
            "rules",
            "error",
            "the window (2024-01-01 to 2024-12-31) ended before the form was published "
            "(2026-08-10): it is another call's",
        ),
        (
            "rules",
            "warning",
            "phase : la liste n’a pas l’option « Exploration » de « Phase du produit »",
        ),
        (
            "rules",
            "warning",
            "cas_octroi : « Autre chose » n’est pas une option de « Cas de la demande »",
        ),
        ("mapping", "error", "page_produit: not mapped, so the check fiche_produit is impossible"),
        ("mapping", "warning", "entite: not mapped, so the check completude does not ask for it"),
    ):
        assert line in [one for one in lines if one[0] == line[0]]
    [counted] = [message for name, _, message in lines if name == "mapping" and " of " in message]
    found, of = re.findall(r"\d+", counted)
    assert int(found) == int(of) - 2


def test_the_shipped_mapping_needs_what_check_counts() -> None:
    """The fields that it does not mark as needed are those that may be left out."""
    shipped = read_configuration(shipped_config())
    assert isinstance(shipped, EigConfiguration)
    needed = {field for field, target, _ in shipped.mapping.top_level() if target.needed}
    assert OPTIONAL == {*CHAMP_FIELDS} - needed
