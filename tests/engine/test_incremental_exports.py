"""What `dsync export --since` gives: loaded as its description says, the same as a whole export."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsync.exports.export import export, tables_of
from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor, FileSeed
from dsync.store.dictionary import WITHHELD
from tests.engine.rig import DEMARCHE, LETTRE, PAGE, PROBLEME, RESULTAT, Engine, number, seeds
from tests.engine.test_evidence import publish, rewrite
from tests.engine.test_foreign_dossiers import taken_for_ours, with_a_neighbour
from tests.engine.test_judging import product_of
from tests.engine.test_stages import JURY
from tests.store.databases import sqlite_if_long

VOLATILE = {"jours", "jours_dans_etape", "modifie_ici_le"}
"""Columns that move with the clock, in views that each load has whole."""
PHONE = 4309
LETTER = FileSeed("Lettre.pdf", "application/pdf", b"%PDF-1.4 une lettre")
NOTE = FileSeed("note.txt", "text/plain", b"une note")
Row = dict[str, str]
PAGE_OF_DATA = Path(__file__).parents[2] / "docs/fr/donnees.md"
DOCUMENTED = re.findall(r"`((?:DELETE|INSERT) [^`]+)`", PAGE_OF_DATA.read_text(encoding="utf-8"))
"""The statements of an incremental load."""


class Copy:
    """A copy of the views in other places: of the files, by view, and as tables `copie_…`."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.begun = _iso(datetime.now(UTC))
        self.rows = self._loaded(None)
        self.loaded = engine.worker.now()
        # A new question gives a view of the form more columns, which a table has not.
        self.views = [name for name in by_dossier(engine) if name.startswith("lecture_")]
        for name in self.views:
            engine.execute(f"CREATE TABLE copie_{name} AS SELECT * FROM {name}")

    def load(self) -> None:
        """Load what has changed since the last load."""
        self.rows = self._loaded(self.loaded)
        for name in self.views:
            for statement in DOCUMENTED:
                own = statement.replace("INTO copie", f"INTO copie_{name}")
                own = own.replace("FROM copie", f"FROM copie_{name}")
                own = own.replace("lecture_message", name)
                self.engine.execute(own.replace(":depuis", f"'{_iso(self.loaded)}'"))
        self.loaded = self.engine.worker.now()

    def check(self) -> None:
        """Compare it, row by row and column by column, with everything."""
        steady = by_dossier(self.engine)
        for name, rows in self._loaded(None).items():
            moving = set() if name in steady else VOLATILE
            both = (_in_order(one, rows, moving) for one in (rows, self.rows[name]))
            assert next(both) == next(both), name
        for name in self.views:
            both = (self.engine.rows(f"SELECT * FROM {one}{name}") for one in ("", "copie_"))
            whole, loaded = (sorted(str(row) for row in rows) for rows in both)
            assert whole == loaded, name

    def _loaded(self, since: datetime | None) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        with self.engine.worker.store.reading() as reader:
            tables = tables_of(self.engine.worker.store.dictionary(), demarche=DEMARCHE)
            now = self.engine.worker.now()
            args = {"format_": "csv", "made_at": now, "since": since}
            export(reader.connection, tables, self.folder, **args)  # type: ignore[arg-type]
        package = json.loads((self.folder / "datapackage.json").read_text())
        kept: set[str] = set()
        steady = by_dossier(self.engine)
        if since:
            roll = self.read("dossiers.csv")
            kept = {row["numero"] for row in roll if row["modifie_ici_le"] < _iso(since)}
        for resource in package["resources"]:
            name = resource["name"]
            if name == "dossiers":
                continue
            rows = self.read(resource["path"])
            fields = [field["name"] for field in resource["schema"]["fields"]]
            if since and name in steady:
                stay = [row for row in self.rows.get(name, []) if row["numero"] in kept]
                rows = stay + rows
            elif since:
                self._check_dates(name, rows, fields, _iso(since))
            found[name] = rows
        return found

    def _check_dates(self, name: str, rows: list[Row], fields: list[str], since: str) -> None:
        """Of a view that is loaded whole: no row that is new or other has an earlier date."""
        names = {*fields} - VOLATILE
        known = [{field: row.get(field) for field in names} for row in self.rows[name]]
        for row in rows:
            if {field: row[field] for field in names} not in known:
                at = row["modifie_ici_le"]
                # Its database's clock is the real one.
                is_now = self.begun <= at <= _iso(datetime.now(UTC))
                assert at >= since or is_now, (name, row)

    def read(self, file: str) -> list[Row]:
        """Return the rows of a file of the last export."""
        with (self.folder / file).open(encoding="utf-8-sig", newline="") as lines:
            return [*csv.DictReader(lines)]


def by_dossier(engine: Engine) -> set[str]:
    """Return the views whose rows change with their dossier alone."""
    tables = tables_of(engine.worker.store.dictionary(), demarche=DEMARCHE)
    return {table.name for table in tables if table.is_by_dossier}


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_order(rows: list[Row], pattern: list[Row], moving: set[str]) -> list[object]:
    names = [name for name in (pattern[0] if pattern else {}) if name not in moving]
    return sorted([(name, row.get(name, "")) for name in names] for row in rows)


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """Twelve dossiers, one with two files, which are copied."""
    ours = seeds()
    ours[8].champs[LETTRE] = [LETTER, NOTE]
    target = {"configuration": {"pieces": {"target": f"file://{tmp_path / 'pieces'}"}}}
    with Engine(database_url, ours, **target) as made:
        yield made


