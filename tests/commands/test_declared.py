"""Declared checks on the two shipped samples: judged, annotated, shown, and again."""

from __future__ import annotations

import copy
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsync.domain.toml import TO_CHECK, array
from dsync.sandbox import Sandbox, content
from dsync.sandbox.edits import Change
from tests.commands.command import Command
from tests.commands.conftest import once, operator
from tests.console.served import stranger
from tests.exports.grist_server import grist_server
from tests.store.databases import PostgresServer

SAMPLES = Path(__file__).parents[2] / "config" / "exemples"
FEW = 20
RESULT = 6351
UNIQUE = 'exige = { champ = "siren", unique_avec = ["theme"] }'
STATES = 'etats = ["en_construction"]'
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


@contextmanager
def serving(dossiers: int) -> Iterator[Sandbox]:
    """Serve so many dossiers of each aid."""
    forms = [
        (content.SUBSIDY_FORM, content.subsidy_dossiers(7, dossiers, now=NOW)),
        (content.MOBILITY_FORM, content.mobility_dossiers(7, dossiers, now=NOW)),
    ]
    with Sandbox(forms, seed=7) as server:
        yield server


@pytest.fixture
def aids() -> Iterator[Sandbox]:
    with serving(FEW) as server:
        yield server


def configured(sandbox: Sandbox, folder: Path, name: str) -> Command:
    """Return `dsync` with a copy of a sample."""
    shutil.copytree(SAMPLES, folder / "exemples", dirs_exist_ok=True)
    made = operator(sandbox, folder)
    path = folder / "exemples" / f"{name}.toml"
    return made.given(DSYNC_CONFIG=str(path))


def accepted(sandbox: Sandbox, run: Command) -> Command:
    """Return `dsync` of the aid, whose checks were accepted and whose results were written."""
    path = str(SAMPLES / "subvention.toml")
    dsync = run.given(DSYNC_CONFIG=path)

    def accept() -> None:
        dsync("sync")
        assert 0 == dsync("accept", "first", "--yes").code

    once(dsync, sandbox, "accepted", accept)
    return dsync


def test_a_sample_judges_and_annotates_and_then_rests(aids: Sandbox, tmp_path: Path) -> None:
    """It is valid, waits to be accepted, judges all, writes them, and finds nothing new."""
    dsync = configured(aids, tmp_path, "subvention")
    checked = dsync("config", "check")
    assert (0, "") == (checked.code, checked.err)
    held = dsync("sync", "--json")
    assert 0 == held.json["evaluated"] == held.json["pushed"]
    assert FEW == held.json["changed"]
    assert "accept first" in held.json["errors"][0]
    assert "until a person consents: first" in dsync("status").out
    # Nobody publishes what is not in force.
    assert 2 == dsync("rules", "publish", "r.html").code
    accepted = dsync("accept", "first", "--yes", "--json")
    assert 0 == accepted.code
    assert FEW == accepted.json["evaluated"] == accepted.json["pushed"]
    aids.control.forget_requests()
    second = dsync("sync", "--json")
    assert [] == aids.control.requests(kind="mutation")
    assert (0, 0, 0) == (second.code, second.json["evaluated"], second.json["pushed"])
    assert 0 < dsync.rows("SELECT count(*) FROM verdict WHERE verdict = 'Rien à signaler'")[0][0]


def test_a_changed_date_tells_its_share_before_the_push(aids: Sandbox, tmp_path: Path) -> None:
    """By a dry run and by the brake; the key of a doublon that is too large is asked about."""
    dsync = configured(aids, tmp_path, "subvention")
    dsync("sync")
    first = dsync("precheck", "--dry-run")
    assert "no verdict" in first.out
    nobody = "tells nobody apart: is a value misspelt?"
    assert f"calendrier_depot: 0 of {FEW} dossiers: {nobody}\n" in first.out
    accepted = dsync("accept", "first", "--yes").out
    assert (
        f"\ndémarche « {content.SUBSIDY_FORM.title} » ({content.SUBSIDY_FORM.number})" in accepted
    )
    assert "detail: none before dossiers are judged\n" in accepted
    for told in (first.out, accepted):
        assert f"{FEW} dossiers get a first verdict.\n" in told
        assert "standing verdicts" not in told
    path = Path(dsync.environment["DSYNC_CONFIG"])
    text = path.read_text(encoding="utf-8")
    later = text.replace("au_moins = 2026-09-01", "au_moins = 2026-11-15")
    wide = later.replace(UNIQUE, 'exige = { champ = "theme", unique_avec = [] }')
    path.write_text(wide, encoding="utf-8")
    told = dsync("precheck", "--dry-run").out
    assert f"calendrier_depot: {FEW} of {FEW} dossiers: is its rule too wide?" in told
    assert f"doublon: {FEW} of {FEW} dossiers: is its key too wide?" in told
    assert f" of {FEW} standing verdicts change." in told
    assert "first verdict" not in told
    held = dsync("sync", "--json")
    assert 0 == held.json["evaluated"]
    assert "Safety brake: the changed rules" in held.json["errors"][0]


