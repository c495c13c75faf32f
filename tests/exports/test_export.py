"""Exports hold what the views show, cell by cell, read back by other libraries."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from frictionless import Package
from openpyxl import load_workbook
from pyarrow import parquet
from sqlalchemy import text, update

from dsync.domain.documented import Declared
from dsync.domain.dossier import Champ, Fichier, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.json_bytes import json_bytes
from dsync.errors import ConfigurationError
from dsync.exports.export import export, tables_of
from dsync.exports.view_tables import ExportTable
from dsync.exports.writers import CUT_SIGN, MAX_XLSX_TEXT, CsvWriter, ParquetWriter, XlsxWriter
from dsync.store import Store
from dsync.store.dictionary import WITHHELD
from dsync.store.tables import dossier
from dsync.sync.record import Recorder
from tests.store.builders import (
    DEMARCHE,
    EARLIER,
    NOW,
    make_candidature,
    make_dossier,
    make_mapped,
    make_verdict,
    save_rules,
    save_verdicts,
    writing,
)
from tests.store.databases import engine_by_case, on_sqlite
from tests.store.test_form_views import demarche_of, descriptor, store_dossier
from tests.store.test_views import RULES

FORMULA = '=HYPERLINK("http://exemple.test")'
OTHER = DemarcheNumber(7)
ODD = "Ligne 1\nLigne « 2 » ; 'cité', \"deux\"\tfin 🎉"
LONG = "é" * (MAX_XLSX_TEXT + 10)


@pytest.fixture
def filled(store: Store) -> Store:
    """Three judged dossiers; the first has texts that are hard to write."""
    odd = {"probleme": FORMULA, "benefices": ODD, "perspectives": LONG}
    with writing(store) as tx:
        records = [make_mapped(1, candidature=odd), make_mapped(2), make_mapped(3)]
        tx.dossiers.store_page(1, records, now=NOW)
        save_verdicts(tx, 1, [make_verdict(number) for number in (1, 2, 3)], NOW)
    return store


def exported(
    store: Store, folder: Path, format_: str = "csv", names: Sequence[str] = (), **options: Any
) -> list[str]:
    """Export into a folder; return the files' names."""
    chosen = {k: options.pop(k) for k in ("without_personal_data", "demarche") if k in options}
    tables = tables_of(store.dictionary(), names, **chosen)
    with store.reading() as reader:
        done = export(reader.connection, tables, folder, format_=format_, made_at=NOW, **options)
    return [one.file for one in done]


