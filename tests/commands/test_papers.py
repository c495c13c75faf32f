"""What a person may ask for: the rules in force and then, an account, what is to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from dsync.domain.dossier import PARIS
from dsync.sandbox import Sandbox
from tests.commands.command import Command, config_with
from tests.commands.conftest import begin
from tests.engine.rig import PAGE

REFUSED = 18600004
"""Of a product in a past phase."""
LIMIT = ("answer_days = 15", "answer_days = 20")


def test_the_rules_in_force_are_shown_whole_and_so_is_each_version_that_judged(
    synced: Command,
) -> None:
    """With parameters, digests of the lists, and every sentence; another version is named."""
    now = synced("rules", "show", "--json").json
    version = now["version"]
    kept = synced("rules", "show", version, "--json").json
    assert now == {name: value for name, value in kept.items() if name != "depuis_le"}
    [depot] = [one for one in now["controles"] if one["nom"] == "depot"]
    assert ("2024-01-01", "2024-12-31") == (depot["exige"]["au_moins"], depot["exige"]["au_plus"])
    assert synced("rules", "show").out == synced("rules", "show", version).out
    assert synced("rules", "show", "abc").refuses(version)


def test_the_rules_are_published_as_pages_of_the_same_content(run: Command) -> None:
    """Without a database: French, with the values in force."""
    for ending in ("md", "html"):
        assert 0 == run("rules", "publish", f"regles.{ending}").code
        page = (run.folder / f"regles.{ending}").read_text(encoding="utf-8")
        for said in ("31/12/2024", "à partir du 19/08/2024", "7120", "Preuve indisponible",
                     "L. 311-3-1", "426 entrées",
                     "n’est pas un conseil juridique", "Page établie le",
                     "Droits des candidats", "n’écrit à aucun candidat"):  # fmt: skip
            assert said in page.replace("\u00a0", " "), (ending, said)
        # No JSON, and no phase by its name in the file of the configuration.
        for raw in ("{&quot;", '{"', "[&quot;", '["', "success", "opere,", "transfere"):
            assert raw not in page, (ending, raw)
    assert '<html lang="fr">' in page
    loaded = _Loaded()
    loaded.feed(page)
    assert (1, []) == (loaded.titles, loaded.found)
    assert run("rules", "publish", "regles.pdf").refuses(".md or .html")


NOTICE = """
[console]
entity = "Direction des essais"
contact = "contact@essais.example.fr"
dpo = "dpo@essais.example.fr"
host = "Hébergeur d’exemple"
[retention]
open = "2y"
accepted = "5y"
refused = "1y"
"""


def test_a_notice_for_applicants_is_written_beside_the_rules(run: Command, tmp_path: Path) -> None:
    """What it leaves blank is told with the settings, by `dsync check` too."""
    told = run("rules", "publish", "regles.html")
    beside = run.folder / "regles-donnees-personnelles.html"
    assert beside.name in told.out
    page = beside.read_text(encoding="utf-8")
    assert "[à compléter" in page
    checks = {one["name"]: one for one in run("check", "--json").json["checks"]}
    for setting in ("[console] entity", "[console] dpo", "[retention]"):
        assert setting in told.err
        assert setting in checks["notice"]["message"]
    run.environment["DSYNC_CONFIG"] = config_with(tmp_path, more=NOTICE)
    told = run("rules", "publish", "regles.html")
    page = beside.read_text(encoding="utf-8")
    assert ("", False) == (told.err, "[à compléter" in page)
    assert "Direction des essais, contact@essais.example.fr" in page
    assert "notice" not in {one["name"] for one in run("check", "--json").json["checks"]}


class _Loaded(HTMLParser):
    """Counts the titles of a page, and collects what a browser would load for it."""

    def __init__(self) -> None:
        super().__init__()
        self.titles = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.titles += tag == "h1"
        if tag in ("script", "img", "link", "iframe"):
            self.found.append(tag)


def test_a_verdict_is_explained_by_the_rules_that_gave_it(
    run: Command, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The former one, too: purpose, contribution, data, parameters, weights, operations."""
    begin(run, sandbox)
    # Dates of verdicts are shown in whole seconds, in which the next one follows here.
    run.rows("UPDATE verdict SET etabli_le = '2026-01-02 03:04:05.000000'")
    [former] = run("dossier", "show", str(REFUSED), "--json").json["precontroles"]
    run.environment["DSYNC_CONFIG"] = config_with(tmp_path, LIMIT)
    assert 0 == run("sync").code
    now = run("dossier", "explain", str(REFUSED), "--json").json
    then = run("dossier", "explain", str(REFUSED), "--at", former["etabli_le"], "--json").json
    assert [False, True] == [then["courant"], now["courant"]]
    assert [15, 20] == [one["regles"]["precontrole"]["answer_days"] for one in (then, now)]
    assert then["version_regles"] == then["regles"]["version"] == former["version_regles"]
    [phase] = [one for one in then["controles"] if one["controle"] == "phase"]
    assert "suffit à donner l’avis « Inéligible »" == phase["poids"]
    assert {"nom": "Phase ce jour-là", "valeur": "Pérennisé"} in phase["donnees"]
    text = run("dossier", "explain", str(REFUSED), "--at", former["etabli_le"]).out
    for said in ("## Finalité", "## Degré et mode de contribution", "leurs sources",
                 "## Opérations", "Poids : aucun", "| phase : admises |", "R. 311-3-1-2",
                 "remplacé depuis"):  # fmt: skip
        assert said in text, said
    twins = [18600002, 18600009]
    double = [run("dossier", "explain", str(number)).out for number in twins]
    assert ["(numéro non communiqué)" in text for text in double] == [True, True]
    assert [False, False] == [str(n) in text for n, text in zip(twins[::-1], double, strict=True)]
    assert run("dossier", "explain", str(REFUSED), "--at", "2020-01-01").refuses(
        former["etabli_le"]
    )