def test_only_the_present_checks_are_shown_and_accepted(aids: Sandbox, tmp_path: Path) -> None:
    """Corrected between a dry run and the acceptance, also on second thoughts."""
    dsync = configured(aids, tmp_path, "subvention")
    dsync("sync")
    path = Path(dsync.environment["DSYNC_CONFIG"])
    text = path.read_text(encoding="utf-8")
    later = text.replace("au_moins = 2026-09-01", "au_moins = 2026-11-15")
    path.write_text(later, encoding="utf-8")
    changed = dsync("accept", "first", "--yes")
    assert (2, True) == (changed.code, "The file was changed since" in changed.err)
    assert 4 == dsync("sync").code
    accepted = dsync("accept", "first", "--yes")
    assert (0, "") == (accepted.code, accepted.err)
    assert f"calendrier_depot: {FEW} of {FEW} dossiers: is its rule too wide?" in accepted.out
    assert f"{FEW} judged" in accepted.out
    path.write_text(text, encoding="utf-8")
    assert 4 == dsync("sync").code
    path.write_text(later, encoding="utf-8")
    assert dsync("accept", "rules", "--yes").refuses("The file was changed since")
    assert 0 == dsync("sync").code
    assert "Nothing waits for consent." in dsync("accept").out


def test_what_is_wrong_is_told_at_once(run: Command) -> None:
    """With place and nearest name, by the exit code of configurations."""
    shutil.copytree(SAMPLES, run.folder / "exemples")
    path = run.folder / "exemples" / "subvention.toml"
    text = path.read_text(encoding="utf-8")

    def problems(*changes: tuple[str, str]) -> str:
        changed = text
        for old, new in changes:
            assert old in changed
            changed = changed.replace(old, new, 1)
        path.write_text(changed, encoding="utf-8")
        done = run("config", "check", DSYNC_CONFIG=str(path))
        assert 2 == done.code
        return done.err

    told = problems(
        ('exige = { champ = "montant",', 'exige = { champ = "montan",'),
        ('nom = "iban"', 'nom = "rna"'),
        ("champs = { engagement = true }", 'champs = { engagement = "oui" }'),
    )
    assert "part : « montan » n’est ni un champ de [champs] ni un fait ; montant ?" in told
    assert "rna : nom donné 2 fois" in told
    # Examples are tried once the rest is right.
    told = problems(("champs = { depot = 2026-12-31 }", "champs = { depot = 2027-12-31 }"))
    assert "calendrier_depot, exemple 1 : donne non_conforme au lieu de conforme" in told
    told = problems(("fois = 0.7", "foi = 0.7"))
    assert "controles.part.exige.au_plus.foi: unknown key; did you mean fois?" in told
    assert "exclude each other" in problems(("[precontrole]", "[mapping]\n[precontrole]"))