def days(engine: Engine) -> Iterator[Callable[[], None]]:
    """Yield what happens on each day, before a full read."""
    control, world = engine.control, engine.sandbox.world

    def messages() -> None:
        control.send_message(number(0))
        control.send_message(number(1), "usager")
        control.ask_correction(number(2))
        control.edit_champ(number(3), PROBLEME, "Autre problème")

    def hands() -> None:
        control.discard_message(number(0))
        control.edit_annotation(number(4), RESULTAT, None)
        control.withdraw_correction(number(2))
        control.edit_champ(number(8), LETTRE, [NOTE])

    def jury() -> None:
        soon = (control.clock.now() + timedelta(days=2)).date().isoformat()
        for rank in (0, 1, 9):
            control.edit_annotation(number(rank), JURY, soon)
        engine.worker.push(4, force_by="ada@here")

    def moves() -> None:
        control.move(number(3), "en_instruction")
        control.move(number(6), "refuse", motivation="Trop tard.")
        control.change_groupe(number(7), "autre groupe")
        dossier = world.dossier(number(1))
        assert dossier is not None
        dossier.followers = [*dossier.groupe.instructeurs]
        control.save_without_submitting(number(1))

    def gone() -> None:
        control.hide(number(9))
        control.hide(number(10))
        control.erase(number(2))
        engine.worker.erase(7)

    def back() -> None:
        control.restore(number(9))
        engine.worker.erase(7, undo=True)
        control.archive(number(11))

    def rules() -> None:
        engine.restart(configuration={"precontrole": {"answer_days": 20}})

    def form() -> None:
        new = [ChampDescriptor(4999, "text", "Encore une question")]
        change = Change(rename={PROBLEME: "Le problème"}, add_champs=new)
        change.retype = {PHONE: "multiple_drop_down_list"}
        control.form.publish_revision(change)

    def names() -> None:
        world.demarches[DEMARCHE].title = "Un autre titre"
        world.demarches[DEMARCHE].labels[0].color = "purple_glycine"
        control.form.rename_label("inéligible", "hors critères")
        publish(engine, rewrite(product_of(0), name="Un autre nom"))
        engine.restart(configuration={"demarche": {"appel": "EIG 8"}})

    def removed() -> None:
        taken_for_ours(engine, with_a_neighbour(engine), 4)

    def twin() -> None:
        [first] = seeds([0])
        control.edit_champ(number(8), PAGE, first.champs[PAGE])
        control.edit_champ(number(8), LETTRE, [])

    def agents() -> None:
        # A wish that is refused is tried at each read of all dossiers, and counts as a change.
        control.form.rename_label("hors critères", "inéligible")
        with engine.worker.store.beside_runs(DEMARCHE) as tx:
            tx.journal.forget({"journaux": engine.worker.now()})

    yield from (messages, hands, jury, moves, gone, back, rules, form, names, removed, twin, agents)


def test_each_view_has_the_date_of_a_rows_last_change(engine: Engine) -> None:
    """The page names each one that is loaded whole all the same."""
    views = engine.worker.store.dictionary()
    assert [] == [name for name in views if "modifie_ici_le" not in views[name].columns]
    [said] = re.findall(r"Se rechargent entières : (.*?)\. ", PAGE_OF_DATA.read_text())
    whole = {*views} - {*WITHHELD} - by_dossier(engine)
    assert whole == {*re.findall(r"`(lecture_\w+)`", said)}


def test_a_row_is_dated_by_all_that_it_depends_on(engine: Engine) -> None:
    """The other dossiers that it counts or ranks, and the day on which a stage ends."""
    engine.control.edit_annotation(number(0), JURY, "2026-11-25")
    engine.control.move(number(0), "en_instruction")
    engine.sync_until_quiet()
    views = ("lecture_statistique", "lecture_jury_dossier", "lecture_jury")
    for year, where in (("2001", ""), ("2002", f"WHERE numero = {number(1)}")):
        engine.execute(f"UPDATE dossier SET modifie_ici_le = '{year}-06-01 00:00:00' {where}")
        for view in views:
            [row] = engine.rows(f"SELECT DISTINCT modifie_ici_le AS at FROM {view}")
            assert str(row["at"]).startswith(year), view
    ended = engine.rows("SELECT au, modifie_ici_le AS at FROM lecture_etape WHERE au IS NOT NULL")
    assert ended
    assert all(row["au"] == row["at"] for row in ended)


@sqlite_if_long
def test_what_changed_since_put_together_is_the_whole(engine: Engine, tmp_path: Path) -> None:
    """Whatever a day brings, also what leaves and what changes all dossiers; and a quiet day."""
    engine.sync_until_quiet()
    engine.sync(pieces=True)
    copy = Copy(engine, tmp_path / "views")
    for day, act in enumerate(days(engine), 1):
        engine.advance(days=1)
        act()
        engine.advance(minutes=5)
        engine.sync(full=True, pieces=True)
        if day % 4 == 0:  # What several days brought is loaded at once.
            copy.load()
            copy.check()
    engine.sync_until_quiet()
    copy.load()
    engine.advance(days=1)
    engine.sync(full=True)
    copy.load()
    assert [] == copy.read("lecture_dossier.csv")
    copy.check()
