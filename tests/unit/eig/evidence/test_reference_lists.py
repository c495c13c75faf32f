"""Validation of new reference lists."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsync.eig.precheck.lists import validate_list
from dsync.errors import ConfigurationError

CONFIG = Path(__file__).parents[4] / "config"
TODAY = date(2026, 11, 24)


def test_operateurs_are_kept_with_year_and_source() -> None:
    """Also as a spreadsheet writes it; the stored list is sorted, and is read back unchanged."""
    text = '\ufeffsiren;nom\r\n582 056 149;"BRGM; LE"\r\n\r\n110001013;AGENCE\r\n'
    found = validate_list(text, today=TODAY, annee=2024, source="annexe\nau PLF 2024")
    assert (found.kind, found.annee, found.entries) == ("operateurs", 2024, 2)
    assert found.filename == "operateurs_etat_2024.csv"
    assert found.text == (
        "# annee: 2024\n# source: annexe au PLF 2024\n# date: 2026-11-24\n"
        "siren,nom\n110001013,AGENCE\n582056149,BRGM; LE\n"
    )
    assert validate_list(found.text, today=TODAY) == found


@pytest.mark.parametrize(
    ("source", "is_valid"),
    [
        ("annexe au PLF 2024", True),
        ("arrêté du 3 mars 2023 pour 2024", True),
        ("annexe", True),
        ("annexe au projet de loi de finances pour 2026", False),
    ],
)
def test_the_year_of_a_list_agrees_with_its_source(source: str, is_valid: bool) -> None:
    """A detail names both."""
    text = f"# annee: 2024\n# source: {source}\nsiren,nom\n110001013,A\n"
    if is_valid:
        assert 2024 == validate_list(text, today=TODAY).annee
        return
    with pytest.raises(ConfigurationError) as caught:
        validate_list(text, today=TODAY)
    assert ("its year is 2024, and its source names 2026",) == caught.value.problems


@pytest.mark.parametrize("line", ["# annee: 2020", "#annee : 2020", "# Annee: 2020"])
def test_arguments_win_over_the_files_own_lines(line: str) -> None:
    text = f"{line}\n# source: x\nsiren,nom\n110001013,A\n"
    found = validate_list(text, today=TODAY, annee=2024)
    assert (found.annee, found.source) == (2024, "x")


@pytest.mark.parametrize("name", ["operateurs_etat.csv", "categories_juridiques.csv"])
def test_the_shipped_lists_are_valid(name: str) -> None:
    found = validate_list((CONFIG / name).read_text(encoding="utf-8"), today=TODAY)
    assert validate_list(found.text, today=TODAY) == found


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("siren,nom\n1,X\n", 3),
        ("# source: x\ncode,libelle,reponse\n7120,A,oui\n", 2),
        ('siren,"nom\n', 4),
        ("a,b\n", 0),
        ("", 0),
    ],
)
def test_a_faulty_list_is_refused_with_every_problem(text: str, problems: int) -> None:
    with pytest.raises(ConfigurationError, match="nothing was kept") as caught:
        validate_list(text, today=TODAY)
    assert len(caught.value.problems) == problems


@pytest.mark.parametrize("end", ["", '130013345,"B"\n', f"130013345,{'B' * 200_000}\n"])
def test_a_cell_that_swallows_lines_is_refused(end: str) -> None:
    """A quote without its pair would make the list lack opérateurs without a word."""
    # The library that reads exports back lifts Python's limit for its whole process.
    before = csv.field_size_limit(131_072)
    lost = '110001013,"A\n582056149,BRGM\n' if len(end) < 1000 else ""
    text = f"# annee: 2024\n# source: x\nsiren,nom\n{lost}{end}"
    with pytest.raises(ConfigurationError, match="nothing was kept") as caught:
        validate_list(text, today=TODAY)
    csv.field_size_limit(before)
    assert any("line" in problem for problem in caught.value.problems)


def test_the_lists_are_those_at_hand(request: Any) -> None:
    """The shipped list of opérateurs is the one that the programme was given."""
    given = CONFIG.parent.parent / "shared" / "eig" / "operateurs_etat.csv"
    if not given.exists():
        pytest.skip("the programme's own list is not beside the checkout")
    shipped = (CONFIG / "operateurs_etat.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in shipped if not line.startswith("#")]
    assert len(rows) == len(given.read_text(encoding="utf-8").splitlines())


def test_a_quotation_mark_without_its_end_is_named_with_its_line() -> None:
    """Of a long file: what follows it is one field, longer than Python's reader takes."""
    rows = "110001013,A\n" * 15_000
    with pytest.raises(ConfigurationError) as raised:
        validate_list(f'# source: x\nsiren,nom\n110001013,"A\n{rows}', today=TODAY, annee=2024)
    assert any("line 3" in problem and "quotation" in problem for problem in raised.value.problems)


def test_a_problem_has_the_line_of_the_file_itself() -> None:
    """Year and source that are given beside it are no lines of it."""
    with pytest.raises(ConfigurationError) as raised:
        validate_list("siren,nom\n123,A\n", today=TODAY, annee=2024, source="x")
    assert ["line 2: « 123 » is not a SIREN (9 digits, check digit)"] == [*raised.value.problems]