def lines(folder: Path, view: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with (folder / f"{view}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def shown(store: Store, view: str) -> list[tuple[Any, ...]]:
    """Return a view's rows, with the values of the types that the dictionary gives them.

    Without `modifie_ici_le`: of some views it is the instant of each query.
    """
    columns = {**store.dictionary()[view].columns}
    del columns["modifie_ici_le"]
    types = [one.type for one in columns.values()]
    with store.reading() as reader:
        rows = reader.connection.execute(text(f"SELECT {', '.join(columns)} FROM {view}")).all()
    return sorted(
        (tuple(_typed(v, t) for v, t in zip(row, types, strict=True)) for row in rows), key=repr
    )


def _typed(value: Any, type_: str) -> Any:
    if value is None:
        return None
    if isinstance(value, str) and type_ in ("date", "datetime"):
        return {"date": date, "datetime": datetime}[type_].fromisoformat(value)  # type: ignore[attr-defined]
    if isinstance(value, list):
        return json_bytes(value).decode()
    return bool(value) if type_ == "boolean" else value


def test_parquet_has_the_views_values_and_types(filled: Store, tmp_path: Path) -> None:
    for name in exported(filled, tmp_path, "parquet"):
        read = parquet.read_table(tmp_path / name).drop_columns("modifie_ici_le")
        rows = [tuple(row.values()) for row in read.to_pylist()]
        assert sorted(rows, key=repr) == shown(filled, Path(name).stem)


@on_sqlite
def test_the_cells_of_an_export_are_those_of_the_view(filled: Store) -> None:
    """They are not read by it. Of known and unknown forms, rows, annotations, none; also chosen."""
    known = demarche_of([descriptor("c1", "Cas", "drop_down_list"), descriptor("c4", "", "text")])
    odd = Champ(DescriptorId(""), ODD, libelle="Sans descripteur", type="text")
    store_dossier(filled, known, 4, [*make_dossier().champs, odd])
    store_dossier(filled, demarche_of([], number=OTHER), 5, make_dossier().champs)
    store_dossier(filled, known, 6, [])
    day = timedelta(days=1)
    with writing(filled) as tx:
        tx.demarche.save(known)
    changed_later(filled, NOW + day)
    [everywhere] = tables_of(filled.dictionary(), ["lecture_champ"])
    [there] = tables_of(filled.dictionary(), ["lecture_champ"], demarche=OTHER)
    wanted = {
        "": (everywhere, None),
        f"WHERE demarche_numero = {OTHER}": (there, None),
        "WHERE numero = 2": (everywhere, NOW + day),
    }
    for where, (table, later) in wanted.items():
        with filled.reading() as reader:
            query = (
                f"SELECT * FROM lecture_champ {where} "
                "ORDER BY numero, origine, champ_id, ligne NULLS FIRST"
            )
            expected = [tuple(row) for row in reader.connection.execute(text(query))]
            batches = table.rows(reader.connection, later, as_texts=True)
            assert expected == [row for some in batches for row in zip(*some, strict=True)]
            assert expected


@on_sqlite
def test_small_batches_share_a_group_of_rows(filled: Store, tmp_path: Path) -> None:
    """The list of groups, which is kept in memory, does not grow with each batch."""
    [table] = tables_of(filled.dictionary(), ["lecture_valeur"])
    writer = ParquetWriter(tmp_path / "valeurs.parquet", table)
    for rank in range(3):
        writer.write([("vue",), ("colonne",), (str(rank),), ("sens",), (NOW,)])
    writer.close()
    file = parquet.ParquetFile(tmp_path / "valeurs.parquet")
    assert (1, ["0", "1", "2"]) == (file.num_row_groups, file.read()["valeur"].to_pylist())


def test_a_workbook_has_the_views_values_and_types(filled: Store, tmp_path: Path) -> None:
    """Every cell of every view; instants without their zone, a text beyond the limit cut."""
    for name in exported(filled, tmp_path, "xlsx"):
        book = load_workbook(tmp_path / name)
        [sheet] = book.worksheets
        header, *rows = sheet.iter_rows(values_only=True)
        view = Path(name).stem
        columns = {**filled.dictionary()[view].columns}
        assert list(header) == list(columns)
        moved = list(columns).index("modifie_ici_le")
        rows = [row[:moved] + row[moved + 1 :] for row in rows]
        del columns["modifie_ici_le"]
        types = [one.type for one in columns.values()]
        expected = [
            tuple(_in_a_cell(v, t) for v, t in zip(row, types, strict=True))
            for row in shown(filled, view)
        ]
        found = [tuple(_from_a_cell(v, t) for v, t in zip(row, types, strict=True)) for row in rows]
        assert sorted(found, key=repr) == sorted(expected, key=repr)
        assert (sheet.freeze_panes, bool(sheet.auto_filter.ref)) == ("A2", True)
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_a_workbook_has_a_day_that_excel_does_not_know_as_a_text(tmp_path: Path) -> None:
    """Excel counts days from 1900: an earlier one would be shown as another number."""
    path, types = tmp_path / "jours.xlsx", {"jour": "date", "instant": "datetime"}
    writer = XlsxWriter(
        path, ExportTable("jours", "", {name: Declared(type=one) for name, one in types.items()})
    )
    days = (date(1789, 7, 14), date(1899, 12, 31), date(1900, 1, 1), date(1985, 1, 17))
    instants = [datetime(one.year, one.month, one.day, 12, 30, tzinfo=UTC) for one in days]
    writer.write([days, instants])
    writer.close()
    _, *rows = load_workbook(path).active.iter_rows(values_only=True)
    assert [("1789-07-14", "1789-07-14T12:30:00Z"), ("1899-12-31", "1899-12-31T12:30:00Z")] == (
        rows[:2]
    )
    later = [datetime(1900, 1, 1), datetime(1985, 1, 17)]  # noqa: DTZ001 - cells have no zone
    assert later == [day for day, _ in rows[2:]]


def _in_a_cell(value: Any, type_: str) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0)
    if type_ == "number" and value is not None:
        return float(value)
    if type_ == "json" and value and value.startswith("["):
        return " ; ".join(json.loads(value)) or None
    if value == LONG:
        return LONG[: MAX_XLSX_TEXT - len(CUT_SIGN)] + CUT_SIGN
    return value or None if type_ == "text" else value


def _from_a_cell(value: Any, type_: str) -> Any:
    if isinstance(value, datetime):
        return value.date() if type_ == "date" else value.replace(microsecond=0)
    return float(value) if type_ == "number" and value is not None else value


@engine_by_case("format_", sqlite="csv", postgresql="csv-raw")
def test_csv_is_read_back_as_it_was(filled: Store, tmp_path: Path, format_: str) -> None:
    """Letter by letter, quotes and line breaks kept; raw, formulas too, without the BOM."""
    is_raw = format_ == "csv-raw"
    exported(filled, tmp_path, format_, names=["lecture_candidature"])
    raw = (tmp_path / "lecture_candidature.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") != is_raw
    rows = lines(tmp_path, "lecture_candidature")
    assert ["1", "2", "3"] == [row["numero"] for row in rows]
    first = rows[0]
    assert (ODD, LONG) == (first["benefices"], first["perspectives"])
    assert (FORMULA if is_raw else f"'{FORMULA}") == first["probleme"]
    assert ("false", "2024-07-01") == (first["valide_par_instructeur"], first["jury_le"])
    assert datetime.fromisoformat(first["depose_le"]).utcoffset() == timedelta()


def changed_later(store: Store, at: datetime) -> None:
    """Have the second dossier changed at that instant, and the others before."""
    with writing(store) as tx:
        for numero, when in ((dossier.c.numero != 2, NOW), (dossier.c.numero == 2, at)):
            tx.connection.execute(update(dossier).where(numero).values(modifie_ici_le=when))


FORM = [
    *(("entier", "integer_number"), ("decimal", "decimal_number"), ("coche", "checkbox")),
    *(("jour", "date"), ("instant", "datetime"), ("choix", "multiple_drop_down_list")),
    *(("fichiers", "piece_justificative"), ("texte", "text")),
]
LONGEST = 1234567890123456789
VIEW = f"formulaire_{DEMARCHE}"


@pytest.fixture
def answered(store: Store) -> Store:
    """Two dossiers with an answer of each type; the second one's are hard to write."""
    demarche = demarche_of([descriptor(name, name, type_) for name, type_ in FORM])
    files = [Fichier(f"{name}.pdf", "application/pdf", 3, "x", "SAFE") for name in "ab"]
    with writing(store) as tx:
        tx.demarche.save(demarche)
    values = {
        "entier": [("1200", 1200), (str(LONGEST), LONGEST)],
        "decimal": [("12.5", 12.5), ("3", 3)],
        "jour": [("2024-12-31", None), (None, None)],
        "instant": [("2024-06-30T22:30:00+00:00", None), ("9999-12-31T23:30:00+00:00", None)],
        "coche": [("oui", True), ("non", False)],
        "choix": [("a, b", ["a", "b"]), ("=1+1", ["=1+1"])],
        "texte": [(str(LONGEST), None), ("@SUM(1;2)", None)],
    }
    for rank in (0, 1):
        champs = [Champ(DescriptorId(name), *both[rank]) for name, both in values.items()]
        champs.append(Champ(DescriptorId("fichiers"), fichiers=tuple(files[: rank + 1])))
        store_dossier(store, demarche, rank + 1, champs)
    return store


FRENCH = [
    {
        "entier": "1200", "decimal": "12,5", "jour": "31/12/2024", "instant": "01/07/2024 00:30",
        "coche": "VRAI", "choix": "a ; b", "fichiers": "a.pdf", "texte": f'="{LONGEST}"',
    },
    {
        "entier": f'="{LONGEST}"', "decimal": "3", "jour": "", "instant": "31/12/9999 23:30",
        "coche": "FAUX", "choix": '="=1+1"', "fichiers": "a.pdf ; b.pdf",
        "texte": '="@SUM(1;2)"',
    },
]  # fmt: skip


def test_a_file_for_an_excel_in_french_is_in_french(answered: Store, tmp_path: Path) -> None:
    """And a number that Excel would round, or a formula, is a formula with this text."""
    exported(answered, tmp_path, "csv-fr", names=[VIEW])
    raw = (tmp_path / f"{VIEW}.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfnumero;demarche_numero;")
    rows = lines(tmp_path, VIEW, ";")
    assert FRENCH == [{name: row[name] for name, _ in FORM} for row in rows]
    assert {"FAUX"} == {row["archive"] for row in rows}


def test_a_number_of_nineteen_digits_leaves_each_format_exact(
    answered: Store, tmp_path: Path
) -> None:
    """As a number where the format has such ones, else as a text."""
    for format_ in ("csv", "xlsx", "parquet"):
        exported(answered, tmp_path, format_, names=[VIEW])
    assert ["1200", str(LONGEST)] == [row["entier"] for row in lines(tmp_path, VIEW)]
    table = parquet.read_table(tmp_path / f"{VIEW}.parquet")
    assert ("int64", [1200, LONGEST]) == (
        str(table.schema.field("entier").type),
        table["entier"].to_pylist(),
    )
    header, *cells = load_workbook(tmp_path / f"{VIEW}.xlsx").active.iter_rows(values_only=True)
    rows = [dict(zip(header, one, strict=True)) for one in cells]
    assert [1200, str(LONGEST)] == [row["entier"] for row in rows]
    assert ["a ; b", "=1+1"] == [row["choix"] for row in rows]
    assert ["a.pdf", "a.pdf ; b.pdf"] == [row["fichiers"] for row in rows]


def test_a_pseudonymised_file_in_french_has_no_answer(answered: Store, tmp_path: Path) -> None:
    """No answer is open here: the columns are missing."""
    exported(answered, tmp_path, "csv-fr", names=[VIEW], without_personal_data=True)
    header = (tmp_path / f"{VIEW}.csv").read_text("utf-8-sig").partition("\n")[0].strip().split(";")
    assert "etat" in header
    assert not {name for name, _ in FORM} & {*header}


def opened_in_libreoffice(
    folder: Path, name: str, delimiter: str = ";", *, formulas: bool = False
) -> list[tuple[Any, ...]]:
    """Return the cells that LibreOffice in French shows of a CSV file, or its formulas."""
    # Separator, quotes, UTF-8, first row, column formats by themselves, language: French; the last
    # one has it evaluate what begins with =.
    options = f"Text - txt - csv (StarCalc):{ord(delimiter)},34,76,1,,1036,false,true"
    options += ",false,false,false,0,true" if formulas else ""
    line = ["soffice", "--headless", f"--infilter={options}", "--convert-to", "xlsx", f"{name}.csv"]
    subprocess.run(line, cwd=folder, check=True, capture_output=True, timeout=120)
    book = load_workbook(folder / f"{name}.xlsx", data_only=not formulas)
    return list(book.active.iter_rows(values_only=True))


TYPED = [
    *("13002526500013", "012345678", "01000", "2A004", "07", "0612345678", "06 12 34 56 78"),
    *("+33611223344", "01/02", "1-2", "1/2", "31.12.2026", "mars 2026", "1er mars", "12:30"),
    *("1e5", "1E+5", "12,5", "1 234,5", "1\xa0234", "50 %", "10 €", "$5", ".5", "-1", "- 1"),
    *("(12)", "VRAI", "faux", "true", "FALSE", "null", "NULL", "NaN", "#N/A", "0x1F", "0"),
    *("2026-12-31", "2026-12-31T23:30:00Z", "01-02-2026", "31/12/26", "déc. 24", "4 mai"),
    *("1234567890123456", "0000000000000001", "1234567890123456789", "12.345.678", "3.10"),
    *("=1+1", " =1+1", "\xa0=1+1", "\t=1+1", "\u2009=1", "\u200b=1", "＝1+1", "+1", "@SUM(1)"),
    *('=HYPERLINK("http://a.example")', "|calc", "=cmd|' /C calc'!A0", "=" + "1" * 250, "a=1"),
    *(
        "@nom",
        "-nom",
        "\t12",
        "12\t",
        "\n12",
        "12\n",
        "12 \n \n",
        "\n=1+1",
        "1\n2",
        "20\u202f000",
        "１２",
        "'",
        '"',
    ),
    *("d'œuvre", "'01", 'un "mot" ; deux', "deux\nlignes", "a;b;c", "a,b", "a\tb", " avant"),
    *("après ", "Élise", "n° 7", "12 rue de la Paix", "12 lots " * 200, "é" * 9_000),
]
"""What people type that a spreadsheet may read as something else."""
NO_CONSTANT = ["=1+1\n2", "=1+" * 200]
"""Texts that would be a formula, and that none holds: of several lines, or too long."""


def test_a_text_opens_as_the_text_that_it_is(tmp_path: Path) -> None:
    """Digits and zeros, days and formulas; by one rule, in LibreOffice and by a double click.

    An apostrophe stands before what would be a formula that none holds, and before nothing else.
    A line break at an end is left out where a spreadsheet would read a number or a formula.
    """
    table = ExportTable("texte", "", {"texte": Declared(), "apres": Declared()})
    texts = TYPED + NO_CONSTANT
    with closing(CsvWriter(tmp_path / "texte.csv", table, french=True)) as writer:
        writer.write([texts, ["x"] * len(texts)])
    defused = [f"'{text}" for text in NO_CONSTANT]
    found = [row["texte"] for row in lines(tmp_path, "texte", ";")]
    assert defused == found[len(TYPED) :]
    assert ["'", "'01"] == [text for text in found[: len(TYPED)] if text.startswith("'")]
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice is not installed")
    _, *rows = opened_in_libreoffice(tmp_path, "texte")
    shown = [text.strip() if "\n" in text else text for text in TYPED]
    assert shown + defused == [row[0] for row in rows]


DEFUSED = {
    '=HYPERLINK("http://a.example")': '\'=HYPERLINK("http://a.example")',
    **{one: f"'{one}" for one in ("+A1", "-A1", "@SUM(1)", "|calc", "＝1+1", "\tA1", "\rA1")},
    **{"+1-1": "'+1-1", " =1": " '=1", "- un\n- deux": "'- un\n'- deux", "\t=1": "'\t'=1"},
    # An Excel in French begins a cell, or a line, there.
    **{"a;=1\n": "a;'=1\n", 'a\n "=1\n': "a\n \"'=1\n", "a\r\n@b": "a\r\n'@b"},
    **{one: one for one in ("-1,5", "+33 6 11 22 33 44", "-", "a=1", "a@b.fr", "1+1", "", "d'un")},
}
"""What a plain CSV file has for a text."""


def test_no_text_of_plain_csv_is_a_formula(tmp_path: Path) -> None:
    """Neither for a program that reads it as it is, nor for a spreadsheet in French."""
    table = ExportTable("texte", "", {"rang": Declared(type="integer"), "texte": Declared()})
    with closing(CsvWriter(tmp_path / "texte.csv", table)) as writer:
        writer.write([range(-1, len(DEFUSED) - 1), [*DEFUSED]])
    rows = lines(tmp_path, "texte")
    assert [*DEFUSED.values()] == [row["texte"] for row in rows]
    assert [str(rank - 1) for rank in range(len(rows))] == [row["rang"] for row in rows]
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice is not installed")
    for delimiter in (",", ";"):
        found = opened_in_libreoffice(tmp_path, "texte", delimiter, formulas=True)
        assert not [one for row in found for one in row if str(one).startswith("=")]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@on_sqlite
def test_libreoffice_reads_the_file_in_french(answered: Store, tmp_path: Path) -> None:
    """Its numbers and days are numbers and days in a French locale."""
    exported(answered, tmp_path, "csv-fr", names=[VIEW])
    header, first, _ = opened_in_libreoffice(tmp_path, VIEW)
    row = dict(zip(header, first, strict=True))
    assert (1200, 12.5, True) == (row["entier"], row["decimal"], row["coche"])
    assert "2024-12-31 00:00:00" == str(row["jour"])
    assert "2024-07-01 00:30:00" == str(row["instant"])


@engine_by_case("format_", sqlite=["csv", "csv-raw"], postgresql="csv-fr")
def test_the_data_package_describes_the_files(filled: Store, tmp_path: Path, format_: str) -> None:
    """An independent library finds each file valid for its schema."""
    exported(filled, tmp_path, format_)
    report = Package(tmp_path / "datapackage.json").validate()
    assert report.flatten(["title", "message"]) == []
    assert report.stats["tasks"] == len(filled.dictionary().keys() - WITHHELD)


@on_sqlite
def test_the_package_of_parquet_calls_integers_numbers(filled: Store, tmp_path: Path) -> None:
    """The library that validates it has no integer beside an empty one; the files have."""
    exported(filled, tmp_path, "parquet")
    package = json.loads((tmp_path / "datapackage.json").read_text(encoding="utf-8"))
    fields = {one["name"]: one["schema"]["fields"] for one in package["resources"]}
    types = {field["name"]: field["type"] for field in fields["lecture_champ"]}
    assert ("number", "number") == (types["numero"], types["ligne"])
    assert "int64" == str(
        parquet.read_schema(tmp_path / "lecture_champ.parquet").field("ligne").type
    )


@engine_by_case("format_", sqlite="csv", postgresql="csv-fr")
def test_the_data_package_describes_odd_answers(
    answered: Store, tmp_path: Path, format_: str
) -> None:
    """Long numbers and defused formulas are valid, too."""
    exported(answered, tmp_path, format_, names=[VIEW])
    package = Package(tmp_path / "datapackage.json")
    assert package.validate().flatten(["title", "message"]) == []
    [resource] = package.resources
    assert [1200, LONGEST] == [row["entier"] for row in resource.read_rows()]


@on_sqlite
def test_no_file_appears_before_all_are_complete(filled: Store, tmp_path: Path) -> None:
    """A stop in the middle leaves the files of the export before, and nothing else."""
    folder = tmp_path / "exports"
    exported(filled, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with writing(filled) as tx:
        tx.dossiers.store_page(1, [make_mapped(4)], now=NOW)

    def progress(name: str, done: int, total: int) -> None:
        if name == "lecture_candidature":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exported(filled, folder, progress=progress)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
from dsync.database import open_database
from dsync.exports.export import export, tables_of
store = open_database(sys.argv[1])
with store.reading() as reader:
    export(
        reader.connection,
        tables_of(store.dictionary(), ["lecture_champ"]),
        Path(sys.argv[2]),
        format_="xlsx",
        made_at=datetime.now(),
        progress=lambda name, done, total: done and os.kill(os.getpid(), 9),
    )
"""


@on_sqlite
def test_what_a_killed_export_left_goes_with_the_next_one(
    filled: Store, database_url: str, tmp_path: Path
) -> None:
    """Whatever is exported then: it holds personal data."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "other.partial").touch()
    killed = [sys.executable, "-c", KILLED, database_url, str(folder)]
    assert -9 == subprocess.run(killed, check=False).returncode
    assert 1 < len([*folder.iterdir()])
    names = exported(filled, folder, names=["lecture_voeu"])
    assert {*names, "datapackage.json", "other.partial"} == {p.name for p in folder.iterdir()}


@on_sqlite
def test_two_exports_do_not_meet_in_a_folder(filled: Store, tmp_path: Path) -> None:
    """The second is refused, and the first one's files are whole; then another one may begin."""
    refused = []

    def meanwhile(name: str, done: int, total: int) -> None:
        if not refused:
            with pytest.raises(ConfigurationError, match="Another export") as caught:
                exported(filled, folder, names=["lecture_voeu"])
            refused.append(caught.value)

    folder, names = tmp_path / "out", ["lecture_candidature", "lecture_voeu"]
    exported(filled, folder, names=names, progress=meanwhile)
    exported(filled, folder, names=names)
    assert {*(f"{name}.csv" for name in names), "datapackage.json"} == {
        path.name for path in folder.iterdir()
    }
    assert refused


@on_sqlite
def test_only_the_owner_reads_the_files(filled: Store, tmp_path: Path) -> None:
    """They hold personal data."""
    folder = tmp_path / "neu" / "encore"
    for name in exported(filled, folder, "xlsx", names=["lecture_champ"]):
        assert 0o600 == (folder / name).stat().st_mode & 0o777


def test_since_keeps_the_dossiers_that_changed_later(filled: Store, tmp_path: Path) -> None:
    """Views that are not about single dossiers stay whole."""
    changed_later(filled, NOW + timedelta(days=2))
    exported(filled, tmp_path, since=NOW + timedelta(days=1))
    assert ["2"] == [row["numero"] for row in lines(tmp_path, "lecture_candidature")]
    assert len(lines(tmp_path, "lecture_valeur")) == len(shown(filled, "lecture_valeur"))
    assert "2024" in json.loads((tmp_path / "datapackage.json").read_text())["description"]


def test_one_demarche_of_several_is_exported_alone(filled: Store, tmp_path: Path) -> None:
    """Its dossiers and its form's views; views that are about no démarche stay whole."""
    lease = filled.acquire_lease(OTHER, 60)
    with filled.transaction(lease) as tx:
        tx.demarche.save(demarche_of([descriptor("c1", "Démarche : numéro")], number=OTHER))
        other = Recorder(None, None).record(
            make_dossier(9), OTHER, Revision(RevisionId("rev-1"), EARLIER, {})
        )
        tx.dossiers.store_page(2, [other], now=NOW)
        save_verdicts(tx, 2, [make_verdict(9, version_regles="r9")], NOW)
        for version in ("r1", "r9"):
            save_rules(tx, RULES | {"version": version}, NOW)
    for demarche, numbers in ((OTHER, {"9"}), (DEMARCHE, {"1", "2", "3"})):
        folder = tmp_path / str(demarche)
        names = exported(filled, folder, demarche=demarche, since=NOW - timedelta(days=1))
        assert (f"formulaire_{OTHER}.csv" in names) == (demarche == OTHER)
        for view in ("lecture_champ", "lecture_evenement"):
            assert numbers == {row["numero"] for row in lines(folder, view)}
        own = "r9" if demarche == OTHER else "r1"
        assert [own] == [row["version"] for row in lines(folder, "lecture_regle")]
        assert "lecture_valeur.csv" in names
        assert f"Démarche {demarche}" in (folder / "datapackage.json").read_text()
    with pytest.raises(ConfigurationError, match=f"no view formulaire_{OTHER}"):
        tables_of(filled.dictionary(), [f"formulaire_{OTHER}"], demarche=DEMARCHE)


@on_sqlite
def test_an_export_without_personal_data_lacks_those_columns(filled: Store, tmp_path: Path) -> None:
    """Neither contacts nor free texts; the rest stays."""
    names = exported(filled, tmp_path, without_personal_data=True)
    whole = b"".join((tmp_path / name).read_bytes() for name in names)
    candidature = make_candidature(make_dossier(2))
    for personal in ("contact_nom", "contact_courriel", "sponsor_telephone"):
        assert str(getattr(candidature, personal)).encode() not in whole
    header = (tmp_path / "lecture_candidature.csv").read_text("utf-8-sig").partition("\n")[0]
    assert "verdict" in header
    assert "contact_nom" not in header