def test_a_dry_run_compares_with_accepted_dossiers_by_the_new_key(
    sandbox: Sandbox, run: Command
) -> None:
    """As the run does after somebody has accepted the changed check."""
    path = run.folder / "own.toml"
    text = (SAMPLES / "subvention.toml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    dsync = run.given(DSYNC_CONFIG=str(path))
    for etat in ("en_instruction", "accepte"):
        sandbox.control.move(86324031, etat)
    dsync("sync")
    dsync("accept", "first", "--yes")
    path.write_text(text.replace(UNIQUE, UNIQUE.replace('"theme"', "")), encoding="utf-8")
    assert "doublon: 1 of 39 dossiers\n" in dsync("precheck", "--dry-run").out


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ('{ champ = "depot", au_moins = 16/09/2026 }', "a date is written 2027-06-30"),
        ('{ champ = "montant", au_plus = 20 000 }', "a number is written without spaces"),
        ('{ somme = "aides.montant", au_plus = 0,7 }', "a number's decimals follow a point: 0.7"),
        ('{ champ = “montant”, au_plus = 1 }', "a text has straight quotes"),
        ('{ champ = "montant",\n  au_plus = 1 }', "what is in braces is on one line"),
        ('{ champ = "engagement", egal = oui }', "yes and no are written true and false"),
        ('{ champ = "montant", au_plus == 1 }', None),
    ],
)  # fmt: skip
def test_usual_typing_is_told_with_its_line(run: Command, typed: str, hint: str | None) -> None:
    """What the parser says, and how it is written."""
    path = run.folder / "typed.toml"
    path.write_text(f"demarche = 1\n[[controles]]\nexige = {typed}\n", encoding="utf-8")
    told = run("config", "check", DSYNC_CONFIG=str(path)).err
    assert "not valid TOML" in told
    assert "at line 3" in told
    assert f"« exige = {typed.splitlines()[0]} »" in told
    if hint:
        assert f"» ({hint}" in told
    # A secret that somebody put there is not shown.
    path.write_text("token = abc\n", encoding="utf-8")
    assert "abc" not in run("config", "check", DSYNC_CONFIG=str(path)).err


def test_both_programmes_live_in_one_database(sandbox: Sandbox, run: Command) -> None:
    """Each démarche is judged by its own checks, and the other one's stay as they were."""
    folder = run.folder / "demarches"
    shutil.copytree(SAMPLES.parent, folder, ignore=shutil.ignore_patterns("exemples"))
    for one in SAMPLES.iterdir():
        shutil.copy(one, folder)
    (folder / "mobilite.toml").unlink()
    dsync = run.given(DSYNC_CONFIG=str(folder))
    aid, eig = str(content.SUBSIDY_FORM.number), str(content.FORM.number)
    assert 0 == dsync("sync", "--demarche", eig).code
    before = dsync.rows(f"SELECT numero, verdict FROM verdict WHERE demarche_numero = {eig}")
    dsync("sync", "--demarche", aid)
    assert 0 == dsync("accept", "first", "--yes", "--demarche", aid).code
    assert 0 == dsync("sync", "--demarche", aid).code
    judged = dsync.rows(f"SELECT count(*) FROM verdict WHERE demarche_numero = {aid} AND courant")
    assert [(40,)] == judged
    theirs = f"SELECT numero, verdict FROM verdict WHERE demarche_numero = {eig}"
    assert before == dsync.rows(theirs)
    number = f"{aid}002"
    assert dsync("dossier", "show", number, "--demarche", aid).tells(
        "contrat d’engagement républicain"
    )
    assert 0 == dsync("precheck", "--stats", "--demarche", aid).code
    for demarche in (aid, eig):
        verified = dsync("db", "verify", "--json", "--demarche", demarche)
        assert [] == verified.json["findings"]
    # Keys of persons are erased with the dossier.
    assert 0 == dsync("dossier", "erase", number, "--yes", "--demarche", aid).code
    assert [] == dsync.rows(f"SELECT * FROM cle WHERE numero = {number}")


def test_config_init_proposes_checks_for_any_form(run: Command, sandbox: Sandbox) -> None:
    """All commented out; uncommented, they are valid and give « à vérifier » at most."""
    printed = run("config", "init", "--demarche", str(content.SUBSIDY_FORM.number), "-").out
    begin = printed.index("# ---- [annotations], [champs]")
    assert "controles" not in tomllib.loads(printed)
    lines = [line[2:] for line in printed[begin:].splitlines() if line.startswith("# ")]
    own = "\n".join(line for line in lines if re.match(r"\[|\w+ = ", line))
    path = run.folder / "propose.toml"
    path.write_text(printed[:begin] + own, encoding="utf-8")
    assert "regle est à compléter" in run("config", "check", DSYNC_CONFIG=str(path)).err
    written = own.replace("à compléter", "article 1")
    path.write_text(printed[:begin] + written, encoding="utf-8")
    checked = run("config", "check", DSYNC_CONFIG=str(path))
    assert (0, "") == (checked.code, checked.err)
    assert tomllib.loads(own)["annotations"].keys() == {"resultat", "options", "detail", "date"}
    assert 'format = "iban"' in own
    assert 'format = "rna"' in own
    assert "au_moins = 2026-08-24" in own


