"""Printed texts are clean and aligned, and JSON where requested."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from dsync.cli.output import clean, print_json, shown
from dsync.domain.remedies import ago

NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("two\nlines", "two lines"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("abc\u202edef", "abcdef"),
        ("nul\x00l", "null"),
        ("  Éco\u00a0conception ", "Éco conception"),
    ],
)
def test_no_text_can_control_the_terminal(typed: str, printed: str) -> None:
    """Control and bidirectional characters are removed; accents stay."""
    assert clean(typed) == printed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (date(2024, 3, 1), "2024-03-01"),
        (datetime(2024, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2024-03-01 10:00:00Z"),
        ([1, "b"], "1, b"),
        ({"a": 1}, "a 1"),
    ],
)
def test_any_value_is_shown_on_one_line(value: object, text: str) -> None:
    """Instants in UTC, lists joined."""
    assert shown(value) == text


def test_json_keeps_accents_and_writes_instants_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    """Texts are not escaped."""
    print_json({"verdict": "Éligible", "at": NOW, "day": date(2024, 6, 1)})
    text = capsys.readouterr().out
    assert "Éligible" in text
    assert json.loads(text) == {
        "verdict": "Éligible",
        "at": "2024-06-01T08:00:00Z",
        "day": "2024-06-01",
    }


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("items", [[], [1], [{"a": "b\nc"}, {"a": []}]])
def test_a_list_printed_item_by_item_reads_as_if_printed_whole(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    items: list[object],
    is_terminal: bool,
) -> None:
    """Of a list that is too long to be held: the same text, to the sign."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    print_json({"run": 1, "dossiers": items, "erreurs": []})
    whole = capsys.readouterr().out
    print_json({"run": 1, "dossiers": [], "erreurs": []}, dossiers=iter(items))
    assert capsys.readouterr().out == whole


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3 s ago"), (600, "10 min ago"), (7200, "2 h ago"), (-5, "0 s ago")]
)
def test_ages_are_in_the_largest_unit_that_fits(seconds: int, text: str) -> None:
    """Minutes instead of thousands of seconds."""
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_no_character_of_json_can_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters and direction marks are escaped; the document is the same."""
    told = "a\x1b[2J\x7f\x9b31m\u202egro.elpmaxe\u2066é’\n"
    print_json({"texte": told})
    out = capsys.readouterr().out
    assert {"texte": told} == json.loads(out)
    assert not [c for c in out if unicodedata.category(c) in {"Cc", "Cf"} and c != "\n"]
    assert r"\u009b31m\u202egro.elpmaxe\u2066é’" in out
