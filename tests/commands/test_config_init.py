"""`dsync config init`: from a token to a file that works as it is."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from dsync.configuration import EigConfiguration, read_configuration, shipped_config
from dsync.domain.toml import TO_CHECK
from dsync.sandbox import Change, Sandbox, opaque_ids
from dsync.sandbox.content import EQUIPMENT_FORM
from dsync.sandbox.model import ChampDescriptor, FormSeed
from tests.commands.command import Command, Ended
from tests.commands.test_next_call import NUMBER, SHIFT, next_dossiers, next_form
from tests.conftest import Golden

FILE = "dsync.toml"
CONFIG = Path(__file__).parents[2] / "config" / "aap-eig7.toml"
SHIPPED = "86321"
"""The number in the shipped file: that of the programme's démarche in the sandbox."""


CHANGED = {
    4105: "Problème identifié ?",
    4106: "Politique concernée",
    4202: "Qui porte le projet",
    5311: "Le problème est avéré",
    5102: "Résultat du précontrôle",
    5103: "Détails (contrôle)",
    5105: "Validation humaine",
}
"""Other labels, by the former stable id."""


def doubtful_form() -> FormSeed:
    """Return the form of the next call with these labels."""
    form = next_form()
    for descriptor in form.revisions[-1].champs + form.revisions[-1].annotations:
        for each in (descriptor, *descriptor.champs):
            each.label = CHANGED.get(each.stable_id - SHIFT, each.label)
    return form


def made(run: Command, *arguments: str, **environment: str) -> EigConfiguration:
    """Write the file and return it as dsync reads it."""
    number = () if "--demarche" in arguments else ("--demarche", SHIPPED)
    ended = run("config", "init", *number, *arguments, FILE, **environment)
    assert (0, "") == (ended.code, ended.err)
    # Off, and proposed.
    assert "\n# [retention]\n" in (run.folder / FILE).read_text(encoding="utf-8")
    read = read_configuration(run.folder / FILE)
    assert isinstance(read, EigConfiguration)
    return read


def extras(text: str) -> list[str]:
    """Return the champs that are proposed for `extra`."""
    part = text.partition("\n# [mapping.champs]\n")[2].partition("\n# ----")[0]
    return re.findall(r"(?m)^# (\w+ = .*)$", part)


def passes(run: Command, **environment: str) -> list[Ended]:
    """Return the ends of the commands that have to succeed with the file unchanged."""
    own = {"DSYNC_CONFIG": FILE, **environment}
    ended = [run(*line, **own) for line in (("config", "check"), ("check",), ("sync", "--json"))]
    assert [0, 0, 0] == [one.code for one in ended], [one.out + one.err for one in ended]
    return ended


def test_the_programmes_form_gives_the_shipped_file(run: Command, sandbox: Sandbox) -> None:
    """The same mapping, annotations, rules and limits, whether ids or only labels are known."""
    shipped = read_configuration(shipped_config())
    assert isinstance(shipped, EigConfiguration)
    own = made(run)
    rules = ("precontrole", "controles", "registre")
    for section in ("mapping", "annotations", *rules, "schedule", "safety"):
        assert getattr(shipped, section) == getattr(own, section), section
    assert own.ds.url == sandbox.ds_url
    assert own.ds.instructeur == "dsync@example.gouv.fr"
    *_, synced = passes(run)
    assert synced.json["pushed"]


def test_what_is_not_sure_is_a_comment_with_its_similarity(run: Command, sandbox: Sandbox) -> None:
    """A label that is nearly known is taken, one that resembles is proposed; both are marked."""
    sandbox.control.form.add_demarche(NUMBER, doubtful_form(), next_dossiers(sandbox)[:4])
    own = made(run, "--demarche", str(NUMBER))
    id_of = {old: opaque_ids.encode("Champ", old + SHIFT) for old in CHANGED}
    champs = own.mapping.champs
    assert (id_of[4105], None, None) == (
        champs.probleme.id,
        champs.politique_publique,
        champs.entite,
    )
    assert ("Problème identifié ?", "Problème identifié") == champs.probleme.libelles
    text = (run.folder / FILE).read_text(encoding="utf-8")
    for line in (
        f"# {TO_CHECK} 99 % similar to « Problème identifié »",
        f'# politique_publique = ["{id_of[4106]}", "Politique concernée", ',
        f"# {TO_CHECK} nothing resembles « Entité opérationnelle », so entite is left out.",
        "# qui_porte_le_projet = [",
        f'# probleme_avere = ["{id_of[5311]}"',
        "# sobriete_numerique = [",
        f"# {TO_CHECK} 97 % similar to « Résultat du pré-contrôle »",
        f'# resultat = ["{id_of[5102]}"',
        f"# {TO_CHECK} is « Détail du pré-contrôle » one of these? Then give its id; else",
        f'#   id = "{id_of[5103]}" # 78 %: « Détails (contrôle) », textarea',
    ):
        assert line in text
    assert own.annotations is None
    passes(run)