@pytest.mark.parametrize(
    ("listed", "proposed"),
    [
        (["à vérifier ", "Non éligible", "Éligible", "Inéligible"],
         {"eligible": "Éligible", "a_verifier": "à vérifier ", "ineligible": "Inéligible"}),
        (["À vérifier", "Éligible", "Rien à signaler", "Inéligible"],
         {"eligible": "Éligible", "rien_a_signaler": "Rien à signaler",
          "a_verifier": "À vérifier", "ineligible": "Inéligible"}),
        (["Complet", "À vérifier", "Refusé"], None),
    ],
)  # fmt: skip
def test_config_init_proposes_the_options_of_the_list_in_ds(
    listed: list[str], proposed: dict[str, str] | None, tmp_path: Path
) -> None:
    """By word; else they are listed for a person to choose."""
    form = copy.deepcopy(content.SUBSIDY_FORM)
    for one in form.revisions[-1].annotations:
        if one.stable_id == RESULT:
            one.options = listed
    with Sandbox([(form, content.subsidy_dossiers(7, 1, now=NOW))], seed=7) as sandbox:
        dsync = operator(sandbox, tmp_path)
        printed = dsync("config", "init", "--demarche", str(form.number), "-").out
    [line] = re.findall(r"(?m)^# (options = .*)$", printed)
    told = f"# # {TO_CHECK} the list in DS has {array(listed)}"
    if proposed:
        assert proposed == tomllib.loads(line)["options"]
        assert told not in printed
    else:
        assert f"{told}: give eligible, ineligible a word of it.\n# {line}" in printed


def test_another_demarche_is_asked_only_where_it_is_here(sandbox: Sandbox, run: Command) -> None:
    """One that is not in the database is no answer; a dossier of the same SIREN there is one."""
    shutil.copytree(SAMPLES, run.folder / "exemples")
    path = run.folder / "exemples" / "subvention.toml"
    text = path.read_text(encoding="utf-8")

    def judged(numero: int) -> Counter[object]:
        rule = f'{{ champ = "siren", pas_autre_demarche = {{ numero = {numero}, {STATES} }} }}'
        changed = text.replace(
            'exige = { champ = "siren", unique_avec = ["theme"] }', f"exige = {rule}"
        )
        assert changed != text
        path.write_text(changed, encoding="utf-8")
        done = dsync("precheck", "--dry-run", "--json").json
        told.extend(done["erreurs"])
        return Counter(
            one["resultat"]
            for dossier in done["dossiers"]
            for one in dossier["controles"]
            if one["controle"] == "doublon"
        )

    told: list[str] = []
    dsync = run.given(DSYNC_CONFIG=str(path))
    dsync("sync")
    assert {"impossible": 40} == judged(99_999)
    assert any("99999 is not in this database" in one for one in told)
    # Each applicant has a dossier in the démarche itself.
    assert {"a_verifier": 40} == judged(content.SUBSIDY_FORM.number)


def test_doublons_are_judged_again_with_each_other(sandbox: Sandbox, run: Command) -> None:
    """An answer that changes ends, and makes, what another dossier is told."""
    dsync = accepted(sandbox, run)
    first, second = 86324031, 86324034

    def told() -> list[tuple[object, ...]]:
        return dsync.rows(
            "SELECT numero, resultat FROM lecture_precontrole_controle "
            "WHERE courant AND controle = 'doublon' AND resultat <> 'conforme' ORDER BY numero",
        )

    assert [(first, "a_verifier"), (second, "a_verifier")] == told()
    sandbox.control.edit_champ(second, 6306, "Culture")
    assert 2 == dsync("sync", "--json").json["evaluated"]
    assert [] == told()
    sandbox.control.edit_champ(second, 6306, "Sport")
    assert 0 == dsync("sync").code
    assert [(first, "a_verifier"), (second, "a_verifier")] == told()
    # A refused one counts no more.
    sandbox.control.move(second, "en_instruction")
    sandbox.control.move(second, "refuse")
    dsync("sync")
    assert [(second, "a_verifier")] == told()


