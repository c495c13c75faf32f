"""The output on a terminal: it fits 80 columns, is in one language, and is not cut.

The screens are kept in golden/; `pytest --update-golden` writes them anew after a change that is
meant.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing

import click
import pytest
from click.testing import CliRunner

from dsync.annotations.wish import NewWish, WishOutcome, WishStatus
from dsync.cli import dsync
from dsync.database import open_database
from dsync.domain.dossier import Anomaly
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.messages.kinds import Note, Noted
from dsync.store.codes import Kind
from dsync.sync.report import RunReport
from scripts.pages.commands import below
from tests.commands.command import InsideCommand
from tests.commands.terminal import COLUMNS, screen
from tests.conftest import Golden
from tests.store.builders import (
    NOW,
    make_mapped,
    make_verdict,
    name_products,
    save_verdicts,
    writing,
)

LISTS = [
    ("--help",),
    ("history", "--manual"),
    ("check",),
    ("dossier", "show", "18600003"),
    ("precheck", "--dry-run"),
    ("precheck", "--dry-run", "--explain", "--dossier", "18600003"),
    ("pieces", "status"),
    ("evidence", "show"),
    ("db", "dictionary"),
    ("db", "verify"),
    ("config", "show"),
    ("config", "check"),
]


def helps(group: click.Group = dsync, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command and group."""
    yield path
    for name, command in below(group):
        if isinstance(command, click.Group):
            yield from helps(command, (*path, name))
        else:
            yield (*path, name)


def too_wide(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(line) > COLUMNS]


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_every_screen_fits_eighty_columns(
    synced: InsideCommand, arguments: tuple[str, ...]
) -> None:
    """No line is longer than the terminal, which would break it."""
    seen = screen(synced, *arguments)
    assert seen.code == 0
    assert seen.out.strip()
    assert too_wide(seen.out) == []


def test_wide_shows_every_column(synced: InsideCommand) -> None:
    """Each row is one line; when stdout is no terminal, all columns are always shown."""
    usual = screen(synced, "history").out.splitlines()[0].split()
    wide = screen(synced, "history", "--wide").out.splitlines()[0].split()
    assert {"requests", "by"} == set(wide) - set(usual) - {"changed", "deleted"}
    assert wide == synced("history").out.splitlines()[0].split()


def test_no_help_is_cut() -> None:
    """The whole first sentence of each command is shown."""
    for path in helps():
        seen = CliRunner().invoke(dsync, [*path, "--help"], terminal_width=COLUMNS)
        assert (0, []) == (seen.exit_code, too_wide(seen.output)), path
        assert "..." not in re.sub(r"\]\.\.\.|[A-Z]\.\.\.", "", seen.output), path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> InsideCommand:
    """Return `dsync` on a database with fixed contents."""
    folder = tmp_path_factory.mktemp("made")
    one, two = DossierNumber(1), DossierNumber(2)
    url = f"sqlite:///{folder / 'dsync.db'}"
    with closing(open_database(url, with_programme=True)) as store, writing(store) as tx:
        for number, kind in enumerate((Kind.FULL, Kind.INCREMENTAL), start=1):
            report = RunReport(kind, NOW, run=tx.journal.start_run(kind.value, "cli", NOW))
            if number == 1:
                tx.dossiers.store_page(1, [make_mapped(1), make_mapped(2)], now=NOW)
                save_verdicts(tx, 1, [make_verdict(1), make_verdict(2, Verdict.ELIGIBLE)], NOW)
                names = {one: "transport", two: "un-produit-au-nom-assez-long"}
                name_products(tx, {**names})
                tx.queue.close([one, two])
                tx.outbox.wish(
                    [
                        NewWish(one, "resultat", "À vérifier"),
                        NewWish(one, "detail", "À vérifier - phase : Phase inconnue.\nLa suite."),
                        NewWish(two, "resultat", "Éligible"),
                        NewWish(two, "detail", "Conforme : date de dépôt, administration, phase."),
                    ],
                    NOW,
                )
                (stopped,) = (
                    wish.id
                    for dossier in tx.outbox.due_dossiers(NOW, limit=9, numbers=[two])
                    for wish in dossier.wishes
                    if wish.annotation == "detail"
                )
                theirs = "Vu avec la direction : le produit est bien celui de l’administration."
                conflict = WishOutcome(stopped, WishStatus.CONFLIT, valeur_distante=theirs)
                tx.wishes.record_outcomes(1, [conflict], NOW)
                tx.outbox.refuse_waiting("le jeton est configuré seulement en lecture", [one])
                report.read = report.changed = 2
                report.verdict_of = dict.fromkeys((one, two), Verdict.ELIGIBLE)
                report.problem(Noted(Note.READ_ONLY))
            else:
                tx.quarantine.add(2, DossierNumber(7), Anomaly.BAD_DATA, "Illisible.", NOW)
            report.close(NOW)
            tx.journal.finish_run(report.run, report.columns())
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
    return InsideCommand(folder, environment)


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("history",),
        ("dossier", "list"),
        ("dossier", "show", "1"),
        ("conflicts", "list"),
        ("quarantine", "list"),
        ("precheck", "--stats"),
    ],
    ids=" ".join,
)
def test_a_screen_is_unchanged(
    made: InsideCommand, golden: Golden, arguments: tuple[str, ...]
) -> None:
    """Its words, columns and language; no line is longer than the terminal."""
    seen = screen(made, *arguments).out
    assert [] == too_wide(seen)
    seen = re.sub(r" +$", "", seen, flags=re.MULTILINE)
    seen = re.sub(r"\(\d+ \w+ ago\)", "(… ago)", seen)
    # The shipped file's folder, and how its path is wrapped, are of this machine.
    seen = re.sub(r"(?m)^(configuration +).+(\n .+)*$", r"\1…", seen)
    golden.check(f"{'-'.join(arguments)}.txt", seen)


@pytest.mark.parametrize(("command", "lines"), [("status", 1), ("history", 1)])
def test_json_is_one_line_in_a_log_file_and_indented_on_a_terminal(
    made: InsideCommand, command: str, lines: int
) -> None:
    """A log file has one document for each line."""
    assert lines == made(command, "--json").out.count("\n")
    seen = screen(made, command, "--json").out
    assert seen.count("\n") > 10
    assert json.loads(seen)


def test_open_pushes_are_marked_and_strict_fails(made: InsideCommand) -> None:
    """Waiting, refused or in conflict: one line each, with the remedy."""
    seen = made("status", "--strict")
    assert 7 == seen.code
    marked = [line for line in seen.out.splitlines() if line.startswith("! ")]
    words = ("wait", "refused", "human's value", "quarantine")
    assert list(words) == [word for line in marked for word in words if word in line]
    assert all("`dsync " in line for line in marked)
    assert "seulement en lecture" in seen.out
    assert 0 == made("status").code


def test_status_and_history_have_one_vocabulary_of_runs(made: InsideCommand) -> None:
    """A run is a row with the columns of `lecture_synchronisation`; the other keys are English."""
    document, [last, *_] = made("status", "--json").json, made("history", "--json").json
    shown = {name: document["last_run"][name] for name in last.keys() - {"demarche", "figures"}}
    assert {name: last[name] for name in shown} == shown
    assert {"genre", "statut", "debut", "fin", "lus"} <= shown.keys()
    assert {*document, *document["dossiers"]}.isdisjoint({"etat", "a_evaluer", "genre"})