def test_one_label_of_several_champs_is_for_a_person_to_decide(
    run: Command, sandbox: Sandbox
) -> None:
    """None of them is taken, each is proposed; a label in capitals without accents is known."""
    form = next_form()
    revision = form.revisions[-1]
    for labelled in (revision.champs, revision.annotations):
        for each in [d for d in labelled if d.stable_id - SHIFT in (4105, 5103)]:
            labelled.append(replace(each, stable_id=each.stable_id + 5000))
    [capitals] = [d for d in revision.champs if d.stable_id - SHIFT == 4106]
    capitals.label = "POLITIQUE PUBLIQUE CONCERNEE :"
    sandbox.control.form.add_demarche(NUMBER, form)
    own = made(run, "--demarche", str(NUMBER))
    text = (run.folder / FILE).read_text(encoding="utf-8")
    for old in (4105, 5103):
        for stable_id in (old + SHIFT, old + SHIFT + 5000):
            id_ = opaque_ids.encode("Champ", stable_id)
            assert re.search(rf'(?m)^#  ? ?\w+ = \[?"{id_}".*# 99 %: ', text), stable_id
    assert own.mapping.champs.probleme is None
    assert capitals.label in own.mapping.champs.politique_publique.libelles


@pytest.mark.parametrize("number", ["86322", "86323"])
def test_another_form_gives_a_copy(run: Command, sandbox: Sandbox, number: str) -> None:
    """Few fields of the programme are in it: nothing is judged or written, and that is said."""
    ended = run("config", "init", "--demarche", number, FILE)
    assert (0, True) == (ended.code, "nothing is judged" in ended.out)
    text = (run.folder / FILE).read_text(encoding="utf-8")
    assert f"Places to look at: {text.count(TO_CHECK)}" in ended.out
    own = read_configuration(run.folder / FILE)
    assert (None, None) == (own.programme, own.annotations)
    *_, synced = passes(run)
    assert synced.json["read"]
    assert [] == sandbox.control.requests(kind="mutation")
    # Each champ can be uncommented as it is.
    tables = ["[mapping.champs]", *extras(text)]
    (run.folder / FILE).write_text("\n".join([text, *tables]), encoding="utf-8")
    assert 0 == run("config", "check", DSYNC_CONFIG=FILE).code
    mapping = read_configuration(run.folder / FILE).mapping
    assert len(tables) == 1 + sum(1 for _ in mapping.top_level())
    checked = run("check", "--json", DSYNC_CONFIG=FILE).json["checks"]
    assert ["ok", "info"] == [line["status"] for line in checked if line["name"] == "mapping"]


def test_each_champ_of_another_form_is_proposed(run: Command, sandbox: Sandbox) -> None:
    """Also two of one label, and those whose labels have no letter."""
    form = deepcopy(EQUIPMENT_FORM)
    labels = ["Service demandeur", "!!!", "???"]
    form.revisions[-1].champs += [
        ChampDescriptor(6301 + rank, "text", label) for rank, label in enumerate(labels)
    ]
    sandbox.control.form.add_demarche(86403, form)
    printed = run("config", "init", "--demarche", "86403", "-").out
    names = [one.partition(" = ")[0] for one in extras(printed)]
    assert ["service_demandeur", "service_demandeur_2", "champ_", "champ_2"] == [
        one for one in names if one.startswith(("service_", "champ_"))
    ]


@pytest.mark.parametrize("name", ["86321", "86323", "86331"])
def test_the_written_file_is_unchanged(
    run: Command, sandbox: Sandbox, golden: Golden, name: str
) -> None:
    """Of the programme's form, of another one, and of one with doubtful places.

    Lines that are in the shipped file, too, are left out.
    """
    if name == str(NUMBER):
        sandbox.control.form.add_demarche(NUMBER, doubtful_form())
    printed = run("config", "init", "--demarche", name, "-")
    shipped = shipped_config().read_text(encoding="utf-8").splitlines()
    lines = printed.out.replace(sandbox.base_url, "SANDBOX").splitlines()
    own = [line for line in lines if line not in shipped]
    golden.check(f"config-init-{name}.txt", "\n".join([*own, ""]))


def test_labels_of_any_text_stay_in_their_lines(run: Command, sandbox: Sandbox) -> None:
    """No label, title or groupe of DS can end a comment or a string of the file."""
    evil = 'a "b" \\ \'c\' \n[ds]\r\ncontact = 1\x85 # \u2028\x7f\x1b « é » \U0001f600 """ '
    forms = {86401: deepcopy(EQUIPMENT_FORM), 86402: next_form()}
    for number, form in forms.items():
        revision = form.revisions[-1]
        labels = (*revision.champs, *revision.annotations)
        for each in (d for top in labels for d in (top, *top.champs)):
            if each.stable_id % 3 == 0:
                each.label = f"{each.label} {evil}"
        hostile = replace(form, title=evil, groupes={evil: ["dsync@example.gouv.fr"]})
        sandbox.control.form.add_demarche(number, hostile)
        printed = run("config", "init", "--demarche", str(number), "-")
        assert 0 == printed.code
        (run.folder / FILE).write_text(printed.out, encoding="utf-8", newline="")
        passes(run)