def test_a_person_answers_a_declared_check(sandbox: Sandbox, run: Command) -> None:
    """The answer makes the verdict and is written; changed facts have it confirmed."""
    dsync = accepted(sandbox, run)
    dsync("sync")
    best = "SELECT min(numero) FROM verdict WHERE courant AND verdict = 'Rien à signaler'"
    number = int(str(dsync.rows(best)[0][0]))

    def stand() -> tuple[object, ...]:
        sql = f"SELECT verdict, detail FROM verdict WHERE courant AND numero = {number}"
        return dsync.rows(sql)[0]

    def answer(resultat: str) -> None:
        given = ("--result", resultat, "--reason", "budget <corrigé> par courriel")
        assert 0 == dsync("precheck", "answer", str(number), "part", *given).code

    answer("non_conforme")
    verdict, detail = stand()
    assert "Inéligible" == verdict
    assert "part de l’aide : établi par " in str(detail).replace("\u00a0", " ")
    assert "part de l’aide" not in dsync("dossier", "message", str(number)).out
    assert 1 == dsync("sync", "--json").json["pushed"]
    second = dsync("sync", "--full", "--json").json
    assert (0, 0) == (second["evaluated"], second["pushed"])
    answer("conforme")
    verdict, detail = stand()
    assert "Rien à signaler" == verdict
    explained = dsync("dossier", "explain", str(number)).out
    assert ("(budget ‹corrigé›" in explained, "auteur" in explained) == (True, False)
    # Who applies is one in a call of the programme alone.
    assert ("Droits des usagers" in explained, "candidat" in explained) == (True, False)
    assert "IBAN valide" in str(detail)
    assert "(budget ‹corrigé› par courriel)" in str(detail)
    sandbox.control.edit_champ(number, 6309, "1")
    dsync("sync")
    verdict, detail = stand()
    assert "À vérifier" == verdict
    assert "réponse à confirmer" in str(detail)
    # A check of another name: the answer makes no verdict any more, and is listed as that.
    text = Path(dsync.environment["DSYNC_CONFIG"]).read_text(encoding="utf-8")
    renamed = run.folder / "renamed.toml"
    renamed.write_text(text.replace('nom = "part"', 'nom = "part_aide"'), encoding="utf-8")
    assert 4 == dsync("sync", DSYNC_CONFIG=str(renamed)).code
    dsync("accept", "rules", "--yes", DSYNC_CONFIG=str(renamed))
    assert "Rien à signaler" == stand()[0]
    assert "a_confirmer" in dsync("precheck", "answers").out
    dsync("sync")
    assert "À vérifier" == stand()[0]
    assert 0 == dsync("precheck", "unanswer", str(number), "part").code
    assert "Rien à signaler" == stand()[0]
    assert [] == dsync("db", "verify", "--json").json["findings"]
    # What a person refused is not admitted by another name of the check.
    answer("non_conforme")
    dsync("sync", DSYNC_CONFIG=str(renamed))
    verdict, detail = stand()
    assert "À vérifier" == verdict
    assert "ce contrôle n’est plus fait : non conforme selon" in str(detail).replace("\u00a0", " ")
    rests = dsync("sync", "--full", "--json", DSYNC_CONFIG=str(renamed)).json
    assert (0, 0) == (rests["evaluated"], rests["pushed"])
    withdrawn = dsync("precheck", "unanswer", str(number), "part", DSYNC_CONFIG=str(renamed))
    assert (0, "Rien à signaler") == (withdrawn.code, stand()[0])


def test_a_demarche_has_its_own_words_for_verdicts(tmp_path: Path) -> None:
    """In the annotation, its text, views and papers; what was written so is known again."""
    form = copy.deepcopy(content.SUBSIDY_FORM)
    for one in form.revisions[-1].annotations:
        if one.stable_id == RESULT:
            one.options = ["Recevable", "À vérifier", "Irrecevable"]
    with Sandbox([(form, content.subsidy_dossiers(7, 40, now=NOW))], seed=7) as sandbox:
        dsync = configured(sandbox, tmp_path, "subvention")
        path = Path(dsync.environment["DSYNC_CONFIG"])
        sample = path.read_text(encoding="utf-8")
        path.write_text(
            sample.replace('eligible = "Rien à signaler"', 'eligible = "Recevable"').replace(
                'ineligible = "Inéligible"', 'ineligible = "Irrecevable"'
            ),
            encoding="utf-8",
        )
        dsync("sync")
        # A person has to look at each dossier still.
        early = "contrôle humain et pas de rien_a_signaler : « Recevable » sera inscrit"
        assert (early in dsync("config", "check").err, early in dsync("check").out) == (True, True)
        assert 0 == dsync("accept", "first", "--yes").code
        assert 0 == dsync("sync").code
        found = dsync.rows(
            "SELECT numero, verdict, avis, detail FROM lecture_precontrole "
            "WHERE courant AND verdict = 'Inéligible' ORDER BY numero",
        )[0]
        assert ("Inéligible", "Irrecevable") == found[1:3]
        assert str(found[3]).replace("\u00a0", " ").startswith("Irrecevable – Avis préparatoire")
        explained = dsync("dossier", "explain", str(found[0])).out.replace("\u00a0", " ")
        assert "Avis « Irrecevable »" in explained
        # A new database knows its own texts again.
        (dsync.folder / "dsync.db").unlink()
        dsync("sync")
        dsync("accept", "first", "--yes")
        again = dsync("sync", "--json").json
        assert (0, 0) == (again["conflicts"], again["pushed"])