def test_a_day_is_explained_or_refused_with_its_reason(run: Command, sandbox: Sandbox) -> None:
    """What is known of today; not of a day before, a day to come, nor of another dossier."""
    begin(run, sandbox)
    today, number = datetime.now(PARIS).date(), str(REFUSED)
    text = run("dossier", "explain", number, "--on", today.isoformat()).out
    found = run("dossier", "explain", number, "--on", today.isoformat(), "--json").json
    version = found["compte_rendu"]["version_regles"]
    for said in (f"Dossier {REFUSED} : l’avis du", "## Contrôles et preuves", version):
        assert said in text.replace("\u00a0", " "), said
    for day, given, why in (
        ("2020-01-01", number, "dsync read it first on"),
        (str(today + timedelta(days=1)), number, "has not come yet"),
        (str(today), "999999", "999999"),
    ):
        assert run("dossier", "explain", given, "--on", day).refuses(why)
    assert run("dossier", "explain", number, "--at", "2020-01-01", "--on", "2020-01-01").refuses(
        "not both"
    )


def test_an_applicant_is_asked_at_once_for_all_that_is_open(
    run: Command, sandbox: Sandbox, tmp_path: Path
) -> None:
    """By one letter, in French, which names no other dossier."""
    address = "https://beta.gouv.fr/startups/registre-pollinisateurs.html"
    sandbox.control.edit_champ(18600001, PAGE, address.replace("pollinisateurs", "pollinizateurs"))
    run.environment["DSYNC_CONFIG"] = config_with(tmp_path, LIMIT)
    assert 0 == run("sync").code
    found = run("dossier", "message", "18600001", "--json").json
    text = found["texte"].replace("\u00a0", " ")
    assert text.startswith("Madame, Monsieur,\n\nNous avons bien reçu votre dossier n° 18600001.")
    for said in ("dans les 20 jours", f"dont la fiche est à l’adresse {address}"):
        assert said in text
    assert str(REFUSED) not in text
    shown = run("dossier", "message", "18600001").out.replace("\u00a0", " ")
    assert "Objet : Dossier n° 18600001" in shown
    assert "nothing to ask" in run("dossier", "message", "18600006").out
    # Of a product that is only near, nothing else is asked.
    assert 1 == len(found["demandes"])