def test_nothing_is_written_into_ds_without_an_instructeur(run: Command, sandbox: Sandbox) -> None:
    """The instructeurs are listed by groupe; the section is there, to be uncommented."""
    own = made(run, DSYNC_DS_INSTRUCTEUR="")
    assert own.annotations is None
    text = (run.folder / FILE).read_text(encoding="utf-8")
    assert "« défaut »: dsync@example.gouv.fr, instruction-eig@example.gouv.fr" in text
    passes(run, DSYNC_DS_INSTRUCTEUR="")
    assert [] == sandbox.control.requests(kind="mutation")

    head, heading, rest = text.partition("# ---- [annotations]")
    section, mapping, tail = rest.partition("# ---- [mapping]")
    section = re.sub(r"(?m)^# (?=\[|\w+ = )", "", section)
    head = head.replace('# instructeur = "…"', 'instructeur = "dsync@example.gouv.fr"')
    (run.folder / FILE).write_text(head + heading + section + mapping + tail, encoding="utf-8")
    assert read_configuration(shipped_config()).annotations == (
        read_configuration(run.folder / FILE).annotations
    )


def test_an_address_of_no_instructeur_is_said_with_the_nearest_one(
    run: Command, sandbox: Sandbox
) -> None:
    """By what is printed, in the file, by the check and at the end of a run that writes nothing."""
    given = {"DSYNC_DS_INSTRUCTEUR": "dsync@exemple.gouv.fr"}
    said = (
        "dsync@exemple.gouv.fr is no instructeur of this démarche; "
        "did you mean dsync@example.gouv.fr?"
    )
    assert run("config", "init", "--demarche", SHIPPED, FILE, **given).tells(said)
    assert f"# {TO_CHECK} {said}\n" in (run.folder / FILE).read_text(encoding="utf-8")
    checked = run("check", DSYNC_CONFIG=FILE, **given)
    [line] = [one for one in checked.out.splitlines() if "instructeur" in one[:20]]
    assert ("!!", True) == (line[:2], said in line)
    assert run("sync", DSYNC_CONFIG=FILE, **given).tells("no section [annotations]")
    refused = run("check", DSYNC_CONFIG=str(CONFIG), **given)
    assert (7, True) == (refused.code, said in refused.out)


def test_what_ds_lacks_is_to_be_made(run: Command, sandbox: Sandbox) -> None:
    """A missing annotation, option or label is named, with its type, and stops nothing."""
    sandbox.control.form.publish_revision(
        Change(remove=[5103], options={5102: ["Éligible", "Inéligible"]})
    )
    sandbox.control.form.remove_label_of_demarche("à vérifier")
    own = made(run)
    assert own.annotations is None
    text = (run.folder / FILE).read_text(encoding="utf-8")
    assert f"# {TO_CHECK} make the annotation privée « Détail du pré-contrôle » on DS" in text
    assert f"# {TO_CHECK} add the options « À vérifier »" in text
    assert "# To have labels too, make « à vérifier » on DS" in text


def test_the_demarches_number_is_asked_for(run: Command, sandbox: Sandbox) -> None:
    """That of the shipped file is nobody's own: exit 2, one sentence, nothing asked or written."""
    ended = run("config", "init", FILE)
    assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
    assert "Give its number by --demarche N or DSYNC_DEMARCHE." in ended.err
    assert ([], []) == (sandbox.control.requests(), list(run.folder.iterdir()))
    given = run("config", "init", FILE, DSYNC_DEMARCHE=SHIPPED)
    assert (0, True) == (given.code, (run.folder / FILE).exists())


def test_a_file_is_not_overwritten(run: Command, sandbox: Sandbox) -> None:
    """Exit 2 and one sentence, before DS is asked; `-` prints the file."""
    (run.folder / FILE).write_text("mine", encoding="utf-8")
    ended = run("config", "init", FILE)
    assert (2, 1) == (ended.code, len(ended.err.strip().splitlines()))
    assert (FILE in ended.err, "mine") == (True, (run.folder / FILE).read_text(encoding="utf-8"))
    assert [] == sandbox.control.requests()
    assert run("config", "init", "--demarche", "5", "other.toml").refuses("no démarche 5")
    printed = run("config", "init", "-", DSYNC_CONFIG="not-there-yet.toml", DSYNC_DEMARCHE=SHIPPED)
    assert 0 == printed.code
    (run.folder / "printed.toml").write_text(printed.out, encoding="utf-8")
    assert read_configuration(run.folder / "printed.toml").annotations
    assert [Path("dsync.toml"), Path("printed.toml")] == sorted(
        path.relative_to(run.folder) for path in run.folder.iterdir()
    )