def declaring(folder: Path, sample: str, *exigences: str, champs: str = "") -> None:
    """Write checks into a copy of a sample, in place of its own ones."""
    text = (SAMPLES / f"{sample}.toml").read_text(encoding="utf-8").partition("[precontrole]")[0]
    for rank, exige in enumerate(exigences):
        text += f"""
[[controles]]
nom = "essai{rank}"
titre = "essai {rank}"
exige = {exige}
motif = "Refus {rank}."
regle = "Règle {rank}."
a_faire = "vérifier."
"""
    path = folder / "exemples" / f"{sample}.toml"
    path.write_text(f"{text}[champs]\n{champs}", encoding="utf-8")


def test_a_civilite_is_compared_as_ds_shows_it(tmp_path: Path) -> None:
    """Of the applicant, and of an answer; a value of no notation is told, and refuses nobody."""
    form = copy.deepcopy(content.MOBILITY_FORM)
    dossiers = content.mobility_dossiers(7, FEW, now=NOW)
    for one in form.revisions[-1].champs:
        if one.stable_id in (6402, 6403):
            one.type = "departements" if one.stable_id == 6402 else "civilite"
            one.options = []
    for rank, dossier in enumerate(dossiers):
        civilite = ("M", "Mme")[rank % 2]
        dossier.demandeur["civilite"] = civilite
        dossier.champs |= {6402: {"code": "29", "name": "Finistère"}, 6403: civilite}
    with Sandbox([(form, dossiers)], seed=7) as sandbox:
        dsync = configured(sandbox, tmp_path, "mobilite")
        champs = (
            'departement = { id = "Q2hhbXAtNjQwMg==", type = "texte" }\n'
            'civilite = { id = "Q2hhbXAtNjQwMw==", type = "texte" }\n'
        )
        right = (
            '{ champ = "demandeur_civilite", parmi = ["M.", "Mme"] }',
            '{ champ = "civilite", parmi = ["M.", "Mme"] }',
            '{ champ = "civilite", egal = "Monsieur" }',
            '{ champ = "departement", parmi = ["Finistère"] }',
        )
        declaring(tmp_path, "mobilite", *right, champs=champs)
        dsync("sync")
        told = dsync("accept", "first", "--yes").out
        for name, count in (("essai0", 0), ("essai1", 0), ("essai2", FEW // 2), ("essai3", 0)):
            assert f"{name}: {count} of " in told
        judged = dsync.rows("SELECT verdict, count(*) FROM verdict GROUP BY verdict")
        assert {("À vérifier", FEW // 2), ("Éligible", FEW // 2)} == {*judged}

        wrong = '{ champ = "departement", pas_parmi = ["Finisterre"] }'
        declaring(tmp_path, "mobilite", wrong, champs=champs)
        sentence = "« Finisterre » n’est pas un département (nom ou code) ; Finistère ?"
        checked = dsync("check")
        assert (2, True) == (checked.code, sentence in checked.out)
        assert sentence in "".join(dsync("sync", "--json").json["errors"])
        told = dsync("precheck", "--dry-run").out
        assert f"essai0: {FEW} of {FEW} dossiers: is its rule too wide?" in told


def _console_page(dsync: Command, number: int) -> str:
    """Return a dossier's page of the console."""
    process = dsync.start("console", "--port", "0")
    assert process.stdout is not None
    try:
        link, browser = process.stdout.readline().strip(), stranger()
        browser.get(link)
        return browser.get(link.partition("/entrer")[0] + f"/dossiers/{number}/tout").text
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_the_items_of_a_list_are_read_by_their_labels(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """DS gives items' ids as values, and lists no options of a single choice: the labels count."""
    form = copy.deepcopy(content.MOBILITY_FORM)
    dossiers = content.mobility_dossiers(7, FEW, now=NOW)
    options = ["Sept", "Huit", "Neuf, dix"]
    for one in form.revisions[-1].champs:
        if one.stable_id in (6402, 6403):
            one.type = "drop_down_list" if one.stable_id == 6402 else "multiple_drop_down_list"
            one.options, one.is_advanced = options, True
    for dossier in dossiers:
        dossier.champs |= {6402: "Neuf, dix", 6403: ["Sept", "Neuf, dix"]}
    with Sandbox([(form, dossiers)], seed=7) as sandbox:
        dsync = configured(sandbox, tmp_path, "mobilite")
        champs = (
            'un = { id = "Q2hhbXAtNjQwMg==", type = "choix" }\n'
            'des = { id = "Q2hhbXAtNjQwMw==", type = "choix" }\n'
        )
        right = (
            '{ champ = "un", egal = "Neuf, dix" }',
            '{ champ = "un", parmi = ["Onze", "neuf, dix"] }',
            '{ champ = "des", parmi = ["Sept", "Neuf, dix"] }',
            '{ champ = "des", pas_parmi = ["Huit"] }',
        )
        declaring(tmp_path, "mobilite", *right, champs=champs)
        checked = dsync("check")
        assert (0, False) == (checked.code, "pas une option" in checked.out), checked.out
        dsync("sync")
        dsync("accept", "first", "--yes")
        assert [("Éligible", FEW)] == dsync.rows(
            "SELECT verdict, count(*) FROM verdict GROUP BY verdict"
        )
        shown = dsync.rows(
            "SELECT DISTINCT valeur FROM lecture_champ "
            "WHERE champ_id IN ('Q2hhbXAtNjQwMg==', 'Q2hhbXAtNjQwMw==') ORDER BY valeur"
        )
        assert [("Neuf, dix",), ("Sept, Neuf, dix",)] == shown
        (view,) = dsync.rows(
            "SELECT name FROM sqlite_master WHERE type = 'view' AND sql LIKE '%AS choix%' "
            "AND name LIKE 'formulaire_%'"
        )
        chosen = dsync.rows(f"SELECT DISTINCT rang, choix FROM {view[0]} ORDER BY rang")
        assert [(1, "Sept"), (2, "Neuf, dix")] == chosen
        texts = [_console_page(dsync, dossiers[0].number)]
        with grist_server() as grist:
            table = f'views = ["{view[0]}"]\npersonal_data = true\n'
            document = f'[grist]\ndocument = "{grist.address}"\n{table}'
            declaring(tmp_path, "mobilite", *right, champs=f"{champs}{document}")
            assert 0 == dsync("grist", DSYNC_GRIST_KEY="key").code
            texts.append(str(grist.rows(view[0])))
        other = {"DSYNC_DATABASE_URL": postgres_server.make(migrated=False)}
        refused = dsync("export", "other", **other)
        assert (5, True) == (refused.code, "`dsync db upgrade`" in refused.err)
        assert 0 == dsync("db", "upgrade", **other).code
        dsync("sync", **other)
        for folder, where in (("out", {}), ("other", other)):
            assert 0 == dsync("export", folder, **where).code
            found = (dsync.folder / folder).glob("formulaire*.csv")
            texts.append("".join(one.read_text("utf-8-sig") for one in found))
        for text in texts:
            assert "Neuf, dix" in text
            assert not re.search("6402002|6403000", text)

        wrong = '{ champ = "des", parmi = ["Huitt"] }'
        declaring(tmp_path, "mobilite", wrong, champs=champs)
        assert "« Huitt » n’est pas une option de" in dsync("check").out


def test_a_question_that_leaves_the_form_is_told(aids: Sandbox, tmp_path: Path) -> None:
    """New dossiers have no answer to it: its checks would be « à vérifier » without a word."""
    dsync = configured(aids, tmp_path, "subvention")
    assert 1 == len(dsync("sync", "--json").json["errors"])
    [iban] = [one for one in content.SUBSIDY_FORM.revisions[-1].champs if "IBAN" in one.label]
    aids.control.form.publish_revision(Change(remove=[iban.stable_id]))
    told = dsync("sync", "--full", "--json").json["errors"]
    assert [one for one in told if one.startswith("[champs.iban]: no champ of the form matches")]
    checked = dsync("check")
    assert (7, True) == (checked.code, "champs.iban" in checked.out)
