"""Comparison and quoting of texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsync.eig.precheck.wording import cleaned, cut, fold, grouped_siren, listed, quoted, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Accélération", "acceleration"),
        ("  Deux \u00a0 mots\n", "deux mots"),
        ("L’ÉTÉ", "l'ete"),
        ("Straße", "strasse"),
        ("ABC  d", "abc d"),
        ("x" * 5000, "x" * 4096),
    ],
)
def test_fold_forgets_case_and_accents(text: str, expected: str) -> None:
    """Variants of spelling compare as equal."""
    assert fold(text) == expected


def test_words_have_no_punctuation() -> None:
    """Words are compared without punctuation."""
    assert words("L’eau, d’ici !") == ("l", "eau", "d", "ici")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\tc", "a b c"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("a\u2028b\u00a0c", "a b c"),
        ("e\u0301", "é"),
        ("x" + "\u0301" * 9, "x\u0301\u0301"),
        ("\u0301x", "x"),
        ("\ud800\ue000x", "x"),
        ("👩‍🚒 ok", "👩🚒 ok"),
    ],
)
def test_cleaned_text_is_one_visible_line(text: str, expected: str) -> None:
    """Line breaks become spaces; invisible, direction-changing and stacked marks are removed."""
    assert cleaned(text) == expected


@given(st.text(max_size=200))
def test_cleaned_text_stays_as_it_is(text: str) -> None:
    """Cleaning is idempotent and removes control, format and line characters."""
    once = cleaned(text)
    assert cleaned(once) == once
    assert not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in once)


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("ab cd", 4, "ab…"), ("abe\u0316c", 4, "ab…")],
)
def test_cut_ends_with_an_ellipsis(text: str, length: int, expected: str) -> None:
    """A letter keeps its marks, and there is no blank before the ellipsis."""
    assert cut(text, length) == expected


def test_quoted_text_cannot_close_its_quotes() -> None:
    """Quotation marks in the text are replaced."""
    assert quoted("a » b « c", 20) == "« a ' b ' c »"
    assert quoted(None) == "«  »"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a et b"),
        (["a", "b", "c"], "a, b et c"),
        (["a", "b", "c", "d"], "a, b, c et d"),
    ],
)
def test_lists_name_all(items: list[str], expected: str) -> None:
    """All items are listed."""
    assert listed(items) == expected


def test_a_siren_is_written_in_groups() -> None:
    """The digits are in groups of three."""
    assert grouped_siren("110001013") == "110 001 013"
