"""Comparison and quoting of texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsync.domain.wording import cleaned, fold


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


@pytest.mark.parametrize("word", ["l{}appli", "l{}école"])
def test_every_apostrophe_is_the_same(word: str) -> None:
    """As word processors type it, whether the text has accents or not."""
    assert 1 == len({fold(word.format(sign)) for sign in "'’‘ʼ`´"})
