"""`dsync export`: the views as files, from the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest

from dsync.configuration import shipped_config
from tests.commands.command import Command


def test_all_views_are_exported_and_again(synced: Command) -> None:
    """A second run replaces the files; the figures are those of the views."""
    for _ in range(2):
        done = synced("export", "out", "--json")
        assert 0 == done.code
    files = {path.name for path in (synced.folder / "out").iterdir()}
    assert files == {"datapackage.json", *(one["file"] for one in done.json)}
    rows = {one["view"]: one["rows"] for one in done.json}
    assert (
        len(synced("dossier", "list", "--json", "--limit", "1000").json)
        == rows["lecture_candidature"]
    )


def test_a_pseudonymised_export_has_what_the_configuration_opens(synced: Command) -> None:
    """At once, without a run between; what the programme declares as open is there, too."""
    shipped = shipped_config().read_text("utf-8")
    own = synced.folder / "own.toml"
    one = ("export", "ouvert", "--without-personal-data", "--view", "formulaire_86321")
    shown = {}
    for ids in ("", '"Q2hhbXAtNDEwNA=="'):
        own.write_text(f"{shipped}\n[ouvert]\nchamps = [{ids}]\n", "utf-8")
        done = synced(*one, "--config", str(own))
        assert 0 == done.code, done.err
        written = (synced.folder / "ouvert" / "formulaire_86321.csv").read_text("utf-8-sig")
        shown[ids] = set(written.partition("\n")[0].split(","))
    before, after = shown.values()
    assert {"incubateur"} == after - before
    assert "phase_du_produit" in before


def test_a_pseudonymised_export_has_marks_from_the_deliberation_on(synced: Command) -> None:
    """As the present configuration says; without a day, never."""
    shipped = shipped_config().read_text("utf-8")
    own = synced.folder / "own.toml"
    one = ("export", "notes", "--without-personal-data", "--view", "lecture_evaluation_note")
    for day, is_shown in (("", False), ("2999-01-01", False), ("2020-01-01", True)):
        said = f"[demarche]\ndeliberation = {day}\n" if day else "[demarche]\n"
        assert shipped.count("[demarche]\n") == 1
        own.write_text(shipped.replace("[demarche]\n", said), "utf-8")
        done = synced(*one, "--config", str(own))
        assert 0 == done.code, done.err
        text = (synced.folder / "notes" / "lecture_evaluation_note.csv").read_text("utf-8-sig")
        rows = [*csv.DictReader(io.StringIO(text))]
        assert rows
        assert is_shown == any(row["note"] for row in rows), day


def test_what_is_published_is_counts_alone(synced: Command) -> None:
    """Of no single dossier: what chooses some is refused. Journaled as what it is."""
    done = synced("export", "publie", "--aggregated", "--json")
    assert 0 == done.code, done.err
    assert ["agregat_depot", "agregat_territoire"] == [one["view"] for one in done.json]
    latest = synced("history", "--seen", "--json").json[0]
    assert {"format": "csv", "agrege": True} == latest["options"]
    assert synced("export", "publie", "--aggregated", "--since", "2026-01-01T00:00:00Z").refuses(
        "--aggregated is of no view"
    )


def test_one_view_as_a_workbook(synced: Command) -> None:
    """What was written is listed."""
    done = synced("export", "livre", "--view", "lecture_jury", "--format", "xlsx")
    assert 0 == done.code
    assert "lecture_jury.xlsx" in done.out
    package = json.loads((synced.folder / "livre" / "datapackage.json").read_text())
    assert ["lecture_jury.xlsx"] == [resource["path"] for resource in package["resources"]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fichier.txt",), "fichier.txt"),
        (("/proc/nowhere",), "cannot be written"),
        (("out", "--view", "lecture_candidatures"), "did you mean lecture_candidature?"),
        (("out", "--format", "ods"), "csv"),
        (("out", "--since", "hier"), "2027-06-30T08:00:00Z"),
        (("out", "--since", "0001-01-01T00:00:00+05:00"), "2027-06-30T08:00:00Z"),
        (("out", "--demarche", "7"), "démarche 7"),
    ],
)
def test_what_cannot_be_exported_is_told(
    synced: Command, arguments: tuple[str, ...], told: str
) -> None:
    """Exit 2, with the remedy; no file is left."""
    (synced.folder / "fichier.txt").touch()
    refused = synced("export", *arguments)
    assert 2 == refused.code
    assert told in refused.err
    assert not list(synced.folder.rglob(".*partial"))
